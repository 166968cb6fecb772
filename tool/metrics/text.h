/* SPDX-License-Identifier: GPL-2.0 */
/* The two text forms that Prometheus reads, written into memory. */
#ifndef PORTMON_METRICS_TEXT_H
#define PORTMON_METRICS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * enum metric_type - what a family of metrics is
 * @METRIC_COUNTER: only grows, until a reset
 * @METRIC_GAUGE: a value that goes up and down
 * @METRIC_INFO: labels, with the value 1
 */
enum metric_type {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_INFO,
};

/**
 * struct family - metrics of one name
 * @name: their name without the suffix of its type (_total, _info)
 * @unit: base unit, which the name ends in, or NULL
 * @help: one sentence without a line break or backslash
 * @type: enum metric_type
 */
struct family {
	const char *name;
	const char *unit;
	const char *help;
	enum metric_type type;
};

/**
 * struct text - an exposition being written
 * @buf: what has been written
 * @len: length of that
 * @cap: room in @buf
 * @series: samples written
 * @created: when the counters began, seconds since the epoch; 0 writes no
 *   _created samples
 * @openmetrics: OpenMetrics 1.0, otherwise the text format 0.0.4
 * @failed: there was no memory; the text is not complete
 * @family: family of the samples being written
 * @labels: where the labels of the current sample begin
 */
struct text {
	char *buf;
	size_t len;
	size_t cap;
	unsigned int series;
	uint64_t created;
	bool openmetrics;
	bool failed;
	const struct family *family;
	size_t labels;
};

void text_begin(struct text *t, bool openmetrics, uint64_t created);
void text_family(struct text *t, const struct family *family);
void text_sample(struct text *t);
void text_label(struct text *t, const char *name, const char *value);
void text_label_uint(struct text *t, const char *name, unsigned int value);
void text_value(struct text *t, uint64_t value);
void text_value_us(struct text *t, uint64_t us);
int text_end(struct text *t);
void text_free(struct text *t);

/* A sample without labels is all that a family has. */
static inline void text_single(struct text *t, const struct family *family,
			       uint64_t value)
{
	text_family(t, family);
	text_sample(t);
	text_value(t, value);
}

#endif
