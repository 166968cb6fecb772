// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd/deltafile.h"
#include "ctl/warn.h"

/* How long to wait for another call of the same user, in steps. */
#define LOCK_STEPS	100
#define LOCK_STEP_NS	50000000

/*
 * A folder that an environment variable names is used if it is this user's
 * own: sudo may hand on the caller's.
 */
static int open_base(const char *path)
{
	struct stat st;
	int fd;

	if (!path || *path != '/')
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) || st.st_uid != geteuid())) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Below /tmp anybody may have put anything in the way. */
static int open_private(int base, const char *name, const char *path)
{
	struct stat st;
	int fd;

	if (mkdirat(base, name, 0700) && errno != EEXIST) {
		fd = -errno;
		warn("cannot create the directory %s: %s", path, strerror(-fd));
		return fd;
	}
	fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && !fstat(fd, &st) && st.st_uid == geteuid() &&
	    !(st.st_mode & 077))
		return fd;
	if (fd >= 0)
		close(fd);
	warn("%s is not a directory owned by this user with mode 0700; remove it, or set XDG_RUNTIME_DIR",
	     path);
	return -EACCES;
}

static int open_dir(struct deltafile *d)
{
	const char *path = getenv("XDG_RUNTIME_DIR");
	char name[32] = "portmon";
	int base, fd;

	base = open_base(path);
	if (base < 0) {
		path = getenv("XDG_STATE_HOME");
		base = open_base(path);
	}
	if (base < 0) {
		path = "/tmp";
		base = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		snprintf(name, sizeof(name), "portmon-%u",
			 (unsigned int)geteuid());
	}
	if (base < 0) {
		fd = -errno;
		warn("cannot open /tmp: %s", strerror(-fd));
		return fd;
	}
	if ((size_t)snprintf(d->path, sizeof(d->path), "%s/%s", path, name) >=
	    sizeof(d->path) - sizeof(d->name) - 1) {
		close(base);
		warn("the path of XDG_RUNTIME_DIR or XDG_STATE_HOME is too long");
		return -ENAMETOOLONG;
	}
	fd = open_private(base, name, d->path);
	close(base);
	return fd;
}

static int lock(const struct deltafile *d)
{
	const struct timespec step = { .tv_nsec = LOCK_STEP_NS };
	int i;

	for (i = 0; i < LOCK_STEPS; i++) {
		if (!flock(d->dir, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK)
			break;
		nanosleep(&step, NULL);
	}
	warn("another portmon-ctl stats --delta of this user is running; try again");
	return -EBUSY;
}

/**
 * deltafile_open() - find and lock the file of this user and namespace
 * @d: the file, to close with deltafile_close()
 * @kind: which of the user's files ("delta")
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int deltafile_open(struct deltafile *d, const char *kind)
{
	struct stat ns;
	size_t len;
	int err;

	d->dir = -1;
	if (stat("/proc/self/ns/net", &ns)) {
		err = -errno;
		warn("cannot determine the current network namespace: %s",
		     strerror(-err));
		return err;
	}
	snprintf(d->name, sizeof(d->name), "%s-%llx-%llu", kind,
		 (unsigned long long)ns.st_dev, (unsigned long long)ns.st_ino);
	d->dir = open_dir(d);
	if (d->dir < 0)
		return d->dir;
	len = strlen(d->path);
	snprintf(d->path + len, sizeof(d->path) - len, "/%s", d->name);
	return lock(d);
}

/**
 * deltafile_read() - read what the last call left
 * @d: the file
 * @mark: which moment that was
 * @s: what it read, to release with snapshot_free()
 *
 * Return: 0, -ENOENT if there is none or it is not usable, or a
 * negative errno, after the error was printed.
 */
int deltafile_read(const struct deltafile *d, struct mark *mark,
		   struct snapshot *s)
{
	struct stat st;
	int err, fd;
	FILE *f;

	*s = (struct snapshot){ 0 };
	fd = openat(d->dir, d->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
		    O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		err = fd < 0 ? -errno : -EINVAL;
		warn("cannot read %s: %s", d->path, strerror(-err));
		if (fd >= 0)
			close(fd);
		return err;
	}
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	err = delta_parse(f, mark, s);
	fclose(f);
	if (err == -EBADMSG) {
		warn("warning: unrecognised snapshot file %s; starting over",
		     d->path);
		return -ENOENT;
	}
	if (err)
		warn_memory();
	return err;
}

static void new_name(const struct deltafile *d, char buf[static 80])
{
	snprintf(buf, 80, "%s.new", d->name);
}

/**
 * deltafile_prepare() - write the new file beside the old one
 * @d: the file
 * @mark: which moment it is of
 * @s: what was read
 *
 * Return: 0 or a negative errno, after the error was printed; the file
 * is as it was.
 */
int deltafile_prepare(const struct deltafile *d, const struct mark *mark,
		      const struct snapshot *s)
{
	char name[80];
	int fd, err;
	FILE *f;

	new_name(d, name);
	unlinkat(d->dir, name, 0);	/* of a call that was killed */
	fd = openat(d->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
		    O_CLOEXEC, 0600);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f) {
		err = -errno;
		if (fd >= 0)
			close(fd);
	} else {
		err = delta_write(f, mark, s);
		if (fclose(f) && !err)
			err = -errno;
	}
	if (!err)
		return 0;
	unlinkat(d->dir, name, 0);
	warn("cannot write the snapshot file %s: %s; the next --delta starts from the previous snapshot",
	     d->path, strerror(-err));
	return err;
}

/**
 * deltafile_commit() - put in place what deltafile_prepare() has written
 * @d: the file
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int deltafile_commit(const struct deltafile *d)
{
	char name[80];
	int err;

	new_name(d, name);
	if (!renameat(d->dir, name, d->dir, d->name))
		return 0;
	err = -errno;
	warn("cannot write the snapshot file %s: %s; the next --delta starts from the previous snapshot",
	     d->path, strerror(-err));
	return err;
}

/**
 * deltafile_close() - close the file
 * @d: the file
 *
 * A prepared file that was not committed is removed.
 */
void deltafile_close(struct deltafile *d)
{
	char name[80];

	if (d->dir < 0)
		return;
	new_name(d, name);
	unlinkat(d->dir, name, 0);
	close(d->dir);
	d->dir = -1;
}
