// SPDX-License-Identifier: GPL-2.0
/* What is on the screen: the list or another page, its title and its foot. */
#include <stdio.h>

#include "lib/names.h"
#include "top/screen.h"

#define LINE_SIZE	512
#define SUM_WIDTH	7
#define SUM_NAME	10	/* "well-known" */
#define HELP_WIDTH	40
#define LIST_MIN	8	/* lines of the list, its head and the foot that the sums leave */

static void put_cell(int y, int x, unsigned int width, enum look look,
		     const struct column *column, const char *text)
{
	if (column->flags & COLUMN_RIGHT)
		top_put_right(y, x, width, look, text);
	else
		top_put(y, x, width, look, text);
}

static void draw_sum(const struct top *t, int y, int x,
		     const struct top_sum *sum, unsigned int dir)
{
	char cell[TOP_CELL], digits[NUMBER_SIZE];

	if (t->bytes)
		snprintf(cell, sizeof(cell), "%s",
			 format_number(digits, sum->total[dir],
				       t->ctx->opt.units));
	else
		top_rate(cell, t, 8.0 * sum->delta[dir]);
	top_put_right(y, x, SUM_WIDTH, LOOK_PLAIN, cell);
}

static bool is_scope_shown(const struct top *t, unsigned int scope)
{
	return t->scope == ANY || t->scope == (int)scope;
}

/* A range without any traffic has no line. */
static bool is_range_shown(const struct top *t, unsigned int range)
{
	unsigned int scope;

	for (scope = 0; scope < TOP_SCOPES; scope++)
		if (is_scope_shown(t, scope) &&
		    (t->sums[scope][range].total[0] ||
		     t->sums[scope][range].total[1]))
			return true;
	return false;
}

static void add_to_total(struct top_sum *to, const struct top_sum *sum)
{
	unsigned int dir;

	for (dir = 0; dir < 2; dir++) {
		to->delta[dir] = sum_add(to->delta[dir], sum->delta[dir]);
		to->total[dir] = sum_add(to->total[dir], sum->total[dir]);
	}
}

static void draw_pair(const struct top *t, int y, int x,
		      const struct top_sum *sum)
{
	draw_sum(t, y, x, sum, 0);
	draw_sum(t, y, x + SUM_WIDTH + 1, sum, 1);
}

/* The sums of a scope: over all ranges they are its traffic. */
static void draw_scope(const struct top *t, int y, int x, unsigned int scope)
{
	struct top_sum all = { 0 };
	unsigned int range;

	top_put(y++, x + 1, 2 * SUM_WIDTH, LOOK_HEAD,
		name_of(&scope_names, scope));
	top_put_right(y, x, SUM_WIDTH, LOOK_HEAD, "RX");
	top_put_right(y++, x + SUM_WIDTH + 1, SUM_WIDTH, LOOK_HEAD, "TX");
	for (range = 0; range < TOP_RANGES; range++) {
		add_to_total(&all, &t->sums[scope][range]);
		if (is_range_shown(t, range))
			draw_pair(t, y++, x, &t->sums[scope][range]);
	}
	draw_pair(t, y, x, &all);
}

/* Returns how many lines it took. */
static int draw_sums(const struct top *t, int y)
{
	const int width = 2 * (SUM_WIDTH + 1) + 1;
	unsigned int scope, range, lines = 3;
	int x = SUM_NAME + 1;

	for (range = 0; range < TOP_RANGES; range++)
		lines += is_range_shown(t, range);
	if (t->no_head || top_lines() < y + (int)lines + LIST_MIN)
		return 0;
	top_put(y, 0, SUM_NAME, LOOK_HEAD, t->bytes ? "bytes" : "bits/s");
	top_put(y + 1, 0, SUM_NAME, LOOK_HEAD, "RANGE");
	lines = 2;
	for (range = 0; range < TOP_RANGES; range++)
		if (is_range_shown(t, range))
			top_put(y + lines++, 0, SUM_NAME, LOOK_PLAIN,
				name_of(&range_names, range));
	top_put(y + lines++, 0, SUM_NAME, LOOK_PLAIN, "all");
	for (scope = 0; scope < TOP_SCOPES && x + width - 1 <= top_width(); scope++) {
		if (!is_scope_shown(t, scope))
			continue;
		draw_scope(t, y, x, scope);
		x += width;
	}
	return lines;
}

static void draw_head(const struct top *t, int y, const struct top_layout *l)
{
	size_t i;
	int x = 0;

	for (i = 0; i < t->n_shown; i++) {
		if (!l->width[i])
			continue;
		put_cell(y, x, l->width[i],
			 t->shown[i] == t->sort ? LOOK_SORTED : LOOK_HEAD,
			 t->shown[i], t->shown[i]->name);
		x += l->width[i] + 1;
	}
}

static void draw_cell(const struct top *t, int y, int x, unsigned int width,
		      enum look look, const struct column *column,
		      const struct rate *r)
{
	char cell[TOP_CELL], graph[TOP_GLYPH * RATES_HISTORY];

	if (top_is_graph(column)) {
		top_graph(graph, t, r, width);
		top_put(y, x, width, look == LOOK_CURSOR ? look : LOOK_GRAPH,
			graph);
		return;
	}
	top_cell(cell, t, column, r);
	put_cell(y, x, width, look, column, cell);
}

static void draw_row(const struct top *t, int y, const struct top_layout *l,
		     size_t row)
{
	const struct rate *r = t->rows[row].r;
	enum look look = row == t->cursor ? LOOK_CURSOR :
			 r->total.folded ? LOOK_DIM : LOOK_PLAIN;
	size_t i;
	int x = 0;

	top_put(y, 0, top_width(), look, "");
	for (i = 0; i < t->n_shown; i++) {
		if (!l->width[i])
			continue;
		draw_cell(t, y, x, l->width[i], look, t->shown[i], r);
		x += l->width[i] + 1;
	}
}

/* The cursor is always on the screen. */
static void scroll_to_cursor(struct top *t)
{
	if (t->cursor >= t->first + t->height)
		t->first = t->cursor - t->height + 1;
	if (t->cursor < t->first)
		t->first = t->cursor;
	if (t->first + t->height > t->n)
		t->first = t->n > t->height ? t->n - t->height : 0;
}

static void draw_list(struct top *t, int y)
{
	struct top_layout l;
	size_t i;

	y += draw_sums(t, y);
	/* The foot takes a line, but not the last one. */
	t->height = top_lines() > y + 2 ? top_lines() - y - 2 : top_lines() > y + 1;
	scroll_to_cursor(t);
	top_layout(t, t->first, t->height, top_width(), &l);
	draw_head(t, y++, &l);
	for (i = 0; i < t->height && t->first + i < t->n; i++)
		draw_row(t, y + i, &l, t->first + i);
	if (!t->n)
		top_put(y, 0, top_width(), LOOK_NOTICE, t->rates.n ?
			"no matching port has traffic; press Esc to clear the filter" :
			"no traffic yet");
}

static size_t count_help(void)
{
	const char *keys;
	size_t n = 0;

	while (top_key_help(n, &keys))
		n++;
	return n;
}

/* In two halves side by side where there is room for both. */
static void draw_help(struct top *t, int y)
{
	const int room = top_lines() > y + 2 ? top_lines() - y - 2 : 1;
	const int halves = top_width() >= 2 * HELP_WIDTH ? 2 : 1;
	const size_t n = count_help(), lines = (n + halves - 1) / halves;
	const char *keys, *text;
	size_t i;

	top_put(y++, 0, top_width(), LOOK_HEAD, "Keys");
	t->height = room;
	if (t->scroll + room > lines)
		t->scroll = lines > (size_t)room ? lines - room : 0;
	for (i = 0; i < n; i++) {
		const int x = i / lines * HELP_WIDTH;
		const int at = (int)(i % lines) - (int)t->scroll;

		if (at < 0 || at >= room)
			continue;
		text = top_key_help(i, &keys);
		top_put(y + at, x + 2, 8, LOOK_SORTED, keys);
		top_put(y + at, x + 11, halves > 1 ? HELP_WIDTH - 11 :
			top_width() - 11, LOOK_PLAIN, text);
	}
}

/* The columns there are, with a mark at those of the list. */
static void draw_fields(struct top *t, int y)
{
	const int room = top_lines() > y + 2 ? top_lines() - y - 2 : 1;
	char line[LINE_SIZE];
	int i;

	top_put(y++, 0, top_width(), LOOK_HEAD, "Columns of the list");
	t->height = room;
	if (t->field >= t->scroll + room)
		t->scroll = t->field - room + 1;
	if (t->field < t->scroll)
		t->scroll = t->field;
	for (i = 0; i < room && t->scroll + i < t->n_fields; i++) {
		const struct top_field *f = &t->fields[t->scroll + i];

		snprintf(line, sizeof(line), "[%c] %-11s %s%s",
			 f->on ? 'x' : ' ', f->column->name, f->column->help,
			 f->column == t->sort ? " (sorted by)" : "");
		top_put(y + i, 0, top_width(), t->scroll + i == t->field ?
			LOOK_CURSOR : f->on ? LOOK_PLAIN : LOOK_DIM, line);
	}
}

static const char *hint(const struct top *t)
{
	switch (t->page) {
	case TOP_LIST:
		return "h help  q quit  Enter port  f columns  s sort  / filter  c scope  t transport";
	case TOP_FIELDS:
		return "Space show or hide  < > move  s sort  = defaults  W keep  Esc back";
	case TOP_HELP:
		return "Esc back  q quit";
	default:
		return "Esc back  q quit  p pause  u units  Down more";
	}
}

static void draw_foot(const struct top *t)
{
	const char *text = t->message[0] ? t->message : t->paused ?
			   "PAUSED - press Space to resume" : t->notice;
	char line[LINE_SIZE];

	if (top_lines() < 4 && !t->prompt)
		return;
	if (t->prompt) {
		top_prompt_text(line, sizeof(line), t);
		text = line;
	}
	top_put(top_lines() - 1, 0, top_width(), text ? LOOK_NOTICE : LOOK_DIM,
		text ? text : hint(t));
}

static bool has_title(const struct top *t)
{
	return top_lines() > 4 && (t->page == TOP_LIST || t->page == TOP_DETAIL);
}

/**
 * top_draw() - draw the screen
 * @t: the live view
 */
void top_draw(struct top *t)
{
	char line[LINE_SIZE];
	int y = 0;

	if (t->redraw)
		top_screen_redraw();
	t->redraw = false;
	top_screen_begin();
	if (has_title(t)) {
		top_title(line, sizeof(line), t);
		top_put(y++, 0, top_width(), LOOK_PLAIN, line);
		top_asked(line, sizeof(line), t);
		top_put(y++, 0, top_width(), LOOK_DIM, line);
	}
	if (t->page == TOP_HELP)
		draw_help(t, y);
	else if (t->page == TOP_FIELDS)
		draw_fields(t, y);
	else if (t->page == TOP_DETAIL)
		top_detail_draw(t);
	else
		draw_list(t, y);
	draw_foot(t);
	top_screen_end();
}
