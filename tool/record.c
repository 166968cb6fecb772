// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>

#include "record.h"

/**
 * records_new() - append a record that is not filled in
 * @list: list to grow
 *
 * Return: the record, valid until the next one is added, or NULL.
 */
struct record *records_new(struct records *list)
{
	if (list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 64;
		struct record *v = realloc(list->v, cap * sizeof(*v));

		if (!v)
			return NULL;
		list->v = v;
		list->cap = cap;
	}
	return &list->v[list->n++];
}

/**
 * records_add() - append a copy of a record
 * @list: list to grow
 * @r: record to copy
 *
 * Return: 0 or -ENOMEM.
 */
int records_add(struct records *list, const struct record *r)
{
	struct record *to = records_new(list);

	if (!to)
		return -ENOMEM;
	*to = *r;
	return 0;
}

/**
 * records_free() - forget all records of a list
 * @list: list to empty; it can be used again
 */
void records_free(struct records *list)
{
	free(list->v);
	*list = (struct records){ 0 };
}
