// SPDX-License-Identifier: GPL-2.0
/* The summary of a port's counters. */
#include <string.h>

#include "lib/reasons.h"
#include "test/ktap.h"
#include "view/summary.h"

static struct ctx ctx;
static struct record r;

static void begin_record(unsigned int scope)
{
	ctx = (struct ctx){
		.info = { .lifecycle = true, .counts_drops = true }
	};
	r = (struct record){
		.has = 1u << PORTMON_A_RECORD_TRANSPORT |
		       1u << PORTMON_A_RECORD_PORT,
		.scope = scope, .port = 443, .service = "https",
	};
}

/* Without its line breaks: where a line ends is not at stake here. */
static const char *summary(void)
{
	static char text[4096];
	FILE *f = tmpfile();
	char *from, *to = text;
	size_t n;

	summary_print(f, &ctx, &r, 1000);
	rewind(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	for (from = text; *from; from++) {
		if (*from == '\n')
			*from = ' ';
		if (*from != ' ' || to == text || to[-1] != ' ')
			*to++ = *from;
	}
	*to = '\0';
	return text;
}

static void contains(const char *what)
{
	const char *text = summary();

	if (!strstr(text, what))
		check_text(text, what);
}

static void lacks(const char *what)
{
	const char *text = summary();

	if (strstr(text, what))
		check_text(text, "");
}

static void test_translated(void)
{
	begin_record(PORTMON_SCOPE_REMOTE);
	lacks(" NAT ");
	r.tcp[PORTMON_A_TCP_SYN_TRANSLATED] = 12;
	contains(" NAT 12 SYNs sent were translated to another port by this host's NAT");
	lacks(" in web");
	r.netns = "web\033";
	contains(" 443/tcp (https), remote in web?");
}

static void test_server(void)
{
	begin_record(PORTMON_SCOPE_LOCAL);
	r.tx.packets = 20000;
	r.tcp[PORTMON_A_TCP_SYN_RECEIVED] = 1024;
	r.tcp[PORTMON_A_TCP_SYNACK_SENT] = 1025;
	r.tcp[PORTMON_A_TCP_SYNACK_RETRANSMITTED] = 5;
	r.tcp[PORTMON_A_TCP_ESTABLISHED] = 1018;
	r.tcp[PORTMON_A_TCP_RST_SENT] = 4;
	r.tcp[PORTMON_A_TCP_RETRANSMITTED] = 15;
	check_text(summary(), " 443/tcp (https), local handshakes 1,024 SYN received, 1,020 SYN-ACK sent, 1,018 established, 2 half-open or aborted, 4 refused, 5 SYN-ACK retransmitted ends 4 RST sent retransmitted 20 of 20,000 segments sent (0.10%) ");

	/* Counters read at different moments must not give negative counts. */
	r.tcp[PORTMON_A_TCP_ESTABLISHED] = 1021;
	contains("1,021 established, 0 half-open or aborted");
	r.tcp[PORTMON_A_TCP_ESTABLISHED] = 1018;
	/* What was reset later was not refused. */
	r.tcp[PORTMON_A_TCP_RST_SENT] = 500;
	contains(" 4 refused");
	r.tcp[PORTMON_A_TCP_SYN_RECEIVED] = 2000;
	r.tcp[PORTMON_A_TCP_RST_SENT] = 0;
	contains("0 refused, 980 SYN unanswered or duplicate");

	/* Behind NAT: the SYNs and the handshakes, the SYN-ACKs at another port. */
	r.tcp[PORTMON_A_TCP_ESTABLISHED] = 1990;
	r.tcp[PORTMON_A_TCP_SYNACK_SENT] = 0;
	r.tcp[PORTMON_A_TCP_SYNACK_RETRANSMITTED] = 0;
	contains("0 SYN-ACK sent, 1,990 established, 0 half-open or aborted, 0 refused, 10 SYN unanswered");
	r.tcp[PORTMON_A_TCP_SYN_RECEIVED] = 0;
	r.tcp[PORTMON_A_TCP_ESTABLISHED] = 0;
	r.tcp[PORTMON_A_TCP_SYNACK_SENT] = 2000;
	contains("0 SYN received, 2,000 SYN-ACK sent, 0 established, 0 half-open or aborted");
	lacks("unanswered");
}

static void test_missing(void)
{
	begin_record(PORTMON_SCOPE_LOCAL);
	r.tcp[PORTMON_A_TCP_SYN_RECEIVED] = 3;
	r.tcp[PORTMON_A_TCP_SYNACK_SENT] = 3;
	ctx.info.missing = PORTMON_TRACEPOINT_INET_SOCK_SET_STATE |
			   PORTMON_TRACEPOINT_TCP_RETRANSMIT_SKB;
	contains("established: not available (the kernel lacks the tracepoint)");
	contains("retransmitted not available: the kernel lacks the tracepoint tcp_retransmit_skb");
	lacks("half-open");
	ctx.info.missing = PORTMON_TRACEPOINT_TCP_RETRANSMIT_SYNACK;
	contains("0 established");
	lacks("half-open");
	ctx.info = (struct info){ 0 };
	contains("established: not known (disabled)");
	lacks("segments sent");
}

static void test_client(void)
{
	begin_record(PORTMON_SCOPE_REMOTE);
	r.tcp[PORTMON_A_TCP_SYN_SENT] = 20;
	r.tcp[PORTMON_A_TCP_SYNACK_RECEIVED] = 10;
	r.tcp[PORTMON_A_TCP_ESTABLISHED] = 10;
	r.tcp[PORTMON_A_TCP_FAILED] = 7;
	r.tcp[PORTMON_A_TCP_RST_RECEIVED] = 4;
	contains("handshakes 20 SYN sent, 10 SYN-ACK received, 10 established, 4 refused, 3 timed out or aborted, 3 SYN pending or duplicate");
	lacks("SYN received");
	ctx.info.missing = PORTMON_TRACEPOINT_INET_SOCK_SET_STATE;
	r.tcp[PORTMON_A_TCP_ESTABLISHED] = 0;
	r.tcp[PORTMON_A_TCP_FAILED] = 0;
	contains("10 SYN-ACK received, established: not available");
	lacks("refused");
}

static void test_forward(void)
{
	begin_record(PORTMON_SCOPE_FORWARD);
	r.tcp[PORTMON_A_TCP_SYN_RECEIVED] = 2;
	r.tcp[PORTMON_A_TCP_SYNACK_SENT] = 2;
	r.tcp[PORTMON_A_TCP_RST_SENT] = 1;
	contains("handshakes 2 SYN sent to it, 2 SYN-ACK received from it; a forwarding host cannot see which were established ends 1 RST received from it ");
	lacks("segments");
	begin_record(PORTMON_SCOPE_FORWARD);
	contains("no handshake, end or retransmission");
}

/* The source port of a connection has a summary too. */
static void test_other_end(void)
{
	begin_record(PORTMON_SCOPE_REMOTE);
	r.tcp[PORTMON_A_TCP_SYN_RECEIVED] = 3;
	r.tcp[PORTMON_A_TCP_SYNACK_SENT] = 2;
	contains("handshakes 3 SYN received from it, 2 SYN-ACK sent to it");
	begin_record(PORTMON_SCOPE_LOCAL);
	r.tcp[PORTMON_A_TCP_SYN_SENT] = 5;
	r.tcp[PORTMON_A_TCP_SYNACK_RECEIVED] = 4;
	contains("handshakes 5 SYN sent from it, 4 SYN-ACK received");
	lacks("SYN received");
}

static void test_drops(void)
{
	struct drop second = {
		.reason = "BRAND_NEW", .packets = 1, .last_seen = 1000,
	};
	struct drop first = {
		.next = &second, .reason = "SOCKET_RCVBUFF", .packets = 1200,
		.last_seen = 880,
	};

	begin_record(PORTMON_SCOPE_LOCAL);
	r.transport = PORTMON_TRANSPORT_UDP;
	check_text(summary(), "");
	r.drops = &first;
	contains("dropped 1,200 packets, SOCKET_RCVBUFF, last 2m ago: The socket's receive buffer was full");
	contains("dropped 1 packet, BRAND_NEW, last now: unknown reason");
}

static void test_reasons(void)
{
	size_t i;

	for (i = 0; i < n_reasons; i++) {
		check(reason_find(reasons[i].name) == &reasons[i]);
		check(!i || strcmp(reasons[i - 1].name, reasons[i].name) < 0);
		check(*reasons[i].meaning && *reasons[i].advice);
	}
	check(reason_find(REASON_CLOSED));
	check(!reason_find("BRAND_NEW") && !reason_find(""));
}

const struct unit_test summary_tests[] = {
	{ "translated", test_translated },
	{ "server", test_server },
	{ "missing", test_missing },
	{ "client", test_client },
	{ "forward", test_forward },
	{ "other_end", test_other_end },
	{ "drops", test_drops },
	{ "reasons", test_reasons },
	{ 0 }
};
