// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <string.h>

#include "csv.h"

/**
 * csv_head() - write the name of a column
 * @out: where to
 * @name: its name; small letters and underscores make an identifier of it
 * @column: which column, from 0
 */
void csv_head(FILE *out, const char *name, size_t column)
{
	if (column)
		putc(',', out);
	for (; *name; name++)
		putc(*name == '-' ? '_' : tolower((unsigned char)*name), out);
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
		putc(',', out);
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, out);
		return;
	}
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

/**
 * csv_end() - end a line
 * @out: where to
 */
void csv_end(FILE *out)
{
	fputs("\r\n", out);
}
