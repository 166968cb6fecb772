/* SPDX-License-Identifier: GPL-2.0 */
/* How long the connections of a port took, and how much they carried. */
#ifndef _PORTMON_HISTOGRAMS_H
#define _PORTMON_HISTOGRAMS_H

#include <linux/bitops.h>
#include <linux/minmax.h>

#include "types.h"

/* A sample: eight bits for each histogram, its bucket or all ones for none. */
#define PORTMON_SAMPLE_NONE	U64_MAX

/**
 * portmon_sample() - put a value into a sample
 * @sample: the sample
 * @which: of which histogram, PORTMON_A_HISTOGRAMS_*
 * @value: in the unit of that histogram
 *
 * Return: the sample with it.
 */
static inline u64 portmon_sample(u64 sample, unsigned int which, u64 value)
{
	const unsigned int shift = (which - 1) * 8;
	u64 bucket = min(fls64(value), PORTMON_HISTOGRAM_BUCKETS - 1);

	return (sample & ~(0xffULL << shift)) | bucket << shift;
}

void portmon_histograms_add(struct portmon_tables *t,
			    const struct portmon_key *key, u64 sample);
bool portmon_histograms_zero(const struct portmon_counter *head);
void portmon_histograms_merge(struct portmon_tables *t,
			      struct portmon_record *record,
			      struct portmon_counter *head);
void portmon_histograms_read(struct portmon_tables *t,
			     const struct portmon_counter *events,
			     struct portmon_values *v);
void portmon_histograms_subtract(struct portmon_counter *events,
				 const struct portmon_values *v);

#endif
