// SPDX-License-Identifier: GPL-2.0
/*
 * The load: one process sends through a veth pair from one namespace to
 * another, and receives each packet before it sends the next, so that the CPU
 * never idles.  Sockets are made once; then commands come on standard input,
 * one per line, and one line of results goes out for each:
 *
 *	LOAD PORTS N ROUNDS	N packets or buffers in each round
 *	ring on|off|read	an AF_PACKET reader of both devices beside it;
 *				packets and bytes that each has counted to the
 *				port of GSO buffers
 *	namespaces N		make so many more, which stay
 *	sockets N		the same with TCP sockets of NS_RX, all connected
 *
 * The loads, of which the UDP ones go to PORTS destination ports in turn:
 *
 *	udp4 udp6		from one namespace to the other
 *	bond			the same through a bond at either end
 *	fwd			the same through a third namespace
 *	behind			forwarded by the other one, to nobody
 *	gso			UDP buffers of ten segments
 *	tcp			ping-pong over loopback
 *	veth-tcp veth-tcp6	the same from one namespace to the other
 *	bulk bulk6		buffers of ten segments one way, and their
 *				acknowledgements
 *	syn... closed filtered	see flood.c
 *	batch			udp4, timed in batches
 *	dump			the same, and between the batches all ports are
 *				dumped
 *
 * A result: time stamp counter ticks per packet, of each round.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <sched.h>
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

static struct load udp4, udp6, bond, fwd, behind;
static int tcp[2], veth_tcp[2], veth_tcp6[2], bulk[2], bulk6[2], gso[2];
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
		l->rx[i] = strcmp(to, ADDR4_BEHIND) ?
			   udp_socket(l, family, to, PORT_RX + i) : -1;
	enter_netns(NS_TX);
	l->tx = udp_socket(l, family, from, PORT_TX);
	l->tx_one = udp_socket(l, family, from, PORT_TX);
	set_addr(l, family, to, PORT_RX);
	if (connect(l->tx_one, &l->to.sa, l->to_len))
		die("connect");
}

/* One buffer all the way: nothing on it segments, nothing merges. */
static void gso_open(void)
{
	int size = PAYLOAD, one = 1;
	struct load l;

	enter_netns(NS_TX);
	gso[0] = udp_socket(&l, AF_INET, ADDR4_TX, PORT_GSO);
	enter_netns(NS_RX);
	gso[1] = udp_socket(&l, AF_INET, ADDR4_RX, PORT_GSO);
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
	if (l->rx[port] >= 0 &&
	    recv(l->rx[port], buffer, sizeof(buffer),
		 MSG_DONTWAIT) != PAYLOAD)
		die("the packet did not arrive");
	ring_drain();
}

static uint64_t udp_round(void *load, int ports, int n)
{
	struct load *l = load;
	uint64_t begun = ticks();
	int i, port = 0;

	for (i = 0; i < n; i++) {
		udp_one(l, port, ports);
		if (++port == ports)
			port = 0;
	}
	return ticks() - begun;
}

static uint64_t gso_round(void *load, int ports, int n)
{
	uint64_t begun = ticks();
	int i;

	for (i = 0; i < n; i++) {
		if (send(gso[0], payload, sizeof(payload), 0) !=
			    sizeof(payload) ||
		    recv(gso[1], buffer, sizeof(buffer),
			 MSG_DONTWAIT) != sizeof(payload))
			die("a buffer did not arrive whole");
		ring_drain();
	}
	return ticks() - begun;
}

/* The packets' own time while a dump is open; what the dump takes is not in it. */
static uint64_t batch_round(void *dump, int ports, int n)
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

static uint64_t tcp_round(void *load, int ports, int n)
{
	return tcp_ping(load, n);
}

static uint64_t bulk_round(void *load, int ports, int n)
{
	return tcp_bulk(load, n);
}

static uint64_t forged_round(void *load, int ports, int n)
{
	return flood_round(load, n);
}

static const struct {
	const char *name;
	uint64_t (*round)(void *load, int ports, int n);
	void *load;
} loads[] = {
	{ "udp4", udp_round, &udp4 },
	{ "udp6", udp_round, &udp6 },
	{ "bond", udp_round, &bond },
	{ "fwd", udp_round, &fwd },
	{ "behind", udp_round, &behind },
	{ "gso", gso_round, NULL },
	{ "tcp", tcp_round, tcp },
	{ "veth-tcp", tcp_round, veth_tcp },
	{ "veth-tcp6", tcp_round, veth_tcp6 },
	{ "bulk", bulk_round, bulk },
	{ "bulk6", bulk_round, bulk6 },
	{ "batch", batch_round, NULL },
	{ "dump", batch_round, "" },
	{ "syn", forged_round, "syn" },
	{ "syn-new", forged_round, "syn-new" },
	{ "syn-random", forged_round, "syn-random" },
	{ "syn-full", forged_round, "syn-full" },
	{ "syn-sent", forged_round, "syn-sent" },
	{ "closed", forged_round, "closed" },
	{ "filtered", forged_round, "filtered" },
};

static void command(const char *what, int ports, int n, int rounds)
{
	unsigned int i;
	int r;

	for (i = 0; i < sizeof(loads) / sizeof(*loads); i++)
		if (!strcmp(what, loads[i].name))
			break;
	if (i == sizeof(loads) / sizeof(*loads)) {
		printf("what?\n");
		return;
	}
	printf("%s", what);
	for (r = 0; r < rounds; r++)
		printf(" %.2f",
		       (double)loads[i].round(loads[i].load, ports, n) / n);
	printf("\n");
}

static void ring_command(const char *word)
{
	uint64_t packets, bytes;

	if (!strcmp(word, "on"))
		ring_open();
	ring_seen(PORT_GSO, &packets, &bytes);
	if (!strcmp(word, "off"))
		ring_close();
	printf("ring %llu %llu\n", (unsigned long long)packets / 2,
	       (unsigned long long)bytes / 2);
}

static void namespaces(int n)
{
	while (n--)
		if (unshare(CLONE_NEWNET) ||
		    open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) < 0)
			die("namespace");
	enter_netns(NS_TX);
	printf("namespaces\n");
}

int main(void)
{
	struct rlimit files = { 3 * PORTS_MAX, 3 * PORTS_MAX };
	char line[128], what[16], word[16];
	int ports, n, rounds;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (setrlimit(RLIMIT_NOFILE, &files) ||
	    mlockall(MCL_CURRENT | MCL_FUTURE))
		die("limits");
	udp_open(&udp4, AF_INET, ADDR4_TX, ADDR4_RX, PORTS_MAX);
	udp_open(&udp6, AF_INET6, ADDR6_TX, ADDR6_RX, 1);
	udp_open(&bond, AF_INET, "10.97.0.1", "10.97.0.2", 1);
	udp_open(&fwd, AF_INET, "10.96.0.1", "10.95.0.2", 1);
	udp_open(&behind, AF_INET, ADDR4_TX, ADDR4_BEHIND, 1);
	gso_open();
	tcp_open(tcp, AF_INET, NS_TX, "127.0.0.1");
	tcp_open(veth_tcp, AF_INET, NS_RX, ADDR4_RX);
	tcp_open(veth_tcp6, AF_INET6, NS_RX, ADDR6_RX);
	tcp_open(bulk, AF_INET, NS_RX, ADDR4_RX);
	tcp_open(bulk6, AF_INET6, NS_RX, ADDR6_RX);
	flood_open();
	printf("ready\n");
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%15s %d %d %d", what, &ports, &n,
			   &rounds) == 4) {
			command(what, ports, n, rounds);
		} else if (sscanf(line, "ring %15s", word) == 1) {
			ring_command(word);
		} else if (sscanf(line, "namespaces %d", &n) == 1) {
			namespaces(n);
		} else if (sscanf(line, "sockets %d", &n) == 1) {
			tcp_crowd(n);
			printf("sockets\n");
		} else {
			printf("what?\n");
		}
	}
	return 0;
}
