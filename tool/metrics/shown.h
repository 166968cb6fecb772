/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which ports have series of their own, and which reasons of drops. What is
 * shown once is shown until the end, so that no series comes and goes; both
 * limits are hard.
 */
#ifndef PORTMON_METRICS_SHOWN_H
#define PORTMON_METRICS_SHOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/sockets.h"
#include "lib/record.h"
#include "lib/services.h"

#define SHOWN_PORTS		100
#define SHOWN_SERIES		4000
#define SHOWN_PORTS_MAX		10000
#define SHOWN_SERIES_MAX	1000000

/* Reasons of drops that are counted apart; the kernel has about a hundred. */
#define REASONS_MAX		128

/* A transport that is none: drops for which there was no counter. */
#define NO_TRANSPORT		(PORTMON_TRANSPORT_MAX + 1)

/* No record of the port has been read. */
#define NO_RECORD		SIZE_MAX

/**
 * struct shown_options - what is to be shown
 * @max_ports: limit on ports
 * @max_series: limit on series, those that are not of a port included
 * @loopback: of every listening port, also the traffic within the host
 * @remote: also well-known ports of other hosts, if they have a name
 * @created: each counter has a second series
 */
struct shown_options {
	unsigned int max_ports;
	unsigned int max_series;
	bool loopback;
	bool remote;
	bool created;
};

/**
 * struct shown_port - a port that has series
 * @scope: enum portmon_scope
 * @transport: enum portmon_transport
 * @port: its number
 * @listening: a socket listened on it at the last reading
 * @service: its name or NULL
 * @record: index of its record in the last reading, or NO_RECORD
 * @reasons: bit per reason of drops that has a series
 */
struct shown_port {
	uint8_t scope;
	uint8_t transport;
	uint16_t port;
	bool listening;
	const char *service;
	size_t record;
	uint64_t reasons[REASONS_MAX / 64];
};

/**
 * struct shown - the ports that have series
 * @opt: what is to be shown
 * @services: names of ports
 * @v: the ports, ordered by scope, transport and number
 * @n: how many there are
 * @series: the most series that all that is shown can have
 * @hidden: ports left out at the last reading because of a limit
 * @hidden_listed: those of them that were requested by number
 * @hidden_series: reasons of drops left out at the last reading
 * @unlisted: bit per transport of which the kernel does not list the sockets
 * @reasons: names of the reasons seen
 * @n_reasons: how many
 * @dropped: bit per reason with a series for all ports, by scope and transport
 */
struct shown {
	struct shown_options opt;
	struct services *services;
	struct shown_port *v;
	size_t n;
	unsigned int series;
	unsigned int hidden;
	unsigned int hidden_listed;
	unsigned int hidden_series;
	unsigned int unlisted;
	char reasons[REASONS_MAX][REASON_SIZE];
	unsigned int n_reasons;
	uint64_t dropped[PORTMON_SCOPE_MAX + 1][NO_TRANSPORT + 1]
			[REASONS_MAX / 64];
};

int shown_init(struct shown *shown, const struct shown_options *opt,
	       struct services *services);
unsigned int shown_fixed(const struct shown_options *opt);
unsigned int shown_min_series(const struct shown_options *opt);
void shown_begin(struct shown *shown);
void shown_list(struct shown *shown, unsigned int port, unsigned int port_max,
		unsigned int transports);
bool shown_add(struct shown *shown, unsigned int scope, unsigned int transport,
	       unsigned int port);
void shown_sockets(struct shown *shown, const struct socks *socks,
		   const struct info *info);
struct shown_port *shown_find(struct shown *shown, unsigned int scope,
			      unsigned int transport, unsigned int port);
unsigned int shown_reason(struct shown *shown, const char *name);
bool shown_drop(struct shown *shown, uint64_t *reasons, unsigned int reason);
void shown_free(struct shown *shown);

#endif
