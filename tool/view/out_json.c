// SPDX-License-Identifier: GPL-2.0
/* Keys may be added here; those there are stay. */
#include <string.h>

#include "ctl/read.h"
#include "lib/names.h"
#include "lib/record.h"
#include "lib/util.h"
#include "view/howlong.h"
#include "view/out_json.h"
#include "view/out_owners.h"

/**
 * out_json_head() - write the head of a document, inside its object
 * @j: the document
 * @ctx: the run; if not connected, the head has null
 * @netns: name of the namespace or NULL
 */
void out_json_head(struct json *j, const struct ctx *ctx, const char *netns)
{
	json_uint(j, "schema", OUT_JSON_SCHEMA);
	json_string(j, "module", ctx->pm ? ctx->info.version : NULL);
	json_string(j, "netns", netns);
	json_time(j, "since", ctx->info.since);
	if (!ctx->span.to)
		return;
	json_object(j, "span");
	json_time(j, "from", ctx->span.from);
	json_time(j, "to", ctx->span.to);
	if (ctx->span.ms)
		json_uint(j, "ms", ctx->span.ms);
	json_object_end(j);
}

/**
 * out_json_begin() - start a document with the head that all of them have
 * @j: the document
 * @ctx: the run
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int out_json_begin(struct json *j, struct ctx *ctx)
{
	const bool all = given(&ctx->opt, OPT_ALL_NETNS);
	const char *netns = ctx->opt.netns;
	char name[256];
	int err = json_begin(j, stdout, given(&ctx->opt, OPT_PRETTY));

	if (err) {
		warn_memory();
		return err;
	}
	if (!netns && ctx->pm && !all)
		netns = ctx_netns(name, sizeof(name));
	json_object(j, NULL);
	json_object(j, "portmon");
	out_json_head(j, ctx, netns);
	json_object_end(j);
	return 0;
}

/**
 * out_json_end() - end a document
 * @j: the document
 *
 * Return: 0 or the negative errno of the first write that failed.
 */
int out_json_end(struct json *j)
{
	json_object_end(j);
	return json_end(j);
}

/**
 * out_json_count() - write packets and bytes
 * @j: the document
 * @key: their name
 * @c: how many
 */
void out_json_count(struct json *j, const char *key, const struct count *c)
{
	json_object(j, key);
	json_uint(j, "packets", c->packets);
	json_uint(j, "bytes", c->bytes);
	json_object_end(j);
}

/* Room for a TCP object without a number, with its keys. */
#define TCP_TEXT_SIZE 320

/**
 * struct quiet - the JSON of most ports, which have no events
 * @info: state of the namespace
 * @tcp: the TCP object of such a port, by scope
 */
struct quiet {
	const struct info *info;
	char tcp[PORTMON_SCOPE_MAX + 1][TCP_TEXT_SIZE];
};

static void quiet_init(struct quiet *quiet, const struct ctx *ctx)
{
	const struct info *info = &ctx->info;
	struct record r = { 0 };
	unsigned int i, attr;

	quiet->info = info;
	for (i = 0; i < ARRAY_SIZE(quiet->tcp); i++) {
		char *p = quiet->tcp[i];

		r.scope = i;
		for (attr = 1; attr <= PORTMON_A_TCP_MAX; attr++)
			p += sprintf(p, "%c\"%s\":%s", attr > 1 ? ',' : '{',
				     tcp_keys[attr],
				     tcp_unknown(info, &r, attr) ? "null" :
								   "0");
		sprintf(p, ",\"unanswered\":%s}",
			unanswered_unknown(info, &r) ? "null" : "0");
	}
}

static void json_tcp(struct json *j, const struct quiet *quiet,
		     const struct record *r)
{
	unsigned int attr;

	if (!j->pretty && !record_has(r, PORTMON_A_RECORD_TCP) &&
	    r->scope <= PORTMON_SCOPE_MAX) {
		json_text(j, "tcp", quiet->tcp[r->scope]);
		return;
	}
	json_object(j, "tcp");
	for (attr = 1; attr <= PORTMON_A_TCP_MAX; attr++)
		if (tcp_unknown(quiet->info, r, attr))
			json_null(j, tcp_keys[attr]);
		else
			json_uint(j, tcp_keys[attr], r->tcp[attr]);
	if (unanswered_unknown(quiet->info, r))
		json_null(j, "unanswered");
	else
		json_uint(j, "unanswered", record_unanswered_at(r));
	json_object_end(j);
}

static void json_dropped(struct json *j, const struct quiet *quiet,
			 const struct record *r)
{
	const struct drop *drop;

	if (drops_unknown(quiet->info, r)) {
		json_null(j, "drops");
		return;
	}
	json_object(j, "drops");
	for (drop = r->drops; drop; drop = drop->next)
		json_uint(j, drop->reason, drop->packets);
	json_object_end(j);
}

/* What the overflow of events, or a request, does not have. */
static void json_name(struct json *j, const char *key, bool has,
		      const struct names *names, unsigned int v,
		      unsigned int parts)
{
	if (has)
		json_word(j, key, name_of(names, v));
	else if (!(parts & PLACE_GIVEN))
		json_null(j, key);
}

/**
 * out_json_place() - write which port a record is of
 * @j: the document, in the record's object
 * @r: the record
 * @parts: PLACE_* bits
 */
void out_json_place(struct json *j, const struct record *r, unsigned int parts)
{
	const bool port = record_has(r, PORTMON_A_RECORD_PORT) && !r->folded;
	const bool transport = record_has(r, PORTMON_A_RECORD_TRANSPORT);
	const bool given = parts & PLACE_GIVEN;

	json_name(j, "scope", !given || record_has(r, PORTMON_A_RECORD_SCOPE),
		  &scope_names, r->scope, parts);
	json_name(j, "transport", transport, &transport_names, r->transport,
		  parts);
	if (port)
		json_uint(j, "port", r->port);
	else if (!given)
		json_null(j, "port");
	if (given && record_has(r, PORTMON_A_RECORD_PORT_MAX))
		json_uint(j, "port_max", r->port_max);
	if (r->folded)
		json_uint(j, "folded", r->ports);
	json_name(j, "range", !r->folded &&
		  record_has(r, PORTMON_A_RECORD_RANGE), &range_names, r->range,
		  parts);
	if (port && parts & PLACE_EPHEMERAL)
		json_bool(j, "ephemeral", r->ephemeral);
	if (given && !(port && transport))
		return;
	json_string(j, "service", r->service);
	json_string(j, "iana", r->iana);
}

static void json_record(struct json *j, const struct quiet *quiet,
			const struct record *r)
{
	json_object(j, NULL);
	out_json_place(j, r, PLACE_EPHEMERAL);
	out_json_count(j, "rx", &r->rx);
	out_json_count(j, "tx", &r->tx);
	json_time(j, "first_seen", r->first_seen);
	json_time(j, "last_seen", r->last_seen);
	if (r->transport == PORTMON_TRANSPORT_TCP)
		json_tcp(j, quiet, r);
	howlong_json(j, r);
	json_dropped(j, quiet, r);
	if (r->owners)
		out_json_owner(j, r);
	json_object_end(j);
}

/**
 * out_json_ports() - write port records
 * @j: the document
 * @ctx: the run
 * @key: name of the array
 * @list: the records
 */
void out_json_ports(struct json *j, const struct ctx *ctx, const char *key,
		    const struct records *list)
{
	struct quiet quiet;
	size_t i;

	quiet_init(&quiet, ctx);
	json_array(j, key);
	for (i = 0; i < list->n && !j->err; i++)
		json_record(j, &quiet, &list->v[i]);
	json_array_end(j);
}

static void json_sum(struct json *j, const struct record *r)
{
	json_word(j, "scope", name_of(&scope_names, r->scope));
	if (record_has(r, PORTMON_A_RECORD_TRANSPORT)) {
		json_word(j, "transport",
			  name_of(&transport_names, r->transport));
		json_word(j, "range", name_of(&range_names, r->range));
	} else {
		json_null(j, "transport");
		json_null(j, "range");
	}
	if (record_has(r, PORTMON_A_RECORD_PORTS))
		json_uint(j, "ports", r->ports);
	out_json_count(j, "rx", &r->rx);
	out_json_count(j, "tx", &r->tx);
}

/**
 * out_json_overflow() - write overflow records
 * @j: the document
 * @ctx: the run
 * @key: name of the array
 * @list: the records
 */
void out_json_overflow(struct json *j, const struct ctx *ctx, const char *key,
		       const struct records *list)
{
	struct quiet quiet;
	size_t i;

	quiet_init(&quiet, ctx);
	json_array(j, key);
	for (i = 0; i < list->n && !j->err; i++) {
		const struct record *r = &list->v[i];

		json_object(j, NULL);
		json_sum(j, r);
		if (record_has(r, PORTMON_A_RECORD_TCP))
			json_tcp(j, &quiet, r);
		if (record_has(r, PORTMON_A_RECORD_DROPS))
			json_dropped(j, &quiet, r);
		json_object_end(j);
	}
	json_array_end(j);
}

/**
 * out_json_sums() - write the sums of ranges
 * @j: the document
 * @key: name of the array
 * @list: the records
 */
void out_json_sums(struct json *j, const char *key,
		   const struct records *list)
{
	size_t i;

	json_array(j, key);
	for (i = 0; i < list->n && !j->err; i++) {
		json_object(j, NULL);
		json_sum(j, &list->v[i]);
		json_object_end(j);
	}
	json_array_end(j);
}

/**
 * out_json_buckets() - write the packets by category
 * @j: the document
 * @key: name of the array
 * @list: the buckets
 */
void out_json_buckets(struct json *j, const char *key,
		      const struct records *list)
{
	size_t i;

	json_array(j, key);
	for (i = 0; i < list->n && !j->err; i++) {
		const struct record *r = &list->v[i];

		json_object(j, NULL);
		json_word(j, "hook", name_of(&hook_names, r->hook));
		json_word(j, "family", name_of(&family_names, r->family));
		json_word(j, "bucket", name_of(&bucket_names, r->bucket));
		if (record_has(r, PORTMON_A_RECORD_PROTOCOL))
			json_uint(j, "protocol", r->protocol);
		else if (r->bucket == PORTMON_BUCKET_PROTOCOL)
			json_null(j, "protocol");
		else if (r->bucket == PORTMON_BUCKET_FRAGMENT)
			json_uint(j, "fragments", r->all.packets);
		json_uint(j, "packets", r->all.packets);
		json_uint(j, "bytes", r->all.bytes);
		json_object_end(j);
	}
	json_array_end(j);
}

/**
 * out_json_body() - what follows the head in the document of stats
 * @j: the document
 * @ctx: the run
 * @s: its text
 */
void out_json_body(struct json *j, struct ctx *ctx, const struct snapshot *s)
{
	out_json_ports(j, ctx, "ports", &s->ports);
	out_json_overflow(j, ctx, "overflow", &s->overflow);
	out_json_buckets(j, "other", &s->other);
}

/**
 * out_json_snapshot() - the document of stats and of reset
 * @ctx: the run
 * @s: its text
 *
 * Return: 0 or a negative errno.
 */
int out_json_snapshot(struct ctx *ctx, const struct snapshot *s)
{
	struct json j;
	int err = out_json_begin(&j, ctx);

	if (err)
		return err;
	out_json_body(&j, ctx, s);
	return out_json_end(&j);
}
