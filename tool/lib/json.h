/* SPDX-License-Identifier: GPL-2.0 */
/* A JSON document, written at once: nothing is stored. */
#ifndef PORTMON_CTL_JSON_H
#define PORTMON_CTL_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/format.h"

#define JSON_BUF_SIZE	(64 * 1024)

/* Enough for all that one call writes at once; keys and words are short. */
#define JSON_ROOM	512

/**
 * struct json - a document being written
 * @out: where it goes
 * @buf: what has not been written yet
 * @len: length of that
 * @depth: how many objects and arrays are open
 * @pretty: one value a line, indented
 * @empty: nothing yet in the innermost object or array
 * @second: the last time written, in seconds since the epoch
 * @time: its text
 * @err: 0, or the errno of the first write that failed
 */
struct json {
	FILE *out;
	char *buf;
	size_t len;
	unsigned int depth;
	bool pretty;
	bool empty;
	uint64_t second;
	char time[TIME_SIZE];
	int err;
};

int json_begin(struct json *j, FILE *out, bool pretty);
int json_end(struct json *j);
void json_flush(struct json *j);
char *json_new_line(const struct json *j, char *p);
void json_clock(struct json *j, uint64_t t);
void json_string(struct json *j, const char *key, const char *s);

/*
 * What a record is made of is inline: of a key that is a constant the
 * compiler knows the length, and copies it with a move or two.
 *
 * @key is NULL inside an array; keys are words that need no escape.
 */

/* Where to write; json_keep() stores the position. */
static inline char *json_room(struct json *j)
{
	if (j->len > JSON_BUF_SIZE - JSON_ROOM)
		json_flush(j);
	return j->buf + j->len;
}

static inline void json_keep(struct json *j, const char *p)
{
	j->len = p - j->buf;
}

/* A loop where the length is not known: most words are shorter than a call. */
static inline __attribute__((always_inline)) char *json_put(char *p,
							    const char *s)
{
	if (__builtin_constant_p(strlen(s)))
		return mempcpy(p, s, strlen(s));
	while (*s)
		*p++ = *s++;
	return p;
}

/* All that stands before a value. */
static inline __attribute__((always_inline)) char *json_lead(struct json *j,
							     const char *key)
{
	char *p = json_room(j);

	*p = ',';
	p += !j->empty;
	j->empty = false;
	if (j->pretty && j->depth)
		p = json_new_line(j, p);
	if (!key)
		return p;
	*p++ = '"';
	p = json_put(p, key);
	p = json_put(p, "\":");
	if (j->pretty)
		*p++ = ' ';
	return p;
}

static inline void json_open(struct json *j, const char *key, char c)
{
	char *p = json_lead(j, key);

	*p++ = c;
	json_keep(j, p);
	j->depth++;
	j->empty = true;
}

static inline void json_close(struct json *j, char c)
{
	char *p = json_room(j);

	j->depth--;
	if (j->pretty && !j->empty)
		p = json_new_line(j, p);
	*p++ = c;
	json_keep(j, p);
	j->empty = false;
}

/**
 * json_object() - open an object
 * @j: the document
 * @key: its name
 */
static inline void json_object(struct json *j, const char *key)
{
	json_open(j, key, '{');
}

/**
 * json_object_end() - close the innermost object
 * @j: the document
 */
static inline void json_object_end(struct json *j)
{
	json_close(j, '}');
}

/**
 * json_array() - open an array
 * @j: the document
 * @key: its name
 */
static inline void json_array(struct json *j, const char *key)
{
	json_open(j, key, '[');
}

/**
 * json_array_end() - close the innermost array
 * @j: the document
 */
static inline void json_array_end(struct json *j)
{
	json_close(j, ']');
}

/**
 * json_text() - write what is JSON already
 * @j: the document, not a pretty one unless it is one value
 * @key: its name
 * @text: a value, of less than 400 letters
 */
static inline void json_text(struct json *j, const char *key, const char *text)
{
	json_keep(j, json_put(json_lead(j, key), text));
}

/**
 * json_uint() - write a number, exact over all 64 bits
 * @j: the document
 * @key: its name
 * @v: the number
 */
static inline void json_uint(struct json *j, const char *key, uint64_t v)
{
	char buf[UINT_SIZE];

	json_text(j, key, format_uint(buf, v));
}

/**
 * json_bool() - write true or false
 * @j: the document
 * @key: its name
 * @v: which
 */
static inline void json_bool(struct json *j, const char *key, bool v)
{
	json_text(j, key, v ? "true" : "false");
}

/**
 * json_null() - write null
 * @j: the document
 * @key: its name
 */
static inline void json_null(struct json *j, const char *key)
{
	json_text(j, key, "null");
}

/**
 * json_word() - write a short string that is known to need no escape
 * @j: the document
 * @key: its name
 * @word: the string, of less than 100 letters
 */
static inline void json_word(struct json *j, const char *key, const char *word)
{
	char *p = json_lead(j, key);

	*p++ = '"';
	p = json_put(p, word);
	*p++ = '"';
	json_keep(j, p);
}

/**
 * json_time() - write a time as RFC 3339 has it, in UTC
 * @j: the document
 * @key: its name
 * @t: seconds since the epoch, 0 for null
 */
static inline void json_time(struct json *j, const char *key, uint64_t t)
{
	char *p;

	if (!t) {
		json_null(j, key);
		return;
	}
	if (t != j->second)
		json_clock(j, t);
	p = json_lead(j, key);
	*p++ = '"';
	p = mempcpy(p, j->time, TIME_LENGTH);
	*p++ = '"';
	json_keep(j, p);
}

#endif
