// SPDX-License-Identifier: GPL-2.0
#include <limits.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "lib/format.h"
#include "lib/text.h"

/**
 * format_uint() - a number in decimal, right-aligned in its buffer
 * @buf: room for it
 * @v: the number
 *
 * Return: where in @buf it starts; it ends at the buffer's last byte.
 */
char *format_uint(char buf[static UINT_SIZE], uint64_t v)
{
	char *p = buf + UINT_SIZE - 1;

	*p = '\0';
	do {
		*--p = '0' + v % 10;
		v /= 10;
	} while (v);
	return p;
}

/**
 * format_grouped() - a number in decimal, thousands apart: 1,024
 * @buf: room for it
 * @v: the number
 *
 * Return: where in @buf it starts.
 */
char *format_grouped(char buf[static GROUPED_SIZE], uint64_t v)
{
	char *p = buf + GROUPED_SIZE - 1;
	unsigned int digits = 0;

	*p = '\0';
	do {
		if (digits && digits % 3 == 0)
			*--p = ',';
		*--p = '0' + v % 10;
		v /= 10;
		digits++;
	} while (v);
	return p;
}

/**
 * format_number() - a number as the units ask, three digits where cut short
 * @buf: room for it
 * @v: the number
 * @units: powers of 1000, of 1024, or exact
 *
 * Return: where in @buf it starts.
 */
char *format_number(char buf[static NUMBER_SIZE], uint64_t v,
		    enum units units)
{
	static const char prefix[] = "kMGTPE";
	const unsigned int base = units == UNITS_IEC ? 1024 : 1000;
	const char *i = units == UNITS_IEC ? "i" : "";
	uint64_t whole = v, div = 1;
	double cut;
	int n = -1;

	if (units == UNITS_EXACT || v < base)
		return format_uint(buf, v);
	/* 999.5 and more would round to 1000 of the smaller unit. */
	while (whole >= base || (double)v / div >= base - 0.5) {
		whole /= base;
		div *= base;
		n++;
	}
	cut = (double)v / div;
	if (cut < 9.995)
		snprintf(buf, NUMBER_SIZE, "%.2f%c%s", cut, prefix[n], i);
	else if (cut < 99.95)
		snprintf(buf, NUMBER_SIZE, "%.1f%c%s", cut, prefix[n], i);
	else
		snprintf(buf, NUMBER_SIZE, "%.0f%c%s", cut, prefix[n], i);
	if (units == UNITS_IEC && buf[strlen(buf) - 2] == 'k')
		buf[strlen(buf) - 2] = 'K';
	return buf;
}

/* Days since the epoch to a date: Howard Hinnant's civil_from_days(). */
static void civil_date(uint64_t days, unsigned int *year, unsigned int *month,
		       unsigned int *day)
{
	uint64_t z = days + 719468;
	uint64_t era = z / 146097;
	unsigned int doe = z % 146097;
	unsigned int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned int mp = (5 * doy + 2) / 153;

	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = era * 400 + yoe + (*month <= 2);
}

static void two_digits(char *p, unsigned int v)
{
	p[0] = '0' + v / 10;
	p[1] = '0' + v % 10;
}

/**
 * format_clock() - change the time of day of a time that has been formatted
 * @buf: the time
 * @t: seconds since the epoch, on the same day
 */
void format_clock(char buf[static TIME_SIZE], uint64_t t)
{
	unsigned int second = t % DAY;

	two_digits(buf + 11, second / 3600);
	two_digits(buf + 14, second / 60 % 60);
	two_digits(buf + 17, second % 60);
}

/**
 * format_time() - a time as RFC 3339 has it, in UTC
 * @buf: room for it
 * @t: seconds since the epoch
 *
 * No strftime(): a dump writes two of these per record.
 *
 * Return: @buf.
 */
char *format_time(char buf[static TIME_SIZE], uint64_t t)
{
	static const uint64_t last = 253402300799;	/* in the year 9999 */
	unsigned int year, month, day;

	if (t > last)
		t = last;
	civil_date(t / DAY, &year, &month, &day);
	memcpy(buf, "0000-00-00T00:00:00Z", 21);
	two_digits(buf, year / 100);
	two_digits(buf + 2, year % 100);
	two_digits(buf + 5, month);
	two_digits(buf + 8, day);
	format_clock(buf, t);
	return buf;
}

/**
 * format_local() - a time as the clock on the wall has it, with its zone
 * @buf: room for it
 * @t: seconds since the epoch
 *
 * Return: @buf: "2026-11-22 09:15:00 CET"; in UTC if that is not known.
 */
char *format_local(char buf[static TIME_SIZE], uint64_t t)
{
	const time_t when = t;
	struct tm tm;

	if (!localtime_r(&when, &tm) ||
	    !strftime(buf, TIME_SIZE, "%F %T %Z", &tm))
		format_time(buf, t);
	return buf;
}

/**
 * format_age() - how long ago something was
 * @buf: room for it
 * @t: when it was, in seconds since the epoch; 0 for never
 * @now: what time it is
 *
 * Return: @buf.
 */
char *format_age(char buf[static AGE_SIZE], uint64_t t, uint64_t now)
{
	uint64_t age = now > t ? now - t : 0;

	if (!t)
		snprintf(buf, AGE_SIZE, "never");
	else if (age < 1)
		snprintf(buf, AGE_SIZE, "now");
	else if (age < 60)
		snprintf(buf, AGE_SIZE, "%us", (unsigned int)age);
	else if (age < 3600)
		snprintf(buf, AGE_SIZE, "%um", (unsigned int)(age / 60));
	else if (age < 2 * DAY)
		snprintf(buf, AGE_SIZE, "%uh", (unsigned int)(age / 3600));
	else
		snprintf(buf, AGE_SIZE, "%llud",
			 (unsigned long long)(age / DAY));
	return buf;
}

/**
 * format_fit() - cut a text to the columns there are
 * @buf: room for it
 * @size: how much
 * @text: the text, in the locale's characters; what cannot be printed becomes
 *   a question mark
 * @width: columns
 *
 * Return: how many columns it takes.
 */
unsigned int format_fit(char *buf, size_t size, const char *text,
			unsigned int width)
{
	mbstate_t state = { 0 };
	unsigned int column = 0;

	while (*text) {
		wchar_t c;
		size_t len = mbrtowc(&c, text, MB_LEN_MAX, &state);
		int columns = len <= MB_LEN_MAX ? wcwidth(c) : -1;

		if (len > MB_LEN_MAX) {
			memset(&state, 0, sizeof(state));
			len = 1;
		}
		if (columns >= 0 && text_acts(c))
			columns = -1;
		if (column + (columns < 0 ? 1 : columns) > width ||
		    len >= size)
			break;
		if (columns < 0)
			*buf++ = '?';
		else
			buf = mempcpy(buf, text, len);
		size -= columns < 0 ? 1 : len;
		column += columns < 0 ? 1 : columns;
		text += len;
	}
	*buf = '\0';
	return column;
}

/**
 * print_wrapped() - print a text in lines that fit
 * @out: where to
 * @text: words, any white space between them; what acts on a terminal becomes
 *   a question mark
 * @indent: blanks before each line but the first
 * @width: columns there are
 */
void print_wrapped(FILE *out, const char *text, unsigned int indent,
		   unsigned int width)
{
	unsigned int column = indent, columns;
	size_t len;

	for (;;) {
		text += strspn(text, " \t\n");
		len = strcspn(text, " \t\n");
		if (!len)
			break;
		columns = text_width(text, len);
		if (column > indent && column + 1 + columns > width) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		}
		if (column > indent) {
			putc(' ', out);
			column++;
		}
		text_print(out, text, len);
		column += columns;
		text += len;
	}
	putc('\n', out);
}
