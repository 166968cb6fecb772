// SPDX-License-Identifier: GPL-2.0
/*
 * libnl makes the socket and the messages. Receiving is done here: libnl's
 * own receiver copies every message, folds the kernel's errno into its own
 * set of errors and knows nothing of extended acks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/socket.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "nl.h"
#include "util.h"

/* The kernel fills messages of up to 32 KiB if there is room for them. */
#define BUF_SIZE	(64 * 1024)

/* How often a dump is read again that a reset broke into. */
#define MAX_TRIES	16

/**
 * struct pm - a connection to the module
 * @sk: libnl's socket
 * @fd: its file descriptor
 * @family: number the kernel gave the family
 * @intr: a reset broke into the dump being read
 * @sentence: what the kernel said about the last error, or empty
 * @buf: what is being received
 */
struct pm {
	struct nl_sock *sk;
	int fd;
	int family;
	bool intr;
	char sentence[256];
	unsigned char buf[BUF_SIZE] __attribute__((aligned(8)));
};

typedef int (*handler)(const struct nlattr *attrs, int len, void *arg);

static void keep_sentence(struct pm *pm, const struct nlattr *attrs, int len)
{
	const struct nlattr *a = attrs;

	for (; nla_ok(a, len); a = nla_next(a, &len))
		if (nla_type(a) == NLMSGERR_ATTR_MSG)
			snprintf(pm->sentence, sizeof(pm->sentence), "%.*s",
				 nla_len(a), (const char *)nla_data(a));
}

/* NLMSG_ERROR, which is also the ack. */
static int read_ack(struct pm *pm, struct nlmsghdr *h)
{
	const struct nlmsgerr *e = nlmsg_data(h);
	int skip = sizeof(*e);

	if (nlmsg_datalen(h) < skip)
		return -EBADMSG;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(e->msg.nlmsg_len) - sizeof(e->msg);
	if (h->nlmsg_flags & NLM_F_ACK_TLVS && nlmsg_datalen(h) > skip)
		keep_sentence(pm, nlmsg_data(h) + skip,
			      nlmsg_datalen(h) - skip);
	return e->error;
}

/* NLMSG_DONE: a dump that failed half way tells it here. */
static int read_done(struct pm *pm, struct nlmsghdr *h)
{
	const int skip = NLMSG_ALIGN(sizeof(int));
	int err = 0;

	if (nlmsg_datalen(h) < (int)sizeof(err))
		return 0;
	memcpy(&err, nlmsg_data(h), sizeof(err));
	if (h->nlmsg_flags & NLM_F_ACK_TLVS && nlmsg_datalen(h) > skip)
		keep_sentence(pm, nlmsg_data(h) + skip,
			      nlmsg_datalen(h) - skip);
	return err < 0 ? err : 0;
}

static int receive_some(struct pm *pm, size_t *len)
{
	struct sockaddr_nl from;
	socklen_t from_len;
	ssize_t n;

	do {
		from_len = sizeof(from);
		n = recvfrom(pm->fd, pm->buf, BUF_SIZE, MSG_TRUNC,
			     (struct sockaddr *)&from, &from_len);
		/* Only the kernel, which is number 0, is listened to. */
	} while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid));
	if (n < 0)
		return -errno;
	if (n > BUF_SIZE)
		return -EMSGSIZE;
	*len = n;
	return 0;
}

/**
 * struct answer - an answer being read
 * @seq: number of the request
 * @fn: what takes the attributes of each message
 * @arg: its argument
 * @err: first error, of the kernel or of @fn
 * @done: the answer has ended
 */
struct answer {
	uint32_t seq;
	handler fn;
	void *arg;
	int err;
	bool done;
};

static void read_message(struct pm *pm, struct nlmsghdr *h, struct answer *a)
{
	int err = 0;

	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		pm->intr = true;
	if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
		err = h->nlmsg_type == NLMSG_DONE ? read_done(pm, h) :
						    read_ack(pm, h);
		a->done = true;
	} else if (h->nlmsg_type >= NLMSG_MIN_TYPE && !a->err) {
		if (nlmsg_datalen(h) < (int)GENL_HDRLEN)
			err = -EBADMSG;
		else
			err = a->fn(nlmsg_data(h) + GENL_HDRLEN,
				    nlmsg_datalen(h) - GENL_HDRLEN, a->arg);
	}
	if (err && !a->err)
		a->err = err;
}

/* Read an answer to its end, also where an error came before it. */
static int receive(struct pm *pm, struct answer *a)
{
	struct nlmsghdr *h;
	size_t len = 0;
	int err, left;

	while (!a->done) {
		err = receive_some(pm, &len);
		if (err)
			return err;
		left = len;
		for (h = (void *)pm->buf; nlmsg_ok(h, left);
		     h = nlmsg_next(h, &left))
			if (h->nlmsg_seq == a->seq)
				read_message(pm, h, a);
	}
	return a->err;
}

/* Send a request, which is freed, and read the answer. */
static int transact(struct pm *pm, struct nl_msg *msg, handler fn, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct answer answer = { .fn = fn, .arg = arg };
	int err;

	pm->sentence[0] = '\0';
	pm->intr = false;
	nl_complete_msg(pm->sk, msg);
	answer.seq = h->nlmsg_seq;
	if (send(pm->fd, h, h->nlmsg_len, 0) < 0)
		err = -errno;
	else
		err = receive(pm, &answer);
	nlmsg_free(msg);
	return err;
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

static int keep_family(const struct nlattr *attrs, int len, void *arg)
{
	const struct nlattr *a = nla_find(attrs, len, CTRL_ATTR_FAMILY_ID);
	struct pm *pm = arg;

	if (!a || nla_len(a) != sizeof(uint16_t))
		return -EBADMSG;
	pm->family = nla_get_u16(a);
	return 0;
}

static int resolve(struct pm *pm)
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

static int open_socket(struct pm *pm)
{
	const int on = 1;

	pm->sk = nl_socket_alloc();
	if (!pm->sk)
		return -ENOMEM;
	errno = 0;
	if (nl_connect(pm->sk, NETLINK_GENERIC) < 0)
		return errno ? -errno : -EIO;
	pm->fd = nl_socket_get_fd(pm->sk);
	/* A kernel too old for one of these still answers. */
	setsockopt(pm->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(pm->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(pm->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on,
		   sizeof(on));
	return 0;
}

/**
 * pm_open() - connect to the module of this network namespace
 * @pmp: the connection, to close with pm_close()
 *
 * Return: 0 or a negative errno, of which the person has been told.
 */
int pm_open(struct pm **pmp)
{
	struct pm *pm = malloc(sizeof(*pm));
	int err;

	if (!pm) {
		warn("out of memory");
		return -ENOMEM;
	}
	memset(pm, 0, offsetof(struct pm, buf));
	err = open_socket(pm);
	if (err) {
		warn("cannot open a netlink socket: %s", strerror(-err));
		goto failed;
	}
	err = resolve(pm);
	if (err == -ENOENT) {
		warn("the portmon module is not loaded; load it with: modprobe portmon");
		goto failed;
	} else if (err) {
		pm_complain(pm, "find the portmon module", err);
		goto failed;
	}
	*pmp = pm;
	return 0;
failed:
	pm_close(pm);
	return err;
}

/**
 * pm_close() - end a connection
 * @pm: the connection or NULL
 */
void pm_close(struct pm *pm)
{
	if (!pm)
		return;
	nl_socket_free(pm->sk);
	free(pm);
}

/**
 * pm_complain() - tell the person what failed, why, and what to do
 * @pm: the connection
 * @what: what was to be done ("read the ports")
 * @err: the negative errno that it ended with
 *
 * Return: @err.
 */
int pm_complain(const struct pm *pm, const char *what, int err)
{
	const char *why = pm->sentence[0] ? pm->sentence : strerror(-err);
	const char *hint = "";

	switch (-err) {
	case EPERM:
	case EACCES:
		hint = "; try as root (sudo portmon-ctl ...)";
		break;
	case EINTR:
		why = "the counters were reset again and again while they were read";
		hint = "; try again";
		break;
	case EOPNOTSUPP:
	case EBADMSG:
		hint = "; are module and tool of different versions? see: portmon-ctl info";
		break;
	}
	warn("cannot %s: %s%s", what, why, hint);
	return err;
}

static int take_info(const struct nlattr *attrs, int len, void *arg)
{
	return pm_parse_info(attrs, len, arg);
}

static int take_record(const struct nlattr *attrs, int len, void *arg)
{
	struct record *r = records_new(arg);

	return r ? pm_parse_record(attrs, len, r) : -ENOMEM;
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
 * pm_enable() - switch counting in the namespace
 * @pm: the connection
 * @on: on or off
 * @info: the state after it
 *
 * Return: 0, -EALREADY if nothing changed, or a negative errno.
 */
int pm_enable(struct pm *pm, bool on, struct info *info)
{
	struct nl_msg *msg = request(pm->family, PORTMON_CMD_NETNS_SET,
				     PORTMON_FAMILY_VERSION,
				     NLM_F_REQUEST | NLM_F_ACK);

	if (!msg || nla_put_u8(msg, PORTMON_A_INFO_ENABLED, on)) {
		nlmsg_free(msg);
		return -ENOMEM;
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
	return err;
}

static int dump_once(struct pm *pm, uint8_t cmd, const struct filter *f,
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

/* A dump that was broken into is neither old nor new: read it again. */
static int dump(struct pm *pm, uint8_t cmd, const struct filter *f,
		bool ports, struct records *list)
{
	const size_t before = list->n;
	int tries, err = 0;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		list->n = before;
		err = dump_once(pm, cmd, f, ports, list);
		if (err || !pm->intr)
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
	return dump(pm, PORTMON_CMD_PORT_GET, f, true, list);
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
	return dump(pm, PORTMON_CMD_RANGE_GET, f, false, list);
}

/**
 * pm_overflow() - read what no record of its own could be had for
 * @pm: the connection
 * @f: which (scope, transport and range)
 * @list: they are added to this
 *
 * Return: 0, -EINTR if resets kept breaking in, or a negative errno.
 */
int pm_overflow(struct pm *pm, const struct filter *f, struct records *list)
{
	return dump(pm, PORTMON_CMD_OVERFLOW_GET, f, false, list);
}

/**
 * pm_buckets() - read what became of the packets per hook and family
 * @pm: the connection
 * @list: they are added to this
 *
 * Return: 0, -EINTR if resets kept breaking in, or a negative errno.
 */
int pm_buckets(struct pm *pm, struct records *list)
{
	return dump(pm, PORTMON_CMD_BUCKET_GET, NULL, false, list);
}

/**
 * pm_reset() - set counters to zero and return what they held
 * @pm: the connection
 * @f: which; with nothing asked for, all of the namespace
 * @list: what they held is added to this, also where an error is returned
 *
 * Never read again: what has been returned once is in no later answer.
 *
 * Return: 0 or a negative errno.
 */
int pm_reset(struct pm *pm, const struct filter *f, struct records *list)
{
	return dump_once(pm, PORTMON_CMD_RESET, f, true, list);
}
