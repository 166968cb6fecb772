/* SPDX-License-Identifier: GPL-2.0 */
/* Owners of ports, in tables and in JSON. */
#ifndef PORTMON_CTL_OUT_OWNERS_H
#define PORTMON_CTL_OUT_OWNERS_H

#include "ctl/ctx.h"
#include "ctl/portspec.h"
#include "host/owners.h"
#include "lib/json.h"

#define OWNERS_SIZE 256

char *owners_text(char buf[static OWNERS_SIZE], const struct port_use *use);
int out_owners(const struct ctx *ctx, const struct owners *o,
	       const struct portspec *spec, size_t n);
void out_json_owner(struct json *j, const struct record *r);

#endif
