/* SPDX-License-Identifier: GPL-2.0 */
/* How long a port's connections took, and how much they carried. */
#ifndef PORTMON_CTL_HOWLONG_H
#define PORTMON_CTL_HOWLONG_H

#include <stdio.h>

#include "ctl/ctx.h"
#include "lib/json.h"
#include "lib/record.h"

void howlong_print(FILE *out, const struct ctx *ctx, const struct record *r);
void howlong_below(char *buf, size_t size, uint64_t us);
void howlong_json(struct json *j, const struct record *r);

#endif
