// SPDX-License-Identifier: GPL-2.0
/* The page of one port. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/names.h"
#include "lib/record.h"
#include "lib/text.h"
#include "top/screen.h"
#include "view/howlong.h"
#include "view/out_peers.h"
#include "view/summary.h"

#define LABEL_WIDTH	14	/* that of summary_print(), without its indent */
#define VALUE_WIDTH	20
#define LINE_SIZE	512
#define GRAPH_MIN	3
#define GRAPH_ROOM	16	/* lines of text that the least graph leaves */
#define NOT_ROOT	"; run as root to see all processes"

/**
 * struct lines - the text of the page, as lines of a file in memory
 * @t: the live view
 * @f: it is written there
 */
struct lines {
	const struct top *t;
	FILE *f;
};

static void label(struct lines *l, const char *text)
{
	fprintf(l->f, "%-*s", LABEL_WIDTH, text);
}

static void put_two(struct lines *l, const char *head, const char *one,
		    const char *two)
{
	label(l, head);
	fprintf(l->f, "%-*s%s\n", *two ? VALUE_WIDTH : 0, one, two);
}

static void put_rates(struct lines *l, const char *head, double rx, double tx)
{
	char cells[2][TOP_CELL];

	top_rate(cells[0], l->t, rx);
	top_rate(cells[1], l->t, tx);
	put_two(l, head, cells[0], cells[1]);
}

static void put_numbers(struct lines *l, const char *head, uint64_t rx,
			uint64_t tx)
{
	const enum units units = l->t->ctx->opt.units;
	char digits[2][NUMBER_SIZE];

	put_two(l, head, format_number(digits[0], rx, units),
		format_number(digits[1], tx, units));
}

static void put_time(struct lines *l, const char *head, uint64_t when)
{
	char at[TIME_SIZE], age[AGE_SIZE];

	if (!when)
		return;
	format_age(age, when, time(NULL));
	label(l, head);
	fprintf(l->f, "%s (%s%s)\n", format_local(at, when), age,
		strcmp(age, "now") ? " ago" : "");
}

static uint64_t average(const struct count *c)
{
	return c->packets ? c->bytes / c->packets : 0;
}

static void put_counters(struct lines *l, const struct rate *r)
{
	const struct record *delta = &r->delta, *total = &r->total;

	put_two(l, "", "RX", "TX");
	put_rates(l, "bits/s", 8.0 * delta->rx.bytes, 8.0 * delta->tx.bytes);
	put_rates(l, "packets/s", delta->rx.packets, delta->tx.packets);
	put_numbers(l, "bytes", total->rx.bytes, total->tx.bytes);
	put_numbers(l, "packets", total->rx.packets, total->tx.packets);
	put_numbers(l, "bytes/packet", average(&total->rx),
		    average(&total->tx));
}

/* A count of events beside its rate. */
static void put_events(struct lines *l, const struct rate *r, const char *head,
		       const struct column *total, const struct column *rate)
{
	char cells[2][TOP_CELL];

	top_cell(cells[0], l->t, total, r);
	top_cell(cells[1], l->t, rate, r);
	put_two(l, head, cells[0], cells[1]);
}

static void put_all_events(struct lines *l, const struct rate *r)
{
	put_two(l, "", "TOTAL", "PER SECOND");
	if (r->total.transport == PORTMON_TRANSPORT_TCP) {
		put_events(l, r, "established", &column_connections,
			   &column_cps);
		put_events(l, r, "unanswered", &column_unanswered,
			   &column_unans_ps);
		put_events(l, r, "retransmitted",
			   &column_retransmitted, &column_retr_ps);
	}
	put_events(l, r, "dropped", &column_drops, &column_drop_ps);
}

static void put_wrapped(struct lines *l, const char *head, const char *text)
{
	label(l, head);
	print_wrapped(l->f, text, LABEL_WIDTH, top_width());
}

static void list_owners(FILE *f, const struct lines *l, const struct rate *r,
			const struct port_use *use)
{
	char name[OWNER_SIZE], backlog[TOP_CELL];
	size_t i;

	for (i = 0; i < use->n; i += owner_group(use, i)) {
		/* A process can have any name. */
		fputs(i ? ", " : "", f);
		owner_text(name, use, i);
		text_print(f, name, strlen(name));
	}
	if (!use->n)
		fputs("no socket", f);
	if (use->connections)
		fprintf(f, "; %u open connection%s", use->connections,
			plural(use->connections));
	if (use->queue_max) {
		top_cell(backlog, l->t, &column_backlog, r);
		fprintf(f, "; backlog %s", backlog);
	}
	if (owners_hidden(&l->t->owners))
		fputs(NOT_ROOT, f);
}

/* The groups of owners, their connections, and what a user may not see. */
static void put_owners(struct lines *l, const struct rate *r)
{
	struct record key = r->total;
	struct port_use use;
	char *text = NULL;
	size_t size;
	FILE *f;

	if (r->total.folded || r->total.scope == PORTMON_SCOPE_FORWARD ||
	    !record_has(&r->total, PORTMON_A_RECORD_PORT))
		return;
	key.owners = &l->t->owners;
	if (!l->t->has_owners || owners_of_record(&key, &use)) {
		put_two(l, "owner", "unknown", "");
		return;
	}
	f = open_memstream(&text, &size);
	if (f) {
		list_owners(f, l, r, &use);
		fclose(f);
		put_wrapped(l, "owner", text ? text : "out of memory");
	}
	free(text);
	port_use_free(&use);
}

/* What show says below its table, without its indent and the port's name. */
static void put_summary(struct lines *l, const struct record *r)
{
	static const char indent[] = "  ";
	char *text = NULL, *rest, *line;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return;
	summary_print(f, l->t->ctx, r, time(NULL));
	howlong_print(f, l->t->ctx, r);
	fclose(f);
	rest = text;
	while (rest && (line = strsep(&rest, "\n")))
		if (!strncmp(line, indent, strlen(indent)))
			fprintf(l->f, "%s\n", line + strlen(indent));
	free(text);
}

/* Those that show lists. */
static void put_peers(struct lines *l, const struct record *r)
{
	const struct portspec spec = {
		.port = r->port, .port_max = r->port,
		.transports = 1u << r->transport,
	};
	char address[INET6_ADDRSTRLEN], number[2][NUMBER_SIZE];
	struct peer *v = NULL;
	ssize_t i, n;

	if (!l->t->has_owners || r->scope == PORTMON_SCOPE_FORWARD ||
	    r->scope == PORTMON_SCOPE_REMOTE)
		return;
	n = peers_find(&l->t->owners, &spec, 1, &v);
	if (!n) {
		char words[LINE_SIZE];

		snprintf(words, sizeof(words), PEERS_NONE, r->port);
		put_wrapped(l, "peers", words);
	}
	for (i = 0; i < n && i < PEERS_SHOWN; i++)
		fprintf(l->f, "%-*s%-40s %u open, received %s, sent %s bytes\n",
			LABEL_WIDTH, i ? "" : "peers",
			peer_address(address, &v[i]), v[i].open,
			peer_bytes(number[0], l->t->ctx, &v[i], v[i].received),
			peer_bytes(number[1], l->t->ctx, &v[i], v[i].sent));
	if (n > PEERS_SHOWN)
		fprintf(l->f, "%*s... and %zd more\n", LABEL_WIDTH, "",
			n - PEERS_SHOWN);
	free(v);
}

static void put_all(struct lines *l, const struct rate *r)
{
	const struct record *read = top_reading(l->t, &r->total);

	put_counters(l, r);
	put_all_events(l, r);
	put_owners(l, r);
	if (record_has(&r->total, PORTMON_A_RECORD_PORT) && !r->total.folded)
		put_summary(l, read ? read : &r->total);
	if (read && record_has(read, PORTMON_A_RECORD_PORT))
		put_peers(l, read);
	put_time(l, "first seen", r->total.first_seen);
	put_time(l, "last seen", r->total.last_seen);
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

static const char *range_of(const struct record *r)
{
	if (r->folded)
		return "several";
	return record_has(r, PORTMON_A_RECORD_RANGE) ?
		       name_of(&range_names, r->range) : "none";
}

static void draw_title(const struct top *t, int y, const struct rate *r)
{
	char port[TOP_CELL], service[TOP_CELL], line[2 * LINE_SIZE + 2 * TOP_CELL];
	const char *full = NULL;

	top_cell(port, t, &column_port, r);
	top_cell(service, t, &column_service, r);
	if (!r->total.folded && record_has(&r->total, PORTMON_A_RECORD_PORT))
		full = full_name(t, &r->total);
	snprintf(line, sizeof(line), "%s port %s  %s%.200s%s%s  range: %s%s",
		 name_of(&scope_names, r->total.scope), port, service,
		 full ? " (" : "", full ? full : "", full ? ")" : "",
		 range_of(&r->total), r->total.ephemeral ? ", ephemeral" : "");
	top_put(y, 0, top_width(), LOOK_SORTED, line);
}

/* The graph, so high as there is room; each line shows TOP_LEVELS steps. */
static void draw_graph(const struct top *t, int y, const struct rate *r)
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
		 format_number(peak_words, peak + 0.5, t->ctx->opt.units));
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

/* The bar of a histogram is not for a terminal without UTF-8. */
static void draw_line(const struct top *t, int y, char *line)
{
	char *bar = t->ascii ? strstr(line, " [\xe2") : NULL;
	char *end = strstr(line, "  ");

	if (bar)
		*bar = '\0';
	top_put(y, 0, top_width(), LOOK_PLAIN, line);
	/* What the line is about. */
	top_put(y, 0, end && end < line + LABEL_WIDTH ? end - line : LABEL_WIDTH,
		LOOK_HEAD, line);
}

static void draw_text(struct top *t, int y, char *text, size_t room)
{
	size_t i, n = 0;
	char *p, *line;

	for (p = text; *p; p++)
		n += *p == '\n';
	t->height = room;
	if (t->scroll + room > n)
		t->scroll = n > room ? n - room : 0;
	for (i = 0; (line = strsep(&text, "\n")) && i < t->scroll + room; i++)
		if (i >= t->scroll && *line)
			draw_line(t, y + i - t->scroll, line);
	if (t->scroll + room < n)
		top_put_right(y + room - 1, top_width() - 8, 8, LOOK_DIM,
			      "Down ...");
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* Text first, but not without a graph where both have some room. */
static void draw_all(struct top *t, int y, const struct rate *r, char *text)
{
	const size_t n = count_lines(text);
	size_t room = top_lines() > y + 1 ? top_lines() - y - 1 : 0;

	if (room >= GRAPH_ROOM + GRAPH_MIN + 1 && n > room - GRAPH_MIN - 1)
		room -= GRAPH_MIN + 1;
	draw_text(t, y, text, room);
	draw_graph(t, y + (n < room ? n : room), r);
}

/**
 * top_detail_draw() - show the page of the selected port
 * @t: the live view
 */
void top_detail_draw(struct top *t)
{
	const struct rate *r = top_row_at(t);
	struct lines lines = { .t = t };
	int y = top_lines() > 4 ? 2 : 0;
	char *text = NULL;
	size_t size;

	if (!r) {
		top_put(y, 0, top_width(), LOOK_NOTICE,
			"no traffic since the last reset");
		return;
	}
	draw_title(t, y++, r);
	lines.f = open_memstream(&text, &size);
	if (lines.f) {
		put_all(&lines, r);
		if (fclose(lines.f)) {
			free(text);
			text = NULL;
		}
	}
	if (text)
		draw_all(t, y, r, text);
	else
		top_put(y, 0, top_width(), LOOK_NOTICE, "out of memory");
	free(text);
}
