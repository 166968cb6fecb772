// SPDX-License-Identifier: GPL-2.0
/*
 * Packets as an attacker sends them: put on a device by a packet socket, from
 * addresses where nobody is.  No hook of the sending namespace sees them.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define PORT_OPEN	8000	/* a listener whose queue has room for all */
#define PORT_FULL	8001	/* and one whose queue is full */
#define PORT_CLOSED	7
#define PORT_FILTERED	9
#define PORT_FIRST_NEW	1024
#define SPOOFED		0x0a5a0000	/* 10.90.0.0/16 */
#define FORGET		2500000		/* microseconds: by then a request has expired */

enum sport { KNOWN, NEW, RANDOM };

static const struct kind {
	const char *name, *dev;
	uint8_t protocol;
	uint16_t dport;
	enum sport sport;
} kinds[] = {
	{ "syn", DEV_TX, IPPROTO_TCP, PORT_OPEN, KNOWN },
	{ "syn-new", DEV_TX, IPPROTO_TCP, PORT_OPEN, NEW },
	{ "syn-random", DEV_TX, IPPROTO_TCP, PORT_OPEN, RANDOM },
	{ "syn-full", DEV_TX, IPPROTO_TCP, PORT_FULL, RANDOM },
	{ "syn-sent", "nowhere", IPPROTO_TCP, PORT_OPEN, RANDOM },
	{ "closed", "drop0", IPPROTO_UDP, PORT_CLOSED, KNOWN },
	{ "filtered", "drop0", IPPROTO_UDP, PORT_FILTERED, KNOWN },
};

static struct {
	struct ethhdr eth;
	struct iphdr ip;
	union {
		struct tcphdr tcp;
		struct udphdr udp;
	};
	uint8_t payload[PAYLOAD];
} __attribute__((packed, aligned(2))) frame;

static uint32_t sum(const void *data, size_t len, uint32_t sum)
{
	const uint8_t *byte = data;

	for (; len > 1; byte += 2, len -= 2)
		sum += byte[0] << 8 | byte[1];
	return sum;
}

static uint16_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

static void listener(int port, int backlog)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (void *)&in, sizeof(in)) || listen(fd, backlog))
		die("listen");
}

void flood_open(void)
{
	enter_netns(NS_RX);
	listener(PORT_OPEN, 65535);
	listener(PORT_FULL, 1);
}

static int open_dev(const char *dev)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET };
	int fd;

	enter_netns(NS_TX);
	ll.sll_ifindex = if_nametoindex(dev);
	/* Protocol 0: it receives nothing. */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0 || !ll.sll_ifindex || bind(fd, (void *)&ll, sizeof(ll)))
		die(dev);
	return fd;
}

/* All but what changes from packet to packet. */
static size_t prepare(const struct kind *k)
{
	size_t len;

	memset(&frame, 0, sizeof(frame));
	memcpy(frame.eth.h_dest, MAC_RX, ETH_ALEN);
	frame.eth.h_proto = htons(ETH_P_IP);
	len = sizeof(frame.ip) + (k->protocol == IPPROTO_TCP ?
				  sizeof(frame.tcp) :
				  sizeof(frame.udp) + PAYLOAD);
	frame.ip.version = 4;
	frame.ip.ihl = 5;
	frame.ip.ttl = 64;
	frame.ip.protocol = k->protocol;
	frame.ip.tot_len = htons(len);
	inet_pton(AF_INET, ADDR4_TX, &frame.ip.saddr);
	inet_pton(AF_INET, ADDR4_RX, &frame.ip.daddr);
	if (k->protocol == IPPROTO_TCP) {
		frame.tcp.doff = sizeof(frame.tcp) / 4;
		frame.tcp.syn = 1;
		frame.tcp.window = htons(64240);
	} else {
		/* No checksum. */
		frame.udp.len = htons(sizeof(frame.udp) + PAYLOAD);
	}
	/* The same place for both. */
	frame.tcp.source = htons(PORT_TX);
	frame.tcp.dest = htons(k->dport);
	return sizeof(frame.eth) + len;
}

/* The source of the next SYN; addresses differ, so that none is known. */
static void spoof(enum sport sport)
{
	static uint32_t random = 1, next, packet;

	if (sport == NEW)
		frame.tcp.source = htons(PORT_FIRST_NEW +
					 next++ % (65536 - PORT_FIRST_NEW));
	random = random * 1664525 + 1013904223;
	if (sport == RANDOM)
		frame.tcp.source = htons(random >> 16);
	frame.ip.saddr = htonl(SPOOFED + (packet++ & 0xffff));
	frame.tcp.seq = random;
	frame.tcp.check = 0;
	frame.tcp.check = folded(sum(&frame.ip.saddr, 8, 0) + IPPROTO_TCP +
				 sizeof(frame.tcp) +
				 sum(&frame.tcp, sizeof(frame.tcp), 0));
}

uint64_t flood_round(const char *kind, int n)
{
	const struct kind *k = kinds;
	uint64_t begun;
	size_t len;
	int fd, i;

	while (strcmp(k->name, kind))
		k++;
	fd = open_dev(k->dev);
	len = prepare(k);
	begun = ticks();
	for (i = 0; i < n; i++) {
		if (k->protocol == IPPROTO_TCP)
			spoof(k->sport);
		frame.ip.check = 0;
		frame.ip.check = folded(sum(&frame.ip, sizeof(frame.ip), 0));
		if (send(fd, &frame, len, 0) != (ssize_t)len)
			die("send");
	}
	begun = ticks() - begun;
	close(fd);
	if (k->protocol == IPPROTO_TCP)
		usleep(FORGET);
	return begun;
}
