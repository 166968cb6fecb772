// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that nobody in his right mind sends:
 *
 *   forge SEED COUNT TUN VNET FAR4 HERE4 BEYOND4 FAR6 HERE6 BEYOND6
 *
 * Writes COUNT packets, IPv4 and IPv6, to the tun device that is file
 * descriptor TUN: from FAR to HERE and to BEYOND.  VNET 1: with a forged struct
 * virtio_net_hdr in front of each.  Unless VNET, raw sockets send as many from
 * HERE to FAR.  Prints how many of the former the kernel took.  The same seed
 * makes the same packets.
 *
 * A packet is made of headers that fit together, any of which may then be
 * changed, cut or left out.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define ROOM		4096

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5	/* of Linux 6.2 */
#endif

static uint64_t state;

/* splitmix64: any seed will do. */
static uint64_t draw(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* 0 to n - 1 */
static unsigned int below(unsigned int n)
{
	return draw() % n;
}

static bool one_in(unsigned int n)
{
	return !below(n);
}

static void fill(uint8_t *p, size_t n)
{
	while (n--)
		*p++ = draw();
}

#define PICK(...) ({							\
	static const unsigned int _of[] = { __VA_ARGS__ };		\
	_of[below(ARRAY_SIZE(_of))];					\
})

static uint8_t pick_protocol(void)
{
	return one_in(8) ? draw() :
	       PICK(6, 6, 17, 17, 136, 132, 33, 1, 58, 50, 51, 4, 41, 47, 59);
}

/* What begins with two ports, or looks as if. */
static size_t put_payload(uint8_t *p)
{
	size_t n = one_in(4) ? below(12) : 8 + below(120);
	uint16_t port;

	fill(p, n);
	if (n >= 4 && !one_in(4)) {
		port = htons(PICK(0, 53, 80, 443, 1023, 1024, 40000, 65535));
		memcpy(p, &port, 2);
		port = htons(PICK(0, 53, 80, 443, 1023, 1024, 40000, 65535));
		memcpy(p + 2, &port, 2);
	}
	/* A TCP header's length. */
	if (n >= 20 && !one_in(4))
		p[12] = 5 << 4;
	return n;
}

static uint16_t checksum(const uint8_t *data, size_t n)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < n; i += 2)
		sum += data[i] << 8 | data[i + 1];
	sum = (sum >> 16) + (sum & 0xffff);
	return htons(~(sum + (sum >> 16)));
}

static size_t make_ipv4(uint8_t *p, const void *from, const void *to)
{
	struct iphdr *ip = (void *)p;
	size_t options = one_in(4) ? 4 * below(11) : 0;

	memset(p, 1, sizeof(*ip) + options);
	if (options && one_in(2))
		fill(p + sizeof(*ip), options);
	ip->version = 4;
	ip->ihl = 5 + options / 4;
	ip->tos = 0;
	/* Few numbers, so that some fragments find one another. */
	ip->id = htons(below(16));
	ip->frag_off = one_in(4) ? htons(PICK(0x2000, 0x2001, 0x0001, 0x0002, 0x4000, 0x3fff, 0x1fff)) : 0;
	ip->ttl = 64;
	ip->protocol = pick_protocol();
	memcpy(&ip->saddr, from, 4);
	memcpy(&ip->daddr, to, 4);
	return sizeof(*ip) + options;
}

static size_t put_extension(uint8_t *p, uint8_t type, uint8_t next)
{
	size_t n = 8 * (one_in(4) ? 1 + below(4) : 1);

	if (one_in(3))
		fill(p, n);
	else
		memset(p, 0, n);
	p[0] = next;
	p[1] = type == IPPROTO_AH ? n / 4 - 2 : n / 8 - 1;
	if (type == IPPROTO_FRAGMENT) {
		uint16_t offset = htons(one_in(2) ? PICK(0, 1, 8, 9, 16, 0xfff8) : 0);

		n = 8;
		memcpy(p + 2, &offset, 2);
		p[7] = below(16);
	} else if (type == IPPROTO_ROUTING && !one_in(4)) {
		p[2] = 253;
		p[3] = 0;
	} else if (n > 2 && !one_in(3)) {
		/* PadN (RFC 8200, 4.2) */
		p[2] = 1;
		p[3] = n - 4;
	}
	if (one_in(32))
		p[1] = draw();
	return n;
}

static size_t make_ipv6(uint8_t *p, const void *from, const void *to)
{
	struct ip6_hdr *ip = (void *)p;
	/* More than 16 are too many; whoever wants them through sends such as are skipped. */
	bool many = one_in(16);
	unsigned int left = many ? 10 + below(14) : one_in(2) ? below(5) : 0;
	uint8_t *next = &ip->ip6_nxt;
	size_t n = sizeof(*ip);

	memset(p, 0, n);
	ip->ip6_vfc = 6 << 4;
	ip->ip6_hlim = 64;
	memcpy(&ip->ip6_src, from, 16);
	memcpy(&ip->ip6_dst, to, 16);
	for (*next = pick_protocol(); left; left--) {
		uint8_t type = many ? 60 : PICK(0, 43, 44, 60, 60, 60, 51, 135, 139, 140);
		uint8_t last = *next;

		*next = type;
		next = p + n;
		n += put_extension(p + n, type, last);
	}
	return n;
}

/* Change, cut, and set the lengths right or not. */
static size_t spoil(uint8_t *p, size_t header, size_t n)
{
	bool ipv4 = *p >> 4 == 4;
	size_t fixed = ipv4 ? 20 : 40, i;

	if (one_in(3))
		for (i = 1 + below(6); i; i--)
			/* Mostly not the addresses: it has to come through. */
			p[(one_in(8) || n == fixed ? 0 : ipv4 ? 20 : 40) % n + below(n - fixed + 1) % n] ^= 1 << below(8);
	if (one_in(6) && n > 1)
		n = one_in(4) ? 1 + below(n) : header - below(header > 8 ? 8 : header) + below(8);
	if (n > ROOM)
		n = ROOM;
	if (n >= fixed) {
		uint16_t length = htons(ipv4 ? n : n - 40);

		if (one_in(16))
			length = one_in(2) ? htons(ntohs(length) - below(8)) : draw();
		memcpy(p + (ipv4 ? 2 : 4), &length, 2);
	}
	return n;
}

static void set_checksum(uint8_t *p, size_t n)
{
	size_t header = (*p & 0xf) * 4;
	uint16_t sum;

	if (*p >> 4 != 4 || n < 20 || header < 20 || header > n || one_in(32))
		return;
	memset(p + 10, 0, 2);
	sum = checksum(p, header);
	memcpy(p + 10, &sum, 2);
}

static size_t make(uint8_t *p, bool ipv4, const void *from, const void *to)
{
	size_t header = ipv4 ? make_ipv4(p, from, to) : make_ipv6(p, from, to);
	size_t n = header + put_payload(p + header);

	n = spoil(p, header, n);
	set_checksum(p, n);
	return n;
}

/* What the sender of a large buffer claims. */
static void forge_vnet(struct virtio_net_hdr *h, const uint8_t *p, size_t n)
{
	unsigned int l3 = *p >> 4 == 4 ? (*p & 0xf) * 4 : 40;

	memset(h, 0, sizeof(*h));
	h->flags = one_in(2) ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0;
	h->csum_start = one_in(4) ? below(n + 4) : l3;
	h->csum_offset = PICK(16, 6, 0);
	h->gso_type = one_in(8) ? draw() :
		      PICK(VIRTIO_NET_HDR_GSO_TCPV4, VIRTIO_NET_HDR_GSO_TCPV6, VIRTIO_NET_HDR_GSO_UDP,
			   VIRTIO_NET_HDR_GSO_UDP_L4, VIRTIO_NET_HDR_GSO_NONE,
			   VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN);
	h->gso_size = one_in(8) ? draw() : PICK(0, 1, 8, 20, 100, 1400);
	h->hdr_len = one_in(4) ? draw() : l3 + PICK(8, 20, 0);
}

struct way {
	int family;
	uint8_t from[16], to[16];
};

static void address(int family, const char *text, uint8_t *to)
{
	if (inet_pton(family, text, to) != 1)
		errx(1, "no address: %s", text);
}

static bool send_tun(int fd, bool vnet, const struct way *way)
{
	uint8_t buf[sizeof(struct virtio_net_hdr) + 2 * ROOM], *p = buf + sizeof(struct virtio_net_hdr);
	size_t n = make(p, way->family == AF_INET, way->from, way->to);

	if (vnet) {
		forge_vnet((void *)buf, p, n);
		n += sizeof(struct virtio_net_hdr);
		p = buf;
	}
	return write(fd, p, n) == (ssize_t)n;
}

/* A rule that drops it makes this fail, so that no one looks at the result. */
static void send_raw(const int fd[2], const struct way *way)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to = {};
	bool ipv4 = way->family == AF_INET;
	uint8_t buf[2 * ROOM];
	size_t n = make(buf, ipv4, way->from, way->to);

	to.any.sa_family = way->family;
	if (ipv4)
		memcpy(&to.v4.sin_addr, way->to, 4);
	else
		memcpy(&to.v6.sin6_addr, way->to, 16);
	sendto(fd[!ipv4], buf, n, MSG_DONTWAIT, &to.any, ipv4 ? sizeof(to.v4) : sizeof(to.v6));
}

int main(int argc, char **argv)
{
	unsigned long count, i, taken = 0;
	struct way in[4], out[2];
	int tun, raw[2], family, f;
	bool vnet;

	if (argc != 11)
		errx(2, "usage: see the source");
	state = strtoull(argv[1], NULL, 0);
	count = strtoul(argv[2], NULL, 0);
	tun = atoi(argv[3]);
	vnet = atoi(argv[4]);
	for (f = 0; f < 2; f++) {
		char **a = argv + 5 + 3 * f;

		family = f ? AF_INET6 : AF_INET;
		in[2 * f].family = in[2 * f + 1].family = out[f].family = family;
		address(family, a[0], in[2 * f].from);
		address(family, a[1], in[2 * f].to);
		address(family, a[0], in[2 * f + 1].from);
		address(family, a[2], in[2 * f + 1].to);
		address(family, a[1], out[f].from);
		address(family, a[0], out[f].to);
		raw[f] = socket(family, SOCK_RAW, IPPROTO_RAW);
		if (raw[f] < 0)
			err(1, "socket");
	}
	for (i = 0; i < count; i++) {
		taken += send_tun(tun, vnet, &in[below(4)]);
		if (!vnet)
			send_raw(raw, &out[below(2)]);
	}
	printf("%lu\n", taken);
	return 0;
}
