// SPDX-License-Identifier: GPL-2.0
/* What check finds in counters and sockets, and what it does not. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "lib/util.h"
#include "test/ktap.h"

static struct limits limits;
static struct info info;
static struct snapshot s;
static struct owners owners;
static struct evidence e;
static struct findings found;

static void begin_evidence(void)
{
	unsigned int i;

	for (i = 0; i < LIMITS; i++)
		limits.v[i] = limit_defs[i].value;
	info = (struct info){ .lifecycle = true, .counts_drops = true };
	s = (struct snapshot){ 0 };
	owners = (struct owners){ 0 };
	e = (struct evidence){
		.info = &info, .limits = &limits, .s = &s, .owners = &owners,
		.total = &s.ports,
		.seconds = 60, .now = 10000,
	};
}

static struct record *add_evidence(unsigned int scope, unsigned int transport,
				   unsigned int number)
{
	struct record *r = records_new(&s.ports);

	*r = (struct record){
		.has = 1u << PORTMON_A_RECORD_PORT |
		       1u << PORTMON_A_RECORD_TRANSPORT,
		.scope = scope, .transport = transport, .port = number,
		.first_seen = 9990, .last_seen = 10000,
	};
	return r;
}

static struct record *tcp_port(unsigned int number, uint64_t syn,
			       uint64_t synack, uint64_t established)
{
	struct record *r = add_evidence(PORTMON_SCOPE_LOCAL, PORTMON_TRANSPORT_TCP,
					number);

	r->tcp[PORTMON_A_TCP_SYN_RECEIVED] = syn;
	r->tcp[PORTMON_A_TCP_SYNACK_SENT] = synack;
	r->tcp[PORTMON_A_TCP_ESTABLISHED] = established;
	return r;
}

static void drop(struct record *r, const char *reason, uint64_t packets)
{
	struct drop *d = records_drop(&s.ports, r);

	snprintf(d->reason, sizeof(d->reason), "%s", reason);
	d->packets = packets;
}

static void sock(const struct sock *sock)
{
	struct socks *socks = &owners.socks;

	socks->v = realloc(socks->v, (socks->n + 1) * sizeof(*socks->v));
	socks->v[socks->n++] = *sock;
}

static void listens(unsigned int transport, unsigned int number)
{
	sock(&(struct sock){ .transport = transport, .port = number,
			     .kind = SOCK_LISTENS });
}

static void finds(const char *wanted)
{
	char text[256] = "";
	size_t i;

	check(!check_rules(&e, &found));
	for (i = 0; i < found.n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "%s%s:%d", i ? " " : "",
			 finding_texts[found.v[i].kind].name, found.v[i].port);
	check_text(text, wanted);
	findings_free(&found);
}

static void free_evidence(void)
{
	owners_free(&owners);
	snapshot_free(&s);
}

static void test_nothing(void)
{
	begin_evidence();
	finds("");
	listens(PORTMON_TRANSPORT_TCP, 80);
	tcp_port(80, 1000, 1000, 998);
	finds("");
	free_evidence();
}

static void test_unanswered(void)
{
	struct record *r;

	begin_evidence();
	listens(PORTMON_TRANSPORT_TCP, 80);
	r = tcp_port(80, 100, 80, 80);
	finds("syns-unanswered:80");
	/* Not many, of many. */
	r->tcp[PORTMON_A_TCP_SYN_RECEIVED] = 89;
	finds("");
	r->tcp[PORTMON_A_TCP_SYN_RECEIVED] = 1000;
	r->tcp[PORTMON_A_TCP_SYNACK_SENT] = 955;
	r->tcp[PORTMON_A_TCP_ESTABLISHED] = 955;
	finds("");
	/* The same in a month. */
	r->tcp[PORTMON_A_TCP_SYN_RECEIVED] = 2000;
	e.seconds = 30 * DAY;
	finds("");
	/* Repeated SYN-ACKs answer no other SYN. */
	e.seconds = 60;
	r->tcp[PORTMON_A_TCP_SYN_RECEIVED] = 1000;
	r->tcp[PORTMON_A_TCP_SYNACK_SENT] = 1000;
	r->tcp[PORTMON_A_TCP_SYNACK_RETRANSMITTED] = 100;
	r->tcp[PORTMON_A_TCP_ESTABLISHED] = 900;
	finds("syns-unanswered:80");
	/* Behind NAT the SYN-ACKs count at another port. */
	r->tcp[PORTMON_A_TCP_SYNACK_SENT] = 0;
	r->tcp[PORTMON_A_TCP_SYNACK_RETRANSMITTED] = 0;
	finds("syns-unanswered:80");
	r->tcp[PORTMON_A_TCP_ESTABLISHED] = 1000;
	finds("");
	r->tcp[PORTMON_A_TCP_SYN_RECEIVED] = 0;
	r->tcp[PORTMON_A_TCP_ESTABLISHED] = 0;
	r->tcp[PORTMON_A_TCP_SYNACK_SENT] = 1000;
	finds("");
	free_evidence();
}

static void test_accept_queue(void)
{
	struct sock full;

	begin_evidence();
	tcp_port(80, 100, 50, 10);
	sock(&(struct sock){ .transport = PORTMON_TRANSPORT_TCP, .port = 80,
			     .kind = SOCK_LISTENS, .queue = 129,
			     .queue_max = 128 });
	/* Full now, but was it a moment ago? */
	finds("syns-unanswered:80");
	e.earlier = &owners;
	finds("accept-queue-full:80");
	/* Two programs that listen at the same port. */
	full = owners.socks.v[0];
	sock(&full);
	check(!check_rules(&e, &found));
	check_text(found.v[0].what, "accept queue full: 129 waiting, limit 128 (2 sockets); 50 of 100 SYNs not answered");
	findings_free(&found);
	owners.socks.n = 1;
	owners.socks.v[0].queue = 128;
	finds("syns-unanswered:80");
	free_evidence();
}

/* What only has the number in common with it, is another port. */
static void test_scopes(void)
{
	struct record *r;

	begin_evidence();
	sock(&(struct sock){ .transport = PORTMON_TRANSPORT_UDP, .port = 53,
			     .kind = SOCK_LISTENS, .memory = 4000,
			     .memory_max = 4096 });
	e.earlier = &owners;
	r = add_evidence(PORTMON_SCOPE_LOOPBACK, PORTMON_TRANSPORT_UDP, 53);
	drop(r, "SOCKET_RCVBUFF", 20);
	finds("receive-queue-full:53");
	r->scope = PORTMON_SCOPE_REMOTE;
	finds("receive-queue-full:53 receive-queue-full:53");
	r->scope = PORTMON_SCOPE_FORWARD;
	finds("receive-queue-full:53 receive-queue-full:53");
	free_evidence();

	/* A client's port has no accept queue, whatever it has lost there. */
	begin_evidence();
	r = add_evidence(PORTMON_SCOPE_REMOTE, PORTMON_TRANSPORT_TCP, 443);
	drop(r, "TCP_LISTEN_OVERFLOW", 20);
	finds("");
	r->scope = PORTMON_SCOPE_LOCAL;
	finds("accept-queue-full:443");
	free_evidence();
}

static struct sock unread(unsigned int port, unsigned int peer,
			  uint64_t received)
{
	return (struct sock){
		.transport = PORTMON_TRANSPORT_TCP, .port = port, .peer = peer,
		.kind = SOCK_OPEN, .inode = peer, .unread = 60000,
		.memory = 130000, .memory_max = 131072,
		.bytes_received = received,
	};
}

static void test_receive_queue(void)
{
	struct sock before[2] = { unread(80, 50000, 70000),
				  unread(50001, 443, 90000) };
	struct owners earlier = { .socks = { .v = before, .n = 2 } };
	struct sock *v;

	begin_evidence();
	tcp_port(80, 100, 100, 100);
	listens(PORTMON_TRANSPORT_TCP, 80);
	sock(&before[0]);
	sock(&before[1]);
	v = owners.socks.v;
	/* Full now: TCP makes the sender wait, and it may be read soon. */
	finds("");
	e.earlier = &earlier;
	finds("receive-queue-full:80 receive-queue-full:443");
	/* Another connection of the same port. */
	before[1].port = 80;
	v[2].port = 80;
	before[1].peer = 50002;
	v[2].peer = 50002;
	check(!check_rules(&e, &found));
	check(found.n == 1);
	check_text(found.v[0].what, "receive queue full: 60000 bytes unread, 130000 of 131072 bytes of memory; nothing is read (2 connections)");
	findings_free(&found);
	before[1].port = 50001;
	v[2].port = 50001;
	before[1].peer = 443;
	v[2].peer = 443;
	/* Received after something was read; read; not full a moment ago. */
	v[1].bytes_received += 1460;
	finds("receive-queue-full:443");
	v[1].unread += 1460;
	finds("receive-queue-full:80 receive-queue-full:443");
	v[2].unread -= 10;
	finds("receive-queue-full:80");
	before[0].memory = 100000;
	finds("");
	before[0].memory = 130000;
	v[1].memory = 117962;
	finds("");
	v[1].memory = 117963;
	finds("receive-queue-full:80");
	/* Half of what is free is less than a segment. */
	before[0].memory = 66752;
	before[0].segment = 32161;
	v[1].memory = 66752;
	v[1].segment = 32161;
	finds("receive-queue-full:80");
	v[1].segment = 32160;
	finds("");
	/* A small rest that was not read, of a connection with large ones. */
	v[1].segment = 65483;
	finds("");
	v[1].kind = SOCK_CLOSING;
	finds("");
	free_evidence();
}

/* The client's end, of a server on another host and on this one. */
static void test_client(void)
{
	struct sock of = unread(50001, 443, 90000);
	struct record *r;

	begin_evidence();
	of.family = AF_INET;
	of.address[0] = htonl(0xc0000201);
	of.peer_address[0] = htonl(0xc0000202);
	sock(&of);
	e.earlier = &owners;
	check(!check_rules(&e, &found));
	check(found.n == 1 && found.v[0].scope == PORTMON_SCOPE_REMOTE);
	check(found.v[0].client == &owners.socks.v[0]);
	check_text(found.v[0].next, "ss -tmnp dport = :443");
	findings_free(&found);
	owners.socks.v[0].address[0] = of.peer_address[0];
	/* The server has trouble of its own. */
	r = add_evidence(PORTMON_SCOPE_LOOPBACK, PORTMON_TRANSPORT_TCP, 443);
	drop(r, "SOCKET_BACKLOG", 100);
	check(!check_rules(&e, &found));
	check(found.n == 2 && found.v[1].scope == PORTMON_SCOPE_LOOPBACK);
	check(found.v[1].client == &owners.socks.v[0]);
	check_text(found.v[1].next, "ss -tmnp dport = :443");
	check(found.v[0].scope == PORTMON_SCOPE_LOOPBACK);
	check(!found.v[0].client && found.v[0].events == 100);
	findings_free(&found);
	free_evidence();
}

/* Two programs, one of them with two connections, to the same server. */
static void test_clients(void)
{
	static const struct holder held[] = { { 1, 0 }, { 2, 1 }, { 3, 0 } };
	struct sock of = unread(50001, 443, 90000);

	begin_evidence();
	owners.procs.v = calloc(2, sizeof(*owners.procs.v));
	owners.procs.n = 2;
	owners.procs.holders = malloc(sizeof(held));
	memcpy(owners.procs.holders, held, sizeof(held));
	owners.procs.n_holders = 3;
	for (of.inode = 1; of.inode <= 3; of.inode++) {
		of.port = 50000 + of.inode;
		sock(&of);
	}
	e.earlier = &owners;
	check(!check_rules(&e, &found));
	check(found.n == 2);
	check(found.v[0].client == &owners.socks.v[0]);
	check(strstr(found.v[0].what, "(2 connections)"));
	check(found.v[1].client == &owners.socks.v[1]);
	check(!strstr(found.v[1].what, "connections"));
	findings_free(&found);
	free_evidence();
}

/* A datagram socket, connected or not, that stays full. */
static void test_receive_datagrams(void)
{
	struct owners earlier = { 0 };

	begin_evidence();
	sock(&(struct sock){ .transport = PORTMON_TRANSPORT_UDP, .port = 514,
			     .kind = SOCK_LISTENS, .memory = 4000,
			     .memory_max = 4096 });
	sock(&(struct sock){ .transport = PORTMON_TRANSPORT_UDP, .port = 5000,
			     .peer = 53, .kind = SOCK_OPEN, .unread = 4000,
			     .memory = 4000, .memory_max = 4096 });
	finds("");
	e.earlier = &earlier;
	finds("");
	e.earlier = &owners;
	finds("receive-queue-full:514 receive-queue-full:5000");
	owners.socks.v[0].memory = 2000;
	owners.socks.v[1].memory = 2000;
	finds("");
	free_evidence();
}

static void test_gap(void)
{
	struct coverage c = { .mib.received = 1000, .ms = 500 };

	begin_evidence();
	e.coverage = &c;
	finds("");
	c.amount[CAUSE_BEFORE_HOOK] = 99;
	finds("");
	c.amount[CAUSE_BEFORE_HOOK] = 100;
	finds("coverage-gap:-1");
	c.mib.received = 1001;
	finds("");
	/* A second has twice as many; a moment is not extrapolated. */
	c.mib.received = 1000;
	c.ms = 1000;
	finds("");
	c.amount[CAUSE_BEFORE_HOOK] = 199;
	finds("");
	c.amount[CAUSE_BEFORE_HOOK] = 200;
	finds("coverage-gap:-1");
	c.ms = 1010;
	finds("");
	for (c.ms = 0; c.ms <= 200; c.ms += 100) {
		c.amount[CAUSE_BEFORE_HOOK] = 99;
		c.mib.received = 99;
		finds("");
		c.amount[CAUSE_BEFORE_HOOK] = 100;
		finds("coverage-gap:-1");
	}
	free_evidence();
}

static void test_flood(void)
{
	struct sock half = {
		.transport = PORTMON_TRANSPORT_TCP, .port = 80,
		.kind = SOCK_OPENING,
	};
	unsigned int i;

	begin_evidence();
	listens(PORTMON_TRANSPORT_TCP, 80);
	tcp_port(80, 1000, 1000, 500);
	for (i = 0; i < 20; i++)
		sock(&half);
	/* One client that tries repeatedly. */
	check(!check_rules(&e, &found));
	check_text(found.v[0].what, "500 of 1,000 handshakes answered and not completed, 20 half-open from 1 address");
	findings_free(&found);
	finds("handshakes-incomplete:80");
	/* Three, in any order. */
	for (i = 0; i < 20; i++)
		owners.socks.v[1 + i].peer_address[0] = i % 3;
	check(!check_rules(&e, &found));
	check_text(found.v[0].what, "500 of 1,000 handshakes answered and not completed, 20 half-open from 3 addresses");
	findings_free(&found);
	finds("handshakes-incomplete:80");
	for (i = 0; i < 20; i++)
		owners.socks.v[1 + i].peer_address[0] = i;
	finds("syn-flood:80");
	/* None is half-open any more: the share decides. */
	owners.socks.n = 1;
	finds("handshakes-incomplete:80");
	s.ports.v[0].tcp[PORTMON_A_TCP_ESTABLISHED] = 100;
	finds("syn-flood:80");
	s.ports.v[0].tcp[PORTMON_A_TCP_SYN_RECEIVED] = 1005;
	check(!check_rules(&e, &found));
	check_text(found.v[0].what, "900 of 1,000 handshakes answered and not completed, 5 SYNs not answered");
	findings_free(&found);
	/* Not known who completes them: no guess. */
	info.lifecycle = false;
	finds("not-counted:-1");
	free_evidence();
}

static void test_scan(void)
{
	struct record *r = NULL;
	unsigned int i;

	begin_evidence();
	for (i = 0; i < 19; i++)
		tcp_port(1000 + i, 1, 0, 0)->tcp[PORTMON_A_TCP_RST_SENT] = 1;
	finds("");
	r = tcp_port(2000, 1, 0, 0);
	r->tcp[PORTMON_A_TCP_RST_SENT] = 1;
	finds("port-scan:-1");
	/* One of them is a service that is down. */
	r->tcp[PORTMON_A_TCP_SYN_RECEIVED] = 100;
	r->tcp[PORTMON_A_TCP_RST_SENT] = 100;
	finds("connections-refused:2000 port-scan:-1");
	free_evidence();
}

static void test_late_answers(void)
{
	struct record *r;
	unsigned int i;

	begin_evidence();
	for (i = 0; i < 100; i++) {
		r = add_evidence(PORTMON_SCOPE_LOCAL, PORTMON_TRANSPORT_UDP, 40000 + i);
		r->ephemeral = true;
		drop(r, "NO_SOCKET", 100);
	}
	finds("");
	free_evidence();
}

static void test_drops(void)
{
	struct record *r;

	begin_evidence();
	r = add_evidence(PORTMON_SCOPE_LOCAL, PORTMON_TRANSPORT_UDP, 514);
	r->rx.packets = 1000;
	drop(r, "SOCKET_RCVBUFF", 20);
	finds("receive-queue-full:514");
	r->rx.packets = 10000;
	finds("");
	free_evidence();

	begin_evidence();
	r = add_evidence(PORTMON_SCOPE_LOCAL, PORTMON_TRANSPORT_UDP, 123);
	r->rx.packets = 100;
	drop(r, "NETFILTER_DROP", 100);
	finds("");
	listens(PORTMON_TRANSPORT_UDP, 123);
	finds("drops:123");
	free_evidence();

	begin_evidence();
	r = add_evidence(PORTMON_SCOPE_LOCAL, PORTMON_TRANSPORT_TCP, 80);
	drop(r, "TCP_LISTEN_OVERFLOW", 100);
	finds("accept-queue-full:80");
	free_evidence();

	/* The other end's port of a connection: of it only a service counts. */
	begin_evidence();
	r = add_evidence(PORTMON_SCOPE_REMOTE, PORTMON_TRANSPORT_TCP, 40000);
	drop(r, "SOCKET_BACKLOG", 100);
	finds("receive-queue-full:40000");
	/* For two reasons: one finding. */
	drop(r, "SOCKET_RCVBUFF", 100);
	check(!check_rules(&e, &found));
	check(found.n == 1 && found.v[0].events == 200);
	findings_free(&found);
	r->ephemeral = true;
	finds("");
	free_evidence();

	/* Both ends have the same number, and lose the same packets. */
	begin_evidence();
	drop(add_evidence(PORTMON_SCOPE_LOCAL, PORTMON_TRANSPORT_UDP, 123),
	     "PKT_TOO_SMALL", 100);
	r = add_evidence(PORTMON_SCOPE_REMOTE, PORTMON_TRANSPORT_UDP, 123);
	drop(r, "PKT_TOO_SMALL", 100);
	check(!check_rules(&e, &found));
	check(found.n == 1 && found.v[0].scope == PORTMON_SCOPE_LOCAL);
	findings_free(&found);
	r->drops->packets = 101;
	finds("drops:123 drops:123");
	/* Few of what this host's port has, but not of the other end's. */
	r->drops->packets = 100;
	s.ports.v[0].rx.packets = 1000000;
	finds("drops:123");
	free_evidence();
}

static void test_refused(void)
{
	struct record *r;

	begin_evidence();
	r = tcp_port(8080, 100, 0, 0);
	r->tcp[PORTMON_A_TCP_RST_SENT] = 100;
	check(!check_rules(&e, &found));
	check(found.n == 1 && found.v[0].kind == FOUND_REFUSED);
	check(!found.v[0].meaning);
	findings_free(&found);
	listens(PORTMON_TRANSPORT_TCP, 8080);
	check(!check_rules(&e, &found));
	check(found.n == 1 && found.v[0].kind == FOUND_REFUSED);
	check(found.v[0].meaning && strstr(found.v[0].meaning, "a program listens now"));
	findings_free(&found);
	free_evidence();
}

/* What the kernel does not report, and what bypasses the hooks. */
static void test_unseen(void)
{
	struct link v[] = {
		{ .name = "eth0" },
		{ .name = "eth1", .flowtable = true },
		{ .name = "eth2", .xdp = XDP_ATTACHED_DRV },
	};
	struct links links = { .v = v, .n = ARRAY_SIZE(v) };

	begin_evidence();
	info.missing = PORTMON_TRACEPOINT_KFREE_SKB;
	check(!check_rules(&e, &found));
	check(found.n == 1 && found.v[0].kind == FOUND_NO_TRACEPOINT);
	check_text(found.v[0].what, "drops cannot be counted on this kernel");
	check_text(found.v[0].next, "portmon-ctl info");
	findings_free(&found);
	info.missing = 0;
	e.links = &links;
	check(!check_rules(&e, &found));
	check(found.n == 2 && found.v[0].kind == FOUND_BYPASS);
	check(found.n == 2 && found.v[1].kind == FOUND_BYPASS);
	if (found.n == 2 && strcmp(found.v[0].what, "a flowtable takes packets from interface eth1"))
		check_text(found.v[1].what, "a flowtable takes packets from interface eth1");
	else if (found.n == 2)
		check_text(found.v[1].what, "an XDP program takes packets from interface eth2");
	findings_free(&found);
	free_evidence();
}

/* Three troubles of 20 minutes, as a terminal has them. */
static void test_printed(void)
{
	struct ctx ctx = {
		.opt = OPTIONS_DEFAULT, .color = true,
	};
	struct proc proc = { 9, "postfix", "postfix.service" };
	struct holder holder = { 7, 0 };
	char *text;

	begin_evidence();
	e.seconds = 1200;
	e.now = 11200;
	tcp_port(80, 1800, 1800, 900);
	drop(add_evidence(PORTMON_SCOPE_REMOTE, PORTMON_TRANSPORT_TCP, 443),
	     "SOCKET_BACKLOG", 24000);
	sock(&(struct sock){ .transport = PORTMON_TRANSPORT_TCP, .port = 25,
			     .kind = SOCK_LISTENS, .queue = 129,
			     .queue_max = 128, .inode = 7 });
	listens(PORTMON_TRANSPORT_TCP, 80);
	owners.socks.v[1].inode = 8;
	owners.procs = (struct procs){
		.v = &proc, .n = 1, .holders = &holder, .n_holders = 1,
	};
	e.earlier = &owners;
	info.missing = PORTMON_TRACEPOINT_KFREE_SKB;
	check(!check_rules(&e, &found));
	begin_output();
	check(!out_check(&ctx, &e, &found));
	text = end_output();
	check(strstr(text, "3 troubles in the last 20m"));
	check(strstr(text, "\n\033[1;31mcritical  \033[0m25/tcp, postfix[9] in postfix.service: accept queue full"));
	check(strstr(text, "\n\033[1;33mwarning   \033[0m80/tcp, "));
	check(strstr(text, "900 of 1,800 handshakes"));
	check(strstr(text, "(45.0"));
	check(strstr(text, " minute)"));
	check(strstr(text, "(20.0 a second)"));
	check(strstr(text, "\n\033[1munknown   \033[0mdrops cannot be counted"));
	free(text);
	begin_output();
	check(!out_json_check(&ctx, &e, &found));
	text = end_output();
	check(strstr(text, "\"processes\":[{\"pid\":9,\"name\":\"postfix\",\"unit\":\"postfix.service\"}]"));
	/* Whose socket it is, is not known. */
	check(strstr(text, "\"port\":80,\"service\":null,\"client\":false,\"processes\":[],"));
	free(text);
	findings_free(&found);
	owners.procs = (struct procs){ 0 };
	free_evidence();
}

static void test_retransmitted(void)
{
	struct record *r;

	begin_evidence();
	r = tcp_port(443, 0, 0, 0);
	r->tx.packets = 999;
	r->tcp[PORTMON_A_TCP_RETRANSMITTED] = 500;
	finds("");
	r->tx.packets = 10000;
	finds("retransmissions:443");
	r->tcp[PORTMON_A_TCP_RETRANSMITTED] = 299;
	finds("");
	free_evidence();
}

static void test_failed(void)
{
	struct record *r;

	begin_evidence();
	r = add_evidence(PORTMON_SCOPE_REMOTE, PORTMON_TRANSPORT_TCP, 5432);
	r->tcp[PORTMON_A_TCP_FAILED] = 20;
	finds("connections-failed:5432");
	r->tcp[PORTMON_A_TCP_ESTABLISHED] = 100;
	finds("");
	/* This host's own range of ports, where another host's server may be, too. */
	r = add_evidence(PORTMON_SCOPE_REMOTE, PORTMON_TRANSPORT_TCP, 50051);
	r->ephemeral = true;
	r->tcp[PORTMON_A_TCP_FAILED] = 20;
	finds("");
	r->tcp[PORTMON_A_TCP_SYN_SENT] = 20;
	finds("connections-failed:50051");
	free_evidence();
}

static void test_silent(void)
{
	struct record *r;

	begin_evidence();
	listens(PORTMON_TRANSPORT_TCP, 80);
	r = tcp_port(80, 1000, 1000, 1000);
	r->first_seen = 1000;
	r->last_seen = 9000;
	finds("silent:80");
	/* It was never in use for so long without a break. */
	r->last_seen = 9900;
	finds("");
	/* Nor for so short a time. */
	r->first_seen = 9939;
	r->last_seen = 9940;
	finds("silent:80");
	r->first_seen = 9941;
	r->last_seen = 9941;
	finds("");
	limits.v[LIMIT_SILENT_SECONDS] = 59;
	finds("silent:80");
	free_evidence();
}

static void test_overflow(void)
{
	const struct record over = { .rx = { 5, 500 } };

	begin_evidence();
	check(!records_add(&s.overflow, &over));
	finds("overflow:-1");
	s.overflow.v[0] = (struct record){ .dropped = 1 };
	check(!check_rules(&e, &found));
	check(found.n == 1 && found.v[0].kind == FOUND_OVERFLOW);
	check_text(found.v[0].what, "1 event has no event counter (0 of 0 in use)");
	findings_free(&found);
	s.overflow.v[0].tcp[PORTMON_A_TCP_RETRANSMITTED] = 4;
	s.overflow.v[0].rx.packets = 1;
	check(!check_rules(&e, &found));
	check(found.n == 2 && found.v[0].events == 5);
	check_text(found.v[0].what, "5 events have no event counter (0 of 0 in use)");
	check_text(found.v[1].what, "1 packet has no port record (0 of 0 in use)");
	findings_free(&found);
	free_evidence();
}

const struct unit_test check_tests[] = {
	{ "receive-queue", test_receive_queue },
	{ "receive-queue of datagrams", test_receive_datagrams },
	{ "scopes", test_scopes },
	{ "client's end of a connection", test_client },
	{ "clients of one server", test_clients },
	{ "coverage-gap", test_gap },
	{ "nothing", test_nothing },
	{ "unanswered", test_unanswered },
	{ "accept-queue", test_accept_queue },
	{ "flood", test_flood },
	{ "scan", test_scan },
	{ "late-answers", test_late_answers },
	{ "drops", test_drops },
	{ "refused", test_refused },
	{ "unseen", test_unseen },
	{ "printed", test_printed },
	{ "retransmitted", test_retransmitted },
	{ "failed", test_failed },
	{ "silent", test_silent },
	{ "overflow", test_overflow },
	{ 0 }
};
