/* SPDX-License-Identifier: GPL-2.0 */
/* The differences between readings of the counters, per record. */
#ifndef PORTMON_CTL_RATES_H
#define PORTMON_CTL_RATES_H

#include "lib/record.h"
#include "lib/snapshot.h"

#define RATES_HISTORY 128

/**
 * struct rate - a record and its latest differences
 * @total: as last read
 * @delta: the same, with the differences between the last two
 *   readings
 * @history: bits per second of both directions, a ring of RATES_HISTORY, NULL
 *   while there is no traffic; see rate_history()
 */
struct rate {
	struct record total;
	struct record delta;
	float *history;
};

/**
 * struct rates - all records, ordered by rate_compare()
 * @v: the records
 * @n: how many there are
 * @readings: how often they were read, at least
 * @at: when they were last read, in seconds of the monotonic clock
 * @seconds: what lies between the last two readings, 0 before the second
 * @set_back: records whose counters decreased between the last two readings:
 *   @delta has their count since the reset
 */
struct rates {
	struct rate *v;
	size_t n;
	unsigned int readings;
	double at;
	double seconds;
	size_t set_back;
};

int rates_add(struct rates *rates, struct records *list, double at);
double rate_per_second(const struct rates *rates, double delta);
float rate_history(const struct rates *rates, const struct rate *rate,
		   unsigned int ago);
unsigned int rates_past(const struct rates *rates);
int rate_compare(const struct record *a, const struct record *b);
const struct rate *rates_find(const struct rates *rates,
			      const struct record *key);
void rates_free(struct rates *rates);

/**
 * struct deltas - successive snapshots, all zero before the first
 * @ports: ports and overflow records
 * @other: buckets
 * @last: the latest snapshot, ports and overflow records in one list
 * @before: the one before it
 */
struct deltas {
	struct rates ports;
	struct rates other;
	struct snapshot last;
	struct snapshot before;
};

int deltas_add(struct deltas *delta, struct snapshot *s, double at);
int deltas_get(const struct deltas *delta, const struct filter *f,
	     struct snapshot *out);
void deltas_free(struct deltas *delta);

#endif
