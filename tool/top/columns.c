// SPDX-License-Identifier: GPL-2.0
/* The text of the live view. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/names.h"
#include "lib/record.h"
#include "top/top.h"

/**
 * struct column - a column of the list
 * @head: its head
 * @word: its name in messages
 * @width: so wide at least, so that numbers that change do not move it
 * @leave: where it is narrow the column with the largest number goes first,
 *   one with 0 never
 * @number: it holds numbers
 * @text: makes a cell
 */
struct column {
	const char *head;
	const char *word;
	unsigned int width;
	unsigned int leave;
	bool number;
	void (*text)(char *buf, const struct top *t, const struct rate *r);
};

static void scope(char *buf, const struct top *t, const struct rate *r)
{
	(void)t;
	snprintf(buf, TOP_CELL, "%s", name_of(&scope_names, r->total.scope));
}

static void port(char *buf, const struct top *t, const struct rate *r)
{
	const char *name = name_of(&transport_names, r->total.transport);

	(void)t;
	if (r->total.folded)
		snprintf(buf, TOP_CELL, "ephemeral/%s", name);
	else if (!record_has(&r->total, PORTMON_A_RECORD_PORT))
		snprintf(buf, TOP_CELL, "overflow/%s", name);
	else
		snprintf(buf, TOP_CELL, "%u/%s", r->total.port, name);
}

static void service(char *buf, const struct top *t, const struct rate *r)
{
	if (r->total.folded)
		snprintf(buf, TOP_CELL, "%u ports", r->total.ports);
	else
		snprintf(buf, TOP_CELL, "%s", r->total.service && !t->numeric ?
			 r->total.service : "-");
}

static void number(char *buf, const struct top *t, uint64_t v)
{
	char digits[NUMBER_SIZE];

	snprintf(buf, TOP_CELL, "%s", format_number(digits, v, t->units));
}

/**
 * top_rate() - a difference as a rate
 * @buf: room for it
 * @t: the live view
 * @delta: the differences between the last two readings
 *
 * What is less than one a second is not nothing.
 */
void top_rate(char buf[static TOP_CELL], const struct top *t, double delta)
{
	const double rate = rate_per_second(&t->rates, delta);

	if (!t->rates.seconds)
		snprintf(buf, TOP_CELL, "-");
	else if (!delta || rate >= 0.95)
		number(buf, t, sum_round(rate));
	else if (rate < 0.05)
		snprintf(buf, TOP_CELL, "<0.1");
	else
		snprintf(buf, TOP_CELL, "%.1f", rate);
}

static void rx(char *buf, const struct top *t, const struct rate *r)
{
	top_rate(buf, t, 8.0 * r->delta.rx.bytes);
}

static void tx(char *buf, const struct top *t, const struct rate *r)
{
	top_rate(buf, t, 8.0 * r->delta.tx.bytes);
}

static void packets(char *buf, const struct top *t, const struct rate *r)
{
	top_rate(buf, t, (double)r->delta.rx.packets + r->delta.tx.packets);
}

static void connections(char *buf, const struct top *t, const struct rate *r)
{
	const unsigned int attr = PORTMON_A_TCP_ESTABLISHED;

	if (tcp_unknown(&t->ctx->info, &r->total, attr))
		snprintf(buf, TOP_CELL, "-");
	else
		top_rate(buf, t, r->delta.tcp[attr]);
}

static void drops(char *buf, const struct top *t, const struct rate *r)
{
	if (drops_unknown(&t->ctx->info, &r->total))
		snprintf(buf, TOP_CELL, "-");
	else
		top_rate(buf, t, r->delta.dropped);
}

static void total(char *buf, const struct top *t, const struct rate *r)
{
	number(buf, t, r->total.rx.bytes + r->total.tx.bytes);
}

static void seen(char *buf, const struct top *t, const struct rate *r)
{
	(void)t;
	if (record_has(&r->total, PORTMON_A_RECORD_LAST_SEEN))
		format_age(buf, r->total.last_seen, time(NULL));
	else
		snprintf(buf, TOP_CELL, "-");
}

static const struct column columns[TOP_COLUMNS] = {
	[TOP_RATE] = { "GRAPH", "rate", TOP_GRAPH_MIN, 6, false, NULL },
	[TOP_SCOPE] = { "SCOPE", "scope", 6, 4, false, scope },
	[TOP_PORT] = { "PORT", "port", 13, 0, false, port },
	[TOP_SERVICE] = { "SERVICE", "service", 8, 3, false, service },
	[TOP_RX] = { "RX-b/s", "rx", 6, 1, true, rx },
	[TOP_TX] = { "TX-b/s", "tx", 6, 0, true, tx },
	[TOP_PACKETS] = { "PKTS/s", "packets", 6, 2, true, packets },
	[TOP_CONNECTIONS] = { "CONN/s", "connections", 6, 7, true,
			      connections },
	[TOP_DROPS] = { "DROP/s", "drops", 6, 8, true, drops },
	[TOP_TOTAL] = { "TOTAL", "total", 6, 5, true, total },
	[TOP_SEEN] = { "SEEN", "last seen", 4, 9, true, seen },
};

/**
 * top_head() - the head of a column
 * @column: the column
 *
 * Return: a word.
 */
const char *top_head(enum top_column column)
{
	return columns[column].head;
}

/**
 * top_is_number() - is it put to the right?
 * @column: the column
 *
 * Return: whether it is.
 */
bool top_is_number(enum top_column column)
{
	return columns[column].number;
}

/**
 * top_cell() - the cell of a column
 * @buf: room for it
 * @t: the live view
 * @column: the column, not the graph
 * @r: the line
 */
void top_cell(char buf[static TOP_CELL], const struct top *t,
	      enum top_column column, const struct rate *r)
{
	columns[column].text(buf, t, r);
}

static unsigned int widest(const struct top *t, enum top_column column,
			   size_t first, size_t n)
{
	unsigned int width = columns[column].width;
	char cell[TOP_CELL], fit[TOP_CELL];
	size_t i;

	for (i = first; columns[column].text && i < first + n && i < t->n;
	     i++) {
		unsigned int w;

		top_cell(cell, t, column, t->rows[i]);
		w = format_fit(fit, sizeof(fit), cell, TOP_CELL);
		if (w > width)
			width = w;
	}
	return width;
}

static unsigned int sum_up(const struct top_layout *l)
{
	unsigned int i, sum = 0;

	for (i = 0; i < TOP_COLUMNS; i++)
		if (l->width[i])
			sum += l->width[i] + 1;
	return sum ? sum - 1 : 0;
}

static unsigned int first_to_leave(const struct top_layout *l)
{
	unsigned int i, found = 0;

	for (i = 0; i < TOP_COLUMNS; i++)
		if (l->width[i] && (!l->width[found] ||
				    columns[i].leave > columns[found].leave))
			found = i;
	return found;
}

static void shrink(unsigned int *width, unsigned int min, unsigned int by)
{
	*width = *width > min + by ? *width - by : min;
}

/**
 * top_layout() - how wide to make the columns
 * @t: the live view
 * @first: first line that is shown
 * @n: how many are
 * @room: columns of the terminal
 * @l: the widths
 */
void top_layout(const struct top *t, size_t first, size_t n,
		unsigned int room, struct top_layout *l)
{
	unsigned int i, sum;

	for (i = 0; i < TOP_COLUMNS; i++)
		l->width[i] = widest(t, i, first, n);
	sum = sum_up(l);
	if (sum > room)
		shrink(&l->width[TOP_SERVICE], columns[TOP_SERVICE].width,
		       sum - room);
	while ((sum = sum_up(l)) > room) {
		i = first_to_leave(l);
		if (!columns[i].leave)
			return;
		l->width[i] = 0;
	}
	if (!l->width[TOP_RATE])
		return;
	l->width[TOP_RATE] += room - sum;
	if (l->width[TOP_RATE] > RATES_HISTORY)
		l->width[TOP_RATE] = RATES_HISTORY;
}

/**
 * top_title() - what this is, and as of when
 * @buf: room for it
 * @size: how much
 * @t: the live view
 */
void top_title(char *buf, size_t size, const struct top *t)
{
	const uint64_t now = time(NULL);
	char at[TIME_SIZE], age[AGE_SIZE];

	format_age(age, t->ctx->info.since, now);
	snprintf(buf, size, "portmon-ctl top - %s, every %g s, %zu line%s, reset %s%s",
		 format_time(at, now), t->interval, t->n, plural(t->n), age,
		 strcmp(age, "now") ? " ago" : "");
}

/**
 * top_asked() - the line with the filters
 * @buf: room for it
 * @size: how much
 * @t: the live view
 */
void top_asked(char *buf, size_t size, const struct top *t)
{
	const char *netns = t->ctx->opt.netns;

	snprintf(buf, size, "scope: %s  transport: %s  filter: %s  sort: %s%s%s%s%s",
		 t->scope == ANY ? "all" : name_of(&scope_names, t->scope),
		 t->transport == ANY ? "all" :
				       name_of(&transport_names, t->transport),
		 t->filter[0] ? t->filter : "none", columns[t->sort].word,
		 t->reverse ? ", reversed" : "", t->all ? "  unfolded" : "",
		 netns ? "  netns: " : "", netns ? netns : "");
}

/**
 * top_glyph() - a character of a graph
 * @t: the live view
 * @level: how high, from 0 to TOP_LEVELS
 *
 * Return: the character.
 */
const char *top_glyph(const struct top *t, unsigned int level)
{
	static const char *const blocks[TOP_LEVELS + 1] = {
		" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█",
	};
	static const char *const plain[TOP_LEVELS + 1] = {
		" ", ".", ":", "-", "=", "+", "*", "#", "@",
	};

	return t->ascii ? plain[level] : blocks[level];
}

/**
 * top_peak() - the highest rate of a graph
 * @t: the live view
 * @r: the line
 * @width: how many rates the graph shows
 *
 * Return: bits per second.
 */
float top_peak(const struct top *t, const struct rate *r, unsigned int width)
{
	unsigned int i, past = rates_past(&t->rates);
	float peak = 0;

	for (i = 0; i < past && i < width; i++)
		if (rate_history(&t->rates, r, i) > peak)
			peak = rate_history(&t->rates, r, i);
	return peak;
}

/**
 * top_graph() - the graph of a line, now at the right
 * @buf: room for TOP_GLYPH * @width characters
 * @t: the live view
 * @r: the line
 * @width: how many rates, at most RATES_HISTORY
 *
 * The highest rate fills the line; any that is not 0 can be seen.
 */
void top_graph(char *buf, const struct top *t, const struct rate *r,
	       unsigned int width)
{
	const unsigned int past = rates_past(&t->rates);
	const float peak = top_peak(t, r, width);
	unsigned int ago = width;

	*buf = '\0';
	while (ago--) {
		float v = ago < past ? rate_history(&t->rates, r, ago) : 0;
		unsigned int level = v > 0 ? 1 + (TOP_LEVELS - 1) * (v / peak) : 0;

		buf = stpcpy(buf, top_glyph(t, level));
	}
}
