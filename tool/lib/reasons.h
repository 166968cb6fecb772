/* SPDX-License-Identifier: GPL-2.0 */
/* Descriptions of the kernel's drop reasons. */
#ifndef PORTMON_CTL_REASONS_H
#define PORTMON_CTL_REASONS_H

#include <stddef.h>

/* Of a packet to a port that nothing listens on. */
#define REASON_CLOSED "NO_SOCKET"

/* Reason of a drop by a firewall of this host. */
#define REASON_FIREWALL "NETFILTER_DROP"

/**
 * struct reason - a reason of the kernel to drop a packet
 * @name: its name, without SKB_DROP_REASON_
 * @meaning: what it means
 * @advice: what to do
 */
struct reason {
	const char *name;
	const char *meaning;
	const char *advice;
};

/* Ordered by name. */
extern const struct reason reasons[];
extern const size_t n_reasons;

const struct reason *reason_find(const char *name);

#endif
