// SPDX-License-Identifier: GPL-2.0
/* enable, disable and info: the state of a network namespace. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ctl/ctx.h"
#include "cmd/query.h"
#include "lib/names.h"
#include "lib/util.h"
#include "portmon_version.h"
#include "view/out_json.h"
#include "view/table.h"

static void json_bound(struct json *j, const char *key, uint64_t used,
		       uint64_t max)
{
	json_object(j, key);
	json_uint(j, "used", used);
	json_uint(j, "max", max);
	json_object_end(j);
}

static void json_missing(struct json *j, unsigned int missing)
{
	unsigned int i;

	json_array(j, "missing");
	for (i = 0; i < tracepoint_names.n; i++)
		if (missing & 1u << i)
			json_word(j, NULL, name_of(&tracepoint_names, i));
	json_array_end(j);
}

static void json_info(struct json *j, struct ctx *ctx,
		      const struct snapshot *s)
{
	const struct info *info = &ctx->info;

	(void)s;
	json_word(j, "tool", PORTMON_VERSION);
	json_bool(j, "enabled", info->enabled);
	json_bool(j, "lifecycle", info->lifecycle);
	json_bool(j, "drops", info->counts_drops);
	json_missing(j, info->missing);
	json_uint(j, "generation", info->generation);
	json_bound(j, "records", info->records, info->records_max);
	json_bound(j, "slots", info->slots, info->slots_max);
	json_bound(j, "events", info->events, info->events_max);
	json_bound(j, "histograms", info->histograms, info->histograms_max);
	json_object(j, "refused");
	json_uint(j, "records", info->records_refused);
	json_uint(j, "events", info->events_refused);
	json_uint(j, "histograms", info->histograms_refused);
	json_object_end(j);
	if (info->has & 1u << PORTMON_A_INFO_DROPS_UNPLACED)
		json_uint(j, "drops_unplaced", info->drops_unplaced);
	else
		json_null(j, "drops_unplaced");
	json_uint(j, "memory", info->memory);
	json_object(j, "ephemeral");
	json_uint(j, "min", info->ephemeral_min);
	json_uint(j, "max", info->ephemeral_max);
	json_object_end(j);
}

static void print_parts(const struct info *info)
{
	printf("TCP lifecycle    %s\n", info->lifecycle ? "on" :
	       "off (enable it with: portmon-ctl enable lifecycle)");
	printf("drops            %s\n", info->counts_drops ? "on" :
	       "off (enable it with: portmon-ctl enable drops)");
}

static void print_missing(unsigned int missing)
{
	static const char *const contains[] = {
		"established and failed handshakes",
		"retransmissions",
		"SYN-ACK retransmissions",
		"drops",
	};
	unsigned int i;

	for (i = 0; i < tracepoint_names.n; i++)
		if (missing & 1u << i)
			printf("not available    %s: this kernel lacks the tracepoint %s\n",
			       contains[i], name_of(&tracepoint_names, i));
}

static void print_refused(const struct info *info)
{
	if (info->records_refused)
		printf("refused          %" PRIu64 " packets without a port record (see max_records)\n",
		       info->records_refused);
	if (info->events_refused)
		printf("refused          %" PRIu64 " TCP events and drops without an event counter\n",
		       info->events_refused);
	if (info->histograms_refused)
		printf("refused          %" PRIu64 " handshakes and ends of connections without a histogram\n",
		       info->histograms_refused);
}

static void print_state(const struct ctx *ctx)
{
	const struct info *info = &ctx->info;
	char since[TIME_SIZE], memory[NUMBER_SIZE];

	printf("module           %s\n", info->version);
	printf("tool             %s\n", PORTMON_VERSION);
	printf("counting         %s\n", info->enabled ? "on" :
	       "off (enable it with: portmon-ctl enable)");
	if (info->enabled) {
		printf("since            %s\n",
		       format_time(since, info->since));
		print_parts(info);
	}
	printf("port records     %u of at most %u\n", info->records,
	       info->records_max);
	printf("per-CPU slots    %u of at most %u\n", info->slots,
	       info->slots_max);
	printf("event counters   %u of at most %u\n", info->events,
	       info->events_max);
	printf("histograms       %u of at most %u\n", info->histograms,
	       info->histograms_max);
	print_refused(info);
	printf("kernel memory    %s bytes\n",
	       format_number(memory, info->memory, ctx->opt.units));
	printf("ephemeral ports  %u-%u\n", info->ephemeral_min,
	       info->ephemeral_max);
	print_missing(info->missing);
	if (info->drops_unplaced)
		printf("unplaced drops   %" PRIu64 " of the whole host, of unknown network namespace\n",
		       info->drops_unplaced);
}

static int read_nothing(struct ctx *ctx, const struct query *q,
			struct answer *a)
{
	(void)ctx;
	(void)q;
	(void)a;
	return 0;	/* connecting has read it */
}

static void add_info_row(struct table *t, const struct ctx *ctx,
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
	static const struct table_head heads[] = {
		{ "NETNS", COLUMN_LEFT },
		{ "COUNTING", COLUMN_LEFT },
		{ "SINCE", COLUMN_LEFT },
		{ "RECORDS", COLUMN_RIGHT },
		{ "MEMORY", COLUMN_RIGHT },
	};
	struct table *t;
	size_t i;

	if (!given(&ctx->opt, OPT_ALL_NETNS)) {
		print_state(ctx);
		return 0;
	}
	t = table_begin(ctx);
	table_columns(t, heads, ARRAY_SIZE(heads));
	for (i = 0; i < q->n; i++)
		add_info_row(t, ctx, &q->v[i]);
	return table_end(t);
}

static const struct query_ops info_query = {
	.read = read_nothing,
	.json = json_info,
	.table = print_info,
	.off = true,
};

static int run_info(struct ctx *ctx, int argc, char **argv)
{
	return query_run(ctx, &info_query, argc, argv);
}

/**
 * struct part - what can be switched
 * @attr: PORTMON_A_INFO_*
 * @arg: the argument that asks for it, NULL for all of it
 * @name: its name in messages
 * @off: what a person should know once it is off
 */
struct part {
	unsigned int attr;
	const char *arg;
	const char *name;
	const char *off;
};

static const struct part parts[] = {
	{ PORTMON_A_INFO_ENABLED, NULL, "counting",
	  "; the counts were discarded" },
	{ PORTMON_A_INFO_LIFECYCLE, "lifecycle",
	  "following TCP handshakes, ends and retransmissions",
	  "; existing counts are kept" },
	{ PORTMON_A_INFO_DROPS, "drops", "counting drops",
	  "; existing counts are kept" },
};

static const struct part *find_part(const char *arg)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++)
		if (arg ? parts[i].arg && !strcmp(parts[i].arg, arg) :
			  !parts[i].arg)
			return &parts[i];
	return NULL;
}

static int set_part(struct ctx *ctx, const struct part *part, bool on)
{
	const char *word = on ? "on" : "off";
	char what[80];
	int err = pm_switch(ctx->pm, 1u << part->attr, on, &ctx->info);

	if (err == -EALREADY) {
		warn("%s is already %s", part->name, word);
		return 0;
	}
	snprintf(what, sizeof(what), "switch %s %s", part->name, word);
	if (err)
		return pm_complain(ctx->pm, what, err);
	printf("%s is %s%s\n", part->name, word, on ? "" : part->off);
	return 0;
}

static int set_state(struct ctx *ctx, int argc, char **argv, bool on)
{
	int i, err;

	for (i = 0; i < argc; i++) {
		if (find_part(argv[i]))
			continue;
		warn("unexpected argument '%s'; expected: lifecycle or drops",
		     argv[i]);
		return USAGE;
	}
	err = ctx_connect(ctx);
	if (!err && !argc)
		err = set_part(ctx, find_part(NULL), on);
	for (i = 0; i < argc && !err; i++)
		err = set_part(ctx, find_part(argv[i]), on);
	return err;
}

static int run_enable(struct ctx *ctx, int argc, char **argv)
{
	return set_state(ctx, argc, argv, true);
}

static int run_disable(struct ctx *ctx, int argc, char **argv)
{
	return set_state(ctx, argc, argv, false);
}

const struct command cmd_info = {
	.name = "info",
	.summary = "state of the module and of the network namespace",
	.text = "Shows the version of the module, whether counting is on and since when, what is disabled or not available on this kernel, the memory used, and the port range for outgoing connections.",
	.options = OPTS_JSON | OPTS_UNITS | OPTS_NETNS,
	.run = run_info,
};

const struct command cmd_enable = {
	.name = "enable",
	.args = "[lifecycle] [drops]",
	.words = "lifecycle drops",
	.summary = "start counting in this network namespace, or parts of it",
	.text = "Starts counting in this network namespace or the one given. With an argument, and counting enabled, starts following TCP handshakes, ends and retransmissions (lifecycle) or counting drops. Needs CAP_NET_ADMIN.",
	.options = OPT(NETNS),
	.run = run_enable,
};

const struct command cmd_disable = {
	.name = "disable",
	.args = "[lifecycle] [drops]",
	.words = "lifecycle drops",
	.summary = "stop counting in this network namespace, or parts of it",
	.text = "Stops counting in this network namespace or the one given, and frees the memory. What was counted is gone. With an argument, stops only following TCP's handshakes, ends and retransmissions (lifecycle) or counting drops; existing counts are kept. Needs CAP_NET_ADMIN.",
	.options = OPT(NETNS),
	.run = run_disable,
};
