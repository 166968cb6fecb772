// SPDX-License-Identifier: GPL-2.0
/* Drops as lines: one for each port and reason. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/reasons.h"
#include "lib/util.h"
#include "view/out_drops.h"
#include "view/out_json.h"
#include "view/sort.h"

/**
 * drop_rows_add() - add the lines of some ports
 * @rows: the lines
 * @list: the ports
 * @wanted: which lines
 *
 * Return: 0 or -ENOMEM.
 */
int drop_rows_add(struct drop_rows *rows, const struct records *list,
		  drop_wanted_fn wanted)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		struct drop_row row = { .r = &list->v[i] };

		for (row.drop = row.r->drops; row.drop;
		     row.drop = row.drop->next) {
			struct drop_row *v;

			if (!wanted(&row))
				continue;
			v = array_room(rows->v, rows->n, &rows->cap,
				       sizeof(*v));
			if (!v)
				return -ENOMEM;
			rows->v = v;
			v[rows->n++] = row;
		}
	}
	return 0;
}

/**
 * drop_row_record() - a line as a record, for tables
 * @row: the line
 * @r: the port, with this line's drop and when it happened; valid as long as
 *   the line's own
 */
void drop_row_record(const struct drop_row *row, struct record *r)
{
	const unsigned int seen = 1u << PORTMON_A_RECORD_LAST_SEEN;

	*r = *row->r;
	r->drops = (struct drop *)row->drop;
	r->dropped = row->drop->packets;
	r->first_seen = row->drop->first_seen;
	r->last_seen = row->drop->last_seen;
	/* When an overflow happened is not kept. */
	r->has = r->last_seen ? r->has | seen : r->has & ~seen;
}

static bool is_amount(enum sort_key key)
{
	return key == SORT_NONE || key == SORT_PACKETS || key == SORT_DROPS;
}

/* Equal ones: the largest first, then in the kernel's order. */
static int compare_drop_rows(const void *x, const void *y, void *arg)
{
	const enum sort_key key = *(enum sort_key *)arg;
	const struct drop_row *a = x, *b = y;
	struct record of_a, of_b;
	int order = 0;

	if (!is_amount(key)) {
		drop_row_record(a, &of_a);
		drop_row_record(b, &of_b);
		order = view_compare(&of_a, &of_b, key);
	}
	if (order)
		return order;
	if (a->drop->packets != b->drop->packets)
		return a->drop->packets < b->drop->packets ? 1 : -1;
	if (a->r != b->r)
		return a->r < b->r ? -1 : 1;
	return strcmp(a->drop->reason, b->drop->reason);
}

/**
 * drop_rows_sort() - put lines in order
 * @rows: the lines
 * @key: by what; SORT_NONE: the largest first
 * @reverse: the other way
 */
void drop_rows_sort(struct drop_rows *rows, enum sort_key key, bool reverse)
{
	size_t i;

	if (rows->n)
		qsort_r(rows->v, rows->n, sizeof(*rows->v), compare_drop_rows,
			&key);
	for (i = 0; reverse && i < rows->n / 2; i++) {
		const struct drop_row row = rows->v[i];

		rows->v[i] = rows->v[rows->n - 1 - i];
		rows->v[rows->n - 1 - i] = row;
	}
}

/**
 * out_json_drop() - write a line of drops
 * @j: the document
 * @row: the line
 */
void out_json_drop(struct json *j, const struct drop_row *row)
{
	const struct reason *reason = reason_find(row->drop->reason);

	json_object(j, NULL);
	out_json_place(j, row->r, 0);
	json_word(j, "reason", row->drop->reason);
	json_uint(j, "packets", row->drop->packets);
	json_time(j, "first_seen", row->drop->first_seen);
	json_time(j, "last_seen", row->drop->last_seen);
	json_string(j, "meaning", reason ? reason->meaning : NULL);
	json_string(j, "advice", reason ? reason->advice : NULL);
	json_object_end(j);
}

/**
 * out_json_tried() - write a port that was tried while nobody listened
 * @j: the document
 * @row: the line
 */
void out_json_tried(struct json *j, const struct drop_row *row)
{
	json_object(j, NULL);
	out_json_place(j, row->r, 0);
	json_uint(j, "packets", row->drop->packets);
	json_time(j, "first_seen", row->drop->first_seen);
	json_time(j, "last_seen", row->drop->last_seen);
	json_object_end(j);
}
