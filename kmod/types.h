/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tables of a network namespace are made of: one record for each
 * scope, transport and port that has been seen, and buckets for what has no
 * port.  Data only; the functions are in the files above this.
 *
 * A port is cold at first: its record is one shared cache line of atomics.  A
 * port that proves busy is given a slot, one cache line on every CPU, that
 * the packet path reaches without touching the record.  A count is never
 * moved while it can change; a total is always record plus slot.
 */
#ifndef _PORTMON_TYPES_H
#define _PORTMON_TYPES_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/time64.h>
#include <linux/workqueue.h>
#include <net/dropreason.h>
#include <uapi/linux/portmon.h>

#include "compat.h"

struct net;

#define PORTMON_SCOPES		(PORTMON_SCOPE_MAX + 1)
#define PORTMON_TRANSPORTS	(PORTMON_TRANSPORT_MAX + 1)
#define PORTMON_RANGES		(PORTMON_RANGE_MAX + 1)
#define PORTMON_HOOKS		(PORTMON_HOOK_MAX + 1)
#define PORTMON_FAMILIES	(PORTMON_FAMILY_MAX + 1)
#define PORTMON_BUCKETS		(PORTMON_BUCKET_MAX + 1)

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

/* A kind that is no event: the head of a port's histograms. */
#define PORTMON_KIND_HISTOGRAMS	0

/* So many reasons of drops a port has counters for. */
#define PORTMON_DROPS_MAX	12

/*
 * Packets arrive whether there is memory or not, and the reserves are not
 * there for counting them.
 */
#define PORTMON_GFP		(GFP_NOWAIT | __GFP_NOWARN)

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

enum portmon_dir {
	PORTMON_RX,
	PORTMON_TX,
	PORTMON_DIRS
};

/* Packets and network-layer bytes, per CPU wherever it is used. */
struct portmon_pair {
	u64 packets;
	u64 bytes;
};

/* Where a counter lies; the second of two is spare until it is in the list. */
enum portmon_place {
	PORTMON_PLACE_ALONE,
	PORTMON_PLACE_SPARE,	/* the first of two, whose second is spare */
	PORTMON_PLACE_FIRST,
	PORTMON_PLACE_SECOND,
};

/**
 * struct portmon_counter - the counter of one kind of event at one port
 * @next: the port's next one
 * @count: events since the last reset
 * @first: when the first happened, seconds since the epoch
 * @last: when the latest happened, seconds since the epoch
 * @kind: which
 * @burst: how many came without a pause (of failed handshakes)
 * @place: &enum portmon_place
 */
struct portmon_counter {
	struct portmon_counter *next;
	atomic64_t count;
	u32 first;
	u32 last;
	u16 kind;
	u16 burst;
	u16 place;
};

/**
 * struct portmon_histograms - how long a port's connections took, and the like
 * @head: among the port's event counters, of kind %PORTMON_KIND_HISTOGRAMS
 * @bucket: by PORTMON_A_HISTOGRAMS_* less one, then by the logarithm of the
 *	value
 */
struct portmon_histograms {
	struct portmon_counter head;
	atomic64_t bucket[PORTMON_A_HISTOGRAMS_MAX][PORTMON_HISTOGRAM_BUCKETS];
};

/* The same as a reader sees them. */
struct portmon_histogram_values {
	u64 bucket[PORTMON_A_HISTOGRAMS_MAX][PORTMON_HISTOGRAM_BUCKETS];
};

/**
 * struct portmon_record - what is known of one port, shared by all CPUs
 * @dir: packets and network-layer bytes, by &enum portmon_dir. What a slot
 *	has counted is not in here; after a reset these are negative by what
 *	the slot held.
 * @last: jiffies of the latest packet that was counted here
 * @first: when the record was made, seconds since the epoch
 * @window: jiffies (low half) when the present row of packets began
 * @in_window: packets since then; decides whether the port is busy
 * @events: event counters, in a list
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

/**
 * struct portmon_slot - one CPU's part of a busy port's counters
 * @dir: by &enum portmon_dir
 * @last: jiffies of the latest packet on this CPU
 * @record: whose counters these are, NULL while the slot is free
 * @entry: where in its leaf the record is entered; in a free slot the next
 *	free one
 * @returning: on its way back to the pool
 *
 * @record, @entry and @returning are used in the first possible CPU's copy
 * only. A free slot has counted nothing.
 */
struct portmon_slot {
	struct portmon_pair dir[PORTMON_DIRS];
	unsigned long last;
	struct portmon_record *record;
	unsigned long *entry;
	bool returning;
} __aligned(64);

#define PORTMON_CHUNK_SLOTS	64
#define PORTMON_CHUNKS_MAX	64

/**
 * struct portmon_slots - the pool of one network namespace
 * @lock: protects @free and @n_free
 * @free: chain of free slots
 * @n_free: how many; also read without it
 * @n_chunks: chunks allocated
 * @chunks_max: bound, by the number of possible CPUs
 * @not_before: jiffies before which taking back idle slots is not tried again
 * @work: makes slots available
 * @chunk: what the slots lie in
 */
struct portmon_slots {
	spinlock_t lock;
	struct portmon_slot __percpu *free;
	unsigned int n_free;
	unsigned int n_chunks;
	unsigned int chunks_max;
	unsigned long not_before;
	struct work_struct work;
	struct portmon_slot __percpu *chunk[PORTMON_CHUNKS_MAX];
};

/*
 * An entry of a leaf is the way to a port's counters: a slot where there is
 * one (bit 0 clear), else the record with bit 0 set, or this alone where no
 * packet of the port has been seen.
 */
#define PORTMON_COLD	1UL

struct portmon_leaf {
	unsigned long entry[256];
};

/**
 * struct portmon_ports - the ports of one transport
 * @leaf: by scope and high byte of the port; never NULL, a shared empty leaf
 *	stands where nothing has been seen
 */
struct portmon_ports {
	struct portmon_leaf *leaf[PORTMON_SCOPES][256];
};

/**
 * struct portmon_notice - an event to be reported, or to be counted later
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

/* Not reported: to be counted where memory may be allocated. */
#define PORTMON_NOTICE_ADD	(PORTMON_EVENT_MAX + 1)

#define PORTMON_NOTICES		(IS_ENABLED(CONFIG_PREEMPT_RT) ? 512 : 32)

/**
 * struct portmon_events - events of one network namespace
 * @used: event counters in use
 * @histograms: ports with histograms
 * @histograms_refused: samples of ports for which there were none
 * @overflow: events without a counter, by scope and kind
 * @work: reports notices, and counts what was deferred
 * @lock: protects what follows. Raw: older kernels call tracepoints with
 *	preemption off
 * @notice: ring of what @work has to do
 * @head: the oldest of them
 * @n: how many there are
 * @since: jiffies when the present second of the rate limit began
 * @reported: reports since then
 * @missed: notices that were not reported since the last that was
 */
struct portmon_events {
	atomic_t used;
	atomic_t histograms;
	atomic64_t histograms_refused;
	atomic64_t overflow[PORTMON_SCOPE_MAX + 1][PORTMON_KINDS];
	struct work_struct work;
	raw_spinlock_t lock;
	struct portmon_notice notice[PORTMON_NOTICES];
	unsigned int head;
	unsigned int n;
	unsigned long since;
	u32 reported;
	u32 missed;
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
 * @events: event counters of all ports, overflow, notices
 * @net: the namespace
 * @following: by &enum portmon_follow: whether it is
 * @lock: serialises reading, resetting and taking slots back. Not held by
 *	the packet path.
 * @histograms: of the port that is being read; under @lock
 * @tidy: gives back what is zero and idle
 * @stopping: nothing more is to be given back
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
	struct portmon_histogram_values histograms;
	struct delayed_work tidy;
	bool stopping;
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
 * @histograms: of its connections, NULL for none or not read
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
	const struct portmon_histogram_values *histograms;
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

#endif
