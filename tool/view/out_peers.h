/* SPDX-License-Identifier: GPL-2.0 */
/* Who is at the other end of a port's connections. */
#ifndef PORTMON_CTL_OUT_PEERS_H
#define PORTMON_CTL_OUT_PEERS_H

#include "ctl/portspec.h"
#include "host/owners.h"
#include "view/table.h"

int out_peers(const struct ctx *ctx, const struct owners *o,
	      const struct portspec *spec, size_t n);

#endif
