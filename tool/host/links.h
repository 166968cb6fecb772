/* SPDX-License-Identifier: GPL-2.0 */
/* The interfaces of this network namespace and their counters. */
#ifndef PORTMON_CTL_LINKS_H
#define PORTMON_CTL_LINKS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/record.h"

#define KIND_SIZE 16

/**
 * struct link - an interface
 * @index: its number
 * @name: its name
 * @kind: its type (vlan, bridge, veth), empty for hardware
 * @type: ARPHRD_*
 * @flags: IFF_*
 * @lower: number of the interface below it in this namespace, 0 for none
 * @master: number of the interface it belongs to, 0 for none
 * @elsewhere: its peer or lower device is in another namespace
 * @xdp: XDP_ATTACHED_*
 * @tc: tc filters may act on what arrives, before IP sees it
 * @bridge_netfilter: a bridge whose frames pass the hooks of IP
 * @flowtable: a flowtable of nftables forwards packets from it
 * @rx: received
 * @tx: sent
 * @rx_dropped: received and dropped before any protocol saw it
 * @tx_dropped: not sent
 * @other_host: received, but addressed to another host
 * @no_handler: received on an interface that is only in reserve
 */
struct link {
	int index;
	char name[IF_NAMESIZE];
	char kind[KIND_SIZE];
	unsigned int type;
	unsigned int flags;
	int lower;
	int master;
	bool elsewhere;
	uint8_t xdp;
	bool tc;
	bool bridge_netfilter;
	bool flowtable;
	struct count rx;
	struct count tx;
	uint64_t rx_dropped;
	uint64_t tx_dropped;
	uint64_t other_host;
	uint64_t no_handler;
};

/**
 * struct links - interfaces
 * @v: the interfaces
 * @n: how many there are
 * @cap: how many there is room for
 * @flowtables: 0 if it is known which have one, else why not (-errno)
 */
struct links {
	struct link *v;
	size_t n;
	size_t cap;
	int flowtables;
};

int links_read(struct links *list, struct error *e);
int links_inspect(struct links *list, struct error *e);
void links_free(struct links *list);
struct link *links_find(const struct links *list, int index);
struct link *links_find_name(const struct links *list, const char *name);

#endif
