// SPDX-License-Identifier: GPL-2.0
/* A dump of every port, one receive call at a time. */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/portmon.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

static int fd = -1;
static char reply[65536];

static void request(int type, int flags, int cmd, const char *family)
{
	struct {
		struct nlmsghdr nlh;
		struct genlmsghdr genl;
		struct nlattr attr;
		char name[16];
	} req = {
		.nlh.nlmsg_type = type,
		.nlh.nlmsg_flags = NLM_F_REQUEST | flags,
		.nlh.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN),
		.genl.cmd = cmd,
		.genl.version = 1,
		.attr.nla_type = CTRL_ATTR_FAMILY_NAME,
	};

	if (family) {
		strcpy(req.name, family);
		req.attr.nla_len = NLA_HDRLEN + strlen(family) + 1;
		req.nlh.nlmsg_len += NLA_ALIGN(req.attr.nla_len);
	}
	if (send(fd, &req, req.nlh.nlmsg_len, 0) < 0)
		die("netlink request");
}

static int family_id(void)
{
	struct nlmsghdr *nlh = (void *)reply;
	struct nlattr *attr;
	ssize_t len;

	request(GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, PORTMON_FAMILY_NAME);
	len = recv(fd, reply, sizeof(reply), 0);
	for (attr = (void *)(reply + NLMSG_LENGTH(GENL_HDRLEN));
	     len > 0 && nlh->nlmsg_type == GENL_ID_CTRL &&
	     (char *)attr < reply + len;
	     attr = (void *)((char *)attr + NLA_ALIGN(attr->nla_len)))
		if (attr->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(uint16_t *)(attr + 1);
	die("no portmon netlink family");
	return -1;
}

void dump_begin(const char *netns)
{
	enter_netns(netns);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (fd < 0)
		die("netlink socket");
	request(family_id(), NLM_F_DUMP, PORTMON_CMD_PORT_GET, NULL);
}

/* 0 when that was the last. */
int dump_piece(void)
{
	const struct nlmsghdr *nlh = (void *)reply;
	ssize_t len = recv(fd, reply, sizeof(reply), 0);

	if (len <= 0)
		die("netlink dump");
	if (nlh->nlmsg_type == NLMSG_ERROR)
		die("the dump was refused");
	for (; NLMSG_OK(nlh, (size_t)len); nlh = NLMSG_NEXT(nlh, len))
		if (nlh->nlmsg_type == NLMSG_DONE)
			return 0;
	return 1;
}

void dump_end(void)
{
	close(fd);
	fd = -1;
}
