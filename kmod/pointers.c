// SPDX-License-Identifier: GPL-2.0
/* Sets of pointers, looked up in constant time. */
#include <linux/hash.h>
#include <linux/slab.h>

#include "pointers.h"

/* Cheaper than what is made for keys of any length. */
static u32 portmon_pointer_hash(const void *key, u32 len, u32 seed)
{
	return hash_ptr(*(void * const *)key, 32) ^ seed;
}

static const struct rhashtable_params portmon_pointers_params = {
	.key_len = sizeof_field(struct portmon_pointer, p),
	.key_offset = offsetof(struct portmon_pointer, p),
	.head_offset = offsetof(struct portmon_pointer, node),
	.hashfn = portmon_pointer_hash,
	.automatic_shrinking = true,
};

/**
 * portmon_pointer_in() - is a pointer in a set?
 * @set: the set
 * @p: a pointer that may be to anything
 *
 * Context: Any, under rcu_read_lock().
 * Return: true if it is.
 */
bool portmon_pointer_in(struct rhashtable *set, const void *p)
{
	return atomic_read(&set->nelems) &&
	       rhashtable_lookup(set, &p, portmon_pointers_params);
}

/**
 * portmon_pointer_add() - put a pointer into a set
 * @set: the set
 * @p: the pointer
 * @max: how many there may be in it
 * @gfp: how to ask for memory; without it the pointer is left out
 *
 * Context: Any that @gfp allows.
 */
void portmon_pointer_add(struct rhashtable *set, const void *p,
			 unsigned int max, gfp_t gfp)
{
	struct portmon_pointer *one;

	if (atomic_read(&set->nelems) >= max)
		return;
	one = kmalloc(sizeof(*one), gfp | __GFP_NOWARN);
	if (!one)
		return;
	one->p = p;
	if (rhashtable_lookup_insert_fast(set, &one->node,
					  portmon_pointers_params))
		kfree(one);
}

/**
 * portmon_pointer_remove() - take a pointer out of a set, if it is in
 * @set: the set
 * @p: the pointer
 *
 * Context: Any but hard interrupts.
 */
void portmon_pointer_remove(struct rhashtable *set, const void *p)
{
	struct portmon_pointer *one;

	if (!atomic_read(&set->nelems))
		return;
	rcu_read_lock();
	one = rhashtable_lookup(set, &p, portmon_pointers_params);
	if (one && !rhashtable_remove_fast(set, &one->node,
					   portmon_pointers_params))
		kfree_rcu(one, rcu);
	rcu_read_unlock();
}

/**
 * portmon_pointers_init() - make an empty set
 * @set: the set
 *
 * Context: Process context, may sleep.
 * Return: 0 or a negative error.
 */
int portmon_pointers_init(struct rhashtable *set)
{
	return rhashtable_init(set, &portmon_pointers_params);
}

/**
 * portmon_pointers_flush() - empty a set
 * @set: the set; nobody adds to it
 *
 * Context: Process context, may sleep.
 */
void portmon_pointers_flush(struct rhashtable *set)
{
	struct rhashtable_iter iter;
	struct portmon_pointer *one;

	rhashtable_walk_enter(set, &iter);
	rhashtable_walk_start(&iter);
	while ((one = rhashtable_walk_next(&iter)))
		/* An error: the table was resized, and the walk continues. */
		if (!IS_ERR(one) &&
		    !rhashtable_remove_fast(set, &one->node,
					    portmon_pointers_params))
			kfree_rcu(one, rcu);
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
}

static void portmon_pointer_free(void *one, void *unused)
{
	kfree(one);
}

/**
 * portmon_pointers_free() - give back a set and what is in it
 * @set: the set; nobody looks at it any more
 *
 * Context: Process context, may sleep.
 */
void portmon_pointers_free(struct rhashtable *set)
{
	rhashtable_free_and_destroy(set, portmon_pointer_free, NULL);
}
