// SPDX-License-Identifier: GPL-2.0
/*
 * After a reset of everything: records of ports that count zero and have been
 * idle are given back, with their event counters and histograms.
 *
 * A record is first taken out of its leaf, and is then its own for a grace
 * period: whoever had found it before has finished by then.  What it has
 * counted in the meantime goes back into the tables, so that nothing is lost.
 * Readers are kept out for that long.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "counters.h"
#include "events.h"
#include "histograms.h"
#include "slots.h"
#include "sums.h"
#include "tidy.h"

/* No packet for so long is idle. */
#define PORTMON_TIDY_IDLE	(10 * HZ)

/* Records in one grace period. */
#define PORTMON_TIDY_BATCH	2048

struct portmon_removed {
	unsigned long *entry;
	struct portmon_record *record;
	struct portmon_key key;
};

static const struct portmon_filter portmon_tidy_all = {
	.scopes = GENMASK(PORTMON_SCOPE_MAX, 0),
	.transports = GENMASK(PORTMON_TRANSPORT_MAX, 0),
	.port_max = U16_MAX,
};

/* Has it counted since it was found to be zero? */
static bool portmon_removed_used(const struct portmon_record *record)
{
	const struct portmon_counter *event;
	enum portmon_dir dir;

	for (dir = 0; dir < PORTMON_DIRS; dir++)
		if (atomic64_read(&record->dir[dir].packets) ||
		    atomic64_read(&record->dir[dir].bytes))
			return true;
	for (event = record->events; event; event = event->next)
		if (event->kind == PORTMON_KIND_HISTOGRAMS ?
		    !portmon_histograms_zero(event) :
		    atomic64_read(&event->count))
			return true;
	return false;
}

/* Its port has another record by now: that one takes what this has counted. */
static void portmon_removed_merge(struct portmon_tables *t,
				  const struct portmon_removed *r)
{
	struct portmon_counter **where = &r->record->events, *event;
	enum portmon_dir dir;
	u64 packets, bytes;

	/* Keeps the other with its entry; only tidying takes records out. */
	rcu_read_lock();
	for (dir = 0; dir < PORTMON_DIRS; dir++) {
		packets = atomic64_read(&r->record->dir[dir].packets);
		bytes = atomic64_read(&r->record->dir[dir].bytes);
		if (packets || bytes)
			portmon_port_add(t, &r->key, dir, packets, bytes);
	}
	while ((event = *where)) {
		if (event->kind == PORTMON_KIND_HISTOGRAMS &&
		    !portmon_histograms_zero(event)) {
			*where = event->next;
			portmon_histograms_merge(t,
						 portmon_record_find(t, &r->key),
						 event);
			continue;
		}
		if (atomic64_read(&event->count))
			portmon_event_add(t, &r->key, event->kind,
					  atomic64_read(&event->count));
		where = &event->next;
	}
	rcu_read_unlock();
}

/* A grace period has passed since they were taken out. */
static void portmon_removed_finish(struct portmon_tables *t,
				   struct portmon_removed *removed,
				   unsigned int n)
{
	struct portmon_removed *r;

	for (r = removed; r < removed + n; r++) {
		cond_resched();
		if (portmon_removed_used(r->record)) {
			if (cmpxchg(r->entry, PORTMON_COLD,
				    (unsigned long)r->record | PORTMON_COLD) ==
			    PORTMON_COLD) {
				atomic_inc(&t->records);
				continue;
			}
			portmon_removed_merge(t, r);
		}
		portmon_events_free(t, r->record->events);
		portmon_record_free(r->record);
	}
}

/*
 * Take records out from @key on, until the batch is full; sets @later if some
 * were zero, but not idle.
 */
static unsigned int portmon_tidy_batch(struct portmon_tables *t,
				       struct portmon_key *key,
				       struct portmon_removed *removed,
				       unsigned long idle, bool *later)
{
	struct portmon_record *record;
	struct portmon_values v;
	unsigned long *entry, e;
	unsigned int n = 0;

	for (; n < PORTMON_TIDY_BATCH &&
	     (entry = portmon_walk(t, key, &portmon_tidy_all)); key->port++) {
		cond_resched();
		e = READ_ONCE(*entry);
		portmon_read(t, entry, &v);
		portmon_read_histograms(t, entry, &v);
		if (!portmon_values_zero(&v))
			continue;
		record = portmon_record(e);
		if (!(e & PORTMON_COLD) ||
		    jiffies - READ_ONCE(record->last) < idle) {
			*later = true;
			continue;
		}
		if (cmpxchg(entry, e, PORTMON_COLD) != e)
			continue;
		/*
		 * Or a full table would refuse a new record to the next packet
		 * of this port. Those that are put back may exceed the bound,
		 * by at most one batch.
		 */
		atomic_dec(&t->records);
		removed[n++] = (struct portmon_removed) { entry, record, *key };
	}
	return n;
}

/**
 * portmon_tidy_now() - give back what is zero and idle
 * @t: tables of the namespace
 * @idle: jiffies without a packet
 *
 * Context: Process context, may sleep.
 * Return: true if some were zero, but not idle.
 */
bool portmon_tidy_now(struct portmon_tables *t, unsigned long idle)
{
	struct portmon_removed *removed;
	struct portmon_key key = {};
	bool later = false;
	unsigned int n;

	removed = kvmalloc_array(PORTMON_TIDY_BATCH, sizeof(*removed),
				 GFP_KERNEL | __GFP_NOWARN);
	if (!removed)
		return true;
	mutex_lock(&t->lock);
	portmon_slots_reclaim(&t->slots);
	mutex_unlock(&t->lock);
	do {
		if (READ_ONCE(t->stopping))
			break;
		mutex_lock(&t->lock);
		n = portmon_tidy_batch(t, &key, removed, idle, &later);
		if (n) {
			synchronize_rcu();
			portmon_removed_finish(t, removed, n);
		}
		mutex_unlock(&t->lock);
	} while (n == PORTMON_TIDY_BATCH);
	kvfree(removed);
	return later;
}

static void portmon_tidy_work(struct work_struct *work)
{
	struct portmon_tables *t = container_of(to_delayed_work(work),
						struct portmon_tables, tidy);

	if (portmon_tidy_now(t, PORTMON_TIDY_IDLE))
		queue_delayed_work(portmon_unbound_wq, &t->tidy,
				   PORTMON_TIDY_IDLE);
}

/**
 * portmon_tidy() - have given back what is zero and idle
 * @t: tables of the namespace, all of which a reset has set to zero
 *
 * Context: Any.
 */
void portmon_tidy(struct portmon_tables *t)
{
	mod_delayed_work(portmon_unbound_wq, &t->tidy, 0);
}

/**
 * portmon_tidy_start() - prepare new tables
 * @t: the tables
 */
void portmon_tidy_start(struct portmon_tables *t)
{
	t->stopping = false;
	INIT_DELAYED_WORK(&t->tidy, portmon_tidy_work);
}

/**
 * portmon_tidy_stop() - let nothing be given back any more
 * @t: the tables
 *
 * What is being given back may have many grace periods to go: this waits for
 * one of them.
 *
 * Context: Process context, may sleep.
 */
void portmon_tidy_stop(struct portmon_tables *t)
{
	WRITE_ONCE(t->stopping, true);
	cancel_delayed_work_sync(&t->tidy);
}
