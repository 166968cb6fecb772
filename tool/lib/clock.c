// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <time.h>

#include "lib/clock.h"

/**
 * clock_seconds() - read the monotonic clock
 *
 * Return: seconds since an arbitrary time.
 */
double clock_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/**
 * clock_sleep_until() - wait, whatever signals are handled meanwhile
 * @when: time of the monotonic clock
 */
void clock_sleep_until(double when)
{
	const struct timespec ts = {
		.tv_sec = when, .tv_nsec = (when - (time_t)when) * 1e9,
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) ==
	       EINTR)
		;
}
