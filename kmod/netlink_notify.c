// SPDX-License-Identifier: GPL-2.0
/*
 * Notifications to the group events of the family.
 */
#include <linux/netlink.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "compat.h"
#include "counters.h"
#include "netlink.h"
#include "netlink_gen.h"

/**
 * portmon_notify_listening() - does anyone listen to the group events?
 * @net: the namespace
 *
 * Context: Any, under rcu_read_lock() or where the namespace stays.
 * Return: true if so.
 */
bool portmon_notify_listening(struct net *net)
{
	return genl_has_listeners(&portmon_nl_family, net,
				  PORTMON_NLGRP_EVENTS);
}

/* Where reading is restricted, so are notifications. */
static int portmon_notify_withhold(struct sock *to, struct sk_buff *skb,
				   void *data)
{
	const struct net *net = data;

	/* Not sock_net(to): some listen to other namespaces than their own. */
	return !sk_ns_capable(to, net->user_ns, CAP_NET_ADMIN);
}

/**
 * portmon_notify() - send to the group events; no listener is no error
 * @net: the namespace
 * @skb: the message, from portmon_notify_new()
 * @hdr: its header
 * @err: error of filling it; if not 0 it is dropped
 *
 * Context: Process context, may sleep.
 */
void portmon_notify(struct net *net, struct sk_buff *skb, void *hdr, int err)
{
	if (err) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	portmon_multicast(net, skb, portmon_nl_family.mcgrp_offset +
				    PORTMON_NLGRP_EVENTS,
			  portmon_notify_withhold,
			  READ_ONCE(portmon_restrict_read));
}

/**
 * portmon_notify_new() - begin a message to the group events
 * @net: the namespace
 * @cmd: &enum portmon_cmd
 * @hdr: set to its header
 *
 * Context: Process context, may sleep.
 * Return: the message, NULL if there is no memory or the group has no member.
 */
struct sk_buff *portmon_notify_new(struct net *net, u8 cmd, void **hdr)
{
	struct sk_buff *skb;

	if (!portmon_notify_listening(net))
		return NULL;
	skb = genlmsg_new(PORTMON_MSG_SIZE, GFP_KERNEL);
	if (!skb)
		return NULL;
	*hdr = genlmsg_put(skb, 0, 0, &portmon_nl_family, 0, cmd);
	if (*hdr)
		return skb;
	nlmsg_free(skb);
	return NULL;
}

/**
 * portmon_notify_reset() - report a reset to the group events
 * @net: the namespace
 * @attrs: of the request, which are sent on
 * @maxattr: the last of them
 *
 * Context: Process context, may sleep.
 */
void portmon_notify_reset(struct net *net, struct nlattr **attrs,
			  unsigned int maxattr)
{
	struct sk_buff *skb;
	unsigned int i;
	int err = 0;
	void *hdr;

	skb = portmon_notify_new(net, PORTMON_CMD_RESET_NTF, &hdr);
	if (!skb)
		return;
	for (i = PORTMON_A_RECORD_SCOPE; i <= maxattr; i++)
		if (attrs[i] && !err)
			err = nla_put(skb, i, nla_len(attrs[i]),
				      nla_data(attrs[i]));
	portmon_notify(net, skb, hdr, err);
}

static int portmon_fill_event(struct sk_buff *skb,
			      const struct portmon_notice *notice, u32 missed)
{
	const struct portmon_key *key = &notice->key;
	struct portmon_values v = {};

	if (notice->event == PORTMON_EVENT_HANDSHAKE_FAILURES) {
		v.has_tcp = true;
		v.tcp[notice->kind] = notice->count;
	} else if (notice->event == PORTMON_EVENT_DROP) {
		v.n_drops = 1;
		v.drops[0].reason = notice->kind - PORTMON_KIND_DROP;
		v.drops[0].packets = notice->count;
	}
	if (nla_put_u8(skb, PORTMON_A_RECORD_SCOPE, key->scope) ||
	    nla_put_u8(skb, PORTMON_A_RECORD_TRANSPORT, key->transport) ||
	    nla_put_u16(skb, PORTMON_A_RECORD_PORT, key->port) ||
	    nla_put_u8(skb, PORTMON_A_RECORD_RANGE, portmon_range(key->port)) ||
	    nla_put_u8(skb, PORTMON_A_RECORD_EVENT, notice->event) ||
	    (missed && nla_put_u32(skb, PORTMON_A_RECORD_MISSED, missed)))
		return -EMSGSIZE;
	return portmon_fill_events(skb, &v);
}

/**
 * portmon_notify_event() - report an event at a port to the group events
 * @net: the namespace
 * @notice: what
 * @missed: events that were not reported since the last report
 *
 * Context: Process context, may sleep.
 */
void portmon_notify_event(struct net *net, const struct portmon_notice *notice,
			  u32 missed)
{
	struct sk_buff *skb;
	void *hdr;

	skb = portmon_notify_new(net, PORTMON_CMD_EVENT_NTF, &hdr);
	if (skb)
		portmon_notify(net, skb, hdr,
			       portmon_fill_event(skb, notice, missed));
}
