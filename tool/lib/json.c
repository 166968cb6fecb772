// SPDX-License-Identifier: GPL-2.0
/*
 * Why not a library: a record of stats --json cost 26,500 instructions with
 * json-c and 10,900 with yajl, of 2,700 that kernel and tool take together.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format.h"
#include "lib/json.h"
#include "lib/text.h"

#define INDENT 4

/**
 * json_flush() - write what is in the buffer
 * @j: the document
 */
void json_flush(struct json *j)
{
	if (!j->err && fwrite(j->buf, 1, j->len, j->out) != j->len)
		j->err = errno ? errno : EIO;
	j->len = 0;
}

/**
 * json_new_line() - start a line of a pretty document
 * @j: the document
 * @p: where to write
 *
 * Return: where to continue.
 */
char *json_new_line(const struct json *j, char *p)
{
	*p++ = '\n';
	memset(p, ' ', j->depth * INDENT);
	return p + j->depth * INDENT;
}

/**
 * json_begin() - start a document
 * @j: the document
 * @out: where it goes
 * @pretty: one value a line, indented
 *
 * Return: 0 or -ENOMEM.
 */
int json_begin(struct json *j, FILE *out, bool pretty)
{
	*j = (struct json){ .out = out, .pretty = pretty, .empty = true };
	j->buf = malloc(JSON_BUF_SIZE);
	return j->buf ? 0 : -ENOMEM;
}

/**
 * json_end() - end a document and write what is left of it
 * @j: the document
 *
 * Return: 0, or the negative errno of the first write that failed.
 */
int json_end(struct json *j)
{
	char *p = json_room(j);

	*p++ = '\n';
	json_keep(j, p);
	json_flush(j);
	free(j->buf);
	j->buf = NULL;
	return -j->err;
}

static char *put_escaped(char *p, uint32_t c)
{
	static const char hex[] = "0123456789abcdef";
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *at = c < 0x80 ? strchr(from, c) : NULL;
	int shift;

	*p++ = '\\';
	if (at) {
		*p++ = to[at - from];
		return p;
	}
	*p++ = 'u';
	for (shift = 12; shift >= 0; shift -= 4)
		*p++ = hex[c >> shift & 15];
	return p;
}

/* One letter. Return: how many bytes of the string it took. */
static size_t put_letter(struct json *j, const char *s)
{
	char *p = json_room(j);
	uint32_t c;
	size_t len = text_letter(s, &c);

	if (!len)
		p = json_put(p, "\xef\xbf\xbd");
	else if (text_acts(c) || c == '"' || c == '\\')
		p = put_escaped(p, c);
	else
		p = mempcpy(p, s, len);
	json_keep(j, p);
	return len ? len : 1;
}

/* Letters that need no look at what follows them. */
static bool is_plain(unsigned char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

/**
 * json_string() - write any string; what is not UTF-8 becomes
 *                 U+FFFD, and what acts on a terminal is escaped
 * @j: the document
 * @key: its name, NULL inside an array
 * @s: the string, NULL for null
 */
void json_string(struct json *j, const char *key, const char *s)
{
	char *p, *end;

	if (!s) {
		json_null(j, key);
		return;
	}
	p = json_lead(j, key);
	*p++ = '"';
	json_keep(j, p);
	while (*s) {
		p = json_room(j);
		for (end = p + JSON_ROOM; is_plain(*s) && p < end; )
			*p++ = *s++;
		json_keep(j, p);
		if (*s && !is_plain(*s))
			s += put_letter(j, s);
	}
	p = json_room(j);
	*p++ = '"';
	json_keep(j, p);
}

/**
 * json_clock() - a time as RFC 3339 has it, in UTC
 * @j: the document, which remembers the last one
 * @t: seconds since the epoch
 */
void json_clock(struct json *j, uint64_t t)
{
	/* Most times of a document are of one day. */
	if (j->time[0] && t / DAY == j->second / DAY)
		format_clock(j->time, t);
	else
		format_time(j->time, t);
	j->second = t;
}
