// SPDX-License-Identifier: GPL-2.0
/* The columns of coverage. */
#include <net/if.h>

#include <linux/if_link.h>

#include "lib/util.h"
#include "view/coverage_cells.h"

#define NOTES_SIZE 160

/**
 * coverage_xdp() - how an XDP program is attached
 * @link: the interface
 *
 * Return: a word, NULL if there is none.
 */
const char *coverage_xdp(const struct link *link)
{
	switch (link->xdp) {
	case XDP_ATTACHED_NONE:
		return NULL;
	case XDP_ATTACHED_DRV:
		return "driver";
	case XDP_ATTACHED_SKB:
		return "generic";
	case XDP_ATTACHED_HW:
		return "hardware";
	default:
		return "several";
	}
}

/**
 * coverage_other() - the interface that counts this one's packets too
 * @links: all interfaces
 * @link: the interface
 *
 * Return: the other, or NULL.
 */
const struct link *coverage_other(const struct links *links,
				  const struct link *link)
{
	if (link_counts(links, link))
		return NULL;
	return links_find(links, link->master ? link->master : link->lower);
}

static void note(char *buf, size_t *len, const char *format, const char *arg)
{
	if (*len >= NOTES_SIZE)
		return;
	if (*len)
		*len += snprintf(buf + *len, NOTES_SIZE - *len, ", ");
	if (*len < NOTES_SIZE)
		*len += snprintf(buf + *len, NOTES_SIZE - *len, format, arg);
}

static const char *notes(char buf[static NOTES_SIZE],
			 const struct links *links, const struct link *link)
{
	const struct link *other = coverage_other(links, link);
	size_t len = 0;

	buf[0] = '\0';
	if (other)
		note(buf, &len, "counted by %s", other->name);
	else if (!link_counts(links, link))
		note(buf, &len, "%s", "counted by its members");
	if (link->xdp)
		note(buf, &len, "XDP (%s)", coverage_xdp(link));
	if (link->tc)
		note(buf, &len, "%s", "tc filters");
	if (link->bridge_netfilter)
		note(buf, &len, "%s", "br_netfilter");
	if (link->flowtable)
		note(buf, &len, "%s", "flowtable");
	if (link->elsewhere)
		note(buf, &len, "%s", "other namespace");
	if (link->flags & IFF_PROMISC)
		note(buf, &len, "%s", "promiscuous");
	return buf;
}

static const char *line_record(struct cell *c, const struct record *r)
{
	(void)c;
	return coverage_line(r)->record;
}

static const struct column column_of_record = {
	.name = "RECORD",
	.text = line_record,
	.help = "interface, interfaces (their sum), ip, hook or portmon (the sum of hooks)",
};

static const char *line_name(struct cell *c, const struct record *r)
{
	const struct coverage_line *line = coverage_line(r);

	if (c->csv)
		return line->name ? line->name : "";
	return line->words ? line->words : line->name;
}

static const struct column column_of_name = {
	.name = "COUNTED-BY",
	.head = "COUNTED BY",
	.text = line_name,
	.key = "interface",
	.help = "an interface, IP or a hook of portmon; in CSV its name alone",
};

static const char *line_kind(struct cell *c, const struct record *r)
{
	const struct link *link = coverage_line(r)->link;

	(void)c;
	return link ? link->kind : "";
}

static const struct column column_of_kind = {
	.name = "KIND",
	.text = line_kind,
	.key = "kind",
	.help = "kind of the interface, such as veth",
};

static const char *line_in_sum(struct cell *c, const struct record *r)
{
	const struct coverage_line *line = coverage_line(r);

	(void)c;
	if (!line->link)
		return "";
	return link_counts(line->links, line->link) ? "yes" : "no";
}

static const struct column column_of_in_sum = {
	.name = "IN-SUM",
	.text = line_in_sum,
	.key = "in_sum",
	.help = "is it part of the sum of the interfaces?",
};

/* Packets or bytes that are not counted are left out of a line. */
static const char *line_rx_packets(struct cell *c, const struct record *r)
{
	return record_has(r, PORTMON_A_RECORD_RX_PACKETS) ?
		       cell_number(c, r->rx.packets) : "";
}

static const char *line_rx_bytes(struct cell *c, const struct record *r)
{
	return record_has(r, PORTMON_A_RECORD_RX_BYTES) ?
		       cell_bytes(c, r->rx.bytes) : "";
}

static const char *line_tx_packets(struct cell *c, const struct record *r)
{
	return record_has(r, PORTMON_A_RECORD_TX_PACKETS) ?
		       cell_number(c, r->tx.packets) : "";
}

static const char *line_tx_bytes(struct cell *c, const struct record *r)
{
	return record_has(r, PORTMON_A_RECORD_TX_BYTES) ?
		       cell_bytes(c, r->tx.bytes) : "";
}

static uint64_t rx_packets_value(const struct record *r)
{
	return r->rx.packets;
}

static const struct column column_of_rx_packets = {
	.name = "RX-PKTS",
	.flags = COLUMN_RIGHT,
	.text = line_rx_packets,
	.value = rx_packets_value,
	.key = "rx.packets",
	.sorts = SORT(RX_PACKETS),
	.help = "packets received",
};

static uint64_t rx_bytes_value(const struct record *r)
{
	return r->rx.bytes;
}

static const struct column column_of_rx_bytes = {
	.name = "RX-BYTES",
	.flags = COLUMN_RIGHT,
	.text = line_rx_bytes,
	.value = rx_bytes_value,
	.key = "rx.bytes",
	.sorts = SORT(RX),
	.help = "bytes received",
};

static uint64_t tx_packets_value(const struct record *r)
{
	return r->tx.packets;
}

static const struct column column_of_tx_packets = {
	.name = "TX-PKTS",
	.flags = COLUMN_RIGHT,
	.text = line_tx_packets,
	.value = tx_packets_value,
	.key = "tx.packets",
	.sorts = SORT(TX_PACKETS),
	.help = "packets sent",
};

static uint64_t tx_bytes_value(const struct record *r)
{
	return r->tx.bytes;
}

static const struct column column_of_tx_bytes = {
	.name = "TX-BYTES",
	.flags = COLUMN_RIGHT,
	.text = line_tx_bytes,
	.value = tx_bytes_value,
	.key = "tx.bytes",
	.sorts = SORT(TX),
	.help = "bytes sent",
};

static const char *line_rx_dropped(struct cell *c, const struct record *r)
{
	const struct link *link = coverage_line(r)->link;

	return link ? cell_number(c, link->rx_dropped) : "";
}

static const struct column column_of_rx_dropped = {
	.name = "RX-DROPS",
	.flags = COLUMN_RIGHT,
	.text = line_rx_dropped,
	.key = "rx_dropped",
	.help = "received packets that the interface dropped",
};

static const char *line_tx_dropped(struct cell *c, const struct record *r)
{
	const struct link *link = coverage_line(r)->link;

	return link ? cell_number(c, link->tx_dropped) : "";
}

static const struct column column_of_tx_dropped = {
	.name = "TX-DROPS",
	.flags = COLUMN_RIGHT,
	.text = line_tx_dropped,
	.key = "tx_dropped",
	.help = "packets to be sent that the interface dropped",
};

static const char *notes_text(struct cell *c, const struct record *r)
{
	const struct coverage_line *line = coverage_line(r);

	return line->link ? notes(c->buf, line->links, line->link) : "";
}

static const struct column column_of_notes = {
	.name = "NOTES",
	.text = notes_text,
	.help = "who counts its packets too, and what may take them away",
};

static const struct column *const of_coverage[] = {
	&column_netns, &column_of_record, &column_of_name, &column_of_kind,
	&column_of_in_sum, &column_of_rx_packets, &column_of_rx_bytes,
	&column_of_tx_packets, &column_of_tx_bytes, &column_of_rx_dropped,
	&column_of_tx_dropped, &column_of_notes,
};

/** @coverage_layout: the table of coverage */
const struct layout coverage_layout = {
	.columns = &(const struct columns)COLUMNS(of_coverage),
	.plain = "COUNTED-BY,RX-PKTS,RX-BYTES,TX-PKTS,TX-BYTES,NOTES",
	.csv = "RECORD,COUNTED-BY,RX-PKTS,RX-BYTES,TX-PKTS,TX-BYTES,NOTES",
};
