// SPDX-License-Identifier: GPL-2.0
/* The live view for scripts: readings as text or JSON. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "lib/clock.h"
#include "lib/names.h"
#include "lib/record.h"
#include "top/top.h"
#include "view/out_json.h"

#define TITLE_SIZE 512

static void print_fitted(unsigned int width, bool right, const char *text,
			 bool last)
{
	char fit[TOP_CELL * MB_LEN_MAX];
	int blanks = width - format_fit(fit, sizeof(fit), text, width);

	printf("%*s%s%*s", right ? blanks : 0, "", fit,
	       right || last ? 0 : blanks, "");
	putchar(last ? '\n' : ' ');
}

static void print_line(const struct top *t, const struct top_layout *l,
		       const struct rate *r)
{
	char cell[TOP_CELL];
	size_t i;

	for (i = 0; i < t->n_shown; i++) {
		const struct column *column = t->shown[i];

		if (r)
			top_cell(cell, t, column, r);
		print_fitted(l->width[i], column->flags & COLUMN_RIGHT,
			     r ? cell : column->name, i == t->n_shown - 1);
	}
}

static void print_rows(const struct top *t)
{
	char text[TITLE_SIZE];
	struct top_layout l;
	size_t i;

	top_title(text, sizeof(text), t);
	puts(text);
	top_asked(text, sizeof(text), t);
	puts(text);
	top_layout(t, 0, t->n, UINT_MAX, &l);
	print_line(t, &l, NULL);
	for (i = 0; i < t->n; i++)
		print_line(t, &l, t->rows[i].r);
	putchar('\n');
}

/* @total says what is known; @r holds the counters. */
static void json_counters(struct json *j, const struct info *info,
			  const char *key, const struct record *total,
			  const struct record *r)
{
	const unsigned int attr = PORTMON_A_TCP_ESTABLISHED;

	json_object(j, key);
	out_json_count(j, "rx", &r->rx);
	out_json_count(j, "tx", &r->tx);
	if (tcp_unknown(info, total, attr))
		json_null(j, "established");
	else
		json_uint(j, "established", r->tcp[attr]);
	if (drops_unknown(info, total))
		json_null(j, "dropped");
	else
		json_uint(j, "dropped", r->dropped);
	json_object_end(j);
}

static void json_row(struct json *j, const struct top *t, const struct rate *r)
{
	const struct record *total = &r->total;
	const struct info *info = &t->ctx->info;

	json_object(j, NULL);
	json_word(j, "scope", name_of(&scope_names, total->scope));
	json_word(j, "transport", name_of(&transport_names, total->transport));
	if (total->folded || !record_has(total, PORTMON_A_RECORD_PORT))
		json_null(j, "port");
	else
		json_uint(j, "port", total->port);
	if (total->folded)
		json_uint(j, "folded", total->ports);
	else
		json_word(j, "range", name_of(&range_names, total->range));
	json_string(j, "service", t->numeric ? NULL : total->service);
	json_string(j, "iana", t->numeric ? NULL : total->iana);
	json_counters(j, info, "total", total, total);
	json_counters(j, info, "interval", total, &r->delta);
	json_object_end(j);
}

/* One document a reading. */
static int print_document(const struct top *t)
{
	struct json j;
	size_t i;
	int err = out_json_begin(&j, t->ctx);

	if (err)
		return err;
	json_uint(&j, "interval_ms", t->rates.seconds * 1000 + 0.5);
	json_array(&j, "top");
	for (i = 0; i < t->n && !j.err; i++)
		json_row(&j, t, t->rows[i].r);
	json_array_end(&j);
	return out_json_end(&j);
}

static int print_reading(const struct top *t)
{
	int err = 0;

	if (given(&t->ctx->opt, OPT_JSON))
		err = print_document(t);
	else
		print_rows(t);
	if (!err && fflush(stdout))
		err = -errno;
	return err;
}

/**
 * top_batch() - print readings until stopped
 * @t: the live view, with nothing read yet
 *
 * The first rates follow one interval.
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int top_batch(struct top *t)
{
	const unsigned int count = t->ctx->opt.count;
	unsigned int i;
	int err = top_read(t);
	double next = t->rates.at;

	for (i = 0; !err && (!count || i < count); i++) {
		next += t->interval;
		if (next < clock_seconds())
			next = clock_seconds();
		clock_sleep_until(next);
		err = top_read(t);
		if (!err)
			err = print_reading(t);
	}
	return err;
}
