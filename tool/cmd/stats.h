/* SPDX-License-Identifier: GPL-2.0 */
/* The three ways of stats: all there was, what came since, what comes. */
#ifndef PORTMON_CTL_STATS_H
#define PORTMON_CTL_STATS_H

#include "ctl/read.h"

int stats_delta(struct ctx *ctx);
int stats_intervals(struct ctx *ctx);

#endif
