// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/names.h"
#include "lib/util.h"
#include "view/out_owners.h"
#include "view/table.h"

/* How many programs a cell names; the rest is a number. */
#define GROUPS_SHOWN	2

#define PIDS_SHOWN	4
#define CELL_SIZE	64

/**
 * owners_text() - the owners of a port in a few words
 * @buf: room for them
 * @use: the port's use
 *
 * Return: @buf: "nginx[812]+3 (nginx.service)", "-" for none.
 */
char *owners_text(char buf[static OWNERS_SIZE], const struct port_use *use)
{
	char name[OWNER_SIZE];
	size_t i, len = 0, groups = 0;

	snprintf(buf, OWNERS_SIZE, "-");
	for (i = 0; i < use->n; i += owner_group(use, i), groups++) {
		const struct proc *proc = use->v[i].proc;
		const char *unit = proc ? proc->unit : "";

		if (groups >= GROUPS_SHOWN || len >= OWNERS_SIZE)
			continue;
		len += snprintf(buf + len, OWNERS_SIZE - len, "%s%s%s%.40s%s",
				len ? ", " : "", owner_text(name, use, i),
				*unit ? " (" : "", unit, *unit ? ")" : "");
	}
	if (groups > GROUPS_SHOWN && len < OWNERS_SIZE)
		snprintf(buf + len, OWNERS_SIZE - len, ", %zu more",
			 groups - GROUPS_SHOWN);
	return buf;
}

static void format_cell(struct table *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void format_cell(struct table *t, const char *format, ...)
{
	char buf[CELL_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(buf, sizeof(buf), format, args);
	va_end(args);
	table_cell(t, buf);
}

static void address_cell(struct table *t, const struct port_use *use)
{
	const struct sock *s = use->listener;
	char buf[INET6_ADDRSTRLEN];

	if (!s || !inet_ntop(s->family, s->address, buf, sizeof(buf)))
		table_cell(t, "-");
	else if (use->listening > 1)
		format_cell(t, "%s +%u", buf, use->listening - 1);
	else
		table_cell(t, buf);
}

static void pids_cell(struct table *t, const struct port_use *use,
		      size_t first, size_t n)
{
	char buf[CELL_SIZE];
	size_t i, len = 0;

	for (i = first; i < first + n && i < first + PIDS_SHOWN; i++)
		len += snprintf(buf + len, sizeof(buf) - len, "%s%d",
				len ? "," : "", use->v[i].proc->pid);
	if (n > PIDS_SHOWN)
		snprintf(buf + len, sizeof(buf) - len, " +%zu",
			 n - PIDS_SHOWN);
	table_cell(t, buf);
}

/* A program, or "user NAME" where only that is known. */
static void owner_cells(struct table *t, const struct port_use *use,
			size_t first, size_t n)
{
	const struct proc *proc = n ? use->v[first].proc : NULL;
	char name[OWNER_SIZE];

	if (proc) {
		table_cell(t, proc->name);
		pids_cell(t, use, first, n);
		table_cell(t, *proc->unit ? proc->unit : "-");
		return;
	}
	table_cell(t, n ? owner_text(name, use, first) : "-");
	table_cell(t, "-");
	table_cell(t, "-");
}

static unsigned int open_of(const struct port_use *use, size_t first, size_t n)
{
	unsigned int sum = 0;

	while (n--)
		sum += use->v[first++].connections;
	return sum;
}

static void group_row(struct table *t, enum port_side side,
		      unsigned int transport, unsigned int port,
		      const struct port_use *use, size_t first)
{
	const size_t n = first < use->n ? owner_group(use, first) : 0;
	const bool listens = n ? use->v[first].listening : use->listening;

	table_row(t, false);
	format_cell(t, "%u/%s", port, name_of(&transport_names, transport));
	table_cell(t, side == SIDE_PEER ? "connects to" :
		   side == SIDE_LOOPBACK ? "connects here" : listens ? "listens" : "connected");
	owner_cells(t, use, first, n);
	format_cell(t, "%u", n ? open_of(use, first, n) : use->connections);
	/* What is not accepted yet belongs to the port, not to a process. */
	if (first) {
		table_cell(t, "");
		table_cell(t, "");
		table_cell(t, "");
		return;
	}
	format_cell(t, "%u", use->opening);
	if (use->queue_max)
		format_cell(t, "%ju/%ju", (uintmax_t)use->queue,
			    (uintmax_t)use->queue_max);
	else
		table_cell(t, "-");
	address_cell(t, use);
}

static int port_rows(struct table *t, const struct owners *o,
		     enum port_side side, unsigned int transport,
		     unsigned int port, size_t *rows)
{
	struct port_use use;
	size_t i = 0;
	int err = owners_of(o, side, transport, port, &use);

	if (!err) {
		do {
			group_row(t, side, transport, port, &use, i);
			i += i < use.n ? owner_group(&use, i) : 1;
			++*rows;
		} while (i < use.n);
	}
	port_use_free(&use);
	return err;
}

static int spec_rows(struct table *t, const struct owners *o,
		     const struct portspec *spec, enum port_side side,
		     size_t *rows)
{
	unsigned int transport;
	int port, err = 0;

	for (transport = 0; transport <= PORTMON_TRANSPORT_MAX; transport++) {
		if (!(spec->transports & 1u << transport))
			continue;
		port = owners_next(o, side, transport, spec->port);
		while (!err && port >= 0 && port <= spec->port_max) {
			err = port_rows(t, o, side, transport, port, rows);
			port = owners_next(o, side, transport, port + 1);
		}
	}
	return err;
}

static void owner_heads(struct table *t)
{
	static const struct table_head heads[] = {
		{ "PORT", COLUMN_LEFT },
		{ "STATE", COLUMN_LEFT },
		{ "PROCESS", COLUMN_LEFT },
		{ "PID", COLUMN_LEFT },
		{ "UNIT", COLUMN_TRUNC },
		{ "OPEN", COLUMN_RIGHT },
		{ "HALF-OPEN", COLUMN_RIGHT },
		{ "BACKLOG", COLUMN_RIGHT },
		{ "ADDRESS", COLUMN_LEFT },
	};

	table_columns(t, heads, ARRAY_SIZE(heads));
}

/**
 * out_owners() - print who owns some ports
 * @ctx: the run
 * @o: the owners
 * @spec: the ports
 * @n: how many specs
 *
 * Return: 0 or a negative errno.
 */
int out_owners(const struct ctx *ctx, const struct owners *o,
	       const struct portspec *spec, size_t n)
{
	struct table *t = table_begin(ctx);
	size_t i, rows = 0;
	int side, err = 0;

	owner_heads(t);
	for (side = SIDE_OWN; side < SIDES; side++)
		for (i = 0; i < n && !err; i++)
			err = spec_rows(t, o, &spec[i], side, &rows);
	if (!rows || err) {
		table_free(t);
		if (err)
			warn_memory();
		else
			printf("no local socket uses it\n");
		return err;
	}
	return table_end(t);
}

static void json_owner(struct json *j, const struct owner *owner)
{
	const struct proc *proc = owner->proc;
	const struct passwd *user = NULL;

	json_object(j, NULL);
	json_string(j, "process", proc ? proc->name : NULL);
	if (proc)
		json_uint(j, "pid", proc->pid);
	else
		json_null(j, "pid");
	json_string(j, "unit", proc && *proc->unit ? proc->unit : NULL);
	if (!proc && owner->uid != OWNER_NOBODY)
		user = getpwuid(owner->uid);
	if (user)
		json_string(j, "user", user->pw_name);
	json_bool(j, "listens", owner->listening);
	json_uint(j, "connections", owner->connections);
	json_object_end(j);
}

/**
 * out_json_owner() - write who owns the port of a record
 * @j: the document, in the record's object
 * @r: the record
 */
void out_json_owner(struct json *j, const struct record *r)
{
	struct port_use use;
	size_t i;

	if (owners_of_record(r, &use))
		j->err = ENOMEM;
	json_array(j, "owner");
	for (i = 0; i < use.n && !j->err; i++)
		json_owner(j, &use.v[i]);
	json_array_end(j);
	json_object(j, "sockets");
	json_uint(j, "listening", use.listening);
	json_uint(j, "open", use.connections);
	json_uint(j, "half_open", use.opening);
	json_uint(j, "closing", use.closing);
	json_uint(j, "backlog", use.queue);
	json_uint(j, "backlog_max", use.queue_max);
	json_object_end(j);
	port_use_free(&use);
}
