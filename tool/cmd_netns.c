// SPDX-License-Identifier: GPL-2.0
/* enable, disable and info: the state of a network namespace. */
#include <errno.h>

#include "ctx.h"
#include "out_json.h"
#include "portmon_version.h"
#include "query.h"
#include "table.h"
#include "util.h"

static void json_bound(struct json *j, const char *key, uint64_t used,
		       uint64_t max)
{
	json_object(j, key);
	json_uint(j, "used", used);
	json_uint(j, "max", max);
	json_object_end(j);
}

static void json_info(struct json *j, struct ctx *ctx,
		      const struct snapshot *s)
{
	const struct info *info = &ctx->info;

	(void)s;
	json_word(j, "tool", PORTMON_VERSION);
	json_bool(j, "enabled", info->enabled);
	json_uint(j, "generation", info->generation);
	json_bound(j, "records", info->records, info->records_max);
	json_bound(j, "slots", info->slots, info->slots_max);
	json_uint(j, "memory", info->memory);
	json_object(j, "ephemeral");
	json_uint(j, "min", info->ephemeral_min);
	json_uint(j, "max", info->ephemeral_max);
	json_object_end(j);
}

static void print_text(const struct ctx *ctx)
{
	const struct info *info = &ctx->info;
	char since[TIME_SIZE], memory[NUMBER_SIZE];

	printf("module           %s\n", info->version);
	printf("tool             %s\n", PORTMON_VERSION);
	printf("counting         %s\n", info->enabled ? "on" :
	       "off (switch it on with: portmon-ctl enable)");
	if (info->enabled)
		printf("since            %s\n",
		       format_time(since, info->since));
	printf("port records     %u of at most %u\n", info->records,
	       info->records_max);
	printf("per-CPU slots    %u of at most %u\n", info->slots,
	       info->slots_max);
	printf("kernel memory    %s bytes\n",
	       format_number(memory, info->memory, ctx->opt.units));
	printf("ephemeral ports  %u-%u\n", info->ephemeral_min,
	       info->ephemeral_max);
}

static int read_info(struct ctx *ctx, const struct query *q,
		     struct snapshot *s)
{
	(void)ctx;
	(void)q;
	(void)s;
	return 0;	/* connecting has read it */
}

static void add_row(struct table *t, const struct ctx *ctx,
		    const struct answer *a)
{
	char buf[TIME_SIZE];

	table_row(t, !!a->note);
	table_cell(t, a->ns->label);
	table_cell(t, a->note ? a->note : "on");
	table_cell(t, a->info.enabled ? format_time(buf, a->info.since) : "-");
	table_cell(t, format_uint(buf, a->info.records));
	table_cell(t, format_number(buf, a->info.memory, ctx->opt.units));
}

static int print_info(struct ctx *ctx, const struct query *q)
{
	struct table *t;
	size_t i;

	if (!given(&ctx->opt, OPT_ALL_NETNS)) {
		print_text(ctx);
		return 0;
	}
	t = table_begin(ctx);
	table_column(t, "NETNS", COLUMN_LEFT);
	table_column(t, "COUNTING", COLUMN_LEFT);
	table_column(t, "SINCE", COLUMN_LEFT);
	table_column(t, "RECORDS", COLUMN_RIGHT);
	table_column(t, "MEMORY", COLUMN_RIGHT);
	for (i = 0; i < q->n; i++)
		add_row(t, ctx, &q->v[i]);
	return table_end(t);
}

static const struct query_ops info_query = {
	.read = read_info,
	.json = json_info,
	.table = print_info,
	.off = true,
};

static int run_info(struct ctx *ctx, int argc, char **argv)
{
	return query_run(ctx, &info_query, argc, argv);
}

static int set_state(struct ctx *ctx, bool on)
{
	const char *word = on ? "on" : "off";
	int err = ctx_connect(ctx);

	if (err)
		return err;
	err = pm_enable(ctx->pm, on, &ctx->info);
	if (err == -EALREADY) {
		warn("counting was %s already", word);
		return 0;
	}
	if (err)
		return pm_complain(ctx->pm, on ? "switch counting on" :
					    "switch counting off", err);
	printf("counting is %s%s\n", word,
	       on ? "" : "; what was counted is gone");
	return 0;
}

static int run_enable(struct ctx *ctx, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return set_state(ctx, true);
}

static int run_disable(struct ctx *ctx, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return set_state(ctx, false);
}

const struct command cmd_info = {
	.name = "info",
	.summary = "state of the module and of the network namespace",
	.text = "Version of the module, whether counting is on and since when, how much memory it takes, and which ports this host picks for outgoing connections.",
	.options = OPTS_JSON | OPTS_UNITS | OPTS_NETNS,
	.run = run_info,
};

const struct command cmd_enable = {
	.name = "enable",
	.summary = "start counting in this network namespace",
	.text = "Starts counting in this network namespace or the one given. Needs CAP_NET_ADMIN.",
	.options = OPT(NETNS),
	.run = run_enable,
};

const struct command cmd_disable = {
	.name = "disable",
	.summary = "stop counting in this network namespace",
	.text = "Stops counting in this network namespace or the one given, and frees the memory. What was counted is gone. Needs CAP_NET_ADMIN.",
	.options = OPT(NETNS),
	.run = run_disable,
};
