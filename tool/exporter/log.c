// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>

#include "exporter/log.h"

/**
 * log_line() - write a line to the log, which is standard error
 * @format: the line as printf() takes it, without the newline
 *
 * In one piece, so that lines of several programs do not mix.
 */
void log_line(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fprintf(stderr, "portmon-exporter: %s\n", line);
}
