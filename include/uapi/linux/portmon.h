/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/portmon.yaml */
/* YNL-GEN uapi header */

#ifndef _UAPI_LINUX_PORTMON_H
#define _UAPI_LINUX_PORTMON_H

#define PORTMON_FAMILY_NAME	"portmon"
#define PORTMON_FAMILY_VERSION	1

#define PORTMON_HISTOGRAM_BUCKETS	40

/**
 * enum portmon_scope - Whose port a record speaks of.
 * @PORTMON_SCOPE_LOCAL: A port of this host. rx arrived at it, tx left from
 *   it.
 * @PORTMON_SCOPE_REMOTE: A port of the other end. rx came from it, tx went to
 *   it.
 * @PORTMON_SCOPE_FORWARD: A port in traffic routed through. rx was addressed
 *   to it, tx came from it.
 * @PORTMON_SCOPE_LOOPBACK: A port in traffic that never left this host,
 *   counted once, as it arrived. rx was addressed to it, tx came from it.
 */
enum portmon_scope {
	PORTMON_SCOPE_LOCAL,
	PORTMON_SCOPE_REMOTE,
	PORTMON_SCOPE_FORWARD,
	PORTMON_SCOPE_LOOPBACK,

	/* private: */
	__PORTMON_SCOPE_MAX,
	PORTMON_SCOPE_MAX = (__PORTMON_SCOPE_MAX - 1)
};

/**
 * enum portmon_transport - The IP protocols whose first four bytes are source
 *   and destination port.
 * @PORTMON_TRANSPORT_TCP: IP protocol 6 (RFC 9293).
 * @PORTMON_TRANSPORT_UDP: IP protocol 17 (RFC 768).
 * @PORTMON_TRANSPORT_UDPLITE: IP protocol 136 (RFC 3828).
 * @PORTMON_TRANSPORT_SCTP: IP protocol 132 (RFC 9260).
 * @PORTMON_TRANSPORT_DCCP: IP protocol 33 (RFC 4340).
 */
enum portmon_transport {
	PORTMON_TRANSPORT_TCP,
	PORTMON_TRANSPORT_UDP,
	PORTMON_TRANSPORT_UDPLITE,
	PORTMON_TRANSPORT_SCTP,
	PORTMON_TRANSPORT_DCCP,

	/* private: */
	__PORTMON_TRANSPORT_MAX,
	PORTMON_TRANSPORT_MAX = (__PORTMON_TRANSPORT_MAX - 1)
};

/**
 * enum portmon_range - The IANA range of a port number (RFC 6335, section 6).
 * @PORTMON_RANGE_WELL_KNOWN: Ports 0 to 1023, also called system ports.
 * @PORTMON_RANGE_REGISTERED: Ports 1024 to 49151, also called user ports.
 * @PORTMON_RANGE_DYNAMIC: Ports 49152 to 65535, also called private or
 *   ephemeral ports.
 */
enum portmon_range {
	PORTMON_RANGE_WELL_KNOWN,
	PORTMON_RANGE_REGISTERED,
	PORTMON_RANGE_DYNAMIC,

	/* private: */
	__PORTMON_RANGE_MAX,
	PORTMON_RANGE_MAX = (__PORTMON_RANGE_MAX - 1)
};

/**
 * enum portmon_hook - Where in the kernel a packet was counted.
 * @PORTMON_HOOK_LOCAL_IN: What arrived for this host, before the firewall.
 * @PORTMON_HOOK_LOCAL_OUT: What this host sent, after the firewall.
 * @PORTMON_HOOK_FORWARD: What was routed through, after the firewall.
 */
enum portmon_hook {
	PORTMON_HOOK_LOCAL_IN,
	PORTMON_HOOK_LOCAL_OUT,
	PORTMON_HOOK_FORWARD,

	/* private: */
	__PORTMON_HOOK_MAX,
	PORTMON_HOOK_MAX = (__PORTMON_HOOK_MAX - 1)
};

/**
 * enum portmon_family - The network layer of a packet.
 * @PORTMON_FAMILY_IPV4: IPv4 (RFC 791).
 * @PORTMON_FAMILY_IPV6: IPv6 (RFC 8200).
 */
enum portmon_family {
	PORTMON_FAMILY_IPV4,
	PORTMON_FAMILY_IPV6,

	/* private: */
	__PORTMON_FAMILY_MAX,
	PORTMON_FAMILY_MAX = (__PORTMON_FAMILY_MAX - 1)
};

/**
 * enum portmon_bucket - What became of the packets of one hook and family.
 *   Together the buckets are all packets that passed the hook.
 * @PORTMON_BUCKET_PORTS: Counted in two port records, or in their overflow.
 * @PORTMON_BUCKET_PROTOCOL: An IP protocol without ports. With the attribute
 *   protocol: that protocol. Without: those that there was no memory for.
 * @PORTMON_BUCKET_FRAGMENT: A fragment other than the first; only the first
 *   has the ports.
 * @PORTMON_BUCKET_TRUNCATED: Too short to hold the ports its headers promise.
 * @PORTMON_BUCKET_MALFORMED: A header that contradicts itself: wrong version,
 *   a header length below the minimum, more IPv6 extension headers than anyone
 *   uses.
 * @PORTMON_BUCKET_LOOPBACK: On its way out to this same host (hook local-out
 *   only); its ports are counted as it arrives.
 * @PORTMON_BUCKET_L3MDEV: Seen on its way through an L3 master (VRF) device
 *   (hook local-out only); its ports are counted at the device it leaves from.
 */
enum portmon_bucket {
	PORTMON_BUCKET_PORTS,
	PORTMON_BUCKET_PROTOCOL,
	PORTMON_BUCKET_FRAGMENT,
	PORTMON_BUCKET_TRUNCATED,
	PORTMON_BUCKET_MALFORMED,
	PORTMON_BUCKET_LOOPBACK,
	PORTMON_BUCKET_L3MDEV,

	/* private: */
	__PORTMON_BUCKET_MAX,
	PORTMON_BUCKET_MAX = (__PORTMON_BUCKET_MAX - 1)
};

/**
 * enum portmon_tracepoint - Tracepoints of the kernel that tell what no packet
 *   does.
 * @PORTMON_TRACEPOINT_INET_SOCK_SET_STATE: Reports established and failed
 *   (kernel net/ipv4/af_inet.c).
 * @PORTMON_TRACEPOINT_TCP_RETRANSMIT_SKB: Reports retransmitted (kernel
 *   net/ipv4/tcp_output.c).
 * @PORTMON_TRACEPOINT_TCP_RETRANSMIT_SYNACK: Reports synack-retransmitted
 *   (kernel net/ipv4/tcp_output.c).
 * @PORTMON_TRACEPOINT_KFREE_SKB: Reports drops (kernel net/core/skbuff.c).
 */
enum portmon_tracepoint {
	PORTMON_TRACEPOINT_INET_SOCK_SET_STATE = 1,
	PORTMON_TRACEPOINT_TCP_RETRANSMIT_SKB = 2,
	PORTMON_TRACEPOINT_TCP_RETRANSMIT_SYNACK = 4,
	PORTMON_TRACEPOINT_KFREE_SKB = 8,

	/* private: */
	PORTMON_TRACEPOINT_MASK = 15,
};

/**
 * enum portmon_event - What a message of event-ntf tells.
 * @PORTMON_EVENT_NEW_PORT: A packet arrived for a port of this host (scope
 *   local) that none had come to or gone from before.
 * @PORTMON_EVENT_HANDSHAKE_FAILURES: Ten TCP handshakes of the port failed, no
 *   two of them ten seconds apart. Told once until ten seconds pass without
 *   another.
 * @PORTMON_EVENT_DROP: A packet of the port was dropped for a reason new to
 *   this port.
 */
enum portmon_event {
	PORTMON_EVENT_NEW_PORT,
	PORTMON_EVENT_HANDSHAKE_FAILURES,
	PORTMON_EVENT_DROP,

	/* private: */
	__PORTMON_EVENT_MAX,
	PORTMON_EVENT_MAX = (__PORTMON_EVENT_MAX - 1)
};

enum {
	PORTMON_A_INFO_VERSION = 1,
	PORTMON_A_INFO_ENABLED,
	PORTMON_A_INFO_LIFECYCLE,
	PORTMON_A_INFO_DROPS,
	PORTMON_A_INFO_SINCE,
	PORTMON_A_INFO_GENERATION,
	PORTMON_A_INFO_RECORDS,
	PORTMON_A_INFO_RECORDS_MAX,
	PORTMON_A_INFO_SLOTS,
	PORTMON_A_INFO_SLOTS_MAX,
	PORTMON_A_INFO_MEMORY,
	PORTMON_A_INFO_EPHEMERAL_MIN,
	PORTMON_A_INFO_EPHEMERAL_MAX,
	PORTMON_A_INFO_MISSING,
	PORTMON_A_INFO_EVENTS,
	PORTMON_A_INFO_EVENTS_MAX,
	PORTMON_A_INFO_DROPS_UNPLACED,
	PORTMON_A_INFO_HISTOGRAMS,
	PORTMON_A_INFO_HISTOGRAMS_MAX,
	PORTMON_A_INFO_RECORDS_REFUSED,
	PORTMON_A_INFO_EVENTS_REFUSED,
	PORTMON_A_INFO_HISTOGRAMS_REFUSED,

	__PORTMON_A_INFO_MAX,
	PORTMON_A_INFO_MAX = (__PORTMON_A_INFO_MAX - 1)
};

enum {
	PORTMON_A_TCP_SYN_RECEIVED = 1,
	PORTMON_A_TCP_SYN_SENT,
	PORTMON_A_TCP_SYNACK_RECEIVED,
	PORTMON_A_TCP_SYNACK_SENT,
	PORTMON_A_TCP_ESTABLISHED,
	PORTMON_A_TCP_FAILED,
	PORTMON_A_TCP_FIN,
	PORTMON_A_TCP_RST_RECEIVED,
	PORTMON_A_TCP_RST_SENT,
	PORTMON_A_TCP_RETRANSMITTED,
	PORTMON_A_TCP_SYNACK_RETRANSMITTED,
	PORTMON_A_TCP_SYN_TRANSLATED,

	__PORTMON_A_TCP_MAX,
	PORTMON_A_TCP_MAX = (__PORTMON_A_TCP_MAX - 1)
};

enum {
	PORTMON_A_DROP_REASON = 1,
	PORTMON_A_DROP_PACKETS,
	PORTMON_A_DROP_FIRST_SEEN,
	PORTMON_A_DROP_LAST_SEEN,

	__PORTMON_A_DROP_MAX,
	PORTMON_A_DROP_MAX = (__PORTMON_A_DROP_MAX - 1)
};

enum {
	PORTMON_A_HISTOGRAMS_HANDSHAKE = 1,
	PORTMON_A_HISTOGRAMS_RTT,
	PORTMON_A_HISTOGRAMS_LIFETIME,
	PORTMON_A_HISTOGRAMS_RX_BYTES,
	PORTMON_A_HISTOGRAMS_TX_BYTES,

	__PORTMON_A_HISTOGRAMS_MAX,
	PORTMON_A_HISTOGRAMS_MAX = (__PORTMON_A_HISTOGRAMS_MAX - 1)
};

enum {
	PORTMON_A_RECORD_SCOPE = 1,
	PORTMON_A_RECORD_TRANSPORT,
	PORTMON_A_RECORD_PORT,
	PORTMON_A_RECORD_PORT_MAX,
	PORTMON_A_RECORD_RANGE,
	PORTMON_A_RECORD_NON_ZERO,
	PORTMON_A_RECORD_DROPPED,
	PORTMON_A_RECORD_HOOK,
	PORTMON_A_RECORD_FAMILY,
	PORTMON_A_RECORD_BUCKET,
	PORTMON_A_RECORD_PROTOCOL,
	PORTMON_A_RECORD_PORTS,
	PORTMON_A_RECORD_RX_PACKETS,
	PORTMON_A_RECORD_RX_BYTES,
	PORTMON_A_RECORD_TX_PACKETS,
	PORTMON_A_RECORD_TX_BYTES,
	PORTMON_A_RECORD_PACKETS,
	PORTMON_A_RECORD_BYTES,
	PORTMON_A_RECORD_FIRST_SEEN,
	PORTMON_A_RECORD_LAST_SEEN,
	PORTMON_A_RECORD_TCP,
	PORTMON_A_RECORD_DROPS,
	PORTMON_A_RECORD_EVENT,
	PORTMON_A_RECORD_MISSED,
	PORTMON_A_RECORD_WITH_HISTOGRAMS,
	PORTMON_A_RECORD_HISTOGRAMS,

	__PORTMON_A_RECORD_MAX,
	PORTMON_A_RECORD_MAX = (__PORTMON_A_RECORD_MAX - 1)
};

enum {
	PORTMON_CMD_INFO_GET = 1,
	PORTMON_CMD_NETNS_SET,
	PORTMON_CMD_NETNS_NTF,
	PORTMON_CMD_PORT_GET,
	PORTMON_CMD_RANGE_GET,
	PORTMON_CMD_OVERFLOW_GET,
	PORTMON_CMD_BUCKET_GET,
	PORTMON_CMD_RESET,
	PORTMON_CMD_RESET_NTF,
	PORTMON_CMD_EVENT_NTF,

	__PORTMON_CMD_MAX,
	PORTMON_CMD_MAX = (__PORTMON_CMD_MAX - 1)
};

#define PORTMON_MCGRP_EVENTS	"events"

#endif /* _UAPI_LINUX_PORTMON_H */
