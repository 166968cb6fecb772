// SPDX-License-Identifier: GPL-2.0
/* What is told of a port, and what is not. */
#include <string.h>

#include "lib/reasons.h"
#include "test/ktap.h"
#include "view/story.h"

static struct ctx ctx;
static struct record r;

static void begin(unsigned int scope)
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
static const char *story(void)
{
	static char text[4096];
	FILE *f = tmpfile();
	char *from, *to = text;
	size_t n;

	story_print(f, &ctx, &r, 1000);
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

static void tells(const char *what)
{
	const char *text = story();

	if (!strstr(text, what))
		check_text(text, what);
}

static void tells_not(const char *what)
{
	const char *text = story();

	if (strstr(text, what))
		check_text(text, "");
}

static void test_server(void)
{
	begin(PORTMON_SCOPE_LOCAL);
	r.tx.packets = 20000;
	r.tcp[PORTMON_A_TCP_SYN_RECEIVED] = 1024;
	r.tcp[PORTMON_A_TCP_SYNACK_SENT] = 1025;
	r.tcp[PORTMON_A_TCP_SYNACK_RETRANSMITTED] = 5;
	r.tcp[PORTMON_A_TCP_ESTABLISHED] = 1018;
	r.tcp[PORTMON_A_TCP_RST_SENT] = 4;
	r.tcp[PORTMON_A_TCP_RETRANSMITTED] = 15;
	check_text(story(), " 443/tcp (https), local handshakes 1,024 SYN arrived, 1,020 answered, 1,018 completed, 2 half-open or given up, 4 refused, 5 SYN-ACK sent again ends 4 RST sent sent again 20 of 20,000 segments sent (0.10%) ");

	/* Counters read at different moments may not tell of negative ones. */
	r.tcp[PORTMON_A_TCP_ESTABLISHED] = 1021;
	tells("1,021 completed, 0 half-open or given up");
	/* What was reset later was not refused. */
	r.tcp[PORTMON_A_TCP_RST_SENT] = 500;
	tells(" 4 refused");
	r.tcp[PORTMON_A_TCP_SYN_RECEIVED] = 2000;
	r.tcp[PORTMON_A_TCP_RST_SENT] = 0;
	tells("0 refused, 980 repeated or not answered");
}

static void test_missing(void)
{
	begin(PORTMON_SCOPE_LOCAL);
	r.tcp[PORTMON_A_TCP_SYN_RECEIVED] = 3;
	r.tcp[PORTMON_A_TCP_SYNACK_SENT] = 3;
	ctx.info.missing = PORTMON_TRACEPOINT_INET_SOCK_SET_STATE |
			   PORTMON_TRACEPOINT_TCP_RETRANSMIT_SKB;
	tells("completed: not available (the kernel lacks the tracepoint)");
	tells("sent again not available: the kernel lacks the tracepoint tcp_retransmit_skb");
	tells_not("half-open");
	ctx.info.missing = PORTMON_TRACEPOINT_TCP_RETRANSMIT_SYNACK;
	tells("0 completed");
	tells_not("half-open");
	ctx.info = (struct info){ 0 };
	tells("completed: not known (switched off)");
	tells_not("segments sent");
}

static void test_client(void)
{
	begin(PORTMON_SCOPE_REMOTE);
	r.tcp[PORTMON_A_TCP_SYN_SENT] = 20;
	r.tcp[PORTMON_A_TCP_SYNACK_RECEIVED] = 10;
	r.tcp[PORTMON_A_TCP_ESTABLISHED] = 10;
	r.tcp[PORTMON_A_TCP_FAILED] = 7;
	r.tcp[PORTMON_A_TCP_RST_RECEIVED] = 4;
	tells("handshakes 20 SYN sent, 10 answered, 10 completed, 4 refused, 3 timed out or given up, 3 repeated or under way");
	tells_not("arrived");
	ctx.info.missing = PORTMON_TRACEPOINT_INET_SOCK_SET_STATE;
	r.tcp[PORTMON_A_TCP_ESTABLISHED] = 0;
	r.tcp[PORTMON_A_TCP_FAILED] = 0;
	tells("10 answered, completed: not available");
	tells_not("refused");
}

static void test_forward(void)
{
	begin(PORTMON_SCOPE_FORWARD);
	r.tcp[PORTMON_A_TCP_SYN_RECEIVED] = 2;
	r.tcp[PORTMON_A_TCP_SYNACK_SENT] = 2;
	r.tcp[PORTMON_A_TCP_RST_SENT] = 1;
	tells("handshakes 2 SYN went to it, 2 SYN-ACK came from it; which were completed only the two ends know ends 1 RST came from it ");
	tells_not("segments");
	begin(PORTMON_SCOPE_FORWARD);
	tells("no handshake, end or retransmission seen");
}

/* The port that a connection begins from has a part in it too. */
static void test_other_end(void)
{
	begin(PORTMON_SCOPE_REMOTE);
	r.tcp[PORTMON_A_TCP_SYN_RECEIVED] = 3;
	r.tcp[PORTMON_A_TCP_SYNACK_SENT] = 2;
	tells("handshakes 3 SYN came from it, 2 answered");
	begin(PORTMON_SCOPE_LOCAL);
	r.tcp[PORTMON_A_TCP_SYN_SENT] = 5;
	r.tcp[PORTMON_A_TCP_SYNACK_RECEIVED] = 4;
	tells("handshakes 5 SYN went from it, 4 answered");
	tells_not("arrived");
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

	begin(PORTMON_SCOPE_LOCAL);
	r.transport = PORTMON_TRANSPORT_UDP;
	check_text(story(), "");
	r.drops = &first;
	tells("dropped 1,200 packets, SOCKET_RCVBUFF, last 2m ago: The socket's receive buffer was full");
	tells("dropped 1 packet, BRAND_NEW, last now: a reason that this tool does not know");
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

const struct unit_test story_tests[] = {
	{ "server", test_server },
	{ "missing", test_missing },
	{ "client", test_client },
	{ "forward", test_forward },
	{ "other_end", test_other_end },
	{ "drops", test_drops },
	{ "reasons", test_reasons },
	{ 0 }
};
