/* SPDX-License-Identifier: GPL-2.0 */
/* Messages on standard error. */
#ifndef PORTMON_CTL_WARN_H
#define PORTMON_CTL_WARN_H

#include <stdbool.h>

/* Returned for wrong usage: exit status 2. */
#define USAGE (-4096)

void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void warn_memory(void);
void warned_of(int err);
void warn_ports(const char *s);

#endif
