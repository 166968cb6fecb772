// SPDX-License-Identifier: GPL-2.0
/* The differences between two snapshots. */
#include <stdio.h>
#include <string.h>

#include "test/ktap.h"
#include "view/rates.h"

static void add_port(struct snapshot *s, unsigned int port, uint64_t rx,
		     uint64_t dropped)
{
	struct record *r = records_new(&s->ports);

	*r = (struct record){
		.has = 1u << PORTMON_A_RECORD_PORT, .port = port,
		.rx = { rx, 100 * rx }, .dropped = dropped,
	};
	r->tcp[PORTMON_A_TCP_MAX] = rx / 2;
	if (dropped) {
		struct drop *d = records_drop(&s->ports, r);

		snprintf(d->reason, sizeof(d->reason), "NO_SOCKET");
		d->packets = dropped;
	}
}

static void fill_snapshot(struct snapshot *s, uint64_t n)
{
	const struct record over = {
		.has = 1u << PORTMON_A_RECORD_SCOPE, .scope = 1, .range = 2,
		.tx = { n, n },
	};
	const struct record bucket = {
		.has = 1u << PORTMON_A_RECORD_BUCKET, .all = { 5 * n, n },
	};

	*s = (struct snapshot){ 0 };
	add_port(s, 80, 10 * n, 3 * n);
	add_port(s, 443, 7, 0);
	check(!records_add(&s->overflow, &over));
	check(!records_add(&s->other, &bucket));
}

static void test_difference(void)
{
	const struct filter all = FILTER_ALL;
	struct filter one = FILTER_ALL;
	struct deltas delta = { 0 };
	struct snapshot s;

	fill_snapshot(&s, 1);
	check(!deltas_add(&delta, &s, 1));
	fill_snapshot(&s, UINT64_C(1) << 40);
	check(!deltas_add(&delta, &s, 3) && delta.ports.seconds == 2);
	check(!deltas_get(&delta, &all, &s));
	check(s.ports.n == 1 && s.ports.v[0].port == 80);
	check(s.ports.v[0].rx.packets == 10 * ((UINT64_C(1) << 40) - 1));
	check(s.ports.v[0].tcp[PORTMON_A_TCP_MAX] ==
	      5 * ((UINT64_C(1) << 40) - 1));
	check(s.ports.v[0].drops && s.ports.v[0].drops->packets ==
				    3 * ((UINT64_C(1) << 40) - 1));
	check(s.overflow.n == 1 && s.other.n == 1);
	check(s.other.v[0].all.packets == 5 * ((UINT64_C(1) << 40) - 1));
	snapshot_free(&s);
	one.port = 81;
	one.port_max = 90;
	check(!deltas_get(&delta, &one, &s) && !s.ports.n && s.overflow.n == 1);
	snapshot_free(&s);
	/* reset: the present value is the difference */
	fill_snapshot(&s, 2);
	check(!deltas_add(&delta, &s, 4) && delta.ports.set_back == 2);
	check(!deltas_get(&delta, &all, &s) && s.ports.n == 1);
	check(s.ports.v[0].rx.packets == 20);
	check(s.ports.v[0].drops && s.ports.v[0].drops->packets == 6);
	snapshot_free(&s);
	deltas_free(&delta);
}

/* A port has come by drops for one reason, and none for another. */
static void test_reasons(void)
{
	const struct filter all = FILTER_ALL;
	struct deltas delta = { 0 };
	struct snapshot s;
	unsigned int i;

	for (i = 1; i <= 2; i++) {
		struct drop *d;

		s = (struct snapshot){ 0 };
		add_port(&s, 80, 5, i);
		d = records_drop(&s.ports, &s.ports.v[0]);
		snprintf(d->reason, sizeof(d->reason), "TCP_CSUM");
		d->packets = 7;
		s.ports.v[0].dropped += 7;
		check(!deltas_add(&delta, &s, i));
	}
	check(!deltas_get(&delta, &all, &s) && s.ports.n == 1);
	check(s.ports.v[0].drops && !s.ports.v[0].drops->next);
	check_text(s.ports.v[0].drops->reason, "NO_SOCKET");
	check(s.ports.v[0].drops->packets == 1);
	snapshot_free(&s);
	deltas_free(&delta);
}

const struct unit_test deltas_tests[] = {
	{ "difference", test_difference },
	{ "reasons", test_reasons },
	{ 0 }
};
