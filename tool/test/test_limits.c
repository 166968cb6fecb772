// SPDX-License-Identifier: GPL-2.0
/* The thresholds of check: files that set them, and where they are documented. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/check.h"
#include "test/ktap.h"

static struct limits limits;

static void begin_limits(void)
{
	unsigned int i;

	for (i = 0; i < LIMITS; i++)
		limits.v[i] = limit_defs[i].value;
}

static int parse_limits(const char *text)
{
	FILE *f = fmemopen((char *)text, strlen(text), "r");
	int err = limits_parse(&limits, f, "file");

	fclose(f);
	return err;
}

static void test_limits(void)
{
	begin_limits();
	check(!parse_limits("# nothing\n\n"));
	check(!parse_limits("drops = 5\n\tscan-ports=7 # few\nspan = 1.5"));
	check(limits.v[LIMIT_DROPS] == 5);
	check(limits.v[LIMIT_SCAN_PORTS] == 7);
	check(limits.v[LIMIT_SPAN] == 1.5);
	begin_capture();
	check(parse_limits("drops = 9\ndrop = 1\n") == -EINVAL);
	check(strstr(end_capture(), "file, line 2:"));
	begin_capture();
	check(parse_limits("drops = -1\n"));
	check(parse_limits("drops = 1x\n"));
	check(parse_limits("drops-percent = 101\n"));
	check(parse_limits("drops\n"));
	end_capture();
}

/* A long line is one line, and what cannot be read is no empty file. */
static void test_limits_whole(void)
{
	char text[600];
	FILE *f;

	begin_limits();
	memset(text, ' ', sizeof(text));
	memcpy(text, "# ", 2);
	memcpy(text + 300, "drops = 7", sizeof("drops = 7"));
	check(!parse_limits(text));
	check(limits.v[LIMIT_DROPS] != 7);
	memset(text, ' ', 300);
	check(!parse_limits(text));
	check(limits.v[LIMIT_DROPS] == 7);
	f = fopen("/", "re");
	begin_capture();
	check(limits_parse(&limits, f, "file") == -EISDIR);
	check_text(end_capture(), "portmon-ctl: cannot read file: Is a directory\n");
	fclose(f);
}

/* The word that a line of the manual page or the sample has for a threshold. */
static void documented(const char *path, const char *format)
{
	char line[256], wanted[128], name[64];
	bool has[LIMITS] = { false };
	FILE *f = fopen(path, "r");
	const char *from;
	unsigned int i;
	char *to;

	check(f);
	while (f && fgets(line, sizeof(line), f))
		for (i = 0; i < LIMITS; i++) {
			/* roff's hyphen, which the sample has without. */
			for (from = limit_defs[i].name, to = name; *from; from++) {
				if (*from == '-' && *format == '.')
					*to++ = '\\';
				*to++ = *from;
			}
			*to = '\0';
			snprintf(wanted, sizeof(wanted), format, name,
				 limit_defs[i].value);
			has[i] |= !strcmp(line, wanted);
		}
	for (i = 0; i < LIMITS; i++)
		check_text(has[i] ? "" : limit_defs[i].name, "");
	if (f)
		fclose(f);
}

static void test_documented(void)
{
	char line[256], text[8192] = "";
	unsigned int i, n = 0;
	FILE *f;

	documented(TREE "/Documentation/man/portmon-ctl.8", ".BR %s \" (\" %g )\n");
	documented(TREE "/.packaging/check.conf", "#%s = %g\n");
	/* With all of its lines in force nothing is different. */
	begin_limits();
	f = fopen(TREE "/.packaging/check.conf", "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (line[0] != '#' || line[1] == ' ')
			continue;
		strcat(text, line + 1);
		n++;
	}
	if (f)
		fclose(f);
	check(n == LIMITS);
	for (i = 0; i < LIMITS; i++)
		limits.v[i] = -1;
	check(!parse_limits(text));
	for (i = 0; i < LIMITS; i++)
		check(limits.v[i] == limit_defs[i].value);
}

/* What is not there sets nothing; what cannot be looked at is an error. */
static void test_no_file(void)
{
	char home[] = "/tmp/portmon-unit-XXXXXX", dir[64], file[80];

	check(mkdtemp(home));
	setenv("XDG_CONFIG_HOME", home, 1);
	snprintf(dir, sizeof(dir), "%s/portmon", home);
	snprintf(file, sizeof(file), "%s/check.conf", dir);
	check(!limits_read(&limits));
	check(limits.v[LIMIT_DROPS] == limit_defs[LIMIT_DROPS].value);
	check(!mkdir(dir, 0700) && !symlink("check.conf", file));
	begin_capture();
	check(limits_read(&limits) == -ELOOP);
	check(strstr(end_capture(), "check.conf: Too many levels of symbolic links"));
	check(!unlink(file) && !rmdir(dir) && !rmdir(home));
	unsetenv("XDG_CONFIG_HOME");
}

const struct unit_test limits_tests[] = {
	{ "values", test_limits },
	{ "long lines, files that cannot be read", test_limits_whole },
	{ "no file", test_no_file },
	{ "documented", test_documented },
	{ 0 }
};
