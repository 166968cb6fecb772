/* SPDX-License-Identifier: GPL-2.0 */
/* TCP's segments and sockets: which events of which ports they are. */
#ifndef _PORTMON_TCP_H
#define _PORTMON_TCP_H

#include "types.h"

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
void portmon_tcp_add(struct portmon_tables *t, enum portmon_scope scope,
		     u16 port, unsigned int kind, u64 n);

bool portmon_tcp_is_loopback(const struct sock *sk);
void portmon_tcp_rerouted(const struct sock *sk, bool loopback);
void portmon_tcp_translated(struct portmon_tables *t, const struct sock *sk,
			    enum portmon_scope scope, u16 port);
void portmon_tcp_closed(const struct sock *sk);
void portmon_tcp_forget(void);

int portmon_tcp_init(void);
void portmon_tcp_exit(void);

#endif
