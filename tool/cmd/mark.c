// SPDX-License-Identifier: GPL-2.0
/* Which moment of which boot and network namespace a snapshot is of. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cmd/deltafile.h"
#include "ctl/ctx.h"
#include "ctl/read.h"
#include "ctl/warn.h"

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

/* 0 if the kernel has none (before 5.14); then the inode is used. */
static uint64_t read_cookie(void)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len))
		cookie = 0;
	close(fd);
	return cookie;
}

/**
 * mark_take() - tell this boot and this network namespace from any other
 * @mark: its @boot and @cookie are set
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int mark_take(struct mark *mark)
{
	mark->cookie = read_cookie();
	return read_boot(mark->boot);
}

/**
 * mark_read() - read all counters, and of which moment they are
 * @ctx: the run
 * @mark: set but for its @boot and @cookie
 * @s: the counters, whatever the filter is: the mark is one for the namespace
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int mark_read(struct ctx *ctx, struct mark *mark, struct snapshot *s)
{
	struct filter all = FILTER_ALL;
	int err;

	all.non_zero = true;
	err = ctx_read(ctx, &all, SNAP_OVERFLOW | SNAP_OTHER, s);
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
