// SPDX-License-Identifier: GPL-2.0
/* Readings of the counters. */
#include "ctl/portspec.h"
#include "lib/clock.h"
#include "top/top.h"
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
	snapshot_free(&t->last);
	t->last = *s;
	if (!err)
		err = top_rows(t);
	return err;
}

/**
 * top_owners() - read sockets and processes if something shows them
 * @t: the live view
 */
void top_owners(struct top *t)
{
	const bool detail = t->page == TOP_DETAIL;
	unsigned int wanted = ALL_TRANSPORTS;
	struct error e;

	owners_free(&t->owners);
	t->has_owners = false;
	if (!top_needs(t, COLUMN_OWNERS))
		return;
	if (detail)
		wanted = 1u << t->at.transport | SOCKS_BYTES;
	t->has_owners = !owners_read(&t->owners, wanted, &e);
	if (!t->has_owners)
		snprintf(t->message, sizeof(t->message), "%s", e.text);
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
	filter.histograms = top_needs(t, COLUMN_HISTOGRAMS) &&
			    info_has(&ctx->info, PORTMON_A_INFO_HISTOGRAMS_MAX);
	err = snapshot_get(ctx->pm, &ctx->info, &filter, SNAP_OVERFLOW, &s);
	if (err)
		return err;
	top_owners(t);
	err = take_snapshot(t, &s);
	t->notice = t->rates.set_back ?
		"counters were reset since the last reading" : NULL;
	return err;
}
