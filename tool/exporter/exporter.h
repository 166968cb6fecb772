/* SPDX-License-Identifier: GPL-2.0 */
/* What is answered, apart from how it is sent. */
#ifndef PORTMON_EXPORTER_EXPORTER_H
#define PORTMON_EXPORTER_EXPORTER_H

#include "metrics/collector.h"

/**
 * struct exporter - readings of the module, and what is made of them
 * @collector: the readings
 * @text: the last one as text: format 0.0.4, and OpenMetrics
 * @written: @text is of the last reading
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
