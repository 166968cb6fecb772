// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "test/ktap.h"
#include "view/sort.h"
#include "view/view.h"

static const struct info info = {
	.ephemeral_min = 32768, .ephemeral_max = 60999,
};

static struct records list;

static void add_view_port(unsigned int scope, unsigned int transport,
			  unsigned int port, uint64_t bytes, const char *service)
{
	const struct record r = {
		.has = 1u << PORTMON_A_RECORD_PORT,
		.scope = scope, .transport = transport, .port = port,
		.range = port < 1024 ? PORTMON_RANGE_WELL_KNOWN :
			 port < 49152 ? PORTMON_RANGE_REGISTERED :
					PORTMON_RANGE_DYNAMIC,
		.rx = { 1, bytes }, .tx = { 2, 10 * bytes },
		.first_seen = 1000 + port, .last_seen = 2000 + port,
		.service = service,
	};

	check(!records_add(&list, &r));
}

static void test_fold(void)
{
	const struct record *r;

	add_view_port(0, 0, 443, 5, "https");
	add_view_port(0, 0, 8080, 6, NULL);	/* a listener: stays */
	add_view_port(0, 0, 32767, 1, NULL);
	add_view_port(0, 0, 32768, 1, NULL);	/* folds */
	add_view_port(0, 0, 40000, 2, "named");	/* stays */
	add_view_port(0, 0, 60999, 3, NULL);	/* folds */
	add_view_port(0, 0, 61000, 4, NULL);	/* dynamic: folds */
	add_view_port(0, 1, 50000, 7, NULL);	/* alone: stays a port */
	add_view_port(1, 0, 33000, 1, NULL);	/* folds, another scope */
	add_view_port(1, 0, 65535, 1, NULL);
	view_mark(&list, &info);
	check(!list.v[2].ephemeral && list.v[3].ephemeral);
	check(list.v[5].ephemeral && !list.v[6].ephemeral);
	view_fold(&list);
	check(list.n == 7);
	r = &list.v[3];
	check(r->folded && r->ports == 3);
	check(r->port == 32768 && r->port_max == 61000);
	check(r->rx.packets == 3 && r->rx.bytes == 8);
	check(r->tx.packets == 6 && r->tx.bytes == 80);
	check(r->first_seen == 33768 && r->last_seen == 63000);
	check(list.v[1].port == 8080 && !list.v[1].folded);
	check_text(list.v[4].service, "named");
	check(list.v[5].port == 50000 && !list.v[5].folded);
	check(list.v[6].folded && list.v[6].scope == 1);
	check(list.v[6].ports == 2);
	records_free(&list);
	/* in any order */
	add_view_port(0, 0, 61000, 4, NULL);
	add_view_port(0, 0, 32768, 1, NULL);
	view_mark(&list, &info);
	view_fold(&list);
	check(list.n == 1 && list.v[0].port == 32768);
	check(list.v[0].port_max == 61000);
	check(list.v[0].first_seen == 33768 && list.v[0].last_seen == 63000);
	records_free(&list);
	view_fold(&list);		/* nothing to fold */
	check(!list.n);
}

/* What lasted how long adds up, too. */
static void test_fold_histograms(void)
{
	struct histograms h[2] = { 0 };
	struct histogram *sum = &h[0].of[PORTMON_A_HISTOGRAMS_RTT];

	sum->bucket[3] = 5;
	h[1].of[PORTMON_A_HISTOGRAMS_RTT].bucket[3] = 2;
	h[1].of[PORTMON_A_HISTOGRAMS_RTT].bucket[9] = 1;
	add_view_port(0, 0, 40000, 1, NULL);
	add_view_port(0, 0, 40001, 1, NULL);
	add_view_port(0, 0, 40002, 1, NULL);
	list.v[1].histograms = &h[0];
	list.v[2].histograms = &h[1];
	view_mark(&list, &info);
	view_fold(&list);
	check(list.n == 1 && list.v[0].histograms == &h[0]);
	check(sum->bucket[3] == 7 && sum->bucket[9] == 1);
	records_free(&list);
}

/* By each column the port that has more of all comes first. */
static void test_sort_all(void)
{
	struct sock socks[] = {
		{ .port = 81, .kind = SOCK_LISTENS, .queue = 3, .queue_max = 9 },
		{ .port = 81, .peer = 1, .kind = SOCK_OPENING },
		{ .port = 81, .peer = 2, .kind = SOCK_OPEN },
	};
	const struct owners owners = { .socks = { socks, 3, 3, 0 } };
	struct histograms h = { 0 };
	unsigned int k;
	size_t i;

	h.of[PORTMON_A_HISTOGRAMS_RTT].bucket[9] = 20;

	add_view_port(0, 0, 80, 1, NULL);
	add_view_port(0, 0, 81, 1, NULL);
	for (i = 0; i < columns_of_ports.n; i++) {
		const struct column *c = columns_of_ports.v[i];

		if (!c->value)
			continue;
		list.v[0] = (struct record){
			.has = 1u << PORTMON_A_RECORD_PORT, .port = 80,
		};
		list.v[1] = (struct record){
			.has = 1u << PORTMON_A_RECORD_PORT, .port = 81,
			.rx = { 1, 100 }, .tx = { 2, 300 }, .dropped = 1,
			.first_seen = 10, .last_seen = 20,
			.owners = &owners, .histograms = &h,
		};
		for (k = 1; k <= PORTMON_A_TCP_MAX; k++)
			list.v[1].tcp[k] = k == PORTMON_A_TCP_SYN_RECEIVED ? 99 : 1;
		check_text(c->value(&list.v[1]) > c->value(&list.v[0]) ? "" :
			   c->name, "");
	}
	records_free(&list);
}

/* A newer module may have more scopes and transports. */
static void test_fold_unknown(void)
{
	add_view_port(200, 0, 50000, 1, NULL);
	add_view_port(200, 0, 50001, 1, NULL);
	add_view_port(0, 200, 50002, 1, NULL);
	view_fold(&list);
	check(list.n == 3 && !list.v[0].folded);
	records_free(&list);
}

static void fill_unsorted(void)
{
	records_free(&list);
	add_view_port(1, 0, 80, 30, "http");
	add_view_port(0, 1, 53, 20, "dns");
	add_view_port(0, 0, 443, 30, "https");
	add_view_port(0, 0, 8080, 99, NULL);
	list.v[1].rx.packets = 500;
	list.v[3].tcp[PORTMON_A_TCP_ESTABLISHED] = 5;
	list.v[1].tcp[PORTMON_A_TCP_ESTABLISHED] = 4;
	list.v[2].tcp[PORTMON_A_TCP_ESTABLISHED] = 3;
	list.v[2].tcp[PORTMON_A_TCP_RETRANSMITTED] = 3;
	list.v[0].tcp[PORTMON_A_TCP_SYNACK_RETRANSMITTED] = 2;
	list.v[3].tcp[PORTMON_A_TCP_RETRANSMITTED] = 1;
	list.v[0].dropped = 3;
	list.v[3].dropped = 2;
	list.v[1].dropped = 1;
}

static void is_order(enum sort_key key, bool reverse, unsigned int a,
		     unsigned int b, unsigned int c, unsigned int d)
{
	fill_unsorted();
	view_sort(&list, &columns_of_ports, key, reverse);
	check(list.v[0].port == a && list.v[1].port == b);
	check(list.v[2].port == c && list.v[3].port == d);
}

static void test_sort(void)
{
	is_order(SORT_NONE, false, 80, 53, 443, 8080);
	is_order(SORT_NONE, true, 8080, 443, 53, 80);
	is_order(SORT_BYTES, false, 8080, 443, 80, 53);
	is_order(SORT_BYTES, true, 53, 80, 443, 8080);
	is_order(SORT_RX, false, 8080, 443, 80, 53);
	is_order(SORT_TX, false, 8080, 443, 80, 53);
	is_order(SORT_PACKETS, false, 53, 443, 8080, 80);
	is_order(SORT_RX_PACKETS, false, 53, 443, 8080, 80);
	is_order(SORT_TX_PACKETS, false, 443, 8080, 53, 80);
	is_order(SORT_PORT, false, 53, 80, 443, 8080);
	is_order(SORT_SERVICE, false, 53, 80, 443, 8080);
	is_order(SORT_SCOPE, false, 443, 8080, 53, 80);
	is_order(SORT_TRANSPORT, false, 443, 8080, 80, 53);
	is_order(SORT_LAST_SEEN, false, 8080, 443, 80, 53);
	is_order(SORT_FIRST_SEEN, false, 8080, 443, 80, 53);
	is_order(SORT_CONNECTIONS, false, 8080, 53, 443, 80);
	is_order(SORT_RETRANSMITTED, false, 443, 80, 8080, 53);
	is_order(SORT_DROPS, false, 80, 8080, 53, 443);
	records_free(&list);
	view_sort(&list, &columns_of_ports, SORT_BYTES, true);
}

const struct unit_test view_tests[] = {
	{ "fold", test_fold },
	{ "fold histograms", test_fold_histograms },
	{ "sort by each column", test_sort_all },
	{ "fold_unknown", test_fold_unknown },
	{ "sort", test_sort },
	{ 0 }
};
