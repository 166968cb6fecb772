// SPDX-License-Identifier: GPL-2.0
/* The live view for scripts: one reading after the other, as text or JSON. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "out_json.h"
#include "top.h"
#include "util.h"

#define TITLE_SIZE 512

static void sleep_until(double when)
{
	const struct timespec ts = {
		.tv_sec = when, .tv_nsec = (when - (time_t)when) * 1e9,
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) ==
	       EINTR)
		;
}

static void print_cell(unsigned int width, bool right, const char *text,
		       bool last)
{
	char fit[TOP_CELL * MB_LEN_MAX];
	int blanks = width - format_fit(fit, sizeof(fit), text, width);

	printf("%*s%s%*s", right ? blanks : 0, "", fit,
	       right || last ? 0 : blanks, "");
	putchar(last ? '\n' : ' ');
}

static void print_text(const struct top *t)
{
	char text[TITLE_SIZE], cell[TOP_CELL];
	struct top_layout l;
	unsigned int column;
	size_t i;

	top_title(text, sizeof(text), t);
	puts(text);
	top_asked(text, sizeof(text), t);
	puts(text);
	top_layout(t, 0, t->n, UINT_MAX, &l);
	for (column = TOP_RATE + 1; column < TOP_COLUMNS; column++)
		print_cell(l.width[column], top_is_number(column),
			   top_head(column), column == TOP_COLUMNS - 1);
	for (i = 0; i < t->n; i++) {
		for (column = TOP_RATE + 1; column < TOP_COLUMNS; column++) {
			top_cell(cell, t, column, t->rows[i]);
			print_cell(l.width[column], top_is_number(column),
				   cell, column == TOP_COLUMNS - 1);
		}
	}
	putchar('\n');
}

/* One document a reading: the totals, and in the same shape what came. */
static int print_json(const struct top *t)
{
	struct records total = { 0 }, came = { 0 };
	struct json j;
	size_t i;
	int err = 0;

	for (i = 0; i < t->n && !err; i++) {
		err = records_add(&total, &t->rows[i]->total);
		if (!err)
			err = records_add(&came, &t->rows[i]->came);
		if (!err && t->numeric)
			total.v[i].service = came.v[i].service = NULL;
	}
	if (err)
		warn("out of memory");
	else
		err = out_json_begin(&j, t->ctx);
	if (!err) {
		json_uint(&j, "interval_ms", t->rates.seconds * 1000 + 0.5);
		out_json_ports(&j, "ports", &total);
		out_json_ports(&j, "came", &came);
		err = out_json_end(&j);
	}
	records_free(&total);
	records_free(&came);
	return err;
}

static int print(const struct top *t)
{
	int err = 0;

	if (given(&t->ctx->opt, OPT_JSON))
		err = print_json(t);
	else
		print_text(t);
	if (!err && fflush(stdout))
		err = -errno;
	return err;
}

/**
 * top_batch() - print readings until told to stop
 * @t: the live view, with nothing read yet
 *
 * The rates of the first come after one interval.
 *
 * Return: 0 or a negative errno, of which the person has been told.
 */
int top_batch(struct top *t)
{
	const unsigned int count = t->ctx->opt.count;
	unsigned int i;
	int err = top_read(t);
	double next = t->rates.at;

	for (i = 0; !err && (!count || i < count); i++) {
		next += t->interval;
		if (next < top_clock())
			next = top_clock();
		sleep_until(next);
		err = top_read(t);
		if (!err)
			err = print(t);
	}
	return err;
}
