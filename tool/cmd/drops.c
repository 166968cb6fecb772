// SPDX-License-Identifier: GPL-2.0
/* drops and closed: drops by reason, and closed ports that received packets. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "cmd/query.h"
#include "ctl/ctx.h"
#include "lib/names.h"
#include "lib/reasons.h"
#include "lib/record.h"
#include "lib/util.h"
#include "view/columns.h"
#include "view/out_drops.h"
#include "view/out_json.h"
#include "view/view.h"

static bool every(const struct drop_row *row)
{
	return row->drop->packets;
}

static bool closed(const struct drop_row *row)
{
	return !strcmp(row->drop->reason, REASON_CLOSED) &&
	       record_has(row->r, PORTMON_A_RECORD_PORT) &&
	       (row->r->scope == PORTMON_SCOPE_LOCAL ||
		row->r->scope == PORTMON_SCOPE_LOOPBACK);
}

/* What each reason means, once, in the order of the lines. */
static void explain_reasons(const struct ctx *ctx, const struct drop_rows *rows)
{
	size_t i, k;

	for (i = 0; i < rows->n; i++) {
		const char *name = rows->v[i].drop->reason;
		const struct reason *reason = reason_find(name);

		for (k = 0; k < i && strcmp(rows->v[k].drop->reason, name); k++)
			;
		if (k < i)
			continue;
		printf("\n%s%s%s\n  ", ctx->color ? "\033[1m" : "", name,
		       ctx->color ? "\033[0m" : "");
		print_wrapped(stdout, reason ? reason->meaning :
			      "Unknown reason.",
			      2, ctx_width(ctx));
		printf("  What to do: ");
		print_wrapped(stdout, reason ? reason->advice :
			      "See include/net/dropreason-core.h of the kernel.",
			      14, ctx_width(ctx));
	}
}

/*
 * TCP_LISTEN_OVERFLOW is of Linux 7: before, a SYN that a full queue drops has
 * no reason of its own, and so is not in this list.
 */
static bool has_blind_spot(void)
{
	struct utsname name;
	unsigned int major;

	return !uname(&name) && sscanf(name.release, "%u.", &major) == 1 &&
	       major < 7;
}

static const char blind_spot[] =
	"SYNs that a full listen queue drops are not listed: this kernel gives them no reason. See: portmon-ctl check, or stats --sort unanswered";

/* A record of its own for each line, so that columns and sorting are those of ports. */
static int to_records(const struct drop_rows *rows, struct records *lines)
{
	size_t i;

	for (i = 0; i < rows->n; i++) {
		struct record *r = records_new(lines);

		if (!r)
			return -ENOMEM;
		drop_row_record(&rows->v[i], r);
	}
	return 0;
}

static int print_drop_lines(struct ctx *ctx, const struct drop_rows *rows)
{
	struct records lines = { 0 };
	int err = to_records(rows, &lines);

	if (err)
		warn_memory();
	else
		err = out_table(ctx, &lines, NULL, 0);
	/* The drops belong to the rows. */
	free(lines.v);
	return err;
}

static int print_drops_text(struct ctx *ctx, const struct drop_rows *rows)
{
	int err = print_drop_lines(ctx, rows);

	if (!err && !given(&ctx->opt, OPT_CSV))
		explain_reasons(ctx, rows);
	if (!err && !given(&ctx->opt, OPT_CSV) && has_blind_spot()) {
		putchar('\n');
		print_wrapped(stdout, blind_spot, 0, ctx_width(ctx));
	}
	return err;
}

/* Drops that are not counted must not look like zero drops. */
static int check_counted(const struct ctx *ctx, const struct snapshot *s)
{
	const struct record nothing = { 0 };
	const bool any = s->ports.n;

	switch (drops_unknown(&ctx->info, &nothing)) {
	case UNKNOWN_MISSING:
		warn("drops are not available: this kernel has no tracepoint kfree_skb");
		return -EOPNOTSUPP;
	case UNKNOWN_OFF:
		warn("%sdrops are not counted in this network namespace; enable them with: portmon-ctl enable drops",
		     any ? "warning: these drops were counted earlier; now " : "");
		return any ? 0 : -ENOTCONN;
	default:
		return 0;
	}
}

static void prepare(struct ctx *ctx, struct records *ports)
{
	const bool all = given(&ctx->opt, OPT_ALL);

	view_mark(ports, &ctx->info);
	if (!all || !given(&ctx->opt, OPT_NUMERIC))
		view_name(ports, &ctx->services);
	if (!all)
		view_fold(ports);
	if (given(&ctx->opt, OPT_NUMERIC))
		view_unname(ports);
}

static int read_drops(struct ctx *ctx, const struct query *q,
		      struct answer *a)
{
	struct filter filter = ctx->opt.filter;
	int err;

	(void)q;
	filter.dropped = true;
	err = ctx_read(ctx, &filter, filter.port == ANY ? SNAP_OVERFLOW : 0,
		       &a->s);
	if (err)
		return err;
	prepare(ctx, &a->s.ports);
	return given(&ctx->opt, OPT_ALL_NETNS) ? 0 : check_counted(ctx, &a->s);
}

/* The lines of ports and overflow, in order. */
static int make_rows(const struct ctx *ctx, const struct snapshot *s,
		     drop_wanted_fn wanted, struct drop_rows *rows)
{
	int err = drop_rows_add(rows, &s->ports, wanted);

	if (!err)
		err = drop_rows_add(rows, &s->overflow, wanted);
	if (err)
		warn_memory();
	else
		drop_rows_sort(rows, ctx->opt.sort,
			       given(&ctx->opt, OPT_REVERSE));
	return err;
}

static void json_rows(struct json *j, struct ctx *ctx,
		      const struct snapshot *s, drop_wanted_fn wanted,
		      void (*fn)(struct json *j, const struct drop_row *row))
{
	struct drop_rows rows = { 0 };
	size_t i;

	if (make_rows(ctx, s, wanted, &rows))
		j->err = ENOMEM;
	for (i = 0; i < rows.n && !j->err; i++)
		fn(j, &rows.v[i]);
	free(rows.v);
}

static int print_query(struct ctx *ctx, const struct query *q,
		       drop_wanted_fn wanted, const char *none,
		       int (*fn)(struct ctx *ctx, const struct drop_rows *rows))
{
	struct drop_rows rows = { 0 };
	struct snapshot s;
	char since[TIME_SIZE];
	int err = query_merge(q, &s);

	if (err)
		return err;
	err = make_rows(ctx, &s, wanted, &rows);
	if (!err && (rows.n || given(&ctx->opt, OPT_CSV)))
		err = fn(ctx, &rows);
	if (!err && !rows.n && given(&ctx->opt, OPT_ALL_NETNS))
		warn("%s in any network namespace", none);
	else if (!err && !rows.n)
		warn("%s%s; counting began or was reset at %s", none,
		     filter_is_set(&ctx->opt.filter) ?
			     " that matches" : "",
		     format_time(since, ctx->info.since));
	if (!err && !rows.n && wanted == every &&
	    !given(&ctx->opt, OPT_ALL_NETNS) && has_blind_spot())
		warn("%s", blind_spot);
	free(rows.v);
	snapshot_free(&s);
	return err;
}

static void json_drops(struct json *j, struct ctx *ctx,
		       const struct snapshot *s)
{
	json_array(j, "drops");
	json_rows(j, ctx, s, every, out_json_drop);
	json_array_end(j);
}

static int table_drops(struct ctx *ctx, const struct query *q)
{
	return print_query(ctx, q, every, "no dropped packets",
			   print_drops_text);
}

static int run_drops(struct ctx *ctx, int argc, char **argv)
{
	static const struct query_ops drops = {
		.read = read_drops,
		.json = json_drops,
		.table = table_drops,
	};

	return query_run(ctx, &drops, argc, argv);
}

static void json_closed(struct json *j, struct ctx *ctx,
			const struct snapshot *s)
{
	json_array(j, "closed");
	json_rows(j, ctx, s, closed, out_json_tried);
	json_array_end(j);
}

static int table_closed(struct ctx *ctx, const struct query *q)
{
	return print_query(ctx, q, closed,
			   "no closed port has received packets",
			   print_drop_lines);
}

static int run_closed(struct ctx *ctx, int argc, char **argv)
{
	static const struct query_ops ports = {
		.read = read_drops,
		.json = json_closed,
		.table = table_closed,
	};
	const int scope = ctx->opt.filter.scope;

	if (scope == PORTMON_SCOPE_REMOTE || scope == PORTMON_SCOPE_FORWARD) {
		warn("closed ports have scope local or loopback");
		return USAGE;
	}
	return query_run(ctx, &ports, argc, argv);
}

const struct command cmd_drops = {
	.name = "drops",
	.summary = "packets dropped by the kernel, reasons, and what to do",
	.text = "Lists dropped packets by port and reason, the most first, then what each reason means and what to do. A drop counts at the port that the packet was addressed to. Drops without a counter are in the line overflow.",
	.options = OPTS_JSON | OPTS_FILTER | (OPTS_UNITS & ~OPT(BITS)) |
		   OPT(NUMERIC) | OPT(ALL) | OPTS_SORT | OPTS_TABLE |
		   OPTS_NETNS,
	.layout = &drops_layout,
	.run = run_drops,
};

const struct command cmd_closed = {
	.name = "closed",
	.summary = "closed ports that received packets",
	.text = "Lists closed ports of this host that received packets: how many packets, when the first and when the latest. Many ports in a short time are a port scan. Late packets of ended connections count as well, on ephemeral ports.",
	.options = OPTS_JSON | OPTS_FILTER | (OPTS_UNITS & ~OPT(BITS)) |
		   OPT(NUMERIC) | OPT(ALL) | OPTS_SORT | OPTS_TABLE |
		   OPTS_NETNS,
	.layout = &closed_layout,
	.run = run_closed,
};
