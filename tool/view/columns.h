/* SPDX-License-Identifier: GPL-2.0 */
/* Columns of records, and which of them are wanted. */
#ifndef PORTMON_CTL_COLUMNS_H
#define PORTMON_CTL_COLUMNS_H

#include <stdbool.h>

#include "ctl/ctx.h"
#include "view/layouts.h"

int layout_choose(struct ctx *ctx, const struct layout *layout);
void layout_list(const struct layout *layout, const struct options *opt);

int out_table_lines(struct ctx *ctx, const struct records *list,
		    const struct records *more, double seconds, bool heads);
int out_table_ports(struct ctx *ctx, const struct records *list,
		    const struct records *overflow);
int out_table(struct ctx *ctx, const struct records *list,
	      const struct records *more, double seconds);

#endif
