/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers and times in readable form. */
#ifndef PORTMON_CTL_FORMAT_H
#define PORTMON_CTL_FORMAT_H

#include <stdint.h>
#include <stdio.h>

#define UINT_SIZE	21	/* 2^64 - 1 and the end */
#define TIME_SIZE	32
#define TIME_LENGTH	20	/* 1970-01-01T00:00:00Z */
#define NUMBER_SIZE	24
#define GROUPED_SIZE	27	/* 2^64 - 1 with its commas, and the end */
#define AGE_SIZE	24
#define DAY		86400

/**
 * enum units - how large numbers are cut short
 * @UNITS_SI: powers of 1000: 12.3M
 * @UNITS_IEC: powers of 1024: 11.7Mi
 * @UNITS_EXACT: not at all
 */
enum units {
	UNITS_SI,
	UNITS_IEC,
	UNITS_EXACT,
};

/* What a noun has behind it after a number: 1 port, 2 ports. */
static inline const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

char *format_uint(char buf[static UINT_SIZE], uint64_t v);
char *format_grouped(char buf[static GROUPED_SIZE], uint64_t v);
char *format_number(char buf[static NUMBER_SIZE], uint64_t v,
		    enum units units);
char *format_time(char buf[static TIME_SIZE], uint64_t t);
char *format_local(char buf[static TIME_SIZE], uint64_t t);
void format_clock(char buf[static TIME_SIZE], uint64_t t);
char *format_age(char buf[static AGE_SIZE], uint64_t t, uint64_t now);
unsigned int format_fit(char *buf, size_t size, const char *text,
			unsigned int width);
void print_wrapped(FILE *out, const char *text, unsigned int indent,
		   unsigned int width);

#endif
