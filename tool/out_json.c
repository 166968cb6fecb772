// SPDX-License-Identifier: GPL-2.0
/* Keys may be added here; those there are stay. */
#include "names.h"
#include "netns.h"
#include "out_json.h"
#include "util.h"

#define SCHEMA 1

/**
 * out_json_begin() - start a document with the head that all of them have
 * @j: the document
 * @ctx: the run; where it is not connected the head says null
 *
 * Return: 0 or a negative errno, of which the person has been told.
 */
int out_json_begin(struct json *j, struct ctx *ctx)
{
	const char *netns = ctx->opt.netns;
	char name[256];
	int err = json_begin(j, stdout, given(&ctx->opt, OPT_PRETTY));

	if (err) {
		warn("out of memory");
		return err;
	}
	if (!netns && ctx->pm)
		netns = netns_identify(name, sizeof(name));
	json_object(j, NULL);
	json_object(j, "portmon");
	json_uint(j, "schema", SCHEMA);
	json_string(j, "module", ctx->pm ? ctx->info.version : NULL);
	json_string(j, "netns", netns);
	json_time(j, "since", ctx->info.since);
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

static void count(struct json *j, const char *key, const struct count *c)
{
	json_object(j, key);
	json_uint(j, "packets", c->packets);
	json_uint(j, "bytes", c->bytes);
	json_object_end(j);
}

static void port(struct json *j, const struct record *r)
{
	json_object(j, NULL);
	json_word(j, "scope", name_of(&scope_names, r->scope));
	json_word(j, "transport", name_of(&transport_names, r->transport));
	if (r->folded) {
		json_null(j, "port");
		json_uint(j, "folded", r->ports);
		json_null(j, "range");
	} else {
		json_uint(j, "port", r->port);
		json_word(j, "range", name_of(&range_names, r->range));
		json_bool(j, "ephemeral", r->ephemeral);
	}
	json_string(j, "service", r->service);
	count(j, "rx", &r->rx);
	count(j, "tx", &r->tx);
	json_time(j, "first_seen", r->first_seen);
	json_time(j, "last_seen", r->last_seen);
	json_object_end(j);
}

/**
 * out_json_ports() - write port records
 * @j: the document
 * @key: name of the array
 * @list: the records
 */
void out_json_ports(struct json *j, const char *key,
		    const struct records *list)
{
	size_t i;

	json_array(j, key);
	for (i = 0; i < list->n && !j->err; i++)
		port(j, &list->v[i]);
	json_array_end(j);
}

/**
 * out_json_sums() - write ranges or overflow records
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
		const struct record *r = &list->v[i];

		json_object(j, NULL);
		json_word(j, "scope", name_of(&scope_names, r->scope));
		json_word(j, "transport",
			  name_of(&transport_names, r->transport));
		json_word(j, "range", name_of(&range_names, r->range));
		if (record_has(r, PORTMON_A_RECORD_PORTS))
			json_uint(j, "ports", r->ports);
		count(j, "rx", &r->rx);
		count(j, "tx", &r->tx);
		json_object_end(j);
	}
	json_array_end(j);
}

/**
 * out_json_buckets() - write what became of the packets
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
 * out_json_snapshot() - the document of stats and of reset
 * @ctx: the run
 * @s: what it tells
 *
 * Return: 0 or a negative errno.
 */
int out_json_snapshot(struct ctx *ctx, const struct snapshot *s)
{
	struct json j;
	int err = out_json_begin(&j, ctx);

	if (err)
		return err;
	out_json_ports(&j, "ports", &s->ports);
	out_json_sums(&j, "overflow", &s->overflow);
	out_json_buckets(&j, "other", &s->other);
	return out_json_end(&j);
}
