// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "host/owners.h"
#include "view/sort.h"
#include "view/view.h"

/* From this number of ports on, marking those with a name is faster. */
#define MANY 256

/**
 * view_name() - give each port the names of its service
 * @list: port records
 * @services: the names
 */
void view_name(struct records *list, struct services *services)
{
	size_t i;

	if (list->n >= MANY)
		services_mark(services);
	for (i = 0; i < list->n; i++) {
		struct record *r = &list->v[i];

		r->service = services_name(services, r->port, r->transport,
					   &r->iana);
	}
}

/**
 * view_unname() - remove the names of services
 * @list: port records
 */
void view_unname(struct records *list)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		list->v[i].service = NULL;
		list->v[i].iana = NULL;
	}
}

/**
 * view_mark() - mark the ports that this namespace picks for itself
 * @list: port records
 * @info: says which
 */
void view_mark(struct records *list, const struct info *info)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		list->v[i].ephemeral = info_is_ephemeral(info, list->v[i].port);
}

static bool is_unit(const char *unit, const char *wanted)
{
	const size_t len = strlen(wanted);

	/* nginx is nginx.service, as systemctl(1) has it. */
	return !fnmatch(wanted, unit, 0) ||
	       (!strncmp(unit, wanted, len) && !strcmp(unit + len, ".service"));
}

/**
 * view_owned() - keep the ports that a process uses
 * @list: port records with owners
 * @process: pattern for its name, NULL for any
 * @unit: its unit or container, NULL for any
 *
 * Return: 0 or -ENOMEM.
 */
int view_owned(struct records *list, const char *process, const char *unit)
{
	size_t i, k, n = 0;

	for (i = 0; i < list->n; i++) {
		struct port_use use;
		bool found = false;

		if (owners_of_record(&list->v[i], &use)) {
			port_use_free(&use);
			return -ENOMEM;
		}
		for (k = 0; k < use.n && !found; k++) {
			const struct proc *proc = use.v[k].proc;

			found = proc &&
				(!process || !fnmatch(process, proc->name, 0)) &&
				(!unit || is_unit(proc->unit, unit));
		}
		port_use_free(&use);
		if (found)
			list->v[n++] = list->v[i];
	}
	list->n = n;
	return 0;
}

/* The sender of the SYN is a client, whatever its port. */
static bool is_client(const struct record *r)
{
	return r->scope == PORTMON_SCOPE_REMOTE &&
	       r->tcp[PORTMON_A_TCP_SYN_RECEIVED] >
	       r->tcp[PORTMON_A_TCP_SYN_SENT];
}

/**
 * view_folds() - may a port be part of a fold?
 * @r: the port, named and marked
 *
 * A port is folded if it has no name and is one that hosts pick for
 * themselves: this host (ephemeral) or, as IANA has it, any (dynamic). A
 * server without a name below those, on 8080 say, stays a line of its own. A
 * port of another host that has sent the SYN is a client's: it is folded.
 *
 * Return: whether it may.
 */
bool view_folds(const struct record *r)
{
	return is_client(r) ||
	       (!r->service &&
		(r->ephemeral || r->range == PORTMON_RANGE_DYNAMIC));
}

static void fold_drop(struct record *fold, struct drop *drop)
{
	struct drop **at;

	for (at = &fold->drops; *at; at = &(*at)->next)
		if (!strcmp((*at)->reason, drop->reason))
			break;
	drop->next = NULL;
	if (*at)
		drop_add(*at, drop);
	else
		*at = drop;
}

static void fold_events(struct record *fold, const struct record *r)
{
	struct drop *drop, *next;
	unsigned int i;

	fold->has |= r->has & (1u << PORTMON_A_RECORD_TCP |
			       1u << PORTMON_A_RECORD_DROPS);
	for (i = 0; i <= PORTMON_A_TCP_MAX; i++)
		fold->tcp[i] = sum_add(fold->tcp[i], r->tcp[i]);
	fold->dropped = sum_add(fold->dropped, r->dropped);
	if (!fold->histograms)
		fold->histograms = r->histograms;
	else if (r->histograms)
		histograms_add(fold->histograms, r->histograms);
	for (drop = r->drops; drop; drop = next) {
		next = drop->next;
		fold_drop(fold, drop);
	}
}

/**
 * view_fold_into() - add a port to a fold
 * @fold: the fold
 * @r: the port, about to be forgotten: its drops go over to the fold
 */
void view_fold_into(struct record *fold, const struct record *r)
{
	fold_events(fold, r);
	fold->folded = true;
	fold->ports++;
	if (r->port < fold->port)
		fold->port = r->port;
	if (r->port > fold->port_max)
		fold->port_max = r->port;
	count_add(&fold->rx, &r->rx);
	count_add(&fold->tx, &r->tx);
	if (r->first_seen < fold->first_seen)
		fold->first_seen = r->first_seen;
	if (r->last_seen > fold->last_seen)
		fold->last_seen = r->last_seen;
}

/**
 * view_fold() - make one line of the ephemeral ports of a scope and transport
 * @list: port records, named and marked
 *
 * The line takes the place of the first of its ports. A single port stays
 * what it is.
 */
void view_fold(struct records *list)
{
	enum { SCOPES = 8, TRANSPORTS = 8 };	/* more than there are */
	size_t at[SCOPES][TRANSPORTS] = { 0 };	/* place + 1 */
	size_t i, n = 0;

	for (i = 0; i < list->n; i++) {
		const struct record *r = &list->v[i];
		size_t *place;

		if (!view_folds(r) || r->scope >= SCOPES ||
		    r->transport >= TRANSPORTS) {
			list->v[n++] = *r;
			continue;
		}
		place = &at[r->scope][r->transport];
		if (*place) {
			view_fold_into(&list->v[*place - 1], r);
			continue;
		}
		list->v[n] = *r;
		list->v[n].port_max = r->port;
		list->v[n].ports = 1;
		*place = ++n;
	}
	list->n = n;
}

/**
 * view_ports() - mark, name and fold ports as the options ask
 * @ctx: the run, in the network namespace
 * @ports: its ports
 * @owners: who owns them, to release with owners_free(); left alone if no
 *   option needs them
 *
 * Names and owners are read only if needed: both take long, owners longer.
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int view_ports(struct ctx *ctx, struct records *ports, struct owners *owners)
{
	const struct options *opt = &ctx->opt;
	const bool fold = !given(opt, OPT_ALL);
	const bool owned = given(opt, OPT_PROCESS) || given(opt, OPT_UNIT);
	int err;

	view_mark(ports, &ctx->info);
	if (fold || !given(opt, OPT_NUMERIC))
		view_name(ports, &ctx->services);
	if (owned) {
		err = ctx_owners(ctx, ports, owners);
		if (!err)
			err = view_owned(ports, opt->process, opt->unit);
		if (err)
			return err;
	}
	if (fold)
		view_fold(ports);
	if (given(opt, OPT_NUMERIC))
		view_unname(ports);
	return given(opt, OPT_PROCESSES) && !owned ?
	       ctx_owners(ctx, ports, owners) : 0;
}

/* Tables have the busiest first; JSON and CSV keep the kernel's order. */
static enum sort_key sort_key(const struct options *opt)
{
	if (given(opt, OPT_SORT))
		return opt->sort;
	return given(opt, OPT_JSON) || given(opt, OPT_CSV) ? SORT_NONE :
							     SORT_BYTES;
}

/**
 * view_order() - put ports in the order that the options ask for
 * @ctx: the run
 * @ports: the ports
 */
void view_order(const struct ctx *ctx, struct records *ports)
{
	view_sort(ports, ports_layout.columns, sort_key(&ctx->opt),
		  given(&ctx->opt, OPT_REVERSE));
	if (ctx->opt.limit && ports->n > ctx->opt.limit)
		ports->n = ctx->opt.limit;
}

/**
 * view_overflow() - leave out overflow lines that do not match
 * @ctx: the run
 * @overflow: packets without a port record
 *
 * Of one port they tell nothing, and in a sum of its lines they would count.
 */
void view_overflow(const struct ctx *ctx, struct records *overflow)
{
	if (ctx->opt.filter.port != ANY && !given(&ctx->opt, OPT_JSON))
		overflow->n = 0;
}

/**
 * view_delta() - what was counted between two readings, ready to be printed
 * @ctx: the run
 * @delta: the readings
 * @s: what was counted, to release with snapshot_free()
 * @owners: owners of the ports, if requested, to release with owners_free()
 *
 * Return: 0 or a negative errno, after the error was printed.
 */
int view_delta(struct ctx *ctx, const struct deltas *delta,
	       struct snapshot *s, struct owners *owners)
{
	int err;

	if (deltas_get(delta, &ctx->opt.filter, s)) {
		warn_memory();
		return -ENOMEM;
	}
	err = view_ports(ctx, &s->ports, owners);
	if (err)
		return err;
	view_order(ctx, &s->ports);
	view_overflow(ctx, &s->overflow);
	return 0;
}
