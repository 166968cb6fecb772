/* SPDX-License-Identifier: GPL-2.0 */
/* Names, filters, folds and sorts records before they are printed. */
#ifndef PORTMON_CTL_VIEW_H
#define PORTMON_CTL_VIEW_H

#include "ctl/read.h"
#include "lib/record.h"
#include "lib/services.h"
#include "view/rates.h"

void view_name(struct records *list, struct services *services);
void view_unname(struct records *list);
void view_mark(struct records *list, const struct info *info);
int view_owned(struct records *list, const char *process, const char *unit);
bool view_folds(const struct record *r);
void view_fold_into(struct record *fold, const struct record *r);
void view_fold(struct records *list);
int view_ports(struct ctx *ctx, struct records *ports, struct owners *owners);
void view_order(const struct ctx *ctx, struct records *ports);
void view_overflow(const struct ctx *ctx, struct records *overflow);
int view_delta(struct ctx *ctx, const struct deltas *delta,
	       struct snapshot *s, struct owners *owners);

#endif
