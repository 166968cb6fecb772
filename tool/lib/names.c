// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <strings.h>

#include <linux/portmon.h>

#include "lib/names.h"
#include "lib/util.h"

#define NAMES(_what, ...)						\
	static const char *const _what##_words[] = { __VA_ARGS__ };	\
	const struct names _what##_names = {				\
		#_what, _what##_words,					\
		ARRAY_SIZE(_what##_words),				\
	}

NAMES(scope,
	[PORTMON_SCOPE_LOCAL] = "local",
	[PORTMON_SCOPE_REMOTE] = "remote",
	[PORTMON_SCOPE_FORWARD] = "forward",
	[PORTMON_SCOPE_LOOPBACK] = "loopback");

NAMES(transport,
	[PORTMON_TRANSPORT_TCP] = "tcp",
	[PORTMON_TRANSPORT_UDP] = "udp",
	[PORTMON_TRANSPORT_UDPLITE] = "udplite",
	[PORTMON_TRANSPORT_SCTP] = "sctp",
	[PORTMON_TRANSPORT_DCCP] = "dccp");

NAMES(range,
	[PORTMON_RANGE_WELL_KNOWN] = "well-known",
	[PORTMON_RANGE_REGISTERED] = "registered",
	[PORTMON_RANGE_DYNAMIC] = "dynamic");

NAMES(hook,
	[PORTMON_HOOK_LOCAL_IN] = "local-in",
	[PORTMON_HOOK_LOCAL_OUT] = "local-out",
	[PORTMON_HOOK_FORWARD] = "forward");

NAMES(family,
	[PORTMON_FAMILY_IPV4] = "ipv4",
	[PORTMON_FAMILY_IPV6] = "ipv6");

NAMES(bucket,
	[PORTMON_BUCKET_PORTS] = "ports",
	[PORTMON_BUCKET_PROTOCOL] = "protocol",
	[PORTMON_BUCKET_FRAGMENT] = "fragment",
	[PORTMON_BUCKET_TRUNCATED] = "truncated",
	[PORTMON_BUCKET_MALFORMED] = "malformed",
	[PORTMON_BUCKET_LOOPBACK] = "loopback",
	[PORTMON_BUCKET_L3MDEV] = "l3mdev");

NAMES(event,
	[PORTMON_EVENT_NEW_PORT] = "new-port",
	[PORTMON_EVENT_HANDSHAKE_FAILURES] = "handshake-failures",
	[PORTMON_EVENT_DROP] = "drop");

NAMES(tracepoint, "inet_sock_set_state", "tcp_retransmit_skb",
	"tcp_retransmit_synack", "kfree_skb");

const char *const tcp_keys[] = {
	[PORTMON_A_TCP_SYN_RECEIVED] = "syn_received",
	[PORTMON_A_TCP_SYN_SENT] = "syn_sent",
	[PORTMON_A_TCP_SYNACK_SENT] = "synack_sent",
	[PORTMON_A_TCP_SYNACK_RECEIVED] = "synack_received",
	[PORTMON_A_TCP_ESTABLISHED] = "established",
	[PORTMON_A_TCP_FAILED] = "failed",
	[PORTMON_A_TCP_FIN] = "fin",
	[PORTMON_A_TCP_RST_SENT] = "rst_sent",
	[PORTMON_A_TCP_RST_RECEIVED] = "rst_received",
	[PORTMON_A_TCP_RETRANSMITTED] = "retransmitted",
	[PORTMON_A_TCP_SYNACK_RETRANSMITTED] = "synack_retransmitted",
	[PORTMON_A_TCP_SYN_TRANSLATED] = "syn_translated",
};

/**
 * name_find() - value of a word, in any case of letters
 * @names: the words
 * @word: what to look for, need not be terminated
 * @len: its length
 *
 * Return: the value, or -1 if there is no such word.
 */
int name_find(const struct names *names, const char *word, size_t len)
{
	unsigned int i;

	for (i = 0; i < names->n; i++)
		if (!strncasecmp(names->v[i], word, len) &&
		    !names->v[i][len])
			return i;
	return -1;
}

/**
 * protocol_name() - what people call an IP protocol without ports
 * @protocol: IP protocol number
 *
 * Return: the name or NULL.
 */
const char *protocol_name(unsigned int protocol)
{
	static const struct {
		unsigned char protocol;
		const char name[11];
	} known[] = {
		{ 0, "hop-by-hop" }, { 1, "icmp" }, { 2, "igmp" },
		{ 4, "ipip" }, { 41, "ipv6" }, { 46, "rsvp" },
		{ 47, "gre" }, { 50, "esp" }, { 51, "ah" },
		{ 58, "icmpv6" }, { 59, "no-next" }, { 88, "eigrp" },
		{ 89, "ospf" }, { 97, "etherip" }, { 103, "pim" },
		{ 108, "ipcomp" }, { 112, "vrrp" }, { 115, "l2tp" },
		{ 135, "mobility" }, { 137, "mpls" }, { 139, "hip" },
		{ 140, "shim6" }, { 143, "ethernet" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].protocol == protocol)
			return known[i].name;
	return NULL;
}
