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

/* The page of a port has its peers, too. */
static unsigned int sockets_of_page(const struct top *t)
{
	return t->page == TOP_DETAIL ? 1u << t->at.transport | SOCKS_BYTES :
				       ALL_TRANSPORTS;
}

/* A script gets the messages of stats: nobody sees @message. */
static int report_owners(struct top *t, int err, const struct error *e)
{
	if (!given(&t->ctx->opt, OPT_BATCH)) {
		if (err)
			snprintf(t->message, sizeof(t->message), "%s", e->text);
		return 0;
	}
	t->reported = err;
	if (err)
		return warn_error(err, e);
	ctx_owners_warn(t->ctx, &t->owners);
	return 0;
}

/**
 * top_owners() - read sockets and processes if something shows them
 * @t: the live view
 *
 * Return: 0, also if they are unknown and @t->message says why, or a negative
 * errno, after the error was printed.
 */
int top_owners(struct top *t)
{
	struct error e;
	int err;

	owners_free(&t->owners);
	t->has_owners = false;
	if (!top_needs(t, COLUMN_OWNERS))
		return 0;
	t->sockets = sockets_of_page(t);
	err = owners_read(&t->owners, t->sockets, &e);
	t->has_owners = !err;
	return report_owners(t, err, &e);
}

/**
 * top_owners_missing() - is something shown that was not read?
 * @t: the live view, after a key
 *
 * The sockets of a port's page are not those of the list, and while it is paused
 * no reading follows that has them.
 *
 * Return: whether top_owners() is to be called.
 */
bool top_owners_missing(const struct top *t)
{
	return top_needs(t, COLUMN_OWNERS) &&
	       (!t->has_owners || sockets_of_page(t) & ~t->sockets);
}

/**
 * top_read() - read the counters and make the list
 * @t: the live view
 *
 * Return: 0, -EINTR if resets kept breaking in and what was there stays, or a
 * negative errno; @t->reported: after the error was printed.
 */
int top_read(struct top *t)
{
	struct ctx *ctx = t->ctx;
	struct filter filter = ctx->opt.filter;
	struct snapshot s;
	int err;

	/* The kernel must not filter by what keys can change. */
	filter.scope = ANY;
	filter.transport = ANY;
	filter.histograms = top_needs(t, COLUMN_HISTOGRAMS) &&
			    info_has(&ctx->info, PORTMON_A_INFO_HISTOGRAMS_MAX);
	err = snapshot_get(ctx->pm, &ctx->info, &filter, SNAP_OVERFLOW, &s);
	if (err)
		return err;
	err = top_owners(t);
	if (err) {
		snapshot_free(&s);
		return err;
	}
	err = take_snapshot(t, &s);
	t->notice = t->rates.set_back ?
		"counters were reset since the last reading" : NULL;
	return err;
}
