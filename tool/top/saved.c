// SPDX-License-Identifier: GPL-2.0
/* The settings of the live view that are kept: lines of NAME = VALUE. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/names.h"
#include "lib/util.h"
#include "top/top.h"

#define FILE_NAME	"top.conf"

static const char *const unit_names[] = {
	[UNITS_SI] = "si", [UNITS_IEC] = "iec", [UNITS_EXACT] = "exact",
};

/* The switches, and which of them an option has set already. */
static const struct {
	const char *name;
	size_t at;
	bool inverse;
	unsigned int option;
} switches[] = {
	{ "reverse", offsetof(struct top, reverse), false, OPT_REVERSE },
	{ "all", offsetof(struct top, all), false, OPT_ALL },
	{ "numeric", offsetof(struct top, numeric), false, OPT_NUMERIC },
	{ "bytes", offsetof(struct top, bytes), false, N_OPTIONS },
	{ "ranges", offsetof(struct top, no_head), true, N_OPTIONS },
};

static bool *switch_of(struct top *t, size_t i)
{
	return (bool *)((char *)t + switches[i].at);
}

static bool is_given(const struct top *t, unsigned int option)
{
	return option < N_OPTIONS && given(&t->ctx->opt, option);
}

static bool set_switch(struct top *t, size_t i, const char *value)
{
	const bool yes = !strcmp(value, "yes");

	if (!yes && strcmp(value, "no"))
		return false;
	if (!is_given(t, switches[i].option))
		*switch_of(t, i) = yes != switches[i].inverse;
	return true;
}

static bool set_sort_setting(struct top *t, const char *value)
{
	const struct column *column = top_column(value, strlen(value));

	if (column && !is_given(t, OPT_SORT))
		t->sort = column;
	return column;
}

static bool set_delay(struct top *t, const char *value)
{
	unsigned int ms;

	if (!parse_seconds(value, TOP_DELAY_MAX, &ms) || !ms)
		return false;
	if (!is_given(t, OPT_DELAY))
		t->interval = ms / 1e3;
	return true;
}

static bool set_units(struct top *t, const char *value)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(unit_names); i++)
		if (!strcmp(unit_names[i], value))
			break;
	if (i == ARRAY_SIZE(unit_names))
		return false;
	if (!is_given(t, OPT_SI) && !is_given(t, OPT_IEC) &&
	    !is_given(t, OPT_EXACT))
		t->ctx->opt.units = i;
	return true;
}

static bool set_named(const struct top *t, const struct names *names,
		      const char *value, unsigned int option, int *to)
{
	const bool all = !strcmp(value, "all");
	const int v = all ? ANY : name_find(names, value, strlen(value));

	if (v < 0 && !all)
		return false;
	if (!is_given(t, option))
		*to = v;
	return true;
}

static bool set_setting(struct top *t, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(switches); i++)
		if (!strcmp(switches[i].name, name))
			return set_switch(t, i, value);
	if (!strcmp(name, "columns"))
		return !top_fields_set(t, value);
	if (!strcmp(name, "sort"))
		return set_sort_setting(t, value);
	if (!strcmp(name, "delay"))
		return set_delay(t, value);
	if (!strcmp(name, "units"))
		return set_units(t, value);
	if (!strcmp(name, "scope"))
		return set_named(t, &scope_names, value, OPT_SCOPE, &t->scope);
	if (!strcmp(name, "transport"))
		return set_named(t, &transport_names, value, OPT_TRANSPORT,
				 &t->transport);
	return false;
}

static bool take_line(struct top *t, char *line)
{
	char *name = trim(line), *value;

	if (!*name || *name == '#')
		return true;
	value = strchr(name, '=');
	if (!value)
		return false;
	*value++ = '\0';
	return set_setting(t, trim(name), trim(value));
}

/* Returns the line that is wrong, 0 for none, -1 if it cannot be read. */
static int read_lines(struct top *t, FILE *f)
{
	char *line = NULL;
	size_t size = 0;
	int n = 0, wrong = 0;
	ssize_t len;

	errno = 0;
	while (!wrong && (len = getline(&line, &size, f)) >= 0) {
		n++;
		if (strlen(line) != (size_t)len || !take_line(t, line))
			wrong = n;
	}
	if (!wrong && !feof(f))
		wrong = -1;
	free(line);
	return wrong;
}

static void say(struct top *t, const char *path, int wrong)
{
	if (wrong > 0)
		snprintf(t->message, sizeof(t->message),
			 "%s, line %d is not one that W writes; using the defaults",
			 path, wrong);
	else
		snprintf(t->message, sizeof(t->message),
			 "cannot read %s: %s; using the defaults", path,
			 strerror(errno));
}

/**
 * top_saved_read() - take the settings that were kept
 * @t: the live view; what an option has set stays. Of a file that is wrong
 *   nothing is taken, and @t->message says so.
 */
void top_saved_read(struct top *t)
{
	const struct top before = *t;
	const enum units units = t->ctx->opt.units;
	int err, wrong = 0;
	char *path = config_path(FILE_NAME, &err);
	FILE *f = path ? fopen(path, "re") : NULL;

	if (f)
		wrong = read_lines(t, f);
	else if (path && errno != ENOENT && errno != ENOTDIR)
		wrong = -1;
	if (wrong) {
		err = errno;
		*t = before;
		t->ctx->opt.units = units;
		errno = err;
		say(t, path, wrong);
	}
	if (f)
		fclose(f);
	free(path);
}

static const char *named(const struct names *names, int v)
{
	return v == ANY ? "all" : name_of(names, v);
}

static void write_lines(struct top *t, FILE *f)
{
	size_t i;

	fprintf(f, "# Written by W in portmon-ctl top, and read at its start.\ncolumns = ");
	for (i = 0; i < t->n_shown; i++)
		fprintf(f, "%s%s", i ? "," : "", t->shown[i]->name);
	fprintf(f, "\nsort = %s\ndelay = %.3f\nunits = %s\nscope = %s\ntransport = %s\n",
		t->sort->name, t->interval, unit_names[t->ctx->opt.units],
		named(&scope_names, t->scope),
		named(&transport_names, t->transport));
	for (i = 0; i < ARRAY_SIZE(switches); i++)
		fprintf(f, "%s = %s\n", switches[i].name,
			*switch_of(t, i) != switches[i].inverse ? "yes" : "no");
}

/* The folders above the file: the user's own, as XDG wants them. */
static int make_folders(char *path)
{
	char *slash;

	for (slash = strchr(path + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) && errno != EEXIST) {
			*slash = '/';
			return -errno;
		}
		*slash = '/';
	}
	return 0;
}

/*
 * Is the folder, or the nearest above it that exists, this user's own? sudo may
 * hand on the caller's HOME: what root writes there is in the way. A link of
 * the caller's is the caller's.
 */
static int check_owner(const char *path)
{
	char *dir = strdup(path), *slash;
	struct stat st;
	int err = dir ? -ENOENT : -ENOMEM;

	while (err == -ENOENT && (slash = strrchr(dir, '/'))) {
		*slash = '\0';
		if (lstat(*dir ? dir : "/", &st))
			err = -errno;
		else
			err = st.st_uid == geteuid() ? 0 : -EPERM;
	}
	free(dir);
	return err;
}

/* A reader finds the old file or the new one, never a part. */
static int write_settings(struct top *t, const char *path)
{
	char *part;
	FILE *f;
	int fd, err = 0;

	if (asprintf(&part, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(part, O_CLOEXEC);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f) {
		err = -errno;
		free(part);
		return err;
	}
	write_lines(t, f);
	errno = 0;
	if (fflush(f) || ferror(f))
		err = errno ? -errno : -EIO;
	fclose(f);
	if (!err && rename(part, path))
		err = -errno;
	if (err)
		unlink(part);
	free(part);
	return err;
}

/**
 * top_saved_write() - keep the settings
 * @t: the live view; @t->message says where they are, or why not
 */
void top_saved_write(struct top *t)
{
	int err;
	char *path = config_path(FILE_NAME, &err);

	if (!path) {
		snprintf(t->message, sizeof(t->message), "%s", err ?
			 "out of memory" :
			 "nowhere to keep the settings: HOME is not set");
		return;
	}
	err = check_owner(path);
	if (!err)
		err = make_folders(path);
	if (!err)
		err = check_owner(path);
	if (!err)
		err = write_settings(t, path);
	if (err)
		snprintf(t->message, sizeof(t->message), "cannot write %s: %s",
			 path, strerror(-err));
	else
		snprintf(t->message, sizeof(t->message), "written: %s", path);
	free(path);
}
