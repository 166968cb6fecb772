// SPDX-License-Identifier: GPL-2.0
/* check: list problems, at which port, and what to do next. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "check/check.h"
#include "cmd/snapfile.h"
#include "ctl/ctx.h"
#include "ctl/read.h"
#include "lib/clock.h"
#include "lib/util.h"
#include "view/rates.h"
#include "view/view.h"

/* Watched where no earlier check is of use. */
#define WATCH_MS	5000

/* Rates over a shorter time are not meaningful. */
#define LEAST_MS	2000

/* A queue that is full for so long is not being emptied. */
#define LOOK_AGAIN_MS	250

/* A program that reads nothing from a full TCP queue for so long is stuck. */
#define LOOK_READ_MS	1000

/* For how long interfaces, IP and portmon are compared. */
#define SAMPLE_MS	500

/**
 * struct look - what is looked at in one run
 * @ctx: the run
 * @limits: the thresholds
 * @before: the counters at the begin of the time
 * @was: moment of @before
 * @owners: the sockets of now
 * @earlier: sockets a moment before those of now
 * @delta: what was counted in between
 * @s: the same, as ports
 * @first: what interfaces, IP and portmon had counted a moment before
 * @last: the same now, with what is known of the interfaces
 * @coverage: the difference between both
 * @sampled: there is one
 */
struct look {
	struct ctx *ctx;
	struct limits limits;
	struct snapshot before;
	struct mark was;
	struct owners owners;
	struct owners earlier;
	struct deltas delta;
	struct snapshot s;
	struct sample first;
	struct sample last;
	struct coverage coverage;
	bool sampled;
};

static void wait_ms(unsigned int ms)
{
	clock_sleep_until(clock_seconds() + ms / 1e3);
}

static int look_for(struct look *l, unsigned int ms)
{
	int err = mark_read(l->ctx, &l->was, &l->before, NULL);

	if (!err)
		wait_ms(ms);
	return err;
}

/* Since the last check, if rates since then are meaningful, or a short time. */
static int look_since(struct look *l, const struct mark *now, int found)
{
	const uint64_t t = time(NULL);

	if (found == -ENOENT || !mark_follows(now, &l->was) || l->was.time > t ||
	    t - l->was.time > l->limits.v[LIMIT_SPAN]) {
		snapshot_free(&l->before);
		return look_for(l, WATCH_MS);
	}
	/* After a reset all counts restart. */
	if (l->was.since != l->ctx->info.since) {
		snapshot_free(&l->before);
		l->was.since = l->ctx->info.since;
		l->was.time = l->ctx->info.since;
	}
	if (t - l->was.time < LEAST_MS / 1000)
		wait_ms(LEAST_MS);
	return 0;
}

static bool any(const struct owners *o, bool (*is)(const struct sock *s))
{
	size_t i;

	for (i = 0; i < o->socks.n; i++)
		if (is(&o->socks.v[i]))
			return true;
	return false;
}

/* The size of its segments, which may decide, is not known yet. */
static bool reader_may_be_full(const struct sock *s)
{
	return queue_of_reader(s) && s->unread && s->memory > s->memory_max / 3;
}

/*
 * Owners are those of the second sample. The first shows which queues were
 * full before, and the bytes read in between, whether a program reads.
 */
static int read_owners(struct look *l)
{
	unsigned int ms = LOOK_AGAIN_MS;
	int err = ctx_owners(l->ctx, &l->s.ports, &l->owners);

	if (err)
		return err;
	if (any(&l->owners, reader_may_be_full)) {
		ms = LOOK_READ_MS;
		l->ctx->peers = true;
		owners_free(&l->owners);
		err = ctx_owners(l->ctx, &l->s.ports, &l->owners);
		if (err)
			return err;
	}
	if (!any(&l->owners, queue_is_full))
		return 0;
	l->earlier = l->owners;
	l->owners = (struct owners){ 0 };
	wait_ms(ms);
	return ctx_owners(l->ctx, &l->s.ports, &l->owners);
}

static int read_sample(struct look *l, struct sample *s)
{
	struct info info = l->ctx->info;	/* that of the marks stays */
	struct error e;
	int err = sample_read(l->ctx->pm, &info, s, &e);

	return err ? warn_error(err, &e) : 0;
}

/* The second sample, and the counters of the interfaces. */
static int read_coverage(struct look *l)
{
	struct error e;
	int err;

	err = read_sample(l, &l->last);
	if (err)
		return err;
	err = links_inspect(&l->last.links, &e);
	if (err)
		return warn_error(err, &e);
	/* After a reset in between there is nothing to compare. */
	l->sampled = !coverage_between(&l->coverage, &l->first, &l->last);
	return 0;
}

/* What was counted between @l->before and @now, which is taken over. */
static int compare_with_last(struct look *l, struct snapshot *now)
{
	const struct filter all = FILTER_ALL;

	if (deltas_add(&l->delta, &l->before, 0) || deltas_add(&l->delta, now, 1) ||
	    deltas_get(&l->delta, &all, &l->s)) {
		warn_memory();
		return -ENOMEM;
	}
	view_mark(&l->s.ports, &l->ctx->info);
	view_name(&l->s.ports, &l->ctx->services);
	view_mark(&l->delta.last.ports, &l->ctx->info);
	view_name(&l->delta.last.ports, &l->ctx->services);
	return 0;
}

static int judge(struct look *l, const struct mark *now)
{
	struct evidence e = {
		.info = &l->ctx->info, .limits = &l->limits, .s = &l->s,
		.total = &l->delta.last.ports, .owners = &l->owners,
		.earlier = &l->earlier,
		.links = &l->last.links,
		.coverage = l->sampled ? &l->coverage : NULL,
		.now = now->time,
	};
	struct ctx *ctx = l->ctx;
	struct findings found;
	size_t i;
	int err;

	ctx->span.from = l->was.time < now->time ? l->was.time : now->time;
	ctx->span.to = now->time;
	e.seconds = ctx->span.to - ctx->span.from;
	if (e.seconds < 1)
		e.seconds = 1;
	if (check_rules(&e, &found)) {
		warn_memory();
		return -ENOMEM;
	}
	err = given(&ctx->opt, OPT_JSON) ? out_json_check(ctx, &e, &found) :
	      given(&ctx->opt, OPT_QUIET) ? 0 : out_check(ctx, &e, &found);
	for (i = 0; i < found.n && !err; i++)
		if (finding_texts[found.v[i].kind].level <= LEVEL_WARNING)
			err = TROUBLE;
	for (i = 0; i < found.n && !err; i++)
		if (finding_texts[found.v[i].kind].level == LEVEL_UNKNOWN)
			err = UNSURE;
	findings_free(&found);
	return err;
}

/* Compare, and save what was read in @f for the next check. */
static int look(struct look *l, struct mark *now, const struct snapfile *f)
{
	struct nlreply reply = { 0 };
	struct snapshot s;
	double begun;
	int kept, err = mark_read(l->ctx, now, &s, f ? &reply : NULL);

	if (err)
		goto out;
	if (f) {
		err = snapfile_prepare(f, now, &reply);
		if (err)
			goto out;
	}
	err = compare_with_last(l, &s);
	if (!err)
		err = read_sample(l, &l->first);
	begun = clock_seconds();
	if (!err)
		err = read_owners(l);
	if (!err) {
		clock_sleep_until(begun + SAMPLE_MS / 1e3);
		err = read_coverage(l);
	}
	if (!err)
		err = judge(l, now);
	if (f && (!err || err <= TROUBLE)) {
		kept = snapfile_commit(f);
		err = kept ? kept : err;
	}
out:
	nlreply_free(&reply);
	snapshot_free(&s);
	return err;
}

static int since_last(struct look *l)
{
	struct snapfile f = { .dir = -1 };
	struct mark now = { 0 };
	int found, err = mark_take(&now);

	if (!err)
		err = snapfile_open(&f, SNAPFILE_CHECK);
	if (err)
		return err;
	found = snapfile_read(&f, &l->was, &l->before);
	err = found == -ENOENT ? 0 : found;
	if (!err)
		err = look_since(l, &now, found);
	if (!err)
		err = look(l, &now, &f);
	snapfile_close(&f);
	return err;
}

static int run_check(struct ctx *ctx, int argc, char **argv)
{
	struct look l = { .ctx = ctx };
	struct mark now = { 0 };
	int err;

	(void)argc;
	(void)argv;
	ctx->failure = EXIT_UNSURE;
	err = limits_read(&l.limits);
	if (!err)
		err = ctx_counting(ctx);
	if (err)
		return err;
	if (given(&ctx->opt, OPT_ALL_TIME)) {
		l.was.time = ctx->info.since;
		err = look(&l, &now, NULL);
	} else if (given(&ctx->opt, OPT_WATCH)) {
		err = look_for(&l, ctx->opt.interval_ms);
		if (!err)
			err = look(&l, &now, NULL);
	} else {
		err = since_last(&l);
	}
	deltas_free(&l.delta);
	snapshot_free(&l.before);
	snapshot_free(&l.s);
	owners_free(&l.owners);
	owners_free(&l.earlier);
	sample_free(&l.first);
	sample_free(&l.last);
	return err;
}

const struct command cmd_check = {
	.name = "check",
	.summary = "list problems, at which port, and what to do",
	.text = "Compares with the last check of this user or, without a recent one, measures for 5 seconds. Looks for unanswered SYNs, queues that are full and stay so, handshakes not established, refused connections, closed ports that are probed, drops, retransmissions, ports gone silent, and traffic that portmon cannot see. Lists the worst first, with its meaning and the next command to type. Exit status: 0 no problem, 1 problems, 2 wrong usage, 3 unknown. The thresholds are set in /etc/portmon/check.conf or the user's own check.conf.",
	.options = OPTS_JSON | OPT(WATCH) | OPT(ALL_TIME) | OPT(QUIET) |
		   OPT(NETNS),
	.run = run_check,
};
