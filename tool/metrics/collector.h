/* SPDX-License-Identifier: GPL-2.0 */
/* The module's counters for the metrics, read again by each scrape. */
#ifndef PORTMON_METRICS_COLLECTOR_H
#define PORTMON_METRICS_COLLECTOR_H

#include "lib/nl.h"
#include "metrics/shown.h"
#include "metrics/text.h"

/* Protocols without a name of their own share the last place. */
#define PROTOCOL_OTHER	(UINT8_MAX + 1)
#define PROTOCOLS	(PROTOCOL_OTHER + 1)

/**
 * struct sum - a counter that was seen, and has a series from then on
 * @seen: it is to be written
 * @rx: packets and bytes; of a bucket, all of them
 * @tx: packets and bytes
 */
struct sum {
	bool seen;
	struct count rx;
	struct count tx;
};

/**
 * struct collector - what was read, and how
 * @pm: connection to the module, NULL while there is none
 * @services: names of ports
 * @shown: ports that have series
 * @up: the module counts in this namespace, and could be read
 * @known: @info is of this reading
 * @error: why not @up
 * @info: the module and the state of the namespace
 * @ports: records of shown ports
 * @ranges: sums of ports, by scope, transport and range
 * @overflow: packets for which no record was available, by scope
 * @buckets: by hook, family and bucket
 * @protocols: of the bucket protocol, by hook, family and protocol
 * @dropped: packets, by scope, transport and reason
 * @took_us: how long the reading took, in microseconds
 */
struct collector {
	struct pm *pm;
	struct services services;
	struct shown shown;
	bool up;
	bool known;
	struct error error;
	struct info info;
	struct records ports;
	struct sum ranges[PORTMON_SCOPE_MAX + 1][PORTMON_TRANSPORT_MAX + 1]
			 [PORTMON_RANGE_MAX + 1];
	struct sum overflow[PORTMON_SCOPE_MAX + 1];
	struct sum buckets[PORTMON_HOOK_MAX + 1][PORTMON_FAMILY_MAX + 1]
			  [PORTMON_BUCKET_MAX + 1];
	struct sum protocols[PORTMON_HOOK_MAX + 1][PORTMON_FAMILY_MAX + 1]
			    [PROTOCOLS];
	uint64_t dropped[PORTMON_SCOPE_MAX + 1][NO_TRANSPORT + 1][REASONS_MAX];
	uint64_t took_us;
};

int collector_init(struct collector *c, const struct shown_options *opt);
void collector_read(struct collector *c);
void collector_write(const struct collector *c, struct text *t);
void collector_free(struct collector *c);

#endif
