// SPDX-License-Identifier: GPL-2.0
/*
 * The packet path: from skb to the cells it counts in.
 *
 * The common case is short: a whole packet with a plain header, between this
 * host and another (portmon_is_plain() and not portmon_is_special()), to and
 * from busy ports (portmon_plain()).  It branches off to portmon_cold() for a
 * port without a slot, to portmon_special() for loopback, and to
 * portmon_slow() for everything, which knows every packet there is.  A packet
 * is never changed, pulled or linearised.
 */
#include <linux/if.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/skbuff.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "counters.h"
#include "hook.h"
#include "lifecycle.h"
#include "parse.h"

/* The way of a packet: decides whose ports its two are. */
enum portmon_path {
	PORTMON_PATH_IN = PORTMON_HOOK_LOCAL_IN,
	PORTMON_PATH_OUT = PORTMON_HOOK_LOCAL_OUT,
	PORTMON_PATH_FORWARD = PORTMON_HOOK_FORWARD,
	PORTMON_PATH_LOOPBACK,
	PORTMON_PATHS
};

/* The cells of a packet: those of its destination port, of its source port. */
static const struct portmon_cells {
	u8 dst_scope, dst_dir;
	u8 src_scope, src_dir;
} portmon_cells[PORTMON_PATHS] = {
	[PORTMON_PATH_IN] = {
		.dst_scope = PORTMON_SCOPE_LOCAL, .dst_dir = PORTMON_RX,
		.src_scope = PORTMON_SCOPE_REMOTE, .src_dir = PORTMON_RX,
	},
	[PORTMON_PATH_OUT] = {
		.dst_scope = PORTMON_SCOPE_REMOTE, .dst_dir = PORTMON_TX,
		.src_scope = PORTMON_SCOPE_LOCAL, .src_dir = PORTMON_TX,
	},
	[PORTMON_PATH_FORWARD] = {
		.dst_scope = PORTMON_SCOPE_FORWARD, .dst_dir = PORTMON_RX,
		.src_scope = PORTMON_SCOPE_FORWARD, .src_dir = PORTMON_TX,
	},
	[PORTMON_PATH_LOOPBACK] = {
		.dst_scope = PORTMON_SCOPE_LOOPBACK, .dst_dir = PORTMON_RX,
		.src_scope = PORTMON_SCOPE_LOOPBACK, .src_dir = PORTMON_TX,
	},
};

/* Count in the records of both ports, and that the packet had ports. */
static void portmon_add(struct portmon_tables *t, unsigned int transport,
			const u8 *ports, enum portmon_path path,
			enum portmon_hook hook, enum portmon_family family,
			struct portmon_wire wire)
{
	const struct portmon_cells *c = &portmon_cells[path];

	portmon_port_add(t, transport, c->src_scope, ports[0], ports[1],
			 c->src_dir, wire.packets, wire.bytes);
	portmon_port_add(t, transport, c->dst_scope, ports[2], ports[3],
			 c->dst_dir, wire.packets, wire.bytes);
	portmon_pair_add(&t->stats->bucket[hook][family][PORTMON_BUCKET_PORTS],
			 wire.packets, wire.bytes);
}

/* Count in both ports' records what a segment's flags tell. */
static void portmon_tcp(struct portmon_tables *t, const struct sk_buff *skb,
			int l4, const u8 *ports, enum portmon_path path)
{
	const struct portmon_cells *c = &portmon_cells[path];
	struct portmon_key key = { .transport = PORTMON_TRANSPORT_TCP };
	const u8 *flags;
	u8 copy;

	flags = skb_header_pointer(skb, l4 + PORTMON_TCP_FLAGS, sizeof(copy),
				   &copy);
	if (!flags || !(*flags & PORTMON_TCP_EVENTS))
		return;
	key.scope = c->src_scope;
	key.port = ports[0] << 8 | ports[1];
	portmon_tcp_segment(t, &key, c->src_dir, *flags);
	key.scope = c->dst_scope;
	key.port = ports[2] << 8 | ports[3];
	portmon_tcp_segment(t, &key, c->dst_dir, *flags);
}

/* Anyone may change them meanwhile, but not those that are asked for here. */
static __always_inline unsigned int
portmon_dev_flags(const struct net_device *dev)
{
	return READ_ONCE(dev->flags);
}

/* A route outlives its device, which is then taken out of it. */
static __always_inline const struct net_device *
portmon_dst_dev(const struct sk_buff *skb)
{
	return READ_ONCE(skb_dst(skb)->dev);
}

/* Did what comes in from an L3 master device start on this host? */
static bool portmon_l3mdev_loopback(struct sk_buff *skb,
				    const struct nf_hook_state *state,
				    enum portmon_family family)
{
	if (family == PORTMON_FAMILY_IPV4)
		return IPCB(skb)->iif == state->in->ifindex;
#if IS_ENABLED(CONFIG_IPV6)
	/* IP6CB(skb)->iif may name a port of the VRF either way. */
	return ipv6_chk_addr_and_flags(state->net, &ipv6_hdr(skb)->saddr,
				       state->in, true, 0, IFA_F_TENTATIVE);
#else
	return false;
#endif
}

/*
 * Loopback traffic passes LOCAL_OUT and LOCAL_IN and is counted at the latter.
 * Traffic through a VRF passes LOCAL_OUT twice, with the master device and
 * with the real one, and is counted with the latter.  Traffic within a VRF
 * has the master for its loopback device.
 */
static int portmon_path(struct sk_buff *skb, const struct nf_hook_state *state,
			enum portmon_hook hook, enum portmon_family family,
			enum portmon_path *path)
{
	*path = (enum portmon_path)hook;
	if (hook == PORTMON_HOOK_LOCAL_OUT) {
		if (portmon_dev_flags(state->out) & IFF_LOOPBACK)
			return PORTMON_BUCKET_LOOPBACK;
		if (netif_is_l3_master(state->out) ||
		    (family == PORTMON_FAMILY_IPV6 &&
		     netif_is_l3_master(portmon_dst_dev(skb))))
			return PORTMON_BUCKET_L3MDEV;
	} else if (hook == PORTMON_HOOK_LOCAL_IN) {
		if (portmon_dev_flags(state->in) & IFF_LOOPBACK ||
		    (netif_is_l3_master(state->in) &&
		     portmon_l3mdev_loopback(skb, state, family)))
			*path = PORTMON_PATH_LOOPBACK;
	}
	return -1;
}

/* Any packet at all. */
static noinline unsigned int portmon_slow(struct portmon_tables *t,
					  struct sk_buff *skb,
					  const struct nf_hook_state *state,
					  enum portmon_hook hook,
					  enum portmon_family family)
{
	enum portmon_path path;
	struct portmon_wire wire;
	struct portmon_l3 l3;
	u8 copy[PORTMON_PORTS_LEN];
	int bucket, transport;
	const u8 *ports;

	portmon_parse(skb, 0, family, &l3);
	wire = portmon_wire(skb, l3.l4);

	bucket = portmon_path(skb, state, hook, family, &path);
	if (bucket < 0)
		bucket = l3.bucket;
	if (bucket < 0) {
		transport = portmon_transport(l3.protocol);
		if (transport < 0) {
			portmon_protocol_add(t, hook, family, l3.protocol,
					     wire.packets, wire.bytes);
			return NF_ACCEPT;
		}
		ports = skb_header_pointer(skb, l3.l4, sizeof(copy), copy);
		if (ports) {
			portmon_add(t, transport, ports, path, hook, family,
				    wire);
			if (transport == PORTMON_TRANSPORT_TCP &&
			    READ_ONCE(t->following[PORTMON_FOLLOW_LIFECYCLE]))
				portmon_tcp(t, skb, l3.l4, ports, path);
			return NF_ACCEPT;
		}
		bucket = PORTMON_BUCKET_TRUNCATED;
	}
	portmon_pair_add(&t->stats->bucket[hook][family][bucket],
			 wire.packets, wire.bytes);
	return NF_ACCEPT;
}

/* What goes on with a plain packet one of whose ports has no slot. */
typedef unsigned int portmon_cold_fn(struct portmon_tables *t,
				     struct sk_buff *skb,
				     const struct nf_hook_state *state,
				     unsigned long *src, unsigned long *dst);

static __always_inline unsigned int
portmon_cold(struct portmon_tables *t, struct sk_buff *skb,
	     const struct nf_hook_state *state, unsigned long *src,
	     unsigned long *dst, enum portmon_path path,
	     enum portmon_hook hook, enum portmon_family family)
{
	const struct portmon_cells *c = &portmon_cells[path];
	unsigned long now = jiffies;
	u64 bytes = skb->len;

	if (unlikely(READ_ONCE(*src) == PORTMON_COLD ||
		     READ_ONCE(*dst) == PORTMON_COLD))
		return portmon_slow(t, skb, state, hook, family);
	portmon_entry_add(t, src, c->src_dir, 1, bytes, now);
	portmon_entry_add(t, dst, c->dst_dir, 1, bytes, now);
	portmon_pair_add(&t->stats->bucket[hook][family][PORTMON_BUCKET_PORTS],
			 1, bytes);
	return NF_ACCEPT;
}

static __always_inline unsigned int portmon_l3_len(enum portmon_family family)
{
	return family == PORTMON_FAMILY_IPV4 ? sizeof(struct iphdr) :
					       sizeof(struct ipv6hdr);
}

/* The second half of the common case: a plain packet, its path decided. */
static __always_inline unsigned int
portmon_plain(struct portmon_tables *t, struct sk_buff *skb,
	      const struct nf_hook_state *state, enum portmon_path path,
	      enum portmon_hook hook, enum portmon_family family,
	      portmon_cold_fn *cold)
{
	const struct portmon_cells *c = &portmon_cells[path];
	const u8 *ports = skb->data + portmon_l3_len(family);
	u8 protocol = family == PORTMON_FAMILY_IPV4 ?
		      ((const struct iphdr *)skb->data)->protocol :
		      ((const struct ipv6hdr *)skb->data)->nexthdr;
	const struct portmon_ports *p = READ_ONCE(t->ports[protocol]);
	unsigned long *src_entry, *dst_entry, src, dst, now;
	u64 bytes = skb->len;

	if (unlikely(!p))
		return portmon_slow(t, skb, state, hook, family);
	if (protocol == IPPROTO_TCP &&
	    unlikely(ports[PORTMON_TCP_FLAGS] & PORTMON_TCP_EVENTS) &&
	    READ_ONCE(t->following[PORTMON_FOLLOW_LIFECYCLE]))
		return portmon_slow(t, skb, state, hook, family);

	src_entry = portmon_entry(p, c->src_scope, ports[0], ports[1]);
	dst_entry = portmon_entry(p, c->dst_scope, ports[2], ports[3]);
	src = READ_ONCE(*src_entry);
	dst = READ_ONCE(*dst_entry);
	if (unlikely((src | dst) & PORTMON_COLD))
		return cold(t, skb, state, src_entry, dst_entry);

	now = jiffies;
	portmon_slot_add(portmon_entry_slot(src), c->src_dir, 1, bytes, now);
	portmon_slot_add(portmon_entry_slot(dst), c->dst_dir, 1, bytes, now);
	portmon_pair_add(&t->stats->bucket[hook][family][PORTMON_BUCKET_PORTS],
			 1, bytes);
	return NF_ACCEPT;
}

/*
 * A packet with a plain header that is a GSO buffer, or whose device is the
 * loopback device, a VRF or a bond.
 */
static __always_inline unsigned int
portmon_special(struct portmon_tables *t, struct sk_buff *skb,
		const struct nf_hook_state *state, enum portmon_hook hook,
		enum portmon_family family, portmon_cold_fn *cold)
{
	const struct net_device *dev = hook == PORTMON_HOOK_LOCAL_IN ?
				       state->in : state->out;

	if (hook == PORTMON_HOOK_FORWARD || skb_is_gso(skb) ||
	    !(portmon_dev_flags(dev) & IFF_LOOPBACK))
		return portmon_slow(t, skb, state, hook, family);
	if (hook == PORTMON_HOOK_LOCAL_IN)
		return portmon_plain(t, skb, state, PORTMON_PATH_LOOPBACK,
				     hook, family, cold);
	portmon_pair_add(&t->stats->bucket[hook][family][PORTMON_BUCKET_LOOPBACK],
			 1, skb->len);
	return NF_ACCEPT;
}

/*
 * The common case.  Everything in here and in portmon_plain() is paid for by
 * every packet: no call but the last, no lock, no store to what another CPU
 * stores to.
 */
static __always_inline bool
portmon_is_plain(const struct sk_buff *skb, enum portmon_family family)
{
	const struct iphdr *iph = (const void *)skb->data;

	/* Far enough for TCP's flags: one test for all transports. */
	if (unlikely(skb_headlen(skb) <=
		     portmon_l3_len(family) + PORTMON_TCP_FLAGS))
		return false;
	if (family == PORTMON_FAMILY_IPV4)
		return likely(*(const u8 *)iph == 0x45 &&
			      !(iph->frag_off & htons(IP_MF | IP_OFFSET)));
	return likely(iph->version == 6);
}

/*
 * VRF devices are IFF_MASTER; so are bonds, which portmon_slow() takes back.
 * On its first way through LOCAL_OUT, IPv6 names the VRF either in the hook's
 * state or only in the route (ip6_xmit() has taken its device before).
 */
static __always_inline bool
portmon_is_special(const struct sk_buff *skb, const struct nf_hook_state *state,
		   enum portmon_hook hook, enum portmon_family family)
{
	unsigned int special = skb_shinfo(skb)->gso_size;

	if (hook == PORTMON_HOOK_LOCAL_IN)
		special |= portmon_dev_flags(state->in) &
			   (IFF_LOOPBACK | IFF_MASTER);
	else if (hook == PORTMON_HOOK_LOCAL_OUT)
		special |= portmon_dev_flags(state->out) &
			   (IFF_LOOPBACK | IFF_MASTER);
	if (hook == PORTMON_HOOK_LOCAL_OUT && family == PORTMON_FAMILY_IPV6)
		special |= portmon_dev_flags(portmon_dst_dev(skb)) & IFF_MASTER;
	return unlikely(special);
}

#define PORTMON_COLD_FN(name, path, where, family)			\
static noinline unsigned int						\
name(struct portmon_tables *t, struct sk_buff *skb,			\
	const struct nf_hook_state *state, unsigned long *src,		\
	unsigned long *dst)						\
{									\
	return portmon_cold(t, skb, state, src, dst, path, where, family);	\
}

/* A hook and where it branches off to, each made for its hook and family. */
#define PORTMON_HOOK_FN(name, where, family)				\
PORTMON_COLD_FN(name##_cold, (enum portmon_path)where, where, family)	\
PORTMON_COLD_FN(name##_cold_loopback, PORTMON_PATH_LOOPBACK, where, family) \
									\
static noinline unsigned int						\
name##_special(struct portmon_tables *t, struct sk_buff *skb,		\
	       const struct nf_hook_state *state)			\
{									\
	return portmon_special(t, skb, state, where, family,		\
			       name##_cold_loopback);			\
}									\
									\
static unsigned int name(void *priv, struct sk_buff *skb,		\
			 const struct nf_hook_state *state)		\
{									\
	if (unlikely(!portmon_is_plain(skb, family)))			\
		return portmon_slow(priv, skb, state, where, family);	\
	if (portmon_is_special(skb, state, where, family))		\
		return name##_special(priv, skb, state);		\
	return portmon_plain(priv, skb, state,				\
			     (enum portmon_path)where, where, family,	\
			     name##_cold);				\
}

PORTMON_HOOK_FN(portmon_in4, PORTMON_HOOK_LOCAL_IN, PORTMON_FAMILY_IPV4)
PORTMON_HOOK_FN(portmon_in6, PORTMON_HOOK_LOCAL_IN, PORTMON_FAMILY_IPV6)
PORTMON_HOOK_FN(portmon_out4, PORTMON_HOOK_LOCAL_OUT, PORTMON_FAMILY_IPV4)
PORTMON_HOOK_FN(portmon_out6, PORTMON_HOOK_LOCAL_OUT, PORTMON_FAMILY_IPV6)
PORTMON_HOOK_FN(portmon_fwd4, PORTMON_HOOK_FORWARD, PORTMON_FAMILY_IPV4)
PORTMON_HOOK_FN(portmon_fwd6, PORTMON_HOOK_FORWARD, PORTMON_FAMILY_IPV6)

/*
 * First on the way in: what arrived, before the firewall.  Last on the way
 * out and through: what the firewall let go.
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
