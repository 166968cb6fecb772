/* SPDX-License-Identifier: GPL-2.0 */
/* The format of the JSON documents. */
#ifndef PORTMON_CTL_OUT_JSON_H
#define PORTMON_CTL_OUT_JSON_H

#include "ctl/ctx.h"
#include "lib/json.h"
#include "lib/snapshot.h"

/* Version of Documentation/portmon-ctl.schema.json. */
#define OUT_JSON_SCHEMA 2

/*
 * Which fields of a record's place are written: also whether this host picks
 * the port for its own connections; missing values omitted instead of null.
 */
#define PLACE_EPHEMERAL	1
#define PLACE_GIVEN	2

int out_json_begin(struct json *j, struct ctx *ctx);
void out_json_head(struct json *j, const struct ctx *ctx, const char *netns);
void out_json_place(struct json *j, const struct record *r, unsigned int parts);
void out_json_count(struct json *j, const char *key, const struct count *c);
int out_json_end(struct json *j);
void out_json_ports(struct json *j, const struct ctx *ctx, const char *key,
		    const struct records *list);
void out_json_sums(struct json *j, const char *key,
		   const struct records *list);
void out_json_overflow(struct json *j, const struct ctx *ctx, const char *key,
		       const struct records *list);
void out_json_body(struct json *j, struct ctx *ctx, const struct snapshot *s);
int out_json_snapshot(struct ctx *ctx, const struct snapshot *s);
void out_json_buckets(struct json *j, const char *key,
		      const struct records *list);

#endif
