/* SPDX-License-Identifier: GPL-2.0 */
/* A JSON document, written as it comes: nothing of it is kept. */
#ifndef PORTMON_CTL_JSON_H
#define PORTMON_CTL_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "format.h"

/**
 * struct json - a document being written
 * @out: where it goes
 * @buf: what has not been written yet
 * @len: length of that
 * @depth: how many objects and arrays are open
 * @pretty: one value a line, indented
 * @empty: nothing yet in the innermost object or array
 * @day: day of the last time written, since the epoch
 * @time: that time
 * @err: 0, or the errno of the first write that failed
 */
struct json {
	FILE *out;
	char *buf;
	size_t len;
	unsigned int depth;
	bool pretty;
	bool empty;
	uint64_t day;
	char time[TIME_SIZE];
	int err;
};

int json_begin(struct json *j, FILE *out, bool pretty);
int json_end(struct json *j);

/* @key is NULL inside an array; keys are words that need no escape. */
void json_object(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array(struct json *j, const char *key);
void json_array_end(struct json *j);
void json_uint(struct json *j, const char *key, uint64_t v);
void json_bool(struct json *j, const char *key, bool v);
void json_null(struct json *j, const char *key);
void json_word(struct json *j, const char *key, const char *word);
void json_string(struct json *j, const char *key, const char *s);
void json_text(struct json *j, const char *key, const char *text);
void json_time(struct json *j, const char *key, uint64_t t);

#endif
