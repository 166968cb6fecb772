// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/query.h"
#include "view/out_json.h"

static void write_answer(struct json *j, struct ctx *ctx,
			 const struct query *q, const struct answer *a)
{
	q->ops->json(j, ctx, &a->s);
	if (q->ops->json_more)
		q->ops->json_more(j, ctx, q, a);
}

static int print_answer(struct ctx *ctx, const struct query *q)
{
	struct json j;
	int err = out_json_begin(&j, ctx);

	if (err)
		return err;
	write_answer(&j, ctx, q, &q->v[0]);
	return out_json_end(&j);
}

static int run_one(struct ctx *ctx, struct query *q)
{
	int err = q->ops->off ? ctx_connect(ctx) : ctx_counting(ctx);
	struct answer *a = q->v;
	char name[256];

	if (!err)
		err = q->ops->read(ctx, q, a);
	if (err)
		return err;
	a->info = ctx->info;
	if (given(&ctx->opt, OPT_JSON))
		return print_answer(ctx, q);
	ctx_name_netns(ctx, name, sizeof(name));
	err = q->ops->table(ctx, q);
	ctx->netns = NULL;
	return err;
}

static int not_entered(struct answer *a, int err)
{
	if (err == -ESTALE) {
		a->note = "gone";
		return 0;
	}
	if (err == -EPERM || err == -EACCES) {
		a->note = "not permitted";
		return 0;
	}
	a->note = "failed";
	warn("cannot enter network namespace %s: %s", a->ns->label,
	     strerror(-err));
	return err;
}

static int ask_netns(struct ctx *ctx, const struct query *q, struct answer *a)
{
	int err = nslist_enter(a->ns);

	if (err)
		return not_entered(a, err);
	pm_close(ctx->pm);
	ctx->pm = NULL;
	ctx->info = (struct info){ 0 };
	ctx->netns = a->ns->named ? a->ns->label : NULL;
	err = ctx_connect(ctx);
	a->info = ctx->info;
	if (!err && !ctx->info.enabled)
		a->note = "off";
	if (!err && (ctx->info.enabled || q->ops->off))
		err = q->ops->read(ctx, q, a);
	if (err)
		a->note = "failed";
	return err;
}

static void json_answer(struct json *j, struct ctx *ctx,
			const struct query *q, const struct answer *a)
{
	ctx->info = a->info;
	json_object(j, NULL);
	json_object(j, "portmon");
	out_json_head(j, ctx, a->ns->named ? a->ns->label : NULL);
	json_uint(j, "inode", a->ns->inode);
	if (a->ns->pid)
		json_uint(j, "pid", a->ns->pid);
	else
		json_null(j, "pid");
	json_bool(j, "enabled", a->info.enabled);
	json_string(j, "note", a->note);
	json_object_end(j);
	write_answer(j, ctx, q, a);
	json_object_end(j);
}

/* One document of all; each namespace's own is an element of it. */
static int print_json_all(struct ctx *ctx, const struct query *q)
{
	struct json j;
	size_t i;
	int err;

	ctx->info.since = 0;
	err = out_json_begin(&j, ctx);
	if (err)
		return err;
	json_array(&j, "namespaces");
	for (i = 0; i < q->n && !j.err; i++)
		json_answer(&j, ctx, q, &q->v[i]);
	json_array_end(&j);
	return out_json_end(&j);
}

static void warn_not_entered(const struct nslist *list, const struct query *q)
{
	size_t i, closed = 0;

	for (i = 0; i < q->n; i++)
		closed += q->v[i].note && !strcmp(q->v[i].note,
						  "not permitted");
	if (list->hidden || closed)
		warn("warning: not permitted to enter %zu network namespace%s, and to see which %zu process%s in; run as root (sudo portmon-ctl ...)",
		     closed, plural(closed), list->hidden,
		     list->hidden == 1 ? " is" : "es are");
}

static int run_all(struct ctx *ctx, struct query *q,
		   const struct nslist *list)
{
	int failed, err = 0;
	size_t i;

	for (i = 0; i < list->n; i++) {
		q->v[i].ns = &list->v[i];
		failed = ask_netns(ctx, q, &q->v[i]);
		/* Without the module there is nothing to ask the others. */
		if (failed && !ctx->pm)
			return failed;
		err = err ? err : failed;
	}
	ctx->netns = NULL;
	warn_not_entered(list, q);
	failed = given(&ctx->opt, OPT_JSON) ? print_json_all(ctx, q) :
					      q->ops->table(ctx, q);
	return failed ? failed : err;
}

static void free_answers(struct query *q)
{
	size_t i;

	for (i = 0; i < q->n; i++) {
		snapshot_free(&q->v[i].s);
		owners_free(&q->v[i].owners);
	}
	free(q->v);
}

/**
 * query_run() - ask, and print the answer
 * @ctx: the run; --all-netns asks every namespace
 * @ops: the question
 * @argc: arguments of the subcommand
 * @argv: the arguments
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int query_run(struct ctx *ctx, const struct query_ops *ops, int argc,
	      char **argv)
{
	const bool all = given(&ctx->opt, OPT_ALL_NETNS);
	struct query q = { .ops = ops, .argc = argc, .argv = argv, .n = 1 };
	struct nslist list = { 0 };
	struct error e;
	int err = 0;

	if (all)
		err = nslist_read(&list, &e);
	if (err) {
		warn_error(err, &e);
		goto out;
	}
	if (all)
		q.n = list.n;
	q.v = calloc(q.n, sizeof(*q.v));
	if (!q.v) {
		warn_memory();
		err = -ENOMEM;
		q.n = 0;
		goto out;
	}
	err = all ? run_all(ctx, &q, &list) : run_one(ctx, &q);
	free_answers(&q);
out:
	nslist_free(&list);
	return err;
}

static int merge(struct records *to, const struct records *from,
		 const struct answer *a)
{
	struct record *r;
	size_t i;

	for (i = 0; i < from->n; i++) {
		r = records_new(to);
		if (!r)
			return -ENOMEM;
		*r = from->v[i];
		r->netns = a->ns ? a->ns->label : NULL;
		r->info = &a->info;
	}
	return 0;
}

static int add_note(struct records *to, const struct answer *a)
{
	const struct record note = {
		.netns = a->ns->label,
		.note = a->note ? a->note : "nothing seen",
	};

	return records_add(to, &note);
}

static bool is_empty(const struct snapshot *s)
{
	return !s->ports.n && !s->overflow.n && !s->other.n;
}

/**
 * query_merge() - one snapshot of the answers of all namespaces
 * @q: the question; its answers have to stay as long as the snapshot
 * @all: their counters, to release with snapshot_free()
 *
 * Records have the label of their namespace. A namespace without data
 * has a line in the overflow that says why.
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int query_merge(const struct query *q, struct snapshot *all)
{
	int err = 0;
	size_t i;

	*all = (struct snapshot){ 0 };
	for (i = 0; i < q->n && !err; i++) {
		const struct answer *a = &q->v[i];

		err = merge(&all->ports, &a->s.ports, a);
		if (!err)
			err = merge(&all->overflow, &a->s.overflow, a);
		if (!err)
			err = merge(&all->other, &a->s.other, a);
		if (!err && a->ns && (a->note || is_empty(&a->s)))
			err = add_note(&all->overflow, a);
	}
	if (err) {
		warn_memory();
		snapshot_free(all);
	}
	return err;
}
