// SPDX-License-Identifier: GPL-2.0
/* Per-namespace state: counting on and off, and the hooks. */
#include <linux/module.h>
#include <linux/timekeeping.h>
#include <net/netns/generic.h>

#include "counters.h"
#include "net.h"

static unsigned int portmon_net_id __read_mostly;
bool portmon_all_netns;

/**
 * portmon_net() - portmon's state of a namespace
 * @net: the namespace
 *
 * Return: its state.
 */
struct portmon_net *portmon_net(const struct net *net)
{
	return net_generic(net, portmon_net_id);
}

/**
 * portmon_net_changed() - tell running dumps that what they read has changed
 * @pn: the namespace
 *
 * Context: Under @pn->lock.
 */
void portmon_net_changed(struct portmon_net *pn)
{
	if (!++pn->generation)
		pn->generation = 1;
}

static int portmon_net_on(struct net *net, struct portmon_net *pn)
{
	struct portmon_tables *t = portmon_tables_alloc();
	unsigned int i;
	int err;

	if (!t)
		return -ENOMEM;
	for (i = 0; i < PORTMON_HOOK_OPS; i++) {
		pn->ops[i] = portmon_hook_ops[i];
		pn->ops[i].priv = t;
	}
	err = nf_register_net_hooks(net, pn->ops, PORTMON_HOOK_OPS);
	if (err) {
		/* Some may have been there for a moment. */
		synchronize_rcu();
		portmon_tables_free(t);
		return err;
	}
	pn->tables = t;
	pn->since = ktime_get_real_seconds();
	return 0;
}

/**
 * portmon_net_switch() - switch counting on or off
 * @net: the namespace
 * @on: which
 *
 * Off gives up the counts and the memory.
 *
 * Context: Process context, may sleep. Under the lock of struct portmon_net.
 * Return: 0, -EALREADY if nothing would change, -ENOMEM.
 */
int portmon_net_switch(struct net *net, bool on)
{
	struct portmon_net *pn = portmon_net(net);
	struct portmon_tables *t = pn->tables;
	int err;

	if (on == !!t)
		return -EALREADY;
	if (on) {
		err = portmon_net_on(net, pn);
		if (err)
			return err;
	} else {
		nf_unregister_net_hooks(net, pn->ops, PORTMON_HOOK_OPS);
		pn->tables = NULL;
		synchronize_rcu();
		portmon_tables_free(t);
	}
	portmon_net_changed(pn);
	return 0;
}

static int __net_init portmon_net_new(struct net *net)
{
	struct portmon_net *pn = portmon_net(net);
	int err = 0;

	mutex_init(&pn->lock);
	pn->generation = 1;
	if (net_eq(net, &init_net) || portmon_all_netns) {
		mutex_lock(&pn->lock);
		err = portmon_net_switch(net, true);
		mutex_unlock(&pn->lock);
	}
	/* No namespace is refused for want of counters, but the module is. */
	if (err && !net_eq(net, &init_net)) {
		pr_warn_ratelimited("portmon: no memory to count in a new network namespace, it is off\n");
		err = 0;
	}
	return err;
}

static void __net_exit portmon_net_pre_exit(struct net *net)
{
	struct portmon_net *pn = portmon_net(net);

	if (pn->tables)
		nf_unregister_net_hooks(net, pn->ops, PORTMON_HOOK_OPS);
}

/* A grace period has passed since .pre_exit: the hooks have returned. */
static void __net_exit portmon_net_end(struct net *net)
{
	struct portmon_net *pn = portmon_net(net);

	if (pn->tables)
		portmon_tables_free(pn->tables);
	mutex_destroy(&pn->lock);
}

static struct pernet_operations portmon_net_ops = {
	.init = portmon_net_new,
	.pre_exit = portmon_net_pre_exit,
	.exit = portmon_net_end,
	.id = &portmon_net_id,
	.size = sizeof(struct portmon_net),
};

/**
 * portmon_net_init() - begin to count, in the initial namespace at least
 *
 * Return: 0 or a negative error.
 */
int __init portmon_net_init(void)
{
	return register_pernet_subsys(&portmon_net_ops);
}

/**
 * portmon_net_exit() - stop counting everywhere and free all counters
 */
void portmon_net_exit(void)
{
	unregister_pernet_subsys(&portmon_net_ops);
}
