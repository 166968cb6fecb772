// SPDX-License-Identifier: GPL-2.0
/* ranges and buckets: the sums. */
#include "columns.h"
#include "ctx.h"
#include "out_json.h"
#include "out_table.h"
#include "util.h"

typedef void (*json_list)(struct json *j, const char *key,
			  const struct records *list);

static int print_json(struct ctx *ctx, const char *key, json_list fn,
		      const struct records *list)
{
	struct json j;
	int err = out_json_begin(&j, ctx);

	if (err)
		return err;
	fn(&j, key, list);
	return out_json_end(&j);
}

static void warn_nothing(const struct ctx *ctx)
{
	char buf[TIME_SIZE];

	warn("nothing has been seen%s; counting began or was reset at %s",
	     filter_is_set(&ctx->opt.filter) ? " of what was asked for" :
					       " yet",
	     format_time(buf, ctx->info.since));
}

/* The kernel may send a line for a range that counted nothing. */
static void drop_empty(struct records *list)
{
	size_t i, n = 0;

	for (i = 0; i < list->n; i++)
		if (list->v[i].ports || list->v[i].rx.packets ||
		    list->v[i].tx.packets)
			list->v[n++] = list->v[i];
	list->n = n;
}

static int run_ranges(struct ctx *ctx, int argc, char **argv)
{
	struct records list = { 0 };
	int err = ctx_counting(ctx);

	(void)argc;
	(void)argv;
	if (err)
		return err;
	err = pm_ranges(ctx->pm, &ctx->opt.filter, &list);
	if (err)
		return pm_complain(ctx->pm, "read the ranges", err);
	if (given(&ctx->opt, OPT_JSON)) {
		err = print_json(ctx, "ranges", out_json_sums, &list);
	} else {
		drop_empty(&list);
		if (list.n || given(&ctx->opt, OPT_CSV))
			err = out_table(ctx, &list, NULL, 0);
		else
			warn_nothing(ctx);
	}
	records_free(&list);
	return err;
}

/* A line with the sum below the buckets of each hook and family. */
static int add_totals(const struct records *list, struct records *out)
{
	struct record sum = { 0 };
	size_t i;
	int err = 0;

	for (i = 0; i < list->n && !err; i++) {
		const struct record *r = &list->v[i];

		sum.hook = r->hook;
		sum.family = r->family;
		sum.all.packets += r->all.packets;
		sum.all.bytes += r->all.bytes;
		err = records_add(out, r);
		if (!err && (i + 1 == list->n || r[1].hook != r->hook ||
			     r[1].family != r->family)) {
			err = records_add(out, &sum);
			sum = (struct record){ 0 };
		}
	}
	return err;
}

static int print_buckets(struct ctx *ctx, const struct records *list)
{
	struct records lines = { 0 };
	int err;

	if (given(&ctx->opt, OPT_CSV))
		return out_table(ctx, list, NULL, 0);
	if (!list->n) {
		warn_nothing(ctx);
		return 0;
	}
	err = add_totals(list, &lines);
	if (err)
		warn("out of memory");
	else
		err = out_table(ctx, &lines, NULL, 0);
	records_free(&lines);
	return err;
}

static int run_buckets(struct ctx *ctx, int argc, char **argv)
{
	struct records list = { 0 };
	int err = ctx_counting(ctx);

	(void)argc;
	(void)argv;
	if (err)
		return err;
	err = pm_buckets(ctx->pm, &list);
	if (err)
		return pm_complain(ctx->pm, "read the buckets", err);
	if (given(&ctx->opt, OPT_JSON))
		err = print_json(ctx, "other", out_json_buckets, &list);
	else
		err = print_buckets(ctx, &list);
	records_free(&list);
	return err;
}

const struct command cmd_ranges = {
	.name = "ranges",
	.summary = "sums over the well-known, registered and dynamic ports",
	.text = "A line for each scope, transport and IANA range: how many ports have counted, packets and bytes.",
	.options = OPTS_JSON | OPTS_TRIPLE | OPTS_UNITS | OPTS_TABLE |
		   OPT(BARS) | OPT(NETNS),
	.layout = &ranges_layout,
	.run = run_ranges,
};

const struct command cmd_buckets = {
	.name = "buckets",
	.summary = "what became of the packets of each hook",
	.text = "Every packet that passed a hook is in one line: counted by ports, of a protocol without ports, a fragment without a transport header, and so on. The last line of a hook and family is their sum: all packets that passed it.",
	.options = OPTS_JSON | OPTS_UNITS | OPTS_TABLE | OPT(NUMERIC) |
		   OPT(NETNS),
	.layout = &buckets_layout,
	.run = run_buckets,
};
