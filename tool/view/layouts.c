// SPDX-License-Identifier: GPL-2.0
/* Which columns the lines of each subcommand can have, and which they have. */
#include <string.h>

#include "lib/util.h"
#include "view/layouts.h"

static const struct column *const of_ports[] = {
	&column_netns, &column_record, &column_scope, &column_port,
	&column_port_max, &column_ports, &column_transport, &column_service,
	&column_iana, &column_port_range, &column_ephemeral,
	&column_rx_packets, &column_rx_bytes, &column_tx_packets,
	&column_tx_bytes, &column_last_seen, &column_first_seen,
	&column_connections, &column_retransmitted, &column_unanswered,
	&column_drops, &column_bytes, &column_packets, &column_time,
	&column_rx_pps, &column_rx_bps, &column_tx_pps, &column_tx_bps,
	&column_pps, &column_bps, &column_cps, &column_retr_ps,
	&column_unans_ps, &column_drop_ps, &column_share, &column_bar,
	&column_rtt, &column_open, &column_half_open, &column_backlog,
	&column_backlog_max, &column_owner,
};

static const struct column *const of_drops[] = {
	&column_netns, &column_record, &column_scope, &column_port,
	&column_port_max, &column_transport, &column_service, &column_iana,
	&column_port_range, &column_reason, &column_lost, &column_first_drop,
	&column_last_drop, &column_meaning,
};

static const struct column *const of_closed[] = {
	&column_netns, &column_record, &column_scope, &column_port,
	&column_port_max, &column_transport, &column_service, &column_iana,
	&column_port_range, &column_tried, &column_first_try, &column_last_try,
};

static const struct column *const of_ranges[] = {
	&column_netns, &column_scope, &column_transport, &column_range,
	&column_range_ports, &column_rx_packets, &column_rx_bytes,
	&column_tx_packets, &column_tx_bytes, &column_bytes, &column_packets,
	&column_range_share, &column_bar,
};

static const struct column *const of_buckets[] = {
	&column_netns, &column_hook, &column_family, &column_bucket,
	&column_protocol, &column_bucket_packets, &column_bucket_bytes,
};

/** @columns_of_ports: the columns of ports */
const struct columns columns_of_ports = COLUMNS(of_ports);

/**
 * columns_find() - find a column
 * @all: the columns
 * @name: its name, in letters of any case
 * @len: length of @name
 *
 * Return: the column, NULL if there is none.
 */
const struct column *columns_find(const struct columns *all, const char *name,
				  size_t len)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (!strncasecmp(all->v[i]->name, name, len) &&
		    !all->v[i]->name[len])
			return all->v[i];
	return NULL;
}

/**
 * columns_sorted_by() - the column that a word of --sort sorts by
 * @all: the columns
 * @key: the word
 *
 * Return: the column, NULL if there is none.
 */
const struct column *columns_sorted_by(const struct columns *all,
				       enum sort_key key)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (all->v[i]->sorts & 1u << key)
			return all->v[i];
	return NULL;
}

const struct layout ports_layout = {
	.columns = &columns_of_ports,
	.plain = "SCOPE,PORT,SERVICE,RANGE,RX-PKTS,RX-BYTES,TX-PKTS,TX-BYTES,LAST-SEEN",
	.wide = "SCOPE,PORT,SERVICE,RANGE,RX-PKTS,RX-BYTES,TX-PKTS,TX-BYTES,CONNS,UNANS,RETRANS,DROPS,LAST-SEEN",
	.narrow = "SCOPE,PORT,SERVICE,RX-PKTS,RX-BYTES,TX-PKTS,TX-BYTES,LAST-SEEN",
	.owned = "SCOPE,PORT,SERVICE,RX-BYTES,TX-BYTES,LAST-SEEN",
	.details = "SCOPE,PORT,SERVICE,RANGE,RX-PKTS,RX-BYTES,TX-PKTS,TX-BYTES,CONNS,UNANS,RETRANS,DROPS,LAST-SEEN,TOTAL,FIRST-SEEN",
	.bars = "SCOPE,PORT,SERVICE",
	.rates = "TIME,SCOPE,PORT,SERVICE,RX-PPS,RX-BPS,TX-PPS,TX-BPS",
	.csv = "RECORD,SCOPE,TRANSPORT,PORT,PORT-MAX,PORTS,RANGE,EPHEMERAL,SERVICE,RX-PKTS,RX-BYTES,TX-PKTS,TX-BYTES,FIRST-SEEN,LAST-SEEN,CONNS,RETRANS,DROPS,UNANS",
	.rates_csv = "TIME,RECORD,SCOPE,TRANSPORT,PORT,PORT-MAX,PORTS,RANGE,EPHEMERAL,SERVICE,RX-PPS,RX-BPS,TX-PPS,TX-BPS",
};

const struct layout drops_layout = {
	.columns = &(const struct columns)COLUMNS(of_drops),
	.plain = "SCOPE,PORT,SERVICE,REASON,PACKETS,LAST-SEEN",
	.csv = "RECORD,SCOPE,TRANSPORT,PORT,PORT-MAX,RANGE,SERVICE,REASON,PACKETS,FIRST-SEEN,LAST-SEEN",
};

const struct layout closed_layout = {
	.columns = &(const struct columns)COLUMNS(of_closed),
	.plain = "SCOPE,PORT,SERVICE,TRIED,FIRST,LAST",
	.csv = "RECORD,SCOPE,TRANSPORT,PORT,PORT-MAX,RANGE,SERVICE,TRIED,FIRST,LAST",
};

const struct layout ranges_layout = {
	.columns = &(const struct columns)COLUMNS(of_ranges),
	.plain = "SCOPE,TRANSPORT,RANGE,PORTS,RX-PKTS,RX-BYTES,TX-PKTS,TX-BYTES",
	.bars = "SCOPE,TRANSPORT,RANGE",
	.csv = "SCOPE,TRANSPORT,RANGE,PORTS,RX-PKTS,RX-BYTES,TX-PKTS,TX-BYTES",
};

const struct layout buckets_layout = {
	.columns = &(const struct columns)COLUMNS(of_buckets),
	.plain = "HOOK,FAMILY,BUCKET,PACKETS,BYTES",
	.csv = "HOOK,FAMILY,BUCKET,PROTOCOL,PACKETS,BYTES",
};
