// SPDX-License-Identifier: GPL-2.0
/* explain and services: the purpose of ports. Neither needs the module. */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctx.h"
#include "ctl/portspec.h"
#include "lib/names.h"
#include "lib/text.h"
#include "lib/util.h"
#include "view/columns.h"
#include "view/out_explain.h"
#include "view/out_json.h"
#include "view/out_services.h"
#include "view/sort.h"

static char *port_words(char buf[static TRANSPORTS_SIZE], const struct service *e)
{
	if (e->port == e->port_max)
		snprintf(buf, TRANSPORTS_SIZE, "%u", e->port);
	else
		snprintf(buf, TRANSPORTS_SIZE, "%u-%u", e->port, e->port_max);
	return buf;
}

static void print_field(const struct ctx *ctx, const char *head,
			const char *text)
{
	if (!text)
		return;
	printf("  %-10s ", head);
	print_wrapped(stdout, text, 13, ctx_width(ctx));
}

static void print_service(const struct ctx *ctx, const struct svc_match *m)
{
	const struct svc_table *t = m->table;
	const char *iana = svc_iana(t, m->e);
	char words[TRANSPORTS_SIZE], ports[TRANSPORTS_SIZE];

	fputs(ctx->color ? "\033[1m" : "", stdout);
	text_print(stdout, svc_text(t, m->e->name),
		   strlen(svc_text(t, m->e->name)));
	printf("%s: port %s over %s\n", ctx->color ? "\033[0m" : "",
	       port_words(ports, m->e),
	       transport_words(words, m->e->transports));
	print_field(ctx, "name", svc_text(t, m->e->full));
	if (iana && strcmp(iana, svc_text(t, m->e->name)))
		print_field(ctx, "IANA", iana);
	print_field(ctx, "aliases", svc_text(t, m->e->aliases));
	print_field(ctx, "for", svc_text(t, m->e->use));
	print_field(ctx, "watch for", svc_text(t, m->e->watch));
	print_field(ctx, "source", t->source);
}

static void explain_range(const struct ctx *ctx, unsigned int port)
{
	const struct service *range = services_range(port);
	unsigned int min, max;
	char words[TRANSPORTS_SIZE];

	if (range) {
		printf("%u: %s port (%s)\n", port,
		       svc_text(&catalogue, range->name),
		       port_words(words, range));
		print_field(ctx, "for", svc_text(&catalogue, range->use));
		print_field(ctx, "watch for",
			    svc_text(&catalogue, range->watch));
	}
	if (!explain_ephemeral(&min, &max) || port < min || port > max)
		return;
	printf("  %-10s this host picks ports from %u to %u for outgoing\n"
	       "%13sconnections (net.ipv4.ip_local_port_range), this one too\n",
	       "ephemeral", min, max, "");
}

static void explain_text(const struct ctx *ctx, const struct portspec *spec,
			 const struct svc_match *match, size_t n)
{
	const bool some = spec->transports != ALL_TRANSPORTS;
	char words[TRANSPORTS_SIZE];
	size_t i;

	for (i = 0; i < n; i++) {
		print_service(ctx, &match[i]);
		putchar('\n');
	}
	if (!n)
		printf("no service is known for port %u%s%s; add it to ~/.config/portmon/services\n\n",
		       spec->port, some ? " over " : "",
		       some ? transport_words(words, spec->transports) : "");
	explain_range(ctx, spec->port);
}

static void explain_port(struct ctx *ctx, struct json *j,
			 const struct portspec *spec)
{
	struct svc_match match[EXPLAIN_MAX];
	size_t n = explain_find(&ctx->services, spec, match);

	if (j)
		out_json_explain(j, spec, match, n);
	else
		explain_text(ctx, spec, match, n);
}

static int explain_all(struct ctx *ctx, struct json *j, char *arg)
{
	struct portspec spec[PORTSPEC_MAX];
	int i, k, n = portspec_parse(&ctx->services, arg, spec);

	for (i = 0; i < n; i++) {
		/* The transports of a name are printed together, port by port. */
		for (k = 0; k < i && spec[k].port != spec[i].port; k++)
			;
		if (k < i)
			continue;
		for (k = i + 1; k < n; k++)
			if (spec[k].port == spec[i].port)
				spec[i].transports |= spec[k].transports;
		explain_port(ctx, j, &spec[i]);
	}
	return n < 0 ? n : 0;
}

static bool matches_pattern(const struct svc_match *m, const char *pattern)
{
	const char *name = svc_text(m->table, m->e->name);
	const char *full = svc_text(m->table, m->e->full);

	return !pattern || !fnmatch(pattern, name, FNM_CASEFOLD) ||
	       svc_is_called(m->table, m->e, pattern) ||
	       (full && strcasestr(full, pattern));
}

/**
 * struct found - services that match
 * @m: the services
 * @n: how many
 * @cap: how many there is room for
 */
struct found {
	struct svc_match *m;
	size_t n;
	size_t cap;
};

static int find_services(struct ctx *ctx, const char *pattern,
			 struct found *found)
{
	unsigned int source, i;

	for (source = 0; source < SVC_SOURCES; source++) {
		const struct svc_table *t = services_table(&ctx->services,
							   source);

		if (source == SVC_SYSTEM && !given(&ctx->opt, OPT_ALL))
			continue;
		for (i = 0; i < t->singles + t->spans; i++) {
			const struct svc_match m = { t, &t->v[i] };
			struct svc_match *v;

			if (!matches_pattern(&m, pattern))
				continue;
			v = array_room(found->m, found->n, &found->cap,
				       sizeof(*v));
			if (!v)
				return -ENOMEM;
			found->m = v;
			v[found->n++] = m;
		}
	}
	return 0;
}

/* Lines of what was found, in the order of --sort. */
static int service_lines(const struct ctx *ctx, const struct found *found,
			 struct records *lines)
{
	size_t i;

	for (i = 0; i < found->n; i++) {
		struct record *r = records_new(lines);

		if (!r)
			return -ENOMEM;
		service_record(r, &found->m[i]);
	}
	view_sort(lines, services_layout.columns, ctx->opt.sort,
		  given(&ctx->opt, OPT_REVERSE));
	return 0;
}

static int print_services_json(struct ctx *ctx, const struct records *lines)
{
	struct json j;
	size_t i;
	int err = out_json_begin(&j, ctx);

	if (err)
		return err;
	json_array(&j, "services");
	for (i = 0; i < lines->n; i++)
		out_json_service(&j, lines->v[i].item);
	json_array_end(&j);
	return out_json_end(&j);
}

static int print_services(struct ctx *ctx, const char *pattern,
			  const struct records *lines)
{
	if (given(&ctx->opt, OPT_JSON))
		return print_services_json(ctx, lines);
	if (!lines->n)
		warn("no service matches '%s'%s", pattern ? pattern : "",
		     given(&ctx->opt, OPT_ALL) ? "" :
		     "; --all also searches /etc/services");
	return out_table(ctx, lines, NULL, 0);
}

static int run_services(struct ctx *ctx, int argc, char **argv)
{
	const char *pattern = argc ? argv[0] : NULL;
	struct records lines = { 0 };
	struct found found = { 0 };
	int err;

	if (argc > 1)
		return ctx_no_args(argc - 1, argv + 1);
	err = find_services(ctx, pattern, &found);
	if (!err)
		err = service_lines(ctx, &found, &lines);
	if (err)
		warn_memory();
	else
		err = print_services(ctx, pattern, &lines);
	records_free(&lines);
	free(found.m);
	return err;
}

/* A name may have a span of ports, as X11 has; the request is for one port. */
static bool is_span(const char *arg)
{
	uint16_t port, port_max;

	return parse_ports(arg, &port, &port_max, &arg) && port != port_max;
}

static int run_explain(struct ctx *ctx, int argc, char **argv)
{
	const bool as_json = given(&ctx->opt, OPT_JSON);
	struct json j;
	int err;

	if (given(&ctx->opt, OPT_LIST)) {
		err = layout_choose(ctx, &services_layout);
		return err ? err : run_services(ctx, argc, argv);
	}
	if (!argc) {
		warn("no port given: expected NUMBER, NUMBER/TRANSPORT or a service name");
		return USAGE;
	}
	if (argc > 1 || is_span(argv[0])) {
		warn("only one port or name is allowed");
		return USAGE;
	}
	err = ctx_enter(ctx);
	if (err || !as_json)
		return err ? err : explain_all(ctx, NULL, argv[0]);
	err = out_json_begin(&j, ctx);
	if (err)
		return err;
	json_array(&j, "explain");
	err = explain_all(ctx, &j, argv[0]);
	json_array_end(&j);
	return err ? err : out_json_end(&j);
}

const struct command cmd_explain = {
	.name = "explain",
	.args = "PORT[/TRANSPORT]|NAME | --list [PATTERN]",
	.summary = "the purpose of a port, and what to watch for",
	.text = "Shows which services use a port, their purpose and what to watch for, the IANA range, and whether this host picks the port for outgoing connections. With --list, lists the known services like the command services. Works without the module.",
	.options = OPTS_JSON | OPT(NETNS) | OPT(LIST) | OPT(ALL),
	.run = run_explain,
};

const struct command cmd_services = {
	.name = "services",
	.args = "[PATTERN]",
	.summary = "list the known services",
	.text = "Lists the services of the user's own file ($XDG_CONFIG_HOME/portmon/services), of /etc/portmon/services and of the built-in catalogue; with --all also those of /etc/services. PATTERN is a shell pattern for the short name, the IANA name or an alias, or a part of the full name. Works without the module.",
	.options = OPTS_JSON | OPT(ALL) | OPTS_TABLE | OPTS_SORT,
	.layout = &services_layout,
	.run = run_services,
};
