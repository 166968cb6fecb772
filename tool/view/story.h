/* SPDX-License-Identifier: GPL-2.0 */
/* What a port's counters tell, in words. */
#ifndef PORTMON_CTL_STORY_H
#define PORTMON_CTL_STORY_H

#include "ctl/ctx.h"

void story_print(FILE *out, const struct ctx *ctx, const struct record *r,
		 uint64_t now);

#endif
