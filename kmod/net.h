/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PORTMON_NET_H
#define _PORTMON_NET_H

#include <linux/mutex.h>
#include <linux/time64.h>
#include <net/net_namespace.h>

#include "hook.h"
#include "types.h"

/**
 * struct portmon_net - what portmon holds for one network namespace
 * @lock: held while counting is switched and while counters are read
 * @tables: the counters, NULL while counting is off
 * @live: the same for tracepoints, NULL before @tables are freed
 * @since: when counting began or was last reset as a whole, seconds since
 *	the epoch
 * @generation: changes with every reset and switch, never 0
 * @ops: the hooks
 */
struct portmon_net {
	struct mutex lock;
	struct portmon_tables *tables;
	struct portmon_tables __rcu *live;
	time64_t since;
	u32 generation;
	struct nf_hook_ops ops[PORTMON_HOOK_OPS];
};

/**
 * struct portmon_switch - what is to be on; -1 leaves a thing as it is
 * @enabled: counting
 * @following: by &enum portmon_follow
 */
struct portmon_switch {
	int enabled;
	int following[PORTMON_FOLLOWS];
};

struct portmon_net *portmon_net(const struct net *net);
struct portmon_tables *portmon_net_following(const struct net *net,
					     enum portmon_follow what);
int portmon_net_switch(struct net *net, const struct portmon_switch *want);
void portmon_net_changed(struct portmon_net *pn);

int portmon_net_init(void);
void portmon_net_exit(void);

extern bool portmon_all_netns;
extern bool portmon_follow_default[PORTMON_FOLLOWS];

#endif
