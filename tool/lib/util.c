// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "lib/util.h"

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

/**
 * parse_seconds() - read a time with up to three digits after the point
 * @s: the time, and nothing after it
 * @max: most seconds allowed
 * @ms: the time in thousandths of a second
 *
 * Return: whether there was one.
 */
bool parse_seconds(const char *s, unsigned int max, unsigned int *ms)
{
	unsigned long whole, unit = 1000;

	if (!parse_number(s, max, &whole, &s))
		return false;
	*ms = whole * 1000;
	if (*s == '.')
		for (s++; isdigit((unsigned char)*s) && unit > 1; s++)
			*ms += (*s - '0') * (unit /= 10);
	return !*s && *ms <= max * 1000u;
}
