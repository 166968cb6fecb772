// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <string.h>

#include "ctl/ctx.h"
#include "ctl/portspec.h"
#include "lib/util.h"
#include "test/ktap.h"

#define MAX_ARGS 8

static struct options opt;
static char *args[MAX_ARGS + 2];
static char words[256];
static const char *said;

/* Return: the first word that is no option, "" for none, NULL if refused. */
static const char *parse_stats(const char *line)
{
	const struct options none = OPTIONS_DEFAULT;
	int argc = 1, first;
	char *save, *w;

	opt = none;
	args[0] = "portmon-ctl";
	snprintf(words, sizeof(words), "%s", line);
	for (w = strtok_r(words, " ", &save); w && argc <= MAX_ARGS;
	     w = strtok_r(NULL, " ", &save))
		args[argc++] = w;
	args[argc] = NULL;
	begin_capture();
	first = options_parse(&opt, cmd_stats.options, argc, args);
	said = end_capture();
	check((first < 0) == !!*said);
	if (first < 0)
		return NULL;
	return first < argc ? args[first] : "";
}

static void test_anywhere(void)
{
	check_text(parse_stats("-j stats --all"), "stats");
	check(given(&opt, OPT_JSON) && given(&opt, OPT_ALL));
	check_text(parse_stats("stats -jan --netns blue"), "stats");
	check(given(&opt, OPT_JSON) && given(&opt, OPT_NUMERIC));
	check_text(opt.netns, "blue");
	check_text(parse_stats("--pretty"), "");
	check(given(&opt, OPT_JSON) && given(&opt, OPT_PRETTY));
	check_text(parse_stats("show -- -j"), "show");
	check(!given(&opt, OPT_JSON));
}

/* One thing in every command; of two words for one thing no command has both. */
static void test_letters(void)
{
	unsigned int i, k;

	for (i = 0; i < N_OPTIONS; i++)
		for (k = 0; k < i; k++)
			check(!options_def(i)->letter ||
			      options_def(i)->letter != options_def(k)->letter ||
			      (k == OPT_COUNT && i == OPT_ITERATIONS));
	check(!(cmd_top.options & OPT(COUNT)));
	check(!(cmd_stats.options & OPT(ITERATIONS)));
	check(options_letter('c', cmd_stats.options) == OPT_COUNT);
	check(options_letter('c', cmd_top.options) == OPT_ITERATIONS);
	/* Those of ip(8). */
	check(options_letter('j', 0) == OPT_JSON);
	check(options_letter('p', 0) == OPT_PRETTY);
	check(options_letter('n', 0) == OPT_NUMERIC);
	check(options_letter('s', 0) == OPT_DETAILS);
	parse_stats("stats -p");
	check(given(&opt, OPT_PRETTY) && given(&opt, OPT_JSON));
	check(!given(&opt, OPT_PROCESSES));
	parse_stats("stats -P");
	check(given(&opt, OPT_PROCESSES) && !given(&opt, OPT_JSON));
	parse_stats("stats -Pp");
	check(given(&opt, OPT_PRETTY) && given(&opt, OPT_PROCESSES));
	parse_stats("stats --pretty");
	check(given(&opt, OPT_PRETTY) && given(&opt, OPT_JSON));
}

static void test_filters(void)
{
	parse_stats("stats");
	check(!filter_is_set(&opt.filter));
	parse_stats("--scope remote --transport UDP --range dynamic --port 8000-8100");
	check(opt.filter.scope == PORTMON_SCOPE_REMOTE);
	check(opt.filter.transport == PORTMON_TRANSPORT_UDP);
	check(opt.filter.range == PORTMON_RANGE_DYNAMIC);
	check_text(opt.ports, "8000-8100");
	parse_stats("--scope remote,local");
	check(opt.filter.scope == ANY && opt.filter.scopes ==
	      (1u << PORTMON_SCOPE_REMOTE | 1u << PORTMON_SCOPE_LOCAL));
	check(filter_is_set(&opt.filter));
	parse_stats("--port=0,ssh,80-90");
	check_text(opt.ports, "0,ssh,80-90");
	parse_stats("--sort last-seen -r --iec");
	check(opt.sort == SORT_LAST_SEEN && opt.units == UNITS_IEC);
}

static bool takes(unsigned int transport, unsigned int port)
{
	const struct record r = {
		.has = 1u << PORTMON_A_RECORD_PORT |
		       1u << PORTMON_A_RECORD_TRANSPORT,
		.transport = transport, .port = port,
	};

	return filter_takes(&opt.filter, &r);
}

static void test_ports(void)
{
	struct ctx ctx = { .opt = OPTIONS_DEFAULT };

	check(!ctx_ports(&ctx, "22,8000-8100,ssh,53/udp"));
	opt = ctx.opt;
	check(!ctx_ports_plain(&opt.filter));
	check(opt.filter.port == 22 && opt.filter.port_max == 8100);
	check(takes(PORTMON_TRANSPORT_TCP, 22));
	check(takes(PORTMON_TRANSPORT_UDP, 53));
	check(!takes(PORTMON_TRANSPORT_TCP, 53));
	check(takes(PORTMON_TRANSPORT_TCP, 8050));
	check(!takes(PORTMON_TRANSPORT_TCP, 80));
	begin_capture();
	check(ctx_ports(&ctx, "22,nosuchservice") == USAGE);
	end_capture();
	/* One span the kernel picks. */
	ctx_free(&ctx);
	ctx = (struct ctx){ .opt = OPTIONS_DEFAULT };
	check(!ctx_ports(&ctx, "80-90"));
	check(ctx_ports_plain(&ctx.opt.filter));
	check(ctx.opt.filter.port == 80 && ctx.opt.filter.port_max == 90);
	ctx_free(&ctx);
}

static void test_arguments(void)
{
	parse_stats("-i 1 -c 5");
	check(opt.interval_ms == 1000 && opt.count == 5);
	parse_stats("-i0.25 --count=4294967295");
	check(opt.interval_ms == 250 && opt.count == UINT32_MAX);
	parse_stats("--interval 86400");
	check(opt.interval_ms == 86400000);
	parse_stats("-jc 3");
	check(given(&opt, OPT_JSON) && opt.count == 3);
}

/* What follows an option with an argument is no command. */
static void test_command(void)
{
	char *argv[] = { "portmon-ctl", "--netns", "stats", "-c", "1", "-j",
			 "show", "--bogus", NULL };

	check(options_command(8, argv, 0) == 6);
	check(options_command(6, argv, 0) == 6);
	check_text(argv[6], "show");
	parse_stats("stats -c");
	check(strstr(said, "--count needs an argument: N"));
}

static void test_wrong(void)
{
	static const char *const wrong[] = {
		"--bogus", "-Z", "--netns", "--json=1", "--scope x",
		"--scope loc", "--transport ip", "--range low", "--port 22,", "--port ,", "--port 22,x,1x",
		"--port 65536", "--port 2-1", "--port 1-", "--port 1x", "--scope local,", "--scope local,x",
		"--sort size", "--color blue", "--s", "-i", "-i 0", "-i 0.0001",
		"-i 1x", "-i 86401", "-i .", "-i s", "-i 1ms", "-i 1441m", "--netns=", "-c 0", "-c -1",
		"--count=4294967296",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		if (parse_stats(wrong[i]))
			check_text(wrong[i], "refused");
		check(!strncmp(said, "portmon-ctl: ", 13));
	}
	parse_stats("stats --scope x");
	check(strstr(said, "local, remote, forward, loopback"));
}

static void test_taken(void)
{
	const struct command *c = &cmd_enable;

	parse_stats("enable --netns x");
	check(!options_check(&opt, c->options, c->name));
	parse_stats("enable --json");
	begin_capture();
	check(options_check(&opt, c->options, c->name) == USAGE);
	check_text(end_capture(), "portmon-ctl: enable does not accept --json\n");
}

const struct unit_test options_tests[] = {
	{ "anywhere", test_anywhere },
	{ "letters", test_letters },
	{ "filters", test_filters },
	{ "ports", test_ports },
	{ "arguments", test_arguments },
	{ "command", test_command },
	{ "wrong", test_wrong },
	{ "taken", test_taken },
	{ 0 }
};
