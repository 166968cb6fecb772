/* SPDX-License-Identifier: GPL-2.0 */
/* Sets of pointers, which are compared and never followed. */
#ifndef _PORTMON_POINTERS_H
#define _PORTMON_POINTERS_H

#include <linux/rhashtable.h>

/**
 * struct portmon_pointer - a member of a set
 * @node: of the set's table
 * @p: what is compared
 * @rcu: for readers on their way
 */
struct portmon_pointer {
	struct rhash_head node;
	const void *p;
	struct rcu_head rcu;
};

void portmon_pointer_add(struct rhashtable *set, const void *p,
			 unsigned int max, gfp_t gfp);
void portmon_pointer_remove(struct rhashtable *set, const void *p);
bool portmon_pointer_in(struct rhashtable *set, const void *p);

int portmon_pointers_init(struct rhashtable *set);
void portmon_pointers_flush(struct rhashtable *set);
void portmon_pointers_free(struct rhashtable *set);

#endif
