// SPDX-License-Identifier: GPL-2.0
/*
 * Where the packet path branches off to: packets with odd headers, ports
 * without a slot, segments that begin or end a connection.
 */
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <net/sock.h>

#include "counters.h"
#include "parse.h"
#include "tcp.h"
#include "way.h"

/*
 * Count in the records of both ports, which may have to be made, and what the
 * flags of a TCP segment say.
 */
static unsigned int portmon_both(struct portmon_tables *t,
				 const struct portmon_way *way,
				 unsigned int transport, const u8 *ports,
				 u8 flags, struct portmon_wire wire)
{
	struct portmon_key src = {
		way->src_scope, transport, ports[0] << 8 | ports[1],
	};
	struct portmon_key dst = {
		way->dst_scope, transport, ports[2] << 8 | ports[3],
	};
	struct portmon_record *record;
	u8 followed = t->followed[portmon_ip_protocol(transport)];

	record = portmon_port_add(t, &src, way->src_dir, wire.packets,
				  wire.bytes);
	if (flags & followed)
		portmon_tcp_segment(t, record, way->src_scope, way->src_dir,
				    ports, flags);
	record = portmon_port_add(t, &dst, way->dst_dir, wire.packets,
				  wire.bytes);
	if (flags & followed)
		portmon_tcp_segment(t, record, way->dst_scope, way->dst_dir,
				    ports + 2, flags);
	return portmon_bucket_add(t, way, PORTMON_BUCKET_PORTS, wire.packets,
				  wire.bytes);
}

/**
 * portmon_slow() - count any packet at all, whose way has been decided
 * @t: tables of the namespace
 * @skb: the packet
 * @way: its way
 *
 * The other ways are shortcuts past this one and must agree with it.
 *
 * Context: Packet path.
 * Return: NF_ACCEPT.
 */
unsigned int portmon_slow(struct portmon_tables *t, const struct sk_buff *skb,
			  const struct portmon_way *way)
{
	struct portmon_wire wire;
	struct portmon_l3 l3;
	u8 copy[PORTMON_PORTS_LEN], flags_copy;
	const u8 *ports, *flags = NULL;
	int transport;

	portmon_parse(skb, 0, way->family, &l3);
	wire = portmon_wire(skb, l3.l4);
	if (l3.bucket >= 0)
		return portmon_bucket_add(t, way, l3.bucket, wire.packets,
					  wire.bytes);
	transport = portmon_transport(l3.protocol);
	if (transport < 0) {
		portmon_protocol_add(t, way->hook, way->family, l3.protocol,
				     wire.packets, wire.bytes);
		return NF_ACCEPT;
	}
	ports = skb_header_pointer(skb, l3.l4, sizeof(copy), copy);
	if (!ports)
		return portmon_bucket_add(t, way, PORTMON_BUCKET_TRUNCATED,
					  wire.packets, wire.bytes);
	if (transport == PORTMON_TRANSPORT_TCP)
		flags = skb_header_pointer(skb, l3.l4 + PORTMON_TCP_FLAGS,
					   sizeof(flags_copy), &flags_copy);
	return portmon_both(t, way, transport, ports, flags ? *flags : 0, wire);
}

/* A SYN of a connection that begins here: has NAT changed its port? */
static void portmon_out_syn(struct portmon_tables *t, const struct sk_buff *skb,
			    enum portmon_scope scope, const u8 *ports)
{
	const struct sock *sk = skb->sk;

	if (sk && sk_fullsock(sk))
		portmon_tcp_translated(t, sk, scope, ports[2] << 8 | ports[3]);
}

/* A plain packet one of whose ports, at least, has not been seen. */
static noinline unsigned int portmon_new(struct portmon_tables *t,
					 const struct sk_buff *skb,
					 const struct portmon_way *way,
					 struct portmon_wire wire)
{
	const u8 *ports = skb->data + portmon_l3_len(way->family);
	u8 protocol = portmon_protocol(skb, way->family);
	int transport = portmon_transport(protocol);

	if (transport < 0)
		return portmon_slow(t, skb, way);
	portmon_verify(skb, way->family, protocol, wire);
	return portmon_both(t, way, transport, ports,
			    transport == PORTMON_TRANSPORT_TCP ?
			    ports[PORTMON_TCP_FLAGS] : 0, wire);
}

/* One of the ports, or both, have become busy: give them slots. */
static noinline unsigned int portmon_busy(struct portmon_tables *t,
					  const struct sk_buff *skb,
					  const struct portmon_way *way,
					  bool src, bool dst)
{
	const u8 *ports = skb->data + portmon_l3_len(way->family);
	const struct portmon_ports *p =
		READ_ONCE(t->ports[portmon_protocol(skb, way->family)]);

	if (src)
		portmon_slot_give(t, portmon_entry(p, way->src_scope, ports[0],
						   ports[1]));
	if (dst)
		portmon_slot_give(t, portmon_entry(p, way->dst_scope, ports[2],
						   ports[3]));
	return NF_ACCEPT;
}

/**
 * portmon_cold() - count a plain packet one of whose ports has no slot
 * @t: tables of the namespace
 * @skb: the packet
 * @src: entry of its source port
 * @dst: entry of its destination port
 * @way: its way
 * @wire: what it is on the wire
 *
 * Context: Packet path.
 * Return: NF_ACCEPT.
 */
unsigned int portmon_cold(struct portmon_tables *t, const struct sk_buff *skb,
			  unsigned long src, unsigned long dst,
			  const struct portmon_way *way,
			  struct portmon_wire wire)
{
	unsigned long now = jiffies;
	bool src_busy, dst_busy;

	if (unlikely(src == PORTMON_COLD || dst == PORTMON_COLD))
		return portmon_new(t, skb, way, wire);
	portmon_verify(skb, way->family, portmon_protocol(skb, way->family),
		       wire);
	src_busy = portmon_entry_add(src, way->src_dir, wire.packets,
				     wire.bytes, now);
	dst_busy = portmon_entry_add(dst, way->dst_dir, wire.packets,
				     wire.bytes, now);
	portmon_pair_add(portmon_ports_pair(t, way), wire.packets, wire.bytes);
	if (unlikely(src_busy | dst_busy))
		return portmon_busy(t, skb, way, src_busy, dst_busy);
	return NF_ACCEPT;
}

/**
 * portmon_segment() - count a plain segment with SYN, FIN or RST
 * @t: tables of the namespace
 * @skb: the packet
 * @src: entry of its source port
 * @dst: entry of its destination port
 * @way: its way
 * @wire: what it is on the wire
 *
 * Context: Packet path.
 * Return: NF_ACCEPT.
 */
unsigned int portmon_segment(struct portmon_tables *t,
			     const struct sk_buff *skb, unsigned long src,
			     unsigned long dst, const struct portmon_way *way,
			     struct portmon_wire wire)
{
	const u8 *ports = skb->data + portmon_l3_len(way->family);
	u8 flags = ports[PORTMON_TCP_FLAGS];

	if (way->hook == PORTMON_HOOK_LOCAL_OUT &&
	    (flags & (PORTMON_TCP_SYN | PORTMON_TCP_ACK)) == PORTMON_TCP_SYN)
		portmon_out_syn(t, skb, way->dst_scope, ports);
	if (unlikely(src == PORTMON_COLD || dst == PORTMON_COLD))
		return portmon_new(t, skb, way, wire);
	portmon_tcp_segment(t, portmon_record(src), way->src_scope,
			    way->src_dir, ports, flags);
	portmon_tcp_segment(t, portmon_record(dst), way->dst_scope,
			    way->dst_dir, ports + 2, flags);
	return portmon_cold(t, skb, src, dst, way, wire);
}

/**
 * portmon_rerouted() - note that a packet has not the route its socket took
 * @t: tables of the namespace
 * @skb: the packet, at LOCAL_OUT
 * @way: its way, if it leaves
 * @loopback: it stays on this host
 *
 * Context: Packet path.
 */
void portmon_rerouted(struct portmon_tables *t, const struct sk_buff *skb,
		      const struct portmon_way *way, bool loopback)
{
	u8 copy[PORTMON_PORTS_LEN];
	struct portmon_l3 l3;
	const u8 *ports;

	if (!skb->sk || !sk_fullsock(skb->sk) ||
	    !READ_ONCE(t->followed[IPPROTO_TCP]))
		return;
	portmon_tcp_rerouted(skb->sk, loopback);
	if (!loopback)		/* portmon_segment() sees it */
		return;
	portmon_parse(skb, 0, way->family, &l3);
	ports = skb_header_pointer(skb, l3.l4, sizeof(copy), copy);
	if (l3.bucket < 0 && l3.protocol == IPPROTO_TCP && ports)
		portmon_out_syn(t, skb, PORTMON_SCOPE_LOOPBACK, ports);
}
