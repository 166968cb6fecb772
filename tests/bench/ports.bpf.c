// SPDX-License-Identifier: GPL-2.0
/* At clsact and at tcx: the same program. */
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include "ports.bpf.h"

SEC("tc")
int count_ports(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) + 4 > end ||
	    eth->h_proto != __builtin_bswap16(ETH_P_IP) || !is_plain(ip))
		return TC_ACT_UNSPEC;
	count(ip, skb->len - sizeof(*eth));
	return TC_ACT_UNSPEC;
}
