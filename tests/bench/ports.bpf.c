// SPDX-License-Identifier: GPL-2.0
/*
 * Packets and bytes per destination port in an eBPF map, IPv4 without options
 * only: what one writes in an afternoon instead of portmon.  MAP chooses the
 * kind: BPF_MAP_TYPE_PERCPU_ARRAY or BPF_MAP_TYPE_PERCPU_HASH.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>

#define SEC(name)	__attribute__((section(name), used))
#define PIN_BY_NAME	1

static void *(*map_lookup)(void *map, const void *key) =
	(void *)BPF_FUNC_map_lookup_elem;
static long (*map_update)(void *map, const void *key, const void *value,
			  __u64 flags) = (void *)BPF_FUNC_map_update_elem;

struct record {
	__u64 packets;
	__u64 bytes;
};

/* The form in which loaders expect the definition of a map. */
struct {
	int (*type)[MAP];
	int (*max_entries)[65536];
	int (*pinning)[PIN_BY_NAME];
	__u32 *key;
	struct record *value;
} ports SEC(".maps");

SEC("tc")
int count_ports(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	__u16 *port = (__u16 *)(ip + 1);
	struct record first = { 1, skb->len - sizeof(*eth) }, *record;
	__u32 key;

	if ((void *)(port + 2) > end || eth->h_proto != __builtin_bswap16(ETH_P_IP) ||
	    ip->ihl != 5 || ip->frag_off & __builtin_bswap16(0x3fff))
		return TC_ACT_UNSPEC;
	key = __builtin_bswap16(port[1]);
	record = map_lookup(&ports, &key);
	if (record) {
		record->packets++;
		record->bytes += skb->len - sizeof(*eth);
	} else {
		map_update(&ports, &key, &first, BPF_NOEXIST);
	}
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
