// SPDX-License-Identifier: GPL-2.0
/* What the keys of the live view do: one table for them and for the help. */
#include <string.h>

#include <curses.h>

#include "lib/util.h"
#include "top/top.h"

#define CONTROL(letter)	((letter) & 0x1f)
#define ESCAPE		CONTROL('[')
#define KEYS_MAX	4

/**
 * struct key - what some keys do
 * @keys: the keys
 * @name: what people call them
 * @help: what they do
 * @press: does it
 */
struct key {
	int keys[KEYS_MAX];
	const char *name;
	const char *help;
	void (*press)(struct top *t, int key);
};

static void go_down(struct top *t, int key)
{
	(void)key;
	top_cursor(t, t->cursor + 1);
}

static void go_up(struct top *t, int key)
{
	(void)key;
	top_cursor(t, t->cursor ? t->cursor - 1 : 0);
}

static void page_down(struct top *t, int key)
{
	(void)key;
	top_cursor(t, t->cursor + (t->height ? t->height : 1));
}

static void page_up(struct top *t, int key)
{
	const size_t page = t->height ? t->height : 1;

	(void)key;
	top_cursor(t, t->cursor > page ? t->cursor - page : 0);
}

static void go_home(struct top *t, int key)
{
	(void)key;
	top_cursor(t, 0);
}

static void go_end(struct top *t, int key)
{
	(void)key;
	top_cursor(t, t->n);
}

/* The columns of the list in a ring; from a hidden one to the first. */
static void sort_by_neighbour(struct top *t, size_t by)
{
	size_t i;

	for (i = 0; i < t->n_shown; i++)
		if (t->shown[i] == t->sort)
			break;
	t->sort = t->shown[i < t->n_shown ? (i + by) % t->n_shown : 0];
}

static void sort_right(struct top *t, int key)
{
	(void)key;
	sort_by_neighbour(t, 1);
}

static void sort_left(struct top *t, int key)
{
	(void)key;
	sort_by_neighbour(t, t->n_shown - 1);
}

static void sort_digit(struct top *t, int key)
{
	const size_t n = key - '0';

	if (!n)
		t->sort = top_sorted_by(SORT_NONE);
	else if (n <= t->n_shown)
		t->sort = t->shown[n - 1];
}

static void reverse(struct top *t, int key)
{
	(void)key;
	t->reverse = !t->reverse;
}

/* ANY comes before the first and after the last. */
static int next_of(int v, int max)
{
	return v == max ? ANY : v + 1;
}

static void next_transport(struct top *t, int key)
{
	(void)key;
	t->transport = next_of(t->transport, PORTMON_TRANSPORT_MAX);
}

static void next_scope(struct top *t, int key)
{
	(void)key;
	t->scope = next_of(t->scope, PORTMON_SCOPE_MAX);
}

static void ask_filter(struct top *t, int key)
{
	(void)key;
	top_prompt_begin(t, PROMPT_FILTER);
}

static void ask_search(struct top *t, int key)
{
	(void)key;
	top_prompt_begin(t, PROMPT_SEARCH);
}

static void ask_delay(struct top *t, int key)
{
	(void)key;
	top_prompt_begin(t, PROMPT_DELAY);
}

static void toggle_fold(struct top *t, int key)
{
	(void)key;
	t->all = !t->all;
}

static void toggle_names(struct top *t, int key)
{
	(void)key;
	t->numeric = !t->numeric;
}

static void next_units(struct top *t, int key)
{
	enum units *units = &t->ctx->opt.units;

	(void)key;
	*units = *units == UNITS_EXACT ? UNITS_SI : *units + 1;
}

static void toggle_bytes(struct top *t, int key)
{
	(void)key;
	t->bytes = !t->bytes;
}

static void toggle_head(struct top *t, int key)
{
	(void)key;
	t->no_head = !t->no_head;
}

static void toggle_hold(struct top *t, int key)
{
	(void)key;
	t->paused = !t->paused;
}

static void open_port(struct top *t, int key)
{
	(void)key;
	if (!t->n)
		return;
	t->at = t->rows[t->cursor].r->total;
	t->scroll = 0;
	t->page = TOP_DETAIL;
}

static void go_back(struct top *t, int key)
{
	(void)key;
	if (t->page == TOP_LIST)
		t->filter[0] = '\0';
	t->page = TOP_LIST;
}

static void help(struct top *t, int key)
{
	(void)key;
	t->scroll = 0;
	t->page = TOP_HELP;
}

static void fields(struct top *t, int key)
{
	(void)key;
	t->field = 0;
	t->scroll = 0;
	t->page = TOP_FIELDS;
}

static void redraw(struct top *t, int key)
{
	(void)key;
	t->redraw = true;
}

static void save(struct top *t, int key)
{
	(void)key;
	top_saved_write(t);
}

static void quit(struct top *t, int key)
{
	(void)key;
	t->done = true;
}

static void scroll_down(struct top *t, int key)
{
	(void)key;
	t->scroll++;
}

static void scroll_up(struct top *t, int key)
{
	(void)key;
	if (t->scroll)
		t->scroll--;
}

static void scroll_page_down(struct top *t, int key)
{
	(void)key;
	t->scroll += t->height ? t->height : 1;
}

static void scroll_page_up(struct top *t, int key)
{
	const size_t page = t->height ? t->height : 1;

	(void)key;
	t->scroll = t->scroll > page ? t->scroll - page : 0;
}

static void field_to(struct top *t, size_t to)
{
	t->field = to < t->n_fields ? to : t->n_fields - 1;
}

static void field_down(struct top *t, int key)
{
	(void)key;
	field_to(t, t->field + 1);
}

static void field_up(struct top *t, int key)
{
	(void)key;
	field_to(t, t->field ? t->field - 1 : 0);
}

static void field_page_down(struct top *t, int key)
{
	(void)key;
	field_to(t, t->field + t->height);
}

static void field_page_up(struct top *t, int key)
{
	(void)key;
	field_to(t, t->field > t->height ? t->field - t->height : 0);
}

static void field_home(struct top *t, int key)
{
	(void)key;
	field_to(t, 0);
}

static void field_end(struct top *t, int key)
{
	(void)key;
	field_to(t, t->n_fields);
}

static void field_toggle(struct top *t, int key)
{
	(void)key;
	top_field_toggle(t, t->field);
}

static void field_left(struct top *t, int key)
{
	(void)key;
	if (top_field_move(t, t->field, -1))
		t->field--;
}

static void field_right(struct top *t, int key)
{
	(void)key;
	if (top_field_move(t, t->field, 1))
		t->field++;
}

static void field_sort(struct top *t, int key)
{
	(void)key;
	t->sort = t->fields[t->field].column;
}

static void field_default(struct top *t, int key)
{
	(void)key;
	top_fields_default(t);
}

static const struct key list_keys[] = {
	{ { KEY_DOWN, 'j' }, "Down, j", "select the next port", go_down },
	{ { KEY_UP, 'k' }, "Up, k", "select the previous port", go_up },
	{ { KEY_NPAGE, CONTROL('F') }, "PgDn", "one page down", page_down },
	{ { KEY_PPAGE, CONTROL('B') }, "PgUp", "one page up", page_up },
	{ { KEY_HOME, 'g' }, "Home, g", "first line", go_home },
	{ { KEY_END, 'G' }, "End, G", "last line", go_end },
	{ { KEY_ENTER, '\n', '\r' }, "Enter", "page of this port",
	  open_port },
	{ { 's', '>' }, "s, >", "sort by the next column", sort_right },
	{ { '<' }, "<", "sort by the previous column", sort_left },
	{ { 0 }, "0-9", "sort by column N, 0: both rates", sort_digit },
	{ { 'r' }, "r", "reverse the order", reverse },
	{ { 'f', KEY_F(2) }, "f, F2", "choose the columns", fields },
	{ { 't' }, "t", "next transport", next_transport },
	{ { 'c' }, "c", "next scope", next_scope },
	{ { '/', KEY_F(4) }, "/, F4", "filter: 443, 80-90 or a name",
	  ask_filter },
	{ { KEY_F(3) }, "F3", "search; again: next line", ask_search },
	{ { 'a' }, "a", "fold ephemeral ports or not", toggle_fold },
	{ { '#' }, "#", "hide the ranges, show them", toggle_head },
};

/* On the page of columns. */
static const struct key field_keys[] = {
	{ { KEY_DOWN, 'j' }, NULL, NULL, field_down },
	{ { KEY_UP, 'k' }, NULL, NULL, field_up },
	{ { KEY_NPAGE, CONTROL('F') }, NULL, NULL, field_page_down },
	{ { KEY_PPAGE, CONTROL('B') }, NULL, NULL, field_page_up },
	{ { KEY_HOME, 'g' }, NULL, NULL, field_home },
	{ { KEY_END, 'G' }, NULL, NULL, field_end },
	{ { ' ', '\n', '\r', KEY_ENTER }, NULL, NULL, field_toggle },
	{ { '<', KEY_LEFT }, NULL, NULL, field_left },
	{ { '>', KEY_RIGHT }, NULL, NULL, field_right },
	{ { 's' }, NULL, NULL, field_sort },
	{ { '=' }, NULL, NULL, field_default },
	{ { 'f', KEY_F(2) }, NULL, NULL, go_back },
};

/* On the page of a port, and in the help. */
static const struct key scroll_keys[] = {
	{ { KEY_DOWN, 'j' }, NULL, NULL, scroll_down },
	{ { KEY_UP, 'k' }, NULL, NULL, scroll_up },
	{ { KEY_NPAGE, CONTROL('F') }, NULL, NULL, scroll_page_down },
	{ { KEY_PPAGE, CONTROL('B') }, NULL, NULL, scroll_page_up },
};

/* These do the same on every page. */
static const struct key common_keys[] = {
	{ { 'n' }, "n", "toggle service names", toggle_names },
	{ { 'u' }, "u", "units: 1000, 1024, all digits", next_units },
	{ { 'b' }, "b", "ranges: rates or total bytes", toggle_bytes },
	{ { 'd' }, "d", "time between two readings", ask_delay },
	{ { 'p', ' ' }, "p, Space", "pause", toggle_hold },
	{ { 'W' }, "W", "keep columns and settings", save },
	{ { CONTROL('L') }, "Ctrl-L", "draw the screen again", redraw },
	{ { 'h', '?', KEY_F(1) }, "h, ?, F1", "show this help", help },
	{ { ESCAPE, KEY_BACKSPACE }, "Esc", "back; clear the filter", go_back },
	{ { 'q', KEY_F(10) }, "q, F10", "quit", quit },
};

static bool press(struct top *t, const struct key *keys, size_t n, int key)
{
	size_t i, k;

	for (i = 0; i < n; i++) {
		bool match = keys[i].press == sort_digit && key >= '0' &&
			     key <= '9';

		for (k = 0; k < KEYS_MAX && keys[i].keys[k]; k++)
			match |= keys[i].keys[k] == key;
		if (match) {
			keys[i].press(t, key);
			return true;
		}
	}
	return false;
}

#define PRESS(t, keys, key) press(t, keys, ARRAY_SIZE(keys), key)

static bool press_on_page(struct top *t, int key)
{
	switch (t->page) {
	case TOP_LIST:
		return PRESS(t, list_keys, key);
	case TOP_FIELDS:
		return PRESS(t, field_keys, key);
	case TOP_HELP:
		if (PRESS(t, scroll_keys, key))
			return true;
		if (key == 'q' || key == KEY_F(10) || key == CONTROL('L'))
			return false;
		t->page = TOP_LIST;
		return true;
	default:
		return PRESS(t, scroll_keys, key);
	}
}

/**
 * top_key() - a key was pressed
 * @t: the live view
 * @key: its character or curses' number for it
 */
void top_key(struct top *t, int key)
{
	t->message[0] = '\0';
	if (t->prompt)
		top_prompt_key(t, key);
	else if (!press_on_page(t, key))
		PRESS(t, common_keys, key);
}

/**
 * top_key_help() - a line of the help
 * @i: which
 * @keys: the keys that it is about
 *
 * Return: what they do, NULL after the last line.
 */
const char *top_key_help(size_t i, const char **keys)
{
	const struct key *k;

	if (i < ARRAY_SIZE(list_keys))
		k = &list_keys[i];
	else if (i < ARRAY_SIZE(list_keys) + ARRAY_SIZE(common_keys))
		k = &common_keys[i - ARRAY_SIZE(list_keys)];
	else
		return NULL;
	*keys = k->name;
	return k->help;
}
