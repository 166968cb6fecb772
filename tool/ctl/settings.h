/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTMON_CTL_SETTINGS_H
#define PORTMON_CTL_SETTINGS_H

#include <stddef.h>
#include <stdio.h>

/**
 * enum setting - what portmon.conf sets, in the order of setting_names
 * @SETTING_PARAMETERS: those before it are parameters of the module
 */
enum setting {
	SETTING_MAX_RECORDS,
	SETTING_ALL_NETNS,
	SETTING_LIFECYCLE,
	SETTING_DROPS,
	SETTING_RESTRICT_READ,
	SETTING_USERNS_ENABLE,
	SETTING_PARAMETERS,
	SETTING_NETNS = SETTING_PARAMETERS,
	SETTING_COUNT,
};

extern const char *const setting_names[SETTING_COUNT];

/**
 * struct settings - a portmon.conf
 * @value: of each parameter as sysfs shows it ("Y", "65536"), "" if not set
 * @line: where each was set
 * @netns: names of network namespaces
 * @n_netns: how many
 * @cap_netns: how many there is room for
 */
struct settings {
	char value[SETTING_PARAMETERS][12];
	unsigned int line[SETTING_PARAMETERS];
	char **netns;
	size_t n_netns;
	size_t cap_netns;
};

int settings_read(struct settings *s, FILE *file, const char *name);
void settings_free(struct settings *s);

#endif
