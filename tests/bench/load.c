// SPDX-License-Identifier: GPL-2.0
/*
 * The load: one process sends through a veth pair from one namespace to
 * another, and receives each packet before it sends the next, so that the CPU
 * never idles.  Sockets are made once; then commands come on standard input,
 * one per line, and one line of results goes out for each:
 *
 *	udp4 PORTS N ROUNDS	to PORTS destination ports in turn
 *	udp6 PORTS N ROUNDS
 *	tcp PORTS N ROUNDS	ping-pong over loopback (PORTS is not used)
 *	veth-tcp PORTS N ROUNDS	the same from one namespace to the other
 *	gso PORTS N ROUNDS	buffers of ten segments (PORTS is not used)
 *	ring on|off		an AF_PACKET reader of both devices beside it
 *	batch PORTS N ROUNDS	udp4, timed in batches
 *	dump PORTS N ROUNDS	the same, and between the batches all ports are
 *				dumped
 *
 * A result: time stamp counter ticks per packet, of each round.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define BATCH	100		/* packets */
#define SEGMENTS	10

struct load {
	int tx, tx_one;			/* unconnected, connected to the first */
	int rx[PORTS_MAX];
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} to;
	socklen_t to_len;
};

static struct load udp4, udp6;
static int tcp[2], veth_tcp[2], gso[2];
static int ring;
static char payload[SEGMENTS * PAYLOAD], buffer[2048];

static void set_addr(struct load *l, int family, const char *addr, int port)
{
	memset(&l->to, 0, sizeof(l->to));
	l->to.sa.sa_family = family;
	l->to.in.sin_port = htons(port);
	if (family == AF_INET) {
		l->to_len = sizeof(l->to.in);
		inet_pton(family, addr, &l->to.in.sin_addr);
	} else {
		l->to_len = sizeof(l->to.in6);
		inet_pton(family, addr, &l->to.in6.sin6_addr);
	}
}

static int udp_socket(struct load *l, int family, const char *addr, int port)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1;

	set_addr(l, family, addr, port);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, &l->to.sa, l->to_len))
		die("UDP socket");
	return fd;
}

static void udp_open(struct load *l, int family, const char *from,
		     const char *to, int ports)
{
	int i;

	enter_netns(NS_RX);
	for (i = 0; i < ports; i++)
		l->rx[i] = udp_socket(l, family, to, PORT_RX + i);
	enter_netns(NS_TX);
	l->tx = udp_socket(l, family, from, PORT_TX);
	l->tx_one = udp_socket(l, family, from, PORT_TX);
	set_addr(l, family, to, PORT_RX);
	if (connect(l->tx_one, &l->to.sa, l->to_len))
		die("connect");
}

static void tcp_open(int pair[2], const char *netns, const char *addr)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(PORT_RX) };
	int listener, one = 1, i;

	enter_netns(netns);
	inet_pton(AF_INET, addr, &in.sin_addr);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (void *)&in, sizeof(in)) || listen(listener, 1))
		die("listen");
	enter_netns(NS_TX);
	pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(pair[0], (void *)&in, sizeof(in)))
		die("connect");
	pair[1] = accept(listener, NULL, NULL);
	close(listener);
	for (i = 0; i < 2; i++)
		setsockopt(pair[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* One buffer all the way: nothing on it segments, nothing merges. */
static void gso_open(void)
{
	int size = PAYLOAD, one = 1;
	struct load l;

	enter_netns(NS_TX);
	gso[0] = udp_socket(&l, AF_INET, ADDR4_TX, PORT_TX - 1);
	enter_netns(NS_RX);
	gso[1] = udp_socket(&l, AF_INET, ADDR4_RX, PORT_TX - 1);
	if (setsockopt(gso[0], SOL_UDP, UDP_SEGMENT, &size, sizeof(size)) ||
	    setsockopt(gso[1], SOL_UDP, UDP_GRO, &one, sizeof(one)) ||
	    connect(gso[0], &l.to.sa, l.to_len))
		die("UDP segmentation");
}

static void udp_one(struct load *l, int port, int ports)
{
	ssize_t sent;

	if (ports == 1) {
		sent = send(l->tx_one, payload, PAYLOAD, 0);
	} else {
		l->to.in.sin_port = htons(PORT_RX + port);
		sent = sendto(l->tx, payload, PAYLOAD, 0, &l->to.sa, l->to_len);
	}
	if (sent != PAYLOAD)
		die("send");
	if (recv(l->rx[port], buffer, sizeof(buffer), MSG_DONTWAIT) != PAYLOAD)
		die("the packet did not arrive");
	if (ring)
		ring_drain();
}

static uint64_t udp_round(struct load *l, int ports, int n)
{
	uint64_t begun = ticks();
	int i, port = 0;

	for (i = 0; i < n; i++) {
		udp_one(l, port, ports);
		if (++port == ports)
			port = 0;
	}
	return ticks() - begun;
}

/* Each segment carries the acknowledgement of the one before it. */
static uint64_t tcp_round(const int pair[2], int n)
{
	uint64_t begun = ticks();
	int i;

	for (i = 0; i < n; i++) {
		if (send(pair[i & 1], payload, PAYLOAD, 0) != PAYLOAD ||
		    recv(pair[~i & 1], buffer, sizeof(buffer),
			 MSG_DONTWAIT) != PAYLOAD)
			die("a segment did not arrive");
	}
	return ticks() - begun;
}

static uint64_t gso_round(int n)
{
	uint64_t begun = ticks();
	int i;

	for (i = 0; i < n; i++)
		if (send(gso[0], payload, sizeof(payload), 0) !=
			    sizeof(payload) ||
		    recv(gso[1], buffer, sizeof(buffer),
			 MSG_DONTWAIT) != sizeof(payload))
			die("a buffer did not arrive whole");
	return ticks() - begun;
}

/* The packets' own time while a dump is open; what the dump takes is not in it. */
static uint64_t batch_round(int ports, int n, bool dump)
{
	uint64_t sum = 0;
	int i;

	if (dump)
		dump_begin(NS_TX);
	for (i = 0; i < n; i += BATCH) {
		sum += udp_round(&udp4, ports, BATCH);
		if (dump && !dump_piece()) {
			dump_end();
			dump_begin(NS_TX);
		}
	}
	if (dump)
		dump_end();
	return sum;
}

static void command(const char *what, int ports, int n, int rounds)
{
	uint64_t took;
	int r;

	printf("%s", what);
	for (r = 0; r < rounds; r++) {
		if (!strcmp(what, "udp4"))
			took = udp_round(&udp4, ports, n);
		else if (!strcmp(what, "udp6"))
			took = udp_round(&udp6, ports, n);
		else if (!strcmp(what, "dump") || !strcmp(what, "batch"))
			took = batch_round(ports, n, *what == 'd');
		else if (!strcmp(what, "gso"))
			took = gso_round(n);
		else if (!strcmp(what, "veth-tcp"))
			took = tcp_round(veth_tcp, n);
		else
			took = tcp_round(tcp, n);
		printf(" %.2f", (double)took / n);
	}
	printf("\n");
}

int main(void)
{
	struct rlimit files = { 2 * PORTS_MAX + 100, 2 * PORTS_MAX + 100 };
	char line[128], what[16], word[16];
	int ports, n, rounds;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (setrlimit(RLIMIT_NOFILE, &files) ||
	    mlockall(MCL_CURRENT | MCL_FUTURE))
		die("limits");
	udp_open(&udp4, AF_INET, ADDR4_TX, ADDR4_RX, PORTS_MAX);
	udp_open(&udp6, AF_INET6, ADDR6_TX, ADDR6_RX, 1);
	tcp_open(tcp, NS_TX, "127.0.0.1");
	tcp_open(veth_tcp, NS_RX, ADDR4_RX);
	gso_open();
	printf("ready\n");
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%15s %d %d %d", what, &ports, &n,
			   &rounds) == 4) {
			command(what, ports, n, rounds);
		} else if (sscanf(line, "ring %15s", word) == 1) {
			ring = !strcmp(word, "on");
			if (ring)
				ring_open();
			else
				ring_close();
			printf("ring %llu\n", (unsigned long long)ring_seen());
		} else {
			printf("what?\n");
		}
	}
	return 0;
}
