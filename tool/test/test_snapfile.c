// SPDX-License-Identifier: GPL-2.0
/* The files of snapshots, where folders and files are not as they should be. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/snapfile.h"
#include "lib/util.h"
#include "test/ktap.h"

#define NOBODY 65534

static char home[32];
static struct snapfile f;

/* Root's folder is that of the machine: as somebody else. */
static void make_home(void)
{
	snprintf(home, sizeof(home), "/tmp/portmon-unit-XXXXXX");
	check(geteuid() || !seteuid(NOBODY));
	check(mkdtemp(home) && !chdir(home));
	setenv("XDG_STATE_HOME", home, 1);
}

static void remove_home(void)
{
	check(!chdir("/") && !rmdir(home));
	unsetenv("XDG_STATE_HOME");
	check(getuid() || !seteuid(0));
}

/* With this for a folder it is refused, and so is said. */
static void refused(const char *folder, int err, const char *why)
{
	const char *said;

	setenv("XDG_STATE_HOME", folder, 1);
	begin_capture();
	check(snapfile_open(&f, "x") == err);
	said = end_capture();
	if (!strstr(said, why))
		check_text(said, why);
	snapfile_close(&f);
}

static void test_folders(void)
{
	char path[4090];
	size_t len;

	make_home();
	check(!symlink("/tmp", "portmon"));
	refused(home, -EACCES, "/portmon is not a directory owned by this user with mode 0700; remove it, or set XDG_STATE_HOME");
	check(!unlink("portmon") && !mkdir("portmon", 0700) &&
	      !chmod("portmon", 0755));
	refused(home, -EACCES, "is not a directory owned by this user");
	check(!rmdir("portmon") && !chmod(".", 0500));
	refused(home, -EACCES, "cannot create the directory /tmp/portmon-unit-");
	check(!chmod(".", 0700));
	len = sprintf(path, "%s", home);
	while (len < sizeof(path) - 2)
		len += sprintf(path + len, "/.");
	refused(path, -ENAMETOOLONG, "the path of XDG_STATE_HOME is too long");
	remove_home();
}

/* What is missing is made, for the user alone. */
static void test_home(void)
{
	static char far[4200];
	char *old = getenv("HOME");
	struct stat st;

	make_home();
	unsetenv("XDG_STATE_HOME");
	old = old ? strdup(old) : NULL;
	setenv("HOME", home, 1);
	check(!snapfile_open(&f, "x"));
	check(!strncmp(f.path, home, strlen(home)));
	check(strstr(f.path, "/.local/state/portmon/x@"));
	snapfile_close(&f);
	/* As XDG has it, empty is as good as not set. */
	setenv("XDG_STATE_HOME", "", 1);
	check(!snapfile_open(&f, "x"));
	check(!strncmp(f.path, home, strlen(home)));
	snapfile_close(&f);
	unsetenv("XDG_STATE_HOME");
	check(!stat(".local/state/portmon", &st) &&
	      (st.st_mode & 07777) == 0700);
	check(!rmdir(".local/state/portmon") && !rmdir(".local/state") &&
	      !rmdir(".local"));
	/* HOME is of no use. */
	setenv("HOME", "home", 1);
	check(!snapfile_open(&f, "x"));
	check(!strncmp(f.path, "/tmp/portmon-", 13));
	snapfile_close(&f);
	/* Nor is a path that is longer than any. */
	memset(far, '/', sizeof(far) - 1);
	far[sizeof(far) - 1] = '\0';
	setenv("XDG_STATE_HOME", far, 1);
	check(!snapfile_open(&f, "x"));
	check(!strncmp(f.path, "/tmp/portmon-", 13));
	snapfile_close(&f);
	/* Unless it is in use. */
	*strrchr(f.path, '/') = '\0';
	rmdir(f.path);
	if (old)
		setenv("HOME", old, 1);
	free(old);
	remove_home();
}

static const struct mark mark = {
	.boot = "0a48ac2c", .cookie = UINT64_MAX, .time = 2000,
	.netns = "a blue one",
};

static void write_test_file(const char *name, const char *text)
{
	const int fd = openat(f.dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	check(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* What was not prepared, or has gone, is not put in place. */
static void test_commit(void)
{
	const struct nlreply reply = { (unsigned char[]){ "x" }, 1, 1 };
	char left[sizeof(f.name) + 4];
	struct snapentries list;
	struct snapentry *e;
	struct stat st;
	size_t removed;

	make_home();
	check(!snapfile_open(&f, "x"));
	begin_capture();
	check(snapfile_commit(&f) == -ENOENT);
	check(strstr(end_capture(), "No such file or directory; the next call starts from the previous snapshot"));
	check(!snapfile_prepare(&f, &mark, &reply) && !snapfile_commit(&f));
	check(!fstatat(f.dir, f.name, &st, 0) && (st.st_mode & 07777) == 0600);
	/* An unfinished one that cannot be removed. */
	check(!mkdirat(f.dir, "x@1.new", 0700));
	begin_capture();
	check(snapfile_tidy(&f, &removed) == -EISDIR && !removed);
	check(strstr(end_capture(), "cannot remove unfinished snapshots in /tmp/portmon-unit-"));
	check(!unlinkat(f.dir, "x@1.new", AT_REMOVEDIR));
	/* Prepared again, and not put in place: it goes. */
	check(!snapfile_prepare(&f, &mark, &reply));
	check(!snapfile_list(&f, &list) && list.n == 1);
	e = list.v;
	check_text(e->name, "x");
	check(e->valid && e->mark.cookie == UINT64_MAX);
	check(e->mark.time == 2000 && e->bytes == (uint64_t)st.st_size);
	check_text(e->mark.boot, "0a48ac2c");
	check_text(e->mark.netns, "a blue one");
	check(!snapfile_remove(&f, e));
	/* What a killed call has left is not in the way. */
	snprintf(left, sizeof(left), "%s.new", f.name);
	write_test_file(left, "left");
	check(!snapfile_prepare(&f, &mark, &reply) && !snapfile_commit(&f));
	check(fstatat(f.dir, left, &st, 0));
	check(!snapfile_remove(&f, e));
	begin_capture();
	check(snapfile_remove(&f, e) == -ENOENT);
	check(strstr(end_capture(), "cannot remove "));
	free(list.v);
	snapfile_close(&f);
	check(!rmdir("portmon"));
	remove_home();
}

#define HEAD "portmon-snapshot 1 0a48ac2c-8e85-43a3-b6d0-d9879da07505 9 3 \n"

/* What is not a snapshot is said to be none, and listed as none. */
static void test_wrong(void)
{
	static const char *const wrong[] = {
		"", "\n", "x", HEAD, HEAD "x", HEAD "0123456789abcdef",
		"portmon-delta 1 0a48ac2c-8e85 9 1 2 3\nend 0\n",
		"portmon-snapshot 2 0a48ac2c 9 3 \n",
		"portmon-snapshot 1 0a48ac2c 9 3\n",
		"portmon-snapshot 1 0a48ac2c 9\n",
		"portmon-snapshot 1 0a48ac2c 9 3 ", "portmon-snapshot 1 x 9 3 \n",
	};
	struct snapentries list;
	struct snapshot s;
	struct mark m;
	size_t i;

	make_home();
	check(!snapfile_open(&f, "x"));
	check(snapfile_read(&f, &m, &s) == -ENOENT);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		write_test_file(f.name, wrong[i]);
		begin_capture();
		check(snapfile_read(&f, &m, &s) == -ENOENT);
		check(strstr(end_capture(), " is incomplete or not recognised; starting over"));
		check(!snapfile_list(&f, &list) && list.n == 1);
		check(list.v[0].valid == !strncmp(wrong[i], HEAD, strlen(HEAD)));
		free(list.v);
	}
	/* Files of other names are not looked at. */
	write_test_file("delta-4-4026531840", "portmon-delta 1\n");
	write_test_file("x@1.new", HEAD);
	write_test_file(".x@1", HEAD);
	write_test_file("@1", HEAD);
	write_test_file("y@1", HEAD);
	check(!snapfile_list(&f, &list) && list.n == 2);
	check_text(list.v[1].name, "y");
	free(list.v);
	/* What is begun and not put in place, is. */
	write_test_file("daily@22.new", "");
	write_test_file("x.new", "");
	check(!snapfile_tidy(&f, &i) && i == 2);
	check(!snapfile_tidy(&f, &i) && !i);
	check(!chdir("portmon") && !unlink("delta-4-4026531840") &&
	      !unlink("x.new") && !unlink(".x@1") && !unlink("@1") &&
	      !unlink("y@1") && !unlink(f.name) && !chdir(".."));
	snapfile_close(&f);
	check(!rmdir("portmon"));
	remove_home();
}

static void test_names(void)
{
	char name[SNAPSHOT_NAME_MAX + 2];

	check(snapshot_is_name("daily") && snapshot_is_name("A.b_c-9"));
	check(!snapshot_is_name("") && !snapshot_is_name(".x"));
	check(!snapshot_is_name("a/b") && !snapshot_is_name("a b"));
	check(!snapshot_is_name("a@b") && !snapshot_is_name("\xc3\xa4"));
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	check(!snapshot_is_name(name) && snapshot_is_name(name + 1));
}

const struct unit_test snapfile_tests[] = {
	{ "folders", test_folders },
	{ "home", test_home },
	{ "commit", test_commit },
	{ "wrong", test_wrong },
	{ "names", test_names },
	{ 0 }
};
