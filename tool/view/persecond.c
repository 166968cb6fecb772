// SPDX-License-Identifier: GPL-2.0
/* Columns of rates: of records that have the differences of an interval. */
#include <stdio.h>

#include "lib/record.h"
#include "view/cells.h"

/**
 * cell_unknown() - the cell of a counter that is not known
 * @c: the cell
 * @why: why it is not
 *
 * Return: its text.
 */
const char *cell_unknown(const struct cell *c, enum unknown why)
{
	return c->csv || why == UNKNOWN_NO_TCP || why == UNKNOWN_FORWARD ?
		       cell_nothing(c) : "n/a";
}

/**
 * cell_rate() - the cell of a difference as a rate per second
 * @c: the cell
 * @delta: the difference
 *
 * What is less than one a second is not nothing.
 *
 * Return: its text.
 */
const char *cell_rate(struct cell *c, double delta)
{
	const double v = c->seconds > 0 ? delta / c->seconds : 0;

	if (c->seconds <= 0 && !c->csv)
		return "-";
	if (c->csv || !delta || v >= 0.95)
		return cell_number(c, sum_round(v));
	if (v < 0.05)
		return "<0.1";
	snprintf(c->buf, CELL_SIZE, "%.1f", v);
	return c->buf;
}

static const char *known_rate(struct cell *c, enum unknown why, uint64_t delta)
{
	return why ? cell_unknown(c, why) : cell_rate(c, delta);
}

static uint64_t rx_pps(const struct record *r)
{
	return r->rx.packets;
}

static const char *rx_pps_text(struct cell *c, const struct record *r)
{
	return cell_rate(c, r->rx.packets);
}

const struct column column_rx_pps = {
	.name = "RX-PPS",
	.flags = COLUMN_RIGHT | COLUMN_RATE,
	.text = rx_pps_text,
	.value = rx_pps,
	.help = "packets received per second (--interval)",
};

static uint64_t rx_bps(const struct record *r)
{
	return r->rx.bytes;
}

static const char *rx_bps_text(struct cell *c, const struct record *r)
{
	return cell_rate(c, 8.0 * r->rx.bytes);
}

const struct column column_rx_bps = {
	.name = "RX-BPS",
	.flags = COLUMN_RIGHT | COLUMN_RATE,
	.text = rx_bps_text,
	.value = rx_bps,
	.help = "bits received per second (--interval)",
};

static uint64_t tx_pps(const struct record *r)
{
	return r->tx.packets;
}

static const char *tx_pps_text(struct cell *c, const struct record *r)
{
	return cell_rate(c, r->tx.packets);
}

const struct column column_tx_pps = {
	.name = "TX-PPS",
	.flags = COLUMN_RIGHT | COLUMN_RATE,
	.text = tx_pps_text,
	.value = tx_pps,
	.help = "packets sent per second (--interval)",
};

static uint64_t tx_bps(const struct record *r)
{
	return r->tx.bytes;
}

static const char *tx_bps_text(struct cell *c, const struct record *r)
{
	return cell_rate(c, 8.0 * r->tx.bytes);
}

const struct column column_tx_bps = {
	.name = "TX-BPS",
	.flags = COLUMN_RIGHT | COLUMN_RATE,
	.text = tx_bps_text,
	.value = tx_bps,
	.help = "bits sent per second (--interval)",
};

static uint64_t pps(const struct record *r)
{
	return sum_add(r->rx.packets, r->tx.packets);
}

static const char *pps_text(struct cell *c, const struct record *r)
{
	return cell_rate(c, (double)r->rx.packets + r->tx.packets);
}

const struct column column_pps = {
	.name = "PPS",
	.flags = COLUMN_RIGHT | COLUMN_RATE,
	.text = pps_text,
	.value = pps,
	.help = "packets per second, both directions (--interval)",
};

static uint64_t bps(const struct record *r)
{
	return sum_add(r->rx.bytes, r->tx.bytes);
}

static const char *bps_text(struct cell *c, const struct record *r)
{
	return cell_rate(c, 8.0 * r->rx.bytes + 8.0 * r->tx.bytes);
}

const struct column column_bps = {
	.name = "BPS",
	.flags = COLUMN_RIGHT | COLUMN_RATE,
	.text = bps_text,
	.value = bps,
	.help = "bits per second, both directions (--interval)",
};

static uint64_t cps(const struct record *r)
{
	return r->tcp[PORTMON_A_TCP_ESTABLISHED];
}

static const char *cps_text(struct cell *c, const struct record *r)
{
	const unsigned int attr = PORTMON_A_TCP_ESTABLISHED;

	return known_rate(c, tcp_unknown(&c->ctx->info, r, attr), cps(r));
}

const struct column column_cps = {
	.name = "CPS",
	.flags = COLUMN_RIGHT | COLUMN_RATE,
	.text = cps_text,
	.value = cps,
	.help = "TCP connections established per second (--interval)",
};

static uint64_t retr_ps(const struct record *r)
{
	return record_retransmitted(r);
}

static const char *retr_ps_text(struct cell *c, const struct record *r)
{
	const unsigned int attr = PORTMON_A_TCP_RETRANSMITTED;

	return known_rate(c, retr_ps(r) ? KNOWN :
			  tcp_unknown(&c->ctx->info, r, attr), retr_ps(r));
}

const struct column column_retr_ps = {
	.name = "RETR-PS",
	.flags = COLUMN_RIGHT | COLUMN_RATE,
	.text = retr_ps_text,
	.value = retr_ps,
	.help = "TCP segments retransmitted per second (--interval)",
};

static uint64_t unans_ps(const struct record *r)
{
	return record_unanswered_at(r);
}

static const char *unans_ps_text(struct cell *c, const struct record *r)
{
	return known_rate(c, unanswered_unknown(&c->ctx->info, r), unans_ps(r));
}

const struct column column_unans_ps = {
	.name = "UNANS-PS",
	.flags = COLUMN_RIGHT | COLUMN_RATE,
	.text = unans_ps_text,
	.value = unans_ps,
	.help = "SYNs neither answered nor refused, per second (--interval)",
};

static uint64_t drop_ps(const struct record *r)
{
	return r->dropped;
}

static const char *drop_ps_text(struct cell *c, const struct record *r)
{
	return known_rate(c, drops_unknown(&c->ctx->info, r), drop_ps(r));
}

const struct column column_drop_ps = {
	.name = "DROP-PS",
	.flags = COLUMN_RIGHT | COLUMN_RATE,
	.text = drop_ps_text,
	.value = drop_ps,
	.help = "packets dropped by the kernel per second (--interval)",
};
