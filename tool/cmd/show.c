// SPDX-License-Identifier: GPL-2.0
/* show: all that is known of one port. */
#include <string.h>
#include <time.h>

#include "cmd/query.h"
#include "ctl/ctx.h"
#include "ctl/portspec.h"
#include "lib/names.h"
#include "lib/text.h"
#include "view/columns.h"
#include "view/howlong.h"
#include "view/out_json.h"
#include "view/out_owners.h"
#include "view/out_peers.h"
#include "view/sort.h"
#include "view/summary.h"
#include "view/view.h"

/* The kernel takes one transport or all; some are picked here. */
static void keep_transports(struct records *list, unsigned int transports)
{
	size_t i, n = 0;

	for (i = 0; i < list->n; i++)
		if (transport_bit(list->v[i].transport) & transports)
			list->v[n++] = list->v[i];
	list->n = n;
}

static int only_transport(unsigned int transports)
{
	unsigned int i;

	for (i = 0; i <= PORTMON_TRANSPORT_MAX; i++)
		if (transports == 1u << i)
			return i;
	return ANY;
}

static int read_spec(struct ctx *ctx, const struct portspec *spec,
		     struct records *list)
{
	struct filter filter = ctx->opt.filter;
	struct records part = { 0 };
	int err;
	size_t i;

	filter.port = spec->port;
	filter.port_max = spec->port_max;
	filter.transport = only_transport(spec->transports);
	filter.histograms = info_has(&ctx->info, PORTMON_A_INFO_HISTOGRAMS_MAX);
	err = pm_ports(ctx->pm, &filter, &part);
	if (err)
		pm_complain(ctx->pm, "read the counters", err);
	keep_transports(&part, spec->transports);
	for (i = 0; i < part.n && !err; i++)
		err = records_add(list, &part.v[i]);
	records_free(&part);
	return err;
}

static int read_arg(struct ctx *ctx, const char *arg, struct records *list)
{
	struct portspec spec[PORTSPEC_MAX];
	int i, n, err = 0;
	size_t before = list->n;
	char buf[TIME_SIZE];

	n = portspec_parse(&ctx->services, arg, spec);
	for (i = 0; i < n && !err; i++)
		err = read_spec(ctx, &spec[i], list);
	if (!err && list->n == before && !given(&ctx->opt, OPT_ALL_NETNS))
		warn("no traffic on %s; counting began or was reset at %s",
		     arg, format_time(buf, ctx->info.since));
	return n < 0 ? n : err;
}

/* Say what is not counted: otherwise its absence looks like a zero. */
static void say_off(const struct record *r, bool any_tcp)
{
	const struct info *info = r->info;

	if (any_tcp && !info->lifecycle)
		printf("\nTCP handshakes are not followed in this network namespace; enable it with: portmon-ctl enable lifecycle\n");
	if (info->missing & PORTMON_TRACEPOINT_KFREE_SKB)
		printf("\ndrops are not available: this kernel has no tracepoint kfree_skb\n");
	else if (!info->counts_drops)
		printf("\ndrops are not counted in this network namespace; enable them with: portmon-ctl enable drops\n");
}

static void print_summaries(const struct ctx *ctx, const struct records *list)
{
	const uint64_t now = time(NULL);
	bool any_tcp = false;
	size_t i;

	for (i = 0; i < list->n; i++) {
		summary_print(stdout, ctx, &list->v[i], now);
		howlong_print(stdout, ctx, &list->v[i]);
		if (list->v[i].transport == PORTMON_TRANSPORT_TCP)
			any_tcp = true;
	}
	if (list->n && !given(&ctx->opt, OPT_ALL_NETNS))
		say_off(&list->v[0], any_tcp);
}

/* Ports of transports without sockets in this kernel have no owner. */
static void say_absent(const struct records *list)
{
	unsigned int said = 0;
	size_t i;

	for (i = 0; i < list->n; i++) {
		const unsigned int t = list->v[i].transport;

		if (!(said & 1u << t) && socks_absent(t))
			printf("this kernel does not support %s: no local process can use it\n",
			       name_of(&transport_names, t));
		said |= 1u << t;
	}
}

/* Who owns the ports, whether or not anything has been counted there. */
static int print_owners(struct ctx *ctx, const struct query *q,
			const struct answer *a)
{
	struct portspec spec[PORTSPEC_MAX];
	int i, n, err = 0;

	for (i = 0; i < q->argc && !err; i++) {
		n = portspec_parse(&ctx->services, q->argv[i], spec);
		if (n < 0)
			return n;
		fputs("\nWho uses ", stdout);
		text_print(stdout, q->argv[i], strlen(q->argv[i]));
		if (a->ns) {
			fputs(" in ", stdout);
			text_print(stdout, a->ns->label, strlen(a->ns->label));
		}
		fputs(":\n", stdout);
		err = out_owners(ctx, &a->owners, spec, n);
		if (err || !a->s.ports.n)
			continue;
		fputs("\nWho is connected:\n", stdout);
		err = out_peers(ctx, &a->owners, spec, n);
	}
	say_absent(&a->s.ports);
	return err;
}

/* Check the arguments before any query to the kernel. */
static int check_ports_given(struct ctx *ctx, int argc, char **argv)
{
	struct portspec spec[PORTSPEC_MAX];
	int i, n;

	if (!argc) {
		warn("no port given: expected NUMBER, NUMBER/TRANSPORT or a service name");
		return USAGE;
	}
	for (i = 0; i < argc; i++) {
		n = portspec_parse(&ctx->services, argv[i], spec);
		if (n < 0)
			return n;
	}
	return 0;
}

static bool is_text(const struct options *opt)
{
	return !given(opt, OPT_JSON) && !given(opt, OPT_CSV);
}

static void sort_ports(const struct ctx *ctx, struct records *list)
{
	view_sort(list, ports_layout.columns, ctx->opt.sort,
		  given(&ctx->opt, OPT_REVERSE));
}

static int read_show(struct ctx *ctx, const struct query *q,
		     struct answer *a)
{
	struct records *ports = &a->s.ports;
	int i, err = 0;

	for (i = 0; i < q->argc && !err; i++)
		err = read_arg(ctx, q->argv[i], ports);
	if (err)
		return err;
	view_mark(ports, &ctx->info);
	if (!given(&ctx->opt, OPT_NUMERIC))
		view_name(ports, &ctx->services);
	sort_ports(ctx, ports);
	if (given(&ctx->opt, OPT_PROCESSES) || is_text(&ctx->opt))
		err = ctx_owners(ctx, ports, &a->owners);
	return err;
}

static void json_show(struct json *j, struct ctx *ctx,
		      const struct snapshot *s)
{
	out_json_ports(j, ctx, "ports", &s->ports);
}

/*
 * Of each argument, as the text has them. Reading all sockets takes longer
 * than the rest: only on request.
 */
static void json_peers(struct json *j, struct ctx *ctx, const struct query *q,
		       const struct answer *a)
{
	struct portspec spec[PORTSPEC_MAX];
	int i, n;

	if (!given(&ctx->opt, OPT_PROCESSES))
		return;
	json_array(j, "peers");
	for (i = 0; i < q->argc; i++) {
		n = portspec_parse(&ctx->services, q->argv[i], spec);
		if (n > 0)
			out_json_peers(j, &a->owners, spec, n);
	}
	json_array_end(j);
}

static int print_show(struct ctx *ctx, const struct query *q)
{
	struct snapshot s;
	size_t i;
	int err = query_merge(q, &s);

	if (err)
		return err;
	sort_ports(ctx, &s.ports);
	if (s.ports.n || s.overflow.n || given(&ctx->opt, OPT_CSV))
		err = out_table_ports(ctx, &s.ports, &s.overflow);
	if (!err && !given(&ctx->opt, OPT_CSV))
		print_summaries(ctx, &s.ports);
	snapshot_free(&s);
	for (i = 0; i < q->n && !err && is_text(&ctx->opt); i++)
		if (!q->v[i].note)
			err = print_owners(ctx, q, &q->v[i]);
	return err;
}

static const struct query_ops show_query = {
	.read = read_show,
	.json = json_show,
	.json_more = json_peers,
	.table = print_show,
};

static int run_show(struct ctx *ctx, int argc, char **argv)
{
	int err = check_ports_given(ctx, argc, argv);

	ctx->peers = !given(&ctx->opt, OPT_CSV);
	return err ? err : query_run(ctx, &show_query, argc, argv);
}

const struct command cmd_show = {
	.name = "show",
	.args = "PORT[/TRANSPORT]|FIRST-LAST|NAME ...",
	.summary = "one port in every scope and transport, with TCP and drop details",
	.text = "Shows all records of a port: 443, 443/tcp, 8000-8100, https or https/udp. A name selects its ports and transports (see: portmon-ctl services). Below the table are TCP handshakes, retransmissions, drops by reason, who uses the port, and the ten peers with the most open connections.",
	.options = OPTS_JSON | OPT(SCOPE) | OPTS_SORT | OPTS_UNITS |
		   OPTS_TABLE | OPT(BARS) | OPT(NUMERIC) | OPT(DETAILS) |
		   OPTS_NETNS | OPT(PROCESSES),
	.layout = &ports_layout,
	.run = run_show,
};
