// SPDX-License-Identifier: GPL-2.0
/*
 * portmon-ctl's commands against a kernel that answers anything: send() and
 * recvfrom() are made here, like in tool/test/test_nl.c.
 *
 * An input is the command, options and how to sort, then what the kernel
 * sends: each datagram with its length in front, as two bytes.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "ctl/ctx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __wrap_warn(const char *format, ...);

enum {
	ASK_FAMILY = 1,		/* the family's number is fuzzed as well */
	ASK_INFO = 2,		/* and so is what info-get answers */
	FILTER = 4,
	COLUMNS = 8,
};

static const uint8_t *input;
static size_t left;
static unsigned int flags;
static struct nlmsghdr request;
static uint8_t request_cmd;
static bool answered;

/* The sentences are made all the same. */
void __wrap_warn(const char *format, ...)
{
	char sentence[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
}

static uint8_t next_byte(void)
{
	if (!left)
		return 0;
	left--;
	return *input++;
}

ssize_t send(int fd, const void *buf, size_t n, int send_flags)
{
	(void)fd;
	(void)send_flags;
	memcpy(&request, buf, sizeof(request));
	request_cmd = ((const uint8_t *)buf)[NLMSG_HDRLEN];
	answered = false;
	return n;
}

static size_t put(uint8_t *to, uint16_t type, const void *data, size_t n)
{
	const struct nlattr a = { NLA_HDRLEN + n, type };

	memcpy(to, &a, sizeof(a));
	memcpy(to + NLA_HDRLEN, data, n);
	return NLA_ALIGN(NLA_HDRLEN + n);
}

/* What a kernel in good health says: the family, or the state; and an ack. */
static size_t good_answer(uint8_t *buf)
{
	struct nlmsghdr *h = (void *)buf;
	struct nlmsgerr *ack;
	const uint16_t id = 0x20, ephemeral[] = { 32768, 60999 };
	const uint8_t enabled = 1;
	const uint64_t since = 1700000000;
	size_t n = NLMSG_HDRLEN + GENL_HDRLEN;

	memset(buf, 0, 256);
	if (request.nlmsg_type == GENL_ID_CTRL) {
		n += put(buf + n, CTRL_ATTR_FAMILY_ID, &id, sizeof(id));
	} else {
		n += put(buf + n, PORTMON_A_INFO_VERSION, "1", 2);
		n += put(buf + n, PORTMON_A_INFO_ENABLED, &enabled, 1);
		n += put(buf + n, PORTMON_A_INFO_SINCE, &since, 8);
		n += put(buf + n, PORTMON_A_INFO_EPHEMERAL_MIN, &ephemeral[0], 2);
		n += put(buf + n, PORTMON_A_INFO_EPHEMERAL_MAX, &ephemeral[1], 2);
	}
	*h = (struct nlmsghdr){ n, request.nlmsg_type, 0, request.nlmsg_seq, 0 };
	h = (void *)(buf + n);
	*h = (struct nlmsghdr){ NLMSG_LENGTH(sizeof(*ack)), NLMSG_ERROR,
				NLM_F_CAPPED, request.nlmsg_seq, 0 };
	ack = NLMSG_DATA(h);
	ack->error = 0;
	ack->msg = request;
	return n + h->nlmsg_len;
}

/* No one guesses a sequence number: 0 stands for that of the request. */
static void number(uint8_t *buf, size_t n)
{
	struct nlmsghdr h;

	while (n >= sizeof(h)) {
		memcpy(&h, buf, sizeof(h));
		if (!h.nlmsg_seq)
			h.nlmsg_seq = request.nlmsg_seq;
		memcpy(buf, &h, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > n ||
		    NLMSG_ALIGN(h.nlmsg_len) > n)
			return;
		buf += NLMSG_ALIGN(h.nlmsg_len);
		n -= NLMSG_ALIGN(h.nlmsg_len);
	}
}

static bool answers_well(void)
{
	if (answered)
		return false;
	if (request.nlmsg_type == GENL_ID_CTRL)
		return !(flags & ASK_FAMILY);
	return request_cmd == PORTMON_CMD_INFO_GET && !(flags & ASK_INFO);
}

ssize_t recvfrom(int fd, void *buf, size_t n, int recv_flags,
		 struct sockaddr *from, socklen_t *from_len)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	size_t length;

	(void)fd;
	(void)recv_flags;
	memcpy(from, &kernel, sizeof(kernel));
	*from_len = sizeof(kernel);
	if (answers_well()) {
		answered = true;
		return good_answer(buf);
	}
	if (left < 2) {
		errno = ENOBUFS;
		return -1;
	}
	length = next_byte();
	length |= next_byte() << 8;
	if (length > left)
		length = left;
	memcpy(buf, input, length < n ? length : n);
	input += length;
	left -= length;
	number(buf, length < n ? length : n);
	return length;
}

static void choose(struct options *opt, uint64_t taken)
{
	static const uint64_t ways[] = {
		OPT(JSON), OPT(PRETTY) | OPT(JSON), OPT(NUMERIC), OPT(DETAILS),
		OPT(ALL), OPT(CSV), OPT(BARS), OPT(BITS),
	};
	uint8_t how = next_byte(), bits;
	unsigned int i;

	/* Every way of writing that the command takes. */
	for (i = 0, bits = next_byte(); i < 8; i++)
		if (bits & 1 << i)
			opt->given |= ways[i] & taken;
	if (taken & OPT(OUTPUT) && flags & COLUMNS)
		opt->output = taken & OPT(SCOPE) ? "+RECORD,PORT-MAX,PORTS,TIME,RX-BPS,SHARE,BAR" : "+SHARE,BAR";
	opt->sort = how % (SORT_DROPS + 1);
	if (opt->sort)
		opt->given |= OPT(SORT);
	opt->units = how / 16 % 3;
	if (how & 0x80)
		opt->given |= OPT(REVERSE);
	if (flags & FILTER)
		opt->filter.scope = PORTMON_SCOPE_LOCAL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct command *const commands[] = {
		&cmd_stats, &cmd_reset, &cmd_show, &cmd_ranges,
		&cmd_buckets, &cmd_info, &cmd_enable, &cmd_disable,
	};
	char port[] = "80", name[] = "https/tcp";
	char *args[] = { port, name, NULL };
	struct ctx ctx = { .opt = OPTIONS_DEFAULT };
	const struct command *c;
	uint8_t which;

	input = data;
	left = size;
	which = next_byte();
	flags = which >> 4;
	c = commands[which & 7];
	choose(&ctx.opt, c->options);
	c->run(&ctx, c->args ? 2 : 0, args);
	ctx_free(&ctx);
	return 0;
}
