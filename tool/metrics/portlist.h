/* SPDX-License-Identifier: GPL-2.0 */
/* Ports given by number: 53,443/tcp,8000-8009. */
#ifndef PORTMON_METRICS_PORTLIST_H
#define PORTMON_METRICS_PORTLIST_H

#include <stdint.h>

#include "lib/error.h"

#define PORTLIST_MAX 256

/**
 * struct portlist - spans of ports
 * @v: the spans: first port, last port, bit per enum portmon_transport
 * @n: how many
 */
struct portlist {
	struct {
		uint16_t port;
		uint16_t port_max;
		uint8_t transports;
	} v[PORTLIST_MAX];
	unsigned int n;
};

int portlist_parse(struct portlist *list, const char *text, struct error *e);

#endif
