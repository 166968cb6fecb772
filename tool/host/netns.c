// SPDX-License-Identifier: GPL-2.0
/* Network namespaces by the names that "ip netns" gives them, or by process. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "host/netns.h"

/**
 * netns_is() - is this file a network namespace?
 * @dir: folder
 * @path: its path from there
 *
 * Return: whether it is.
 */
bool netns_is(int dir, const char *path)
{
	struct statfs fs;
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is = fd >= 0 && !fstatfs(fd, &fs) && fs.f_type == NSFS_MAGIC;

	if (fd >= 0)
		close(fd);
	return is;
}

static void find_path(char *path, size_t size, const char *name)
{
	if (strchr(name, '/')) {
		snprintf(path, size, "%s", name);
		return;
	}
	snprintf(path, size, NETNS_DIR "/%s", name);
	if (access(path, F_OK) && !name[strspn(name, "0123456789")])
		snprintf(path, size, "/proc/%s/ns/net", name);
}

static int not_opened(const char *name, int err, struct error *e)
{
	if (err != -ENOENT)
		return error_set(e, err,
				 "cannot open network namespace '%s': %s%s",
				 name, strerror(-err),
				 err == -EACCES ? "; try as root" : "");
	if (!name[strspn(name, "0123456789")])
		return error_set(e, err,
				 "there is no network namespace '%s' (see: ip netns list) and no process of that number",
				 name);
	return error_set(e, err,
			 "there is no network namespace '%s'; see: ip netns list",
			 name);
}

/**
 * netns_enter() - move this process to a network namespace
 * @name: its name, the number of a process in it, or a path to it; a name
 *   goes before a number
 * @e: why it failed
 *
 * Return: 0 or a negative errno.
 */
int netns_enter(const char *name, struct error *e)
{
	char path[4096];
	int fd, err;

	find_path(path, sizeof(path), name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return not_opened(name, -errno, e);
	err = setns(fd, CLONE_NEWNET) ? -errno : 0;
	close(fd);
	if (err == -EPERM)
		return error_set(e, err,
				 "not permitted to enter network namespace '%s'; try as root",
				 name);
	if (err)
		return error_set(e, err,
				 "cannot enter network namespace '%s': %s", name,
				 err == -EINVAL ? "it is none" : strerror(-err));
	return 0;
}

/**
 * netns_identify() - name of the network namespace this process is in
 * @buf: room for it
 * @size: how much
 *
 * Return: 0, -ENOENT for one without a name, or -ENOMEM.
 */
int netns_identify(char *buf, size_t size)
{
	DIR *dir = opendir(NETNS_DIR);
	struct stat own, st;
	struct dirent *e;
	int err = -ENOENT;

	if (!dir)
		return errno == ENOMEM ? -ENOMEM : -ENOENT;
	if (stat("/proc/self/ns/net", &own))
		goto out;
	while (err && (e = readdir(dir))) {
		if (fstatat(dirfd(dir), e->d_name, &st, 0) ||
		    st.st_ino != own.st_ino || st.st_dev != own.st_dev)
			continue;
		snprintf(buf, size, "%s", e->d_name);
		err = 0;
	}
out:
	closedir(dir);
	return err;
}
