/* SPDX-License-Identifier: GPL-2.0 */
/* Names of services: user's own file, catalogue, system's database. */
#ifndef PORTMON_CTL_SERVICES_H
#define PORTMON_CTL_SERVICES_H

#include "lib/svcfile.h"

enum {
	SVC_USER,
	SVC_SITE,
	SVC_CATALOGUE,
	SVC_SYSTEM,
	SVC_SOURCES
};

/**
 * struct services - the sources of names, in order of precedence
 * @tables: a table for each source
 * @loaded: bit per source that has been read
 * @named: bit per port that has a name, NULL before services_mark()
 * @warn: is called for a file that cannot be read and for each line that is
 *   skipped; NULL if not needed
 */
struct services {
	struct svc_table tables[SVC_SOURCES];
	unsigned int loaded;
	uint8_t *named;
	svc_warn_fn warn;
};

/**
 * struct svc_match - an entry and the table that holds it
 * @table: the table
 * @e: the entry
 */
struct svc_match {
	const struct svc_table *table;
	const struct service *e;
};

extern const struct svc_table catalogue;

const struct svc_table *services_table(struct services *s, unsigned int source);
void services_mark(struct services *s);
const char *services_name(struct services *s, unsigned int port,
			  unsigned int transport, const char **iana);
const struct service *svc_find_port(const struct svc_table *t,
				    unsigned int port,
				    unsigned int transports);
bool svc_is_called(const struct svc_table *t, const struct service *e,
		   const char *name);
size_t services_find_name(struct services *s, const char *name,
			  struct svc_match *match, size_t max);
const struct service *services_range(unsigned int port);
void services_free(struct services *s);

#endif
