// SPDX-License-Identifier: GPL-2.0
/* nl.c against a kernel of our own: send() and recvfrom() are made here. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include "ctl/ctx.h"
#include "lib/nl.h"
#include "lib/snapshot.h"
#include "lib/util.h"
#include "test/ktap.h"
#include "test/recorded.h"

enum reply {
	END,
	FAMILY,		/* number of the family, and an ack */
	PORT,		/* one record */
	PORT_INTR,	/* one record, marked as broken into */
	OTHER_SEQ,	/* an answer to some earlier question */
	FORGED,		/* the end, from another process */
	SIGNAL,		/* recvfrom() was interrupted */
	NO_ROOM,	/* the socket has lost messages */
	DONE,
	DONE_FAILED,	/* a dump that failed half way, with a sentence */
	REFUSED,	/* with a sentence */
	MISSING,	/* with a sentence */
	REFUSED_WHOLE,	/* with a sentence behind the whole request */
	SHORT,		/* an error message cut short */
	BAD_RECORD,
	NEWS,		/* an event, a reset and a switch */
	BAD_NEWS,
	OLD_FAMILY,	/* has no groups */
	ODD_FAMILY,	/* has groups, none of them ours */
	BAD_FAMILY,	/* its number has four bytes */
	UNKNOWN,	/* there is no such family */
	CUT,		/* a message of a family without its header */
	CUT_REQUEST,	/* an error with half of the request */
	DONE_BARE,	/* the end, and no word of how */
	ODD_ERROR,	/* a number that is no error's */
	HUGE,		/* more than there is room for */
	INFO,		/* state of the namespace, and an ack */
};

static const enum reply *script;
static unsigned int requests;
static uint32_t seq;
static unsigned char out[1024];
static int len;
static uint32_t lost;
static int joined;
static int refuse;	/* an errno for send() and for joining a group */

/* What stands between nl.c and the kernel. */
ssize_t send(int fd, const void *buf, size_t n, int flags)
{
	const struct nlmsghdr *h = buf;

	(void)fd;
	(void)flags;
	if (recorded) {
		recorded_request(buf, n);
		return n;
	}
	seq = h->nlmsg_seq;
	requests++;
	errno = refuse;
	return refuse ? -1 : (ssize_t)n;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t n)
{
	(void)fd;
	if (level != SOL_NETLINK || name != NETLINK_ADD_MEMBERSHIP ||
	    n != sizeof(joined))
		return 0;
	memcpy(&joined, value, sizeof(joined));
	errno = refuse;
	return refuse ? -1 : 0;
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *n)
{
	const uint32_t dropped = recorded ? 2 : lost;

	(void)fd;
	if (level != SOL_SOCKET || name != SO_MEMINFO ||
	    *n < SK_MEMINFO_VARS * sizeof(dropped))
		return -1;
	memset(value, 0xff, *n);
	memcpy((uint32_t *)value + SK_MEMINFO_DROPS, &dropped, sizeof(dropped));
	*n = SK_MEMINFO_VARS * sizeof(dropped);
	return 0;
}

static struct nlmsghdr *begin_reply(unsigned int type, unsigned int flags)
{
	struct nlmsghdr *h = (void *)(out + len);

	memset(h, 0, NLMSG_HDRLEN + 200);
	h->nlmsg_type = type;
	h->nlmsg_flags = flags;
	h->nlmsg_seq = seq;
	h->nlmsg_len = NLMSG_HDRLEN;
	return h;
}

static void append(struct nlmsghdr *h, const void *data, int n)
{
	memcpy((char *)h + NLMSG_ALIGN(h->nlmsg_len), data, n);
	h->nlmsg_len = NLMSG_ALIGN(h->nlmsg_len) + n;
}

static void append_attr(struct nlmsghdr *h, unsigned int type,
			const void *data, int n)
{
	const struct nlattr a = { NLA_HDRLEN + n, type };

	append(h, &a, sizeof(a));
	append(h, data, n);
}

static void end_reply(struct nlmsghdr *h)
{
	len += NLMSG_ALIGN(h->nlmsg_len);
}

static void put_error(int error, unsigned int flags, const char *sentence)
{
	struct nlmsghdr *h = begin_reply(NLMSG_ERROR, flags);
	struct nlmsgerr e = { .error = error };

	e.msg.nlmsg_len = sizeof(e.msg) + (flags & NLM_F_CAPPED ? 0 : 20);
	append(h, &e, sizeof(e));
	if (!(flags & NLM_F_CAPPED))
		append(h, "a request repeated..", 20);
	/* Without the zero at its end: it need not have one. */
	if (sentence)
		append_attr(h, NLMSGERR_ATTR_MSG, sentence, strlen(sentence));
	end_reply(h);
}

static void put_done(int error, const char *sentence)
{
	struct nlmsghdr *h = begin_reply(NLMSG_DONE,
					 sentence ? NLM_F_ACK_TLVS : 0);

	append(h, &error, sizeof(error));
	if (sentence)
		append_attr(h, NLMSGERR_ATTR_MSG, sentence, strlen(sentence));
	end_reply(h);
}

static void put_port_reply(unsigned int flags, int size)
{
	const struct genlmsghdr g = { .cmd = PORTMON_CMD_PORT_GET };
	struct nlmsghdr *h = begin_reply(0x20, flags);
	uint16_t port = 80;

	append(h, &g, sizeof(g));
	append_attr(h, PORTMON_A_RECORD_PORT, &port, size);
	end_reply(h);
}

static void put_info(void)
{
	const struct genlmsghdr g = { .cmd = PORTMON_CMD_INFO_GET };
	struct nlmsghdr *h = begin_reply(0x20, 0);
	const uint32_t generation = 7, since = 1000;

	append(h, &g, sizeof(g));
	append_attr(h, PORTMON_A_INFO_GENERATION, &generation,
		    sizeof(generation));
	append_attr(h, PORTMON_A_INFO_SINCE, &since, sizeof(since));
	end_reply(h);
}

/* Groups that are another's, and maybe one that is ours. */
static void append_groups(struct nlmsghdr *h, const char *last)
{
	const char *const names[] = { "others", last };
	unsigned char *groups = (unsigned char *)h +
				NLMSG_ALIGN(h->nlmsg_len), *group;
	uint32_t i, id;

	append_attr(h, CTRL_ATTR_MCAST_GROUPS, "", 0);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		group = (unsigned char *)h + NLMSG_ALIGN(h->nlmsg_len);
		append_attr(h, i + 1, "", 0);
		id = 10 + i;
		append_attr(h, CTRL_ATTR_MCAST_GRP_NAME, names[i],
			    strlen(names[i]) + 1);
		h->nlmsg_len = NLMSG_ALIGN(h->nlmsg_len);
		append_attr(h, CTRL_ATTR_MCAST_GRP_ID, &id, sizeof(id));
		((struct nlattr *)group)->nla_len =
			(unsigned char *)h + h->nlmsg_len - group;
	}
	((struct nlattr *)groups)->nla_len =
		(unsigned char *)h + h->nlmsg_len - groups;
}

static void put_notification(unsigned int cmd, unsigned int attr, int v, int n)
{
	const struct genlmsghdr g = { .cmd = cmd };
	struct nlmsghdr *h = begin_reply(0x20, 0);

	append(h, &g, sizeof(g));
	append_attr(h, attr, &v, n);
	h->nlmsg_seq = 0;
	end_reply(h);
}

static void put_family(enum reply reply)
{
	const struct genlmsghdr g = { .cmd = CTRL_CMD_NEWFAMILY };
	struct nlmsghdr *h = begin_reply(GENL_ID_CTRL, 0);
	uint32_t id = 0x20;

	append(h, &g, sizeof(g));
	append_attr(h, CTRL_ATTR_FAMILY_ID, &id,
		    reply == BAD_FAMILY ? 4 : sizeof(uint16_t));
	h->nlmsg_len = NLMSG_ALIGN(h->nlmsg_len);
	if (reply != OLD_FAMILY)
		append_groups(h, reply == ODD_FAMILY ? "odd" :
						       PORTMON_MCGRP_EVENTS);
	end_reply(h);
	put_error(0, NLM_F_CAPPED, NULL);
}

static void put_reply(enum reply reply)
{
	switch (reply) {
	case FAMILY:
	case OLD_FAMILY:
	case ODD_FAMILY:
	case BAD_FAMILY:
		put_family(reply);
		break;
	case UNKNOWN:
		put_error(-ENOENT, NLM_F_CAPPED, NULL);
		break;
	case CUT:
		end_reply(begin_reply(0x20, NLM_F_MULTI));
		break;
	case CUT_REQUEST:
		put_error(-EINVAL, 0, NULL);
		((struct nlmsghdr *)out)->nlmsg_len -= 8;
		break;
	case DONE_BARE:
		end_reply(begin_reply(NLMSG_DONE, 0));
		break;
	case ODD_ERROR:
		put_error(-5000, NLM_F_CAPPED, NULL);
		break;
	case PORT:
		put_port_reply(NLM_F_MULTI, 2);
		break;
	case PORT_INTR:
		put_port_reply(NLM_F_MULTI | NLM_F_DUMP_INTR, 2);
		break;
	case BAD_RECORD:
		put_port_reply(NLM_F_MULTI, 0);
		break;
	case OTHER_SEQ:
		seq--;
		put_error(-EIO, NLM_F_CAPPED, NULL);
		seq++;
		break;
	case FORGED:
	case DONE:
		put_done(0, NULL);
		break;
	case DONE_FAILED:
		put_done(-ENOMEM, "half way");
		break;
	case REFUSED:
		put_error(-EPERM, NLM_F_CAPPED | NLM_F_ACK_TLVS, "not you");
		break;
	case MISSING:
		put_error(-ENOENT, NLM_F_CAPPED | NLM_F_ACK_TLVS, "no such port");
		break;
	case REFUSED_WHOLE:
		put_error(-EINVAL, NLM_F_ACK_TLVS, "not so");
		break;
	case NEWS:
		put_notification(PORTMON_CMD_EVENT_NTF, PORTMON_A_RECORD_EVENT,
			 PORTMON_EVENT_DROP, 1);
		put_notification(PORTMON_CMD_EVENT_NTF + 50, 1, 0, 1);
		put_notification(PORTMON_CMD_RESET_NTF, PORTMON_A_RECORD_PORT, 53, 2);
		put_notification(PORTMON_CMD_NETNS_NTF, PORTMON_A_INFO_DROPS, 1, 1);
		break;
	case INFO:
		put_info();
		put_error(0, NLM_F_CAPPED, NULL);
		break;
	case BAD_NEWS:
		put_notification(PORTMON_CMD_EVENT_NTF, PORTMON_A_RECORD_EVENT, 0, 3);
		break;
	case SHORT:
		end_reply(begin_reply(NLMSG_ERROR, 0));
		break;
	default:
		break;
	}
}

ssize_t recvfrom(int fd, void *buf, size_t n, int flags,
		 struct sockaddr *from, socklen_t *from_len)
{
	const enum reply reply = recorded ? END : *script;
	const struct sockaddr_nl who = {
		.nl_family = AF_NETLINK, .nl_pid = reply == FORGED,
	};

	(void)fd;
	(void)flags;
	memcpy(from, &who, sizeof(who));
	*from_len = sizeof(who);
	if (recorded)
		return recorded_reply(buf, n);
	if (reply == END) {
		check_at(false, "the script continues", __FILE__, __LINE__);
		errno = EIO;
		return -1;
	}
	script++;
	if (reply == SIGNAL || reply == NO_ROOM) {
		errno = reply == SIGNAL ? EINTR : ENOBUFS;
		return -1;
	}
	len = 0;
	put_reply(reply);
	if (reply == HUGE)
		return n + 1;
	check((size_t)len <= n);
	memcpy(buf, out, len);
	return len;
}

static struct records list;
static struct error error;
static const struct filter filter = FILTER_ALL;

/* Read ports as the script has it. */
static int read_script(const enum reply *replies, const char *said)
{
	struct pm *pm = NULL;
	const char *text;
	int err;

	script = replies;
	requests = 0;
	records_free(&list);
	if (pm_open(&pm, &error))
		return 1;
	err = pm_ports(pm, &filter, &list);
	if (err) {
		begin_capture();
		check(pm_complain(pm, "do it", err) == err);
		text = end_capture();
		if (said)
			check_text(text, said);
	}
	check(*script == END);
	pm_close(pm);
	return err;
}

#define SCRIPT(...) ((const enum reply[]){ FAMILY, __VA_ARGS__, END })

static void test_dump(void)
{
	check(!read_script(SCRIPT(DONE), NULL));
	check(list.n == 0);
	check(!read_script(SCRIPT(PORT, PORT, DONE), NULL));
	check(list.n == 2 && list.v[1].port == 80);
	check(!read_script(SCRIPT(OTHER_SEQ, FORGED, SIGNAL, PORT, FORGED,
				  DONE), NULL));
	check(list.n == 1);
	records_free(&list);
}

static void test_interrupted(void)
{
	enum reply replies[2 + 2 * 16 + 1] = { FAMILY };
	int i;

	check(!read_script(SCRIPT(PORT, PORT_INTR, DONE, PORT, DONE), NULL));
	check(list.n == 1 && requests == 3);
	for (i = 0; i < 16; i++) {
		replies[1 + 2 * i] = PORT_INTR;
		replies[2 + 2 * i] = DONE;
	}
	check(read_script(replies, "portmon-ctl: cannot do it: the counters were reset repeatedly while they were read; try again\n")
	      == -EINTR);
	check(!list.n && requests == 17);
	records_free(&list);
}

static void test_errors(void)
{
	check(read_script(SCRIPT(REFUSED), "portmon-ctl: cannot do it: not you; run as root (sudo portmon-ctl ...)\n")
	      == -EPERM);
	/* The module is there: it says what is not. */
	check(read_script(SCRIPT(MISSING), "portmon-ctl: cannot do it: no such port\n")
	      == -ENOENT);
	check(read_script(SCRIPT(REFUSED_WHOLE),
			  "portmon-ctl: cannot do it: not so\n") == -EINVAL);
	check(read_script(SCRIPT(PORT, DONE_FAILED),
			  "portmon-ctl: cannot do it: half way\n") == -ENOMEM);
	check(read_script(SCRIPT(PORT, NO_ROOM), NULL) == -ENOBUFS);
	check(read_script(SCRIPT(SHORT), NULL) == -EBADMSG);
	check(read_script(SCRIPT(CUT_REQUEST), NULL) == -EBADMSG);
	check(read_script(SCRIPT(ODD_ERROR), NULL) == -EBADMSG);
	check(read_script(SCRIPT(CUT, DONE), NULL) == -EBADMSG);
	check(read_script(SCRIPT(HUGE), NULL) == -EMSGSIZE);
	check(!read_script(SCRIPT(PORT, DONE_BARE), NULL) && list.n == 1);
	/* The rest of an answer is read even so. */
	check(read_script(SCRIPT(BAD_RECORD, PORT, DONE), NULL) == -EBADMSG);
	records_free(&list);
}

/* Who is asked first, what the family is called by. */
static int open_with(enum reply reply, struct pm **pm, const char *said)
{
	const enum reply replies[] = { reply, END };
	struct error e = { .text = "" };
	int err;

	script = replies;
	err = pm_open(pm, &e);
	check_text(e.text, said);
	return err;
}

static void test_open(void)
{
	struct pm *pm = NULL;

	check(open_with(UNKNOWN, &pm, "the portmon module is not loaded; load it with: modprobe portmon")
	      == -ENOENT);
	check(open_with(BAD_FAMILY, &pm, "cannot find the portmon module: Bad message; check the versions of module and tool with: portmon-ctl info")
	      == -EBADMSG);
	refuse = EACCES;
	check(open_with(FAMILY, &pm, "cannot find the portmon module: Permission denied")
	      == -EACCES);
	refuse = 0;
	check(!pm);
	pm_close(pm);
}

static void test_subscribe(void)
{
	struct pm *pm = NULL;

	joined = 0;
	check(!open_with(OLD_FAMILY, &pm, ""));
	check(pm_subscribe(pm) == -EOPNOTSUPP);
	pm_close(pm);
	check(!open_with(ODD_FAMILY, &pm, ""));
	check(pm_subscribe(pm) == -EOPNOTSUPP && !joined);
	pm_close(pm);
	check(!open_with(FAMILY, &pm, ""));
	refuse = EPERM;
	check(pm_subscribe(pm) == -EPERM && joined == GENL_ID_CTRL);
	refuse = 0;
	check(!pm_subscribe(pm) && joined == 11);
	pm_close(pm);
}

/* What a reset returned is not thrown away, and it is not asked again. */
static void test_reset(void)
{
	static const enum reply replies[] = {
		FAMILY, PORT_INTR, PORT, DONE_FAILED, END
	};
	struct pm *pm = NULL;

	script = replies;
	requests = 0;
	if (pm_open(&pm, &error)) {
		check(pm);
		return;
	}
	check(pm_reset(pm, &filter, &list) == -ENOMEM);
	check(list.n == 2 && requests == 2);
	pm_close(pm);
	records_free(&list);
}

static int read_kept_snapshot(unsigned char *data, size_t n, struct snapshot *s)
{
	struct info info = { .has = UINT32_MAX };	/* what was there */
	FILE *f = fmemopen(data, n, "r");
	int err = snapshot_read(f, &info, &filter,
				SNAP_OVERFLOW | SNAP_OTHER, s);

	fclose(f);
	check(err || (info.generation == 7 && info.since == 1000));
	return err;
}

/* What is not as it was kept is read or refused, and nothing else happens. */
static void read_spoiled(const struct nlreply *reply)
{
	static const unsigned char marks[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct info info;
	struct snapshot s;
	size_t i, k;

	for (i = 0; i < reply->len; i++) {
		const unsigned char was = reply->data[i];

		if (i)
			check(read_kept_snapshot(reply->data, i, &s) == -EBADMSG);
		for (k = 0; k < ARRAY_SIZE(marks); k++) {
			FILE *f = fmemopen(reply->data, reply->len, "r");
			int err;

			reply->data[i] = marks[k];
			err = snapshot_read(f, &info, &filter,
					    SNAP_OVERFLOW | SNAP_OTHER, &s);
			check(!err || err == -EBADMSG);
			snapshot_free(&s);
			fclose(f);
		}
		reply->data[i] = was;
	}
}

/* Kept as it came, without what was broken into, and read by the same code. */
static void test_kept(void)
{
	struct info info = { .generation = 7 };
	struct nlreply reply = { 0 };
	struct pm *pm = NULL;
	struct snapshot s;

	script = SCRIPT(PORT, PORT_INTR, DONE, PORT, PORT, DONE, OTHER_SEQ,
			PORT, DONE, PORT, PORT, PORT, DONE, INFO);
	if (pm_open(&pm, &error)) {
		check(pm);
		return;
	}
	requests = 0;
	check(!snapshot_keep(pm, &info, &filter, SNAP_OVERFLOW | SNAP_OTHER,
			     &s, &reply));
	check(*script == END && requests == 5 && s.ports.n == 2);
	snapshot_free(&s);
	pm_close(pm);
	/* Six records of 28 bytes, three ends, the state and an ack. */
	check(reply.len == 6 * 28 + 3 * 20 + 36 + 36);
	check(!read_kept_snapshot(reply.data, reply.len, &s) && requests == 5);
	check(s.ports.n == 2 && s.overflow.n == 1 && s.other.n == 3);
	check(s.ports.v[1].port == 80);
	snapshot_free(&s);
	read_spoiled(&reply);
	/* Nothing may follow it. */
	check(reply.len < reply.cap);
	check(read_kept_snapshot(reply.data, reply.len + 1, &s) == -EBADMSG);
	/* Without the state, but with its ack. */
	memmove(reply.data + reply.len - 72, reply.data + reply.len - 36, 36);
	check(read_kept_snapshot(reply.data, reply.len - 36, &s) == -EBADMSG);
	nlreply_free(&reply);
}

static char heard[64];

static int hear(const struct notification *notification, void *arg)
{
	char *to = arg;

	switch (notification->cmd) {
	case PORTMON_CMD_EVENT_NTF:
		sprintf(to, "event %u ", notification->record.event);
		break;
	case PORTMON_CMD_RESET_NTF:
		sprintf(to + strlen(to), "reset %u ", notification->record.port);
		break;
	case PORTMON_CMD_NETNS_NTF:
		sprintf(to + strlen(to), "drops %d", notification->info.counts_drops);
		return 1;
	}
	return 0;
}

static void test_notification(void)
{
	struct pm *pm = NULL;

	script = SCRIPT(FORGED, SIGNAL, NEWS, NO_ROOM, BAD_NEWS, REFUSED, CUT,
			HUGE);
	lost = 0;
	check(!pm_open(&pm, &error) && !pm_subscribe(pm) && joined == 11);
	check(pm_listen(pm, hear, heard) == 1);
	check_text(heard, "event 2 reset 53 drops 1");
	check(!pm_lost(pm));
	lost = 7;
	/* Losing some is no error, but is known. */
	check(!pm_listen(pm, hear, heard) && pm_lost(pm) == 7);
	check(pm_listen(pm, hear, heard) == -EBADMSG);
	/* What is no message of a family is passed over. */
	check(!pm_listen(pm, hear, heard));
	check(pm_listen(pm, hear, heard) == -EBADMSG);
	check(pm_listen(pm, hear, heard) == -EMSGSIZE);
	check(*script == END);
	pm_close(pm);
}

const struct unit_test nl_tests[] = {
	{ "dump", test_dump },
	{ "interrupted", test_interrupted },
	{ "errors", test_errors },
	{ "open", test_open },
	{ "subscribe", test_subscribe },
	{ "reset", test_reset },
	{ "kept", test_kept },
	{ "notification", test_notification },
	{ 0 }
};
