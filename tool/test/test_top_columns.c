// SPDX-License-Identifier: GPL-2.0
/* The live view: its columns, how wide they are, and what is kept of them. */
#include <curses.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/util.h"
#include "test/ktap.h"
#include "test/top.h"

static void row_cell(char buf[static TOP_CELL], const char *name, size_t row)
{
	top_cell(buf, &t, top_column(name, strlen(name)), t.rows[row].r);
}

static void test_cells(void)
{
	char text[TOP_CELL];

	top_test_begin();
	row_cell(text, "RX-BPS", 0);
	check_text(text, "2.40k");
	row_cell(text, "PPS", 0);
	check_text(text, "30");
	row_cell(text, "TOTAL", 0);
	check_text(text, "14.0k");
	row_cell(text, "SERVICE", 3);
	check_text(text, "3 ports");
	row_cell(text, "SERVICE", 0);
	check_text(text, "https");
	t.numeric = true;
	row_cell(text, "SERVICE", 0);
	check_text(text, "-");
	t.numeric = false;
	top_rate(text, &t, 0);
	check_text(text, "0");
	top_rate(text, &t, 5);
	check_text(text, "0.5");
	top_rate(text, &t, 1);
	check_text(text, "0.1");
	t.rates.seconds = 100;
	top_rate(text, &t, 1);
	check_text(text, "<0.1");
	top_rate(text, &t, 95);
	check_text(text, "1");
	t.rates.seconds = 0;
	top_rate(text, &t, 5);
	check_text(text, "-");
	check(t.sums[0][PORTMON_RANGE_WELL_KNOWN].delta[0] == 6000);
	check(t.sums[1][PORTMON_RANGE_REGISTERED].total[0] == 1850);
	check(t.sums[1][PORTMON_RANGE_REGISTERED].total[1] == 160);
	top_test_end();
}

/* Rates that are rounded to the same number are still in order. */
static void test_small_rates(void)
{
	top_test_begin();
	t.sort = top_column("PPS", 3);
	top_test_add(0, 0, 22, 100000, "ssh");
	top_test_add(0, 0, 80, 3010, "http");
	top_test_read(1000);
	check_text(top_test_lines(), "80/tcp 22/tcp");
	top_test_end();
}

static void test_graph(void)
{
	char buf[TOP_GLYPH * RATES_HISTORY + 1];
	unsigned int i;

	top_test_begin();
	top_test_add(0, 0, 443, 14000 + 1, "https");	/* the least there is */
	top_test_read(40);
	top_graph(buf, &t, t.rows[0].r, 6);
	check_text(buf, "   @@.");
	t.ascii = false;
	top_graph(buf, &t, t.rows[0].r, 3);
	check_text(buf, "██▁");
	/* The highest fills the line, whatever it is. */
	for (i = 1; i <= 300; i++) {
		top_test_add(0, 0, 443, 14001 + 1037 * i + i * i, "https");
		top_test_read(40 + 1.3 * i);
		top_graph(buf, &t, t.rows[0].r, 1);
		check_text(buf, "█");
	}
	for (i = 0; i < RATES_HISTORY; i++) {
		top_test_add(0, 0, 443, 14001 + 1037 * 300 + 300 * 300, "https");
		top_test_read(450 + i);
	}
	top_graph(buf, &t, t.rows[0].r, RATES_HISTORY);
	check(strspn(buf, " ") == RATES_HISTORY);
	top_test_end();
}

/* The heads of the columns that there is room for. */
static const char *heads(unsigned int room)
{
	static char buf[512];
	struct top_layout l;
	unsigned int sum = 0;
	size_t i;

	*buf = '\0';
	top_layout(&t, 0, t.n, room, &l);
	for (i = 0; i < t.n_shown; i++) {
		if (!l.width[i])
			continue;
		sum += l.width[i] + 1;
		sprintf(buf + strlen(buf), "%s%s", *buf ? " " : "",
			t.shown[i]->name);
	}
	check(sum - 1 <= room || !strcmp(buf, "PORT TX-BPS"));
	return buf;
}

static unsigned int shown_width(const char *name, unsigned int room)
{
	struct top_layout l;
	size_t i;

	top_layout(&t, 0, t.n, room, &l);
	for (i = 0; i < t.n_shown; i++)
		if (!strcmp(t.shown[i]->name, name))
			return l.width[i];
	return 0;
}

/* A wide terminal has more columns before a graph that is wider. */
static void test_layout(void)
{
	unsigned int room;

	top_test_begin();
	check_text(heads(10), "PORT TX-BPS");
	check_text(heads(40), "PORT RX-BPS TX-BPS PPS");
	check_text(heads(80), "SCOPE PORT SERVICE RX-BPS TX-BPS PPS CPS DROP-PS TOTAL GRAPH");
	check_text(heads(200), "SCOPE PORT SERVICE RX-BPS TX-BPS PPS CPS DROP-PS TOTAL UNANS-PS RETR-PS LAST-SEEN GRAPH");
	for (room = 20; room < 400; room++) {
		check(shown_width("PORT", room) && shown_width("TX-BPS", room));
		check(shown_width("GRAPH", room) <= RATES_HISTORY);
		check(shown_width("GRAPH", room) < 19 ||
		      shown_width("LAST-SEEN", room));
		/* The list before leaves when the next one can stay. */
		check(!shown_width("LAST-SEEN", room) || shown_width("RETR-PS", room));
	}
	check(shown_width("GRAPH", 400) == RATES_HISTORY);
	top_test_end();
}

/* A long name is whole as long as there is a graph. */
static void test_long_names(void)
{
	const char *name = "a-service-with-a-very-long-name";
	unsigned int room, whole = 0, cut = 0;

	top_test_begin();
	top_test_add(0, 0, 443, 1e6, name);
	top_test_read(50);
	for (room = 40; room < 200; room++) {
		const unsigned int width = shown_width("SERVICE", room);

		check(!shown_width("GRAPH", room) || width == strlen(name));
		whole += width == strlen(name);
		cut += width && width < strlen(name);
	}
	check(whole && cut);
	top_test_end();
}

static void choose_fields(const char *list, int wanted)
{
	t.ctx->opt.output = list;
	begin_capture();
	check(top_fields_choose(&t, t.ctx) == wanted);
	check(!*end_capture() == !wanted);
}

static const char *shown(void)
{
	static char buf[512];
	size_t i;

	*buf = '\0';
	for (i = 0; i < t.n_shown; i++)
		sprintf(buf + strlen(buf), "%s%s", i ? "," : "",
			t.shown[i]->name);
	return buf;
}

static void test_fields(void)
{
	char many[(COLUMNS_MAX + 1) * 5 + 1] = "";
	unsigned int i;

	top_test_begin();
	choose_fields("port,graph,backlog,owner,RTT,unans-ps,retr-ps", 0);
	/* The graph stands last. */
	check_text(shown(), "PORT,BACKLOG,OWNER,RTT,UNANS-PS,RETR-PS,GRAPH");
	check(top_needs(&t, COLUMN_OWNERS) && top_needs(&t, COLUMN_HISTOGRAMS));
	choose_fields("+total,port", 0);
	check_text(shown(), "PORT,BACKLOG,OWNER,RTT,UNANS-PS,RETR-PS,TOTAL,GRAPH");
	choose_fields("nonsense", USAGE);
	choose_fields("", USAGE);
	choose_fields("++port", USAGE);
	choose_fields("BAR", USAGE);
	/* Each column once would be enough. */
	for (i = 0; i <= COLUMNS_MAX; i++)
		strcat(many, i ? ",PORT" : "PORT");
	check(top_fields_set(&t, many) == -1);
	check_text(shown(), "PORT,BACKLOG,OWNER,RTT,UNANS-PS,RETR-PS,TOTAL,GRAPH");
	choose_fields("port,total", 0);
	check(!top_needs(&t, COLUMN_OWNERS));
	t.sort = top_column("OPEN", 4);
	check(top_needs(&t, COLUMN_OWNERS));
	top_test_press('2');
	check_text(t.sort->name, "TOTAL");
	top_test_press('9');			/* there are not so many */
	check_text(t.sort->name, "TOTAL");
	top_test_press('0');
	top_test_press('s');			/* of a hidden one: the first */
	check_text(t.sort->name, "PORT");
	top_test_end();
}

static void test_fields_page(void)
{
	top_test_begin();
	choose_fields("port,total", 0);
	top_test_press('f');
	check(t.page == TOP_FIELDS && t.field == 0);
	top_test_press('>');
	check_text(shown(), "TOTAL,PORT");
	check(t.field == 1);
	top_test_press('<');
	check_text(shown(), "PORT,TOTAL");
	top_test_press('<');			/* as far as it goes */
	check(t.field == 0);
	top_test_press(' ');
	check_text(shown(), "TOTAL");
	top_test_press('j');
	top_test_press(' ');			/* one is left */
	check_text(shown(), "TOTAL");
	top_test_press(KEY_END);
	top_test_press('j');
	check(t.field == t.n_fields - 1);
	check(top_is_graph(t.fields[t.field].column));
	top_test_press('\r');
	check_text(shown(), "TOTAL,GRAPH");
	top_test_press('s');
	check_text(t.sort->name, "GRAPH");
	top_test_press('g');
	check(t.field == 0);
	top_test_press('=');
	check(t.n_shown == 13);
	top_test_press(KEY_F(2));
	check(t.page == TOP_LIST);
	top_test_end();
}

static char folder[] = "/tmp/portmon-test-XXXXXX";

static void write_conf(const char *text)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/portmon/top.conf", folder);
	f = fopen(path, "w");
	check(f);
	fputs(text, f);
	fclose(f);
}

/* A file that is wrong changes nothing, and is reported. */
static void check_wrong(const char *text, int line)
{
	char said[32];

	write_conf(text);
	top_saved_read(&t);
	snprintf(said, sizeof(said), "top.conf, line %d is not", line);
	check(strstr(t.message, said));
	check(t.n_shown == 13 && !t.reverse && t.interval == 10);
	t.message[0] = '\0';
}

static void test_saved(void)
{
	check(mkdtemp(folder));
	setenv("XDG_CONFIG_HOME", folder, 1);
	top_test_begin();
	top_saved_read(&t);			/* there is none */
	check(!t.message[0] && t.n_shown == 13);
	choose_fields("PORT,OWNER,RTT", 0);
	t.sort = top_column("RTT", 3);
	t.interval = 2.5;
	t.reverse = true;
	t.no_head = true;
	t.scope = PORTMON_SCOPE_LOCAL;
	top_test_press('u');
	top_test_press('W');
	check(strstr(t.message, "written: ") && strstr(t.message, "/top.conf"));
	top_test_end();

	top_test_begin();
	top_saved_read(&t);
	check_text(shown(), "PORT,OWNER,RTT");
	check_text(t.sort->name, "RTT");
	check(t.interval == 2.5 && t.reverse && t.no_head && !t.bytes);
	check(t.scope == PORTMON_SCOPE_LOCAL && t.transport == ANY);
	check(t.ctx->opt.units == UNITS_IEC && !t.message[0]);
	top_test_end();

	/* What the command line says counts for more. */
	top_test_begin();
	t.ctx->opt.given = OPT(SORT) | OPT(DELAY) | OPT(SCOPE) | OPT(SI);
	top_saved_read(&t);
	check(t.interval == 10 && t.scope == ANY && t.reverse);
	check_text(t.sort->name, "GRAPH");
	check(t.ctx->opt.units == UNITS_SI);
	top_test_end();

	top_test_begin();
	check_wrong("reverse = yes\ncolumns = PORT,NONSENSE\n", 2);
	check_wrong("# a comment\n\nreverse\n", 3);
	check_wrong("reverse = perhaps\n", 1);
	check_wrong("delay = 0\n", 1);
	check_wrong("reverse = yes\nscope = moon\n", 2);
	check_wrong("units = furlongs\n", 1);
	check_wrong("unknown = 1\n", 1);
	check_wrong("sort = 7\n", 1);
	write_conf("reverse=yes\n \tdelay  =  3 \n");
	top_saved_read(&t);
	check(t.reverse && t.interval == 3 && !t.message[0]);
	top_test_end();
}

/* Nowhere to write to. */
static void test_not_saved(void)
{
	top_test_begin();
	setenv("XDG_CONFIG_HOME", "/proc/nowhere", 1);
	top_test_press('W');
	check(strstr(t.message, "cannot write /proc/nowhere/portmon/top.conf: "));
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("HOME");
	top_test_press('W');
	check_text(t.message, "nowhere to keep the settings: HOME is not set");
	top_test_end();
}

/* As if the sockets that are wanted now had been read. */
static void owners_read_now(unsigned int sockets)
{
	check(top_owners_missing(&t));
	t.has_owners = true;
	t.sockets = sockets;
	check(!top_owners_missing(&t));
}

/* They are read when a key makes something need them, not before. */
static void test_owners_missing(void)
{
	top_test_begin();
	check(!top_owners_missing(&t));
	top_test_press('p');
	top_test_press('f');
	top_test_press('G');
	check_text(t.fields[t.field].column->name, "OWNER");
	check(!top_owners_missing(&t));
	top_test_press(' ');
	owners_read_now(ALL_TRANSPORTS);
	top_test_press('f');
	check(!top_owners_missing(&t));
	/* The page of a port has the bytes of its peers, and no other ports. */
	top_test_press('\r');
	owners_read_now(1u << t.at.transport | SOCKS_BYTES);
	top_test_press('\033');
	check(t.page == TOP_LIST && t.paused);
	owners_read_now(ALL_TRANSPORTS);
	top_test_press('j');
	check(!top_owners_missing(&t));
	/* What could not be read is tried again. */
	t.has_owners = false;
	top_test_press('k');
	check(top_owners_missing(&t));
	top_test_end();
}

const struct unit_test top_columns_tests[] = {
	{ "owners missing", test_owners_missing },
	{ "cells", test_cells },
	{ "small_rates", test_small_rates },
	{ "graph", test_graph },
	{ "layout", test_layout },
	{ "long_names", test_long_names },
	{ "fields", test_fields },
	{ "fields_page", test_fields_page },
	{ "saved", test_saved },
	{ "not_saved", test_not_saved },
	{ 0 }
};
