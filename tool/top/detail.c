// SPDX-License-Identifier: GPL-2.0
/* The page of one port, and the owner of that port. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/owners.h"
#include "lib/names.h"
#include "lib/record.h"
#include "top/screen.h"

#define LABEL_WIDTH	14
#define VALUE_WIDTH	22
#define LINE_SIZE	512
#define GRAPH_MIN	3
#define NOT_ROOT	"; run as root to see all processes"

static void put_line(int y, const char *label, const char *rx, const char *tx)
{
	top_put(y, 0, LABEL_WIDTH, LOOK_HEAD, label);
	top_put(y, LABEL_WIDTH, VALUE_WIDTH, LOOK_PLAIN, rx);
	top_put(y, LABEL_WIDTH + VALUE_WIDTH, VALUE_WIDTH, LOOK_PLAIN, tx);
}

static void put_rates(const struct top *t, int y, const char *label,
		      double rx, double tx)
{
	char cells[2][TOP_CELL];

	top_rate(cells[0], t, rx);
	top_rate(cells[1], t, tx);
	put_line(y, label, cells[0], cells[1]);
}

static void put_numbers(const struct top *t, int y, const char *label,
			uint64_t rx, uint64_t tx)
{
	char digits[2][NUMBER_SIZE];

	put_line(y, label, format_number(digits[0], rx, t->units),
		 format_number(digits[1], tx, t->units));
}

static void put_time(int y, const char *label, uint64_t when)
{
	char at[TIME_SIZE], age[AGE_SIZE], line[TIME_SIZE + AGE_SIZE + 16];

	if (!when)
		return;
	format_age(age, when, time(NULL));
	snprintf(line, sizeof(line), "%s (%s%s)", format_time(at, when), age,
		 strcmp(age, "now") ? " ago" : "");
	top_put(y, 0, LABEL_WIDTH, LOOK_HEAD, label);
	top_put(y, LABEL_WIDTH, top_width(), LOOK_PLAIN, line);
}

static const char *full_name(const struct top *t, const struct record *r)
{
	unsigned int i;

	for (i = 0; i < SVC_SOURCES; i++) {
		const struct svc_table *table =
			services_table(&t->ctx->services, i);
		const struct service *e = svc_find_port(table, r->port,
							1u << r->transport);

		if (e && e->full)
			return svc_text(table, e->full);
	}
	return NULL;
}

static void put_title(const struct top *t, int y, const struct rate *r)
{
	char port[TOP_CELL], service[TOP_CELL], line[LINE_SIZE];
	const char *full = NULL;

	top_cell(port, t, TOP_PORT, r);
	top_cell(service, t, TOP_SERVICE, r);
	if (!r->total.folded && record_has(&r->total, PORTMON_A_RECORD_PORT))
		full = full_name(t, &r->total);
	snprintf(line, sizeof(line), "%s port %s  %s%s%s%s  range: %s%s",
		 name_of(&scope_names, r->total.scope), port, service,
		 full ? " (" : "", full ? full : "", full ? ")" : "",
		 r->total.folded ? "several" :
				   name_of(&range_names, r->total.range),
		 r->total.ephemeral ? ", ephemeral" : "");
	top_put(y, 0, top_width(), LOOK_SORTED, line);
}

static uint64_t average(const struct count *c)
{
	return c->packets ? c->bytes / c->packets : 0;
}

static int put_counters(const struct top *t, int y, const struct rate *r)
{
	const struct record *delta = &r->delta, *total = &r->total;

	put_line(y++, "", "RX", "TX");
	put_rates(t, y++, "bits/s", 8.0 * delta->rx.bytes,
		  8.0 * delta->tx.bytes);
	put_rates(t, y++, "packets/s", delta->rx.packets, delta->tx.packets);
	put_numbers(t, y++, "bytes", total->rx.bytes, total->tx.bytes);
	put_numbers(t, y++, "packets", total->rx.packets, total->tx.packets);
	put_numbers(t, y++, "bytes/packet", average(&total->rx),
		    average(&total->tx));
	put_time(y++, "first seen", total->first_seen);
	put_time(y++, "last seen", total->last_seen);
	return y;
}

static const char *tcp_number(char buf[static NUMBER_SIZE],
			      const struct top *t, const struct record *r,
			      unsigned int attr)
{
	if (tcp_unknown(&t->ctx->info, r, attr))
		return "-";
	return format_number(buf, r->tcp[attr], t->units);
}

static void put_tcp(const struct top *t, int y, const char *label,
		    const struct record *r, unsigned int rx, unsigned int tx)
{
	char digits[2][NUMBER_SIZE];

	put_line(y, label, tcp_number(digits[0], t, r, rx),
		 tcp_number(digits[1], t, r, tx));
}

static void put_pair(const struct top *t, int y, const struct record *r,
		     const char *one, unsigned int one_attr, const char *two,
		     unsigned int two_attr)
{
	char digits[2][NUMBER_SIZE], words[TOP_CELL];

	snprintf(words, sizeof(words), "%s %s", two,
		 tcp_number(digits[1], t, r, two_attr));
	put_line(y, one, tcp_number(digits[0], t, r, one_attr), words);
}

static int put_handshakes(const struct top *t, int y, const struct rate *r)
{
	const struct record *total = &r->total;
	char rate[TOP_CELL];

	if (total->transport != PORTMON_TRANSPORT_TCP)
		return y;
	put_tcp(t, y++, "SYN", total, PORTMON_A_TCP_SYN_RECEIVED,
		PORTMON_A_TCP_SYN_SENT);
	put_tcp(t, y++, "SYN-ACK", total, PORTMON_A_TCP_SYNACK_RECEIVED,
		PORTMON_A_TCP_SYNACK_SENT);
	put_tcp(t, y++, "RST", total, PORTMON_A_TCP_RST_RECEIVED,
		PORTMON_A_TCP_RST_SENT);
	put_pair(t, y++, total, "established", PORTMON_A_TCP_ESTABLISHED,
		 "failed", PORTMON_A_TCP_FAILED);
	put_pair(t, y++, total, "retransmitted", PORTMON_A_TCP_RETRANSMITTED,
		 "SYN-ACKs again", PORTMON_A_TCP_SYNACK_RETRANSMITTED);
	top_cell(rate, t, TOP_CONNECTIONS, r);
	put_line(y++, "connections/s", rate, "");
	return y;
}

/* How many, and of a single port why, as the kernel names it. */
static int put_drops(const struct top *t, int y, const struct rate *r)
{
	const struct record *read = top_reading(t, &r->total);
	const struct drop *drop = read ? read->drops : NULL;
	char line[LINE_SIZE], digits[NUMBER_SIZE], rate[TOP_CELL];
	size_t len;

	top_put(y, 0, LABEL_WIDTH, LOOK_HEAD, "dropped");
	if (drops_unknown(&t->ctx->info, &r->total)) {
		top_put(y, LABEL_WIDTH, VALUE_WIDTH, LOOK_PLAIN, "-");
		return y + 1;
	}
	top_cell(rate, t, TOP_DROPS, r);
	len = snprintf(line, sizeof(line), "%s (%s/s)",
		       format_number(digits, r->total.dropped, t->units), rate);
	for (; drop && len < sizeof(line); drop = drop->next)
		len += snprintf(line + len, sizeof(line) - len, "  %s %s",
				drop->reason,
				format_number(digits, drop->packets, t->units));
	top_put(y, LABEL_WIDTH, top_width(),
		r->total.dropped ? LOOK_NOTICE : LOOK_PLAIN, line);
	return y + 1;
}

static int put_owner(const struct top *t, int y)
{
	if (!t->owner[0])
		return y;
	top_put(y, 0, LABEL_WIDTH, LOOK_HEAD, "owner");
	top_put(y, LABEL_WIDTH, top_width(), LOOK_PLAIN, t->owner);
	return y + 1;
}

/* The graph, so high as there is room; each line shows TOP_LEVELS steps. */
static void put_graph(const struct top *t, int y, const struct rate *r)
{
	const int bottom = top_lines() - 2, lines = bottom - y;
	const unsigned int past = rates_past(&t->rates);
	unsigned int width = top_width();
	char line[TOP_GLYPH * RATES_HISTORY + 1], peak_words[NUMBER_SIZE];
	float peak;
	int k;

	if (lines < GRAPH_MIN)
		return;
	if (width > RATES_HISTORY)
		width = RATES_HISTORY;
	peak = top_peak(t, r, width);
	snprintf(line, sizeof(line), "both directions, maximum of %u readings: %s bits/s",
		 past < width ? past : width,
		 format_number(peak_words, peak + 0.5, t->units));
	top_put(y, 0, top_width(), LOOK_HEAD, line);
	for (k = 0; k < lines; k++) {
		unsigned int ago = width;
		char *p = line;

		while (ago--) {
			float v = ago < past ?
				rate_history(&t->rates, r, ago) : 0;
			int level = v > 0 ? 1 + (lines * TOP_LEVELS - 1) *
				    (v / peak) : 0;

			level -= k * TOP_LEVELS;
			if (level < 0)
				level = 0;
			if (level > TOP_LEVELS)
				level = TOP_LEVELS;
			p = stpcpy(p, top_glyph(t, level));
		}
		top_put(bottom - k, 0, width, LOOK_GRAPH, line);
	}
}

/**
 * top_detail_draw() - show the page of the selected port
 * @t: the live view
 */
void top_detail_draw(const struct top *t)
{
	const struct rate *r = top_row_at(t);
	int y = top_lines() > 4 ? 2 : 0;

	if (!r) {
		top_put(y, 0, top_width(), LOOK_NOTICE,
			"no traffic since the last reset");
		return;
	}
	put_title(t, y, r);
	y = put_counters(t, y + 1, r);
	y = put_handshakes(t, y, r);
	y = put_drops(t, y, r);
	y = put_owner(t, y);
	put_graph(t, y, r);
}

static size_t append(struct top *t, size_t len, const char *text)
{
	if (len < sizeof(t->owner))
		snprintf(t->owner + len, sizeof(t->owner) - len, "%s", text);
	return strlen(t->owner);
}

static void name_owners(struct top *t, const struct owners *owners,
		     const struct port_use *use)
{
	char name[OWNER_SIZE], connections[OWNER_SIZE];
	size_t i, len = 0;

	for (i = 0; i < use->n; i += owner_group(use, i)) {
		len = append(t, len, i ? ", " : "");
		len = append(t, len, owner_text(name, use, i));
	}
	if (!use->n)
		len = append(t, len, "no socket");
	if (use->connections) {
		snprintf(connections, sizeof(connections),
			 "; %u open connection%s", use->connections,
			 plural(use->connections));
		len = append(t, len, connections);
	}
	if (owners_hidden(owners))
		append(t, len, NOT_ROOT);
}

/**
 * top_owner() - find the owner of the port of the detail page
 * @t: the live view; the result is in @t->owner
 *
 * Return: whether something was written to the terminal: an error, which
 * spoils the page and is no reason to end it.
 */
bool top_owner(struct top *t)
{
	const struct rate *r = top_row_at(t);
	struct owners owners;
	struct port_use use;
	struct record key;
	struct error e;
	bool spoiled;

	t->owner[0] = '\0';
	if (!r || r->total.folded || r->total.scope == PORTMON_SCOPE_FORWARD ||
	    !record_has(&r->total, PORTMON_A_RECORD_PORT))
		return false;
	spoiled = owners_read(&owners, 1u << r->total.transport, &e);
	if (spoiled)
		warn("%s", e.text);
	key = r->total;
	key.owners = &owners;
	if (!spoiled && !owners_of_record(&key, &use)) {
		name_owners(t, &owners, &use);
		port_use_free(&use);
	} else {
		append(t, 0, "unknown");
	}
	owners_free(&owners);
	return spoiled;
}
