// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"

#define FIRST_ROOM	64
#define FIRST_BYTES	4096

/**
 * array_grow() - have more room in an array
 * @v: the array or NULL
 * @cap: how many elements there is room for
 * @size: of an element
 *
 * Return: the array, which may have moved, or NULL; then the old one stays.
 */
void *array_grow(void *v, size_t *cap, size_t size)
{
	const size_t more = *cap ? 2 * *cap : FIRST_ROOM;

	v = reallocarray(v, more, size);
	if (v)
		*cap = more;
	return v;
}

/**
 * buffer_room() - have room for more bytes in a buffer that grows
 * @v: the buffer or NULL
 * @cap: how many bytes there is room for
 * @len: how many it has
 * @more: how many are to come
 *
 * Return: the buffer, which may have moved, or NULL; then the old one stays.
 */
void *buffer_room(void *v, size_t *cap, size_t len, size_t more)
{
	size_t room = *cap ? *cap : FIRST_BYTES;

	if (more > SIZE_MAX / 2 - len)
		return NULL;
	while (room - len < more)
		room *= 2;
	if (room == *cap)
		return v;
	v = realloc(v, room);
	if (v)
		*cap = room;
	return v;
}

/**
 * parse_number() - read a decimal number
 * @s: where it starts; a sign or blanks are no number
 * @max: largest one allowed
 * @v: the number
 * @end: what follows it; NULL if nothing may
 *
 * Return: whether there was one.
 */
bool parse_number(const char *s, unsigned long max, unsigned long *v,
		  const char **end)
{
	char *e;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	*v = strtoul(s, &e, 10);
	if (errno || *v > max)
		return false;
	if (end)
		*end = e;
	return end || !*e;
}

/**
 * parse_ports() - read a port or a span of ports (8000-8999)
 * @s: where it starts
 * @port: first port
 * @port_max: last port
 * @end: what follows; NULL if nothing may
 *
 * Return: whether there was one.
 */
bool parse_ports(const char *s, uint16_t *port, uint16_t *port_max,
		 const char **end)
{
	unsigned long first, last;

	if (!parse_number(s, UINT16_MAX, &first, &s))
		return false;
	last = first;
	if (*s == '-' && !parse_number(s + 1, UINT16_MAX, &last, &s))
		return false;
	if (first > last)
		return false;
	*port = first;
	*port_max = last;
	if (end)
		*end = s;
	return end || !*s;
}

/* Thousandths of a second behind the point, as many digits as there are. */
static const char *parse_fraction(const char *s, unsigned int *ms)
{
	unsigned int unit = 1000;

	for (; isdigit((unsigned char)*s) && unit > 1; s++)
		*ms += (*s - '0') * (unit /= 10);
	return s;
}

/**
 * parse_seconds() - read a time with up to three digits after the point
 * @s: the time: 10, .5, 1.5s or 2m, and nothing after it
 * @max: most seconds allowed
 * @ms: the time in thousandths of a second
 *
 * Return: whether there was one.
 */
bool parse_seconds(const char *s, unsigned int max, unsigned int *ms)
{
	const char *start = s;
	unsigned long whole = 0;

	if (*s != '.' && !parse_number(s, max, &whole, &s))
		return false;
	*ms = whole * 1000;
	if (*s == '.')
		s = parse_fraction(s + 1, ms);
	if (*s && !s[1] && strchr("sm", *s) && isdigit((unsigned char)s[-1])) {
		if (*s == 'm' && whole > max / 60)
			return false;
		*ms *= *s == 'm' ? 60 : 1;
		s++;
	}
	return !*s && s > start && *ms <= max * 1000u &&
	       (isdigit((unsigned char)s[-1]) || s[-1] == 's' ||
		s[-1] == 'm');
}

/**
 * trim() - cut off the blanks around a text
 * @s: the text, which is shortened
 *
 * Return: where it begins.
 */
char *trim(char *s)
{
	char *end;

	s += strspn(s, " \t\r\n");
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return s;
}

/**
 * config_path() - where a file that this user sets things in is
 * @name: its name
 * @err: 0 or -ENOMEM
 *
 * Return: $XDG_CONFIG_HOME/portmon/NAME, or the same under $HOME/.config, to
 * be freed; NULL where the user has no such folder.
 */
char *config_path(const char *name, int *err)
{
	const char *dir = getenv("XDG_CONFIG_HOME");
	const char *sub = "";
	char *path;

	*err = 0;
	if (!dir || *dir != '/') {
		dir = getenv("HOME");
		sub = "/.config";
	}
	if (!dir || *dir != '/')
		return NULL;
	if (asprintf(&path, "%s%s/portmon/%s", dir, sub, name) >= 0)
		return path;
	*err = -ENOMEM;
	return NULL;
}
