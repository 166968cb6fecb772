// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <net/if_arp.h>
#include <string.h>
#include <time.h>

#include <linux/if_link.h>

#include "host/coverage.h"

#define ETHERNET_HEADER 14

const struct cause_text cause_texts[CAUSES] = {
	[CAUSE_LINK_HEADER] = {
		"link-header", "bytes",
		"link-layer headers, 14 bytes per packet on Ethernet: interfaces count them, portmon does not"
	},
	[CAUSE_BUFFERS] = {
		"buffers", "packets",
		"the kernel merges packets (GRO, GSO): portmon counts packets on the wire, a software interface (lo, veth, tun) counts the fewer buffers"
	},
	[CAUSE_NOT_IP] = {
		"not-ip", "packets",
		"received, but not handed to IP: ARP and other protocols, frames for other hosts, bridged frames, and packets handled by XDP or tc"
	},
	[CAUSE_OTHER_HOST] = {
		"other-host", "packets",
		"addressed to another host, and received because the interface is promiscuous or the switch floods"
	},
	[CAUSE_NO_HANDLER] = {
		"no-handler", "packets",
		"arrived on an inactive bond member"
	},
	[CAUSE_DROPPED] = {
		"dropped", "packets",
		"dropped by an interface or before any protocol: unknown protocol, unknown VLAN, or overload"
	},
	[CAUSE_BAD] = {
		"bad", "packets",
		"rejected by IP: wrong header or checksum, wrong address, truncated"
	},
	[CAUSE_NO_ROUTE] = {
		"no-route", "packets",
		"no route to forward it"
	},
	[CAUSE_FRAGMENTS] = {
		"fragments", "packets",
		"IPv4 fragments: portmon sees the reassembled packet, not its fragments"
	},
	[CAUSE_BEFORE_HOOK] = {
		"before-hook", "packets",
		"handed to IP but not to a hook of portmon: dropped by a firewall rule in prerouting, by the reverse path filter or by IPsec; for another host without forwarding; multicast without a receiver; or forwarded by a flowtable"
	},
	[CAUSE_LOOPED] = {
		"looped", "packets",
		"at a hook but not handed from an interface to IP: this host's own multicast and broadcast, bridged packets (br_netfilter), and packets that a firewall rule creates"
	},
	[CAUSE_TX_OTHER] = {
		"tx-other", "packets",
		"sent without passing a hook: ARP and other protocols, packet sockets (DHCP, LLDP), packets forwarded by a bridge, XDP, tc or a flowtable, fragments"
	},
	[CAUSE_TX_LESS] = {
		"tx-less", "packets",
		"passed a hook but not counted as sent by an interface: larger buffers (GSO on lo, veth, tun); drops by a firewall rule in postrouting, by IPsec or by a queue; unanswered ARP; copies of own broadcast and multicast"
	},
	[CAUSE_TX_DROPPED] = {
		"tx-dropped", "packets",
		"dropped by an interface on output"
	},
	[CAUSE_TX_NO_ROUTE] = {
		"tx-no-route", "packets",
		"not sent: no route, no memory"
	},
	[CAUSE_TX_FRAGMENTS] = {
		"tx-fragments", "packets",
		"fragments created after the hook: interfaces count each, portmon counts the packet"
	},
	[CAUSE_XDP] = {
		"xdp", NULL,
		"an XDP program runs before the kernel's stack; packets that it drops, answers or redirects are not counted (nor always by the interface)"
	},
	[CAUSE_TC] = {
		"tc", NULL,
		"tc filters run before IP; packets that they drop or redirect are not counted"
	},
	[CAUSE_BRIDGE] = {
		"bridge-netfilter", NULL,
		"a bridge passes its frames through the firewall's hooks (br_netfilter): bridged packets count as forward, without being handed to IP"
	},
	[CAUSE_FLOWTABLE] = {
		"flowtable", NULL,
		"a flowtable of nftables forwards established connections past the hooks: only their first and last packets are counted"
	},
	[CAUSE_FLOWTABLE_UNKNOWN] = {
		"flowtable-unknown", NULL,
		"whether a flowtable of nftables forwards packets past the hooks is unknown without CAP_NET_ADMIN; run as root"
	},
	[CAUSE_ELSEWHERE] = {
		"elsewhere", NULL,
		"the peer or lower device is in another network namespace, which counts separately: portmon-ctl --netns NAME coverage"
	},
};

static int read_hooks(struct pm *pm, struct info *info, struct sample *s,
		      struct error *e)
{
	struct records list = { 0 };
	int err = pm_buckets(pm, &list);
	size_t i;

	for (i = 0; i < list.n && !err; i++) {
		const struct record *r = &list.v[i];

		if (r->hook < HOOKS)
			count_add(&s->hook[r->hook], &r->all);
		if (r->bucket == PORTMON_BUCKET_L3MDEV)
			count_add(&s->twice, &r->all);
	}
	records_free(&list);
	if (!err)
		err = pm_info(pm, info);
	s->generation = info->generation;
	return err ? pm_error(pm, "read the counters", err, e) : 0;
}

/**
 * sample_read() - read all counters, as close to one time as can be
 * @pm: the connection
 * @info: state of the namespace, which is read too
 * @s: the counters, to release with sample_free()
 * @e: why it failed
 *
 * Return: 0 or a negative errno.
 */
int sample_read(struct pm *pm, struct info *info, struct sample *s,
		struct error *e)
{
	struct timespec now;
	int err;

	*s = (struct sample){ 0 };
	err = links_read(&s->links, e);
	if (!err)
		err = mib_read(&s->mib, e);
	if (!err)
		err = read_hooks(pm, info, s, e);
	clock_gettime(CLOCK_MONOTONIC, &now);
	s->ms = now.tv_sec * UINT64_C(1000) + now.tv_nsec / 1000000;
	return err;
}

/**
 * sample_free() - release a sample
 * @s: the sample
 */
void sample_free(struct sample *s)
{
	links_free(&s->links);
}

static bool is_kind(const struct link *link, const char *const *kinds)
{
	for (; *kinds; kinds++)
		if (!strcmp(link->kind, *kinds))
			return true;
	return false;
}

/**
 * link_counts() - are an interface's packets in the sum?
 * @links: all interfaces
 * @link: the interface
 *
 * Not if they are counted by another one as well, from which IP gets them or
 * that received them: a port of a bridge or bond, a VLAN, a VRF.
 *
 * Return: whether they are.
 */
bool link_counts(const struct links *links, const struct link *link)
{
	static const char *const stacked[] = {
		"vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec", NULL
	};
	static const char *const vrf[] = { "vrf", NULL };
	const struct link *other;

	if (is_kind(link, vrf))
		return false;
	other = link->master ? links_find(links, link->master) : NULL;
	if (other && !is_kind(other, vrf))
		return false;
	other = link->lower ? links_find(links, link->lower) : NULL;
	return !other || !is_kind(link, stacked) ||
	       !link_counts(links, other);
}

/**
 * link_has() - does a cause lie in an interface?
 * @link: the interface
 * @cause: one of those of which nothing can be counted
 *
 * Return: whether it does.
 */
bool link_has(const struct link *link, enum cause cause)
{
	switch (cause) {
	case CAUSE_XDP:
		return link->xdp != XDP_ATTACHED_NONE;
	case CAUSE_TC:
		return link->tc;
	case CAUSE_BRIDGE:
		return link->bridge_netfilter;
	case CAUSE_FLOWTABLE:
		return link->flowtable;
	case CAUSE_ELSEWHERE:
		return link->elsewhere;
	default:
		return false;
	}
}

/* A counter that decreased was restarted. */
static uint64_t since(uint64_t now, uint64_t before)
{
	return now >= before ? now - before : now;
}

static void count_since(struct count *now, const struct count *before)
{
	now->packets = since(now->packets, before->packets);
	now->bytes = since(now->bytes, before->bytes);
}

static void links_since(struct links *now, const struct links *before)
{
	size_t i;

	for (i = 0; i < now->n; i++) {
		struct link *l = &now->v[i];
		const struct link *b = links_find(before, l->index);

		if (!b)
			continue;
		count_since(&l->rx, &b->rx);
		count_since(&l->tx, &b->tx);
		l->rx_dropped = since(l->rx_dropped, b->rx_dropped);
		l->tx_dropped = since(l->tx_dropped, b->tx_dropped);
		l->other_host = since(l->other_host, b->other_host);
		l->no_handler = since(l->no_handler, b->no_handler);
	}
}

static void mib_since(struct mib *now, const struct mib *before)
{
	uint64_t *n = (uint64_t *)now;
	const uint64_t *b = (const uint64_t *)before;
	size_t i;

	for (i = 0; i < MIB_FIELDS; i++)
		n[i] = since(n[i], b[i]);
}

static void mark_cause(struct coverage *c, enum cause why, uint64_t amount)
{
	c->amount[why] += amount;
	c->found[why] |= amount > 0;
}

/* By how much a is more than b. */
static uint64_t excess(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void sum_link(struct coverage *c, const struct link *link)
{
	enum cause cause;

	for (cause = CAUSE_XDP; cause < CAUSES; cause++)
		c->found[cause] |= link_has(link, cause);
	if (!link_counts(&c->links, link))
		return;
	count_add(&c->rx.links, &link->rx);
	count_add(&c->tx.links, &link->tx);
	if (link->type == ARPHRD_ETHER)
		mark_cause(c, CAUSE_LINK_HEADER, ETHERNET_HEADER *
			   (link->rx.packets + link->tx.packets));
	mark_cause(c, CAUSE_OTHER_HOST, link->other_host);
	mark_cause(c, CAUSE_NO_HANDLER, link->no_handler);
	mark_cause(c, CAUSE_DROPPED, link->rx_dropped);
	mark_cause(c, CAUSE_TX_DROPPED, link->tx_dropped);
}

static void find_received(struct coverage *c)
{
	const struct mib *m = &c->mib;
	const uint64_t merged = excess(m->fragments, m->whole);
	const uint64_t gone = m->bad + m->no_route + merged;

	mark_cause(c, CAUSE_BUFFERS, excess(m->received, m->buffers));
	mark_cause(c, CAUSE_NOT_IP, excess(c->rx.links.packets, m->received));
	mark_cause(c, CAUSE_BAD, m->bad);
	mark_cause(c, CAUSE_NO_ROUTE, m->no_route);
	mark_cause(c, CAUSE_FRAGMENTS, merged);
	mark_cause(c, CAUSE_BEFORE_HOOK,
		   excess(m->received, c->rx.portmon.packets + gone));
	mark_cause(c, CAUSE_LOOPED, excess(c->rx.portmon.packets, m->received));
}

static void find_sent(struct coverage *c)
{
	const struct mib *m = &c->mib;

	mark_cause(c, CAUSE_TX_OTHER,
		   excess(c->tx.links.packets, c->tx.portmon.packets));
	mark_cause(c, CAUSE_TX_LESS,
		   excess(c->tx.portmon.packets, c->tx.links.packets));
	mark_cause(c, CAUSE_TX_NO_ROUTE, m->tx_no_route + m->tx_discarded);
	mark_cause(c, CAUSE_TX_FRAGMENTS, excess(m->tx_fragments, m->tx_split));
}

static void add_hooks(struct coverage *c, const struct sample *after,
		      const struct sample *before)
{
	struct count twice = after->twice;
	enum portmon_hook hook;

	memcpy(c->hook, after->hook, sizeof(c->hook));
	for (hook = 0; hook < HOOKS; hook++)
		count_since(&c->hook[hook], &before->hook[hook]);
	count_since(&twice, &before->twice);
	c->rx.portmon = c->hook[PORTMON_HOOK_LOCAL_IN];
	count_add(&c->rx.portmon, &c->hook[PORTMON_HOOK_FORWARD]);
	c->tx.portmon = c->hook[PORTMON_HOOK_LOCAL_OUT];
	c->tx.portmon.packets -= twice.packets;
	c->tx.portmon.bytes -= twice.bytes;
	count_add(&c->tx.portmon, &c->hook[PORTMON_HOOK_FORWARD]);
}

/**
 * coverage_between() - the differences between two samples, and their causes
 * @c: the answer; its interfaces are those of @after
 * @before: the first sample
 * @after: the second sample, after links_inspect(); what it counted becomes
 *   what it counted since @before
 *
 * Return: 0, or -EINTR if portmon's counters were reset in between.
 */
int coverage_between(struct coverage *c, const struct sample *before,
		     struct sample *after)
{
	size_t i;

	*c = (struct coverage){ .links = after->links, .mib = after->mib };
	if (before->generation != after->generation)
		return -EINTR;
	c->ms = after->ms - before->ms;
	links_since(&c->links, &before->links);
	mib_since(&c->mib, &before->mib);
	add_hooks(c, after, before);
	for (i = 0; i < c->links.n; i++)
		sum_link(c, &c->links.v[i]);
	c->found[CAUSE_FLOWTABLE_UNKNOWN] = c->links.flowtables;
	find_received(c);
	find_sent(c);
	return 0;
}
