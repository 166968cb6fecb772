/* SPDX-License-Identifier: GPL-2.0 */
/* A table on standard output. */
#ifndef PORTMON_CTL_TABLE_H
#define PORTMON_CTL_TABLE_H

#include "ctl/ctx.h"

struct table;

/**
 * enum table_flags - how a column behaves
 * @COLUMN_LEFT: words
 * @COLUMN_RIGHT: numbers
 * @COLUMN_TRUNC: words that may be cut where the terminal is narrow
 * @COLUMN_WIDE: longer than most, where columns have a fixed width
 * @COLUMN_OWNERS: for columns.c: it takes a look at all processes
 */
enum table_flags {
	COLUMN_LEFT = 0,
	COLUMN_RIGHT = 1,
	COLUMN_TRUNC = 2,
	COLUMN_WIDE = 4,
	COLUMN_OWNERS = 8,
};

/**
 * struct table_head - a column to be added
 * @text: what stands above it
 * @flags: enum table_flags
 */
struct table_head {
	const char *text;
	unsigned int flags;
};

struct table *table_begin(const struct ctx *ctx);
void table_lines(struct table *t, bool heads);
void table_column(struct table *t, const char *head, unsigned int flags);
void table_columns(struct table *t, const struct table_head *heads, size_t n);
void table_row(struct table *t, bool dim);
void table_cell(struct table *t, const char *text);
int table_end(struct table *t);
void table_free(struct table *t);

#endif
