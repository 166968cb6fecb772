// SPDX-License-Identifier: GPL-2.0
/*
 * Drops, as the tracepoint kfree_skb tells of them: is it a loss, whose is it,
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
#include <net/route.h>
#include <net/sock.h>

#include "lifecycle.h"
#include "net.h"
#include "parse.h"

#define PORTMON_REASON(name)						\
	[SKB_DROP_REASON_##name] = #name,
#define PORTMON_REASON_END(name)					\
	[SKB_DROP_REASON_##name] = "OTHER",
static const char *const portmon_reasons[PORTMON_REASON_OTHER + 1] = {
	DEFINE_DROP_REASON(PORTMON_REASON, PORTMON_REASON_END)
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

/* No loss either, of a segment that has only an ACK: a keepalive probe. */
static const char *const portmon_no_loss_ack[] = {
	"TCP_INVALID_SEQUENCE", "TCP_OLD_SEQUENCE",
};

static DECLARE_BITMAP(portmon_ignored, PORTMON_REASON_OTHER + 1) __ro_after_init;
static DECLARE_BITMAP(portmon_ignored_ack, PORTMON_REASON_OTHER + 1) __ro_after_init;

static atomic64_t portmon_unplaced;

/**
 * portmon_reason_name() - name of a drop reason
 * @reason: of the kernel, or %PORTMON_REASON_OTHER
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

/*
 * The namespace by the buffer's device, which is compared with the device
 * that it says it came in through, never followed.
 */
static struct net *portmon_drop_net_by_dev(const struct sk_buff *skb)
{
	struct net *net;

	if (!skb->skb_iif || !skb->dev)
		return NULL;
	for_each_net_rcu(net)
		if (portmon_net_following(net, PORTMON_FOLLOW_DROPS) &&
		    dev_get_by_index_rcu(net, skb->skb_iif) == skb->dev)
			return net;
	return NULL;
}

/* The device of its route, if it has one; another CPU may take it out. */
static const struct net_device *portmon_drop_dst_dev(const struct sk_buff *skb)
{
	const struct dst_entry *dst = skb_dst(skb);

	return dst ? READ_ONCE(dst->dev) : NULL;
}

static struct net *portmon_drop_net(const struct sk_buff *skb,
				    const struct sock *rx_sk)
{
	const struct net_device *dev;

	if (rx_sk)
		return sock_net(rx_sk);
	/* Only with a destructor is it surely a socket. */
	if (skb->sk && skb->destructor)
		return sock_net(skb->sk);
	dev = portmon_drop_dst_dev(skb);
	if (dev)
		return dev_net(dev);
	return portmon_drop_net_by_dev(skb);
}

/* Was a packet that came from outside for this host, or to be routed? */
static bool portmon_drop_is_local4(const struct sk_buff *skb, struct net *net,
				   int nh)
{
	const struct rtable *rt = skb_rtable(skb);
	const struct iphdr *iph;
	struct iphdr copy;
	unsigned int type;

	if (rt)
		return rt->rt_flags &
		       (RTCF_LOCAL | RTCF_BROADCAST | RTCF_MULTICAST);
	iph = skb_header_pointer(skb, nh, sizeof(copy), &copy);
	if (!iph)
		return true;
	type = inet_addr_type(net, iph->daddr);
	return type == RTN_LOCAL || type == RTN_BROADCAST ||
	       type == RTN_MULTICAST;
}

static bool portmon_drop_is_local6(const struct sk_buff *skb, struct net *net,
				   int nh)
{
#if IS_ENABLED(CONFIG_IPV6)
	const struct ipv6hdr *ip6h;
	struct ipv6hdr copy;

	ip6h = skb_header_pointer(skb, nh, sizeof(copy), &copy);
	return !ip6h || ipv6_addr_is_multicast(&ip6h->daddr) ||
	       ipv6_chk_addr(net, &ip6h->daddr, NULL, 0);
#else
	return true;
#endif
}

/* Whose port was the packet addressed to? */
static enum portmon_scope portmon_drop_scope(const struct sk_buff *skb,
					     struct net *net, int nh,
					     enum portmon_family family)
{
	const struct net_device *dev;
	bool local;

	if (skb->skb_iif == LOOPBACK_IFINDEX)
		return PORTMON_SCOPE_LOOPBACK;
	if (skb->skb_iif) {
		local = family == PORTMON_FAMILY_IPV4 ?
			portmon_drop_is_local4(skb, net, nh) :
			portmon_drop_is_local6(skb, net, nh);
		return local ? PORTMON_SCOPE_LOCAL : PORTMON_SCOPE_FORWARD;
	}
	dev = portmon_drop_dst_dev(skb);
	return dev && READ_ONCE(dev->flags) & IFF_LOOPBACK ?
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
	net = portmon_drop_net(skb, rx_sk);
	if (!net) {
		atomic64_add(packets, &portmon_unplaced);
		return;
	}
	t = portmon_net_following(net, PORTMON_FOLLOW_DROPS);
	if (!t)
		return;
	key.scope = portmon_drop_scope(skb, net, nh, family);
	key.transport = transport;
	key.port = ports[2] << 8 | ports[3];
	portmon_event_add(t, &key, PORTMON_KIND_DROP + reason, packets);
}

/**
 * portmon_drop_probe() - tracepoint kfree_skb
 * @skb: the buffer
 * @reason: &enum skb_drop_reason, or of another subsystem
 * @rx_sk: socket that was to have it, where the kernel tells
 *
 * Context: Any, preemption off.
 */
void portmon_drop_probe(struct sk_buff *skb, unsigned int reason,
			const struct sock *rx_sk)
{
	enum portmon_family family;
	struct portmon_l3 l3;
	int nh;

	reason = min_t(unsigned int, reason, PORTMON_REASON_OTHER);
	if (test_bit(reason, portmon_ignored))
		return;
	if (skb->protocol == htons(ETH_P_IP))
		family = PORTMON_FAMILY_IPV4;
	else if (skb->protocol == htons(ETH_P_IPV6))
		family = PORTMON_FAMILY_IPV6;
	else
		return;
	/* Before the network layer no one has set it. */
	if (!skb_transport_header_was_set(skb))
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
