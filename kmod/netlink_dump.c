// SPDX-License-Identifier: GPL-2.0
/* The dumps of the family, and resets of more than one port, which are dumps. */
#include <linux/netlink.h>
#include <linux/overflow.h>
#include <linux/string.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "compat.h"
#include "counters.h"
#include "events.h"
#include "net.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "sums.h"
#include "tidy.h"

/* A line of scope, transport and range: a range's sum (@ports set) or overflow. */
static int portmon_fill_range(struct sk_buff *skb, u8 scope, u8 transport,
			      u8 range, const struct portmon_values *v,
			      const u32 *ports)
{
	if (nla_put_u8(skb, PORTMON_A_RECORD_SCOPE, scope) ||
	    nla_put_u8(skb, PORTMON_A_RECORD_TRANSPORT, transport) ||
	    nla_put_u8(skb, PORTMON_A_RECORD_RANGE, range) ||
	    (ports && nla_put_u32(skb, PORTMON_A_RECORD_PORTS, *ports)) ||
	    portmon_fill_values(skb, v))
		return -EMSGSIZE;
	return 0;
}

/* @protocol: IP protocol number, or -1. */
static int portmon_fill_bucket(struct sk_buff *skb, u8 hook, u8 family,
			       u8 bucket, int protocol,
			       struct portmon_pair v)
{
	if (nla_put_u8(skb, PORTMON_A_RECORD_HOOK, hook) ||
	    nla_put_u8(skb, PORTMON_A_RECORD_FAMILY, family) ||
	    nla_put_u8(skb, PORTMON_A_RECORD_BUCKET, bucket) ||
	    (protocol >= 0 &&
	     nla_put_u8(skb, PORTMON_A_RECORD_PROTOCOL, protocol)) ||
	    nla_put_uint(skb, PORTMON_A_RECORD_PACKETS, v.packets) ||
	    nla_put_uint(skb, PORTMON_A_RECORD_BYTES, v.bytes))
		return -EMSGSIZE;
	return 0;
}

/*
 * Where a dump stands, in cb->ctx.  It continues by key: the tables may
 * grow between two calls, or be freed and made again.
 */
struct portmon_dump {
	struct portmon_filter filter;
	struct portmon_key key;
	u16 cell;		/* of what has no key: index into its array */
	u8 ranges;		/* bit mask of enum portmon_range */
	u8 hooks;		/* bit mask of enum portmon_hook */
	u8 families;		/* bit mask of enum portmon_family */
	u8 stage;
	bool non_zero;
	bool dropped;		/* only ports with drops */
	bool all_lines;		/* no filter by transport or range */
	bool everything;	/* no filter at all */
	bool histograms;	/* return them, too */
	bool reset;
	bool begun;
};

static u8 portmon_mask(struct nlattr *attr, u8 max)
{
	return attr ? BIT(nla_get_u8(attr)) : GENMASK(max, 0);
}

static int portmon_parse_ports(struct portmon_dump *d, struct nlattr **attrs,
			       struct netlink_ext_ack *extack)
{
	struct nlattr *port = attrs[PORTMON_A_RECORD_PORT];
	struct nlattr *max = attrs[PORTMON_A_RECORD_PORT_MAX];
	struct nlattr *range = attrs[PORTMON_A_RECORD_RANGE];
	u16 range_min, range_max;

	d->filter.port_min = port ? nla_get_u16(port) : 0;
	d->filter.port_max = max ? nla_get_u16(max) :
			     port ? nla_get_u16(port) : U16_MAX;
	if (max && !port) {
		NL_SET_ERR_MSG_ATTR(extack, max, "port-max is the end of a span that begins with port, which is missing");
		return -EINVAL;
	}
	if (d->filter.port_max < d->filter.port_min) {
		NL_SET_ERR_MSG_ATTR(extack, max, "port-max is below port");
		return -EINVAL;
	}
	if (range) {
		portmon_range_span(nla_get_u8(range), &range_min, &range_max);
		d->filter.port_min = max(d->filter.port_min, range_min);
		d->filter.port_max = min(d->filter.port_max, range_max);
		/* Where no port is in both, the walk finds none. */
	}
	d->non_zero = nla_get_flag(attrs[PORTMON_A_RECORD_NON_ZERO]);
	d->dropped = nla_get_flag(attrs[PORTMON_A_RECORD_DROPPED]);
	d->histograms = d->reset ||
			nla_get_flag(attrs[PORTMON_A_RECORD_WITH_HISTOGRAMS]);
	d->all_lines = !range && !attrs[PORTMON_A_RECORD_TRANSPORT];
	return 0;
}

/*
 * First call of any dump.  The request's policy has let through only what
 * the operation takes, so absent attributes ask for everything.  Not in
 * .start: before 6.2 there is no extended ack yet.
 */
static int portmon_dump_begin(struct portmon_dump *d, struct sk_buff *request,
			      struct netlink_callback *cb)
{
	struct nlattr *attrs[PORTMON_A_RECORD_MAX + 1] = {};
	int err;

	memcpy(attrs, portmon_dump_attrs(cb),
	       (genl_dumpit_info(cb)->op.maxattr + 1) * sizeof(*attrs));
	err = d->reset ? portmon_may_change(request, cb->extack) :
			 portmon_may_read(request, cb->extack);
	if (err)
		return err;
	d->filter.scopes = portmon_mask(attrs[PORTMON_A_RECORD_SCOPE],
					PORTMON_SCOPE_MAX);
	d->filter.transports = portmon_mask(attrs[PORTMON_A_RECORD_TRANSPORT],
					    PORTMON_TRANSPORT_MAX);
	d->ranges = portmon_mask(attrs[PORTMON_A_RECORD_RANGE],
				 PORTMON_RANGE_MAX);
	d->hooks = portmon_mask(attrs[PORTMON_A_RECORD_HOOK],
				PORTMON_HOOK_MAX);
	d->families = portmon_mask(attrs[PORTMON_A_RECORD_FAMILY],
				   PORTMON_FAMILY_MAX);
	/* Whatever is there is a filter, those of later versions too. */
	d->everything = !memchr_inv(attrs, 0, sizeof(attrs));
	return portmon_parse_ports(d, attrs, cb->extack);
}

/* One message of a dump; filled by the caller between begin and end. */
static void *portmon_dump_msg(struct sk_buff *skb, struct netlink_callback *cb,
			      u8 cmd)
{
	void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				cb->nlh->nlmsg_seq, &portmon_nl_family,
				NLM_F_MULTI, cmd);

	if (hdr)
		genl_dump_check_consistent(cb, hdr);
	return hdr;
}

static int portmon_dump_end(struct sk_buff *skb, void *hdr, int err)
{
	if (err)
		genlmsg_cancel(skb, hdr);
	else
		genlmsg_end(skb, hdr);
	return err;
}

static int portmon_dump_ports(struct sk_buff *skb, struct netlink_callback *cb,
			      struct portmon_dump *d, struct portmon_tables *t,
			      u8 cmd)
{
	struct portmon_values v;
	unsigned long *entry;
	void *hdr;
	int err;

	for (; (entry = portmon_walk(t, &d->key, &d->filter)); d->key.port++) {
		/* Few have any, and reading one is most of the work. */
		if (d->dropped && !portmon_dropped(entry))
			continue;
		portmon_read(t, entry, &v);
		/* A connection may end, after a reset, without a packet. */
		if (d->histograms || (d->non_zero && portmon_values_zero(&v)))
			portmon_read_histograms(t, entry, &v);
		if (portmon_values_zero(&v) && (d->non_zero || d->reset))
			continue;
		if (!d->histograms)
			v.histograms = NULL;
		if (d->dropped && !v.n_drops)
			continue;
		hdr = portmon_dump_msg(skb, cb, cmd);
		if (!hdr)
			return -EMSGSIZE;
		err = portmon_dump_end(skb, hdr,
				       portmon_fill_port(skb, &d->key, &v));
		if (err)
			return err;
		if (d->reset)
			portmon_subtract(t, entry, &v);
	}
	return 0;
}

#define PORTMON_RANGE_CELLS	(PORTMON_SCOPES * PORTMON_TRANSPORTS * PORTMON_RANGES)

static bool portmon_range_cell(const struct portmon_dump *d, u8 *scope,
			       u8 *transport, u8 *range)
{
	*range = d->cell % PORTMON_RANGES;
	*transport = d->cell / PORTMON_RANGES % PORTMON_TRANSPORTS;
	*scope = d->cell / PORTMON_RANGES / PORTMON_TRANSPORTS;
	return d->filter.scopes & BIT(*scope) &&
	       d->filter.transports & BIT(*transport) &&
	       d->ranges & BIT(*range);
}

static void portmon_read_overflow(const struct portmon_tables *t, u8 scope,
				  u8 transport, u8 range,
				  struct portmon_values *v)
{
	const struct portmon_pair *base = t->base.overflow[transport][scope][range];
	struct portmon_pair sum;
	enum portmon_dir dir;

	memset(v, 0, sizeof(*v));
	for (dir = 0; dir < PORTMON_DIRS; dir++) {
		sum = portmon_stats_read(t, &base[dir]);
		v->packets[dir] = sum.packets;
		v->bytes[dir] = sum.bytes;
	}
}

/* A sum of ports can be more than a counter: then it is the largest number. */
static u64 portmon_sum(u64 a, u64 b)
{
	u64 sum;

	return check_add_overflow(a, b, &sum) ? U64_MAX : sum;
}

/* Sum up a range into @v, which holds its overflow; returns its ports. */
static u32 portmon_read_range(struct portmon_tables *t, u8 scope, u8 transport,
			      u8 range, struct portmon_values *v)
{
	struct portmon_filter filter = {
		.scopes = BIT(scope),
		.transports = BIT(transport),
	};
	struct portmon_key key = { .scope = scope, .transport = transport };
	struct portmon_values one;
	unsigned long *entry;
	enum portmon_dir dir;
	u32 ports = 0;

	portmon_range_span(range, &filter.port_min, &filter.port_max);
	for (; (entry = portmon_walk(t, &key, &filter)); key.port++) {
		portmon_read_traffic(t, entry, &one);
		if (!portmon_values_traffic(&one))
			continue;
		for (dir = 0; dir < PORTMON_DIRS; dir++) {
			v->packets[dir] = portmon_sum(v->packets[dir],
						      one.packets[dir]);
			v->bytes[dir] = portmon_sum(v->bytes[dir],
						    one.bytes[dir]);
		}
		ports++;
	}
	return ports;
}

static int portmon_dump_ranges(struct sk_buff *skb, struct netlink_callback *cb,
			       struct portmon_dump *d, struct portmon_tables *t)
{
	u8 scope, transport, range;
	struct portmon_values v;
	void *hdr;
	u32 ports;
	int err;

	for (; d->cell < PORTMON_RANGE_CELLS; d->cell++) {
		if (!portmon_range_cell(d, &scope, &transport, &range))
			continue;
		portmon_read_overflow(t, scope, transport, range, &v);
		ports = portmon_read_range(t, scope, transport, range, &v);
		if (portmon_values_zero(&v))
			continue;
		hdr = portmon_dump_msg(skb, cb, PORTMON_CMD_RANGE_GET);
		if (!hdr)
			return -EMSGSIZE;
		err = portmon_dump_end(skb, hdr,
				       portmon_fill_range(skb, scope, transport,
							  range, &v, &ports));
		if (err)
			return err;
	}
	return 0;
}

/*
 * Events that had no counter: cells after those of the ranges, a message for
 * as many kinds as fit.
 */
static int portmon_dump_overflow_events(struct sk_buff *skb,
					struct netlink_callback *cb,
					struct portmon_dump *d,
					struct portmon_tables *t, u8 cmd)
{
	unsigned int cell, scope, next;
	struct portmon_values v;
	void *hdr;
	int err;

	while (d->cell < PORTMON_RANGE_CELLS + PORTMON_SCOPES * PORTMON_KINDS) {
		cell = d->cell - PORTMON_RANGE_CELLS;
		scope = cell / PORTMON_KINDS;
		next = portmon_events_overflow(t, scope, cell % PORTMON_KINDS,
					       &v);
		if (d->filter.scopes & BIT(scope) && !portmon_values_zero(&v)) {
			hdr = portmon_dump_msg(skb, cb, cmd);
			if (!hdr)
				return -EMSGSIZE;
			err = nla_put_u8(skb, PORTMON_A_RECORD_SCOPE, scope);
			err = portmon_dump_end(skb, hdr,
					       err ?: portmon_fill_events(skb, &v));
			if (err)
				return err;
			if (d->reset)
				portmon_events_overflow_subtract(t, scope, &v);
		}
		d->cell += next - cell % PORTMON_KINDS;
	}
	return 0;
}

static int portmon_dump_overflow(struct sk_buff *skb,
				 struct netlink_callback *cb,
				 struct portmon_dump *d,
				 struct portmon_tables *t, u8 cmd)
{
	u8 scope, transport, range;
	struct portmon_pair *base;
	struct portmon_values v;
	enum portmon_dir dir;
	void *hdr;
	int err;

	for (; d->cell < PORTMON_RANGE_CELLS; d->cell++) {
		if (!portmon_range_cell(d, &scope, &transport, &range))
			continue;
		portmon_read_overflow(t, scope, transport, range, &v);
		if (portmon_values_zero(&v))
			continue;
		hdr = portmon_dump_msg(skb, cb, cmd);
		if (!hdr)
			return -EMSGSIZE;
		err = portmon_dump_end(skb, hdr,
				       portmon_fill_range(skb, scope, transport,
							  range, &v, NULL));
		if (err)
			return err;
		if (!d->reset)
			continue;
		base = t->base.overflow[transport][scope][range];
		for (dir = 0; dir < PORTMON_DIRS; dir++) {
			base[dir].packets += v.packets[dir];
			base[dir].bytes += v.bytes[dir];
		}
	}
	/* They belong to no transport and no range. */
	if (!d->all_lines)
		return 0;
	return portmon_dump_overflow_events(skb, cb, d, t, cmd);
}

/* Cells of a hook and family: the buckets, then the protocols by number. */
#define PORTMON_BUCKET_CELLS	(PORTMON_BUCKETS + 256)

static int portmon_dump_bucket(struct sk_buff *skb, struct netlink_callback *cb,
			       struct portmon_dump *d, struct portmon_tables *t,
			       u8 cmd)
{
	unsigned int cell = d->cell % PORTMON_BUCKET_CELLS;
	unsigned int family = d->cell / PORTMON_BUCKET_CELLS % PORTMON_FAMILIES;
	unsigned int hook = d->cell / PORTMON_BUCKET_CELLS / PORTMON_FAMILIES;
	unsigned int bucket = min_t(unsigned int, cell, PORTMON_BUCKETS);
	int protocol = (int)cell - PORTMON_BUCKETS;
	struct portmon_pair *base = NULL, v;
	struct portmon_values values;
	unsigned long *entry = NULL;
	void *hdr;
	int err;

	if (!(d->hooks & BIT(hook)) || !(d->families & BIT(family)))
		return 0;
	if (protocol < 0) {
		base = &t->base.bucket[hook][family][bucket];
		v = portmon_stats_read(t, base);
	} else {
		bucket = PORTMON_BUCKET_PROTOCOL;
		entry = portmon_find_protocol(t, hook, family, protocol);
		if (!entry)
			return 0;
		portmon_read(t, entry, &values);
		v.packets = values.packets[PORTMON_RX];
		v.bytes = values.bytes[PORTMON_RX];
	}
	if (!(v.packets | v.bytes))
		return 0;
	hdr = portmon_dump_msg(skb, cb, cmd);
	if (!hdr)
		return -EMSGSIZE;
	err = portmon_dump_end(skb, hdr,
			       portmon_fill_bucket(skb, hook, family, bucket,
						   protocol, v));
	if (err || !d->reset)
		return err;
	if (entry) {
		portmon_subtract(t, entry, &values);
	} else {
		base->packets += v.packets;
		base->bytes += v.bytes;
	}
	return 0;
}

static int portmon_dump_buckets(struct sk_buff *skb,
				struct netlink_callback *cb,
				struct portmon_dump *d,
				struct portmon_tables *t, u8 cmd)
{
	int err;

	for (; d->cell < PORTMON_HOOKS * PORTMON_FAMILIES * PORTMON_BUCKET_CELLS;
	     d->cell++) {
		err = portmon_dump_bucket(skb, cb, d, t, cmd);
		if (err)
			return err;
	}
	return 0;
}

/* Of a reset: ports, overflow, buckets. */
#define PORTMON_STAGES	3

static int portmon_dump_reset(struct sk_buff *skb, struct netlink_callback *cb,
			      struct portmon_dump *d, struct portmon_tables *t)
{
	int err = 0;

	for (; d->stage < PORTMON_STAGES; d->stage++, d->cell = 0) {
		if (d->stage == 0)
			err = portmon_dump_ports(skb, cb, d, t,
						 PORTMON_CMD_RESET);
		else if (!d->everything)
			continue;
		else if (d->stage == 1)
			err = portmon_dump_overflow(skb, cb, d, t,
						    PORTMON_CMD_RESET);
		else
			err = portmon_dump_buckets(skb, cb, d, t,
						   PORTMON_CMD_RESET);
		if (err)
			break;
	}
	return err;
}

/*
 * All dumps: lock, continue where the last call stopped, until the buffer is
 * full.  A reset does not watch the generation: it is what changes it, and
 * what it has returned must not be thrown away as inconsistent.
 */
static int portmon_dump(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	struct portmon_net *pn = portmon_net(sock_net(cb->skb->sk));
	struct portmon_dump *d = (void *)cb->ctx;
	struct portmon_tables *t;
	bool first = !d->begun;
	int err;

	BUILD_BUG_ON(sizeof(*d) > sizeof(cb->ctx));
	if (first) {
		d->reset = cmd == PORTMON_CMD_RESET;
		err = portmon_dump_begin(d, cb->skb, cb);
		if (err)
			return err;
	}
	t = portmon_lock(pn, cb->extack);
	if (!t)
		return -ENETDOWN;
	d->begun = true;
	if (d->reset) {
		portmon_net_changed(pn);
		if (first && d->everything) {
			pn->since = ktime_get_real_seconds();
			atomic64_set(&t->events.histograms_refused, 0);
		}
	} else {
		cb->seq = pn->generation;
	}

	switch (cmd) {
	case PORTMON_CMD_PORT_GET:
		err = portmon_dump_ports(skb, cb, d, t, cmd);
		break;
	case PORTMON_CMD_RANGE_GET:
		err = portmon_dump_ranges(skb, cb, d, t);
		break;
	case PORTMON_CMD_OVERFLOW_GET:
		err = portmon_dump_overflow(skb, cb, d, t, cmd);
		break;
	case PORTMON_CMD_BUCKET_GET:
		err = portmon_dump_buckets(skb, cb, d, t, cmd);
		break;
	default:
		err = portmon_dump_reset(skb, cb, d, t);
	}
	portmon_unlock(pn);
	return err == -EMSGSIZE && skb->len ? skb->len : err;
}

/**
 * portmon_nl_port_get_dumpit() - port-get of all ports that match
 * @skb: messages
 * @cb: dump
 *
 * Return: length of the messages, 0 at the end, or a negative error.
 */
int portmon_nl_port_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return portmon_dump(skb, cb, PORTMON_CMD_PORT_GET);
}

/**
 * portmon_nl_range_get_dumpit() - range-get
 * @skb: messages
 * @cb: dump
 *
 * Return: length of the messages, 0 at the end, or a negative error.
 */
int portmon_nl_range_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb)
{
	return portmon_dump(skb, cb, PORTMON_CMD_RANGE_GET);
}

/**
 * portmon_nl_overflow_get_dumpit() - overflow-get
 * @skb: messages
 * @cb: dump
 *
 * Return: length of the messages, 0 at the end, or a negative error.
 */
int portmon_nl_overflow_get_dumpit(struct sk_buff *skb,
				   struct netlink_callback *cb)
{
	return portmon_dump(skb, cb, PORTMON_CMD_OVERFLOW_GET);
}

/**
 * portmon_nl_bucket_get_dumpit() - bucket-get
 * @skb: messages
 * @cb: dump
 *
 * Return: length of the messages, 0 at the end, or a negative error.
 */
int portmon_nl_bucket_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb)
{
	return portmon_dump(skb, cb, PORTMON_CMD_BUCKET_GET);
}

/**
 * portmon_nl_reset_dumpit() - reset of all that matches
 * @skb: messages
 * @cb: dump
 *
 * Return: length of the messages, 0 at the end, or a negative error.
 */
int portmon_nl_reset_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return portmon_dump(skb, cb, PORTMON_CMD_RESET);
}

/**
 * portmon_nl_reset_done() - end of a reset, complete or not
 * @cb: dump
 *
 * Return: 0.
 */
int portmon_nl_reset_done(struct netlink_callback *cb)
{
	const struct portmon_dump *d = (void *)cb->ctx;
	struct portmon_net *pn = portmon_net(sock_net(cb->skb->sk));

	if (d->everything && d->stage == PORTMON_STAGES) {
		mutex_lock(&pn->lock);
		if (pn->tables)
			portmon_tidy(pn->tables);
		mutex_unlock(&pn->lock);
	}
	if (d->begun)
		portmon_notify_reset(sock_net(cb->skb->sk),
				     portmon_dump_attrs(cb),
				     genl_dumpit_info(cb)->op.maxattr);
	return 0;
}
