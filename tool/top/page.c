// SPDX-License-Identifier: GPL-2.0
/* What is on the screen: the list or another page, its title and its foot. */
#include <stdio.h>

#include "lib/names.h"
#include "top/screen.h"

#define LINE_SIZE	512
#define SUM_WIDTH	7
#define SUM_NAME	10	/* "well-known" */
#define SUM_LINES	(TOP_RANGES + 3)
#define LIST_MIN	6	/* lines of the list that the sums leave */

static void put_cell(int y, int x, unsigned int width, enum look look,
		     enum top_column column, const char *text)
{
	if (top_is_number(column))
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
			 format_number(digits, sum->total[dir], t->units));
	else
		top_rate(cell, t, 8.0 * sum->delta[dir]);
	top_put_right(y, x, SUM_WIDTH, LOOK_PLAIN, cell);
}

/* The sums of a scope: over all ranges they are its traffic. */
static void draw_scope(const struct top *t, int y, int x, unsigned int scope)
{
	struct top_sum all = { 0 };
	unsigned int range, dir;

	top_put(y, x + 1, 2 * SUM_WIDTH, LOOK_HEAD,
		name_of(&scope_names, scope));
	top_put_right(y + 1, x, SUM_WIDTH, LOOK_HEAD, "RX");
	top_put_right(y + 1, x + SUM_WIDTH + 1, SUM_WIDTH, LOOK_HEAD, "TX");
	for (range = 0; range <= TOP_RANGES; range++) {
		const struct top_sum *sum = range < TOP_RANGES ?
			&t->sums[scope][range] : &all;

		for (dir = 0; dir < 2; dir++) {
			draw_sum(t, y + 2 + range, x + dir * (SUM_WIDTH + 1),
				 sum, dir);
			if (sum == &all)
				continue;
			all.delta[dir] = sum_add(all.delta[dir], sum->delta[dir]);
			all.total[dir] = sum_add(all.total[dir],
						 sum->total[dir]);
		}
	}
}

/* Returns how many lines it took. */
static int draw_sums(const struct top *t, int y)
{
	const int width = 2 * (SUM_WIDTH + 1) + 1;
	unsigned int scope, range;
	int x = SUM_NAME + 1;

	if (top_lines() < y + SUM_LINES + LIST_MIN)
		return 0;
	top_put(y, 0, SUM_NAME, LOOK_HEAD, t->bytes ? "bytes" : "bits/s");
	top_put(y + 1, 0, SUM_NAME, LOOK_HEAD, "RANGE");
	for (range = 0; range < TOP_RANGES; range++)
		top_put(y + 2 + range, 0, SUM_NAME, LOOK_PLAIN,
			name_of(&range_names, range));
	top_put(y + 2 + range, 0, SUM_NAME, LOOK_PLAIN, "all");
	for (scope = 0; scope < TOP_SCOPES && x + width - 1 <= top_width(); scope++) {
		if (t->scope != ANY && t->scope != (int)scope)
			continue;
		draw_scope(t, y, x, scope);
		x += width;
	}
	return SUM_LINES;
}

static void draw_head(const struct top *t, int y, const struct top_layout *l)
{
	unsigned int i, column;
	int x = 0;

	for (i = 1; i <= TOP_COLUMNS; i++) {
		column = i % TOP_COLUMNS;	/* the graph stands last */
		if (!l->width[column])
			continue;
		put_cell(y, x, l->width[column],
			 column == t->sort ? LOOK_SORTED : LOOK_HEAD, column,
			 top_head(column));
		x += l->width[column] + 1;
	}
}

static void draw_row(const struct top *t, int y, const struct top_layout *l,
		     size_t row)
{
	const struct rate *r = t->rows[row];
	enum look look = row == t->cursor ? LOOK_CURSOR :
			 r->total.folded ? LOOK_DIM : LOOK_PLAIN;
	char cell[TOP_CELL], graph[TOP_GLYPH * RATES_HISTORY];
	unsigned int i;
	int x = 0;

	top_put(y, 0, top_width(), look, "");
	for (i = TOP_RATE + 1; i < TOP_COLUMNS; i++) {
		if (!l->width[i])
			continue;
		top_cell(cell, t, i, r);
		put_cell(y, x, l->width[i], look, i, cell);
		x += l->width[i] + 1;
	}
	if (!l->width[TOP_RATE])
		return;
	top_graph(graph, t, r, l->width[TOP_RATE]);
	top_put(y, x, l->width[TOP_RATE],
		look == LOOK_CURSOR ? look : LOOK_GRAPH, graph);
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

static void draw_help(int y)
{
	const char *keys, *text;
	size_t i;

	top_put(y, 0, top_width(), LOOK_HEAD, "Keys");
	for (i = 0; (text = top_key_help(i, &keys)); i++) {
		top_put(y + 1 + i, 2, 9, LOOK_SORTED, keys);
		top_put(y + 1 + i, 12, top_width() - 12, LOOK_PLAIN, text);
	}
}

#define HINT_LIST \
	"h help  q quit  Enter port  s sort  / filter  c scope  t transport  p pause"
#define HINT_PAGE	"Esc back  q quit  p pause  u units"
#define PROMPT		"port, span of ports or part of a name: "

static void draw_foot(const struct top *t)
{
	const char *text = t->paused ? "PAUSED - press Space to resume" : t->notice;
	char line[LINE_SIZE];

	if (top_lines() < 4 && !t->prompt)
		return;
	if (t->prompt) {
		snprintf(line, sizeof(line), PROMPT "%s_", t->filter);
		text = line;
	}
	if (text)
		top_put(top_lines() - 1, 0, top_width(), LOOK_NOTICE, text);
	else
		top_put(top_lines() - 1, 0, top_width(), LOOK_DIM,
			t->page == TOP_LIST ? HINT_LIST : HINT_PAGE);
}

/**
 * top_draw() - draw the screen
 * @t: the live view
 */
void top_draw(struct top *t)
{
	char line[LINE_SIZE];
	int y = 0;

	top_screen_begin();
	if (top_lines() > 4 && t->page != TOP_HELP) {
		top_title(line, sizeof(line), t);
		top_put(y++, 0, top_width(), LOOK_PLAIN, line);
		top_asked(line, sizeof(line), t);
		top_put(y++, 0, top_width(), LOOK_DIM, line);
	}
	if (t->page == TOP_HELP)
		draw_help(y);
	else if (t->page == TOP_DETAIL)
		top_detail_draw(t);
	else
		draw_list(t, y);
	draw_foot(t);
	top_screen_end();
}
