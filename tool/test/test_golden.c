// SPDX-License-Identifier: GPL-2.0
/*
 * Every command's JSON and CSV of what recorded.c counted, byte for byte as in
 * golden/. After a change that is wanted: GOLDEN=write make check, and read
 * the difference.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctx.h"
#include "lib/util.h"
#include "portmon_version.h"
#include "test/ktap.h"
#include "test/recorded.h"
#include "view/columns.h"
#include "view/out_coverage.h"

#define ARGS_MAX	12
#define TEXT_SIZE	65536
#define STANDIN		"VERSION"

static char text[TEXT_SIZE], golden[TEXT_SIZE];

/* monitor waits for events: there are some. */
int poll(struct pollfd *fds, nfds_t n, int ms)
{
	(void)ms;
	memset(&fds->revents, 0, sizeof(fds->revents));
	if (n > 1)
		fds[1].revents = 0;
	fds->revents = POLLIN;
	return 1;
}

static void call(const struct command *command, int argc, char **argv)
{
	struct ctx ctx;
	int first, err;

	ctx_init(&ctx);
	first = options_parse(&ctx.opt, command->options, argc, argv);
	check(first > 0);
	check(!options_check(&ctx.opt, command->options, command->name));
	err = command->layout ? layout_choose(&ctx, command->layout) : 0;
	if (!err)
		err = command->run(&ctx, argc - first, argv + first);
	check(!err);
	ctx_free(&ctx);
}

static int print_recorded_coverage(struct ctx *ctx, int argc, char **argv)
{
	struct coverage c;

	(void)argc;
	(void)argv;
	recorded_coverage(&c);
	return out_coverage(ctx, &c);
}

/* What the command prints on standard output, in @text. */
static void capture_output(const struct command *command, const char *line)
{
	char words[256], *argv[ARGS_MAX + 1] = { "portmon-ctl" };
	char *word, *printed;
	int argc = 1;

	snprintf(words, sizeof(words), "%s", line);
	for (word = strtok(words, " "); word && argc < ARGS_MAX;
	     word = strtok(NULL, " "))
		argv[argc++] = word;
	begin_output();
	begin_capture();
	recorded = true;
	call(command, argc, argv);
	recorded = false;
	end_capture();
	printed = end_output();
	snprintf(text, sizeof(text), "%s", printed);
	free(printed);
}

/* What differs each time: the version, the time of an event, how long top waited. */
static void hide(void)
{
	char *p = text;

	while ((p = strstr(p, "\"" PORTMON_VERSION "\""))) {
		const char *rest = ++p + strlen(PORTMON_VERSION);

		memmove(p + strlen(STANDIN), rest, strlen(rest) + 1);
		memcpy(p, STANDIN, strlen(STANDIN));
	}
	for (p = text; (p = strstr(p, "\"time\":\"")); p++)
		memset(p + 8, '?', strcspn(p + 8, "\""));
	p = strstr(text, "\"interval_ms\":");
	if (p) {
		p += strlen("\"interval_ms\":");
		memmove(p, p + strspn(p, "0123456789"),
			strlen(p + strspn(p, "0123456789")) + 1);
	}
}

static void compare_golden(const char *name)
{
	const char *how = getenv("GOLDEN");
	size_t i, line = 1, len;
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), GOLDEN "/%s", name);
	if (how && !strcmp(how, "write")) {
		f = fopen(path, "w");
		check(f && fputs(text, f) >= 0 && !fclose(f));
		return;
	}
	f = fopen(path, "r");
	len = f ? fread(golden, 1, sizeof(golden) - 1, f) : 0;
	golden[len] = '\0';
	if (f)
		fclose(f);
	for (i = 0; text[i] && text[i] == golden[i]; i++)
		line += text[i] == '\n';
	if (text[i] == golden[i])
		return;
	check_at(false, "as recorded", path, line);
	printf("# printed: %.60s\n# recorded: %.60s\n", text + i, golden + i);
}

static void test_golden(void)
{
	struct command coverage = cmd_coverage;
	const struct {
		const char *name;
		const struct command *command;
		const char *line;
	} outputs[] = {
#define ALL_PORT_COLUMNS "RECORD,SCOPE,PORT,PORT-MAX,PORTS,TRANSPORT,SERVICE,IANA,RANGE,EPHEMERAL,RX-PKTS,RX-BYTES,TX-PKTS,TX-BYTES,LAST-SEEN,FIRST-SEEN,CONNS,RETRANS,UNANS,DROPS,TOTAL,PACKETS,SHARE"
		{ "stats.json", &cmd_stats, "--json" },
		{ "stats-all.json", &cmd_stats, "--all --details --pretty --json --sort unanswered" },
		{ "stats.csv", &cmd_stats, "--csv" },
		{ "stats-all.csv", &cmd_stats, "--all --csv --sort bytes -o " ALL_PORT_COLUMNS },
		{ "show.json", &cmd_show, "443 53/udp --json --pretty --processes" },
		{ "show.csv", &cmd_show, "443 53/udp --csv" },
		{ "ranges.json", &cmd_ranges, "--json --pretty --sort rx" },
		{ "ranges.csv", &cmd_ranges, "--csv --sort tx --reverse" },
		{ "buckets.json", &cmd_buckets, "--json --pretty" },
		{ "buckets.csv", &cmd_buckets, "--csv" },
		{ "buckets.txt", &cmd_buckets, "--numeric" },
		{ "buckets-sorted.txt", &cmd_buckets, "--sort packets --numeric" },
		{ "drops.json", &cmd_drops, "--json --pretty" },
		{ "drops.csv", &cmd_drops, "--csv --sort last-seen" },
		{ "closed.json", &cmd_closed, "--json --pretty" },
		{ "closed.csv", &cmd_closed, "--csv --no-header" },
		{ "services.json", &cmd_services, "--json --pretty syslog*" },
		{ "services.csv", &cmd_services, "--csv --sort port -r -o +for,watch syslog*" },
		{ "services.txt", &cmd_services, "syslog*" },
		{ "coverage.json", &coverage, "--json --pretty" },
		{ "coverage.csv", &coverage, "--csv" },
		{ "coverage-all.csv", &coverage, "--csv --sort tx -o netns,record,counted-by,kind,in-sum,rx-pkts,rx-drops,tx-drops,notes" },
		{ "coverage.txt", &coverage, "--exact" },
		{ "coverage-rx.csv", &coverage, "--csv --sort rx-packets -o record,rx-pkts" },
		{ "coverage-tx.csv", &coverage, "--csv --sort tx-packets -o record,tx-pkts" },
		{ "explain.json", &cmd_explain, "443 --json --pretty" },
		{ "info.json", &cmd_info, "--json --pretty" },
		{ "top.json", &cmd_top, "--batch --json --all -c 1 -d 0.01" },
		{ "top-numeric.json", &cmd_top, "--batch --json --all -n -c 1 -d 0.01" },
		{ "top.csv", &cmd_top, "--batch --csv --all -c 1 -d 0.01 -o scope,port,rx-pkts,rx-bps,conns,last-seen" },
		{ "reset.json", &cmd_reset, "--json --pretty" },
		{ "monitor.json", &cmd_monitor, "--json --count 5" },
	};
	size_t i;

	/* It would measure this machine. */
	coverage.run = print_recorded_coverage;
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	for (i = 0; i < ARRAY_SIZE(outputs); i++) {
		capture_output(outputs[i].command, outputs[i].line);
		hide();
		compare_golden(outputs[i].name);
	}
	unsetenv("XDG_CONFIG_HOME");
}

static void test_info(void)
{
	capture_output(&cmd_info, "");
	check(strstr(text, "\nrefused          7 packets without a port record (see max_records)\n"));
	check(strstr(text, "\nrefused          2 handshakes and ends of connections without a histogram\n"));
	check(!strstr(text, "TCP events and drops without"));
}

const struct unit_test golden_tests[] = {
	{ "json and csv", test_golden },
	{ "info", test_info },
	{ 0 }
};
