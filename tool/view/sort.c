// SPDX-License-Identifier: GPL-2.0
/* The order of records: by the values of columns, or by names and numbers. */
#include <stdlib.h>
#include <string.h>

#include "view/sort.h"

/* Each comparison needs it: kept, since a search would be slow. */
static const struct column *port_column(enum sort_key key)
{
	static const struct column *columns[SORT_KEYS];

	if (!columns[key] && key != SORT_NONE)
		columns[key] = columns_sorted_by(&columns_of_ports, key);
	return columns[key];
}

/**
 * view_weight() - the amount that ports are sorted by
 * @r: the record
 * @key: by which
 *
 * Return: the amount, 0 for what is none.
 */
uint64_t view_weight(const struct record *r, enum sort_key key)
{
	const struct column *column = port_column(key);

	return column && column->value ? column->value(r) : 0;
}

static int compare_places(const struct record *a, const struct record *b)
{
	if (a->scope != b->scope)
		return a->scope - b->scope;
	if (a->transport != b->transport)
		return a->transport - b->transport;
	return a->port - b->port;
}

/**
 * view_compare_services() - order by name, with ports without one at the end
 * @a: a port
 * @b: another
 *
 * Return: negative, 0 or positive, as strcmp() has it.
 */
int view_compare_services(const struct record *a, const struct record *b)
{
	if (a->service && b->service)
		return strcmp(a->service, b->service);
	return !a->service - !b->service;
}

/**
 * struct order - what records are sorted by
 * @column: the column
 * @key: the word of --sort for it
 */
struct order {
	const struct column *column;
	enum sort_key key;
};

static int compare_in_order(const void *x, const void *y, void *arg)
{
	const struct order *by = arg;
	const struct record *a = x, *b = y;
	int order = 0;

	if (by->column && by->column->value) {
		const uint64_t va = by->column->value(a);
		const uint64_t vb = by->column->value(b);

		if (va != vb)
			return va < vb ? 1 : -1;
	} else if (by->key == SORT_PORT) {
		order = a->port - b->port;
	} else if (by->key == SORT_SERVICE) {
		order = view_compare_services(a, b);
	} else if (by->key == SORT_TRANSPORT) {
		order = a->transport - b->transport;
	}
	return order ? order : compare_places(a, b);
}

/**
 * view_compare() - the order of two ports
 * @a: a record, named
 * @b: another
 * @key: by what, see view_sort()
 *
 * Return: negative, 0 or positive, as strcmp() has it.
 */
int view_compare(const struct record *a, const struct record *b,
		 enum sort_key key)
{
	struct order order = { port_column(key), key };

	return compare_in_order(a, b, &order);
}

/**
 * view_sort() - put records in order
 * @list: the records, named
 * @all: their columns
 * @key: by what: amounts and times with the largest first, names and numbers
 *   with the smallest; SORT_NONE keeps the kernel's order
 * @reverse: the other way
 */
void view_sort(struct records *list, const struct columns *all,
	       enum sort_key key, bool reverse)
{
	struct order order = { columns_sorted_by(all, key), key };
	size_t i;

	if (key != SORT_NONE && list->n)
		qsort_r(list->v, list->n, sizeof(*list->v), compare_in_order,
			&order);
	if (!reverse)
		return;
	for (i = 0; i < list->n / 2; i++) {
		struct record r = list->v[i];

		list->v[i] = list->v[list->n - 1 - i];
		list->v[list->n - 1 - i] = r;
	}
}
