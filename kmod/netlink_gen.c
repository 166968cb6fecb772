// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/portmon.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <uapi/linux/portmon.h>

/* PORTMON_CMD_NETNS_SET - do */
static const struct nla_policy portmon_netns_set_nl_policy[PORTMON_A_INFO_DROPS + 1] = {
	[PORTMON_A_INFO_ENABLED] = NLA_POLICY_MAX(NLA_U8, 1),
	[PORTMON_A_INFO_LIFECYCLE] = NLA_POLICY_MAX(NLA_U8, 1),
	[PORTMON_A_INFO_DROPS] = NLA_POLICY_MAX(NLA_U8, 1),
};

/* PORTMON_CMD_PORT_GET - do */
static const struct nla_policy portmon_port_get_do_nl_policy[PORTMON_A_RECORD_WITH_HISTOGRAMS + 1] = {
	[PORTMON_A_RECORD_SCOPE] = NLA_POLICY_MAX(NLA_U8, 3),
	[PORTMON_A_RECORD_TRANSPORT] = NLA_POLICY_MAX(NLA_U8, 4),
	[PORTMON_A_RECORD_PORT] = { .type = NLA_U16, },
	[PORTMON_A_RECORD_WITH_HISTOGRAMS] = { .type = NLA_FLAG, },
};

/* PORTMON_CMD_PORT_GET - dump */
static const struct nla_policy portmon_port_get_dump_nl_policy[PORTMON_A_RECORD_WITH_HISTOGRAMS + 1] = {
	[PORTMON_A_RECORD_SCOPE] = NLA_POLICY_MAX(NLA_U8, 3),
	[PORTMON_A_RECORD_TRANSPORT] = NLA_POLICY_MAX(NLA_U8, 4),
	[PORTMON_A_RECORD_PORT] = { .type = NLA_U16, },
	[PORTMON_A_RECORD_PORT_MAX] = { .type = NLA_U16, },
	[PORTMON_A_RECORD_RANGE] = NLA_POLICY_MAX(NLA_U8, 2),
	[PORTMON_A_RECORD_NON_ZERO] = { .type = NLA_FLAG, },
	[PORTMON_A_RECORD_DROPPED] = { .type = NLA_FLAG, },
	[PORTMON_A_RECORD_WITH_HISTOGRAMS] = { .type = NLA_FLAG, },
};

/* PORTMON_CMD_RANGE_GET - dump */
static const struct nla_policy portmon_range_get_nl_policy[PORTMON_A_RECORD_RANGE + 1] = {
	[PORTMON_A_RECORD_SCOPE] = NLA_POLICY_MAX(NLA_U8, 3),
	[PORTMON_A_RECORD_TRANSPORT] = NLA_POLICY_MAX(NLA_U8, 4),
	[PORTMON_A_RECORD_RANGE] = NLA_POLICY_MAX(NLA_U8, 2),
};

/* PORTMON_CMD_OVERFLOW_GET - dump */
static const struct nla_policy portmon_overflow_get_nl_policy[PORTMON_A_RECORD_RANGE + 1] = {
	[PORTMON_A_RECORD_SCOPE] = NLA_POLICY_MAX(NLA_U8, 3),
	[PORTMON_A_RECORD_TRANSPORT] = NLA_POLICY_MAX(NLA_U8, 4),
	[PORTMON_A_RECORD_RANGE] = NLA_POLICY_MAX(NLA_U8, 2),
};

/* PORTMON_CMD_BUCKET_GET - dump */
static const struct nla_policy portmon_bucket_get_nl_policy[PORTMON_A_RECORD_FAMILY + 1] = {
	[PORTMON_A_RECORD_HOOK] = NLA_POLICY_MAX(NLA_U8, 2),
	[PORTMON_A_RECORD_FAMILY] = NLA_POLICY_MAX(NLA_U8, 1),
};

/* PORTMON_CMD_RESET - do */
static const struct nla_policy portmon_reset_do_nl_policy[PORTMON_A_RECORD_PORT + 1] = {
	[PORTMON_A_RECORD_SCOPE] = NLA_POLICY_MAX(NLA_U8, 3),
	[PORTMON_A_RECORD_TRANSPORT] = NLA_POLICY_MAX(NLA_U8, 4),
	[PORTMON_A_RECORD_PORT] = { .type = NLA_U16, },
};

/* PORTMON_CMD_RESET - dump */
static const struct nla_policy portmon_reset_dump_nl_policy[PORTMON_A_RECORD_DROPPED + 1] = {
	[PORTMON_A_RECORD_SCOPE] = NLA_POLICY_MAX(NLA_U8, 3),
	[PORTMON_A_RECORD_TRANSPORT] = NLA_POLICY_MAX(NLA_U8, 4),
	[PORTMON_A_RECORD_PORT] = { .type = NLA_U16, },
	[PORTMON_A_RECORD_PORT_MAX] = { .type = NLA_U16, },
	[PORTMON_A_RECORD_RANGE] = NLA_POLICY_MAX(NLA_U8, 2),
	[PORTMON_A_RECORD_NON_ZERO] = { .type = NLA_FLAG, },
	[PORTMON_A_RECORD_DROPPED] = { .type = NLA_FLAG, },
};

/* Ops table for portmon */
static const struct genl_split_ops portmon_nl_ops[] = {
	{
		.cmd	= PORTMON_CMD_INFO_GET,
		.doit	= portmon_nl_info_get_doit,
		.flags	= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PORTMON_CMD_NETNS_SET,
		.doit		= portmon_nl_netns_set_doit,
		.policy		= portmon_netns_set_nl_policy,
		.maxattr	= PORTMON_A_INFO_DROPS,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PORTMON_CMD_PORT_GET,
		.doit		= portmon_nl_port_get_doit,
		.policy		= portmon_port_get_do_nl_policy,
		.maxattr	= PORTMON_A_RECORD_WITH_HISTOGRAMS,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PORTMON_CMD_PORT_GET,
		.dumpit		= portmon_nl_port_get_dumpit,
		.policy		= portmon_port_get_dump_nl_policy,
		.maxattr	= PORTMON_A_RECORD_WITH_HISTOGRAMS,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= PORTMON_CMD_RANGE_GET,
		.dumpit		= portmon_nl_range_get_dumpit,
		.policy		= portmon_range_get_nl_policy,
		.maxattr	= PORTMON_A_RECORD_RANGE,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= PORTMON_CMD_OVERFLOW_GET,
		.dumpit		= portmon_nl_overflow_get_dumpit,
		.policy		= portmon_overflow_get_nl_policy,
		.maxattr	= PORTMON_A_RECORD_RANGE,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= PORTMON_CMD_BUCKET_GET,
		.dumpit		= portmon_nl_bucket_get_dumpit,
		.policy		= portmon_bucket_get_nl_policy,
		.maxattr	= PORTMON_A_RECORD_FAMILY,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= PORTMON_CMD_RESET,
		.doit		= portmon_nl_reset_doit,
		.policy		= portmon_reset_do_nl_policy,
		.maxattr	= PORTMON_A_RECORD_PORT,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PORTMON_CMD_RESET,
		.dumpit		= portmon_nl_reset_dumpit,
		.done		= portmon_nl_reset_done,
		.policy		= portmon_reset_dump_nl_policy,
		.maxattr	= PORTMON_A_RECORD_DROPPED,
		.flags		= GENL_CMD_CAP_DUMP,
	},
};

static const struct genl_multicast_group portmon_nl_mcgrps[] = {
	[PORTMON_NLGRP_EVENTS] = { "events", },
};

struct genl_family portmon_nl_family __ro_after_init = {
	.name		= PORTMON_FAMILY_NAME,
	.version	= PORTMON_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= portmon_nl_ops,
	.n_split_ops	= ARRAY_SIZE(portmon_nl_ops),
	.mcgrps		= portmon_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(portmon_nl_mcgrps),
};
