// SPDX-License-Identifier: GPL-2.0
/*
 * TCP's segments and sockets: which events of which ports they are, and
 * whether both ends of a connection are on this host.
 */
#include <linux/inetdevice.h>
#include <linux/rhashtable.h>
#include <net/addrconf.h>
#include <net/inet_sock.h>
#include <net/l3mdev.h>
#include <net/route.h>
#include <net/tcp_states.h>

#include "events.h"
#include "pointers.h"
#include "tcp.h"

/* Sockets whose packets NAT or a mark has rerouted. */
static struct rhashtable portmon_rerouted;

/* So many at most, of the whole host: 2 MiB. Past it the address decides. */
#define PORTMON_REROUTED_MAX	65536

/**
 * portmon_tcp_segment() - count a segment that begins or ends a connection
 * @t: tables of the namespace
 * @record: of one of its ports, or NULL
 * @scope: of that port
 * @dir: its direction as seen from that port
 * @port: the port, as it lies in the segment
 * @flags: of its header
 *
 * Context: Packet path, under rcu_read_lock().
 */
void portmon_tcp_segment(struct portmon_tables *t,
			 struct portmon_record *record,
			 enum portmon_scope scope, enum portmon_dir dir,
			 const u8 *port, u8 flags)
{
	const struct portmon_key key = {
		scope, PORTMON_TRANSPORT_TCP, port[0] << 8 | port[1],
	};
	const bool rx = dir == PORTMON_RX;

	if (flags & PORTMON_TCP_SYN && flags & PORTMON_TCP_ACK)
		portmon_segment_add(t, record, &key,
				 rx ? PORTMON_A_TCP_SYNACK_RECEIVED :
				      PORTMON_A_TCP_SYNACK_SENT);
	else if (flags & PORTMON_TCP_SYN)
		portmon_segment_add(t, record, &key,
				 rx ? PORTMON_A_TCP_SYN_RECEIVED :
				      PORTMON_A_TCP_SYN_SENT);
	if (flags & PORTMON_TCP_FIN)
		portmon_segment_add(t, record, &key, PORTMON_A_TCP_FIN);
	if (flags & PORTMON_TCP_RST)
		portmon_segment_add(t, record, &key,
				 rx ? PORTMON_A_TCP_RST_RECEIVED :
				      PORTMON_A_TCP_RST_SENT);
}

/**
 * portmon_tcp_add() - count an event at a TCP port
 * @t: tables of the namespace
 * @scope: of the port
 * @port: the port, host byte order
 * @kind: PORTMON_A_TCP_*
 * @n: how many
 *
 * Context: Any, under rcu_read_lock().
 */
void portmon_tcp_add(struct portmon_tables *t, enum portmon_scope scope,
		     u16 port, unsigned int kind, u64 n)
{
	struct portmon_key key = {
		.scope = scope,
		.transport = PORTMON_TRANSPORT_TCP,
		.port = port,
	};

	portmon_event_add(t, &key, kind, n);
}

/*
 * Is the other end's address in this namespace, or in the socket's VRF?  Of a
 * request, which is no full socket, what is read here is in the same place.
 */
static bool portmon_is_own_address(const struct sock *sk)
{
	int bound = READ_ONCE(sk->sk_bound_dev_if);
	struct net *net = sock_net(sk);
	const struct net_device *dev;

	dev = bound ? dev_get_by_index_rcu(net, bound) : NULL;
#if IS_ENABLED(CONFIG_IPV6)
	/* A link-local address is its device's, all others the VRF's. */
	if (sk->sk_family == AF_INET6 &&
	    !ipv6_addr_v4mapped(&sk->sk_v6_daddr))
		return ipv6_chk_addr_and_flags(net, &sk->sk_v6_daddr, dev,
					       !dev || netif_is_l3_master(dev),
					       0, IFA_F_TENTATIVE);
#endif
	return inet_addr_type_dev_table(net, dev, sk->sk_daddr) == RTN_LOCAL;
}

/**
 * portmon_tcp_is_loopback() - are both ends of a connection on this host?
 * @sk: the socket, or a request for one
 *
 * The address decides: a socket that has given up holds no route.
 *
 * Context: Any, under rcu_read_lock().
 * Return: true if the other end is in this namespace, or in the socket's VRF.
 */
bool portmon_tcp_is_loopback(const struct sock *sk)
{
	return portmon_is_own_address(sk) !=
	       portmon_pointer_in(&portmon_rerouted, sk);
}

/**
 * portmon_tcp_rerouted() - a packet of a socket has been given another route
 * @sk: the socket
 * @loopback: it stays on this host
 *
 * Noted with the SYN, and until the socket is closed.
 *
 * Context: Packet path, under rcu_read_lock().
 */
void portmon_tcp_rerouted(const struct sock *sk, bool loopback)
{
	if (sk->sk_protocol == IPPROTO_TCP && sk->sk_state == TCP_SYN_SENT &&
	    portmon_is_own_address(sk) != loopback)
		portmon_pointer_add(&portmon_rerouted, sk,
				    PORTMON_REROUTED_MAX, PORTMON_GFP);
}

/**
 * portmon_tcp_translated() - count a SYN whose port NAT of this host changed
 * @t: tables of the namespace
 * @sk: the socket that sent it
 * @scope: of the port that it goes to
 * @port: that port
 *
 * Context: Packet path, under rcu_read_lock().
 */
void portmon_tcp_translated(struct portmon_tables *t, const struct sock *sk,
			    enum portmon_scope scope, u16 port)
{
	u16 asked = ntohs(inet_sk(sk)->inet_dport);

	if (sk->sk_protocol != IPPROTO_TCP || sk->sk_state != TCP_SYN_SENT ||
	    asked == port)
		return;
	portmon_tcp_add(t, scope, port, PORTMON_A_TCP_SYN_TRANSLATED, 1);
	portmon_tcp_add(t, scope, asked, PORTMON_A_TCP_SYN_TRANSLATED, 1);
}

/**
 * portmon_tcp_closed() - forget what is known of a socket
 * @sk: the socket
 *
 * Context: Any, under rcu_read_lock().
 */
void portmon_tcp_closed(const struct sock *sk)
{
	portmon_pointer_remove(&portmon_rerouted, sk);
}

/**
 * portmon_tcp_forget() - forget all rerouted sockets
 *
 * For when nobody notes any more that they are closed.
 */
void portmon_tcp_forget(void)
{
	portmon_pointers_flush(&portmon_rerouted);
}

/**
 * portmon_tcp_init() - prepare what is known of sockets
 *
 * Return: 0 or -ENOMEM.
 */
int __init portmon_tcp_init(void)
{
	return portmon_pointers_init(&portmon_rerouted);
}

/**
 * portmon_tcp_exit() - undo portmon_tcp_init(); no namespace is left
 */
void portmon_tcp_exit(void)
{
	portmon_pointers_free(&portmon_rerouted);
}
