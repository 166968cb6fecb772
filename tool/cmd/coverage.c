// SPDX-License-Identifier: GPL-2.0
/* coverage: compare interfaces and IP with portmon for some seconds. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_link.h>

#include "ctl/ctx.h"
#include "host/coverage.h"
#include "lib/names.h"
#include "lib/util.h"
#include "view/out_json.h"
#include "view/table.h"

#define DEFAULT_MS 5000
#define NOTES_SIZE 160

static const char *xdp_word(const struct link *link)
{
	switch (link->xdp) {
	case XDP_ATTACHED_NONE:
		return NULL;
	case XDP_ATTACHED_DRV:
		return "driver";
	case XDP_ATTACHED_SKB:
		return "generic";
	case XDP_ATTACHED_HW:
		return "hardware";
	default:
		return "several";
	}
}

/* The interface that counts this one's packets too, or NULL. */
static const struct link *counted_by(const struct links *links,
				     const struct link *link)
{
	if (link_counts(links, link))
		return NULL;
	return links_find(links, link->master ? link->master : link->lower);
}

static void note(char *buf, size_t *len, const char *format, const char *arg)
{
	if (*len >= NOTES_SIZE)
		return;
	if (*len)
		*len += snprintf(buf + *len, NOTES_SIZE - *len, ", ");
	if (*len < NOTES_SIZE)
		*len += snprintf(buf + *len, NOTES_SIZE - *len, format, arg);
}

static const char *notes(char buf[static NOTES_SIZE],
			 const struct links *links, const struct link *link)
{
	const struct link *other = counted_by(links, link);
	size_t len = 0;

	buf[0] = '\0';
	if (other)
		note(buf, &len, "counted by %s", other->name);
	else if (!link_counts(links, link))
		note(buf, &len, "%s", "counted by its members");
	if (link->xdp)
		note(buf, &len, "XDP (%s)", xdp_word(link));
	if (link->tc)
		note(buf, &len, "%s", "tc filters");
	if (link->bridge_netfilter)
		note(buf, &len, "%s", "br_netfilter");
	if (link->flowtable)
		note(buf, &len, "%s", "flowtable");
	if (link->elsewhere)
		note(buf, &len, "%s", "other namespace");
	if (link->flags & IFF_PROMISC)
		note(buf, &len, "%s", "promiscuous");
	return buf;
}

static void count_cells(struct table *t, const struct ctx *ctx,
			const struct count *c, bool bytes)
{
	char buf[NUMBER_SIZE];

	if (!c) {
		table_cell(t, "");
		table_cell(t, "");
		return;
	}
	table_cell(t, format_number(buf, c->packets, ctx->opt.units));
	table_cell(t, bytes ? format_number(buf, c->bytes, ctx->opt.units) :
		   "");
}

static void row(struct table *t, const struct ctx *ctx, const char *name,
		const struct count *rx, const struct count *tx,
		const char *text)
{
	table_row(t, false);
	table_cell(t, name);
	count_cells(t, ctx, rx, true);
	count_cells(t, ctx, tx, true);
	table_cell(t, text);
}

static void link_rows(struct table *t, const struct ctx *ctx,
		      const struct coverage *c)
{
	char buf[NOTES_SIZE];
	size_t i;

	for (i = 0; i < c->links.n; i++) {
		const struct link *l = &c->links.v[i];

		/* An interface that was always down is left out. */
		if (!(l->flags & IFF_UP) && !l->rx.packets && !l->tx.packets)
			continue;
		row(t, ctx, l->name, &l->rx, &l->tx,
		    notes(buf, &c->links, l));
	}
}

static void ip_row(struct table *t, const struct ctx *ctx,
		   const struct coverage *c)
{
	const struct count ip = { .packets = c->mib.received };

	table_row(t, false);
	table_cell(t, "handed to IP");
	count_cells(t, ctx, &ip, false);
	count_cells(t, ctx, NULL, false);
	table_cell(t, "");
}

static int print_table(struct ctx *ctx, const struct coverage *c)
{
	static const struct table_head heads[] = {
		{ "COUNTED BY", COLUMN_LEFT },
		{ "RX-PKTS", COLUMN_RIGHT },
		{ "RX-BYTES", COLUMN_RIGHT },
		{ "TX-PKTS", COLUMN_RIGHT },
		{ "TX-BYTES", COLUMN_RIGHT },
		{ "NOTES", COLUMN_LEFT },
	};
	const struct count *hook = c->hook;
	struct table *t = table_begin(ctx);

	table_columns(t, heads, ARRAY_SIZE(heads));
	link_rows(t, ctx, c);
	row(t, ctx, "= interfaces", &c->rx.links, &c->tx.links, "");
	ip_row(t, ctx, c);
	row(t, ctx, "portmon: local-in", &hook[PORTMON_HOOK_LOCAL_IN], NULL,
	    "");
	row(t, ctx, "portmon: local-out", NULL, &hook[PORTMON_HOOK_LOCAL_OUT],
	    "");
	row(t, ctx, "portmon: forward", &hook[PORTMON_HOOK_FORWARD],
	    &hook[PORTMON_HOOK_FORWARD], "");
	row(t, ctx, "= portmon", &c->rx.portmon, &c->tx.portmon, "");
	return table_end(t);
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

static int print_coverage(struct ctx *ctx, const struct coverage *c)
{
	int err;

	print_verdict(c);
	err = print_table(ctx, c);
	if (!err)
		print_causes(ctx, c);
	return err;
}

static void json_link(struct json *j, const struct coverage *c,
		      const struct link *link)
{
	const struct link *other = counted_by(&c->links, link);

	json_object(j, NULL);
	json_string(j, "interface", link->name);
	json_string(j, "kind", *link->kind ? link->kind : NULL);
	json_bool(j, "in_sum", link_counts(&c->links, link));
	json_string(j, "counted_by", other ? other->name : NULL);
	out_json_count(j, "rx", &link->rx);
	out_json_count(j, "tx", &link->tx);
	json_uint(j, "rx_dropped", link->rx_dropped);
	json_uint(j, "tx_dropped", link->tx_dropped);
	json_string(j, "xdp", xdp_word(link));
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

static int json_coverage(struct ctx *ctx, const struct coverage *c)
{
	struct json j;
	size_t i;
	int err = out_json_begin(&j, ctx);

	if (err)
		return err;
	json_object(&j, "coverage");
	json_uint(&j, "milliseconds", c->ms);
	json_array(&j, "interfaces");
	for (i = 0; i < c->links.n; i++)
		json_link(&j, c, &c->links.v[i]);
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

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* Ctrl-C ends the measurement; the result so far is printed. */
static void wait_for(unsigned int ms)
{
	struct sigaction action = { .sa_handler = stop }, old;
	struct timespec left = {
		.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L
	};
	sigset_t set, before;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, &before);
	sigaction(SIGINT, &action, &old);
	if (isatty(STDERR_FILENO))
		warn("measuring for %u.%u seconds; press Ctrl-C to stop earlier",
		     ms / 1000, ms % 1000 / 100);
	if (!stopped)
		ppoll(NULL, 0, &left, &before);
	sigaction(SIGINT, &old, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static int watch(struct ctx *ctx, struct sample *before,
		 struct sample *after)
{
	struct error e;
	int err = sample_read(ctx->pm, &ctx->info, before, &e);

	if (err)
		return warn_error(err, &e);
	wait_for(given(&ctx->opt, OPT_INTERVAL) ? ctx->opt.interval_ms :
						  DEFAULT_MS);
	err = sample_read(ctx->pm, &ctx->info, after, &e);
	if (!err)
		err = links_inspect(&after->links, &e);
	return err ? warn_error(err, &e) : 0;
}

static int run_coverage(struct ctx *ctx, int argc, char **argv)
{
	struct sample before = { 0 }, after = { 0 };
	struct coverage c;
	int err = ctx_counting(ctx);

	(void)argc;
	(void)argv;
	if (err)
		return err;
	err = watch(ctx, &before, &after);
	if (!err) {
		err = coverage_between(&c, &before, &after);
		if (err)
			warn("the counters were reset during the measurement; try again");
	}
	if (!err)
		err = given(&ctx->opt, OPT_JSON) ? json_coverage(ctx, &c) :
						   print_coverage(ctx, &c);
	sample_free(&before);
	sample_free(&after);
	return err;
}

const struct command cmd_coverage = {
	.name = "coverage",
	.summary = "check that portmon sees all traffic of the interfaces",
	.text = "Measures for some seconds (--interval, 5 by default; Ctrl-C ends it earlier). Shows what the interfaces counted, what was passed to IP and what portmon counted, and why they differ: link-layer headers, packets that are not IP, XDP, flowtables, other namespaces. portmon counts per network namespace and not per interface, so the sums are compared.",
	.options = OPTS_JSON | OPTS_UNITS | OPT(INTERVAL) | OPT(NETNS),
	.run = run_coverage,
};
