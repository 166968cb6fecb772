// SPDX-License-Identifier: GPL-2.0
/*
 *   drain FAMILY CPU
 *
 * Reset everything in this network namespace 50 ms after the last time until
 * standard input ends, and then once more; FAMILY is portmon's number.  Print what all
 * the answers held, in lines of
 *
 *	resets N
 *	port SCOPE TRANSPORT rx-packets rx-bytes tx-packets tx-bytes
 *	overflow ...				the same
 *	events SCOPE TRANSPORT established NO_SOCKET
 *	bucket HOOK FAMILY BUCKET packets bytes
 *
 * with the kernel's numbers.  For more answers than Python can keep.
 */
#include <err.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/portmon.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SCOPES		(PORTMON_SCOPE_MAX + 1)
/* One more for events that belong to none. */
#define TRANSPORTS	(PORTMON_TRANSPORT_MAX + 2)
#define HOOKS		(PORTMON_HOOK_MAX + 1)
#define FAMILIES	(PORTMON_FAMILY_MAX + 1)
#define BUCKETS		(PORTMON_BUCKET_MAX + 1)

struct record {
	uint64_t number[PORTMON_A_RECORD_MAX + 1];
	bool has[PORTMON_A_RECORD_MAX + 1];
	uint64_t established;
	uint64_t drops;
};

static uint64_t ports[2][SCOPES][TRANSPORTS][4];
static uint64_t events[SCOPES][TRANSPORTS][2];
static uint64_t buckets[HOOKS][FAMILIES][BUCKETS][2];

static uint64_t number(const struct nlattr *a)
{
	uint64_t v = 0;

	if (a->nla_len <= NLA_HDRLEN + sizeof(v))
		memcpy(&v, a + 1, a->nla_len - NLA_HDRLEN);
	return v;
}

/* An attribute of a nest, NULL if it is not there. */
static const struct nlattr *nested(const struct nlattr *nest, int type)
{
	const char *at = (const char *)(nest + 1), *end = (const char *)nest + nest->nla_len;

	for (; at + NLA_HDRLEN <= end; at += NLA_ALIGN(((const struct nlattr *)at)->nla_len)) {
		const struct nlattr *a = (const void *)at;

		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return a;
	}
	return NULL;
}

static uint64_t established(const struct nlattr *tcp)
{
	const struct nlattr *a = nested(tcp, PORTMON_A_TCP_ESTABLISHED);

	return a ? number(a) : 0;
}

/* Of other reasons nobody else knows how many there were. */
static uint64_t no_socket(const struct nlattr *drop)
{
	const struct nlattr *reason = nested(drop, PORTMON_A_DROP_REASON);
	const struct nlattr *packets = nested(drop, PORTMON_A_DROP_PACKETS);

	if (!reason || !packets)
		errx(1, "a drop without a reason or packets");
	return strcmp((const char *)(reason + 1), "NO_SOCKET") ? 0 : number(packets);
}

static void parse(struct record *r, const char *at, const char *end)
{
	memset(r, 0, sizeof(*r));
	for (; at + NLA_HDRLEN <= end; at += NLA_ALIGN(((const struct nlattr *)at)->nla_len)) {
		const struct nlattr *a = (const void *)at;
		unsigned int type = a->nla_type & NLA_TYPE_MASK;

		if (type > PORTMON_A_RECORD_MAX)
			errx(1, "attribute %u", type);
		r->has[type] = true;
		if (type == PORTMON_A_RECORD_TCP)
			r->established += established(a);
		else if (type == PORTMON_A_RECORD_DROPS)
			r->drops += no_socket(a);
		else
			r->number[type] = number(a);
	}
}

static void add(const struct record *r)
{
	const uint64_t *n = r->number;
	unsigned int scope = n[PORTMON_A_RECORD_SCOPE], i;
	unsigned int transport = r->has[PORTMON_A_RECORD_TRANSPORT] ? n[PORTMON_A_RECORD_TRANSPORT] : TRANSPORTS - 1;

	for (i = PORTMON_A_RECORD_RX_PACKETS; i <= PORTMON_A_RECORD_BYTES; i++)
		if (n[i] >> 48)
			errx(1, "below zero: attribute %u of port %llu", i, (unsigned long long)n[PORTMON_A_RECORD_PORT]);
	if (r->has[PORTMON_A_RECORD_BUCKET]) {
		uint64_t *to = buckets[n[PORTMON_A_RECORD_HOOK]][n[PORTMON_A_RECORD_FAMILY]][n[PORTMON_A_RECORD_BUCKET]];

		to[0] += n[PORTMON_A_RECORD_PACKETS];
		to[1] += n[PORTMON_A_RECORD_BYTES];
		return;
	}
	for (i = 0; i < 4; i++)
		ports[!r->has[PORTMON_A_RECORD_PORT]][scope][transport][i] += n[PORTMON_A_RECORD_RX_PACKETS + i];
	events[scope][transport][0] += r->established;
	events[scope][transport][1] += r->drops;
}

/* Returns true at the end of the dump. */
static bool take(const struct nlmsghdr *m, uint32_t seq)
{
	const char *data = NLMSG_DATA(m);
	struct record r;
	int error;

	if (m->nlmsg_seq != seq)
		errx(1, "an answer to nothing");
	if (m->nlmsg_type == NLMSG_ERROR || m->nlmsg_type == NLMSG_DONE) {
		error = *(const int *)data;
		if (error)
			errx(1, "refused: %s", strerror(-error));
		return true;
	}
	parse(&r, data + GENL_HDRLEN, (const char *)m + m->nlmsg_len);
	add(&r);
	return false;
}

static void reset(int fd, unsigned int family, uint32_t seq)
{
	struct {
		struct nlmsghdr head;
		struct genlmsghdr genl;
	} request = {
		.head = { sizeof(request), family, NLM_F_REQUEST | NLM_F_DUMP, seq, 0 },
		.genl = { .cmd = PORTMON_CMD_RESET, .version = 1 },
	};
	static char buffer[1 << 16] __attribute__((aligned(8)));
	bool done = false;
	int len;

	if (send(fd, &request, sizeof(request), 0) != sizeof(request))
		err(1, "send");
	while (!done) {
		const struct nlmsghdr *m = (const void *)buffer;

		len = recv(fd, buffer, sizeof(buffer), 0);
		if (len < 0)
			err(1, "recv");
		for (; NLMSG_OK(m, (unsigned int)len) && !done; m = NLMSG_NEXT(m, len))
			done = take(m, seq);
	}
}

static void print(unsigned int resets)
{
	unsigned int kind, i, k, n;

	printf("resets %u\n", resets);
	for (i = 0; i < SCOPES; i++) {
		for (k = 0; k < TRANSPORTS; k++) {
			for (kind = 0; kind < 2; kind++) {
				printf("%s %u %u", kind ? "overflow" : "port", i, k);
				for (n = 0; n < 4; n++)
					printf(" %llu", (unsigned long long)ports[kind][i][k][n]);
				puts("");
			}
			printf("events %u %u %llu %llu\n", i, k, (unsigned long long)events[i][k][0],
			       (unsigned long long)events[i][k][1]);
		}
	}
	for (i = 0; i < HOOKS; i++)
		for (k = 0; k < FAMILIES; k++)
			for (n = 0; n < BUCKETS; n++)
				printf("bucket %u %u %u %llu %llu\n", i, k, n, (unsigned long long)buckets[i][k][n][0],
				       (unsigned long long)buckets[i][k][n][1]);
}

int main(int argc, char **argv)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	unsigned int seq = 0;
	cpu_set_t cpus;

	if (argc != 3)
		errx(2, "usage: see the source");
	if (fd < 0)
		err(1, "socket");
	CPU_ZERO(&cpus);
	CPU_SET(atoi(argv[2]), &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		err(1, "CPU %s", argv[2]);
	puts("ready");
	fflush(stdout);
	while (!poll(&in, 1, 50))
		reset(fd, atoi(argv[1]), ++seq);
	reset(fd, atoi(argv[1]), ++seq);
	print(seq);
	return 0;
}
