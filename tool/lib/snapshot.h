/* SPDX-License-Identifier: GPL-2.0 */
/* All counters of a namespace, read at one time. */
#ifndef PORTMON_CTL_SNAPSHOT_H
#define PORTMON_CTL_SNAPSHOT_H

#include "lib/nl.h"
#include "lib/nlsock.h"
#include "lib/record.h"

/* Longest name of a snapshot that is kept. */
#define SNAPSHOT_NAME_MAX 64

/**
 * struct snapshot - what was counted
 * @ports: port records
 * @overflow: packets without a port record
 * @other: buckets
 */
struct snapshot {
	struct records ports;
	struct records overflow;
	struct records other;
};

enum {
	SNAP_OVERFLOW = 1,
	SNAP_OTHER = 2,
};

int snapshot_get(struct pm *pm, struct info *info, const struct filter *f,
		 unsigned int parts, struct snapshot *s);
int snapshot_keep(struct pm *pm, struct info *info, const struct filter *f,
		  unsigned int parts, struct snapshot *s,
		  struct nlreply *reply);
int snapshot_read(FILE *kept, struct info *info, const struct filter *f,
		  unsigned int parts, struct snapshot *s);
bool snapshot_is_name(const char *name);
int snapshot_reset(struct pm *pm, const struct filter *f, struct snapshot *s,
		   int *refused);
void snapshot_free(struct snapshot *s);

#endif
