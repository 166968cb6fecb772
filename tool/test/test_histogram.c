// SPDX-License-Identifier: GPL-2.0
/* Histograms: as the kernel sends them, added up, and what they say. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>

#include "test/ktap.h"
#include "test/message.h"
#include "view/howlong.h"

static struct records list;

static void test_parsed(void)
{
	uint64_t values[PORTMON_HISTOGRAM_BUCKETS + 2] = { 5, 0, 7 };
	struct record r, copy;
	struct records other = { 0 };
	int at = begin_nest(PORTMON_A_RECORD_HISTOGRAMS);

	put(PORTMON_A_HISTOGRAMS_RTT, values, 3 * sizeof(values[0]));
	values[PORTMON_HISTOGRAM_BUCKETS - 1] = 1;
	values[PORTMON_HISTOGRAM_BUCKETS + 1] = 2;
	put(PORTMON_A_HISTOGRAMS_LIFETIME, values, sizeof(values));
	put(PORTMON_A_HISTOGRAMS_MAX + 1, "of a newer module", 17);
	end_nest(at);
	check(!parse_record(&r, &list));
	check(record_has(&r, PORTMON_A_RECORD_HISTOGRAMS) && r.histograms);
	check(histogram_total(&r.histograms->of[PORTMON_A_HISTOGRAMS_RTT]) == 12);
	check(!histogram_total(&r.histograms->of[PORTMON_A_HISTOGRAMS_HANDSHAKE]));
	/* More buckets than are known here are in the last. */
	check(r.histograms->of[PORTMON_A_HISTOGRAMS_LIFETIME].bucket
	      [PORTMON_HISTOGRAM_BUCKETS - 1] == 3);

	check(!records_add(&other, &r));
	copy = other.v[0];
	check(copy.histograms != r.histograms);
	records_empty(&list);
	check(copy.histograms->of[PORTMON_A_HISTOGRAMS_RTT].bucket[2] == 7);
	records_free(&other);
	records_free(&list);
}

static void test_refused(void)
{
	struct record r;
	int at = begin_nest(PORTMON_A_RECORD_HISTOGRAMS);

	put(PORTMON_A_HISTOGRAMS_RTT, "0123456789", 10);
	end_nest(at);
	check(parse_record(&r, &list) == -EBADMSG);
	records_free(&list);
}

static void test_added(void)
{
	struct histograms a = { 0 }, b = { 0 };

	a.of[1].bucket[3] = 2;
	b.of[1].bucket[3] = 3;
	b.of[5].bucket[39] = UINT64_MAX;
	histograms_add(&a, &b);
	histograms_add(&a, &b);
	check(a.of[1].bucket[3] == 8);
	check(a.of[5].bucket[39] == UINT64_MAX);
}

static void test_percentile(void)
{
	struct histogram h = { 0 };
	unsigned int bucket;

	check(!histogram_percentile(&h, 50, &bucket));
	h.bucket[4] = 1;
	check(!histogram_percentile(&h, 50, &bucket));
	h.bucket[6] = 1;
	check(histogram_percentile(&h, 50, &bucket) && bucket == 4);
	check(!histogram_percentile(&h, 90, &bucket));
	h.bucket[4] = 89;
	h.bucket[6] = 10;
	check(!histogram_percentile(&h, 99, &bucket));
	h.bucket[39] = 1;
	check(histogram_percentile(&h, 50, &bucket) && bucket == 4);
	check(histogram_percentile(&h, 90, &bucket) && bucket == 6);
	check(histogram_percentile(&h, 99, &bucket) && bucket == 6);
	h.bucket[39] = 2;
	check(histogram_percentile(&h, 99, &bucket) && bucket == 39);
	check(histogram_below(0) == 1 && histogram_below(10) == 1024);
	check(!histogram_below(39));
}

static void test_text(void)
{
	struct histograms h = { 0 };
	struct record r = { .histograms = &h };
	struct ctx ctx = { 0 };

	h.of[PORTMON_A_HISTOGRAMS_HANDSHAKE].bucket[10] = 50;
	h.of[PORTMON_A_HISTOGRAMS_HANDSHAKE].bucket[12] = 50;
	h.of[PORTMON_A_HISTOGRAMS_RTT].bucket[20] = 1;
	h.of[PORTMON_A_HISTOGRAMS_LIFETIME].bucket[24] = 10;
	h.of[PORTMON_A_HISTOGRAMS_RX_BYTES].bucket[0] = 2;
	h.of[PORTMON_A_HISTOGRAMS_TX_BYTES].bucket[39] = 2;
	begin_capture();
	howlong_print(stderr, &ctx, &r);
	check_text(end_capture(),
		   "  handshake  median under 1.02 ms, 90% under 4.1 ms, 99% under 4.1 ms (100 connections) [@ @]\n"
		   "  RTT        too few connections for the median, 90% and 99% (1 connection) [@]\n"
		   "  lifetime   median under 4.66 h, 90% under 4.66 h, too few connections for 99% (10 connections) [@]\n"
		   "  received   median 0B, too few connections for 90% and 99% (2 connections) [@]\n"
		   "  sent       median at least 275GB, too few connections for 90% and 99% (2 connections) [@]\n");
}

/* The last bucket has no end. */
static void test_json_last(void)
{
	struct histograms h = { 0 };
	const struct record r = { .histograms = &h };
	struct json j;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	h.of[PORTMON_A_HISTOGRAMS_RTT].bucket[PORTMON_HISTOGRAM_BUCKETS - 1] = 4;
	check(!json_begin(&j, out, false));
	howlong_json(&j, &r);
	check(!json_end(&j));
	fclose(out);
	check(strstr(text, "[{\"below\":null,\"count\":4}]"));
	free(text);
}

const struct unit_test histogram_tests[] = {
	{ "last bucket in JSON", test_json_last },
	{ "parsed", test_parsed },
	{ "refused", test_refused },
	{ "added", test_added },
	{ "percentile", test_percentile },
	{ "text", test_text },
	{ 0 }
};
