/* SPDX-License-Identifier: GPL-2.0 */
/* A table on standard output. */
#ifndef PORTMON_CTL_TABLE_H
#define PORTMON_CTL_TABLE_H

#include <stdio.h>

#include "ctl/ctx.h"
#include "view/grid.h"

struct table;

/**
 * struct table_head - a column to be added
 * @text: its head
 * @flags: enum table_flags
 */
struct table_head {
	const char *text;
	unsigned int flags;
};

struct table *table_begin(const struct ctx *ctx);
void table_lines(struct table *t, bool heads);
void table_column(struct table *t, const char *head, unsigned int flags);
void table_columns(struct table *t, const struct table_head *heads, size_t n);
void table_row(struct table *t, bool dim);
void table_cell(struct table *t, const char *text);
int table_end(struct table *t);
void table_free(struct table *t);

void csv_head(FILE *out, const char *name, size_t column);
void csv_cell(FILE *out, const char *text, size_t column);
void csv_end(FILE *out);

#endif
