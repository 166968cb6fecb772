// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/names.h"
#include "lib/util.h"
#include "view/out_peers.h"

static bool is_in_ports(const struct sock *s, const struct portspec *spec,
			size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (spec[i].transports & 1u << s->transport &&
		    s->port >= spec[i].port && s->port <= spec[i].port_max)
			return true;
	return false;
}

static int by_address(const void *x, const void *y)
{
	const struct peer *a = x, *b = y;

	if (a->s->port != b->s->port)
		return a->s->port - b->s->port;
	if (a->s->transport != b->s->transport)
		return a->s->transport - b->s->transport;
	return memcmp(a->s->peer_address, b->s->peer_address,
		      sizeof(a->s->peer_address));
}

/* Most connections first, then most bytes. */
static int by_open(const void *x, const void *y)
{
	const struct peer *a = x, *b = y;
	const uint64_t m = sum_add(a->received, a->sent);
	const uint64_t n = sum_add(b->received, b->sent);

	if (a->open != b->open)
		return a->open < b->open ? 1 : -1;
	if (m != n)
		return m < n ? 1 : -1;
	return by_address(x, y);
}

/* One for each address and port. Return: how many there are. */
static size_t gather(const struct owners *o, const struct portspec *spec,
		     size_t n, struct peer *v)
{
	size_t i, k = 0, found = 0;

	for (i = 0; i < o->socks.n; i++) {
		const struct sock *s = &o->socks.v[i];

		if (s->kind == SOCK_OPEN && s->peer && is_in_ports(s, spec, n))
			v[found++] = (struct peer){
				s, 1, s->bytes_received, s->bytes_sent
			};
	}
	if (!found)
		return 0;
	qsort(v, found, sizeof(*v), by_address);
	for (i = 1; i < found; i++) {
		if (by_address(&v[k], &v[i])) {
			v[++k] = v[i];
			continue;
		}
		v[k].open++;
		v[k].received = sum_add(v[k].received, v[i].received);
		v[k].sent = sum_add(v[k].sent, v[i].sent);
	}
	qsort(v, k + 1, sizeof(*v), by_open);
	return k + 1;
}

/**
 * peers_find() - the addresses that have connections to ports
 * @o: the sockets
 * @spec: the ports of this host
 * @n: how many specs
 * @v: set to the addresses, those with most connections first, to be freed
 *
 * Return: how many there are or -ENOMEM.
 */
ssize_t peers_find(const struct owners *o, const struct portspec *spec,
		   size_t n, struct peer **v)
{
	*v = calloc(o->socks.n + 1, sizeof(**v));
	return *v ? (ssize_t)gather(o, spec, n, *v) : -ENOMEM;
}

/**
 * peer_address() - the address of a peer
 * @buf: room for it
 * @p: the peer
 *
 * Return: the address; an IPv4 one as such, whatever the socket is of.
 */
const char *peer_address(char buf[static INET6_ADDRSTRLEN],
			 const struct peer *p)
{
	static const uint32_t mapped[3] = { 0, 0, 0 };
	const struct sock *s = p->s;
	const bool v4 = s->family == AF_INET6 &&
			!memcmp(s->peer_address, mapped, 8) &&
			ntohl(s->peer_address[2]) == 0xffff;

	return inet_ntop(v4 ? AF_INET : s->family,
			 s->peer_address + (v4 ? 3 : 0), buf,
			 INET6_ADDRSTRLEN) ?: "-";
}

/**
 * peer_bytes() - what a peer has received or sent
 * @buf: room for it
 * @ctx: the run
 * @p: the peer
 * @bytes: how many
 *
 * Return: the number, or "-" where the transport does not tell.
 */
const char *peer_bytes(char buf[static NUMBER_SIZE], const struct ctx *ctx,
		       const struct peer *p, uint64_t bytes)
{
	return p->s->transport == PORTMON_TRANSPORT_TCP ?
		       format_number(buf, bytes, ctx->opt.units) : "-";
}

static void row(struct table *t, const struct ctx *ctx, const struct peer *p)
{
	char buf[INET6_ADDRSTRLEN], number[NUMBER_SIZE];
	const struct sock *s = p->s;

	table_row(t, false);
	snprintf(buf, sizeof(buf), "%u/%s", s->port,
		 name_of(&transport_names, s->transport));
	table_cell(t, buf);
	table_cell(t, peer_address(buf, p));
	snprintf(buf, sizeof(buf), "%u", p->open);
	table_cell(t, buf);
	table_cell(t, peer_bytes(number, ctx, p, p->received));
	table_cell(t, peer_bytes(number, ctx, p, p->sent));
}

static void json_peer(struct json *j, const struct peer *p)
{
	char buf[INET6_ADDRSTRLEN];

	json_object(j, NULL);
	json_word(j, "transport", name_of(&transport_names, p->s->transport));
	json_uint(j, "port", p->s->port);
	json_string(j, "address", peer_address(buf, p));
	json_uint(j, "open", p->open);
	/* Only TCP counts them. */
	if (p->s->transport == PORTMON_TRANSPORT_TCP) {
		json_uint(j, "rx_bytes", p->received);
		json_uint(j, "tx_bytes", p->sent);
	} else {
		json_null(j, "rx_bytes");
		json_null(j, "tx_bytes");
	}
	json_object_end(j);
}

/**
 * out_json_peers() - write the same, as elements of an array
 * @j: the document; without memory its @err is set
 * @o: the sockets
 * @spec: the ports of this host
 * @n: how many specs
 */
void out_json_peers(struct json *j, const struct owners *o,
		    const struct portspec *spec, size_t n)
{
	struct peer *v;
	const ssize_t found = peers_find(o, spec, n, &v);
	ssize_t i;

	for (i = 0; i < found && i < PEERS_SHOWN; i++)
		json_peer(j, &v[i]);
	if (found < 0 && !j->err)
		j->err = -found;
	free(v);
}

/**
 * out_peers() - print the addresses with the most open connections
 * @ctx: the run
 * @o: the sockets
 * @spec: the ports of this host
 * @n: how many specs
 *
 * Return: 0 or a negative errno.
 */
int out_peers(const struct ctx *ctx, const struct owners *o,
	      const struct portspec *spec, size_t n)
{
	static const struct table_head heads[] = {
		{ "PORT", COLUMN_LEFT },
		{ "PEER", COLUMN_LEFT },
		{ "OPEN", COLUMN_RIGHT },
		{ "RX-BYTES", COLUMN_RIGHT },
		{ "TX-BYTES", COLUMN_RIGHT },
	};
	struct table *t;
	struct peer *v;
	ssize_t i, found = peers_find(o, spec, n, &v);
	int err;

	if (found < 0) {
		warn_memory();
		return found;
	}
	if (!found) {
		printf(PEERS_NONE "\n", spec[0].port);
		free(v);
		return 0;
	}
	t = table_begin(ctx);
	table_columns(t, heads, ARRAY_SIZE(heads));
	for (i = 0; i < found && i < PEERS_SHOWN; i++)
		row(t, ctx, &v[i]);
	err = table_end(t);
	if (!err && found > PEERS_SHOWN)
		printf("... and %zd more\n", found - PEERS_SHOWN);
	free(v);
	return err;
}
