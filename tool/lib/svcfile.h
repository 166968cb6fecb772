/* SPDX-License-Identifier: GPL-2.0 */
/* Files that name services: services(5), and the catalogue's extension. */
#ifndef PORTMON_CTL_SVCFILE_H
#define PORTMON_CTL_SVCFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/**
 * struct service - one file's entry for a port, a span or an IANA range
 * @name: short name (https)
 * @aliases: other short names, blanks between them
 * @iana: name that IANA registered, "-" for none, see svc_iana()
 * @full: full name
 * @use: what it is for
 * @watch: what to watch for
 * @port: first port
 * @port_max: last port
 * @transports: bit per enum portmon_transport; 0 in the entry of a range
 *
 * Texts are offsets into the table's text, so that the built-in table is
 * constant data that needs no relocation; 0 stands for none.
 */
struct service {
	uint32_t name;
	uint32_t aliases;
	uint32_t iana;
	uint32_t full;
	uint32_t use;
	uint32_t watch;
	uint16_t port;
	uint16_t port_max;
	uint8_t transports;
};

/**
 * struct svc_table - the services of one file
 * @text: all texts
 * @v: single ports by number, then spans, then ranges
 * @singles: how many single ports
 * @spans: how many spans
 * @ranges: how many IANA ranges
 * @source: what people call the file
 * @registered: names are IANA's unless an entry says otherwise
 */
struct svc_table {
	const char *text;
	const struct service *v;
	unsigned int singles;
	unsigned int spans;
	unsigned int ranges;
	const char *source;
	bool registered;
};

static inline const char *svc_text(const struct svc_table *t, uint32_t offset)
{
	return offset ? t->text + offset : NULL;
}

/* NULL: there is none, or this file has no such text. */
static inline const char *svc_iana(const struct svc_table *t,
				   const struct service *e)
{
	const char *iana = svc_text(t, e->iana);

	if (!iana)
		return t->registered ? svc_text(t, e->name) : NULL;
	return strcmp(iana, "-") ? iana : NULL;
}

/* A newer module may know transports that no mask has room for. */
static inline unsigned int transport_bit(unsigned int transport)
{
	return transport < 8 ? 1u << transport : 0;
}

/* Takes a sentence about a line that was skipped. */
typedef void (*svc_warn_fn)(const char *text);

int svc_parse(char *text, const char *file, svc_warn_fn warn,
	      struct svc_table *t);
int svc_load(const char *path, svc_warn_fn warn, struct svc_table *t);
void svc_free(struct svc_table *t);

#endif
