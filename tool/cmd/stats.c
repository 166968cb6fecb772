// SPDX-License-Identifier: GPL-2.0
/* stats and reset: both print counters, in the same format. */
#include <errno.h>
#include <inttypes.h>

#include "cmd/query.h"
#include "cmd/stats.h"
#include "ctl/ctx.h"
#include "ctl/portspec.h"
#include "view/columns.h"
#include "view/out_json.h"
#include "view/view.h"

/* Of a table on a terminal, without --all. */
#define LINES_SHOWN	200

static unsigned int more_records(unsigned int max)
{
	return max < 131072 ? 262144 : max > UINT32_MAX / 2 ? UINT32_MAX :
							      2 * max;
}

static void warn_overflow(const struct ctx *ctx, const struct records *list)
{
	uint64_t packets = 0;
	size_t i;

	for (i = 0; i < list->n; i++)
		packets = sum_add(packets, sum_add(list->v[i].rx.packets,
						   list->v[i].tx.packets));
	if (packets)
		warn("warning: %" PRIu64 " packet%s not attributed to a port: record table full (%u of %u in use); they count in the overflow lines; for more records (as root): echo %u > /sys/module/portmon/parameters/max_records",
		     packets, plural(packets), ctx->info.records,
		     ctx->info.records_max,
		     more_records(ctx->info.records_max));
}

static void warn_nothing(const struct ctx *ctx)
{
	char buf[TIME_SIZE];

	if (filter_is_set(&ctx->opt.filter))
		warn("no matching port has traffic since %s",
		     format_time(buf, ctx->info.since));
	else
		warn("no traffic yet; counting began or was reset at %s",
		     format_time(buf, ctx->info.since));
}

/* A table on a terminal has a limit of lines. */
static size_t shorten(const struct ctx *ctx, struct records *ports)
{
	const struct options *opt = &ctx->opt;
	size_t more;

	if (!ctx->tty || opt->limit || ports->n <= LINES_SHOWN ||
	    given(opt, OPT_ALL) || given(opt, OPT_CSV))
		return 0;
	more = ports->n - LINES_SHOWN;
	ports->n = LINES_SHOWN;
	return more;
}

static int read_stats(struct ctx *ctx, const struct query *q,
		      struct answer *a)
{
	const bool json = given(&ctx->opt, OPT_JSON);
	struct filter filter = ctx->opt.filter;
	int err;

	(void)q;
	filter.non_zero = true;
	filter.histograms |= json && given(&ctx->opt, OPT_DETAILS);
	filter.histograms &= info_has(&ctx->info, PORTMON_A_INFO_HISTOGRAMS_MAX);
	err = ctx_read(ctx, &filter, SNAP_OVERFLOW | (json ? SNAP_OTHER : 0),
		       &a->s);
	if (err)
		return err;
	err = view_ports(ctx, &a->s.ports, &a->owners);
	if (err)
		return err;
	if (json)
		view_order(ctx, &a->s.ports);
	warn_overflow(ctx, &a->s.overflow);
	return 0;
}

static int print_stats(struct ctx *ctx, const struct query *q)
{
	struct snapshot s;
	size_t more;
	bool some;
	int err = query_merge(q, &s);

	if (err)
		return err;
	view_order(ctx, &s.ports);
	view_overflow(ctx, &s.overflow);
	more = shorten(ctx, &s.ports);
	some = s.ports.n || s.overflow.n;
	if (some || given(&ctx->opt, OPT_CSV))
		err = out_table_ports(ctx, &s.ports, &s.overflow);
	if (!err && more)
		printf("... and %zu more port%s (--all)\n", more,
		       plural(more));
	if (!some)
		warn_nothing(ctx);
	snapshot_free(&s);
	return err;
}

static const struct query_ops stats_query = {
	.read = read_stats,
	.json = out_json_body,
	.table = print_stats,
};

static int run_stats(struct ctx *ctx, int argc, char **argv)
{
	const struct options *opt = &ctx->opt;
	int i, err = 0;

	for (i = 0; i < argc && !err; i++)
		err = ctx_ports(ctx, argv[i]);
	if (err)
		return err;
	ctx_ports_plain(&ctx->opt.filter);
	if (given(opt, OPT_COUNT) && !given(opt, OPT_INTERVAL)) {
		warn("--count needs --interval");
		return USAGE;
	}
	if (given(opt, OPT_INTERVAL))
		return stats_intervals(ctx);
	if (given(opt, OPT_DELTA))
		return stats_delta(ctx);
	return query_run(ctx, &stats_query, argc, argv);
}

static void say_reset(const struct ctx *ctx, const struct snapshot *s)
{
	if (filter_is_set(&ctx->opt.filter))
		printf("set %zu port record%s to zero\n", s->ports.n,
		       plural(s->ports.n));
	else
		printf("set %zu port record%s, %zu overflow record%s and %zu bucket%s of the namespace to zero\n",
		       s->ports.n, plural(s->ports.n), s->overflow.n,
		       plural(s->overflow.n), s->other.n,
		       plural(s->other.n));
}

static int run_reset(struct ctx *ctx, int argc, char **argv)
{
	const struct options *opt = &ctx->opt;
	struct snapshot s;
	int failed = 0, err = ctx_counting(ctx);

	(void)argc;
	(void)argv;
	if (err)
		return err;
	if (!ctx_ports_plain(&ctx->opt.filter)) {
		warn("reset takes one port or span of ports and one scope; for more call it again");
		return USAGE;
	}
	/* Records read before an error come in no later reply: print them. */
	err = ctx_reset(ctx, &opt->filter, &s);
	if (err && !s.ports.n && !s.overflow.n && !s.other.n)
		return err;
	view_mark(&s.ports, &ctx->info);
	if (!given(opt, OPT_NUMERIC))
		view_name(&s.ports, &ctx->services);
	if (given(opt, OPT_JSON))
		failed = out_json_snapshot(ctx, &s);
	else if (given(opt, OPT_DETAILS))
		failed = out_table_ports(ctx, &s.ports, &s.overflow);
	else
		say_reset(ctx, &s);
	snapshot_free(&s);
	return err ? err : failed;
}

const struct command cmd_stats = {
	.name = "stats",
	.args = "[PORT ...]",
	.summary = "packets and bytes of every port, the busiest first",
	.text = "Lists every port with traffic. Scope local is a port of this host (rx received on it, tx sent from it), remote a port of the other end, forward a port in routed traffic, loopback a port in traffic that never left the host. Ephemeral ports without a service name are folded into one line per scope and transport, unless --all is given. --delta shows the difference to the last call of the same user (with =NAME, to that of the same name), --interval per-second rates.",
	.options = OPTS_JSON | OPTS_FILTER | OPTS_SORT | OPTS_UNITS |
		   OPTS_TABLE | OPT(BARS) | OPT(NUMERIC) | OPT(DETAILS) |
		   OPT(ALL) | OPT(DELTA) | OPT(INTERVAL) | OPT(COUNT) |
		   OPT(PROCESS) | OPT(UNIT) | OPT(LIMIT) |
		   OPTS_NETNS | OPT(PROCESSES),
	.layout = &ports_layout,
	.run = run_stats,
};

const struct command cmd_reset = {
	.name = "reset",
	.summary = "set counters to zero; --json prints their last values",
	.text = "Sets the counters of the whole network namespace to zero, or with a filter those of the matching ports. No packet is lost or counted twice: what --json (or, as a table, --details) prints plus what is counted after it is the total. Needs CAP_NET_ADMIN.",
	.options = OPTS_JSON | OPTS_FILTER | OPTS_UNITS | OPT(NUMERIC) |
		   OPT(DETAILS) | OPT(NETNS),
	.layout = &ports_layout,
	.run = run_reset,
};
