/* SPDX-License-Identifier: GPL-2.0 */
/* A query to one network namespace or to all of them. */
#ifndef PORTMON_CTL_QUERY_H
#define PORTMON_CTL_QUERY_H

#include "ctl/read.h"
#include "host/netns.h"
#include "lib/json.h"
#include "lib/snapshot.h"

struct query;

/**
 * struct answer - what one namespace answered
 * @ns: the namespace, NULL if only one is queried
 * @info: its state
 * @s: its counters, ready to be printed
 * @owners: owners of the ports, if requested
 * @note: why it has no data ("off"), or NULL
 */
struct answer {
	const struct netns *ns;
	struct info info;
	struct snapshot s;
	struct owners owners;
	const char *note;
};

/**
 * struct query_ops - a subcommand as a question
 * @read: ask the namespace that @ctx is connected to and counts, and fill in
 *   @s and @owners of the answer; errors were printed
 * @json: write what follows the head of its document; ctx->info is of the
 *   namespace
 * @json_more: write what follows that and is not of the counters, or NULL
 * @table: print the answers of all namespaces
 * @off: asks also where counting is off
 */
struct query_ops {
	int (*read)(struct ctx *ctx, const struct query *q, struct answer *a);
	void (*json)(struct json *j, struct ctx *ctx,
		     const struct snapshot *s);
	void (*json_more)(struct json *j, struct ctx *ctx,
			  const struct query *q, const struct answer *a);
	int (*table)(struct ctx *ctx, const struct query *q);
	bool off;
};

/**
 * struct query - a query in progress
 * @ops: the question
 * @argc: arguments of the subcommand
 * @argv: the arguments
 * @v: the answers
 * @n: how many there are
 */
struct query {
	const struct query_ops *ops;
	int argc;
	char **argv;
	struct answer *v;
	size_t n;
};

int query_run(struct ctx *ctx, const struct query_ops *ops, int argc,
	      char **argv);
int query_merge(const struct query *q, struct snapshot *all);

#endif
