// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ctl/warn.h"
#include "lib/text.h"

/* Of a path and a sentence; there may be no memory for more. */
#define TEXT_SIZE	5120

/* The lack of memory was already reported. */
static bool memory_told;

/**
 * warn() - print a message on standard error
 * @format: the sentence as printf() takes it, without the newline
 */
void warn(const char *format, ...)
{
	va_list args;
	char text[TEXT_SIZE];

	/* Earlier standard output must appear first. */
	fflush(stdout);
	fputs("portmon-ctl: ", stderr);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_print(stderr, text, strlen(text));
	fputc('\n', stderr);
}

/**
 * warn_memory() - tell the person, once, that memory ran out
 */
void warn_memory(void)
{
	if (!memory_told)
		warn("out of memory");
	memory_told = true;
}

/**
 * warned_of() - was the error printed?
 * @err: the negative errno
 */
void warned_of(int err)
{
	if (err == -ENOMEM)
		memory_told = true;
}

/**
 * warn_ports() - print what parse_ports() accepts
 * @s: the rejected text
 */
void warn_ports(const char *s)
{
	warn("'%s' is not a port (0 to 65535) or a span of ports (8000-8999)",
	     s);
}
