// SPDX-License-Identifier: GPL-2.0
/* The columns of records: a function that makes the text, and a line. */
#include <langinfo.h>
#include <string.h>
#include <time.h>

#include "lib/names.h"
#include "lib/reasons.h"
#include "lib/record.h"
#include "lib/util.h"
#include "view/columns.h"
#include "view/table.h"
#include "view/view.h"

/**
 * bar_blocks() - can the terminal draw block elements?
 *
 * Return: whether the locale, which has been set, is one of UTF-8.
 */
bool bar_blocks(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

/**
 * bar_draw() - a bar that is as long as a number is large
 * @buf: room for it
 * @v: the number
 * @largest: the number whose bar fills @width
 * @width: letters there are, at most BAR_WIDTH_MAX
 * @blocks: draw with block elements, to an eighth of a letter; else with '#'
 *
 * Whatever is not zero is seen: its bar has an eighth, or one '#'.
 *
 * Return: @buf.
 */
const char *bar_draw(char buf[static BAR_SIZE], uint64_t v, uint64_t largest,
		     unsigned int width, bool blocks)
{
	const unsigned int steps = blocks ? 8 : 1;
	unsigned int i, part = 0;
	char *p = buf;

	if (width > BAR_WIDTH_MAX)
		width = BAR_WIDTH_MAX;
	if (v && largest)
		part = (double)v / largest * width * steps + 0.5;
	if (v && !part)
		part = 1;
	if (part > width * steps)
		part = width * steps;
	for (i = 0; i < part / steps; i++)
		p = stpcpy(p, blocks ? "\u2588" : "#");
	/* From seven eighths down to one the code points go up. */
	if (part % steps) {
		*p++ = '\xe2';
		*p++ = '\x96';
		*p++ = '\x88' + (8 - part % steps);
	}
	*p = '\0';
	return buf;
}

static const char *nothing(const struct cell *c)
{
	return c->csv ? "" : "-";
}

static const char *exact(struct cell *c, uint64_t v)
{
	return format_uint(c->buf, v);
}

static const char *number(struct cell *c, uint64_t v)
{
	return c->csv ? exact(c, v) :
			format_number(c->buf, v, c->ctx->opt.units);
}

static const char *octets(struct cell *c, uint64_t v)
{
	const bool bits = given(&c->ctx->opt, OPT_BITS) && !c->csv;

	return number(c, bits ? sum_bits(v) : v);
}

static bool is_port(const struct record *r)
{
	return record_has(r, PORTMON_A_RECORD_PORT) && !r->folded;
}

static const char *netns(struct cell *c, const struct record *r)
{
	const char *name = r->netns ? r->netns : c->ctx->netns;

	return name ? name : nothing(c);
}

static const char *record(struct cell *c, const struct record *r)
{
	(void)c;
	if (r->folded)
		return "folded";
	return is_port(r) ? "port" : "overflow";
}

static const char *scope(struct cell *c, const struct record *r)
{
	(void)c;
	return name_of(&scope_names, r->scope);
}

/* Events without a counter have only a scope. */
static bool has_transport(const struct record *r)
{
	return record_has(r, PORTMON_A_RECORD_TRANSPORT);
}

static const char *transport(struct cell *c, const struct record *r)
{
	if (!has_transport(r))
		return nothing(c);
	return name_of(&transport_names, r->transport);
}

static const char *hook(struct cell *c, const struct record *r)
{
	(void)c;
	return name_of(&hook_names, r->hook);
}

static const char *family(struct cell *c, const struct record *r)
{
	(void)c;
	return name_of(&family_names, r->family);
}

static const char *range(struct cell *c, const struct record *r)
{
	const char *name = name_of(&range_names, r->range);

	if (!has_transport(r))
		return nothing(c);
	if (c->csv)
		return r->folded ? "" : name;
	if (!r->folded && !r->ephemeral)
		return name;
	if (r->folded)
		snprintf(c->buf, CELL_SIZE, "%u-%u", r->port, r->port_max);
	else
		snprintf(c->buf, CELL_SIZE, "%s*", name);
	return c->buf;
}

static const char *ephemeral(struct cell *c, const struct record *r)
{
	if (!is_port(r))
		return nothing(c);
	return r->ephemeral ? "yes" : "no";
}

static const char *iana(struct cell *c, const struct record *r)
{
	return r->iana ? r->iana : nothing(c);
}

static const char *port(struct cell *c, const struct record *r)
{
	const char *name = name_of(&transport_names, r->transport);
	char buf[UINT_SIZE];

	if (c->csv && !r->folded && !is_port(r))
		return "";
	if (c->csv)
		return exact(c, r->port);
	if (r->folded)
		snprintf(c->buf, CELL_SIZE, "ephemeral/%s", name);
	else if (!has_transport(r))
		return "overflow";
	else if (!is_port(r))
		snprintf(c->buf, CELL_SIZE, "overflow/%s", name);
	else
		stpcpy(stpcpy(stpcpy(c->buf, format_uint(buf, r->port)), "/"),
		       name);
	return c->buf;
}

static const char *port_max(struct cell *c, const struct record *r)
{
	if (r->folded)
		return exact(c, r->port_max);
	return is_port(r) ? exact(c, r->port) : nothing(c);
}

static const char *service(struct cell *c, const struct record *r)
{
	if (c->csv || !r->folded)
		return r->service ? r->service : nothing(c);
	snprintf(c->buf, CELL_SIZE, "%u ports", r->ports);
	return c->buf;
}

static const char *ports(struct cell *c, const struct record *r)
{
	if (is_port(r))
		return exact(c, 1);
	return r->ports ? number(c, r->ports) : nothing(c);
}

static const char *rx_packets(struct cell *c, const struct record *r)
{
	return number(c, r->rx.packets);
}

static const char *rx_bytes(struct cell *c, const struct record *r)
{
	return octets(c, r->rx.bytes);
}

static const char *tx_packets(struct cell *c, const struct record *r)
{
	return number(c, r->tx.packets);
}

static const char *tx_bytes(struct cell *c, const struct record *r)
{
	return octets(c, r->tx.bytes);
}

static const char *total(struct cell *c, const struct record *r)
{
	return octets(c, sum_add(r->rx.bytes, r->tx.bytes));
}

static const char *all_packets(struct cell *c, const struct record *r)
{
	return number(c, sum_add(r->rx.packets, r->tx.packets));
}

static const char *packets(struct cell *c, const struct record *r)
{
	return number(c, r->all.packets);
}

static const char *bytes(struct cell *c, const struct record *r)
{
	return octets(c, r->all.bytes);
}

static const char *age(struct cell *c, const struct record *r, uint64_t t)
{
	if (!record_has(r, PORTMON_A_RECORD_LAST_SEEN))
		return nothing(c);
	if (c->csv)
		return format_time(c->buf, t);
	return format_age(c->buf, t, c->now);
}

static const char *last_seen(struct cell *c, const struct record *r)
{
	return age(c, r, r->last_seen);
}

static const char *first_seen(struct cell *c, const struct record *r)
{
	return age(c, r, r->first_seen);
}

static const char *known(struct cell *c, enum unknown why, uint64_t v)
{
	if (!why)
		return number(c, v);
	return c->csv || why == UNKNOWN_NO_TCP || why == UNKNOWN_FORWARD ?
		       nothing(c) : "n/a";
}

static const char *connections(struct cell *c, const struct record *r)
{
	const unsigned int attr = PORTMON_A_TCP_ESTABLISHED;

	return known(c, tcp_unknown(&c->ctx->info, r, attr), r->tcp[attr]);
}

static const char *retransmitted(struct cell *c, const struct record *r)
{
	const uint64_t v = record_retransmitted(r);

	return known(c, v ? KNOWN : tcp_unknown(&c->ctx->info, r,
						PORTMON_A_TCP_RETRANSMITTED),
		     v);
}

static const char *unanswered(struct cell *c, const struct record *r)
{
	return known(c, unanswered_unknown(&c->ctx->info, r),
		     record_unanswered_at(r));
}

static const char *reason(struct cell *c, const struct record *r)
{
	return r->drops ? r->drops->reason : nothing(c);
}

static const char *meaning(struct cell *c, const struct record *r)
{
	const struct reason *known = r->drops ? reason_find(r->drops->reason) :
						NULL;

	return known ? known->meaning : nothing(c);
}

static const char *lost(struct cell *c, const struct record *r)
{
	return number(c, r->dropped);
}

static const char *dropped(struct cell *c, const struct record *r)
{
	return known(c, drops_unknown(&c->ctx->info, r), r->dropped);
}

/* The difference of an interval as a rate per second. */
static const char *rate(struct cell *c, double delta)
{
	return number(c, c->seconds > 0 ? sum_round(delta / c->seconds) : 0);
}

static const char *rx_pps(struct cell *c, const struct record *r)
{
	return rate(c, r->rx.packets);
}

static const char *rx_bps(struct cell *c, const struct record *r)
{
	return rate(c, 8.0 * r->rx.bytes);
}

static const char *tx_pps(struct cell *c, const struct record *r)
{
	return rate(c, r->tx.packets);
}

static const char *tx_bps(struct cell *c, const struct record *r)
{
	return rate(c, 8.0 * r->tx.bytes);
}

static const char *time_of_day(struct cell *c, const struct record *r)
{
	const time_t now = c->now;
	struct tm tm;

	(void)r;
	if (c->csv)
		return format_time(c->buf, c->now);
	if (!localtime_r(&now, &tm) ||
	    !strftime(c->buf, CELL_SIZE, "%H:%M:%S", &tm))
		return nothing(c);
	return c->buf;
}

static uint64_t amount(const struct cell *c, const struct record *r)
{
	return view_amount(r, c->ctx->opt.sort);
}

static const char *share(struct cell *c, const struct record *r)
{
	const double part = c->sum > 0 ? amount(c, r) / c->sum : 0;

	snprintf(c->buf, CELL_SIZE, "%.1f%s", 100 * part, c->csv ? "" : "%");
	return c->buf;
}

static const char *bar(struct cell *c, const struct record *r)
{
	return bar_draw(c->bar, amount(c, r), c->largest, c->bar_width,
			bar_blocks());
}

/* A bucket made by add_totals() has no attribute. */
static const char *bucket(struct cell *c, const struct record *r)
{
	const char *name;

	if (!record_has(r, PORTMON_A_RECORD_BUCKET))
		return "= all packets";
	if (c->csv || r->bucket != PORTMON_BUCKET_PROTOCOL)
		return name_of(&bucket_names, r->bucket);
	if (!record_has(r, PORTMON_A_RECORD_PROTOCOL))
		return "protocols out of memory";
	name = given(&c->ctx->opt, OPT_NUMERIC) ? NULL :
						  protocol_name(r->protocol);
	snprintf(c->buf, CELL_SIZE, "protocol %u%s%s%s", r->protocol,
		 name ? " (" : "", name ? name : "", name ? ")" : "");
	return c->buf;
}

static const char *protocol(struct cell *c, const struct record *r)
{
	if (!record_has(r, PORTMON_A_RECORD_PROTOCOL))
		return nothing(c);
	return exact(c, r->protocol);
}

static const char no_memory[] = "out of memory";

static const char *owner(struct cell *c, const struct record *r)
{
	struct port_use use;

	if (owners_of_record(r, &use))
		snprintf(c->buf, CELL_SIZE, "%s", no_memory);
	else if (!use.n)
		snprintf(c->buf, CELL_SIZE, "%s", nothing(c));
	else
		owners_text(c->buf, &use);
	port_use_free(&use);
	return c->buf;
}

static const char *open_now(struct cell *c, const struct record *r)
{
	struct port_use use;
	int err = owners_of_record(r, &use);
	const bool some = !err && (use.n || use.connections);
	const unsigned int n = use.connections;

	port_use_free(&use);
	if (err)
		return no_memory;
	return some ? exact(c, n) : nothing(c);
}

#define COLUMN_NETNS { "NETNS", COLUMN_LEFT, netns, "network namespace" }

static const struct column of_ports[] = {
	COLUMN_NETNS,
	{ "RECORD", COLUMN_LEFT, record,
	  "port, folded (many ports in one line) or overflow" },
	{ "SCOPE", COLUMN_LEFT, scope, "local, remote, forward or loopback" },
	{ "PORT", COLUMN_WIDE, port, "port; in CSV its number alone" },
	{ "PORT-MAX", COLUMN_RIGHT, port_max, "last port of a folded line" },
	{ "PORTS", COLUMN_RIGHT, ports, "number of ports in the line" },
	{ "TRANSPORT", COLUMN_LEFT, transport, "transport protocol" },
	{ "SERVICE", COLUMN_TRUNC | COLUMN_WIDE, service, "short name of the service" },
	{ "IANA", COLUMN_TRUNC, iana, "name that IANA registered for the port" },
	{ "RANGE", COLUMN_TRUNC, range,
	  "IANA range; * if this host picks the port for outgoing connections" },
	{ "EPHEMERAL", COLUMN_LEFT, ephemeral,
	  "does this host pick the port for outgoing connections?" },
	{ "RX-PKTS", COLUMN_RIGHT, rx_packets, "packets received" },
	{ "RX-BYTES", COLUMN_RIGHT, rx_bytes, "bytes received" },
	{ "TX-PKTS", COLUMN_RIGHT, tx_packets, "packets sent" },
	{ "TX-BYTES", COLUMN_RIGHT, tx_bytes, "bytes sent" },
	{ "LAST-SEEN", COLUMN_RIGHT, last_seen, "time of the latest packet" },
	{ "FIRST-SEEN", COLUMN_RIGHT, first_seen,
	  "time of the first packet" },
	{ "CONNS", COLUMN_RIGHT, connections,
	  "TCP connections established" },
	{ "RETRANS", COLUMN_RIGHT, retransmitted,
	  "TCP segments retransmitted" },
	{ "UNANS", COLUMN_RIGHT, unanswered,
	  "SYNs to a port of this host that were not answered, or duplicates" },
	{ "DROPS", COLUMN_RIGHT, dropped, "packets dropped by the kernel" },
	{ "TOTAL", COLUMN_RIGHT, total, "bytes of both directions" },
	{ "PACKETS", COLUMN_RIGHT, all_packets, "packets of both directions" },
	{ "TIME", COLUMN_LEFT, time_of_day, "time of the line" },
	{ "RX-PPS", COLUMN_RIGHT, rx_pps,
	  "packets received per second (--interval)" },
	{ "RX-BPS", COLUMN_RIGHT, rx_bps,
	  "bits received per second (--interval)" },
	{ "TX-PPS", COLUMN_RIGHT, tx_pps,
	  "packets sent per second (--interval)" },
	{ "TX-BPS", COLUMN_RIGHT, tx_bps,
	  "bits sent per second (--interval)" },
	{ "SHARE", COLUMN_RIGHT, share,
	  "share of the total of the sort key" },
	{ "BAR", COLUMN_LEFT, bar, "the same as a bar" },
	{ "OPEN", COLUMN_RIGHT | COLUMN_OWNERS, open_now,
	  "open connections now" },
	{ "OWNER", COLUMN_TRUNC | COLUMN_OWNERS, owner,
	  "the processes that own the port" },
};

/* Of a line for one port and reason. */
#define COLUMNS_DROP \
	COLUMN_NETNS, \
	{ "RECORD", COLUMN_LEFT, record, \
	  "port, folded (a line for many ports) or overflow" }, \
	{ "SCOPE", COLUMN_LEFT, scope, "local, remote, forward or loopback" }, \
	{ "PORT", COLUMN_LEFT, port, "port; in CSV its number alone" }, \
	{ "PORT-MAX", COLUMN_RIGHT, port_max, "last port of a folded line" }, \
	{ "TRANSPORT", COLUMN_LEFT, transport, "transport protocol" }, \
	{ "SERVICE", COLUMN_TRUNC, service, "short name of the service" }, \
	{ "IANA", COLUMN_TRUNC, iana, "name that IANA registered for the port" }, \
	{ "RANGE", COLUMN_TRUNC, range, \
	  "IANA range; * for a port this host picks for itself" }

static const struct column of_drops[] = {
	COLUMNS_DROP,
	{ "REASON", COLUMN_LEFT, reason, "the kernel's name for the reason" },
	{ "PACKETS", COLUMN_RIGHT, lost, "packets dropped" },
	{ "FIRST-SEEN", COLUMN_RIGHT, first_seen, "when the first was dropped" },
	{ "LAST-SEEN", COLUMN_RIGHT, last_seen, "when the latest was dropped" },
	{ "MEANING", COLUMN_TRUNC, meaning, "what the reason means" },
};

static const struct column of_closed[] = {
	COLUMNS_DROP,
	{ "TRIED", COLUMN_RIGHT, lost, "packets to the closed port" },
	{ "FIRST", COLUMN_RIGHT, first_seen, "when the first arrived" },
	{ "LAST", COLUMN_RIGHT, last_seen, "when the latest arrived" },
};

static const struct column of_ranges[] = {
	COLUMN_NETNS,
	{ "SCOPE", COLUMN_LEFT, scope, "local, remote, forward or loopback" },
	{ "TRANSPORT", COLUMN_LEFT, transport, "transport protocol" },
	{ "RANGE", COLUMN_LEFT, range, "well-known, registered or dynamic" },
	{ "PORTS", COLUMN_RIGHT, ports, "number of ports with traffic" },
	{ "RX-PKTS", COLUMN_RIGHT, rx_packets, "packets received" },
	{ "RX-BYTES", COLUMN_RIGHT, rx_bytes, "bytes received" },
	{ "TX-PKTS", COLUMN_RIGHT, tx_packets, "packets sent" },
	{ "TX-BYTES", COLUMN_RIGHT, tx_bytes, "bytes sent" },
	{ "TOTAL", COLUMN_RIGHT, total, "bytes of both directions" },
	{ "PACKETS", COLUMN_RIGHT, all_packets, "packets of both directions" },
	{ "SHARE", COLUMN_RIGHT, share, "share of the bytes of all lines" },
	{ "BAR", COLUMN_LEFT, bar, "the same as a bar" },
};

static const struct column of_buckets[] = {
	COLUMN_NETNS,
	{ "HOOK", COLUMN_LEFT, hook, "local-in, local-out or forward" },
	{ "FAMILY", COLUMN_LEFT, family, "ipv4 or ipv6" },
	{ "BUCKET", COLUMN_LEFT, bucket, "category of the packets" },
	{ "PROTOCOL", COLUMN_RIGHT, protocol, "number of the IP protocol" },
	{ "PACKETS", COLUMN_RIGHT, packets, "packets" },
	{ "BYTES", COLUMN_RIGHT, bytes, "bytes" },
};

#define SORT(key) (1u << SORT_##key)
#define SORTS_DROPS (SORT(NONE) | SORT(PACKETS) | SORT(DROPS) | \
		     SORT(FIRST_SEEN) | SORT(LAST_SEEN) | SORT(PORT) | \
		     SORT(SERVICE) | SORT(SCOPE) | SORT(TRANSPORT))

#define COLUMNS(v) (&(const struct columns){ v, ARRAY_SIZE(v) })

const struct layout ports_layout = {
	.columns = COLUMNS(of_ports),
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
	.columns = COLUMNS(of_drops),
	.plain = "SCOPE,PORT,SERVICE,REASON,PACKETS,LAST-SEEN",
	.csv = "RECORD,SCOPE,TRANSPORT,PORT,PORT-MAX,RANGE,SERVICE,REASON,PACKETS,FIRST-SEEN,LAST-SEEN",
	.sorts = SORTS_DROPS,
};

const struct layout closed_layout = {
	.columns = COLUMNS(of_closed),
	.plain = "SCOPE,PORT,SERVICE,TRIED,FIRST,LAST",
	.csv = "RECORD,SCOPE,TRANSPORT,PORT,PORT-MAX,RANGE,SERVICE,TRIED,FIRST,LAST",
	.sorts = SORTS_DROPS,
};

const struct layout ranges_layout = {
	.columns = COLUMNS(of_ranges),
	.plain = "SCOPE,TRANSPORT,RANGE,PORTS,RX-PKTS,RX-BYTES,TX-PKTS,TX-BYTES",
	.bars = "SCOPE,TRANSPORT,RANGE",
	.csv = "SCOPE,TRANSPORT,RANGE,PORTS,RX-PKTS,RX-BYTES,TX-PKTS,TX-BYTES",
	.sorts = SORT(NONE) | SORT(BYTES) | SORT(PACKETS) | SORT(RX) |
		 SORT(TX) | SORT(RX_PACKETS) | SORT(TX_PACKETS) |
		 SORT(SCOPE) | SORT(TRANSPORT),
};

const struct layout buckets_layout = {
	.columns = COLUMNS(of_buckets),
	.plain = "HOOK,FAMILY,BUCKET,PACKETS,BYTES",
	.csv = "HOOK,FAMILY,BUCKET,PROTOCOL,PACKETS,BYTES",
};
