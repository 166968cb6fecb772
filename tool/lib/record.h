/* SPDX-License-Identifier: GPL-2.0 */
/* A record of counters, as every view of the tool uses it. */
#ifndef PORTMON_CTL_RECORD_H
#define PORTMON_CTL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/portmon.h>

#include "lib/histogram.h"

/*
 * Sums of counters. One counter has 64 bits, which is enough for it; a sum of
 * several, or a count of bits, that needs more is the largest number there is
 * and does not wrap.
 */
static inline uint64_t sum_add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* Counters read one after the other may seem to go back: never below zero. */
static inline uint64_t sum_less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static inline uint64_t sum_bits(uint64_t bytes)
{
	return bytes > UINT64_MAX / 8 ? UINT64_MAX : 8 * bytes;
}

/* The next whole number. */
static inline uint64_t sum_round(double v)
{
	return v >= 0x1p64 ? UINT64_MAX : v + 0.5;
}

/**
 * struct count - packets on the wire and their network-layer bytes
 * @packets: packets; a GRO or GSO buffer counts as its segments
 * @bytes: network-layer bytes, each segment with its headers
 */
struct count {
	uint64_t packets;
	uint64_t bytes;
};

/* More than the longest name of a reason has; a longer one is cut. */
#define REASON_SIZE 48

/**
 * struct drop - packets of a port that were dropped for one reason
 * @next: the same port's next one
 * @kept: the next one of the same list of records
 * @reason: the kernel's name for it
 * @packets: packets on the wire
 * @first_seen: when the first was dropped, 0 if that is not known
 * @last_seen: when the latest was dropped, 0 if that is not known
 */
struct drop {
	struct drop *next;
	struct drop *kept;
	char reason[REASON_SIZE];
	uint64_t packets;
	uint64_t first_seen;
	uint64_t last_seen;
};

static inline void count_add(struct count *to, const struct count *c)
{
	to->packets = sum_add(to->packets, c->packets);
	to->bytes = sum_add(to->bytes, c->bytes);
}

struct info;
struct owners;

/**
 * struct record - a port, a range, an overflow record, a bucket or a fold
 * @has: bit per PORTMON_A_RECORD_* attribute that the kernel sent
 * @scope: enum portmon_scope
 * @transport: enum portmon_transport
 * @range: enum portmon_range
 * @hook: enum portmon_hook
 * @family: enum portmon_family
 * @bucket: enum portmon_bucket
 * @protocol: IP protocol number of a bucket
 * @ephemeral: port is in this namespace's range for outgoing connections
 * @port: port number, of a fold the first one
 * @port_max: last port of a fold
 * @ports: ports in a range or in a fold
 * @folded: this line stands for @ports ephemeral ports
 * @rx: see enum portmon_scope
 * @tx: see enum portmon_scope
 * @all: what a bucket counted
 * @tcp: TCP events, by PORTMON_A_TCP_*
 * @dropped: packets that were dropped, for all reasons together
 * @drops: the same by reason, NULL for none; valid as long as the list that
 *   holds the record, which a copy made by records_add() is no part of
 * @histograms: of its connections, NULL where there are none or nobody asked;
 *   valid as long as @drops
 * @event: enum portmon_event, of a notification
 * @missed: events suppressed before this one
 * @first_seen: seconds since the epoch
 * @last_seen: seconds since the epoch
 * @service: short name of the port's service or NULL (not from the kernel)
 * @iana: name that IANA registered for it or NULL (not from the kernel)
 * @owners: sockets of the namespace and their processes, NULL if not requested
 *   (not from the kernel)
 * @netns: network namespace, NULL where there is only one (not from the
 *   kernel)
 * @info: state of that namespace, NULL where it is that of the run (not from
 *   the kernel)
 * @note: not a record but a note about @netns ("off"), or NULL
 * @item: what the line is of where that is no port: a service, an interface
 */
struct record {
	uint32_t has;
	uint8_t scope;
	uint8_t transport;
	uint8_t range;
	uint8_t hook;
	uint8_t family;
	uint8_t bucket;
	uint8_t protocol;
	bool ephemeral;
	uint16_t port;
	uint16_t port_max;
	uint32_t ports;
	bool folded;
	uint8_t event;
	uint32_t missed;
	struct count rx;
	struct count tx;
	struct count all;
	uint64_t tcp[PORTMON_A_TCP_MAX + 1];
	uint64_t dropped;
	struct drop *drops;
	struct histograms *histograms;
	uint64_t first_seen;
	uint64_t last_seen;
	const char *service;
	const char *iana;
	const struct owners *owners;
	const char *netns;
	const struct info *info;
	const char *note;
	const void *item;
};

/**
 * struct records - a list of records that grows
 * @v: the records
 * @n: how many there are
 * @cap: how many there is room for
 * @drops: the drops of all of them
 * @histograms: the histograms of all of them
 */
struct records {
	struct record *v;
	size_t n;
	size_t cap;
	struct drop *drops;
	struct histograms *histograms;
};

static inline bool record_has(const struct record *r, unsigned int attr)
{
	return r->has & 1u << attr;
}

/* Segments retransmitted, SYN-ACKs included. */
static inline uint64_t record_retransmitted(const struct record *r)
{
	return sum_add(r->tcp[PORTMON_A_TCP_RETRANSMITTED],
		       r->tcp[PORTMON_A_TCP_SYNACK_RETRANSMITTED]);
}

/* SYN-ACKs sent, without the retransmitted ones. */
static inline uint64_t record_synacks(const struct record *r)
{
	return sum_less(r->tcp[PORTMON_A_TCP_SYNACK_SENT],
			r->tcp[PORTMON_A_TCP_SYNACK_RETRANSMITTED]);
}

/*
 * SYNs that were answered, each once. Behind this host's NAT a SYN counts at
 * the translated port and its SYN-ACK at the original one. At the first, a
 * completed handshake shows that there was an answer; at the second there is
 * no SYN.
 */
static inline uint64_t record_answered(const struct record *r)
{
	const uint64_t syn = r->tcp[PORTMON_A_TCP_SYN_RECEIVED];
	uint64_t n = record_synacks(r);

	if (n < r->tcp[PORTMON_A_TCP_ESTABLISHED])
		n = r->tcp[PORTMON_A_TCP_ESTABLISHED];
	return n < syn ? n : syn;
}

/* SYNs that were answered by a RST: what was reset later was not refused. */
static inline uint64_t record_refused(const struct record *r)
{
	const uint64_t rest = sum_less(r->tcp[PORTMON_A_TCP_SYN_RECEIVED],
				       record_answered(r));
	const uint64_t rst = r->tcp[PORTMON_A_TCP_RST_SENT];

	return rst < rest ? rst : rest;
}

/* SYNs that were neither; some of them are duplicates. */
static inline uint64_t record_unanswered(const struct record *r)
{
	return sum_less(sum_less(r->tcp[PORTMON_A_TCP_SYN_RECEIVED],
				 record_answered(r)), record_refused(r));
}

/* Only the host that receives a SYN can leave it unanswered. */
static inline uint64_t record_unanswered_at(const struct record *r)
{
	return r->scope == PORTMON_SCOPE_LOCAL ||
	       r->scope == PORTMON_SCOPE_LOOPBACK ? record_unanswered(r) : 0;
}

bool record_is_nothing(const struct record *r);
struct record *records_new(struct records *list);
int records_add(struct records *list, const struct record *r);
struct drop *records_drop(struct records *list, struct record *r);
void drop_add(struct drop *to, const struct drop *drop);
struct histograms *records_histograms(struct records *list, struct record *r);
void records_join(struct records *list);
void records_empty(struct records *list);
void records_free(struct records *list);

/**
 * struct info - the module and the state of one network namespace
 * @has: bit per PORTMON_A_INFO_* attribute that the kernel sent
 * @version: version of the module
 * @enabled: counting is on (a number, as the kernel sent it, like the next two)
 * @lifecycle: TCP's handshakes, ends and retransmissions are followed
 * @counts_drops: drops are counted
 * @since: when counting began or was last reset, 0 while off
 * @generation: changes with every reset
 * @records: records in use
 * @records_max: bound on them
 * @slots: records with per-CPU counters
 * @slots_max: bound on them
 * @memory: bytes of kernel memory
 * @ephemeral_min: first port picked for outgoing connections
 * @ephemeral_max: last port picked for outgoing connections
 * @missing: enum portmon_tracepoint, those that the kernel lacks
 * @events: event counters in use
 * @events_max: bound on them
 * @histograms: ports with histograms
 * @histograms_max: bound on them
 * @records_refused: packets without a record of their own, for each port
 * @events_refused: events without a counter of their own
 * @histograms_refused: handshakes and ends in no histogram
 * @drops_unplaced: drops whose namespace is unknown
 */
struct info {
	uint32_t has;
	char version[32];
	uint8_t enabled;
	uint8_t lifecycle;
	uint8_t counts_drops;
	uint64_t since;
	uint32_t generation;
	uint32_t records;
	uint32_t records_max;
	uint32_t slots;
	uint32_t slots_max;
	uint64_t memory;
	uint16_t ephemeral_min;
	uint16_t ephemeral_max;
	uint32_t missing;
	uint32_t events;
	uint32_t events_max;
	uint32_t histograms;
	uint32_t histograms_max;
	uint64_t records_refused;
	uint64_t events_refused;
	uint64_t histograms_refused;
	uint64_t drops_unplaced;
};

static inline bool info_has(const struct info *info, unsigned int attr)
{
	return info->has & 1u << attr;
}

static inline bool info_is_ephemeral(const struct info *info, unsigned int port)
{
	return port >= info->ephemeral_min && port <= info->ephemeral_max;
}

#define ANY (-1)

/* Most spans of ports that one filter has. */
#define FILTER_SPANS 32

/**
 * struct span_of_ports - requested ports
 * @port: first one
 * @port_max: last one
 * @transports: bit per enum portmon_transport
 */
struct span_of_ports {
	uint16_t port;
	uint16_t port_max;
	uint8_t transports;
};

/**
 * struct filter - which ports are requested; ANY for all
 * @scope: enum portmon_scope
 * @transport: enum portmon_transport
 * @range: enum portmon_range
 * @port: first port
 * @port_max: last port, the same as @port for a single one
 * @non_zero: only what counted since the last reset
 * @dropped: only ports of which a packet was dropped
 * @histograms: return histograms of their connections, too (not of resets)
 * @scopes: bit per scope if several are requested, else 0; what the kernel
 *   does not pick is picked here
 * @spans: of ports, where there are several or of some transports only; @port
 *   and @port_max are around all of them
 * @n_spans: how many
 */
struct filter {
	int scope;
	int transport;
	int range;
	int port;
	int port_max;
	bool non_zero;
	bool dropped;
	bool histograms;
	uint8_t scopes;
	struct span_of_ports spans[FILTER_SPANS];
	uint8_t n_spans;
};

#define FILTER_ALL \
	{ .scope = ANY, .transport = ANY, .range = ANY, \
	  .port = ANY, .port_max = ANY }

static inline bool filter_is_set(const struct filter *f)
{
	return f->scope != ANY || f->transport != ANY || f->range != ANY ||
	       f->port != ANY || f->scopes;
}

/**
 * enum unknown - why a counter is not known
 * @KNOWN: it is
 * @UNKNOWN_NO_TCP: only TCP has it
 * @UNKNOWN_OFF: it is switched off in this namespace
 * @UNKNOWN_MISSING: the kernel lacks the tracepoint
 * @UNKNOWN_FORWARD: only the end hosts of a connection know it
 *
 * A counter that is not counted is unknown, not zero.
 */
enum unknown {
	KNOWN,
	UNKNOWN_NO_TCP,
	UNKNOWN_OFF,
	UNKNOWN_MISSING,
	UNKNOWN_FORWARD,
};

enum unknown tcp_unknown(const struct info *info, const struct record *r,
			 unsigned int attr);
enum unknown drops_unknown(const struct info *info, const struct record *r);
enum unknown unanswered_unknown(const struct info *info,
				const struct record *r);

bool filter_takes(const struct filter *f, const struct record *r);

#endif
