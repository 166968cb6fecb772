/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets, connections and signals: one thread, one loop. */
#ifndef PORTMON_EXPORTER_SERVER_H
#define PORTMON_EXPORTER_SERVER_H

#include "exporter/conns.h"
#include "exporter/exporter.h"
#include "exporter/webconfig.h"

#define SERVER_PORT	"9807"
#define LISTENERS_MAX	16

struct MHD_Daemon;

/**
 * struct server - the server
 * @exporter: what it serves
 * @conns: its connections
 * @config: TLS and passwords
 * @config_path: file that has them, or NULL
 * @host: a name of this host, beside those of the loopback network, or NULL
 * @listeners: sockets that it listens on
 * @n_listeners: how many
 * @mhd: libmicrohttpd: with the current configuration, and with the one
 *   before it, as long as a request of that time is open
 * @adding: connection that is being handed to libmicrohttpd
 * @epoll: what the loop waits for
 * @signals: signals as they come
 * @starting: errors of libmicrohttpd are about the configuration
 * @stopping: no new connections; end with the last one
 */
struct server {
	struct exporter exporter;
	struct conns conns;
	struct web_config config;
	const char *config_path;
	const char *host;
	int listeners[LISTENERS_MAX];
	unsigned int n_listeners;
	struct MHD_Daemon *mhd[2];
	struct conn *adding;
	int epoll;
	int signals;
	bool starting;
	bool stopping;
};

int server_listen(struct server *server, const char *address);
int server_listen_default(struct server *server);
int server_adopt(struct server *server, int fd);
int server_start(struct server *server);
int server_run(struct server *server);
void server_stop(struct server *server);

#endif
