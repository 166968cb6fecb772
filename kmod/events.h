/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What happens at a port now and then: TCP events and drops, each kind with
 * a counter of its own, and the news of it.
 */
#ifndef _PORTMON_EVENTS_H
#define _PORTMON_EVENTS_H

#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/dropreason.h>
#include <uapi/linux/portmon.h>

#include "compat.h"

struct portmon_record;
struct portmon_tables;
struct portmon_values;

/*
 * Kinds of events: those of TCP by their attribute (PORTMON_A_TCP_*), then the
 * reasons of drops: the core's, one for all subsystems that have no names
 * here, and those of queueing disciplines.
 */
#define PORTMON_KIND_DROP	(PORTMON_A_TCP_MAX + 1)
#define PORTMON_REASON_OTHER	SKB_DROP_REASON_MAX
#define PORTMON_REASON_QDISC	(PORTMON_REASON_OTHER + 1)
#define PORTMON_REASONS		(PORTMON_REASON_QDISC + PORTMON_QDISC_REASONS)
#define PORTMON_KINDS		(PORTMON_KIND_DROP + PORTMON_REASONS)

/* So many reasons of drops a port has counters for. */
#define PORTMON_DROPS_MAX	12

/**
 * struct portmon_key - a port, and where a walk over ports stands
 * @scope: &enum portmon_scope
 * @transport: &enum portmon_transport
 * @port: host byte order; 65536 when a walk has passed the last
 */
struct portmon_key {
	u8 scope;
	u8 transport;
	u32 port;
};

/**
 * struct portmon_counter - the counter of one kind of event at one port
 * @next: the port's next one
 * @count: events since the last reset
 * @first: when the first happened, seconds since the epoch
 * @last: when the latest happened, seconds since the epoch
 * @kind: which
 * @burst: how many came without a pause (of failed handshakes)
 */
struct portmon_counter {
	struct portmon_counter *next;
	atomic64_t count;
	u32 first;
	u32 last;
	u16 kind;
	u16 burst;
};

/**
 * struct portmon_notice - news for the group events, or work put off
 * @key: port
 * @count: how many
 * @kind: kind of event, where it matters
 * @event: &enum portmon_event, or %PORTMON_NOTICE_ADD
 */
struct portmon_notice {
	struct portmon_key key;
	u64 count;
	u16 kind;
	u8 event;
};

/* No news: to be counted where memory may be allocated. */
#define PORTMON_NOTICE_ADD	(PORTMON_EVENT_MAX + 1)

#define PORTMON_NOTICES		(IS_ENABLED(CONFIG_PREEMPT_RT) ? 512 : 32)

/**
 * struct portmon_events - events of one network namespace
 * @used: event counters in use
 * @overflow: what had none, by scope and kind
 * @work: tells the news
 * @lock: protects what follows. Raw: tracepoints come with preemption off
 * @notice: ring of what @work has to do
 * @head: the oldest of them
 * @n: how many there are
 * @since: jiffies when the present second of the rate limit began
 * @told: news since then
 * @missed: news that could not be told since the last that could
 */
struct portmon_events {
	atomic_t used;
	atomic64_t overflow[PORTMON_SCOPE_MAX + 1][PORTMON_KINDS];
	struct work_struct work;
	raw_spinlock_t lock;
	struct portmon_notice notice[PORTMON_NOTICES];
	unsigned int head;
	unsigned int n;
	unsigned long since;
	u32 told;
	u32 missed;
};

void portmon_event_add(struct portmon_tables *t, const struct portmon_key *key,
		       unsigned int kind, u64 n);
void portmon_segment_add(struct portmon_tables *t,
			 struct portmon_record *record,
			 const struct portmon_key *key, unsigned int kind);
void portmon_event_notice(struct portmon_tables *t, u8 event,
			  const struct portmon_key *key, unsigned int kind,
			  u64 count);

void portmon_events_read(const struct portmon_counter *events,
			 struct portmon_values *v);
void portmon_events_subtract(struct portmon_counter *events,
			     const struct portmon_values *v);
unsigned int portmon_events_overflow(const struct portmon_tables *t,
				     unsigned int scope, unsigned int kind,
				     struct portmon_values *v);
void portmon_events_overflow_subtract(struct portmon_tables *t,
				      unsigned int scope,
				      const struct portmon_values *v);
u32 portmon_events_max(void);
void portmon_events_free(struct portmon_counter *events);

void portmon_events_start(struct portmon_tables *t);
void portmon_events_stop(struct portmon_tables *t);
int portmon_events_init(void);
void portmon_events_exit(void);

#endif
