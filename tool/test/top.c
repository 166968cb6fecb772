// SPDX-License-Identifier: GPL-2.0
/* A live view with some ports, as its tests begin. */
#include <stdio.h>

#include "test/ktap.h"
#include "test/top.h"

static struct ctx ctx;
struct top t;
static struct records list;

void top_test_add(unsigned int scope, unsigned int transport, unsigned int port,
		  uint64_t bytes, const char *service)
{
	const struct record r = {
		.has = 1u << PORTMON_A_RECORD_PORT |
		       1u << PORTMON_A_RECORD_TRANSPORT |
		       1u << PORTMON_A_RECORD_LAST_SEEN,
		.scope = scope, .transport = transport, .port = port,
		.range = port < 1024 ? PORTMON_RANGE_WELL_KNOWN :
				       PORTMON_RANGE_REGISTERED,
		.ephemeral = port >= 32768 && port <= 60999,
		.rx = { bytes / 10, bytes }, .tx = { 1, 40 },
		.last_seen = port, .service = service,
	};

	check(!records_add(&list, &r));
}

void top_test_read(double at)
{
	check(!rates_add(&t.rates, &list, at));
	check(!top_rows(&t));
	list.n = 0;
}

/* What each port has counted, @n readings after the first. */
static void reading(unsigned int n)
{
	top_test_add(0, 0, 22, 100000, "ssh");
	top_test_add(0, 0, 80, 1000 * n, "http");
	top_test_add(0, 0, 443, 5000 + 3000 * n, "https");
	top_test_add(0, 1, 53, 2000 * n, "dns");
	top_test_add(1, 0, 33000, 100 * n, NULL);
	top_test_add(1, 0, 33001, 200 * n, NULL);
	top_test_add(1, 0, 33002, 300 * n, NULL);
	top_test_add(1, 1, 33003, 50, NULL);	/* alone: stays a port */
	top_test_read(10 * n);
}

void top_test_begin(void)
{
	unsigned int i;

	ctx = (struct ctx){
		.opt = OPTIONS_DEFAULT,
		.info = { .ephemeral_min = 32768, .ephemeral_max = 60999 },
	};
	t = (struct top){
		.ctx = &ctx, .scope = ANY, .transport = ANY, .height = 5,
		.interval = 10, .ascii = true,
	};
	top_fields_default(&t);
	t.sort = top_sorted_by(SORT_NONE);
	for (i = 1; i < 4; i++)
		reading(i);
}

void top_test_end(void)
{
	top_rows_free(&t);
	rates_free(&t.rates);
	records_free(&list);
}

void top_test_press(int key)
{
	top_key(&t, key);
	check(!top_rows(&t));
}

const char *top_test_lines(void)
{
	static char buf[512];
	char *p = buf;
	size_t i;

	*p = '\0';
	for (i = 0; i < t.n; i++) {
		char cell[TOP_CELL];

		top_cell(cell, &t, top_column("PORT", 4), t.rows[i].r);
		p += sprintf(p, "%s%s", i ? " " : "", cell);
	}
	return buf;
}
