// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "view/columns.h"
#include "view/table.h"

static const struct column *find(const struct columns *all, const char *name,
				 size_t len)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (!strncasecmp(all->v[i].name, name, len) &&
		    !all->v[i].name[len])
			return &all->v[i];
	return NULL;
}

static int refuse(const struct columns *all, const char *name, int len)
{
	char names[512];
	size_t i, used = 0;

	for (i = 0; i < all->n && used < sizeof(names); i++)
		used += snprintf(names + used, sizeof(names) - used, "%s%s",
				 i ? ", " : "", all->v[i].name);
	warn("unknown column '%.*s'; there are: %s", len, name, names);
	return USAGE;
}

static int add(struct ctx *ctx, const struct columns *all, const char *list)
{
	const char *name = list;

	for (;;) {
		const size_t len = strcspn(name, ",");
		const struct column *c = find(all, name, len);

		if (!c)
			return refuse(all, name, len);
		if (ctx->n_columns == COLUMNS_MAX) {
			warn("more than %d columns", COLUMNS_MAX);
			return USAGE;
		}
		ctx->columns[ctx->n_columns++] = c;
		if (c->flags & COLUMN_OWNERS)
			ctx->opt.given |= OPT(PROCESSES);
		if (!name[len])
			return 0;
		name += len + 1;
	}
}

/* What a bar stands for is what the lines are sorted by. */
static const char *amount_column(const struct options *opt)
{
	switch (opt->sort) {
	case SORT_PACKETS:
		return "PACKETS,SHARE,BAR";
	case SORT_RX:
		return "RX-BYTES,SHARE,BAR";
	case SORT_TX:
		return "TX-BYTES,SHARE,BAR";
	case SORT_RX_PACKETS:
		return "RX-PKTS,SHARE,BAR";
	case SORT_TX_PACKETS:
		return "TX-PKTS,SHARE,BAR";
	default:
		return "TOTAL,SHARE,BAR";
	}
}

static const char *list_of(const struct ctx *ctx, const struct layout *l)
{
	const struct options *opt = &ctx->opt;
	const bool rates = given(opt, OPT_INTERVAL);
	bool narrow;

	if (given(opt, OPT_CSV))
		return rates ? l->rates_csv : l->csv;
	if (rates)
		return l->rates;
	if (given(opt, OPT_BARS))
		return l->bars;
	if (given(opt, OPT_DETAILS) && l->details)
		return l->details;
	if (l->wide && ctx->tty && ctx_width(ctx) >= WIDE_WIDTH)
		return l->wide;
	/* Cut short all would say less. */
	narrow = l->narrow && ctx->tty && ctx_width(ctx) < NARROW_WIDTH;
	if (l->owned && (given(opt, OPT_PROCESSES) ||
			 (narrow && given(opt, OPT_ALL_NETNS))))
		return l->owned;
	return narrow ? l->narrow : l->plain;
}

static int add_usual(struct ctx *ctx, const struct layout *l)
{
	const struct options *opt = &ctx->opt;
	int err = 0;

	/* A program should find the same columns every time. */
	if (given(opt, OPT_ALL_NETNS) || given(opt, OPT_CSV))
		err = add(ctx, l->columns, "NETNS");
	if (!err)
		err = add(ctx, l->columns, list_of(ctx, l));
	if (!err && given(opt, OPT_BARS))
		err = add(ctx, l->columns, amount_column(opt));
	if (!err && given(opt, OPT_PROCESSES))
		err = add(ctx, l->columns, "OPEN,OWNER");
	return err;
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

	if (!output || *output == '+')
		err = add_usual(ctx, layout);
	if (!err && output)
		err = add(ctx, layout->columns, output + (*output == '+'));
	return err;
}

/**
 * layout_list() - print which columns there are
 * @layout: the table of a subcommand
 */
void layout_list(const struct layout *layout)
{
	const struct columns *all = layout->columns;
	size_t i;

	for (i = 0; i < all->n; i++)
		printf("%-10s %s\n", all->v[i].name, all->v[i].help);
}
