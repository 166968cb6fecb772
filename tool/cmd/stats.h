/* SPDX-License-Identifier: GPL-2.0 */
/* The three modes of stats: totals, --delta, --interval. */
#ifndef PORTMON_CTL_STATS_H
#define PORTMON_CTL_STATS_H

#include "ctl/read.h"

int stats_delta(struct ctx *ctx);
int stats_intervals(struct ctx *ctx);

#endif
