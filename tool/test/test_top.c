// SPDX-License-Identifier: GPL-2.0
/* The live view: its lines, its keys and its pages. */
#include <curses.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/util.h"
#include "test/ktap.h"
#include "test/top.h"

#define CLEAR "\025"	/* Ctrl-U */
#define TOTALS "22/tcp 443/tcp 53/udp 80/tcp ephemeral/tcp 33003/udp"
#define FOLDED "443/tcp 53/udp 80/tcp ephemeral/tcp 22/tcp 33003/udp"

static void test_order(void)
{
	static const struct {
		const char *column;
		const char *lines;
	} sorted[] = {
		{ "GRAPH", FOLDED },
		{ "RX-BPS", FOLDED },
		{ "PPS", FOLDED },
		{ "TX-BPS", TOTALS },
		{ "TOTAL", TOTALS },
		{ "PORT", "22/tcp 53/udp 80/tcp 443/tcp ephemeral/tcp 33003/udp" },
		{ "SERVICE", "53/udp 80/tcp 443/tcp 22/tcp ephemeral/tcp 33003/udp" },
		{ "SCOPE", "22/tcp 443/tcp 53/udp 80/tcp ephemeral/tcp 33003/udp" },
		{ "LAST-SEEN", "33003/udp ephemeral/tcp 443/tcp 80/tcp 53/udp 22/tcp" },
		{ "TRANSPORT", "22/tcp 443/tcp 80/tcp ephemeral/tcp 53/udp 33003/udp" },
		/* Words of their own, and then those without. */
		{ "RANGE", "33003/udp 22/tcp 443/tcp 53/udp 80/tcp ephemeral/tcp" },
	};
	unsigned int i;

	top_test_begin();
	for (i = 0; i < ARRAY_SIZE(sorted); i++) {
		t.sort = top_column(sorted[i].column, strlen(sorted[i].column));
		check(!top_rows(&t));
		check_text(top_test_lines(), sorted[i].lines);
	}
	top_test_press('2');
	check_text(t.sort->name, "PORT");
	top_test_press('r');
	check_text(top_test_lines(), "33003/udp ephemeral/tcp 443/tcp 80/tcp 53/udp 22/tcp");
	top_test_press('s');
	check_text(t.sort->name, "SERVICE");
	top_test_press('<');
	top_test_press('<');
	check_text(t.sort->name, "SCOPE");
	top_test_press('<');		/* in a ring */
	check_text(t.sort->name, "GRAPH");
	top_test_press('>');
	check_text(t.sort->name, "SCOPE");
	top_test_press('0');
	top_test_press('r');
	check_text(top_test_lines(), FOLDED);
	top_test_end();
}

static void test_fold(void)
{
	const struct rate *fold;

	top_test_begin();
	fold = t.rows[3].r;
	check(fold->total.folded && fold->total.ports == 3);
	check(fold->total.rx.bytes == 1800 && fold->delta.rx.bytes == 600);
	check(fold->total.port == 33000 && fold->total.port_max == 33002);
	check(rate_history(&t.rates, fold, 0) == 480);
	check(rate_history(&t.rates, fold, 1) == 480);
	top_test_press('a');
	check_text(top_test_lines(), "443/tcp 53/udp 80/tcp 33002/tcp 33001/tcp 33000/tcp 22/tcp 33003/udp");
	top_test_press('a');
	check_text(top_test_lines(), FOLDED);
	top_test_end();
}

static void type(const char *text)
{
	top_test_press('/');
	while (*text)
		top_test_press(*text++);
}

static void test_filter(void)
{
	top_test_begin();
	top_test_press('t');
	check(t.transport == 0);
	top_test_press('t');
	check_text(top_test_lines(), "53/udp 33003/udp");
	while (t.transport != ANY)
		top_test_press('t');
	top_test_press('c');
	top_test_press('c');
	check_text(top_test_lines(), "ephemeral/tcp 33003/udp");
	while (t.scope != ANY)
		top_test_press('c');
	type("HTT");
	check_text(top_test_lines(), "443/tcp 80/tcp");
	top_test_press('q');			/* a letter like any other */
	check(!t.done && !t.n);
	top_test_press(KEY_BACKSPACE);
	top_test_press('\r');
	check(!t.prompt);
	check_text(top_test_lines(), "443/tcp 80/tcp");
	type(CLEAR "33001");
	check_text(top_test_lines(), "33001/tcp");
	top_test_press('\033');			/* what was typed is not taken */
	check_text(t.filter, "HTT");
	top_test_press('\033');
	check_text(top_test_lines(), FOLDED);
	type("50-90");
	top_test_press('\n');
	check_text(top_test_lines(), "53/udp 80/tcp");
	type("0123456789012345678901234567890123456789");
	check(strlen(t.filter) == TOP_FILTER - 1);
	top_test_end();
}

/* Of no transport; it can have nothing but events of TCP. */
static void test_events(void)
{
	struct records events = { 0 };
	struct record r = { .has = 1u << PORTMON_A_RECORD_SCOPE };

	top_test_begin();
	check(!records_add(&events, &r));
	r.scope = PORTMON_SCOPE_REMOTE;
	r.tcp[PORTMON_A_TCP_RETRANSMITTED] = 1;
	check(!records_add(&events, &r));
	check(!rates_add(&t.rates, &events, 40));
	check(!top_rows(&t));
	check_text(top_test_lines(), "overflow");
	top_test_press('t');
	check(t.transport == PORTMON_TRANSPORT_TCP);
	check_text(top_test_lines(), "");
	records_free(&events);
	top_test_end();
}

static void test_cursor(void)
{
	top_test_begin();
	top_test_press('j');
	top_test_press(KEY_DOWN);
	check(t.cursor == 2 && t.at.port == 80);
	top_test_press('2');			/* the cursor stays with its port */
	check(t.cursor == 2 && t.at.port == 80);
	top_test_press('r');
	check(t.cursor == 3);
	top_test_press(KEY_END);
	check(t.cursor == 5);
	top_test_press('j');
	check(t.cursor == 5);
	top_test_press(KEY_PPAGE);
	check(t.cursor == 0);
	top_test_press('k');
	check(t.cursor == 0 && !t.pinned);
	top_test_press('r');			/* or on the first line */
	check(t.cursor == 0 && t.rows[0].r->total.port == 22);
	top_test_press(KEY_NPAGE);
	check(t.cursor == 5);
	top_test_press('g');
	check(t.cursor == 0);
	top_test_press('G');
	type("dns");			/* the port is not there any more */
	check(t.n == 1 && t.cursor == 0);
	top_test_press('\r');
	type(CLEAR "nothing");
	top_test_press('\r');
	top_test_press('\r');
	check(!t.n && t.page == TOP_LIST);
	top_test_end();
}

static void test_pages(void)
{
	top_test_begin();
	top_test_press('2');
	top_test_press('j');
	top_test_press('\r');
	check(t.page == TOP_DETAIL && top_row_at(&t)->total.port == 53);
	top_test_press('j');			/* of the list alone */
	check(t.cursor == 1);
	top_test_press('u');
	check(t.ctx->opt.units == UNITS_IEC);
	top_test_press('\033');
	check(t.page == TOP_LIST);
	top_test_press('h');
	check(t.page == TOP_HELP);
	top_test_press('j');		/* scrolls */
	check(t.page == TOP_HELP && t.scroll == 1);
	top_test_press('k');
	check(t.page == TOP_HELP && t.scroll == 0);
	top_test_press(KEY_UP);
	check(t.scroll == 0);
	top_test_press(KEY_NPAGE);
	check(t.scroll == 5);
	top_test_press('j');
	top_test_press(KEY_PPAGE);
	check(t.scroll == 1);
	top_test_press(KEY_PPAGE);
	check(t.scroll == 0);
	top_test_press('x');
	check(t.page == TOP_LIST);
	top_test_press(KEY_F(1));
	check(t.page == TOP_HELP);
	top_test_press('\033');
	top_test_press('p');
	check(t.paused);
	top_test_press(' ');
	check(!t.paused);
	top_test_press('b');
	check(t.bytes);
	top_test_press('n');
	check(t.numeric);
	top_test_press('#');
	check(t.no_head);
	top_test_press('\014');		/* Ctrl-L */
	check(t.redraw);
	top_test_press('q');
	check(t.done);
	t.done = false;
	top_test_press('h');
	top_test_press(KEY_F(10));
	check(t.done);
	top_test_end();
}

/* Where the settings cannot be read or kept, a sentence says why. */
static void test_saved(void)
{
	char home[] = "/tmp/portmon-unit-XXXXXX", dir[64], file[80];
	struct rlimit size, none;
	sighandler_t handler;

	check(mkdtemp(home));
	setenv("XDG_CONFIG_HOME", home, 1);
	snprintf(dir, sizeof(dir), "%s/portmon", home);
	snprintf(file, sizeof(file), "%s/top.conf", dir);
	top_test_begin();
	top_saved_read(&t);
	check_text(t.message, "");
	/* A folder in its place. */
	check(!mkdir(dir, 0700) && !mkdir(file, 0700));
	top_saved_read(&t);
	check(strstr(t.message, "top.conf: Is a directory; using the defaults"));
	top_saved_write(&t);
	check(strstr(t.message, "cannot write ") && strstr(t.message, ": Is a directory"));
	/* A link to itself. */
	check(!rmdir(file) && !symlink("top.conf", file));
	top_saved_read(&t);
	check(strstr(t.message, ": Too many levels of symbolic links; using the defaults"));
	/* No room for it. */
	check(!unlink(file) && !getrlimit(RLIMIT_FSIZE, &size));
	none = (struct rlimit){ 0, size.rlim_max };
	handler = signal(SIGXFSZ, SIG_IGN);
	check(!setrlimit(RLIMIT_FSIZE, &none));
	top_saved_write(&t);
	check(!setrlimit(RLIMIT_FSIZE, &size));
	signal(SIGXFSZ, handler);
	check(strstr(t.message, "cannot write ") && strstr(t.message, ": File too large"));
	/* Of none of these anything is left. */
	check(!rmdir(dir) && !rmdir(home));
	unsetenv("XDG_CONFIG_HOME");
	top_test_end();
}

/* The cursor on the page of columns stays within them. */
static void test_choosing(void)
{
	static const struct {
		int key;
		size_t field;
	} presses[] = {
		{ 'k', 0 }, { 'j', 1 }, { KEY_DOWN, 2 }, { KEY_UP, 1 },
		{ KEY_NPAGE, 6 }, { KEY_PPAGE, 1 }, { KEY_PPAGE, 0 },
	};
	size_t i;

	top_test_begin();
	top_test_press('f');
	check(t.page == TOP_FIELDS && t.field == 0);
	for (i = 0; i < ARRAY_SIZE(presses); i++) {
		top_test_press(presses[i].key);
		check(t.field == presses[i].field);
	}
	top_test_press('G');
	check(t.field == t.n_fields - 1);
	top_test_press(KEY_NPAGE);
	check(t.field == t.n_fields - 1);
	top_test_press('g');
	check(t.field == 0);
	top_test_end();
}

static void test_search(void)
{
	top_test_begin();
	top_test_press(KEY_F(3));
	top_test_press('h');		/* https is on the first line already */
	check(t.prompt == PROMPT_SEARCH && t.cursor == 0 && !t.missed);
	top_test_press('\014');		/* Ctrl-L, also while typing */
	check(t.redraw && t.prompt == PROMPT_SEARCH);
	top_test_press('t');
	top_test_press('t');
	top_test_press('p');
	top_test_press(KEY_F(3));
	check(t.cursor == 2 && t.at.port == 80);
	top_test_press(KEY_F(3));		/* from the first line on */
	check(t.cursor == 0);
	top_test_press('q');		/* a letter like any other */
	check(!t.done && t.missed && t.cursor == 0);
	top_test_press(CLEAR[0]);
	top_test_press('2');
	top_test_press('2');
	check(!t.missed && t.at.port == 22);
	top_test_press('\r');
	check(!t.prompt && t.cursor == 4);
	top_test_end();
}

static void type_delay(const char *text)
{
	top_test_press('d');
	while (*text)
		top_test_press(*text++);
	top_test_press('\r');
}

static void test_delay(void)
{
	top_test_begin();
	type_delay("0.5");
	check(t.interval == 0.5 && !t.prompt && !t.message[0]);
	type_delay("");
	check(t.interval == 0.5 && !t.message[0]);
	type_delay("soon");
	check(t.interval == 0.5);
	check_text(t.message, "'soon' is not a time in seconds, such as 2 or 0.5");
	type_delay("0");
	check(t.interval == 0.5 && t.message[0]);
	top_test_press('d');
	check(!t.message[0]);
	top_test_press('9');
	top_test_press('\033');
	check(t.interval == 0.5);
	top_test_end();
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
	{ "overflow of events", test_events },
	{ "cursor", test_cursor },
	{ "pages", test_pages },
	{ "settings that cannot be kept", test_saved },
	{ "cursor on the page of columns", test_choosing },
	{ "search", test_search },
	{ "delay", test_delay },
	{ "fit", test_fit },
	{ 0 }
};
