// SPDX-License-Identifier: GPL-2.0
/* Columns by name, and what is in them: bars, comma-separated values. */
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"
#include "test/ktap.h"
#include "view/columns.h"
#include "view/coverage_cells.h"
#include "view/out_services.h"
#include "view/table.h"

static struct ctx ctx;

static int choose_columns(uint64_t given, const char *output)
{
	ctx = (struct ctx){ .opt = OPTIONS_DEFAULT };
	ctx.opt.given = given;
	ctx.opt.output = output;
	return layout_choose(&ctx, &ports_layout);
}

static bool is_column(size_t i, const char *name)
{
	return i < ctx.n_columns && !strcmp(ctx.columns[i]->name, name);
}

static void test_choose(void)
{
	check(!choose_columns(0, NULL));
	check(ctx.n_columns == 13 && is_column(0, "SCOPE"));
	check(!choose_columns(0, "port,RX-bytes"));
	check(ctx.n_columns == 2 && is_column(1, "RX-BYTES"));
	check(!choose_columns(0, "+total"));
	check(ctx.n_columns == 14 && is_column(13, "TOTAL"));
	check(!choose_columns(OPT(DETAILS), NULL) && ctx.n_columns == 15);
	check(!choose_columns(OPT(ALL_NETNS), NULL) && is_column(0, "NETNS"));
	check(!choose_columns(OPT(CSV), NULL) && is_column(0, "NETNS"));
	check(!choose_columns(OPT(BARS), NULL) && is_column(5, "BAR"));
}

/* A bar shows the sort key. */
static void test_amounts(void)
{
	static const struct {
		enum sort_key sort;
		const char *column;
	} amounts[] = {
		{ SORT_BYTES, "TOTAL" }, { SORT_PACKETS, "PACKETS" },
		{ SORT_RX, "RX-BYTES" }, { SORT_TX, "TX-BYTES" },
		{ SORT_RX_PACKETS, "RX-PKTS" }, { SORT_TX_PACKETS, "TX-PKTS" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(amounts); i++) {
		ctx = (struct ctx){ .opt = OPTIONS_DEFAULT };
		ctx.opt.given = OPT(BARS);
		ctx.opt.sort = amounts[i].sort;
		check(!layout_choose(&ctx, &ports_layout));
		check(is_column(ctx.n_columns - 1, "BAR"));
		check(is_column(ctx.n_columns - 3, amounts[i].column));
	}
}

static void test_wrong(void)
{
	static const char *const wrong[] = {
		"", "+", "por", "port,", ",port", "port,,scope", "hook",
		"+x", "port;scope",
	};
	char many[512] = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		begin_capture();
		check(choose_columns(0, wrong[i]) == USAGE);
		check(strstr(end_capture(), "unknown column '"));
	}
	for (i = 0; i <= COLUMNS_MAX; i++)
		strcat(many, i ? ",port" : "port");
	begin_capture();
	check(choose_columns(0, many) == USAGE);
	check(strstr(end_capture(), "more than 64 columns"));
}

/* What every layout names is there. */
static void test_layouts(void)
{
	static const struct layout *const layouts[] = {
		&ports_layout, &ranges_layout, &buckets_layout,
		&drops_layout, &closed_layout, &services_layout,
		&coverage_layout,
	};
	static const uint64_t ways[] = {
		0, OPT(DETAILS), OPT(CSV), OPT(BARS), OPT(INTERVAL),
		OPT(CSV) | OPT(INTERVAL), OPT(ALL_NETNS),
	};
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(layouts); i++) {
		const struct layout *l = layouts[i];

		for (k = 0; k < ARRAY_SIZE(ways); k++) {
			if ((ways[k] & OPT(BARS) && !l->bars) ||
			    (ways[k] & OPT(INTERVAL) && !l->rates))
				continue;
			ctx = (struct ctx){ .opt = OPTIONS_DEFAULT };
			ctx.opt.given = ways[k];
			check(!layout_choose(&ctx, l) && ctx.n_columns);
		}
	}
}

static void test_bars(void)
{
	char buf[BAR_SIZE];

	check_text(bar_draw(buf, 0, 10, 4, false), "");
	check_text(bar_draw(buf, 10, 10, 4, false), "####");
	check_text(bar_draw(buf, 20, 10, 4, false), "####");
	check_text(bar_draw(buf, 5, 10, 4, false), "##");
	check_text(bar_draw(buf, 1, UINT64_MAX, 4, false), "#");
	check_text(bar_draw(buf, UINT64_MAX, UINT64_MAX, 2, false), "##");
	check_text(bar_draw(buf, 10, 10, 2, true), "██");
	check_text(bar_draw(buf, 1, 1000, 2, true), "▏");
	check_text(bar_draw(buf, 15, 16, 2, true), "█▉");
	check_text(bar_draw(buf, 3, 4, 2, true), "█▌");
	check_text(bar_draw(buf, 1, 0, 2, true), "▏");
	check(strlen(bar_draw(buf, 1, 1, 9999, true)) == 3 * BAR_WIDTH_MAX);
}

static void test_csv(void)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	csv_head(f, "RX-BYTES", 0);
	csv_head(f, "PORT", 1);
	csv_end(f);
	csv_cell(f, "plain", 0);
	csv_cell(f, "", 1);
	csv_cell(f, "a,b", 2);
	csv_cell(f, "say \"so\"", 3);
	csv_cell(f, "two\nlines", 4);
	/* What a spreadsheet would run. */
	csv_cell(f, "=1+1", 5);
	csv_cell(f, "@x", 6);
	csv_end(f);
	fclose(f);
	check_text(text, "rx_bytes,port\n"
			 "plain,,\"a,b\",\"say \"\"so\"\"\",\"two\nlines\",\"'=1+1\",\"'@x\"\n");
	free(text);
}

/* The cell of a column, by name. */
static const char *port_cell(struct cell *c, const struct record *r,
			     const char *name)
{
	size_t i;

	c->ctx = &ctx;
	for (i = 0; i < ports_layout.columns->n; i++)
		if (!strcmp(ports_layout.columns->v[i]->name, name))
			return column_text(c, ports_layout.columns->v[i], r);
	return "no such column";
}

static void test_rates(void)
{
	struct record r = {
		.has = 1u << PORTMON_A_RECORD_PORT |
		       1u << PORTMON_A_RECORD_TRANSPORT,
		.port = 443,
		.rx = { 3, 100 }, .tx = { 1, 25 },
	};
	struct cell c = { 0 };

	ctx = (struct ctx){ .opt = OPTIONS_DEFAULT };
	r.tcp[PORTMON_A_TCP_SYN_RECEIVED] = 40;
	r.tcp[PORTMON_A_TCP_SYNACK_SENT] = 10;
	r.tcp[PORTMON_A_TCP_RETRANSMITTED] = 5;
	/* A single reading has no rates: that is not zero. */
	check_text(port_cell(&c, &r, "PPS"), "-");
	c.seconds = 2;
	check_text(port_cell(&c, &r, "PPS"), "2");
	check_text(port_cell(&c, &r, "BPS"), "500");
	check_text(port_cell(&c, &r, "RX-BPS"), "400");
	check_text(port_cell(&c, &r, "UNANS-PS"), "15");
	check_text(port_cell(&c, &r, "TX-PPS"), "0.5");
	check_text(port_cell(&c, &r, "CPS"), "n/a");
	check_text(port_cell(&c, &r, "DROP-PS"), "n/a");
	check_text(port_cell(&c, &r, "RETR-PS"), "3");
	ctx.info.lifecycle = true;
	check_text(port_cell(&c, &r, "CPS"), "0");
	c.seconds = 100;
	check_text(port_cell(&c, &r, "TX-PPS"), "<0.1");
	c.csv = true;
	check_text(port_cell(&c, &r, "TX-PPS"), "0");
	c.csv = false;
	r.transport = PORTMON_TRANSPORT_UDP;
	check_text(port_cell(&c, &r, "CPS"), "-");
}

static void test_sockets(void)
{
	struct sock socks[] = {
		{ .port = 80, .kind = SOCK_LISTENS, .queue = 3,
		  .queue_max = 128 },
		{ .port = 80, .peer = 1, .kind = SOCK_OPENING },
		{ .port = 80, .peer = 2, .kind = SOCK_OPEN },
		{ .port = 90, .peer = 3, .kind = SOCK_OPEN },
	};
	const struct owners owners = { .socks = { socks, 4, 4, 0 } };
	struct record r = {
		.has = 1u << PORTMON_A_RECORD_PORT, .port = 80,
	};
	struct cell c = { 0 };

	ctx = (struct ctx){ .opt = OPTIONS_DEFAULT };
	check_text(port_cell(&c, &r, "BACKLOG"), "-");
	r.owners = &owners;
	check_text(port_cell(&c, &r, "BACKLOG"), "3/128");
	check_text(port_cell(&c, &r, "HALF-OPEN"), "1");
	check_text(port_cell(&c, &r, "OPEN"), "1");
	c.csv = true;
	check_text(port_cell(&c, &r, "BACKLOG"), "3");
	check_text(port_cell(&c, &r, "BACKLOG-MAX"), "128");
	r.port = 90;
	check_text(port_cell(&c, &r, "BACKLOG"), "");
	check_text(port_cell(&c, &r, "OPEN"), "1");
	r.port = 91;
	check_text(port_cell(&c, &r, "OPEN"), "");
}

static void test_rtt(void)
{
	struct histograms h = { 0 };
	struct record r = {
		.has = 1u << PORTMON_A_RECORD_PORT, .port = 80,
	};
	struct cell c = { 0 };
	uint64_t *bucket = h.of[PORTMON_A_HISTOGRAMS_RTT].bucket;

	check(!choose_columns(0, "PORT,RTT") && ctx.opt.filter.histograms);
	check(!choose_columns(0, "PORT") && !ctx.opt.filter.histograms);
	check_text(port_cell(&c, &r, "RTT"), "-");
	r.histograms = &h;
	bucket[11] = 1;
	check_text(port_cell(&c, &r, "RTT"), "-");	/* too few to tell */
	bucket[11] = 8;
	check_text(port_cell(&c, &r, "RTT"), "<2.05ms");
	c.csv = true;
	check_text(port_cell(&c, &r, "RTT"), "2048");
	bucket[PORTMON_HISTOGRAM_BUCKETS - 1] = 100;
	check_text(port_cell(&c, &r, "RTT"), "");
}

/* A terminal that does not know how wide it is: COLUMNS says it, or 80. */
static void test_width(void)
{
	static const struct table_head heads[] = {
		{ "A", COLUMN_LEFT }, { "B", COLUMN_TRUNC },
	};
	static const struct {
		const char *columns;
		size_t width;
	} cases[] = { { "40", 40 }, { "x", 80 }, { NULL, 80 } };
	char word[101], *text;
	struct table *table;
	size_t i;

	memset(word, 'x', 100);
	word[100] = '\0';
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].columns)
			setenv("COLUMNS", cases[i].columns, 1);
		else
			unsetenv("COLUMNS");
		ctx = (struct ctx){ .opt = OPTIONS_DEFAULT, .tty = true };
		begin_output();
		table = table_begin(&ctx);
		table_columns(table, heads, ARRAY_SIZE(heads));
		table_row(table, false);
		table_cell(table, "1");
		table_cell(table, word);
		check(!table_end(table));
		text = end_output();
		check(strchr(text, '1') &&
		      strcspn(strchr(text, '1'), "\n") == cases[i].width);
		free(text);
	}
}

const struct unit_test columns_tests[] = {
	{ "width of the terminal", test_width },
	{ "choose", test_choose },
	{ "amounts", test_amounts },
	{ "wrong", test_wrong },
	{ "layouts", test_layouts },
	{ "bars", test_bars },
	{ "csv", test_csv },
	{ "rates", test_rates },
	{ "sockets", test_sockets },
	{ "rtt", test_rtt },
	{ 0 }
};
