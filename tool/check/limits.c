// SPDX-License-Identifier: GPL-2.0
/* The thresholds of check: few, and in one file that people may change. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "ctl/warn.h"
#include "lib/util.h"

#define SITE_FILE	"/etc/portmon/check.conf"

const struct limit_def limit_defs[LIMITS] = {
	[LIMIT_PER_MINUTE] = { "per-minute", 6, 1e9,
		"events a minute, of every kind below, that are trouble at all" },
	[LIMIT_UNANSWERED] = { "unanswered", 10, 1e12,
		"SYNs to a port that were not answered" },
	[LIMIT_UNANSWERED_PERCENT] = { "unanswered-percent", 5, 100,
		"of the SYNs received" },
	[LIMIT_INCOMPLETE] = { "incomplete", 50, 1e12,
		"handshakes that were answered and not completed" },
	[LIMIT_INCOMPLETE_PERCENT] = { "incomplete-percent", 30, 100,
		"of those answered" },
	[LIMIT_FAILED] = { "failed", 10, 1e12,
		"connections of this host to one remote port that failed" },
	[LIMIT_FAILED_PERCENT] = { "failed-percent", 20, 100,
		"of those begun" },
	[LIMIT_REFUSED] = { "refused", 20, 1e12,
		"connections to one port that were refused" },
	[LIMIT_SCAN_PORTS] = { "scan-ports", 20, 65536,
		"closed ports that were probed" },
	[LIMIT_DROPS] = { "drops", 10, 1e12,
		"packets of a port dropped for one reason" },
	[LIMIT_DROPS_PERCENT] = { "drops-percent", 1, 100,
		"of the packets of the port" },
	[LIMIT_RETRANSMITTED_PERCENT] = { "retransmitted-percent", 3, 100,
		"segments retransmitted, of those sent" },
	[LIMIT_RETRANSMITTED_PACKETS] = { "retransmitted-packets", 1000, 1e12,
		"segments sent below which no ratio is looked at" },
	[LIMIT_SILENT_GAPS] = { "silent-gaps", 50, 1e6,
		"times the usual time between two connections without any" },
	[LIMIT_SILENT_SECONDS] = { "silent-seconds", 60, 1e9,
		"seconds without any below which no port is silent" },
	[LIMIT_COVERAGE_PACKETS] = { "coverage-packets", 100, 1e12,
		"packets per half second that reach no hook of portmon" },
	[LIMIT_COVERAGE_PERCENT] = { "coverage-percent", 10, 100,
		"of the packets passed to IP" },
	[LIMIT_SPAN] = { "span", 3600, 1e9,
		"seconds since the last check after which rates say too little" },
};

static int find_limit(const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i < LIMITS; i++)
		if (strlen(limit_defs[i].name) == len &&
		    !memcmp(limit_defs[i].name, name, len))
			return i;
	return -1;
}

/* NAME = VALUE, and a comment behind a #. */
static bool parse_limit(struct limits *limits, char *line)
{
	char *name, *value, *end;
	double v;
	int i;

	line[strcspn(line, "#\n")] = '\0';
	name = line + strspn(line, " \t");
	if (!*name)
		return true;
	i = find_limit(name, strcspn(name, " \t="));
	value = strchr(name, '=');
	if (i < 0 || !value)
		return false;
	value++;
	value += strspn(value, " \t");
	if (!isdigit((unsigned char)*value))
		return false;
	v = strtod(value, &end);
	end += strspn(end, " \t");
	if (*end || v > limit_defs[i].max)
		return false;
	limits->v[i] = v;
	return true;
}

/**
 * limits_parse() - read thresholds
 * @limits: those that the file sets are changed
 * @f: where from
 * @path: its name, for sentences
 *
 * Return: 0, -EINVAL for a line that is wrong, or another negative errno,
 * after the error was printed.
 */
int limits_parse(struct limits *limits, FILE *f, const char *path)
{
	unsigned int n = 0;
	char *line = NULL;
	size_t size = 0;
	int err = 0;
	ssize_t len;

	errno = 0;
	while (!err && (len = getline(&line, &size, f)) >= 0) {
		n++;
		if (strlen(line) != (size_t)len || !parse_limit(limits, line))
			err = -EINVAL;
	}
	if (err) {
		warn("%s, line %u: expected NAME = NUMBER with a name and a number that portmon-ctl(8) lists under check",
		     path, n);
	} else if (!feof(f)) {
		err = errno ? -errno : -EIO;
		warn("cannot read %s: %s", path, strerror(-err));
	}
	free(line);
	return err;
}

static int read_limits(struct limits *limits, const char *path)
{
	FILE *f = fopen(path, "re");
	int err;

	if (!f && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
		return 0;
	if (!f) {
		err = -errno;
		warn("cannot read %s: %s", path, strerror(-err));
		return err;
	}
	err = limits_parse(limits, f, path);
	fclose(f);
	return err;
}

/**
 * limits_read() - the thresholds, as the site's and the user's file set them
 * @limits: the thresholds
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int limits_read(struct limits *limits)
{
	char *path;
	unsigned int i;
	int err;

	for (i = 0; i < LIMITS; i++)
		limits->v[i] = limit_defs[i].value;
	err = read_limits(limits, SITE_FILE);
	if (err)
		return err;
	path = config_path("check.conf", &err);
	if (path)
		err = read_limits(limits, path);
	free(path);
	return err;
}
