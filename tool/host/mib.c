// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/mib.h"
#include "lib/util.h"

#define LINE_SIZE 8192

/**
 * struct entry - a counter of the kernel's and where it is added
 * @name: "Ip:InReceives" of IPv4, "Ip6InReceives" of IPv6
 * @to: where in struct mib
 */
static const struct entry {
	const char *name;
	size_t to;
} entries[] = {
#define TO(field) offsetof(struct mib, field)
	{ "IpExt:InNoECTPkts", TO(received) },
	{ "IpExt:InECT1Pkts", TO(received) },
	{ "IpExt:InECT0Pkts", TO(received) },
	{ "IpExt:InCEPkts", TO(received) },
	{ "Ip6InNoECTPkts", TO(received) },
	{ "Ip6InECT1Pkts", TO(received) },
	{ "Ip6InECT0Pkts", TO(received) },
	{ "Ip6InCEPkts", TO(received) },
	{ "Ip:InReceives", TO(buffers) },
	{ "Ip6InReceives", TO(buffers) },
	{ "Ip:InHdrErrors", TO(bad) },
	{ "Ip:InAddrErrors", TO(bad) },
	{ "IpExt:InTruncatedPkts", TO(bad) },
	{ "IpExt:InCsumErrors", TO(bad) },
	{ "Ip6InHdrErrors", TO(bad) },
	{ "Ip6InTooBigErrors", TO(bad) },
	{ "Ip6InAddrErrors", TO(bad) },
	{ "Ip6InTruncatedPkts", TO(bad) },
	{ "IpExt:InNoRoutes", TO(no_route) },
	{ "Ip6InNoRoutes", TO(no_route) },
	{ "Ip:ReasmReqds", TO(fragments) },
	{ "Ip:ReasmOKs", TO(whole) },
	{ "Ip:OutNoRoutes", TO(tx_no_route) },
	{ "Ip6OutNoRoutes", TO(tx_no_route) },
	{ "Ip:OutDiscards", TO(tx_discarded) },
	{ "Ip6OutDiscards", TO(tx_discarded) },
	{ "Ip:FragCreates", TO(tx_fragments) },
	{ "Ip6FragCreates", TO(tx_fragments) },
	{ "Ip:FragOKs", TO(tx_split) },
	{ "Ip6FragOKs", TO(tx_split) },
#undef TO
};

static void add_value(struct mib *mib, const char *group, const char *name,
		      uint64_t v)
{
	const size_t len = strlen(group);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(entries); i++)
		if (!strncmp(entries[i].name, group, len) &&
		    !strcmp(entries[i].name + len, name))
			*(uint64_t *)((char *)mib + entries[i].to) += v;
}

/* A line of names, then a line of numbers; both begin with the group. */
static void take_pair(struct mib *mib, char *names, char *numbers)
{
	char *name_save, *number_save, *name, *number, *group;

	group = strtok_r(names, " \n", &name_save);
	if (!group || !strtok_r(numbers, " \n", &number_save))
		return;
	for (;;) {
		name = strtok_r(NULL, " \n", &name_save);
		number = strtok_r(NULL, " \n", &number_save);
		if (!name || !number)
			return;
		add_value(mib, group, name, strtoull(number, NULL, 10));
	}
}

static int read_pairs(struct mib *mib, const char *path)
{
	char names[LINE_SIZE], numbers[LINE_SIZE];
	FILE *f = fopen(path, "re");

	if (!f)
		return -errno;
	while (fgets(names, sizeof(names), f) &&
	       fgets(numbers, sizeof(numbers), f))
		take_pair(mib, names, numbers);
	fclose(f);
	return 0;
}

/* A line for each counter; a host without IPv6 has none. */
static int read_ipv6(struct mib *mib, const char *path)
{
	char line[256], name[64];
	FILE *f = fopen(path, "re");
	uint64_t v;

	if (!f)
		return errno == ENOENT ? 0 : -errno;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %" SCNu64, name, &v) == 2)
			add_value(mib, "", name, v);
	fclose(f);
	return 0;
}

/**
 * mib_read() - read what IP has counted in this network namespace
 * @mib: the counters
 * @e: why it failed
 *
 * Return: 0 or a negative errno.
 */
int mib_read(struct mib *mib, struct error *e)
{
	int err;

	*mib = (struct mib){ 0 };
	err = read_pairs(mib, "/proc/net/snmp");
	if (!err)
		err = read_pairs(mib, "/proc/net/netstat");
	if (!err)
		err = read_ipv6(mib, "/proc/net/snmp6");
	if (err)
		error_set(e, err, "cannot read the counters of IP: %s",
			  strerror(-err));
	return err;
}
