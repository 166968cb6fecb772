// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family: doit.  dumpit is in netlink_dump.c, the group
 * events in netlink_notify.c, the attributes of all in netlink_fill.c.
 */
#include <linux/netlink.h>
#include <net/genetlink.h>

#include "compat.h"
#include "counters.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "sums.h"

bool portmon_restrict_read;
bool portmon_userns_enable;

/**
 * portmon_may_read() - may the sender read the counters?
 * @skb: its request
 * @extack: set to why not
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
 * @extack: set to why not
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

/* Switching on takes kernel memory, which a namespace does not own. */
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
 * @extack: set if it is off
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

static int portmon_parse_switch(struct genl_info *info,
				struct portmon_switch *want)
{
	static const u8 attr[PORTMON_FOLLOWS] = {
		[PORTMON_FOLLOW_LIFECYCLE] = PORTMON_A_INFO_LIFECYCLE,
		[PORTMON_FOLLOW_DROPS] = PORTMON_A_INFO_DROPS,
	};
	struct nlattr *a = info->attrs[PORTMON_A_INFO_ENABLED];
	bool any = a;
	unsigned int i;

	want->enabled = a ? nla_get_u8(a) : -1;
	for (i = 0; i < PORTMON_FOLLOWS; i++) {
		a = info->attrs[attr[i]];
		want->following[i] = a ? nla_get_u8(a) : -1;
		any |= !!a;
	}
	if (any || !GENL_REQ_ATTR_CHECK(info, PORTMON_A_INFO_ENABLED))
		return 0;
	NL_SET_ERR_MSG(info->extack, "enabled is missing (1 to switch counting on, 0 to switch it off), or lifecycle, or drops");
	return -EINVAL;
}

static int portmon_may_switch(const struct sk_buff *skb,
			      const struct portmon_switch *want,
			      struct netlink_ext_ack *extack)
{
	bool on = want->enabled > 0;
	unsigned int i;

	for (i = 0; i < PORTMON_FOLLOWS; i++)
		on |= want->following[i] > 0;
	return on ? portmon_may_enable(skb, extack) :
		    portmon_may_change(skb, extack);
}

static void portmon_explain_switch(const struct portmon_switch *want, int err,
				   struct netlink_ext_ack *extack)
{
	if (err == -EALREADY && want->enabled > 0)
		NL_SET_ERR_MSG(extack, "counting is on already in this network namespace");
	else if (err == -EALREADY && !want->enabled)
		NL_SET_ERR_MSG(extack, "counting is off already in this network namespace");
	else if (err == -EALREADY)
		NL_SET_ERR_MSG(extack, "that is so already in this network namespace");
	else if (err == -ENETDOWN)
		NL_SET_ERR_MSG(extack, "counting is off in this network namespace: lifecycle and drops come with enabled");
	else if (err == -ENOMEM)
		NL_SET_ERR_MSG(extack, "no memory for the counters");
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
	struct portmon_switch want;
	void *hdr, *note_hdr;
	int err;

	err = portmon_parse_switch(info, &want);
	err = err ?: portmon_may_switch(skb, &want, info->extack);
	if (err)
		return err;

	reply = portmon_reply_new(info, &hdr);
	if (!reply)
		return -ENOMEM;
	note = portmon_notify_new(net, PORTMON_CMD_NETNS_NTF, &note_hdr);
	mutex_lock(&pn->lock);
	err = portmon_net_switch(net, &want);
	if (!err)
		err = portmon_fill_info(reply, net, pn);
	if (note)
		portmon_notify(net, note, note_hdr,
			       err ?: portmon_fill_info(note, net, pn));
	mutex_unlock(&pn->lock);
	portmon_explain_switch(&want, err, info->extack);
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

static int portmon_fill_one(struct sk_buff *skb, struct portmon_tables *t,
			    const struct portmon_key *key,
			    const unsigned long *entry, bool histograms,
			    struct portmon_values *v,
			    struct netlink_ext_ack *extack)
{
	if (!entry) {
		NL_SET_ERR_MSG(extack, "no packet of this port has been seen");
		return -ENOENT;
	}
	portmon_read(t, entry, v);
	if (histograms)
		portmon_read_histograms(t, entry, v);
	return portmon_fill_port(skb, key, v);
}

static int portmon_do_port(struct sk_buff *skb, struct genl_info *info,
			   bool reset)
{
	/* A reset takes no such attribute: it returns all that it subtracts. */
	bool histograms = reset ||
			  info->attrs[PORTMON_A_RECORD_WITH_HISTOGRAMS];
	struct net *net = genl_info_net(info);
	struct portmon_net *pn = portmon_net(net);
	struct portmon_values v;
	struct portmon_tables *t;
	struct portmon_key key;
	unsigned long *entry;
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
	if (!t)
		return portmon_reply(reply, hdr, info, -ENETDOWN);
	entry = portmon_find(t, &key);
	err = portmon_fill_one(reply, t, &key, entry, histograms, &v,
			       info->extack);
	err = portmon_reply(reply, hdr, info, err);
	/* Only after the reply was sent. */
	if (!err && reset) {
		portmon_subtract(t, entry, &v);
		portmon_net_changed(pn);
	}
	portmon_unlock(pn);
	if (!err && reset)
		portmon_notify_reset(net, info->attrs, PORTMON_A_RECORD_PORT);
	return err;
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
