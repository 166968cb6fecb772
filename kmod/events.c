// SPDX-License-Identifier: GPL-2.0
/*
 * Events of ports: find the counter, add, sum, reset.
 *
 * A record has a list of event counters, one for each kind that has happened
 * at its port.  Counters are added at its head and stay as long as the record
 * does, so that the list is walked without a lock.
 *
 * A TCP event seldom comes alone: a SYN is answered, or dropped.  So where one
 * is the first event of a port, two counters are made at once, and the second
 * is spare until another kind happens.
 */
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "counters.h"
#include "events.h"
#include "notices.h"

/* A burst: so many failed handshakes, none later than the pause. */
#define PORTMON_BURST		10
#define PORTMON_BURST_PAUSE	10	/* seconds */

/* Two counters made at once; the second goes into the list before the first. */
struct portmon_counters {
	struct portmon_counter first;
	struct portmon_counter second;
};

static struct kmem_cache *portmon_counter_cache;
static struct kmem_cache *portmon_counters_cache;

/**
 * portmon_events_max() - bound on the event counters of a namespace
 *
 * Return: the bound.
 */
u32 portmon_events_max(void)
{
	return READ_ONCE(portmon_max_records) / 4 * 3;
}

/**
 * portmon_histograms_max() - bound on the histograms of a namespace
 *
 * Return: the bound.
 */
u32 portmon_histograms_max(void)
{
	return READ_ONCE(portmon_max_records) / 256;
}

/**
 * portmon_event_find() - find a port's counter of a kind
 * @events: where to begin
 * @end: where to stop, NULL for the end of the list
 * @kind: kind of event
 *
 * Context: Any, under rcu_read_lock() or where the record stays.
 * Return: the counter, or NULL.
 */
struct portmon_counter *
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

/* How many there are of what a counter of this kind takes. */
static __always_inline atomic_t *portmon_event_pool(struct portmon_tables *t, unsigned int kind)
{
	return kind == PORTMON_KIND_HISTOGRAMS ? &t->events.histograms :
						 &t->events.used;
}

/*
 * Reserve the last quarter for local ports, so that spoofed ports of others
 * cannot exhaust it.
 */
static __always_inline bool portmon_event_charge(struct portmon_tables *t, unsigned int scope,
				 unsigned int kind, int n)
{
	u32 max = kind == PORTMON_KIND_HISTOGRAMS ? portmon_histograms_max() :
						    portmon_events_max();
	atomic_t *pool = portmon_event_pool(t, kind);

	if (scope == PORTMON_SCOPE_REMOTE || scope == PORTMON_SCOPE_FORWARD)
		max -= max / 4;
	if (atomic_add_return(n, pool) <= max)
		return true;
	atomic_sub(n, pool);
	return false;
}

/* Take a spare counter of a port, which was charged when it was made. */
static struct portmon_counter *
portmon_event_spare(struct portmon_counter *events)
{
	for (; events; events = events->next)
		if (READ_ONCE(events->place) == PORTMON_PLACE_SPARE &&
		    cmpxchg(&events->place, PORTMON_PLACE_SPARE,
			    PORTMON_PLACE_FIRST) == PORTMON_PLACE_SPARE)
			return &container_of(events, struct portmon_counters,
					     first)->second;
	return NULL;
}

static __always_inline struct portmon_counter *
portmon_event_alloc(unsigned int kind, bool two)
{
	struct portmon_histograms *histograms;
	struct portmon_counters *counters;

	if (kind == PORTMON_KIND_HISTOGRAMS) {
		histograms = kzalloc(sizeof(*histograms), PORTMON_GFP);
		return histograms ? &histograms->head : NULL;
	}
	if (!two)
		return kmem_cache_zalloc(portmon_counter_cache, PORTMON_GFP);
	counters = kmem_cache_zalloc(portmon_counters_cache, PORTMON_GFP);
	if (!counters)
		return NULL;
	counters->first.place = PORTMON_PLACE_SPARE;
	counters->second.place = PORTMON_PLACE_SECOND;
	return &counters->first;
}

/* A counter for the list @events, charged; NULL at the bound, or without memory. */
static __always_inline struct portmon_counter *
portmon_event_make(struct portmon_tables *t, struct portmon_counter *events,
		   unsigned int scope, unsigned int kind)
{
	const bool counts = kind != PORTMON_KIND_HISTOGRAMS;
	const bool two = counts && kind < PORTMON_KIND_DROP && !events;
	struct portmon_counter *event;

	event = counts ? portmon_event_spare(events) : NULL;
	if (!event) {
		if (!portmon_event_charge(t, scope, kind, 1 + two))
			return NULL;
		event = portmon_event_alloc(kind, two);
		if (!event) {
			atomic_sub(1 + two, portmon_event_pool(t, kind));
			return NULL;
		}
	}
	event->kind = kind;
	if (kind >= PORTMON_KIND_DROP)
		event->first = ktime_get_real_seconds();
	return event;
}

/* Give back a counter; the second of two goes with the first. */
static void portmon_event_free(struct portmon_tables *t,
			       struct portmon_counter *event)
{
	if (event->place == PORTMON_PLACE_SECOND)
		return;
	if (event->kind == PORTMON_KIND_HISTOGRAMS) {
		kfree(container_of(event, struct portmon_histograms, head));
		atomic_dec(&t->events.histograms);
	} else if (event->place == PORTMON_PLACE_ALONE) {
		kmem_cache_free(portmon_counter_cache, event);
		atomic_dec(&t->events.used);
	} else {
		kmem_cache_free(portmon_counters_cache,
				container_of(event, struct portmon_counters,
					     first));
		atomic_sub(2, &t->events.used);
	}
}

/* As portmon_event_enter(); from @searched on there is none of its kind. */
static __always_inline struct portmon_counter *
portmon_event_add_to(struct portmon_record *record,
		     const struct portmon_counter *searched,
		     struct portmon_counter *new)
{
	struct portmon_counter *event, *head;

	for (;;) {
		head = READ_ONCE(record->events);
		event = portmon_event_find(head, searched, new->kind);
		if (event)
			return event;
		if (!portmon_event_room(head, new->kind))
			return NULL;
		searched = head;
		new->next = head;
		if (cmpxchg(&record->events, head, new) == head)
			return new;
	}
}

/**
 * portmon_event_enter() - enter a counter in the list of a port's record
 * @record: the record
 * @new: the counter, charged
 *
 * Context: Any, under rcu_read_lock() or where the record stays.
 * Return: @new, or the counter of its kind that is there already, or NULL if
 *	the port has as many reasons of drops as it may. But in the first case
 *	@new is still the caller's, with another @next.
 */
struct portmon_counter *portmon_event_enter(struct portmon_record *record,
					    struct portmon_counter *new)
{
	return portmon_event_add_to(record, NULL, new);
}

/* Find or make the counter; sets @made. Made for events, and for histograms. */
static __always_inline struct portmon_counter *
portmon_event_get(struct portmon_tables *t, struct portmon_record *record,
		  unsigned int scope, unsigned int kind, bool *made)
{
	struct portmon_counter *head = READ_ONCE(record->events), *event, *new;

	*made = false;
	event = portmon_event_find(head, NULL, kind);
	if (event)
		return event;
	new = portmon_event_room(head, kind) ?
		      portmon_event_make(t, head, scope, kind) : NULL;
	if (!new)
		return NULL;
	event = portmon_event_add_to(record, head, new);
	*made = event == new;
	/* Another CPU was quicker, or has taken the last room. */
	if (!*made)
		portmon_event_free(t, new);
	return event;
}

/**
 * portmon_histograms_head() - find or make the head of a port's histograms
 * @t: tables of the namespace
 * @record: of the port
 * @scope: of the port
 *
 * Context: Any where memory may be allocated, under rcu_read_lock().
 * Return: the head, NULL if the bound is reached or there is no memory.
 */
struct portmon_counter *portmon_histograms_head(struct portmon_tables *t,
						struct portmon_record *record,
						unsigned int scope)
{
	bool made;

	return portmon_event_get(t, record, scope, PORTMON_KIND_HISTOGRAMS,
				 &made);
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
	u64 count = atomic64_add_return(n, &event->count);
	u32 now;

	/* The others of TCP have no time. */
	if (event->kind < PORTMON_KIND_DROP &&
	    event->kind != PORTMON_A_TCP_FAILED)
		return;
	now = ktime_get_real_seconds();
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

	/* The compiler leaves the histograms out of what follows. */
	if (kind == PORTMON_KIND_HISTOGRAMS)
		return;
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
 * These have no time: a kind that the port has seen is one addition.
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
 * portmon_events_dropped() - are there drops among the event counters of a
 *	port?
 * @events: of its record
 *
 * Less than reading them, for whoever asks only for ports with drops.
 *
 * Return: false if there are none; true if there may be some.
 */
bool portmon_events_dropped(const struct portmon_counter *events)
{
	for (; events; events = events->next)
		if (events->kind >= PORTMON_KIND_DROP)
			return true;
	return false;
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
 * Return: the kind to continue with, %PORTMON_KINDS at the end.
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
 * portmon_events_refused() - how many events had no counter
 * @t: tables of the namespace
 *
 * Return: those since the last reset.
 */
u64 portmon_events_refused(const struct portmon_tables *t)
{
	unsigned int scope, kind;
	u64 sum = 0;

	for (scope = 0; scope < PORTMON_SCOPES; scope++)
		for (kind = 0; kind < PORTMON_KINDS; kind++)
			sum += atomic64_read(&t->events.overflow[scope][kind]);
	return sum;
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
 * @t: tables of the namespace
 * @events: the list
 */
void portmon_events_free(struct portmon_tables *t,
			 struct portmon_counter *events)
{
	struct portmon_counter *next;

	for (; events; events = next) {
		next = events->next;
		portmon_event_free(t, events);
	}
}

/**
 * portmon_events_init() - prepare what all events share
 *
 * Return: 0 or -ENOMEM.
 */
int __init portmon_events_init(void)
{
	portmon_counter_cache = KMEM_CACHE(portmon_counter, 0);
	portmon_counters_cache = KMEM_CACHE(portmon_counters, 0);
	if (portmon_counter_cache && portmon_counters_cache)
		return 0;
	portmon_events_exit();
	return -ENOMEM;
}

/**
 * portmon_events_exit() - undo portmon_events_init()
 */
void portmon_events_exit(void)
{
	kmem_cache_destroy(portmon_counters_cache);
	kmem_cache_destroy(portmon_counter_cache);
}
