/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libsmartcols, loaded where a table is drawn: every other answer would pay
 * for it as much as for itself.
 */
#ifndef PORTMON_CTL_SCOLS_H
#define PORTMON_CTL_SCOLS_H

#include <libsmartcols/libsmartcols.h>

#define SCOLS_FUNCTIONS(X)						\
	X(new_table) X(unref_table) X(table_enable_colors)		\
	X(table_new_column) X(table_new_line) X(print_table)		\
	X(column_get_header) X(cell_set_color) X(line_set_color)	\
	X(line_set_data)

/**
 * struct scols - the functions of the library, without its prefix
 */
struct scols {
#define X(name) typeof(scols_##name) *name;
	SCOLS_FUNCTIONS(X)
#undef X
};

const struct scols *scols_load(void);

#endif
