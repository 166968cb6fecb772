/* SPDX-License-Identifier: GPL-2.0 */
/* Drops as lines: one for each port and reason. */
#ifndef PORTMON_CTL_OUT_DROPS_H
#define PORTMON_CTL_OUT_DROPS_H

#include "ctl/options.h"
#include "lib/json.h"
#include "lib/record.h"

/**
 * struct drop_row - a line: what one port lost for one reason
 * @r: the port
 * @drop: one of its drops
 */
struct drop_row {
	const struct record *r;
	const struct drop *drop;
};

/**
 * struct drop_rows - all lines
 * @v: the lines
 * @n: how many there are
 * @cap: how many there is room for
 */
struct drop_rows {
	struct drop_row *v;
	size_t n;
	size_t cap;
};

typedef bool (*drop_wanted_fn)(const struct drop_row *row);

int drop_rows_add(struct drop_rows *rows, const struct records *list,
		  drop_wanted_fn wanted);
void drop_row_record(const struct drop_row *row, struct record *r);
void drop_rows_sort(struct drop_rows *rows, enum sort_key key, bool reverse);
void out_json_drop(struct json *j, const struct drop_row *row);
void out_json_tried(struct json *j, const struct drop_row *row);

#endif
