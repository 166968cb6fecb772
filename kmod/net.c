// SPDX-License-Identifier: GPL-2.0
/* Per-namespace state: counting on and off, and the hooks. */
#include <linux/module.h>
#include <linux/timekeeping.h>
#include <net/netns/generic.h>

#include "net.h"
#include "tables.h"
#include "tcp.h"
#include "upcalls.h"

static unsigned int portmon_net_id __read_mostly;
bool portmon_all_netns;
bool portmon_follow_default[PORTMON_FOLLOWS] = { true, true };

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
 * portmon_net_changed() - mark running dumps as inconsistent
 * @pn: the namespace
 *
 * Context: Under @pn->lock.
 */
void portmon_net_changed(struct portmon_net *pn)
{
	lockdep_assert_held(&pn->lock);
	if (!++pn->generation)
		pn->generation = 1;
}

/**
 * portmon_net_following() - what a tracepoint counts in
 * @net: the namespace
 * @what: what the tracepoint reports
 *
 * Context: Under rcu_read_lock().
 * Return: the tables, NULL if the namespace does not follow it.
 */
struct portmon_tables *portmon_net_following(const struct net *net,
					     enum portmon_follow what)
{
	const struct net_generic *ng = rcu_dereference(net->gen);
	const struct portmon_net *pn;
	struct portmon_tables *t;

	/* A namespace in the making has no state yet, or no room for it. */
	if (unlikely(portmon_net_id >= ng->s.len))
		return NULL;
	pn = ng->ptr[portmon_net_id];
	t = pn ? rcu_dereference(pn->live) : NULL;
	return t && READ_ONCE(t->following[what]) ? t : NULL;
}

/* Start or stop to follow; true if that is a change. */
static bool portmon_net_follow(struct portmon_tables *t,
			       enum portmon_follow what, bool on)
{
	if (t->following[what] == on)
		return false;
	WRITE_ONCE(t->following[what], on);
	if (what == PORTMON_FOLLOW_LIFECYCLE)
		WRITE_ONCE(t->followed[IPPROTO_TCP],
			   on ? PORTMON_TCP_EVENTS : 0);
	portmon_upcalls.follow(what, on);
	return true;
}

static int portmon_net_on(struct net *net, struct portmon_net *pn)
{
	struct portmon_tables *t = portmon_tables_alloc(net);
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
	rcu_assign_pointer(pn->live, t);
	pn->since = ktime_get_real_seconds();
	return 0;
}

/* Nobody counts any more: give everything back. */
static void portmon_net_free(struct portmon_net *pn)
{
	unsigned int i;

	for (i = 0; i < PORTMON_FOLLOWS; i++)
		portmon_net_follow(pn->tables, i, false);
	portmon_tables_free(pn->tables);
	pn->tables = NULL;
}

static void portmon_net_off(struct net *net, struct portmon_net *pn)
{
	nf_unregister_net_hooks(net, pn->ops, PORTMON_HOOK_OPS);
	RCU_INIT_POINTER(pn->live, NULL);
	synchronize_rcu();
	portmon_net_free(pn);
}

/**
 * portmon_net_switch() - switch counting, and what is followed, on or off
 * @net: the namespace
 * @want: which
 *
 * Counting off gives up the counts and the memory. Counting on follows what
 * the module's parameters say, unless @want says otherwise.
 *
 * Context: Process context, may sleep. Under the lock of struct portmon_net.
 * Return: 0, -EALREADY if nothing would change, -ENETDOWN if something were
 * to be followed while counting is off, -ENOMEM.
 */
int portmon_net_switch(struct net *net, const struct portmon_switch *want)
{
	struct portmon_net *pn = portmon_net(net);
	bool on = want->enabled < 0 ? !!pn->tables : want->enabled;
	bool changed = on != !!pn->tables, started = changed && on;
	unsigned int i;
	int err, follow;

	lockdep_assert_held(&pn->lock);
	if (started) {
		err = portmon_net_on(net, pn);
		if (err)
			return err;
	} else if (changed) {
		portmon_net_off(net, pn);
	}
	for (i = 0; i < PORTMON_FOLLOWS; i++) {
		follow = want->following[i];
		if (follow < 0 && started)
			follow = READ_ONCE(portmon_follow_default[i]);
		if (follow >= 0 && on)
			changed |= portmon_net_follow(pn->tables, i, follow);
		else if (follow > 0 && !changed)
			return -ENETDOWN;
	}
	if (!changed)
		return -EALREADY;
	portmon_net_changed(pn);
	return 0;
}

static int __net_init portmon_net_new(struct net *net)
{
	static const struct portmon_switch on = { 1, { -1, -1 } };
	struct portmon_net *pn = portmon_net(net);
	int err = 0;

	mutex_init(&pn->lock);
	pn->generation = 1;
	if (net_eq(net, &init_net) || portmon_all_netns) {
		mutex_lock(&pn->lock);
		err = portmon_net_switch(net, &on);
		mutex_unlock(&pn->lock);
	}
	/* Without counters a namespace is not refused, but the module is. */
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
	RCU_INIT_POINTER(pn->live, NULL);
}

/* A grace period has passed since .pre_exit: nobody counts any more. */
static void __net_exit portmon_net_end(struct net *net)
{
	struct portmon_net *pn = portmon_net(net);

	if (pn->tables)
		portmon_net_free(pn);
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
 * portmon_net_init() - start counting, in the initial namespace at least
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
