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

/* A port can have drops alone, of packets that never reached the hook. */
static bool is_zero(const struct record *r)
{
	return !(r->rx.packets | r->tx.packets | r->dropped);
}

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

static bool is_wanted(const struct wanted *w, const struct rate *r)
{
	const struct top *t = w->t;

	if (is_zero(&r->total) && is_zero(&r->delta))
		return false;
	return (t->scope == ANY || r->total.scope == t->scope) &&
	       (t->transport == ANY || r->total.transport == t->transport) &&
	       matches_prompt(w, &r->total);
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
	const struct rate **line;

	if (!fold || !fold->line) {
		t->rows[t->n++] = r;
		if (fold)
			fold->line = t->n;
		return;
	}
	/* A single port stays what it is: the fold begins with the second. */
	line = &t->rows[fold->line - 1];
	if (*line != &fold->rate) {
		begin_fold(fold, *line);
		*line = &fold->rate;
	}
	fold_into(fold, r);
}

static void add_sum(struct top *t, const struct rate *r)
{
	const struct record *total = &r->total;
	struct top_sum *sum;

	if (total->scope >= TOP_SCOPES || total->range >= TOP_RANGES ||
	    (t->transport != ANY && total->transport != t->transport))
		return;
	sum = &t->sums[total->scope][total->range];
	sum->delta[0] = sum_add(sum->delta[0], r->delta.rx.bytes);
	sum->delta[1] = sum_add(sum->delta[1], r->delta.tx.bytes);
	sum->total[0] = sum_add(sum->total[0], total->rx.bytes);
	sum->total[1] = sum_add(sum->total[1], total->tx.bytes);
}

/* The columns of rates are sorted by the differences. */
static uint64_t weight_of(const struct rate *r, enum top_column column)
{
	static const enum sort_key keys[] = {
		[TOP_RATE] = SORT_BYTES, [TOP_RX] = SORT_RX,
		[TOP_TX] = SORT_TX, [TOP_PACKETS] = SORT_PACKETS,
		[TOP_CONNECTIONS] = SORT_CONNECTIONS, [TOP_DROPS] = SORT_DROPS,
		[TOP_TOTAL] = SORT_BYTES, [TOP_SEEN] = SORT_LAST_SEEN,
	};
	const bool total = column == TOP_TOTAL || column == TOP_SEEN;

	return column < ARRAY_SIZE(keys) ?
		view_weight(total ? &r->total : &r->delta, keys[column]) : 0;
}

/* Amounts with the largest first, names and numbers with the smallest. */
static int compare_by(const struct rate *a, const struct rate *b,
		      enum top_column column)
{
	uint64_t wa = weight_of(a, column), wb = weight_of(b, column);

	if (wa != wb)
		return wa < wb ? 1 : -1;
	if (column == TOP_PORT)
		return a->total.port - b->total.port;
	if (column == TOP_SERVICE)
		return view_compare_services(&a->total, &b->total);
	if (column == TOP_SCOPE)
		return a->total.scope - b->total.scope;
	return 0;
}

/* Of equals the one with the larger total, so that a quiet list has order. */
static int compare_rows(const void *x, const void *y, void *arg)
{
	const struct rate *a = *(const struct rate *const *)x;
	const struct rate *b = *(const struct rate *const *)y;
	const struct top *t = arg;
	int order = compare_by(a, b, t->sort);

	if (order)
		return t->reverse ? -order : order;
	order = compare_by(a, b, TOP_TOTAL);
	return order ? order : rate_compare(&a->total, &b->total);
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
		if (is_same(&t->rows[i]->total, &t->at)) {
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
		add_sum(t, &t->rates.v[i]);
		if (is_wanted(&w, &t->rates.v[i]))
			add_line(t, &t->rates.v[i]);
	}
	qsort_r(t->rows, t->n, sizeof(*t->rows), compare_rows, t);
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
		if (is_same(&t->rows[i]->total, &t->at))
			return t->rows[i];
	return NULL;
}

/**
 * top_reading() - a port as it was read last, with its drops
 * @t: the live view
 * @key: which
 *
 * Return: its record, or NULL, as for a fold.
 */
const struct record *top_reading(const struct top *t,
				 const struct record *key)
{
	size_t i;

	for (i = 0; i < t->last.ports.n && !key->folded; i++)
		if (!rate_compare(&t->last.ports.v[i], key))
			return &t->last.ports.v[i];
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
		t->at = t->rows[to]->total;
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
