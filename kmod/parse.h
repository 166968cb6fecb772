/* SPDX-License-Identifier: GPL-2.0 */
/* From a buffer to its ports, and to what it is on the wire. */
#ifndef _PORTMON_PARSE_H
#define _PORTMON_PARSE_H

#include <linux/skbuff.h>
#include <uapi/linux/portmon.h>

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
	u32 bytes;
};

/**
 * portmon_segments() - what a GSO buffer is on the wire
 * @skb: the buffer
 * @bytes: its length
 * @header: how much of that are headers, which each segment has
 *
 * As qdisc_pkt_len_init() has it (net/core/dev.c), but from the network layer
 * on. What an untrusted sender says of the number of segments is not taken.
 *
 * Return: packets and bytes.
 */
static __always_inline struct portmon_wire
portmon_segments(const struct sk_buff *skb, u32 bytes, u32 header)
{
	const struct skb_shared_info *info = skb_shinfo(skb);
	u32 packets = info->gso_segs;

	if (unlikely(bytes <= header))
		return (struct portmon_wire) { 1, bytes };
	if (unlikely(!packets || info->gso_type & SKB_GSO_DODGY))
		packets = DIV_ROUND_UP(bytes - header, info->gso_size);
	return (struct portmon_wire) { packets, bytes + (packets - 1) * header };
}

void portmon_parse(const struct sk_buff *skb, int offset,
		   enum portmon_family family, struct portmon_l3 *l3);
struct portmon_wire portmon_wire(const struct sk_buff *skb, unsigned int l4);

#ifdef PORTMON_VERIFY
void portmon_verify(const struct sk_buff *skb, enum portmon_family family,
		    u8 protocol, struct portmon_wire wire);
#else
static inline void portmon_verify(const struct sk_buff *skb,
				  enum portmon_family family, u8 protocol,
				  struct portmon_wire wire)
{
}
#endif

#endif
