/* SPDX-License-Identifier: GPL-2.0 */
/* Questions to the kernel over netlink, of whatever family. */
#ifndef PORTMON_CTL_NLSOCK_H
#define PORTMON_CTL_NLSOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct nl_msg;
struct nl_sock;
struct nlmsghdr;

/* The kernel fills messages of up to 32 KiB if there is room for them. */
#define NLSOCK_BUF_SIZE	(64 * 1024)

/**
 * struct nlreply - messages as the kernel sent them, one behind the other
 * @data: their bytes
 * @len: how many there are
 * @cap: how many there is room for
 */
struct nlreply {
	unsigned char *data;
	size_t len;
	size_t cap;
};

/**
 * struct nlsock - a socket
 * @sk: libnl's socket
 * @fd: its file descriptor
 * @kept: messages are read from this and not from a socket, unless NULL
 * @keep: messages of answers are added to this, unless NULL
 * @intr: the last dump was interrupted by a change
 * @lost: messages that found no room in the socket, since it was opened
 * @sentence: the kernel's message about the last error, or empty
 * @buf: what is being received
 */
struct nlsock {
	struct nl_sock *sk;
	int fd;
	FILE *kept;
	struct nlreply *keep;
	bool intr;
	uint32_t lost;
	char sentence[256];
	unsigned char buf[NLSOCK_BUF_SIZE] __attribute__((aligned(8)));
};

typedef int (*nlsock_fn)(struct nlmsghdr *h, void *arg);

int nlsock_open(struct nlsock **out, int protocol);
int nlsock_open_kept(struct nlsock **out, FILE *kept);
void nlsock_close(struct nlsock *s);
int nlsock_join(struct nlsock *s, int group);
int nlsock_listen(struct nlsock *s, nlsock_fn fn, void *arg);
int nlsock_ask(struct nlsock *s, struct nl_msg *msg, nlsock_fn fn, void *arg);

void nlreply_free(struct nlreply *reply);

#endif
