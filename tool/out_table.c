// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <time.h>

#include "names.h"
#include "out_table.h"
#include "table.h"
#include "util.h"

#define CELL_SIZE 64

/**
 * struct cell - a cell being made
 * @ctx: the run
 * @now: what time it is
 * @buf: room for its text
 */
struct cell {
	const struct ctx *ctx;
	uint64_t now;
	char buf[CELL_SIZE];
};

/**
 * struct column - a column of a table of records
 * @head: what stands above it
 * @flags: enum table_flags
 * @text: makes a cell's text
 */
struct column {
	const char *head;
	unsigned int flags;
	const char *(*text)(struct cell *c, const struct record *r);
};

static const char *scope(struct cell *c, const struct record *r)
{
	(void)c;
	return name_of(&scope_names, r->scope);
}

static const char *transport(struct cell *c, const struct record *r)
{
	(void)c;
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

	if (r->folded)
		snprintf(c->buf, CELL_SIZE, "%u-%u", r->port, r->port_max);
	else
		snprintf(c->buf, CELL_SIZE, "%s%s", name,
			 r->ephemeral ? "*" : "");
	return c->buf;
}

static const char *port(struct cell *c, const struct record *r)
{
	const char *name = name_of(&transport_names, r->transport);

	if (r->folded)
		snprintf(c->buf, CELL_SIZE, "ephemeral/%s", name);
	else if (!record_has(r, PORTMON_A_RECORD_PORT))
		snprintf(c->buf, CELL_SIZE, "overflow/%s", name);
	else
		snprintf(c->buf, CELL_SIZE, "%u/%s", r->port, name);
	return c->buf;
}

static const char *service(struct cell *c, const struct record *r)
{
	if (!r->folded)
		return r->service ? r->service : "-";
	snprintf(c->buf, CELL_SIZE, "%u ports", r->ports);
	return c->buf;
}

static const char *number(struct cell *c, uint64_t v)
{
	return format_number(c->buf, v, c->ctx->opt.units);
}

static const char *ports(struct cell *c, const struct record *r)
{
	return number(c, r->ports);
}

static const char *rx_packets(struct cell *c, const struct record *r)
{
	return number(c, r->rx.packets);
}

static const char *rx_bytes(struct cell *c, const struct record *r)
{
	return number(c, r->rx.bytes);
}

static const char *tx_packets(struct cell *c, const struct record *r)
{
	return number(c, r->tx.packets);
}

static const char *tx_bytes(struct cell *c, const struct record *r)
{
	return number(c, r->tx.bytes);
}

static const char *total(struct cell *c, const struct record *r)
{
	return number(c, r->rx.bytes + r->tx.bytes);
}

static const char *packets(struct cell *c, const struct record *r)
{
	return number(c, r->all.packets);
}

static const char *bytes(struct cell *c, const struct record *r)
{
	return number(c, r->all.bytes);
}

static const char *age(struct cell *c, const struct record *r, uint64_t t)
{
	if (!record_has(r, PORTMON_A_RECORD_LAST_SEEN))
		return "-";
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

/* A bucket made by add_totals() has no attribute. */
static const char *bucket(struct cell *c, const struct record *r)
{
	const char *name;

	if (!record_has(r, PORTMON_A_RECORD_BUCKET))
		return "= all packets";
	if (r->bucket != PORTMON_BUCKET_PROTOCOL)
		return name_of(&bucket_names, r->bucket);
	if (!record_has(r, PORTMON_A_RECORD_PROTOCOL))
		return "protocols without memory";
	name = given(&c->ctx->opt, OPT_NUMERIC) ? NULL :
						  protocol_name(r->protocol);
	snprintf(c->buf, CELL_SIZE, "protocol %u%s%s%s", r->protocol,
		 name ? " (" : "", name ? name : "", name ? ")" : "");
	return c->buf;
}

static bool dimmed(const struct record *r)
{
	return r->folded;
}

static void fill(struct table *t, const struct column *columns, size_t n,
		 const struct ctx *ctx, const struct records *list)
{
	struct cell c = { .ctx = ctx, .now = time(NULL) };
	size_t i, k;

	for (i = 0; i < list->n; i++) {
		table_row(t, dimmed(&list->v[i]));
		for (k = 0; k < n; k++)
			table_cell(t, columns[k].text(&c, &list->v[i]));
	}
}

static void head(struct table *t, const struct column *columns, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		table_column(t, columns[i].head, columns[i].flags);
}

static void legend(const struct ctx *ctx, const struct records *list)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		if (list->v[i].folded || !list->v[i].ephemeral)
			continue;
		printf("* one of the ports that this host picks for itself: %u-%u\n",
		       ctx->info.ephemeral_min, ctx->info.ephemeral_max);
		return;
	}
}

/**
 * out_table_ports() - print port records
 * @ctx: the run
 * @list: the records
 * @overflow: what stands below them
 *
 * Return: 0 or a negative errno.
 */
int out_table_ports(struct ctx *ctx, const struct records *list,
		    const struct records *overflow)
{
	static const struct column all[] = {
		{ "SCOPE", COLUMN_LEFT, scope },
		{ "PORT", COLUMN_LEFT, port },
		{ "SERVICE", COLUMN_TRUNC, service },
		{ "RANGE", COLUMN_TRUNC, range },
		{ "RX-PKTS", COLUMN_RIGHT, rx_packets },
		{ "RX-BYTES", COLUMN_RIGHT, rx_bytes },
		{ "TX-PKTS", COLUMN_RIGHT, tx_packets },
		{ "TX-BYTES", COLUMN_RIGHT, tx_bytes },
		{ "LAST-SEEN", COLUMN_RIGHT, last_seen },
		{ "TOTAL", COLUMN_RIGHT, total },
		{ "FIRST-SEEN", COLUMN_RIGHT, first_seen },
	};
	size_t n = ARRAY_SIZE(all);
	struct table *t = table_begin(ctx);
	int err;

	if (!given(&ctx->opt, OPT_DETAILS))
		n -= 2;
	head(t, all, n);
	fill(t, all, n, ctx, list);
	fill(t, all, n, ctx, overflow);
	err = table_end(t);
	if (!err && ctx->tty)
		legend(ctx, list);
	return err;
}

/**
 * out_table_ranges() - print the sums per scope, transport and range
 * @ctx: the run
 * @list: the sums
 *
 * Return: 0 or a negative errno.
 */
int out_table_ranges(struct ctx *ctx, const struct records *list)
{
	static const struct column all[] = {
		{ "SCOPE", COLUMN_LEFT, scope },
		{ "TRANSPORT", COLUMN_LEFT, transport },
		{ "RANGE", COLUMN_LEFT, range },
		{ "PORTS", COLUMN_RIGHT, ports },
		{ "RX-PKTS", COLUMN_RIGHT, rx_packets },
		{ "RX-BYTES", COLUMN_RIGHT, rx_bytes },
		{ "TX-PKTS", COLUMN_RIGHT, tx_packets },
		{ "TX-BYTES", COLUMN_RIGHT, tx_bytes },
	};
	struct table *t = table_begin(ctx);

	head(t, all, ARRAY_SIZE(all));
	fill(t, all, ARRAY_SIZE(all), ctx, list);
	return table_end(t);
}

/**
 * out_table_buckets() - print what became of the packets
 * @ctx: the run
 * @list: the buckets, with the sums
 *
 * Return: 0 or a negative errno.
 */
int out_table_buckets(struct ctx *ctx, const struct records *list)
{
	static const struct column all[] = {
		{ "HOOK", COLUMN_LEFT, hook },
		{ "FAMILY", COLUMN_LEFT, family },
		{ "BUCKET", COLUMN_LEFT, bucket },
		{ "PACKETS", COLUMN_RIGHT, packets },
		{ "BYTES", COLUMN_RIGHT, bytes },
	};
	struct table *t = table_begin(ctx);

	head(t, all, ARRAY_SIZE(all));
	fill(t, all, ARRAY_SIZE(all), ctx, list);
	return table_end(t);
}
