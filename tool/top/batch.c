// SPDX-License-Identifier: GPL-2.0
/* The live view for scripts: readings as text or JSON. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/names.h"
#include "lib/record.h"
#include "lib/text.h"
#include "lib/util.h"
#include "top/top.h"
#include "view/out_json.h"
#include "view/table.h"

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

/* Heads once, then a line for each port and reading. */
static void print_csv(const struct top *t, bool heads)
{
	struct cell c = {
		.ctx = t->ctx, .now = time(NULL), .seconds = t->rates.seconds,
		.csv = true,
	};
	char safe[TOP_CELL];
	size_t i, k;

	for (k = 0; heads && k < t->n_shown; k++)
		csv_head(stdout, t->shown[k]->name, k);
	if (heads)
		csv_end(stdout);
	for (i = 0; i < t->n; i++) {
		for (k = 0; k < t->n_shown; k++)
			csv_cell(stdout, text_safe(safe, sizeof(safe),
						   top_text(&c, t, t->shown[k],
							    t->rows[i].r)), k);
		csv_end(stdout);
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
	/* The name of a namespace may have any characters. */
	text_print(stdout, text, strlen(text));
	putchar('\n');
	top_layout(t, 0, t->n, UINT_MAX, &l);
	print_line(t, &l, NULL);
	for (i = 0; i < t->n; i++)
		print_line(t, &l, t->rows[i].r);
	putchar('\n');
}

static void json_known(struct json *j, const char *key, enum unknown why,
		       uint64_t v)
{
	if (why)
		json_null(j, key);
	else
		json_uint(j, key, v);
}

/* @total says what is known; @r holds the counters. */
static void json_counters(struct json *j, const struct info *info,
			  const char *key, const struct record *total,
			  const struct record *r)
{
	static const unsigned int attrs[] = {
		PORTMON_A_TCP_ESTABLISHED, PORTMON_A_TCP_RETRANSMITTED,
		PORTMON_A_TCP_SYNACK_RETRANSMITTED,
	};
	size_t i;

	json_object(j, key);
	out_json_count(j, "rx", &r->rx);
	out_json_count(j, "tx", &r->tx);
	for (i = 0; i < ARRAY_SIZE(attrs); i++)
		json_known(j, tcp_keys[attrs[i]],
			   tcp_unknown(info, total, attrs[i]),
			   r->tcp[attrs[i]]);
	json_known(j, "unanswered", unanswered_unknown(info, total),
		   record_unanswered_at(r));
	json_known(j, "dropped", drops_unknown(info, total), r->dropped);
	json_object_end(j);
}

static void json_rate(struct json *j, const struct top *t, const struct rate *r)
{
	const struct record *total = &r->total;
	const struct info *info = &t->ctx->info;

	struct record place = *total;

	if (t->numeric) {
		place.service = NULL;
		place.iana = NULL;
	}
	json_object(j, NULL);
	out_json_place(j, &place, 0);
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
		json_rate(&j, t, t->rows[i].r);
	json_array_end(&j);
	return out_json_end(&j);
}

static int print_reading(const struct top *t, bool first)
{
	const struct options *opt = &t->ctx->opt;
	int err = 0;

	if (given(opt, OPT_JSON))
		err = print_document(t);
	else if (given(opt, OPT_CSV))
		print_csv(t, first && !given(opt, OPT_NO_HEADER));
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
			err = print_reading(t, !i);
	}
	return err;
}
