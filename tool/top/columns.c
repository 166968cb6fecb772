// SPDX-License-Identifier: GPL-2.0
/* The text of the live view. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/names.h"
#include "lib/record.h"
#include "lib/util.h"
#include "top/top.h"

static int compare_to_record(const void *key, const void *record)
{
	return rate_compare(key, record);
}

/**
 * top_reading() - a port as it was read last, with drops and histograms
 * @t: the live view
 * @key: which
 *
 * Return: its record, or NULL, as for a fold.
 */
const struct record *top_reading(const struct top *t,
				 const struct record *key)
{
	const struct records *list = &t->last.ports;

	/* rates_add() has put them in order. */
	return key->folded || !list->n ? NULL :
	       bsearch(key, list->v, list->n, sizeof(*list->v),
		       compare_to_record);
}

/* @buf gets a copy where the record alone is not enough. */
static const struct record *record_for_column(struct record *buf,
					      const struct top *t,
					      const struct column *column,
					      const struct rate *r)
{
	const struct record *of = column->flags & COLUMN_RATE ? &r->delta :
								&r->total;
	const struct record *read;

	if (!(column->flags & (COLUMN_OWNERS | COLUMN_HISTOGRAMS)) &&
	    !t->numeric)
		return of;
	*buf = *of;
	if (t->numeric) {
		buf->service = NULL;
		buf->iana = NULL;
	}
	if (column->flags & COLUMN_OWNERS && t->has_owners)
		buf->owners = &t->owners;
	if (column->flags & COLUMN_HISTOGRAMS) {
		read = top_reading(t, of);
		buf->histograms = read ? read->histograms : NULL;
	}
	return buf;
}

/**
 * top_text() - the text of a cell, for people or for a program
 * @c: the cell
 * @t: the live view
 * @column: the column
 * @r: the line
 *
 * Return: its text.
 */
const char *top_text(struct cell *c, const struct top *t,
		     const struct column *column, const struct rate *r)
{
	struct record record;

	return column_text(c, column, record_for_column(&record, t, column, r));
}

/**
 * top_cell() - the cell of a column
 * @buf: room for it
 * @t: the live view
 * @column: the column
 * @r: the line
 */
void top_cell(char buf[static TOP_CELL], const struct top *t,
	      const struct column *column, const struct rate *r)
{
	struct cell c = {
		.ctx = t->ctx, .now = time(NULL), .seconds = t->rates.seconds,
	};

	snprintf(buf, TOP_CELL, "%s", top_text(&c, t, column, r));
}

/**
 * top_weigh() - what a line is sorted by
 * @t: the live view
 * @row: the line
 */
void top_weigh(const struct top *t, struct top_row *row)
{
	struct cell c = { .ctx = t->ctx, .csv = true };
	struct record record;
	const struct record *r = record_for_column(&record, t, t->sort, row->r);

	if (t->sort->value)
		row->weight = t->sort->value(r);
	else
		snprintf(row->text, sizeof(row->text), "%s",
			 column_text(&c, t->sort, r));
}

/**
 * top_rate() - a difference as a rate
 * @buf: room for it
 * @t: the live view
 * @delta: the difference between the last two readings
 */
void top_rate(char buf[static TOP_CELL], const struct top *t, double delta)
{
	struct cell c = { .ctx = t->ctx, .seconds = t->rates.seconds };

	snprintf(buf, TOP_CELL, "%s", cell_rate(&c, delta));
}

/**
 * struct place - how a column shares the room there is
 * @name: the column
 * @width: so wide at least, so that numbers that change do not move it
 * @leave: where it is narrow the column with the largest number goes first,
 *   one with 0 never
 */
static const struct place {
	const char *name;
	unsigned int width;
	unsigned int leave;
} places[] = {
	{ "PORT", 13, 0 },
	{ "TX-BPS", 6, 0 },
	{ "RX-BPS", 6, 1 },
	{ "PPS", 5, 2 },
	{ "SERVICE", 8, 3 },
	{ "SCOPE", 6, 4 },
	{ "TOTAL", 6, 5 },
	{ "CPS", 5, 7 },
	{ "DROP-PS", 7, 8 },
	{ "GRAPH", TOP_GRAPH_MIN, 9 },
	{ "UNANS-PS", 8, 10 },
	{ "RETR-PS", 7, 11 },
	{ "LAST-SEEN", 9, 12 },
};

/* What somebody has chosen beside those. */
#define LEAVE_CHOSEN	6
#define NUMBER_WIDTH	6
#define SERVICE_WIDTH	8
#define WORDS_WIDTH	24

static const struct place *find_place(const struct column *column)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (!strcmp(places[i].name, column->name))
			return &places[i];
	return NULL;
}

static unsigned int least_width(const struct column *column)
{
	const struct place *place = find_place(column);
	const unsigned int head = strlen(column->name);

	if (place)
		return place->width;
	return column->flags & COLUMN_RIGHT && head < NUMBER_WIDTH ?
		       NUMBER_WIDTH : head;
}

static unsigned int leave_of(const struct column *column)
{
	const struct place *place = find_place(column);

	return place ? place->leave : LEAVE_CHOSEN;
}

static unsigned int widest(const struct top *t, const struct column *column,
			   size_t first, size_t n)
{
	unsigned int width = least_width(column);
	char cell[TOP_CELL], fit[TOP_CELL];
	size_t i;

	for (i = first; !top_is_graph(column) && i < first + n && i < t->n;
	     i++) {
		unsigned int w;

		top_cell(cell, t, column, t->rows[i].r);
		w = format_fit(fit, sizeof(fit), cell, TOP_CELL);
		if (w > width)
			width = w;
	}
	return width;
}

static unsigned int sum_up(const struct top *t, const struct top_layout *l)
{
	unsigned int i, sum = 0;

	for (i = 0; i < t->n_shown; i++)
		if (l->width[i])
			sum += l->width[i] + 1;
	return sum ? sum - 1 : 0;
}

/* The last one that may be removed; n_shown for none. */
static size_t first_to_leave(const struct top *t, const struct top_layout *l)
{
	size_t i, found = t->n_shown;
	unsigned int most = 1;

	for (i = 0; i < t->n_shown; i++) {
		const unsigned int leave = leave_of(t->shown[i]);

		if (l->width[i] && leave >= most) {
			most = leave;
			found = i;
		}
	}
	return found;
}

/* SERVICE is not cut before the graph is; what is much longer is. */
static unsigned int floor_of(const struct column *c, bool graph)
{
	const unsigned int least = least_width(c);
	const unsigned int floor = graph ? WORDS_WIDTH : SERVICE_WIDTH;

	if (graph && !strcmp(c->name, "SERVICE"))
		return TOP_CELL;
	return least > floor ? least : floor;
}

/* The column with the most unused width. */
static bool cut_words(const struct top *t, struct top_layout *l, bool graph,
		      unsigned int by)
{
	size_t i, found = t->n_shown;
	unsigned int most = 0;

	for (i = 0; i < t->n_shown; i++) {
		const unsigned int floor = floor_of(t->shown[i], graph);

		if (t->shown[i]->flags & COLUMN_TRUNC && l->width[i] > floor &&
		    l->width[i] - floor > most) {
			most = l->width[i] - floor;
			found = i;
		}
	}
	if (found == t->n_shown)
		return false;
	l->width[found] -= most < by ? most : by;
	return true;
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
	unsigned int *graph = NULL;
	unsigned int sum;
	size_t i;

	for (i = 0; i < t->n_shown; i++) {
		l->width[i] = widest(t, t->shown[i], first, n);
		if (top_is_graph(t->shown[i]))
			graph = &l->width[i];
	}
	while ((sum = sum_up(t, l)) > room) {
		if (cut_words(t, l, graph && *graph, sum - room))
			continue;
		i = first_to_leave(t, l);
		if (i == t->n_shown)
			return;
		l->width[i] = 0;
	}
	if (!graph || !*graph)
		return;
	*graph += room - sum;
	if (*graph > RATES_HISTORY)
		*graph = RATES_HISTORY;
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
	snprintf(buf, size, "portmon-ctl top - %s, every %g s, counting for %s, %zu line%s",
		 format_local(at, now), t->interval,
		 strcmp(age, "now") ? age : "0s", t->n, plural(t->n));
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
		 t->filter[0] ? t->filter : "none", t->sort->name,
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
