/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PORTMON_NET_H
#define _PORTMON_NET_H

#include <linux/mutex.h>
#include <linux/time64.h>
#include <net/net_namespace.h>

#include "hook.h"

struct netlink_ext_ack;
struct portmon_tables;

/**
 * struct portmon_net - what portmon holds for one network namespace
 * @lock: held while counting is switched and while counters are read
 * @tables: the counters, NULL while counting is off
 * @since: when counting began or was last reset as a whole, seconds since
 *	the epoch
 * @generation: changes with every reset and switch, never 0
 * @ops: the hooks
 */
struct portmon_net {
	struct mutex lock;
	struct portmon_tables *tables;
	time64_t since;
	u32 generation;
	struct nf_hook_ops ops[PORTMON_HOOK_OPS];
};

struct portmon_net *portmon_net(const struct net *net);
int portmon_net_switch(struct net *net, bool on);
void portmon_net_changed(struct portmon_net *pn);

int portmon_net_init(void);
void portmon_net_exit(void);

extern bool portmon_all_netns;

#endif
