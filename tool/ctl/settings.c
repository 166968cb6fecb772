// SPDX-License-Identifier: GPL-2.0
/* portmon.conf: lines of NAME = VALUE. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ctl/settings.h"
#include "ctl/warn.h"
#include "lib/util.h"

/* The names of the module's parameters, where it is one. */
const char *const setting_names[SETTING_COUNT] = {
	[SETTING_MAX_RECORDS]	= "max_records",
	[SETTING_ALL_NETNS]	= "all_netns",
	[SETTING_LIFECYCLE]	= "lifecycle",
	[SETTING_DROPS]		= "drops",
	[SETTING_RESTRICT_READ]	= "restrict_read",
	[SETTING_USERNS_ENABLE]	= "userns_enable",
	[SETTING_NETNS]		= "netns",
};

/* "Y", "N", or NULL for neither. */
static const char *yes_or_no(const char *value)
{
	static const char *const yes[] = { "yes", "on", "true", "1" };
	static const char *const no[] = { "no", "off", "false", "0" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(yes); i++) {
		if (!strcasecmp(value, yes[i]))
			return "Y";
		if (!strcasecmp(value, no[i]))
			return "N";
	}
	return NULL;
}

static int add_setting_netns(struct settings *s, const char *value)
{
	char **list = array_room(s->netns, s->n_netns, &s->cap_netns,
				 sizeof(*list));

	if (!list)
		return -ENOMEM;
	s->netns = list;
	list[s->n_netns] = strdup(value);
	if (!list[s->n_netns])
		return -ENOMEM;
	s->n_netns++;
	return 0;
}

static int set_parameter(struct settings *s, unsigned int which,
			 const char *value, const char *name, unsigned int line)
{
	const char *switched = yes_or_no(value);
	unsigned long number;

	if (s->line[which]) {
		warn("%s:%u: '%s' was set in line %u already", name, line,
		     setting_names[which], s->line[which]);
		return -EINVAL;
	}
	s->line[which] = line;
	if (which == SETTING_MAX_RECORDS) {
		if (!parse_number(value, UINT32_MAX, &number, NULL) || !number) {
			warn("%s:%u: '%s' is not a number from 1 to %u", name,
			     line, value, UINT32_MAX);
			return -EINVAL;
		}
		snprintf(s->value[which], sizeof(s->value[which]), "%u",
			 (unsigned int)number);
		return 0;
	}
	if (!switched) {
		warn("%s:%u: '%s' is not yes or no", name, line, value);
		return -EINVAL;
	}
	s->value[which][0] = *switched;
	return 0;
}

static int unknown_setting(const char *key, const char *name, unsigned int line)
{
	warn("%s:%u: unknown setting '%s'; see portmon.conf(5)", name, line,
	     key);
	return -EINVAL;
}

/* Text after a NUL byte would be ignored silently. */
static int no_text(const char *name, unsigned int line)
{
	warn("%s:%u: a NUL byte in the line", name, line);
	return -EINVAL;
}

static int set_line(struct settings *s, char *text, const char *name,
		    unsigned int line)
{
	char *key = trim(text), *value;
	unsigned int which;

	if (!*key || *key == '#')
		return 0;
	value = strchr(key, '=');
	if (!value) {
		warn("%s:%u: expected NAME = VALUE", name, line);
		return -EINVAL;
	}
	*value = '\0';
	key = trim(key);
	value = trim(value + 1);
	for (which = 0; which < SETTING_COUNT; which++)
		if (!strcmp(key, setting_names[which]))
			break;
	if (which == SETTING_COUNT)
		return unknown_setting(key, name, line);
	if (which < SETTING_PARAMETERS)
		return set_parameter(s, which, value, name, line);
	if (!*value || strchr(value, '/') || value[0] == '.') {
		warn("%s:%u: '%s' is not the name of a network namespace; see: ip netns list",
		     name, line, value);
		return -EINVAL;
	}
	return add_setting_netns(s, value);
}

/**
 * settings_read() - read a portmon.conf
 * @s: what it sets; settings_free() is needed after an error too
 * @file: the file
 * @name: what it is called in sentences
 *
 * Each bad line is reported.
 *
 * Return: 0, -EINVAL for a bad line, or another negative errno.
 */
int settings_read(struct settings *s, FILE *file, const char *name)
{
	unsigned int line = 0;
	char *text = NULL;
	size_t size = 0;
	int err = 0, bad;
	ssize_t len;

	memset(s, 0, sizeof(*s));
	errno = 0;
	while ((len = getline(&text, &size, file)) >= 0) {
		bad = strlen(text) == (size_t)len ?
		      set_line(s, text, name, ++line) : no_text(name, ++line);
		if (bad)
			err = bad;
		if (bad == -ENOMEM)
			break;
	}
	if (ferror(file)) {
		err = errno ? -errno : -EIO;
		warn("cannot read %s: %s", name, strerror(-err));
	}
	free(text);
	return err;
}

/**
 * settings_free() - free what settings_read() allocated
 * @s: the settings
 */
void settings_free(struct settings *s)
{
	while (s->n_netns)
		free(s->netns[--s->n_netns]);
	free(s->netns);
	s->netns = NULL;
	s->cap_netns = 0;
}
