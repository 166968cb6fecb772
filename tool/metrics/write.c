// SPDX-License-Identifier: GPL-2.0
/* From what was read to text. What is not known has no series. */
#include "lib/names.h"
#include "lib/record.h"
#include "lib/util.h"
#include "metrics/collector.h"
#include "metrics/families.h"
#include "portmon_version.h"

static const char *const directions[] = { "receive", "transmit" };

static void sample(struct text *t, const char *direction, uint64_t value)
{
	text_label(t, "direction", direction);
	text_value(t, value);
}

/* Packets or bytes, both ways. */
static uint64_t amount(const struct count *count, bool bytes)
{
	return bytes ? count->bytes : count->packets;
}

static void begin_range(struct text *t, unsigned int scope,
			unsigned int transport, unsigned int range)
{
	text_sample(t);
	text_label(t, "scope", name_of(&scope_names, scope));
	text_label(t, "transport", name_of(&transport_names, transport));
	text_label(t, "range", name_of(&range_names, range));
}

static void write_range_samples(const struct collector *c, struct text *t,
				bool bytes)
{
	const struct sum *sum = c->ranges[0][0];
	unsigned int scope, transport, range;

	text_family(t, bytes ? &family_bytes : &family_packets);
	for (scope = 0; scope <= PORTMON_SCOPE_MAX; scope++)
		for (transport = 0; transport <= PORTMON_TRANSPORT_MAX;
		     transport++)
			for (range = 0; range <= PORTMON_RANGE_MAX;
			     range++, sum++) {
				if (!sum->seen)
					continue;
				begin_range(t, scope, transport, range);
				sample(t, directions[0],
				       amount(&sum->rx, bytes));
				begin_range(t, scope, transport, range);
				sample(t, directions[1],
				       amount(&sum->tx, bytes));
			}
}

static void begin_port(struct text *t, const struct shown_port *p)
{
	text_sample(t);
	text_label(t, "scope", name_of(&scope_names, p->scope));
	text_label(t, "transport", name_of(&transport_names, p->transport));
	text_label_uint(t, "port", p->port);
	text_label(t, "service", p->service);
}

/* A port that has no record yet has counted nothing, and that is known. */
static struct record record_of_shown(const struct collector *c,
				     const struct shown_port *p)
{
	if (p->record != NO_RECORD)
		return c->ports.v[p->record];
	return (struct record){
		.has = 1u << PORTMON_A_RECORD_TRANSPORT,
		.scope = p->scope,
		.transport = p->transport,
		.port = p->port,
	};
}

static void write_ports(const struct collector *c, struct text *t, bool bytes)
{
	size_t i;

	text_family(t, bytes ? &family_port_bytes : &family_port_packets);
	for (i = 0; i < c->shown.n; i++) {
		const struct shown_port *p = &c->shown.v[i];
		struct record r = record_of_shown(c, p);

		begin_port(t, p);
		sample(t, directions[0], amount(&r.rx, bytes));
		begin_port(t, p);
		sample(t, directions[1], amount(&r.tx, bytes));
	}
}

/**
 * struct tcp_family - two counters of TCP that are one family
 * @family: the family
 * @label: its label
 * @values: values of the label
 * @attrs: PORTMON_A_TCP_* that have them
 */
static const struct tcp_family {
	const struct family *family;
	const char *label;
	const char *values[2];
	unsigned int attrs[2];
} tcp_families[] = {
	{
		&family_port_handshakes, "result", { "completed", "failed" },
		{ PORTMON_A_TCP_ESTABLISHED, PORTMON_A_TCP_FAILED },
	},
	{
		&family_port_syns, "direction", { "receive", "transmit" },
		{ PORTMON_A_TCP_SYN_RECEIVED, PORTMON_A_TCP_SYN_SENT },
	},
	{
		&family_port_resets, "direction", { "receive", "transmit" },
		{ PORTMON_A_TCP_RST_RECEIVED, PORTMON_A_TCP_RST_SENT },
	},
	{
		&family_port_retransmitted, "kind", { "segment", "synack" },
		{ PORTMON_A_TCP_RETRANSMITTED,
		  PORTMON_A_TCP_SYNACK_RETRANSMITTED },
	},
};

static void write_tcp_port(const struct collector *c, struct text *t,
			   const struct tcp_family *f,
			   const struct shown_port *p)
{
	struct record r = record_of_shown(c, p);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(f->attrs); i++) {
		if (tcp_unknown(&c->info, &r, f->attrs[i]))
			continue;
		begin_port(t, p);
		text_label(t, f->label, f->values[i]);
		text_value(t, r.tcp[f->attrs[i]]);
	}
}

static void write_tcp(const struct collector *c, struct text *t)
{
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(tcp_families); i++) {
		text_family(t, tcp_families[i].family);
		for (k = 0; k < c->shown.n; k++)
			if (c->shown.v[k].transport == PORTMON_TRANSPORT_TCP)
				write_tcp_port(c, t, &tcp_families[i],
					       &c->shown.v[k]);
	}
}

static uint64_t dropped_for(const struct record *r, const char *reason)
{
	const struct drop *drop;

	for (drop = r->drops; drop; drop = drop->next)
		if (!strcmp(drop->reason, reason))
			return drop->packets;
	return 0;
}

static bool has_reason(const uint64_t *reasons, unsigned int reason)
{
	return reasons[reason / 64] >> reason % 64 & 1;
}

static void write_port_drops(const struct collector *c, struct text *t)
{
	unsigned int reason;
	size_t i;

	text_family(t, &family_port_dropped);
	for (i = 0; i < c->shown.n; i++) {
		const struct shown_port *p = &c->shown.v[i];
		struct record r = record_of_shown(c, p);

		if (drops_unknown(&c->info, &r))
			continue;
		for (reason = 0; reason < c->shown.n_reasons; reason++) {
			const char *name = c->shown.reasons[reason];

			if (!has_reason(p->reasons, reason))
				continue;
			begin_port(t, p);
			text_label(t, "reason", name);
			text_value(t, dropped_for(&r, name));
		}
	}
}

static void write_dropped(const struct collector *c, struct text *t)
{
	unsigned int scope, transport, reason;

	text_family(t, &family_dropped);
	if (!c->info.counts_drops ||
	    c->info.missing & PORTMON_TRACEPOINT_KFREE_SKB)
		return;
	for (scope = 0; scope <= PORTMON_SCOPE_MAX; scope++)
		for (transport = 0; transport <= NO_TRANSPORT; transport++)
			for (reason = 0; reason < c->shown.n_reasons;
			     reason++) {
				if (!has_reason(c->shown.dropped[scope][transport],
						reason))
					continue;
				text_sample(t);
				text_label(t, "scope",
					   name_of(&scope_names, scope));
				text_label(t, "transport",
					   transport == NO_TRANSPORT ? "overflow" :
					   name_of(&transport_names, transport));
				text_label(t, "reason", c->shown.reasons[reason]);
				text_value(t, c->dropped[scope][transport][reason]);
			}
}

static void write_port_state(const struct collector *c, struct text *t)
{
	size_t i;

	text_family(t, &family_port_last_seen);
	for (i = 0; i < c->shown.n; i++) {
		struct record r = record_of_shown(c, &c->shown.v[i]);

		if (!r.last_seen)
			continue;
		begin_port(t, &c->shown.v[i]);
		text_value(t, r.last_seen);
	}
	text_family(t, &family_port_listening);
	for (i = 0; i < c->shown.n; i++) {
		const struct shown_port *p = &c->shown.v[i];

		if (p->scope == PORTMON_SCOPE_REMOTE ||
		    c->shown.unlisted & 1u << p->transport)
			continue;
		begin_port(t, p);
		text_value(t, p->listening);
	}
}

static void write_overflow_samples(const struct collector *c, struct text *t,
				   bool bytes)
{
	unsigned int scope, way;

	text_family(t, bytes ? &family_overflow_bytes :
			       &family_overflow_packets);
	for (scope = 0; scope <= PORTMON_SCOPE_MAX; scope++)
		for (way = 0; way < ARRAY_SIZE(directions); way++) {
			const struct sum *sum = &c->overflow[scope];

			text_sample(t);
			text_label(t, "scope", name_of(&scope_names, scope));
			sample(t, directions[way],
			       amount(way ? &sum->tx : &sum->rx, bytes));
		}
}

static void write_bucket(struct text *t, unsigned int hook,
			 unsigned int family, unsigned int bucket,
			 const char *protocol, const struct sum *sum)
{
	if (!sum->seen)
		return;
	text_sample(t);
	text_label(t, "hook", name_of(&hook_names, hook));
	text_label(t, "family", name_of(&family_names, family));
	text_label(t, "bucket", name_of(&bucket_names, bucket));
	text_label(t, "protocol", protocol);
	text_value(t, sum->rx.packets);
}

static void write_hook(const struct collector *c, struct text *t,
		       unsigned int hook, unsigned int family)
{
	unsigned int bucket, protocol;

	for (bucket = 0; bucket <= PORTMON_BUCKET_MAX; bucket++)
		write_bucket(t, hook, family, bucket, NULL,
			     &c->buckets[hook][family][bucket]);
	for (protocol = 0; protocol < PROTOCOLS; protocol++) {
		const struct sum *sum = &c->protocols[hook][family][protocol];

		/* Most were never seen: their names are not looked up. */
		if (sum->seen)
			write_bucket(t, hook, family, PORTMON_BUCKET_PROTOCOL,
				     protocol == PROTOCOL_OTHER ? "other" :
				     protocol_name(protocol), sum);
	}
}

static void write_buckets(const struct collector *c, struct text *t)
{
	unsigned int hook, family;

	text_family(t, &family_other);
	for (hook = 0; hook <= PORTMON_HOOK_MAX; hook++)
		for (family = 0; family <= PORTMON_FAMILY_MAX; family++)
			write_hook(c, t, hook, family);
}

static void write_state(const struct collector *c, struct text *t)
{
	const struct info *info = &c->info;

	text_single(t, &family_since, info->since);
	text_single(t, &family_records, info->records);
	text_single(t, &family_records_limit, info->records_max);
	text_single(t, &family_memory, info->memory);
	text_single(t, &family_ports_shown, c->shown.n);
	text_single(t, &family_ports_hidden, c->shown.hidden);
	text_single(t, &family_series_hidden, c->shown.hidden_series);
	text_single(t, &family_series_limit, c->shown.opt.max_series);
}

static void write_counters(const struct collector *c, struct text *t)
{
	write_range_samples(c, t, true);
	write_range_samples(c, t, false);
	write_ports(c, t, true);
	write_ports(c, t, false);
	write_tcp(c, t);
	write_port_drops(c, t);
	write_port_state(c, t);
	write_dropped(c, t);
	write_overflow_samples(c, t, true);
	write_overflow_samples(c, t, false);
	write_buckets(c, t);
	write_state(c, t);
}

/**
 * collector_write() - write what was read
 * @c: the collector, after collector_read()
 * @t: the text, begun
 */
void collector_write(const struct collector *c, struct text *t)
{
	text_single(t, &family_up, c->up);
	text_family(t, &family_build);
	text_sample(t);
	text_label(t, "version", PORTMON_VERSION);
	text_label(t, "module_version", c->known ? c->info.version : NULL);
	text_value(t, 1);
	if (c->up)
		write_counters(c, t);
	text_family(t, &family_duration);
	text_sample(t);
	text_value_us(t, c->took_us);
}
