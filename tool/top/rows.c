// SPDX-License-Identifier: GPL-2.0
/* The lines of the live view, their order, and the cursor. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"
#include "top/top.h"
#include "view/sort.h"
#include "view/view.h"

/**
 * struct wanted - the filter, understood
 * @t: the live view
 * @by_port: it is a port or a span of them
 * @port: first one
 * @port_max: last one
 */
struct wanted {
	const struct top *t;
	bool by_port;
	uint16_t port;
	uint16_t port_max;
};

static bool matches_prompt(const struct wanted *w, const struct record *r)
{
	const bool port = record_has(r, PORTMON_A_RECORD_PORT);

	if (!w->t->filter[0])
		return true;
	if (w->by_port)
		return port && r->port >= w->port && r->port <= w->port_max;
	if (!port)
		return strcasestr("overflow", w->t->filter);
	return (r->service && strcasestr(r->service, w->t->filter)) ||
	       (r->iana && strcasestr(r->iana, w->t->filter));
}

/* The overflow of events is of none. */
static bool is_of_transport(const struct top *t, const struct record *r)
{
	return t->transport == ANY ||
	       (record_has(r, PORTMON_A_RECORD_TRANSPORT) &&
		r->transport == t->transport);
}

static bool passes_filter(const struct wanted *w, const struct rate *r)
{
	const struct top *t = w->t;

	if (record_is_nothing(&r->total) && record_is_nothing(&r->delta))
		return false;
	return (t->scope == ANY || r->total.scope == t->scope) &&
	       is_of_transport(t, &r->total) && matches_prompt(w, &r->total);
}

/* A newer module may have more of both than there are folds. */
static struct top_fold *fold_of(struct top *t, const struct record *r)
{
	if (t->all || !record_has(r, PORTMON_A_RECORD_PORT) ||
	    r->scope >= TOP_SCOPES || r->transport >= TOP_TRANSPORTS ||
	    !view_folds(r))
		return NULL;
	return &t->folds[r->scope][r->transport];
}

static void begin_fold(struct top_fold *fold, const struct rate *r)
{
	fold->rate = *r;
	fold->rate.history = fold->history;
	fold->rate.total.port_max = r->total.port;
	fold->rate.total.ports = 1;
	fold->rate.delta.port_max = r->total.port;
	fold->rate.delta.ports = 1;
	memset(fold->history, 0, sizeof(fold->history));
	if (r->history)
		memcpy(fold->history, r->history, sizeof(fold->history));
}

static void fold_into(struct top_fold *fold, const struct rate *r)
{
	size_t i;

	view_fold_into(&fold->rate.total, &r->total);
	view_fold_into(&fold->rate.delta, &r->delta);
	for (i = 0; r->history && i < RATES_HISTORY; i++)
		fold->history[i] += r->history[i];
}

static void add_line(struct top *t, const struct rate *r)
{
	struct top_fold *fold = fold_of(t, &r->total);
	struct top_row *line;

	if (!fold || !fold->line) {
		t->rows[t->n++] = (struct top_row){ .r = r };
		if (fold)
			fold->line = t->n;
		return;
	}
	/* A single port stays what it is: the fold begins with the second. */
	line = &t->rows[fold->line - 1];
	if (line->r != &fold->rate) {
		begin_fold(fold, line->r);
		line->r = &fold->rate;
	}
	fold_into(fold, r);
}

static void add_to_range(struct top *t, const struct rate *r)
{
	const struct record *total = &r->total;
	struct top_sum *sum;

	if (total->scope >= TOP_SCOPES || total->range >= TOP_RANGES ||
	    !is_of_transport(t, total))
		return;
	sum = &t->sums[total->scope][total->range];
	sum->delta[0] = sum_add(sum->delta[0], r->delta.rx.bytes);
	sum->delta[1] = sum_add(sum->delta[1], r->delta.tx.bytes);
	sum->total[0] = sum_add(sum->total[0], total->rx.bytes);
	sum->total[1] = sum_add(sum->total[1], total->tx.bytes);
}

/* Words in ascending order, missing ones at the end. */
static int compare_words(const char *a, const char *b)
{
	if (!*a || !*b)
		return !*a - !*b;
	return strcmp(a, b);
}

/**
 * struct order - what the lines are sorted by
 * @t: the live view
 * @words: a column whose order is not that of its letters, or SORT_NONE
 */
struct order {
	const struct top *t;
	enum sort_key words;
};

static enum sort_key words_of(const struct column *column)
{
	static const enum sort_key words[] = {
		SORT_PORT, SORT_SERVICE, SORT_SCOPE, SORT_TRANSPORT,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (column->sorts & 1u << words[i])
			return words[i];
	return SORT_NONE;
}

static int compare_by(const struct order *o, const struct top_row *x,
		      const struct top_row *y)
{
	const struct record *a = &x->r->total, *b = &y->r->total;

	switch (o->words) {
	case SORT_PORT:
		return a->port - b->port;
	case SORT_SERVICE:
		return view_compare_services(a, b);
	case SORT_SCOPE:
		return a->scope - b->scope;
	case SORT_TRANSPORT:
		return a->transport - b->transport;
	default:
		break;
	}
	if (x->weight != y->weight)
		return x->weight < y->weight ? 1 : -1;
	return compare_words(x->text, y->text);
}

/* Of equals the one with the larger total, so that a quiet list has order. */
static int compare_rows(const void *x, const void *y, void *arg)
{
	const struct top_row *a = x, *b = y;
	const struct order *o = arg;
	const int order = compare_by(o, a, b);
	uint64_t wa, wb;

	if (order)
		return o->t->reverse ? -order : order;
	wa = view_weight(&a->r->total, SORT_BYTES);
	wb = view_weight(&b->r->total, SORT_BYTES);
	if (wa != wb)
		return wa < wb ? 1 : -1;
	return rate_compare(&a->r->total, &b->r->total);
}

static void sort_rows(struct top *t)
{
	struct order order = { t, words_of(t->sort) };
	size_t i;

	for (i = 0; i < t->n && !order.words; i++)
		top_weigh(t, &t->rows[i]);
	qsort_r(t->rows, t->n, sizeof(*t->rows), compare_rows, &order);
}

/* A fold begins with another port when one joins. */
static bool is_same(const struct record *a, const struct record *b)
{
	if (a->folded || b->folded)
		return a->folded && b->folded && a->scope == b->scope &&
		       a->transport == b->transport;
	return !rate_compare(a, b);
}

static void follow(struct top *t)
{
	size_t i;

	for (i = 0; t->pinned && i < t->n; i++) {
		if (is_same(&t->rows[i].r->total, &t->at)) {
			t->cursor = i;
			break;
		}
	}
	if (t->cursor >= t->n)
		t->cursor = t->n ? t->n - 1 : 0;
}

static void begin_rows(struct top *t)
{
	unsigned int scope, transport;

	t->n = 0;
	memset(t->sums, 0, sizeof(t->sums));
	for (scope = 0; scope < TOP_SCOPES; scope++)
		for (transport = 0; transport < TOP_TRANSPORTS; transport++)
			t->folds[scope][transport].line = 0;
}

/**
 * top_rows() - select and sort the lines to show
 * @t: the live view
 *
 * Return: 0 or -ENOMEM.
 */
int top_rows(struct top *t)
{
	struct wanted w = { .t = t };
	size_t i;

	free(t->rows);
	t->n = 0;
	t->rows = calloc(t->rates.n + 1, sizeof(*t->rows));
	if (!t->rows)
		return -ENOMEM;
	begin_rows(t);
	w.by_port = parse_ports(t->filter, &w.port, &w.port_max, NULL);
	for (i = 0; i < t->rates.n; i++) {
		add_to_range(t, &t->rates.v[i]);
		if (passes_filter(&w, &t->rates.v[i]))
			add_line(t, &t->rates.v[i]);
	}
	sort_rows(t);
	follow(t);
	return 0;
}

/**
 * top_row_at() - what the cursor is on or the detail page is of
 * @t: the live view
 *
 * Return: its line, or NULL where it is no more.
 */
const struct rate *top_row_at(const struct top *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (is_same(&t->rows[i].r->total, &t->at))
			return t->rows[i].r;
	return NULL;
}

/**
 * top_cursor() - move the cursor
 * @t: the live view
 * @to: line it goes to, the last one if there are not so many
 *
 * From then on it stays with the port; only on the first line it stays there,
 * to be on the busiest port, whichever that is.
 */
void top_cursor(struct top *t, size_t to)
{
	if (to >= t->n)
		to = t->n ? t->n - 1 : 0;
	t->cursor = to;
	t->pinned = to > 0;
	if (t->n)
		t->at = t->rows[to].r->total;
}

static bool is_sought(const struct top *t, const struct top_row *row)
{
	char cell[TOP_CELL];
	size_t i;

	for (i = 0; i < t->n_shown; i++) {
		if (t->shown[i]->flags & COLUMN_RIGHT ||
		    top_is_graph(t->shown[i]))
			continue;
		top_cell(cell, t, t->shown[i], row->r);
		if (strcasestr(cell, t->typed))
			return true;
	}
	return false;
}

/**
 * top_search() - move the cursor to the next line that has what was typed
 * @t: the live view
 * @next: the line that the cursor is on does not count
 *
 * It looks at the columns with words; behind the last line comes the first.
 *
 * Return: whether there is one.
 */
bool top_search(struct top *t, bool next)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		const size_t at = (t->cursor + next + i) % t->n;

		if (is_sought(t, &t->rows[at])) {
			top_cursor(t, at);
			return true;
		}
	}
	return false;
}

/**
 * top_rows_free() - release the lines
 * @t: the live view
 */
void top_rows_free(struct top *t)
{
	free(t->rows);
	t->rows = NULL;
	t->n = 0;
}
