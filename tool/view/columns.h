/* SPDX-License-Identifier: GPL-2.0 */
/* Columns of records, and which of them are wanted. */
#ifndef PORTMON_CTL_COLUMNS_H
#define PORTMON_CTL_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/ctx.h"
#include "view/out_owners.h"

#define CELL_SIZE	OWNERS_SIZE
#define BAR_WIDTH_MAX	200
#define BAR_SIZE	(3 * BAR_WIDTH_MAX + 1)
#define WIDE_WIDTH	120
#define NARROW_WIDTH	90

/**
 * struct cell - a cell being made
 * @ctx: the run
 * @now: what time it is
 * @csv: for a program: exact numbers, times as RFC 3339 has them, nothing
 *   instead of "-"
 * @seconds: length of the interval, 0 for totals
 * @sum: of all records, what a share is a share of
 * @largest: of all records, what the longest bar is
 * @bar_width: letters that a bar may have
 * @buf: room for its text
 * @bar: room for a bar
 */
struct cell {
	const struct ctx *ctx;
	uint64_t now;
	bool csv;
	double seconds;
	double sum;
	uint64_t largest;
	unsigned int bar_width;
	char buf[CELL_SIZE];
	char bar[BAR_SIZE];
};

/**
 * struct column - a column of a table of records
 * @name: its name for -o and its head
 * @flags: enum table_flags
 * @text: makes a cell's text
 * @help: what it tells
 */
struct column {
	const char *name;
	unsigned int flags;
	const char *(*text)(struct cell *c, const struct record *r);
	const char *help;
};

/**
 * struct columns - the columns that a kind of record has
 * @v: the columns
 * @n: how many there are
 */
struct columns {
	const struct column *v;
	size_t n;
};

/**
 * struct layout - the table of a subcommand
 * @columns: the columns it can have
 * @plain: those it has, by name
 * @wide: those it has where the terminal has WIDE_WIDTH columns, NULL for @plain
 * @narrow: those it has where it has less than NARROW_WIDTH, NULL for @plain
 * @owned: those it has beside what takes room, owners (--processes) or on a
 *   narrow terminal namespaces; NULL for @plain
 * @details: those it has with --details, NULL for @plain
 * @bars: those it has with --bars, without what the bars stand for
 * @rates: those it has with --interval
 * @csv: those it has with --csv; never to be changed, only added to
 * @sorts: bit per enum sort_key that its lines can be sorted by, 0 for all
 * @rates_csv: those it has with --csv and --interval
 */
struct layout {
	const struct columns *columns;
	const char *plain;
	const char *wide;
	const char *narrow;
	const char *owned;
	const char *details;
	const char *bars;
	const char *rates;
	const char *csv;
	const char *rates_csv;
	unsigned int sorts;
};

extern const struct layout ports_layout;
extern const struct layout drops_layout;
extern const struct layout closed_layout;
extern const struct layout ranges_layout;
extern const struct layout buckets_layout;

int layout_choose(struct ctx *ctx, const struct layout *layout);
void layout_list(const struct layout *layout);

bool bar_blocks(void);
const char *bar_draw(char buf[static BAR_SIZE], uint64_t v, uint64_t largest,
		     unsigned int width, bool blocks);

int out_table_lines(struct ctx *ctx, const struct records *list,
		    const struct records *more, double seconds, bool heads);
int out_table_ports(struct ctx *ctx, const struct records *list,
		    const struct records *overflow);
int out_table(struct ctx *ctx, const struct records *list,
	      const struct records *more, double seconds);

#endif
