// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "ctl/ctx.h"
#include "ctl/portspec.h"
#include "lib/names.h"
#include "lib/util.h"

static int find_name(struct services *services, const char *name,
		     unsigned int transports, struct portspec *spec)
{
	struct svc_match match[PORTSPEC_MAX];
	size_t i, n, found = 0;

	n = services_find_name(services, name, match, PORTSPEC_MAX);
	for (i = 0; i < n; i++) {
		const struct service *e = match[i].e;

		if (!(e->transports & transports))
			continue;
		spec[found++] = (struct portspec){
			e->port, e->port_max, e->transports & transports
		};
	}
	return found;
}

/**
 * portspec_parse() - ports that an argument asks for
 * @services: names of ports
 * @arg: the argument
 * @spec: what it asks for
 *
 * Return: how many of @spec are filled, or USAGE (the error was printed).
 */
int portspec_parse(struct services *services, const char *arg,
		   struct portspec spec[static PORTSPEC_MAX])
{
	const char *slash = strchr(arg, '/');
	unsigned int transports = ALL_TRANSPORTS;
	char name[128];
	int v, n;

	snprintf(name, sizeof(name), "%.*s",
		 (int)(slash ? slash - arg : (int)strlen(arg)), arg);
	if (slash) {
		v = name_find(&transport_names, slash + 1, strlen(slash + 1));
		if (v < 0) {
			warn("unknown transport '%s'; it is one of: tcp, udp, udplite, sctp, dccp",
			     slash + 1);
			return USAGE;
		}
		transports = 1u << v;
	}
	if (parse_ports(name, &spec[0].port, &spec[0].port_max, NULL)) {
		spec[0].transports = transports;
		return 1;
	}
	if (!name[strspn(name, "0123456789-")]) {
		warn_ports(name);
		return USAGE;
	}
	n = find_name(services, name, transports, spec);
	if (n)
		return n;
	warn("no service is named '%s'; see: portmon-ctl services", arg);
	return USAGE;
}

static int add_span(struct filter *f, const struct portspec *spec)
{
	if (f->n_spans == FILTER_SPANS) {
		warn("more than %d ports or spans of ports at once",
		     FILTER_SPANS);
		return USAGE;
	}
	f->spans[f->n_spans++] = (struct span_of_ports){
		spec->port, spec->port_max, spec->transports
	};
	if (f->port == ANY || spec->port < f->port)
		f->port = spec->port;
	if (f->port_max == ANY || spec->port_max > f->port_max)
		f->port_max = spec->port_max;
	return 0;
}

/**
 * ctx_ports() - add ports to the requested ones
 * @ctx: the run; its filter is set
 * @list: ports, spans and names with commas between them
 *
 * Return: 0 or USAGE (the error was printed).
 */
int ctx_ports(struct ctx *ctx, const char *list)
{
	struct portspec spec[PORTSPEC_MAX];
	int i, n, err = 0;
	char word[128];

	while (list && !err) {
		const size_t len = strcspn(list, ",");

		snprintf(word, sizeof(word), "%.*s", (int)len, list);
		n = portspec_parse(&ctx->services, word, spec);
		if (n < 0)
			return n;
		for (i = 0; i < n && !err; i++)
			err = add_span(&ctx->opt.filter, &spec[i]);
		list = list[len] ? list + len + 1 : NULL;
	}
	return err;
}

/**
 * ctx_ports_plain() - can the kernel alone select the requested ports?
 * @f: the request; a single span of all transports is made simple
 *
 * Return: whether it can.
 */
bool ctx_ports_plain(struct filter *f)
{
	if (f->n_spans == 1 && f->spans[0].transports == ALL_TRANSPORTS)
		f->n_spans = 0;
	return !f->n_spans && !f->scopes;
}
