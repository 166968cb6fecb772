// SPDX-License-Identifier: GPL-2.0
/* Whose the port of the detail page is. */
#include <stdio.h>
#include <string.h>

#include "host/owners.h"
#include "top/top.h"

#define NOT_ROOT	"; without root not every process can be seen"

static size_t put(struct top *t, size_t len, const char *text)
{
	if (len < sizeof(t->owner))
		snprintf(t->owner + len, sizeof(t->owner) - len, "%s", text);
	return strlen(t->owner);
}

static void describe(struct top *t, const struct owners *owners,
		     const struct port_use *use)
{
	char name[OWNER_SIZE], connections[OWNER_SIZE];
	size_t i, len = 0;

	for (i = 0; i < use->n; i += owner_group(use, i)) {
		len = put(t, len, i ? ", " : "");
		len = put(t, len, owner_text(name, use, i));
	}
	if (!use->n)
		len = put(t, len, "no socket now");
	if (use->connections) {
		snprintf(connections, sizeof(connections),
			 "; %u open connection%s", use->connections,
			 plural(use->connections));
		len = put(t, len, connections);
	}
	if (owners_hidden(owners))
		put(t, len, NOT_ROOT);
}

/**
 * top_owner() - find out whose the port of the detail page is
 * @t: the live view, told in @t->owner
 *
 * Return: whether something was written to the terminal: an error, which
 * spoils the page and is no reason to end it.
 */
bool top_owner(struct top *t)
{
	const struct rate *r = top_row_at(t);
	struct owners owners;
	struct port_use use;
	struct record key;
	struct error e;
	bool spoiled;

	t->owner[0] = '\0';
	if (!r || r->total.folded || r->total.scope == PORTMON_SCOPE_FORWARD ||
	    !record_has(&r->total, PORTMON_A_RECORD_PORT))
		return false;
	spoiled = owners_read(&owners, 1u << r->total.transport, &e);
	if (spoiled)
		warn("%s", e.text);
	key = r->total;
	key.owners = &owners;
	if (!spoiled && !owners_of_record(&key, &use)) {
		describe(t, &owners, &use);
		port_use_free(&use);
	} else {
		put(t, 0, "cannot be told");
	}
	owners_free(&owners);
	return spoiled;
}
