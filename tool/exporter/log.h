/* SPDX-License-Identifier: GPL-2.0 */
/* The log: lines on standard error. */
#ifndef PORTMON_EXPORTER_LOG_H
#define PORTMON_EXPORTER_LOG_H

void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
