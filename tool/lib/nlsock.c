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
#include <netlink/msg.h>
#include <netlink/socket.h>

#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include "lib/nlsock.h"
#include "lib/util.h"

static void keep_sentence(struct nlsock *s, const struct nlattr *attrs, int len)
{
	const struct nlattr *a = attrs;

	for (; nla_ok(a, len); a = nla_next(a, &len))
		if (nla_type(a) == NLMSGERR_ATTR_MSG)
			snprintf(s->sentence, sizeof(s->sentence), "%.*s",
				 nla_len(a), (const char *)nla_data(a));
}

/* Errors are -4095 to 0, as the kernel's MAX_ERRNO has it. */
static int error_of(int code)
{
	return code > 0 || code < -4095 ? -EBADMSG : code;
}

/* NLMSG_ERROR, which is also the ack. */
static int read_ack(struct nlsock *s, struct nlmsghdr *h)
{
	const struct nlmsgerr *e = nlmsg_data(h);
	int len = nlmsg_datalen(h), skip = sizeof(*e);

	if (len < skip)
		return -EBADMSG;
	/* Behind the whole request, where that is repeated. */
	if (!(h->nlmsg_flags & NLM_F_CAPPED)) {
		if (e->msg.nlmsg_len < sizeof(e->msg) ||
		    e->msg.nlmsg_len - sizeof(e->msg) > (size_t)(len - skip))
			return -EBADMSG;
		skip += NLMSG_ALIGN(e->msg.nlmsg_len) - sizeof(e->msg);
	}
	if (h->nlmsg_flags & NLM_F_ACK_TLVS && len > skip)
		keep_sentence(s, nlmsg_data(h) + skip, len - skip);
	return error_of(e->error);
}

/* NLMSG_DONE: the error of a dump that failed half way. */
static int read_done(struct nlsock *s, struct nlmsghdr *h)
{
	const int skip = NLMSG_ALIGN(sizeof(int));
	int err = 0;

	if (nlmsg_datalen(h) < (int)sizeof(err))
		return 0;
	memcpy(&err, nlmsg_data(h), sizeof(err));
	if (h->nlmsg_flags & NLM_F_ACK_TLVS && nlmsg_datalen(h) > skip)
		keep_sentence(s, nlmsg_data(h) + skip,
			      nlmsg_datalen(h) - skip);
	return error_of(err);
}

/* Nothing of the file is trusted: it may have been cut short, or be another's. */
static int read_kept_message(struct nlsock *s, size_t *len)
{
	struct nlmsghdr *h = (void *)s->buf;
	size_t rest;

	if (fread(h, sizeof(*h), 1, s->kept) != 1 ||
	    h->nlmsg_len < sizeof(*h) ||
	    h->nlmsg_len > sizeof(s->buf) - NLMSG_ALIGNTO)
		return -EBADMSG;
	*len = NLMSG_ALIGN(h->nlmsg_len);
	rest = *len - sizeof(*h);
	return fread(h + 1, 1, rest, s->kept) == rest ? 0 : -EBADMSG;
}

static int receive_some(struct nlsock *s, size_t *len)
{
	struct sockaddr_nl from;
	socklen_t from_len;
	ssize_t n;

	if (s->kept)
		return read_kept_message(s, len);
	do {
		from_len = sizeof(from);
		n = recvfrom(s->fd, s->buf, sizeof(s->buf), MSG_TRUNC,
			     (struct sockaddr *)&from, &from_len);
		/* Only messages of the kernel, which is port 0, are accepted. */
	} while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid));
	if (n < 0)
		return -errno;
	if (n > (ssize_t)sizeof(s->buf))
		return -EMSGSIZE;
	*len = n;
	return 0;
}

/**
 * struct answer - an answer being read
 * @seq: number of the request
 * @fn: what takes each message
 * @arg: its argument
 * @err: first error, of the kernel or of @fn
 * @done: the answer has ended
 */
struct answer {
	uint32_t seq;
	nlsock_fn fn;
	void *arg;
	int err;
	bool done;
};

static int keep_message(struct nlreply *reply, const struct nlmsghdr *h)
{
	const size_t len = NLMSG_ALIGN(h->nlmsg_len);
	unsigned char *data = buffer_room(reply->data, &reply->cap, reply->len,
					  len);

	if (!data)
		return -ENOMEM;
	reply->data = data;
	/* The last message of a datagram may lack its padding. */
	memcpy(reply->data + reply->len, h, h->nlmsg_len);
	memset(reply->data + reply->len + h->nlmsg_len, 0, len - h->nlmsg_len);
	reply->len += len;
	return 0;
}

static void read_message(struct nlsock *s, struct nlmsghdr *h, struct answer *a)
{
	int err = s->keep ? keep_message(s->keep, h) : 0;

	if (err && !a->err)
		a->err = err;
	err = 0;
	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		s->intr = true;
	if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
		err = h->nlmsg_type == NLMSG_DONE ? read_done(s, h) :
						    read_ack(s, h);
		a->done = true;
	} else if (h->nlmsg_type >= NLMSG_MIN_TYPE && !a->err) {
		err = a->fn(h, a->arg);
	}
	if (err && !a->err)
		a->err = err;
}

/* Read a reply to its end, also after an error. */
static int receive(struct nlsock *s, struct answer *a)
{
	struct nlmsghdr *h;
	size_t len = 0;
	int err, left;

	while (!a->done) {
		err = receive_some(s, &len);
		if (err)
			return err;
		left = len;
		for (h = (void *)s->buf; nlmsg_ok(h, left);
		     h = nlmsg_next(h, &left))
			if (s->kept || h->nlmsg_seq == a->seq)
				read_message(s, h, a);
	}
	return a->err;
}

/**
 * nlsock_ask() - send a request and read the answer
 * @s: the socket
 * @msg: the request, which is freed
 * @fn: what takes each message of the answer
 * @arg: its argument
 *
 * Return: 0 or a negative errno, of the kernel (whose message is then in
 * @s->sentence) or of @fn.
 */
int nlsock_ask(struct nlsock *s, struct nl_msg *msg, nlsock_fn fn, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct answer answer = { .fn = fn, .arg = arg };
	int err;

	s->sentence[0] = '\0';
	s->intr = false;
	if (!s->kept)
		nl_complete_msg(s->sk, msg);
	answer.seq = h->nlmsg_seq;
	if (!s->kept && send(s->fd, h, h->nlmsg_len, 0) < 0)
		err = -errno;
	else
		err = receive(s, &answer);
	nlmsg_free(msg);
	return err;
}

/**
 * nlsock_join() - receive the messages of a multicast group
 * @s: the socket
 * @group: number of the group
 *
 * Return: 0 or a negative errno.
 */
int nlsock_join(struct nlsock *s, int group)
{
	if (setsockopt(s->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
		       sizeof(group)) < 0)
		return -errno;
	return 0;
}

/* ENOBUFS reports a loss, this the number of lost messages. */
static void count_lost(struct nlsock *s)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);

	if (!getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, info, &len) &&
	    len > SK_MEMINFO_DROPS * sizeof(*info))
		s->lost = info[SK_MEMINFO_DROPS];
}

/**
 * nlsock_listen() - wait for a datagram of multicast messages
 * @s: the socket
 * @fn: what takes each message
 * @arg: its argument
 *
 * Messages lost without room are counted in @s->lost; that is no error.
 *
 * Return: 0, a negative errno, or what @fn returned that was not 0.
 */
int nlsock_listen(struct nlsock *s, nlsock_fn fn, void *arg)
{
	struct nlmsghdr *h;
	size_t len = 0;
	int left, err;

	err = receive_some(s, &len);
	count_lost(s);
	if (err)
		return err == -ENOBUFS ? 0 : err;
	left = len;
	for (h = (void *)s->buf; nlmsg_ok(h, left) && !err;
	     h = nlmsg_next(h, &left))
		if (h->nlmsg_type >= NLMSG_MIN_TYPE)
			err = fn(h, arg);
	return err;
}

static int connect_to(struct nlsock *s, int protocol)
{
	const int on = 1;

	s->sk = nl_socket_alloc();
	if (!s->sk)
		return -ENOMEM;
	errno = 0;
	if (nl_connect(s->sk, protocol) < 0)
		return errno ? -errno : -EIO;
	s->fd = nl_socket_get_fd(s->sk);
	/* A kernel too old for one of these still answers. */
	setsockopt(s->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(s->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(s->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on,
		   sizeof(on));
	return 0;
}

/**
 * nlsock_open() - connect to a family of netlink in this network namespace
 * @out: the socket, to close with nlsock_close()
 * @protocol: NETLINK_*
 *
 * Return: 0 or a negative errno.
 */
int nlsock_open(struct nlsock **out, int protocol)
{
	struct nlsock *s = malloc(sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	memset(s, 0, offsetof(struct nlsock, buf));
	err = connect_to(s, protocol);
	if (err) {
		nlsock_close(s);
		return err;
	}
	*out = s;
	return 0;
}

/**
 * nlsock_open_kept() - read the answers to the next questions from a file
 * @out: as a socket, to close with nlsock_close()
 * @kept: answers that were kept, in the order of the questions; closed later
 *   by who opened it
 *
 * No question is sent anywhere.
 *
 * Return: 0 or -ENOMEM.
 */
int nlsock_open_kept(struct nlsock **out, FILE *kept)
{
	struct nlsock *s = malloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	memset(s, 0, offsetof(struct nlsock, buf));
	s->kept = kept;
	*out = s;
	return 0;
}

/**
 * nlreply_free() - release the messages kept
 * @reply: the messages; it can be used again
 */
void nlreply_free(struct nlreply *reply)
{
	free(reply->data);
	*reply = (struct nlreply){ 0 };
}

/**
 * nlsock_close() - close a socket
 * @s: the socket or NULL
 */
void nlsock_close(struct nlsock *s)
{
	if (!s)
		return;
	nl_socket_free(s->sk);
	free(s);
}
