/* SPDX-License-Identifier: GPL-2.0 */
/* The sockets of this network namespace, as the kernel lists them. */
#ifndef PORTMON_CTL_SOCKETS_H
#define PORTMON_CTL_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

/**
 * enum sock_kind - what a socket is doing
 * @SOCK_LISTENS: accepts from anyone: a listener, or an unconnected
 *   socket of a transport without connections
 * @SOCK_OPENING: a connection whose handshake is not complete
 * @SOCK_OPEN: a connection
 * @SOCK_CLOSING: a connection being taken down
 */
enum sock_kind {
	SOCK_LISTENS,
	SOCK_OPENING,
	SOCK_OPEN,
	SOCK_CLOSING,
};

/**
 * struct sock - a socket with a port
 * @transport: enum portmon_transport
 * @family: AF_INET or AF_INET6
 * @kind: enum sock_kind
 * @port: its own port
 * @peer: port of the other end, 0 without one
 * @inode: number that /proc/PID/fd has for it, 0 if no process holds it
 * @uid: user who made it
 * @queue: of a listener, connections that wait to be accepted
 * @queue_max: bound on them
 * @memory: bytes of kernel memory that received packets take while they wait
 * @memory_max: bound on them, 0 if it is not known
 * @unread: bytes received that the program has not read; not of a listener
 * @segment: size of the segments that a TCP connection receives, in bytes, if
 *	SOCKS_BYTES was requested (tcpi_rcv_mss)
 * @bytes_received: of a TCP connection, if SOCKS_BYTES was requested
 * @bytes_sent: the same, as acknowledged by the other end
 * @address: its own address, in network byte order
 * @peer_address: address of the other end
 */
struct sock {
	uint8_t transport;
	uint8_t family;
	uint8_t kind;
	uint16_t port;
	uint16_t peer;
	uint32_t inode;
	uint32_t uid;
	uint32_t queue;
	uint32_t queue_max;
	uint32_t memory;
	uint32_t memory_max;
	uint32_t unread;
	uint32_t segment;
	uint64_t bytes_received;
	uint64_t bytes_sent;
	uint32_t address[4];
	uint32_t peer_address[4];
};

/**
 * struct socks - sockets
 * @v: the sockets
 * @n: how many there are
 * @cap: how many there is room for
 * @unlisted: bit per transport in use whose sockets the kernel does not list
 */
struct socks {
	struct sock *v;
	size_t n;
	size_t cap;
	unsigned int unlisted;
};

bool socks_absent(unsigned int t);
bool sock_is_loopback(const struct sock *s);
/* Beside the transports that are wanted: bytes of each TCP connection. */
#define SOCKS_BYTES 0x100

int socks_read(struct socks *list, unsigned int wanted, struct error *e);
int socks_listening(struct socks *list, struct error *e);
void socks_free(struct socks *list);

#endif
