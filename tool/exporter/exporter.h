/* SPDX-License-Identifier: GPL-2.0 */
/* Makes the replies; http.c sends them. */
#ifndef PORTMON_EXPORTER_EXPORTER_H
#define PORTMON_EXPORTER_EXPORTER_H

#include "metrics/collector.h"

/**
 * enum api_what - a document of the API
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
	API_DOCUMENTS,
};

/**
 * struct document - a document of the API
 * @status: HTTP's status
 * @body: its text, NULL if it has not been made since the last reading
 * @len: its length
 */
struct document {
	unsigned int status;
	char *body;
	size_t len;
};

/**
 * struct exporter - readings of the module, and what is made of them
 * @collector: the readings
 * @text: the last one as text: format 0.0.4, and OpenMetrics
 * @written: @text is of the last reading
 * @document: documents that were made since the last reading, by enum api_what
 * @read_at: when it was made, in milliseconds of the monotonic clock; 0 for
 *   never
 * @created: write _created samples
 * @reported: a line about the state of the module has been logged
 * @was_up: what that line said
 * @was_limited: a limit has been reached, which has been logged
 */
struct exporter {
	struct collector collector;
	struct text text[2];
	bool written[2];
	struct document document[API_DOCUMENTS];
	uint64_t read_at;
	bool created;
	bool reported;
	bool was_up;
	bool was_limited;
};

int exporter_init(struct exporter *exporter, const struct shown_options *opt);
const struct text *exporter_metrics(struct exporter *exporter,
				    bool openmetrics);
void exporter_state(struct exporter *exporter);
void exporter_free(struct exporter *exporter);

#endif
