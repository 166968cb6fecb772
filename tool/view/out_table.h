/* SPDX-License-Identifier: GPL-2.0 */
/* Records as tables for people. */
#ifndef PORTMON_CTL_OUT_TABLE_H
#define PORTMON_CTL_OUT_TABLE_H

#include "ctl/ctx.h"

int out_table_lines(struct ctx *ctx, const struct records *list,
		    const struct records *more, double seconds, bool heads);
int out_table_ports(struct ctx *ctx, const struct records *list,
		    const struct records *overflow);
int out_table(struct ctx *ctx, const struct records *list,
	      const struct records *more, double seconds);

#endif
