// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format.h"
#include "lib/util.h"
#include "metrics/text.h"

/* Names, labels and numbers are short; help is written apart. */
#define ROOM 256

static bool make_room(struct text *t, size_t len)
{
	char *buf;

	if (t->failed)
		return false;
	if (len <= t->cap - t->len)
		return true;
	buf = buffer_room(t->buf, &t->cap, t->len, len);
	if (buf)
		t->buf = buf;
	else
		t->failed = true;
	return buf;
}

static void put(struct text *t, const char *s, size_t len)
{
	if (!make_room(t, len))
		return;
	memcpy(t->buf + t->len, s, len);
	t->len += len;
}

static void puts_(struct text *t, const char *s)
{
	put(t, s, strlen(s));
}

static void putc_(struct text *t, char c)
{
	put(t, &c, 1);
}

/**
 * text_begin() - start an exposition
 * @t: the text; what it held before is overwritten, its memory kept
 * @openmetrics: OpenMetrics 1.0, otherwise the text format 0.0.4
 * @created: when the counters began, for _created samples; 0 for none
 */
void text_begin(struct text *t, bool openmetrics, uint64_t created)
{
	t->len = 0;
	t->series = 0;
	t->created = openmetrics ? created : 0;
	t->openmetrics = openmetrics;
	t->failed = false;
	t->family = NULL;
}

static const char *suffix(const struct text *t)
{
	switch (t->family->type) {
	case METRIC_COUNTER:
		return "_total";
	case METRIC_INFO:
		return "_info";
	default:
		return "";
	}
}

static void write_metadata(struct text *t, const char *what, const char *value)
{
	puts_(t, what);
	puts_(t, t->family->name);
	/* OpenMetrics names the family, the older format its samples. */
	if (!t->openmetrics)
		puts_(t, suffix(t));
	putc_(t, ' ');
	puts_(t, value);
	putc_(t, '\n');
}

/**
 * text_family() - start a family
 * @t: the text
 * @family: the family, which stays valid as long as it is being written
 */
void text_family(struct text *t, const struct family *family)
{
	static const char *const types[][2] = {
		[METRIC_COUNTER] = { "counter", "counter" },
		[METRIC_GAUGE] = { "gauge", "gauge" },
		[METRIC_INFO] = { "gauge", "info" },
	};

	t->family = family;
	write_metadata(t, "# HELP ", family->help);
	write_metadata(t, "# TYPE ", types[family->type][t->openmetrics]);
	if (t->openmetrics && family->unit)
		write_metadata(t, "# UNIT ", family->unit);
}

/**
 * text_sample() - start a sample: labels follow, then its value
 * @t: the text
 */
void text_sample(struct text *t)
{
	puts_(t, t->family->name);
	puts_(t, suffix(t));
	t->labels = t->len;
}

static void label_begin(struct text *t, const char *name)
{
	putc_(t, t->labels == t->len ? '{' : ',');
	puts_(t, name);
	put(t, "=\"", 2);
}

/**
 * text_label() - write a label
 * @t: the text
 * @name: its name
 * @value: its value; NULL is written as an empty one
 *
 * Names of services come from files that anyone may write: what is not
 * printable ASCII becomes an underscore.
 */
void text_label(struct text *t, const char *name, const char *value)
{
	char *p;

	label_begin(t, name);
	/* Most of a scrape is labels: not byte by byte. Each may be escaped. */
	if (!make_room(t, (value ? 2 * strlen(value) : 0) + 1))
		return;
	p = t->buf + t->len;
	for (; value && *value; value++) {
		if (*value == '"' || *value == '\\')
			*p++ = '\\';
		*p++ = *value >= ' ' && *value <= '~' ? *value : '_';
	}
	*p++ = '"';
	t->len = p - t->buf;
}

/**
 * text_label_uint() - write a label whose value is a number
 * @t: the text
 * @name: its name
 * @value: its value
 */
void text_label_uint(struct text *t, const char *name, unsigned int value)
{
	char buf[UINT_SIZE];

	label_begin(t, name);
	puts_(t, format_uint(buf, value));
	putc_(t, '"');
}

static void put_value(struct text *t, const char *value)
{
	putc_(t, ' ');
	puts_(t, value);
	putc_(t, '\n');
	t->series++;
}

/* A second sample with the labels of the first. */
static void put_created(struct text *t, size_t labels, size_t len)
{
	char buf[UINT_SIZE];

	puts_(t, t->family->name);
	puts_(t, "_created");
	/* Room first: the labels are in memory that may move. */
	if (!make_room(t, len + ROOM))
		return;
	put(t, t->buf + labels, len);
	put_value(t, format_uint(buf, t->created));
}

static void end_sample(struct text *t, const char *value)
{
	size_t len;

	if (t->labels != t->len)
		putc_(t, '}');
	len = t->len - t->labels;
	put_value(t, value);
	if (t->created && t->family->type == METRIC_COUNTER)
		put_created(t, t->labels, len);
}

/**
 * text_value() - end a sample with its value
 * @t: the text
 * @value: the value, written exactly
 */
void text_value(struct text *t, uint64_t value)
{
	char buf[UINT_SIZE];

	end_sample(t, format_uint(buf, value));
}

/**
 * text_value_us() - end a sample with a time in seconds
 * @t: the text
 * @us: the time in microseconds
 *
 * Without printf(): in some locales that writes a comma.
 */
void text_value_us(struct text *t, uint64_t us)
{
	uint64_t rest = us % 1000000;
	char whole[UINT_SIZE], buf[UINT_SIZE + 8];
	char *p = stpcpy(buf, format_uint(whole, us / 1000000));
	unsigned int i;

	p[0] = '.';
	for (i = 6; i; i--, rest /= 10)
		p[i] = '0' + rest % 10;
	p[7] = '\0';
	end_sample(t, buf);
}

/**
 * text_end() - end an exposition
 * @t: the text
 *
 * Return: 0 or -ENOMEM.
 */
int text_end(struct text *t)
{
	if (t->openmetrics)
		puts_(t, "# EOF\n");
	return t->failed ? -ENOMEM : 0;
}

/**
 * text_free() - release the memory of an exposition
 * @t: the text
 */
void text_free(struct text *t)
{
	free(t->buf);
	*t = (struct text){ 0 };
}
