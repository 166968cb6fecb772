/* SPDX-License-Identifier: GPL-2.0 */
/* What the tables hold: added up over CPUs, and subtracted by a reset. */
#ifndef _PORTMON_SUMS_H
#define _PORTMON_SUMS_H

#include "types.h"

void portmon_read(const struct portmon_tables *t, const unsigned long *entry,
		  struct portmon_values *v);
void portmon_read_traffic(const struct portmon_tables *t,
			  const unsigned long *entry, struct portmon_values *v);
bool portmon_dropped(const unsigned long *entry);
void portmon_subtract(const struct portmon_tables *t,
		      const unsigned long *entry,
		      const struct portmon_values *v);
void portmon_read_histograms(struct portmon_tables *t,
			     const unsigned long *entry,
			     struct portmon_values *v);
u64 portmon_records_refused(const struct portmon_tables *t);
bool portmon_values_traffic(const struct portmon_values *v);
bool portmon_values_zero(const struct portmon_values *v);
struct portmon_pair portmon_stats_read(const struct portmon_tables *t,
				       const struct portmon_pair *which);

#endif
