// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>

#include "lib/error.h"

/**
 * error_set() - fill in an error
 * @e: the error
 * @err: a negative errno
 * @format: the sentence as printf() takes it, without the newline
 *
 * Return: @err.
 */
int error_set(struct error *e, int err, const char *format, ...)
{
	va_list args;

	e->denied = false;
	va_start(args, format);
	vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	return err;
}
