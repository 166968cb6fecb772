// SPDX-License-Identifier: GPL-2.0
/* TCP from socket to socket: single segments, and buffers of many. */
#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

static char segment[1 << 16], buffer[1 << 16];

/* pair[0] is the end in NS_TX, pair[1] the one in netns. */
void tcp_open(int pair[2], int family, const char *netns, const char *addr)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} to = { .sa.sa_family = family };
	socklen_t len = family == AF_INET ? sizeof(to.in) : sizeof(to.in6);
	int listener, one = 1, i;

	to.in.sin_port = htons(PORT_RX);
	inet_pton(family, addr, family == AF_INET ? (void *)&to.in.sin_addr :
						    (void *)&to.in6.sin6_addr);
	enter_netns(netns);
	listener = socket(family, SOCK_STREAM, 0);
	if (listener < 0 ||
	    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(listener, &to.sa, len) || listen(listener, 1))
		die("listen");
	enter_netns(NS_TX);
	pair[0] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(pair[0], &to.sa, len))
		die("connect");
	pair[1] = accept(listener, NULL, NULL);
	close(listener);
	for (i = 0; i < 2; i++)
		setsockopt(pair[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* Each segment carries the acknowledgement of the one before it. */
uint64_t tcp_ping(const int pair[2], int n)
{
	uint64_t begun = ticks();
	int i;

	for (i = 0; i < n; i++)
		if (send(pair[i & 1], segment, PAYLOAD, 0) != PAYLOAD ||
		    recv(pair[~i & 1], buffer, sizeof(buffer),
			 MSG_DONTWAIT) != PAYLOAD)
			die("a segment did not arrive");
	return ticks() - begun;
}

static struct tcp_info info(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		die("TCP_INFO");
	return info;
}

/*
 * Buffers of SEGMENTS full segments, which stay whole all the way; when one is
 * read, its acknowledgement goes.
 */
uint64_t tcp_bulk(const int pair[2], int n)
{
	struct tcp_info before = info(pair[0]), after;
	int size = SEGMENTS * before.tcpi_snd_mss, segments, acks, i;
	uint64_t begun = ticks();

	for (i = 0; i < n; i++) {
		if (send(pair[0], segment, size, 0) != size ||
		    recv(pair[1], buffer, sizeof(buffer),
			 MSG_DONTWAIT) != size)
			die("a buffer did not arrive whole");
		ring_drain();
	}
	begun = ticks() - begun;
	after = info(pair[0]);
	segments = after.tcpi_segs_out - before.tcpi_segs_out;
	acks = after.tcpi_segs_in - before.tcpi_segs_in;
	/* The first may be acknowledged twice. */
	if (segments != n * SEGMENTS || acks < n || acks > n + 1) {
		fprintf(stderr, "%d buffers: %d segments, %d acknowledgements\n",
			n, segments, acks);
		exit(1);
	}
	return begun;
}

/* So many sockets of NS_RX, connected to each other and never closed. */
void tcp_crowd(int n)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(PORT_TX) };
	int listener;

	enter_netns(NS_RX);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (void *)&to, sizeof(to)) || listen(listener, 1))
		die("listen");
	for (; n > 0; n -= 2) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0 || connect(fd, (void *)&to, sizeof(to)) ||
		    accept(listener, NULL, NULL) < 0)
			die("connect");
	}
	close(listener);
}
