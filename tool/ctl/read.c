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
 * Return: 0 or a negative errno, of which the person has been told.
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
 * @f: which; with nothing asked for, all of the namespace
 * @s: what they held, also where an error is returned
 *
 * Return: 0 or a negative errno, of which the person has been told.
 */
int ctx_reset(struct ctx *ctx, const struct filter *f, struct snapshot *s)
{
	int refused, err = snapshot_reset(ctx->pm, f, s, &refused);

	if (refused)
		pm_complain(ctx->pm, "reset the counters", refused);
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
 * ctx_owners() - find out who owns ports
 * @ctx: the run, in the network namespace
 * @ports: the ports, which get owners
 * @owners: who owns them, to release with owners_free()
 *
 * It takes a look at every process, so it is for those who ask.
 *
 * Return: 0 or a negative errno, of which the person has been told.
 */
int ctx_owners(struct ctx *ctx, struct records *ports, struct owners *owners)
{
	const int transport = ctx->opt.filter.transport;
	struct error e;
	size_t i;
	int err;

	err = owners_read(owners, (transport == ANY ? ALL_TRANSPORTS :
			  1u << transport) | (ctx->peers ? SOCKS_BYTES : 0),
			  &e);
	if (err)
		return warn_error(err, &e);
	warn_untold(ctx, owners);
	warn_hidden(ctx, owners);
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
		warn("cannot read " NETNS_DIR ": %s; going on without it",
		     strerror(-err));
	return err ? NULL : buf;
}
