// SPDX-License-Identifier: GPL-2.0
/* Readings of the counters. */
#include "lib/clock.h"
#include "top/screen.h"
#include "view/view.h"

/* Names decide what folds, so they are read even if none is shown. */
static int take_snapshot(struct top *t, struct snapshot *s)
{
	struct ctx *ctx = t->ctx;
	int err = 0;
	size_t i;

	view_mark(&s->ports, &ctx->info);
	view_name(&s->ports, &ctx->services);
	for (i = 0; i < s->overflow.n && !err; i++)
		err = records_add(&s->ports, &s->overflow.v[i]);
	if (!err)
		err = rates_add(&t->rates, &s->ports, clock_seconds());
	if (!err)
		err = top_rows(t);
	return err;
}

/**
 * top_read() - read the counters and make the list
 * @t: the live view
 *
 * Return: 0, -EINTR if resets kept breaking in and what was there stays, or a
 * negative errno.
 */
int top_read(struct top *t)
{
	struct ctx *ctx = t->ctx;
	struct filter filter = ctx->opt.filter;
	struct snapshot s;
	int err;

	/* What the keys may widen is not for the kernel to leave out. */
	filter.scope = ANY;
	filter.transport = ANY;
	err = snapshot_get(ctx->pm, &ctx->info, &filter, SNAP_OVERFLOW, &s);
	if (err)
		return err;
	err = take_snapshot(t, &s);
	t->notice = t->rates.set_back ?
		"counters were reset since the last reading" : NULL;
	snapshot_free(&t->last);
	t->last = s;
	if (!err && t->page == TOP_DETAIL && top_owner(t))
		top_screen_redraw();
	return err;
}
