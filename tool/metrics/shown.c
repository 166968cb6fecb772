// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/names.h"
#include "lib/util.h"
#include "metrics/shown.h"

/* Of a port: bytes and packets, both ways. */
#define COUNTERS_PORT	4
/* Of TCP: handshakes, SYNs, resets and retransmissions, two of each. */
#define COUNTERS_TCP	8
/* When it was last seen, and whether a socket listens. */
#define GAUGES_PORT	2

/* Metrics without ports that are gauges; more than there are. */
#define GAUGES_FIXED	40
/* Packets and bytes of the overflow of each scope, both ways. */
#define COUNTERS_OVERFLOW	(4 * (PORTMON_SCOPE_MAX + 1))
/* Packets and bytes of a range, both ways. */
#define COUNTERS_RANGE	4

static unsigned int counters(const struct shown_options *opt, unsigned int n)
{
	return opt->created ? 2 * n : n;
}

/* Buckets of one hook and family; protocols without a name are one. */
static unsigned int buckets(void)
{
	unsigned int i, n = PORTMON_BUCKET_MAX + 1;

	for (i = 0; i <= UINT8_MAX; i++)
		n += !!protocol_name(i);
	return n;
}

/**
 * shown_fixed() - the most series that are not of a port
 * @opt: what is to be shown
 *
 * Return: their number, without the drops.
 */
unsigned int shown_fixed(const struct shown_options *opt)
{
	const unsigned int scopes = opt->remote ? PORTMON_SCOPE_MAX + 1 :
						  PORTMON_SCOPE_MAX;
	unsigned int n = COUNTERS_OVERFLOW;

	n += scopes * (PORTMON_TRANSPORT_MAX + 1) * (PORTMON_RANGE_MAX + 1) *
	     COUNTERS_RANGE;
	n += (PORTMON_HOOK_MAX + 1) * (PORTMON_FAMILY_MAX + 1) * buckets();
	return GAUGES_FIXED + counters(opt, n);
}

static unsigned int cost(const struct shown_options *opt,
			 unsigned int transport)
{
	unsigned int n = COUNTERS_PORT;

	if (transport == PORTMON_TRANSPORT_TCP)
		n += COUNTERS_TCP;
	return counters(opt, n) + GAUGES_PORT;
}

/**
 * shown_min_series() - the least limit on series that shows a port
 * @opt: what is to be shown
 *
 * Return: the limit.
 */
unsigned int shown_min_series(const struct shown_options *opt)
{
	return shown_fixed(opt) + cost(opt, PORTMON_TRANSPORT_TCP);
}

/**
 * shown_init() - show nothing yet
 * @shown: the ports
 * @opt: what is to be shown
 * @services: names of ports
 *
 * Return: 0 or -ENOMEM.
 */
int shown_init(struct shown *shown, const struct shown_options *opt,
	       struct services *services)
{
	*shown = (struct shown){ .opt = *opt, .services = services };
	shown->series = shown_fixed(opt);
	shown->v = calloc(opt->max_ports ? opt->max_ports : 1,
			  sizeof(*shown->v));
	return shown->v ? 0 : -ENOMEM;
}

/**
 * shown_free() - release what shown_init() took
 * @shown: the ports
 */
void shown_free(struct shown *shown)
{
	free(shown->v);
	*shown = (struct shown){ 0 };
}

static uint32_t key(unsigned int scope, unsigned int transport,
		    unsigned int port)
{
	return scope << 24 | transport << 16 | port;
}

/**
 * struct wanted - a port that is looked for
 * @v: the ports
 * @key: its key
 */
struct wanted {
	const struct shown_port *v;
	uint32_t key;
};

static bool shown_before(const void *arg, size_t i)
{
	const struct wanted *wanted = arg;
	const struct shown_port *p = &wanted->v[i];

	return key(p->scope, p->transport, p->port) < wanted->key;
}

/* Index of the first port that is not before this one. */
static size_t place(const struct shown *shown, uint32_t at)
{
	const struct wanted wanted = { shown->v, at };

	return lower_bound(shown->n, shown_before, &wanted);
}

/**
 * shown_find() - look for a port
 * @shown: the ports
 * @scope: enum portmon_scope
 * @transport: enum portmon_transport
 * @port: its number
 *
 * Return: the port, or NULL if it is not shown.
 */
struct shown_port *shown_find(struct shown *shown, unsigned int scope,
			      unsigned int transport, unsigned int port)
{
	size_t i = place(shown, key(scope, transport, port));
	struct shown_port *p = &shown->v[i];

	return i < shown->n && p->scope == scope &&
	       p->transport == transport && p->port == port ? p : NULL;
}

/**
 * shown_add() - show a port from now on, if the limits allow it
 * @shown: the ports
 * @scope: enum portmon_scope
 * @transport: enum portmon_transport
 * @port: its number
 *
 * Return: true if the port is shown now.
 */
bool shown_add(struct shown *shown, unsigned int scope, unsigned int transport,
	       unsigned int port)
{
	const unsigned int series = cost(&shown->opt, transport);
	size_t i = place(shown, key(scope, transport, port));
	struct shown_port *p = &shown->v[i];
	const char *iana;

	if (shown_find(shown, scope, transport, port))
		return true;
	if (shown->n >= shown->opt.max_ports ||
	    shown->series + series > shown->opt.max_series)
		return false;
	memmove(p + 1, p, (shown->n - i) * sizeof(*p));
	*p = (struct shown_port){
		.scope = scope,
		.transport = transport,
		.port = port,
		.record = NO_RECORD,
		.service = services_name(shown->services, port, transport,
					 &iana),
	};
	shown->n++;
	shown->series += series;
	return true;
}

/**
 * shown_list() - show requested ports by number
 * @shown: the ports
 * @port: the first
 * @port_max: the last
 * @transports: bit per enum portmon_transport
 */
void shown_list(struct shown *shown, unsigned int port, unsigned int port_max,
		unsigned int transports)
{
	unsigned int t;

	for (; port <= port_max; port++)
		for (t = 0; t <= PORTMON_TRANSPORT_MAX; t++)
			if (transports & 1u << t &&
			    !shown_add(shown, PORTMON_SCOPE_LOCAL, t, port))
				shown->hidden_listed++;
}

/**
 * shown_begin() - begin a reading: no record is known, no port is listening
 * @shown: the ports
 */
void shown_begin(struct shown *shown)
{
	size_t i;

	for (i = 0; i < shown->n; i++) {
		shown->v[i].record = NO_RECORD;
		shown->v[i].listening = false;
	}
	shown->hidden = shown->hidden_listed;
	shown->hidden_series = 0;
}

static bool on_loopback(const struct sock *s)
{
	const struct in6_addr *a = (const void *)s->address;

	if (s->family == AF_INET)
		return ntohl(s->address[0]) >> 24 == IN_LOOPBACKNET;
	if (IN6_IS_ADDR_V4MAPPED(a))
		return ntohl(s->address[3]) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(a);
}

static void show_listening(struct shown *shown, unsigned int scope,
			   const struct sock *s)
{
	struct shown_port *p;

	if (!shown_add(shown, scope, s->transport, s->port)) {
		shown->hidden++;
		return;
	}
	p = shown_find(shown, scope, s->transport, s->port);
	p->listening = true;
}

/*
 * A port that only this host can reach has its traffic in scope loopback.
 * Sockets of one port are side by side.
 */
static void show_sockets(struct shown *shown, const struct sock *s, size_t n)
{
	bool outside = false;
	size_t i;

	for (i = 0; i < n; i++)
		outside |= !on_loopback(&s[i]);
	if (outside)
		show_listening(shown, PORTMON_SCOPE_LOCAL, s);
	if (!outside || shown->opt.loopback)
		show_listening(shown, PORTMON_SCOPE_LOOPBACK, s);
}

static int compare_listeners(const void *x, const void *y)
{
	const struct sock *a = x, *b = y;

	if (a->transport != b->transport)
		return a->transport < b->transport ? -1 : 1;
	return a->port < b->port ? -1 : a->port > b->port;
}

/* Of one port: how many sockets there are from here on. */
static size_t same_port(const struct sock *s, const struct sock *end)
{
	const struct sock *p = s + 1;

	while (p < end && !compare_listeners(s, p))
		p++;
	return p - s;
}

/* Sockets of clients look the same where there are no connections. */
static bool asked_for(struct shown *shown, const struct sock *s)
{
	return shown_find(shown, PORTMON_SCOPE_LOCAL, s->transport, s->port);
}

/**
 * shown_sockets() - show the ports that somebody listens on
 * @shown: the ports, after shown_begin()
 * @socks: listening sockets, which are put in order
 * @info: state of the namespace; its ephemeral ports are left out
 */
void shown_sockets(struct shown *shown, const struct socks *socks,
		   const struct info *info)
{
	const struct sock *end = socks->v + socks->n;
	struct sock *s = socks->v;
	size_t n;

	shown->unlisted = socks->unlisted;
	if (!socks->n)
		return;
	qsort(s, socks->n, sizeof(*s), compare_listeners);
	for (; s < end; s += n) {
		n = same_port(s, end);
		if (!info_is_ephemeral(info, s->port) || asked_for(shown, s))
			show_sockets(shown, s, n);
	}
}

/**
 * shown_reason() - number of a reason of drops
 * @shown: the ports
 * @name: the reason
 *
 * Return: its number, or REASONS_MAX if there are too many.
 */
unsigned int shown_reason(struct shown *shown, const char *name)
{
	unsigned int i;

	for (i = 0; i < shown->n_reasons; i++)
		if (!strcmp(shown->reasons[i], name))
			return i;
	if (i == REASONS_MAX)
		return i;
	snprintf(shown->reasons[i], REASON_SIZE, "%s", name);
	return shown->n_reasons++;
}

/**
 * shown_drop() - show a reason of drops from now on, if the limit allows it
 * @shown: the ports
 * @reasons: bit per reason that is shown of this port, or of all ports
 * @reason: number of the reason
 *
 * Return: true if it is shown now.
 */
bool shown_drop(struct shown *shown, uint64_t *reasons, unsigned int reason)
{
	const unsigned int series = counters(&shown->opt, 1);
	const uint64_t bit = 1ULL << reason % 64;

	if (reason < REASONS_MAX && reasons[reason / 64] & bit)
		return true;
	if (reason >= REASONS_MAX ||
	    shown->series + series > shown->opt.max_series) {
		shown->hidden_series++;
		return false;
	}
	reasons[reason / 64] |= bit;
	shown->series += series;
	return true;
}
