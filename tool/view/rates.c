// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"
#include "view/rates.h"

/* Every counter of a record: a line for each member that is made of them. */
#define COUNTERS(member) \
	{ offsetof(struct record, member), \
	  sizeof(((struct record *)0)->member) / sizeof(uint64_t) }

static const struct {
	size_t offset;
	size_t n;
} counters[] = {
	COUNTERS(rx),
	COUNTERS(tx),
	COUNTERS(all),
	COUNTERS(tcp),
	COUNTERS(dropped),
};

static const uint64_t *counters_of(const struct record *r, size_t i)
{
	return (const uint64_t *)((const char *)r + counters[i].offset);
}

static bool went_back(const struct record *now, const struct record *before)
{
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(counters); i++)
		for (k = 0; k < counters[i].n; k++)
			if (counters_of(now, i)[k] < counters_of(before, i)[k])
				return true;
	return false;
}

static void subtract(struct record *from, const struct record *before)
{
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(counters); i++) {
		uint64_t *v = (uint64_t *)counters_of(from, i);

		for (k = 0; k < counters[i].n; k++)
			v[k] -= counters_of(before, i)[k];
	}
}

/**
 * rate_compare() - the order of records
 * @a: a port, an overflow record or a bucket
 * @b: another
 *
 * Return: less than, equal to or greater than 0. Ports come as the kernel
 * sends them, by scope, transport and number; what has no port comes last.
 */
int rate_compare(const struct record *a, const struct record *b)
{
	const int a_port = record_has(a, PORTMON_A_RECORD_PORT);
	const int b_port = record_has(b, PORTMON_A_RECORD_PORT);
	const int a_range = record_has(a, PORTMON_A_RECORD_RANGE);
	const int b_range = record_has(b, PORTMON_A_RECORD_RANGE);

	if (a_port != b_port)
		return b_port - a_port;
	if (a->scope != b->scope)
		return a->scope - b->scope;
	if (a->transport != b->transport)
		return a->transport - b->transport;
	if (a_port)
		return a->port - b->port;
	/* An overflow record of events without a counter has a scope only. */
	if (a_range != b_range)
		return b_range - a_range;
	if (a->range != b->range)
		return a->range - b->range;
	if (a->hook != b->hook)
		return a->hook - b->hook;
	if (a->family != b->family)
		return a->family - b->family;
	if (a->bucket != b->bucket)
		return a->bucket - b->bucket;
	return a->protocol - b->protocol;
}

static int compare_records(const void *a, const void *b)
{
	return rate_compare(a, b);
}

static void sort_records(struct records *list)
{
	size_t i;

	for (i = 1; i < list->n; i++) {
		if (rate_compare(&list->v[i - 1], &list->v[i]) > 0) {
			qsort(list->v, list->n, sizeof(*list->v),
			      compare_records);
			return;
		}
	}
}

/* Few of many ports do anything: only those have a history. */
static int remember(const struct rates *rates, struct rate *rate)
{
	const double bytes = (double)rate->delta.rx.bytes + rate->delta.tx.bytes;
	const double bits = rate_per_second(rates, 8 * bytes);

	if (!rate->history && bits > 0) {
		rate->history = calloc(RATES_HISTORY, sizeof(*rate->history));
		if (!rate->history)
			return -ENOMEM;
	}
	if (rate->history)
		rate->history[rates->readings % RATES_HISTORY] = bits;
	return 0;
}

static int fill_rate(struct rates *rates, struct rate *to,
		     const struct record *r, struct rate *before)
{
	to->total = *r;
	/* The list that holds these does not last as long. */
	to->total.drops = NULL;
	to->total.histograms = NULL;
	to->delta = to->total;
	if (before) {
		to->history = before->history;
		before->history = NULL;
	}
	/* The first reading has no earlier one to compare with. */
	if (!rates->readings)
		subtract(&to->delta, r);
	/*
	 * A counter reset in between: its present value is the difference
	 * after that, and all that is known.
	 */
	else if (before && went_back(r, &before->total))
		rates->set_back++;
	else if (before)
		subtract(&to->delta, &before->total);
	return remember(rates, to);
}

static void free_list(struct rate *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(v[i].history);
	free(v);
}

/**
 * rates_add() - one more reading of the counters
 * @rates: the previous readings, zeroed at first
 * @list: all of them as they are now, with those at zero or without; it is
 *   put in order
 * @at: when it was read, in seconds of the monotonic clock
 *
 * A record that was in no earlier reading has counted from zero, one that is
 * not in @list is forgotten.
 *
 * Return: 0, or -ENOMEM, after which @rates is only good to be freed.
 */
int rates_add(struct rates *rates, struct records *list, double at)
{
	struct rate *v = calloc(list->n ? list->n : 1, sizeof(*v));
	size_t i, old = 0;
	int err = 0;

	if (!v)
		return -ENOMEM;
	sort_records(list);
	rates->seconds = rates->readings ? at - rates->at : 0;
	rates->at = at;
	rates->set_back = 0;
	for (i = 0; i < list->n && !err; i++) {
		struct rate *before = NULL;
		int order = -1;

		while (old < rates->n) {
			order = rate_compare(&rates->v[old].total, &list->v[i]);
			if (order >= 0)
				break;
			old++;
		}
		if (!order)
			before = &rates->v[old];
		err = fill_rate(rates, &v[i], &list->v[i], before);
	}
	free_list(rates->v, rates->n);
	rates->v = v;
	rates->n = list->n;
	rates->readings++;
	return err;
}

/**
 * rate_per_second() - a difference as a rate
 * @rates: the readings
 * @delta: the differences between the last two
 *
 * Return: so much a second, 0 after a single reading.
 */
double rate_per_second(const struct rates *rates, double delta)
{
	return rates->seconds > 0 ? delta / rates->seconds : 0;
}

/**
 * rates_past() - how far the history goes back
 * @rates: the readings
 *
 * Return: how many rates there are of each record.
 */
unsigned int rates_past(const struct rates *rates)
{
	const unsigned int n = rates->readings ? rates->readings - 1 : 0;

	return n < RATES_HISTORY ? n : RATES_HISTORY;
}

/**
 * rate_history() - a rate of the past
 * @rates: the readings
 * @rate: one of their records
 * @ago: how many readings ago, 0 for the last; less than rates_past()
 *
 * Return: bits per second, both directions together.
 */
float rate_history(const struct rates *rates, const struct rate *rate,
		   unsigned int ago)
{
	if (!rate->history)
		return 0;
	return rate->history[(rates->readings - 1 - ago) % RATES_HISTORY];
}

static int compare_to_rate(const void *key, const void *rate)
{
	return rate_compare(key, &((const struct rate *)rate)->total);
}

/**
 * rates_find() - look a record up
 * @rates: the readings
 * @key: what rate_compare() goes by
 *
 * Return: the record or NULL.
 */
const struct rate *rates_find(const struct rates *rates,
			      const struct record *key)
{
	if (!rates->n)
		return NULL;
	return bsearch(key, rates->v, rates->n, sizeof(*rates->v),
		       compare_to_rate);
}

/**
 * rates_free() - forget all readings
 * @rates: what is forgotten; it can be used again
 */
void rates_free(struct rates *rates)
{
	free_list(rates->v, rates->n);
	*rates = (struct rates){ 0 };
}

/**
 * deltas_add() - one more snapshot
 * @delta: those before
 * @s: the snapshot, which is taken over; it is empty afterwards
 * @at: when it was read, in seconds of the monotonic clock
 *
 * Return: 0, or -ENOMEM, after which @delta is only good to be freed.
 */
int deltas_add(struct deltas *delta, struct snapshot *s, double at)
{
	size_t i;
	int err = 0;

	snapshot_free(&delta->before);
	delta->before = delta->last;
	delta->last = *s;
	*s = (struct snapshot){ 0 };
	s = &delta->last;
	for (i = 0; i < s->overflow.n && !err; i++)
		err = records_add(&s->ports, &s->overflow.v[i]);
	if (!err)
		err = rates_add(&delta->ports, &s->ports, at);
	if (!err)
		err = rates_add(&delta->other, &s->other, at);
	return err;
}

/* What a list that rates_add() has put in order knows of a record. */
static const struct record *find_record(const struct records *list,
					const struct record *key)
{
	return list->n ? bsearch(key, list->v, list->n, sizeof(*list->v),
				 compare_records) : NULL;
}

static uint64_t packets_before(const struct record *before,
			       const struct drop *drop)
{
	const struct drop *d = before ? before->drops : NULL;

	for (; d; d = d->next)
		if (!strcmp(d->reason, drop->reason))
			return d->packets <= drop->packets ? d->packets : 0;
	return 0;
}

/* rates knows how many were dropped, not why. */
static int add_drops(const struct deltas *delta, struct records *list,
		     struct record *r)
{
	const struct record *now = find_record(&delta->last.ports, r);
	const struct record *before = find_record(&delta->before.ports, r);
	const struct drop *d = now ? now->drops : NULL;

	/* A counter that was reset: its value is the difference. */
	if (before && now && before->dropped > now->dropped)
		before = NULL;
	for (; d; d = d->next) {
		const uint64_t packets = d->packets - packets_before(before, d);
		struct drop *to = packets ? records_drop(list, r) : NULL;

		if (packets && !to)
			return -1;
		if (!packets)
			continue;
		memcpy(to->reason, d->reason, sizeof(to->reason));
		to->packets = packets;
		to->first_seen = d->first_seen;
		to->last_seen = d->last_seen;
	}
	return 0;
}

static int add_record(const struct deltas *delta, struct records *to,
		      const struct record *r)
{
	struct record *copy = records_new(to);

	if (!copy)
		return -1;
	*copy = *r;
	copy->drops = NULL;
	copy->histograms = NULL;
	return r->dropped ? add_drops(delta, to, copy) : 0;
}

/**
 * deltas_get() - the differences between the last two snapshots
 * @delta: the snapshots
 * @f: which ports and overflow records
 * @out: records with the differences, only those where it is
 *   something; to release with snapshot_free()
 *
 * Return: 0 or -ENOMEM.
 */
int deltas_get(const struct deltas *delta, const struct filter *f,
	     struct snapshot *out)
{
	size_t i;
	int err = 0;

	*out = (struct snapshot){ 0 };
	for (i = 0; i < delta->ports.n && !err; i++) {
		const struct record *r = &delta->ports.v[i].delta;

		if (record_is_nothing(r) || !filter_takes(f, r))
			continue;
		err = add_record(delta, record_has(r, PORTMON_A_RECORD_PORT) ?
				 &out->ports : &out->overflow, r);
	}
	for (i = 0; i < delta->other.n && !err; i++)
		if (!record_is_nothing(&delta->other.v[i].delta))
			err = records_add(&out->other,
					  &delta->other.v[i].delta);
	if (!err)
		return 0;
	snapshot_free(out);
	return -ENOMEM;
}

/**
 * deltas_free() - forget all snapshots
 * @delta: what is forgotten; it can be used again
 */
void deltas_free(struct deltas *delta)
{
	rates_free(&delta->ports);
	rates_free(&delta->other);
	snapshot_free(&delta->last);
	snapshot_free(&delta->before);
}
