// SPDX-License-Identifier: GPL-2.0
/* All that check looks for. */
#include <errno.h>
#include <stdlib.h>

#include "check/check.h"

/* The worst kind first; of one kind what happened most often. */
static int compare_findings(const void *x, const void *y)
{
	const struct finding *a = x, *b = y;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->events != b->events)
		return a->events > b->events ? -1 : 1;
	if (a->port != b->port)
		return a->port - b->port;
	return a->scope - b->scope;
}

/**
 * check_rules() - find what is wrong
 * @e: what is known
 * @found: what is wrong, the worst first; to release with findings_free()
 *
 * Return: 0 or -ENOMEM.
 */
int check_rules(const struct evidence *e, struct findings *found)
{
	*found = (struct findings){ .ports = e->s->ports.n };
	check_queues(e, found);
	check_tcp(e, found);
	check_drops(e, found);
	check_state(e, found);
	if (found->failed) {
		findings_free(found);
		return -ENOMEM;
	}
	if (found->n)
		qsort(found->v, found->n, sizeof(*found->v),
		      compare_findings);
	return 0;
}
