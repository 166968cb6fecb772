// SPDX-License-Identifier: GPL-2.0
/* stats --delta: the difference to the same user's last call. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/snapfile.h"
#include "cmd/stats.h"
#include "view/columns.h"
#include "view/out_json.h"
#include "view/rates.h"
#include "view/view.h"

static const char *snapshot_of(const struct ctx *ctx)
{
	return ctx->opt.snapshot ? ctx->opt.snapshot : SNAPFILE_DELTA;
}

/*
 * What was counted between the last call and a reset is nowhere any more; a
 * snapshot of another boot or before a reset is not usable.
 *
 * Return: whether @before is of use.
 */
static bool compare_marks(struct ctx *ctx, int found, const struct mark *old,
			  const struct mark *now, struct snapshot *before)
{
	const char *name = snapshot_of(ctx);
	const bool usual = !strcmp(name, SNAPFILE_DELTA);
	char since[TIME_SIZE], last[TIME_SIZE];

	format_time(since, now->since);
	ctx->span.from = now->since;
	ctx->span.to = now->time;
	if (found == -ENOENT || !mark_follows(now, old)) {
		warn("no earlier snapshot%s%s of this user, namespace and boot; showing totals since %s",
		     usual ? "" : " ", usual ? "" : name, since);
	} else if (old->since != now->since) {
		warn("warning: the counters were reset or the module was reloaded at %s, after the last --delta at %s; showing totals since the reset",
		     since, format_time(last, old->time));
	} else {
		/* The clock may have been set back in between. */
		ctx->span.from = old->time < now->time ? old->time : now->time;
		return true;
	}
	snapshot_free(before);
	return false;
}

static void warn_set_back(const struct deltas *delta, const struct mark *old,
			  const struct mark *now, bool used)
{
	if (used && old->generation != now->generation)
		warn("warning: some counters were reset since the last --delta; only the count since the reset is shown for %zu port%s",
		     delta->ports.set_back, plural(delta->ports.set_back));
}

static int print(struct ctx *ctx, const struct deltas *delta)
{
	struct owners owners = { 0 };
	struct snapshot s;
	char from[TIME_SIZE];
	int err = view_delta(ctx, delta, &s, &owners);

	if (err)
		goto out;
	if (given(&ctx->opt, OPT_JSON))
		err = out_json_snapshot(ctx, &s);
	else if (s.ports.n || s.overflow.n || given(&ctx->opt, OPT_CSV))
		err = out_table_ports(ctx, &s.ports, &s.overflow);
	else
		warn("no traffic since %s",
		     format_time(from, ctx->span.from));
	if (!err && (fflush(stdout) || ferror(stdout)))
		err = errno ? -errno : -EIO;
out:
	owners_free(&owners);
	snapshot_free(&s);
	return err;
}

/* The new state is in place only after all has been printed. */
static int print_delta(struct ctx *ctx, const struct snapfile *f,
		       struct mark *now)
{
	struct snapshot before, s = { 0 };
	struct nlreply reply = { 0 };
	struct deltas delta = { 0 };
	struct mark old;
	bool used;
	int err, found = snapfile_read(f, &old, &before);

	if (found && found != -ENOENT)
		return found;
	err = mark_read(ctx, now, &s, &reply);
	if (!err)
		err = snapfile_prepare(f, now, &reply);
	if (err)
		goto out;
	used = compare_marks(ctx, found, &old, now, &before);
	if (deltas_add(&delta, &before, 0) || deltas_add(&delta, &s, 1)) {
		warn_memory();
		err = -ENOMEM;
		goto out;
	}
	warn_set_back(&delta, &old, now, used);
	err = print(ctx, &delta);
	if (!err)
		err = snapfile_commit(f);
out:
	nlreply_free(&reply);
	deltas_free(&delta);
	snapshot_free(&before);
	snapshot_free(&s);
	return err;
}

/**
 * stats_delta() - print the difference to the last call
 * @ctx: the run
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int stats_delta(struct ctx *ctx)
{
	struct snapfile f = { .dir = -1 };
	struct mark now = { 0 };
	int err = ctx_counting(ctx);

	if (!err)
		err = mark_take(&now);
	if (!err)
		err = snapfile_open(&f, snapshot_of(ctx));
	if (!err)
		err = print_delta(ctx, &f, &now);
	snapfile_close(&f);
	return err;
}
