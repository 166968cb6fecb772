// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "lib/nl.h"
#include "lib/nlsock.h"

/* How often a dump is repeated that a reset interrupted. */
#define MAX_TRIES	16

/**
 * struct pm - a connection to the module
 * @nl: its socket
 * @family: number the kernel gave the family
 * @group: number of its multicast group, 0 if it has none
 */
struct pm {
	struct nlsock *nl;
	int family;
	int group;
};

typedef int (*handler)(const struct nlattr *attrs, int len, void *arg);

/**
 * struct taker - what takes the attributes of each message
 * @fn: the function
 * @arg: its argument
 */
struct taker {
	handler fn;
	void *arg;
};

static int take_message(struct nlmsghdr *h, void *arg)
{
	const struct taker *t = arg;

	if (nlmsg_datalen(h) < (int)GENL_HDRLEN)
		return -EBADMSG;
	return t->fn(nlmsg_data(h) + GENL_HDRLEN,
		     nlmsg_datalen(h) - GENL_HDRLEN, t->arg);
}

/* Send a request, which is freed, and read the answer. */
static int transact(struct pm *pm, struct nl_msg *msg, handler fn, void *arg)
{
	struct taker taker = { .fn = fn, .arg = arg };

	return nlsock_ask(pm->nl, msg, take_message, &taker);
}

static struct nl_msg *request(int family, uint8_t cmd, uint8_t version,
			      int flags)
{
	struct nl_msg *msg = nlmsg_alloc_size(256);

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0,
				flags, cmd, version)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

/* The groups are nests in a nest; the module has one. */
static int group_number(const struct nlattr *groups)
{
	const struct nlattr *group, *name, *id;
	int left;

	nla_for_each_nested(group, groups, left) {
		name = nla_find(nla_data(group), nla_len(group),
				CTRL_ATTR_MCAST_GRP_NAME);
		id = nla_find(nla_data(group), nla_len(group),
			      CTRL_ATTR_MCAST_GRP_ID);
		if (name && id && nla_len(id) == sizeof(uint32_t) &&
		    !nla_strcmp(name, PORTMON_MCGRP_EVENTS))
			return nla_get_u32(id);
	}
	return 0;
}

static int keep_family(const struct nlattr *attrs, int len, void *arg)
{
	const struct nlattr *a = nla_find(attrs, len, CTRL_ATTR_FAMILY_ID);
	struct pm *pm = arg;

	if (!a || nla_len(a) != sizeof(uint16_t))
		return -EBADMSG;
	pm->family = nla_get_u16(a);
	a = nla_find(attrs, len, CTRL_ATTR_MCAST_GROUPS);
	pm->group = a ? group_number(a) : 0;
	return 0;
}

/**
 * pm_find() - look up the number of the module's family, which it gets
 *             each time that the module is loaded
 * @pm: the connection
 *
 * Return: 0, -ENOENT if the module is not loaded, or a negative errno.
 */
int pm_find(struct pm *pm)
{
	struct nl_msg *msg = request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1,
				     NLM_F_REQUEST | NLM_F_ACK);

	if (!msg || nla_put_string(msg, CTRL_ATTR_FAMILY_NAME,
				   PORTMON_FAMILY_NAME)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return transact(pm, msg, keep_family, pm);
}

/**
 * pm_open() - connect to the module of this network namespace
 * @pmp: the connection, to close with pm_close()
 * @e: why it failed
 *
 * Return: 0 or a negative errno.
 */
int pm_open(struct pm **pmp, struct error *e)
{
	struct pm *pm = calloc(1, sizeof(*pm));
	int err;

	if (!pm)
		return error_set(e, -ENOMEM, "out of memory");
	err = nlsock_open(&pm->nl, NETLINK_GENERIC);
	if (err) {
		error_set(e, err, "cannot open a netlink socket: %s",
			  strerror(-err));
		goto failed;
	}
	err = pm_find(pm);
	if (err == -ENOENT) {
		error_set(e, err,
			  "the portmon module is not loaded; load it with: modprobe portmon");
		goto failed;
	} else if (err) {
		pm_error(pm, "find the portmon module", err, e);
		goto failed;
	}
	*pmp = pm;
	return 0;
failed:
	pm_close(pm);
	return err;
}

/**
 * pm_open_kept() - read answers that pm_keep() has kept
 * @pmp: as a connection, to close with pm_close()
 * @kept: the answers, in the order that the questions are asked in now
 *
 * Return: 0 or -ENOMEM.
 */
int pm_open_kept(struct pm **pmp, FILE *kept)
{
	struct pm *pm = calloc(1, sizeof(*pm));

	if (!pm || nlsock_open_kept(&pm->nl, kept)) {
		free(pm);
		return -ENOMEM;
	}
	*pmp = pm;
	return 0;
}

/**
 * pm_keep() - keep the module's answers as they come
 * @pm: the connection
 * @reply: where to, NULL to end it; without answers to dumps that a reset
 *   interrupted
 */
void pm_keep(struct pm *pm, struct nlreply *reply)
{
	pm->nl->keep = reply;
}

/**
 * pm_close() - end a connection
 * @pm: the connection or NULL
 */
void pm_close(struct pm *pm)
{
	if (!pm)
		return;
	nlsock_close(pm->nl);
	free(pm);
}

/**
 * pm_error() - what failed, why, and what to do
 * @pm: the connection
 * @what: the action that failed ("read the ports")
 * @err: the negative errno that it ended with
 * @e: the sentence
 *
 * Return: @err.
 */
int pm_error(const struct pm *pm, const char *what, int err, struct error *e)
{
	const char *why = pm->nl->sentence[0] ? pm->nl->sentence : strerror(-err);
	const char *hint = "";

	switch (-err) {
	case ENOENT:
		if (pm->nl->sentence[0])
			break;
		return error_set(e, err,
				 "the portmon module was unloaded; load it with: modprobe portmon");
	case EINTR:
		why = "the counters were reset repeatedly while they were read";
		hint = "; try again";
		break;
	case ENETDOWN:
		hint = "; enable it with: portmon-ctl enable";
		break;
	case EOPNOTSUPP:
	case EBADMSG:
		hint = "; check the versions of module and tool with: portmon-ctl info";
		break;
	}
	error_set(e, err, "cannot %s: %s%s", what, why, hint);
	e->denied = err == -EPERM || err == -EACCES;
	return err;
}

static int take_info(const struct nlattr *attrs, int len, void *arg)
{
	return pm_parse_info(attrs, len, arg);
}

static int take_record(const struct nlattr *attrs, int len, void *arg)
{
	struct record *r = records_new(arg);

	return r ? pm_parse_record(attrs, len, r, arg) : -ENOMEM;
}

/**
 * pm_info() - ask for the module and the state of the namespace
 * @pm: the connection
 * @info: the answer
 *
 * Return: 0 or a negative errno.
 */
int pm_info(struct pm *pm, struct info *info)
{
	struct nl_msg *msg = request(pm->family, PORTMON_CMD_INFO_GET,
				     PORTMON_FAMILY_VERSION,
				     NLM_F_REQUEST | NLM_F_ACK);

	return msg ? transact(pm, msg, take_info, info) : -ENOMEM;
}

/**
 * pm_switch() - switch counting, or a part of it, in the namespace
 * @pm: the connection
 * @what: bit per PORTMON_A_INFO_ENABLED, LIFECYCLE and DROPS
 * @on: on or off
 * @info: the state after it
 *
 * Return: 0, -EALREADY if nothing changed, or a negative errno.
 */
int pm_switch(struct pm *pm, unsigned int what, bool on, struct info *info)
{
	struct nl_msg *msg = request(pm->family, PORTMON_CMD_NETNS_SET,
				     PORTMON_FAMILY_VERSION,
				     NLM_F_REQUEST | NLM_F_ACK);
	unsigned int attr;
	int err = msg ? 0 : -ENOMEM;

	for (attr = 1; attr <= PORTMON_A_INFO_MAX && !err; attr++)
		if (what & 1u << attr && nla_put_u8(msg, attr, on))
			err = -ENOMEM;
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return transact(pm, msg, take_info, info);
}

static int put_filter(struct nl_msg *msg, const struct filter *f, bool ports)
{
	int err = 0;

	if (f->scope != ANY)
		err |= nla_put_u8(msg, PORTMON_A_RECORD_SCOPE, f->scope);
	if (f->transport != ANY)
		err |= nla_put_u8(msg, PORTMON_A_RECORD_TRANSPORT,
				  f->transport);
	if (f->range != ANY)
		err |= nla_put_u8(msg, PORTMON_A_RECORD_RANGE, f->range);
	if (!ports)
		return err;
	if (f->port != ANY)
		err |= nla_put_u16(msg, PORTMON_A_RECORD_PORT, f->port);
	if (f->port != ANY && f->port_max != f->port)
		err |= nla_put_u16(msg, PORTMON_A_RECORD_PORT_MAX,
				   f->port_max);
	if (f->non_zero)
		err |= nla_put_flag(msg, PORTMON_A_RECORD_NON_ZERO);
	if (f->dropped)
		err |= nla_put_flag(msg, PORTMON_A_RECORD_DROPPED);
	if (f->histograms)
		err |= nla_put_flag(msg, PORTMON_A_RECORD_WITH_HISTOGRAMS);
	return err;
}

static int dump_records_once(struct pm *pm, uint8_t cmd, const struct filter *f,
			     bool ports, struct records *list)
{
	struct nl_msg *msg = request(pm->family, cmd, PORTMON_FAMILY_VERSION,
				     NLM_F_REQUEST | NLM_F_DUMP);

	if (!msg || (f && put_filter(msg, f, ports))) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return transact(pm, msg, take_record, list);
}

/* The kernel takes one scope and one span of ports; several are picked here. */
static void keep_asked(const struct filter *f, struct records *list,
		       size_t from)
{
	size_t i, n = from;

	if (!f || !(f->scopes || f->n_spans))
		return;
	for (i = from; i < list->n; i++)
		if (filter_takes(f, &list->v[i]))
			list->v[n++] = list->v[i];
	list->n = n;
}

/* An interrupted dump is inconsistent: repeat it. */
static int dump_records(struct pm *pm, uint8_t cmd, const struct filter *f,
			bool ports, struct records *list)
{
	const size_t before = list->n;
	struct nlreply *keep = pm->nl->keep;
	const size_t kept = keep ? keep->len : 0;
	int tries, err = 0;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		list->n = before;
		if (keep)
			keep->len = kept;
		err = dump_records_once(pm, cmd, f, ports, list);
		if (!err && !pm->nl->intr)
			keep_asked(f, list, before);
		if (err || !pm->nl->intr)
			return err;
	}
	list->n = before;
	return -EINTR;
}

/**
 * pm_ports() - read port records, ordered by scope, transport and port
 * @pm: the connection
 * @f: which
 * @list: they are added to this
 *
 * Return: 0, -EINTR if resets kept breaking in, or a negative errno.
 */
int pm_ports(struct pm *pm, const struct filter *f, struct records *list)
{
	return dump_records(pm, PORTMON_CMD_PORT_GET, f, true, list);
}

/**
 * pm_ranges() - read the sums per scope, transport and IANA range
 * @pm: the connection
 * @f: which (scope, transport and range)
 * @list: they are added to this
 *
 * Return: 0, -EINTR if resets kept breaking in, or a negative errno.
 */
int pm_ranges(struct pm *pm, const struct filter *f, struct records *list)
{
	return dump_records(pm, PORTMON_CMD_RANGE_GET, f, false, list);
}

/**
 * pm_overflow() - read the counts of packets without a record
 * @pm: the connection
 * @f: which (scope, transport and range)
 * @list: they are added to this
 *
 * Return: 0, -EINTR if resets kept breaking in, or a negative errno.
 */
int pm_overflow(struct pm *pm, const struct filter *f, struct records *list)
{
	const int err = dump_records(pm, PORTMON_CMD_OVERFLOW_GET, f, false,
				     list);

	records_join(list);
	return err;
}

/**
 * pm_buckets() - read the packets per hook and family
 * @pm: the connection
 * @list: they are added to this
 *
 * Return: 0, -EINTR if resets kept breaking in, or a negative errno.
 */
int pm_buckets(struct pm *pm, struct records *list)
{
	return dump_records(pm, PORTMON_CMD_BUCKET_GET, NULL, false, list);
}

/**
 * struct each - records handed on one by one
 * @one: the record
 * @fn: the function that takes it
 * @arg: its argument
 */
struct each {
	struct records one;
	record_fn fn;
	void *arg;
};

static int hand_on(const struct nlattr *attrs, int len, void *arg)
{
	struct each *each = arg;
	struct record *r;
	int err;

	records_empty(&each->one);
	r = records_new(&each->one);
	if (!r)
		return -ENOMEM;
	err = pm_parse_record(attrs, len, r, &each->one);
	return err ? err : each->fn(r, each->arg);
}

/**
 * pm_each() - read records one by one, of which only one is in memory
 * @pm: the connection
 * @cmd: PORTMON_CMD_PORT_GET, RANGE_GET, OVERFLOW_GET or BUCKET_GET
 * @f: which, NULL for all; of ports only for PORT_GET
 * @fn: takes each; its record is valid until it returns
 * @arg: its argument
 *
 * Return: 0, -EINTR if a reset broke in (what @fn was given is then neither
 * old nor new), a negative errno, or what @fn returned that was not 0.
 */
int pm_each(struct pm *pm, uint8_t cmd, const struct filter *f, record_fn fn,
	    void *arg)
{
	struct each each = { .fn = fn, .arg = arg };
	struct nl_msg *msg = request(pm->family, cmd, PORTMON_FAMILY_VERSION,
				     NLM_F_REQUEST | NLM_F_DUMP);
	int err;

	if (!msg || (f && put_filter(msg, f, cmd == PORTMON_CMD_PORT_GET))) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	err = transact(pm, msg, hand_on, &each);
	records_free(&each.one);
	return !err && pm->nl->intr ? -EINTR : err;
}

/**
 * pm_reset() - set counters to zero and return what they held
 * @pm: the connection
 * @f: which; without a filter, the whole namespace
 * @list: what they held is added to this, also where an error is returned
 *
 * Never repeated: returned counts are in no later reply.
 *
 * Return: 0 or a negative errno.
 */
int pm_reset(struct pm *pm, const struct filter *f, struct records *list)
{
	return dump_records_once(pm, PORTMON_CMD_RESET, f, true, list);
}

/**
 * pm_subscribe() - subscribe to the module's events
 * @pm: the connection, which is for nothing else from now on
 *
 * Return: 0 or a negative errno.
 */
int pm_subscribe(struct pm *pm)
{
	int err;

	if (!pm->group)
		return -EOPNOTSUPP;
	/* Of the module's end too; first, so that none is missed. */
	err = nlsock_join(pm->nl, GENL_ID_CTRL);
	return err ? err : nlsock_join(pm->nl, pm->group);
}

/**
 * pm_fd() - what to wait for before pm_listen()
 * @pm: the connection
 *
 * Return: its file descriptor.
 */
int pm_fd(const struct pm *pm)
{
	return pm->nl->fd;
}

/**
 * struct listener - receiver of notifications
 * @fn: is called for each
 * @arg: its argument
 */
struct listener {
	notification_fn fn;
	void *arg;
};

/* CTRL_CMD_DELFAMILY, of whatever family. */
static int take_end(struct nlmsghdr *h)
{
	const struct genlmsghdr *g = nlmsg_data(h);
	const struct nlattr *name = nlmsg_find_attr(h, GENL_HDRLEN,
						    CTRL_ATTR_FAMILY_NAME);

	return g->cmd == CTRL_CMD_DELFAMILY && name &&
	       !nla_strcmp(name, PORTMON_FAMILY_NAME) ? -ENOENT : 0;
}

static int take_notification(struct nlmsghdr *h, void *arg)
{
	const struct listener *listener = arg;
	const struct genlmsghdr *g = nlmsg_data(h);
	struct records drops = { 0 };
	struct notification notification = { 0 };
	struct nlattr *attrs;
	int len, err;

	if (nlmsg_datalen(h) < (int)GENL_HDRLEN)
		return -EBADMSG;
	if (h->nlmsg_type == GENL_ID_CTRL)
		return take_end(h);
	attrs = nlmsg_data(h) + GENL_HDRLEN;
	len = nlmsg_datalen(h) - GENL_HDRLEN;
	notification.cmd = g->cmd;
	switch (g->cmd) {
	case PORTMON_CMD_NETNS_NTF:
		err = pm_parse_info(attrs, len, &notification.info);
		break;
	case PORTMON_CMD_EVENT_NTF:
	case PORTMON_CMD_RESET_NTF:
		err = pm_parse_record(attrs, len, &notification.record, &drops);
		break;
	default:
		return 0;	/* of a newer module */
	}
	if (!err)
		err = listener->fn(&notification, listener->arg);
	records_free(&drops);
	return err;
}

/**
 * pm_listen() - wait for notifications
 * @pm: the connection, subscribed
 * @fn: is called for each; may return other than 0 to end it
 * @arg: its argument
 *
 * Return: 0, -ENOENT when the module is unloaded, another negative errno, or
 * what @fn returned that was not 0.
 */
int pm_listen(struct pm *pm, notification_fn fn, void *arg)
{
	struct listener listener = { fn, arg };

	return nlsock_listen(pm->nl, take_notification, &listener);
}

/**
 * pm_lost() - number of notifications lost because this program was too slow
 * @pm: the connection
 *
 * Return: their number since it was opened.
 */
uint32_t pm_lost(const struct pm *pm)
{
	return pm->nl->lost;
}
