/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Slots: per-CPU counters, lent to the records of busy ports out of a bounded
 * pool that grows as it is used.
 */
#ifndef _PORTMON_SLOTS_H
#define _PORTMON_SLOTS_H

#include <linux/percpu.h>
#include <linux/u64_stats_sync.h>

#include "types.h"

#if defined(CONFIG_UML_X86) && defined(CONFIG_64BIT) && !defined(CONFIG_SMP)
/*
 * What this_cpu_add() and this_cpu_write() are on x86: one instruction, which
 * no interrupt divides.  User Mode Linux takes the generic ones, which turn
 * its signals off and on around each, and would measure little else.
 */
static __always_inline void portmon_cpu_add(u64 __percpu *counter, u64 value)
{
	asm volatile("addq %1, %0"
		     : "+m" (*raw_cpu_ptr(counter)) : "er" (value));
}

static __always_inline void portmon_cpu_write(unsigned long __percpu *word,
					      unsigned long value)
{
	WRITE_ONCE(*raw_cpu_ptr(word), value);
}
#else
static __always_inline void portmon_cpu_add(u64 __percpu *counter, u64 value)
{
	this_cpu_add(*counter, value);
}

static __always_inline void portmon_cpu_write(unsigned long __percpu *word,
					      unsigned long value)
{
	this_cpu_write(*word, value);
}
#endif

#if BITS_PER_LONG == 64
static __always_inline void portmon_pair_add(struct portmon_pair __percpu *pair,
					     u64 packets, u64 bytes)
{
	portmon_cpu_add(&pair->packets, packets);
	portmon_cpu_add(&pair->bytes, bytes);
}

static inline struct portmon_pair
portmon_pair_read(const struct portmon_pair __percpu *pair, int cpu)
{
	const struct portmon_pair *p = per_cpu_ptr(pair, cpu);

	return (struct portmon_pair) {
		.packets = READ_ONCE(p->packets),
		.bytes = READ_ONCE(p->bytes),
	};
}
#else
/* One sequence per CPU serves all pairs: a writer is done in a few cycles. */
DECLARE_PER_CPU(struct u64_stats_sync, portmon_sync);

static inline void portmon_pair_add(struct portmon_pair __percpu *pair,
				    u64 packets, u64 bytes)
{
	struct portmon_pair *p;
	unsigned long flags;

	local_irq_save(flags);
	p = this_cpu_ptr(pair);
	u64_stats_update_begin(this_cpu_ptr(&portmon_sync));
	p->packets += packets;
	p->bytes += bytes;
	u64_stats_update_end(this_cpu_ptr(&portmon_sync));
	local_irq_restore(flags);
}

static inline struct portmon_pair
portmon_pair_read(const struct portmon_pair __percpu *pair, int cpu)
{
	const struct u64_stats_sync *sync = per_cpu_ptr(&portmon_sync, cpu);
	const struct portmon_pair *p = per_cpu_ptr(pair, cpu);
	struct portmon_pair v;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(sync);
		v = *p;
	} while (u64_stats_fetch_retry(sync, start));
	return v;
}
#endif

/**
 * portmon_slot_add() - count in a busy port's slot
 * @slot: the slot
 * @dir: direction
 * @packets: packets on the wire
 * @bytes: network-layer bytes
 * @now: jiffies
 *
 * Context: Packet path, under rcu_read_lock(), which keeps the slot.
 */
static __always_inline void portmon_slot_add(struct portmon_slot __percpu *slot,
					     enum portmon_dir dir, u64 packets,
					     u64 bytes, unsigned long now)
{
	portmon_pair_add(&slot->dir[dir], packets, bytes);
	portmon_cpu_write(&slot->last, now);
}

/* cpumask_first(cpu_possible_mask), which does not change. */
extern unsigned int portmon_first_cpu;

static inline struct portmon_slot *
portmon_slot_first(struct portmon_slot __percpu *slot)
{
	return per_cpu_ptr(slot, portmon_first_cpu);
}

static inline struct portmon_record *portmon_entry_record(unsigned long entry)
{
	return (struct portmon_record *)(entry & ~PORTMON_COLD);
}

static inline struct portmon_slot __percpu *
portmon_entry_slot(unsigned long entry)
{
	return (struct portmon_slot __percpu *)entry;
}

/* The record behind an entry, whether or not it has a slot; may be NULL. */
static inline struct portmon_record *portmon_record(unsigned long entry)
{
	if (entry & PORTMON_COLD)
		return portmon_entry_record(entry);
	return portmon_slot_first(portmon_entry_slot(entry))->record;
}

void portmon_slots_prepare(void);
void portmon_slots_init(struct portmon_slots *s);
void portmon_slots_free(struct portmon_slots *s);
void portmon_slots_reclaim(struct portmon_slots *s);
unsigned int portmon_slots_used(struct portmon_slots *s);
size_t portmon_slots_memory(const struct portmon_slots *s);
void portmon_slot_give(struct portmon_tables *t, unsigned long *entry);

#endif
