/* SPDX-License-Identifier: GPL-2.0 */
/* A counter that nobody counts is not zero: it is not known. */
#ifndef PORTMON_CTL_KNOWN_H
#define PORTMON_CTL_KNOWN_H

#include "lib/record.h"

/**
 * enum unknown - why a counter is not known
 * @KNOWN: it is
 * @UNKNOWN_NO_TCP: only TCP has it
 * @UNKNOWN_OFF: it is switched off in this namespace
 * @UNKNOWN_MISSING: the kernel lacks the tracepoint
 * @UNKNOWN_FORWARD: only the hosts at the ends of a connection can tell
 */
enum unknown {
	KNOWN,
	UNKNOWN_NO_TCP,
	UNKNOWN_OFF,
	UNKNOWN_MISSING,
	UNKNOWN_FORWARD,
};

enum unknown tcp_unknown(const struct info *info, const struct record *r,
			 unsigned int attr);
enum unknown drops_unknown(const struct info *info, const struct record *r);

#endif
