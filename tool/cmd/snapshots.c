// SPDX-License-Identifier: GPL-2.0
/* snapshots: list and remove what stats --delta and check have kept. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/snapfile.h"
#include "lib/util.h"
#include "view/out_json.h"
#include "view/table.h"

/**
 * struct place - what is where, and what time and boot it is
 * @f: the folder
 * @list: the snapshots in it
 * @now: this boot
 * @inode: network namespace of the run
 */
struct place {
	struct snapfile f;
	struct snapentries list;
	struct mark now;
	uint64_t inode;
};

/* With --netns the others are of no interest. */
static void keep_netns(struct place *p)
{
	size_t i, n = 0;

	for (i = 0; i < p->list.n; i++)
		if (p->list.v[i].inode == p->inode)
			p->list.v[n++] = p->list.v[i];
	p->list.n = n;
}

static const char *const state_words[] = {
	[SNAPSTATE_USABLE] = "usable", [SNAPSTATE_BOOT] = "earlier-boot",
	[SNAPSTATE_NETNS] = "namespace-gone",
	[SNAPSTATE_OTHER] = "other-namespace",
	[SNAPSTATE_WRONG] = "not-recognised",
};

/*
 * Do not test whether another namespace still exists: a bind mount or an open
 * file keeps one that no process of this /proc is in.
 */
static enum snapstate state_of(const struct place *p, const struct snapentry *e)
{
	if (!e->valid)
		return SNAPSTATE_WRONG;
	if (strcmp(e->mark.boot, p->now.boot))
		return SNAPSTATE_BOOT;
	if (e->inode != p->inode)
		return SNAPSTATE_OTHER;
	/* The number of the inode was another namespace's. */
	if (p->now.cookie && !mark_follows(&p->now, &e->mark))
		return SNAPSTATE_NETNS;
	return SNAPSTATE_USABLE;
}

static int open_place(struct ctx *ctx, struct place *p)
{
	size_t i;
	int err;

	*p = (struct place){ .f.dir = -1 };
	err = ctx_enter(ctx);
	if (!err)
		err = mark_take(&p->now);
	if (!err)
		err = mark_inode(&p->inode);
	if (!err)
		err = snapfile_folder(&p->f);
	if (!err)
		err = snapfile_list(&p->f, &p->list);
	if (given(&ctx->opt, OPT_NETNS))
		keep_netns(p);
	p->now.time = time(NULL);
	for (i = 0; i < p->list.n; i++)
		p->list.v[i].state = state_of(p, &p->list.v[i]);
	return err;
}

static void close_place(struct place *p)
{
	free(p->list.v);
	snapfile_close(&p->f);
}

static bool of_this_boot(const struct place *p, const struct snapentry *e)
{
	return e->valid && !strcmp(e->mark.boot, p->now.boot);
}

static void json_entry(struct json *j, const struct place *p,
		       const struct snapentry *e)
{
	const struct mark *mark = &e->mark;

	json_object(j, NULL);
	json_string(j, "name", e->name);
	json_time(j, "time", mark->time);
	json_string(j, "netns", *mark->netns ? mark->netns : NULL);
	json_uint(j, "inode", e->inode);
	json_string(j, "boot", e->valid ? mark->boot : NULL);
	json_bool(j, "this_boot", of_this_boot(p, e));
	json_word(j, "state", state_words[e->state]);
	json_uint(j, "bytes", e->bytes);
	json_object_end(j);
}

static int print_json(struct ctx *ctx, const struct place *p)
{
	struct json j;
	size_t i;
	int err = out_json_begin(&j, ctx);

	if (err)
		return err;
	json_array(&j, "snapshots");
	for (i = 0; i < p->list.n && !j.err; i++)
		json_entry(&j, p, &p->list.v[i]);
	json_array_end(&j);
	return out_json_end(&j);
}

static void add_row(struct table *t, const struct ctx *ctx,
		    const struct place *p, const struct snapentry *e)
{
	const struct mark *mark = &e->mark;
	char buf[64];

	table_row(t, e->state != SNAPSTATE_USABLE &&
		     e->state != SNAPSTATE_OTHER);
	table_cell(t, e->name);
	table_cell(t, e->valid ? format_time(buf, mark->time) :
				 "not recognised");
	table_cell(t, e->valid ? format_age(buf, mark->time, p->now.time) :
				 "-");
	snprintf(buf, sizeof(buf), "net:[%" PRIu64 "]", e->inode);
	table_cell(t, *mark->netns ? mark->netns : buf);
	table_cell(t, !e->valid ? "-" : of_this_boot(p, e) ? "this" :
							      "earlier");
	table_cell(t, format_number(buf, e->bytes, ctx->opt.units));
	table_cell(t, state_words[e->state]);
}

static int print_table(struct ctx *ctx, const struct place *p)
{
	static const struct table_head heads[] = {
		{ "NAME", COLUMN_LEFT },
		{ "TIME", COLUMN_LEFT },
		{ "AGE", COLUMN_RIGHT },
		{ "NETNS", COLUMN_LEFT },
		{ "BOOT", COLUMN_LEFT },
		{ "SIZE", COLUMN_RIGHT },
		{ "STATE", COLUMN_LEFT },
	};
	struct table *t;
	size_t i;

	if (!p->list.n) {
		warn("no snapshots in %s; stats --delta and check keep them there",
		     p->f.path);
		return 0;
	}
	t = table_begin(ctx);
	table_columns(t, heads, ARRAY_SIZE(heads));
	for (i = 0; i < p->list.n; i++)
		add_row(t, ctx, p, &p->list.v[i]);
	return table_end(t);
}

/* Those of other namespaces go with --all-netns: some may have gone. */
static int remove_named(const struct ctx *ctx, const struct place *p,
			const char *name, size_t *removed)
{
	const bool all = given(&ctx->opt, OPT_ALL_NETNS);
	size_t i, n = 0, others = 0;
	int err = 0;

	for (i = 0; i < p->list.n && !err; i++) {
		const struct snapentry *e = &p->list.v[i];

		if (strcmp(e->name, name))
			continue;
		if (!all && e->inode != p->inode) {
			others++;
			continue;
		}
		err = snapfile_remove(&p->f, e);
		n += !err;
	}
	*removed += n;
	if (n || err)
		return err;
	if (others)
		warn("no snapshot %s of this network namespace, but %zu of others; --all-netns removes those",
		     name, others);
	else
		warn("no snapshot %s%s; see: portmon-ctl snapshots", name,
		     given(&ctx->opt, OPT_NETNS) ?
		     " of this network namespace" : "");
	return -ENOENT;
}

static int remove_all(const struct ctx *ctx, const struct place *p, int argc,
		      char **argv)
{
	size_t removed = 0;
	int i, failed, err = 0;

	for (i = 0; i < argc; i++) {
		failed = remove_named(ctx, p, argv[i], &removed);
		err = err ? err : failed;
	}
	if (removed)
		printf("removed %zu snapshot%s\n", removed, plural(removed));
	return err;
}

/*
 * What cannot be compared any more for certain, and what was never put in
 * place.  One that was not recognised may be a newer version's, or the disk's
 * fault: that is for the user to remove.
 */
static int remove_stale(const struct place *p)
{
	size_t i, unfinished, removed = 0;
	int failed, err = snapfile_tidy(&p->f, &unfinished);

	for (i = 0; i < p->list.n; i++) {
		const enum snapstate state = p->list.v[i].state;

		if (state != SNAPSTATE_BOOT && state != SNAPSTATE_NETNS)
			continue;
		failed = snapfile_remove(&p->f, &p->list.v[i]);
		removed += !failed;
		err = err ? err : failed;
	}
	printf("removed %zu snapshot%s", removed, plural(removed));
	if (unfinished)
		printf(" and %zu unfinished file%s", unfinished,
		       plural(unfinished));
	putchar('\n');
	return err;
}

static bool is_prune(int argc, char **argv)
{
	return argc == 1 && !strcmp(argv[0], "prune");
}

static int check_names_given(const struct ctx *ctx, int argc, char **argv)
{
	if (!argc) {
		if (!given(&ctx->opt, OPT_ALL_NETNS))
			return 0;
		warn("--all-netns is for: snapshots remove NAME ...");
		return USAGE;
	}
	if (is_prune(argc, argv)) {
		if (!given(&ctx->opt, OPT_JSON) &&
		    !given(&ctx->opt, OPT_ALL_NETNS))
			return 0;
		warn("snapshots prune does not accept --%s",
		     given(&ctx->opt, OPT_JSON) ? "json" : "all-netns");
		return USAGE;
	}
	if (strcmp(argv[0], "remove")) {
		warn("unexpected argument '%s'; expected: remove NAME ... or prune",
		     argv[!strcmp(argv[0], "prune")]);
		return USAGE;
	}
	if (argc < 2 || given(&ctx->opt, OPT_JSON)) {
		warn(argc < 2 ? "remove needs the name of a snapshot" :
				"snapshots remove does not accept --json");
		return USAGE;
	}
	return 0;
}

static int run_snapshots(struct ctx *ctx, int argc, char **argv)
{
	struct place p;
	int err = check_names_given(ctx, argc, argv);

	if (err)
		return err;
	err = open_place(ctx, &p);
	if (!err)
		err = is_prune(argc, argv) ? remove_stale(&p) :
		      argc ? remove_all(ctx, &p, argc - 1, argv + 1) :
		      given(&ctx->opt, OPT_JSON) ? print_json(ctx, &p) :
						   print_table(ctx, &p);
	close_place(&p);
	return err;
}

const struct command cmd_snapshots = {
	.name = "snapshots",
	.args = "[remove NAME ... | prune]",
	.words = "remove prune",
	.summary = "list or remove the snapshots of stats --delta and check",
	.text = "Lists the snapshots of this user, of all network namespaces, that stats --delta and check compare with: name, when it was taken, its network namespace, its boot and its size. STATE says whether a call in this network namespace can compare with it; not with one of an earlier boot, nor of an earlier namespace with the same inode number. prune removes those two, and files that a killed call has left unfinished. remove NAME removes that of this network namespace or the one given, with --all-netns those of all. Works without the module.",
	.options = OPTS_JSON | OPT(EXACT) | OPT(IEC) | OPT(SI) | OPTS_NETNS,
	.run = run_snapshots,
};
