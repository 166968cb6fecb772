// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/owners.h"
#include "lib/util.h"

static unsigned int port_of(const struct sock *s, enum port_side side)
{
	return side == SIDE_OWN ? s->port : s->peer;
}

static int compare_sockets(const struct sock *a, const struct sock *b,
		   enum port_side side)
{
	if (a->transport != b->transport)
		return a->transport - b->transport;
	return (int)port_of(a, side) - (int)port_of(b, side);
}

static int by_own_port(const void *x, const void *y)
{
	return compare_sockets(x, y, SIDE_OWN);
}

static int by_peer_port(const void *x, const void *y)
{
	const struct sock *const *a = x, *const *b = y;

	return compare_sockets(*a, *b, SIDE_PEER);
}

static int compare_inodes(const void *x, const void *y)
{
	const uint32_t *a = x, *b = y;

	return (*a > *b) - (*a < *b);
}

/* What a server has accepted does not connect to the client's port. */
static bool is_user_of_peer(const struct owners *o, const struct sock *s)
{
	return s->peer && !(sock_is_loopback(s) &&
			    owners_listens(o, s->transport, s->port));
}

static int sort_sockets(struct owners *o)
{
	const struct socks *s = &o->socks;
	size_t i;

	if (!s->n)
		return 0;
	qsort(s->v, s->n, sizeof(*s->v), by_own_port);
	o->peers = calloc(s->n, sizeof(const struct sock *));
	if (!o->peers)
		return -ENOMEM;
	for (i = 0; i < s->n; i++)
		if (is_user_of_peer(o, &s->v[i]))
			o->peers[o->n_peers++] = &s->v[i];
	if (o->n_peers)
		qsort(o->peers, o->n_peers, sizeof(*o->peers), by_peer_port);
	return 0;
}

static int find_processes(struct owners *o, struct error *e)
{
	uint32_t *inodes;
	size_t i, n = 0;
	int err;

	if (!o->socks.n)
		return 0;
	inodes = calloc(o->socks.n, sizeof(*inodes));
	if (!inodes)
		return error_set(e, -ENOMEM, "out of memory");
	for (i = 0; i < o->socks.n; i++)
		if (o->socks.v[i].inode)
			inodes[n++] = o->socks.v[i].inode;
	qsort(inodes, n, sizeof(*inodes), compare_inodes);
	err = procs_read(&o->procs, inodes, n, e);
	free(inodes);
	return err;
}

/**
 * owners_read() - find out who holds which sockets
 * @o: what is found, to release with owners_free()
 * @transports: bit per transport of interest
 * @e: why it failed
 *
 * Return: 0 or a negative errno.
 */
int owners_read(struct owners *o, unsigned int transports, struct error *e)
{
	int err;

	*o = (struct owners){ 0 };
	err = socks_read(&o->socks, transports, e);
	if (err)
		return err;
	err = sort_sockets(o);
	if (err)
		return error_set(e, err, "out of memory");
	return find_processes(o, e);
}

/**
 * owners_free() - release owners
 * @o: the owners
 */
void owners_free(struct owners *o)
{
	free(o->peers);
	socks_free(&o->socks);
	procs_free(&o->procs);
	*o = (struct owners){ 0 };
}

/**
 * owners_hidden() - is there anything that this user may not see?
 * @o: the owners
 *
 * Return: whether a process was not looked into and a socket has none.
 */
bool owners_hidden(const struct owners *o)
{
	size_t i, n;

	if (!o->procs.denied)
		return false;
	for (i = 0; i < o->socks.n; i++)
		if (o->socks.v[i].inode &&
		    !procs_holders(&o->procs, o->socks.v[i].inode, &n))
			return true;
	return false;
}

static const struct sock *socket_at(const struct owners *o, enum port_side side,
				    size_t i)
{
	return side == SIDE_OWN ? &o->socks.v[i] : o->peers[i];
}

static size_t n_sockets(const struct owners *o, enum port_side side)
{
	return side == SIDE_OWN ? o->socks.n : o->n_peers;
}

/**
 * struct place - where the sockets of a port begin
 * @o: the owners
 * @side: whose port it is
 * @key: a socket of that port
 */
struct place {
	const struct owners *o;
	enum port_side side;
	struct sock key;
};

static bool is_socket_before(const void *arg, size_t i)
{
	const struct place *place = arg;

	return compare_sockets(socket_at(place->o, place->side, i), &place->key,
			       place->side) < 0;
}

/* Those of both kinds of peers are in one list. */
static bool is_on_side(const struct sock *s, enum port_side side)
{
	return side == SIDE_OWN ||
	       sock_is_loopback(s) == (side == SIDE_LOOPBACK);
}

/* The first socket at a port or behind it. */
static size_t first_socket(const struct owners *o, enum port_side side,
			   unsigned int transport, unsigned int port)
{
	const struct place place = {
		.o = o, .side = side,
		.key = { .transport = transport, .port = port, .peer = port },
	};

	return lower_bound(n_sockets(o, side), is_socket_before, &place);
}

/**
 * owners_next() - walk the ports that have sockets
 * @o: the owners
 * @side: whose ports
 * @transport: enum portmon_transport
 * @port: where to begin
 *
 * Return: the first port from @port on that has a socket, or -1.
 */
int owners_next(const struct owners *o, enum port_side side,
		unsigned int transport, unsigned int port)
{
	size_t i = first_socket(o, side, transport, port);

	while (i < n_sockets(o, side) &&
	       !is_on_side(socket_at(o, side, i), side))
		i++;
	if (i == n_sockets(o, side) ||
	    socket_at(o, side, i)->transport != transport)
		return -1;
	return port_of(socket_at(o, side, i), side);
}

static struct owner *owner_for(struct port_use *use, const struct proc *proc,
			       uint32_t uid)
{
	struct owner *v;
	size_t i;

	for (i = 0; i < use->n; i++)
		if (use->v[i].proc == proc && (proc || use->v[i].uid == uid))
			return &use->v[i];
	v = array_room(use->v, use->n, &use->cap, sizeof(*v));
	if (!v)
		return NULL;
	use->v = v;
	v += use->n++;
	*v = (struct owner){ .proc = proc, .uid = uid };
	return v;
}

static int credit(struct port_use *use, const struct sock *s,
		  const struct proc *proc, uint32_t uid)
{
	struct owner *owner = owner_for(use, proc, uid);

	if (!owner)
		return -ENOMEM;
	owner->listening += s->kind == SOCK_LISTENS;
	owner->connections += s->kind == SOCK_OPEN;
	return 0;
}

static void count(struct port_use *use, const struct sock *s)
{
	switch (s->kind) {
	case SOCK_LISTENS:
		use->listening++;
		use->queue += s->queue;
		use->queue_max += s->queue_max;
		if (!use->listener)
			use->listener = s;
		break;
	case SOCK_OPENING:
		use->opening++;
		break;
	case SOCK_OPEN:
		use->connections++;
		break;
	default:
		use->closing++;
	}
}

static int add_user_of(const struct owners *o, const struct sock *s,
		       struct port_use *use)
{
	const struct holder *h;
	size_t i, n;
	int err = 0;

	count(use, s);
	/* Not accepted yet, or closed: it has no owner. */
	if (!s->inode)
		return 0;
	h = procs_holders(&o->procs, s->inode, &n);
	if (!h)
		return credit(use, s, NULL, o->procs.denied ? s->uid :
			      OWNER_NOBODY);
	for (i = 0; i < n && !err; i++)
		err = credit(use, s, &o->procs.v[h[i].proc], 0);
	return err;
}

/* Listeners before processes with connections only. */
static int by_name(const void *x, const void *y)
{
	const struct owner *a = x, *b = y;
	int order;

	if (!a->listening != !b->listening)
		return !a->listening - !b->listening;
	if (!a->proc || !b->proc)
		return a->proc || b->proc ? !a->proc - !b->proc :
					    compare_inodes(&a->uid, &b->uid);
	order = strcmp(a->proc->name, b->proc->name);
	if (!order)
		order = strcmp(a->proc->unit, b->proc->unit);
	return order ? order : a->proc->pid - b->proc->pid;
}

/**
 * owners_of() - who uses a port
 * @o: the owners
 * @side: whose port it is
 * @transport: enum portmon_transport
 * @port: port number
 * @use: what is found, to release with port_use_free()
 *
 * Return: 0 or -ENOMEM.
 */
int owners_of(const struct owners *o, enum port_side side,
	      unsigned int transport, unsigned int port, struct port_use *use)
{
	const struct sock key = {
		.transport = transport, .port = port, .peer = port
	};
	size_t i = first_socket(o, side, transport, port);
	int err = 0;

	*use = (struct port_use){ 0 };
	for (; i < n_sockets(o, side) && !err; i++) {
		const struct sock *s = socket_at(o, side, i);

		if (compare_sockets(s, &key, side))
			break;
		if (is_on_side(s, side))
			err = add_user_of(o, s, use);
	}
	if (use->n)
		qsort(use->v, use->n, sizeof(*use->v), by_name);
	return err;
}

/**
 * owners_of_sock() - who uses one socket
 * @o: the owners
 * @s: the socket
 * @use: what is found, to release with port_use_free()
 *
 * Return: 0 or -ENOMEM.
 */
int owners_of_sock(const struct owners *o, const struct sock *s,
		   struct port_use *use)
{
	int err;

	*use = (struct port_use){ 0 };
	err = add_user_of(o, s, use);
	if (use->n)
		qsort(use->v, use->n, sizeof(*use->v), by_name);
	return err;
}

/**
 * owners_listens() - does a program of this host wait at a port?
 * @o: the owners
 * @transport: enum portmon_transport
 * @port: port number
 *
 * Return: whether one does.
 */
bool owners_listens(const struct owners *o, unsigned int transport,
		    unsigned int port)
{
	size_t i = first_socket(o, SIDE_OWN, transport, port);

	for (; i < o->socks.n; i++) {
		const struct sock *s = &o->socks.v[i];

		if (s->transport != transport || s->port != port)
			break;
		if (s->kind == SOCK_LISTENS)
			return true;
	}
	return false;
}

/**
 * owners_of_record() - who uses the port of a record
 * @r: the record; forwarded traffic has no owner here
 * @use: what is found, to release with port_use_free()
 *
 * Return: 0 or -ENOMEM.
 */
int owners_of_record(const struct record *r, struct port_use *use)
{
	*use = (struct port_use){ 0 };
	if (!r->owners || r->folded || !record_has(r, PORTMON_A_RECORD_PORT) ||
	    r->scope == PORTMON_SCOPE_FORWARD)
		return 0;
	return owners_of(r->owners, r->scope == PORTMON_SCOPE_REMOTE ?
			 SIDE_PEER : SIDE_OWN, r->transport, r->port, use);
}

/**
 * port_use_free() - release what was found of a port
 * @use: the port's use
 */
void port_use_free(struct port_use *use)
{
	free(use->v);
	*use = (struct port_use){ 0 };
}

/**
 * owner_group() - how many owners are the same program
 * @use: the port's use
 * @first: index of the first of them
 *
 * Return: how many from @first on have one name and belong to one unit.
 */
size_t owner_group(const struct port_use *use, size_t first)
{
	const struct proc *a = use->v[first].proc, *b;
	size_t i;

	for (i = first + 1; a && i < use->n; i++) {
		b = use->v[i].proc;
		if (!b || !use->v[i].listening != !use->v[first].listening ||
		    strcmp(a->name, b->name) || strcmp(a->unit, b->unit))
			break;
	}
	return i - first;
}

/**
 * owner_text() - what to call a group of owners
 * @buf: room for it
 * @use: the port's use
 * @first: index of the first of them
 *
 * Return: @buf: "nginx[812]+3", or the user if only that is
 * known.
 */
char *owner_text(char buf[static OWNER_SIZE], const struct port_use *use,
		 size_t first)
{
	const struct owner *owner = &use->v[first];
	size_t n = owner_group(use, first);
	const struct passwd *user;

	if (owner->proc && n > 1) {
		snprintf(buf, OWNER_SIZE, "%.40s[%d]+%zu", owner->proc->name,
			 owner->proc->pid, n - 1);
	} else if (owner->proc) {
		snprintf(buf, OWNER_SIZE, "%.40s[%d]", owner->proc->name,
			 owner->proc->pid);
	} else if (owner->uid == OWNER_NOBODY) {
		snprintf(buf, OWNER_SIZE, "no process");
	} else {
		user = getpwuid(owner->uid);
		if (user)
			snprintf(buf, OWNER_SIZE, "user %.40s",
				 user->pw_name);
		else
			snprintf(buf, OWNER_SIZE, "user %u", owner->uid);
	}
	return buf;
}
