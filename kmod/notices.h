/* SPDX-License-Identifier: GPL-2.0 */
/* The queue from where events happen to where they can be reported. */
#ifndef _PORTMON_NOTICES_H
#define _PORTMON_NOTICES_H

#include "types.h"

void portmon_notice_report(struct portmon_tables *t, u8 event,
			   const struct portmon_key *key, unsigned int kind,
			   u64 count);
bool portmon_notice_defer(struct portmon_tables *t,
			  const struct portmon_key *key, unsigned int kind,
			  u64 n);
bool portmon_notice_next(struct portmon_events *e,
			 struct portmon_notice *notice, u32 *missed);
void portmon_notices_start(struct portmon_events *e);

#endif
