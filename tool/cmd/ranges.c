// SPDX-License-Identifier: GPL-2.0
/* ranges and buckets: totals. */
#include <errno.h>

#include "cmd/query.h"
#include "ctl/ctx.h"
#include "view/columns.h"
#include "view/out_json.h"
#include "view/sort.h"

static void warn_no_sums(const struct ctx *ctx)
{
	char buf[TIME_SIZE];

	warn("no traffic%s; counting began or was reset at %s",
	     filter_is_set(&ctx->opt.filter) ? " that matches" :
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

static int print_sums(struct ctx *ctx, const struct records *list,
		      const struct records *more)
{
	if (list->n || more->n || given(&ctx->opt, OPT_CSV))
		return out_table(ctx, list, more, 0);
	warn_no_sums(ctx);
	return 0;
}

static void sort_lines(const struct ctx *ctx, const struct layout *l,
		       struct records *list)
{
	view_sort(list, l->columns, ctx->opt.sort,
		  given(&ctx->opt, OPT_REVERSE));
}

static int read_ranges(struct ctx *ctx, const struct query *q,
		       struct answer *a)
{
	int err = pm_ranges(ctx->pm, &ctx->opt.filter, &a->s.ports);

	(void)q;
	if (err)
		return pm_complain(ctx->pm, "read the ranges", err);
	if (!given(&ctx->opt, OPT_JSON))
		drop_empty(&a->s.ports);
	else
		sort_lines(ctx, &ranges_layout, &a->s.ports);
	return 0;
}

static void json_ranges(struct json *j, struct ctx *ctx,
			const struct snapshot *s)
{
	(void)ctx;
	out_json_sums(j, "ranges", &s->ports);
}

static int print_ranges(struct ctx *ctx, const struct query *q)
{
	struct snapshot s;
	int err = query_merge(q, &s);

	if (err)
		return err;
	sort_lines(ctx, &ranges_layout, &s.ports);
	err = print_sums(ctx, &s.ports, &s.overflow);
	snapshot_free(&s);
	return err;
}

static const struct query_ops ranges_query = {
	.read = read_ranges,
	.json = json_ranges,
	.table = print_ranges,
};

static int run_ranges(struct ctx *ctx, int argc, char **argv)
{
	return query_run(ctx, &ranges_query, argc, argv);
}

static bool is_same_hook(const struct record *a, const struct record *b)
{
	return a->netns == b->netns && a->hook == b->hook &&
	       a->family == b->family;
}

/*
 * A line with the sum of each hook and family, below its buckets; those that
 * are sorted are not together, and then all sums are below all lines.
 */
static int add_totals(const struct records *list, struct records *out,
		      struct records *sums)
{
	struct record sum = { 0 };
	size_t i;
	int err = 0;

	for (i = 0; i < list->n && !err; i++) {
		const struct record *r = &list->v[i];

		sum.hook = r->hook;
		sum.family = r->family;
		sum.netns = r->netns;
		count_add(&sum.all, &r->all);
		err = records_add(out, r);
		if (!err && (i + 1 == list->n || !is_same_hook(r, r + 1))) {
			err = records_add(sums, &sum);
			sum = (struct record){ 0 };
		}
	}
	return err;
}

/* Notes on namespaces come last. */
static int add_notes(struct records *sums, const struct records *notes)
{
	size_t i;
	int err = 0;

	for (i = 0; i < notes->n && !err; i++)
		err = records_add(sums, &notes->v[i]);
	return err;
}

static int print_buckets_text(struct ctx *ctx, const struct snapshot *s)
{
	const bool sorted = ctx->opt.sort || given(&ctx->opt, OPT_REVERSE);
	struct records lines = { 0 }, sums = { 0 };
	int err = add_totals(&s->other, &lines, sorted ? &sums : &lines);

	if (!err)
		err = add_notes(&sums, &s->overflow);
	if (err) {
		warn_memory();
	} else {
		if (sorted)
			sort_lines(ctx, &buckets_layout, &lines);
		err = print_sums(ctx, &lines, &sums);
	}
	records_free(&lines);
	records_free(&sums);
	return err;
}

static int print_buckets(struct ctx *ctx, const struct query *q)
{
	struct snapshot s;
	int err = query_merge(q, &s);

	if (err)
		return err;
	/* A program can add up by itself. */
	if (given(&ctx->opt, OPT_CSV)) {
		sort_lines(ctx, &buckets_layout, &s.other);
		err = print_sums(ctx, &s.other, &s.overflow);
	} else {
		err = print_buckets_text(ctx, &s);
	}
	snapshot_free(&s);
	return err;
}

static int read_buckets(struct ctx *ctx, const struct query *q,
			struct answer *a)
{
	int err = pm_buckets(ctx->pm, &a->s.other);

	(void)q;
	if (err)
		return pm_complain(ctx->pm, "read the buckets", err);
	if (given(&ctx->opt, OPT_JSON))
		sort_lines(ctx, &buckets_layout, &a->s.other);
	return 0;
}

static void json_buckets(struct json *j, struct ctx *ctx,
			 const struct snapshot *s)
{
	(void)ctx;
	out_json_buckets(j, "other", &s->other);
}

static const struct query_ops buckets_query = {
	.read = read_buckets,
	.json = json_buckets,
	.table = print_buckets,
};

static int run_buckets(struct ctx *ctx, int argc, char **argv)
{
	return query_run(ctx, &buckets_query, argc, argv);
}

const struct command cmd_ranges = {
	.name = "ranges",
	.summary = "totals of well-known, registered and dynamic ports",
	.text = "Totals for each scope, transport and IANA range: number of ports with traffic, packets and bytes.",
	.options = OPTS_JSON | OPTS_TRIPLE | OPTS_SORT | OPTS_UNITS |
		   OPTS_TABLE | OPT(BARS) | OPTS_NETNS,
	.layout = &ranges_layout,
	.run = run_ranges,
};

const struct command cmd_buckets = {
	.name = "buckets",
	.summary = "all packets of each hook by category",
	.text = "Every packet that passed a hook is in one line: counted by ports, a protocol without ports, a fragment without a transport header, and so on. The last line of a hook and family is the sum: all packets that passed it; with --sort the sums follow all other lines.",
	.options = OPTS_JSON | OPTS_UNITS | OPTS_TABLE | OPTS_SORT |
		   OPT(NUMERIC) | OPTS_NETNS,
	.layout = &buckets_layout,
	.run = run_buckets,
};
