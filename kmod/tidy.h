/* SPDX-License-Identifier: GPL-2.0 */
/* Giving back, after a reset of everything, what is zero and idle. */
#ifndef _PORTMON_TIDY_H
#define _PORTMON_TIDY_H

#include "types.h"

void portmon_tidy(struct portmon_tables *t);
bool portmon_tidy_now(struct portmon_tables *t, unsigned long idle);
void portmon_tidy_start(struct portmon_tables *t);
void portmon_tidy_stop(struct portmon_tables *t);

#endif
