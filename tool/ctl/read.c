// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "ctl/portspec.h"
#include "ctl/read.h"
#include "host/netns.h"
#include "lib/names.h"

/**
 * ctx_read() - read ports and what belongs to them
 * @ctx: the run, connected
 * @f: which ports
 * @parts: what to read beside the ports
 * @s: what was read, to release with snapshot_free()
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int ctx_read(struct ctx *ctx, const struct filter *f, unsigned int parts,
	     struct snapshot *s)
{
	int err = snapshot_get(ctx->pm, &ctx->info, f, parts, s);

	return err ? pm_complain(ctx->pm, "read the counters", err) : 0;
}

/**
 * ctx_reset() - set counters to zero and keep what they held
 * @ctx: the run, connected
 * @f: which; without a filter, the whole namespace
 * @s: what they held, also where an error is returned
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int ctx_reset(struct ctx *ctx, const struct filter *f, struct snapshot *s)
{
	int refused, err = snapshot_reset(ctx->pm, f, s, &refused);

	if (refused)
		pm_complain(ctx->pm, "reset the counters", refused);
	return err;
}

/* Once per run, for any number of queries and namespaces. */
static void warn_unlisted(struct ctx *ctx, const struct owners *o)
{
	const unsigned int unlisted = o->socks.unlisted & ~ctx->warned_unlisted;
	unsigned int i;

	for (i = 0; i <= PORTMON_TRANSPORT_MAX; i++)
		if (unlisted & 1u << i)
			warn("warning: cannot list %s sockets on this kernel; try: modprobe %s_diag",
			     name_of(&transport_names, i),
			     i == PORTMON_TRANSPORT_UDPLITE ? "udp" :
			     name_of(&transport_names, i));
	ctx->warned_unlisted |= unlisted;
}

static void warn_hidden(struct ctx *ctx, const struct owners *o)
{
	if (ctx->warned_hidden || !owners_hidden(o))
		return;
	warn("warning: run as root to see other users' processes (sudo portmon-ctl ...)");
	ctx->warned_hidden = true;
}

/**
 * ctx_owners_warn() - print, once, what the owners do not tell
 * @ctx: the run
 * @owners: what was read
 */
void ctx_owners_warn(struct ctx *ctx, const struct owners *owners)
{
	warn_unlisted(ctx, owners);
	warn_hidden(ctx, owners);
}

static unsigned int wanted_sockets(const struct ctx *ctx)
{
	const int transport = ctx->opt.filter.transport;

	return (transport == ANY ? ALL_TRANSPORTS : 1u << transport) |
	       (ctx->peers ? SOCKS_BYTES : 0);
}

/**
 * ctx_owners() - find out who owns ports
 * @ctx: the run, in the network namespace
 * @ports: the ports, which get owners
 * @owners: who owns them, to release with owners_free()
 *
 * It reads every process, so it is called on request only.
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int ctx_owners(struct ctx *ctx, struct records *ports, struct owners *owners)
{
	struct error e;
	size_t i;
	int err;

	err = owners_read(owners, wanted_sockets(ctx), &e);
	if (err)
		return warn_error(err, &e);
	ctx_owners_warn(ctx, owners);
	for (i = 0; i < ports->n; i++)
		ports->v[i].owners = owners;
	return 0;
}

/**
 * ctx_netns() - name of the network namespace this process is in
 * @buf: room for it
 * @size: how much
 *
 * Return: @buf, or NULL for one without a name.
 */
const char *ctx_netns(char *buf, size_t size)
{
	int err = netns_identify(buf, size);

	if (err == -ENOMEM)
		warn("cannot read " NETNS_DIR ": %s; continuing without it",
		     strerror(-err));
	return err ? NULL : buf;
}

/**
 * ctx_name_netns() - set @ctx->netns if the column NETNS may be printed
 * @ctx: the run
 * @buf: room for the name, to keep until then
 * @size: how much
 */
void ctx_name_netns(struct ctx *ctx, char *buf, size_t size)
{
	if (given(&ctx->opt, OPT_CSV) || ctx->opt.output)
		ctx->netns = ctx->opt.netns ? ctx->opt.netns :
					      ctx_netns(buf, size);
}
