/* SPDX-License-Identifier: GPL-2.0 */
/* The terminal, for the files that draw on it. */
#ifndef PORTMON_CTL_TOP_SCREEN_H
#define PORTMON_CTL_TOP_SCREEN_H

#include "top/top.h"

/**
 * enum look - how a text looks; without colours most are bold
 * @LOOK_PLAIN: like the rest
 * @LOOK_HEAD: above a table
 * @LOOK_SORTED: above the column that is sorted by
 * @LOOK_DIM: matters less
 * @LOOK_GRAPH: a graph
 * @LOOK_CURSOR: the line the cursor is on
 * @LOOK_NOTICE: something to look at
 */
enum look {
	LOOK_PLAIN,
	LOOK_HEAD,
	LOOK_SORTED,
	LOOK_DIM,
	LOOK_GRAPH,
	LOOK_CURSOR,
	LOOK_NOTICE,
};

int top_screen_open(const struct top *t);
void top_screen_close(void);
void top_screen_resize(void);
void top_screen_redraw(void);
bool top_screen_key(int *key);
void top_screen_begin(void);
void top_screen_end(void);
void top_put(int y, int x, unsigned int width, enum look look,
	     const char *text);
void top_put_right(int y, int x, unsigned int width, enum look look,
		   const char *text);
int top_lines(void);
int top_width(void);

#endif
