// SPDX-License-Identifier: GPL-2.0
/*
 * The generic netlink family: doit (dumpit is in netlink_dump.c, what is told
 * unasked in netlink_notify.c).
 * What is in a message is laid down in
 * Documentation/netlink/specs/portmon.yaml.
 */
#include <linux/netlink.h>
#include <net/genetlink.h>
#include <net/ip.h>

#include "../include/portmon_version.h"
#include "compat.h"
#include "counters.h"
#include "drops.h"
#include "events.h"
#include "lifecycle.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "slots.h"
#include "sums.h"
#include "tables.h"

bool portmon_restrict_read;
bool portmon_userns_enable;

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

static int portmon_fill_tables(struct sk_buff *skb, struct portmon_tables *t)
{
	if (nla_put_u8(skb, PORTMON_A_INFO_LIFECYCLE,
		       t->following[PORTMON_FOLLOW_LIFECYCLE]) ||
	    nla_put_u8(skb, PORTMON_A_INFO_DROPS,
		       t->following[PORTMON_FOLLOW_DROPS]) ||
	    nla_put_u32(skb, PORTMON_A_INFO_RECORDS,
			atomic_read(&t->records)) ||
	    nla_put_u32(skb, PORTMON_A_INFO_SLOTS,
			portmon_slots_used(&t->slots)) ||
	    nla_put_u32(skb, PORTMON_A_INFO_SLOTS_MAX,
			t->slots.chunks_max * PORTMON_CHUNK_SLOTS) ||
	    nla_put_u32(skb, PORTMON_A_INFO_EVENTS,
			atomic_read(&t->events.used)) ||
	    nla_put_uint(skb, PORTMON_A_INFO_MEMORY,
			 portmon_tables_memory(t)))
		return -EMSGSIZE;
	return 0;
}

static int portmon_fill_info(struct sk_buff *skb, const struct net *net,
			     const struct portmon_net *pn)
{
	struct portmon_tables *t = pn->tables;
	u32 missing = portmon_follow_missing();
	int low, high;

	inet_get_local_port_range(net, &low, &high);
	if (nla_put_string(skb, PORTMON_A_INFO_VERSION, PORTMON_VERSION) ||
	    nla_put_u8(skb, PORTMON_A_INFO_ENABLED, !!t) ||
	    nla_put_u32(skb, PORTMON_A_INFO_GENERATION, pn->generation) ||
	    nla_put_u32(skb, PORTMON_A_INFO_RECORDS_MAX,
			READ_ONCE(portmon_max_records)) ||
	    nla_put_u32(skb, PORTMON_A_INFO_EVENTS_MAX,
			portmon_events_max()) ||
	    nla_put_u16(skb, PORTMON_A_INFO_EPHEMERAL_MIN, low) ||
	    nla_put_u16(skb, PORTMON_A_INFO_EPHEMERAL_MAX, high))
		return -EMSGSIZE;
	if ((missing && nla_put_u32(skb, PORTMON_A_INFO_MISSING, missing)) ||
	    (net_eq(net, &init_net) &&
	     nla_put_uint(skb, PORTMON_A_INFO_DROPS_UNPLACED,
			  portmon_drops_unplaced())))
		return -EMSGSIZE;
	if (!t)
		return 0;
	if (nla_put_uint(skb, PORTMON_A_INFO_SINCE, pn->since))
		return -EMSGSIZE;
	return portmon_fill_tables(skb, t);
}

/*
 * Attributes of a record are written in one piece, after one look at the room
 * that is left: nla_put() takes 120 instructions for each attribute, and in a
 * dump that was most of the work.
 */
static __always_inline void *portmon_put(void *to, u16 type, const void *data,
					 u16 len)
{
	struct nlattr *nla = to;

	nla->nla_type = type;
	nla->nla_len = nla_attr_size(len);
	memset(to + nla_attr_size(len), 0, nla_padlen(len));
	memcpy(nla_data(nla), data, len);
	return to + nla_total_size(len);
}

static __always_inline void *portmon_put_u8(void *to, u16 type, u8 v)
{
	return portmon_put(to, type, &v, sizeof(v));
}

static __always_inline void *portmon_put_u16(void *to, u16 type, u16 v)
{
	return portmon_put(to, type, &v, sizeof(v));
}

/* Like nla_put_uint(). */
static void *portmon_put_uint(void *to, u16 type, u64 v)
{
	u32 v32 = v;

	return v == v32 ? portmon_put(to, type, &v32, sizeof(v32)) :
			  portmon_put(to, type, &v, sizeof(v));
}

/* At most: four numbers of 64 bits. */
#define PORTMON_VALUES_SIZE	(4 * nla_total_size(sizeof(u64)))

static void *portmon_put_values(void *to, const struct portmon_values *v)
{
	to = portmon_put_uint(to, PORTMON_A_RECORD_RX_PACKETS,
			      v->packets[PORTMON_RX]);
	to = portmon_put_uint(to, PORTMON_A_RECORD_RX_BYTES,
			      v->bytes[PORTMON_RX]);
	to = portmon_put_uint(to, PORTMON_A_RECORD_TX_PACKETS,
			      v->packets[PORTMON_TX]);
	return portmon_put_uint(to, PORTMON_A_RECORD_TX_BYTES,
				v->bytes[PORTMON_TX]);
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
	void *tail = skb_tail_pointer(skb);

	if (skb_tailroom(skb) < PORTMON_VALUES_SIZE)
		return -EMSGSIZE;
	skb_put(skb, portmon_put_values(tail, v) - tail);
	return 0;
}

static int portmon_fill_tcp(struct sk_buff *skb, const u64 *tcp)
{
	struct nlattr *nest = nla_nest_start(skb, PORTMON_A_RECORD_TCP);
	void *tail = skb_tail_pointer(skb), *to = tail;
	unsigned int i;

	if (!nest ||
	    skb_tailroom(skb) < PORTMON_A_TCP_MAX * nla_total_size(sizeof(u64)))
		return -EMSGSIZE;
	for (i = 1; i <= PORTMON_A_TCP_MAX; i++)
		if (tcp[i])
			to = portmon_put_uint(to, i, tcp[i]);
	skb_put(skb, to - tail);
	nla_nest_end(skb, nest);
	return 0;
}

static int portmon_fill_drop(struct sk_buff *skb, const struct portmon_drop *d)
{
	struct nlattr *nest = nla_nest_start(skb, PORTMON_A_RECORD_DROPS);
	void *tail = skb_tail_pointer(skb), *to = tail;
	const char *reason = portmon_reason_name(d->reason);
	u16 size = strlen(reason) + 1;

	if (!nest || skb_tailroom(skb) <
		     nla_total_size(size) + 3 * nla_total_size(sizeof(u64)))
		return -EMSGSIZE;
	to = portmon_put(to, PORTMON_A_DROP_REASON, reason, size);
	to = portmon_put_uint(to, PORTMON_A_DROP_PACKETS, d->packets);
	/* The overflow does not know. */
	if (d->last) {
		to = portmon_put_uint(to, PORTMON_A_DROP_FIRST_SEEN, d->first);
		to = portmon_put_uint(to, PORTMON_A_DROP_LAST_SEEN, d->last);
	}
	skb_put(skb, to - tail);
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * portmon_fill_events() - put TCP events and drops, if there are any
 * @skb: message, to be cancelled as a whole where this fails
 * @v: values
 *
 * Return: 0 or -EMSGSIZE.
 */
int portmon_fill_events(struct sk_buff *skb, const struct portmon_values *v)
{
	unsigned int i;

	if (v->has_tcp && portmon_fill_tcp(skb, v->tcp))
		return -EMSGSIZE;
	for (i = 0; i < v->n_drops; i++)
		if (portmon_fill_drop(skb, &v->drops[i]))
			return -EMSGSIZE;
	return 0;
}

/* At most, without events. */
#define PORTMON_PORT_SIZE	(3 * nla_total_size(sizeof(u8)) +	\
				 nla_total_size(sizeof(u16)) +		\
				 2 * nla_total_size(sizeof(u64)) +	\
				 PORTMON_VALUES_SIZE)

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
	void *tail = skb_tail_pointer(skb), *to = tail;

	if (skb_tailroom(skb) < PORTMON_PORT_SIZE)
		return -EMSGSIZE;
	to = portmon_put_u8(to, PORTMON_A_RECORD_SCOPE, key->scope);
	to = portmon_put_u8(to, PORTMON_A_RECORD_TRANSPORT, key->transport);
	to = portmon_put_u16(to, PORTMON_A_RECORD_PORT, key->port);
	to = portmon_put_u8(to, PORTMON_A_RECORD_RANGE,
			    portmon_range(key->port));
	to = portmon_put_values(to, v);
	to = portmon_put_uint(to, PORTMON_A_RECORD_FIRST_SEEN, v->first);
	to = portmon_put_uint(to, PORTMON_A_RECORD_LAST_SEEN, v->last);
	skb_put(skb, to - tail);
	return portmon_fill_events(skb, v);
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

static int portmon_fill_one(struct sk_buff *skb, const struct portmon_tables *t,
			    const struct portmon_key *key,
			    const unsigned long *entry,
			    struct portmon_values *v,
			    struct netlink_ext_ack *extack)
{
	if (!entry) {
		NL_SET_ERR_MSG(extack, "no packet of this port has been seen");
		return -ENOENT;
	}
	portmon_read(t, entry, v);
	return portmon_fill_port(skb, key, v);
}

static int portmon_do_port(struct sk_buff *skb, struct genl_info *info,
			   bool reset)
{
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
	err = portmon_fill_one(reply, t, &key, entry, &v, info->extack);
	err = portmon_reply(reply, hdr, info, err);
	/* Not before the reply is in the reader's hands. */
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
