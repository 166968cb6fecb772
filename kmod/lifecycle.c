// SPDX-License-Identifier: GPL-2.0
/*
 * TCP connections as the kernel's tracepoints report them: handshakes completed
 * and failed, retransmissions, ends.  SYN, FIN and RST are counted by packet.
 */
#include <linux/mutex.h>
#include <linux/tcp.h>
#include <linux/tracepoint.h>
#include <net/inet_sock.h>
#include <net/tcp.h>
#include <net/tcp_states.h>
#include <trace/events/skb.h>
#include <trace/events/sock.h>
#include <trace/events/tcp.h>

#include "compat.h"
#include "drops.h"
#include "events.h"
#include "lifecycle.h"
#include "measures.h"
#include "net.h"
#include "tcp.h"

/* A handshake that is complete, or has failed. */
static void portmon_handshake(struct portmon_tables *t, const struct sock *sk,
			      bool active, bool complete)
{
	const struct inet_sock *inet = inet_sk(sk);
	struct portmon_key key = {
		.scope = active ? PORTMON_SCOPE_REMOTE : PORTMON_SCOPE_LOCAL,
		.transport = PORTMON_TRANSPORT_TCP,
		/* The local port may have been put back: inet_num is 0, not this. */
		.port = ntohs(active ? inet->inet_dport : inet->inet_sport),
	};

	if (portmon_tcp_is_loopback(sk)) {
		key.scope = PORTMON_SCOPE_LOOPBACK;
		/* Both ends are here: the one that accepts counts it. */
		if (active && complete) {
			portmon_measure_drop(sk);
			return;
		}
	}
	portmon_event_add(t, &key, complete ? PORTMON_A_TCP_ESTABLISHED :
					      PORTMON_A_TCP_FAILED, 1);
	if (complete)
		portmon_measure_established(t, sk, &key, active);
	else
		portmon_measure_drop(sk);
}

/* inet_sock_set_state */
static void portmon_probe_state(void *data, const struct sock *sk,
				const int old, const int new)
{
	const bool began = old == TCP_SYN_SENT || old == TCP_SYN_RECV;
	struct portmon_tables *t;

	if (sk->sk_protocol != IPPROTO_TCP ||
	    (new != TCP_SYN_SENT && new != TCP_CLOSE &&
	     (new != TCP_ESTABLISHED || !began)))
		return;

	rcu_read_lock();
	t = portmon_net_following(sock_net(sk), PORTMON_FOLLOW_LIFECYCLE);
	if (t && new == TCP_SYN_SENT)
		portmon_measure_connect(sk);
	else if (t && began)
		portmon_handshake(t, sk, old == TCP_SYN_SENT,
				  new == TCP_ESTABLISHED);
	else if (t)
		portmon_measure_end(t, sk);
	else if (new == TCP_CLOSE)
		/* Another socket may be given its memory, and be followed. */
		portmon_measure_drop(sk);
	if (new == TCP_CLOSE)
		portmon_tcp_closed(sk);
	rcu_read_unlock();
}

/* Both ports of a segment that this host retransmits; @req: of a SYN-ACK. */
static void portmon_retransmitted(const struct sock *sk,
				  const struct request_sock *req, u16 own,
				  u16 peer, unsigned int kind, u64 segments)
{
	struct portmon_tables *t;
	bool loopback;

	rcu_read_lock();
	t = portmon_net_following(sock_net(sk), PORTMON_FOLLOW_LIFECYCLE);
	if (t) {
		loopback = portmon_tcp_is_loopback(sk);
		portmon_tcp_add(t, loopback ? PORTMON_SCOPE_LOOPBACK :
					      PORTMON_SCOPE_LOCAL,
				own, kind, segments);
		portmon_tcp_add(t, loopback ? PORTMON_SCOPE_LOOPBACK :
					      PORTMON_SCOPE_REMOTE,
				peer, kind, segments);
		if (req)
			portmon_measure_synack(req);
	}
	rcu_read_unlock();
}

/* tcp_retransmit_skb: called after sending; newer kernels pass the error. */
static void portmon_probe_retransmit(void *data, const struct sock *sk,
				     const struct sk_buff *skb, int err)
{
	const struct inet_sock *inet = inet_sk(sk);

	if (err)
		return;
	portmon_retransmitted(sk, NULL, ntohs(inet->inet_sport),
			      ntohs(inet->inet_dport),
			      PORTMON_A_TCP_RETRANSMITTED,
			      tcp_skb_pcount(skb));
}

PORTMON_RETRANSMIT_SKB_OLDER(portmon_probe_retransmit)

/* tcp_retransmit_synack */
static void portmon_probe_synack(void *data, const struct sock *sk,
				 const struct request_sock *req)
{
	const struct inet_request_sock *ireq = inet_rsk(req);

	portmon_retransmitted(req_to_sk((struct request_sock *)req), req,
			      ireq->ir_num, ntohs(ireq->ir_rmt_port),
			      PORTMON_A_TCP_SYNACK_RETRANSMITTED, 1);
}

/* kfree_skb */
static void portmon_probe_drop(void *data, struct sk_buff *skb, void *location,
			       enum skb_drop_reason reason,
			       const struct sock *rx_sk)
{
	portmon_drop_probe(skb, reason, rx_sk);
}

PORTMON_KFREE_SKB_OLDER(portmon_probe_drop)

static struct portmon_probe {
	const char *name;
	void *probe;
	enum portmon_follow what;
	struct tracepoint *tp;
} portmon_probes[] = {
	/* In the order of enum portmon_tracepoint. */
	{ "inet_sock_set_state", portmon_probe_state, PORTMON_FOLLOW_LIFECYCLE },
	{ "tcp_retransmit_skb", PORTMON_RETRANSMIT_SKB(portmon_probe_retransmit),
	  PORTMON_FOLLOW_LIFECYCLE },
	{ "tcp_retransmit_synack", portmon_probe_synack, PORTMON_FOLLOW_LIFECYCLE },
	{ "kfree_skb", PORTMON_KFREE_SKB(portmon_probe_drop), PORTMON_FOLLOW_DROPS },
};

/* Namespaces that follow; under the mutex, as (un)registering is. */
static unsigned int portmon_followers[PORTMON_FOLLOWS];
static bool portmon_started;
static DEFINE_MUTEX(portmon_followers_lock);

static void portmon_probes_register(enum portmon_follow what)
{
	struct portmon_probe *p;

	if (what == PORTMON_FOLLOW_LIFECYCLE)
		portmon_measures_start();
	/* Without memory for one, as if the kernel did not have it. */
	for (p = portmon_probes; p < &portmon_probes[ARRAY_SIZE(portmon_probes)]; p++)
		if (p->what == what && p->tp &&
		    tracepoint_probe_register(p->tp, p->probe, NULL))
			WRITE_ONCE(p->tp, NULL);
}

static void portmon_probes_unregister(enum portmon_follow what)
{
	struct portmon_probe *p;

	for (p = portmon_probes; p < &portmon_probes[ARRAY_SIZE(portmon_probes)]; p++)
		if (p->what == what && p->tp)
			tracepoint_probe_unregister(p->tp, p->probe, NULL);
	/* The state of a namespace may go after this. */
	tracepoint_synchronize_unregister();
	/* Nobody notes when these sockets are closed. */
	if (what == PORTMON_FOLLOW_LIFECYCLE) {
		portmon_tcp_forget();
		portmon_measures_forget();
	}
}

/**
 * portmon_follow_use() - a namespace starts or stops to follow
 * @what: what
 * @on: it starts
 *
 * Tracepoints are registered only while a namespace follows them. When the last
 * one has stopped, no probe is running.
 *
 * Context: Process context, may sleep.
 */
void portmon_follow_use(enum portmon_follow what, bool on)
{
	mutex_lock(&portmon_followers_lock);
	if (on && !portmon_followers[what]++ && portmon_started)
		portmon_probes_register(what);
	else if (!on && !--portmon_followers[what] && portmon_started)
		portmon_probes_unregister(what);
	mutex_unlock(&portmon_followers_lock);
}

/**
 * portmon_lifecycle_start() - register the tracepoints
 *
 * Only after all namespaces have portmon's state, which the probes read.
 *
 * Context: Process context, may sleep.
 */
void __init portmon_lifecycle_start(void)
{
	unsigned int what;

	mutex_lock(&portmon_followers_lock);
	portmon_started = true;
	for (what = 0; what < PORTMON_FOLLOWS; what++)
		if (portmon_followers[what])
			portmon_probes_register(what);
	mutex_unlock(&portmon_followers_lock);
}

/**
 * portmon_follow_missing() - tracepoints that are not available
 *
 * Return: bit mask of &enum portmon_tracepoint.
 */
u32 portmon_follow_missing(void)
{
	u32 missing = 0;
	unsigned int i;

	BUILD_BUG_ON(BIT(ARRAY_SIZE(portmon_probes) - 1) !=
		     PORTMON_TRACEPOINT_KFREE_SKB);
	for (i = 0; i < ARRAY_SIZE(portmon_probes); i++)
		if (!READ_ONCE(portmon_probes[i].tp))
			missing |= BIT(i);
	return missing;
}

static void portmon_probe_find(struct tracepoint *tp, void *priv)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(portmon_probes); i++)
		if (!strcmp(tp->name, portmon_probes[i].name))
			portmon_probes[i].tp = tp;
}

/**
 * portmon_lifecycle_init() - look for the kernel's tracepoints
 *
 * Return: 0 or -ENOMEM.
 */
int __init portmon_lifecycle_init(void)
{
	PORTMON_PROBE_CHECK(inet_sock_set_state, portmon_probe_state);
	PORTMON_PROBE_CHECK(tcp_retransmit_skb,
			    PORTMON_RETRANSMIT_SKB(portmon_probe_retransmit));
	PORTMON_PROBE_CHECK(tcp_retransmit_synack, portmon_probe_synack);
	PORTMON_PROBE_CHECK(kfree_skb, PORTMON_KFREE_SKB(portmon_probe_drop));

	portmon_drops_init();
	portmon_measures_init();
	for_each_kernel_tracepoint(portmon_probe_find, NULL);
	return portmon_tcp_init();
}

/**
 * portmon_lifecycle_exit() - undo portmon_lifecycle_init(); no namespace is left
 */
void portmon_lifecycle_exit(void)
{
	portmon_tcp_exit();
	portmon_measures_exit();
}
