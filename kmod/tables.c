// SPDX-License-Identifier: GPL-2.0
/* The tables of a namespace as a whole: made, measured, freed. */
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "counters.h"
#include "events.h"
#include "histograms.h"
#include "notices.h"
#include "slots.h"
#include "tables.h"
#include "tidy.h"
#include "upcalls.h"

/**
 * portmon_tables_memory() - kernel memory that tables hold
 * @t: tables of the namespace
 *
 * Return: bytes, on all possible CPUs.
 */
size_t portmon_tables_memory(const struct portmon_tables *t)
{
	return sizeof(*t) + sizeof(*t->stats) * num_possible_cpus() +
	       atomic_read(&t->blocks) +
	       (size_t)atomic_read(&t->records) * sizeof(struct portmon_record) +
	       (size_t)atomic_read(&t->events.used) *
	       sizeof(struct portmon_counter) +
	       (size_t)atomic_read(&t->events.histograms) *
	       sizeof(struct portmon_histograms) +
	       portmon_slots_memory(&t->slots);
}

/* Report notices, and count what was deferred. */
static void portmon_tables_work(struct work_struct *work)
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
		if (notice.kind == PORTMON_KIND_HISTOGRAMS)
			portmon_histograms_add(t, &notice.key, notice.count);
		else
			portmon_event_add(t, &notice.key, notice.kind,
					  notice.count);
		rcu_read_unlock();
	}
}

/**
 * portmon_tables_alloc() - make empty tables
 * @net: the namespace they are for
 *
 * Context: Process context, may sleep.
 * Return: the tables, NULL if there is no memory.
 */
struct portmon_tables *portmon_tables_alloc(struct net *net)
{
	/* The caller gets the error; the kernel log need not have it too. */
	const gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;
	struct portmon_tables *t = kvzalloc(sizeof(*t), gfp);

	if (!t)
		return NULL;
	portmon_ports_start(t);
	t->stats = alloc_percpu_gfp(struct portmon_stats, gfp);
	if (!t->stats) {
		kvfree(t);
		return NULL;
	}
	t->net = net;
	mutex_init(&t->lock);
	portmon_slots_init(&t->slots);
	portmon_tidy_start(t);
	portmon_notices_start(&t->events);
	INIT_WORK(&t->events.work, portmon_tables_work);
	return t;
}

static void portmon_tables_forget(struct portmon_tables *t,
				  struct portmon_record *record)
{
	portmon_events_free(t, record->events);
}

/**
 * portmon_tables_free() - give tables back
 * @t: the tables
 *
 * Context: Process context, may sleep. No packet path and no reader has them.
 */
void portmon_tables_free(struct portmon_tables *t)
{
	unsigned int i;

	portmon_tidy_stop(t);
	cancel_work_sync(&t->events.work);
	cancel_work_sync(&t->slots.work);
	for (i = 0; i < ARRAY_SIZE(t->ports); i++)
		portmon_ports_free(t, t->ports[i], portmon_tables_forget);
	portmon_ports_free(t, t->protocols, portmon_tables_forget);
	portmon_slots_free(&t->slots);
	free_percpu(t->stats);
	kvfree(t);
}

/**
 * portmon_tables_init() - prepare what all tables share
 *
 * Return: 0 or -ENOMEM.
 */
int __init portmon_tables_init(void)
{
	int err;

	portmon_slots_prepare();
	err = portmon_counters_init();
	if (err)
		return err;
	err = portmon_events_init();
	if (err)
		portmon_counters_exit();
	return err;
}

/**
 * portmon_tables_exit() - undo portmon_tables_init()
 */
void portmon_tables_exit(void)
{
	portmon_events_exit();
	portmon_counters_exit();
}
