// SPDX-License-Identifier: GPL-2.0
/* Network namespaces by the names that "ip netns" gives them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netns.h"
#include "util.h"

#define NETNS_DIR "/run/netns"

/**
 * netns_enter() - move this process to a network namespace
 * @name: its name, or a path to it
 *
 * Return: 0 or a negative errno, of which the person has been told.
 */
int netns_enter(const char *name)
{
	char path[4096];
	int fd, err;

	snprintf(path, sizeof(path), "%s%s",
		 strchr(name, '/') ? "" : NETNS_DIR "/", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		if (err == -ENOENT)
			warn("there is no network namespace '%s'; see: ip netns list",
			     name);
		else
			warn("cannot open network namespace '%s': %s",
			     name, strerror(-err));
		return err;
	}
	err = setns(fd, CLONE_NEWNET) ? -errno : 0;
	close(fd);
	if (err == -EPERM)
		warn("not permitted to enter network namespace '%s'; try as root",
		     name);
	else if (err)
		warn("cannot enter network namespace '%s': %s", name,
		     err == -EINVAL ? "it is none" : strerror(-err));
	return err;
}

/**
 * netns_identify() - name of the network namespace this process is in
 * @buf: room for it
 * @size: how much
 *
 * Return: @buf, or NULL for one without a name.
 */
const char *netns_identify(char *buf, size_t size)
{
	const char *found = NULL;
	struct stat own, st;
	struct dirent *e;
	DIR *dir;

	dir = opendir(NETNS_DIR);
	if (!dir)
		return NULL;
	if (stat("/proc/self/ns/net", &own))
		goto out;
	while (!found && (e = readdir(dir))) {
		if (fstatat(dirfd(dir), e->d_name, &st, 0) ||
		    st.st_ino != own.st_ino || st.st_dev != own.st_dev)
			continue;
		snprintf(buf, size, "%s", e->d_name);
		found = buf;
	}
out:
	closedir(dir);
	return found;
}
