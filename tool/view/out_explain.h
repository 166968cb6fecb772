/* SPDX-License-Identifier: GPL-2.0 */
/* What a port is for, as programs get it. */
#ifndef PORTMON_CTL_OUT_EXPLAIN_H
#define PORTMON_CTL_OUT_EXPLAIN_H

#include "ctl/portspec.h"
#include "lib/json.h"
#include "lib/services.h"

/* Entries about one port; no port has more. */
#define EXPLAIN_MAX 16

size_t explain_find(struct services *services, const struct portspec *spec,
		    struct svc_match match[static EXPLAIN_MAX]);
bool explain_ephemeral(unsigned int *min, unsigned int *max);
void out_json_explain(struct json *j, const struct portspec *spec,
		      const struct svc_match *match, size_t n);

#endif
