/* SPDX-License-Identifier: GPL-2.0 */
/* The documents of portmon-ctl --json. */
#ifndef PORTMON_EXPORTER_API_H
#define PORTMON_EXPORTER_API_H

#include "exporter/exporter.h"

/**
 * enum api_what - which document
 * @API_STATS: that of stats
 * @API_RANGES: that of ranges
 * @API_DROPS: that of drops
 * @API_EXPLAIN: that of explain
 */
enum api_what {
	API_STATS,
	API_RANGES,
	API_DROPS,
	API_EXPLAIN,
};

unsigned int api_get(struct exporter *exporter, enum api_what what,
		     const char *argument, char **body, size_t *len);

#endif
