// SPDX-License-Identifier: GPL-2.0
/*
 * Notices: events happen where nobody can sleep, and are reported where it is
 * allowed.  The queue is short and its rate limited; what is left out is
 * counted.
 */
#include <linux/jiffies.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "notices.h"
#include "upcalls.h"

/* Reports in a second, at most. */
#define PORTMON_NOTICES_RATE	32

static bool portmon_notice_push(struct portmon_events *e,
			       const struct portmon_notice *notice)
{
	if (e->n == ARRAY_SIZE(e->notice))
		return false;
	e->notice[(e->head + e->n++) % ARRAY_SIZE(e->notice)] = *notice;
	queue_work(portmon_unbound_wq, &e->work);
	return true;
}

/**
 * portmon_notice_next() - take the oldest notice from the queue
 * @e: events of the namespace
 * @notice: set to it
 * @missed: set to the notices not reported before it, where it is reported
 *
 * Context: Process context.
 * Return: false if there is none.
 */
bool portmon_notice_next(struct portmon_events *e,
			 struct portmon_notice *notice, u32 *missed)
{
	bool any;

	raw_spin_lock_irq(&e->lock);
	any = e->n;
	if (any) {
		*notice = e->notice[e->head];
		e->head = (e->head + 1) % ARRAY_SIZE(e->notice);
		e->n--;
	}
	if (any && notice->event != PORTMON_NOTICE_ADD) {
		*missed = e->missed;
		e->missed = 0;
	}
	raw_spin_unlock_irq(&e->lock);
	return any;
}

/**
 * portmon_notice_report() - have an event reported
 * @t: tables of the namespace
 * @event: &enum portmon_event
 * @key: port
 * @kind: kind of event, where it matters
 * @count: how many
 *
 * Context: Any.
 */
void portmon_notice_report(struct portmon_tables *t, u8 event,
			   const struct portmon_key *key, unsigned int kind,
			   u64 count)
{
	struct portmon_notice notice = {
		.key = *key, .kind = kind, .event = event, .count = count,
	};
	struct portmon_events *e = &t->events;
	unsigned long flags;

	if (!portmon_upcalls.listening(t->net))
		return;
	raw_spin_lock_irqsave(&e->lock, flags);
	if (jiffies - e->since >= HZ) {
		e->since = jiffies;
		e->reported = 0;
	}
	if (e->reported < PORTMON_NOTICES_RATE && portmon_notice_push(e, &notice))
		e->reported++;
	else
		e->missed++;
	raw_spin_unlock_irqrestore(&e->lock, flags);
}

/**
 * portmon_notice_defer() - have an event counted later
 * @t: tables of the namespace
 * @key: port
 * @kind: kind of event
 * @n: how many
 *
 * For where no memory may be allocated: PREEMPT_RT with preemption off.
 *
 * Context: Any.
 * Return: false if the queue is full.
 */
bool portmon_notice_defer(struct portmon_tables *t,
			  const struct portmon_key *key, unsigned int kind,
			  u64 n)
{
	struct portmon_notice notice = {
		.key = *key, .kind = kind, .count = n,
		.event = PORTMON_NOTICE_ADD,
	};
	unsigned long flags;
	bool done;

	raw_spin_lock_irqsave(&t->events.lock, flags);
	done = portmon_notice_push(&t->events, &notice);
	raw_spin_unlock_irqrestore(&t->events.lock, flags);
	return done;
}

/**
 * portmon_notices_start() - prepare an empty queue
 * @e: events of the namespace, zeroed
 */
void portmon_notices_start(struct portmon_events *e)
{
	raw_spin_lock_init(&e->lock);
	e->since = jiffies - HZ;
}
