// SPDX-License-Identifier: GPL-2.0
/* What is expected here is what libsmartcols 2.38 printed. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/ktap.h"
#include "view/grid.h"
#include "view/table.h"

/* Rows of three cells, a dim one in the middle. */
static void is_grid(size_t width, bool color, const char *must)
{
	static const char *const cells[][3] = {
		{ "local", "80/tcp", "1.2k" },
		{ "", "50000-60999", "1" },
		{ "forward", "7", "" },
	};
	struct grid g = { .color = color };
	char is[1024] = "";
	FILE *out = fmemopen(is, sizeof(is), "w");
	size_t i, k;

	grid_column(&g, "SCOPE", COLUMN_LEFT);
	grid_column(&g, "PORT", COLUMN_TRUNC);
	grid_column(&g, "PKTS", COLUMN_RIGHT);
	for (i = 0; i < 3; i++) {
		grid_row(&g, i == 1 ? GRID_DIM : GRID_PLAIN);
		for (k = 0; k < 3; k++)
			grid_cell(&g, cells[i][k]);
	}
	check(!grid_print(&g, out, width));
	fclose(out);
	check_text(is, must);
	grid_free(&g);
}

static void test_layout(void)
{
	is_grid(0, false, "SCOPE   PORT        PKTS\n"
			  "local   80/tcp      1.2k\n"
			  "        50000-60999    1\n"
			  "forward 7           \n");
	is_grid(24, true, "\033[1mSCOPE  \033[0m \033[1mPORT       \033[0m \033[1mPKTS\033[0m\n"
			  "local   80/tcp      1.2k\n"
			  "\033[2m        50000-60999    1\033[0m\n"
			  "forward 7           \n");
}

/* A cell that is longer than what is put out at once. */
static void test_long_cell(void)
{
	static char text[20000];
	struct grid g = { 0 };
	char *is = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&is, &size);

	memset(text, 'x', sizeof(text) - 1);
	grid_column(&g, "A", COLUMN_LEFT);
	grid_column(&g, "B", COLUMN_LEFT);
	grid_row(&g, GRID_PLAIN);
	grid_cell(&g, "1");
	grid_cell(&g, text);
	check(!grid_print(&g, out, 0));
	fclose(out);
	check(strstr(is, "\n1 xxx"));
	check(strlen(strchr(is, '\n')) == 3 + strlen(text) + 1);
	free(is);
	grid_free(&g);
}

/* Only what may be cut is, and never more than to the width of its head. */
static void test_narrow(void)
{
	is_grid(20, false, "SCOPE   PORT    PKTS\n"
			   "local   80/tcp  1.2k\n"
			   "        50000-6    1\n"
			   "forward 7       \n");
	is_grid(5, false, "SCOPE   PORT PKTS\n"
			  "local   80/t 1.2k\n"
			  "        5000    1\n"
			  "forward 7    \n");
}

/* A cell, and a row with nothing in it, behind which a letter stands. */
static void is_cell(const char *text, const char *must)
{
	struct grid g = { 0 };
	char is[256] = "";
	FILE *out = fmemopen(is, sizeof(is), "w");

	grid_column(&g, "A", COLUMN_LEFT);
	grid_column(&g, "", COLUMN_LEFT);
	grid_row(&g, GRID_PLAIN);
	grid_cell(&g, text);
	grid_cell(&g, "b");
	check(!grid_print(&g, out, 0));
	fclose(out);
	check_text(strchr(is, '\n') + 1, must);
	grid_free(&g);
}

static void test_text(void)
{
	check(setlocale(LC_CTYPE, "C.UTF-8"));
	is_cell("a\\b", "a\\b b\n");
	is_cell("a\\x1b", "a\\x5cx1b b\n");
	is_cell("\033[1m\x7f", "\\x1b[1m\\x7f b\n");
	is_cell("\xc3\xa9\xe6\xbc\xa2", "\xc3\xa9\xe6\xbc\xa2 b\n");
	is_cell("\xe6\xbc\xff", "\\xe6\\xbc\\xff b\n");
	is_cell("\xc2\x85", "\\xc2\\x85 b\n");
	is_cell("\xcc\x81", "  b\n");
	setlocale(LC_CTYPE, "C");
	is_cell("\xc3\xa9", "\\xc3\\xa9 b\n");
}

static void test_empty(void)
{
	struct grid g = { 0 };
	char is[16] = "";
	FILE *out = fmemopen(is, sizeof(is), "w");

	grid_column(&g, "A", COLUMN_LEFT);
	check(!grid_print(&g, out, 80));
	check(!ftell(out));
	/* Cells that are missing are empty. */
	grid_row(&g, GRID_PLAIN);
	check(!grid_print(&g, out, 80));
	fclose(out);
	check_text(is, "A\n\n");
	grid_free(&g);
}

const struct unit_test grid_tests[] = {
	{ "long cell", test_long_cell },
	{ "layout", test_layout },
	{ "narrow", test_narrow },
	{ "text", test_text },
	{ "empty", test_empty },
	{ NULL, NULL },
};
