// SPDX-License-Identifier: GPL-2.0
/* What the tables hold: added up over CPUs, and subtracted by a reset. */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/math64.h>
#include <linux/percpu.h>

#include "counters.h"
#include "events.h"
#include "histograms.h"
#include "sums.h"

/*
 * The wall clock, in ns, when jiffies were 0. The time of an idle port must
 * be the same whenever it is read, and the two clocks are neither read nor
 * advanced at the same instant. So this follows the wall clock only if the
 * difference is more than their jitter.
 */
static atomic64_t portmon_epoch;

/* The wall clock, in seconds, when jiffies were @then. */
static time64_t portmon_wall(u64 then)
{
	u64 epoch = ktime_get_coarse_real_ns() -
		    jiffies64_to_nsecs(get_jiffies_64());
	u64 held = atomic64_read(&portmon_epoch);

	if (abs((s64)(epoch - held)) > NSEC_PER_SEC / 4)
		atomic64_set(&portmon_epoch, epoch);
	else
		epoch = held;
	return div_u64(epoch + jiffies64_to_nsecs(then), NSEC_PER_SEC);
}

/* Sum up packets and bytes; returns jiffies of the latest packet. */
static unsigned long portmon_sum_up(unsigned long e,
				    const struct portmon_record *record,
				    struct portmon_values *v)
{
	unsigned long last = READ_ONCE(record->last);
	struct portmon_slot __percpu *slot;
	enum portmon_dir dir;
	int cpu;

	for (dir = 0; dir < PORTMON_DIRS; dir++) {
		v->packets[dir] = atomic64_read(&record->dir[dir].packets);
		v->bytes[dir] = atomic64_read(&record->dir[dir].bytes);
	}
	if (e & PORTMON_COLD)
		return last;
	slot = portmon_entry_slot(e);
	for_each_possible_cpu(cpu) {
		struct portmon_pair rx, tx;
		unsigned long at;

		rx = portmon_pair_read(&slot->dir[PORTMON_RX], cpu);
		tx = portmon_pair_read(&slot->dir[PORTMON_TX], cpu);
		if (!(rx.packets | tx.packets))
			continue;
		v->packets[PORTMON_RX] += rx.packets;
		v->bytes[PORTMON_RX] += rx.bytes;
		v->packets[PORTMON_TX] += tx.packets;
		v->bytes[PORTMON_TX] += tx.bytes;
		at = READ_ONCE(per_cpu_ptr(slot, cpu)->last);
		if (time_after(at, last))
			last = at;
	}
	return last;
}

/**
 * portmon_read_traffic() - sum up packets and bytes of an entry, no more
 * @t: tables of the namespace
 * @entry: the entry
 * @v: its @packets and @bytes set to those since the last reset
 *
 * Context: Under the tables' lock, so that the slot stays with its record.
 */
void portmon_read_traffic(const struct portmon_tables *t,
			  const unsigned long *entry, struct portmon_values *v)
{
	unsigned long e = READ_ONCE(*entry);

	lockdep_assert_held(&t->lock);
	portmon_sum_up(e, portmon_record(e), v);
}

/**
 * portmon_dropped() - may an entry have drops?
 * @entry: the entry
 *
 * Context: Where the record stays.
 * Return: false if there is nothing for portmon_read() to find.
 */
bool portmon_dropped(const unsigned long *entry)
{
	const struct portmon_record *record = portmon_record(READ_ONCE(*entry));

	return portmon_events_dropped(READ_ONCE(record->events));
}

/**
 * portmon_read() - sum up what an entry has counted
 * @t: tables of the namespace
 * @entry: the entry
 * @v: set to the values since the last reset
 *
 * Context: Under the tables' lock, so that the slot stays with its record.
 */
void portmon_read(const struct portmon_tables *t, const unsigned long *entry,
		  struct portmon_values *v)
{
	unsigned long e = READ_ONCE(*entry), last;
	struct portmon_record *record = portmon_record(e);
	const struct portmon_counter *events;
	u64 now = get_jiffies_64();

	lockdep_assert_held(&t->lock);
	last = portmon_sum_up(e, record, v);
	v->has_tcp = false;
	v->n_drops = 0;
	v->histograms = NULL;
	events = READ_ONCE(record->events);
	if (events)
		portmon_events_read(events, v);
	/* Stamps may be younger than @now: the packet path does not wait. */
	if (time_after((unsigned long)now, last))
		now -= (unsigned long)now - last;
	v->last = portmon_wall(now);
	/* The clock may have been set back since. */
	v->first = min_t(time64_t, record->first, v->last);
}

/**
 * portmon_read_histograms() - read the histograms of a port, too
 * @t: tables of the namespace
 * @entry: the entry
 * @v: what portmon_read() gave; its @histograms are valid until the next read
 *
 * Context: Under the same hold of the tables' lock as portmon_read().
 */
void portmon_read_histograms(struct portmon_tables *t,
			     const unsigned long *entry,
			     struct portmon_values *v)
{
	const struct portmon_record *record = portmon_record(READ_ONCE(*entry));

	portmon_histograms_read(t, READ_ONCE(record->events), v);
}

/**
 * portmon_subtract() - take from an entry what a reset has returned
 * @t: tables of the namespace
 * @entry: the entry
 * @v: values that portmon_read() gave
 *
 * No counter is set: what has been counted since the read stays. What a slot
 * has counted is subtracted from the record, which may become negative.
 *
 * Context: Under the same hold of the tables' lock as the read.
 */
void portmon_subtract(const struct portmon_tables *t,
		      const unsigned long *entry,
		      const struct portmon_values *v)
{
	struct portmon_record *record = portmon_record(READ_ONCE(*entry));
	enum portmon_dir dir;

	lockdep_assert_held(&t->lock);
	for (dir = 0; dir < PORTMON_DIRS; dir++) {
		atomic64_sub(v->packets[dir], &record->dir[dir].packets);
		atomic64_sub(v->bytes[dir], &record->dir[dir].bytes);
	}
	if (v->has_tcp || v->n_drops)
		portmon_events_subtract(READ_ONCE(record->events), v);
	portmon_histograms_subtract(READ_ONCE(record->events), v);
}

/**
 * portmon_stats_read() - sum up a bucket or an overflow counter
 * @t: tables of the namespace
 * @which: its place in @t->base
 *
 * To reset, add the result to *@which under the same hold of the lock.
 *
 * Context: Under the tables' lock.
 * Return: the values since the last reset.
 */
struct portmon_pair portmon_stats_read(const struct portmon_tables *t,
				       const struct portmon_pair *which)
{
	size_t offset = (const char *)which - (const char *)&t->base;
	const struct portmon_pair __percpu *pair =
		(const void __percpu *)t->stats + offset;
	struct portmon_pair sum = {}, one;
	int cpu;

	lockdep_assert_held(&t->lock);
	for_each_possible_cpu(cpu) {
		one = portmon_pair_read(pair, cpu);
		sum.packets += one.packets;
		sum.bytes += one.bytes;
	}
	sum.packets -= which->packets;
	sum.bytes -= which->bytes;
	return sum;
}

/**
 * portmon_records_refused() - packets that no record was to be made for
 * @t: tables of the namespace
 *
 * Context: Under the tables' lock.
 * Return: those since the last reset.
 */
u64 portmon_records_refused(const struct portmon_tables *t)
{
	const struct portmon_pair *base = &t->base.overflow[0][0][0][0];
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < sizeof(t->base.overflow) / sizeof(*base); i++)
		sum += portmon_stats_read(t, &base[i]).packets;
	return sum;
}

/**
 * portmon_values_traffic() - has anything passed?
 * @v: values
 *
 * Bytes count as well: a packet and its bytes are not added at once, and a
 * reset in between leaves the bytes for the next.
 *
 * Return: true if packets or bytes are not zero.
 */
bool portmon_values_traffic(const struct portmon_values *v)
{
	return v->packets[PORTMON_RX] | v->packets[PORTMON_TX] |
	       v->bytes[PORTMON_RX] | v->bytes[PORTMON_TX];
}

/**
 * portmon_values_zero() - is there nothing at all?
 * @v: values
 *
 * Return: true if so; of histograms only those that were read are looked at.
 */
bool portmon_values_zero(const struct portmon_values *v)
{
	return !portmon_values_traffic(v) && !v->has_tcp && !v->n_drops &&
	       !v->histograms;
}
