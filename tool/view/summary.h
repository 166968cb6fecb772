/* SPDX-License-Identifier: GPL-2.0 */
/* A port's counters as text. */
#ifndef PORTMON_CTL_SUMMARY_H
#define PORTMON_CTL_SUMMARY_H

#include "ctl/ctx.h"

void summary_print(FILE *out, const struct ctx *ctx, const struct record *r,
		 uint64_t now);

#endif
