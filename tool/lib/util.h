/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTMON_CTL_UTIL_H
#define PORTMON_CTL_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

bool parse_number(const char *s, unsigned long max, unsigned long *v,
		  const char **end);
bool parse_ports(const char *s, uint16_t *port, uint16_t *port_max,
		 const char **end);
bool parse_seconds(const char *s, unsigned int max, unsigned int *ms);
char *config_path(const char *name, int *err);

#endif
