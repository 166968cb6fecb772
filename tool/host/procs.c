// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/procs.h"
#include "lib/util.h"

#define CGROUP_SIZE	4096
#define ID_SHOWN	12	/* of a container's 64 digits, as its own tools do */

/* The first bytes of /proc/PID/FILE as text, empty if there is none. */
static void read_proc_text(pid_t pid, const char *file, char *buf,
			   size_t size)
{
	char path[64];
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, buf, size - 1);
		close(fd);
	}
	buf[n > 0 ? n : 0] = '\0';
}

static bool is_id(const char *s, size_t len)
{
	return len == 64 && strspn(s, "0123456789abcdef") >= 64;
}

static bool ends_with(const char *s, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len > n && !memcmp(s + len - n, end, n);
}

/*
 * What container engines call the cgroup of a container: PREFIX-ID.scope
 * where systemd makes it, ID in a folder of their own where they do.
 */
static bool container(const char *s, size_t len, const char *before,
		      size_t before_len, char unit[static PROC_UNIT_SIZE])
{
	static const char *const engines[][2] = {
		{ "docker-", "docker" }, { "libpod-", "podman" },
		{ "cri-containerd-", "containerd" }, { "crio-", "cri-o" },
		{ "lxc.payload.", "lxc" }, { "machine-", "machine" },
	};
	const bool scope = ends_with(s, len, ".scope");
	const char *engine = "container";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(engines); i++) {
		size_t n = strlen(engines[i][0]);

		if (len <= n || memcmp(s, engines[i][0], n))
			continue;
		s += n;
		len -= n + (scope ? strlen(".scope") : 0);
		if (i < 4 && !is_id(s, len))
			return false;
		engine = engines[i][1];
		goto found;
	}
	if (!is_id(s, len))
		return false;
	if (before_len == 6 && !memcmp(before, "docker", 6))
		engine = "docker";
found:
	if (is_id(s, len))
		len = ID_SHOWN;
	snprintf(unit, PROC_UNIT_SIZE, "%s:%.*s", engine, (int)len, s);
	return true;
}

/**
 * proc_unit() - systemd unit or container of a cgroup
 * @path: path of the cgroup
 * @unit: its name; a container as ENGINE:NAME; empty for neither
 *
 * The innermost counts, but a container before what systemd runs inside it.
 */
void proc_unit(const char *path, char unit[static PROC_UNIT_SIZE])
{
	const char *before = "";
	size_t before_len = 0;

	unit[0] = '\0';
	while (*path) {
		size_t len = strcspn(path, "/");

		if (container(path, len, before, before_len, unit))
			return;
		if (ends_with(path, len, ".service") ||
		    ends_with(path, len, ".scope"))
			snprintf(unit, PROC_UNIT_SIZE, "%.*s", (int)len, path);
		before = path;
		before_len = len;
		path += len;
		path += *path == '/';
	}
}

/* Of the lines "NUMBER:CONTROLLERS:PATH" the one systemd keeps. */
static void read_unit(pid_t pid, char unit[static PROC_UNIT_SIZE])
{
	char buf[CGROUP_SIZE], *line, *save, *path;

	unit[0] = '\0';
	read_proc_text(pid, "cgroup", buf, sizeof(buf));
	for (line = strtok_r(buf, "\n", &save); line && !unit[0];
	     line = strtok_r(NULL, "\n", &save)) {
		path = strchr(line, '/');
		if (path && (!strncmp(line, "0::", 3) ||
			     strstr(line, ":name=systemd:")))
			proc_unit(path, unit);
	}
}

static int add_proc(struct procs *p, pid_t pid)
{
	struct proc *v;
	size_t len;

	v = array_room(p->v, p->n, &p->cap, sizeof(*v));
	if (!v)
		return -ENOMEM;
	p->v = v;
	v += p->n++;
	*v = (struct proc){ 0 };
	v->pid = pid;
	read_proc_text(pid, "comm", v->name, sizeof(v->name));
	/* The file's last byte is its own; the others are the process's. */
	len = strlen(v->name);
	if (len)
		v->name[len - 1] = '\0';
	read_unit(pid, v->unit);
	return 0;
}

static int add_holder(struct procs *p, uint32_t inode)
{
	struct holder *v = array_room(p->holders, p->n_holders,
				      &p->cap_holders, sizeof(*v));

	if (!v)
		return -ENOMEM;
	p->holders = v;
	v[p->n_holders++] = (struct holder){ inode, p->n - 1 };
	return 0;
}

static int compare_holders(const void *x, const void *y)
{
	const uint32_t *a = x, *b = y;

	return (*a > *b) - (*a < *b);
}

/* Number of the socket that a descriptor is, 0 for anything else. */
static uint32_t socket_inode(DIR *dir, const char *fd)
{
	static const char before[] = "socket:[";
	unsigned long inode = 0;
	const char *end;
	char target[64];
	ssize_t n = readlinkat(dirfd(dir), fd, target, sizeof(target) - 1);

	if (n <= 0)
		return 0;
	target[n] = '\0';
	if (strncmp(target, before, strlen(before)) ||
	    !parse_number(target + strlen(before), UINT32_MAX, &inode, &end))
		return 0;
	return inode;
}

static int read_fds(struct procs *p, pid_t pid, DIR *dir,
		    const uint32_t *inodes, size_t n)
{
	bool known = false;
	struct dirent *e;
	int err = 0;

	while (!err && (e = readdir(dir))) {
		uint32_t inode;

		if (!isdigit((unsigned char)*e->d_name))
			continue;
		inode = socket_inode(dir, e->d_name);
		if (!inode ||
		    !bsearch(&inode, inodes, n, sizeof(inode), compare_holders))
			continue;
		if (!known)
			err = add_proc(p, pid);
		known = true;
		if (!err)
			err = add_holder(p, inode);
	}
	return err;
}

static int read_proc(struct procs *p, pid_t pid, const uint32_t *inodes,
		     size_t n)
{
	char path[64];
	DIR *dir;
	int err;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir) {
		/* A process that has exited meanwhile is not an error. */
		if (errno == ENOENT || errno == ESRCH)
			return 0;
		if (errno != EACCES && errno != EPERM)
			return -errno;
		p->denied++;
		return 0;
	}
	err = read_fds(p, pid, dir, inodes, n);
	closedir(dir);
	return err;
}

/* By inode, and of one socket by process: duplicates stand together. */
static int by_inode(const void *x, const void *y)
{
	const struct holder *a = x, *b = y;

	return a->inode != b->inode ? compare_holders(&a->inode, &b->inode) :
				      compare_holders(&a->proc, &b->proc);
}

/* A process may have a socket open twice. */
static void sort_holders(struct procs *p)
{
	size_t i, n = 0;

	if (!p->n_holders)
		return;
	qsort(p->holders, p->n_holders, sizeof(*p->holders), by_inode);
	for (i = 0; i < p->n_holders; i++)
		if (!n || by_inode(&p->holders[i], &p->holders[n - 1]))
			p->holders[n++] = p->holders[i];
	p->n_holders = n;
}

/**
 * procs_read() - find the processes that hold certain sockets
 * @p: what is found, to release with procs_free()
 * @inodes: numbers of the sockets, sorted
 * @n: how many there are
 * @e: why it failed
 *
 * Return: 0 or a negative errno.
 */
int procs_read(struct procs *p, const uint32_t *inodes, size_t n,
	       struct error *e)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int err = dir ? 0 : -errno;

	while (!err && (entry = readdir(dir)))
		if (isdigit((unsigned char)*entry->d_name))
			err = read_proc(p, atoi(entry->d_name), inodes, n);
	if (dir)
		closedir(dir);
	sort_holders(p);
	if (err)
		error_set(e, err, "cannot read the processes in /proc: %s",
			  strerror(-err));
	return err;
}

/**
 * struct wanted - a socket whose holders are looked for
 * @p: the processes
 * @inode: number of the socket
 */
struct wanted {
	const struct procs *p;
	uint32_t inode;
};

static bool holder_before(const void *arg, size_t i)
{
	const struct wanted *w = arg;

	return w->p->holders[i].inode < w->inode;
}

/**
 * procs_holders() - the processes that hold a socket
 * @p: the processes
 * @inode: number of the socket
 * @n: how many hold it
 *
 * Return: the first of them, or NULL.
 */
const struct holder *procs_holders(const struct procs *p, uint32_t inode,
				   size_t *n)
{
	const struct wanted wanted = { p, inode };
	const size_t first = lower_bound(p->n_holders, holder_before, &wanted);
	size_t end = first;

	while (end < p->n_holders && p->holders[end].inode == inode)
		end++;
	*n = end - first;
	return *n ? &p->holders[first] : NULL;
}

/**
 * procs_free() - release processes
 * @p: the processes
 */
void procs_free(struct procs *p)
{
	free(p->v);
	free(p->holders);
	*p = (struct procs){ 0 };
}
