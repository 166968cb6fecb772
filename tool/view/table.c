// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/text.h"
#include "view/grid.h"
#include "view/table.h"

/* A longer cell that is not safe is cut. */
#define SAFE_SIZE	512

/**
 * struct table - a table being filled
 * @grid: its rows, where they are laid out at the end
 * @width: columns of the terminal, 0 if there is none
 * @column: next cell of the row
 * @csv: written at once, as comma-separated values
 * @open: a line has been begun
 * @bare: without heads
 * @lines: written at once, in columns of a fixed width
 * @flags: of the columns, of such a table
 * @heads: of the columns, of such a table
 * @n: how many columns
 * @failed: errno of the first write that failed, or 0
 */
struct table {
	struct grid grid;
	size_t width;
	size_t column;
	bool csv;
	bool open;
	bool bare;
	bool lines;
	unsigned int flags[COLUMNS_MAX];
	char heads[COLUMNS_MAX][16];
	size_t n;
	int failed;
};

/* A terminal may not know how wide it is. */
static size_t terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	int width;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	width = columns ? atoi(columns) : 0;
	return width > 0 ? width : 80;
}

/**
 * table_begin() - start a table, of comma-separated values where they are wanted
 * @ctx: the run
 *
 * Return: the table, to be ended with table_end(), or NULL, which that takes
 * too, after the error was printed.
 */
struct table *table_begin(const struct ctx *ctx)
{
	struct table *t = calloc(1, sizeof(*t));

	/* For the width of letters; nothing else goes by the locale. */
	setlocale(LC_CTYPE, "");
	if (!t) {
		warn_memory();
		return NULL;
	}
	t->csv = given(&ctx->opt, OPT_CSV);
	t->bare = t->csv && given(&ctx->opt, OPT_NO_HEADER);
	t->width = ctx->tty ? terminal_width() : 0;
	t->grid.color = ctx->color;
	return t;
}

/**
 * table_lines() - print a table below another, in columns of the same width
 * @t: the table, NULL if there could be none; it has no column yet
 * @heads: with the heads of the columns
 */
void table_lines(struct table *t, bool heads)
{
	if (!t)
		return;
	t->lines = true;
	t->bare |= !heads;
}

static unsigned int fixed_width(unsigned int flags)
{
	if (flags & COLUMN_RIGHT)
		return 7;
	return flags & COLUMN_WIDE ? 13 : 8;
}

/* A cell of a line; the last one is not padded. */
static void print_fixed_cell(struct table *t, const char *text)
{
	const unsigned int flags = t->flags[t->column];
	const int fill = (int)fixed_width(flags) -
			 (int)text_width(text, strlen(text));
	const int blanks = fill > 0 ? fill : 0;

	if (t->column)
		putchar(' ');
	if (flags & COLUMN_RIGHT)
		printf("%*s%s", blanks, "", text);
	else if (t->column + 1 == t->n)
		fputs(text, stdout);
	else
		printf("%s%*s", text, blanks, "");
}

static void print_head(struct table *t)
{
	size_t i;

	if (t->csv || !t->lines || t->bare || t->open)
		return;
	for (i = 0; i < t->n; i++) {
		t->column = i;
		print_fixed_cell(t, t->heads[i]);
	}
	t->open = true;
}

/**
 * table_column() - add a column
 * @t: the table, NULL if there could be none
 * @head: its head
 * @flags: enum table_flags
 */
void table_column(struct table *t, const char *head, unsigned int flags)
{
	if (!t)
		return;
	if (t->csv) {
		if (!t->bare)
			csv_head(stdout, head, t->column++);
		t->open = !t->bare;
		return;
	}
	if (t->lines) {
		t->flags[t->n] = flags;
		snprintf(t->heads[t->n++], sizeof(t->heads[0]), "%s", head);
		return;
	}
	grid_column(&t->grid, head, flags);
}

/**
 * table_columns() - add several columns
 * @t: the table, NULL if there could be none
 * @heads: the columns
 * @n: how many
 */
void table_columns(struct table *t, const struct table_head *heads, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		table_column(t, heads[i].text, heads[i].flags);
}

static void end_line(const struct table *t)
{
	if (t->csv)
		csv_end(stdout);
	else
		putchar('\n');
}

/**
 * table_row() - start a row
 * @t: the table, NULL if there could be none
 * @dim: it matters less than others
 */
void table_row(struct table *t, bool dim)
{
	if (!t)
		return;
	print_head(t);
	t->column = 0;
	if (t->csv || t->lines) {
		if (t->open)
			end_line(t);
		t->open = true;
		return;
	}
	grid_row(&t->grid, dim ? GRID_DIM : GRID_PLAIN);
}

/* Of a write that failed the reason is only known at once. */
static void keep_error(struct table *t)
{
	if (!t->failed && ferror(stdout))
		t->failed = errno ? errno : EIO;
}

/**
 * table_cell() - fill the next cell of the row
 * @t: the table, NULL if there could be none
 * @text: what it says, copied
 */
void table_cell(struct table *t, const char *text)
{
	char safe[SAFE_SIZE];

	if (!text_is_safe(text))
		text = text_safe(safe, sizeof(safe), text);
	if (t && t->csv) {
		csv_cell(stdout, text, t->column++);
		keep_error(t);
	} else if (t && t->lines) {
		print_fixed_cell(t, text);
		t->column++;
		keep_error(t);
	} else if (t) {
		grid_cell(&t->grid, text);
	}
}

/**
 * table_end() - print a table and release it
 * @t: the table, NULL if there could be none
 *
 * Return: 0 or a negative errno; a lack of memory was reported.
 */
int table_end(struct table *t)
{
	int err = 0;

	if (!t)
		return -EIO;
	errno = 0;
	if (!t->csv && !t->lines)
		err = grid_print(&t->grid, stdout, t->width);
	else if (t->open)
		end_line(t);
	keep_error(t);
	if (t->failed)
		err = -t->failed;
	if (err == -ENOMEM)
		warn_memory();
	table_free(t);
	return err;
}

/**
 * table_free() - release a table that is not to be printed
 * @t: the table, NULL if there could be none
 */
void table_free(struct table *t)
{
	if (t)
		grid_free(&t->grid);
	free(t);
}

/*
 * Comma-separated values as RFC 4180 has them, but for the end of a line,
 * which is the one that every program here writes and expects.
 */

/**
 * csv_head() - write the name of a column
 * @out: where to
 * @name: its name; small letters and underscores make an identifier of it
 * @column: which column, from 0
 */
void csv_head(FILE *out, const char *name, size_t column)
{
	if (column)
		putc_unlocked(',', out);
	for (; *name; name++)
		putc_unlocked(*name == '-' ? '_' :
			      tolower((unsigned char)*name), out);
}

/**
 * csv_cell() - write a value
 * @out: where to
 * @text: the value; it is quoted where that is needed, and one that a
 *   spreadsheet would take for a formula gets an apostrophe in front
 * @column: which column, from 0
 */
void csv_cell(FILE *out, const char *text, size_t column)
{
	bool formula;

	if (column)
		putc_unlocked(',', out);
	formula = *text && strchr("=+-@\t\r", *text);
	if (!formula && !text[strcspn(text, ",\"\r\n")]) {
		fputs_unlocked(text, out);
		return;
	}
	putc_unlocked('"', out);
	if (formula)
		putc_unlocked('\'', out);
	for (; *text; text++) {
		if (*text == '"')
			putc_unlocked('"', out);
		putc_unlocked(*text, out);
	}
	putc_unlocked('"', out);
}

/**
 * csv_end() - end a line
 * @out: where to
 */
void csv_end(FILE *out)
{
	putc_unlocked('\n', out);
}
