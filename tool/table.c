// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <locale.h>
#include <stdlib.h>

#include <libsmartcols/libsmartcols.h>

#include "csv.h"
#include "table.h"
#include "util.h"

#define DIM	"\033[2m"
#define BOLD	"\033[1m"

/**
 * struct table - a table being filled
 * @scols: libsmartcols' table
 * @line: the row being filled
 * @column: next cell in it
 * @csv: written as it comes, as comma-separated values
 * @open: a line has been begun
 * @bare: without heads
 * @err: memory has run out
 */
struct table {
	struct libscols_table *scols;
	struct libscols_line *line;
	size_t column;
	bool csv;
	bool open;
	bool bare;
	bool err;
};

/**
 * table_begin() - start a table, of comma-separated values where they are wanted
 * @ctx: the run
 *
 * Return: the table, to be ended with table_end(), or NULL.
 */
struct table *table_begin(const struct ctx *ctx)
{
	struct table *t = calloc(1, sizeof(*t));

	/* For the width of letters; nothing else goes by the locale. */
	setlocale(LC_CTYPE, "");
	if (!t)
		return NULL;
	t->csv = given(&ctx->opt, OPT_CSV);
	if (t->csv)
		return t;
	t->scols = scols_new_table();
	if (!t->scols) {
		free(t);
		return NULL;
	}
	scols_table_enable_colors(t->scols, ctx->color);
	return t;
}

/**
 * table_bare() - print a table without the heads of its columns
 * @t: the table, NULL if memory had run out; it has no column yet
 */
void table_bare(struct table *t)
{
	if (!t)
		return;
	t->bare = true;
	if (t->scols)
		scols_table_enable_noheadings(t->scols, 1);
}

/**
 * table_column() - add a column
 * @t: the table, NULL if memory had run out
 * @head: what stands above it
 * @flags: enum table_flags
 */
void table_column(struct table *t, const char *head, unsigned int flags)
{
	struct libscols_column *column;
	int scols_flags = 0;

	if (!t)
		return;
	if (t->csv) {
		if (!t->bare)
			csv_head(stdout, head, t->column++);
		t->open = !t->bare;
		return;
	}
	if (flags & COLUMN_RIGHT)
		scols_flags |= SCOLS_FL_RIGHT;
	if (flags & COLUMN_TRUNC)
		scols_flags |= SCOLS_FL_TRUNC;
	column = scols_table_new_column(t->scols, head, 0, scols_flags);
	if (column)
		scols_cell_set_color(scols_column_get_header(column), BOLD);
	else
		t->err = true;
}

/**
 * table_row() - start a row
 * @t: the table, NULL if memory had run out
 * @dim: it matters less than others
 */
void table_row(struct table *t, bool dim)
{
	if (!t)
		return;
	t->column = 0;
	if (t->csv) {
		if (t->open)
			csv_end(stdout);
		t->open = true;
		return;
	}
	t->line = scols_table_new_line(t->scols, NULL);
	if (!t->line)
		t->err = true;
	else if (dim)
		scols_line_set_color(t->line, DIM);
}

/**
 * table_cell() - fill the next cell of the row
 * @t: the table, NULL if memory had run out
 * @text: what it says, copied
 */
void table_cell(struct table *t, const char *text)
{
	if (t && t->csv)
		csv_cell(stdout, text, t->column++);
	else if (t && t->line &&
		 scols_line_set_data(t->line, t->column++, text))
		t->err = true;
}

/**
 * table_end() - print a table and release it
 * @t: the table, NULL if memory had run out
 *
 * Return: 0 or a negative errno; of memory the person has been told.
 */
int table_end(struct table *t)
{
	int err = !t || t->err ? -ENOMEM : 0;

	if (!err) {
		errno = 0;
		if (!t->csv)
			scols_print_table(t->scols);
		else if (t->open)
			csv_end(stdout);
		if (ferror(stdout))
			err = errno ? -errno : -EIO;
	} else {
		warn("out of memory");
	}
	if (t && t->scols)
		scols_unref_table(t->scols);
	free(t);
	return err;
}
