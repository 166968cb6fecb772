// SPDX-License-Identifier: GPL-2.0
/* Columns of words and of events: what makes the text, and the descriptor. */
#include <string.h>

#include "lib/names.h"
#include "lib/reasons.h"
#include "lib/record.h"
#include "view/cells.h"

static bool is_port(const struct record *r)
{
	return record_has(r, PORTMON_A_RECORD_PORT) && !r->folded;
}

static const char *netns(struct cell *c, const struct record *r)
{
	const char *name = r->netns ? r->netns : c->ctx->netns;

	return name ? name : cell_nothing(c);
}

const struct column column_netns = {
	.name = "NETNS",
	.text = netns,
	.help = "network namespace",
};

static const char *record(struct cell *c, const struct record *r)
{
	(void)c;
	if (r->folded)
		return "folded";
	return is_port(r) ? "port" : "overflow";
}

const struct column column_record = {
	.name = "RECORD",
	.text = record,
	.help = "port, folded (many ports in one line) or overflow",
};

static const char *scope(struct cell *c, const struct record *r)
{
	(void)c;
	return name_of(&scope_names, r->scope);
}

const struct column column_scope = {
	.name = "SCOPE",
	.text = scope,
	.key = "scope",
	.sorts = SORT(SCOPE),
	.help = "local, remote, forward or loopback",
};

/* Events without a counter have only a scope. */
static bool has_transport(const struct record *r)
{
	return record_has(r, PORTMON_A_RECORD_TRANSPORT);
}

static const char *transport(struct cell *c, const struct record *r)
{
	if (!has_transport(r))
		return cell_nothing(c);
	return name_of(&transport_names, r->transport);
}

const struct column column_transport = {
	.name = "TRANSPORT",
	.text = transport,
	.key = "transport",
	.sorts = SORT(TRANSPORT),
	.help = "transport protocol",
};

static const char *port_text(struct cell *c, const struct record *r)
{
	const char *name = name_of(&transport_names, r->transport);
	char buf[UINT_SIZE];

	if (c->csv && !r->folded && !is_port(r))
		return "";
	if (c->csv)
		return cell_exact(c, r->port);
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

const struct column column_port = {
	.name = "PORT",
	.flags = COLUMN_WIDE,
	.text = port_text,
	.key = "port",
	.sorts = SORT(PORT),
	.help = "port; in CSV its number alone",
};

static const char *port_max(struct cell *c, const struct record *r)
{
	if (r->folded)
		return cell_exact(c, r->port_max);
	return is_port(r) ? cell_exact(c, r->port) : cell_nothing(c);
}

const struct column column_port_max = {
	.name = "PORT-MAX",
	.flags = COLUMN_RIGHT,
	.text = port_max,
	.help = "last port of a folded line",
};

static const char *ports(struct cell *c, const struct record *r)
{
	if (is_port(r))
		return cell_exact(c, 1);
	return r->ports ? cell_number(c, r->ports) : cell_nothing(c);
}

const struct column column_ports = {
	.name = "PORTS",
	.flags = COLUMN_RIGHT,
	.text = ports,
	.key = "folded",
	.help = "number of ports in the line",
};

const struct column column_range_ports = {
	.name = "PORTS",
	.flags = COLUMN_RIGHT,
	.text = ports,
	.key = "ports",
	.help = "number of ports with traffic",
};

static const char *service(struct cell *c, const struct record *r)
{
	if (c->csv || !r->folded)
		return r->service ? r->service : cell_nothing(c);
	snprintf(c->buf, CELL_SIZE, "%u ports", r->ports);
	return c->buf;
}

const struct column column_service = {
	.name = "SERVICE",
	.flags = COLUMN_TRUNC | COLUMN_WIDE,
	.text = service,
	.key = "service",
	.sorts = SORT(SERVICE),
	.help = "short name of the service",
};

static const char *iana(struct cell *c, const struct record *r)
{
	return r->iana ? r->iana : cell_nothing(c);
}

const struct column column_iana = {
	.name = "IANA",
	.flags = COLUMN_TRUNC,
	.text = iana,
	.key = "iana",
	.help = "name that IANA registered for the port",
};

static const char *range(struct cell *c, const struct record *r)
{
	const char *name = name_of(&range_names, r->range);

	if (!has_transport(r))
		return cell_nothing(c);
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

const struct column column_port_range = {
	.name = "RANGE",
	.flags = COLUMN_TRUNC,
	.text = range,
	.key = "range",
	.help = "IANA range; * if this host picks the port for outgoing connections",
};

const struct column column_range = {
	.name = "RANGE",
	.text = range,
	.key = "range",
	.help = "well-known, registered or dynamic",
};

static const char *ephemeral_text(struct cell *c, const struct record *r)
{
	if (!is_port(r))
		return cell_nothing(c);
	return r->ephemeral ? "yes" : "no";
}

const struct column column_ephemeral = {
	.name = "EPHEMERAL",
	.text = ephemeral_text,
	.key = "ephemeral",
	.help = "does this host pick the port for outgoing connections?",
};

static uint64_t established(const struct record *r)
{
	return r->tcp[PORTMON_A_TCP_ESTABLISHED];
}

static const char *connections(struct cell *c, const struct record *r)
{
	const unsigned int attr = PORTMON_A_TCP_ESTABLISHED;

	return cell_known(c, tcp_unknown(&c->ctx->info, r, attr), r->tcp[attr]);
}

const struct column column_connections = {
	.name = "CONNS",
	.flags = COLUMN_RIGHT,
	.text = connections,
	.value = established,
	.key = "tcp.established",
	.sorts = SORT(CONNECTIONS),
	.help = "TCP connections established",
};

static const char *retransmitted(struct cell *c, const struct record *r)
{
	const uint64_t v = record_retransmitted(r);

	return cell_known(c, v ? KNOWN :
			  tcp_unknown(&c->ctx->info, r,
				      PORTMON_A_TCP_RETRANSMITTED), v);
}

const struct column column_retransmitted = {
	.name = "RETRANS",
	.flags = COLUMN_RIGHT,
	.text = retransmitted,
	.value = record_retransmitted,
	.sorts = SORT(RETRANSMITTED),
	.help = "TCP segments retransmitted",
};

static const char *unanswered(struct cell *c, const struct record *r)
{
	return cell_known(c, unanswered_unknown(&c->ctx->info, r),
			  record_unanswered_at(r));
}

const struct column column_unanswered = {
	.name = "UNANS",
	.flags = COLUMN_RIGHT,
	.text = unanswered,
	.value = record_unanswered_at,
	.key = "tcp.unanswered",
	.sorts = SORT(UNANSWERED),
	.help = "SYNs to a port of this host neither answered nor refused; some are duplicates",
};

static uint64_t dropped(const struct record *r)
{
	return r->dropped;
}

static const char *drops(struct cell *c, const struct record *r)
{
	return cell_known(c, drops_unknown(&c->ctx->info, r), r->dropped);
}

const struct column column_drops = {
	.name = "DROPS",
	.flags = COLUMN_RIGHT,
	.text = drops,
	.value = dropped,
	.key = "drops",
	.sorts = SORT(DROPS),
	.help = "packets dropped by the kernel",
};

const struct column column_lost = {
	.name = "PACKETS",
	.flags = COLUMN_RIGHT,
	.value = dropped,
	.key = "packets",
	.sorts = SORT(PACKETS) | SORT(DROPS),
	.help = "packets dropped",
};

const struct column column_tried = {
	.name = "TRIED",
	.flags = COLUMN_RIGHT,
	.value = dropped,
	.key = "packets",
	.sorts = SORT(PACKETS) | SORT(DROPS),
	.help = "packets to the closed port",
};

static const char *reason(struct cell *c, const struct record *r)
{
	return r->drops ? r->drops->reason : cell_nothing(c);
}

const struct column column_reason = {
	.name = "REASON",
	.text = reason,
	.key = "reason",
	.help = "the kernel's name for the reason",
};

static const char *meaning(struct cell *c, const struct record *r)
{
	const struct reason *known = r->drops ? reason_find(r->drops->reason) :
						NULL;

	return known ? known->meaning : cell_nothing(c);
}

const struct column column_meaning = {
	.name = "MEANING",
	.flags = COLUMN_TRUNC,
	.text = meaning,
	.key = "meaning",
	.help = "what the reason means",
};

static const char *hook(struct cell *c, const struct record *r)
{
	(void)c;
	return name_of(&hook_names, r->hook);
}

const struct column column_hook = {
	.name = "HOOK",
	.text = hook,
	.key = "hook",
	.help = "local-in, local-out or forward",
};

static const char *family(struct cell *c, const struct record *r)
{
	(void)c;
	return name_of(&family_names, r->family);
}

const struct column column_family = {
	.name = "FAMILY",
	.text = family,
	.key = "family",
	.help = "ipv4 or ipv6",
};

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

const struct column column_bucket = {
	.name = "BUCKET",
	.text = bucket,
	.key = "bucket",
	.help = "category of the packets",
};

static const char *protocol(struct cell *c, const struct record *r)
{
	if (!record_has(r, PORTMON_A_RECORD_PROTOCOL))
		return cell_nothing(c);
	return cell_exact(c, r->protocol);
}

const struct column column_protocol = {
	.name = "PROTOCOL",
	.flags = COLUMN_RIGHT,
	.text = protocol,
	.key = "protocol",
	.help = "number of the IP protocol",
};
