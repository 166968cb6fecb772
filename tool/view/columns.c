// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "view/columns.h"
#include "view/table.h"

static int refuse_column(const struct columns *all, const char *name, int len)
{
	char names[512];
	size_t i, used = 0;

	for (i = 0; i < all->n && used < sizeof(names); i++)
		used += snprintf(names + used, sizeof(names) - used, "%s%s",
				 i ? ", " : "", all->v[i]->name);
	warn("unknown column '%.*s'; available: %s", len, name, names);
	return USAGE;
}

static int add_columns(struct ctx *ctx, const struct columns *all,
		       const char *list)
{
	const char *name = list;

	for (;;) {
		const size_t len = strcspn(name, ",");
		const struct column *c = columns_find(all, name, len);

		if (!c)
			return refuse_column(all, name, len);
		if (ctx->n_columns == COLUMNS_MAX) {
			warn("more than %d columns", COLUMNS_MAX);
			return USAGE;
		}
		ctx->columns[ctx->n_columns++] = c;
		if (c->flags & COLUMN_OWNERS)
			ctx->opt.given |= OPT(PROCESSES);
		if (c->flags & COLUMN_HISTOGRAMS)
			ctx->opt.filter.histograms = true;
		if (!name[len])
			return 0;
		name += len + 1;
	}
}

static const char *list_of(const struct ctx *ctx, const struct layout *l)
{
	const struct options *opt = &ctx->opt;
	const bool rates = l->rates && given(opt, OPT_INTERVAL);
	bool narrow;

	if (given(opt, OPT_CSV))
		return rates ? l->rates_csv : l->csv;
	if (rates)
		return l->rates;
	if (given(opt, OPT_BARS))
		return l->bars;
	if (given(opt, OPT_DETAILS) && l->details)
		return l->details;
	if (l->wide && !given(opt, OPT_PROCESSES) &&
	    (!ctx->tty || ctx_width(ctx) >= WIDE_WIDTH))
		return l->wide;
	/* Cutting all of them would make all less clear. */
	narrow = l->narrow && ctx->tty && ctx_width(ctx) < NARROW_WIDTH;
	if (l->owned && (given(opt, OPT_PROCESSES) ||
			 (narrow && given(opt, OPT_ALL_NETNS))))
		return l->owned;
	return narrow ? l->narrow : l->plain;
}

/* A bar shows the sort key. */
static int add_bars(struct ctx *ctx, const struct columns *all)
{
	int err = add_columns(ctx, all, amount_column(ctx->opt.sort)->name);

	return err ? err : add_columns(ctx, all, "SHARE,BAR");
}

static int add_usual(struct ctx *ctx, const struct layout *l)
{
	const struct options *opt = &ctx->opt;
	int err = 0;

	/* A program should find the same columns every time. */
	if ((given(opt, OPT_ALL_NETNS) || given(opt, OPT_CSV)) &&
	    columns_find(l->columns, "NETNS", strlen("NETNS")))
		err = add_columns(ctx, l->columns, "NETNS");
	if (!err)
		err = add_columns(ctx, l->columns, list_of(ctx, l));
	if (!err && given(opt, OPT_BARS))
		err = add_bars(ctx, l->columns);
	if (!err && given(opt, OPT_PROCESSES))
		err = add_columns(ctx, l->columns, "OPEN,OWNER");
	return err;
}

static int refuse_sort(const struct columns *all)
{
	char words[256] = "none";
	unsigned int i;

	for (i = SORT_NONE + 1; i < sort_names.n; i++)
		if (columns_sorted_by(all, i))
			snprintf(words + strlen(words),
				 sizeof(words) - strlen(words), ", %s",
				 name_of(&sort_names, i));
	warn("--sort takes one of these here: %s", words);
	return USAGE;
}

/**
 * layout_choose() - decide which columns are printed
 * @ctx: the run; its columns are set
 * @layout: the table of the subcommand
 *
 * Return: 0 or USAGE.
 */
int layout_choose(struct ctx *ctx, const struct layout *layout)
{
	const char *output = ctx->opt.output;
	int err = 0;

	if (ctx->opt.sort && !columns_sorted_by(layout->columns, ctx->opt.sort))
		return refuse_sort(layout->columns);

	if (!output || *output == '+')
		err = add_usual(ctx, layout);
	if (!err && output)
		err = add_columns(ctx, layout->columns,
				  output + (*output == '+'));
	return err;
}

/* A column for a program: what it is called in CSV, in JSON and by --sort. */
static void list_csv(const struct column *column)
{
	char name[CELL_SIZE], sorts[CELL_SIZE] = "";
	unsigned int key;
	char *p;

	snprintf(name, sizeof(name), "%s", column->name);
	for (p = name; *p; p++)
		*p = *p == '-' ? '_' : tolower((unsigned char)*p);
	for (key = SORT_NONE + 1; key < sort_names.n; key++)
		if (column->sorts & 1u << key)
			snprintf(sorts + strlen(sorts),
				 sizeof(sorts) - strlen(sorts), "%s%s",
				 *sorts ? " " : "", name_of(&sort_names, key));
	csv_cell(stdout, column->name, 0);
	csv_cell(stdout, name, 1);
	csv_cell(stdout, column->key ? column->key : "", 2);
	csv_cell(stdout, sorts, 3);
	csv_cell(stdout, column->help, 4);
	csv_end(stdout);
}

/**
 * layout_list() - print which columns there are
 * @layout: the table of a subcommand
 * @opt: as CSV, with or without a head?
 */
void layout_list(const struct layout *layout, const struct options *opt)
{
	const struct columns *all = layout->columns;
	const bool csv = given(opt, OPT_CSV);
	size_t i;

	if (csv && !given(opt, OPT_NO_HEADER))
		printf("column,csv,json,sort,help\n");
	for (i = 0; i < all->n; i++)
		if (csv)
			list_csv(all->v[i]);
		else
			printf("%-10s %s\n", all->v[i]->name,
			       all->v[i]->help);
}

/* A shorter bar is useless. */
#define BAR_LEAST 8

static bool dimmed(const struct record *r)
{
	return r->folded || r->note;
}

/* A note on a namespace or a time follows it. */
static const char *note_of(struct cell *c, const struct column *column,
			   const struct record *r)
{
	const struct column *const *all = c->ctx->columns;
	const bool named = !strcmp(all[0]->name, "NETNS");
	const bool timed = c->ctx->n_columns > named &&
			   !strcmp(all[named]->name, "TIME");

	if (!strcmp(column->name, "NETNS") || !strcmp(column->name, "TIME"))
		return column_text(c, column, r);
	if (column != all[named + timed])
		return c->csv ? "" : "-";
	if (c->csv)
		return r->note;
	snprintf(c->buf, CELL_SIZE, "(%s)", r->note);
	return c->buf;
}

static bool is_bar(const struct column *column)
{
	return !strcmp(column->name, "BAR");
}

static const char *text(struct cell *c, const struct column *column,
			const struct record *r)
{
	return r->note ? note_of(c, column, r) : column_text(c, column, r);
}

static void fill_rows(struct table *t, struct cell *c,
		      const struct records *list)
{
	const struct ctx *ctx = c->ctx;
	size_t i, k;

	for (i = 0; i < list->n; i++) {
		const struct record *r = &list->v[i];

		table_row(t, dimmed(r));
		for (k = 0; k < ctx->n_columns; k++)
			table_cell(t, text(c, ctx->columns[k], r));
	}
}

/* With --bits the heads say so. */
static void head_of(struct table *t, const struct ctx *ctx)
{
	size_t k;

	for (k = 0; k < ctx->n_columns; k++) {
		const struct column *column = ctx->columns[k];
		const bool csv = given(&ctx->opt, OPT_CSV);
		char name[CELL_SIZE], *bytes;

		snprintf(name, sizeof(name), "%s",
			 column->head && !csv ? column->head : column->name);
		bytes = strstr(name, "BYTES");
		if (bytes && given(&ctx->opt, OPT_BITS) && !csv)
			memcpy(bytes, "BITS", sizeof("BITS"));
		table_column(t, name, column->flags);
	}
}

/* What the other columns leave to the bars. */
static void measure_bars(struct cell *c, const struct records *list)
{
	const struct ctx *ctx = c->ctx;
	unsigned int used = 0;
	size_t i, k;

	for (k = 0; k < ctx->n_columns; k++) {
		const struct column *column = ctx->columns[k];
		size_t width = strlen(column->name);

		for (i = 0; i < list->n && !is_bar(column); i++) {
			size_t len = strlen(text(c, column, &list->v[i]));

			width = len > width ? len : width;
		}
		used += is_bar(column) ? 0 : width + 1;
	}
	c->bar_width = ctx_width(ctx) > used + BAR_LEAST ?
			       ctx_width(ctx) - used : BAR_LEAST;
}

static bool has_bars(const struct ctx *ctx)
{
	size_t k;

	for (k = 0; k < ctx->n_columns; k++)
		if (is_bar(ctx->columns[k]))
			return true;
	return false;
}

static void weigh(struct cell *c, const struct records *list)
{
	const struct column *column = amount_column(c->ctx->opt.sort);
	size_t i;

	for (i = 0; i < list->n; i++) {
		uint64_t v = column->value(&list->v[i]);

		c->sum += v;
		c->largest = v > c->largest ? v : c->largest;
	}
}

/**
 * out_table() - print records in the columns that were chosen
 * @ctx: the run
 * @list: the records
 * @more: the lines below them, or NULL
 * @seconds: length of the interval, 0 for totals
 *
 * Return: 0 or a negative errno.
 */
int out_table(struct ctx *ctx, const struct records *list,
	      const struct records *more, double seconds)
{
	struct table *t = table_begin(ctx);
	struct cell c = {
		.ctx = ctx, .now = time(NULL), .seconds = seconds,
		.csv = given(&ctx->opt, OPT_CSV),
	};

	weigh(&c, list);
	if (more)
		weigh(&c, more);
	if (has_bars(ctx))
		measure_bars(&c, list);
	head_of(t, ctx);
	fill_rows(t, &c, list);
	if (more)
		fill_rows(t, &c, more);
	return table_end(t);
}

static bool has_range(const struct ctx *ctx)
{
	size_t k;

	for (k = 0; k < ctx->n_columns; k++)
		if (!strcmp(ctx->columns[k]->name, "RANGE"))
			return true;
	return false;
}

/* What the mark in column RANGE means. */
static void legend(const struct ctx *ctx, const struct records *list)
{
	size_t i;

	if (!has_range(ctx))
		return;
	for (i = 0; i < list->n; i++) {
		if (list->v[i].folded || !list->v[i].ephemeral)
			continue;
		printf("* in this host's port range for outgoing connections: %u-%u\n",
		       ctx->info.ephemeral_min, ctx->info.ephemeral_max);
		return;
	}
}

/**
 * out_table_lines() - print records below those of an earlier call
 * @ctx: the run
 * @list: the records
 * @more: the lines below them
 * @seconds: length of the interval
 * @heads: with the heads of the columns
 *
 * Return: 0 or a negative errno.
 */
int out_table_lines(struct ctx *ctx, const struct records *list,
		    const struct records *more, double seconds, bool heads)
{
	struct table *t = table_begin(ctx);
	struct cell c = {
		.ctx = ctx, .now = ctx->span.to, .seconds = seconds,
		.csv = given(&ctx->opt, OPT_CSV), .bar_width = BAR_LEAST,
	};

	table_lines(t, heads);
	weigh(&c, list);
	weigh(&c, more);
	head_of(t, ctx);
	fill_rows(t, &c, list);
	fill_rows(t, &c, more);
	return table_end(t);
}

/**
 * out_table_ports() - print port records
 * @ctx: the run
 * @list: the records
 * @overflow: the lines below them
 *
 * Return: 0 or a negative errno.
 */
int out_table_ports(struct ctx *ctx, const struct records *list,
		    const struct records *overflow)
{
	int err = out_table(ctx, list, overflow, 0);

	if (!err && ctx->tty && !given(&ctx->opt, OPT_CSV))
		legend(ctx, list);
	return err;
}
