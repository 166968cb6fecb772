// SPDX-License-Identifier: GPL-2.0
/*
 * Drops, as the tracepoint kfree_skb reports them: is it a loss, whose is it,
 * which port was it addressed to?
 *
 * A buffer may be dropped anywhere in the stack and is trusted as little as
 * can be: its device pointer lies where UDP keeps a scratch area and where
 * red-black trees have their links, its socket where defragmentation keeps an
 * offset.
 */
#include <linux/bitmap.h>
#include <linux/if_ether.h>
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/addrconf.h>
#include <net/dropreason.h>
#include <net/dst.h>
#include <net/dst_metadata.h>
#include <net/ip6_fib.h>
#include <net/l3mdev.h>
#include <net/route.h>
#include <net/sock.h>

#include "counters.h"
#include "devices.h"
#include "drops.h"
#include "events.h"
#include "net.h"
#include "parse.h"

#define PORTMON_REASON(name)						\
	[SKB_DROP_REASON_##name] = #name,
#define PORTMON_REASON_END(name)					\
	[SKB_DROP_REASON_##name] = "OTHER",
#define PORTMON_REASON_OF_QDISC(name)					\
	[PORTMON_REASON_QDISC + (u16)QDISC_DROP_##name] = "QDISC_DROP_" #name,
#define PORTMON_REASON_OF_QDISC_END(...)
static const char *const portmon_reasons[PORTMON_REASONS] = {
	DEFINE_DROP_REASON(PORTMON_REASON, PORTMON_REASON_END)
	DEFINE_QDISC_DROP_REASON(PORTMON_REASON_OF_QDISC,
				 PORTMON_REASON_OF_QDISC_END)
};

/*
 * No loss: no reason given, another host's packet, a reset that has done its
 * work, a segment merged with what was there, a copy for a sniffer, a queue
 * emptied.  By name: not every kernel has them all.
 */
static const char *const portmon_no_loss[] = {
	"NOT_SPECIFIED", "OTHERHOST", "TCP_RESET", "TCP_OFOMERGE",
	"PACKET_SOCK_ERROR", "QUEUE_PURGE",
};

/*
 * For a bare ACK these are not losses: it is a keepalive probe, or was
 * overtaken by a newer one.
 */
static const char *const portmon_no_loss_ack[] = {
	"TCP_INVALID_SEQUENCE", "TCP_OLD_SEQUENCE", "TCP_RFC7323_PAWS_ACK",
};

static DECLARE_BITMAP(portmon_ignored, PORTMON_REASONS) __ro_after_init;
static DECLARE_BITMAP(portmon_ignored_ack, PORTMON_REASONS) __ro_after_init;

static atomic64_t portmon_unplaced;

/**
 * portmon_reason_name() - name of a drop reason
 * @reason: less than %PORTMON_REASONS
 *
 * Return: the kernel's name without SKB_DROP_REASON_.
 */
const char *portmon_reason_name(unsigned int reason)
{
	return portmon_reasons[reason] ?: portmon_reasons[PORTMON_REASON_OTHER];
}

/**
 * portmon_drops_unplaced() - drops of which the namespace is not known
 *
 * Return: packets of the whole host since the module was loaded.
 */
u64 portmon_drops_unplaced(void)
{
	return atomic64_read(&portmon_unplaced);
}

/* Its route, if it has one; a tunnel keeps something else in that place. */
static const struct dst_entry *portmon_drop_dst(const struct sk_buff *skb)
{
	const struct dst_entry *dst = skb_dst(skb);

	return dst && !(dst->flags & DST_METADATA) ? dst : NULL;
}

/* The device of its route; another CPU may put the blackhole in its place. */
static const struct net_device *portmon_drop_dst_dev(const struct sk_buff *skb)
{
	const struct dst_entry *dst = portmon_drop_dst(skb);
	const struct net_device *dev = dst ? READ_ONCE(dst->dev) : NULL;

	return dev == blackhole_netdev ? NULL : dev;
}

/* IPv4 has no protocol yet when a VRF shows it to LOCAL_OUT. */
static int portmon_drop_family(const struct sk_buff *skb)
{
	const struct dst_entry *dst;

	switch (skb->protocol) {
	case htons(ETH_P_IP):
		return PORTMON_FAMILY_IPV4;
	case htons(ETH_P_IPV6):
		return PORTMON_FAMILY_IPV6;
	case 0:
		dst = portmon_drop_dst(skb);
		return dst && dst->ops->family == AF_INET ?
		       PORTMON_FAMILY_IPV4 : -EAFNOSUPPORT;
	default:
		return -EAFNOSUPPORT;
	}
}

/*
 * The namespace whose stack has dropped the buffer, NULL if that is not known.
 * On its way from one namespace to another, over veth or macvlan or into a
 * tunnel, a buffer keeps the sender's socket, and not always its route or its
 * device. The one of the three that was set last decides.
 */
static struct net *portmon_drop_net(const struct sk_buff *skb,
				    const struct sock *rx_sk,
				    const struct net_device *dev, int nh)
{
	const struct net_device *route;
	struct net *net = NULL;

	if (rx_sk)
		return sock_net(rx_sk);
	/* Received, and still at the device where it was. */
	if (dev && dev->ifindex == skb->skb_iif)
		return dev_net(dev);
	route = portmon_drop_dst_dev(skb);
	if (route)
		net = dev_net(route);
	else if (skb->sk && skb->destructor)	/* surely a socket */
		net = sock_net(skb->sk);
	/* In the network layer a route is newer than the device. */
	if (net && dev && !net_eq(dev_net(dev), net) && (!route || nh > 0))
		return NULL;
	return net;
}

static unsigned int portmon_rt_flags(const struct dst_entry *dst)
{
	return container_of(dst, const struct rtable, dst)->rt_flags;
}

/* Does what takes this route stay within the host, or a VRF of it? */
static bool portmon_drop_stays(const struct dst_entry *dst)
{
	const struct net_device *dev = dst ? READ_ONCE(dst->dev) : NULL;

	if (!dev || !netif_is_l3_master(dev))
		return dev && READ_ONCE(dev->flags) & IFF_LOOPBACK;
#if IS_ENABLED(CONFIG_IPV6)
	if (dst->ops->family == AF_INET6)
		return container_of(dst, const struct rt6_info,
				    dst)->rt6i_flags & RTF_LOCAL;
#endif
	return portmon_rt_flags(dst) & RTCF_LOCAL;
}

/* An address of this host, or of the VRF of @in: cheaper than a route's type. */
static bool portmon_drop_is_own(struct net *net, const struct net_device *in,
				__be32 addr)
{
	const struct net_device *dev = __ip_dev_find(net, addr, false);

	return dev && l3mdev_master_ifindex_rcu(dev) ==
		      (in ? l3mdev_master_ifindex_rcu(in) : 0);
}

/*
 * The scope of a packet received from a device.  Addresses are looked up where
 * the device has them: a VRF has its own.  A packet from the VRF itself, and
 * from one of its addresses, has not left it.
 */
static enum portmon_scope portmon_drop_scope4(const struct sk_buff *skb,
					      struct net *net,
					      const struct net_device *in,
					      int nh)
{
	const struct dst_entry *dst = portmon_drop_dst(skb);
	const struct iphdr *iph;
	struct iphdr copy;
	unsigned int type;

	iph = skb_header_pointer(skb, nh, sizeof(copy), &copy);
	if (!iph)
		return PORTMON_SCOPE_LOCAL;
	if (in && netif_is_l3_master(in) &&
	    inet_addr_type_dev_table(net, in, iph->saddr) == RTN_LOCAL)
		return PORTMON_SCOPE_LOOPBACK;
	if (dst)
		return portmon_rt_flags(dst) &
		       (RTCF_LOCAL | RTCF_BROADCAST | RTCF_MULTICAST) ?
		       PORTMON_SCOPE_LOCAL : PORTMON_SCOPE_FORWARD;
	if (portmon_drop_is_own(net, in, iph->daddr))
		return PORTMON_SCOPE_LOCAL;
	type = inet_addr_type_dev_table(net, in, iph->daddr);
	return type == RTN_LOCAL || type == RTN_BROADCAST ||
	       type == RTN_MULTICAST ?
	       PORTMON_SCOPE_LOCAL : PORTMON_SCOPE_FORWARD;
}

static enum portmon_scope portmon_drop_scope6(const struct sk_buff *skb,
					      struct net *net,
					      const struct net_device *in,
					      int nh)
{
#if IS_ENABLED(CONFIG_IPV6)
	const struct ipv6hdr *ip6h;
	struct ipv6hdr copy;

	ip6h = skb_header_pointer(skb, nh, sizeof(copy), &copy);
	if (!ip6h)
		return PORTMON_SCOPE_LOCAL;
	if (in && netif_is_l3_master(in) &&
	    ipv6_chk_addr_and_flags(net, &ip6h->saddr, in, true, 0,
				    IFA_F_TENTATIVE))
		return PORTMON_SCOPE_LOOPBACK;
	return ipv6_addr_is_multicast(&ip6h->daddr) ||
	       ipv6_chk_addr_and_flags(net, &ip6h->daddr, in, true, 0,
				       IFA_F_TENTATIVE) ?
	       PORTMON_SCOPE_LOCAL : PORTMON_SCOPE_FORWARD;
#else
	return PORTMON_SCOPE_LOCAL;
#endif
}

/* Whose port was the packet addressed to? */
static enum portmon_scope portmon_drop_scope(const struct sk_buff *skb,
					     struct net *net,
					     const struct net_device *dev,
					     int nh, enum portmon_family family)
{
	if (skb->skb_iif == LOOPBACK_IFINDEX ||
	    skb->pkt_type == PACKET_LOOPBACK)
		return PORTMON_SCOPE_LOOPBACK;
	if (skb->skb_iif) {
		if (!dev || dev->ifindex != skb->skb_iif)
			dev = dev_get_by_index_rcu(net, skb->skb_iif);
		return family == PORTMON_FAMILY_IPV4 ?
		       portmon_drop_scope4(skb, net, dev, nh) :
		       portmon_drop_scope6(skb, net, dev, nh);
	}
	return portmon_drop_stays(portmon_drop_dst(skb)) ?
	       PORTMON_SCOPE_LOOPBACK : PORTMON_SCOPE_REMOTE;
}

/* A segment without data, SYN, FIN and RST? */
static bool portmon_drop_is_ack(const struct sk_buff *skb, int l4)
{
	struct tcphdr copy;
	const struct tcphdr *th = skb_header_pointer(skb, l4, sizeof(copy),
						     &copy);

	return th && !th->syn && !th->fin && !th->rst &&
	       (int)skb->len - l4 <= (int)__tcp_hdrlen(th);
}

static void portmon_drop(const struct sk_buff *skb, unsigned int reason,
			 const struct sock *rx_sk, int nh,
			 enum portmon_family family,
			 const struct portmon_l3 *l3)
{
	int transport = portmon_transport(l3->protocol);
	/* As sk_drops_add() has it (include/net/sock.h). */
	u64 packets = max_t(u16, 1, skb_shinfo(skb)->gso_segs);
	const struct net_device *dev = portmon_device(skb->dev);
	struct portmon_tables *t;
	struct portmon_key key;
	u8 copy[PORTMON_PORTS_LEN];
	const u8 *ports;
	struct net *net;

	if (transport < 0)
		return;
	ports = skb_header_pointer(skb, l3->l4, sizeof(copy), copy);
	if (!ports)
		return;
	if (transport == PORTMON_TRANSPORT_TCP &&
	    test_bit(reason, portmon_ignored_ack) &&
	    portmon_drop_is_ack(skb, l3->l4))
		return;
	net = portmon_drop_net(skb, rx_sk, dev, nh);
	if (!net) {
		atomic64_add(packets, &portmon_unplaced);
		return;
	}
	t = portmon_net_following(net, PORTMON_FOLLOW_DROPS);
	if (!t)
		return;
	key.scope = portmon_drop_scope(skb, net, dev, nh, family);
	key.transport = transport;
	key.port = ports[2] << 8 | ports[3];
	portmon_event_add(t, &key, PORTMON_KIND_DROP + reason, packets);
}

/* The number here of a reason as the tracepoint has it. */
static unsigned int portmon_reason(unsigned int reason)
{
	int qdisc = portmon_qdisc_reason(reason);

	if (qdisc >= 0)
		return PORTMON_REASON_QDISC + qdisc;
	return min_t(unsigned int, reason, PORTMON_REASON_OTHER);
}

/**
 * portmon_drop_probe() - tracepoint kfree_skb
 * @skb: the buffer
 * @reason: &enum skb_drop_reason, or of another subsystem
 * @rx_sk: socket that was to receive it, where the kernel has it
 *
 * Context: Any.
 */
void portmon_drop_probe(struct sk_buff *skb, unsigned int reason,
			const struct sock *rx_sk)
{
	struct portmon_l3 l3;
	int nh, family;

	reason = portmon_reason(reason);
	if (test_bit(reason, portmon_ignored))
		return;
	/*
	 * Before the network layer the transport header is not set, and the
	 * field of the route may hold something else.
	 */
	if (!skb_transport_header_was_set(skb))
		return;
	family = portmon_drop_family(skb);
	if (family < 0)
		return;
	nh = skb_network_offset(skb);

	rcu_read_lock();
	portmon_parse(skb, nh, family, &l3);
	if (l3.bucket < 0)
		portmon_drop(skb, reason, rx_sk, nh, family, &l3);
	rcu_read_unlock();
}

static void __init portmon_reasons_mark(unsigned long *map,
					const char *const *names,
					unsigned int n)
{
	unsigned int reason, i;

	for (reason = 0; reason < PORTMON_REASON_OTHER; reason++)
		for (i = 0; portmon_reasons[reason] && i < n; i++)
			if (!strcmp(portmon_reasons[reason], names[i]))
				__set_bit(reason, map);
}

/**
 * portmon_drops_init() - find this kernel's numbers of what is no loss
 */
void __init portmon_drops_init(void)
{
	portmon_reasons_mark(portmon_ignored, portmon_no_loss,
			     ARRAY_SIZE(portmon_no_loss));
	portmon_reasons_mark(portmon_ignored_ack, portmon_no_loss_ack,
			     ARRAY_SIZE(portmon_no_loss_ack));
}
