/* SPDX-License-Identifier: GPL-2.0 */
/* IP's own counters of this network namespace (snmp, netstat). */
#ifndef PORTMON_CTL_MIB_H
#define PORTMON_CTL_MIB_H

#include <stdint.h>

#include "lib/error.h"

/**
 * struct mib - IPv4 and IPv6 together
 * @received: packets handed to IP; a GRO buffer counts as its segments
 * @buffers: buffers that held them
 * @bad: refused for their header or address, or cut short
 * @no_route: no route to forward it
 * @fragments: fragments to be put together
 * @whole: packets made of them
 * @tx_no_route: there was no way for them to leave
 * @tx_discarded: dropped on output
 * @tx_fragments: fragments made of larger packets
 * @tx_split: packets that were taken apart
 */
struct mib {
	uint64_t received;
	uint64_t buffers;
	uint64_t bad;
	uint64_t no_route;
	uint64_t fragments;
	uint64_t whole;
	uint64_t tx_no_route;
	uint64_t tx_discarded;
	uint64_t tx_fragments;
	uint64_t tx_split;
};

#define MIB_FIELDS (sizeof(struct mib) / sizeof(uint64_t))

int mib_read(struct mib *mib, struct error *e);

#endif
