/* SPDX-License-Identifier: GPL-2.0 */
/* Ports as people name them: 443, 443/tcp, 8000-8100, https, https/udp. */
#ifndef PORTMON_CTL_PORTSPEC_H
#define PORTMON_CTL_PORTSPEC_H

#include "lib/services.h"

#define ALL_TRANSPORTS 0xffu

/**
 * struct portspec - requested ports
 * @port: first one
 * @port_max: last one
 * @transports: bit per enum portmon_transport
 */
struct portspec {
	uint16_t port;
	uint16_t port_max;
	uint8_t transports;
};

#define PORTSPEC_MAX 16

struct ctx;
struct filter;

int ctx_ports(struct ctx *ctx, const char *list);
bool ctx_ports_plain(struct filter *f);
int portspec_parse(struct services *services, const char *arg,
		   struct portspec spec[static PORTSPEC_MAX]);

#endif
