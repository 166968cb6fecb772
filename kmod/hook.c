// SPDX-License-Identifier: GPL-2.0
/*
 * The packet path: from skb to the cells it counts in.
 *
 * The common case is short: a whole packet with a plain header, between this
 * host and another, to and from busy ports: portmon_is_special() and
 * skb_is_gso() say no, portmon_plain() counts.  It branches off to
 * portmon_cold() for a port without a slot, to portmon_segment() for a segment
 * that begins or ends a connection, and to portmon_slow() for everything else,
 * which knows every packet there is.  GSO buffers and loopback traffic have
 * portmon_plain() for themselves.  A packet is never changed, pulled or
 * linearised.
 */
#include <linux/if.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/route.h>

#include "counters.h"
#include "hook.h"
#include "parse.h"
#include "tcp.h"
#include "way.h"

/* Whose ports the two of a packet are. */
enum portmon_path {
	PORTMON_PATH_IN = PORTMON_HOOK_LOCAL_IN,
	PORTMON_PATH_OUT = PORTMON_HOOK_LOCAL_OUT,
	PORTMON_PATH_FORWARD = PORTMON_HOOK_FORWARD,
	PORTMON_PATH_LOOPBACK,
	PORTMON_PATHS
};

#define PORTMON_PORTS_PAIR(hook, family)				\
	offsetof(struct portmon_stats,					\
		 bucket[hook][family][PORTMON_BUCKET_PORTS])

#define PORTMON_WAY(path, where, ds, dd, ss, sd)			\
	[path] = {							\
		[PORTMON_FAMILY_IPV4] = {				\
			ds, dd, ss, sd, where, PORTMON_FAMILY_IPV4,	\
			PORTMON_PORTS_PAIR(where, PORTMON_FAMILY_IPV4)	\
		},							\
		[PORTMON_FAMILY_IPV6] = {				\
			ds, dd, ss, sd, where, PORTMON_FAMILY_IPV6,	\
			PORTMON_PORTS_PAIR(where, PORTMON_FAMILY_IPV6)	\
		},							\
	}

static const struct portmon_way portmon_ways[PORTMON_PATHS][PORTMON_FAMILIES] = {
	PORTMON_WAY(PORTMON_PATH_IN, PORTMON_HOOK_LOCAL_IN,
		    PORTMON_SCOPE_LOCAL, PORTMON_RX,
		    PORTMON_SCOPE_REMOTE, PORTMON_RX),
	PORTMON_WAY(PORTMON_PATH_OUT, PORTMON_HOOK_LOCAL_OUT,
		    PORTMON_SCOPE_REMOTE, PORTMON_TX,
		    PORTMON_SCOPE_LOCAL, PORTMON_TX),
	PORTMON_WAY(PORTMON_PATH_FORWARD, PORTMON_HOOK_FORWARD,
		    PORTMON_SCOPE_FORWARD, PORTMON_RX,
		    PORTMON_SCOPE_FORWARD, PORTMON_TX),
	/* Counted on arrival. */
	PORTMON_WAY(PORTMON_PATH_LOOPBACK, PORTMON_HOOK_LOCAL_IN,
		    PORTMON_SCOPE_LOOPBACK, PORTMON_RX,
		    PORTMON_SCOPE_LOOPBACK, PORTMON_TX),
};

/*
 * Is the header plain, and all there as far as its transport's byte @l4? One
 * comparison for short and for non-linear ones. IPv4 puts fragments together
 * before LOCAL_IN (ip_local_deliver()).
 */
static __always_inline bool portmon_is_plain(const struct sk_buff *skb,
					     const struct portmon_way *way,
					     unsigned int l4)
{
	const struct iphdr *iph = (const void *)skb->data;

	if (unlikely((int)(skb->len - portmon_l3_len(way->family) - l4) <=
		     (int)skb->data_len))
		return false;
	if (way->family == PORTMON_FAMILY_IPV4)
		return likely(*(const u8 *)iph == 0x45 &&
			      (way->hook == PORTMON_HOOK_LOCAL_IN ||
			       !(iph->frag_off & htons(IP_MF | IP_OFFSET))));
	/* What is received has been looked at (ip6_rcv_core()). */
	return way->hook != PORTMON_HOOK_LOCAL_OUT ||
	       likely(iph->version == 6);
}

/*
 * The segments of a GSO buffer with a plain header: TCP's and UDP's own, not
 * in a tunnel. False for others.
 */
static __always_inline bool portmon_gso(const struct sk_buff *skb,
					const struct portmon_way *way,
					u8 protocol, struct portmon_wire *wire)
{
	const u8 *l4 = skb->data + portmon_l3_len(way->family);
	unsigned int header = portmon_l3_len(way->family);
	unsigned int type = skb_shinfo(skb)->gso_type;

	if (unlikely(skb->encapsulation))
		return false;
	if (type & (SKB_GSO_TCPV4 | SKB_GSO_TCPV6)) {
		if (unlikely(protocol != IPPROTO_TCP ||
			     !portmon_is_plain(skb, way,
					       sizeof(struct tcphdr) - 1)))
			return false;
		header += l4[PORTMON_TCP_DOFF] >> 4 << 2;
	} else if (type & SKB_GSO_UDP_L4 && protocol == IPPROTO_UDP) {
		header += sizeof(struct udphdr);
	} else {
		return false;
	}
	*wire = portmon_segments(skb, skb->len, header);
	return true;
}

/*
 * A packet with a plain header, a GSO buffer or not.  If not this is the common
 * case, and everything in here is paid for by every packet: no call but the
 * last, no lock, no store to what another CPU stores to.
 */
static __always_inline unsigned int
portmon_plain(struct portmon_tables *t, const struct sk_buff *skb,
	      const struct portmon_way *way, bool gso)
{
	const u8 *ports = skb->data + portmon_l3_len(way->family);
	struct portmon_wire wire = { .packets = 1, .bytes = skb->len };
	const struct portmon_ports *p;
	unsigned long src, dst, now;
	u8 protocol, flags = 0;

	if (unlikely(!portmon_is_plain(skb, way, gso ? sizeof(struct udphdr) - 1 :
						       PORTMON_TCP_FLAGS)))
		return portmon_slow(t, skb, way);
	protocol = portmon_protocol(skb, way->family);
	if (gso && !portmon_gso(skb, way, protocol, &wire))
		return portmon_slow(t, skb, way);

	p = READ_ONCE(t->ports[protocol]);
	src = READ_ONCE(*portmon_entry(p, way->src_scope, ports[0], ports[1]));
	dst = READ_ONCE(*portmon_entry(p, way->dst_scope, ports[2], ports[3]));
	/* Of a GSO buffer of UDP there may be no such byte. */
	if (!gso || protocol == IPPROTO_TCP)
		flags = ports[PORTMON_TCP_FLAGS];
	if (unlikely(flags & READ_ONCE(t->followed[protocol])))
		return portmon_segment(t, skb, src, dst, way, wire);
	if (unlikely(portmon_entries_cold(src, dst)))
		return portmon_cold(t, skb, src, dst, way, wire);

	portmon_verify(skb, way->family, protocol, wire);
	now = jiffies;
	portmon_slot_add(portmon_entry_slot(src), way->src_dir, wire.packets,
			 wire.bytes, now);
	portmon_slot_add(portmon_entry_slot(dst), way->dst_dir, wire.packets,
			 wire.bytes, now);
	portmon_pair_add(portmon_ports_pair(t, way), wire.packets, wire.bytes);
	return NF_ACCEPT;
}

/* The same for a packet whose way is decided per packet. */
static noinline unsigned int portmon_others(struct portmon_tables *t,
					    const struct sk_buff *skb,
					    const struct portmon_way *way)
{
	return skb_is_gso(skb) ? portmon_plain(t, skb, way, true) :
				 portmon_plain(t, skb, way, false);
}

/*
 * The device of the packet's route as it is now: NAT and marks of other hooks
 * may have changed it since nf_hook_state was filled.  A route outlives its
 * device, which is then taken out of it.
 */
static __always_inline const struct net_device *
portmon_route_dev(const struct sk_buff *skb)
{
	return READ_ONCE(skb_dst(skb)->dev);
}

/* The loopback device, or a master that is no bond: a VRF. */
static __always_inline bool portmon_dev_special(const struct net_device *dev)
{
	/* Other bits may change concurrently; those tested here do not. */
	return unlikely(data_race(dev->flags) & (IFF_LOOPBACK | IFF_MASTER)) &&
	       !(dev->priv_flags & IFF_BONDING);
}

static bool portmon_dev_is_loopback(const struct net_device *dev)
{
	/* As above: this bit does not change. */
	return data_race(dev->flags) & IFF_LOOPBACK;
}

/* Did a packet received from a VRF start on this host? */
static bool portmon_vrf_loopback(const struct sk_buff *skb,
				 const struct nf_hook_state *state,
				 unsigned int family)
{
	/* It has kept the route that it was sent by. */
	if (family == PORTMON_FAMILY_IPV4)
		return !rt_is_input_route(skb_rtable(skb));
#if IS_ENABLED(CONFIG_IPV6)
	/* IP6CB(skb)->iif may name a port of the VRF either way. */
	return ipv6_chk_addr_and_flags(state->net, &ipv6_hdr(skb)->saddr,
				       state->in, true, 0, IFA_F_TENTATIVE);
#else
	return false;
#endif
}

/*
 * A copy of a broadcast or multicast that this host has sent is
 * PACKET_LOOPBACK, the one type with this bit at LOCAL_IN.
 */
static __always_inline bool portmon_is_copy(const struct sk_buff *skb)
{
	return ((const u8 *)skb)[PKT_TYPE_OFFSET] &
	       (PKT_TYPE_MAX / 7 * PACKET_OUTGOING);
}

/* May the packet be on another path than its hook's? */
static __always_inline bool
portmon_is_special(const struct sk_buff *skb, const struct nf_hook_state *state,
		   enum portmon_path path)
{
	if (path == PORTMON_PATH_IN)
		return portmon_dev_special(state->in) ||
		       unlikely(portmon_is_copy(skb));
	if (path == PORTMON_PATH_OUT)
		return unlikely(portmon_route_dev(skb) != state->out) ||
		       portmon_dev_special(state->out);
	return false;
}

/*
 * Loopback traffic passes LOCAL_OUT and LOCAL_IN and is counted at the latter.
 * Traffic through a VRF passes LOCAL_OUT twice, and is counted when neither
 * the hook's device nor the route's is the VRF: IPv4 names it in the first
 * (vrf_ip_out_direct()), IPv6 in either.
 */
static noinline unsigned int portmon_out_other(struct portmon_tables *t,
					       const struct sk_buff *skb,
					       const struct nf_hook_state *state,
					       const struct portmon_way *way)
{
	const struct net_device *dev = portmon_route_dev(skb);
	struct portmon_wire wire = { .packets = 1, .bytes = skb->len };
	unsigned int bucket = PORTMON_BUCKET_LOOPBACK;
	struct portmon_l3 l3;

	if (netif_is_l3_master(dev) || netif_is_l3_master(state->out))
		bucket = PORTMON_BUCKET_L3MDEV;
	else if (dev != state->out)
		portmon_rerouted(t, skb, way, portmon_dev_is_loopback(dev));
	if (bucket == PORTMON_BUCKET_LOOPBACK && !portmon_dev_is_loopback(dev))
		return portmon_others(t, skb, way);
	if (skb_is_gso(skb)) {
		portmon_parse(skb, 0, way->family, &l3);
		wire = portmon_wire(skb, l3.l4);
	}
	return portmon_bucket_add(t, way, bucket, wire.packets, wire.bytes);
}

/* Nearly always it is the loopback device, whose buffers are not looked into. */
static __always_inline unsigned int
portmon_out_special(struct portmon_tables *t, const struct sk_buff *skb,
		    const struct nf_hook_state *state,
		    const struct portmon_way *way)
{
	if (unlikely(portmon_route_dev(skb) != state->out ||
		     !portmon_dev_is_loopback(state->out) || skb_is_gso(skb)))
		return portmon_out_other(t, skb, state, way);
	return portmon_bucket_add(t, way, PORTMON_BUCKET_LOOPBACK, 1, skb->len);
}

static __always_inline unsigned int
portmon_in_special(struct portmon_tables *t, const struct sk_buff *skb,
		   const struct nf_hook_state *state, unsigned int family)
{
	const struct portmon_way *way =
		&portmon_ways[PORTMON_PATH_LOOPBACK][family];

	if (portmon_dev_is_loopback(state->in) || portmon_is_copy(skb) ||
	    (netif_is_l3_master(state->in) &&
	     portmon_vrf_loopback(skb, state, family)))
		return skb_is_gso(skb) ? portmon_plain(t, skb, way, true) :
					 portmon_plain(t, skb, way, false);
	return portmon_others(t, skb, &portmon_ways[PORTMON_PATH_IN][family]);
}

/*
 * A hook and where it branches off to, each made for its path and family.
 * Every packet would pay for the place where ftrace may put a call.
 */
#define PORTMON_HOOK_FN(name, path, family)				\
static noinline notrace unsigned int					\
name##_gso(struct portmon_tables *t, const struct sk_buff *skb)		\
{									\
	return portmon_plain(t, skb, &portmon_ways[path][family], true);	\
}									\
									\
static noinline notrace unsigned int __maybe_unused			\
name##_special(struct portmon_tables *t, const struct sk_buff *skb,	\
	       const struct nf_hook_state *state)			\
{									\
	return (path) == PORTMON_PATH_IN ?				\
	       portmon_in_special(t, skb, state, family) :		\
	       portmon_out_special(t, skb, state,			\
				   &portmon_ways[path][family]);	\
}									\
									\
static notrace unsigned int name(void *priv, struct sk_buff *skb,	\
				 const struct nf_hook_state *state)	\
{									\
	if (portmon_is_special(skb, state, path))			\
		return name##_special(priv, skb, state);		\
	if (unlikely(skb_is_gso(skb)))					\
		return name##_gso(priv, skb);				\
	return portmon_plain(priv, skb, &portmon_ways[path][family], false); \
}

PORTMON_HOOK_FN(portmon_in4, PORTMON_PATH_IN, PORTMON_FAMILY_IPV4)
PORTMON_HOOK_FN(portmon_in6, PORTMON_PATH_IN, PORTMON_FAMILY_IPV6)
PORTMON_HOOK_FN(portmon_out4, PORTMON_PATH_OUT, PORTMON_FAMILY_IPV4)
PORTMON_HOOK_FN(portmon_out6, PORTMON_PATH_OUT, PORTMON_FAMILY_IPV6)
PORTMON_HOOK_FN(portmon_fwd4, PORTMON_PATH_FORWARD, PORTMON_FAMILY_IPV4)
PORTMON_HOOK_FN(portmon_fwd6, PORTMON_PATH_FORWARD, PORTMON_FAMILY_IPV6)

/*
 * First on the input path: what arrived, before the firewall.  Last on the
 * output and forward paths: what passed the firewall.
 */
#define PORTMON_OPS(fn, family, where, order) {				\
	.hook = fn,							\
	.pf = family,							\
	.hooknum = where,						\
	.priority = order,						\
}

const struct nf_hook_ops portmon_hook_ops[PORTMON_HOOK_OPS] = {
	PORTMON_OPS(portmon_in4, NFPROTO_IPV4, NF_INET_LOCAL_IN, INT_MIN),
	PORTMON_OPS(portmon_in6, NFPROTO_IPV6, NF_INET_LOCAL_IN, INT_MIN),
	PORTMON_OPS(portmon_out4, NFPROTO_IPV4, NF_INET_LOCAL_OUT, INT_MAX),
	PORTMON_OPS(portmon_out6, NFPROTO_IPV6, NF_INET_LOCAL_OUT, INT_MAX),
	PORTMON_OPS(portmon_fwd4, NFPROTO_IPV4, NF_INET_FORWARD, INT_MAX),
	PORTMON_OPS(portmon_fwd6, NFPROTO_IPV6, NF_INET_FORWARD, INT_MAX),
};
