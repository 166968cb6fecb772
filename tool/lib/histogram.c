// SPDX-License-Identifier: GPL-2.0
#include "lib/histogram.h"

/* Like sum_add(), which is above this. */
static uint64_t add_counts(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/**
 * histograms_add() - add the histograms of one port to those of another
 * @to: the sums
 * @h: what is added
 */
void histograms_add(struct histograms *to, const struct histograms *h)
{
	unsigned int i, bucket;

	for (i = 1; i <= PORTMON_A_HISTOGRAMS_MAX; i++)
		for (bucket = 0; bucket < PORTMON_HISTOGRAM_BUCKETS; bucket++)
			to->of[i].bucket[bucket] =
				add_counts(to->of[i].bucket[bucket],
					   h->of[i].bucket[bucket]);
}

/**
 * histogram_total() - how many values a histogram has
 * @h: the histogram
 *
 * Return: the sum of its buckets.
 */
uint64_t histogram_total(const struct histogram *h)
{
	uint64_t total = 0;
	unsigned int i;

	for (i = 0; i < PORTMON_HISTOGRAM_BUCKETS; i++)
		total = add_counts(total, h->bucket[i]);
	return total;
}

/**
 * histogram_below() - what all values of a bucket are below
 * @bucket: the bucket
 *
 * Return: the bound, 0 for the last bucket, which has none.
 */
uint64_t histogram_below(unsigned int bucket)
{
	return bucket < PORTMON_HISTOGRAM_BUCKETS - 1 ? 1ull << bucket : 0;
}

/**
 * histogram_percentile() - the bucket that a percentile lies in
 * @h: the histogram
 * @percent: 1 to 99
 * @bucket: set to it
 *
 * Return: false where there are too few values to tell: less than one of them
 * would be above it.
 */
bool histogram_percentile(const struct histogram *h, unsigned int percent,
			  unsigned int *bucket)
{
	const uint64_t total = histogram_total(h);
	const uint64_t above = total / 100 * (100 - percent) +
			       total % 100 * (100 - percent) / 100;
	uint64_t seen = 0;

	if (!above)
		return false;
	for (*bucket = 0; *bucket < PORTMON_HISTOGRAM_BUCKETS - 1; ++*bucket) {
		seen = add_counts(seen, h->bucket[*bucket]);
		if (seen >= total - above)
			break;
	}
	return true;
}
