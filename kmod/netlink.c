// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family: doit and notify (dumpit is in netlink_dump.c).
 * What is in a message is laid down in
 * Documentation/netlink/specs/portmon.yaml.
 */
#include <linux/netlink.h>
#include <net/genetlink.h>
#include <net/ip.h>
#include <net/sock.h>

#include "../include/portmon_version.h"
#include "compat.h"
#include "counters.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"

bool portmon_restrict_read;
bool portmon_userns_enable;

/* Room for any reply to a doit, any notification. */
#define PORTMON_MSG_SIZE	NLMSG_GOODSIZE

/**
 * portmon_may_read() - may the sender read the counters?
 * @skb: its request
 * @extack: told why not
 *
 * Return: 0 or -EPERM.
 */
int portmon_may_read(const struct sk_buff *skb, struct netlink_ext_ack *extack)
{
	if (!READ_ONCE(portmon_restrict_read) ||
	    netlink_net_capable(skb, CAP_NET_ADMIN))
		return 0;
	NL_SET_ERR_MSG(extack, "reading needs CAP_NET_ADMIN over the network namespace (module parameter restrict_read)");
	return -EPERM;
}

/**
 * portmon_may_change() - may the sender reset the counters and switch them off?
 * @skb: its request
 * @extack: told why not
 *
 * Return: 0 or -EPERM.
 */
int portmon_may_change(const struct sk_buff *skb,
		       struct netlink_ext_ack *extack)
{
	if (netlink_net_capable(skb, CAP_NET_ADMIN))
		return 0;
	NL_SET_ERR_MSG(extack, "needs CAP_NET_ADMIN over the network namespace");
	return -EPERM;
}

/* Memory of the kernel is not a namespace's to give away. */
static int portmon_may_enable(const struct sk_buff *skb,
			      struct netlink_ext_ack *extack)
{
	if (READ_ONCE(portmon_userns_enable) ||
	    netlink_capable(skb, CAP_NET_ADMIN))
		return portmon_may_change(skb, extack);
	NL_SET_ERR_MSG(extack, "switching on needs CAP_NET_ADMIN in the initial user namespace (module parameter userns_enable)");
	return -EPERM;
}

/**
 * portmon_lock() - lock the namespace's tables, if counting is on
 * @pn: the namespace
 * @extack: told if it is off
 *
 * Context: Process context, may sleep.
 * Return: the tables, to be unlocked with portmon_unlock(), or NULL.
 */
struct portmon_tables *portmon_lock(struct portmon_net *pn,
				    struct netlink_ext_ack *extack)
{
	mutex_lock(&pn->lock);
	if (pn->tables) {
		mutex_lock(&pn->tables->lock);
		return pn->tables;
	}
	mutex_unlock(&pn->lock);
	NL_SET_ERR_MSG(extack, "counting is off in this network namespace");
	return NULL;
}

/**
 * portmon_unlock() - undo portmon_lock()
 * @pn: the namespace
 */
void portmon_unlock(struct portmon_net *pn)
{
	mutex_unlock(&pn->tables->lock);
	mutex_unlock(&pn->lock);
}

static int portmon_fill_info(struct sk_buff *skb, const struct net *net,
			     const struct portmon_net *pn)
{
	const struct portmon_tables *t = pn->tables;
	int low, high;

	inet_get_local_port_range(net, &low, &high);
	if (nla_put_string(skb, PORTMON_A_INFO_VERSION, PORTMON_VERSION) ||
	    nla_put_u8(skb, PORTMON_A_INFO_ENABLED, !!t) ||
	    nla_put_u32(skb, PORTMON_A_INFO_GENERATION, pn->generation) ||
	    nla_put_u32(skb, PORTMON_A_INFO_RECORDS_MAX,
			READ_ONCE(portmon_max_records)) ||
	    nla_put_u16(skb, PORTMON_A_INFO_EPHEMERAL_MIN, low) ||
	    nla_put_u16(skb, PORTMON_A_INFO_EPHEMERAL_MAX, high))
		return -EMSGSIZE;
	if (!t)
		return 0;
	if (nla_put_uint(skb, PORTMON_A_INFO_SINCE, pn->since) ||
	    nla_put_u32(skb, PORTMON_A_INFO_RECORDS,
			atomic_read(&t->records)) ||
	    nla_put_u32(skb, PORTMON_A_INFO_SLOTS,
			portmon_slots_used(&t->slots)) ||
	    nla_put_u32(skb, PORTMON_A_INFO_SLOTS_MAX,
			t->slots.chunks_max * PORTMON_CHUNK_SLOTS) ||
	    nla_put_uint(skb, PORTMON_A_INFO_MEMORY,
			 portmon_tables_memory(t)))
		return -EMSGSIZE;
	return 0;
}

/**
 * portmon_fill_values() - put packets and bytes of both directions
 * @skb: message
 * @v: values
 *
 * Return: 0 or -EMSGSIZE.
 */
int portmon_fill_values(struct sk_buff *skb, const struct portmon_values *v)
{
	if (nla_put_uint(skb, PORTMON_A_RECORD_RX_PACKETS,
			 v->packets[PORTMON_RX]) ||
	    nla_put_uint(skb, PORTMON_A_RECORD_RX_BYTES,
			 v->bytes[PORTMON_RX]) ||
	    nla_put_uint(skb, PORTMON_A_RECORD_TX_PACKETS,
			 v->packets[PORTMON_TX]) ||
	    nla_put_uint(skb, PORTMON_A_RECORD_TX_BYTES,
			 v->bytes[PORTMON_TX]))
		return -EMSGSIZE;
	return 0;
}

/**
 * portmon_fill_port() - put a port's record
 * @skb: message
 * @key: the port
 * @v: its values
 *
 * The one place for get, dump and reset.
 *
 * Return: 0 or -EMSGSIZE.
 */
int portmon_fill_port(struct sk_buff *skb, const struct portmon_key *key,
		      const struct portmon_values *v)
{
	if (nla_put_u8(skb, PORTMON_A_RECORD_SCOPE, key->scope) ||
	    nla_put_u8(skb, PORTMON_A_RECORD_TRANSPORT, key->transport) ||
	    nla_put_u16(skb, PORTMON_A_RECORD_PORT, key->port) ||
	    nla_put_u8(skb, PORTMON_A_RECORD_RANGE, portmon_range(key->port)) ||
	    portmon_fill_values(skb, v) ||
	    nla_put_uint(skb, PORTMON_A_RECORD_FIRST_SEEN, v->first) ||
	    nla_put_uint(skb, PORTMON_A_RECORD_LAST_SEEN, v->last))
		return -EMSGSIZE;
	return 0;
}

static int portmon_reply(struct sk_buff *skb, void *hdr, struct genl_info *info,
			 int err)
{
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

static struct sk_buff *portmon_reply_new(struct genl_info *info, void **hdr)
{
	struct sk_buff *skb = genlmsg_new(PORTMON_MSG_SIZE, GFP_KERNEL);

	if (!skb)
		return NULL;
	*hdr = genlmsg_put_reply(skb, info, &portmon_nl_family, 0,
				 info->genlhdr->cmd);
	if (*hdr)
		return skb;
	nlmsg_free(skb);
	return NULL;
}

/**
 * portmon_nl_info_get_doit() - info-get
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative error.
 */
int portmon_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct net *net = genl_info_net(info);
	struct portmon_net *pn = portmon_net(net);
	struct sk_buff *reply;
	void *hdr;
	int err;

	/* From 6.2 on no one checks what has no policy. */
	if (genlmsg_len(info->genlhdr)) {
		NL_SET_ERR_MSG(info->extack, "info-get takes no attributes");
		return -EINVAL;
	}
	reply = portmon_reply_new(info, &hdr);
	if (!reply)
		return -ENOMEM;
	mutex_lock(&pn->lock);
	err = portmon_fill_info(reply, net, pn);
	mutex_unlock(&pn->lock);
	return portmon_reply(reply, hdr, info, err);
}

/* Tell the group events; that nobody listens, or no memory, is no error. */
static void portmon_notify(struct net *net, struct sk_buff *skb, void *hdr,
			   int err)
{
	if (err) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast_netns(&portmon_nl_family, net, skb, 0,
				PORTMON_NLGRP_EVENTS, GFP_KERNEL);
}

static struct sk_buff *portmon_notify_new(struct net *net, u8 cmd, void **hdr)
{
	struct sk_buff *skb;

	if (!genl_has_listeners(&portmon_nl_family, net, PORTMON_NLGRP_EVENTS))
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
 * portmon_nl_netns_set_doit() - netns-set
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative error.
 */
int portmon_nl_netns_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct net *net = genl_info_net(info);
	struct portmon_net *pn = portmon_net(net);
	struct sk_buff *reply, *note;
	void *hdr, *note_hdr;
	int err;
	bool on;

	if (GENL_REQ_ATTR_CHECK(info, PORTMON_A_INFO_ENABLED)) {
		NL_SET_ERR_MSG(info->extack, "enabled is missing: 1 to switch counting on, 0 to switch it off");
		return -EINVAL;
	}
	on = nla_get_u8(info->attrs[PORTMON_A_INFO_ENABLED]);
	err = on ? portmon_may_enable(skb, info->extack) :
		   portmon_may_change(skb, info->extack);
	if (err)
		return err;

	reply = portmon_reply_new(info, &hdr);
	if (!reply)
		return -ENOMEM;
	note = portmon_notify_new(net, PORTMON_CMD_NETNS_NTF, &note_hdr);
	mutex_lock(&pn->lock);
	err = portmon_net_switch(net, on);
	if (!err)
		err = portmon_fill_info(reply, net, pn);
	if (note)
		portmon_notify(net, note, note_hdr,
			       err ?: portmon_fill_info(note, net, pn));
	mutex_unlock(&pn->lock);

	if (err == -EALREADY && on)
		NL_SET_ERR_MSG(info->extack, "counting is on already in this network namespace");
	else if (err == -EALREADY)
		NL_SET_ERR_MSG(info->extack, "counting is off already in this network namespace");
	else if (err == -ENOMEM)
		NL_SET_ERR_MSG(info->extack, "no memory for the counters");
	return portmon_reply(reply, hdr, info, err);
}

/* The port that a doit speaks of. */
static int portmon_parse_key(struct genl_info *info, struct portmon_key *key)
{
	if (GENL_REQ_ATTR_CHECK(info, PORTMON_A_RECORD_SCOPE) ||
	    GENL_REQ_ATTR_CHECK(info, PORTMON_A_RECORD_TRANSPORT) ||
	    GENL_REQ_ATTR_CHECK(info, PORTMON_A_RECORD_PORT)) {
		NL_SET_ERR_MSG(info->extack, "scope, transport and port are needed to name one port");
		return -EINVAL;
	}
	key->scope = nla_get_u8(info->attrs[PORTMON_A_RECORD_SCOPE]);
	key->transport = nla_get_u8(info->attrs[PORTMON_A_RECORD_TRANSPORT]);
	key->port = nla_get_u16(info->attrs[PORTMON_A_RECORD_PORT]);
	return 0;
}

static int portmon_fill_one(struct sk_buff *skb, const struct portmon_key *key,
			    struct portmon_tables *t, bool reset,
			    struct netlink_ext_ack *extack)
{
	unsigned long *entry = portmon_find(t, key);
	struct portmon_values v;
	int err;

	if (!entry) {
		NL_SET_ERR_MSG(extack, "no packet of this port has been seen");
		return -ENOENT;
	}
	portmon_read(entry, &v);
	err = portmon_fill_port(skb, key, &v);
	if (!err && reset)
		portmon_subtract(entry, &v);
	return err;
}

/**
 * portmon_notify_reset() - tell the group events of a reset
 * @net: the namespace
 * @attrs: of the request: what was reset is told in its words
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

static int portmon_do_port(struct sk_buff *skb, struct genl_info *info,
			   bool reset)
{
	struct net *net = genl_info_net(info);
	struct portmon_net *pn = portmon_net(net);
	struct portmon_tables *t;
	struct portmon_key key;
	struct sk_buff *reply;
	void *hdr;
	int err;

	err = reset ? portmon_may_change(skb, info->extack) :
		      portmon_may_read(skb, info->extack);
	err = err ?: portmon_parse_key(info, &key);
	if (err)
		return err;
	reply = portmon_reply_new(info, &hdr);
	if (!reply)
		return -ENOMEM;
	t = portmon_lock(pn, info->extack);
	if (t) {
		err = portmon_fill_one(reply, &key, t, reset, info->extack);
		if (!err && reset)
			portmon_net_changed(pn);
		portmon_unlock(pn);
	} else {
		err = -ENETDOWN;
	}
	if (!err && reset)
		portmon_notify_reset(net, info->attrs, PORTMON_A_RECORD_PORT);
	return portmon_reply(reply, hdr, info, err);
}

/**
 * portmon_nl_port_get_doit() - port-get of one port
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative error.
 */
int portmon_nl_port_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return portmon_do_port(skb, info, false);
}

/**
 * portmon_nl_reset_doit() - reset of one port
 * @skb: request
 * @info: its attributes
 *
 * Return: 0 or a negative error.
 */
int portmon_nl_reset_doit(struct sk_buff *skb, struct genl_info *info)
{
	return portmon_do_port(skb, info, true);
}

/**
 * portmon_netlink_init() - register the family
 *
 * Return: 0 or a negative error.
 */
int __init portmon_netlink_init(void)
{
	return portmon_genl_register(&portmon_nl_family);
}

/**
 * portmon_netlink_exit() - unregister the family; no request is left after it
 */
void portmon_netlink_exit(void)
{
	genl_unregister_family(&portmon_nl_family);
}
