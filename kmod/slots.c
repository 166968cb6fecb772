// SPDX-License-Identifier: GPL-2.0
/*
 * The pool of per-CPU slots.
 *
 * The packet path only takes from the chain of free slots.  A worker refills
 * it: with new chunks up to the bound, and past that with the slots of ports
 * that have gone quiet.
 */
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>

#include "compat.h"
#include "slots.h"

/* Refill before the chain is empty: a worker takes time to start. */
#define PORTMON_SLOTS_LOW	16

/* A port that has been quiet for so long gives its slot back. */
#define PORTMON_SLOT_IDLE	(10 * HZ)

/* What the slots of a namespace may take, on all CPUs together. */
#define PORTMON_SLOTS_BYTES	(7 * SZ_1M)

#define PORTMON_CHUNK_BYTES	(PORTMON_CHUNK_SLOTS * sizeof(struct portmon_slot))

unsigned int portmon_first_cpu __ro_after_init;

#if BITS_PER_LONG == 32
DEFINE_PER_CPU(struct u64_stats_sync, portmon_sync);
#endif

static struct portmon_slot __percpu *portmon_slot_take(struct portmon_slots *s)
{
	struct portmon_slot __percpu *slot;

	spin_lock_bh(&s->lock);
	slot = s->free;
	if (slot) {
		s->free = (void __percpu *)
			  (unsigned long)portmon_slot_first(slot)->entry;
		WRITE_ONCE(s->n_free, s->n_free - 1);
	}
	spin_unlock_bh(&s->lock);
	return slot;
}

static void portmon_slot_put(struct portmon_slots *s,
			     struct portmon_slot __percpu *slot)
{
	struct portmon_slot *first = portmon_slot_first(slot);

	spin_lock_bh(&s->lock);
	first->record = NULL;
	/* As a number: to newer compilers it is of another address space. */
	first->entry = (void *)(__force unsigned long)s->free;
	s->free = slot;
	WRITE_ONCE(s->n_free, s->n_free + 1);
	spin_unlock_bh(&s->lock);
}

static bool portmon_slots_grow(struct portmon_slots *s)
{
	struct portmon_slot __percpu *chunk;
	unsigned int i;

	if (s->n_chunks >= s->chunks_max)
		return false;
	chunk = __alloc_percpu_gfp(PORTMON_CHUNK_BYTES,
				   __alignof__(struct portmon_slot),
				   GFP_KERNEL | __GFP_NOWARN);
	if (!chunk)
		return false;
	s->chunk[s->n_chunks] = chunk;
	WRITE_ONCE(s->n_chunks, s->n_chunks + 1);
	for (i = 0; i < PORTMON_CHUNK_SLOTS; i++)
		portmon_slot_put(s, chunk + i);
	return true;
}

static bool portmon_slot_idle(struct portmon_slot __percpu *slot)
{
	unsigned long now = jiffies;
	int cpu;

	if (now - READ_ONCE(portmon_slot_first(slot)->record->last) <
	    PORTMON_SLOT_IDLE)
		return false;
	for_each_possible_cpu(cpu) {
		struct portmon_slot *one = per_cpu_ptr(slot, cpu);

		if (READ_ONCE(one->last) &&
		    now - READ_ONCE(one->last) < PORTMON_SLOT_IDLE)
			return false;
	}
	return true;
}

/* Move what a slot has counted to its record.  No packet path has the slot. */
static void portmon_slot_fold(struct portmon_slot __percpu *slot)
{
	struct portmon_record *record = portmon_slot_first(slot)->record;
	enum portmon_dir dir;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct portmon_slot *one = per_cpu_ptr(slot, cpu);

		for (dir = 0; dir < PORTMON_DIRS; dir++) {
			atomic64_add(one->dir[dir].packets,
				     &record->dir[dir].packets);
			atomic64_add(one->dir[dir].bytes,
				     &record->dir[dir].bytes);
		}
		if (one->last && time_after(one->last, READ_ONCE(record->last)))
			WRITE_ONCE(record->last, one->last);
		memset(one, 0, sizeof(*one));
	}
}

/**
 * portmon_slots_reclaim() - take the slots of quiet ports back
 * @s: the pool
 *
 * Context: Process context, may sleep; under the tables' lock.
 */
void portmon_slots_reclaim(struct portmon_slots *s)
{
	struct portmon_slot __percpu *slot;
	struct portmon_slot *first;
	bool any = false;
	unsigned int i;

	for (i = 0; i < s->n_chunks * PORTMON_CHUNK_SLOTS; i++) {
		slot = s->chunk[i / PORTMON_CHUNK_SLOTS] +
		       i % PORTMON_CHUNK_SLOTS;
		first = portmon_slot_first(slot);

		spin_lock_bh(&s->lock);
		/* Entered means: neither free nor just being handed out. */
		if (first->record &&
		    READ_ONCE(*first->entry) == (unsigned long)slot &&
		    portmon_slot_idle(slot)) {
			WRITE_ONCE(*first->entry,
				   (unsigned long)first->record | PORTMON_COLD);
			first->returning = true;
			any = true;
		}
		spin_unlock_bh(&s->lock);
	}
	if (!any)
		return;

	synchronize_rcu();
	for (i = 0; i < s->n_chunks * PORTMON_CHUNK_SLOTS; i++) {
		slot = s->chunk[i / PORTMON_CHUNK_SLOTS] +
		       i % PORTMON_CHUNK_SLOTS;
		if (portmon_slot_first(slot)->returning) {
			portmon_slot_fold(slot);
			portmon_slot_put(s, slot);
		}
	}
}

static void portmon_slots_work(struct work_struct *work)
{
	struct portmon_tables *t = container_of(work, struct portmon_tables,
						slots.work);

	mutex_lock(&t->lock);
	if (!portmon_slots_grow(&t->slots)) {
		portmon_slots_reclaim(&t->slots);
		WRITE_ONCE(t->slots.not_before, jiffies + PORTMON_SLOT_IDLE);
	}
	mutex_unlock(&t->lock);
}

/**
 * portmon_slot_give() - give a busy port per-CPU counters, if there are any
 * @t: tables of the namespace
 * @entry: where the port is entered, with a record
 *
 * Context: Packet path, under rcu_read_lock().
 */
void portmon_slot_give(struct portmon_tables *t, unsigned long *entry)
{
	struct portmon_record *record = portmon_record(READ_ONCE(*entry));
	struct portmon_slots *s = &t->slots;
	struct portmon_slot __percpu *slot = portmon_slot_take(s);
	struct portmon_slot *first;

	if (READ_ONCE(s->n_free) < PORTMON_SLOTS_LOW &&
	    (READ_ONCE(s->n_chunks) < s->chunks_max ||
	     time_after_eq(jiffies, READ_ONCE(s->not_before))))
		queue_work(portmon_unbound_wq, &s->work);
	if (!slot)
		return;
	/* It has lost its record since (tidy.c). */
	if (unlikely(!record)) {
		portmon_slot_put(s, slot);
		return;
	}

	first = portmon_slot_first(slot);
	spin_lock_bh(&s->lock);
	first->entry = entry;
	first->record = record;
	spin_unlock_bh(&s->lock);
	if (cmpxchg(entry, (unsigned long)record | PORTMON_COLD,
		    (unsigned long)slot) !=
	    ((unsigned long)record | PORTMON_COLD))
		portmon_slot_put(s, slot);
}

/**
 * portmon_slots_init() - make a pool
 * @s: the pool, zeroed
 *
 * Context: Process context, may sleep.
 */
void portmon_slots_init(struct portmon_slots *s)
{
	spin_lock_init(&s->lock);
	INIT_WORK(&s->work, portmon_slots_work);
	s->chunks_max = clamp_t(unsigned int, PORTMON_SLOTS_BYTES /
				(PORTMON_CHUNK_BYTES * num_possible_cpus()),
				8, PORTMON_CHUNKS_MAX);
	s->not_before = jiffies;
	/* Without a first chunk all ports stay cold, which is not an error. */
	portmon_slots_grow(s);
}

/**
 * portmon_slots_free() - give a pool's memory back
 * @s: the pool; its work does not run and nobody counts
 */
void portmon_slots_free(struct portmon_slots *s)
{
	while (s->n_chunks)
		free_percpu(s->chunk[--s->n_chunks]);
}

/**
 * portmon_slots_used() - how many ports have a slot
 * @s: the pool
 *
 * Return: the number, of at most @s->chunks_max * PORTMON_CHUNK_SLOTS.
 */
unsigned int portmon_slots_used(struct portmon_slots *s)
{
	unsigned int used;

	/* Or a chunk's slots could be free before the chunk is there. */
	spin_lock_bh(&s->lock);
	used = READ_ONCE(s->n_chunks) * PORTMON_CHUNK_SLOTS - s->n_free;
	spin_unlock_bh(&s->lock);
	return used;
}

/**
 * portmon_slots_memory() - memory a pool holds
 * @s: the pool
 *
 * Return: bytes, on all possible CPUs.
 */
size_t portmon_slots_memory(const struct portmon_slots *s)
{
	return READ_ONCE(s->n_chunks) * PORTMON_CHUNK_BYTES *
	       num_possible_cpus();
}

/**
 * portmon_slots_prepare() - prepare what all per-CPU counters share
 */
void __init portmon_slots_prepare(void)
{
	unsigned int cpu __maybe_unused;

	portmon_first_cpu = cpumask_first(cpu_possible_mask);
#if BITS_PER_LONG == 32
	for_each_possible_cpu(cpu)
		u64_stats_init(per_cpu_ptr(&portmon_sync, cpu));
#endif
}
