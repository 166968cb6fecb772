// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/services.h"
#include "lib/util.h"

#define SITE_FILE	"/etc/portmon/services"
#define SYSTEM_FILE	"/etc/services"

/*
 * A wide span says what a port may be, not what it is: explain uses it,
 * but it gives no port its name (and so keeps none from being folded).
 */
#define NAME_SPAN_MAX	100

#define PORTS		65536

static void warn_unreadable(const struct services *s, const char *path,
			    int err)
{
	char text[512];

	if (!s->warn)
		return;
	snprintf(text, sizeof(text), "cannot read %s: %s; continuing without it",
		 path ? path : "the user's services", strerror(-err));
	s->warn(text);
}

static void load_table(struct services *s, unsigned int source)
{
	struct svc_table *t = &s->tables[source];
	char *path = NULL;
	int err = 0;

	switch (source) {
	case SVC_USER:
		path = config_path("services", &err);
		if (path)
			err = svc_load(path, s->warn, t);
		break;
	case SVC_SITE:
		err = svc_load(SITE_FILE, s->warn, t);
		break;
	case SVC_CATALOGUE:
		*t = catalogue;
		break;
	case SVC_SYSTEM:
		/* Lines not understood are skipped without a warning. */
		err = svc_load(SYSTEM_FILE, NULL, t);
		t->registered = true;
		break;
	}
	/* After su, $HOME may still be somebody else's. */
	if (err && !(err == -EACCES && source == SVC_USER))
		warn_unreadable(s, t->source, err);
	if (source == SVC_USER) {
		free(path);
		t->source = "user's file";
	}
}

/**
 * services_table() - the names of one source, read at first use
 * @s: the sources
 * @source: which
 *
 * Return: its table, empty where there is no such file.
 */
const struct svc_table *services_table(struct services *s, unsigned int source)
{
	if (!(s->loaded & 1u << source)) {
		s->loaded |= 1u << source;
		load_table(s, source);
	}
	return &s->tables[source];
}

/**
 * services_free() - release what was read
 * @s: the sources
 */
void services_free(struct services *s)
{
	unsigned int i;

	for (i = 0; i < SVC_SOURCES; i++)
		if (s->loaded & 1u << i && i != SVC_CATALOGUE)
			svc_free(&s->tables[i]);
	s->loaded = 0;
	free(s->named);
	s->named = NULL;
}

/**
 * struct place - a port that is looked for in a table
 * @t: the table
 * @port: the port
 */
struct place {
	const struct svc_table *t;
	unsigned int port;
};

static bool is_service_before(const void *arg, size_t i)
{
	const struct place *place = arg;

	return place->t->v[i].port < place->port;
}

/**
 * svc_find_port() - a table's entry for a port
 * @t: the table
 * @port: port number
 * @transports: bit per transport of which one must match
 *
 * Return: the entry or NULL.
 */
const struct service *svc_find_port(const struct svc_table *t,
				    unsigned int port,
				    unsigned int transports)
{
	const struct place place = { t, port };
	unsigned int i;

	for (i = lower_bound(t->singles, is_service_before, &place); i < t->singles && t->v[i].port == port; i++)
		if (t->v[i].transports & transports)
			return &t->v[i];
	for (i = t->singles; i < t->singles + t->spans; i++)
		if (t->v[i].port <= port && port <= t->v[i].port_max &&
		    t->v[i].transports & transports)
			return &t->v[i];
	return NULL;
}

static bool gives_name(const struct service *e)
{
	return e->port_max - e->port < NAME_SPAN_MAX;
}

/**
 * services_mark() - note which ports have a name, before many lookups
 * @s: the sources
 *
 * Most ports have none, which is quickly said of a port that is not marked.
 * Without memory for the marks every source is searched every time.
 */
void services_mark(struct services *s)
{
	unsigned int source, i, port;

	if (s->named)
		return;
	s->named = calloc(PORTS / 8, 1);
	for (source = 0; source < SVC_SOURCES && s->named; source++) {
		const struct svc_table *t = services_table(s, source);

		for (i = 0; i < t->singles + t->spans; i++) {
			const struct service *e = &t->v[i];

			if (!gives_name(e))
				continue;
			for (port = e->port; port <= e->port_max; port++)
				s->named[port / 8] |= 1 << port % 8;
		}
	}
}

/**
 * services_name() - names of a port's service
 * @s: the sources; the first that names the port decides, and for @iana the
 *   first that tells it
 * @port: port number
 * @transport: enum portmon_transport
 * @iana: is set to the name that IANA registered, or NULL
 *
 * Return: the short name or NULL.
 */
const char *services_name(struct services *s, unsigned int port,
			  unsigned int transport, const char **iana)
{
	const char *name = NULL;
	unsigned int source;

	*iana = NULL;
	if (s->named && !(s->named[port / 8] & 1 << port % 8))
		return NULL;
	for (source = 0; source < SVC_SOURCES; source++) {
		const struct svc_table *t = services_table(s, source);
		const struct service *e;

		if (!t->singles && !t->spans)
			continue;
		e = svc_find_port(t, port, transport_bit(transport));
		if (!e || !gives_name(e))
			continue;
		if (!name)
			name = svc_text(t, e->name);
		*iana = svc_iana(t, e);
		if (*iana || t->registered)
			break;
	}
	return name;
}

/**
 * svc_is_called() - is this a name of the entry?
 * @t: the table
 * @e: the entry
 * @name: short name, alias or IANA's name, in any case of letters
 *
 * Return: true if so.
 */
bool svc_is_called(const struct svc_table *t, const struct service *e,
		   const char *name)
{
	const char *alias = svc_text(t, e->aliases);
	const char *iana = svc_iana(t, e);
	size_t len = strlen(name);

	if (!strcasecmp(svc_text(t, e->name), name) ||
	    (iana && !strcasecmp(iana, name)))
		return true;
	while (alias && *alias) {
		size_t n = strcspn(alias, " \t");

		if (n == len && !strncasecmp(alias, name, n))
			return true;
		alias += n;
		alias += strspn(alias, " \t");
	}
	return false;
}

/**
 * services_find_name() - ports of a name
 * @s: the sources; the first that knows the name decides
 * @name: as svc_is_called() takes it
 * @match: room for what is found
 * @max: how much of it
 *
 * Return: how many were found.
 */
size_t services_find_name(struct services *s, const char *name,
			  struct svc_match *match, size_t max)
{
	unsigned int source, i;
	size_t n = 0;

	for (source = 0; source < SVC_SOURCES && !n; source++) {
		const struct svc_table *t = services_table(s, source);

		for (i = 0; i < t->singles + t->spans && n < max; i++)
			if (svc_is_called(t, &t->v[i], name))
				match[n++] = (struct svc_match){ t, &t->v[i] };
	}
	return n;
}

/**
 * services_range() - IANA range of a port, by the catalogue
 * @port: port number
 *
 * For explain, which must answer without the module; everything else goes
 * by the kernel's range.
 *
 * Return: the entry of @catalogue or NULL.
 */
const struct service *services_range(unsigned int port)
{
	const struct service *e = catalogue.v + catalogue.singles +
				  catalogue.spans;
	unsigned int i;

	for (i = 0; i < catalogue.ranges; i++, e++)
		if (e->port <= port && port <= e->port_max)
			return e;
	return NULL;
}
