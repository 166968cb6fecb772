// SPDX-License-Identifier: GPL-2.0
/*
 * Why not a library: libsmartcols takes 45,000 instructions for a row. What
 * it would print is what is printed here.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "lib/format.h"
#include "lib/util.h"
#include "view/grid.h"

#define DIM	"\033[2m"
#define BOLD	"\033[1m"
#define RESET	"\033[0m"

/* A byte that cannot be printed takes four: \x1b. */
#define ESCAPED	4

/* More than a terminal is wide, in bytes. */
#define CUT_SIZE 4096

/**
 * struct piece - what precedes the text of a cell
 * @width: columns that it takes
 * @size: its bytes, without the zero at its end
 */
struct piece {
	size_t width;
	size_t size;
};

/* Room for @size bytes more. Return: where, or NULL. */
static char *room(struct grid *g, size_t size)
{
	char *text = buffer_room(g->text, &g->cap, g->len, size);

	if (!text) {
		g->err = true;
		return NULL;
	}
	g->text = text;
	return g->text + g->len;
}

static char *escape(char *to, const char *bytes, size_t n)
{
	for (; n; n--, bytes++)
		to += sprintf(to, "\\x%02x", (unsigned char)*bytes);
	return to;
}

/* Letters, signs and blanks of ASCII; a backslash may need an escape. */
static bool is_simple(char c)
{
	return c >= ' ' && c < '\x7f' && c != '\\';
}

/*
 * Copy a letter, or its bytes as hexadecimal numbers where it cannot be
 * printed or would look like such a number. Return: the bytes it took.
 */
static size_t copy_letter(char **to, const char *from, mbstate_t *state,
			  size_t *width)
{
	const bool odd = iscntrl((unsigned char)*from) ||
			 (from[0] == '\\' && from[1] == 'x');
	wchar_t c = L'\0';
	size_t len = odd ? 1 : mbrtowc(&c, from, MB_LEN_MAX, state);
	char *end;

	if (len > MB_LEN_MAX) {
		memset(state, 0, sizeof(*state));
		len = 1;
		c = L'\0';
	}
	if (iswprint(c)) {
		end = mempcpy(*to, from, len);
		*width += wcwidth(c);
	} else {
		end = escape(*to, from, len);
		*width += end - *to;
	}
	*to = end;
	return len;
}

/* Copy a text. Return: its end. */
static char *copy(char *to, const char *text, size_t *width)
{
	mbstate_t state = { 0 };
	char *start = to;

	*width = 0;
	while (*text) {
		if (is_simple(*text)) {
			*to++ = *text++;
			++*width;
		} else {
			text += copy_letter(&to, text, &state, width);
		}
	}
	/* Combining marks without a letter before them are dropped. */
	if (!*width)
		to = start;
	*to = '\0';
	return to;
}

/**
 * grid_cell() - fill the next cell of the row
 * @g: the grid
 * @text: what it says, copied
 */
void grid_cell(struct grid *g, const char *text)
{
	char *p = room(g, sizeof(struct piece) + ESCAPED * strlen(text) + 1);
	struct piece piece;
	size_t *widest;
	char *words;

	if (!p)
		return;
	words = p + sizeof(piece);
	piece.size = copy(words, text, &piece.width) - words;
	memcpy(p, &piece, sizeof(piece));
	g->len += sizeof(piece) + piece.size + 1;
	widest = &g->width[g->column++];
	if (piece.width > *widest)
		*widest = piece.width;
}

/* A row may have less cells than there are columns. */
static void end_row(struct grid *g)
{
	while (g->column < g->n && !g->err)
		grid_cell(g, "");
}

/**
 * grid_row() - start a row, after all columns have been added
 * @g: the grid
 * @how: how it looks
 */
void grid_row(struct grid *g, enum grid_row how)
{
	char *p;

	end_row(g);
	p = room(g, 1);
	if (!p)
		return;
	*p = how;
	g->len++;
	g->column = 0;
}

/**
 * grid_column() - add a column
 * @g: the grid
 * @head: its head
 * @flags: enum table_flags
 */
void grid_column(struct grid *g, const char *head, unsigned int flags)
{
	const size_t i = g->n;

	if (!i)
		grid_row(g, GRID_HEAD);
	grid_cell(g, head);
	g->flags[i] = flags;
	if (!g->width[i])
		g->width[i] = 1;
	g->least[i] = g->width[i];
	g->heads = g->len;
	g->n++;
}

/* Where there is not enough room, cut the columns that may be cut. */
static void narrow(struct grid *g, size_t width)
{
	size_t i, all = g->n - 1;
	bool some = true;

	for (i = 0; i < g->n; i++)
		all += g->width[i];
	while (all > width && some) {
		some = false;
		for (i = 0; i < g->n && all > width; i++) {
			if (!(g->flags[i] & COLUMN_TRUNC) ||
			    g->width[i] <= g->least[i])
				continue;
			g->width[i]--;
			all--;
			some = true;
		}
	}
}

/**
 * struct writer - what is to be printed
 * @out: where to
 * @len: bytes in @buf
 * @buf: not printed yet; stdio would cost more than the rest of a cell
 */
struct writer {
	FILE *out;
	size_t len;
	char buf[16384];
};

static void flush(struct writer *w)
{
	fwrite(w->buf, 1, w->len, w->out);
	w->len = 0;
}

static void write_bytes(struct writer *w, const char *text, size_t n)
{
	if (n > sizeof(w->buf) - w->len)
		flush(w);
	if (n > sizeof(w->buf)) {
		fwrite(text, 1, n, w->out);
		return;
	}
	memcpy(w->buf + w->len, text, n);
	w->len += n;
}

static void blanks(struct writer *w, size_t n)
{
	for (; n; n--) {
		if (w->len == sizeof(w->buf))
			flush(w);
		w->buf[w->len++] = ' ';
	}
}

/* Print a cell. No row ends with blanks that only fill it up. */
static void write_cell(const struct grid *g, struct writer *w, size_t column,
		       struct piece piece, const char *text)
{
	const bool right = g->flags[column] & COLUMN_RIGHT;
	const bool last = column + 1 == g->n;
	const size_t width = g->width[column];
	char cut[CUT_SIZE];

	if (piece.width > width) {
		piece.width = format_fit(cut, sizeof(cut), text, width);
		piece.size = strlen(cut);
		text = cut;
	}
	if (right && (piece.size || !last))
		blanks(w, width - piece.width);
	write_bytes(w, text, piece.size);
	if (!right && !last)
		blanks(w, width - piece.width);
}

/* Print a row. Return: where the next one is. */
static const char *print_row(const struct grid *g, struct writer *w,
			     const char *p)
{
	const enum grid_row how = g->color ? *p : GRID_PLAIN;
	struct piece piece;
	size_t i;

	p++;
	if (how == GRID_DIM)
		write_bytes(w, DIM, strlen(DIM));
	for (i = 0; i < g->n; i++) {
		memcpy(&piece, p, sizeof(piece));
		p += sizeof(piece);
		if (i)
			blanks(w, 1);
		if (how == GRID_HEAD)
			write_bytes(w, BOLD, strlen(BOLD));
		write_cell(g, w, i, piece, p);
		if (how == GRID_HEAD)
			write_bytes(w, RESET, strlen(RESET));
		p += piece.size + 1;
	}
	if (how == GRID_DIM)
		write_bytes(w, RESET, strlen(RESET));
	write_bytes(w, "\n", 1);
	return p;
}

/**
 * grid_print() - print all rows below their heads, or nothing if there is none
 * @g: the grid
 * @out: where to
 * @width: columns of the terminal, 0 if it is none
 *
 * Return: 0, or -ENOMEM where some of it is missing and nothing was printed.
 */
int grid_print(struct grid *g, FILE *out, size_t width)
{
	struct writer w;
	const char *p, *end;

	end_row(g);
	if (g->err)
		return -ENOMEM;
	if (g->len == g->heads)
		return 0;
	if (width)
		narrow(g, width);
	w.out = out;
	w.len = 0;
	for (p = g->text, end = p + g->len; p < end; )
		p = print_row(g, &w, p);
	flush(&w);
	return 0;
}

/**
 * grid_free() - release what a grid holds
 * @g: the grid
 */
void grid_free(struct grid *g)
{
	free(g->text);
}
