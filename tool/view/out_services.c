// SPDX-License-Identifier: GPL-2.0
/* Services: their columns, and the same as JSON. */
#include <linux/portmon.h>

#include "lib/names.h"
#include "lib/util.h"
#include "view/cells.h"
#include "view/out_services.h"

/**
 * transport_words() - the names of transports
 * @buf: room for them
 * @bits: bit per enum portmon_transport
 *
 * Return: @buf, with commas between the names.
 */
char *transport_words(char buf[static TRANSPORTS_SIZE], unsigned int bits)
{
	size_t len = 0;
	unsigned int i;

	buf[0] = '\0';
	for (i = 0; i <= PORTMON_TRANSPORT_MAX; i++)
		if (bits & 1u << i)
			len += snprintf(buf + len, TRANSPORTS_SIZE - len,
					"%s%s", len ? "," : "",
					name_of(&transport_names, i));
	return buf;
}

/**
 * service_record() - a service as a line, for tables and sorting
 * @r: the line
 * @m: the service; valid as long as the line
 */
void service_record(struct record *r, const struct svc_match *m)
{
	*r = (struct record){
		.port = m->e->port, .port_max = m->e->port_max,
		.transport = __builtin_ctz(m->e->transports),
		.service = svc_text(m->table, m->e->name),
		.iana = svc_iana(m->table, m->e),
		.item = m,
	};
}

static const char *service_port(struct cell *c, const struct record *r)
{
	if (c->csv || r->port == r->port_max)
		return cell_exact(c, r->port);
	snprintf(c->buf, CELL_SIZE, "%u-%u", r->port, r->port_max);
	return c->buf;
}

static const struct column column_of_port = {
	.name = "PORT",
	.flags = COLUMN_RIGHT,
	.text = service_port,
	.key = "port",
	.sorts = SORT(PORT),
	.help = "port, or first-last; in CSV the first",
};

static const char *service_port_max(struct cell *c, const struct record *r)
{
	return cell_exact(c, r->port_max);
}

static const struct column column_of_port_max = {
	.name = "PORT-MAX",
	.flags = COLUMN_RIGHT,
	.text = service_port_max,
	.key = "port_max",
	.help = "last port",
};

static const char *service_transports(struct cell *c, const struct record *r)
{
	const struct svc_match *m = r->item;

	return transport_words(c->buf, m->e->transports);
}

static const struct column column_of_transports = {
	.name = "TRANSPORT",
	.text = service_transports,
	.key = "transports",
	.sorts = SORT(TRANSPORT),
	.help = "transport protocols",
};

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static const char *service_aliases(struct cell *c, const struct record *r)
{
	const struct svc_match *m = r->item;

	(void)c;
	return or_empty(svc_text(m->table, m->e->aliases));
}

static const struct column column_of_aliases = {
	.name = "ALIASES",
	.flags = COLUMN_TRUNC,
	.text = service_aliases,
	.key = "aliases",
	.help = "other short names",
};

static const char *service_full_name(struct cell *c, const struct record *r)
{
	const struct svc_match *m = r->item;

	(void)c;
	return or_empty(svc_text(m->table, m->e->full));
}

static const struct column column_of_name = {
	.name = "NAME",
	.flags = COLUMN_TRUNC,
	.text = service_full_name,
	.key = "name",
	.help = "full name of the service",
};

static const char *service_use(struct cell *c, const struct record *r)
{
	const struct svc_match *m = r->item;

	(void)c;
	return or_empty(svc_text(m->table, m->e->use));
}

static const struct column column_of_use = {
	.name = "FOR",
	.flags = COLUMN_TRUNC,
	.text = service_use,
	.key = "for",
	.help = "what the service is for",
};

static const char *service_watch(struct cell *c, const struct record *r)
{
	const struct svc_match *m = r->item;

	(void)c;
	return or_empty(svc_text(m->table, m->e->watch));
}

static const struct column column_of_watch = {
	.name = "WATCH",
	.flags = COLUMN_TRUNC,
	.text = service_watch,
	.key = "watch",
	.help = "what to watch for",
};

static const char *service_source(struct cell *c, const struct record *r)
{
	const struct svc_match *m = r->item;

	(void)c;
	return m->table->source;
}

static const struct column column_of_source = {
	.name = "SOURCE",
	.flags = COLUMN_TRUNC,
	.text = service_source,
	.key = "source",
	.help = "the file that names it",
};

static const struct column *const of_services[] = {
	&column_of_port, &column_of_port_max, &column_of_transports,
	&column_service, &column_iana, &column_of_aliases, &column_of_name,
	&column_of_use, &column_of_watch, &column_of_source,
};

/** @services_layout: the table of services */
const struct layout services_layout = {
	.columns = &(const struct columns)COLUMNS(of_services),
	.plain = "PORT,TRANSPORT,SERVICE,NAME,SOURCE",
	.csv = "PORT,PORT-MAX,TRANSPORT,SERVICE,IANA,ALIASES,NAME,SOURCE",
};

/**
 * out_json_service() - write what one file says of a service
 * @j: the document
 * @m: the service
 */
void out_json_service(struct json *j, const struct svc_match *m)
{
	const struct svc_table *t = m->table;
	unsigned int i;

	json_object(j, NULL);
	json_string(j, "service", svc_text(t, m->e->name));
	json_string(j, "iana", svc_iana(t, m->e));
	json_string(j, "aliases", svc_text(t, m->e->aliases));
	json_uint(j, "port", m->e->port);
	json_uint(j, "port_max", m->e->port_max);
	json_array(j, "transports");
	for (i = 0; i <= PORTMON_TRANSPORT_MAX; i++)
		if (m->e->transports & 1u << i)
			json_word(j, NULL, name_of(&transport_names, i));
	json_array_end(j);
	json_string(j, "name", svc_text(t, m->e->full));
	json_string(j, "for", svc_text(t, m->e->use));
	json_string(j, "watch", svc_text(t, m->e->watch));
	json_string(j, "source", t->source);
	json_object_end(j);
}
