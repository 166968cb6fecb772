// SPDX-License-Identifier: GPL-2.0
/* stats --interval: per-second rates. */
#include <errno.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cmd/stats.h"
#include "lib/clock.h"
#include "view/columns.h"
#include "view/out_json.h"
#include "view/rates.h"
#include "view/view.h"

/* Lines of a screen if there is no terminal. */
#define LINES 24

/**
 * struct intervals - repeated readings
 * @delta: the readings
 * @since: ctx->info.since at the latest
 * @generation: ctx->info.generation at the latest
 * @at: when the latest was, in seconds of the monotonic clock
 * @lines: lines printed since the heads of the columns
 */
struct intervals {
	struct deltas delta;
	uint64_t since;
	uint32_t generation;
	double at;
	unsigned int lines;
};

/*
 * After a reset of everything all counters began at zero, also those that
 * have passed by now what they held before.
 */
static int forget(struct intervals *i)
{
	struct snapshot empty = { 0 };

	deltas_free(&i->delta);
	return deltas_add(&i->delta, &empty, i->at);
}

static int take_reading(struct ctx *ctx, struct intervals *i)
{
	const bool again = i->at;
	struct filter filter = ctx->opt.filter;
	struct snapshot s;
	char buf[TIME_SIZE];
	int err;

	filter.non_zero = true;
	filter.histograms = false;
	err = ctx_read(ctx, &filter, SNAP_OVERFLOW | SNAP_OTHER, &s);
	if (err)
		return err;
	if (again && ctx->info.since != i->since)
		err = forget(i);
	i->at = clock_seconds();
	if (!err)
		err = deltas_add(&i->delta, &s, i->at);
	snapshot_free(&s);
	if (err)
		warn_memory();
	else if (again && ctx->info.since != i->since)
		warn("warning: the counters were reset at %s; counts of this interval before that are not shown",
		     format_time(buf, ctx->info.since));
	else if (again && ctx->info.generation != i->generation)
		warn("warning: counters were reset in this interval; counts before that are not shown");
	i->since = ctx->info.since;
	i->generation = ctx->info.generation;
	return err;
}

static unsigned int screen_lines(const struct ctx *ctx)
{
	struct winsize size;

	if (ctx->tty && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) &&
	    size.ws_row > 4)
		return size.ws_row;
	return LINES;
}

/* Repeat the heads when they have left the screen. */
static int print_lines(struct ctx *ctx, struct intervals *i,
		       struct snapshot *s)
{
	const struct record quiet = { .note = "nothing" };
	unsigned int n;
	bool heads;

	if (!s->ports.n && !s->overflow.n && records_add(&s->overflow, &quiet))
		return -ENOMEM;
	n = s->ports.n + s->overflow.n;
	heads = !i->lines || (!given(&ctx->opt, OPT_CSV) &&
			      i->lines + n > screen_lines(ctx));
	i->lines = heads ? n + 1 : i->lines + n;
	return out_table_lines(ctx, &s->ports, &s->overflow,
			       i->delta.ports.seconds, heads);
}

static int print_interval(struct ctx *ctx, struct intervals *i)
{
	const uint64_t ms = i->delta.ports.seconds * 1000 + 0.5;
	struct owners owners = { 0 };
	struct snapshot s;
	int err = view_delta(ctx, &i->delta, &s, &owners);

	if (err)
		goto out;
	ctx->span.to = time(NULL);
	ctx->span.from = ctx->span.to - (ms + 500) / 1000;
	ctx->span.ms = ms;
	err = given(&ctx->opt, OPT_JSON) ? out_json_snapshot(ctx, &s) :
					   print_lines(ctx, i, &s);
	if (!err && fflush(stdout))
		err = -errno;
out:
	owners_free(&owners);
	snapshot_free(&s);
	return err;
}

/**
 * stats_intervals() - print the rates of each interval
 * @ctx: the run
 *
 * Nothing is printed before the end of the first interval.
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int stats_intervals(struct ctx *ctx)
{
	const double step = ctx->opt.interval_ms / 1000.0;
	struct intervals i = { 0 };
	unsigned int n = 0;
	double next;
	int err = ctx_counting(ctx);

	if (!err)
		err = take_reading(ctx, &i);
	for (next = i.at + step; !err; next += step) {
		/* After SIGSTOP, missed intervals are not made up. */
		if (next < clock_seconds())
			next = clock_seconds();
		clock_sleep_until(next);
		err = take_reading(ctx, &i);
		if (!err)
			err = print_interval(ctx, &i);
		if (++n == ctx->opt.count)
			break;
	}
	deltas_free(&i.delta);
	return err;
}
