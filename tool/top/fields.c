// SPDX-License-Identifier: GPL-2.0
/* The columns to choose from, and the chosen ones: those of stats -o, and a graph. */
#include <string.h>
#include <strings.h>

#include "lib/util.h"
#include "top/top.h"

/* What is shown until somebody chooses: what there is no room for is left out. */
#define USUAL \
	"SCOPE,PORT,SERVICE,RX-BPS,TX-BPS,PPS,CPS,DROP-PS,TOTAL,UNANS-PS,RETR-PS,LAST-SEEN,GRAPH"

/* A script finds these, however wide the terminal of its author was. */
#define OF_BATCH \
	"SCOPE,PORT,SERVICE,RX-BPS,TX-BPS,PPS,CPS,DROP-PS,TOTAL,LAST-SEEN"

/* A program gets what belongs to one line; each begins with the time. */
#define OF_CSV \
	"NETNS,TIME,RECORD,SCOPE,TRANSPORT,PORT,PORT-MAX,PORTS,RANGE,EPHEMERAL,SERVICE,RX-PPS,RX-BPS,TX-PPS,TX-BPS,CPS,RETR-PS,UNANS-PS,DROP-PS,TOTAL,LAST-SEEN"

static const char *graph_text(struct cell *c, const struct record *r)
{
	return column_bps.text(c, r);
}

static uint64_t graph_value(const struct record *r)
{
	return column_bps.value(r);
}

static const struct column graph = {
	.name = "GRAPH",
	.flags = COLUMN_RATE,
	.text = graph_text,
	.value = graph_value,
	.help = "bits per second of both directions over the last readings",
};

/* Those of stats without SHARE and BAR, which depend on other lines. */
static const struct column *const of_top[] = {
	&column_netns, &column_time, &column_record, &column_scope,
	&column_port, &column_port_max, &column_ports, &column_transport,
	&column_service, &column_iana, &column_port_range, &column_ephemeral,
	&column_rx_packets, &column_rx_bytes, &column_tx_packets,
	&column_tx_bytes, &column_last_seen, &column_first_seen,
	&column_connections, &column_retransmitted, &column_unanswered,
	&column_drops, &column_bytes, &column_packets, &column_rx_pps,
	&column_rx_bps, &column_tx_pps, &column_tx_bps, &column_pps,
	&column_bps, &column_cps, &column_retr_ps, &column_unans_ps,
	&column_drop_ps, &column_rtt, &column_open, &column_half_open,
	&column_backlog, &column_backlog_max, &column_owner, &graph,
};

static const struct columns all_columns = COLUMNS(of_top);

const struct layout top_layout_of = {
	.columns = &all_columns,
	.plain = USUAL,
	.csv = OF_CSV + sizeof("NETNS,") - 1,	/* which is added */
};

/**
 * top_column() - find a column
 * @name: its name, in letters of any case
 * @len: length of @name
 *
 * Return: the column or NULL.
 */
const struct column *top_column(const char *name, size_t len)
{
	return columns_find(&all_columns, name, len);
}

/**
 * top_sorted_by() - the column that --sort means
 * @key: its argument
 *
 * Return: the column.
 */
const struct column *top_sorted_by(enum sort_key key)
{
	/* Amounts by their rates. */
	static const struct column *const rates[SORT_KEYS] = {
		[SORT_NONE] = &graph,
		[SORT_PACKETS] = &column_pps,
		[SORT_RX] = &column_rx_bps,
		[SORT_TX] = &column_tx_bps,
		[SORT_RX_PACKETS] = &column_rx_pps,
		[SORT_TX_PACKETS] = &column_tx_pps,
		[SORT_CONNECTIONS] = &column_cps,
		[SORT_RETRANSMITTED] = &column_retr_ps,
		[SORT_DROPS] = &column_drop_ps,
		[SORT_UNANSWERED] = &column_unans_ps,
	};

	return rates[key] ? rates[key] :
			    columns_sorted_by(&all_columns, key);
}

/**
 * top_is_graph() - is it drawn, not written?
 * @column: the column
 *
 * Return: whether it is.
 */
bool top_is_graph(const struct column *column)
{
	return column == &graph;
}

/* The graph is always the last of those that are shown. */
static void show_fields(struct top *t)
{
	const struct column *last = NULL;
	size_t i;

	t->n_shown = 0;
	for (i = 0; i < t->n_fields; i++) {
		if (!t->fields[i].on)
			continue;
		if (top_is_graph(t->fields[i].column))
			last = t->fields[i].column;
		else
			t->shown[t->n_shown++] = t->fields[i].column;
	}
	if (last)
		t->shown[t->n_shown++] = last;
}

static bool has_field(const struct top *t, const struct column *column)
{
	size_t i;

	for (i = 0; i < t->n_fields; i++)
		if (t->fields[i].column == column)
			return true;
	return false;
}

/* Those that are chosen, in that order, and then all others. */
static void set_fields(struct top *t, const struct column *const *v, size_t n)
{
	const struct columns *all = &all_columns;
	size_t i;

	t->n_fields = 0;
	for (i = 0; i < n; i++)
		if (!has_field(t, v[i]))
			t->fields[t->n_fields++] =
				(struct top_field){ v[i], true };
	for (i = 0; i < all->n; i++)
		if (!has_field(t, all->v[i]))
			t->fields[t->n_fields++] =
				(struct top_field){ all->v[i], false };
	show_fields(t);
}

/**
 * top_fields_set() - show these columns
 * @t: the live view, which stays as it is after an error
 * @list: their names, separated by commas
 *
 * Return: 0, or -1 for a name that no column has.
 */
int top_fields_set(struct top *t, const char *list)
{
	const struct column *v[COLUMNS_MAX];
	size_t n = 0;

	for (;;) {
		const size_t len = strcspn(list, ",");

		if (n == COLUMNS_MAX)
			return -1;
		v[n] = top_column(list, len);
		if (!v[n++])
			return -1;
		if (!list[len])
			break;
		list += len + 1;
	}
	set_fields(t, v, n);
	return 0;
}

/**
 * top_fields_default() - show what is shown until somebody chooses
 * @t: the live view
 */
void top_fields_default(struct top *t)
{
	const struct options *opt = &t->ctx->opt;

	top_fields_set(t, given(opt, OPT_CSV) ? OF_CSV :
			  given(opt, OPT_BATCH) ? OF_BATCH : USUAL);
}

/**
 * top_fields_choose() - show what --output asks for
 * @t: the live view, with the columns that +LIST adds to
 * @ctx: the run
 *
 * Return: 0 or USAGE, after the error was printed.
 */
int top_fields_choose(struct top *t, struct ctx *ctx)
{
	const char *output = ctx->opt.output;
	const struct column *v[2 * COLUMNS_MAX];
	const struct layout layout = { &all_columns, .plain = "+" };
	size_t n = 0, i;
	int err;

	if (!output)
		return 0;
	for (i = 0; *output == '+' && i < t->n_shown; i++)
		v[n++] = t->shown[i];
	/* It takes names without a sign, and adds to what there is. */
	ctx->opt.output = output + (*output == '+');
	ctx->n_columns = 0;
	err = layout_choose(ctx, &layout);
	ctx->opt.output = output;
	if (err)
		return err;
	for (i = 0; i < ctx->n_columns; i++)
		v[n++] = ctx->columns[i];
	set_fields(t, v, n);
	return 0;
}

/**
 * top_field_toggle() - show a column, or hide it
 * @t: the live view
 * @i: which of @t->fields; the last one that is shown stays
 */
void top_field_toggle(struct top *t, size_t i)
{
	if (t->fields[i].on && t->n_shown == 1)
		return;
	t->fields[i].on = !t->fields[i].on;
	show_fields(t);
}

/**
 * top_field_move() - change the place of a column
 * @t: the live view
 * @i: which of @t->fields
 * @by: 1 for one to the right, -1 for one to the left
 *
 * Return: whether it has moved.
 */
bool top_field_move(struct top *t, size_t i, int by)
{
	const struct top_field moved = t->fields[i];
	const size_t to = i + by;

	if (to >= t->n_fields)
		return false;
	t->fields[i] = t->fields[to];
	t->fields[to] = moved;
	show_fields(t);
	return true;
}

/**
 * top_needs() - does something need more than the counters?
 * @t: the live view
 * @flag: COLUMN_OWNERS or COLUMN_HISTOGRAMS
 *
 * Return: whether a column or the page of a port does.
 */
bool top_needs(const struct top *t, unsigned int flag)
{
	size_t i;

	/* Only the port itself is on its page. */
	if (t->page == TOP_DETAIL)
		return !t->at.folded;
	if (t->sort->flags & flag)
		return true;
	for (i = 0; i < t->n_shown; i++)
		if (t->shown[i]->flags & flag)
			return true;
	return false;
}
