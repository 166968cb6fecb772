// SPDX-License-Identifier: GPL-2.0
/*
 * Counts too large, and races too rare, for a test to produce. Only in a build
 * for tests (PORTMON_TEST=y), which is never installed: in the caller's network
 * namespace what is written to the parameter test_count is counted as if it
 * had passed a hook,
 *
 *	port SCOPE TRANSPORT PORT DIRECTION PACKETS BYTES [TIMES]
 *	held SCOPE TRANSPORT PORT DIRECTION PACKETS BYTES MS
 *	event SCOPE TRANSPORT PORT KIND N
 *	protocol HOOK FAMILY PROTOCOL PACKETS BYTES
 *	bucket HOOK FAMILY BUCKET PACKETS BYTES
 *	sample SCOPE TRANSPORT PORT N
 *	late SCOPE TRANSPORT PORT N
 *	removed SCOPE TRANSPORT PORT N
 *	tidy MS
 *	stop
 *	unanswered N
 *	together SCOPE TRANSPORT PORT KIND OTHER
 *
 * all of them numbers, as netlink and events.h have them. What is held is so
 * for MS milliseconds between having found a busy port's slot and counting
 * there. tidy gives back at once what is zero and has been idle for MS,
 * unless stop has been written since counting was switched on. unanswered is
 * N SYN-ACKs, retransmitted, of handshakes that are never completed. sample is
 * N connections in which everything was zero. late is one more, which has found
 * the port's record before the worker takes that out to give it back, and
 * counts there after a packet and N samples have come to the next record.
 * removed is a packet of one byte, and one event of each kind that the port has
 * seen, which count at such a record after N packets have come to the next one.
 * Both take two CPUs.  together is an event on each CPU at the same time, of
 * KIND on the CPU that is ready first and of OTHER on the others.
 */
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/workqueue.h>
#include <net/inet_sock.h>
#include <net/tcp.h>

#include "counters.h"
#include "events.h"
#include "histograms.h"
#include "measures.h"
#include "net.h"
#include "tidy.h"

/* What a line holds behind its first word. */
struct portmon_line {
	unsigned int n[4];
	u64 packets;
	u64 bytes;
	unsigned int times;
};

static int portmon_test_port(struct portmon_tables *t,
			     const struct portmon_line *l)
{
	const struct portmon_key key = {
		.scope = l->n[0], .transport = l->n[1], .port = l->n[2],
	};
	unsigned int i;

	if (l->n[0] >= PORTMON_SCOPES || l->n[1] >= PORTMON_TRANSPORTS ||
	    l->n[2] > U16_MAX || l->n[3] >= PORTMON_DIRS)
		return -EINVAL;
	for (i = 0; i < l->times; i++)
		portmon_port_add(t, &key, l->n[3], l->packets, l->bytes);
	return 0;
}

static int portmon_test_held(struct portmon_tables *t,
			     const struct portmon_line *l)
{
	const struct portmon_key key = {
		.scope = l->n[0], .transport = l->n[1], .port = l->n[2],
	};
	unsigned long *entry, e;
	ktime_t end;

	if (l->n[0] >= PORTMON_SCOPES || l->n[1] >= PORTMON_TRANSPORTS ||
	    l->n[2] > U16_MAX || l->n[3] >= PORTMON_DIRS)
		return -EINVAL;
	entry = portmon_find(t, &key);
	e = entry ? READ_ONCE(*entry) : PORTMON_COLD;
	if (e & PORTMON_COLD)
		return -ENOENT;
	/* mdelay() is as good as what was measured at boot. */
	end = ktime_add_ms(ktime_get(), l->times);
	while (ktime_before(ktime_get(), end))
		cpu_relax();
	portmon_slot_add(portmon_entry_slot(e), l->n[3], l->packets, l->bytes,
			 jiffies);
	return 0;
}

static int portmon_test_event(struct portmon_tables *t,
			      const struct portmon_line *l)
{
	const struct portmon_key key = {
		.scope = l->n[0], .transport = l->n[1], .port = l->n[2],
	};

	if (l->n[0] >= PORTMON_SCOPES || l->n[1] >= PORTMON_TRANSPORTS ||
	    l->n[2] > U16_MAX || !l->n[3] || l->n[3] >= PORTMON_KINDS)
		return -EINVAL;
	portmon_event_add(t, &key, l->n[3], l->packets);
	return 0;
}

static int portmon_test_sample(struct portmon_tables *t,
			       const struct portmon_line *l)
{
	const struct portmon_key key = {
		.scope = l->n[0], .transport = l->n[1], .port = l->n[2],
	};
	unsigned int i;

	if (l->n[0] >= PORTMON_SCOPES || l->n[1] >= PORTMON_TRANSPORTS ||
	    l->n[2] > U16_MAX)
		return -EINVAL;
	for (i = 0; i < l->n[3]; i++)
		portmon_histograms_add(t, &key, 0);
	return 0;
}

/* The record of a port, which the worker has taken out to give it back. */
static struct portmon_record *
portmon_test_take_out(struct portmon_tables *t, const struct portmon_key *key)
{
	ktime_t end = ktime_add_ms(ktime_get(), 5 * MSEC_PER_SEC);
	struct portmon_record *record = portmon_record_find(t, key);

	if (!record)
		return ERR_PTR(-ENOENT);
	WRITE_ONCE(record->last, jiffies - 3600 * HZ);
	portmon_tidy(t);
	while (portmon_record_find(t, key) == record) {
		if (ktime_after(ktime_get(), end))
			return ERR_PTR(-ETIME);
		cpu_relax();
	}
	return record;
}

static int portmon_test_late(struct portmon_tables *t,
			     const struct portmon_line *l)
{
	const struct portmon_key key = {
		.scope = l->n[0], .transport = l->n[1], .port = l->n[2],
	};
	struct portmon_record *record;
	struct portmon_counter *head;

	if (l->n[0] >= PORTMON_SCOPES || l->n[1] >= PORTMON_TRANSPORTS ||
	    l->n[2] > U16_MAX)
		return -EINVAL;
	record = portmon_record_find(t, &key);
	head = record ? portmon_event_find(READ_ONCE(record->events), NULL,
					   PORTMON_KIND_HISTOGRAMS) : NULL;
	if (!head)
		return -ENOENT;
	record = portmon_test_take_out(t, &key);
	if (IS_ERR(record))
		return PTR_ERR(record);
	portmon_port_add(t, &key, PORTMON_RX, 1, 1);
	portmon_test_sample(t, l);
	atomic64_inc(&container_of(head, struct portmon_histograms,
				   head)->bucket[0][0]);
	return 0;
}

static int portmon_test_removed(struct portmon_tables *t,
				const struct portmon_line *l)
{
	const struct portmon_key key = {
		.scope = l->n[0], .transport = l->n[1], .port = l->n[2],
	};
	struct portmon_record *record;
	struct portmon_counter *event;
	unsigned int i;

	if (l->n[0] >= PORTMON_SCOPES || l->n[1] >= PORTMON_TRANSPORTS ||
	    l->n[2] > U16_MAX)
		return -EINVAL;
	record = portmon_test_take_out(t, &key);
	if (IS_ERR(record))
		return PTR_ERR(record);
	for (i = 0; i < l->n[3]; i++)
		portmon_port_add(t, &key, PORTMON_RX, 1, 1);
	atomic64_inc(&record->dir[PORTMON_RX].packets);
	atomic64_inc(&record->dir[PORTMON_RX].bytes);
	for (event = READ_ONCE(record->events); event; event = event->next)
		atomic64_inc(&event->count);
	return 0;
}

static int portmon_test_other(struct portmon_tables *t,
			      const struct portmon_line *l, bool protocol)
{
	if (l->n[0] >= PORTMON_HOOKS || l->n[1] >= PORTMON_FAMILIES ||
	    l->n[2] >= (protocol ? 256 : PORTMON_BUCKETS))
		return -EINVAL;
	if (protocol)
		portmon_protocol_add(t, l->n[0], l->n[1], l->n[2], l->packets,
				     l->bytes);
	else
		portmon_pair_add(&t->stats->bucket[l->n[0]][l->n[1]][l->n[2]],
				 l->packets, l->bytes);
	return 0;
}

static int portmon_test_line(struct portmon_tables *t, const char *line)
{
	struct portmon_line l = { .times = 1 };

	if (sscanf(line, "port %u %u %u %u %llu %llu %u", &l.n[0], &l.n[1],
		   &l.n[2], &l.n[3], &l.packets, &l.bytes, &l.times) >= 6)
		return portmon_test_port(t, &l);
	if (sscanf(line, "held %u %u %u %u %llu %llu %u", &l.n[0], &l.n[1],
		   &l.n[2], &l.n[3], &l.packets, &l.bytes, &l.times) == 7)
		return portmon_test_held(t, &l);
	if (sscanf(line, "event %u %u %u %u %llu", &l.n[0], &l.n[1], &l.n[2],
		   &l.n[3], &l.packets) == 5)
		return portmon_test_event(t, &l);
	if (sscanf(line, "sample %u %u %u %u", &l.n[0], &l.n[1], &l.n[2],
		   &l.n[3]) == 4)
		return portmon_test_sample(t, &l);
	if (sscanf(line, "late %u %u %u %u", &l.n[0], &l.n[1], &l.n[2],
		   &l.n[3]) == 4)
		return portmon_test_late(t, &l);
	if (sscanf(line, "removed %u %u %u %u", &l.n[0], &l.n[1], &l.n[2],
		   &l.n[3]) == 4)
		return portmon_test_removed(t, &l);
	if (sscanf(line, "protocol %u %u %u %llu %llu", &l.n[0], &l.n[1],
		   &l.n[2], &l.packets, &l.bytes) == 5)
		return portmon_test_other(t, &l, true);
	if (sscanf(line, "bucket %u %u %u %llu %llu", &l.n[0], &l.n[1],
		   &l.n[2], &l.packets, &l.bytes) == 5)
		return portmon_test_other(t, &l, false);
	return -EINVAL;
}

static int portmon_test_tidy(unsigned int ms, bool stop)
{
	struct portmon_net *pn = portmon_net(current->nsproxy->net_ns);
	int err = -ENETDOWN;

	mutex_lock(&pn->lock);
	if (pn->tables) {
		if (stop)
			portmon_tidy_stop(pn->tables);
		else
			portmon_tidy_now(pn->tables, msecs_to_jiffies(ms));
		err = 0;
	}
	mutex_unlock(&pn->lock);
	return err;
}

static int portmon_test_unanswered(unsigned int n)
{
	struct tcp_request_sock *treq = kzalloc(sizeof(*treq), GFP_KERNEL);

	if (!treq)
		return -ENOMEM;
	write_pnet(&treq->req.ireq_net, current->nsproxy->net_ns);
	while (n--) {
		treq->snt_isn = get_random_u32();
		treq->snt_synack = div_u64(ktime_get_ns(), NSEC_PER_USEC);
		portmon_measure_synack(&treq->req.req);
		cond_resched();
	}
	kfree(treq);
	return 0;
}

static struct {
	struct portmon_net *pn;
	struct portmon_line l;
	atomic_t ready;
} portmon_test_together;

static DEFINE_PER_CPU(struct work_struct, portmon_test_works);

static void portmon_test_one_of(struct work_struct *unused)
{
	struct portmon_line l = portmon_test_together.l;
	struct portmon_tables *t;

	if (atomic_inc_return(&portmon_test_together.ready) > 1)
		l.n[3] = l.times;
	/* Not cpu_relax(): an emulated CPU is away for long after it. */
	while (atomic_read(&portmon_test_together.ready) < num_online_cpus())
		barrier();
	rcu_read_lock();
	t = rcu_dereference(portmon_test_together.pn->live);
	if (t)
		portmon_test_event(t, &l);
	rcu_read_unlock();
}

/* The caller's namespace stays, and kernel/params.c lets one at a time in. */
static int portmon_test_all(const struct portmon_line *l)
{
	unsigned int cpu;

	portmon_test_together.pn = portmon_net(current->nsproxy->net_ns);
	portmon_test_together.l = *l;
	atomic_set(&portmon_test_together.ready, 0);
	cpus_read_lock();
	for_each_online_cpu(cpu) {
		INIT_WORK(per_cpu_ptr(&portmon_test_works, cpu),
			  portmon_test_one_of);
		schedule_work_on(cpu, per_cpu_ptr(&portmon_test_works, cpu));
	}
	for_each_online_cpu(cpu)
		flush_work(per_cpu_ptr(&portmon_test_works, cpu));
	cpus_read_unlock();
	return 0;
}

static int portmon_test_set(const char *line, const struct kernel_param *kp)
{
	struct portmon_line l = { .packets = 1 };
	struct portmon_tables *t;
	int err = -ENETDOWN;
	unsigned int ms, n;

	/* At load there is nothing to count in. */
	if (THIS_MODULE->state != MODULE_STATE_LIVE)
		return -EINVAL;
	if (sscanf(line, "tidy %u", &ms) == 1)
		return portmon_test_tidy(ms, false);
	if (sysfs_streq(line, "stop"))
		return portmon_test_tidy(0, true);
	if (sscanf(line, "unanswered %u", &n) == 1)
		return portmon_test_unanswered(n);
	if (sscanf(line, "together %u %u %u %u %u", &l.n[0], &l.n[1], &l.n[2],
		   &l.n[3], &l.times) == 5)
		return portmon_test_all(&l);
	/* Readers are not kept out, as packets do not keep them out. */
	rcu_read_lock();
	t = rcu_dereference(portmon_net(current->nsproxy->net_ns)->live);
	if (t)
		err = portmon_test_line(t, line);
	rcu_read_unlock();
	return err;
}

static const struct kernel_param_ops portmon_test_ops = {
	.set = portmon_test_set,
};

module_param_cb(test_count, &portmon_test_ops, NULL, 0200);
MODULE_PARM_DESC(test_count, "For tests: count this as if it had passed a hook");
