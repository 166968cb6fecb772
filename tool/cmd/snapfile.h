/* SPDX-License-Identifier: GPL-2.0 */
/* Snapshots that stats --delta and check keep in files. */
#ifndef PORTMON_CTL_SNAPFILE_H
#define PORTMON_CTL_SNAPFILE_H

#include <sys/types.h>

#include "ctl/ctx.h"
#include "lib/snapshot.h"

/* Names where no other one is given; users cannot choose that of check. */
#define SNAPFILE_DELTA	"default"
#define SNAPFILE_CHECK	"check"

#define BOOT_ID_SIZE 40

/**
 * struct mark - which moment a snapshot is of
 * @boot: boot of the machine
 * @cookie: the network namespace; unlike the number of its inode the kernel
 *   gives it to no other one after it
 * @netns: name that the namespace had, or empty
 * @generation: see struct info
 * @since: see struct info
 * @time: when it was read, in seconds since the epoch
 */
struct mark {
	char boot[BOOT_ID_SIZE];
	uint64_t cookie;
	char netns[256];
	uint32_t generation;
	uint64_t since;
	uint64_t time;
};

/**
 * struct snapfile - a snapshot's file, with the folder locked
 * @dir: its folder
 * @name: its name
 * @path: folder and name, for sentences
 */
struct snapfile {
	int dir;
	char name[SNAPSHOT_NAME_MAX + 24];
	char path[4096];
};

/**
 * enum snapstate - can a snapshot still be compared with?
 * @SNAPSTATE_USABLE: it can
 * @SNAPSTATE_BOOT: it is of an earlier boot
 * @SNAPSTATE_NETNS: its network namespace is gone, and this one has its inode
 * @SNAPSTATE_OTHER: it can in its network namespace, which is not this one
 * @SNAPSTATE_WRONG: its first line is not that of a snapshot
 */
enum snapstate {
	SNAPSTATE_USABLE,
	SNAPSTATE_BOOT,
	SNAPSTATE_NETNS,
	SNAPSTATE_OTHER,
	SNAPSTATE_WRONG,
};

/**
 * struct snapentry - a file of the folder
 * @name: name of the snapshot
 * @inode: inode of its network namespace
 * @bytes: size of the file
 * @mark: which moment it is of, without what only the snapshot itself tells
 * @valid: @mark could be read
 * @state: enum snapstate, to be set by whoever has listed it
 */
struct snapentry {
	char name[SNAPSHOT_NAME_MAX + 1];
	uint64_t inode;
	uint64_t bytes;
	struct mark mark;
	bool valid;
	enum snapstate state;
};

/**
 * struct snapentries - the snapshots of a user
 * @v: the snapshots, by name and inode
 * @n: how many
 * @cap: how many there is room for
 */
struct snapentries {
	struct snapentry *v;
	size_t n;
	size_t cap;
};

int snapfile_folder(struct snapfile *f);
int snapfile_open(struct snapfile *f, const char *name);
int snapfile_read(const struct snapfile *f, struct mark *mark,
		  struct snapshot *s);
int snapfile_prepare(const struct snapfile *f, const struct mark *mark,
		     const struct nlreply *reply);
int snapfile_commit(const struct snapfile *f);
int snapfile_list(const struct snapfile *f, struct snapentries *list);
int snapfile_remove(const struct snapfile *f, const struct snapentry *entry);
int snapfile_tidy(const struct snapfile *f, size_t *removed);
void snapfile_close(struct snapfile *f);

int mark_take(struct mark *mark);
int mark_inode(uint64_t *inode);
int mark_read(struct ctx *ctx, struct mark *mark, struct snapshot *s,
	      struct nlreply *reply);
bool mark_follows(const struct mark *mark, const struct mark *old);

#endif
