// SPDX-License-Identifier: GPL-2.0
/* Network namespaces by the names that "ip netns" gives them, or by process. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "host/netns.h"
#include "lib/util.h"

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
				 err == -EACCES ? "; run as root" : "");
	if (!name[strspn(name, "0123456789")])
		return error_set(e, err,
				 "no network namespace is named '%s' (see: ip netns list) and no process has that PID",
				 name);
	return error_set(e, err,
			 "no network namespace is named '%s'; see: ip netns list",
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
				 "not permitted to enter network namespace '%s'; run as root",
				 name);
	if (err)
		return error_set(e, err,
				 "cannot enter network namespace '%s': %s", name,
				 err == -EINVAL ? "not a network namespace" : strerror(-err));
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

/**
 * netns_cookie() - what tells this network namespace from any other
 *
 * Unlike the number of its inode it is given to no other one after it.
 *
 * Return: the number, or 0 if the kernel has none (before 5.14).
 */
uint64_t netns_cookie(void)
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

/* Room for "/proc/PID/ns/net" and for a path below /run/netns. */
#define PATH_SIZE 300

static struct netns *find_netns(const struct nslist *list,
				const struct stat *st)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->v[i].inode == st->st_ino &&
		    list->v[i].dev == st->st_dev)
			return &list->v[i];
	return NULL;
}

static struct netns *add_netns(struct nslist *list, const struct stat *st)
{
	struct netns *v = array_room(list->v, list->n, &list->cap, sizeof(*v));

	if (!v)
		return NULL;
	list->v = v;
	v += list->n++;
	*v = (struct netns){ .dev = st->st_dev, .inode = st->st_ino };
	return v;
}

static void label_process(struct netns *ns, pid_t pid)
{
	char path[PATH_SIZE], comm[32] = "";
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, comm, sizeof(comm) - 1);
		close(fd);
	}
	comm[n > 0 ? n : 0] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
	ns->pid = pid;
	snprintf(ns->label, sizeof(ns->label), "%d/%s", (int)pid, comm);
}

static int add_own(struct nslist *list, struct error *e)
{
	struct netns *ns;
	struct stat st;

	if (stat("/proc/self/ns/net", &st))
		return error_set(e, -errno,
				 "cannot determine the current network namespace: %s",
				 strerror(errno));
	ns = add_netns(list, &st);
	if (!ns)
		return -ENOMEM;
	ns->own = true;
	/* Another process in it identifies it better than this one. */
	label_process(ns, getpid());
	return 0;
}

static int add_named(struct nslist *list)
{
	DIR *dir = opendir(NETNS_DIR);
	struct dirent *e;
	struct stat st;
	int err = 0;

	/* Else "ip netns" has never been used. */
	if (!dir)
		return errno == ENOMEM ? -ENOMEM : 0;
	while (!err && (e = readdir(dir))) {
		struct netns *ns;

		/* What is no mount point holds no namespace (any more). */
		if (*e->d_name == '.' ||
		    fstatat(dirfd(dir), e->d_name, &st, 0) ||
		    !netns_is(dirfd(dir), e->d_name))
			continue;
		ns = find_netns(list, &st);
		if (ns && ns->named)
			continue;	/* a second name of the same */
		if (!ns)
			ns = add_netns(list, &st);
		if (!ns) {
			err = -ENOMEM;
			break;
		}
		ns->named = true;
		ns->pid = 0;
		snprintf(ns->label, sizeof(ns->label), "%s", e->d_name);
	}
	closedir(dir);
	return err;
}

static int add_process(struct nslist *list, pid_t pid)
{
	char path[PATH_SIZE];
	struct netns *ns;
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	if (stat(path, &st)) {
		list->hidden += errno == EACCES || errno == EPERM;
		return 0;	/* or it has ended */
	}
	ns = find_netns(list, &st);
	if (ns && ns->own && !ns->named && ns->pid == getpid())
		label_process(ns, pid);
	if (ns)
		return 0;
	ns = add_netns(list, &st);
	if (!ns)
		return -ENOMEM;
	label_process(ns, pid);
	return 0;
}

static int add_processes(struct nslist *list, struct error *e)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return error_set(e, -errno, "cannot read the processes in /proc: %s",
				 strerror(errno));
	while (!err && (entry = readdir(dir)))
		if (isdigit((unsigned char)*entry->d_name))
			err = add_process(list, atoi(entry->d_name));
	closedir(dir);
	return err;
}

/**
 * nslist_read() - find all network namespaces
 * @list: where they are put, to release with nslist_free()
 * @e: why it failed
 *
 * Return: 0 or a negative errno.
 */
int nslist_read(struct nslist *list, struct error *e)
{
	int err;

	*list = (struct nslist){ 0 };
	err = add_own(list, e);
	if (!err)
		err = add_named(list);
	if (!err)
		err = add_processes(list, e);
	return err == -ENOMEM ? error_set(e, err, "out of memory") : err;
}

/**
 * nslist_enter() - move this process to a network namespace
 * @ns: where to
 *
 * Return: 0, -ESTALE if it no longer exists, or a negative errno.
 */
int nslist_enter(const struct netns *ns)
{
	char path[PATH_SIZE];
	struct stat st;
	int fd, err = 0;

	if (ns->own)
		return 0;	/* it is the first; it was not left yet */
	if (ns->named)
		snprintf(path, sizeof(path), NETNS_DIR "/%s", ns->label);
	else
		snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)ns->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	/* The number of a process may be another one's by now. */
	if (fstat(fd, &st) || st.st_ino != ns->inode || st.st_dev != ns->dev)
		err = -ESTALE;
	else if (setns(fd, CLONE_NEWNET))
		err = -errno;
	close(fd);
	return err;
}

/**
 * nslist_free() - forget them
 * @list: what nslist_read() has filled
 */
void nslist_free(struct nslist *list)
{
	free(list->v);
	*list = (struct nslist){ 0 };
}
