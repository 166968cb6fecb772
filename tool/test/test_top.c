// SPDX-License-Identifier: GPL-2.0
#include <curses.h>
#include <locale.h>
#include <string.h>

#include "test/ktap.h"
#include "top/top.h"

static struct ctx ctx = {
	.info = { .ephemeral_min = 32768, .ephemeral_max = 60999 },
};

static struct top t;
static struct records list;

static void add(unsigned int scope, unsigned int transport, unsigned int port,
		uint64_t bytes, const char *service)
{
	const struct record r = {
		.has = 1u << PORTMON_A_RECORD_PORT,
		.scope = scope, .transport = transport, .port = port,
		.range = port < 1024 ? PORTMON_RANGE_WELL_KNOWN :
				       PORTMON_RANGE_REGISTERED,
		.ephemeral = port >= 32768 && port <= 60999,
		.rx = { bytes / 10, bytes }, .tx = { 1, 40 },
		.last_seen = port, .service = service,
	};

	check(!records_add(&list, &r));
}

/* What each port has counted, @n readings after the first. */
static void reading(unsigned int n)
{
	list.n = 0;
	add(0, 0, 22, 100000, "ssh");
	add(0, 0, 80, 1000 * n, "http");
	add(0, 0, 443, 5000 + 3000 * n, "https");
	add(0, 1, 53, 2000 * n, "dns");
	add(1, 0, 33000, 100 * n, NULL);
	add(1, 0, 33001, 200 * n, NULL);
	add(1, 0, 33002, 300 * n, NULL);
	add(1, 1, 33003, 50, NULL);	/* alone: stays a port */
	check(!rates_add(&t.rates, &list, 10 * n));
}

static void begin(void)
{
	unsigned int i;

	t = (struct top){
		.ctx = &ctx, .scope = ANY, .transport = ANY, .height = 5,
		.interval = 10, .ascii = true,
	};
	for (i = 1; i < 4; i++)
		reading(i);
	check(!top_rows(&t));
}

static void end(void)
{
	top_rows_free(&t);
	rates_free(&t.rates);
	records_free(&list);
}

static void press(int key)
{
	top_key(&t, key);
	check(!top_rows(&t));
}

/* The lines, by their ports. */
static const char *lines(void)
{
	static char buf[512];
	char *p = buf;
	size_t i;

	*p = '\0';
	for (i = 0; i < t.n; i++) {
		char cell[TOP_CELL];

		top_cell(cell, &t, TOP_PORT, t.rows[i]);
		p += sprintf(p, "%s%s", i ? " " : "", cell);
	}
	return buf;
}

#define CLEAR "\025"	/* Ctrl-U */
#define TOTALS "22/tcp 443/tcp 53/udp 80/tcp ephemeral/tcp 33003/udp"
#define FOLDED "443/tcp 53/udp 80/tcp ephemeral/tcp 22/tcp 33003/udp"

static void test_order(void)
{
	static const char *const sorted[TOP_COLUMNS] = {
		[TOP_RATE] = FOLDED,
		[TOP_RX] = FOLDED,
		[TOP_PACKETS] = FOLDED,
		[TOP_TX] = TOTALS,
		[TOP_TOTAL] = TOTALS,
		[TOP_PORT] = "22/tcp 53/udp 80/tcp 443/tcp ephemeral/tcp 33003/udp",
		[TOP_SERVICE] = "53/udp 80/tcp 443/tcp 22/tcp ephemeral/tcp 33003/udp",
		[TOP_SCOPE] = "22/tcp 443/tcp 53/udp 80/tcp ephemeral/tcp 33003/udp",
		[TOP_SEEN] = "33003/udp ephemeral/tcp 443/tcp 80/tcp 53/udp 22/tcp",
	};
	unsigned int i;

	begin();
	for (i = 0; i < TOP_COLUMNS; i++) {
		t.sort = i;
		check(!top_rows(&t));
		if (sorted[i])
			check_text(lines(), sorted[i]);
	}
	press('2');
	check_text(lines(), sorted[TOP_PORT]);
	press('r');
	check_text(lines(), "33003/udp ephemeral/tcp 443/tcp 80/tcp 53/udp 22/tcp");
	press('s');
	check(t.sort == TOP_SERVICE);
	press('0');
	press('r');
	check_text(lines(), FOLDED);
	end();
}

static void test_fold(void)
{
	const struct rate *fold;

	begin();
	fold = t.rows[3];
	check(fold->total.folded && fold->total.ports == 3);
	check(fold->total.rx.bytes == 1800 && fold->delta.rx.bytes == 600);
	check(fold->total.port == 33000 && fold->total.port_max == 33002);
	check(rate_history(&t.rates, fold, 0) == 480);
	check(rate_history(&t.rates, fold, 1) == 480);
	press('a');
	check_text(lines(), "443/tcp 53/udp 80/tcp 33002/tcp 33001/tcp 33000/tcp 22/tcp 33003/udp");
	press('a');
	check_text(lines(), FOLDED);
	end();
}

static void type(const char *text)
{
	press('/');
	while (*text)
		press(*text++);
}

static void test_filter(void)
{
	begin();
	press('t');
	check(t.transport == 0);
	press('t');
	check_text(lines(), "53/udp 33003/udp");
	while (t.transport != ANY)
		press('t');
	press('c');
	press('c');
	check_text(lines(), "ephemeral/tcp 33003/udp");
	while (t.scope != ANY)
		press('c');
	type("HTT");
	check_text(lines(), "443/tcp 80/tcp");
	press('q');			/* a letter like any other */
	check(!t.done && !t.n);
	press(KEY_BACKSPACE);
	press('\r');
	check(!t.prompt);
	check_text(lines(), "443/tcp 80/tcp");
	type(CLEAR "33001");
	check_text(lines(), "33001/tcp");
	press('\033');			/* what was typed is not taken */
	check_text(t.filter, "HTT");
	press('\033');
	check_text(lines(), FOLDED);
	type("50-90");
	press('\n');
	check_text(lines(), "53/udp 80/tcp");
	type("0123456789012345678901234567890123456789");
	check(strlen(t.filter) == TOP_FILTER - 1);
	end();
}

static void test_cursor(void)
{
	begin();
	press('j');
	press(KEY_DOWN);
	check(t.cursor == 2 && t.at.port == 80);
	press('2');			/* the cursor stays with its port */
	check(t.cursor == 2 && t.at.port == 80);
	press('r');
	check(t.cursor == 3);
	press(KEY_END);
	check(t.cursor == 5);
	press('j');
	check(t.cursor == 5);
	press(KEY_PPAGE);
	check(t.cursor == 0);
	press('k');
	check(t.cursor == 0 && !t.pinned);
	press('r');			/* or on the first line */
	check(t.cursor == 0 && t.rows[0]->total.port == 22);
	press(KEY_NPAGE);
	check(t.cursor == 5);
	press('g');
	check(t.cursor == 0);
	press('G');
	type("dns");			/* the port is not there any more */
	check(t.n == 1 && t.cursor == 0);
	press('\r');
	type(CLEAR "nothing");
	press('\r');
	press('\r');
	check(!t.n && t.page == TOP_LIST);
	end();
}

static void test_pages(void)
{
	begin();
	press('2');
	press('j');
	press('\r');
	check(t.page == TOP_DETAIL && top_row_at(&t)->total.port == 53);
	press('j');			/* of the list alone */
	check(t.cursor == 1);
	press('u');
	check(t.units == UNITS_IEC);
	press('\033');
	check(t.page == TOP_LIST);
	press('h');
	check(t.page == TOP_HELP);
	press('x');
	check(t.page == TOP_LIST);
	press('p');
	check(t.paused);
	press(' ');
	check(!t.paused);
	press('b');
	check(t.bytes);
	press('n');
	check(t.numeric);
	press('q');
	check(t.done);
	end();
}

static void test_cells(void)
{
	char cell[TOP_CELL];

	begin();
	top_cell(cell, &t, TOP_RX, t.rows[0]);
	check_text(cell, "2.40k");
	top_cell(cell, &t, TOP_PACKETS, t.rows[0]);
	check_text(cell, "30");
	top_cell(cell, &t, TOP_TOTAL, t.rows[0]);
	check_text(cell, "14.0k");
	top_cell(cell, &t, TOP_SERVICE, t.rows[3]);
	check_text(cell, "3 ports");
	top_rate(cell, &t, 0);
	check_text(cell, "0");
	top_rate(cell, &t, 5);
	check_text(cell, "0.5");
	top_rate(cell, &t, 1);
	check_text(cell, "0.1");
	t.rates.seconds = 100;
	top_rate(cell, &t, 1);
	check_text(cell, "<0.1");
	top_rate(cell, &t, 95);
	check_text(cell, "1");
	t.rates.seconds = 0;
	top_rate(cell, &t, 5);
	check_text(cell, "-");
	check(t.sums[0][PORTMON_RANGE_WELL_KNOWN].delta[0] == 6000);
	check(t.sums[1][PORTMON_RANGE_REGISTERED].total[0] == 1850);
	check(t.sums[1][PORTMON_RANGE_REGISTERED].total[1] == 160);
	end();
}

static void test_graph(void)
{
	char buf[TOP_GLYPH * RATES_HISTORY + 1];
	unsigned int i;

	begin();
	list.n = 0;
	add(0, 0, 443, 14000 + 1, "https");	/* the least there is */
	check(!rates_add(&t.rates, &list, 40));
	check(!top_rows(&t));
	top_graph(buf, &t, t.rows[0], 6);
	check_text(buf, "   @@.");
	t.ascii = false;
	top_graph(buf, &t, t.rows[0], 3);
	check_text(buf, "██▁");
	/* The highest fills the line, whatever it is. */
	for (i = 1; i <= 300; i++) {
		list.n = 0;
		add(0, 0, 443, 14001 + 1037 * i + i * i, "https");
		check(!rates_add(&t.rates, &list, 40 + 1.3 * i));
		check(!top_rows(&t));
		top_graph(buf, &t, t.rows[0], 1);
		check_text(buf, "█");
	}
	for (i = 0; i < RATES_HISTORY; i++)
		check(!rates_add(&t.rates, &list, 450 + i));
	check(!top_rows(&t));
	top_graph(buf, &t, t.rows[0], RATES_HISTORY);
	check(strspn(buf, " ") == RATES_HISTORY);
	end();
}

static unsigned int width_of(const struct top_layout *l)
{
	unsigned int i, sum = 0;

	for (i = 0; i < TOP_COLUMNS; i++)
		sum += l->width[i] ? l->width[i] + 1 : 0;
	return sum - 1;
}

static void test_layout(void)
{
	struct top_layout l;
	unsigned int room;

	begin();
	for (room = 20; room < 300; room++) {
		top_layout(&t, 0, t.n, room, &l);
		check(width_of(&l) <= room);
		check(l.width[TOP_PORT] && l.width[TOP_TX]);
		check(room < 85 || l.width[TOP_SEEN]);
		check(room < 80 || l.width[TOP_RATE] >= TOP_GRAPH_MIN);
		check(room < 80 || l.width[TOP_DROPS]);
		check(l.width[TOP_RATE] <= RATES_HISTORY);
	}
	top_layout(&t, 0, t.n, 80, &l);
	check(width_of(&l) == 80);
	top_layout(&t, 0, t.n, 3, &l);	/* it is cut off */
	end();
}

/* What of a text fits: how wide it is, and the text. */
static void fits(const char *text, size_t size, unsigned int width,
		 unsigned int wide, const char *wanted)
{
	char buf[16];

	check(format_fit(buf, size, text, width) == wide);
	check_text(buf, wanted);
}

static void test_fit(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	fits("http", 16, 10, 4, "http");
	fits("http-alt", 16, 5, 5, "http-");
	fits("http-alt", 4, 8, 3, "htt");
	fits("a\033[2J\377b", 16, 10, 7, "a?[2J?b");
	fits("▁▂▃", 16, 2, 2, "▁▂");
	fits("▁▂▃", 6, 3, 1, "▁");
	fits("端口x", 16, 3, 2, "端");
	setlocale(LC_CTYPE, "C");
}

const struct unit_test top_tests[] = {
	{ "order", test_order },
	{ "fold", test_fold },
	{ "filter", test_filter },
	{ "cursor", test_cursor },
	{ "pages", test_pages },
	{ "cells", test_cells },
	{ "graph", test_graph },
	{ "layout", test_layout },
	{ "fit", test_fit },
	{ 0 }
};
