/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables: one record for each scope, transport and port that has been
 * seen, and the buckets for what has no port.
 *
 * A port is cold at first: its record is one shared cache line of atomics.  A
 * port that proves busy is given a slot, one cache line on every CPU, that
 * the packet path reaches without touching the record.  A count is never
 * moved while it can change; a total is always record plus slot.
 */
#ifndef _PORTMON_COUNTERS_H
#define _PORTMON_COUNTERS_H

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/u64_stats_sync.h>
#include <uapi/linux/portmon.h>

#include "events.h"
#include "slots.h"

struct net;

#define PORTMON_SCOPES		(PORTMON_SCOPE_MAX + 1)
#define PORTMON_TRANSPORTS	(PORTMON_TRANSPORT_MAX + 1)
#define PORTMON_RANGES		(PORTMON_RANGE_MAX + 1)
#define PORTMON_HOOKS		(PORTMON_HOOK_MAX + 1)
#define PORTMON_FAMILIES	(PORTMON_FAMILY_MAX + 1)
#define PORTMON_BUCKETS		(PORTMON_BUCKET_MAX + 1)

/*
 * Packets arrive whether there is memory or not, and the reserves are not
 * there for counting them.
 */
#define PORTMON_GFP		(GFP_NOWAIT | __GFP_NOWARN)

/* So many packets in a row within a second make a port busy. */
#define PORTMON_BUSY		32

/* Default of the module parameter max_records. */
#define PORTMON_MAX_RECORDS	(4 * 65536)

/**
 * struct portmon_record - what is known of one port, shared by all CPUs
 * @dir: packets and network-layer bytes, by &enum portmon_dir. What a slot
 *	has counted is not in here; after a reset these are negative by what
 *	the slot held.
 * @last: jiffies of the latest packet that was counted here
 * @first: when the record was made, seconds since the epoch
 * @window: jiffies (low half) when the present row of packets began
 * @in_window: packets since then; decides whether the port is busy
 * @events: counters of what happened at the port now and then
 *
 * One cache line.
 */
struct portmon_record {
	struct {
		atomic64_t packets;
		atomic64_t bytes;
	} dir[PORTMON_DIRS];
	unsigned long last;
	time64_t first;
	u32 window;
	u32 in_window;
	struct portmon_counter *events;
};

/*
 * An entry of a leaf is the way to a port's counters: a slot where there is
 * one (bit 0 clear), else the record with bit 0 set, or this alone where no
 * packet of the port has come.
 */
#define PORTMON_COLD	1UL

struct portmon_leaf {
	unsigned long entry[256];
};

/* Is either without a slot? A slot's address has no bit of these two set. */
static __always_inline bool portmon_entries_cold(unsigned long one,
						 unsigned long other)
{
	return (one + other) & (PORTMON_COLD | PORTMON_COLD << 1);
}

/**
 * struct portmon_ports - the ports of one transport
 * @leaf: by scope and high byte of the port; never NULL, a shared empty leaf
 *	stands where nothing has been seen
 */
struct portmon_ports {
	struct portmon_leaf *leaf[PORTMON_SCOPES][256];
};

/* What is followed beside packets, where it is not switched off. */
enum portmon_follow {
	PORTMON_FOLLOW_LIFECYCLE,
	PORTMON_FOLLOW_DROPS,
	PORTMON_FOLLOWS
};

/* One CPU's part of what has no record. */
struct portmon_stats {
	struct portmon_pair bucket[PORTMON_HOOKS][PORTMON_FAMILIES][PORTMON_BUCKETS];
	struct portmon_pair overflow[PORTMON_TRANSPORTS][PORTMON_SCOPES]
				    [PORTMON_RANGES][PORTMON_DIRS];
};

/**
 * struct portmon_tables - all counters of one network namespace
 * @ports: by IP protocol; a shared empty one where it has no ports or none was
 *	seen
 * @followed: by IP protocol: TCP's flags that are counted, while lifecycle is
 *	followed
 * @protocols: records of protocols without ports: scope is the hook, the high
 *	byte the family, the low byte the protocol
 * @stats: per-CPU buckets and overflow
 * @base: what of @stats has been returned by resets; under @lock
 * @records: records in use
 * @blocks: bytes of leaves and directories
 * @slots: the per-CPU slots of busy ports
 * @events: events that had no counter, and the news
 * @net: the namespace
 * @following: by &enum portmon_follow: whether it is
 * @lock: serialises reading, resetting and taking slots back. Not held by
 *	the packet path.
 */
struct portmon_tables {
	struct portmon_ports *ports[256];
	u8 followed[256];
	struct portmon_stats __percpu *stats;
	struct portmon_ports *protocols;
	atomic_t records;
	atomic_t blocks;
	struct portmon_slots slots;
	struct portmon_events events;
	struct net *net;
	bool following[PORTMON_FOLLOWS];
	struct mutex lock;
	struct portmon_stats base;
};

/**
 * struct portmon_drop - packets of a port dropped for one reason
 * @packets: how many, on the wire
 * @first: the first, seconds since the epoch
 * @last: the latest, seconds since the epoch
 * @reason: of the kernel, or %PORTMON_REASON_OTHER
 */
struct portmon_drop {
	u64 packets;
	u32 first;
	u32 last;
	u16 reason;
};

/**
 * struct portmon_values - counters as a reader sees them
 * @packets: by &enum portmon_dir
 * @bytes: network-layer bytes, by &enum portmon_dir
 * @first: first packet, seconds since the epoch
 * @last: latest packet, seconds since the epoch
 * @has_tcp: something of @tcp is not zero
 * @n_drops: reasons in @drops
 * @tcp: by PORTMON_A_TCP_*; only where @has_tcp
 * @drops: drops by reason
 */
struct portmon_values {
	u64 packets[PORTMON_DIRS];
	u64 bytes[PORTMON_DIRS];
	time64_t first;
	time64_t last;
	bool has_tcp;
	u8 n_drops;
	u64 tcp[PORTMON_A_TCP_MAX + 1];
	struct portmon_drop drops[PORTMON_DROPS_MAX];
};

/**
 * struct portmon_filter - which ports a walk stops at
 * @scopes: bit mask of &enum portmon_scope
 * @transports: bit mask of &enum portmon_transport
 * @port_min: lowest port
 * @port_max: highest port
 */
struct portmon_filter {
	u8 scopes;
	u8 transports;
	u16 port_min;
	u16 port_max;
};

static inline struct portmon_record *portmon_entry_record(unsigned long entry)
{
	return (struct portmon_record *)(entry & ~PORTMON_COLD);
}

static inline struct portmon_slot __percpu *
portmon_entry_slot(unsigned long entry)
{
	return (struct portmon_slot __percpu *)entry;
}

/* The record behind an entry, whether or not it has a slot; may be NULL. */
static inline struct portmon_record *portmon_record(unsigned long entry)
{
	if (entry & PORTMON_COLD)
		return portmon_entry_record(entry);
	return portmon_slot_first(portmon_entry_slot(entry))->record;
}

/**
 * portmon_entry() - find the entry of a port
 * @ports: of the packet's transport
 * @scope: &enum portmon_scope
 * @hi: high byte of the port, as it lies in the packet
 * @lo: low byte
 *
 * Context: Packet path.
 * Return: the entry; in the shared empty leaf where the port is new.
 */
static __always_inline unsigned long *
portmon_entry(const struct portmon_ports *ports, unsigned int scope, u8 hi,
	      u8 lo)
{
	/*
	 * A leaf is replaced once, the empty one by its own: either will do. A
	 * volatile read would cost an instruction for the address.
	 */
	return &data_race(ports->leaf[scope][hi])->entry[lo];
}

/**
 * portmon_record_busy() - note a packet and ask whether the port is busy
 * @record: of the port
 * @now: jiffies
 *
 * The clock is looked at once in %PORTMON_BUSY packets. Races only make the
 * answer come a packet sooner or later.
 *
 * Context: Packet path.
 * Return: true if the last %PORTMON_BUSY packets took less than a second.
 */
static __always_inline bool portmon_record_busy(struct portmon_record *record,
						u32 now)
{
	u32 n = READ_ONCE(record->in_window) + 1, begun;

	if (likely(n < PORTMON_BUSY)) {
		WRITE_ONCE(record->in_window, n);
		return false;
	}
	begun = READ_ONCE(record->window);
	WRITE_ONCE(record->window, now);
	WRITE_ONCE(record->in_window, 0);
	return now - begun < HZ;
}

/**
 * portmon_entry_add() - count behind an entry that has a record
 * @e: the entry's value
 * @dir: direction
 * @packets: packets on the wire
 * @bytes: network-layer bytes
 * @now: jiffies
 *
 * Context: Packet path, under rcu_read_lock().
 * Return: true if this makes the port busy: give it a slot.
 */
static __always_inline bool
portmon_entry_add(unsigned long e, enum portmon_dir dir, u64 packets, u64 bytes,
		  unsigned long now)
{
	struct portmon_record *record;

	if (!(e & PORTMON_COLD)) {
		portmon_slot_add(portmon_entry_slot(e), dir, packets, bytes,
				 now);
		return false;
	}
	record = portmon_entry_record(e);
	atomic64_add(packets, &record->dir[dir].packets);
	atomic64_add(bytes, &record->dir[dir].bytes);
	WRITE_ONCE(record->last, now);
	return portmon_record_busy(record, now);
}

int portmon_ip_protocol(unsigned int transport);
int portmon_transport(u8 protocol);
enum portmon_range portmon_range(u16 port);
void portmon_range_span(enum portmon_range range, u16 *min, u16 *max);

struct portmon_record *portmon_port_add(struct portmon_tables *t,
					const struct portmon_key *key,
					enum portmon_dir dir, u64 packets,
					u64 bytes);
void portmon_protocol_add(struct portmon_tables *t, enum portmon_hook hook,
			  enum portmon_family family, u8 protocol,
			  u64 packets, u64 bytes);

struct portmon_record *portmon_record_find(struct portmon_tables *t,
					   const struct portmon_key *key);
struct portmon_record *portmon_record_get(struct portmon_tables *t,
					  const struct portmon_key *key);

unsigned long *portmon_walk(struct portmon_tables *t, struct portmon_key *key,
			    const struct portmon_filter *filter);
unsigned long *portmon_find(struct portmon_tables *t,
			    const struct portmon_key *key);
unsigned long *portmon_find_protocol(struct portmon_tables *t,
				     enum portmon_hook hook,
				     enum portmon_family family, u8 protocol);

void portmon_read(const struct portmon_tables *t, const unsigned long *entry,
		  struct portmon_values *v);
void portmon_subtract(const struct portmon_tables *t,
		      const unsigned long *entry,
		      const struct portmon_values *v);
struct portmon_pair portmon_stats_read(const struct portmon_tables *t,
				       const struct portmon_pair *which);

struct portmon_tables *portmon_tables_alloc(struct net *net);
void portmon_tables_free(struct portmon_tables *t);
size_t portmon_tables_memory(const struct portmon_tables *t);

int portmon_counters_init(void);
void portmon_counters_exit(void);

extern unsigned int portmon_max_records;

#endif
