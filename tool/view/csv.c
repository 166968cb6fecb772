// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <string.h>

#include "view/csv.h"

/**
 * csv_head() - write the name of a column
 * @out: where to
 * @name: its name; small letters and underscores make an identifier of it
 * @column: which column, from 0
 */
void csv_head(FILE *out, const char *name, size_t column)
{
	if (column)
		putc_unlocked(',', out);
	for (; *name; name++)
		putc_unlocked(*name == '-' ? '_' :
			      tolower((unsigned char)*name), out);
}

/**
 * csv_cell() - write a value
 * @out: where to
 * @text: the value; it is quoted where that is needed
 * @column: which column, from 0
 */
void csv_cell(FILE *out, const char *text, size_t column)
{
	if (column)
		putc_unlocked(',', out);
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs_unlocked(text, out);
		return;
	}
	putc_unlocked('"', out);
	for (; *text; text++) {
		if (*text == '"')
			putc_unlocked('"', out);
		putc_unlocked(*text, out);
	}
	putc_unlocked('"', out);
}

/**
 * csv_end() - end a line
 * @out: where to
 */
void csv_end(FILE *out)
{
	fputs_unlocked("\r\n", out);
}
