// SPDX-License-Identifier: GPL-2.0
/* Messages as a module might send them, and as none should. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>

#include "test/ktap.h"
#include "test/message.h"

static struct records list;

static int parse_attributes(struct record *r)
{
	return parse_record(r, &list);
}

static void test_record(void)
{
	struct record r;

	put_u8(PORTMON_A_RECORD_SCOPE, PORTMON_SCOPE_REMOTE);
	put_u8(PORTMON_A_RECORD_TRANSPORT, PORTMON_TRANSPORT_UDP);
	put_u16(PORTMON_A_RECORD_PORT, 65535);
	put_u8(PORTMON_A_RECORD_RANGE, PORTMON_RANGE_DYNAMIC);
	put_u32(PORTMON_A_RECORD_RX_PACKETS, UINT32_MAX);
	put_u64(PORTMON_A_RECORD_RX_BYTES, UINT64_MAX);
	put_u64(PORTMON_A_RECORD_TX_PACKETS, 1ULL << 63);
	put_u32(PORTMON_A_RECORD_TX_BYTES, 0);
	put_u32(PORTMON_A_RECORD_FIRST_SEEN, 1767225600);
	put_u64(PORTMON_A_RECORD_LAST_SEEN, 1ULL << 33);
	check(!parse_attributes(&r));
	check(r.scope == PORTMON_SCOPE_REMOTE);
	check(r.transport == PORTMON_TRANSPORT_UDP);
	check(r.port == 65535 && r.range == PORTMON_RANGE_DYNAMIC);
	check(r.rx.packets == UINT32_MAX && r.rx.bytes == UINT64_MAX);
	check(r.tx.packets == 1ULL << 63 && r.tx.bytes == 0);
	check(r.first_seen == 1767225600 && r.last_seen == 1ULL << 33);
	check(record_has(&r, PORTMON_A_RECORD_TX_BYTES));
	check(!record_has(&r, PORTMON_A_RECORD_BUCKET));
}

static void test_bucket(void)
{
	struct record r;

	put_u8(PORTMON_A_RECORD_HOOK, PORTMON_HOOK_FORWARD);
	put_u8(PORTMON_A_RECORD_FAMILY, PORTMON_FAMILY_IPV6);
	put_u8(PORTMON_A_RECORD_BUCKET, PORTMON_BUCKET_PROTOCOL);
	put_u8(PORTMON_A_RECORD_PROTOCOL, 0);
	put_u32(PORTMON_A_RECORD_PACKETS, 7);
	put_u32(PORTMON_A_RECORD_BYTES, 700);
	check(!parse_attributes(&r));
	check(r.hook == PORTMON_HOOK_FORWARD);
	check(r.family == PORTMON_FAMILY_IPV6);
	check(r.bucket == PORTMON_BUCKET_PROTOCOL);
	check(record_has(&r, PORTMON_A_RECORD_PROTOCOL) && !r.protocol);
	check(r.all.packets == 7 && r.all.bytes == 700);
}

/* The filter of a reset, as the group events receives it. */
static void test_span(void)
{
	struct record r;

	put_u16(PORTMON_A_RECORD_PORT, 5);
	put_u16(PORTMON_A_RECORD_PORT_MAX, 9);
	check(!parse_attributes(&r));
	check(record_has(&r, PORTMON_A_RECORD_PORT_MAX));
	check(r.port == 5 && r.port_max == 9);
}

static void test_unknown(void)
{
	struct record r;

	put_u8(PORTMON_A_RECORD_SCOPE, 1);
	put(30, "a longer thing", 14);
	put(NLA_F_NESTED | 41, "", 0);
	put(0x3fff, "x", 1);
	put_u16(PORTMON_A_RECORD_PORT, 53);
	check(!parse_attributes(&r));
	check(r.scope == 1 && r.port == 53);
	check(!parse_attributes(&r));		/* no attribute at all */
	check(!r.has);
}

static void test_wrong_size(void)
{
	struct record r;

	put(PORTMON_A_RECORD_RX_BYTES, "abc", 3);
	check(parse_attributes(&r) == -EBADMSG);
	put(PORTMON_A_RECORD_RX_BYTES, "", 0);
	check(parse_attributes(&r) == -EBADMSG);
	put(PORTMON_A_RECORD_RX_BYTES, "0123456789abcdef", 16);
	check(parse_attributes(&r) == -EBADMSG);
	put_u32(PORTMON_A_RECORD_PORT, 65536);
	check(parse_attributes(&r) == -EBADMSG);
	put_u16(PORTMON_A_RECORD_SCOPE, 256);
	check(parse_attributes(&r) == -EBADMSG);
}

static void test_truncated(void)
{
	struct record r;
	int n;

	/* Cut anywhere but behind an attribute (or in its padding). */
	for (n = 0; n <= 24; n++) {
		put_u32(PORTMON_A_RECORD_RX_PACKETS, 2);
		put_u32(PORTMON_A_RECORD_TX_PACKETS, 3);
		put_u32(PORTMON_A_RECORD_RX_BYTES, 1);
		msg.len = n;
		check(parse_attributes(&r) == (n % 8 ? -EBADMSG : 0));
		check(record_has(&r, PORTMON_A_RECORD_RX_BYTES) == (n == 24));
	}
	/* An attribute that says it is longer than the message. */
	put_u64(PORTMON_A_RECORD_RX_BYTES, 1);
	((struct nlattr *)msg.data)->nla_len = 200;
	check(parse_attributes(&r) == -EBADMSG);
	/* And one shorter than its own header. */
	put_u64(PORTMON_A_RECORD_RX_BYTES, 1);
	((struct nlattr *)msg.data)->nla_len = 2;
	check(parse_attributes(&r) == -EBADMSG);
}

static void test_info(void)
{
	struct info info;

	put(PORTMON_A_INFO_VERSION, "1.2.3", 6);
	put_u8(PORTMON_A_INFO_ENABLED, 1);
	put_u32(PORTMON_A_INFO_SINCE, 1767225600);
	put_u32(PORTMON_A_INFO_GENERATION, 5);
	put_u64(PORTMON_A_INFO_MEMORY, 1ULL << 40);
	put_u16(PORTMON_A_INFO_EPHEMERAL_MIN, 32768);
	put_u16(PORTMON_A_INFO_EPHEMERAL_MAX, 60999);
	put_u32(99, 1);
	check(!pm_parse_info((void *)msg.data, msg.len, &info));
	msg.len = 0;
	check_text(info.version, "1.2.3");
	check(info.enabled && info.since == 1767225600);
	check(info.generation == 5 && info.memory == 1ULL << 40);
	check(info.ephemeral_min == 32768 && info.ephemeral_max == 60999);

	put(PORTMON_A_INFO_VERSION,
	    "a version that is longer than there is room for", 48);
	check(!pm_parse_info((void *)msg.data, msg.len, &info));
	msg.len = 0;
	check(strlen(info.version) == sizeof(info.version) - 1);
	put(PORTMON_A_INFO_VERSION, "", 0);
	check(!pm_parse_info((void *)msg.data, msg.len, &info));
	msg.len = 0;
	check_text(info.version, "");
}

const struct unit_test parse_tests[] = {
	{ "record", test_record },
	{ "bucket", test_bucket },
	{ "span", test_span },
	{ "unknown", test_unknown },
	{ "wrong_size", test_wrong_size },
	{ "truncated", test_truncated },
	{ "info", test_info },
	{ 0 }
};
