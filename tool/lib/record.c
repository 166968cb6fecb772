// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/record.h"
#include "lib/util.h"

/**
 * record_is_nothing() - has a record counted nothing?
 * @r: the record
 *
 * Return: whether all its counters are zero.
 */
bool record_is_nothing(const struct record *r)
{
	uint64_t any = r->rx.packets | r->tx.packets | r->all.packets |
		       r->dropped;
	unsigned int i;

	for (i = 0; i <= PORTMON_A_TCP_MAX; i++)
		any |= r->tcp[i];
	return !any;
}

/**
 * records_new() - append a record that is not filled in
 * @list: list to grow
 *
 * Return: the record, valid until the next one is added, or NULL.
 */
struct record *records_new(struct records *list)
{
	struct record *v = array_room(list->v, list->n, &list->cap, sizeof(*v));

	if (!v)
		return NULL;
	list->v = v;
	return &v[list->n++];
}

/**
 * records_drop() - append a drop that is not filled in to those of a record
 * @list: list that holds the record
 * @r: the record
 *
 * Return: the drop, or NULL.
 */
struct drop *records_drop(struct records *list, struct record *r)
{
	struct drop **at, *drop = calloc(1, sizeof(*drop));

	if (!drop)
		return NULL;
	for (at = &r->drops; *at; at = &(*at)->next)
		;
	*at = drop;
	drop->kept = list->drops;
	list->drops = drop;
	return drop;
}

/**
 * drop_add() - add the packets of a drop to another of the same reason
 * @to: the drop, of which nothing but the reason need be filled in yet
 * @drop: what is added
 */
void drop_add(struct drop *to, const struct drop *drop)
{
	to->packets = sum_add(to->packets, drop->packets);
	if (!to->first_seen || drop->first_seen < to->first_seen)
		to->first_seen = drop->first_seen;
	if (drop->last_seen > to->last_seen)
		to->last_seen = drop->last_seen;
}

/**
 * records_histograms() - give a record histograms that are all zero
 * @list: list that holds the record
 * @r: the record
 *
 * Return: the histograms, or NULL.
 */
struct histograms *records_histograms(struct records *list, struct record *r)
{
	struct histograms *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->kept = list->histograms;
	list->histograms = h;
	r->histograms = h;
	return h;
}

static int copy_histograms(struct records *list, struct record *to,
			   const struct histograms *from)
{
	struct histograms *h;

	to->histograms = NULL;
	if (!from)
		return 0;
	h = records_histograms(list, to);
	if (!h)
		return -ENOMEM;
	memcpy(h->of, from->of, sizeof(h->of));
	return 0;
}

static int copy_drops(struct records *list, struct record *to,
		      const struct drop *from)
{
	to->drops = NULL;
	for (; from; from = from->next) {
		struct drop *drop = records_drop(list, to);

		if (!drop)
			return -ENOMEM;
		memcpy(drop->reason, from->reason, sizeof(drop->reason));
		drop->packets = from->packets;
		drop->first_seen = from->first_seen;
		drop->last_seen = from->last_seen;
	}
	return 0;
}

/**
 * records_add() - append a copy of a record
 * @list: list to grow
 * @r: record to copy
 *
 * Return: 0 or -ENOMEM.
 */
int records_add(struct records *list, const struct record *r)
{
	struct record *to = records_new(list);

	if (!to)
		return -ENOMEM;
	*to = *r;
	return copy_drops(list, to, r->drops) ?:
	       copy_histograms(list, to, r->histograms);
}

static bool is_uncounted(const struct record *r)
{
	return !(r->has & (1u << PORTMON_A_RECORD_PORT |
			   1u << PORTMON_A_RECORD_TRANSPORT |
			   1u << PORTMON_A_RECORD_RANGE |
			   1u << PORTMON_A_RECORD_BUCKET));
}

static void join_events(struct record *to, const struct record *r)
{
	struct drop **at;
	unsigned int i;

	to->has |= r->has;
	for (i = 0; i <= PORTMON_A_TCP_MAX; i++)
		to->tcp[i] = sum_add(to->tcp[i], r->tcp[i]);
	to->dropped = sum_add(to->dropped, r->dropped);
	for (at = &to->drops; *at; at = &(*at)->next)
		;
	*at = r->drops;
}

/**
 * records_join() - make one of the overflow records of events of each scope
 * @list: overflow records
 *
 * Events without a counter have a scope only. Where they were of more kinds
 * than a message holds, the kernel sends several messages, of different kinds.
 */
void records_join(struct records *list)
{
	struct record *of[PORTMON_SCOPE_MAX + 1] = { NULL };
	size_t i, n = 0;

	for (i = 0; i < list->n; i++) {
		struct record *r = &list->v[i];
		const bool joins = is_uncounted(r) &&
				   r->scope <= PORTMON_SCOPE_MAX;

		if (joins && of[r->scope]) {
			join_events(of[r->scope], r);
			continue;
		}
		list->v[n] = *r;
		if (joins)
			of[r->scope] = &list->v[n];
		n++;
	}
	list->n = n;
}

/**
 * records_empty() - forget all records of a list, but keep the room for them
 * @list: list to empty
 */
void records_empty(struct records *list)
{
	struct histograms *h;
	struct drop *drop;

	while ((h = list->histograms)) {
		list->histograms = h->kept;
		free(h);
	}
	while ((drop = list->drops)) {
		list->drops = drop->kept;
		free(drop);
	}
	list->n = 0;
}

/**
 * records_free() - forget all records of a list
 * @list: list to empty; it can be used again
 */
void records_free(struct records *list)
{
	records_empty(list);
	free(list->v);
	*list = (struct records){ 0 };
}

/* The tracepoint that reports an event which no packet shows, or 0. */
static unsigned int tracepoint_of(unsigned int attr)
{
	switch (attr) {
	case PORTMON_A_TCP_ESTABLISHED:
	case PORTMON_A_TCP_FAILED:
		return PORTMON_TRACEPOINT_INET_SOCK_SET_STATE;
	case PORTMON_A_TCP_RETRANSMITTED:
		return PORTMON_TRACEPOINT_TCP_RETRANSMIT_SKB;
	case PORTMON_A_TCP_SYNACK_RETRANSMITTED:
		return PORTMON_TRACEPOINT_TCP_RETRANSMIT_SYNACK;
	}
	return 0;
}

/**
 * tcp_unknown() - is a TCP counter known, and if not, why
 * @info: state of the namespace, unless @r has one
 * @r: record of a port, a fold or of the overflow
 * @attr: PORTMON_A_TCP_*
 *
 * What was counted before it was switched off is still known.
 *
 * Return: KNOWN or the reason.
 */
enum unknown tcp_unknown(const struct info *info, const struct record *r,
			 unsigned int attr)
{
	const unsigned int tracepoint = tracepoint_of(attr);

	if (r->info)
		info = r->info;
	if (r->tcp[attr])
		return KNOWN;
	if (record_has(r, PORTMON_A_RECORD_TRANSPORT) &&
	    r->transport != PORTMON_TRANSPORT_TCP)
		return UNKNOWN_NO_TCP;
	if (tracepoint && r->scope == PORTMON_SCOPE_FORWARD)
		return UNKNOWN_FORWARD;
	if (info->missing & tracepoint)
		return UNKNOWN_MISSING;
	return info->lifecycle ? KNOWN : UNKNOWN_OFF;
}

/**
 * unanswered_unknown() - are unanswered SYNs known, and if not, why
 * @info: state of the namespace, unless @r has one
 * @r: record of a port, a fold or of the overflow
 *
 * Return: KNOWN or the reason.
 */
enum unknown unanswered_unknown(const struct info *info,
				const struct record *r)
{
	if (record_unanswered_at(r))
		return KNOWN;
	if (r->scope != PORTMON_SCOPE_LOCAL &&
	    r->scope != PORTMON_SCOPE_LOOPBACK)
		return record_has(r, PORTMON_A_RECORD_TRANSPORT) &&
		       r->transport != PORTMON_TRANSPORT_TCP ? UNKNOWN_NO_TCP :
							       UNKNOWN_FORWARD;
	return tcp_unknown(info, r, PORTMON_A_TCP_SYN_RECEIVED);
}

/**
 * drops_unknown() - are the drops of a port known, and if not, why
 * @info: state of the namespace, unless @r has one
 * @r: record of a port, a fold or of the overflow
 *
 * Return: KNOWN or the reason.
 */
enum unknown drops_unknown(const struct info *info, const struct record *r)
{
	if (r->info)
		info = r->info;
	if (r->drops || r->dropped)
		return KNOWN;
	if (info->missing & PORTMON_TRACEPOINT_KFREE_SKB)
		return UNKNOWN_MISSING;
	return info->counts_drops ? KNOWN : UNKNOWN_OFF;
}

static bool in_spans(const struct filter *f, const struct record *r)
{
	size_t i;

	for (i = 0; i < f->n_spans; i++)
		if (r->port >= f->spans[i].port &&
		    r->port <= f->spans[i].port_max &&
		    f->spans[i].transports & 1u << r->transport)
			return true;
	return !f->n_spans;
}

/**
 * filter_takes() - does a record match the request?
 * @f: the request
 * @r: the record; of ports, one without a port is always
 *
 * Return: whether it is.
 */
bool filter_takes(const struct filter *f, const struct record *r)
{
	if ((f->scope != ANY && f->scope != r->scope) ||
	    (f->scopes && !(f->scopes & 1u << r->scope)) ||
	    (f->transport != ANY && f->transport != r->transport) ||
	    (f->range != ANY && f->range != r->range))
		return false;
	if (f->port == ANY || !record_has(r, PORTMON_A_RECORD_PORT))
		return true;
	return r->port >= f->port && r->port <= f->port_max && in_spans(f, r);
}
