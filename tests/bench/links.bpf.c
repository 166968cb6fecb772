// SPDX-License-Identifier: GPL-2.0
/* What libbpf of Debian 12 cannot attach, or attaches elsewhere: see bpf.c. */
#include "ports.bpf.h"

/* Of all of a cgroup, as systemd's IPAccounting= has it: no ports. */
SEC("cgroup")
int count_all(struct __sk_buff *skb)
{
	struct record *record;
	__u32 key = 0;

	record = map_lookup(&ports, &key);
	if (record) {
		__sync_fetch_and_add(&record->packets, 1);
		__sync_fetch_and_add(&record->bytes, skb->len);
	}
	return 1;
}

struct bpf_nf_ctx {
	const void *state;
	void *skb;
};

extern int bpf_dynptr_from_skb(void *skb, __u64 flags, struct bpf_dynptr *ptr);
extern void *bpf_dynptr_slice(const struct bpf_dynptr *ptr, __u32 offset,
			      void *buffer, __u32 size);
extern __u32 bpf_dynptr_size(const struct bpf_dynptr *ptr);

/* In a netfilter hook, where there is no direct access to the packet. */
SEC("netfilter")
int count_hook(struct bpf_nf_ctx *ctx)
{
	struct {
		struct iphdr ip;
		__u32 ports;
	} buffer, *packet;
	struct bpf_dynptr ptr;

	if (bpf_dynptr_from_skb(ctx->skb, 0, &ptr))
		return 1;
	packet = bpf_dynptr_slice(&ptr, 0, &buffer, sizeof(buffer));
	if (packet && is_plain(&packet->ip))
		count(&packet->ip, bpf_dynptr_size(&ptr));
	return 1;
}
