/* SPDX-License-Identifier: GPL-2.0 */
/* A question that is asked of one network namespace or of all of them. */
#ifndef PORTMON_CTL_QUERY_H
#define PORTMON_CTL_QUERY_H

#include "ctl/read.h"
#include "host/netns.h"
#include "lib/json.h"
#include "lib/snapshot.h"

struct query;

/**
 * struct answer - what one namespace answered
 * @ns: the namespace, NULL where only one was asked
 * @info: its state
 * @s: what it told, ready to be printed
 * @owners: who owns the ports, where the question is about that
 * @note: why it told nothing ("off"), or NULL
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
 *   @s and @owners of the answer; the person has been told of errors
 * @json: write what follows the head of its document; ctx->info is of the
 *   namespace
 * @table: print the answers of all that were asked
 * @off: asks also where counting is off
 */
struct query_ops {
	int (*read)(struct ctx *ctx, const struct query *q, struct answer *a);
	void (*json)(struct json *j, struct ctx *ctx,
		     const struct snapshot *s);
	int (*table)(struct ctx *ctx, const struct query *q);
	bool off;
};

/**
 * struct query - a question being asked
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
