// SPDX-License-Identifier: GPL-2.0
/* Rules of check about TCP: handshakes, refused connections, retransmissions. */
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "lib/names.h"
#include "lib/reasons.h"
#include "lib/record.h"

static bool is_tcp(const struct record *r)
{
	return r->transport == PORTMON_TRANSPORT_TCP;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * part / whole : 0;
}

static uint64_t drops_of(const struct record *r, const char *reason)
{
	const struct drop *d;

	for (d = r->drops; d; d = d->next)
		if (!strcmp(d->reason, reason))
			return d->packets;
	return 0;
}

static void find_unanswered(const struct evidence *e, struct findings *found,
			    const struct record *r)
{
	const uint64_t n = record_unanswered(r);
	const uint64_t syn = r->tcp[PORTMON_A_TCP_SYN_RECEIVED];
	char a[GROUPED_SIZE], b[GROUPED_SIZE];
	struct finding *f;

	if (!check_enough(e, n, LIMIT_UNANSWERED) ||
	    percent(n, syn) < e->limits->v[LIMIT_UNANSWERED_PERCENT] ||
	    findings_at(found, FOUND_ACCEPT_QUEUE, r) ||
	    findings_at(found, FOUND_FLOOD, r))
		return;
	f = findings_add(found, FOUND_UNANSWERED, r, n);
	snprintf(f->what, sizeof(f->what), "%s of %s SYNs not answered",
		 format_grouped(a, n), format_grouped(b, syn));
}

static int compare_peers(const void *a, const void *b)
{
	const struct sock *const *x = a, *const *y = b;

	return memcmp((*x)->peer_address, (*y)->peer_address,
		      sizeof((*x)->peer_address));
}

/*
 * Half-open connections of a port, and from how many addresses. Without memory
 * there are none.
 */
static unsigned int count_half_open(const struct owners *o, unsigned int port,
				    unsigned int *addresses)
{
	const struct sock **open = calloc(o->socks.n + 1, sizeof(*open));
	unsigned int n = 0, i;
	size_t at;

	*addresses = 0;
	for (at = 0; open && at < o->socks.n; at++) {
		const struct sock *s = &o->socks.v[at];

		if (s->transport == PORTMON_TRANSPORT_TCP && s->port == port &&
		    s->kind == SOCK_OPENING)
			open[n++] = s;
	}
	if (n)
		qsort(open, n, sizeof(*open), compare_peers);
	for (i = 0; i < n; i++)
		*addresses += !i || compare_peers(&open[i - 1], &open[i]);
	free(open);
	return n;
}

/*
 * A flood has an address for each handshake; behind a broken path the same
 * clients try again. Where none is half-open any more, the share decides: few
 * clients of a real service see all of their handshakes fail.
 */
static bool is_flood(unsigned int open, unsigned int addresses, uint64_t n,
		     uint64_t answered)
{
	if (open >= 10)
		return addresses * 2 > open;
	return percent(n, answered) >= 90;
}

static void incomplete(const struct evidence *e, struct findings *found,
		       const struct record *r)
{
	const uint64_t answered = record_answered(r);
	const uint64_t n = sum_less(answered, r->tcp[PORTMON_A_TCP_ESTABLISHED]);
	char a[GROUPED_SIZE], b[GROUPED_SIZE];
	unsigned int open, addresses;
	struct finding *f;
	int len;

	/* Who completes them is not known then. */
	if (!e->info->lifecycle ||
	    e->info->missing & PORTMON_TRACEPOINT_INET_SOCK_SET_STATE ||
	    !check_enough(e, n, LIMIT_INCOMPLETE) ||
	    percent(n, answered) < e->limits->v[LIMIT_INCOMPLETE_PERCENT] ||
	    findings_at(found, FOUND_ACCEPT_QUEUE, r))
		return;
	open = count_half_open(e->owners, r->port, &addresses);
	f = findings_add(found, is_flood(open, addresses, n, answered) ?
			 FOUND_FLOOD : FOUND_INCOMPLETE, r, n);
	len = snprintf(f->what, sizeof(f->what),
		       "%s of %s handshakes answered and not completed",
		       format_grouped(a, n), format_grouped(b, answered));
	if (open)
		snprintf(f->what + len, sizeof(f->what) - len,
			 ", %u half-open from %u address%s", open,
			 addresses, addresses == 1 ? "" : "es");
	if (record_unanswered(r)) {
		len = strlen(f->what);
		snprintf(f->what + len, sizeof(f->what) - len,
			 ", %s SYNs not answered",
			 format_grouped(a, record_unanswered(r)));
	}
}

/* What arrived at a port of this host where no program listens. */
static uint64_t probes(const struct record *r)
{
	if (is_tcp(r))
		return sum_less(r->tcp[PORTMON_A_TCP_SYN_RECEIVED],
				record_answered(r));
	/* An ephemeral port receives a reply, only too late. */
	if (r->ephemeral)
		return 0;
	return sum_add(drops_of(r, REASON_CLOSED),
		       drops_of(r, REASON_FIREWALL));
}

static void scan(const struct evidence *e, struct findings *found,
		 uint64_t *mean)
{
	unsigned int ports = 0, first = UINT16_MAX, last = 0;
	char a[GROUPED_SIZE], b[GROUPED_SIZE];
	uint64_t all = 0;
	struct finding *f;
	size_t i;

	for (i = 0; i < e->s->ports.n; i++) {
		const struct record *r = &e->s->ports.v[i];

		if (!check_own(r->scope) || !probes(r) || check_listens(e, r))
			continue;
		all = sum_add(all, probes(r));
		ports++;
		if (r->port < first)
			first = r->port;
		if (r->port > last)
			last = r->port;
	}
	*mean = ports ? all / ports : 0;
	if (!check_enough(e, ports, LIMIT_SCAN_PORTS)) {
		*mean = 0;
		return;
	}
	f = findings_add(found, FOUND_SCAN, NULL, all);
	snprintf(f->what, sizeof(f->what),
		 "%s closed port%s from %u to %u %s probed, %s packet%s",
		 format_grouped(a, ports), plural(ports), first, last,
		 ports == 1 ? "was" : "were", format_grouped(b, all),
		 plural(all));
	snprintf(f->next, sizeof(f->next), "portmon-ctl closed");
}

/* @mean: how often a scan tried each port, 0 where there was none. */
static void find_refused(const struct evidence *e, struct findings *found,
			 const struct record *r, uint64_t mean)
{
	const uint64_t n = is_tcp(r) ? record_refused(r) :
			   r->ephemeral ? 0 : drops_of(r, REASON_CLOSED);
	char a[GROUPED_SIZE];
	struct finding *f;

	if (!check_enough(e, n, LIMIT_REFUSED) || n < 5 * mean)
		return;
	f = findings_add(found, FOUND_REFUSED, r, n);
	snprintf(f->what, sizeof(f->what), "%s %s%s refused",
		 format_grouped(a, n), is_tcp(r) ? "connection" : "datagram",
		 plural(n));
	if (check_listens(e, r))
		f->meaning = "Connections were refused although a program listens now: it was started meanwhile, or listens on another address.";
}

/* A remote port that this host connects to, whatever its number. */
static bool is_server(const struct record *r)
{
	return !r->ephemeral || r->tcp[PORTMON_A_TCP_SYN_SENT] >
				r->tcp[PORTMON_A_TCP_SYN_RECEIVED];
}

static void find_failed(const struct evidence *e, struct findings *found,
			const struct record *r)
{
	const uint64_t n = r->tcp[PORTMON_A_TCP_FAILED];
	const uint64_t all = sum_add(n, r->tcp[PORTMON_A_TCP_ESTABLISHED]);
	char a[GROUPED_SIZE], b[GROUPED_SIZE];
	struct finding *f;

	if (!check_enough(e, n, LIMIT_FAILED) ||
	    percent(n, all) < e->limits->v[LIMIT_FAILED_PERCENT])
		return;
	f = findings_add(found, FOUND_FAILED, r, n);
	snprintf(f->what, sizeof(f->what),
		 "%s of %s connections to this remote port failed",
		 format_grouped(a, n), format_grouped(b, all));
}

static void find_retransmitted(const struct evidence *e,
			       struct findings *found, const struct record *r)
{
	const uint64_t n = r->tcp[PORTMON_A_TCP_RETRANSMITTED];
	char a[GROUPED_SIZE], b[GROUPED_SIZE];
	struct finding *f;

	if (r->tx.packets < e->limits->v[LIMIT_RETRANSMITTED_PACKETS] ||
	    !check_enough(e, n, LIMIT_PER_MINUTE) ||
	    percent(n, r->tx.packets) <
	    e->limits->v[LIMIT_RETRANSMITTED_PERCENT])
		return;
	f = findings_add(found, FOUND_RETRANSMITTED, r, n);
	snprintf(f->what, sizeof(f->what),
		 "%s of %s segments sent were retransmitted (%.1f%%)",
		 format_grouped(a, n), format_grouped(b, r->tx.packets),
		 percent(n, r->tx.packets));
}

/**
 * check_tcp() - what is wrong with connections, and what was refused
 * @e: what is known
 * @found: what is wrong
 */
void check_tcp(const struct evidence *e, struct findings *found)
{
	uint64_t mean;
	size_t i;

	scan(e, found, &mean);
	for (i = 0; i < e->s->ports.n; i++) {
		const struct record *r = &e->s->ports.v[i];

		if (check_own(r->scope))
			find_refused(e, found, r, mean);
		if (!is_tcp(r))
			continue;
		if (check_own(r->scope) && check_listens(e, r)) {
			incomplete(e, found, r);
			find_unanswered(e, found, r);
		}
		if (r->scope == PORTMON_SCOPE_REMOTE && is_server(r))
			find_failed(e, found, r);
		if (check_own(r->scope) || !r->ephemeral)
			find_retransmitted(e, found, r);
	}
}
