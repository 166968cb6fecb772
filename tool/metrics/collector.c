// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <time.h>

#include "lib/names.h"
#include "lib/util.h"
#include "metrics/collector.h"

/* How often to start over if a reset occurs between two dumps. */
#define MAX_TRIES	16

/*
 * Ports that are closer than this are read by one request: walking over a
 * record that is not wanted costs less than a request.
 */
#define SPAN_GAP	32

/**
 * collector_init() - prepare to read
 * @c: the collector, to release with collector_free()
 * @opt: what is to be shown
 *
 * Return: 0 or -ENOMEM.
 */
int collector_init(struct collector *c, const struct shown_options *opt)
{
	unsigned int t, range, scope;
	int err;

	memset(c, 0, sizeof(*c));
	err = shown_init(&c->shown, opt, &c->services);
	if (err)
		return err;
	services_mark(&c->services);
	/* Rates are of what was there before: begin with zero. */
	for (t = PORTMON_TRANSPORT_TCP; t <= PORTMON_TRANSPORT_UDP; t++)
		for (range = 0; range <= PORTMON_RANGE_MAX; range++)
			c->ranges[PORTMON_SCOPE_LOCAL][t][range].seen = true;
	for (scope = 0; scope <= PORTMON_SCOPE_MAX; scope++)
		c->overflow[scope].seen = true;
	return 0;
}

/**
 * collector_free() - release what a collector holds
 * @c: the collector
 */
void collector_free(struct collector *c)
{
	pm_close(c->pm);
	services_free(&c->services);
	shown_free(&c->shown);
	records_free(&c->ports);
}

/* A sum that has been seen keeps its series, at zero if it is missing later. */
static void zero(struct sum *v, size_t size)
{
	for (; size; v++, size -= sizeof(*v)) {
		v->rx = (struct count){ 0 };
		v->tx = (struct count){ 0 };
	}
}

static void empty(struct collector *c)
{
	records_empty(&c->ports);
	shown_begin(&c->shown);
	zero(c->ranges[0][0], sizeof(c->ranges));
	zero(c->overflow, sizeof(c->overflow));
	zero(c->buckets[0][0], sizeof(c->buckets));
	zero(c->protocols[0][0], sizeof(c->protocols));
	memset(c->dropped, 0, sizeof(c->dropped));
}

static void add_to_sum(struct sum *sum, const struct record *r)
{
	sum->seen = true;
	count_add(&sum->rx, &r->rx);
	count_add(&sum->tx, &r->tx);
	/* Of a bucket; other records have none. */
	count_add(&sum->rx, &r->all);
}

/* A newer module may know more than there is room for. */
static bool is_range(const struct record *r)
{
	return record_has(r, PORTMON_A_RECORD_TRANSPORT) &&
	       r->scope <= PORTMON_SCOPE_MAX &&
	       r->transport <= PORTMON_TRANSPORT_MAX &&
	       r->range <= PORTMON_RANGE_MAX;
}

static int take_range(const struct record *r, void *arg)
{
	struct collector *c = arg;

	if (is_range(r))
		add_to_sum(&c->ranges[r->scope][r->transport][r->range], r);
	return 0;
}

static void take_drops(struct collector *c, const struct record *r,
		       unsigned int transport)
{
	const struct drop *drop;

	if (r->scope > PORTMON_SCOPE_MAX || transport > NO_TRANSPORT)
		return;
	for (drop = r->drops; drop; drop = drop->next) {
		unsigned int reason = shown_reason(&c->shown, drop->reason);
		uint64_t *sums = c->dropped[r->scope][transport];

		if (shown_drop(&c->shown, c->shown.dropped[r->scope][transport],
			       reason))
			sums[reason] = sum_add(sums[reason], drop->packets);
	}
}

static int take_overflow(const struct record *r, void *arg)
{
	struct collector *c = arg;

	if (r->scope > PORTMON_SCOPE_MAX)
		return 0;
	add_to_sum(&c->overflow[r->scope], r);
	if (r->scope != PORTMON_SCOPE_REMOTE || c->shown.opt.remote)
		take_drops(c, r, NO_TRANSPORT);
	return 0;
}

static int take_bucket(const struct record *r, void *arg)
{
	struct collector *c = arg;
	unsigned int protocol = PROTOCOL_OTHER;

	if (r->hook > PORTMON_HOOK_MAX || r->family > PORTMON_FAMILY_MAX ||
	    r->bucket > PORTMON_BUCKET_MAX)
		return 0;
	if (r->bucket != PORTMON_BUCKET_PROTOCOL) {
		add_to_sum(&c->buckets[r->hook][r->family][r->bucket], r);
		return 0;
	}
	if (record_has(r, PORTMON_A_RECORD_PROTOCOL) &&
	    protocol_name(r->protocol))
		protocol = r->protocol;
	add_to_sum(&c->protocols[r->hook][r->family][protocol], r);
	return 0;
}

static int sum_port_drops(const struct record *r, void *arg)
{
	if (r->transport <= PORTMON_TRANSPORT_MAX)
		take_drops(arg, r, r->transport);
	return 0;
}

static int take_shown_port(const struct record *r, void *arg)
{
	struct collector *c = arg;
	struct shown_port *p = shown_find(&c->shown, r->scope, r->transport,
					  r->port);

	if (!p)
		return 0;
	p->record = c->ports.n;
	return records_add(&c->ports, r);
}

/* Well-known ports of other hosts, those that have a name. */
static int take_remote(const struct record *r, void *arg)
{
	struct collector *c = arg;
	const char *iana;

	if (!services_name(&c->services, r->port, r->transport, &iana))
		return 0;
	if (!shown_add(&c->shown, r->scope, r->transport, r->port))
		c->shown.hidden++;
	return 0;
}

static int read_remote(struct collector *c)
{
	const struct filter f = {
		.scope = PORTMON_SCOPE_REMOTE, .transport = ANY,
		.range = PORTMON_RANGE_WELL_KNOWN,
		.port = ANY, .port_max = ANY, .non_zero = true,
	};

	return pm_each(c->pm, PORTMON_CMD_PORT_GET, &f, take_remote, c);
}

static int read_sockets(struct collector *c)
{
	struct socks socks = { 0 };
	struct error e;
	int err = socks_listening(&socks, &e);

	if (!err)
		shown_sockets(&c->shown, &socks, &c->info);
	else	/* whether somebody listens is not known */
		c->shown.unlisted = ~0u;
	socks_free(&socks);
	return err == -ENOMEM ? err : 0;
}

/* The last of the ports that one request is to read. */
static size_t span_end(const struct shown *shown, size_t i)
{
	const struct shown_port *p = &shown->v[i];

	while (i + 1 < shown->n && p[1].scope == p->scope &&
	       p[1].transport == p->transport &&
	       p[1].port - p->port <= SPAN_GAP) {
		i++;
		p++;
	}
	return i;
}

static int read_shown_ports(struct collector *c)
{
	const struct shown *shown = &c->shown;
	size_t first, last;
	int err = 0;

	for (first = 0; first < shown->n && !err; first = last + 1) {
		struct filter f = FILTER_ALL;

		last = span_end(shown, first);
		f.scope = shown->v[first].scope;
		f.transport = shown->v[first].transport;
		f.port = shown->v[first].port;
		f.port_max = shown->v[last].port;
		err = pm_each(c->pm, PORTMON_CMD_PORT_GET, &f, take_shown_port,
			      c);
	}
	return err;
}

/* The sums that cost as much as there are ports of other hosts are extra. */
static int read_sums(struct collector *c)
{
	struct filter f = FILTER_ALL;
	int err = 0;

	for (f.scope = 0; f.scope <= PORTMON_SCOPE_MAX && !err; f.scope++) {
		if (f.scope == PORTMON_SCOPE_REMOTE && !c->shown.opt.remote)
			continue;
		f.dropped = false;
		err = pm_each(c->pm, PORTMON_CMD_RANGE_GET, &f, take_range, c);
		f.dropped = true;
		if (!err)
			err = pm_each(c->pm, PORTMON_CMD_PORT_GET, &f,
				      sum_port_drops, c);
	}
	return err;
}

static int read_once(struct collector *c)
{
	int err;

	empty(c);
	err = read_sockets(c);
	if (!err && c->shown.opt.remote)
		err = read_remote(c);
	if (!err)
		err = read_shown_ports(c);
	if (!err)
		err = read_sums(c);
	if (!err)
		err = pm_each(c->pm, PORTMON_CMD_OVERFLOW_GET, NULL, take_overflow, c);
	return err ? err : pm_each(c->pm, PORTMON_CMD_BUCKET_GET, NULL, take_bucket, c);
}

static int fail(struct collector *c, const char *what, int err)
{
	return pm_error(c->pm, what, err, &c->error);
}

/* The module has another number each time that it is loaded. */
static int connect_module(struct collector *c)
{
	int err;

	if (!c->pm)
		return pm_open(&c->pm, &c->error);
	err = pm_info(c->pm, &c->info);
	if (err != -ENOENT)
		return 0;
	pm_close(c->pm);
	c->pm = NULL;
	return pm_open(&c->pm, &c->error);
}

static int read_info(struct collector *c)
{
	int err = connect_module(c);

	if (err)
		return err;
	memset(&c->info, 0, sizeof(c->info));
	err = pm_info(c->pm, &c->info);
	if (err)
		return fail(c, "ask the module", err);
	c->known = true;
	if (c->info.enabled)
		return 0;
	return error_set(&c->error, -ENETDOWN,
			 "counting is off in this network namespace; enable it with: portmon-ctl enable");
}

static int read_all(struct collector *c)
{
	int tries, err = 0;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		uint32_t before;

		err = read_info(c);
		if (err)
			return err;
		before = c->info.generation;
		err = read_once(c);
		if (err == -EINTR)
			continue;
		if (err)
			return fail(c, "read the counters", err);
		err = pm_info(c->pm, &c->info);
		if (err)
			return fail(c, "ask the module", err);
		if (c->info.generation == before)
			return 0;
		err = -EINTR;
	}
	return fail(c, "read the counters", err);
}

/* Once for each reading, however often it is written. */
static void show_drops(struct collector *c)
{
	const struct drop *drop;
	size_t i;

	for (i = 0; i < c->shown.n; i++) {
		struct shown_port *p = &c->shown.v[i];
		const struct record *r;

		if (p->record == NO_RECORD)
			continue;
		r = &c->ports.v[p->record];
		if (drops_unknown(&c->info, r))
			continue;
		for (drop = r->drops; drop; drop = drop->next)
			shown_drop(&c->shown, p->reasons,
				   shown_reason(&c->shown, drop->reason));
	}
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

/**
 * collector_read() - read what the module has counted
 * @c: the collector
 *
 * All of it is from between the same two resets. Where it is not available,
 * @c->up is false and @c->error says why; the next reading tries again.
 */
void collector_read(struct collector *c)
{
	const uint64_t begun = now_us();

	c->known = false;
	c->up = !read_all(c);
	if (c->up)
		show_drops(c);
	else
		empty(c);
	c->took_us = now_us() - begun;
}
