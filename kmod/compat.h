/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every difference between the kernels that portmon builds for, 6.1 to 7.3.
 * Kbuild looks for names in its headers; the version does not decide.
 */
#ifndef _PORTMON_COMPAT_H
#define _PORTMON_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error portmon needs Linux 6.1 or newer; it is tested up to 7.3.
#endif

#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <net/dropreason.h>
#include <net/genetlink.h>
#include <net/ipv6.h>

#ifndef PORTMON_HAS_nla_put_uint
static inline int nla_put_uint(struct sk_buff *skb, int attrtype, u64 value)
{
	if (value == (u32)value)
		return nla_put_u32(skb, attrtype, value);
	return nla_put(skb, attrtype, sizeof(value), &value);
}
#endif

/* Workers on any CPU; newer kernels have a new name and log the old one. */
#ifdef PORTMON_HAS_system_dfl_wq
#define portmon_unbound_wq	system_dfl_wq
#else
#define portmon_unbound_wq	system_unbound_wq
#endif

/*
 * @probe if this kernel calls probes of the tracepoint by its type, else
 * @older.  Needs the tracepoint's header (trace/events/).
 */
#define PORTMON_PROBE(tracepoint, probe, older)				\
	__builtin_choose_expr(__builtin_types_compatible_p(		\
		typeof(check_trace_callback_type_##tracepoint),		\
		void (typeof(probe) *)), probe, older)

/* The kernel takes a probe without its type: let the compiler look. */
#define PORTMON_PROBE_CHECK(tracepoint, probe)				\
	check_trace_callback_type_##tracepoint(probe)

/* A probe of tcp_retransmit_skb; older kernels have no @err. */
#define PORTMON_RETRANSMIT_SKB_OLDER(probe)				\
static void __maybe_unused						\
probe##_no_err(void *data, const struct sock *sk,			\
	       const struct sk_buff *skb)				\
{									\
	probe(data, sk, skb, 0);					\
}

#define PORTMON_RETRANSMIT_SKB(probe)					\
	PORTMON_PROBE(tcp_retransmit_skb, probe, probe##_no_err)

/* A probe of kfree_skb; older kernels have no @rx_sk, or not as const. */
#define PORTMON_KFREE_SKB_OLDER(probe)					\
static void __maybe_unused						\
probe##_no_const(void *data, struct sk_buff *skb, void *location,	\
		 enum skb_drop_reason reason, struct sock *rx_sk)	\
{									\
	probe(data, skb, location, reason, rx_sk);			\
}									\
									\
static void __maybe_unused						\
probe##_no_rx_sk(void *data, struct sk_buff *skb, void *location,	\
		 enum skb_drop_reason reason)				\
{									\
	probe(data, skb, location, reason, NULL);			\
}

#define PORTMON_KFREE_SKB(probe)					\
	PORTMON_PROBE(kfree_skb, probe,					\
	PORTMON_PROBE(kfree_skb, probe##_no_const, probe##_no_rx_sk))

/* Reasons of drops that queueing disciplines give of their own. */
#ifdef PORTMON_HAS_SKB_DROP_REASON_SUBSYS_QDISC
#include <net/dropreason-qdisc.h>
#define PORTMON_QDISC_REASONS	((u16)QDISC_DROP_MAX)
#else
#define DEFINE_QDISC_DROP_REASON(...)
#define PORTMON_QDISC_REASONS	0
#endif

/**
 * portmon_qdisc_reason() - which reason of its own a queueing discipline gave
 * @reason: as the tracepoint has it
 *
 * Return: less than %PORTMON_QDISC_REASONS, or negative for none of them.
 */
static inline int portmon_qdisc_reason(unsigned int reason)
{
#ifdef PORTMON_HAS_SKB_DROP_REASON_SUBSYS_QDISC
	if (reason >= __QDISC_DROP_REASON && reason < QDISC_DROP_MAX)
		return (u16)reason;
#endif
	return -1;
}

/**
 * portmon_jumbo_len() - length of a header that does not reach the wire
 * @skb: the buffer
 *
 * Up to about 7.0 BIG TCP over IPv6 put a jumbo option (RFC 2675) into its
 * buffers, for the stack alone.
 *
 * Return: bytes.
 */
static inline unsigned int portmon_jumbo_len(const struct sk_buff *skb)
{
#ifdef PORTMON_HAS_ipv6_has_hopopt_jumbo
	if (ipv6_has_hopopt_jumbo(skb))
		return sizeof(struct hop_jumbo_hdr);
#endif
	return 0;
}

/**
 * portmon_multicast() - send a message to a group
 * @net: the namespace
 * @skb: the message, which is consumed
 * @group: number of the group
 * @withhold: true for sockets that must not receive it; its data is @net
 * @ask: call @withhold
 *
 * Before 6.6 no socket can be left out: a message that is not for all is sent
 * to none.
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
#ifdef PORTMON_HAS_netlink_filter_fn
		netlink_broadcast_filtered(net->genl_sock, skb, 0, group,
					   GFP_KERNEL, withhold, net);
#else
		nlmsg_free(skb);
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
#ifdef PORTMON_HAS_genl_info_dump
	return genl_info_dump(cb)->attrs;
#else
	return (struct nlattr **)genl_dumpit_info(cb)->attrs;
#endif
}

#ifndef PORTMON_HAS_genl_split_ops
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
