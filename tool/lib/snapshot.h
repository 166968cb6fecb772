/* SPDX-License-Identifier: GPL-2.0 */
/* All that a namespace has counted, read at one time. */
#ifndef PORTMON_CTL_SNAPSHOT_H
#define PORTMON_CTL_SNAPSHOT_H

#include "ctl/ctx.h"
#include "host/owners.h"

/**
 * struct snapshot - what was counted
 * @ports: port records
 * @overflow: what no port record could be had for
 * @other: buckets
 * @owners: who owns the ports, after snapshot_owners()
 */
struct snapshot {
	struct records ports;
	struct records overflow;
	struct records other;
	struct owners owners;
};

enum {
	SNAP_OVERFLOW = 1,
	SNAP_OTHER = 2,
};

int snapshot_get(struct ctx *ctx, const struct filter *f, unsigned int parts,
		 struct snapshot *s);
int snapshot_read(struct ctx *ctx, const struct filter *f, unsigned int parts,
		  struct snapshot *s);
int snapshot_reset(struct ctx *ctx, const struct filter *f,
		   struct snapshot *s);
int snapshot_owners(struct ctx *ctx, struct snapshot *s);
void snapshot_free(struct snapshot *s);

#endif
