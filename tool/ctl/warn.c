// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>

#include "ctl/warn.h"

static bool said;

/**
 * warn() - tell the person something, on standard error
 * @format: the sentence as printf() takes it, without the newline
 */
void warn(const char *format, ...)
{
	va_list args;

	said = true;
	/* What came before on standard output should be read before. */
	fflush(stdout);
	fputs("portmon-ctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/**
 * warned() - has the person been told anything?
 *
 * Return: true once warn() has been called.
 */
bool warned(void)
{
	return said;
}

/**
 * warn_ports() - tell the person what parse_ports() takes
 * @s: what it did not take
 */
void warn_ports(const char *s)
{
	warn("'%s' is not a port or a span of ports; ports go from 0 to 65535, a span is written 8000-8999",
	     s);
}
