// SPDX-License-Identifier: GPL-2.0
/*
 * A file has one line, which says of which boot, namespace and moment it is:
 *
 *	portmon-snapshot 1 BOOT COOKIE TIME NETNS
 *
 * and then what the kernel answered to the dumps of ports, overflow records
 * and buckets, and to info-get, as it came.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd/snapfile.h"
#include "ctl/read.h"
#include "ctl/warn.h"
#include "lib/util.h"

#define ROOT_FOLDER	"/var/lib"

/* The line of a file, with its end. */
#define LINE_SIZE	512

/* What is to become a file has this behind its name. */
#define NEW		".new"

/* How long to wait for another call of the same user, in steps. */
#define LOCK_STEPS	200
#define LOCK_STEP_NS	50000000

/*
 * A folder that an environment variable names is used if it is this user's
 * own: sudo may hand on the caller's.
 */
static int open_own(const char *path)
{
	struct stat st;
	int fd;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) || st.st_uid != geteuid())) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Folders of the user that are missing are created, as XDG specifies. */
static int open_state(char path[static 4096])
{
	const char *dir = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (dir && *dir == '/') {
		if (snprintf(path, 4096, "%s", dir) >= 4096)
			return -1;
		mkdir(path, 0700);
		return open_own(path);
	}
	if (!home || *home != '/' || strlen(home) > 3072)
		return -1;
	sprintf(path, "%s/.local", home);
	mkdir(path, 0700);
	strcat(path, "/state");
	mkdir(path, 0700);
	return open_own(path);
}

/* What to do where nothing can be written. */
static const char *way_out(int err)
{
	if (err != -EROFS && err != -EACCES && err != -EPERM)
		return "";
	return geteuid() ? "; set XDG_STATE_HOME to a directory of this user" :
	       "; set XDG_STATE_HOME or, in a systemd unit, StateDirectory=portmon and StateDirectoryMode=0700";
}

/* Below /tmp other users may have created any of these paths. */
static int open_private(int base, const char *name, const char *path)
{
	struct stat st;
	int fd;

	if (mkdirat(base, name, 0700) && errno != EEXIST) {
		fd = -errno;
		warn("cannot create the directory %s: %s%s", path,
		     strerror(-fd), way_out(fd));
		return fd;
	}
	fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && !fstat(fd, &st) && st.st_uid == geteuid() &&
	    !(st.st_mode & 077))
		return fd;
	if (fd >= 0)
		close(fd);
	warn("%s is not a directory owned by this user with mode 0700; remove it%s",
	     path, geteuid() ? ", or set XDG_STATE_HOME" : "");
	return -EACCES;
}

/* Is the folder one that can be written, or can it be made? */
static bool is_writable(int base, const char *name)
{
	if (!faccessat(base, name, W_OK, 0))
		return true;
	return errno == ENOENT && !faccessat(base, ".", W_OK, 0);
}

/*
 * Root's is the same in cron and in a login shell, but where it cannot be
 * written and another one is named. Without that it is not replaced: the call
 * of cron would not find what that of the shell has left. A user without a
 * folder of his own, such as a daemon's, has one below /tmp.
 */
static int open_base(char path[static 4096], char name[static 32])
{
	int base = -1;

	snprintf(name, 32, "portmon");
	if (!geteuid()) {
		snprintf(path, 4096, ROOT_FOLDER);
		base = open_own(path);
		if (base >= 0 && getenv("XDG_STATE_HOME") &&
		    *getenv("XDG_STATE_HOME") == '/' &&
		    !is_writable(base, name)) {
			close(base);
			base = -1;
		}
	}
	if (base < 0)
		base = open_state(path);
	if (base < 0) {
		snprintf(path, 4096, "/tmp");
		snprintf(name, 32, "portmon-%u", (unsigned int)geteuid());
		base = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return base;
}

static int open_folder(struct snapfile *f)
{
	char base_path[4096], name[32];
	const int base = open_base(base_path, name);
	int fd;

	if (base < 0) {
		fd = -errno;
		warn("cannot open %s: %s", base_path, strerror(-fd));
		return fd;
	}
	if ((size_t)snprintf(f->path, sizeof(f->path), "%s/%s", base_path,
			     name) >= sizeof(f->path) - sizeof(f->name) - 1) {
		close(base);
		warn("the path of XDG_STATE_HOME is too long");
		return -ENAMETOOLONG;
	}
	fd = open_private(base, name, f->path);
	close(base);
	return fd;
}

static int lock(const struct snapfile *f)
{
	const struct timespec step = { .tv_nsec = LOCK_STEP_NS };
	int i;

	for (i = 0; i < LOCK_STEPS; i++) {
		if (!flock(f->dir, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK)
			break;
		nanosleep(&step, NULL);
	}
	warn("another portmon-ctl of this user is using its snapshots; try again");
	return -EBUSY;
}

/**
 * snapfile_folder() - open and lock the folder of this user's snapshots
 * @f: no file of it yet; to close with snapfile_close()
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int snapfile_folder(struct snapfile *f)
{
	*f->name = '\0';
	f->dir = open_folder(f);
	return f->dir < 0 ? f->dir : lock(f);
}

/**
 * snapfile_open() - find and lock the file of a snapshot of this namespace
 * @f: the file, to close with snapfile_close()
 * @name: name of the snapshot
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int snapfile_open(struct snapfile *f, const char *name)
{
	uint64_t inode;
	size_t len;
	int err;

	f->dir = -1;
	err = mark_inode(&inode);
	if (!err)
		err = snapfile_folder(f);
	if (err)
		return err;
	snprintf(f->name, sizeof(f->name), "%s@%" PRIu64, name, inode);
	len = strlen(f->path);
	snprintf(f->path + len, sizeof(f->path) - len, "/%s", f->name);
	return 0;
}

static bool parse_line(char line[static LINE_SIZE], struct mark *mark)
{
	const size_t len = strlen(line);
	int used = 0;

	*mark = (struct mark){ 0 };
	if (!len || line[len - 1] != '\n')
		return false;
	line[len - 1] = '\0';
	if (sscanf(line, "portmon-snapshot 1 %39[0-9a-f-] %" SCNu64
		   " %" SCNu64 "%n", mark->boot, &mark->cookie, &mark->time,
		   &used) != 3 || line[used] != ' ')
		return false;
	snprintf(mark->netns, sizeof(mark->netns), "%s", line + used + 1);
	return true;
}

static int read_snapfile(FILE *file, struct mark *mark, struct snapshot *s)
{
	const struct filter all = FILTER_ALL;
	struct filter counted = all;
	char line[LINE_SIZE];
	struct info info;
	int err;

	if (!fgets(line, sizeof(line), file) || !parse_line(line, mark))
		return -EBADMSG;
	counted.non_zero = true;
	err = snapshot_read(file, &info, &counted, SNAP_OVERFLOW | SNAP_OTHER,
			    s);
	if (err)
		return err;
	mark->generation = info.generation;
	mark->since = info.since;
	return 0;
}

static FILE *open_file(const struct snapfile *f, const char *name,
		       struct stat *st)
{
	const int fd = openat(f->dir, name, O_RDONLY | O_NOFOLLOW |
			      O_NONBLOCK | O_CLOEXEC);
	FILE *file = NULL;
	int err;

	if (fd < 0)
		return NULL;
	err = fstat(fd, st) ? errno : S_ISREG(st->st_mode) ? 0 : EINVAL;
	if (!err)
		file = fdopen(fd, "r");
	if (!err && !file)
		err = errno;
	if (!file)
		close(fd);
	errno = err;
	return file;
}

/**
 * snapfile_read() - read what the last call left
 * @f: the file
 * @mark: which moment that was
 * @s: what it read, to release with snapshot_free()
 *
 * Return: 0, -ENOENT if there is none or it is not usable, or a
 * negative errno, after the error was printed.
 */
int snapfile_read(const struct snapfile *f, struct mark *mark,
		  struct snapshot *s)
{
	struct stat st;
	FILE *file;
	int err;

	*s = (struct snapshot){ 0 };
	file = open_file(f, f->name, &st);
	if (!file) {
		err = -errno;
		if (err == -ENOMEM)
			warn_memory();
		else if (err != -ENOENT)
			warn("cannot read %s: %s", f->path, strerror(-err));
		return err;
	}
	err = read_snapfile(file, mark, s);
	fclose(file);
	if (err == -EBADMSG) {
		warn("warning: the snapshot %s is incomplete or not recognised; starting over",
		     f->path);
		return -ENOENT;
	}
	if (err)
		warn_memory();
	return err;
}

static void new_name(const struct snapfile *f, char buf[static 96])
{
	snprintf(buf, 96, "%s" NEW, f->name);
}

static int write_snapfile(FILE *file, const struct mark *mark,
			  const struct nlreply *reply)
{
	errno = 0;
	fprintf(file, "portmon-snapshot 1 %s %" PRIu64 " %" PRIu64 " %s\n",
		mark->boot, mark->cookie, mark->time, mark->netns);
	fwrite(reply->data, 1, reply->len, file);
	if (!fflush(file) && !ferror(file))
		return 0;
	return errno ? -errno : -EIO;
}

static int complain_writing(const struct snapfile *f, int err)
{
	warn("cannot write the snapshot file %s: %s; the next call starts from the previous snapshot%s",
	     f->path, strerror(-err), way_out(err));
	return err;
}

/**
 * snapfile_prepare() - write the new file beside the old one
 * @f: the file
 * @mark: which moment it is of
 * @reply: what the kernel answered
 *
 * Return: 0 or a negative errno, after the error was printed; the file
 * is as it was.
 */
int snapfile_prepare(const struct snapfile *f, const struct mark *mark,
		     const struct nlreply *reply)
{
	char name[96];
	FILE *file;
	int fd, err;

	new_name(f, name);
	unlinkat(f->dir, name, 0);	/* of a call that was killed */
	fd = openat(f->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
		    O_CLOEXEC, 0600);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file) {
		err = -errno;
		if (fd >= 0)
			close(fd);
	} else {
		err = write_snapfile(file, mark, reply);
		if (fclose(file) && !err)
			err = -errno;
	}
	if (!err)
		return 0;
	unlinkat(f->dir, name, 0);
	return complain_writing(f, err);
}

/**
 * snapfile_commit() - put in place what snapfile_prepare() has written
 * @f: the file
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int snapfile_commit(const struct snapfile *f)
{
	char name[96];

	new_name(f, name);
	if (!renameat(f->dir, name, f->dir, f->name))
		return 0;
	return complain_writing(f, -errno);
}

/* NAME@INODE. Temporary files, and those of other programs, are skipped. */
static bool parse_name(const char *file, struct snapentry *entry)
{
	const char *at = strchr(file, '@');
	unsigned long inode;

	if (!at || at - file > SNAPSHOT_NAME_MAX ||
	    !parse_number(at + 1, ULONG_MAX, &inode, NULL))
		return false;
	*entry = (struct snapentry){ .inode = inode };
	memcpy(entry->name, file, at - file);
	return snapshot_is_name(entry->name);
}

/* One that cannot be read is listed as not valid. */
static int read_entry(const struct snapfile *f, const char *name,
		      struct snapentry *entry)
{
	char line[LINE_SIZE];
	struct stat st;
	FILE *file = open_file(f, name, &st);

	if (!file)
		return errno == ENOMEM ? -ENOMEM : 0;
	entry->bytes = st.st_size;
	entry->valid = fgets(line, sizeof(line), file) &&
		       parse_line(line, &entry->mark);
	fclose(file);
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct snapentry *x = a, *y = b;
	const int order = strcmp(x->name, y->name);

	return order ? order : (x->inode > y->inode) - (x->inode < y->inode);
}

/**
 * snapfile_list() - find the snapshots of this user, of all namespaces
 * @f: the folder
 * @list: the snapshots; @v is to be freed
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int snapfile_list(const struct snapfile *f, struct snapentries *list)
{
	const int fd = openat(f->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *file;
	struct snapentry entry, *v;
	int err = dir ? 0 : -errno;

	*list = (struct snapentries){ 0 };
	if (!dir && fd >= 0)
		close(fd);
	while (!err && (file = readdir(dir))) {
		if (!parse_name(file->d_name, &entry))
			continue;
		v = array_room(list->v, list->n, &list->cap, sizeof(*v));
		if (!v) {
			err = -ENOMEM;
			break;
		}
		list->v = v;
		err = read_entry(f, file->d_name, &entry);
		v[list->n++] = entry;
	}
	if (dir)
		closedir(dir);
	if (err == -ENOMEM)
		warn_memory();
	else if (err)
		warn("cannot read %s: %s", f->path, strerror(-err));
	else if (list->n)
		qsort(list->v, list->n, sizeof(*list->v), compare_entries);
	return err;
}

/**
 * snapfile_remove() - remove a snapshot
 * @f: the folder
 * @entry: the snapshot
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int snapfile_remove(const struct snapfile *f, const struct snapentry *entry)
{
	char name[96];
	int err;

	snprintf(name, sizeof(name), "%s@%" PRIu64, entry->name, entry->inode);
	if (!unlinkat(f->dir, name, 0))
		return 0;
	err = -errno;
	warn("cannot remove %s/%s: %s", f->path, name, strerror(-err));
	return err;
}

/* Left by a call that was killed: a call that still writes holds the lock. */
static bool is_unfinished(const char *file)
{
	char name[SNAPSHOT_NAME_MAX + 24];
	const size_t len = strlen(file), end = strlen(NEW);
	struct snapentry entry;

	if (len <= end || len - end >= sizeof(name) ||
	    strcmp(file + len - end, NEW))
		return false;
	memcpy(name, file, len - end);
	name[len - end] = '\0';
	return parse_name(name, &entry);
}

/**
 * snapfile_tidy() - remove what was begun and not put in place
 * @f: the folder
 * @removed: how many files that was
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int snapfile_tidy(const struct snapfile *f, size_t *removed)
{
	const int fd = openat(f->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *file;
	int err = dir ? 0 : -errno;

	*removed = 0;
	if (!dir && fd >= 0)
		close(fd);
	while (!err && (file = readdir(dir))) {
		if (!is_unfinished(file->d_name))
			continue;
		err = unlinkat(f->dir, file->d_name, 0) ? -errno : 0;
		*removed += !err;
	}
	if (dir)
		closedir(dir);
	if (err)
		warn("cannot remove unfinished snapshots in %s: %s", f->path,
		     strerror(-err));
	return err;
}

/**
 * snapfile_close() - close the file, or the folder alone
 * @f: the file
 *
 * A prepared file that was not committed is removed.
 */
void snapfile_close(struct snapfile *f)
{
	char name[96];

	if (f->dir < 0)
		return;
	new_name(f, name);
	if (*f->name)
		unlinkat(f->dir, name, 0);
	close(f->dir);
	f->dir = -1;
}
