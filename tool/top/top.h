/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The live view. rows.c selects the lines, columns.c formats
 * them, keys.c changes the settings; page.c and detail.c draw,
 * and screen.c alone knows of curses.
 */
#ifndef PORTMON_CTL_TOP_H
#define PORTMON_CTL_TOP_H

#include "ctl/ctx.h"
#include "lib/snapshot.h"
#include "view/rates.h"

#define TOP_CELL	64
#define TOP_FILTER	32
#define TOP_OWNER	160
#define TOP_SCOPES	(PORTMON_SCOPE_MAX + 1)
#define TOP_TRANSPORTS	(PORTMON_TRANSPORT_MAX + 1)
#define TOP_RANGES	(PORTMON_RANGE_MAX + 1)
#define TOP_GRAPH_MIN	6
#define TOP_LEVELS	8
#define TOP_GLYPH	4	/* a character of a graph, with its end */

/* The columns, in their order; the number of the first ten is their key. */
enum top_column {
	TOP_RATE,		/* the graph, which stands last */
	TOP_SCOPE,
	TOP_PORT,
	TOP_SERVICE,
	TOP_RX,
	TOP_TX,
	TOP_PACKETS,
	TOP_CONNECTIONS,
	TOP_DROPS,
	TOP_TOTAL,
	TOP_SEEN,
	TOP_COLUMNS
};

enum top_page {
	TOP_LIST,
	TOP_DETAIL,
	TOP_HELP,
};

/**
 * struct top_fold - a line for several ports
 * @line: its place in the list before that is sorted, from 1; 0 for none
 * @rate: their sum
 * @history: room for its history
 */
struct top_fold {
	size_t line;
	struct rate rate;
	float history[RATES_HISTORY];
};

/**
 * struct top_sum - what the ports of a range and scope have counted together
 * @delta: bytes between the last two readings, rx and tx
 * @total: bytes in all, rx and tx
 */
struct top_sum {
	uint64_t delta[2];
	uint64_t total[2];
};

/**
 * struct top - the live view
 * @ctx: the run
 * @rates: what was read
 * @last: the last reading
 * @ascii: no characters but those of ASCII
 * @interval: seconds between two readings
 *
 * The settings:
 * @sort: by which column
 * @reverse: the other way
 * @scope: enum portmon_scope or ANY
 * @transport: enum portmon_transport or ANY
 * @filter: port, span of ports or part of a service's name; empty for all
 * @all: no folds
 * @numeric: no names
 * @units: how large numbers are cut short
 * @bytes: totals of the ranges instead of their rates
 * @paused: nothing is read
 *
 * What is shown:
 * @page: which page
 * @rows: the lines of the list, in order
 * @n: how many there are
 * @folds: what some of them point to
 * @sums: by scope and range, of the selected transport
 * @cursor: line the cursor is on
 * @first: first line on the screen
 * @height: lines there is room for
 * @pinned: the cursor follows @at
 * @at: port the cursor is on, or that the detail page is of
 * @owner: owner of the port of the detail page
 * @prompt: the filter is being typed
 * @filter_before: what it was before that
 * @notice: a message to show, or NULL
 * @done: the person has seen enough
 */
struct top {
	struct ctx *ctx;
	struct rates rates;
	struct snapshot last;
	bool ascii;
	double interval;

	enum top_column sort;
	bool reverse;
	int scope;
	int transport;
	char filter[TOP_FILTER];
	bool all;
	bool numeric;
	enum units units;
	bool bytes;
	bool paused;

	enum top_page page;
	const struct rate **rows;
	size_t n;
	struct top_fold folds[TOP_SCOPES][TOP_TRANSPORTS];
	struct top_sum sums[TOP_SCOPES][TOP_RANGES];
	size_t cursor;
	size_t first;
	size_t height;
	bool pinned;
	struct record at;
	char owner[TOP_OWNER];
	bool prompt;
	char filter_before[TOP_FILTER];
	const char *notice;
	bool done;
};

/**
 * struct top_layout - how wide the columns are
 * @width: characters, 0 for a column that is left out
 */
struct top_layout {
	unsigned int width[TOP_COLUMNS];
};

/* rows.c */
int top_rows(struct top *t);
const struct rate *top_row_at(const struct top *t);
const struct record *top_reading(const struct top *t,
				 const struct record *key);
void top_cursor(struct top *t, size_t to);
void top_rows_free(struct top *t);

/* columns.c */
const char *top_head(enum top_column column);
bool top_is_number(enum top_column column);
void top_cell(char buf[static TOP_CELL], const struct top *t,
	      enum top_column column, const struct rate *r);
void top_rate(char buf[static TOP_CELL], const struct top *t, double delta);
void top_layout(const struct top *t, size_t first, size_t n,
		unsigned int room, struct top_layout *l);
void top_title(char *buf, size_t size, const struct top *t);
void top_asked(char *buf, size_t size, const struct top *t);
const char *top_glyph(const struct top *t, unsigned int level);
float top_peak(const struct top *t, const struct rate *r, unsigned int width);
void top_graph(char *buf, const struct top *t, const struct rate *r,
	       unsigned int width);

/* keys.c */
void top_key(struct top *t, int key);
const char *top_key_help(size_t i, const char **keys);

/* detail.c */
void top_detail_draw(const struct top *t);
bool top_owner(struct top *t);

/* page.c */
void top_draw(struct top *t);

/* read.c */
int top_read(struct top *t);

/* batch.c */
int top_batch(struct top *t);

#endif
