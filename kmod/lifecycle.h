/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's tracepoints: registered while a namespace follows them. */
#ifndef _PORTMON_LIFECYCLE_H
#define _PORTMON_LIFECYCLE_H

#include "types.h"

void portmon_follow_use(enum portmon_follow what, bool on);
u32 portmon_follow_missing(void);

int portmon_lifecycle_init(void);
void portmon_lifecycle_exit(void);
void portmon_lifecycle_start(void);

#endif
