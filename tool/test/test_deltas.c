// SPDX-License-Identifier: GPL-2.0
/* The differences between two snapshots, and a snapshot as text. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/deltafile.h"
#include "lib/util.h"
#include "test/ktap.h"
#include "view/rates.h"

static const struct mark mark = {
	.boot = "0a48ac2c-8e85-43a3-b6d0-d9879da07505",
	.cookie = UINT64_MAX, .generation = 7, .since = 1000, .time = 2000,
};

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

static void fill(struct snapshot *s, uint64_t n)
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

	fill(&s, 1);
	check(!deltas_add(&delta, &s, 1));
	fill(&s, UINT64_C(1) << 40);
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
	fill(&s, 2);
	check(!deltas_add(&delta, &s, 4) && delta.ports.set_back == 2);
	check(!deltas_get(&delta, &all, &s) && s.ports.n == 1);
	check(s.ports.v[0].rx.packets == 20);
	check(s.ports.v[0].drops && s.ports.v[0].drops->packets == 6);
	snapshot_free(&s);
	deltas_free(&delta);
}

static char *write_text(void)
{
	struct snapshot s;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fill(&s, UINT64_MAX / 10);
	check(!delta_write(f, &mark, &s));
	fclose(f);
	snapshot_free(&s);
	return text;
}

static int parse(char *text, size_t len, struct mark *m, struct snapshot *s)
{
	FILE *f = fmemopen(text, len, "r");
	int err = delta_parse(f, m, s);

	fclose(f);
	return err;
}

static void test_text(void)
{
	char *text = write_text();
	struct snapshot s;
	struct mark m;
	size_t i, len = strlen(text);

	check(!parse(text, len, &m, &s));
	check(!strcmp(m.boot, mark.boot) && m.generation == 7);
	check(m.cookie == UINT64_MAX);
	check(m.since == 1000 && m.time == 2000);
	check(s.ports.n == 2 && s.overflow.n == 1 && s.other.n == 1);
	check(s.ports.v[0].rx.packets == UINT64_MAX / 10 * 10);
	check_text(s.ports.v[0].drops->reason, "NO_SOCKET");
	check(s.overflow.v[0].range == 2);
	snapshot_free(&s);
	/* cut short anywhere it is refused */
	for (i = 1; i < len; i++)
		check(parse(text, i, &m, &s) == -EBADMSG);
	free(text);
}

static const char head[] =
	"portmon-delta 1 0a48ac2c-8e85-43a3-b6d0-d9879da07505 9 1 2 3\n";

static void test_text_wrong(void)
{
	static const char *const wrong[] = {
		"", "\n", "x 1\nend 0\n", "end 1\n", "end x\n", "p\nend 1\n",
		"d 1 NO_SOCKET\nend 0\n", "p 1 2 3\nend 1\n",
		"p -1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\nend 1\n",
		"p 1 999 0 0 0 0 0 0 0 0 0 0 0 0 0 0\nend 1\n",
	};
	char text[512];
	struct snapshot s;
	struct mark m;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		snprintf(text, sizeof(text), "%s%s", head, wrong[i]);
		check(parse(text, strlen(text), &m, &s) == -EBADMSG);
	}
	snprintf(text, sizeof(text), "%send 0\n", head);
	check(!parse(text, strlen(text), &m, &s));
	text[14] = '2';		/* another version */
	check(parse(text, strlen(text), &m, &s) == -EBADMSG);
}

/* A record is as long as it is, no shorter and no longer. */
static void test_text_length(void)
{
	unsigned int n, good = 0;
	char text[512];

	for (n = 0; n < 64; n++) {
		struct snapshot s;
		struct mark m;
		unsigned int i;
		char *p = text;

		p += sprintf(p, "%sp", head);
		for (i = 0; i < n; i++)
			p += sprintf(p, " 0");
		sprintf(p, "\nend 1\n");
		if (!parse(text, strlen(text), &m, &s)) {
			good++;
			snapshot_free(&s);
		}
	}
	check(good == 1);
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
	{ "text", test_text },
	{ "text_wrong", test_text_wrong },
	{ "text_length", test_text_length },
	{ "reasons", test_reasons },
	{ 0 }
};
