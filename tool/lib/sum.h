/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sums of counters.  One counter has 64 bits, which is enough for it; a sum
 * of several, or a count of bits, that is more is the largest number there is
 * and not what is left after going round.
 */
#ifndef PORTMON_CTL_SUM_H
#define PORTMON_CTL_SUM_H

#include <stdint.h>

static inline uint64_t sum_add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* Counters read one after the other may seem to go back: never below zero. */
static inline uint64_t sum_less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static inline uint64_t sum_bits(uint64_t bytes)
{
	return bytes > UINT64_MAX / 8 ? UINT64_MAX : 8 * bytes;
}

/* The next whole number. */
static inline uint64_t sum_round(double v)
{
	return v >= 0x1p64 ? UINT64_MAX : v + 0.5;
}

#endif
