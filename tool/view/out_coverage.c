// SPDX-License-Identifier: GPL-2.0
/* What coverage has found: its lines, the causes, and the same as JSON. */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "lib/names.h"
#include "lib/util.h"
#include "view/columns.h"
#include "view/coverage_cells.h"
#include "view/out_coverage.h"
#include "view/out_json.h"
#include "view/sort.h"

/* The lines that are no interface: two sums, IP and the hooks. */
#define OTHER_LINES (3 + HOOKS)

/**
 * struct lines - all lines, as records
 * @links: of interfaces
 * @others: the rest
 * @v: what they are of
 * @n: how many
 * @err: memory has run out
 */
struct lines {
	struct records links;
	struct records others;
	struct coverage_line *v;
	size_t n;
	int err;
};

static void add_line_of(struct lines *lines, struct records *list,
			const struct coverage_line *line, const struct count *rx,
			const struct count *tx)
{
	struct record *r = records_new(list);

	if (!r) {
		lines->err = -ENOMEM;
		return;
	}
	lines->v[lines->n] = *line;
	*r = (struct record){ .item = &lines->v[lines->n++] };
	if (rx) {
		r->rx = *rx;
		r->has |= 1u << PORTMON_A_RECORD_RX_PACKETS;
		/* IP counts no bytes. */
		if (line->link || strcmp(line->record, "ip"))
			r->has |= 1u << PORTMON_A_RECORD_RX_BYTES;
	}
	if (tx) {
		r->tx = *tx;
		r->has |= 1u << PORTMON_A_RECORD_TX_PACKETS |
			  1u << PORTMON_A_RECORD_TX_BYTES;
	}
}

static void add_links(struct lines *lines, const struct coverage *c, bool all)
{
	size_t i;

	for (i = 0; i < c->links.n; i++) {
		const struct link *l = &c->links.v[i];
		const struct coverage_line line = {
			"interface", l->name, NULL, &c->links, l
		};

		/* A table leaves out an interface that was always down. */
		if (all || l->flags & IFF_UP || l->rx.packets ||
		    l->tx.packets)
			add_line_of(lines, &lines->links, &line, &l->rx, &l->tx);
	}
}

static void add_others(struct lines *lines, const struct coverage *c)
{
	static const struct coverage_line sum = {
		.record = "interfaces", .words = "= interfaces"
	}, ip = {
		.record = "ip", .words = "handed to IP"
	}, all = {
		.record = "portmon", .words = "= portmon"
	};
	static const char *const words[HOOKS] = {
		[PORTMON_HOOK_LOCAL_IN] = "portmon: local-in",
		[PORTMON_HOOK_LOCAL_OUT] = "portmon: local-out",
		[PORTMON_HOOK_FORWARD] = "portmon: forward",
	};
	const struct count received = { .packets = c->mib.received };
	struct records *list = &lines->others;
	unsigned int hook;

	add_line_of(lines, list, &sum, &c->rx.links, &c->tx.links);
	add_line_of(lines, list, &ip, &received, NULL);
	for (hook = 0; hook < HOOKS; hook++) {
		const struct coverage_line line = {
			.record = "hook", .name = name_of(&hook_names, hook),
			.words = words[hook],
		};

		add_line_of(lines, list, &line,
			    hook == PORTMON_HOOK_LOCAL_OUT ? NULL : &c->hook[hook],
			    hook == PORTMON_HOOK_LOCAL_IN ? NULL : &c->hook[hook]);
	}
	add_line_of(lines, list, &all, &c->rx.portmon, &c->tx.portmon);
}

static int make_lines(const struct ctx *ctx, const struct coverage *c,
		      struct lines *lines)
{
	const struct options *opt = &ctx->opt;
	const size_t n = c->links.n + OTHER_LINES;

	*lines = (struct lines){ .v = calloc(n, sizeof(*lines->v)) };
	if (!lines->v)
		return -ENOMEM;
	add_links(lines, c, given(opt, OPT_JSON) || given(opt, OPT_CSV));
	add_others(lines, c);
	if (lines->err)
		return lines->err;
	view_sort(&lines->links, coverage_layout.columns, opt->sort,
		  given(opt, OPT_REVERSE));
	return 0;
}

static bool in_direction(enum cause cause, bool rx)
{
	if (cause >= CAUSE_TX_OTHER && cause <= CAUSE_TX_FRAGMENTS)
		return !rx;
	return rx;
}

static void print_cause(const struct ctx *ctx, const struct coverage *c,
			enum cause cause)
{
	const struct cause_text *text = &cause_texts[cause];
	char number[NUMBER_SIZE], head[NUMBER_SIZE + 16];

	snprintf(head, sizeof(head), "%s%s%s",
		 text->unit ? format_number(number, c->amount[cause],
					    ctx->opt.units) : "?",
		 text->unit ? " " : "", text->unit ? text->unit : "");
	printf("  %14s  ", head);
	print_wrapped(stdout, text->text, 18, ctx_width(ctx));
}

static void print_causes(const struct ctx *ctx, const struct coverage *c)
{
	static const char *const heads[] = {
		"\nWhy the sent counts differ:\n",
		"\nWhy the received counts differ (? is not counted):\n"
	};
	enum cause cause;
	int rx;

	for (rx = 1; rx >= 0; rx--) {
		const char *head = heads[rx];

		for (cause = 0; cause < CAUSES; cause++) {
			if (!c->found[cause] || !in_direction(cause, rx))
				continue;
			if (head)
				fputs(head, stdout);
			head = NULL;
			print_cause(ctx, c, cause);
		}
	}
}

static void print_verdict(const struct coverage *c)
{
	const uint64_t ip = c->mib.received;
	const uint64_t seen = c->rx.portmon.packets;

	printf("In %" PRIu64 ".%" PRIu64 " s", c->ms / 1000,
	       c->ms % 1000 / 100);
	if (!ip)
		printf(" nothing was handed to IP; measure longer with -i SECONDS.\n\n");
	else
		printf(" portmon counted %" PRIu64 " of the %" PRIu64 " packets handed to IP (%.1f %%).\n\n",
		       seen, ip, 100.0 * seen / ip);
}

static void json_link(struct json *j, const struct coverage *c,
		      const struct link *link)
{
	const struct link *other = coverage_other(&c->links, link);

	json_object(j, NULL);
	json_string(j, "interface", link->name);
	json_string(j, "kind", *link->kind ? link->kind : NULL);
	json_bool(j, "in_sum", link_counts(&c->links, link));
	json_string(j, "counted_by", other ? other->name : NULL);
	out_json_count(j, "rx", &link->rx);
	out_json_count(j, "tx", &link->tx);
	json_uint(j, "rx_dropped", link->rx_dropped);
	json_uint(j, "tx_dropped", link->tx_dropped);
	json_string(j, "xdp", coverage_xdp(link));
	json_bool(j, "tc", link->tc);
	json_bool(j, "bridge_netfilter", link->bridge_netfilter);
	if (c->links.flowtables)
		json_null(j, "flowtable");
	else
		json_bool(j, "flowtable", link->flowtable);
	json_bool(j, "other_namespace", link->elsewhere);
	json_object_end(j);
}

static void json_hooks(struct json *j, const struct coverage *c)
{
	unsigned int hook;

	json_array(j, "hooks");
	for (hook = 0; hook < HOOKS; hook++) {
		json_object(j, NULL);
		json_word(j, "hook", name_of(&hook_names, hook));
		json_uint(j, "packets", c->hook[hook].packets);
		json_uint(j, "bytes", c->hook[hook].bytes);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_causes(struct json *j, const struct coverage *c)
{
	enum cause cause;

	json_array(j, "causes");
	for (cause = 0; cause < CAUSES; cause++) {
		const struct cause_text *text = &cause_texts[cause];

		if (!c->found[cause])
			continue;
		json_object(j, NULL);
		json_word(j, "cause", text->name);
		if (text->unit)
			json_uint(j, text->unit, c->amount[cause]);
		json_string(j, "text", text->text);
		json_object_end(j);
	}
	json_array_end(j);
}

static int coverage_json(struct ctx *ctx, const struct coverage *c,
			 const struct lines *lines)
{
	struct json j;
	size_t i;
	int err = out_json_begin(&j, ctx);

	if (err)
		return err;
	json_object(&j, "coverage");
	json_uint(&j, "milliseconds", c->ms);
	json_array(&j, "interfaces");
	for (i = 0; i < lines->links.n; i++)
		json_link(&j, c, coverage_line(&lines->links.v[i])->link);
	json_array_end(&j);
	json_hooks(&j, c);
	json_object(&j, "received");
	out_json_count(&j, "interfaces", &c->rx.links);
	json_object(&j, "ip");
	json_uint(&j, "packets", c->mib.received);
	json_object_end(&j);
	out_json_count(&j, "portmon", &c->rx.portmon);
	json_object_end(&j);
	json_object(&j, "sent");
	out_json_count(&j, "interfaces", &c->tx.links);
	out_json_count(&j, "portmon", &c->tx.portmon);
	json_object_end(&j);
	json_causes(&j, c);
	json_object_end(&j);
	return out_json_end(&j);
}

static int coverage_text(struct ctx *ctx, const struct coverage *c,
			 const struct lines *lines)
{
	const bool csv = given(&ctx->opt, OPT_CSV);
	int err;

	if (!csv)
		print_verdict(c);
	err = out_table(ctx, &lines->links, &lines->others, 0);
	if (!err && !csv)
		print_causes(ctx, c);
	return err;
}

/**
 * out_coverage() - print what interfaces, IP and portmon counted, and why they
 *                  differ
 * @ctx: the run
 * @c: what they counted
 *
 * Return: 0 or a negative errno.
 */
int out_coverage(struct ctx *ctx, const struct coverage *c)
{
	struct lines lines;
	int err = make_lines(ctx, c, &lines);

	if (err)
		warn_memory();
	else
		err = given(&ctx->opt, OPT_JSON) ? coverage_json(ctx, c, &lines) :
						   coverage_text(ctx, c, &lines);
	records_free(&lines.links);
	records_free(&lines.others);
	free(lines.v);
	return err;
}
