/* SPDX-License-Identifier: GPL-2.0 */
/* The monotonic clock, in seconds. */
#ifndef PORTMON_CTL_CLOCK_H
#define PORTMON_CTL_CLOCK_H

double clock_seconds(void);
void clock_sleep_until(double when);

#endif
