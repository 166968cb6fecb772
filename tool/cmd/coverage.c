// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctx.h"
#include "view/out_coverage.h"

#define DEFAULT_MS 5000

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* Ctrl-C is no reason not to tell what has come so far. */
static void wait_for(unsigned int ms)
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
		warn("watching for %u.%u seconds; Ctrl-C ends it sooner",
		     ms / 1000, ms % 1000 / 100);
	if (!stopped)
		ppoll(NULL, 0, &left, &before);
	sigaction(SIGINT, &old, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static int watch(struct ctx *ctx, struct sample *before,
		 struct sample *after)
{
	struct error e;
	int err = sample_read(ctx->pm, &ctx->info, before, &e);

	if (err)
		return warn_error(err, &e);
	wait_for(given(&ctx->opt, OPT_INTERVAL) ? ctx->opt.interval_ms :
						  DEFAULT_MS);
	err = sample_read(ctx->pm, &ctx->info, after, &e);
	if (!err)
		err = links_inspect(&after->links, &e);
	return err ? warn_error(err, &e) : 0;
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
	err = watch(ctx, &before, &after);
	if (!err) {
		err = coverage_between(&c, &before, &after);
		if (err)
			warn("the counters were reset meanwhile; try again");
	}
	if (!err)
		err = given(&ctx->opt, OPT_JSON) ? out_json_coverage(ctx, &c) :
						   out_coverage(ctx, &c);
	sample_free(&before);
	sample_free(&after);
	return err;
}

const struct command cmd_coverage = {
	.name = "coverage",
	.summary = "is portmon seeing everything? interfaces against portmon",
	.text = "Watches for some seconds (--interval, 5 if not given; Ctrl-C ends it sooner) and tells what the interfaces counted, what was handed to IP and what portmon counted in that time, and why they differ: link-layer headers, what is not IP, XDP, flowtables, other namespaces. portmon counts per network namespace and not per interface, so the sums are compared.",
	.options = OPTS_JSON | OPTS_UNITS | OPT(INTERVAL) | OPT(NETNS),
	.run = run_coverage,
};
