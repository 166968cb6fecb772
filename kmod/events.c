// SPDX-License-Identifier: GPL-2.0
/*
 * Events of ports: find the counter, add, sum, reset, tell.
 *
 * A record has a list of event counters, one for each kind that has happened
 * at its port.  Counters are added at its head and stay as long as the record
 * does, so that the list is walked without a lock.
 */
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "counters.h"
#include "events.h"
#include "notices.h"
#include "upcalls.h"

/* So many failed handshakes without a pause are a burst. */
#define PORTMON_BURST		10
#define PORTMON_BURST_PAUSE	10	/* seconds */

static struct kmem_cache *portmon_event_cache;

/**
 * portmon_events_max() - bound on the event counters of a namespace
 *
 * Return: the bound.
 */
u32 portmon_events_max(void)
{
	return READ_ONCE(portmon_max_records) / 4 * 3;
}

/* The first of @events up to and without @end that is of this kind. */
static struct portmon_counter *
portmon_event_find(struct portmon_counter *events,
		   const struct portmon_counter *end, unsigned int kind)
{
	for (; events != end; events = events->next)
		if (events->kind == kind)
			return events;
	return NULL;
}

static bool portmon_event_room(const struct portmon_counter *events,
			       unsigned int kind)
{
	unsigned int reasons = 0;

	if (kind < PORTMON_KIND_DROP)
		return true;
	for (; events; events = events->next)
		reasons += events->kind >= PORTMON_KIND_DROP;
	return reasons < PORTMON_DROPS_MAX;
}

/* Spoofed ports of others must not take the counters of this host's own. */
static bool portmon_event_charge(struct portmon_tables *t, unsigned int scope)
{
	u32 max = portmon_events_max();

	if (scope == PORTMON_SCOPE_REMOTE || scope == PORTMON_SCOPE_FORWARD)
		max -= max / 4;
	if (atomic_inc_return(&t->events.used) <= max)
		return true;
	atomic_dec(&t->events.used);
	return false;
}

static struct portmon_counter *portmon_event_alloc(unsigned int kind)
{
	struct portmon_counter *event = kmem_cache_zalloc(portmon_event_cache,
							PORTMON_GFP);

	if (event) {
		event->kind = kind;
		if (kind >= PORTMON_KIND_DROP)
			event->first = ktime_get_real_seconds();
	}
	return event;
}

/* Find or make the counter; sets @made. */
static struct portmon_counter *portmon_event_get(struct portmon_tables *t,
					       struct portmon_record *record,
					       unsigned int scope,
					       unsigned int kind, bool *made)
{
	struct portmon_counter *event = NULL, *new = NULL, *head, *searched = NULL;

	*made = false;
	for (;;) {
		head = READ_ONCE(record->events);
		event = portmon_event_find(head, searched, kind);
		if (event)
			break;
		searched = head;
		if (!new) {
			if (!portmon_event_room(head, kind) ||
			    !portmon_event_charge(t, scope))
				return NULL;
			new = portmon_event_alloc(kind);
			if (!new)
				break;
		}
		new->next = head;
		if (cmpxchg(&record->events, head, new) == head) {
			*made = true;
			return new;
		}
	}
	/* Another CPU was quicker, or there is no memory. */
	if (new)
		kmem_cache_free(portmon_event_cache, new);
	if (new || !event)
		atomic_dec(&t->events.used);
	return event;
}

static void portmon_events_work(struct work_struct *work)
{
	struct portmon_tables *t = container_of(work, struct portmon_tables,
						events.work);
	struct portmon_notice notice;
	u32 missed = 0;

	while (portmon_notice_next(&t->events, &notice, &missed)) {
		if (notice.event != PORTMON_NOTICE_ADD) {
			portmon_upcalls.report(t->net, &notice, missed);
			continue;
		}
		/* Keeps a slot with its record. */
		rcu_read_lock();
		portmon_event_add(t, &notice.key, notice.kind, notice.count);
		rcu_read_unlock();
	}
}

/* Note a failed handshake; true when it makes a burst. */
static bool portmon_event_burst(struct portmon_counter *event, u32 now)
{
	u16 burst = READ_ONCE(event->burst);

	if (now - READ_ONCE(event->last) > PORTMON_BURST_PAUSE) {
		WRITE_ONCE(event->burst, 1);
		return false;
	}
	return burst < PORTMON_BURST &&
	       cmpxchg(&event->burst, burst, burst + 1) == burst &&
	       burst + 1 == PORTMON_BURST;
}

static void portmon_event_count(struct portmon_tables *t,
				struct portmon_counter *event,
				const struct portmon_key *key, u64 n, bool made)
{
	u32 now = ktime_get_real_seconds();
	u64 count = atomic64_add_return(n, &event->count);

	if (event->kind == PORTMON_A_TCP_FAILED &&
	    portmon_event_burst(event, now))
		portmon_notice_report(t, PORTMON_EVENT_HANDSHAKE_FAILURES, key,
				      event->kind, count);
	else if (made && event->kind >= PORTMON_KIND_DROP)
		portmon_notice_report(t, PORTMON_EVENT_DROP, key, event->kind,
				      count);
	WRITE_ONCE(event->last, now);
}

/* Count an event of a record that has no counter for it yet, or of none. */
static noinline void portmon_event_first(struct portmon_tables *t,
					 struct portmon_record *record,
					 const struct portmon_key *key,
					 unsigned int kind, u64 n)
{
	struct portmon_counter *event = NULL;
	bool made = false;

	if (IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible()) {
		if (portmon_notice_defer(t, key, kind, n))
			return;
	} else {
		record = record ?: portmon_record_get(t, key);
		if (record)
			event = portmon_event_get(t, record, key->scope, kind,
						  &made);
	}
	if (event)
		portmon_event_count(t, event, key, n, made);
	else
		atomic64_add(n, &t->events.overflow[key->scope][kind]);
}

/**
 * portmon_segment_add() - count a segment at a record, or in the overflow
 * @t: tables of the namespace
 * @record: of the port, or NULL: no record was to be made for its packet
 * @key: the port
 * @kind: what the segment is, PORTMON_A_TCP_*
 *
 * Nobody asks when it was: a kind that the port has seen is one addition.
 *
 * Context: Packet path, under rcu_read_lock().
 */
void portmon_segment_add(struct portmon_tables *t,
			 struct portmon_record *record,
			 const struct portmon_key *key, unsigned int kind)
{
	struct portmon_counter *event;

	if (unlikely(!record)) {
		atomic64_inc(&t->events.overflow[key->scope][kind]);
		return;
	}
	event = portmon_event_find(READ_ONCE(record->events), NULL, kind);
	if (likely(event))
		atomic64_inc(&event->count);
	else
		portmon_event_first(t, record, key, kind, 1);
}

/**
 * portmon_event_add() - count an event at a port, or in the overflow
 * @t: tables of the namespace
 * @key: port
 * @kind: kind of event
 * @n: how many
 *
 * Context: Any, under rcu_read_lock().
 */
void portmon_event_add(struct portmon_tables *t, const struct portmon_key *key,
		       unsigned int kind, u64 n)
{
	struct portmon_record *record = portmon_record_find(t, key);
	struct portmon_counter *event = NULL;

	if (record)
		event = portmon_event_find(READ_ONCE(record->events), NULL,
					   kind);
	if (likely(event))
		portmon_event_count(t, event, key, n, false);
	else
		portmon_event_first(t, record, key, kind, n);
}

/* Take a count into @v; false if there is no room for it. */
static bool portmon_values_event(struct portmon_values *v, unsigned int kind,
				 u64 count, u32 first, u32 last)
{
	if (!count)
		return true;
	if (kind < PORTMON_KIND_DROP) {
		v->has_tcp = true;
		v->tcp[kind] = count;
		return true;
	}
	if (v->n_drops == ARRAY_SIZE(v->drops))
		return false;
	v->drops[v->n_drops++] = (struct portmon_drop) {
		.packets = count,
		.first = min(first, last),	/* the clock was set back */
		.last = last,
		.reason = kind - PORTMON_KIND_DROP,
	};
	return true;
}

/**
 * portmon_events_read() - read the event counters of a port
 * @events: of its record
 * @v: set to what is not zero
 */
void portmon_events_read(const struct portmon_counter *events,
			 struct portmon_values *v)
{
	memset(v->tcp, 0, sizeof(v->tcp));
	for (; events; events = events->next)
		portmon_values_event(v, events->kind,
				     atomic64_read(&events->count),
				     events->first, READ_ONCE(events->last));
}

/**
 * portmon_events_subtract() - take from the counters what a reset has returned
 * @events: of a record
 * @v: values that portmon_events_read() gave
 */
void portmon_events_subtract(struct portmon_counter *events,
			     const struct portmon_values *v)
{
	unsigned int i;

	for (; events; events = events->next) {
		if (events->kind < PORTMON_KIND_DROP) {
			if (v->has_tcp)
				atomic64_sub(v->tcp[events->kind],
					     &events->count);
			continue;
		}
		for (i = 0; i < v->n_drops; i++)
			if (v->drops[i].reason + PORTMON_KIND_DROP ==
			    events->kind)
				atomic64_sub(v->drops[i].packets,
					     &events->count);
	}
}

/**
 * portmon_events_overflow() - read events that had no counter
 * @t: tables of the namespace
 * @scope: &enum portmon_scope
 * @kind: which to begin with
 * @v: set to what is not zero
 *
 * Return: the kind to go on with, %PORTMON_KINDS at the end.
 */
unsigned int portmon_events_overflow(const struct portmon_tables *t,
				     unsigned int scope, unsigned int kind,
				     struct portmon_values *v)
{
	memset(v, 0, sizeof(*v));
	for (; kind < PORTMON_KINDS; kind++)
		if (!portmon_values_event(v, kind,
					  atomic64_read(&t->events.overflow[scope][kind]),
					  0, 0))
			break;
	return kind;
}

/**
 * portmon_events_overflow_subtract() - take from the overflow what a reset has
 *	returned
 * @t: tables of the namespace
 * @scope: &enum portmon_scope
 * @v: values that portmon_events_overflow() gave
 */
void portmon_events_overflow_subtract(struct portmon_tables *t,
				      unsigned int scope,
				      const struct portmon_values *v)
{
	atomic64_t *overflow = t->events.overflow[scope];
	unsigned int i;

	for (i = 0; i < PORTMON_KIND_DROP; i++)
		atomic64_sub(v->tcp[i], &overflow[i]);
	for (i = 0; i < v->n_drops; i++)
		atomic64_sub(v->drops[i].packets,
			     &overflow[PORTMON_KIND_DROP + v->drops[i].reason]);
}

/**
 * portmon_events_free() - free the event counters of a record
 * @events: the list
 */
void portmon_events_free(struct portmon_counter *events)
{
	struct portmon_counter *next;

	for (; events; events = next) {
		next = events->next;
		kmem_cache_free(portmon_event_cache, events);
	}
}

/**
 * portmon_events_start() - prepare the events of new tables
 * @t: the tables, zeroed
 */
void portmon_events_start(struct portmon_tables *t)
{
	portmon_notices_start(&t->events);
	INIT_WORK(&t->events.work, portmon_events_work);
}

/**
 * portmon_events_stop() - let no news be told any more
 * @t: the tables; nothing is counted in them
 *
 * Context: Process context, may sleep.
 */
void portmon_events_stop(struct portmon_tables *t)
{
	cancel_work_sync(&t->events.work);
}

/**
 * portmon_events_init() - prepare what all events share
 *
 * Return: 0 or -ENOMEM.
 */
int __init portmon_events_init(void)
{
	portmon_event_cache = KMEM_CACHE(portmon_counter, 0);
	return portmon_event_cache ? 0 : -ENOMEM;
}

/**
 * portmon_events_exit() - undo portmon_events_init()
 */
void portmon_events_exit(void)
{
	kmem_cache_destroy(portmon_event_cache);
}
