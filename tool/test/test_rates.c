// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "test/ktap.h"
#include "view/rates.h"

static struct records list;
static struct rates rates;

static void add_reading(unsigned int scope, unsigned int number,
			uint64_t packets, uint64_t bytes)
{
	const struct record r = {
		.has = 1u << PORTMON_A_RECORD_PORT,
		.scope = scope, .port = number,
		.rx = { packets, bytes }, .tx = { 2 * packets, 10 * bytes },
	};

	check(!records_add(&list, &r));
}

static void read_at(double at)
{
	check(!rates_add(&rates, &list, at));
	list.n = 0;
}

static const struct rate *find_rate(unsigned int scope, unsigned int number)
{
	const struct record key = {
		.has = 1u << PORTMON_A_RECORD_PORT,
		.scope = scope, .port = number,
	};
	static const struct rate none;
	const struct rate *rate = rates_find(&rates, &key);

	check(rate);
	return rate ? rate : &none;
}

static void done(void)
{
	rates_free(&rates);
	records_free(&list);
}

static void test_first(void)
{
	add_reading(0, 80, 5, 500);
	read_at(100);
	check(rates.n == 1 && rates.readings == 1 && !rates_past(&rates));
	check(find_rate(0, 80)->total.rx.packets == 5);
	check(!find_rate(0, 80)->delta.rx.packets && !find_rate(0, 80)->delta.tx.bytes);
	check(rate_per_second(&rates, 7) == 0);
	done();
}

static void test_difference(void)
{
	add_reading(0, 80, 5, 500);
	add_reading(0, 443, 1, 100);
	add_reading(1, 80, 9, 900);
	read_at(100);
	add_reading(0, 80, 6, 700);
	add_reading(0, 90, 3, 30);		/* new: counted from zero */
	add_reading(0, 443, 1, 100);
	add_reading(1, 80, 19, 900);
	read_at(102);
	check(rates.n == 4 && rates.seconds == 2 && !rates.set_back);
	check(find_rate(0, 80)->delta.rx.packets == 1);
	check(find_rate(0, 80)->delta.rx.bytes == 200);
	check(find_rate(0, 80)->delta.tx.packets == 2);
	check(find_rate(0, 80)->delta.tx.bytes == 2000);
	check(find_rate(0, 80)->total.rx.bytes == 700);
	check(find_rate(0, 90)->delta.rx.packets == 3);
	check(!find_rate(0, 443)->delta.rx.packets && !find_rate(0, 443)->delta.tx.bytes);
	check(find_rate(1, 80)->delta.rx.packets == 10);
	check(rate_per_second(&rates, 10) == 5);
	done();
}

/* A kernel that sends another order, and lines with nothing to find. */
static void test_order(void)
{
	add_reading(1, 80, 1, 1);
	add_reading(0, 443, 2, 2);
	add_reading(0, 80, 3, 3);
	read_at(1);
	add_reading(0, 443, 3, 3);
	add_reading(1, 80, 11, 11);
	add_reading(0, 1, 1, 1);
	add_reading(0, 80, 3, 3);
	read_at(2);
	check(find_rate(0, 443)->delta.rx.packets == 1);
	check(find_rate(1, 80)->delta.rx.packets == 10);
	check(!find_rate(0, 80)->delta.rx.packets);
	check(rates.v[0].total.port == 1 && rates.v[3].total.scope == 1);
	done();
	read_at(1);			/* nothing at all */
	read_at(2);
	check(!rates.n && rates_past(&rates) == 1);
	done();
}

static void test_set_back(void)
{
	add_reading(0, 80, 1000, 100000);
	add_reading(0, 81, 7, 70);
	read_at(10);
	add_reading(0, 80, 2, 200);		/* reset, then two packets */
	add_reading(0, 81, 8, 80);		/* not requested */
	read_at(11);
	check(rates.set_back == 1);
	check(find_rate(0, 80)->delta.rx.packets == 2);
	check(find_rate(0, 80)->delta.rx.bytes == 200);
	check(find_rate(0, 80)->delta.tx.packets == 4);
	check(find_rate(0, 81)->delta.rx.packets == 1);
	add_reading(0, 81, 8, 80);		/* gone, as after disable */
	read_at(12);
	check(rates.n == 1 && !rates.set_back);
	add_reading(0, 80, 3, 300);
	add_reading(0, 81, 8, 80);
	read_at(13);
	check(find_rate(0, 80)->delta.rx.packets == 3);
	/* One counter that decreased shows that all were reset. */
	add_reading(0, 80, 4, 10);
	add_reading(0, 81, 8, 80);
	read_at(14);
	check(rates.set_back == 1 && find_rate(0, 80)->delta.rx.packets == 4);
	check(find_rate(0, 80)->delta.rx.bytes == 10);
	done();
}

static void test_history(void)
{
	unsigned int i;

	for (i = 0; i < RATES_HISTORY + 5; i++) {
		add_reading(0, 80, i, i * i);
		read_at(2 * i);
		check(rates_past(&rates) ==
		      (i < RATES_HISTORY ? i : RATES_HISTORY));
	}
	/* i * i bytes, and ten times that, in bits, every two seconds. */
	check(rate_history(&rates, find_rate(0, 80), 0) == 4 * 11 * (2 * i - 3));
	check(rate_history(&rates, find_rate(0, 80), 1) == 4 * 11 * (2 * i - 5));
	check(rate_history(&rates, find_rate(0, 80), RATES_HISTORY - 1) ==
	      4 * 11 * (2 * (i - RATES_HISTORY) - 1));
	/* A port that comes late has been silent before. */
	add_reading(0, 80, i, i * i);
	add_reading(0, 81, 1, 8);
	read_at(2 * i);
	check(rate_history(&rates, find_rate(0, 81), 0) == 4 * 88);
	check(rate_history(&rates, find_rate(0, 81), 1) == 0);
	done();
}

/* Overflow records have no port; their range distinguishes them. */
static void test_overflow(void)
{
	struct record r = { .range = 1, .rx = { 1, 10 } };

	add_reading(0, 0, 1, 1);
	check(!records_add(&list, &r));
	r.range = 2;
	check(!records_add(&list, &r));
	read_at(1);
	r.rx = (struct count){ 4, 40 };
	check(!records_add(&list, &r));
	add_reading(0, 0, 1, 1);
	read_at(2);
	check(rates.n == 2);
	check(rates.v[1].total.range == 2 && rates.v[1].delta.rx.packets == 3);
	check(rates_find(&rates, &r) == &rates.v[1]);
	check(!rates.v[0].history && rates.v[1].history);
	r.range = 0;
	check(!rates_find(&rates, &r));
	done();
}

/* Events without a counter are not those of the first range of TCP. */
static void test_uncounted(void)
{
	struct record first = {
		.has = 1u << PORTMON_A_RECORD_SCOPE |
		       1u << PORTMON_A_RECORD_TRANSPORT |
		       1u << PORTMON_A_RECORD_RANGE,
		.rx = { 100, 1000 },
	};
	struct record events = {
		.has = 1u << PORTMON_A_RECORD_SCOPE, .dropped = 5,
	};
	unsigned int i;

	for (i = 0; i < 2; i++) {
		check(!records_add(&list, &first));
		check(!records_add(&list, &events));
		read_at(i + 1);
		check(rates.n == 2 && !rates.set_back);
	}
	check(!rates.v[0].delta.rx.packets && !rates.v[1].delta.dropped);
	check(rates_find(&rates, &events) == &rates.v[1]);
	done();
}

/* More kinds of events than a message holds, in two scopes. */
static void test_split(void)
{
	struct record r = {
		.has = 1u << PORTMON_A_RECORD_SCOPE, .dropped = 3,
	};
	struct records all = { 0 };
	struct drop *d;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		r.scope = i % 2;
		r.tcp[1] = i;
		check(!records_add(&all, &r));
		d = records_drop(&all, &all.v[i]);
		snprintf(d->reason, sizeof(d->reason), "REASON_%u", i);
		d->packets = 3;
	}
	r.has |= 1u << PORTMON_A_RECORD_TRANSPORT | 1u << PORTMON_A_RECORD_RANGE;
	check(!records_add(&all, &r));
	records_join(&all);
	check(all.n == 3 && all.v[2].has == r.has && all.v[2].dropped == 3);
	for (i = 0; i < 2; i++) {
		check(all.v[i].scope == i && all.v[i].dropped == 6);
		check(all.v[i].tcp[1] == 2 * i + 2);
		d = all.v[i].drops;
		check(d && d->next && !d->next->next);
		check(!strcmp(d->reason, i ? "REASON_1" : "REASON_0"));
		check(!strcmp(d->next->reason, i ? "REASON_3" : "REASON_2"));
	}
	records_free(&all);
}

/* Buckets are distinguished by hook, then network layer. */
static void test_buckets(void)
{
	struct record r = { .hook = 1, .family = 1, .all = { 3, 30 } };

	check(!rates_find(&rates, &r));
	check(!records_add(&list, &r));
	r.family = 0;
	check(!records_add(&list, &r));
	read_at(1);
	check(rates.n == 2 && !rates.v[0].total.family);
	check(rates_find(&rates, &r) == &rates.v[0]);
	done();
}

const struct unit_test rates_tests[] = {
	{ "first", test_first },
	{ "difference", test_difference },
	{ "order", test_order },
	{ "set_back", test_set_back },
	{ "history", test_history },
	{ "overflow", test_overflow },
	{ "uncounted", test_uncounted },
	{ "split", test_split },
	{ "buckets", test_buckets },
	{ 0 }
};
