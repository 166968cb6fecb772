// SPDX-License-Identifier: GPL-2.0
/*
 * Packets to many ports, as quickly as they can be made:
 *
 *	inject SCOPE PROTOCOL FIRST STEP COUNT TIMES
 *
 * COUNT ports from FIRST on, STEP apart (modulo 65536), TIMES packets to each.
 * SCOPE: local, a few remote ports send to these; both, they are the local and
 * the remote ports; forward and loopback likewise.  Transport checksums are
 * wrong on purpose: the hooks are passed, and nobody answers.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "load.h"

static struct {
	struct iphdr ip;
	uint16_t sport, dport;
	uint8_t rest[16];
} packet;

static void set_packet(const char *scope, int protocol)
{
	const char *from = ADDR4_TX, *to = ADDR4_RX;

	if (!strcmp(scope, "loopback"))
		from = to = "127.0.0.1";
	else if (!strcmp(scope, "forward"))
		to = ADDR4_BEHIND;
	packet.ip.version = 4;
	packet.ip.ihl = 5;
	packet.ip.ttl = 64;
	packet.ip.protocol = protocol;
	packet.ip.tot_len = htons(sizeof(packet));
	inet_pton(AF_INET, from, &packet.ip.saddr);
	inet_pton(AF_INET, to, &packet.ip.daddr);
	memset(packet.rest, 0x55, sizeof(packet.rest));
	if (protocol == IPPROTO_UDP) {
		packet.rest[0] = 0;
		packet.rest[1] = 8 + 12;
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	unsigned int first, step, count, times, i, n;
	int fd;

	if (argc != 7) {
		fprintf(stderr, "usage: inject SCOPE PROTOCOL FIRST STEP COUNT TIMES\n");
		return 2;
	}
	set_packet(argv[1], atoi(argv[2]));
	first = atoi(argv[3]);
	step = atoi(argv[4]);
	count = atoi(argv[5]);
	times = atoi(argv[6]);

	enter_netns(strcmp(argv[1], "loopback") ? NS_TX : NS_RX);
	fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0)
		die("raw socket");
	to.sin_addr.s_addr = packet.ip.daddr;
	for (i = 0; i < count; i++) {
		packet.dport = htons(first + i * step);
		packet.sport = strcmp(argv[1], "local") ? packet.dport :
							  htons(40000 + i % 4);
		for (n = 0; n < times; n++)
			if (sendto(fd, &packet, sizeof(packet), 0,
				   (void *)&to, sizeof(to)) != sizeof(packet))
				die("send");
	}
	return 0;
}
