/* SPDX-License-Identifier: GPL-2.0 */
/* Owners of ports: their sockets and processes. */
#ifndef PORTMON_CTL_OWNERS_H
#define PORTMON_CTL_OWNERS_H

#include "host/procs.h"
#include "host/sockets.h"
#include "lib/record.h"

#define OWNER_SIZE 80

/* No process has the socket, and none was hidden: the kernel's own. */
#define OWNER_NOBODY UINT32_MAX

/**
 * struct owners - all sockets of a network namespace and who holds them
 * @socks: the sockets, by transport and own port
 * @peers: those with another end, by transport and its port; of a connection
 *   within this host only the client's
 * @n_peers: how many those are
 * @procs: the processes
 */
struct owners {
	struct socks socks;
	const struct sock **peers;
	size_t n_peers;
	struct procs procs;
};

/**
 * struct owner - a process, or all that one user has
 * @proc: the process, NULL if unknown
 * @uid: where @proc is NULL, user who made the sockets, or OWNER_NOBODY
 * @listening: listening sockets
 * @connections: open connections
 */
struct owner {
	const struct proc *proc;
	uint32_t uid;
	unsigned int listening;
	unsigned int connections;
};

/**
 * struct port_use - what a port is used for
 * @v: who uses it, by name, unit and number of the process
 * @n: how many they are
 * @cap: how many there is room for
 * @listening: listening sockets
 * @connections: open connections
 * @opening: connections whose handshake is not complete (half-open)
 * @closing: connections being taken down
 * @queue: connections that wait to be accepted
 * @queue_max: bound on them
 * @listener: a socket that waits, or NULL
 */
struct port_use {
	struct owner *v;
	size_t n;
	size_t cap;
	unsigned int listening;
	unsigned int connections;
	unsigned int opening;
	unsigned int closing;
	uint64_t queue;
	uint64_t queue_max;
	const struct sock *listener;
};

/**
 * enum port_side - which end of a connection has the port
 * @SIDE_OWN: a port of this host
 * @SIDE_PEER: a port of the other end, on another host
 * @SIDE_LOOPBACK: a port of this host, of a client on this host
 * @SIDES: how many there are
 */
enum port_side {
	SIDE_OWN,
	SIDE_PEER,
	SIDE_LOOPBACK,
	SIDES
};

int owners_read(struct owners *o, unsigned int transports, struct error *e);
void owners_free(struct owners *o);
bool owners_hidden(const struct owners *o);
int owners_of(const struct owners *o, enum port_side side,
	      unsigned int transport, unsigned int port,
	      struct port_use *use);
int owners_of_sock(const struct owners *o, const struct sock *s,
		   struct port_use *use);
int owners_of_record(const struct record *r, struct port_use *use);
int owners_next(const struct owners *o, enum port_side side,
		unsigned int transport, unsigned int port);
bool owners_listens(const struct owners *o, unsigned int transport,
		    unsigned int port);
void port_use_free(struct port_use *use);
size_t owner_group(const struct port_use *use, size_t first);
char *owner_text(char buf[static OWNER_SIZE], const struct port_use *use,
		 size_t first);

#endif
