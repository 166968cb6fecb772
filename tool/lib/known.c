// SPDX-License-Identifier: GPL-2.0
#include "lib/known.h"

/* The tracepoint that tells of an event which no packet shows, or 0. */
static unsigned int tracepoint_of(unsigned int attr)
{
	switch (attr) {
	case PORTMON_A_TCP_ESTABLISHED:
	case PORTMON_A_TCP_FAILED:
		return PORTMON_TRACEPOINT_INET_SOCK_SET_STATE;
	case PORTMON_A_TCP_RETRANSMITTED:
		return PORTMON_TRACEPOINT_TCP_RETRANSMIT_SKB;
	case PORTMON_A_TCP_SYNACK_RETRANSMITTED:
		return PORTMON_TRACEPOINT_TCP_RETRANSMIT_SYNACK;
	}
	return 0;
}

/**
 * tcp_unknown() - is a TCP counter known, and if not, why
 * @info: state of the namespace, unless @r has one
 * @r: record of a port, a fold or of the overflow
 * @attr: PORTMON_A_TCP_*
 *
 * What was counted before it was switched off is still known.
 *
 * Return: KNOWN or the reason.
 */
enum unknown tcp_unknown(const struct info *info, const struct record *r,
			 unsigned int attr)
{
	const unsigned int tracepoint = tracepoint_of(attr);

	if (r->info)
		info = r->info;
	if (r->tcp[attr])
		return KNOWN;
	if (record_has(r, PORTMON_A_RECORD_TRANSPORT) &&
	    r->transport != PORTMON_TRANSPORT_TCP)
		return UNKNOWN_NO_TCP;
	if (tracepoint && r->scope == PORTMON_SCOPE_FORWARD)
		return UNKNOWN_FORWARD;
	if (info->missing & tracepoint)
		return UNKNOWN_MISSING;
	return info->lifecycle ? KNOWN : UNKNOWN_OFF;
}

/**
 * drops_unknown() - are the drops of a port known, and if not, why
 * @info: state of the namespace, unless @r has one
 * @r: record of a port, a fold or of the overflow
 *
 * Return: KNOWN or the reason.
 */
enum unknown drops_unknown(const struct info *info, const struct record *r)
{
	if (r->info)
		info = r->info;
	if (r->drops || r->dropped)
		return KNOWN;
	if (info->missing & PORTMON_TRACEPOINT_KFREE_SKB)
		return UNKNOWN_MISSING;
	return info->counts_drops ? KNOWN : UNKNOWN_OFF;
}
