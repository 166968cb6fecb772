/* SPDX-License-Identifier: GPL-2.0 */
/* Which processes hold which sockets, from /proc. */
#ifndef PORTMON_CTL_PROCS_H
#define PORTMON_CTL_PROCS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/error.h"

#define PROC_NAME_SIZE	64
#define PROC_UNIT_SIZE	128

/**
 * struct proc - a process that holds a socket
 * @pid: its number
 * @name: its name, which may hold anything; see lib/text.h
 * @unit: systemd unit or container it belongs to, or empty
 */
struct proc {
	pid_t pid;
	char name[PROC_NAME_SIZE];
	char unit[PROC_UNIT_SIZE];
};

/**
 * struct holder - a socket and one process that holds it
 * @inode: number of the socket
 * @proc: index of the process
 */
struct holder {
	uint32_t inode;
	uint32_t proc;
};

/**
 * struct procs - processes and the sockets they hold
 * @v: the processes
 * @n: how many there are
 * @cap: how many there is room for
 * @holders: who holds what, by inode
 * @n_holders: how many there are
 * @cap_holders: how many there is room for
 * @denied: processes that this user may not look into
 */
struct procs {
	struct proc *v;
	size_t n;
	size_t cap;
	struct holder *holders;
	size_t n_holders;
	size_t cap_holders;
	size_t denied;
};

int procs_read(struct procs *p, const uint32_t *inodes, size_t n,
	       struct error *e);
void procs_free(struct procs *p);
const struct holder *procs_holders(const struct procs *p, uint32_t inode,
				   size_t *n);
void proc_unit(const char *path, char unit[static PROC_UNIT_SIZE]);

#endif
