// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "lib/snapshot.h"

/* How often to start over if a reset occurs between two dumps. */
#define MAX_TRIES 16

/* The kernel leaves out ports that counted nothing, but no overflow record. */
static void keep_counted(struct records *list)
{
	size_t i, n = 0;

	for (i = 0; i < list->n; i++)
		if (!record_is_nothing(&list->v[i]))
			list->v[n++] = list->v[i];
	list->n = n;
}

static int read_dumps(struct pm *pm, const struct filter *f,
		      unsigned int parts, struct snapshot *s,
		      struct nlreply *reply)
{
	int err;

	if (reply)
		reply->len = 0;
	records_empty(&s->ports);
	records_empty(&s->overflow);
	records_empty(&s->other);
	err = pm_ports(pm, f, &s->ports);
	if (!err && parts & SNAP_OVERFLOW)
		err = pm_overflow(pm, f, &s->overflow);
	if (!err && f->non_zero)
		keep_counted(&s->overflow);
	if (!err && parts & SNAP_OTHER)
		err = pm_buckets(pm, &s->other);
	return err;
}

static int get(struct pm *pm, struct info *info, const struct filter *f,
	       unsigned int parts, struct snapshot *s, struct nlreply *reply)
{
	int tries, err = 0;

	*s = (struct snapshot){ 0 };
	for (tries = 0; tries < MAX_TRIES; tries++) {
		uint32_t before = info->generation;

		err = read_dumps(pm, f, parts, s, reply);
		/* Reloaded since the last reading? */
		if (err == -ENOENT && !tries && !pm_find(pm))
			continue;
		if (err || !parts)
			break;
		err = pm_info(pm, info);
		if (err || info->generation == before)
			break;
		err = -EINTR;
	}
	if (err)
		snapshot_free(s);
	return err;
}

/**
 * snapshot_get() - read ports and what belongs to them
 * @pm: the connection
 * @info: state of the namespace, as last read; is read again with @parts
 * @f: which ports
 * @parts: what to read beside the ports
 * @s: what was read, to release with snapshot_free()
 *
 * What is read in several dumps is all from between the same two resets.
 *
 * Return: 0, -EINTR if resets kept breaking in, or a negative errno, which
 * pm_error() explains.
 */
int snapshot_get(struct pm *pm, struct info *info, const struct filter *f,
		 unsigned int parts, struct snapshot *s)
{
	return get(pm, info, f, parts, s, NULL);
}

/**
 * snapshot_keep() - the same, and keep the module's answers as they came
 * @pm: as for snapshot_get()
 * @info: as for snapshot_get()
 * @f: as for snapshot_get()
 * @parts: as for snapshot_get(), not 0: the state of the namespace ends it
 * @s: as for snapshot_get()
 * @reply: the answers, for snapshot_read(), to release with nlreply_free()
 *
 * Return: as snapshot_get().
 */
int snapshot_keep(struct pm *pm, struct info *info, const struct filter *f,
		  unsigned int parts, struct snapshot *s,
		  struct nlreply *reply)
{
	int err;

	pm_keep(pm, reply);
	err = get(pm, info, f, parts, s, reply);
	pm_keep(pm, NULL);
	return err;
}

/**
 * snapshot_read() - read what snapshot_keep() has kept
 * @kept: the answers, and nothing after them
 * @info: state of the namespace then
 * @f: as it was
 * @parts: as they were
 * @s: what was counted then, to release with snapshot_free()
 *
 * Return: 0, -EBADMSG if it is not complete or nothing like it, or -ENOMEM.
 */
int snapshot_read(FILE *kept, struct info *info, const struct filter *f,
		  unsigned int parts, struct snapshot *s)
{
	struct pm *pm;
	int err;

	*s = (struct snapshot){ 0 };
	*info = (struct info){ 0 };
	err = pm_open_kept(&pm, kept);
	if (err)
		return err;
	err = read_dumps(pm, f, parts, s, NULL);
	if (!err)
		err = pm_info(pm, info);
	if (!err && (!info_has(info, PORTMON_A_INFO_GENERATION) ||
		     !info_has(info, PORTMON_A_INFO_SINCE) ||
		     fgetc(kept) != EOF))
		err = -EBADMSG;
	pm_close(pm);
	if (!err)
		return 0;
	snapshot_free(s);
	return err == -ENOMEM ? err : -EBADMSG;
}

/**
 * snapshot_is_name() - can a snapshot have this name?
 * @name: the name, which becomes that of a file
 *
 * Return: whether it can.
 */
bool snapshot_is_name(const char *name)
{
	const size_t len = strlen(name);

	return len && len <= SNAPSHOT_NAME_MAX && *name != '.' &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") == len;
}

/**
 * snapshot_reset() - set counters to zero and keep what they held
 * @pm: the connection
 * @f: which; without a filter, the whole namespace
 * @s: what they held, also where an error is returned
 * @refused: 0, or what the module answered, which pm_error() explains
 *
 * Return: @refused, or -ENOMEM if only the keeping failed.
 */
int snapshot_reset(struct pm *pm, const struct filter *f, struct snapshot *s,
		   int *refused)
{
	struct records all = { 0 };
	int failed, err;
	size_t i;

	*s = (struct snapshot){ 0 };
	err = pm_reset(pm, f, &all);
	*refused = err;
	for (i = 0; i < all.n; i++) {
		const struct record *r = &all.v[i];

		if (record_has(r, PORTMON_A_RECORD_BUCKET))
			failed = records_add(&s->other, r);
		else if (record_has(r, PORTMON_A_RECORD_PORT))
			failed = records_add(&s->ports, r);
		else
			failed = records_add(&s->overflow, r);
		if (failed && !err)
			err = failed;
	}
	records_join(&s->overflow);
	records_free(&all);
	return err;
}

/**
 * snapshot_free() - release what a snapshot holds
 * @s: the snapshot
 */
void snapshot_free(struct snapshot *s)
{
	records_free(&s->ports);
	records_free(&s->overflow);
	records_free(&s->other);
}
