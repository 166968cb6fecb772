// SPDX-License-Identifier: GPL-2.0
/* TCP events and drops: from the kernel's message to JSON. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>

#include "lib/names.h"
#include "lib/record.h"
#include "test/ktap.h"
#include "test/message.h"
#include "view/out_json.h"
#include "view/view.h"

static struct records list;

static void put_drop(const char *reason, uint32_t packets)
{
	int at = begin_nest(PORTMON_A_RECORD_DROPS);

	put(PORTMON_A_DROP_REASON, reason, strlen(reason) + 1);
	put_u32(PORTMON_A_DROP_PACKETS, packets);
	put_u32(PORTMON_A_DROP_FIRST_SEEN, 1767225600);
	put_u32(PORTMON_A_DROP_LAST_SEEN, 1767225600 + packets);
	put_u32(PORTMON_A_DROP_MAX + 1, 7);	/* of a newer module */
	end_nest(at);
}

static void put_port_key(unsigned int scope, uint16_t port)
{
	put_u8(PORTMON_A_RECORD_SCOPE, scope);
	put_u8(PORTMON_A_RECORD_TRANSPORT, PORTMON_TRANSPORT_TCP);
	put(PORTMON_A_RECORD_PORT, &port, sizeof(port));
	put_u8(PORTMON_A_RECORD_RANGE, PORTMON_RANGE_DYNAMIC);
}

static int parse_port(void)
{
	return parse_record(records_new(&list), &list);
}

static void test_tcp(void)
{
	unsigned int attr;
	int at;

	at = begin_nest(PORTMON_A_RECORD_TCP);
	for (attr = 1; attr <= PORTMON_A_TCP_MAX; attr++)
		put_u64(attr, UINT64_MAX - attr);
	put_u32(PORTMON_A_TCP_MAX + 1, 7);	/* of a newer module */
	end_nest(at);
	check(!parse_port());
	check(record_has(&list.v[0], PORTMON_A_RECORD_TCP));
	for (attr = 1; attr <= PORTMON_A_TCP_MAX; attr++)
		check(list.v[0].tcp[attr] == UINT64_MAX - attr);

	at = begin_nest(PORTMON_A_RECORD_TCP);
	put(PORTMON_A_TCP_FIN, "abc", 3);
	end_nest(at);
	check(parse_port() == -EBADMSG);
	at = begin_nest(PORTMON_A_RECORD_TCP);
	put_u32(PORTMON_A_TCP_FIN, 1);
	((struct nlattr *)(msg.data + at + NLA_HDRLEN))->nla_len = 100;
	end_nest(at);
	check(parse_port() == -EBADMSG);
	records_free(&list);
}

static void test_drops(void)
{
	const struct drop *drop;
	struct records copy = { 0 };
	int at;

	put_drop("NETFILTER_DROP", 3);
	put_drop("NO_SOCKET", 5);
	put_drop("A_NAME_THAT_IS_LONGER_THAN_ANY_NAME_OF_A_REASON_SHOULD_BE", 1);
	put_drop("\"odd\\", 2);
	at = begin_nest(PORTMON_A_RECORD_DROPS);	/* an empty one */
	end_nest(at);
	check(!parse_port());
	check(!records_add(&copy, &list.v[0]));
	records_free(&list);

	check(copy.v[0].dropped == 11);
	drop = copy.v[0].drops;
	check_text(drop->reason, "NETFILTER_DROP");
	check(drop->packets == 3 && drop->first_seen == 1767225600);
	check(drop->last_seen == 1767225603);
	drop = drop->next;
	check_text(drop->reason, "NO_SOCKET");
	drop = drop->next;
	check(strlen(drop->reason) == REASON_SIZE - 1);
	drop = drop->next;
	check_text(drop->reason, "_odd_");
	check_text(drop->next->reason, "");
	check(!drop->next->next);
	records_empty(&copy);
	check(!copy.n && !copy.drops);
	records_free(&copy);
}

static void test_info(void)
{
	struct info info;

	put_u8(PORTMON_A_INFO_LIFECYCLE, 1);
	put_u8(PORTMON_A_INFO_DROPS, 1);
	put_u32(PORTMON_A_INFO_MISSING, PORTMON_TRACEPOINT_KFREE_SKB);
	put_u32(PORTMON_A_INFO_EVENTS, 5);
	put_u32(PORTMON_A_INFO_EVENTS_MAX, 6);
	check(!pm_parse_info((void *)msg.data, msg.len, &info));
	check(info.lifecycle && info.counts_drops && !info.enabled);
	check(info.missing == PORTMON_TRACEPOINT_KFREE_SKB);
	check(info.events == 5 && info.events_max == 6);
	check(!(info.has & 1u << PORTMON_A_INFO_DROPS_UNPLACED));
	put_u64(PORTMON_A_INFO_DROPS_UNPLACED, 1ULL << 40);
	check(!pm_parse_info((void *)msg.data, msg.len, &info));
	msg.len = 0;
	check(info.has & 1u << PORTMON_A_INFO_DROPS_UNPLACED);
	check(info.drops_unplaced == 1ULL << 40);
}

/* What is not counted is not known, but for what was counted before. */
static void test_known(void)
{
	const unsigned int syn = PORTMON_A_TCP_SYN_RECEIVED;
	const unsigned int done = PORTMON_A_TCP_ESTABLISHED;
	const unsigned int again = PORTMON_A_TCP_RETRANSMITTED;
	struct info info = { .lifecycle = true, .counts_drops = true };
	struct record r = { 0 };

	check(!tcp_unknown(&info, &r, syn) && !tcp_unknown(&info, &r, done));
	check(!drops_unknown(&info, &r));
	info.missing = PORTMON_TRACEPOINT_TCP_RETRANSMIT_SKB;
	check(tcp_unknown(&info, &r, again) == UNKNOWN_MISSING);
	check(!tcp_unknown(&info, &r, done));
	info.missing = PORTMON_TRACEPOINT_KFREE_SKB;
	check(!tcp_unknown(&info, &r, again));
	check(drops_unknown(&info, &r) == UNKNOWN_MISSING);
	info = (struct info){ 0 };
	check(tcp_unknown(&info, &r, syn) == UNKNOWN_OFF);
	check(drops_unknown(&info, &r) == UNKNOWN_OFF);
	r.tcp[syn] = 1;
	r.dropped = 1;
	check(!tcp_unknown(&info, &r, syn) && !drops_unknown(&info, &r));
	check(tcp_unknown(&info, &r, done) == UNKNOWN_OFF);
	info.lifecycle = true;
	r.scope = PORTMON_SCOPE_FORWARD;
	check(!tcp_unknown(&info, &r, PORTMON_A_TCP_FIN));
	check(tcp_unknown(&info, &r, done) == UNKNOWN_FORWARD);
	r.has = 1u << PORTMON_A_RECORD_TRANSPORT;
	r.transport = PORTMON_TRANSPORT_UDP;
	check(tcp_unknown(&info, &r, syn + 1) == UNKNOWN_NO_TCP);
}

/* The part of the first port's JSON from @from on. */
static const char *json(const struct ctx *ctx, const char *from)
{
	static char text[2048];
	FILE *f = tmpfile();
	struct json j;
	size_t n;

	check(!json_begin(&j, f, false));
	out_json_ports(&j, ctx, NULL, &list);
	check(!json_end(&j));
	rewind(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return strstr(text, from);
}

static void test_json(void)
{
	struct ctx ctx = { .info = { .lifecycle = 1, .counts_drops = 1 } };
	int at;

	put_port_key(PORTMON_SCOPE_LOCAL, 443);
	check(!parse_port());
	check_text(json(&ctx, "\"tcp\":{"), "\"tcp\":{\"syn_received\":0,\"syn_sent\":0,\"synack_received\":0,\"synack_sent\":0,\"established\":0,\"failed\":0,\"fin\":0,\"rst_received\":0,\"rst_sent\":0,\"retransmitted\":0,\"synack_retransmitted\":0,\"syn_translated\":0,\"unanswered\":0},\"drops\":{}}]\n");
	list.v[0].scope = PORTMON_SCOPE_FORWARD;
	ctx.info.counts_drops = false;
	check_text(json(&ctx, "\"tcp\":{"), "\"tcp\":{\"syn_received\":0,\"syn_sent\":0,\"synack_received\":0,\"synack_sent\":0,\"established\":null,\"failed\":null,\"fin\":0,\"rst_received\":0,\"rst_sent\":0,\"retransmitted\":null,\"synack_retransmitted\":null,\"syn_translated\":0,\"unanswered\":null},\"drops\":null}]\n");
	records_free(&list);

	put_port_key(PORTMON_SCOPE_LOCAL, 443);
	at = begin_nest(PORTMON_A_RECORD_TCP);
	put_u32(PORTMON_A_TCP_SYN_RECEIVED, 12);
	end_nest(at);
	put_drop("NO_SOCKET", 4);
	check(!parse_port());
	ctx.info.missing = PORTMON_TRACEPOINT_INET_SOCK_SET_STATE;
	check_text(json(&ctx, "\"tcp\":{"), "\"tcp\":{\"syn_received\":12,\"syn_sent\":0,\"synack_received\":0,\"synack_sent\":0,\"established\":null,\"failed\":null,\"fin\":0,\"rst_received\":0,\"rst_sent\":0,\"retransmitted\":0,\"synack_retransmitted\":0,\"syn_translated\":0,\"unanswered\":12},\"drops\":{\"NO_SOCKET\":4}}]\n");
	list.v[0].transport = PORTMON_TRANSPORT_UDP;
	check(!json(&ctx, "\"tcp\":{"));
	records_free(&list);
}

static void test_fold(void)
{
	static const struct info info = {
		.ephemeral_min = 32768, .ephemeral_max = 60999,
	};
	const struct record *r;
	unsigned int i;
	int at;

	for (i = 0; i < 3; i++) {
		put_port_key(PORTMON_SCOPE_LOCAL, 50000 + i);
		at = begin_nest(PORTMON_A_RECORD_TCP);
		put_u32(PORTMON_A_TCP_SYN_SENT, 10 + i);
		end_nest(at);
		put_drop(i == 1 ? "TCP_CSUM" : "NO_SOCKET", 4 + i);
		check(!parse_port());
	}
	view_mark(&list, &info);
	view_fold(&list);
	check(list.n == 1);
	r = &list.v[0];
	check(r->tcp[PORTMON_A_TCP_SYN_SENT] == 33 && r->dropped == 15);
	check_text(r->drops->reason, "NO_SOCKET");
	check(r->drops->packets == 10);
	check(r->drops->last_seen == 1767225606);
	check_text(r->drops->next->reason, "TCP_CSUM");
	check(r->drops->next->packets == 5 && !r->drops->next->next);
	records_free(&list);
}

const struct unit_test events_tests[] = {
	{ "tcp", test_tcp },
	{ "drops", test_drops },
	{ "info", test_info },
	{ "known", test_known },
	{ "json", test_json },
	{ "fold", test_fold },
	{ 0 }
};
