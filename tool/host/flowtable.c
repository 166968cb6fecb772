// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "host/flowtable.h"
#include "lib/nlsock.h"

static void mark_devices(struct links *list, const struct nlattr *devices)
{
	struct nlattr *a;
	struct link *link;
	char name[IF_NAMESIZE];
	int left;

	nla_for_each_nested(a, devices, left) {
		snprintf(name, sizeof(name), "%.*s", nla_len(a),
			 (const char *)nla_data(a));
		link = links_find_name(list, name);
		if (link)
			link->flowtable = true;
	}
}

static int take(struct nlmsghdr *h, void *arg)
{
	const struct nlattr *hook, *devices = NULL;

	if (nlmsg_datalen(h) < (int)sizeof(struct nfgenmsg))
		return -EBADMSG;
	hook = nlmsg_find_attr(h, sizeof(struct nfgenmsg),
			       NFTA_FLOWTABLE_HOOK);
	if (hook)
		devices = nla_find(nla_data(hook), nla_len(hook),
				   NFTA_FLOWTABLE_HOOK_DEVS);
	if (devices)
		mark_devices(arg, devices);
	return 0;
}

static bool built_in(void)
{
	struct utsname uts;
	char path[128], line[256];
	bool found = false;
	FILE *f;

	uname(&uts);
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin",
		 uts.release);
	f = fopen(path, "re");
	/* Not known: better ask once too often. */
	if (!f)
		return true;
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, "/nf_tables.ko");
	fclose(f);
	return found;
}

static int dump(struct nlsock *nl, struct links *list)
{
	struct nfgenmsg header = { .nfgen_family = AF_UNSPEC };
	const int type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETFLOWTABLE;
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST |
						NLM_F_DUMP);

	if (!msg || nlmsg_append(msg, &header, sizeof(header),
				 NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return nlsock_ask(nl, msg, take, list);
}

/**
 * flowtables_mark() - mark the interfaces that a flowtable is on
 * @list: the interfaces
 *
 * Where nf_tables is not loaded there is none, and asking would load it.
 *
 * Return: 0, or the negative errno for which it cannot be told.
 */
int flowtables_mark(struct links *list)
{
	struct nlsock *nl = NULL;
	int err;

	if (access("/sys/module/nf_tables", F_OK) && !built_in())
		return 0;
	err = nlsock_open(&nl, NETLINK_NETFILTER);
	/* A kernel without netfilter's netlink has no flowtables. */
	if (err == -EPROTONOSUPPORT)
		return 0;
	if (!err)
		err = dump(nl, list);
	nlsock_close(nl);
	return err == -EINVAL || err == -ENOENT ? 0 : err;
}
