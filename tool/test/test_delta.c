// SPDX-License-Identifier: GPL-2.0
/* The file of stats --delta, where folders are not as they should be. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/deltafile.h"
#include "test/ktap.h"

static char home[] = "/tmp/portmon-unit-XXXXXX";
static struct deltafile d;

/* With this for a folder it is refused, and so is said. */
static void refused(const char *folder, int err, const char *why)
{
	const char *said;

	setenv("XDG_RUNTIME_DIR", folder, 1);
	begin_capture();
	check(deltafile_open(&d, "delta") == err);
	said = end_capture();
	if (!strstr(said, why))
		check_text(said, why);
	deltafile_close(&d);
}

static void test_folders(void)
{
	char path[4090];
	size_t len;

	if (!mkdtemp(home) || chdir(home)) {
		check(false);
		return;
	}
	/* A folder of this user's own in which there can be none. */
	refused("/proc/self", -ENOENT, "cannot create the directory /proc/self/portmon: No such file or directory");
	check(!symlink("/tmp", "portmon"));
	refused(home, -EACCES, "/portmon is not a directory owned by this user with mode 0700");
	check(!unlink("portmon") && !mkdir("portmon", 0700) &&
	      !chmod("portmon", 0755));
	refused(home, -EACCES, "is not a directory owned by this user");
	check(!rmdir("portmon"));
	len = sprintf(path, "%s", home);
	while (len < sizeof(path) - 2)
		len += sprintf(path + len, "/.");
	refused(path, -ENAMETOOLONG, "XDG_RUNTIME_DIR or XDG_STATE_HOME is too long");
}

/* What was not prepared, or has gone, is not put in place. */
static void test_commit(void)
{
	const struct mark mark = { .boot = "0a48ac2c", .time = 2000 };
	struct snapshot s = { 0 };
	struct mark read;

	setenv("XDG_RUNTIME_DIR", home, 1);
	check(!deltafile_open(&d, "delta"));
	begin_capture();
	check(deltafile_commit(&d) == -ENOENT);
	check(strstr(end_capture(), "No such file or directory; the next --delta starts from the previous snapshot"));
	check(!deltafile_prepare(&d, &mark, &s) && !deltafile_commit(&d));
	check(!deltafile_read(&d, &read, &s) && read.time == 2000);
	check(!unlinkat(d.dir, d.name, 0));
	snapshot_free(&s);
	deltafile_close(&d);
	check(!rmdir("portmon") && !chdir("/") && !rmdir(home));
	unsetenv("XDG_RUNTIME_DIR");
}

const struct unit_test delta_tests[] = {
	{ "folders", test_folders },
	{ "commit", test_commit },
	{ 0 }
};
