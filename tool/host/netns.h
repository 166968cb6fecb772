/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTMON_CTL_NETNS_H
#define PORTMON_CTL_NETNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"

#define NETNS_DIR "/run/netns"

bool netns_is(int dir, const char *path);
int netns_enter(const char *name, struct error *e);
int netns_identify(char *buf, size_t size);
uint64_t netns_cookie(void);

/**
 * struct netns - a network namespace
 * @dev: file system of its inode
 * @inode: number of its inode, identifies the namespace
 * @pid: a process in it, 0 if it was found by its name
 * @label: its name, or "PID/COMMAND" without one
 * @named: it has a name
 * @own: the one that this process was started in
 */
struct netns {
	dev_t dev;
	ino_t inode;
	pid_t pid;
	char label[256];
	bool named;
	bool own;
};

/**
 * struct nslist - network namespaces
 * @v: each once, this process's own first
 * @n: how many
 * @cap: how many there is room for
 * @hidden: processes whose namespace may not be read
 */
struct nslist {
	struct netns *v;
	size_t n;
	size_t cap;
	size_t hidden;
};

int nslist_read(struct nslist *list, struct error *e);
int nslist_enter(const struct netns *ns);
void nslist_free(struct nslist *list);

#endif
