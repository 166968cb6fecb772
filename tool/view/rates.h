/* SPDX-License-Identifier: GPL-2.0 */
/* What came between two readings of the counters, per record, and before. */
#ifndef PORTMON_CTL_RATES_H
#define PORTMON_CTL_RATES_H

#include "lib/record.h"
#include "lib/snapshot.h"

#define RATES_HISTORY 128

/**
 * struct rate - a record, and what came to it of late
 * @total: as last read
 * @came: the same with the counters holding what came between the last two
 *   readings
 * @history: bits per second of both directions, a ring of RATES_HISTORY, NULL
 *   while nothing has come; see rate_history()
 */
struct rate {
	struct record total;
	struct record came;
	float *history;
};

/**
 * struct rates - all records, ordered by rate_compare()
 * @v: the records
 * @n: how many there are
 * @readings: how often they were read, at least
 * @at: when they were last read, in seconds of the monotonic clock
 * @seconds: what lies between the last two readings, 0 before the second
 * @set_back: records whose counters went back between the last two readings:
 *   of them @came holds what came after that
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
double rate_per_second(const struct rates *rates, double came);
float rate_history(const struct rates *rates, const struct rate *rate,
		   unsigned int ago);
unsigned int rates_past(const struct rates *rates);
int rate_compare(const struct record *a, const struct record *b);
const struct rate *rates_find(const struct rates *rates,
			      const struct record *key);
void rates_free(struct rates *rates);

/**
 * struct came - snapshots one after the other, all zero before the first
 * @ports: ports and overflow records
 * @other: buckets
 * @last: the latest snapshot, ports and overflow records in one list
 * @before: the one before it
 */
struct came {
	struct rates ports;
	struct rates other;
	struct snapshot last;
	struct snapshot before;
};

int came_add(struct came *came, struct snapshot *s, double at);
int came_get(const struct came *came, const struct filter *f,
	     struct snapshot *out);
void came_free(struct came *came);

#endif
