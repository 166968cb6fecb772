// SPDX-License-Identifier: GPL-2.0
/* Rules of check about queues, drops, and what portmon cannot see. */
#include <stdlib.h>
#include <string.h>

#include <linux/if_link.h>

#include "check/check.h"
#include "lib/names.h"
#include "lib/reasons.h"
#include "lib/record.h"

/* The time that coverage-packets is for. */
#define GAP_MS	500

/**
 * queue_of_reader() - does a program read from a TCP connection?
 * @s: the socket
 *
 * Such a queue can be full at any time without harm: TCP makes the sender
 * wait. It is trouble if the program does not read at all.
 *
 * Return: whether it can.
 */
bool queue_of_reader(const struct sock *s)
{
	return s->transport == PORTMON_TRANSPORT_TCP && s->kind == SOCK_OPEN;
}

/**
 * queue_is_full() - does one more not fit into a socket's queue?
 * @s: the socket
 *
 * The kernel refuses a connection when more wait than the limit; a receive
 * buffer is as good as full when the next packet may not fit. TCP closes its
 * window a sixteenth before that, or when half of what is free does not hold a
 * segment: those of loopback have 64 KiB (__tcp_select_window()).
 *
 * Return: whether it is full.
 */
bool queue_is_full(const struct sock *s)
{
	if (s->kind != SOCK_LISTENS && s->kind != SOCK_OPEN)
		return false;
	if (s->queue_max || s->queue)
		return s->queue > s->queue_max;
	if (queue_of_reader(s)) {
		if (!s->unread)
			return false;
		if (s->segment && s->unread >= s->segment &&
		    s->memory + 2ull * s->segment > s->memory_max)
			return s->memory_max;
	}
	return s->memory_max && s->memory >= s->memory_max / 10 * 9;
}

/* Full sockets of a port; of those that listen the first that is full. */
static unsigned int full(const struct owners *o, unsigned int transport,
			 unsigned int port, const struct sock **first)
{
	unsigned int n = 0;
	size_t i;

	*first = NULL;
	for (i = 0; o && i < o->socks.n; i++) {
		const struct sock *s = &o->socks.v[i];

		if (s->transport != transport || s->port != port ||
		    queue_of_reader(s) || !queue_is_full(s))
			continue;
		if (!n++)
			*first = s;
	}
	return n;
}

/* What was counted at a port of this host, of both scopes that it has. */
static void sum_port(const struct evidence *e, unsigned int transport,
		     unsigned int port, struct record *sum)
{
	unsigned int k;
	size_t i;

	*sum = (struct record){
		.scope = PORTMON_SCOPE_LOCAL, .transport = transport,
		.port = port,
	};
	for (i = 0; i < e->s->ports.n; i++) {
		const struct record *r = &e->s->ports.v[i];

		if (r->transport != transport || r->port != port ||
		    !check_own(r->scope))
			continue;
		if (r->service)
			sum->service = r->service;
		count_add(&sum->rx, &r->rx);
		for (k = 1; k <= PORTMON_A_TCP_MAX; k++)
			sum->tcp[k] = sum_add(sum->tcp[k], r->tcp[k]);
	}
}

static void accept_queue(const struct evidence *e, struct findings *found,
			 const struct sock *s, unsigned int n)
{
	const char *transport = name_of(&transport_names, s->transport);
	char a[GROUPED_SIZE], b[GROUPED_SIZE];
	struct finding *f;
	struct record r;
	int len;

	sum_port(e, s->transport, s->port, &r);
	f = findings_add(found, FOUND_ACCEPT_QUEUE, &r, record_unanswered(&r));
	len = snprintf(f->what, sizeof(f->what),
		       "accept queue full: %u waiting, limit %u", s->queue,
		       s->queue_max);
	if (n > 1)
		len += snprintf(f->what + len, sizeof(f->what) - len,
				" (%u sockets)", n);
	if (record_unanswered(&r))
		snprintf(f->what + len, sizeof(f->what) - len,
			 "; %s of %s SYNs not answered",
			 format_grouped(a, record_unanswered(&r)),
			 format_grouped(b, r.tcp[PORTMON_A_TCP_SYN_RECEIVED]));
	snprintf(f->next, sizeof(f->next), "portmon-ctl show %u/%s; ss -ltnp sport = :%u",
		 s->port, transport, s->port);
}

static void receive_queue(struct findings *found, const struct evidence *e,
			  const struct sock *s)
{
	struct finding *f;
	struct record r;

	sum_port(e, s->transport, s->port, &r);
	f = findings_add(found, FOUND_RECEIVE_QUEUE, &r, 0);
	snprintf(f->what, sizeof(f->what),
		 "receive queue full: %u of %u bytes", s->memory,
		 s->memory_max);
}

static bool is_same_socket(const struct sock *a, const struct sock *b)
{
	return a->transport == b->transport && a->inode == b->inode &&
	       a->port == b->port && a->peer == b->peer &&
	       !memcmp(a->peer_address, b->peer_address,
		       sizeof(a->peer_address));
}

/* Full, and the program has read nothing since a moment before. */
static bool is_stuck(const struct evidence *e, const struct sock *s)
{
	size_t i;

	if (!queue_of_reader(s) || !queue_is_full(s))
		return false;
	for (i = 0; e->earlier && i < e->earlier->socks.n; i++) {
		const struct sock *b = &e->earlier->socks.v[i];

		if (is_same_socket(b, s))
			return queue_is_full(b) &&
			       b->bytes_received - b->unread ==
			       s->bytes_received - s->unread;
	}
	return false;
}

/*
 * A server's own port, of a client that of the other end, which may be on this
 * host, too. Return: is it a client?
 */
static bool connection_port(const struct evidence *e, const struct sock *s,
			    struct record *r)
{
	size_t i;

	if (owners_listens(e->owners, s->transport, s->port)) {
		sum_port(e, s->transport, s->port, r);
		return false;
	}
	*r = (struct record){
		.scope = sock_is_loopback(s) ? PORTMON_SCOPE_LOOPBACK :
					       PORTMON_SCOPE_REMOTE,
		.transport = s->transport, .port = s->peer,
	};
	for (i = 0; i < e->s->ports.n; i++)
		if (e->s->ports.v[i].transport == r->transport &&
		    e->s->ports.v[i].port == r->port)
			r->service = e->s->ports.v[i].service;
	return true;
}

/**
 * struct stuck - a connection that is not read
 * @s: its socket
 * @r: its port
 * @client: the port is that of the other end
 * @proc: of a client, the process that should read, NULL if unknown
 * @grouped: it is part of a finding
 */
struct stuck {
	const struct sock *s;
	struct record r;
	bool client;
	const struct proc *proc;
	bool grouped;
};

static const struct proc *user_of(const struct owners *o, const struct sock *s)
{
	const struct proc *proc;
	struct port_use use;

	owners_of_sock(o, s, &use);
	proc = use.n ? use.v[0].proc : NULL;
	port_use_free(&use);
	return proc;
}

/* The first of those of a port, and of a client, at @v, speaks for all. */
static void find_stuck(struct findings *found, struct stuck *v, size_t left)
{
	const struct sock *s = v->s;
	const struct record r = v->r;
	unsigned int n = 0;
	struct finding *f;
	size_t i;
	int len;

	if (v->grouped)
		return;
	for (i = 0; i < left; i++) {
		if (v[i].r.scope != r.scope || v[i].r.port != r.port ||
		    v[i].proc != v->proc)
			continue;
		v[i].grouped = true;
		n++;
	}
	f = findings_add(found, FOUND_RECEIVE_QUEUE, &r, 0);
	f->client = v->client ? s : NULL;
	len = snprintf(f->what, sizeof(f->what),
		       "receive queue full: %u bytes unread, %u of %u bytes of memory; nothing is read",
		       s->unread, s->memory, s->memory_max);
	if (n > 1)
		snprintf(f->what + len, sizeof(f->what) - len,
			 " (%u connections)", n);
	f->meaning = "The program does not read what it receives: it hangs or waits for something else. The other end cannot send more.";
	snprintf(f->next, sizeof(f->next), "ss -tmnp %cport = :%u",
		 f->client ? 'd' : 's', r.port);
}

/* There can be many sockets: each is looked up once in the sample before. */
static void find_all_stuck(struct findings *found, const struct evidence *e)
{
	const struct socks *socks = &e->owners->socks;
	struct stuck *v = calloc(socks->n + 1, sizeof(*v));
	size_t i, n = 0;

	if (!v) {
		found->failed = true;
		return;
	}
	for (i = 0; i < socks->n; i++) {
		if (!is_stuck(e, &socks->v[i]))
			continue;
		v[n].s = &socks->v[i];
		v[n].client = connection_port(e, v[n].s, &v[n].r);
		if (v[n].client)
			v[n].proc = user_of(e->owners, v[n].s);
		n++;
	}
	for (i = 0; i < n; i++)
		find_stuck(found, &v[i], n - i);
	free(v);
}

/**
 * check_queues() - which queues are full and stay so?
 * @e: what is known
 * @found: what is wrong
 */
void check_queues(const struct evidence *e, struct findings *found)
{
	const struct socks *socks = &e->owners->socks;
	const struct sock *first, *before;
	unsigned int n;
	size_t i;

	find_all_stuck(found, e);
	for (i = 0; i < socks->n; i++) {
		const struct sock *s = &socks->v[i];

		if (queue_of_reader(s) || !queue_is_full(s))
			continue;
		n = full(e->owners, s->transport, s->port, &first);
		if (first != s ||
		    !full(e->earlier, s->transport, s->port, &before))
			continue;
		if (s->queue)
			accept_queue(e, found, s, n);
		else
			receive_queue(found, e, s);
	}
}

static bool is_receive_queue(const char *reason)
{
	return !strcmp(reason, "SOCKET_RCVBUFF") ||
	       !strcmp(reason, "SOCKET_BACKLOG");
}

static void receive_drops(struct findings *found, const struct record *r,
			  const struct drop *d)
{
	struct finding *f = findings_at(found, FOUND_RECEIVE_QUEUE, r);
	char a[GROUPED_SIZE], b[GROUPED_SIZE];
	size_t len = f ? strlen(f->what) : 0;

	if (!f)
		f = findings_add(found, FOUND_RECEIVE_QUEUE, r, 0);
	f->events = sum_add(f->events, d->packets);
	snprintf(f->what + len, sizeof(f->what) - len,
		 "%s%s of %s packets received were lost (%s)",
		 len ? "; " : "", format_grouped(a, d->packets),
		 format_grouped(b, r->rx.packets), d->reason);
}

static void listen_drops(struct findings *found, const struct record *r,
			 const struct drop *d)
{
	char a[GROUPED_SIZE];
	struct finding *f;

	/* The same packet counts at the client's port. */
	if (!check_own(r->scope) || findings_at(found, FOUND_ACCEPT_QUEUE, r))
		return;
	f = findings_add(found, FOUND_ACCEPT_QUEUE, r, d->packets);
	snprintf(f->what, sizeof(f->what),
		 "accept queue was full: %s packet%s dropped (%s)",
		 format_grouped(a, d->packets), plural(d->packets), d->reason);
}

/* Drops by a firewall are intended, except at a port with a listener. */
static bool is_meant(const struct evidence *e, const struct record *r,
		     const struct drop *d)
{
	if (!strcmp(d->reason, REASON_CLOSED))
		return true;
	return !strcmp(d->reason, REASON_FIREWALL) &&
	       (r->scope == PORTMON_SCOPE_FORWARD ||
		r->scope == PORTMON_SCOPE_REMOTE || !check_listens(e, r));
}

static bool is_trouble(const struct evidence *e, const struct record *r,
		       const struct drop *d)
{
	const uint64_t all = sum_add(r->rx.packets, r->tx.packets);

	return check_enough(e, d->packets, LIMIT_DROPS) &&
	       100.0 * d->packets >= e->limits->v[LIMIT_DROPS_PERCENT] * all &&
	       !is_meant(e, r, d);
}

/*
 * A packet counts at the ports of both ends, and is one trouble: at this
 * host's port, where both have the same number, else at the one with a name.
 */
static bool is_of_other_end(const struct evidence *e, const struct record *r,
			    const struct drop *d)
{
	const struct drop *other;
	size_t i;

	if (r->scope != PORTMON_SCOPE_REMOTE)
		return false;
	if (r->ephemeral)
		return true;
	for (i = 0; i < e->s->ports.n; i++) {
		const struct record *own = &e->s->ports.v[i];

		if (own->scope != PORTMON_SCOPE_LOCAL ||
		    own->transport != r->transport || own->port != r->port)
			continue;
		for (other = own->drops; other; other = other->next)
			if (!strcmp(other->reason, d->reason))
				return other->packets >= d->packets &&
				       is_trouble(e, own, other);
	}
	return false;
}

static void other_drops(struct findings *found, const struct record *r,
			const struct drop *d)
{
	const struct reason *reason = reason_find(d->reason);
	char a[GROUPED_SIZE], b[GROUPED_SIZE];
	struct finding *f = findings_add(found, FOUND_DROPS, r, d->packets);

	snprintf(f->what, sizeof(f->what), "%s packet%s dropped, %s (of %s)",
		 format_grouped(a, d->packets), plural(d->packets), d->reason,
		 format_grouped(b, sum_add(r->rx.packets, r->tx.packets)));
	f->meaning = reason ? reason->meaning :
			      "Unknown reason.";
	snprintf(f->next, sizeof(f->next), "portmon-ctl drops --port %u",
		 r->port);
}

/**
 * check_drops() - which packets were dropped that should not have been?
 * @e: what is known
 * @found: what is wrong
 */
void check_drops(const struct evidence *e, struct findings *found)
{
	size_t i;

	for (i = 0; i < e->s->ports.n; i++) {
		const struct record *r = &e->s->ports.v[i];
		const struct drop *d;

		for (d = r->drops; d; d = d->next) {
			if (!is_trouble(e, r, d) || is_of_other_end(e, r, d))
				continue;
			if (is_receive_queue(d->reason))
				receive_drops(found, r, d);
			else if (!strcmp(d->reason, "TCP_LISTEN_OVERFLOW"))
				listen_drops(found, r, d);
			else
				other_drops(found, r, d);
		}
	}
}

static void overflow(const struct evidence *e, struct findings *found)
{
	uint64_t packets = 0;
	char a[GROUPED_SIZE];
	struct finding *f;
	size_t i;

	for (i = 0; i < e->s->overflow.n; i++) {
		const struct record *r = &e->s->overflow.v[i];

		packets = sum_add(packets, sum_add(r->rx.packets,
						   r->tx.packets));
	}
	if (!packets)
		return;
	f = findings_add(found, FOUND_OVERFLOW, NULL, packets);
	snprintf(f->what, sizeof(f->what),
		 "%s packet%s no port record (%u of %u in use)",
		 format_grouped(a, packets), packets == 1 ? " has" : "s have",
		 e->info->records,
		 e->info->records_max);
	snprintf(f->next, sizeof(f->next), "portmon-ctl info");
}

/* They have only a scope; their ports are unknown. */
static void find_uncounted(const struct evidence *e, struct findings *found)
{
	uint64_t events = 0;
	char a[GROUPED_SIZE];
	struct finding *f;
	unsigned int k;
	size_t i;

	for (i = 0; i < e->s->overflow.n; i++) {
		const struct record *r = &e->s->overflow.v[i];

		events = sum_add(events, r->dropped);
		for (k = 1; k <= PORTMON_A_TCP_MAX; k++)
			events = sum_add(events, r->tcp[k]);
	}
	if (!events)
		return;
	f = findings_add(found, FOUND_OVERFLOW, NULL, events);
	f->meaning = "These TCP events and drops are counted, but not by port: there was no room for a record or an event counter, or the port had more drop reasons than it can hold.";
	snprintf(f->what, sizeof(f->what),
		 "%s event%s no event counter (%u of %u in use)",
		 format_grouped(a, events), events == 1 ? " has" : "s have",
		 e->info->events, e->info->events_max);
	snprintf(f->next, sizeof(f->next), "portmon-ctl info");
}

static void switched_off(const struct evidence *e, struct findings *found,
			 bool on, unsigned int missing, const char *what,
			 const char *word)
{
	struct finding *f;

	if (on && !missing)
		return;
	f = findings_add(found, missing ? FOUND_NO_TRACEPOINT :
			 FOUND_SWITCHED_OFF, NULL, 0);
	snprintf(f->what, sizeof(f->what), missing ?
		 "%s cannot be counted on this kernel" :
		 "%s are not counted", what);
	if (missing)
		snprintf(f->next, sizeof(f->next), "portmon-ctl info");
	else
		snprintf(f->next, sizeof(f->next), "portmon-ctl enable %s",
			 word);
	(void)e;
}

/*
 * How usual it is that no connection arrives for so long. A port that was
 * used for the first time a moment ago tells nothing.
 */
static void find_silent(const struct evidence *e, struct findings *found,
			const struct record *r)
{
	const uint64_t n = r->tcp[PORTMON_A_TCP_ESTABLISHED];
	const uint64_t used = sum_less(r->last_seen, r->first_seen);
	const uint64_t ago = sum_less(e->now, r->last_seen);
	char age[AGE_SIZE], a[GROUPED_SIZE];
	struct finding *f;

	if (r->scope != PORTMON_SCOPE_LOCAL || n < 100 ||
	    ago < e->limits->v[LIMIT_SILENT_SECONDS] ||
	    (double)ago * n < e->limits->v[LIMIT_SILENT_GAPS] * used ||
	    !check_listens(e, r))
		return;
	f = findings_add(found, FOUND_SILENT, r, ago);
	snprintf(f->what, sizeof(f->what),
		 "nothing received for %s; %s connections before that",
		 format_age(age, r->last_seen, e->now), format_grouped(a, n));
}

/*
 * Packets that were passed to IP and reached no hook. A busy host takes longer
 * than half a second for a sample: the threshold grows with the time. It does
 * not shrink with it: a few packets are no rate.
 */
static void find_gap(const struct evidence *e, struct findings *found)
{
	const struct coverage *c = e->coverage;
	const uint64_t missed = c ? c->amount[CAUSE_BEFORE_HOOK] : 0;
	const double spans = c && c->ms > GAP_MS ? (double)c->ms / GAP_MS : 1;
	char a[GROUPED_SIZE], b[GROUPED_SIZE];
	struct finding *f;

	if (!missed || missed < spans * e->limits->v[LIMIT_COVERAGE_PACKETS] ||
	    100.0 * missed <
	    e->limits->v[LIMIT_COVERAGE_PERCENT] * c->mib.received)
		return;
	f = findings_add(found, FOUND_GAP, NULL, 0);
	snprintf(f->what, sizeof(f->what),
		 "%s of %s packets passed to IP in %.1f s reached no hook of portmon",
		 format_grouped(a, missed), format_grouped(b, c->mib.received),
		 c->ms / 1e3);
	snprintf(f->next, sizeof(f->next), "portmon-ctl coverage");
}

static void bypass(const struct evidence *e, struct findings *found)
{
	struct finding *f;
	size_t i;

	for (i = 0; e->links && i < e->links->n; i++) {
		const struct link *link = &e->links->v[i];
		const char *why = link->flowtable ? "a flowtable" :
				  link->xdp != XDP_ATTACHED_NONE ?
				  "an XDP program" : NULL;

		if (!why)
			continue;
		f = findings_add(found, FOUND_BYPASS, NULL, 0);
		snprintf(f->what, sizeof(f->what),
			 "%s takes packets from interface %s", why, link->name);
		snprintf(f->next, sizeof(f->next), "portmon-ctl coverage");
	}
}

/**
 * check_state() - what portmon cannot see, and who is silent
 * @e: what is known
 * @found: what is wrong
 */
void check_state(const struct evidence *e, struct findings *found)
{
	const unsigned int tcp = PORTMON_TRACEPOINT_INET_SOCK_SET_STATE |
				 PORTMON_TRACEPOINT_TCP_RETRANSMIT_SKB |
				 PORTMON_TRACEPOINT_TCP_RETRANSMIT_SYNACK;
	size_t i;

	overflow(e, found);
	find_uncounted(e, found);
	switched_off(e, found, e->info->lifecycle, e->info->missing & tcp,
		     "TCP handshakes and retransmissions", "lifecycle");
	switched_off(e, found, e->info->counts_drops,
		     e->info->missing & PORTMON_TRACEPOINT_KFREE_SKB,
		     "drops", "drops");
	for (i = 0; i < e->total->n; i++)
		if (e->total->v[i].transport == PORTMON_TRANSPORT_TCP)
			find_silent(e, found, &e->total->v[i]);
	find_gap(e, found);
	bypass(e, found);
}
