// SPDX-License-Identifier: GPL-2.0
/* The live view's terminal. */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <curses.h>

#include "top/screen.h"

#define ESCAPE_MS	100	/* an arrow's bytes may come slowly over SSH */
#define LINE_SIZE	512

static SCREEN *screen;
static chtype looks[] = {
	[LOOK_PLAIN] = A_NORMAL, [LOOK_HEAD] = A_BOLD,
	[LOOK_SORTED] = A_BOLD | A_UNDERLINE, [LOOK_DIM] = A_DIM,
	[LOOK_GRAPH] = A_NORMAL, [LOOK_CURSOR] = A_REVERSE,
	[LOOK_NOTICE] = A_BOLD | A_REVERSE,
};

static void use_colors(void)
{
	enum { HEAD = 1, GRAPH, NOTICE };

	if (start_color() == ERR || use_default_colors() == ERR)
		return;
	init_pair(HEAD, COLOR_CYAN, -1);
	init_pair(GRAPH, COLOR_GREEN, -1);
	init_pair(NOTICE, COLOR_YELLOW, -1);
	looks[LOOK_HEAD] = COLOR_PAIR(HEAD);
	looks[LOOK_SORTED] = A_BOLD | A_UNDERLINE | COLOR_PAIR(HEAD);
	looks[LOOK_GRAPH] = COLOR_PAIR(GRAPH);
	looks[LOOK_NOTICE] = A_BOLD | COLOR_PAIR(NOTICE);
}

/* The terminal must at least be able to move the cursor. */
static bool moves_cursor(void)
{
	const char *cup = tigetstr("cup");

	return cup && cup != (char *)-1;
}

/**
 * top_screen_open() - take the terminal over
 * @t: the live view
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int top_screen_open(const struct top *t)
{
	const char *term = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		warn("top needs a terminal; for a pipe, a file or a script use: portmon-ctl top --batch");
		return -ENOTTY;
	}
	screen = newterm(NULL, stdout, stdin);
	if (!screen || !moves_cursor()) {
		top_screen_close();
		warn("terminal type '%s' is unknown or cannot move its cursor; set TERM to your terminal type (xterm, linux, vt100), or use: portmon-ctl top --batch",
		     term ? term : "");
		return -ENOTTY;
	}
	cbreak();
	noecho();
	nonl();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
	if (t->ctx->color && has_colors())
		use_colors();
	return 0;
}

/**
 * top_screen_close() - give the terminal back as it was
 */
void top_screen_close(void)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

/**
 * top_screen_resize() - the terminal has another size
 */
void top_screen_resize(void)
{
	struct winsize size;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row &&
	    size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	top_screen_redraw();
}

/**
 * top_screen_redraw() - something else has written to the terminal
 */
void top_screen_redraw(void)
{
	clearok(curscr, TRUE);
}

/**
 * top_screen_key() - the next key that was pressed
 * @key: its character or curses' number for it
 *
 * Return: whether there is one.
 */
bool top_screen_key(int *key)
{
	*key = getch();
	return *key != ERR;
}

/**
 * top_lines() - height of the terminal
 *
 * Return: lines.
 */
int top_lines(void)
{
	return LINES;
}

/**
 * top_width() - width of the terminal
 *
 * Return: columns.
 */
int top_width(void)
{
	return COLS;
}

/**
 * top_put() - a text on the terminal
 * @y: line
 * @x: column
 * @width: columns to fill, with blanks after the text
 * @look: how it looks
 * @text: the text; what does not fit is cut off
 */
void top_put(int y, int x, unsigned int width, enum look look,
	     const char *text)
{
	char buf[LINE_SIZE];

	if (y < 0 || y >= LINES || x < 0 || x >= COLS)
		return;
	if (width > (unsigned int)(COLS - x))
		width = COLS - x;
	attrset(looks[look]);
	mvhline(y, x, ' ' | looks[look], width);
	format_fit(buf, sizeof(buf), text, width);
	mvaddstr(y, x, buf);
	attrset(A_NORMAL);
}

/**
 * top_put_right() - a text on the terminal, at the right of its room
 * @y: line
 * @x: column
 * @width: columns to fill
 * @look: how it looks
 * @text: the text; what does not fit is cut off
 */
void top_put_right(int y, int x, unsigned int width, enum look look,
		   const char *text)
{
	char cell[LINE_SIZE];

	snprintf(cell, sizeof(cell), "%*s", (int)width, text);
	top_put(y, x, width, look, cell);
}

/**
 * top_screen_begin() - start over with an empty screen
 */
void top_screen_begin(void)
{
	erase();
}

/**
 * top_screen_end() - show what has been put on the screen
 */
void top_screen_end(void)
{
	refresh();
}
