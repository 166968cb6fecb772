// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel that has counted once: records of every kind, the same each time,
 * as messages of the module's family. It answers instead of test_nl.c's script
 * while @recorded is set.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include "lib/util.h"
#include "portmon_version.h"
#include "test/message.h"
#include "test/recorded.h"

#define FAMILY	0x21
#define BEGIN	1767225600	/* 2026-01-01 00:00:00 UTC */
#define GROUP	7

/** @recorded: send() and recvfrom() are this kernel's */
bool recorded;

/**
 * struct counted - a record of a port, a range or an overflow
 * @scope: enum portmon_scope
 * @transport: enum portmon_transport
 * @port: port, 0 in a record of none
 * @range: enum portmon_range
 * @ports: ports in a range
 * @rx: packets received, with 100 bytes each
 * @tx: packets sent, with 1000 bytes each
 * @first: first seen, in seconds since BEGIN
 * @last: last seen, in seconds since BEGIN
 * @syn: SYNs received, answered and established; of each four one more that
 *   was not answered
 * @sent: SYNs sent, answered and established
 * @reason: why packets were dropped, NULL for none
 * @dropped: how many
 * @events: only events, without a counter: of no transport and no range
 */
struct counted {
	uint8_t scope;
	uint8_t transport;
	uint16_t port;
	uint8_t range;
	uint32_t ports;
	uint32_t rx;
	uint32_t tx;
	uint32_t first;
	uint32_t last;
	uint32_t syn;
	uint32_t sent;
	const char *reason;
	uint32_t dropped;
	bool events;
};

#define LOCAL	.scope = PORTMON_SCOPE_LOCAL
#define REMOTE	.scope = PORTMON_SCOPE_REMOTE
#define FORWARD	.scope = PORTMON_SCOPE_FORWARD
#define LOOP	.scope = PORTMON_SCOPE_LOOPBACK
#define TCP	.transport = PORTMON_TRANSPORT_TCP
#define UDP	.transport = PORTMON_TRANSPORT_UDP
#define SCTP	.transport = PORTMON_TRANSPORT_SCTP
#define MIDDLE	.range = PORTMON_RANGE_REGISTERED
#define HIGH	.range = PORTMON_RANGE_DYNAMIC

static const struct counted ports[] = {
	{ LOCAL, TCP, 22, .rx = 40, .tx = 30, .first = 5, .last = 900,
	  .syn = 2 },
	{ LOCAL, TCP, 443, .rx = 100000, .tx = 200000, .first = 1,
	  .last = 3600, .syn = 4000, .reason = "TCP_LISTEN_OVERFLOW",
	  .dropped = 12 },
	{ LOCAL, TCP, 8080, MIDDLE, .rx = 3, .first = 50, .last = 52,
	  .reason = "NO_SOCKET", .dropped = 3 },
	{ LOCAL, TCP, 40001, MIDDLE, .rx = 5, .tx = 6, .first = 60, .last = 61,
	  .sent = 1 },
	{ LOCAL, TCP, 50002, HIGH, .rx = 7, .tx = 8, .first = 62, .last = 70,
	  .sent = 1 },
	{ LOCAL, UDP, 53, .rx = 900, .tx = 890, .first = 2, .last = 3000 },
	{ LOCAL, UDP, 161, .rx = 4, .first = 10, .last = 40,
	  .reason = "NO_SOCKET", .dropped = 4 },
	{ REMOTE, TCP, 443, .rx = 8, .tx = 7, .first = 60, .last = 70,
	  .sent = 2 },
	{ REMOTE, TCP, 51000, HIGH, .rx = 60, .tx = 61, .first = 3,
	  .last = 80, .syn = 4 },
	{ REMOTE, TCP, 51001, HIGH, .rx = 62, .tx = 63, .first = 4,
	  .last = 81, .syn = 4 },
	{ FORWARD, UDP, 123, .rx = 11, .tx = 12, .first = 9, .last = 99 },
	{ LOOP, SCTP, 2905, MIDDLE, .rx = 1, .tx = 1, .first = 7, .last = 7 },
};

static const struct counted ranges[] = {
	{ LOCAL, TCP, .ports = 2, .rx = 100040, .tx = 200030 },
	{ LOCAL, TCP, MIDDLE, .ports = 2, .rx = 8, .tx = 6 },
	{ LOCAL, TCP, HIGH, .ports = 1, .rx = 7, .tx = 8 },
	{ LOCAL, UDP },		/* nothing was counted */
	{ FORWARD, UDP, .ports = 1, .rx = 11, .tx = 12 },
};

static const struct counted overflow[] = {
	{ LOCAL, TCP, HIGH, .rx = 3, .tx = 4, .syn = 4,
	  .reason = "NO_SOCKET", .dropped = 2 },
	{ REMOTE, UDP, HIGH, .rx = 0, .tx = 0 },
	/* In two messages, as where one has no room for all. */
	{ REMOTE, .syn = 4, .reason = "NETFILTER_DROP", .dropped = 5,
	  .events = true },
	{ REMOTE, .reason = "TCP_CSUM", .dropped = 2, .events = true },
};

static const struct {
	uint8_t hook;
	uint8_t family;
	uint8_t bucket;
	int protocol;
	uint32_t packets;
} buckets[] = {
	{ PORTMON_HOOK_LOCAL_IN, PORTMON_FAMILY_IPV4, PORTMON_BUCKET_PORTS,
	  -1, 101000 },
	{ PORTMON_HOOK_LOCAL_IN, PORTMON_FAMILY_IPV4, PORTMON_BUCKET_PROTOCOL,
	  1, 17 },
	{ PORTMON_HOOK_LOCAL_IN, PORTMON_FAMILY_IPV4, PORTMON_BUCKET_PROTOCOL,
	  -1, 2 },
	{ PORTMON_HOOK_LOCAL_IN, PORTMON_FAMILY_IPV4, PORTMON_BUCKET_FRAGMENT,
	  -1, 5 },
	{ PORTMON_HOOK_LOCAL_OUT, PORTMON_FAMILY_IPV6, PORTMON_BUCKET_PORTS,
	  -1, 201000 },
	{ PORTMON_HOOK_FORWARD, PORTMON_FAMILY_IPV4, PORTMON_BUCKET_TRUNCATED,
	  -1, 1 },
};

/* The request, and where the answer is being written. */
static uint32_t seq;
static unsigned int family, command, version;
static unsigned char asked[512];
static int n_asked;
static unsigned char *out;
static size_t used;

/* An attribute of the request, -1 if it has none of that type. */
static int requested(unsigned int type)
{
	const struct nlattr *a = (const void *)asked;
	int left = n_asked;

	while (left >= NLA_HDRLEN && a->nla_len >= NLA_HDRLEN) {
		const unsigned char *data = (const unsigned char *)a + NLA_HDRLEN;
		const int len = a->nla_len - NLA_HDRLEN;
		uint16_t v = 1;

		if ((a->nla_type & NLA_TYPE_MASK) == type) {
			memcpy(&v, data, len == 2 ? 2 : 0);
			return len == 1 ? *data : v;
		}
		left -= NLA_ALIGN(a->nla_len);
		a = (const void *)((const char *)a + NLA_ALIGN(a->nla_len));
	}
	return -1;
}

static bool matches_request(unsigned int type, int v)
{
	const int w = requested(type);

	return w < 0 || w == v;
}

static bool is_port_requested(const struct counted *c)
{
	const int port = requested(PORTMON_A_RECORD_PORT);
	const int port_max = requested(PORTMON_A_RECORD_PORT_MAX);

	if (c->events && (requested(PORTMON_A_RECORD_TRANSPORT) >= 0 ||
			  requested(PORTMON_A_RECORD_RANGE) >= 0))
		return false;
	if (!matches_request(PORTMON_A_RECORD_SCOPE, c->scope) ||
	    !matches_request(PORTMON_A_RECORD_TRANSPORT, c->transport) ||
	    !matches_request(PORTMON_A_RECORD_RANGE, c->range) ||
	    (requested(PORTMON_A_RECORD_DROPPED) >= 0 && !c->dropped))
		return false;
	return port < 0 || (c->port >= port &&
			    c->port <= (port_max < 0 ? port : port_max));
}

/* What message.c holds, as a message of its own. */
static void add_message(unsigned int type, unsigned int flags)
{
	const struct genlmsghdr g = { .cmd = command };
	struct nlmsghdr h = {
		.nlmsg_len = NLMSG_HDRLEN + sizeof(g) + msg.len,
		.nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = seq,
	};

	memcpy(out + used, &h, sizeof(h));
	memcpy(out + used + NLMSG_HDRLEN, &g, sizeof(g));
	memcpy(out + used + NLMSG_HDRLEN + sizeof(g), msg.data, msg.len);
	used += NLMSG_ALIGN(h.nlmsg_len);
	msg.len = 0;
}

/* The end of a dump, or the ack of a request. */
static void add_end(unsigned int type)
{
	const struct nlmsgerr e = { .msg.nlmsg_len = sizeof(e.msg) };
	const size_t len = type == NLMSG_ERROR ? sizeof(e) : sizeof(e.error);
	const struct nlmsghdr h = {
		.nlmsg_len = NLMSG_HDRLEN + len, .nlmsg_type = type,
		.nlmsg_flags = NLM_F_CAPPED, .nlmsg_seq = seq,
	};

	memcpy(out + used, &h, sizeof(h));
	memcpy(out + used + NLMSG_HDRLEN, &e, len);
	used += NLMSG_ALIGN(h.nlmsg_len);
}

static void put_tcp(const struct counted *c)
{
	const int at = begin_nest(PORTMON_A_RECORD_TCP);

	if (c->syn) {
		put_u32(PORTMON_A_TCP_SYN_RECEIVED, c->syn + c->syn / 4);
		put_u32(PORTMON_A_TCP_SYNACK_SENT, c->syn + 1);
		put_u32(PORTMON_A_TCP_SYNACK_RETRANSMITTED, 1);
	}
	if (c->sent) {
		put_u32(PORTMON_A_TCP_SYN_SENT, c->sent);
		put_u32(PORTMON_A_TCP_SYNACK_RECEIVED, c->sent);
	}
	put_u32(PORTMON_A_TCP_ESTABLISHED, c->syn + c->sent);
	put_u32(PORTMON_A_TCP_RETRANSMITTED, c->rx / 20);
	end_nest(at);
}

static void put_drops(const struct counted *c)
{
	const int at = begin_nest(PORTMON_A_RECORD_DROPS);

	put(PORTMON_A_DROP_REASON, c->reason, strlen(c->reason) + 1);
	put_u32(PORTMON_A_DROP_PACKETS, c->dropped);
	if (c->port) {
		put_u32(PORTMON_A_DROP_FIRST_SEEN, BEGIN + c->first);
		put_u32(PORTMON_A_DROP_LAST_SEEN, BEGIN + c->last);
	}
	end_nest(at);
}

static void put_histograms(void)
{
	const uint64_t v[] = { 0, 0, 7, 900, 80, 2, 1 };
	const int at = begin_nest(PORTMON_A_RECORD_HISTOGRAMS);

	put(PORTMON_A_HISTOGRAMS_HANDSHAKE, v, sizeof(v));
	put(PORTMON_A_HISTOGRAMS_RTT, v, sizeof(v) - 8);
	end_nest(at);
}

static void put_counts(const struct counted *c)
{
	put_u8(PORTMON_A_RECORD_TRANSPORT, c->transport);
	put_u8(PORTMON_A_RECORD_RANGE, c->range);
	if (c->port)
		put_u16(PORTMON_A_RECORD_PORT, c->port);
	if (c->ports)
		put_u32(PORTMON_A_RECORD_PORTS, c->ports);
	put_u32(PORTMON_A_RECORD_RX_PACKETS, c->rx);
	put_u32(PORTMON_A_RECORD_RX_BYTES, 100 * c->rx);
	put_u32(PORTMON_A_RECORD_TX_PACKETS, c->tx);
	put_u32(PORTMON_A_RECORD_TX_BYTES, 1000 * c->tx);
	if (c->port) {
		put_u32(PORTMON_A_RECORD_FIRST_SEEN, BEGIN + c->first);
		put_u32(PORTMON_A_RECORD_LAST_SEEN, BEGIN + c->last);
	}
}

static void add_counted(const struct counted *c)
{
	put_u8(PORTMON_A_RECORD_SCOPE, c->scope);
	if (!c->events)
		put_counts(c);
	if (c->syn || c->sent)
		put_tcp(c);
	if (c->reason)
		put_drops(c);
	if (c->syn > 100 && requested(PORTMON_A_RECORD_WITH_HISTOGRAMS) >= 0)
		put_histograms();
	add_message(FAMILY, NLM_F_MULTI);
}

static void add_all(const struct counted *c, size_t n)
{
	for (; n; n--, c++)
		if (is_port_requested(c))
			add_counted(c);
}

static void add_buckets(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(buckets); i++) {
		put_u8(PORTMON_A_RECORD_HOOK, buckets[i].hook);
		put_u8(PORTMON_A_RECORD_FAMILY, buckets[i].family);
		put_u8(PORTMON_A_RECORD_BUCKET, buckets[i].bucket);
		if (buckets[i].protocol >= 0)
			put_u8(PORTMON_A_RECORD_PROTOCOL, buckets[i].protocol);
		put_u32(PORTMON_A_RECORD_PACKETS, buckets[i].packets);
		put_u32(PORTMON_A_RECORD_BYTES, 60 * buckets[i].packets);
		add_message(FAMILY, NLM_F_MULTI);
	}
}

static void add_info(void)
{
	static const uint32_t numbers[][2] = {
		{ PORTMON_A_INFO_GENERATION, 3 },
		{ PORTMON_A_INFO_SINCE, BEGIN },
		{ PORTMON_A_INFO_RECORDS, 12 },
		{ PORTMON_A_INFO_RECORDS_MAX, 65536 },
		{ PORTMON_A_INFO_SLOTS, 4 },
		{ PORTMON_A_INFO_SLOTS_MAX, 1024 },
		{ PORTMON_A_INFO_MEMORY, 1048576 },
		{ PORTMON_A_INFO_MISSING, 0 },
		{ PORTMON_A_INFO_EVENTS, 9 },
		{ PORTMON_A_INFO_EVENTS_MAX, 196608 },
		{ PORTMON_A_INFO_DROPS_UNPLACED, 1 },
		{ PORTMON_A_INFO_HISTOGRAMS, 1 },
		{ PORTMON_A_INFO_HISTOGRAMS_MAX, 256 },
		{ PORTMON_A_INFO_RECORDS_REFUSED, 7 },
		{ PORTMON_A_INFO_EVENTS_REFUSED, 0 },
		{ PORTMON_A_INFO_HISTOGRAMS_REFUSED, 2 },
	};
	size_t i;

	put(PORTMON_A_INFO_VERSION, PORTMON_VERSION, sizeof(PORTMON_VERSION));
	put_u8(PORTMON_A_INFO_ENABLED, 1);
	put_u8(PORTMON_A_INFO_LIFECYCLE, 1);
	put_u8(PORTMON_A_INFO_DROPS, 1);
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		put_u32(numbers[i][0], numbers[i][1]);
	put_u16(PORTMON_A_INFO_EPHEMERAL_MIN, 32768);
	put_u16(PORTMON_A_INFO_EPHEMERAL_MAX, 60999);
	add_message(FAMILY, 0);
}

static void add_family(void)
{
	int groups, group;

	put_u16(CTRL_ATTR_FAMILY_ID, FAMILY);
	groups = begin_nest(CTRL_ATTR_MCAST_GROUPS);
	group = begin_nest(1);
	put(CTRL_ATTR_MCAST_GRP_NAME, PORTMON_MCGRP_EVENTS,
	    sizeof(PORTMON_MCGRP_EVENTS));
	put_u32(CTRL_ATTR_MCAST_GRP_ID, GROUP);
	end_nest(group);
	end_nest(groups);
	add_message(GENL_ID_CTRL, 0);
}

/* Each event, and what reports a reset and a switch. */
static void add_events(void)
{
	unsigned int event;

	seq = 0;
	for (event = 0; event <= PORTMON_EVENT_MAX; event++) {
		command = PORTMON_CMD_EVENT_NTF;
		put_u8(PORTMON_A_RECORD_EVENT, event);
		put_u32(PORTMON_A_RECORD_MISSED, event);
		add_counted(&ports[1]);
	}
	command = PORTMON_CMD_RESET_NTF;
	put_u16(PORTMON_A_RECORD_PORT, 53);
	add_message(FAMILY, 0);
	command = PORTMON_CMD_NETNS_NTF;
	put_u8(PORTMON_A_INFO_ENABLED, 1);
	put_u8(PORTMON_A_INFO_DROPS, 0);
	add_message(FAMILY, 0);
}

/* One connection to a TCP port, with bytes each way. */
static void put_connection(void)
{
	const uint32_t address[] = { htonl(0xc0000201), htonl(0xc0000263) };
	struct inet_diag_msg d = {
		.idiag_family = AF_INET, .idiag_state = TCP_ESTABLISHED,
		.id = { .idiag_sport = htons(443), .idiag_dport = htons(50000),
			.idiag_src = { address[0] },
			.idiag_dst = { address[1] } },
	};
	const struct nlattr a = { NLA_HDRLEN + 136, INET_DIAG_INFO };
	uint64_t info[17] = { [15] = 89000, [16] = 9000 };
	struct nlmsghdr h = {
		NLMSG_LENGTH(sizeof(d)) + a.nla_len, SOCK_DIAG_BY_FAMILY,
		NLM_F_MULTI, seq, 0
	};
	char *p = (char *)out + used;

	p = mempcpy(p, &h, sizeof(h));
	p = mempcpy(p, &d, sizeof(d));
	p = mempcpy(p, &a, sizeof(a));
	memcpy(p, info, sizeof(info));
	used += NLMSG_ALIGN(h.nlmsg_len);
}

/**
 * recorded_request() - receive a request
 * @request: a message of generic netlink
 * @n: bytes of it
 */
void recorded_request(const void *request, size_t n)
{
	const size_t head = NLMSG_HDRLEN + GENL_HDRLEN;
	const struct nlmsghdr *h = request;
	const struct genlmsghdr *g = (const void *)((const char *)request +
						    NLMSG_HDRLEN);

	seq = h->nlmsg_seq;
	family = h->nlmsg_type;
	command = g->cmd;	/* of sock_diag, the family */
	version = g->version;	/* the protocol */
	n_asked = n - head < sizeof(asked) ? n - head : 0;
	memcpy(asked, (const char *)request + head, n_asked);
}

/**
 * recorded_reply() - the answer to the latest request; events if that was
 *                    answered
 * @buf: room for it
 * @n: how much; more than is needed
 *
 * Return: bytes of the answer.
 */
ssize_t recorded_reply(void *buf, size_t n)
{
	const bool reset = command == PORTMON_CMD_RESET;

	(void)n;
	out = buf;
	used = 0;
	msg.len = 0;
	if (!family) {
		add_events();
		return used;
	}
	if (family == SOCK_DIAG_BY_FAMILY) {
		if (command == AF_INET && version == IPPROTO_TCP)
			put_connection();
		add_end(NLMSG_DONE);
		family = 0;
		return used;
	}
	if (family == GENL_ID_CTRL) {
		add_family();
	} else if (command == PORTMON_CMD_INFO_GET) {
		add_info();
	} else {
		if (reset || command == PORTMON_CMD_PORT_GET)
			add_all(ports, ARRAY_SIZE(ports));
		if (command == PORTMON_CMD_RANGE_GET)
			add_all(ranges, ARRAY_SIZE(ranges));
		if (reset || command == PORTMON_CMD_OVERFLOW_GET)
			add_all(overflow, ARRAY_SIZE(overflow));
		if (reset || command == PORTMON_CMD_BUCKET_GET)
			add_buckets();
		add_end(NLMSG_DONE);
		family = 0;
		return used;
	}
	add_end(NLMSG_ERROR);
	family = 0;
	return used;
}

/**
 * recorded_coverage() - what coverage has found
 * @c: set to that; nothing is to be freed
 */
void recorded_coverage(struct coverage *c)
{
	static struct link links[] = {
		{ .index = 1, .name = "lo", .flags = IFF_UP },
		{ .index = 2, .name = "eth0", .flags = IFF_UP | IFF_PROMISC,
		  .rx = { 1200, 180000 }, .tx = { 800, 900000 },
		  .rx_dropped = 3, .tx_dropped = 1, .xdp = 1, .tc = true },
		{ .index = 3, .name = "eth0.7", .kind = "vlan", .lower = 2,
		  .flags = IFF_UP, .rx = { 200, 30000 }, .tx = { 1, 60 } },
		{ .index = 4, .name = "veth1", .kind = "veth",
		  .flags = IFF_UP, .elsewhere = true, .flowtable = true,
		  .rx = { 1300, 70 }, .tx = { 5, 6 } },
		{ .index = 5, .name = "down0", .kind = "dummy" },
	};

	*c = (struct coverage){
		.links = { .v = links, .n = ARRAY_SIZE(links) },
		.mib.received = 2480, .ms = 5040,
		.hook = {
			[PORTMON_HOOK_LOCAL_IN] = { 2400, 150000 },
			[PORTMON_HOOK_LOCAL_OUT] = { 790, 880000 },
			[PORTMON_HOOK_FORWARD] = { 70, 7000 },
		},
		.rx = { { 2500, 180070 }, { 2470, 157000 } },
		.tx = { { 805, 900006 }, { 860, 887000 } },
	};
	c->found[CAUSE_LINK_HEADER] = true;
	c->amount[CAUSE_LINK_HEADER] = 35000;
	c->found[CAUSE_NOT_IP] = true;
	c->amount[CAUSE_NOT_IP] = 20;
	c->found[CAUSE_TX_OTHER] = true;
	c->amount[CAUSE_TX_OTHER] = 15;
	c->found[CAUSE_ELSEWHERE] = true;
}
