// SPDX-License-Identifier: GPL-2.0
/* top: read the counters repeatedly and show the rates. */
#include <errno.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "ctl/read.h"
#include "lib/clock.h"
#include "lib/snapshot.h"
#include "lib/util.h"
#include "top/screen.h"

#define INTERVAL 1.0

static atomic_int signalled;
static atomic_int resized;

static void on_signal(int number)
{
	signalled = number;
}

static void on_resize(int number)
{
	(void)number;
	resized = 1;
}

/* The readings have ended: print why, now that the terminal is restored. */
static int complain_reading(const struct top *t, int err)
{
	switch (err) {
	case -ENOMEM:
		warn_memory();
		return err;
	case -EPIPE:
		return err;
	default:
		return pm_complain(t->ctx->pm, "read the counters", err);
	}
}

/*
 * Signals are unblocked only while waiting, so that none is missed. Curses takes
 * over those that it finds untouched, therefore before it starts.
 */
static void catch_ends(sigset_t *waiting)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t blocked;
	size_t i;

	sigemptyset(&blocked);
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		sigaddset(&blocked, ends[i]);
		sigaction(ends[i], &action, NULL);
	}
	sigaddset(&blocked, SIGWINCH);
	action.sa_handler = on_resize;
	sigaction(SIGWINCH, &action, NULL);
	sigprocmask(SIG_BLOCK, &blocked, waiting);
	for (i = 0; i < ARRAY_SIZE(ends); i++)
		sigdelset(waiting, ends[i]);
	sigdelset(waiting, SIGWINCH);
}

/* Returns -EIO if the terminal is gone. */
static int wait_for_key(double seconds, const sigset_t *waiting)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};
	const struct timespec ts = {
		.tv_sec = seconds > 0 ? seconds : 0,
		.tv_nsec = seconds > 0 ? (seconds - (time_t)seconds) * 1e9 : 0,
	};
	int there = 0;

	if (ppoll(fds, ARRAY_SIZE(fds), &ts, waiting) <= 0)
		return 0;
	if ((fds[0].revents | fds[1].revents) & (POLLHUP | POLLERR | POLLNVAL))
		return -EIO;
	if (fds[0].revents & POLLIN &&
	    (ioctl(STDIN_FILENO, FIONREAD, &there) || !there))
		return -EIO;
	return 0;
}

/* Keys can arrive in a burst; each acts on the list that the previous one left. */
static int press_keys(struct top *t)
{
	int key, err = 0;

	while (!err && !t->done && top_screen_key(&key)) {
		top_key(t, key);
		if (top_owners_missing(t))
			top_owners(t);
		err = top_rows(t);
	}
	return err;
}

static int show(struct top *t, const sigset_t *waiting)
{
	double interval, next = t->rates.at + t->interval;
	int err = 0;

	while (!err && !t->done && !signalled) {
		if (resized) {
			resized = 0;
			top_screen_resize();
		}
		top_draw(t);
		err = wait_for_key(next - clock_seconds(), waiting);
		interval = t->interval;
		if (!err)
			err = press_keys(t);
		if (t->interval != interval)
			next = t->rates.at + t->interval;
		if (err || clock_seconds() < next)
			continue;
		if (!t->paused)
			err = top_read(t);
		if (err == -EINTR) {
			t->notice = "counters are being reset; reading again soon";
			err = 0;
		}
		next = clock_seconds() + t->interval;
	}
	return err;
}

/* The exit status shows that the signal ended it. */
static void die_of(int number)
{
	sigset_t set;

	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int run_screen(struct top *t)
{
	sigset_t waiting;
	int err;

	catch_ends(&waiting);
	err = top_screen_open(t);
	if (err)
		return err;
	err = top_read(t);
	if (!err)
		err = show(t, &waiting);
	top_screen_close();
	/* Ctrl-C is a normal way to quit. */
	if (signalled && signalled != SIGINT)
		die_of(signalled);
	if (err == -EIO) {
		warn("the terminal is gone");
		return err;
	}
	return err ? complain_reading(t, err) : 0;
}

static bool is_utf8(void)
{
	return setlocale(LC_CTYPE, "") &&
	       !strcmp(nl_langinfo(CODESET), "UTF-8");
}

static int check_options(const struct options *opt)
{
	if (given(opt, OPT_BATCH))
		return 0;
	if (!given(opt, OPT_JSON) && !given(opt, OPT_CSV) &&
	    !given(opt, OPT_ITERATIONS))
		return 0;
	warn("--%s needs --batch", given(opt, OPT_JSON) ? "json" :
	     given(opt, OPT_CSV) ? "csv" : "iterations");
	return USAGE;
}

/* What is kept is for a person: a script finds the same every time. */
static int take_settings(struct top *t)
{
	top_fields_default(t);
	t->sort = top_sorted_by(t->ctx->opt.sort);
	if (!given(&t->ctx->opt, OPT_BATCH))
		top_saved_read(t);
	if (t->message[0])
		warn("%s", t->message);
	return top_fields_choose(t, t->ctx);
}

static int run_top(struct ctx *ctx, int argc, char **argv)
{
	const struct options *opt = &ctx->opt;
	/* Too large for the stack of some; there is one. */
	static struct top t;
	char netns[NAME_MAX + 1];
	const char *iana;
	int err;

	(void)argc;
	(void)argv;
	t = (struct top){
		.ctx = ctx,
		.ascii = !is_utf8() || given(opt, OPT_ASCII),
		.interval = given(opt, OPT_DELAY) ? opt->interval_ms / 1e3 :
						    INTERVAL,
		.reverse = given(opt, OPT_REVERSE),
		.scope = opt->filter.scope,
		.transport = opt->filter.transport,
		.all = given(opt, OPT_ALL),
		.numeric = given(opt, OPT_NUMERIC),
	};
	err = check_options(opt);
	if (!err)
		err = take_settings(&t);
	if (!err)
		err = ctx_counting(ctx);
	if (err)
		return err;
	/* Of the column NETNS, which may have been kept. */
	if (!given(opt, OPT_JSON))
		ctx->netns = opt->netns ? opt->netns :
					  ctx_netns(netns, sizeof(netns));
	/* Report unreadable files before the terminal is taken. */
	services_name(&ctx->services, 0, 0, &iana);
	if (given(opt, OPT_BATCH)) {
		err = top_batch(&t);
		if (err && !t.reported && !ferror(stdout))
			complain_reading(&t, err);
	} else {
		err = run_screen(&t);
	}
	top_rows_free(&t);
	owners_free(&t.owners);
	snapshot_free(&t.last);
	rates_free(&t.rates);
	ctx->netns = NULL;
	return err;
}

const struct command cmd_top = {
	.name = "top",
	.summary = "live view of the traffic of every port; q quits, h shows help",
	.text = "Shows the rates of every port, the busiest first, with totals and a graph of the last readings, below the rates of each IANA range and scope. Keys change the view, the columns and the order: h lists them, Enter opens the page of a port, W keeps what was chosen, q quits. --batch prints one reading after the other for scripts, with --json one document per line, with --csv a line per port.",
	.options = OPTS_JSON | OPTS_FILTER | OPTS_SORT |
		   (OPTS_UNITS & ~OPT(BITS)) |
		   OPT(NUMERIC) | OPT(ALL) | OPT(NETNS) | OPT(BATCH) |
		   OPT(DELAY) | OPT(ITERATIONS) | OPT(ASCII) |
		   OPTS_TABLE,
	.layout = &top_layout_of,
	.run = run_top,
};
