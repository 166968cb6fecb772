/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/portmon.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_PORTMON_GEN_H
#define _LINUX_PORTMON_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/portmon.h>

int portmon_nl_reset_done(struct netlink_callback *cb);

int portmon_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info);
int portmon_nl_netns_set_doit(struct sk_buff *skb, struct genl_info *info);
int portmon_nl_port_get_doit(struct sk_buff *skb, struct genl_info *info);
int portmon_nl_port_get_dumpit(struct sk_buff *skb,
			       struct netlink_callback *cb);
int portmon_nl_range_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int portmon_nl_overflow_get_dumpit(struct sk_buff *skb,
				   struct netlink_callback *cb);
int portmon_nl_bucket_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);
int portmon_nl_reset_doit(struct sk_buff *skb, struct genl_info *info);
int portmon_nl_reset_dumpit(struct sk_buff *skb, struct netlink_callback *cb);

enum {
	PORTMON_NLGRP_EVENTS,
};

extern struct genl_family portmon_nl_family;

#endif /* _LINUX_PORTMON_GEN_H */
