// SPDX-License-Identifier: GPL-2.0
#include "columns.h"
#include "ctx.h"
#include "names.h"
#include "out_json.h"
#include "out_table.h"
#include "portspec.h"
#include "util.h"
#include "view.h"

/* The kernel takes one transport or all; some are picked here. */
static void keep_transports(struct records *list, unsigned int transports)
{
	size_t i, n = 0;

	for (i = 0; i < list->n; i++)
		if (1u << list->v[i].transport & transports)
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
	if (!err && list->n == before)
		warn("%s has not been seen; counting began or was reset at %s",
		     arg, format_time(buf, ctx->info.since));
	return n < 0 ? n : err;
}

static int print(struct ctx *ctx, const struct records *list)
{
	const struct records none = { 0 };
	struct json j;
	int err;

	if (!given(&ctx->opt, OPT_JSON))
		return list->n || given(&ctx->opt, OPT_CSV) ?
			       out_table_ports(ctx, list, &none) : 0;
	err = out_json_begin(&j, ctx);
	if (err)
		return err;
	out_json_ports(&j, ctx, "ports", list);
	return out_json_end(&j);
}

/* Wrong arguments are found before anything is asked of the kernel. */
static int check_args(struct ctx *ctx, int argc, char **argv)
{
	struct portspec spec[PORTSPEC_MAX];
	int i, n;

	if (!argc) {
		warn("which port? a number, number/transport or a service's name");
		return USAGE;
	}
	for (i = 0; i < argc; i++) {
		n = portspec_parse(&ctx->services, argv[i], spec);
		if (n < 0)
			return n;
	}
	return 0;
}

static int run_show(struct ctx *ctx, int argc, char **argv)
{
	struct records list = { 0 };
	int i, err;

	err = check_args(ctx, argc, argv);
	if (!err)
		err = ctx_counting(ctx);
	for (i = 0; i < argc && !err; i++)
		err = read_arg(ctx, argv[i], &list);
	if (!err) {
		view_mark(&list, &ctx->info);
		if (!given(&ctx->opt, OPT_NUMERIC))
			view_name(&list, &ctx->services);
		view_sort(&list, ctx->opt.sort,
			  given(&ctx->opt, OPT_REVERSE));
		err = print(ctx, &list);
	}
	records_free(&list);
	return err;
}

const struct command cmd_show = {
	.name = "show",
	.args = "PORT[/TRANSPORT]|FIRST-LAST|NAME ...",
	.summary = "one port in every scope and transport",
	.text = "All records of a port: 443, 443/tcp, 8000-8100, https or https/udp. A name stands for its ports and transports (see: portmon-ctl services).",
	.options = OPTS_JSON | OPT(SCOPE) | OPTS_SORT | OPTS_UNITS |
		   OPTS_TABLE | OPT(BARS) | OPT(NUMERIC) | OPT(DETAILS) |
		   OPT(NETNS),
	.layout = &ports_layout,
	.run = run_show,
};
