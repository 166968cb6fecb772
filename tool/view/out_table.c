// SPDX-License-Identifier: GPL-2.0
/* Records in the columns that were chosen: columns.c, cells.c. */
#include <string.h>
#include <time.h>

#include "view/columns.h"
#include "view/out_table.h"
#include "view/table.h"
#include "view/view.h"

/* A bar that is shorter tells nothing. */
#define BAR_LEAST 8

static bool dimmed(const struct record *r)
{
	return r->folded || r->note;
}

/* What is said of a namespace or a time stands behind it. */
static const char *note(struct cell *c, const struct column *column,
			const struct record *r)
{
	const struct column *const *all = c->ctx->columns;
	const bool named = !strcmp(all[0]->name, "NETNS");
	const bool timed = c->ctx->n_columns > named &&
			   !strcmp(all[named]->name, "TIME");

	if (!strcmp(column->name, "NETNS") || !strcmp(column->name, "TIME"))
		return column->text(c, r);
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
	return r->note ? note(c, column, r) : column->text(c, r);
}

static void fill(struct table *t, struct cell *c, const struct records *list)
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
static void head(struct table *t, const struct ctx *ctx)
{
	size_t k;

	for (k = 0; k < ctx->n_columns; k++) {
		const struct column *column = ctx->columns[k];
		const char *bytes = strstr(column->name, "BYTES");
		char name[CELL_SIZE];

		snprintf(name, sizeof(name), "%s", column->name);
		if (bytes && given(&ctx->opt, OPT_BITS) &&
		    !given(&ctx->opt, OPT_CSV))
			memcpy(name + (bytes - column->name), "BITS",
			       sizeof("BITS"));
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
	size_t i;

	for (i = 0; i < list->n; i++) {
		uint64_t v = view_amount(&list->v[i], c->ctx->opt.sort);

		c->sum += v;
		c->largest = v > c->largest ? v : c->largest;
	}
}

/**
 * out_table() - print records in the columns that were chosen
 * @ctx: the run
 * @list: the records
 * @more: what stands below them, or NULL
 * @seconds: what they came in, 0 for totals
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
	head(t, ctx);
	fill(t, &c, list);
	if (more)
		fill(t, &c, more);
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
		printf("* one of the ports that this host picks for itself: %u-%u\n",
		       ctx->info.ephemeral_min, ctx->info.ephemeral_max);
		return;
	}
}

/**
 * out_table_lines() - print records below those of an earlier call
 * @ctx: the run
 * @list: the records
 * @more: what stands below them
 * @seconds: what they came in
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
	head(t, ctx);
	fill(t, &c, list);
	fill(t, &c, more);
	return table_end(t);
}

/**
 * out_table_ports() - print port records
 * @ctx: the run
 * @list: the records
 * @overflow: what stands below them
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
