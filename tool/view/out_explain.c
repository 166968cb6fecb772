// SPDX-License-Identifier: GPL-2.0
/* What a port is for, as programs get it. */
#include <stdio.h>

#include <linux/portmon.h>

#include "view/out_explain.h"
#include "view/out_services.h"

#define EPHEMERAL_FILE "/proc/sys/net/ipv4/ip_local_port_range"

/**
 * explain_find() - all that is said of a port, in the order of the sources
 * @services: the sources
 * @spec: the port
 * @match: what is found
 *
 * Who renames a file renames a port, its purpose is still printed. A
 * transport that an earlier source named is not repeated by a source
 * without a text.
 *
 * Return: how many were found.
 */
size_t explain_find(struct services *services, const struct portspec *spec,
		    struct svc_match match[static EXPLAIN_MAX])
{
	unsigned int source, i, named = 0;
	size_t n = 0;

	for (source = 0; source < SVC_SOURCES; source++) {
		const struct svc_table *t = services_table(services,
							   source);
		unsigned int seen = 0;

		for (i = 0; i < t->singles + t->spans && n < EXPLAIN_MAX; i++) {
			const struct service *e = &t->v[i];

			if (e->port_max < spec->port || e->port > spec->port ||
			    !(e->transports & spec->transports) ||
			    (!e->use && !(e->transports & ~named)))
				continue;
			match[n++] = (struct svc_match){ t, e };
			seen |= e->transports;
		}
		named |= seen;
	}
	return n;
}

/**
 * explain_ephemeral() - the ports that this network namespace picks for itself
 * @min: the first
 * @max: the last
 *
 * Return: false if that is not known.
 */
bool explain_ephemeral(unsigned int *min, unsigned int *max)
{
	FILE *f = fopen(EPHEMERAL_FILE, "re");
	bool found;

	if (!f)
		return false;
	found = fscanf(f, "%u %u", min, max) == 2;
	fclose(f);
	return found;
}

/**
 * out_json_explain() - write what is known of a port
 * @j: the document
 * @spec: the port
 * @match: what explain_find() found
 * @n: how many
 */
void out_json_explain(struct json *j, const struct portspec *spec,
		      const struct svc_match *match, size_t n)
{
	const struct service *range = services_range(spec->port);
	unsigned int min, max;
	size_t i;

	json_object(j, NULL);
	json_uint(j, "port", spec->port);
	json_string(j, "range",
		    range ? svc_text(&catalogue, range->name) : NULL);
	if (explain_ephemeral(&min, &max))
		json_bool(j, "ephemeral",
			  spec->port >= min && spec->port <= max);
	json_array(j, "services");
	for (i = 0; i < n; i++)
		out_json_service(j, &match[i]);
	json_array_end(j);
	json_object_end(j);
}
