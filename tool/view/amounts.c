// SPDX-License-Identifier: GPL-2.0
/* Columns of packets, bytes and times. */
#include <time.h>

#include "lib/record.h"
#include "view/cells.h"

/* Values alone: column_text() makes numbers of them. */
static uint64_t rx_packets(const struct record *r)
{
	return r->rx.packets;
}

const struct column column_rx_packets = {
	.name = "RX-PKTS",
	.flags = COLUMN_RIGHT,
	.value = rx_packets,
	.key = "rx.packets",
	.sorts = SORT(RX_PACKETS),
	.help = "packets received",
};

static uint64_t rx_bytes(const struct record *r)
{
	return r->rx.bytes;
}

const struct column column_rx_bytes = {
	.name = "RX-BYTES",
	.flags = COLUMN_RIGHT | COLUMN_BYTES,
	.value = rx_bytes,
	.key = "rx.bytes",
	.sorts = SORT(RX),
	.help = "bytes received",
};

static uint64_t tx_packets(const struct record *r)
{
	return r->tx.packets;
}

const struct column column_tx_packets = {
	.name = "TX-PKTS",
	.flags = COLUMN_RIGHT,
	.value = tx_packets,
	.key = "tx.packets",
	.sorts = SORT(TX_PACKETS),
	.help = "packets sent",
};

static uint64_t tx_bytes(const struct record *r)
{
	return r->tx.bytes;
}

const struct column column_tx_bytes = {
	.name = "TX-BYTES",
	.flags = COLUMN_RIGHT | COLUMN_BYTES,
	.value = tx_bytes,
	.key = "tx.bytes",
	.sorts = SORT(TX),
	.help = "bytes sent",
};

static uint64_t both_bytes(const struct record *r)
{
	return sum_add(r->rx.bytes, r->tx.bytes);
}

const struct column column_bytes = {
	.name = "TOTAL",
	.flags = COLUMN_RIGHT | COLUMN_BYTES,
	.value = both_bytes,
	.sorts = SORT(BYTES),
	.help = "bytes of both directions",
};

static uint64_t both_packets(const struct record *r)
{
	return sum_add(r->rx.packets, r->tx.packets);
}

const struct column column_packets = {
	.name = "PACKETS",
	.flags = COLUMN_RIGHT,
	.value = both_packets,
	.sorts = SORT(PACKETS),
	.help = "packets of both directions",
};

static uint64_t bucket_packets(const struct record *r)
{
	return r->all.packets;
}

const struct column column_bucket_packets = {
	.name = "PACKETS",
	.flags = COLUMN_RIGHT,
	.value = bucket_packets,
	.key = "packets",
	.sorts = SORT(PACKETS),
	.help = "packets",
};

static uint64_t bucket_bytes(const struct record *r)
{
	return r->all.bytes;
}

const struct column column_bucket_bytes = {
	.name = "BYTES",
	.flags = COLUMN_RIGHT | COLUMN_BYTES,
	.value = bucket_bytes,
	.key = "bytes",
	.sorts = SORT(BYTES),
	.help = "bytes",
};

static const char *age(struct cell *c, const struct record *r, uint64_t t)
{
	if (!record_has(r, PORTMON_A_RECORD_LAST_SEEN))
		return cell_nothing(c);
	if (c->csv)
		return format_time(c->buf, t);
	return format_age(c->buf, t, c->now);
}

static uint64_t last_seen(const struct record *r)
{
	return r->last_seen;
}

static const char *last_seen_text(struct cell *c, const struct record *r)
{
	return age(c, r, r->last_seen);
}

#define LAST_SEEN(heading, meaning) { \
	.name = heading, .flags = COLUMN_RIGHT, .text = last_seen_text, \
	.value = last_seen, .key = "last_seen", .sorts = SORT(LAST_SEEN), \
	.help = meaning, \
}

const struct column column_last_seen =
	LAST_SEEN("LAST-SEEN", "time of the latest packet");

const struct column column_last_drop =
	LAST_SEEN("LAST-SEEN", "when the latest was dropped");

const struct column column_last_try =
	LAST_SEEN("LAST", "when the latest arrived");

static uint64_t first_seen(const struct record *r)
{
	return r->first_seen;
}

static const char *first_seen_text(struct cell *c, const struct record *r)
{
	return age(c, r, r->first_seen);
}

#define FIRST_SEEN(heading, meaning) { \
	.name = heading, .flags = COLUMN_RIGHT, .text = first_seen_text, \
	.value = first_seen, .key = "first_seen", .sorts = SORT(FIRST_SEEN), \
	.help = meaning, \
}

const struct column column_first_seen =
	FIRST_SEEN("FIRST-SEEN", "time of the first packet");

const struct column column_first_drop =
	FIRST_SEEN("FIRST-SEEN", "when the first was dropped");

const struct column column_first_try =
	FIRST_SEEN("FIRST", "when the first arrived");

static const char *time_of_day(struct cell *c, const struct record *r)
{
	const time_t now = c->now;
	struct tm tm;

	(void)r;
	if (c->csv)
		return format_time(c->buf, c->now);
	if (!localtime_r(&now, &tm) ||
	    !strftime(c->buf, CELL_SIZE, "%H:%M:%S", &tm))
		return cell_nothing(c);
	return c->buf;
}

const struct column column_time = {
	.name = "TIME",
	.text = time_of_day,
	.help = "time of the line",
};

/**
 * amount_column() - the packets or bytes that a bar and a share stand for
 * @key: what is sorted by
 *
 * Return: the column of that; if it is neither, that of all bytes.
 */
const struct column *amount_column(enum sort_key key)
{
	switch (key) {
	case SORT_PACKETS:
		return &column_packets;
	case SORT_RX:
		return &column_rx_bytes;
	case SORT_TX:
		return &column_tx_bytes;
	case SORT_RX_PACKETS:
		return &column_rx_packets;
	case SORT_TX_PACKETS:
		return &column_tx_packets;
	default:
		return &column_bytes;
	}
}

static uint64_t sorted_amount(const struct cell *c, const struct record *r)
{
	return amount_column(c->ctx->opt.sort)->value(r);
}

static const char *share(struct cell *c, const struct record *r)
{
	const double part = c->sum > 0 ? sorted_amount(c, r) / c->sum : 0;

	snprintf(c->buf, CELL_SIZE, "%.1f%s", 100 * part, c->csv ? "" : "%");
	return c->buf;
}

const struct column column_share = {
	.name = "SHARE",
	.flags = COLUMN_RIGHT,
	.text = share,
	.help = "share of the total of the sort key",
};

const struct column column_range_share = {
	.name = "SHARE",
	.flags = COLUMN_RIGHT,
	.text = share,
	.help = "share of the bytes of all lines",
};

static const char *bar(struct cell *c, const struct record *r)
{
	return bar_draw(c->bar, sorted_amount(c, r), c->largest, c->bar_width,
			bar_blocks());
}

const struct column column_bar = {
	.name = "BAR",
	.text = bar,
	.help = "the same as a bar",
};

/**
 * column_text() - make a cell
 * @c: the cell
 * @column: its column
 * @r: its record
 *
 * Return: its text; a value that has no text of its own is a number.
 */
const char *column_text(struct cell *c, const struct column *column,
			const struct record *r)
{
	if (column->text)
		return column->text(c, r);
	return column->flags & COLUMN_BYTES ? cell_bytes(c, column->value(r)) :
					      cell_number(c, column->value(r));
}
