/* SPDX-License-Identifier: GPL-2.0 */
/* The order of records. */
#ifndef PORTMON_CTL_SORT_H
#define PORTMON_CTL_SORT_H

#include "lib/record.h"
#include "view/layouts.h"

uint64_t view_weight(const struct record *r, enum sort_key key);
int view_compare_services(const struct record *a, const struct record *b);
int view_compare(const struct record *a, const struct record *b,
		 enum sort_key key);
void view_sort(struct records *list, const struct columns *all,
	       enum sort_key key, bool reverse);

#endif
