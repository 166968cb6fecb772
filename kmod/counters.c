// SPDX-License-Identifier: GPL-2.0
/* Records: found, made, counted in, walked over, within a bound. */
#include <linux/in.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "counters.h"
#include "notices.h"

static struct kmem_cache *portmon_record_cache;
unsigned int portmon_max_records = PORTMON_MAX_RECORDS;

static struct portmon_leaf portmon_empty_leaf __ro_after_init;
static struct portmon_ports portmon_empty_ports __ro_after_init;

/**
 * portmon_ip_protocol() - IP protocol number of a transport
 * @transport: &enum portmon_transport
 *
 * Return: the number (IANA protocol numbers), or -1.
 */
int portmon_ip_protocol(unsigned int transport)
{
	static const u8 protocol[PORTMON_TRANSPORTS] = {
		[PORTMON_TRANSPORT_TCP] = IPPROTO_TCP,
		[PORTMON_TRANSPORT_UDP] = IPPROTO_UDP,
		[PORTMON_TRANSPORT_UDPLITE] = IPPROTO_UDPLITE,
		[PORTMON_TRANSPORT_SCTP] = IPPROTO_SCTP,
		[PORTMON_TRANSPORT_DCCP] = IPPROTO_DCCP,
	};

	return transport < PORTMON_TRANSPORTS ? protocol[transport] : -1;
}

/**
 * portmon_transport() - transport of an IP protocol
 * @protocol: IP protocol number
 *
 * Return: &enum portmon_transport, or -1 where the protocol has no ports.
 */
int portmon_transport(u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return PORTMON_TRANSPORT_TCP;
	case IPPROTO_UDP:
		return PORTMON_TRANSPORT_UDP;
	case IPPROTO_UDPLITE:
		return PORTMON_TRANSPORT_UDPLITE;
	case IPPROTO_SCTP:
		return PORTMON_TRANSPORT_SCTP;
	case IPPROTO_DCCP:
		return PORTMON_TRANSPORT_DCCP;
	default:
		return -1;
	}
}

/**
 * portmon_range_span() - first and last port of an IANA range (RFC 6335)
 * @range: the range
 * @min: set to its first port
 * @max: set to its last port
 */
void portmon_range_span(enum portmon_range range, u16 *min, u16 *max)
{
	static const u16 first[PORTMON_RANGES] = { 0, 1024, 49152 };

	*min = first[range];
	*max = range == PORTMON_RANGE_MAX ? U16_MAX : first[range + 1] - 1;
}

/**
 * portmon_range() - IANA range of a port
 * @port: in host byte order
 *
 * Return: the range.
 */
enum portmon_range portmon_range(u16 port)
{
	unsigned int range;
	u16 min, max;

	for (range = 0; range < PORTMON_RANGE_MAX; range++) {
		portmon_range_span(range, &min, &max);
		if (port <= max)
			break;
	}
	return range;
}

static struct portmon_ports *portmon_ports_alloc(struct portmon_tables *t)
{
	struct portmon_ports *p = kmalloc(sizeof(*p), PORTMON_GFP);

	if (!p)
		return NULL;
	*p = portmon_empty_ports;
	atomic_add(sizeof(*p), &t->blocks);
	return p;
}

/* The directory at @where, made if it is not there. */
static struct portmon_ports *portmon_ports(struct portmon_tables *t,
					   struct portmon_ports **where)
{
	struct portmon_ports *p = READ_ONCE(*where), *other;

	if (likely(p != &portmon_empty_ports))
		return p;
	p = portmon_ports_alloc(t);
	if (!p)
		return NULL;
	other = cmpxchg(where, &portmon_empty_ports, p);
	if (other == &portmon_empty_ports)
		return p;
	atomic_sub(sizeof(*p), &t->blocks);
	kfree(p);
	return other;
}

static bool portmon_leaf_make(struct portmon_tables *t,
			      struct portmon_leaf **where)
{
	struct portmon_leaf *leaf = kmalloc(sizeof(*leaf), PORTMON_GFP);

	if (!leaf)
		return false;
	*leaf = portmon_empty_leaf;
	atomic_add(sizeof(*leaf), &t->blocks);
	if (cmpxchg(where, &portmon_empty_leaf, leaf) != &portmon_empty_leaf) {
		atomic_sub(sizeof(*leaf), &t->blocks);
		kfree(leaf);
	}
	return true;
}

/* Make the record of a port; true when @entry has one after it, sets @made. */
static bool portmon_record_make(struct portmon_tables *t, unsigned long *entry,
				bool *made)
{
	unsigned int max = READ_ONCE(portmon_max_records);
	struct portmon_record *record;

	/* Before the allocation: past the limit a flood writes to no shared line. */
	if (atomic_read(&t->records) >= max)
		return READ_ONCE(*entry) != PORTMON_COLD;
	if (atomic_inc_return(&t->records) > max)
		goto err_uncount;
	record = kmem_cache_zalloc(portmon_record_cache, PORTMON_GFP);
	if (!record)
		goto err_uncount;
	record->first = ktime_get_real_seconds();
	record->last = jiffies;
	record->window = (u32)jiffies;
	if (cmpxchg(entry, PORTMON_COLD, (unsigned long)record | PORTMON_COLD) ==
	    PORTMON_COLD) {
		*made = true;
		return true;
	}

	/* Another CPU was quicker. */
	kmem_cache_free(portmon_record_cache, record);
	atomic_dec(&t->records);
	return true;

err_uncount:
	atomic_dec(&t->records);
	return READ_ONCE(*entry) != PORTMON_COLD;
}

/*
 * The entry of a port with a record behind it, NULL if none is available. Sets
 * @e to its value, since the entry may lose the record again (tidy.c).
 */
static unsigned long *portmon_entry_make(struct portmon_tables *t,
					 struct portmon_ports **where,
					 unsigned int scope, u8 hi, u8 lo,
					 unsigned long *e, bool *made)
{
	struct portmon_ports *p = portmon_ports(t, where);
	struct portmon_leaf **leaf;
	unsigned long *entry;

	*made = false;
	if (unlikely(!p))
		return NULL;
	leaf = &p->leaf[scope][hi];
	if (unlikely(READ_ONCE(*leaf) == &portmon_empty_leaf) &&
	    !portmon_leaf_make(t, leaf))
		return NULL;
	entry = &READ_ONCE(*leaf)->entry[lo];
	while (unlikely((*e = READ_ONCE(*entry)) == PORTMON_COLD))
		if (!portmon_record_make(t, entry, made))
			return NULL;
	return entry;
}

/**
 * portmon_port_add() - count in a port's record, or in the overflow
 * @t: tables of the namespace
 * @key: the port
 * @dir: direction
 * @packets: packets on the wire
 * @bytes: network-layer bytes
 *
 * Finds or makes the record. Without one the overflow of the transport, scope
 * and range takes the count.
 *
 * Context: Packet path, under rcu_read_lock().
 * Return: the record, or NULL.
 */
struct portmon_record *portmon_port_add(struct portmon_tables *t,
					const struct portmon_key *key,
					enum portmon_dir dir, u64 packets,
					u64 bytes)
{
	struct portmon_ports **where = &t->ports[portmon_ip_protocol(key->transport)];
	unsigned long *entry, e;
	bool made;

	entry = portmon_entry_make(t, where, key->scope, key->port >> 8,
				   key->port & 0xff, &e, &made);
	if (unlikely(!entry)) {
		portmon_pair_add(&t->stats->overflow[key->transport][key->scope]
					[portmon_range(key->port)][dir],
				 packets, bytes);
		return NULL;
	}
	if (unlikely(portmon_entry_add(e, dir, packets, bytes, jiffies)))
		portmon_slot_give(t, entry);
	if (unlikely(made) && key->scope == PORTMON_SCOPE_LOCAL &&
	    dir == PORTMON_RX)
		portmon_notice_report(t, PORTMON_EVENT_NEW_PORT, key, 0, 0);
	return portmon_record(e);
}

/**
 * portmon_protocol_add() - count a packet of a protocol without ports
 * @t: tables of the namespace
 * @hook: where it passed
 * @family: its network layer
 * @protocol: IP protocol number
 * @packets: packets on the wire
 * @bytes: network-layer bytes
 *
 * Context: Packet path, under rcu_read_lock().
 */
void portmon_protocol_add(struct portmon_tables *t, enum portmon_hook hook,
			  enum portmon_family family, u8 protocol,
			  u64 packets, u64 bytes)
{
	unsigned long *entry, e;
	bool made;

	entry = portmon_entry_make(t, &t->protocols, hook, family, protocol,
				   &e, &made);
	if (unlikely(entry &&
		     portmon_entry_add(e, PORTMON_RX, packets, bytes, jiffies)))
		portmon_slot_give(t, entry);
	else if (unlikely(!entry))
		portmon_pair_add(&t->stats->bucket[hook][family]
					[PORTMON_BUCKET_PROTOCOL],
				 packets, bytes);
}

static unsigned long *portmon_entry_find(struct portmon_ports *p,
					 unsigned int scope, u8 hi, u8 lo)
{
	unsigned long *entry = portmon_entry(p, scope, hi, lo);

	return READ_ONCE(*entry) == PORTMON_COLD ? NULL : entry;
}

/**
 * portmon_find() - find the entry of a port that has been seen
 * @t: tables of the namespace
 * @key: the port
 *
 * Return: the entry, NULL if the port has no record.
 */
unsigned long *portmon_find(struct portmon_tables *t,
			    const struct portmon_key *key)
{
	return portmon_entry_find(READ_ONCE(t->ports[portmon_ip_protocol(key->transport)]),
				  key->scope, key->port >> 8, key->port & 0xff);
}

/**
 * portmon_find_protocol() - find the entry of a protocol without ports
 * @t: tables of the namespace
 * @hook: hook
 * @family: network layer
 * @protocol: IP protocol number
 *
 * Return: the entry, NULL if no packet of it has passed.
 */
unsigned long *portmon_find_protocol(struct portmon_tables *t,
				     enum portmon_hook hook,
				     enum portmon_family family, u8 protocol)
{
	return portmon_entry_find(READ_ONCE(t->protocols), hook, family,
				  protocol);
}

/**
 * portmon_record_find() - find the record of a port
 * @t: tables of the namespace
 * @key: the port
 *
 * Context: Any, under rcu_read_lock().
 * Return: the record, NULL if there is none.
 */
struct portmon_record *portmon_record_find(struct portmon_tables *t,
					   const struct portmon_key *key)
{
	const unsigned long *entry = portmon_find(t, key);

	return entry ? portmon_record(READ_ONCE(*entry)) : NULL;
}

/**
 * portmon_record_get() - find or make the record of a port
 * @t: tables of the namespace
 * @key: the port
 *
 * Context: Any where memory may be allocated, under rcu_read_lock().
 * Return: the record, NULL if none is available.
 */
struct portmon_record *portmon_record_get(struct portmon_tables *t,
					  const struct portmon_key *key)
{
	unsigned long *entry, e;
	bool made;

	entry = portmon_entry_make(t, &t->ports[portmon_ip_protocol(key->transport)],
				   key->scope, key->port >> 8, key->port & 0xff,
				   &e, &made);
	return entry ? portmon_record(e) : NULL;
}

/* The first entry at or after @port and up to @max; sets @port. */
static unsigned long *portmon_walk_ports(struct portmon_ports *p,
					 unsigned int scope, u32 *port, u32 max)
{
	const struct portmon_leaf *leaf;

	while (*port <= max) {
		if (!(*port & 0xff))
			cond_resched();
		leaf = READ_ONCE(p->leaf[scope][*port >> 8]);
		if (leaf == &portmon_empty_leaf) {
			*port = (*port | 0xff) + 1;
			continue;
		}
		if (READ_ONCE(leaf->entry[*port & 0xff]) != PORTMON_COLD)
			return (unsigned long *)&leaf->entry[*port & 0xff];
		++*port;
	}
	return NULL;
}

/**
 * portmon_walk() - find the next port that has a record
 * @t: tables of the namespace
 * @key: where to begin; set to the port found
 * @filter: which ports to stop at
 *
 * In the order scope, transport, port. To continue, add one to key->port.
 *
 * Context: Process context, may sleep; the tables must stay.
 * Return: the entry, NULL at the end.
 */
unsigned long *portmon_walk(struct portmon_tables *t, struct portmon_key *key,
			    const struct portmon_filter *filter)
{
	struct portmon_ports *p;
	unsigned long *entry;

	for (; key->scope < PORTMON_SCOPES; key->scope++, key->transport = 0) {
		for (; key->transport < PORTMON_TRANSPORTS;
		     key->transport++, key->port = 0) {
			p = READ_ONCE(t->ports[portmon_ip_protocol(key->transport)]);
			if (p == &portmon_empty_ports ||
			    !(filter->scopes & BIT(key->scope)) ||
			    !(filter->transports & BIT(key->transport)))
				continue;
			key->port = max_t(u32, key->port, filter->port_min);
			entry = portmon_walk_ports(p, key->scope, &key->port,
						   filter->port_max);
			if (entry)
				return entry;
			cond_resched();
		}
	}
	return NULL;
}

/**
 * portmon_record_free() - free a record
 * @record: the record, without event counters; nobody has it, and it is no
 *	longer counted in the tables' @records
 */
void portmon_record_free(struct portmon_record *record)
{
	kmem_cache_free(portmon_record_cache, record);
}

/* @forget is called with each record before it is freed. */
static void portmon_leaf_free(struct portmon_tables *t,
			      struct portmon_leaf *leaf,
			      void (*forget)(struct portmon_tables *t,
					     struct portmon_record *record))
{
	struct portmon_record *record;
	unsigned int lo;

	for (lo = 0; lo < ARRAY_SIZE(leaf->entry); lo++) {
		record = portmon_record(leaf->entry[lo]);
		if (!record)
			continue;
		forget(t, record);
		atomic_dec(&t->records);
		portmon_record_free(record);
	}
	kfree(leaf);
}

/**
 * portmon_ports_free() - free a directory with its records
 * @t: tables of the namespace
 * @p: the directory, which may be the shared empty one
 * @forget: called with each record before it is freed
 *
 * Context: Process context, may sleep. No packet path and no reader has it.
 */
void portmon_ports_free(struct portmon_tables *t, struct portmon_ports *p,
			void (*forget)(struct portmon_tables *t,
				       struct portmon_record *record))
{
	unsigned int scope, hi;

	if (p == &portmon_empty_ports)
		return;
	for (scope = 0; scope < PORTMON_SCOPES; scope++) {
		for (hi = 0; hi < ARRAY_SIZE(p->leaf[scope]); hi++)
			if (p->leaf[scope][hi] != &portmon_empty_leaf)
				portmon_leaf_free(t, p->leaf[scope][hi],
						  forget);
		cond_resched();
	}
	kfree(p);
}

/**
 * portmon_ports_start() - prepare the directories of new tables
 * @t: the tables
 */
void portmon_ports_start(struct portmon_tables *t)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t->ports); i++)
		t->ports[i] = &portmon_empty_ports;
	t->protocols = &portmon_empty_ports;
}

/**
 * portmon_counters_init() - prepare what all tables share
 *
 * Return: 0 or -ENOMEM.
 */
int __init portmon_counters_init(void)
{
	unsigned int scope, i;

	for (i = 0; i < ARRAY_SIZE(portmon_empty_leaf.entry); i++)
		portmon_empty_leaf.entry[i] = PORTMON_COLD;
	for (scope = 0; scope < PORTMON_SCOPES; scope++)
		for (i = 0; i < ARRAY_SIZE(portmon_empty_ports.leaf[scope]); i++)
			portmon_empty_ports.leaf[scope][i] = &portmon_empty_leaf;
	portmon_record_cache = KMEM_CACHE(portmon_record, SLAB_HWCACHE_ALIGN);
	return portmon_record_cache ? 0 : -ENOMEM;
}

/**
 * portmon_counters_exit() - undo portmon_counters_init()
 */
void portmon_counters_exit(void)
{
	kmem_cache_destroy(portmon_record_cache);
}
