// SPDX-License-Identifier: GPL-2.0
/* Bars of letters. */
#include <langinfo.h>
#include <string.h>

#include "view/bars.h"

/**
 * bar_blocks() - can the terminal draw block elements?
 *
 * Return: whether the locale, which has been set, is one of UTF-8.
 */
bool bar_blocks(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

/**
 * bar_draw() - a bar that is as long as a number is large
 * @buf: room for it
 * @v: the number
 * @largest: the number whose bar fills @width
 * @width: letters there are, at most BAR_WIDTH_MAX
 * @blocks: draw with block elements, to an eighth of a letter; else with '#'
 *
 * Whatever is not zero is seen: its bar has an eighth, or one '#'.
 *
 * Return: @buf.
 */
const char *bar_draw(char buf[static BAR_SIZE], uint64_t v, uint64_t largest,
		     unsigned int width, bool blocks)
{
	const unsigned int steps = blocks ? 8 : 1;
	unsigned int i, part = 0;
	char *p = buf;

	if (width > BAR_WIDTH_MAX)
		width = BAR_WIDTH_MAX;
	if (v && largest)
		part = (double)v / largest * width * steps + 0.5;
	if (v && !part)
		part = 1;
	if (part > width * steps)
		part = width * steps;
	for (i = 0; i < part / steps; i++)
		p = stpcpy(p, blocks ? "\u2588" : "#");
	/* From seven eighths down to one the code points go up. */
	if (part % steps) {
		*p++ = '\xe2';
		*p++ = '\x96';
		*p++ = '\x88' + (8 - part % steps);
	}
	*p = '\0';
	return buf;
}
