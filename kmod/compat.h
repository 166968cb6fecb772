/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every difference between the kernels that portmon builds for, 6.1 to 6.12,
 * and the only file that asks for LINUX_VERSION_CODE.
 */
#ifndef _PORTMON_COMPAT_H
#define _PORTMON_COMPAT_H

#include <linux/version.h>
#include <net/genetlink.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
static inline int nla_put_uint(struct sk_buff *skb, int attrtype, u64 value)
{
	if (value == (u32)value)
		return nla_put_u32(skb, attrtype, value);
	return nla_put(skb, attrtype, sizeof(value), &value);
}
#endif

/* A probe of tracepoint kfree_skb; before 6.11 it does not tell the socket. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define PORTMON_KFREE_SKB_PROBE(name, handler)				\
static void name(void *data, struct sk_buff *skb, void *location,	\
		 enum skb_drop_reason reason)				\
{									\
	handler(skb, reason, NULL);					\
}
#else
#define PORTMON_KFREE_SKB_PROBE(name, handler)				\
static void name(void *data, struct sk_buff *skb, void *location,	\
		 enum skb_drop_reason reason, struct sock *rx_sk)	\
{									\
	handler(skb, reason, rx_sk);					\
}
#endif

/**
 * portmon_multicast() - send a message to a group
 * @net: the namespace
 * @skb: the message, which is consumed
 * @group: number of the group
 * @withhold: tells whom it is not for; its data is @net
 * @ask: ask @withhold
 *
 * Before 6.6 nobody can be left out: what is not for all is told to none.
 *
 * Context: Process context, may sleep.
 */
static inline void portmon_multicast(struct net *net, struct sk_buff *skb,
				     u32 group,
				     int (*withhold)(struct sock *to,
						     struct sk_buff *skb,
						     void *data),
				     bool ask)
{
	NETLINK_CB(skb).dst_group = group;
	if (!ask)
		netlink_broadcast(net->genl_sock, skb, 0, group, GFP_KERNEL);
	else
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
		nlmsg_free(skb);
#else
		netlink_broadcast_filtered(net->genl_sock, skb, 0, group,
					   GFP_KERNEL, withhold, net);
#endif
}

/**
 * portmon_dump_attrs() - attributes of a dump request
 * @cb: the dump
 *
 * Return: the parsed attributes, indexed by type.
 */
static inline struct nlattr **portmon_dump_attrs(struct netlink_callback *cb)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	return (struct nlattr **)genl_dumpit_info(cb)->attrs;
#else
	return genl_dumpit_info(cb)->info.attrs;
#endif
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
/*
 * Before split operations a command was one struct genl_ops for doit and
 * dumpit, with one policy.  The generated table compiles as an array of
 * those; registering joins the halves of a command under the dump's policy,
 * which has all the attributes of the other, and pre_doit sees to it that a
 * doit takes no more than its own.
 */
#define genl_split_ops	genl_ops
#define split_ops	ops
#define n_split_ops	n_ops

#define PORTMON_OPS_MAX	16

static struct genl_ops portmon_do_ops[PORTMON_OPS_MAX] __maybe_unused;
static struct genl_ops portmon_joined_ops[PORTMON_OPS_MAX] __maybe_unused;

static inline int portmon_pre_doit(const struct genl_ops *joined,
				   struct sk_buff *skb, struct genl_info *info)
{
	const struct genl_ops *op = portmon_do_ops;

	while (op->cmd != info->genlhdr->cmd)
		op++;
	if (!op->maxattr)
		return 0;
	return __nla_validate(nlmsg_attrdata(info->nlhdr, GENL_HDRLEN),
			      nlmsg_attrlen(info->nlhdr, GENL_HDRLEN),
			      op->maxattr, op->policy, NL_VALIDATE_STRICT,
			      info->extack);
}

static inline int portmon_genl_register(struct genl_family *family)
{
	unsigned int i, n = 0;

	for (i = 0; i < family->n_ops; i++) {
		const struct genl_ops *op = &family->ops[i];
		struct genl_ops *joined;

		if (!n || portmon_joined_ops[n - 1].cmd != op->cmd) {
			if (WARN_ON(n == PORTMON_OPS_MAX))
				return -EINVAL;
			portmon_do_ops[n] = *op;
			portmon_joined_ops[n++] = *op;
			continue;
		}
		joined = &portmon_joined_ops[n - 1];
		joined->start = op->start;
		joined->dumpit = op->dumpit;
		joined->done = op->done;
		joined->policy = op->policy;
		joined->maxattr = op->maxattr;
	}
	family->ops = portmon_joined_ops;
	family->n_ops = n;
	family->pre_doit = portmon_pre_doit;
	return genl_register_family(family);
}
#else
static inline int portmon_genl_register(struct genl_family *family)
{
	return genl_register_family(family);
}
#endif

#endif
