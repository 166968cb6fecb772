// SPDX-License-Identifier: GPL-2.0
/*
 * A process, a unit, a container, an interface, a network namespace, a service:
 * any user of the machine chooses such names, and root's terminal shows them.
 * All text goes through here before it is printed; JSON escapes the same
 * letters. In memory names stay as they are.
 */
#include <string.h>
#include <wchar.h>

#include "lib/text.h"

/**
 * text_letter() - the next letter of a text that should be UTF-8
 * @s: the text
 * @c: the letter
 *
 * Return: how many bytes it takes, 0 if they are not UTF-8.
 */
size_t text_letter(const char *s, uint32_t *c)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t i, len;

	*c = u[0];
	if (u[0] < 0x80)
		return 1;
	if (u[0] < 0xc2 || u[0] > 0xf4)
		return 0;
	len = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	*c = u[0] & (0x7f >> len);
	for (i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (u[i] & 0x3f);
	}
	/* overlong forms, surrogates, beyond the last code point */
	if ((len == 3 && (*c < 0x800 || (*c >= 0xd800 && *c < 0xe000))) ||
	    (len == 4 && (*c < 0x10000 || *c > 0x10ffff)))
		return 0;
	return len;
}

/**
 * text_acts() - does a letter do something to a terminal other than stand?
 * @c: the letter
 *
 * Return: whether it is a control (C0, DEL, C1), ends a line, or changes the
 * direction of what is around it.
 */
bool text_acts(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c ||
	       c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/**
 * text_is_safe() - can a text be printed as it is?
 * @s: the text
 *
 * Return: whether it is UTF-8 of which no letter acts.
 */
bool text_is_safe(const char *s)
{
	uint32_t c;
	size_t len;

	/* Nearly all text is ASCII, and every cell of a table comes here. */
	while (*s >= ' ' && *s < 0x7f)
		s++;
	for (; *s; s += len) {
		len = text_letter(s, &c);
		if (!len || text_acts(c))
			return false;
	}
	return true;
}

/**
 * text_safe() - a text as it can be printed
 * @buf: room for it
 * @size: how much; what does not fit is cut off between two letters
 * @s: the text
 *
 * Return: @buf: the text with a question mark for each letter that acts and
 * for each byte that is not UTF-8.
 */
char *text_safe(char *buf, size_t size, const char *s)
{
	char *to = buf;
	uint32_t c;
	size_t len;

	while (*s) {
		const size_t got = text_letter(s, &c);
		const bool bad = !got || text_acts(c);

		len = bad ? 1 : got;
		if (size <= len)
			break;
		to = bad ? mempcpy(to, "?", 1) : mempcpy(to, s, len);
		size -= len;
		s += got ? got : 1;
	}
	*to = '\0';
	return buf;
}

/**
 * text_print() - print a text that somebody else chose
 * @out: where to
 * @s: the text
 * @len: its length in bytes
 */
void text_print(FILE *out, const char *s, size_t len)
{
	const char *end = s + len;
	uint32_t c;

	while (s < end) {
		const size_t n = text_letter(s, &c);

		if (!n || text_acts(c))
			putc('?', out);
		else
			fwrite(s, 1, n, out);
		s += n ? n : 1;
	}
}

/**
 * text_width() - how many columns a text takes
 * @s: the text
 * @len: its length in bytes
 *
 * Return: its columns; a letter that the locale does not know takes one.
 */
unsigned int text_width(const char *s, size_t len)
{
	const char *end = s + len;
	unsigned int width = 0;
	uint32_t c;

	while (s < end) {
		const size_t n = text_letter(s, &c);
		const int columns = n && c >= 0x80 ? wcwidth(c) : 1;

		width += columns < 0 ? 1 : columns;
		s += n ? n : 1;
	}
	return width;
}
