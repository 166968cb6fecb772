// SPDX-License-Identifier: GPL-2.0
/* What the keys of the live view do: one table for them and for the help. */
#include <ctype.h>
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

static void sort_next(struct top *t, int key)
{
	(void)key;
	t->sort = (t->sort + 1) % TOP_COLUMNS;
}

static void sort_digit(struct top *t, int key)
{
	t->sort = key - '0';
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
	t->prompt = true;
	memcpy(t->filter_before, t->filter, sizeof(t->filter));
}

static void fold(struct top *t, int key)
{
	(void)key;
	t->all = !t->all;
}

static void names(struct top *t, int key)
{
	(void)key;
	t->numeric = !t->numeric;
}

static void next_units(struct top *t, int key)
{
	(void)key;
	t->units = t->units == UNITS_EXACT ? UNITS_SI : t->units + 1;
}

static void bytes(struct top *t, int key)
{
	(void)key;
	t->bytes = !t->bytes;
}

static void hold(struct top *t, int key)
{
	(void)key;
	t->paused = !t->paused;
}

static void open_port(struct top *t, int key)
{
	(void)key;
	if (!t->n)
		return;
	t->at = t->rows[t->cursor]->total;
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
	t->page = TOP_HELP;
}

static void quit(struct top *t, int key)
{
	(void)key;
	t->done = true;
}

static const struct key list_keys[] = {
	{ { KEY_DOWN, 'j' }, "Down, j", "select the next port", go_down },
	{ { KEY_UP, 'k' }, "Up, k", "select the previous port", go_up },
	{ { KEY_NPAGE, CONTROL('F') }, "PgDn", "one page down", page_down },
	{ { KEY_PPAGE, CONTROL('B') }, "PgUp", "one page up", page_up },
	{ { KEY_HOME, 'g' }, "Home, g", "first line", go_home },
	{ { KEY_END, 'G' }, "End, G", "last line", go_end },
	{ { KEY_ENTER, '\n', '\r' }, "Enter", "details of this port",
	  open_port },
	{ { 's' }, "s", "sort by the next column", sort_next },
	{ { 0 }, "0-9", "sort by column N, 0: total rate", sort_digit },
	{ { 'r' }, "r", "reverse the order", reverse },
	{ { 't' }, "t", "next transport", next_transport },
	{ { 'c' }, "c", "next scope", next_scope },
	{ { '/' }, "/", "filter: port, 80-90 or part of a name", ask_filter },
	{ { 'a' }, "a", "show all ports or fold ephemeral ones", fold },
};

/* These do the same on every page. */
static const struct key common_keys[] = {
	{ { 'n' }, "n", "toggle service names", names },
	{ { 'u' }, "u", "units: 1000, 1024 or all digits", next_units },
	{ { 'b' }, "b", "ranges: rates or total bytes", bytes },
	{ { 'p', ' ' }, "p, Space", "pause", hold },
	{ { 'h', '?' }, "h, ?", "show this help", help },
	{ { ESCAPE, KEY_BACKSPACE }, "Esc", "back; clear the filter", go_back },
	{ { 'q' }, "q", "quit", quit },
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

static void type(struct top *t, int key)
{
	const size_t len = strlen(t->filter);

	if (key == '\n' || key == '\r' || key == KEY_ENTER) {
		t->prompt = false;
	} else if (key == ESCAPE) {
		t->prompt = false;
		memcpy(t->filter, t->filter_before, sizeof(t->filter));
	} else if (key == KEY_BACKSPACE || key == 0x7f || key == '\b') {
		if (len)
			t->filter[len - 1] = '\0';
	} else if (key == CONTROL('U')) {
		t->filter[0] = '\0';
	} else if (key > ' ' && key <= 0xff && len < TOP_FILTER - 1) {
		t->filter[len] = key;
		t->filter[len + 1] = '\0';
	}
}

/**
 * top_key() - a key was pressed
 * @t: the live view
 * @key: its character or curses' number for it
 */
void top_key(struct top *t, int key)
{
	if (t->prompt)
		type(t, key);
	else if (t->page == TOP_LIST &&
		 press(t, list_keys, ARRAY_SIZE(list_keys), key))
		return;
	else if (t->page == TOP_HELP && key != 'q')
		t->page = TOP_LIST;
	else
		press(t, common_keys, ARRAY_SIZE(common_keys), key);
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
