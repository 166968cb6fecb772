// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "lib/format.h"
#include "lib/histogram.h"
#include "lib/util.h"
#include "view/bars.h"
#include "view/howlong.h"

/* A value with its unit, and with "under" or "at least". */
#define BOUND_SIZE 48

enum unit {
	MICROSECONDS,
	MILLISECONDS,
	BYTES,
};

static const struct {
	const char *head;
	const char *key;
	enum unit unit;
} kinds[PORTMON_A_HISTOGRAMS_MAX + 1] = {
	[PORTMON_A_HISTOGRAMS_HANDSHAKE] = {
		"handshake", "handshake_us", MICROSECONDS,
	},
	[PORTMON_A_HISTOGRAMS_RTT] = { "RTT", "rtt_us", MICROSECONDS },
	[PORTMON_A_HISTOGRAMS_LIFETIME] = {
		"lifetime", "lifetime_ms", MILLISECONDS,
	},
	[PORTMON_A_HISTOGRAMS_RX_BYTES] = { "received", "rx_bytes", BYTES },
	[PORTMON_A_HISTOGRAMS_TX_BYTES] = { "sent", "tx_bytes", BYTES },
};

static const unsigned int percents[] = { 50, 90, 99 };

/* Three digits are more than a bucket has. */
static void format_duration(char *buf, size_t size, uint64_t us)
{
	static const struct {
		uint64_t us;
		const char *unit;
	} units[] = {
		{ 86400000000, "days" }, { 3600000000, "h" },
		{ 60000000, "min" }, { 1000000, "s" }, { 1000, "ms" },
		{ 1, "us" },
	};
	const double v = us;
	unsigned int i = 0;

	while (i < ARRAY_SIZE(units) - 1 && us < units[i].us)
		i++;
	snprintf(buf, size, "%.3g %s", v / units[i].us, units[i].unit);
}

static void format_value(char *buf, size_t size, enum unit unit, uint64_t v,
			 enum units units)
{
	char number[NUMBER_SIZE];

	if (unit == BYTES)
		snprintf(buf, size, "%sB", format_number(number, v, units));
	else
		format_duration(buf, size,
				unit == MILLISECONDS ? v * 1000 : v);
}

static void format_bound(char buf[static BOUND_SIZE], enum unit unit,
			 unsigned int bucket, enum units units)
{
	char value[NUMBER_SIZE + 8];

	if (!bucket && unit == BYTES) {
		snprintf(buf, BOUND_SIZE, "0B");
		return;
	}
	format_value(value, sizeof(value), unit,
		     histogram_below(bucket) ?: 1ull << (bucket - 1), units);
	snprintf(buf, BOUND_SIZE, "%s %s",
		 histogram_below(bucket) ? "under" : "at least", value);
}

/**
 * howlong_below() - a time that a value is below, in little room
 * @buf: room for it
 * @size: how much
 * @us: the time in microseconds
 */
void howlong_below(char *buf, size_t size, uint64_t us)
{
	char words[BOUND_SIZE], *blank;

	format_duration(words, sizeof(words), us);
	blank = strchr(words, ' ');
	if (blank)
		*blank++ = '\0';
	snprintf(buf, size, "<%s%s", words, blank ? blank : "");
}

/* A letter a bucket, from the first with values to the last. */
static void print_bar(FILE *out, const struct histogram *h)
{
	static const char *const ascii[] = {
		" ", ".", ":", "-", "=", "+", "*", "#", "@",
	};
	static const char *const blocks[] = {
		" ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585",
		"\u2586", "\u2587", "\u2588",
	};
	const char *const *letters = bar_blocks() ? blocks : ascii;
	unsigned int i, first = PORTMON_HISTOGRAM_BUCKETS, last = 0;
	uint64_t largest = 0;

	for (i = 0; i < PORTMON_HISTOGRAM_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		if (i < first)
			first = i;
		last = i;
		if (h->bucket[i] > largest)
			largest = h->bucket[i];
	}
	fputc('[', out);
	for (i = first; i <= last; i++)
		fputs(letters[h->bucket[i] ?
			      1 + (int)(7.0 * h->bucket[i] / largest) : 0],
		      out);
	fputc(']', out);
}

static void print_one(FILE *out, const struct histogram *h, unsigned int which,
		      enum units units)
{
	const uint64_t total = histogram_total(h);
	char bound[BOUND_SIZE], n[GROUPED_SIZE];
	unsigned int i, bucket;

	if (!total)
		return;
	fprintf(out, "  %-11s", kinds[which].head);
	for (i = 0; i < ARRAY_SIZE(percents); i++) {
		if (!histogram_percentile(h, percents[i], &bucket)) {
			static const char *const rest[] = {
				"the median, 90% and 99%", "90% and 99%", "99%",
			};

			fprintf(out, "%stoo few connections for %s",
				i ? ", " : "", rest[i]);
			break;
		}
		format_bound(bound, kinds[which].unit, bucket, units);
		if (i)
			fprintf(out, ", %u%% %s", percents[i], bound);
		else
			fprintf(out, "median %s", bound);
	}
	fprintf(out, " (%s connection%s) ", format_grouped(n, total),
		total == 1 ? "" : "s");
	print_bar(out, h);
	fputc('\n', out);
}

/**
 * howlong_print() - say how long a port's connections took
 * @out: where to
 * @ctx: the run
 * @r: the port; nothing is said of one without histograms
 */
void howlong_print(FILE *out, const struct ctx *ctx, const struct record *r)
{
	unsigned int i;

	if (!r->histograms)
		return;
	for (i = 1; i <= PORTMON_A_HISTOGRAMS_MAX; i++)
		print_one(out, &r->histograms->of[i], i, ctx->opt.units);
}

static void json_counts(struct json *j, const char *key, const struct histogram *h)
{
	static const char *const names[ARRAY_SIZE(percents)] = {
		"p50_below", "p90_below", "p99_below",
	};
	unsigned int i, bucket;
	uint64_t below;

	json_object(j, key);
	json_uint(j, "count", histogram_total(h));
	for (i = 0; i < ARRAY_SIZE(percents); i++) {
		below = histogram_percentile(h, percents[i], &bucket) ?
			histogram_below(bucket) : 0;
		if (below)
			json_uint(j, names[i], below);
		else
			json_null(j, names[i]);
	}
	json_array(j, "buckets");
	for (i = 0; i < PORTMON_HISTOGRAM_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		json_object(j, NULL);
		if (histogram_below(i))
			json_uint(j, "below", histogram_below(i));
		else
			json_null(j, "below");
		json_uint(j, "count", h->bucket[i]);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

/**
 * howlong_json() - write the histograms of a port
 * @j: the document
 * @r: the port; nothing is written of one without
 */
void howlong_json(struct json *j, const struct record *r)
{
	unsigned int i;

	if (!r->histograms)
		return;
	json_object(j, "histograms");
	for (i = 1; i <= PORTMON_A_HISTOGRAMS_MAX; i++)
		json_counts(j, kinds[i].key, &r->histograms->of[i]);
	json_object_end(j);
}
