/* SPDX-License-Identifier: GPL-2.0 */
/* What coverage has found. */
#ifndef PORTMON_CTL_OUT_COVERAGE_H
#define PORTMON_CTL_OUT_COVERAGE_H

#include "ctl/ctx.h"
#include "host/coverage.h"

int out_coverage(struct ctx *ctx, const struct coverage *c);

#endif
