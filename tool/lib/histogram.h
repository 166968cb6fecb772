/* SPDX-License-Identifier: GPL-2.0 */
/* Histograms of a port's connections, as the kernel keeps them. */
#ifndef PORTMON_CTL_HISTOGRAM_H
#define PORTMON_CTL_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/portmon.h>

/**
 * struct histogram - how many values there were of each magnitude
 * @bucket: see PORTMON_HISTOGRAM_BUCKETS in the netlink specification
 */
struct histogram {
	uint64_t bucket[PORTMON_HISTOGRAM_BUCKETS];
};

/**
 * struct histograms - all of one port
 * @kept: the next ones of the same list of records
 * @of: by PORTMON_A_HISTOGRAMS_*
 */
struct histograms {
	struct histograms *kept;
	struct histogram of[PORTMON_A_HISTOGRAMS_MAX + 1];
};

void histograms_add(struct histograms *to, const struct histograms *h);
uint64_t histogram_total(const struct histogram *h);
uint64_t histogram_below(unsigned int bucket);
bool histogram_percentile(const struct histogram *h, unsigned int percent,
			  unsigned int *bucket);

#endif
