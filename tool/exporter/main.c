// SPDX-License-Identifier: GPL-2.0
/* portmon-exporter: options and start. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/auth.h"
#include "exporter/log.h"
#include "exporter/server.h"
#include "exporter/systemd.h"
#include "lib/util.h"
#include "metrics/portlist.h"
#include "portmon_version.h"

#define USAGE_STATUS 2

static const char usage[] =
"usage: portmon-exporter [--listen ADDRESS:PORT]... [--ports LIST]\n"
"       [--max-ports N] [--max-series N] [--loopback] [--remote] [--created]\n"
"       [--web-config FILE] [--host NAME]\n";

static const char help[] =
"\n"
"Serves the counters of the portmon module to Prometheus, and a page to look\n"
"at: http://127.0.0.1:9807/\n"
"\n"
"  --listen ADDRESS:PORT  listen there (default 127.0.0.1:9807 and [::1]:9807)\n"
"  --ports LIST           also show these local ports: 53,443/tcp,8000-8009\n"
"  --max-ports N          show no more ports than this (default 100)\n"
"  --max-series N         write no more series than this (default 4000)\n"
"  --loopback             of all listening ports, also the traffic within the host\n"
"  --remote               also well-known ports of other hosts\n"
"  --created              when counters began, as OpenMetrics _created samples\n"
"  --web-config FILE      TLS and passwords (Prometheus' web configuration)\n"
"  --host NAME            accept this header Host on loopback, too\n"
"  --version              print the version\n"
"\n"
"Ports that somebody listens on are shown, and stay until the exporter is\n"
"restarted. See portmon-exporter(8).\n";

/**
 * struct arguments - what the command line asks for
 * @shown: what is to be shown
 * @ports: ports requested by number
 * @listen: addresses to listen on
 * @n_listen: how many
 * @config: file with TLS and passwords, or NULL
 * @host: a name of this host, or NULL
 */
struct arguments {
	struct shown_options shown;
	struct portlist ports;
	const char *listen[LISTENERS_MAX];
	unsigned int n_listen;
	const char *config;
	const char *host;
};

enum {
	OPT_LISTEN = 256,
	OPT_PORTS,
	OPT_MAX_PORTS,
	OPT_MAX_SERIES,
	OPT_LOOPBACK,
	OPT_REMOTE,
	OPT_CREATED,
	OPT_WEB_CONFIG,
	OPT_HOST,
	OPT_VERSION,
	OPT_HELP,
};

static const struct option options[] = {
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "ports", required_argument, NULL, OPT_PORTS },
	{ "max-ports", required_argument, NULL, OPT_MAX_PORTS },
	{ "max-series", required_argument, NULL, OPT_MAX_SERIES },
	{ "loopback", no_argument, NULL, OPT_LOOPBACK },
	{ "remote", no_argument, NULL, OPT_REMOTE },
	{ "created", no_argument, NULL, OPT_CREATED },
	{ "web-config", required_argument, NULL, OPT_WEB_CONFIG },
	{ "host", required_argument, NULL, OPT_HOST },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static bool take_number(const char *name, const char *arg, unsigned int max,
		   unsigned int *v)
{
	unsigned long n;

	if (!parse_number(arg, max, &n, NULL)) {
		log_line("--%s takes a number up to %u, not '%s'", name, max,
			 arg);
		return false;
	}
	*v = n;
	return true;
}

static bool take_listen(struct arguments *a, const char *arg)
{
	if (a->n_listen == LISTENERS_MAX) {
		log_line("--listen can be given %u times", LISTENERS_MAX);
		return false;
	}
	a->listen[a->n_listen++] = arg;
	return true;
}

static bool take_ports(struct arguments *a, const char *arg)
{
	struct error e;

	if (!portlist_parse(&a->ports, arg, &e))
		return true;
	log_line("%s", e.text);
	return false;
}

static bool take_option(struct arguments *a, int option, const char *arg)
{
	switch (option) {
	case OPT_LISTEN:
		return take_listen(a, arg);
	case OPT_PORTS:
		return take_ports(a, arg);
	case OPT_MAX_PORTS:
		return take_number("max-ports", arg, SHOWN_PORTS_MAX,
			      &a->shown.max_ports);
	case OPT_MAX_SERIES:
		return take_number("max-series", arg, SHOWN_SERIES_MAX,
			      &a->shown.max_series);
	case OPT_LOOPBACK:
		a->shown.loopback = true;
		return true;
	case OPT_REMOTE:
		a->shown.remote = true;
		return true;
	case OPT_CREATED:
		a->shown.created = true;
		return true;
	case OPT_WEB_CONFIG:
		a->config = arg;
		return true;
	case OPT_HOST:
		a->host = arg;
		return true;
	case OPT_VERSION:
		printf("portmon-exporter %s\n", PORTMON_VERSION);
		exit(fflush(stdout) ? 1 : 0);
	case OPT_HELP:
		printf("%s%s", usage, help);
		exit(fflush(stdout) ? 1 : 0);
	}
	return false;
}

static bool parse_arguments(struct arguments *a, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take_option(a, option, optarg))
			return false;
	if (optind < argc) {
		log_line("unexpected argument '%s'", argv[optind]);
		return false;
	}
	if (a->shown.max_series < shown_min_series(&a->shown)) {
		log_line("--max-series has to be at least %u with these options",
			 shown_min_series(&a->shown));
		return false;
	}
	return true;
}

static int open_sockets(struct server *server, const struct arguments *a)
{
	unsigned int i, n = systemd_sockets();
	int err = 0;

	for (i = 0; i < n && !err; i++)
		err = server_adopt(server, SYSTEMD_FD + i);
	for (i = 0; i < a->n_listen && !err; i++)
		err = server_listen(server, a->listen[i]);
	if (!err && !server->n_listeners)
		err = server_listen_default(server);
	return err;
}

static int serve(struct server *server, const struct arguments *a)
{
	unsigned int i;
	int err;

	err = open_sockets(server, a);
	if (err)
		return err;
	err = exporter_init(&server->exporter, &a->shown);
	if (!err)
		err = auth_init();
	if (err) {
		log_line("cannot start: %s", strerror(-err));
		return err;
	}
	for (i = 0; i < a->ports.n; i++)
		shown_list(&server->exporter.collector.shown,
			   a->ports.v[i].port, a->ports.v[i].port_max,
			   a->ports.v[i].transports);
	err = server_start(server);
	return err ? err : server_run(server);
}

int main(int argc, char **argv)
{
	static struct server server;
	struct arguments a = {
		.shown = {
			.max_ports = SHOWN_PORTS,
			.max_series = SHOWN_SERIES,
		},
	};
	int err;

	if (!parse_arguments(&a, argc, argv)) {
		fputs(usage, stderr);
		return USAGE_STATUS;
	}
	server.config_path = a.config;
	server.host = a.host;
	err = serve(&server, &a);
	server_stop(&server);
	exporter_free(&server.exporter);
	if (err == -EINVAL)
		return USAGE_STATUS;
	return err ? 1 : 0;
}
