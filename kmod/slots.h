/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Slots: per-CPU counters, lent to the records of busy ports out of a bounded
 * pool that grows as it is used.
 */
#ifndef _PORTMON_SLOTS_H
#define _PORTMON_SLOTS_H

#include <linux/cache.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>

struct portmon_record;
struct portmon_tables;

enum portmon_dir {
	PORTMON_RX,
	PORTMON_TX,
	PORTMON_DIRS
};

/* Packets and network-layer bytes, per CPU wherever it is used. */
struct portmon_pair {
	u64 packets;
	u64 bytes;
};

/**
 * struct portmon_slot - one CPU's part of a busy port's counters
 * @dir: by &enum portmon_dir
 * @last: jiffies of the latest packet on this CPU
 * @record: whose counters these are, NULL while the slot is free
 * @entry: where in its leaf the record is entered; in a free slot the next
 *	free one
 * @returning: on its way back to the pool
 *
 * @record, @entry and @returning are used in the first possible CPU's copy
 * only. A free slot has counted nothing.
 */
struct portmon_slot {
	struct portmon_pair dir[PORTMON_DIRS];
	unsigned long last;
	struct portmon_record *record;
	unsigned long *entry;
	bool returning;
} __aligned(64);

#define PORTMON_CHUNK_SLOTS	64
#define PORTMON_CHUNKS_MAX	64

/**
 * struct portmon_slots - the pool of one network namespace
 * @lock: protects @free and @n_free
 * @free: chain of free slots
 * @n_free: how many; also read without it
 * @n_chunks: chunks allocated
 * @chunks_max: bound, by the number of possible CPUs
 * @not_before: jiffies before which taking back idle slots is not tried again
 * @work: makes slots available
 * @chunk: what the slots lie in
 */
struct portmon_slots {
	spinlock_t lock;
	struct portmon_slot __percpu *free;
	unsigned int n_free;
	unsigned int n_chunks;
	unsigned int chunks_max;
	unsigned long not_before;
	struct work_struct work;
	struct portmon_slot __percpu *chunk[PORTMON_CHUNKS_MAX];
};

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

void portmon_slots_init(struct portmon_slots *s);
void portmon_slots_free(struct portmon_slots *s);
unsigned int portmon_slots_used(struct portmon_slots *s);
size_t portmon_slots_memory(const struct portmon_slots *s);
void portmon_slot_give(struct portmon_tables *t, unsigned long *entry);

#endif
