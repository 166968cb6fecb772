/* SPDX-License-Identifier: GPL-2.0 */
/* From a buffer to its ports, and to what it is on the wire. */
#ifndef _PORTMON_PARSE_H
#define _PORTMON_PARSE_H

#include <linux/types.h>
#include <uapi/linux/portmon.h>

struct sk_buff;

/* What all transports begin with: source port, destination port. */
#define PORTMON_PORTS_LEN	4

/**
 * struct portmon_l3 - what follows the network header
 * @bucket: &enum portmon_bucket where nothing with ports can, else -1
 * @protocol: IP protocol number
 * @l4: where the transport header begins, from skb->data on
 */
struct portmon_l3 {
	int bucket;
	u8 protocol;
	int l4;
};

/**
 * struct portmon_wire - what a buffer is on the wire
 * @packets: its segments
 * @bytes: network-layer bytes, each segment with its headers
 */
struct portmon_wire {
	u32 packets;
	u64 bytes;
};

void portmon_parse(const struct sk_buff *skb, int offset,
		   enum portmon_family family, struct portmon_l3 *l3);
struct portmon_wire portmon_wire(const struct sk_buff *skb, unsigned int l4);

#endif
