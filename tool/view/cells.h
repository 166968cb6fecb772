/* SPDX-License-Identifier: GPL-2.0 */
/* All columns of records: what they are called, mean and print. */
#ifndef PORTMON_CTL_CELLS_H
#define PORTMON_CTL_CELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/ctx.h"
#include "view/bars.h"
#include "view/grid.h"
#include "view/out_owners.h"

#define CELL_SIZE	OWNERS_SIZE

/**
 * struct cell - a cell being made
 * @ctx: the run
 * @now: what time it is
 * @csv: for a program: exact numbers, times as RFC 3339 has them, nothing
 *   instead of "-"
 * @seconds: length of the interval, 0 for totals
 * @sum: of all records, what a share is a share of
 * @largest: of all records, what the longest bar is
 * @bar_width: letters that a bar may have
 * @buf: room for its text
 * @bar: room for a bar
 */
struct cell {
	const struct ctx *ctx;
	uint64_t now;
	bool csv;
	double seconds;
	double sum;
	uint64_t largest;
	unsigned int bar_width;
	char buf[CELL_SIZE];
	char bar[BAR_SIZE];
};

/* Bit of a word of --sort. */
#define SORT(key) (1u << SORT_##key)

/**
 * struct column - all that there is to know about a column
 * @name: its name for -o; in CSV with small letters and _
 * @head: its head, NULL for its name
 * @flags: enum table_flags
 * @text: makes a cell's text, also that of CSV; NULL: @value as a number
 * @value: the number behind the text, which it is sorted by; NULL for words
 * @key: its key in the command's JSON, "rx.packets" for one in an object; NULL
 *   where JSON has none
 * @sorts: SORT() of the words of --sort that sort by it, 0 for none
 * @help: what it tells, for --list-columns
 */
struct column {
	const char *name;
	const char *head;
	unsigned int flags;
	const char *(*text)(struct cell *c, const struct record *r);
	uint64_t (*value)(const struct record *r);
	const char *key;
	unsigned int sorts;
	const char *help;
};

extern const struct column column_netns;
extern const struct column column_record;
extern const struct column column_scope;
extern const struct column column_transport;
extern const struct column column_port;
extern const struct column column_port_max;
extern const struct column column_ports;
extern const struct column column_range_ports;
extern const struct column column_service;
extern const struct column column_iana;
extern const struct column column_port_range;
extern const struct column column_range;
extern const struct column column_ephemeral;
extern const struct column column_connections;
extern const struct column column_retransmitted;
extern const struct column column_unanswered;
extern const struct column column_drops;
extern const struct column column_lost;
extern const struct column column_tried;
extern const struct column column_reason;
extern const struct column column_meaning;
extern const struct column column_hook;
extern const struct column column_family;
extern const struct column column_bucket;
extern const struct column column_protocol;
extern const struct column column_open;
extern const struct column column_half_open;
extern const struct column column_backlog;
extern const struct column column_backlog_max;
extern const struct column column_owner;
extern const struct column column_rtt;
extern const struct column column_rx_packets;
extern const struct column column_rx_bytes;
extern const struct column column_tx_packets;
extern const struct column column_tx_bytes;
extern const struct column column_bytes;
extern const struct column column_packets;
extern const struct column column_bucket_packets;
extern const struct column column_bucket_bytes;
extern const struct column column_last_seen;
extern const struct column column_last_drop;
extern const struct column column_last_try;
extern const struct column column_first_seen;
extern const struct column column_first_drop;
extern const struct column column_first_try;
extern const struct column column_time;
extern const struct column column_rx_pps;
extern const struct column column_rx_bps;
extern const struct column column_tx_pps;
extern const struct column column_tx_bps;
extern const struct column column_pps;
extern const struct column column_bps;
extern const struct column column_cps;
extern const struct column column_retr_ps;
extern const struct column column_unans_ps;
extern const struct column column_drop_ps;
extern const struct column column_share;
extern const struct column column_range_share;
extern const struct column column_bar;

const struct column *amount_column(enum sort_key key);
const char *column_text(struct cell *c, const struct column *column,
			const struct record *r);
const char *cell_unknown(const struct cell *c, enum unknown why);
const char *cell_rate(struct cell *c, double delta);

static inline const char *cell_nothing(const struct cell *c)
{
	return c->csv ? "" : "-";
}

static inline const char *cell_exact(struct cell *c, uint64_t v)
{
	return format_uint(c->buf, v);
}

static inline const char *cell_number(struct cell *c, uint64_t v)
{
	return c->csv ? cell_exact(c, v) :
			format_number(c->buf, v, c->ctx->opt.units);
}

/* A counter, unless there is a reason why it is not known. */
static inline const char *cell_known(struct cell *c, enum unknown why,
				     uint64_t v)
{
	return why ? cell_unknown(c, why) : cell_number(c, v);
}

/* Bytes, or bits where those are wanted. */
static inline const char *cell_bytes(struct cell *c, uint64_t v)
{
	const bool bits = given(&c->ctx->opt, OPT_BITS) && !c->csv;

	return cell_number(c, bits ? sum_bits(v) : v);
}

#endif
