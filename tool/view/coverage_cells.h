/* SPDX-License-Identifier: GPL-2.0 */
/* The columns of coverage. */
#ifndef PORTMON_CTL_COVERAGE_CELLS_H
#define PORTMON_CTL_COVERAGE_CELLS_H

#include "host/coverage.h"
#include "view/layouts.h"

/**
 * struct coverage_line - what counted packets
 * @record: what kind it is, in CSV
 * @name: an interface or a hook, NULL for a sum
 * @words: what a table says instead
 * @links: all interfaces
 * @link: the interface, NULL for another line
 */
struct coverage_line {
	const char *record;
	const char *name;
	const char *words;
	const struct links *links;
	const struct link *link;
};

extern const struct layout coverage_layout;

static inline const struct coverage_line *coverage_line(const struct record *r)
{
	return r->item;
}

const char *coverage_xdp(const struct link *link);
const struct link *coverage_other(const struct links *links,
				  const struct link *link);

#endif
