// SPDX-License-Identifier: GPL-2.0
/* The prompts of the live view: a filter, a search, a delay. */
#include <stdio.h>
#include <string.h>

#include <curses.h>

#include "lib/util.h"
#include "top/top.h"

#define CONTROL(letter)	((letter) & 0x1f)
#define ESCAPE		CONTROL('[')

static char *typed(struct top *t)
{
	return t->prompt == PROMPT_FILTER ? t->filter : t->typed;
}

/**
 * top_prompt_begin() - begin to type
 * @t: the live view
 * @prompt: what
 */
void top_prompt_begin(struct top *t, enum top_prompt prompt)
{
	t->prompt = prompt;
	t->missed = false;
	t->typed[0] = '\0';
	memcpy(t->filter_before, t->filter, sizeof(t->filter));
}

static bool ends_prompt(int key)
{
	return key == '\n' || key == '\r' || key == KEY_ENTER;
}

static void take_delay(struct top *t)
{
	unsigned int ms;

	if (!t->typed[0])
		return;
	if (parse_seconds(t->typed, TOP_DELAY_MAX, &ms) && ms)
		t->interval = ms / 1e3;
	else
		snprintf(t->message, sizeof(t->message),
			 "'%s' is not a time in seconds, such as 2 or 0.5",
			 t->typed);
}

static void finish_prompt(struct top *t)
{
	if (t->prompt == PROMPT_DELAY)
		take_delay(t);
	t->prompt = PROMPT_NONE;
}

static void cancel_prompt(struct top *t)
{
	if (t->prompt == PROMPT_FILTER)
		memcpy(t->filter, t->filter_before, sizeof(t->filter));
	t->prompt = PROMPT_NONE;
}

static void search(struct top *t, bool next)
{
	if (t->prompt == PROMPT_SEARCH)
		t->missed = t->typed[0] && !top_search(t, next);
}

static void edit_prompt(struct top *t, int key)
{
	char *text = typed(t);
	const size_t len = strlen(text);

	if (key == KEY_BACKSPACE || key == 0x7f || key == '\b') {
		if (len)
			text[len - 1] = '\0';
	} else if (key == CONTROL('U')) {
		text[0] = '\0';
	} else if (key > ' ' && key <= 0xff && len < TOP_FILTER - 1) {
		text[len] = key;
		text[len + 1] = '\0';
	}
	search(t, false);
}

/**
 * top_prompt_key() - a key was pressed while something is being typed
 * @t: the live view
 * @key: its character or curses' number for it
 */
void top_prompt_key(struct top *t, int key)
{
	if (ends_prompt(key))
		finish_prompt(t);
	else if (key == ESCAPE)
		cancel_prompt(t);
	else if (key == CONTROL('L'))
		t->redraw = true;
	else if (key == KEY_F(3) || key == KEY_DOWN)
		search(t, true);
	else
		edit_prompt(t, key);
}

/**
 * top_prompt_text() - the line with what is being typed
 * @buf: room for it
 * @size: how much
 * @t: the live view
 */
void top_prompt_text(char *buf, size_t size, const struct top *t)
{
	switch (t->prompt) {
	case PROMPT_FILTER:
		snprintf(buf, size, "port, span of ports or part of a name: %s_",
			 t->filter);
		break;
	case PROMPT_SEARCH:
		snprintf(buf, size, "search: %s_%s", t->typed,
			 t->missed ? "  in no line" : "  F3 next, Enter done");
		break;
	default:
		snprintf(buf, size, "seconds between two readings (now %g): %s_",
			 t->interval, t->typed);
	}
}
