/* SPDX-License-Identifier: GPL-2.0 */
/* Comma-separated values as RFC 4180 has them. */
#ifndef PORTMON_CTL_CSV_H
#define PORTMON_CTL_CSV_H

#include <stdio.h>

void csv_head(FILE *out, const char *name, size_t column);
void csv_cell(FILE *out, const char *text, size_t column);
void csv_end(FILE *out);

#endif
