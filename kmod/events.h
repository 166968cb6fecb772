/* SPDX-License-Identifier: GPL-2.0 */
/* Events of ports: TCP events and drops, each kind with its own counter. */
#ifndef _PORTMON_EVENTS_H
#define _PORTMON_EVENTS_H

#include "types.h"

struct portmon_counter *
portmon_event_find(struct portmon_counter *events,
		   const struct portmon_counter *end, unsigned int kind);
struct portmon_counter *portmon_event_enter(struct portmon_record *record,
					    struct portmon_counter *new);
struct portmon_counter *portmon_histograms_head(struct portmon_tables *t,
						struct portmon_record *record,
						unsigned int scope);
void portmon_event_add(struct portmon_tables *t, const struct portmon_key *key,
		       unsigned int kind, u64 n);
void portmon_segment_add(struct portmon_tables *t,
			 struct portmon_record *record,
			 const struct portmon_key *key, unsigned int kind);

void portmon_events_read(const struct portmon_counter *events,
			 struct portmon_values *v);
bool portmon_events_dropped(const struct portmon_counter *events);
void portmon_events_subtract(struct portmon_counter *events,
			     const struct portmon_values *v);
unsigned int portmon_events_overflow(const struct portmon_tables *t,
				     unsigned int scope, unsigned int kind,
				     struct portmon_values *v);
void portmon_events_overflow_subtract(struct portmon_tables *t,
				      unsigned int scope,
				      const struct portmon_values *v);
u32 portmon_events_max(void);
u32 portmon_histograms_max(void);
u64 portmon_events_refused(const struct portmon_tables *t);
void portmon_events_free(struct portmon_tables *t,
			 struct portmon_counter *events);

int portmon_events_init(void);
void portmon_events_exit(void);

#endif
