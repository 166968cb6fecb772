// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/came.h"

/**
 * came_add() - one more snapshot
 * @came: those before
 * @s: the snapshot, which is taken over; it is empty afterwards
 * @at: when it was read, in seconds of the monotonic clock
 *
 * Return: 0, or -ENOMEM, after which @came is only good to be freed.
 */
int came_add(struct came *came, struct snapshot *s, double at)
{
	size_t i;
	int err = 0;

	snapshot_free(&came->before);
	came->before = came->last;
	came->last = *s;
	*s = (struct snapshot){ 0 };
	s = &came->last;
	for (i = 0; i < s->overflow.n && !err; i++)
		err = records_add(&s->ports, &s->overflow.v[i]);
	if (!err)
		err = rates_add(&came->ports, &s->ports, at);
	if (!err)
		err = rates_add(&came->other, &s->other, at);
	return err;
}

static int compare(const void *a, const void *b)
{
	return rate_compare(a, b);
}

/* What a list that rates_add() has put in order knows of a record. */
static const struct record *find(const struct records *list,
				 const struct record *key)
{
	return list->n ? bsearch(key, list->v, list->n, sizeof(*list->v),
				 compare) : NULL;
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
static int add_drops(const struct came *came, struct records *list,
		     struct record *r)
{
	const struct record *now = find(&came->last.ports, r);
	const struct record *before = find(&came->before.ports, r);
	const struct drop *d = now ? now->drops : NULL;

	/* Of what was set back all came after that. */
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

static bool matches(const struct filter *f, const struct record *r)
{
	const bool port = record_has(r, PORTMON_A_RECORD_PORT);

	return (f->scope == ANY || f->scope == r->scope) &&
	       (f->transport == ANY || f->transport == r->transport) &&
	       (f->range == ANY || f->range == r->range) &&
	       (f->port == ANY || !port ||
		(r->port >= f->port && r->port <= f->port_max));
}

static int add(const struct came *came, struct records *to,
	       const struct record *r)
{
	struct record *copy = records_new(to);

	if (!copy)
		return -1;
	*copy = *r;
	copy->drops = NULL;
	return r->dropped ? add_drops(came, to, copy) : 0;
}

/**
 * came_get() - what came between the last two snapshots
 * @came: the snapshots
 * @f: which ports and overflow records
 * @out: records whose counters hold what came, only those where it is
 *   something; to release with snapshot_free()
 *
 * Return: 0 or -ENOMEM.
 */
int came_get(const struct came *came, const struct filter *f,
	     struct snapshot *out)
{
	size_t i;
	int err = 0;

	*out = (struct snapshot){ 0 };
	for (i = 0; i < came->ports.n && !err; i++) {
		const struct record *r = &came->ports.v[i].came;

		if (record_is_nothing(r) || !matches(f, r))
			continue;
		err = add(came, record_has(r, PORTMON_A_RECORD_PORT) ?
				&out->ports : &out->overflow, r);
	}
	for (i = 0; i < came->other.n && !err; i++)
		if (!record_is_nothing(&came->other.v[i].came))
			err = records_add(&out->other,
					  &came->other.v[i].came);
	if (!err)
		return 0;
	snapshot_free(out);
	return -ENOMEM;
}

/**
 * came_free() - forget all snapshots
 * @came: what is forgotten; it can be used again
 */
void came_free(struct came *came)
{
	rates_free(&came->ports);
	rates_free(&came->other);
	snapshot_free(&came->last);
	snapshot_free(&came->before);
}
