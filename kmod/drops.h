/* SPDX-License-Identifier: GPL-2.0 */
/* Drops, as the tracepoint kfree_skb has them. */
#ifndef _PORTMON_DROPS_H
#define _PORTMON_DROPS_H

#include <linux/types.h>

struct sk_buff;
struct sock;

void portmon_drop_probe(struct sk_buff *skb, unsigned int reason,
			const struct sock *rx_sk);
u64 portmon_drops_unplaced(void);
const char *portmon_reason_name(unsigned int reason);
void portmon_drops_init(void);

#endif
