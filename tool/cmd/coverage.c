// SPDX-License-Identifier: GPL-2.0
/* coverage: compare interfaces and IP with portmon for some seconds. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctx.h"
#include "ctl/read.h"
#include "host/coverage.h"
#include "view/coverage_cells.h"
#include "view/out_coverage.h"

#define DEFAULT_MS 5000

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* Ctrl-C ends the measurement; the result so far is printed. */
static void wait_or_stop(unsigned int ms)
{
	struct sigaction action = { .sa_handler = stop }, old;
	struct timespec left = {
		.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L
	};
	sigset_t set, before;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, &before);
	sigaction(SIGINT, &action, &old);
	if (isatty(STDERR_FILENO))
		warn("measuring for %u.%u seconds; press Ctrl-C to stop earlier",
		     ms / 1000, ms % 1000 / 100);
	if (!stopped)
		ppoll(NULL, 0, &left, &before);
	sigaction(SIGINT, &old, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static int measure(struct ctx *ctx, struct sample *before,
		   struct sample *after)
{
	struct error e;
	int err = sample_read(ctx->pm, &ctx->info, before, &e);

	if (err)
		return warn_error(err, &e);
	wait_or_stop(given(&ctx->opt, OPT_INTERVAL) ? ctx->opt.interval_ms :
						  DEFAULT_MS);
	err = sample_read(ctx->pm, &ctx->info, after, &e);
	if (!err)
		err = links_inspect(&after->links, &e);
	return err ? warn_error(err, &e) : 0;
}

static int print_found(struct ctx *ctx, const struct coverage *c)
{
	char name[256];
	int err;

	ctx_name_netns(ctx, name, sizeof(name));
	err = out_coverage(ctx, c);
	ctx->netns = NULL;
	return err;
}

static int run_coverage(struct ctx *ctx, int argc, char **argv)
{
	struct sample before = { 0 }, after = { 0 };
	struct coverage c;
	int err = ctx_counting(ctx);

	(void)argc;
	(void)argv;
	if (err)
		return err;
	err = measure(ctx, &before, &after);
	if (!err) {
		err = coverage_between(&c, &before, &after);
		if (err)
			warn("the counters were reset during the measurement; try again");
	}
	if (!err)
		err = print_found(ctx, &c);
	sample_free(&before);
	sample_free(&after);
	return err;
}

const struct command cmd_coverage = {
	.name = "coverage",
	.summary = "check that portmon sees all traffic of the interfaces",
	.text = "Measures for some seconds (--interval, 5 by default; Ctrl-C ends it earlier). Shows what the interfaces counted, what was passed to IP and what portmon counted, and why they differ: link-layer headers, packets that are not IP, XDP, flowtables, other namespaces. portmon counts per network namespace and not per interface, so the sums are compared.",
	.options = OPTS_JSON | OPTS_UNITS | OPTS_TABLE | OPTS_SORT |
		   OPT(INTERVAL) | OPT(NETNS),
	.layout = &coverage_layout,
	.run = run_coverage,
};
