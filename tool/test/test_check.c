// SPDX-License-Identifier: GPL-2.0
/* What check finds in counters and sockets, and what it does not. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
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
	free_evidence();
}

static void test_accept_queue(void)
{
	begin_evidence();
	tcp_port(80, 100, 50, 10);
	sock(&(struct sock){ .transport = PORTMON_TRANSPORT_TCP, .port = 80,
			     .kind = SOCK_LISTENS, .queue = 129,
			     .queue_max = 128 });
	/* Full now, but was it a moment ago? */
	finds("syns-unanswered:80");
	e.earlier = &owners;
	finds("accept-queue-full:80");
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
	check_text(found.v[0].what, "500 of 1,000 handshakes answered and not completed, 20 half-open from about 1 address");
	findings_free(&found);
	finds("handshakes-incomplete:80");
	for (i = 0; i < 20; i++)
		owners.socks.v[1 + i].peer_address[0] = i;
	finds("syn-flood:80");
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

static int parse_limits(const char *text)
{
	FILE *f = fmemopen((char *)text, strlen(text), "r");
	int err = limits_parse(&limits, f, "file");

	fclose(f);
	return err;
}

static void test_limits(void)
{
	begin_evidence();
	check(!parse_limits("# nothing\n\n"));
	check(!parse_limits("drops = 5\n\tscan-ports=7 # few\nspan = 1.5"));
	check(limits.v[LIMIT_DROPS] == 5);
	check(limits.v[LIMIT_SCAN_PORTS] == 7);
	check(limits.v[LIMIT_SPAN] == 1.5);
	begin_capture();
	check(parse_limits("drops = 9\ndrop = 1\n") == -EINVAL);
	check(strstr(end_capture(), "file, line 2:"));
	begin_capture();
	check(parse_limits("drops = -1\n"));
	check(parse_limits("drops = 1x\n"));
	check(parse_limits("drops-percent = 101\n"));
	check(parse_limits("drops\n"));
	end_capture();
}

/* A long line is one line, and what cannot be read is no empty file. */
static void test_limits_whole(void)
{
	char text[600];
	FILE *f;

	begin_evidence();
	memset(text, ' ', sizeof(text));
	memcpy(text, "# ", 2);
	memcpy(text + 300, "drops = 7", sizeof("drops = 7"));
	check(!parse_limits(text));
	check(limits.v[LIMIT_DROPS] != 7);
	memset(text, ' ', 300);
	check(!parse_limits(text));
	check(limits.v[LIMIT_DROPS] == 7);
	f = fopen("/", "re");
	begin_capture();
	check(limits_parse(&limits, f, "file") == -EISDIR);
	check_text(end_capture(), "portmon-ctl: cannot read file: Is a directory\n");
	fclose(f);
}

/* The word that a line of the manual page or the sample has for a threshold. */
static void documented(const char *path, const char *format)
{
	char line[256], wanted[128], name[64];
	bool has[LIMITS] = { false };
	FILE *f = fopen(path, "r");
	const char *from;
	unsigned int i;
	char *to;

	check(f);
	while (f && fgets(line, sizeof(line), f))
		for (i = 0; i < LIMITS; i++) {
			/* roff's hyphen, which the sample has without. */
			for (from = limit_defs[i].name, to = name; *from; from++) {
				if (*from == '-' && *format == '.')
					*to++ = '\\';
				*to++ = *from;
			}
			*to = '\0';
			snprintf(wanted, sizeof(wanted), format, name,
				 limit_defs[i].value);
			has[i] |= !strcmp(line, wanted);
		}
	for (i = 0; i < LIMITS; i++)
		check_text(has[i] ? "" : limit_defs[i].name, "");
	if (f)
		fclose(f);
}

static void test_documented(void)
{
	char line[256], text[8192] = "";
	unsigned int i, n = 0;
	FILE *f;

	documented(TREE "/Documentation/man/portmon-ctl.8", ".BR %s \" (\" %g )\n");
	documented(TREE "/.packaging/check.conf", "#%s = %g\n");
	/* With all of its lines in force nothing is different. */
	begin_evidence();
	f = fopen(TREE "/.packaging/check.conf", "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (line[0] != '#' || line[1] == ' ')
			continue;
		strcat(text, line + 1);
		n++;
	}
	if (f)
		fclose(f);
	check(n == LIMITS);
	for (i = 0; i < LIMITS; i++)
		limits.v[i] = -1;
	check(!parse_limits(text));
	for (i = 0; i < LIMITS; i++)
		check(limits.v[i] == limit_defs[i].value);
}

const struct unit_test check_tests[] = {
	{ "receive-queue", test_receive_queue },
	{ "receive-queue of datagrams", test_receive_datagrams },
	{ "scopes", test_scopes },
	{ "client's end of a connection", test_client },
	{ "coverage-gap", test_gap },
	{ "documented", test_documented },
	{ "nothing", test_nothing },
	{ "limits: long lines, files that cannot be read", test_limits_whole },
	{ "unanswered", test_unanswered },
	{ "accept-queue", test_accept_queue },
	{ "flood", test_flood },
	{ "scan", test_scan },
	{ "late-answers", test_late_answers },
	{ "drops", test_drops },
	{ "retransmitted", test_retransmitted },
	{ "failed", test_failed },
	{ "silent", test_silent },
	{ "overflow", test_overflow },
	{ "limits", test_limits },
	{ 0 }
};
