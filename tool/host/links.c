// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "host/links.h"
#include "lib/nlsock.h"
#include "lib/util.h"

static struct link *add_link(struct links *list)
{
	struct link *v = array_room(list->v, list->n, &list->cap, sizeof(*v));

	if (!v)
		return NULL;
	list->v = v;
	v += list->n++;
	*v = (struct link){ 0 };
	return v;
}

/* An older kernel has fewer of them, a newer one more. */
static void take_stats(struct link *link, const struct nlattr *a)
{
	struct rtnl_link_stats64 s = { 0 };
	size_t len = nla_len(a);

	memcpy(&s, nla_data(a), len < sizeof(s) ? len : sizeof(s));
	link->rx = (struct count){ s.rx_packets, s.rx_bytes };
	link->tx = (struct count){ s.tx_packets, s.tx_bytes };
	link->rx_dropped = s.rx_dropped;
	link->tx_dropped = s.tx_dropped;
	link->no_handler = s.rx_nohandler;
	link->other_host = s.rx_otherhost_dropped;
}

static void take_text(char *to, size_t size, const struct nlattr *a)
{
	snprintf(to, size, "%.*s", nla_len(a), (const char *)nla_data(a));
}

/* A bridge can enable it itself, whatever the namespace's setting. */
static void take_bridge(struct link *link, const struct nlattr *info)
{
	static const int options[] = {
		IFLA_BR_NF_CALL_IPTABLES, IFLA_BR_NF_CALL_IP6TABLES
	};
	const struct nlattr *data = nla_find(nla_data(info), nla_len(info),
					     IFLA_INFO_DATA);
	const struct nlattr *a;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options) && data; i++) {
		a = nla_find(nla_data(data), nla_len(data), options[i]);
		link->bridge_netfilter |= a && nla_get_u8(a);
	}
}

static void take_link_info(struct link *link, const struct nlattr *info)
{
	const struct nlattr *kind = nla_find(nla_data(info), nla_len(info),
					     IFLA_INFO_KIND);

	if (kind)
		take_text(link->kind, sizeof(link->kind), kind);
	if (!strcmp(link->kind, "bridge"))
		take_bridge(link, info);
}

static void take_attr(struct link *link, const struct nlattr *a)
{
	const struct nlattr *sub;

	switch (nla_type(a)) {
	case IFLA_IFNAME:
		take_text(link->name, sizeof(link->name), a);
		break;
	case IFLA_STATS64:
		take_stats(link, a);
		break;
	case IFLA_LINK:
		link->lower = nla_get_u32(a);
		break;
	case IFLA_LINK_NETNSID:
		link->elsewhere = true;
		break;
	case IFLA_MASTER:
		link->master = nla_get_u32(a);
		break;
	case IFLA_LINKINFO:
		take_link_info(link, a);
		break;
	case IFLA_XDP:
		sub = nla_find(nla_data(a), nla_len(a), IFLA_XDP_ATTACHED);
		if (sub)
			link->xdp = nla_get_u8(sub);
		break;
	}
}

static int take_link(struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *info = nlmsg_data(h);
	struct link *link;
	struct nlattr *a;
	int left;

	if (nlmsg_datalen(h) < (int)sizeof(*info))
		return -EBADMSG;
	link = add_link(arg);
	if (!link)
		return -ENOMEM;
	link->index = info->ifi_index;
	link->type = info->ifi_type;
	link->flags = info->ifi_flags;
	nlmsg_for_each_attr(a, h, sizeof(*info), left)
		take_attr(link, a);
	/* Numbers of another namespace's interfaces mean nothing here. */
	if (link->elsewhere || link->lower == link->index)
		link->lower = 0;
	return 0;
}

static int take_qdisc(struct nlmsghdr *h, void *arg)
{
	const struct tcmsg *tc = nlmsg_data(h);
	const struct nlattr *kind;
	struct link *link;

	if (nlmsg_datalen(h) < (int)sizeof(*tc))
		return -EBADMSG;
	link = links_find(arg, tc->tcm_ifindex);
	kind = nlmsg_find_attr(h, sizeof(*tc), TCA_KIND);
	if (link && kind && (!nla_strcmp(kind, "clsact") ||
			     !nla_strcmp(kind, "ingress")))
		link->tc = true;
	return 0;
}

static bool is_on(const char *sysctl)
{
	FILE *f = fopen(sysctl, "re");
	int first = f ? fgetc(f) : EOF;

	if (f)
		fclose(f);
	return first != EOF && first != '0';
}

/* Where br_netfilter is not loaded, what a bridge asks for has no effect. */
static void mark_bridges(struct links *list)
{
	const bool loaded = !access("/proc/sys/net/bridge", F_OK);
	const bool all =
		is_on("/proc/sys/net/bridge/bridge-nf-call-iptables") ||
		is_on("/proc/sys/net/bridge/bridge-nf-call-ip6tables");
	size_t i;

	for (i = 0; i < list->n; i++) {
		struct link *link = &list->v[i];

		link->bridge_netfilter |= all && !strcmp(link->kind, "bridge");
		link->bridge_netfilter &= loaded;
	}
}

static int dump_links(struct nlsock *nl, int type, void *header, size_t size,
		      nlsock_fn fn, struct links *list)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST |
						NLM_F_DUMP);

	if (!msg || nlmsg_append(msg, header, size, NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return nlsock_ask(nl, msg, fn, list);
}

static int ask_route(struct links *list, int type, void *header, size_t size,
		     nlsock_fn fn, struct error *e)
{
	struct nlsock *nl = NULL;
	int err = nlsock_open(&nl, NETLINK_ROUTE);

	if (!err)
		err = dump_links(nl, type, header, size, fn, list);
	nlsock_close(nl);
	if (err)
		error_set(e, err, "cannot list the interfaces: %s",
			  strerror(-err));
	return err;
}

/**
 * links_read() - read the interfaces of this network namespace
 * @list: they are added to this, to release with links_free()
 * @e: why it failed
 *
 * Return: 0 or a negative errno.
 */
int links_read(struct links *list, struct error *e)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC };

	return ask_route(list, RTM_GETLINK, &info, sizeof(info), take_link, e);
}

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

static int take_flowtable(struct nlmsghdr *h, void *arg)
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
	/* Unknown: query it, which costs a query at most. */
	if (!f)
		return true;
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, "/nf_tables.ko");
	fclose(f);
	return found;
}

static int dump_flowtables(struct nlsock *nl, struct links *list)
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
	return nlsock_ask(nl, msg, take_flowtable, list);
}

/*
 * Mark the interfaces that a flowtable is on. Where nf_tables is not loaded
 * there is none, and asking would load it. Returns 0, or the negative errno
 * for which it is unknown.
 */
static int mark_flowtables(struct links *list)
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
		err = dump_flowtables(nl, list);
	nlsock_close(nl);
	return err == -EINVAL || err == -ENOENT ? 0 : err;
}

/**
 * links_inspect() - find out what leads packets past the hooks, or to them
 * @list: the interfaces
 * @e: why it failed
 *
 * Return: 0 or a negative errno.
 */
int links_inspect(struct links *list, struct error *e)
{
	struct tcmsg tc = { .tcm_family = AF_UNSPEC };

	list->flowtables = mark_flowtables(list);
	mark_bridges(list);
	return ask_route(list, RTM_GETQDISC, &tc, sizeof(tc), take_qdisc, e);
}

/**
 * links_free() - release interfaces
 * @list: the interfaces
 */
void links_free(struct links *list)
{
	free(list->v);
	*list = (struct links){ 0 };
}

/**
 * links_find() - an interface by its number
 * @list: the interfaces
 * @index: the number
 *
 * Return: the interface or NULL.
 */
struct link *links_find(const struct links *list, int index)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->v[i].index == index)
			return &list->v[i];
	return NULL;
}

/**
 * links_find_name() - an interface by its name
 * @list: the interfaces
 * @name: the name
 *
 * Return: the interface or NULL.
 */
struct link *links_find_name(const struct links *list, const char *name)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (!strcmp(list->v[i].name, name))
			return &list->v[i];
	return NULL;
}
