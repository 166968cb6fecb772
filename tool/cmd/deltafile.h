/* SPDX-License-Identifier: GPL-2.0 */
/* The snapshot file of stats --delta. */
#ifndef PORTMON_CTL_DELTAFILE_H
#define PORTMON_CTL_DELTAFILE_H

#include <stdio.h>

#include "lib/snapshot.h"

struct ctx;

#define BOOT_ID_SIZE 40

/**
 * struct mark - which moment a snapshot is of
 * @boot: boot of the machine
 * @cookie: the network namespace; unlike the number of its inode the kernel
 *   gives it to no other one after it
 * @generation: see struct info
 * @since: see struct info
 * @time: when it was read, in seconds since the epoch
 */
struct mark {
	char boot[BOOT_ID_SIZE];
	uint64_t cookie;
	uint32_t generation;
	uint64_t since;
	uint64_t time;
};

/**
 * struct deltafile - a file that is locked
 * @dir: its folder
 * @name: its name
 * @path: folder and name, for sentences
 */
struct deltafile {
	int dir;
	char name[64];
	char path[4096];
};

int deltafile_open(struct deltafile *d, const char *kind);
int deltafile_read(const struct deltafile *d, struct mark *mark,
		   struct snapshot *s);
int deltafile_prepare(const struct deltafile *d, const struct mark *mark,
		      const struct snapshot *s);
int deltafile_commit(const struct deltafile *d);
void deltafile_close(struct deltafile *d);

int mark_take(struct mark *mark);
int mark_read(struct ctx *ctx, struct mark *mark, struct snapshot *s);
bool mark_follows(const struct mark *mark, const struct mark *old);

int delta_write(FILE *f, const struct mark *mark, const struct snapshot *s);
int delta_parse(FILE *f, struct mark *mark, struct snapshot *s);

#endif
