// SPDX-License-Identifier: GPL-2.0
/*
 * Histograms of a port's connections: add a sample, read, reset.
 *
 * They are an event counter of a kind of its own, with the buckets behind it,
 * and are found and freed with the others.
 */
#include <linux/preempt.h>
#include <linux/rcupdate.h>

#include "counters.h"
#include "events.h"
#include "histograms.h"
#include "notices.h"

static struct portmon_histograms *
portmon_histograms(const struct portmon_counter *head)
{
	return container_of(head, struct portmon_histograms, head);
}

static void portmon_histograms_count(struct portmon_histograms *h, u64 sample)
{
	unsigned int i, bucket;

	for (i = 0; i < ARRAY_SIZE(h->bucket); i++, sample >>= 8) {
		bucket = sample & 0xff;
		if (bucket < PORTMON_HISTOGRAM_BUCKETS)
			atomic64_inc(&h->bucket[i][bucket]);
	}
}

/* Find or make the histograms of a port; NULL if that cannot be done here. */
static struct portmon_histograms *
portmon_histograms_get(struct portmon_tables *t, const struct portmon_key *key)
{
	struct portmon_record *record = portmon_record_get(t, key);
	struct portmon_counter *head = NULL;

	if (record)
		head = portmon_histograms_head(t, record, key->scope);
	return head ? portmon_histograms(head) : NULL;
}

/**
 * portmon_histograms_add() - add a sample to the histograms of a port
 * @t: tables of the namespace
 * @key: the port
 * @sample: made by portmon_sample()
 *
 * Context: Any, under rcu_read_lock().
 */
void portmon_histograms_add(struct portmon_tables *t,
			    const struct portmon_key *key, u64 sample)
{
	struct portmon_record *record = portmon_record_find(t, key);
	struct portmon_histograms *h = NULL;
	struct portmon_counter *head = NULL;

	BUILD_BUG_ON(PORTMON_A_HISTOGRAMS_MAX > sizeof(sample));
	if (sample == PORTMON_SAMPLE_NONE)
		return;
	if (record)
		head = portmon_event_find(READ_ONCE(record->events), NULL,
					  PORTMON_KIND_HISTOGRAMS);
	if (likely(head))
		h = portmon_histograms(head);
	else if (!IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible())
		h = portmon_histograms_get(t, key);
	else if (portmon_notice_defer(t, key, PORTMON_KIND_HISTOGRAMS, sample))
		return;
	if (h)
		portmon_histograms_count(h, sample);
	else
		atomic64_inc(&t->events.histograms_refused);
}

/**
 * portmon_histograms_zero() - have they no sample?
 * @head: of histograms
 *
 * Return: true if so.
 */
bool portmon_histograms_zero(const struct portmon_counter *head)
{
	const struct portmon_histograms *h = portmon_histograms(head);
	unsigned int i, bucket;

	for (i = 0; i < ARRAY_SIZE(h->bucket); i++)
		for (bucket = 0; bucket < PORTMON_HISTOGRAM_BUCKETS; bucket++)
			if (atomic64_read(&h->bucket[i][bucket]))
				return false;
	return true;
}

/**
 * portmon_histograms_merge() - give histograms to a port's record
 * @t: tables of the namespace
 * @record: of the port
 * @head: of the histograms, in no list; nobody else has them
 *
 * A record without histograms takes these themselves.  They are charged and
 * need no memory, so no sample is lost where no more can be made.
 *
 * Context: Process context, where the record stays.
 */
void portmon_histograms_merge(struct portmon_tables *t,
			      struct portmon_record *record,
			      struct portmon_counter *head)
{
	const struct portmon_histograms *from = portmon_histograms(head);
	struct portmon_counter *has = portmon_event_enter(record, head);
	struct portmon_histograms *to;
	unsigned int i, bucket;

	if (has == head)
		return;
	to = portmon_histograms(has);
	for (i = 0; i < ARRAY_SIZE(to->bucket); i++)
		for (bucket = 0; bucket < PORTMON_HISTOGRAM_BUCKETS; bucket++)
			atomic64_add(atomic64_read(&from->bucket[i][bucket]),
				     &to->bucket[i][bucket]);
	head->next = NULL;
	portmon_events_free(t, head);
}

/**
 * portmon_histograms_read() - read the histograms of a port
 * @t: tables of the namespace
 * @events: of the port's record
 * @v: its @histograms set to what was read, or NULL if all are zero
 *
 * Context: Under the tables' lock, to which what was read belongs: it is
 * valid until the next call.
 */
void portmon_histograms_read(struct portmon_tables *t,
			     const struct portmon_counter *events,
			     struct portmon_values *v)
{
	struct portmon_counter *head;
	struct portmon_histograms *h;
	unsigned int i, bucket;
	u64 any = 0;

	lockdep_assert_held(&t->lock);
	v->histograms = NULL;
	head = portmon_event_find((struct portmon_counter *)events, NULL,
				  PORTMON_KIND_HISTOGRAMS);
	if (!head)
		return;
	h = portmon_histograms(head);
	for (i = 0; i < ARRAY_SIZE(h->bucket); i++)
		for (bucket = 0; bucket < PORTMON_HISTOGRAM_BUCKETS; bucket++)
			any |= t->histograms.bucket[i][bucket] =
				atomic64_read(&h->bucket[i][bucket]);
	if (any)
		v->histograms = &t->histograms;
}

/**
 * portmon_histograms_subtract() - subtract what a reset has returned
 * @events: of the port's record
 * @v: values with what portmon_histograms_read() gave
 *
 * Context: Under the same hold of the tables' lock as the read.
 */
void portmon_histograms_subtract(struct portmon_counter *events,
				 const struct portmon_values *v)
{
	const struct portmon_histogram_values *read = v->histograms;
	struct portmon_histograms *h;
	unsigned int i, bucket;

	if (!read)
		return;
	h = portmon_histograms(portmon_event_find(events, NULL,
						  PORTMON_KIND_HISTOGRAMS));
	for (i = 0; i < ARRAY_SIZE(h->bucket); i++)
		for (bucket = 0; bucket < PORTMON_HISTOGRAM_BUCKETS; bucket++)
			if (read->bucket[i][bucket])
				atomic64_sub(read->bucket[i][bucket],
					     &h->bucket[i][bucket]);
}
