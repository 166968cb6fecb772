// SPDX-License-Identifier: GPL-2.0
/*
 * What a packet pays at LOCAL_IN with the hooks that are there, in ticks of
 * the time stamp counter: one UDP packet passes nf_hook() over and over.
 * Loading it measures; the results are in the log.
 */
#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <linux/udp.h>

#define CALLS	2000
#define BATCHES	2000

static char *what = "?";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "Name of what is measured, for the log");
static char *dev = "dummy0";
module_param(dev, charp, 0444);
MODULE_PARM_DESC(dev, "Device that the packet comes from");

static u64 native_ticks(void)
{
	u32 lo, hi;

	asm volatile("lfence; rdtsc; lfence" : "=a"(lo), "=d"(hi) :: "memory");
	return (u64)hi << 32 | lo;
}

static struct sk_buff *native_packet(struct net_device *from)
{
	struct sk_buff *skb = alloc_skb(256, GFP_KERNEL);
	struct udphdr *udp;
	struct iphdr *iph;

	if (!skb)
		return NULL;
	skb_reserve(skb, 64);
	skb_reset_network_header(skb);
	iph = skb_put_zero(skb, sizeof(*iph));
	skb_set_transport_header(skb, sizeof(*iph));
	udp = skb_put_zero(skb, sizeof(*udp));
	skb_put_zero(skb, 100);
	iph->version = 4;
	iph->ihl = 5;
	iph->ttl = 64;
	iph->protocol = IPPROTO_UDP;
	iph->tot_len = htons(skb->len);
	iph->saddr = htonl(0x0a630001);
	iph->daddr = htonl(0x0a630002);
	udp->source = htons(9000);
	udp->dest = htons(10000);
	udp->len = htons(sizeof(*udp) + 100);
	skb->protocol = htons(ETH_P_IP);
	skb->dev = from;
	return skb;
}

static int native_ok(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	return 0;
}

static u64 native_batch(struct sk_buff *skb, struct net_device *from)
{
	u64 begun;
	int i;

	local_bh_disable();
	begun = native_ticks();
	for (i = 0; i < CALLS; i++)
		if (nf_hook(NFPROTO_IPV4, NF_INET_LOCAL_IN, &init_net, NULL,
			    skb, from, NULL, native_ok) != 1)
			break;
	begun = native_ticks() - begun;
	local_bh_enable();
	return i == CALLS ? begun : U64_MAX;
}

static int __init native_init(void)
{
	struct net_device *from = dev_get_by_name(&init_net, dev);
	struct sk_buff *skb = from ? native_packet(from) : NULL;
	u64 min = U64_MAX, ticks, ns;
	int i, err = -ENODEV;

	if (!skb)
		goto err_put;
	ns = ktime_get_ns();
	ticks = native_ticks();
	for (i = 0; i < BATCHES; i++)
		min = min(min, native_batch(skb, from));
	ticks = native_ticks() - ticks;
	ns = ktime_get_ns() - ns;
	/* Picoseconds per call. */
	pr_info("native: %s %llu\n", what,
		div64_u64(div64_u64(min * 1000, CALLS) * ns, ticks));
	err = 0;
	skb->dev = NULL;
	kfree_skb(skb);
err_put:
	dev_put(from);
	return err;
}

static void __exit native_exit(void)
{
}

module_init(native_init);
module_exit(native_exit);

MODULE_DESCRIPTION("Benchmark: real time of the netfilter hooks");
MODULE_LICENSE("GPL");
