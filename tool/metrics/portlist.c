// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/portmon.h>

#include "lib/names.h"
#include "lib/util.h"
#include "metrics/portlist.h"

#define USUAL (1u << PORTMON_TRANSPORT_TCP | 1u << PORTMON_TRANSPORT_UDP)

static int parse_one(struct portlist *list, const char *s, struct error *e)
{
	uint16_t port, port_max;
	const char *end = s;
	int transport;

	if (!parse_ports(s, &port, &port_max, &end) || (*end && *end != '/'))
		return error_set(e, -EINVAL,
				 "'%s' is not a port or a span of ports; those are written 443, 443/tcp or 8000-8009/udp",
				 s);
	if (list->n == PORTLIST_MAX)
		return error_set(e, -E2BIG, "more than %u ports and spans",
				 PORTLIST_MAX);
	list->v[list->n].port = port;
	list->v[list->n].port_max = port_max;
	list->v[list->n].transports = USUAL;
	if (*end) {
		transport = name_find(&transport_names, end + 1,
				      strlen(end + 1));
		if (transport < 0)
			return error_set(e, -EINVAL,
					 "unknown transport '%s'; it is one of: tcp, udp, udplite, sctp, dccp",
					 end + 1);
		list->v[list->n].transports = 1u << transport;
	}
	list->n++;
	return 0;
}

/**
 * portlist_parse() - read a list of ports
 * @list: they are added to this
 * @text: ports and spans, each with a transport or for TCP and UDP, commas
 *   between them
 * @e: what is wrong with it
 *
 * Return: 0 or a negative errno.
 */
int portlist_parse(struct portlist *list, const char *text, struct error *e)
{
	char part[64];
	int err = 0;

	do {
		size_t len = strcspn(text, ",");

		snprintf(part, sizeof(part), "%.*s", (int)len, text);
		err = parse_one(list, part, e);
		text += len;
	} while (!err && *text++);
	return err;
}
