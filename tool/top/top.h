/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The live view. rows.c selects the lines, fields.c the columns, columns.c
 * formats both; keys.c and prompt.c change the settings, saved.c keeps them;
 * page.c and detail.c draw, and screen.c alone knows of curses.
 */
#ifndef PORTMON_CTL_TOP_H
#define PORTMON_CTL_TOP_H

#include "ctl/ctx.h"
#include "host/owners.h"
#include "lib/snapshot.h"
#include "view/columns.h"
#include "view/rates.h"

#define TOP_CELL	CELL_SIZE
#define TOP_FILTER	32
#define TOP_MESSAGE	1024
#define TOP_TEXT	24
#define TOP_SCOPES	(PORTMON_SCOPE_MAX + 1)
#define TOP_TRANSPORTS	(PORTMON_TRANSPORT_MAX + 1)
#define TOP_RANGES	(PORTMON_RANGE_MAX + 1)
#define TOP_GRAPH_MIN	6
#define TOP_LEVELS	8
#define TOP_GLYPH	4	/* a character of a graph, with its end */
#define TOP_DELAY_MAX	86400

enum top_page {
	TOP_LIST,
	TOP_DETAIL,
	TOP_HELP,
	TOP_FIELDS,
};

/**
 * enum top_prompt - what is being typed
 * @PROMPT_NONE: nothing
 * @PROMPT_FILTER: the filter
 * @PROMPT_SEARCH: what to look for in the list
 * @PROMPT_DELAY: seconds between two readings
 */
enum top_prompt {
	PROMPT_NONE,
	PROMPT_FILTER,
	PROMPT_SEARCH,
	PROMPT_DELAY,
};

/**
 * struct top_field - a column that the list can have
 * @column: the column
 * @on: it has it
 */
struct top_field {
	const struct column *column;
	bool on;
};

/**
 * struct top_row - a line of the list
 * @r: the port
 * @weight: of a number, what the list is sorted by
 * @text: of words, the same, as much as there is room for
 */
struct top_row {
	const struct rate *r;
	uint64_t weight;
	char text[TOP_TEXT];
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
 * @ctx: the run; its units are changed by a key
 * @rates: what was read
 * @last: the last reading
 * @owners: sockets and processes, if something shows them
 * @has_owners: they were read
 * @sockets: of which transports, as socks_read() takes it
 * @reported: the error that ends it was printed
 * @ascii: no characters but those of ASCII
 *
 * The settings:
 * @interval: seconds between two readings
 * @fields: the columns there are, in their order
 * @n_fields: how many
 * @shown: those of the list
 * @n_shown: how many
 * @sort: by which column
 * @reverse: the other way
 * @scope: enum portmon_scope or ANY
 * @transport: enum portmon_transport or ANY
 * @filter: port, span of ports or part of a service's name; empty for all
 * @all: no folds
 * @numeric: no names
 * @bytes: totals of the ranges instead of their rates
 * @no_head: without the ranges
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
 * @field: the column that the cursor is on, on the page of columns
 * @scroll: first line of another page
 * @prompt: what is being typed
 * @typed: what was typed, but for the filter, which changes at once
 * @filter_before: what it was before that
 * @missed: what is looked for is in no line
 * @notice: what the last reading has to say, or NULL
 * @message: a message until the next key
 * @redraw: the terminal is drawn as a whole
 * @done: the person has seen enough
 */
struct top {
	struct ctx *ctx;
	struct rates rates;
	struct snapshot last;
	struct owners owners;
	bool has_owners;
	unsigned int sockets;
	bool reported;
	bool ascii;

	double interval;
	struct top_field fields[COLUMNS_MAX];
	size_t n_fields;
	const struct column *shown[COLUMNS_MAX];
	size_t n_shown;
	const struct column *sort;
	bool reverse;
	int scope;
	int transport;
	char filter[TOP_FILTER];
	bool all;
	bool numeric;
	bool bytes;
	bool no_head;
	bool paused;

	enum top_page page;
	struct top_row *rows;
	size_t n;
	struct top_fold folds[TOP_SCOPES][TOP_TRANSPORTS];
	struct top_sum sums[TOP_SCOPES][TOP_RANGES];
	size_t cursor;
	size_t first;
	size_t height;
	bool pinned;
	struct record at;
	size_t field;
	size_t scroll;
	enum top_prompt prompt;
	char typed[TOP_FILTER];
	char filter_before[TOP_FILTER];
	bool missed;
	const char *notice;
	char message[TOP_MESSAGE];
	bool redraw;
	bool done;
};

/**
 * struct top_layout - how wide the columns are
 * @width: characters of each that is shown, 0 for one that is left out
 */
struct top_layout {
	unsigned int width[COLUMNS_MAX];
};

/* fields.c */
extern const struct layout top_layout_of;

const struct column *top_column(const char *name, size_t len);
const struct column *top_sorted_by(enum sort_key key);
bool top_is_graph(const struct column *column);
int top_fields_choose(struct top *t, struct ctx *ctx);
int top_fields_set(struct top *t, const char *list);
void top_fields_default(struct top *t);
void top_field_toggle(struct top *t, size_t i);
bool top_field_move(struct top *t, size_t i, int by);
bool top_needs(const struct top *t, unsigned int flag);

/* rows.c */
int top_rows(struct top *t);
const struct rate *top_row_at(const struct top *t);
void top_cursor(struct top *t, size_t to);
bool top_search(struct top *t, bool next);
void top_rows_free(struct top *t);

/* columns.c */
const struct record *top_reading(const struct top *t,
				 const struct record *key);
const char *top_text(struct cell *c, const struct top *t,
		     const struct column *column, const struct rate *r);
void top_cell(char buf[static TOP_CELL], const struct top *t,
	      const struct column *column, const struct rate *r);
void top_weigh(const struct top *t, struct top_row *row);
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

/* prompt.c */
void top_prompt_begin(struct top *t, enum top_prompt prompt);
void top_prompt_key(struct top *t, int key);
void top_prompt_text(char *buf, size_t size, const struct top *t);

/* saved.c */
void top_saved_read(struct top *t);
void top_saved_write(struct top *t);

/* detail.c */
void top_detail_draw(struct top *t);

/* page.c */
void top_draw(struct top *t);

/* read.c */
int top_read(struct top *t);
int top_owners(struct top *t);
bool top_owners_missing(const struct top *t);

/* batch.c */
int top_batch(struct top *t);

#endif
