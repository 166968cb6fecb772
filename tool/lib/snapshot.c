// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "ctl/portspec.h"
#include "lib/names.h"
#include "lib/snapshot.h"
#include "lib/util.h"

/* How often to start over when a reset comes between two dumps. */
#define MAX_TRIES 16

static int read_once(struct ctx *ctx, const struct filter *f,
		     unsigned int parts, struct snapshot *s)
{
	int err;

	records_empty(&s->ports);
	records_empty(&s->overflow);
	records_empty(&s->other);
	err = pm_ports(ctx->pm, f, &s->ports);
	if (!err && parts & SNAP_OVERFLOW)
		err = pm_overflow(ctx->pm, f, &s->overflow);
	if (!err && parts & SNAP_OTHER)
		err = pm_buckets(ctx->pm, &s->other);
	return err;
}

/**
 * snapshot_get() - read ports and what belongs to them, and say nothing
 * @ctx: the run, connected
 * @f: which ports
 * @parts: what to read beside the ports
 * @s: what was read, to release with snapshot_free()
 *
 * What is read in several dumps is all from between the same two resets.
 *
 * Return: 0, -EINTR if resets kept breaking in, or a negative errno.
 */
int snapshot_get(struct ctx *ctx, const struct filter *f, unsigned int parts,
		 struct snapshot *s)
{
	int tries, err = 0;

	*s = (struct snapshot){ 0 };
	for (tries = 0; tries < MAX_TRIES; tries++) {
		uint32_t before = ctx->info.generation;

		err = read_once(ctx, f, parts, s);
		/* Loaded anew since the last reading? */
		if (err == -ENOENT && !tries && !pm_find(ctx->pm))
			continue;
		if (err || !parts)
			break;
		err = pm_info(ctx->pm, &ctx->info);
		if (err || ctx->info.generation == before)
			break;
		err = -EINTR;
	}
	if (err)
		snapshot_free(s);
	return err;
}

/**
 * snapshot_read() - read ports and what belongs to them
 * @ctx: the run, connected
 * @f: which ports
 * @parts: what to read beside the ports
 * @s: what was read, to release with snapshot_free()
 *
 * Return: 0 or a negative errno, of which the person has been told.
 */
int snapshot_read(struct ctx *ctx, const struct filter *f, unsigned int parts,
		  struct snapshot *s)
{
	int err = snapshot_get(ctx, f, parts, s);

	return err ? pm_complain(ctx->pm, "read the counters", err) : 0;
}

/**
 * snapshot_reset() - set counters to zero and keep what they held
 * @ctx: the run, connected
 * @f: which; with nothing asked for, all of the namespace
 * @s: what they held, also where an error is returned
 *
 * Return: 0 or a negative errno, of which the person has been told.
 */
int snapshot_reset(struct ctx *ctx, const struct filter *f,
		   struct snapshot *s)
{
	struct records all = { 0 };
	int failed, err;
	size_t i;

	*s = (struct snapshot){ 0 };
	err = pm_reset(ctx->pm, f, &all);
	if (err)
		pm_complain(ctx->pm, "reset the counters", err);
	for (i = 0; i < all.n; i++) {
		const struct record *r = &all.v[i];

		if (record_has(r, PORTMON_A_RECORD_BUCKET))
			failed = records_add(&s->other, r);
		else if (record_has(r, PORTMON_A_RECORD_PORT))
			failed = records_add(&s->ports, r);
		else
			failed = records_add(&s->overflow, r);
		if (failed && !err)
			err = failed;
	}
	records_free(&all);
	return err;
}

/* Once in a run, however often and of how many namespaces it is asked. */
static void warn_untold(struct ctx *ctx, const struct owners *o)
{
	const unsigned int untold = o->socks.untold & ~ctx->told_untold;
	unsigned int i;

	for (i = 0; i <= PORTMON_TRANSPORT_MAX; i++)
		if (untold & 1u << i)
			warn("warning: the kernel does not tell the sockets of %s here; try: modprobe %s_diag",
			     name_of(&transport_names, i),
			     i == PORTMON_TRANSPORT_UDPLITE ? "udp" :
			     name_of(&transport_names, i));
	ctx->told_untold |= untold;
}

static void warn_hidden(struct ctx *ctx, const struct owners *o)
{
	if (ctx->told_hidden || !owners_hidden(o))
		return;
	warn("warning: of other users' sockets only the user is shown; for the processes try as root (sudo portmon-ctl ...)");
	ctx->told_hidden = true;
}

/**
 * snapshot_owners() - find out who owns the ports
 * @ctx: the run, in the network namespace
 * @s: what it told; its port records get owners
 *
 * It takes a look at every process, so it is for those who ask.
 *
 * Return: 0 or a negative errno, of which the person has been told.
 */
int snapshot_owners(struct ctx *ctx, struct snapshot *s)
{
	const int transport = ctx->opt.filter.transport;
	size_t i;
	int err;

	err = owners_read(&s->owners, transport == ANY ? ALL_TRANSPORTS :
			  1u << transport);
	if (err)
		return err;
	warn_untold(ctx, &s->owners);
	warn_hidden(ctx, &s->owners);
	for (i = 0; i < s->ports.n; i++)
		s->ports.v[i].owners = &s->owners;
	return 0;
}

/**
 * snapshot_free() - release what a snapshot holds
 * @s: the snapshot
 */
void snapshot_free(struct snapshot *s)
{
	records_free(&s->ports);
	records_free(&s->overflow);
	records_free(&s->other);
	owners_free(&s->owners);
}
