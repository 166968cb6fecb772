// SPDX-License-Identifier: GPL-2.0
/*
 * The attributes of the family's messages: one function for each thing, which
 * replies, dumps and notifications share.  What they mean is in
 * Documentation/netlink/specs/portmon.yaml.
 */
#include <linux/netlink.h>
#include <net/genetlink.h>
#include <net/ip.h>

#include "../include/portmon_version.h"
#include "compat.h"
#include "counters.h"
#include "drops.h"
#include "events.h"
#include "lifecycle.h"
#include "net.h"
#include "netlink.h"
#include "slots.h"
#include "sums.h"
#include "tables.h"

static int portmon_fill_refused(struct sk_buff *skb, struct portmon_tables *t)
{
	u64 records;

	mutex_lock(&t->lock);
	records = portmon_records_refused(t);
	mutex_unlock(&t->lock);
	if (nla_put_uint(skb, PORTMON_A_INFO_RECORDS_REFUSED, records) ||
	    nla_put_uint(skb, PORTMON_A_INFO_EVENTS_REFUSED,
			 portmon_events_refused(t)) ||
	    nla_put_uint(skb, PORTMON_A_INFO_HISTOGRAMS_REFUSED,
			 atomic64_read(&t->events.histograms_refused)))
		return -EMSGSIZE;
	return 0;
}

static int portmon_fill_tables(struct sk_buff *skb, struct portmon_tables *t)
{
	if (nla_put_u8(skb, PORTMON_A_INFO_LIFECYCLE,
		       t->following[PORTMON_FOLLOW_LIFECYCLE]) ||
	    nla_put_u8(skb, PORTMON_A_INFO_DROPS,
		       t->following[PORTMON_FOLLOW_DROPS]) ||
	    nla_put_u32(skb, PORTMON_A_INFO_RECORDS,
			atomic_read(&t->records)) ||
	    nla_put_u32(skb, PORTMON_A_INFO_SLOTS,
			portmon_slots_used(&t->slots)) ||
	    nla_put_u32(skb, PORTMON_A_INFO_SLOTS_MAX,
			t->slots.chunks_max * PORTMON_CHUNK_SLOTS) ||
	    nla_put_u32(skb, PORTMON_A_INFO_EVENTS,
			atomic_read(&t->events.used)) ||
	    nla_put_u32(skb, PORTMON_A_INFO_HISTOGRAMS,
			atomic_read(&t->events.histograms)) ||
	    nla_put_uint(skb, PORTMON_A_INFO_MEMORY,
			 portmon_tables_memory(t)))
		return -EMSGSIZE;
	return portmon_fill_refused(skb, t);
}

/**
 * portmon_fill_info() - put the module and the state of a namespace
 * @skb: message
 * @net: the namespace
 * @pn: portmon's state of it
 *
 * Context: Process context, may sleep; under the lock of @pn.
 * Return: 0 or -EMSGSIZE.
 */
int portmon_fill_info(struct sk_buff *skb, const struct net *net,
		      const struct portmon_net *pn)
{
	struct portmon_tables *t = pn->tables;
	u32 missing = portmon_follow_missing();
	int low, high;

	inet_get_local_port_range(net, &low, &high);
	if (nla_put_string(skb, PORTMON_A_INFO_VERSION, PORTMON_VERSION) ||
	    nla_put_u8(skb, PORTMON_A_INFO_ENABLED, !!t) ||
	    nla_put_u32(skb, PORTMON_A_INFO_GENERATION, pn->generation) ||
	    nla_put_u32(skb, PORTMON_A_INFO_RECORDS_MAX,
			READ_ONCE(portmon_max_records)) ||
	    nla_put_u32(skb, PORTMON_A_INFO_EVENTS_MAX,
			portmon_events_max()) ||
	    nla_put_u32(skb, PORTMON_A_INFO_HISTOGRAMS_MAX,
			portmon_histograms_max()) ||
	    nla_put_u16(skb, PORTMON_A_INFO_EPHEMERAL_MIN, low) ||
	    nla_put_u16(skb, PORTMON_A_INFO_EPHEMERAL_MAX, high))
		return -EMSGSIZE;
	if ((missing && nla_put_u32(skb, PORTMON_A_INFO_MISSING, missing)) ||
	    (net_eq(net, &init_net) &&
	     nla_put_uint(skb, PORTMON_A_INFO_DROPS_UNPLACED,
			  portmon_drops_unplaced())))
		return -EMSGSIZE;
	if (!t)
		return 0;
	if (nla_put_uint(skb, PORTMON_A_INFO_SINCE, pn->since))
		return -EMSGSIZE;
	return portmon_fill_tables(skb, t);
}

/*
 * Attributes of a record are written in one piece, after one look at the room
 * that is left: nla_put() takes 120 instructions for each attribute, and in a
 * dump that was most of the work.
 */
static __always_inline void *portmon_put(void *to, u16 type, const void *data,
					 u16 len)
{
	struct nlattr *nla = to;

	nla->nla_type = type;
	nla->nla_len = nla_attr_size(len);
	memset(to + nla_attr_size(len), 0, nla_padlen(len));
	memcpy(nla_data(nla), data, len);
	return to + nla_total_size(len);
}

static __always_inline void *portmon_put_u8(void *to, u16 type, u8 v)
{
	return portmon_put(to, type, &v, sizeof(v));
}

static __always_inline void *portmon_put_u16(void *to, u16 type, u16 v)
{
	return portmon_put(to, type, &v, sizeof(v));
}

/* Like nla_put_uint(). */
static void *portmon_put_uint(void *to, u16 type, u64 v)
{
	u32 v32 = v;

	return v == v32 ? portmon_put(to, type, &v32, sizeof(v32)) :
			  portmon_put(to, type, &v, sizeof(v));
}

/* At most: four numbers of 64 bits. */
#define PORTMON_VALUES_SIZE	(4 * nla_total_size(sizeof(u64)))

static void *portmon_put_values(void *to, const struct portmon_values *v)
{
	to = portmon_put_uint(to, PORTMON_A_RECORD_RX_PACKETS,
			      v->packets[PORTMON_RX]);
	to = portmon_put_uint(to, PORTMON_A_RECORD_RX_BYTES,
			      v->bytes[PORTMON_RX]);
	to = portmon_put_uint(to, PORTMON_A_RECORD_TX_PACKETS,
			      v->packets[PORTMON_TX]);
	return portmon_put_uint(to, PORTMON_A_RECORD_TX_BYTES,
				v->bytes[PORTMON_TX]);
}

/**
 * portmon_fill_values() - put packets and bytes of both directions
 * @skb: message
 * @v: values
 *
 * Return: 0 or -EMSGSIZE.
 */
int portmon_fill_values(struct sk_buff *skb, const struct portmon_values *v)
{
	void *tail = skb_tail_pointer(skb);

	if (skb_tailroom(skb) < PORTMON_VALUES_SIZE)
		return -EMSGSIZE;
	skb_put(skb, portmon_put_values(tail, v) - tail);
	return 0;
}

static int portmon_fill_tcp(struct sk_buff *skb, const u64 *tcp)
{
	struct nlattr *nest = nla_nest_start(skb, PORTMON_A_RECORD_TCP);
	void *tail = skb_tail_pointer(skb), *to = tail;
	unsigned int i;

	if (!nest ||
	    skb_tailroom(skb) < PORTMON_A_TCP_MAX * nla_total_size(sizeof(u64)))
		return -EMSGSIZE;
	for (i = 1; i <= PORTMON_A_TCP_MAX; i++)
		if (tcp[i])
			to = portmon_put_uint(to, i, tcp[i]);
	skb_put(skb, to - tail);
	nla_nest_end(skb, nest);
	return 0;
}

static int portmon_fill_drop(struct sk_buff *skb, const struct portmon_drop *d)
{
	struct nlattr *nest = nla_nest_start(skb, PORTMON_A_RECORD_DROPS);
	void *tail = skb_tail_pointer(skb), *to = tail;
	const char *reason = portmon_reason_name(d->reason);
	u16 size = strlen(reason) + 1;

	if (!nest || skb_tailroom(skb) <
		     nla_total_size(size) + 3 * nla_total_size(sizeof(u64)))
		return -EMSGSIZE;
	to = portmon_put(to, PORTMON_A_DROP_REASON, reason, size);
	to = portmon_put_uint(to, PORTMON_A_DROP_PACKETS, d->packets);
	/* The overflow does not know. */
	if (d->last) {
		to = portmon_put_uint(to, PORTMON_A_DROP_FIRST_SEEN, d->first);
		to = portmon_put_uint(to, PORTMON_A_DROP_LAST_SEEN, d->last);
	}
	skb_put(skb, to - tail);
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * portmon_fill_events() - put TCP events and drops, if there are any
 * @skb: message, to be cancelled as a whole where this fails
 * @v: values
 *
 * Return: 0 or -EMSGSIZE.
 */
int portmon_fill_events(struct sk_buff *skb, const struct portmon_values *v)
{
	unsigned int i;

	if (v->has_tcp && portmon_fill_tcp(skb, v->tcp))
		return -EMSGSIZE;
	for (i = 0; i < v->n_drops; i++)
		if (portmon_fill_drop(skb, &v->drops[i]))
			return -EMSGSIZE;
	return 0;
}

static int portmon_fill_histogram(struct sk_buff *skb, unsigned int which,
				  const u64 *bucket)
{
	unsigned int n = PORTMON_HISTOGRAM_BUCKETS;

	while (n && !bucket[n - 1])
		n--;
	return n ? nla_put(skb, which, n * sizeof(*bucket), bucket) : 0;
}

/**
 * portmon_fill_histograms() - put histograms, if any were read
 * @skb: message, to be cancelled as a whole where this fails
 * @v: values
 *
 * Return: 0 or -EMSGSIZE.
 */
int portmon_fill_histograms(struct sk_buff *skb, const struct portmon_values *v)
{
	struct nlattr *nest;
	unsigned int i;

	if (!v->histograms)
		return 0;
	nest = nla_nest_start(skb, PORTMON_A_RECORD_HISTOGRAMS);
	if (!nest)
		return -EMSGSIZE;
	for (i = 1; i <= PORTMON_A_HISTOGRAMS_MAX; i++)
		if (portmon_fill_histogram(skb, i, v->histograms->bucket[i - 1]))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* At most, without events and histograms. */
#define PORTMON_PORT_SIZE	(3 * nla_total_size(sizeof(u8)) +	\
				 nla_total_size(sizeof(u16)) +		\
				 2 * nla_total_size(sizeof(u64)) +	\
				 PORTMON_VALUES_SIZE)

/**
 * portmon_fill_port() - put a port's record
 * @skb: message
 * @key: the port
 * @v: its values
 *
 * The one place for get, dump and reset.
 *
 * Return: 0 or -EMSGSIZE.
 */
int portmon_fill_port(struct sk_buff *skb, const struct portmon_key *key,
		      const struct portmon_values *v)
{
	void *tail = skb_tail_pointer(skb), *to = tail;

	if (skb_tailroom(skb) < PORTMON_PORT_SIZE)
		return -EMSGSIZE;
	to = portmon_put_u8(to, PORTMON_A_RECORD_SCOPE, key->scope);
	to = portmon_put_u8(to, PORTMON_A_RECORD_TRANSPORT, key->transport);
	to = portmon_put_u16(to, PORTMON_A_RECORD_PORT, key->port);
	to = portmon_put_u8(to, PORTMON_A_RECORD_RANGE,
			    portmon_range(key->port));
	to = portmon_put_values(to, v);
	to = portmon_put_uint(to, PORTMON_A_RECORD_FIRST_SEEN, v->first);
	to = portmon_put_uint(to, PORTMON_A_RECORD_LAST_SEEN, v->last);
	skb_put(skb, to - tail);
	return portmon_fill_events(skb, v) ?: portmon_fill_histograms(skb, v);
}
