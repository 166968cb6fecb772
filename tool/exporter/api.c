// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#include "exporter/api.h"
#include "lib/names.h"
#include "lib/util.h"
#include "view/out_drops.h"
#include "view/out_explain.h"
#include "view/out_json.h"
#include "view/view.h"

/* Lines of ports, or of their drops; what is beyond is in those of folds. */
#define LINES_MAX	1000

/**
 * struct answer - a document being made
 * @c: where it is read
 * @ctx: the same as the views know it
 * @what: which document
 * @argument: the requested port, or NULL
 * @list: records of it
 * @lines: lines so far, those of folds not counted
 * @fold: place of the fold in @list, by scope and transport, + 1
 */
struct answer {
	struct collector *c;
	struct ctx ctx;
	enum api_what what;
	const char *argument;
	struct records list;
	unsigned int lines;
	size_t fold[PORTMON_SCOPE_MAX + 1][PORTMON_TRANSPORT_MAX + 1];
};

/* Copies the drops; those of @r are of a record that is about to go. */
static int fold_drops(struct records *list, struct record *fold,
		      const struct record *r)
{
	const struct drop *drop;
	struct drop *to;

	for (drop = r->drops; drop; drop = drop->next) {
		for (to = fold->drops; to; to = to->next)
			if (!strcmp(to->reason, drop->reason))
				break;
		if (!to) {
			to = records_drop(list, fold);
			if (!to)
				return -ENOMEM;
			memcpy(to->reason, drop->reason,
			       sizeof(to->reason));
		}
		drop_add(to, drop);
	}
	return 0;
}

static int fold_port(struct answer *a, const struct record *r)
{
	size_t *place = &a->fold[r->scope][r->transport];
	struct record bare = *r;
	struct record *to;
	int err;

	if (!*place) {
		err = records_add(&a->list, r);
		if (err)
			return err;
		*place = a->list.n;
		to = &a->list.v[*place - 1];
		to->port_max = r->port;
		to->ports = 1;
		return 0;
	}
	to = &a->list.v[*place - 1];
	to->service = NULL;
	to->iana = NULL;
	bare.drops = NULL;
	view_fold_into(to, &bare);
	return fold_drops(&a->list, to, r);
}

/* In @lines of its own, or in a fold. */
static int add_answer(struct answer *a, struct record r, unsigned int lines)
{
	r.ephemeral = info_is_ephemeral(&a->c->info, r.port);
	r.service = services_name(&a->c->services, r.port, r.transport,
				  &r.iana);
	if (view_folds(&r) || a->lines + lines > LINES_MAX)
		return fold_port(a, &r);
	a->lines += lines;
	return records_add(&a->list, &r);
}

/* A newer module may know more than there is room for. */
static bool known(const struct record *r)
{
	return r->scope <= PORTMON_SCOPE_MAX &&
	       r->transport <= PORTMON_TRANSPORT_MAX;
}

static int take_counted_port(const struct record *r, void *arg)
{
	return known(r) ? add_answer(arg, *r, 1) : 0;
}

static int take_dropped_port(const struct record *r, void *arg)
{
	const struct drop *drop;
	unsigned int lines = 0;

	for (drop = r->drops; drop; drop = drop->next)
		lines++;
	return known(r) ? add_answer(arg, *r, lines) : 0;
}

static bool some(const struct drop_row *row)
{
	return row->drop->packets;
}

static int answer_overflow(struct answer *a, struct json *j)
{
	struct records list = { 0 };
	int err = pm_overflow(a->c->pm, NULL, &list);

	if (!err)
		out_json_overflow(j, &a->ctx, "overflow", &list);
	records_empty(&list);
	if (!err)
		err = pm_buckets(a->c->pm, &list);
	if (!err)
		out_json_buckets(j, "other", &list);
	records_free(&list);
	return err;
}

static int answer_stats(struct answer *a, struct json *j)
{
	struct filter f = FILTER_ALL;
	int err;

	f.non_zero = true;
	err = pm_each(a->c->pm, PORTMON_CMD_PORT_GET, &f, take_counted_port, a);
	if (err)
		return err;
	out_json_ports(j, &a->ctx, "ports", &a->list);
	return answer_overflow(a, j);
}

static int answer_ranges(struct answer *a, struct json *j)
{
	int err = pm_ranges(a->c->pm, NULL, &a->list);

	if (!err)
		out_json_sums(j, "ranges", &a->list);
	return err;
}

static int answer_drops(struct answer *a, struct json *j)
{
	struct drop_rows rows = { 0 };
	struct filter f = FILTER_ALL;
	size_t i;
	int err;

	f.dropped = true;
	err = pm_each(a->c->pm, PORTMON_CMD_PORT_GET, &f, take_dropped_port, a);
	if (!err)
		err = pm_overflow(a->c->pm, NULL, &a->list);
	if (!err)
		err = drop_rows_add(&rows, &a->list, some);
	if (!err) {
		drop_rows_sort(&rows, SORT_NONE, false);
		json_array(j, "drops");
		for (i = 0; i < rows.n; i++)
			out_json_drop(j, &rows.v[i]);
		json_array_end(j);
	}
	free(rows.v);
	return err;
}

/* A number, and a transport if it matters: 443 or 443/tcp. */
static int answer_explain(struct answer *a, struct json *j)
{
	struct svc_match match[EXPLAIN_MAX];
	struct portspec spec = { .transports = ALL_TRANSPORTS };
	const char *end = a->argument;
	int transport = 0;
	size_t n;

	if (!end || !parse_ports(end, &spec.port, &spec.port_max, &end) ||
	    spec.port != spec.port_max)
		return -EINVAL;
	if (*end == '/')
		transport = name_find(&transport_names, end + 1,
				      strlen(end + 1));
	if ((*end && *end != '/') || transport < 0)
		return -EINVAL;
	if (*end)
		spec.transports = 1u << transport;
	n = explain_find(&a->c->services, &spec, match);
	json_array(j, "explain");
	out_json_explain(j, &spec, match, n);
	json_array_end(j);
	return 0;
}

typedef int (*write_fn)(struct answer *a, struct json *j);

static const write_fn writers[] = {
	[API_STATS] = answer_stats,
	[API_RANGES] = answer_ranges,
	[API_DROPS] = answer_drops,
	[API_EXPLAIN] = answer_explain,
};

static int write_document(struct answer *a, struct json *j)
{
	int err;

	json_object(j, NULL);
	json_object(j, "portmon");
	out_json_head(j, &a->ctx, NULL);
	json_object_end(j);
	err = writers[a->what](a, j);
	json_object_end(j);
	return err;
}

static void refuse(const char *text, unsigned int status, struct document *d)
{
	FILE *out = open_memstream(&d->body, &d->len);
	struct json j;

	d->status = status;
	if (!out)
		return;
	if (!json_begin(&j, out, false)) {
		json_object(&j, NULL);
		json_string(&j, "error", text);
		json_object_end(&j);
		json_end(&j);
	}
	fclose(out);
}

/* All of it or nothing: the text is kept only if nothing went wrong. */
static int make_document(struct answer *a, struct document *d)
{
	FILE *out = open_memstream(&d->body, &d->len);
	struct json j;
	int err, failed;

	if (!out)
		return -ENOMEM;
	err = json_begin(&j, out, false);
	if (!err) {
		err = write_document(a, &j);
		failed = json_end(&j);
		if (!err)
			err = failed;
	}
	if (fclose(out) && !err)
		err = -ENOMEM;
	if (err) {
		free(d->body);
		d->body = NULL;
	}
	records_free(&a->list);
	return err;
}

/**
 * api_get() - a document, read no more than a second ago
 * @exporter: the exporter
 * @what: which
 * @argument: the port, for API_EXPLAIN
 *
 * Return: the document, valid until the next call; its body is NULL without
 * memory.
 */
const struct document *api_get(struct exporter *exporter, enum api_what what,
			       const char *argument)
{
	struct document *d = &exporter->document[what];
	struct collector *c = &exporter->collector;
	struct answer a = { .c = c, .what = what, .argument = argument };
	int err;

	exporter_state(exporter);
	if (d->body && what != API_EXPLAIN)
		return d;
	free(d->body);
	*d = (struct document){ .status = MHD_HTTP_OK };
	if (!c->up && what != API_EXPLAIN) {
		refuse(c->error.text, MHD_HTTP_SERVICE_UNAVAILABLE, d);
		return d;
	}
	a.ctx.pm = c->known ? c->pm : NULL;
	a.ctx.info = c->info;
	err = make_document(&a, d);
	if (what == API_EXPLAIN && err == -EINVAL)
		refuse("port= takes a port, or a port and a transport: 443 or 443/tcp",
		       MHD_HTTP_BAD_REQUEST, d);
	else if (err)
		refuse("the counters could not be read; try again",
		       MHD_HTTP_SERVICE_UNAVAILABLE, d);
	return d;
}
