/* SPDX-License-Identifier: GPL-2.0 */
/* The documents of portmon-ctl --json. */
#ifndef PORTMON_EXPORTER_API_H
#define PORTMON_EXPORTER_API_H

#include "exporter/exporter.h"

const struct document *api_get(struct exporter *exporter, enum api_what what,
			       const char *argument);

#endif
