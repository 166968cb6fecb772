// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/format.h"
#include "test/ktap.h"

static void is_number(uint64_t v, enum units units, const char *must)
{
	char buf[NUMBER_SIZE];

	check_text(format_number(buf, v, units), must);
}

static void test_si(void)
{
	is_number(0, UNITS_SI, "0");
	is_number(999, UNITS_SI, "999");
	is_number(1000, UNITS_SI, "1.00k");
	is_number(1234, UNITS_SI, "1.23k");
	is_number(9994, UNITS_SI, "9.99k");
	is_number(9996, UNITS_SI, "10.0k");
	is_number(99949, UNITS_SI, "99.9k");
	is_number(99951, UNITS_SI, "100k");
	is_number(999499, UNITS_SI, "999k");
	is_number(999500, UNITS_SI, "1.00M");
	is_number(12345678, UNITS_SI, "12.3M");
	is_number(1000000000000ULL, UNITS_SI, "1.00T");
	is_number(UINT64_MAX, UNITS_SI, "18.4E");
}

static void test_iec(void)
{
	is_number(1023, UNITS_IEC, "1023");
	is_number(1024, UNITS_IEC, "1.00Ki");
	is_number(1048575, UNITS_IEC, "1.00Mi");
	is_number(1000 * 1024, UNITS_IEC, "1000Ki");
	is_number(1ULL << 30, UNITS_IEC, "1.00Gi");
	is_number(UINT64_MAX, UNITS_IEC, "16.0Ei");
}

static void test_exact(void)
{
	is_number(0, UNITS_EXACT, "0");
	is_number(12345678, UNITS_EXACT, "12345678");
	is_number(INT64_MAX, UNITS_EXACT, "9223372036854775807");
	is_number(1ULL << 63, UNITS_EXACT, "9223372036854775808");
	is_number(UINT64_MAX, UNITS_EXACT, "18446744073709551615");
}

static void is_time(uint64_t t, const char *must)
{
	char buf[TIME_SIZE];

	check_text(format_time(buf, t), must);
}

static void test_time(void)
{
	char own[TIME_SIZE], libc[TIME_SIZE];
	time_t t;

	is_time(0, "1970-01-01T00:00:00Z");
	is_time(951782400, "2000-02-29T00:00:00Z");
	is_time(1767225599, "2025-12-31T23:59:59Z");
	is_time(1767225600, "2026-01-01T00:00:00Z");
	is_time(4294967296, "2106-02-07T06:28:16Z");
	is_time(253402300799, "9999-12-31T23:59:59Z");
	is_time(UINT64_MAX, "9999-12-31T23:59:59Z");
	/* Every 37 days and some over 400 years, as libc has it. */
	for (t = 0; t < 12622780800; t += 3200001) {
		strftime(libc, sizeof(libc), "%Y-%m-%dT%H:%M:%SZ", gmtime(&t));
		check_text(format_time(own, t), libc);
	}
}

static void is_age(uint64_t t, const char *must)
{
	char buf[AGE_SIZE];

	check_text(format_age(buf, t, 1000000), must);
}

static void test_age(void)
{
	is_age(0, "never");
	is_age(1000000, "now");
	is_age(1000005, "now");		/* the clock was set back */
	is_age(999999, "1s");
	is_age(1000000 - 59, "59s");
	is_age(1000000 - 60, "1m");
	is_age(1000000 - 3599, "59m");
	is_age(1000000 - 3600, "1h");
	is_age(1000000 - 172799, "47h");
	is_age(1000000 - 172800, "2d");
}

static void test_wrap(void)
{
	char *buf;
	size_t len;
	FILE *f = open_memstream(&buf, &len);

	print_wrapped(f, "one two  three\nfour", 2, 12);
	print_wrapped(f, "", 2, 12);
	print_wrapped(f, "averyveryverylongword x", 2, 12);
	fclose(f);
	check_text(buf, "one two\n  three four\n\naveryveryverylongword\n  x\n");
	free(buf);
}

/* No calendar has the year. */
static void test_local_far(void)
{
	char buf[TIME_SIZE], wanted[TIME_SIZE];

	check_text(format_local(buf, INT64_MAX), format_time(wanted, INT64_MAX));
}

const struct unit_test format_tests[] = {
	{ "local time that no calendar has", test_local_far },
	{ "si", test_si },
	{ "iec", test_iec },
	{ "exact", test_exact },
	{ "time", test_time },
	{ "age", test_age },
	{ "wrap", test_wrap },
	{ 0 }
};
