// SPDX-License-Identifier: GPL-2.0
/* Which moment of which boot and network namespace a snapshot is of. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cmd/snapfile.h"
#include "ctl/ctx.h"
#include "ctl/read.h"
#include "ctl/warn.h"
#include "host/netns.h"

static int read_boot(char boot[static BOOT_ID_SIZE])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	bool found = f && fgets(boot, BOOT_ID_SIZE, f);

	if (f)
		fclose(f);
	if (!found) {
		warn("cannot identify the boot: /proc/sys/kernel/random/boot_id is not readable");
		return -EIO;
	}
	boot[strcspn(boot, "\n")] = '\0';
	return 0;
}

/* One line of a file holds it. */
static void read_netns(char netns[static 256])
{
	char *p;

	if (!ctx_netns(netns, 256))
		*netns = '\0';
	for (p = netns; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = '?';
}

/**
 * mark_inode() - the number of this network namespace's inode
 * @inode: the number
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int mark_inode(uint64_t *inode)
{
	struct stat ns;
	int err;

	if (!stat("/proc/self/ns/net", &ns)) {
		*inode = ns.st_ino;
		return 0;
	}
	err = -errno;
	warn("cannot determine the current network namespace: %s",
	     strerror(-err));
	return err;
}

/**
 * mark_take() - tell this boot and this network namespace from any other
 * @mark: its @boot, @cookie and @netns are set
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int mark_take(struct mark *mark)
{
	int err = read_boot(mark->boot);

	mark->cookie = netns_cookie();
	if (!err)
		read_netns(mark->netns);
	return err;
}

/**
 * mark_read() - read all counters, and of which moment they are
 * @ctx: the run
 * @mark: set but for what mark_take() sets
 * @s: the counters, whatever the filter is: the mark is one for the namespace
 * @reply: the same as the kernel sent it, to release with nlreply_free()
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int mark_read(struct ctx *ctx, struct mark *mark, struct snapshot *s,
	      struct nlreply *reply)
{
	struct filter all = FILTER_ALL;
	int err;

	all.non_zero = true;
	err = snapshot_keep(ctx->pm, &ctx->info, &all,
			    SNAP_OVERFLOW | SNAP_OTHER, s, reply);
	if (err)
		pm_complain(ctx->pm, "read the counters", err);
	mark->generation = ctx->info.generation;
	mark->since = ctx->info.since;
	mark->time = time(NULL);
	return err;
}

/**
 * mark_follows() - is a moment of the same boot and namespace as an older one?
 * @mark: the moment
 * @old: the older one
 *
 * Return: whether it is.
 */
bool mark_follows(const struct mark *mark, const struct mark *old)
{
	return !strcmp(mark->boot, old->boot) && mark->cookie == old->cookie;
}
