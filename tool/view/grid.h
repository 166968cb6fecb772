/* SPDX-License-Identifier: GPL-2.0 */
/* Rows of text in columns as wide as their cells. */
#ifndef PORTMON_CTL_GRID_H
#define PORTMON_CTL_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "ctl/ctx.h"

/**
 * enum table_flags - how a column behaves
 * @COLUMN_LEFT: words
 * @COLUMN_RIGHT: numbers
 * @COLUMN_TRUNC: words that may be cut where the terminal is narrow
 * @COLUMN_WIDE: longer than most, where columns have a fixed width
 * @COLUMN_OWNERS: for columns.c: it needs to read all processes
 * @COLUMN_BYTES: for cells.c: bits where those are wanted
 * @COLUMN_HISTOGRAMS: for columns.c: it needs the histograms of connections
 * @COLUMN_RATE: for top: it is of the differences of an interval
 */
enum table_flags {
	COLUMN_LEFT = 0,
	COLUMN_RIGHT = 1,
	COLUMN_TRUNC = 2,
	COLUMN_WIDE = 4,
	COLUMN_OWNERS = 8,
	COLUMN_BYTES = 16,
	COLUMN_HISTOGRAMS = 32,
	COLUMN_RATE = 64,
};

/**
 * enum grid_row - how a row looks where there are colours
 * @GRID_PLAIN: as it is
 * @GRID_DIM: it matters less than others
 * @GRID_HEAD: the heads of the columns
 */
enum grid_row {
	GRID_PLAIN,
	GRID_DIM,
	GRID_HEAD,
};

/**
 * struct grid - rows being collected; all zero is an empty one
 * @color: colours are wanted
 * @n: how many columns
 * @column: next cell of the row
 * @flags: of each column, enum table_flags
 * @width: of each column
 * @least: width of its head
 * @text: all rows: enum grid_row in a byte, then the cells, a struct piece
 *   in front of each
 * @len: bytes of that
 * @cap: bytes there is room for
 * @heads: bytes of the first row
 * @err: memory has run out
 */
struct grid {
	bool color;
	size_t n;
	size_t column;
	unsigned int flags[COLUMNS_MAX];
	size_t width[COLUMNS_MAX];
	size_t least[COLUMNS_MAX];
	char *text;
	size_t len;
	size_t cap;
	size_t heads;
	bool err;
};

void grid_column(struct grid *g, const char *head, unsigned int flags);
void grid_row(struct grid *g, enum grid_row how);
void grid_cell(struct grid *g, const char *text);
int grid_print(struct grid *g, FILE *out, size_t width);
void grid_free(struct grid *g);

#endif
