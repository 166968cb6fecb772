/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Packets and bytes per destination port in an eBPF map, IPv4 without options
 * only: what one writes in an afternoon instead of portmon.  MAP chooses the
 * kind: BPF_MAP_TYPE_PERCPU_ARRAY or BPF_MAP_TYPE_PERCPU_HASH.
 */
#ifndef _BENCH_PORTS_BPF_H
#define _BENCH_PORTS_BPF_H

#include <linux/bpf.h>
#include <linux/ip.h>

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

/* No fragment, no options: the ports are right behind the header. */
static inline int is_plain(const struct iphdr *ip)
{
	return ip->version == 4 && ip->ihl == 5 &&
	       !(ip->frag_off & __builtin_bswap16(0x3fff));
}

static inline void count(const struct iphdr *ip, __u64 bytes)
{
	__u32 key = __builtin_bswap16(((const __u16 *)(ip + 1))[1]);
	struct record first = { 1, bytes }, *record;

	record = map_lookup(&ports, &key);
	if (record) {
		record->packets++;
		record->bytes += bytes;
	} else {
		map_update(&ports, &key, &first, BPF_NOEXIST);
	}
}

char _license[] SEC("license") = "GPL";

#endif
