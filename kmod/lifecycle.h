/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PORTMON_LIFECYCLE_H
#define _PORTMON_LIFECYCLE_H

#include <linux/types.h>

#include "counters.h"

struct sk_buff;
struct sock;

/* TCP's header length and flags, where they lie in it (RFC 9293, 3.1). */
#define PORTMON_TCP_DOFF	12
#define PORTMON_TCP_FLAGS	13
#define PORTMON_TCP_FIN		0x01
#define PORTMON_TCP_SYN		0x02
#define PORTMON_TCP_RST		0x04
#define PORTMON_TCP_ACK		0x10
#define PORTMON_TCP_EVENTS	(PORTMON_TCP_FIN | PORTMON_TCP_SYN | PORTMON_TCP_RST)

void portmon_tcp_segment(struct portmon_tables *t,
			 struct portmon_record *record,
			 enum portmon_scope scope, enum portmon_dir dir,
			 const u8 *port, u8 flags);
void portmon_drop_probe(struct sk_buff *skb, unsigned int reason,
			const struct sock *rx_sk);
u64 portmon_drops_unplaced(void);
const char *portmon_reason_name(unsigned int reason);

void portmon_follow_use(enum portmon_follow what, bool on);
u32 portmon_follow_missing(void);

void portmon_tcp_rerouted(const struct sock *sk, bool loopback);
void portmon_tcp_translated(struct portmon_tables *t, const struct sock *sk,
			    enum portmon_scope scope, u16 port);

int portmon_lifecycle_init(void);
void portmon_lifecycle_exit(void);
void portmon_lifecycle_start(void);
void portmon_drops_init(void);

#endif
