// SPDX-License-Identifier: GPL-2.0
/* portmon-ctl: the one table of subcommands, dispatch and help. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/completion.h"
#include "ctl/ctx.h"
#include "ctl/portspec.h"
#include "lib/util.h"
#include "portmon_version.h"
#include "view/columns.h"

static int run_help(struct ctx *ctx, int argc, char **argv);

static const struct command cmd_help = {
	.name = "help",
	.args = "[COMMAND]",
	.summary = "list the commands, or describe one",
	.text = "Lists the commands, or describes COMMAND and its options. With --completion, prints a completion script.",
	.options = OPT(COMPLETION),
	.run = run_help,
};

static const struct command *const commands[] = {
	&cmd_stats, &cmd_top, &cmd_show, &cmd_check, &cmd_ranges,
	&cmd_buckets, &cmd_drops, &cmd_closed, &cmd_monitor, &cmd_coverage, &cmd_explain,
	&cmd_services, &cmd_reset, &cmd_enable, &cmd_disable, &cmd_info,
	&cmd_snapshots, &cmd_export,
	&cmd_apply,
	&cmd_help,
};

/* Its name, or the begin of it where no other one begins so. */
static const struct command *find_command(const char *name)
{
	const struct command *found = NULL;
	const size_t len = strlen(name);
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands) && len; i++) {
		if (strncmp(commands[i]->name, name, len))
			continue;
		if (!commands[i]->name[len])
			return commands[i];
		found = commands[i];
		n++;
	}
	return n == 1 ? found : NULL;
}

static int unknown_command(const char *name)
{
	char words[128] = "";
	size_t i, len = 0;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (*name && !strncmp(commands[i]->name, name, strlen(name)) &&
		    len < sizeof(words))
			len += snprintf(words + len, sizeof(words) - len,
					"%s%s", len ? ", " : "",
					commands[i]->name);
	if (len)
		warn("command '%s' could be any of: %s", name, words);
	else
		warn("unknown command '%s'; see: portmon-ctl help", name);
	return USAGE;
}

static void print_usage(FILE *out, const struct command *c)
{
	if (c)
		fprintf(out, "usage: portmon-ctl %s%s%s%s\n", c->name,
			c->options ? " [OPTIONS]" : "", c->args ? " " : "",
			c->args ? c->args : "");
	else
		fprintf(out, "usage: portmon-ctl [OPTIONS] [COMMAND] [ARGUMENTS]\n");
}

static void print_command(const struct command *c)
{
	print_usage(stdout, c);
	putchar('\n');
	print_wrapped(stdout, c->text, 0, 80);
	printf("\nOptions:\n");
	options_help(stdout, c->options | OPTS_ALWAYS);
}

static void print_overview(void)
{
	size_t i;

	printf("portmon-ctl %s: packets, handshakes and drops of every port\n\n",
	       PORTMON_VERSION);
	print_usage(stdout, NULL);
	printf("\nCommands:\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-10s %s\n", commands[i]->name,
		       commands[i]->summary);
	printf("\nWithout a command: stats. A command's name may be cut short (st, mon).\n"
	       "Options go before or after the command; the options of a command:\n"
	       "  portmon-ctl help COMMAND\n"
	       "\nWhat is wrong?\n"
	       "  portmon-ctl check            troubles, the worst first\n"
	       "Which port is busiest?\n"
	       "  portmon-ctl stats            sorted by traffic; live: portmon-ctl top\n"
	       "Which process is it?\n"
	       "  portmon-ctl stats -P         all ports; one port: portmon-ctl show 443\n"
	       "Is anything being dropped?\n"
	       "  portmon-ctl drops            packets by port and reason\n"
	       "Does portmon see everything?\n"
	       "  portmon-ctl coverage         compares interfaces, IP and portmon\n"
	       "What is port 427?\n"
	       "  portmon-ctl explain 427      its purpose, and what to watch for\n");
}

static int run_help(struct ctx *ctx, int argc, char **argv)
{
	const struct command *c;

	if (argc > 1)
		return ctx_no_args(argc - 1, argv + 1);
	if (ctx->opt.completion)
		return completion_print(ctx->opt.completion, commands,
					ARRAY_SIZE(commands));
	if (!argc) {
		print_overview();
		return 0;
	}
	c = find_command(argv[0]);
	if (!c)
		return unknown_command(argv[0]);
	print_command(c);
	return 0;
}

static bool want_color(const struct ctx *ctx)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (ctx->opt.color != WHEN_AUTO)
		return ctx->opt.color == WHEN_ALWAYS;
	return ctx->tty && !(no_color && *no_color) &&
	       !(term && !strcmp(term, "dumb"));
}

static int run_command(struct ctx *ctx, const struct command *c, int argc,
		       char **argv)
{
	int err;

	if (given(&ctx->opt, OPT_HELP)) {
		print_command(c);
		return 0;
	}
	err = options_check(&ctx->opt, c->options, c->name);
	if (!err && !c->args)
		err = ctx_no_args(argc, argv);
	if (err)
		return err;
	if (c->layout && given(&ctx->opt, OPT_LIST_COLUMNS)) {
		layout_list(c->layout, &ctx->opt);
		return 0;
	}
	err = ctx_ports(ctx, ctx->opt.ports);
	if (err)
		return err;
	ctx_ports_plain(&ctx->opt.filter);
	ctx->tty = isatty(STDOUT_FILENO);
	ctx->color = want_color(ctx);
	err = c->layout ? layout_choose(ctx, c->layout) : 0;
	if (err)
		return err;
	return c->run(ctx, argc, argv);
}

/*
 * The command first: which options there are, and which of them have an
 * argument, depends on it. What looks like one may be an option's argument.
 */
static int find_first(int argc, char **argv, const struct command **c)
{
	int i;

	for (i = 1; i < argc; i++) {
		*c = *argv[i] == '-' ? NULL : find_command(argv[i]);
		if (*c && options_command(argc, argv, (*c)->options) == i)
			return i;
	}
	i = options_command(argc, argv, cmd_stats.options);
	*c = i < argc ? NULL : &cmd_stats;
	return i;
}

static int dispatch(struct ctx *ctx, int argc, char **argv)
{
	const struct command *c;
	const bool none = find_first(argc, argv, &c) == argc;
	int first, err;

	first = options_parse(&ctx->opt, c ? c->options : cmd_stats.options,
			      argc, argv);
	err = first < 0 ? first : 0;
	if (!err && given(&ctx->opt, OPT_VERSION)) {
		printf("portmon-ctl %s\n", PORTMON_VERSION);
		return 0;
	}
	if (!err && none && given(&ctx->opt, OPT_HELP))
		print_overview();
	else if (!err && !c)
		err = unknown_command(argv[first]);
	else if (!err && none)
		err = run_command(ctx, c, 0, NULL);
	else if (!err)
		err = run_command(ctx, c, argc - first - 1, argv + first + 1);
	if (err == USAGE)
		print_usage(stderr, c);
	return err;
}

/*
 * A file opened later must not take the place of a closed standard stream;
 * opened the wrong way round, so that using it still fails.
 */
static int hold_standard_streams(void)
{
	int fd;

	for (fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			return -1;
	return 0;
}

/* The stream does not keep why a write failed: one more fails alike. */
static int why_not_written(void)
{
	return write(STDOUT_FILENO, "\n", 1) < 0 ? -errno : -EIO;
}

/* A closed pipe (| head) is not reported. */
static int close_stdout(int err)
{
	const bool failed = ferror(stdout);

	/* What failed before may be what the subcommand returned. */
	if (failed && (!err || err <= USAGE))
		err = why_not_written();
	if (!fclose(stdout) && !failed)
		return 0;
	if (!failed)
		err = -errno;
	if (err != -EPIPE)
		warn("cannot write the output: %s", strerror(-err));
	return -EIO;
}

static int exit_status(const struct ctx *ctx, int err, int closed)
{
	const int failure = ctx->failure ? ctx->failure : EXIT_FAILED;

	if (err == USAGE)
		return EXIT_USAGE;
	if (closed)
		return failure;
	switch (err) {
	case 0:
		return EXIT_DONE;
	case TROUBLE:
		return EXIT_FAILED;
	case UNSURE:
		return EXIT_UNSURE;
	default:
		return failure;
	}
}

int main(int argc, char **argv)
{
	struct ctx ctx;
	int err, closed;

	if (hold_standard_streams())
		return EXIT_FAILED;
	/* Ignored by whoever started this, nobody could wait for modprobe. */
	signal(SIGCHLD, SIG_DFL);
	ctx_init(&ctx);
	err = dispatch(&ctx, argc, argv);
	/* Memory can run out anywhere; it is reported in one place. */
	if (err == -ENOMEM)
		warn_memory();
	ctx_free(&ctx);
	closed = close_stdout(err);
	return exit_status(&ctx, err, closed);
}
