// SPDX-License-Identifier: GPL-2.0
/*
 * What Python is too slow for:
 *
 *   traffic flood CPU SOURCE DESTINATION SPORT DPORT LAST SIZE LEAST
 *	Send UDP datagrams from one port to the ports DPORT to LAST in turn
 *	until standard input ends, but LEAST; print how many were sent.
 *   traffic sink CPU PORT LAST
 *	Receive on these ports until standard input ends.
 *   traffic reset CPU REQUEST
 *	Send a netlink request (in hex) to portmon over and over until standard
 *	input ends; print how often, and the sums of what the records that it
 *	answered held: packets and bytes rx, tx.
 *   traffic watch CPU REQUEST SIZE
 *	Ask portmon for a record (request in hex) over and over until standard
 *	input ends; print how often, how often its packets or bytes received
 *	were fewer than before, and how often its bytes were not SIZE for each
 *	packet.
 *   traffic scan FD SOURCE DESTINATION PROTOCOL SPORT DPORT LAST TIMES
 *	Write to the tun device FD an IP packet of 8 (UDP) or 20 (TCP) bytes
 *	for each port, TIMES in a row; SPORT - means the same as the destination.
 *   traffic syns FD SOURCE DESTINATION SPORT DPORT N
 *	Write to the tun device FD N SYNs to one port, each from an address and a
 *	port one higher than the one before (from port 65535 on to SPORT); read
 *	what comes back, and print how many SYN-ACKs that were.
 *   traffic serve CPU PORT
 *	Accept TCP connections, one at a time, read each to its end and close it,
 *	until standard input has told how many there must be, and they and what
 *	else is in the accept queue have been; print how many they were.
 *   traffic connect CPU SOURCE DESTINATION SPORT DPORT N END
 *	Make N TCP connections in a row, the first from SPORT, the next from one
 *	higher (from port 65535 on to SPORT); close each with END: fin or rst. Print how many were established.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/portmon.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH	32

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t address(union address *a, const char *text, unsigned int port)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, text, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(port);
		return sizeof(a->v4);
	}
	if (inet_pton(AF_INET6, text, &a->v6.sin6_addr) != 1)
		errx(1, "no address: %s", text);
	a->v6.sin6_family = AF_INET6;
	a->v6.sin6_port = htons(port);
	return sizeof(a->v6);
}

static void pin(const char *cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(atoi(cpu), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "CPU %s", cpu);
}

static bool told_to_stop(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&in, 1, 0) > 0;
}

static int udp_socket(const union address *to, socklen_t length)
{
	int fd = socket(to->any.sa_family, SOCK_DGRAM, 0), one = 1;

	if (fd < 0)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (bind(fd, &to->any, length))
		err(1, "bind");
	return fd;
}

static int flood(char **arg)
{
	unsigned int first = atoi(arg[4]), last = atoi(arg[5]), port = first, i;
	size_t size = atoi(arg[6]);
	struct mmsghdr messages[BATCH] = {};
	union address from, to[BATCH];
	unsigned long long sent = 0, least = atoi(arg[7]);
	static char payload[65536];
	struct iovec data = { payload, size };
	socklen_t length;
	int fd, n;

	pin(arg[0]);
	length = address(&from, arg[1], atoi(arg[3]));
	fd = udp_socket(&from, length);
	while (sent < least || !told_to_stop()) {
		for (i = 0; i < BATCH; i++) {
			unsigned int turn = (port - first + i) % (last - first + 1);

			messages[i].msg_hdr.msg_name = &to[i];
			messages[i].msg_hdr.msg_namelen = address(&to[i], arg[2], first + turn);
			messages[i].msg_hdr.msg_iov = &data;
			messages[i].msg_hdr.msg_iovlen = 1;
		}
		n = sendmmsg(fd, messages, BATCH, 0);
		if (n < 0 && errno != ENOBUFS && errno != ENOMEM)
			err(1, "sendmmsg");
		/* Where memory is short nothing was sent. */
		if (n < 0)
			n = 0;
		sent += n;
		port = first + (port - first + n) % (last - first + 1);
		/* What came back to this port. */
		while (recv(fd, payload, sizeof(payload), MSG_DONTWAIT) >= 0)
			;
	}
	printf("%llu\n", sent);
	return 0;
}

static int sink(char **arg)
{
	unsigned int first = atoi(arg[1]), last = atoi(arg[2]), i, n = 0;
	struct pollfd *fds = calloc(last - first + 2, sizeof(*fds));
	static char payload[65536];

	if (!fds)
		err(1, "calloc");
	pin(arg[0]);
	fds[n++] = (struct pollfd) { .fd = STDIN_FILENO, .events = POLLIN };
	for (i = first; i <= last; i++) {
		union address any;
		socklen_t length = address(&any, "::", i);

		fds[n++] = (struct pollfd) { .fd = udp_socket(&any, length), .events = POLLIN };
	}
	puts("ready");
	fflush(stdout);
	while (poll(fds, n, -1) > 0 && !fds[0].revents)
		for (i = 1; i < n; i++)
			while (fds[i].revents && recv(fds[i].fd, payload, sizeof(payload), MSG_DONTWAIT) >= 0)
				;
	return 0;
}

static void sum_record(const struct nlmsghdr *reply, uint64_t sums[4])
{
	size_t at = NLMSG_HDRLEN + GENL_HDRLEN;
	const struct nlattr *attr;

	for (; at + NLA_HDRLEN <= reply->nlmsg_len; at += NLA_ALIGN(attr->nla_len)) {
		uint64_t value = 0;

		attr = (const void *)((const char *)reply + at);
		if (attr->nla_type < PORTMON_A_RECORD_RX_PACKETS || attr->nla_type > PORTMON_A_RECORD_TX_BYTES)
			continue;
		/* A uint has four bytes or eight. */
		if (attr->nla_len == NLA_HDRLEN + sizeof(uint32_t))
			value = *(const uint32_t *)(attr + 1);
		else
			memcpy(&value, attr + 1, sizeof(value));
		sums[attr->nla_type - PORTMON_A_RECORD_RX_PACKETS] += value;
	}
}

/* A netlink request that is made over and over. */
struct question {
	int fd;
	size_t length;
	char bytes[256];
};

static void question(struct question *q, char **arg)
{
	size_t i;

	q->fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	q->length = strlen(arg[1]) / 2;
	if (q->fd < 0 || q->length > sizeof(q->bytes))
		errx(1, "cannot");
	for (i = 0; i < q->length; i++)
		if (sscanf(arg[1] + 2 * i, "%2hhx", &q->bytes[i]) != 1)
			errx(1, "no hex");
	pin(arg[0]);
	puts("ready");
	fflush(stdout);
}

/* Ask, and add what the record has to @sums; false if there is none. */
static bool ask(const struct question *q, uint64_t sums[4])
{
	union {
		struct nlmsghdr header;
		char bytes[8192];
	} reply;
	int error;

	if (send(q->fd, q->bytes, q->length, 0) != (ssize_t)q->length || recv(q->fd, &reply, sizeof(reply), 0) < 0)
		err(1, "netlink");
	if (reply.header.nlmsg_type != NLMSG_ERROR) {
		sum_record(&reply.header, sums);
		return true;
	}
	error = ((struct nlmsgerr *)NLMSG_DATA(&reply.header))->error;
	if (error != -ENOENT)	/* no packet of this port yet */
		errx(1, "refused: %s", strerror(-error));
	return false;
}

static int reset(char **arg)
{
	unsigned long long turns = 0;
	uint64_t sums[4] = {};
	struct question q;
	unsigned int i;

	question(&q, arg);
	for (; turns % 16 || !told_to_stop(); turns++)
		ask(&q, sums);
	printf("%llu", turns);
	for (i = 0; i < 4; i++)
		printf(" %llu", (unsigned long long)sums[i]);
	puts("");
	return 0;
}

static int watch(char **arg)
{
	unsigned long long turns = 0, fewer = 0, odd = 0;
	uint64_t size = atoi(arg[2]), before[2] = {};
	struct question q;

	question(&q, arg);
	for (; turns % 16 || !told_to_stop(); turns++) {
		uint64_t now[4] = {};

		if (!ask(&q, now))
			errx(1, "no record");
		fewer += now[0] < before[0] || now[1] < before[1];
		odd += now[1] != size * now[0];
		memcpy(before, now, sizeof(before));
	}
	printf("%llu %llu %llu\n", turns, fewer, odd);
	return 0;
}

static uint32_t sum_words(const void *data, size_t length)
{
	const uint16_t *word = data;
	uint32_t sum = 0;

	for (; length; length -= 2)
		sum += *word++;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum >> 16) + (sum & 0xffff);
	return ~(sum + (sum >> 16));
}

/* Both headers are without options; returns the length of the IP header. */
static size_t ip_header(uint8_t *packet, const union address *from, const union address *to,
			unsigned int protocol, size_t l4_length)
{
	struct ip6_hdr *ip6 = (void *)packet;
	struct iphdr *ip = (void *)packet;

	if (from->any.sa_family == AF_INET) {
		*ip = (struct iphdr) {
			.version = 4, .ihl = 5, .ttl = 64, .protocol = protocol,
			.tot_len = htons(sizeof(*ip) + l4_length),
			.saddr = from->v4.sin_addr.s_addr,
			.daddr = to->v4.sin_addr.s_addr,
		};
		ip->check = fold(sum_words(ip, sizeof(*ip)));
		return sizeof(*ip);
	}
	*ip6 = (struct ip6_hdr) { .ip6_src = from->v6.sin6_addr, .ip6_dst = to->v6.sin6_addr };
	ip6->ip6_vfc = 6 << 4;
	ip6->ip6_plen = htons(l4_length);
	ip6->ip6_nxt = protocol;
	ip6->ip6_hlim = 64;
	return sizeof(*ip6);
}

static int scan(char **arg)
{
	unsigned int protocol = atoi(arg[3]), first = atoi(arg[5]), last = atoi(arg[6]), times = atoi(arg[7]), p, n;
	size_t l4_length = protocol == IPPROTO_TCP ? 20 : 8, l3_length, length;
	uint8_t packet[64] = {};
	uint16_t *l4;
	union address from, to;
	int fd = atoi(arg[0]);

	address(&from, arg[1], 0);
	address(&to, arg[2], 0);
	l3_length = ip_header(packet, &from, &to, protocol, l4_length);
	length = l3_length + l4_length;
	l4 = (uint16_t *)(packet + l3_length);
	if (protocol == IPPROTO_TCP) {
		packet[l3_length + 12] = 5 << 4;
		packet[l3_length + 13] = 0x02;
	} else {
		l4[2] = htons(l4_length);
	}
	for (p = first; p <= last; p++) {
		l4[0] = htons(*arg[4] == '-' ? p : (unsigned int)atoi(arg[4]));
		l4[1] = htons(p);
		for (n = 0; n < times; n++)
			if (write(fd, packet, length) != (ssize_t)length)
				err(1, "write");
	}
	return 0;
}

/* Read what is there; how many SYN-ACKs. */
static unsigned int synacks(int fd)
{
	uint8_t packet[2048];
	unsigned int n = 0;
	ssize_t length;

	while ((length = read(fd, packet, sizeof(packet))) > 0) {
		size_t l3_length = *packet >> 4 == 4 ? 20 : 40;
		const struct tcphdr *tcp = (void *)(packet + l3_length);

		n += length >= (ssize_t)(l3_length + sizeof(*tcp)) && tcp->syn && tcp->ack;
	}
	return n;
}

static void next_address(union address *a)
{
	uint32_t *low = a->any.sa_family == AF_INET ? &a->v4.sin_addr.s_addr : &a->v6.sin6_addr.s6_addr32[3];

	*low = htonl(ntohl(*low) + 1);
}

static int syns(char **arg)
{
	unsigned int sport = atoi(arg[3]), dport = atoi(arg[4]), n = atoi(arg[5]), answers = 0, i;
	int fd = atoi(arg[0]);
	union address from, to;

	address(&from, arg[1], 0);
	address(&to, arg[2], 0);
	for (i = 0; i < n; i++) {
		uint8_t packet[64] = {};
		struct tcphdr tcp = {
			.source = htons(sport + i % (65536 - sport)), .dest = htons(dport),
			.seq = htonl(i << 8), .doff = sizeof(tcp) / 4, .syn = 1, .window = htons(1024),
		};
		size_t length = ip_header(packet, &from, &to, IPPROTO_TCP, sizeof(tcp));
		/* The pseudo header: both addresses, protocol and length. */
		size_t addresses = from.any.sa_family == AF_INET ? 8 : 32;

		tcp.check = fold(sum_words(packet + length - addresses, addresses) + htons(IPPROTO_TCP) +
				 htons(sizeof(tcp)) + sum_words(&tcp, sizeof(tcp)));
		memcpy(packet + length, &tcp, sizeof(tcp));
		length += sizeof(tcp);
		if (write(fd, packet, length) != (ssize_t)length)
			err(1, "write");
		answers += synacks(fd);
		next_address(&from);
	}
	printf("%u\n", answers);
	return 0;
}

static int tcp_socket(const union address *from, socklen_t length)
{
	int fd = socket(from->any.sa_family, SOCK_STREAM, 0), one = 1;

	if (fd < 0)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, &from->any, length))
		err(1, "bind");
	return fd;
}

static int serve(char **arg)
{
	struct pollfd fds[2] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .events = POLLIN } };
	unsigned int accepted = 0, least = UINT_MAX;
	union address any;
	char data[4096];
	int fd;

	pin(arg[0]);
	fds[1].fd = tcp_socket(&any, address(&any, "::", atoi(arg[1])));
	if (listen(fds[1].fd, 4096))
		err(1, "listen");
	puts("ready");
	fflush(stdout);
	while (poll(fds, 2, accepted < least ? -1 : 0) > 0) {
		if (fds[0].revents) {
			if (scanf("%u", &least) != 1)
				least = 0;
			fds[0].fd = -1;
		}
		if (!fds[1].revents)
			continue;
		fd = accept(fds[1].fd, NULL, NULL);
		if (fd < 0)
			err(1, "accept");
		accepted++;
		while (read(fd, data, sizeof(data)) > 0)
			;
		close(fd);
	}
	printf("%u\n", accepted);
	return 0;
}

static int make_connections(char **arg)
{
	unsigned int sport = atoi(arg[3]), n = atoi(arg[5]), established = 0, i;
	bool rst = !strcmp(arg[6], "rst");
	struct linger linger = { 1, 0 };
	union address from, to;
	socklen_t length;
	char byte;
	int fd;

	pin(arg[0]);
	for (i = 0; i < n; i++) {
		fd = tcp_socket(&from, address(&from, arg[1], sport + i % (65536 - sport)));
		length = address(&to, arg[2], atoi(arg[4]));
		if (!connect(fd, &to.any, length)) {
			established++;
			if (rst)
				setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
			else if (shutdown(fd, SHUT_WR) || read(fd, &byte, 1))
				err(1, "closing");
		} else if (errno != ECONNREFUSED) {
			err(1, "connect");
		}
		close(fd);
	}
	printf("%u\n", established);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 10 && !strcmp(argv[1], "flood"))
		return flood(argv + 2);
	if (argc == 5 && !strcmp(argv[1], "sink"))
		return sink(argv + 2);
	if (argc == 4 && !strcmp(argv[1], "reset"))
		return reset(argv + 2);
	if (argc == 5 && !strcmp(argv[1], "watch"))
		return watch(argv + 2);
	if (argc == 10 && !strcmp(argv[1], "scan"))
		return scan(argv + 2);
	if (argc == 8 && !strcmp(argv[1], "syns"))
		return syns(argv + 2);
	if (argc == 4 && !strcmp(argv[1], "serve"))
		return serve(argv + 2);
	if (argc == 9 && !strcmp(argv[1], "connect"))
		return make_connections(argv + 2);
	errx(2, "usage: see the source");
}
