// SPDX-License-Identifier: GPL-2.0
/*
 * What is measured of a TCP connection when its handshake completes and when
 * it ends.  Nearly all of it is in the socket; when the connection began, and
 * on which side, is not.  That is noted in a table of fixed size for the whole
 * host: no memory is allocated where a connection changes its state, and an
 * entry is taken by one atomic operation.  A set that is full forgets the
 * oldest handshake that is not complete, which may never be; one that is full
 * of connections forgets one of these, which is not measured any more.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <linux/tcp.h>
#include <linux/vmalloc.h>
#include <net/inet_sock.h>
#include <net/tcp.h>

#include "histograms.h"
#include "measures.h"
#include "tcp.h"

/* 512 KiB of the whole host. */
#define PORTMON_STAMP_WAYS	4
#define PORTMON_STAMP_SETS	16384

/* What an entry is the time of; 0 is an empty entry. */
enum portmon_stamp {
	PORTMON_STAMP_BEGUN = 1,	/* SYN or SYN-ACK, in us */
	PORTMON_STAMP_ACTIVE,		/* established by connect(), in ms */
	PORTMON_STAMP_PASSIVE,		/* accepted, in ms */
};

/* An entry: part of the hash, enum portmon_stamp, time. */
#define PORTMON_STAMP_TIME	GENMASK_ULL(39, 0)
#define PORTMON_STAMP_WHAT	GENMASK_ULL(41, 40)
#define PORTMON_STAMP_KEY	GENMASK_ULL(63, 42)

struct portmon_stamps {
	atomic64_t way[PORTMON_STAMP_WAYS];
};

static struct portmon_stamps *portmon_stamps;
static siphash_key_t portmon_stamp_key __ro_after_init;

static u64 portmon_now_us(void)
{
	return div_u64(ktime_get_ns(), NSEC_PER_USEC);
}

static u64 portmon_stamp_hash(const struct sock *sk)
{
	return siphash_1u64((unsigned long)sk, &portmon_stamp_key);
}

/* Of a request and of the socket that becomes of it: its number is random. */
static u64 portmon_stamp_hash_isn(const struct sock *sk, u32 isn)
{
	return siphash_3u32(isn, (u32)sk->sk_num << 16 | (__force u16)sk->sk_dport,
			    net_hash_mix(sock_net(sk)), &portmon_stamp_key);
}

static enum portmon_stamp portmon_stamp_what(u64 entry)
{
	return (entry & PORTMON_STAMP_WHAT) >> 40;
}

/* Both are cut to the bits of an entry. */
static u64 portmon_stamp_since(u64 entry, u64 now)
{
	return (now - entry) & PORTMON_STAMP_TIME;
}

/*
 * How soon an entry gives way to another: an empty one first, then handshakes
 * by age, a connection last. No tracepoint reports that a request is dropped,
 * thus handshakes stay until another entry needs the place.
 */
static u64 portmon_stamp_spare(u64 entry)
{
	if (!entry)
		return U64_MAX;
	if (portmon_stamp_what(entry) != PORTMON_STAMP_BEGUN)
		return 0;
	return 1 + portmon_stamp_since(entry, portmon_now_us());
}

static struct portmon_stamps *portmon_stamp_set(u64 hash)
{
	struct portmon_stamps *stamps = READ_ONCE(portmon_stamps);

	return stamps ? &stamps[hash % PORTMON_STAMP_SETS] : NULL;
}

/*
 * Note when something was; where another CPU is quicker twice, or a handshake
 * finds only connections, it is not.
 */
static void portmon_stamp_put(u64 hash, enum portmon_stamp what, u64 when)
{
	u64 entry = (hash & PORTMON_STAMP_KEY) | (u64)what << 40 |
		    (when & PORTMON_STAMP_TIME);
	struct portmon_stamps *set = portmon_stamp_set(hash);
	unsigned int i, at, tries;
	u64 old, seen, spare, most;

	for (tries = 0; set && tries < 2; tries++) {
		at = when % PORTMON_STAMP_WAYS;
		old = atomic64_read(&set->way[at]);
		most = 0;
		for (i = 0; i < PORTMON_STAMP_WAYS; i++) {
			seen = atomic64_read(&set->way[i]);
			spare = portmon_stamp_spare(seen);
			/* Its own entry is the one to replace, whatever it is. */
			if (seen && !((seen ^ hash) & PORTMON_STAMP_KEY))
				spare = U64_MAX;
			else if (spare <= most)
				continue;
			at = i;
			old = seen;
			most = spare;
		}
		if (what == PORTMON_STAMP_BEGUN && !most)
			return;
		if (atomic64_cmpxchg(&set->way[at], old, entry) == old)
			return;
	}
}

/* Take an entry out; 0 if there is none. */
static u64 portmon_stamp_take(u64 hash)
{
	struct portmon_stamps *set = portmon_stamp_set(hash);
	unsigned int i;
	u64 seen;

	for (i = 0; set && i < PORTMON_STAMP_WAYS; i++) {
		seen = atomic64_read(&set->way[i]);
		if (seen && !((seen ^ hash) & PORTMON_STAMP_KEY) &&
		    atomic64_cmpxchg(&set->way[i], seen, 0) == seen)
			return seen;
	}
	return 0;
}

/**
 * portmon_measure_connect() - a socket of this host begins to connect
 * @sk: the socket
 *
 * Context: Any.
 */
void portmon_measure_connect(const struct sock *sk)
{
	portmon_stamp_put(portmon_stamp_hash(sk), PORTMON_STAMP_BEGUN,
			  portmon_now_us());
}

/**
 * portmon_measure_synack() - a SYN-ACK was retransmitted
 * @req: the request
 *
 * The socket that may become of it does not keep the time of the first.
 *
 * Context: Any.
 */
void portmon_measure_synack(const struct request_sock *req)
{
	const struct tcp_request_sock *treq = tcp_rsk(req);
	const struct sock *sk = req_to_sk((struct request_sock *)req);

	if (treq->snt_synack)
		portmon_stamp_put(portmon_stamp_hash_isn(sk, treq->snt_isn),
				  PORTMON_STAMP_BEGUN, treq->snt_synack);
}

/* How long the handshake took, in us; false if that is not known. */
static bool portmon_measure_handshake(const struct sock *sk, bool active,
				      u64 *us)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u64 entry = 0;

	if (active)
		entry = portmon_stamp_take(portmon_stamp_hash(sk));
	else if (tp->total_retrans || !tp->srtt_us)
		entry = portmon_stamp_take(portmon_stamp_hash_isn(sk,
								  tp->snd_una - 1));
	if (portmon_stamp_what(entry) == PORTMON_STAMP_BEGUN) {
		*us = portmon_stamp_since(entry, portmon_now_us());
		return true;
	}
	/* Not retransmitted: the handshake was its first round trip. */
	*us = tp->srtt_us >> 3;
	return !tp->total_retrans && tp->srtt_us;
}

/**
 * portmon_measure_established() - a handshake is complete
 * @t: tables of the namespace
 * @sk: the socket
 * @key: the port that the connection is counted at
 * @active: this host began it
 *
 * Context: Any, under rcu_read_lock().
 */
void portmon_measure_established(struct portmon_tables *t,
				 const struct sock *sk,
				 const struct portmon_key *key, bool active)
{
	u64 us;

	if (portmon_measure_handshake(sk, active, &us))
		portmon_histograms_add(t, key,
				       portmon_sample(PORTMON_SAMPLE_NONE,
						      PORTMON_A_HISTOGRAMS_HANDSHAKE,
						      us));
	portmon_stamp_put(portmon_stamp_hash(sk),
			  active ? PORTMON_STAMP_ACTIVE : PORTMON_STAMP_PASSIVE,
			  div_u64(ktime_get_ns(), NSEC_PER_MSEC));
}

static u64 portmon_measure_bytes(const struct sock *sk, u64 sample)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u64 received = tp->bytes_received;
	u64 sent = tp->bytes_sent, retrans = tp->bytes_retrans;

	/* The FIN that a socket has received is in there, too. */
	if (received && sock_flag(sk, SOCK_DONE))
		received--;
	sample = portmon_sample(sample, PORTMON_A_HISTOGRAMS_RX_BYTES,
				received);
	return portmon_sample(sample, PORTMON_A_HISTOGRAMS_TX_BYTES,
			      sent > retrans ? sent - retrans : 0);
}

/**
 * portmon_measure_end() - a connection has ended
 * @t: tables of the namespace
 * @sk: the socket, on its way to TCP_CLOSE
 *
 * Context: Any, under rcu_read_lock().
 */
void portmon_measure_end(struct portmon_tables *t, const struct sock *sk)
{
	u64 entry = portmon_stamp_take(portmon_stamp_hash(sk));
	const struct inet_sock *inet = inet_sk(sk);
	u64 sample = PORTMON_SAMPLE_NONE;
	struct portmon_key key = { .transport = PORTMON_TRANSPORT_TCP };
	u32 srtt = tcp_sk(sk)->srtt_us;

	switch (portmon_stamp_what(entry)) {
	case PORTMON_STAMP_ACTIVE:
		key.scope = PORTMON_SCOPE_REMOTE;
		key.port = ntohs(inet->inet_dport);
		break;
	case PORTMON_STAMP_PASSIVE:
		key.scope = portmon_tcp_is_loopback(sk) ?
			    PORTMON_SCOPE_LOOPBACK : PORTMON_SCOPE_LOCAL;
		/* The port may have been put back: inet_num is 0, not this. */
		key.port = ntohs(inet->inet_sport);
		break;
	default:
		return;
	}
	sample = portmon_sample(sample, PORTMON_A_HISTOGRAMS_LIFETIME,
				portmon_stamp_since(entry,
						    div_u64(ktime_get_ns(),
							    NSEC_PER_MSEC)));
	if (srtt)
		sample = portmon_sample(sample, PORTMON_A_HISTOGRAMS_RTT,
					srtt >> 3);
	portmon_histograms_add(t, &key, portmon_measure_bytes(sk, sample));
}

/**
 * portmon_measure_drop() - forget a socket that is not measured
 * @sk: the socket
 *
 * Context: Any.
 */
void portmon_measure_drop(const struct sock *sk)
{
	portmon_stamp_take(portmon_stamp_hash(sk));
}

/**
 * portmon_measures_start() - a first namespace follows connections
 *
 * Without memory none is measured but those whose handshake is their first
 * round trip.
 *
 * Context: Process context, may sleep, serialised by the caller.
 */
void portmon_measures_start(void)
{
	if (!portmon_stamps)
		WRITE_ONCE(portmon_stamps,
			   __vmalloc(array_size(PORTMON_STAMP_SETS,
						sizeof(*portmon_stamps)),
				     GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN));
}

/**
 * portmon_measures_forget() - forget all connections
 *
 * For when nobody notes any more that they end.
 *
 * Context: Process context. No tracepoint is running.
 */
void portmon_measures_forget(void)
{
	if (portmon_stamps)
		memset(portmon_stamps, 0,
		       PORTMON_STAMP_SETS * sizeof(*portmon_stamps));
}

/**
 * portmon_measures_init() - prepare what is noted of connections
 */
void __init portmon_measures_init(void)
{
	BUILD_BUG_ON(PORTMON_STAMP_SETS & PORTMON_STAMP_KEY);
	get_random_bytes(&portmon_stamp_key, sizeof(portmon_stamp_key));
}

/**
 * portmon_measures_exit() - undo portmon_measures_start()
 */
void portmon_measures_exit(void)
{
	vfree(portmon_stamps);
}
