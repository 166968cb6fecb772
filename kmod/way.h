/* SPDX-License-Identifier: GPL-2.0 */
/* A packet's way, once decided, and what can be done on it (rare.c). */
#ifndef _PORTMON_WAY_H
#define _PORTMON_WAY_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>

#include "parse.h"
#include "slots.h"
#include "types.h"

/**
 * struct portmon_way - where a packet counts
 * @dst_scope: &enum portmon_scope of its destination port
 * @dst_dir: direction as seen from that port
 * @src_scope: of its source port
 * @src_dir: direction as seen from that port
 * @hook: where it is counted
 * @family: its network layer
 * @ports_pair: offset in &struct portmon_stats of the hook's packets with ports
 */
struct portmon_way {
	u8 dst_scope, dst_dir;
	u8 src_scope, src_dir;
	u8 hook, family;
	u16 ports_pair;
};

static __always_inline unsigned int portmon_l3_len(unsigned int family)
{
	return family == PORTMON_FAMILY_IPV4 ? sizeof(struct iphdr) :
					       sizeof(struct ipv6hdr);
}

static __always_inline u8 portmon_protocol(const struct sk_buff *skb,
					   unsigned int family)
{
	return family == PORTMON_FAMILY_IPV4 ?
	       ((const struct iphdr *)skb->data)->protocol :
	       ((const struct ipv6hdr *)skb->data)->nexthdr;
}

/* The totals of the packets with ports, of the hook and family. */
static __always_inline struct portmon_pair __percpu *
portmon_ports_pair(const struct portmon_tables *t,
		   const struct portmon_way *way)
{
	return (void __percpu *)t->stats + way->ports_pair;
}

/* Count in a bucket. Return: NF_ACCEPT. */
static __always_inline unsigned int
portmon_bucket_add(struct portmon_tables *t, const struct portmon_way *way,
		   unsigned int bucket, u64 packets, u64 bytes)
{
	portmon_pair_add(&t->stats->bucket[way->hook][way->family][bucket],
			 packets, bytes);
	return NF_ACCEPT;
}

unsigned int portmon_slow(struct portmon_tables *t, const struct sk_buff *skb,
			  const struct portmon_way *way);
unsigned int portmon_cold(struct portmon_tables *t, const struct sk_buff *skb,
			  unsigned long src, unsigned long dst,
			  const struct portmon_way *way,
			  struct portmon_wire wire);
unsigned int portmon_segment(struct portmon_tables *t,
			     const struct sk_buff *skb, unsigned long src,
			     unsigned long dst, const struct portmon_way *way,
			     struct portmon_wire wire);
void portmon_rerouted(struct portmon_tables *t, const struct sk_buff *skb,
		      const struct portmon_way *way, bool loopback);

#endif
