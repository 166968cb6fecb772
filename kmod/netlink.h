/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PORTMON_NETLINK_H
#define _PORTMON_NETLINK_H

#include <linux/netlink.h>
#include <linux/types.h>

struct net;
struct netlink_ext_ack;
struct nlattr;
struct portmon_key;
struct portmon_net;
struct portmon_notice;
struct portmon_tables;
struct portmon_values;
struct sk_buff;

/* Room for any reply to a doit, any notification. */
#define PORTMON_MSG_SIZE	NLMSG_GOODSIZE

int portmon_may_read(const struct sk_buff *skb, struct netlink_ext_ack *extack);
int portmon_may_change(const struct sk_buff *skb,
		       struct netlink_ext_ack *extack);

struct portmon_tables *portmon_lock(struct portmon_net *pn,
				    struct netlink_ext_ack *extack);
void portmon_unlock(struct portmon_net *pn);

int portmon_fill_values(struct sk_buff *skb, const struct portmon_values *v);
int portmon_fill_events(struct sk_buff *skb, const struct portmon_values *v);
int portmon_fill_info(struct sk_buff *skb, const struct net *net,
		      const struct portmon_net *pn);
int portmon_fill_histograms(struct sk_buff *skb,
			    const struct portmon_values *v);
int portmon_fill_port(struct sk_buff *skb, const struct portmon_key *key,
		      const struct portmon_values *v);

bool portmon_notify_listening(struct net *net);
struct sk_buff *portmon_notify_new(struct net *net, u8 cmd, void **hdr);
void portmon_notify(struct net *net, struct sk_buff *skb, void *hdr, int err);
void portmon_notify_event(struct net *net, const struct portmon_notice *notice,
			  u32 missed);
void portmon_notify_reset(struct net *net, struct nlattr **attrs,
			  unsigned int maxattr);

int portmon_netlink_init(void);
void portmon_netlink_exit(void);

extern bool portmon_restrict_read;
extern bool portmon_userns_enable;

#endif
