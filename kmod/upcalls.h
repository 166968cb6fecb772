/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one interface from the tables and namespaces to what is built on them:
 * they call it, main.c fills it in.
 */
#ifndef _PORTMON_UPCALLS_H
#define _PORTMON_UPCALLS_H

#include "types.h"

/**
 * struct portmon_upcalls - what the upper files do for the lower ones
 * @listening: does anyone listen to events of the namespace? Any context,
 *	under rcu_read_lock() or where the namespace stays
 * @report: report an event to them; @missed are those that were not reported
 *	since the last. Process context, may sleep
 * @follow: a namespace starts or stops to follow @what. Process context, may
 *	sleep; once the last one has stopped no tracepoint is running
 */
struct portmon_upcalls {
	bool (*listening)(struct net *net);
	void (*report)(struct net *net, const struct portmon_notice *notice,
		       u32 missed);
	void (*follow)(enum portmon_follow what, bool on);
};

extern const struct portmon_upcalls portmon_upcalls;

#endif
