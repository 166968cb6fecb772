// SPDX-License-Identifier: GPL-2.0
/* A file of services (the catalogue's and services(5)'s format). */
#include <stdlib.h>
#include <string.h>

#include "lib/names.h"
#include "lib/services.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __wrap_warn(const char *format, ...);

void __wrap_warn(const char *format, ...)
{
	(void)format;
}

/* Every text has its end within the file's. */
static void read_text(const struct svc_table *t, uint32_t offset, size_t size)
{
	const char *text = svc_text(t, offset);

	if (text && (offset > size + 1 || offset + strlen(text) > size + 1))
		abort();
}

static void read_entry(const struct svc_table *t, unsigned int i, size_t size)
{
	const struct service *e = &t->v[i];
	const bool range = i >= t->singles + t->spans;

	read_text(t, e->name, size);
	read_text(t, e->aliases, size);
	read_text(t, e->full, size);
	read_text(t, e->use, size);
	read_text(t, e->watch, size);
	if (e->port > e->port_max || range != !e->transports)
		abort();
	if (i < t->singles && e->port != e->port_max)
		abort();
	/* What is in the table is found in it. */
	if (!range && !svc_find_port(t, e->port, e->transports))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct services s = { .loaded = (1u << SVC_SOURCES) - 1 };
	struct svc_table *t = &s.tables[SVC_USER];
	struct svc_match match[4];
	unsigned int i, n;
	const char *iana;
	char *text = malloc(size + 2);

	if (!text)
		return 0;
	text[0] = '\n';
	if (size)
		memcpy(text + 1, data, size);
	text[size + 1] = '\0';
	if (svc_parse(text, "fuzz", NULL, t)) {
		free(text);
		return 0;
	}
	n = t->singles + t->spans + t->ranges;
	for (i = 0; i < n; i++) {
		read_entry(t, i, size);
		if (i < t->singles + t->spans && t->v[i].name &&
		    !services_find_name(&s, svc_text(t, t->v[i].name), match, 4))
			abort();
		services_name(&s, t->v[i].port, i % 5, &iana);
	}
	svc_free(t);
	return 0;
}
