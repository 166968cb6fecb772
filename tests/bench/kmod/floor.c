// SPDX-License-Identifier: GPL-2.0
/*
 * What no counter in a netfilter hook can go below: two hooks that do nothing,
 * or (bare=1) read the ports in place and bump one flat per-CPU record, right
 * for no packet but a plain IPv4 one.
 */
#include <linux/ip.h>
#include <linux/module.h>
#include <linux/netfilter_ipv4.h>
#include <linux/skbuff.h>
#include <linux/vmalloc.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

struct floor_record {
	u64 packets;
	u64 bytes;
};

static bool bare;
module_param(bare, bool, 0444);
MODULE_PARM_DESC(bare, "Parse, and count in a flat per-CPU table");

static DEFINE_PER_CPU(struct floor_record *, floor_table);

static unsigned int floor_empty(void *priv, struct sk_buff *skb,
				const struct nf_hook_state *state)
{
	return NF_ACCEPT;
}

static unsigned int floor_bare(void *priv, struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	const struct iphdr *iph = (const void *)skb->data;
	struct floor_record *record;

	if (unlikely(skb_headlen(skb) < sizeof(*iph) + 4 || iph->ihl != 5 ||
		     iph->frag_off & htons(0x3fff)))
		return NF_ACCEPT;
	record = this_cpu_read(floor_table) +
		 ntohs(((const __be16 *)(iph + 1))[1]);
	record->packets++;
	record->bytes += skb->len;
	return NF_ACCEPT;
}

#define FLOOR_OPS	2

static struct nf_hook_ops floor_ops[FLOOR_OPS] = {
	{
		.hook = floor_empty,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = INT_MIN,
	}, {
		.hook = floor_empty,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = INT_MAX,
	},
};

static int __net_init floor_net_init(struct net *net)
{
	return nf_register_net_hooks(net, floor_ops, FLOOR_OPS);
}

static void __net_exit floor_net_exit(struct net *net)
{
	nf_unregister_net_hooks(net, floor_ops, FLOOR_OPS);
}

static struct pernet_operations floor_net_ops = {
	.init = floor_net_init,
	.exit = floor_net_exit,
};

static void floor_free(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		vfree(per_cpu(floor_table, cpu));
}

static int __init floor_init(void)
{
	int cpu, err;

	if (bare) {
		floor_ops[0].hook = floor_bare;
		floor_ops[1].hook = floor_bare;
	}
	for_each_possible_cpu(cpu) {
		per_cpu(floor_table, cpu) =
			vzalloc(array_size(65536, sizeof(struct floor_record)));
		if (!per_cpu(floor_table, cpu)) {
			floor_free();
			return -ENOMEM;
		}
	}
	err = register_pernet_subsys(&floor_net_ops);
	if (err)
		floor_free();
	return err;
}

static void __exit floor_exit(void)
{
	unregister_pernet_subsys(&floor_net_ops);
	floor_free();
}

module_init(floor_init);
module_exit(floor_exit);

MODULE_DESCRIPTION("Benchmark: the least that a counting hook costs");
MODULE_LICENSE("GPL");
