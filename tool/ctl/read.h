/* SPDX-License-Identifier: GPL-2.0 */
/* Reading for a subcommand: prints errors and warnings. */
#ifndef PORTMON_CTL_READ_H
#define PORTMON_CTL_READ_H

#include "ctl/ctx.h"
#include "host/owners.h"
#include "lib/snapshot.h"

int ctx_read(struct ctx *ctx, const struct filter *f, unsigned int parts,
	     struct snapshot *s);
int ctx_reset(struct ctx *ctx, const struct filter *f, struct snapshot *s);
int ctx_owners(struct ctx *ctx, struct records *ports, struct owners *owners);
void ctx_owners_warn(struct ctx *ctx, const struct owners *owners);
const char *ctx_netns(char *buf, size_t size);
void ctx_name_netns(struct ctx *ctx, char *buf, size_t size);

#endif
