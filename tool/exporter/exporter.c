// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "exporter/conns.h"
#include "exporter/exporter.h"
#include "exporter/log.h"
#include "exporter/process.h"

/* Requests that come closer than this have the same answer. */
#define FRESH_MS 1000

/**
 * exporter_init() - prepare to answer
 * @exporter: the exporter, to release with exporter_free()
 * @opt: what is to be shown
 *
 * Return: 0 or -ENOMEM.
 */
int exporter_init(struct exporter *exporter, const struct shown_options *opt)
{
	*exporter = (struct exporter){ .created = opt->created };
	return collector_init(&exporter->collector, opt);
}

static void forget_documents(struct exporter *exporter)
{
	struct document *d;

	for (d = exporter->document; d < exporter->document + API_DOCUMENTS; d++) {
		free(d->body);
		*d = (struct document){ 0 };
	}
}

/**
 * exporter_free() - release what an exporter holds
 * @exporter: the exporter
 */
void exporter_free(struct exporter *exporter)
{
	collector_free(&exporter->collector);
	forget_documents(exporter);
	text_free(&exporter->text[0]);
	text_free(&exporter->text[1]);
}

static void report(struct exporter *exporter)
{
	const struct collector *c = &exporter->collector;
	const bool limited = c->shown.hidden || c->shown.hidden_series;

	if (!exporter->reported || exporter->was_up != c->up) {
		if (c->up)
			log_line("reading the counters of module version %s",
				 c->info.version);
		else
			log_line("%s", c->error.text);
	}
	if (limited && !exporter->was_limited)
		log_line("a limit is reached (--max-ports %u, --max-series %u): %u ports and %u reasons of drops have no series",
			 c->shown.opt.max_ports, c->shown.opt.max_series,
			 c->shown.hidden, c->shown.hidden_series);
	exporter->reported = true;
	exporter->was_up = c->up;
	exporter->was_limited |= limited;
}

/**
 * exporter_state() - read the module, if that was more than a second ago
 * @exporter: the exporter
 */
void exporter_state(struct exporter *exporter)
{
	const uint64_t now = conns_now();

	if (exporter->read_at && now - exporter->read_at < FRESH_MS)
		return;
	collector_read(&exporter->collector);
	exporter->read_at = now;
	exporter->written[0] = false;
	exporter->written[1] = false;
	forget_documents(exporter);
	report(exporter);
}

/**
 * exporter_metrics() - the metrics, read no more than a second ago
 * @exporter: the exporter
 * @openmetrics: OpenMetrics 1.0, otherwise the text format 0.0.4
 *
 * Return: the text, valid until the next call, or NULL without memory.
 */
const struct text *exporter_metrics(struct exporter *exporter,
				    bool openmetrics)
{
	const struct collector *c = &exporter->collector;
	struct text *t = &exporter->text[openmetrics];

	exporter_state(exporter);
	if (exporter->written[openmetrics])
		return t;
	text_begin(t, openmetrics, exporter->created ? c->info.since : 0);
	collector_write(c, t);
	process_write(t);
	if (text_end(t))
		return NULL;
	exporter->written[openmetrics] = true;
	return t;
}
