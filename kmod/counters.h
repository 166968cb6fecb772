/* SPDX-License-Identifier: GPL-2.0 */
/* Records: found, made, counted in, walked over, within a bound. */
#ifndef _PORTMON_COUNTERS_H
#define _PORTMON_COUNTERS_H

#include "slots.h"
#include "types.h"

/* So many packets in a row within a second make a port busy. */
#define PORTMON_BUSY		32

/* Default of the module parameter max_records. */
#define PORTMON_MAX_RECORDS	(4 * 65536)

/* Is either without a slot? A slot's address has no bit of these two set. */
static __always_inline bool portmon_entries_cold(unsigned long one,
						 unsigned long other)
{
	return (one + other) & (PORTMON_COLD | PORTMON_COLD << 1);
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

void portmon_ports_start(struct portmon_tables *t);
void portmon_ports_free(struct portmon_tables *t, struct portmon_ports *p,
			void (*forget)(struct portmon_tables *t,
				       struct portmon_record *record));
void portmon_record_free(struct portmon_record *record);

int portmon_counters_init(void);
void portmon_counters_exit(void);

extern unsigned int portmon_max_records;

#endif
