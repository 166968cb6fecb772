/* SPDX-License-Identifier: GPL-2.0 */
/* What came between two snapshots. */
#ifndef PORTMON_CTL_CAME_H
#define PORTMON_CTL_CAME_H

#include "lib/snapshot.h"
#include "view/rates.h"

/**
 * struct came - snapshots one after the other, all zero before the first
 * @ports: ports and overflow records
 * @other: buckets
 * @last: the latest snapshot, ports and overflow records in one list
 * @before: the one before it
 */
struct came {
	struct rates ports;
	struct rates other;
	struct snapshot last;
	struct snapshot before;
};

int came_add(struct came *came, struct snapshot *s, double at);
int came_get(const struct came *came, const struct filter *f,
	     struct snapshot *out);
void came_free(struct came *came);

#endif
