/* SPDX-License-Identifier: GPL-2.0 */
/* Which columns the lines of each subcommand can have, and which they have. */
#ifndef PORTMON_CTL_LAYOUTS_H
#define PORTMON_CTL_LAYOUTS_H

#include "view/cells.h"

#define WIDE_WIDTH	120
#define NARROW_WIDTH	90

/**
 * struct columns - the columns that a kind of record has
 * @v: the columns
 * @n: how many there are
 */
struct columns {
	const struct column *const *v;
	size_t n;
};

#define COLUMNS(v) { v, ARRAY_SIZE(v) }

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
};

extern const struct layout ports_layout;
extern const struct layout drops_layout;
extern const struct layout closed_layout;
extern const struct layout ranges_layout;
extern const struct layout buckets_layout;

extern const struct columns columns_of_ports;

const struct column *columns_find(const struct columns *all, const char *name,
				  size_t len);
const struct column *columns_sorted_by(const struct columns *all,
				       enum sort_key key);

#endif
