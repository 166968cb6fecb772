// SPDX-License-Identifier: GPL-2.0
/*
 * A snapshot as text:
 *
 *	portmon-delta 1 BOOT COOKIE GENERATION SINCE TIME
 *	p HAS SCOPE TRANSPORT ... COUNTER ...	a port, "o": overflow, "b": bucket
 *	d PACKETS REASON			a reason for drops of the record above
 *	end RECORDS
 *
 * The numbers of a record are those of the table below, and then TCP's.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/deltafile.h"
#include "lib/util.h"

#define LINE_SIZE	1024

static const struct {
	size_t offset;
	size_t size;
} fields[] = {
#define FIELD(m) { offsetof(struct record, m), sizeof(((struct record *)0)->m) }
	FIELD(has), FIELD(scope), FIELD(transport), FIELD(range), FIELD(hook),
	FIELD(family), FIELD(bucket), FIELD(protocol), FIELD(port),
	FIELD(rx.packets), FIELD(rx.bytes), FIELD(tx.packets), FIELD(tx.bytes),
	FIELD(all.packets), FIELD(all.bytes), FIELD(dropped),
};

static uint64_t get(const struct record *r, size_t i)
{
	uint64_t v;

	switch (fields[i].size) {
	case 1:
		return *((const uint8_t *)r + fields[i].offset);
	case 2:
		return *(const uint16_t *)((const char *)r + fields[i].offset);
	case 4:
		return *(const uint32_t *)((const char *)r + fields[i].offset);
	default:
		memcpy(&v, (const char *)r + fields[i].offset, sizeof(v));
		return v;
	}
}

static bool set(struct record *r, size_t i, uint64_t v)
{
	char *to = (char *)r + fields[i].offset;

	switch (fields[i].size) {
	case 1:
		*(uint8_t *)to = v;
		return v <= UINT8_MAX;
	case 2:
		*(uint16_t *)to = v;
		return v <= UINT16_MAX;
	case 4:
		*(uint32_t *)to = v;
		return v <= UINT32_MAX;
	default:
		memcpy(to, &v, sizeof(v));
		return true;
	}
}

static void write_records(FILE *f, char kind, const struct records *list)
{
	const struct drop *d;
	size_t i, k;

	for (i = 0; i < list->n; i++) {
		const struct record *r = &list->v[i];

		putc(kind, f);
		for (k = 0; k < ARRAY_SIZE(fields); k++)
			fprintf(f, " %" PRIu64, get(r, k));
		for (k = 1; k <= PORTMON_A_TCP_MAX; k++)
			fprintf(f, " %" PRIu64, r->tcp[k]);
		putc('\n', f);
		for (d = r->drops; d; d = d->next)
			fprintf(f, "d %" PRIu64 " %s\n", d->packets,
				d->reason);
	}
}

/**
 * delta_write() - write a snapshot as text
 * @f: where to
 * @mark: which moment it is of
 * @s: the snapshot
 *
 * Return: 0 or the negative errno of a write that failed.
 */
int delta_write(FILE *f, const struct mark *mark, const struct snapshot *s)
{
	errno = 0;
	fprintf(f, "portmon-delta 1 %s %" PRIu64 " %" PRIu32 " %" PRIu64
		" %" PRIu64 "\n", mark->boot, mark->cookie, mark->generation,
		mark->since, mark->time);
	write_records(f, 'p', &s->ports);
	write_records(f, 'o', &s->overflow);
	write_records(f, 'b', &s->other);
	fprintf(f, "end %zu\n", s->ports.n + s->overflow.n + s->other.n);
	if (!fflush(f) && !ferror(f))
		return 0;
	return errno ? -errno : -EIO;
}

static bool parse_u64(const char **s, uint64_t *v)
{
	char *end;

	if (**s != ' ' || (*s)[1] < '0' || (*s)[1] > '9')
		return false;
	errno = 0;
	*v = strtoull(*s + 1, &end, 10);
	*s = end;
	return !errno;
}

static int parse_record(const char *s, struct records *list)
{
	struct record *r = records_new(list);
	uint64_t v;
	size_t i;

	if (!r)
		return -ENOMEM;
	*r = (struct record){ 0 };
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (!parse_u64(&s, &v) || !set(r, i, v))
			return -EBADMSG;
	for (i = 1; i <= PORTMON_A_TCP_MAX; i++)
		if (!parse_u64(&s, &r->tcp[i]))
			return -EBADMSG;
	return *s ? -EBADMSG : 0;
}

static int parse_drop(const char *s, struct records *list)
{
	struct drop *d;
	uint64_t packets;

	if (!list || !list->n || !parse_u64(&s, &packets) || *s != ' ' ||
	    strlen(s) > REASON_SIZE)
		return -EBADMSG;
	d = records_drop(list, &list->v[list->n - 1]);
	if (!d)
		return -ENOMEM;
	d->packets = packets;
	snprintf(d->reason, sizeof(d->reason), "%s", s + 1);
	return 0;
}

static bool read_line(FILE *f, char line[static LINE_SIZE])
{
	size_t len;

	if (!fgets(line, LINE_SIZE, f))
		return false;
	len = strlen(line);
	if (!len || line[len - 1] != '\n')
		return false;
	line[len - 1] = '\0';
	return true;
}

static bool parse_head(const char *line, struct mark *mark)
{
	int used = 0;

	return sscanf(line, "portmon-delta 1 %39[0-9a-f-] %" SCNu64
		      " %" SCNu32 " %" SCNu64 " %" SCNu64 "%n", mark->boot,
		      &mark->cookie, &mark->generation, &mark->since, &mark->time,
		      &used) == 5 && !line[used];
}

static int parse_line(const char *line, struct snapshot *s,
		      struct records **last)
{
	switch (line[0]) {
	case 'p':
		*last = &s->ports;
		break;
	case 'o':
		*last = &s->overflow;
		break;
	case 'b':
		*last = &s->other;
		break;
	case 'd':
		return parse_drop(line + 1, *last);
	default:
		return -EBADMSG;
	}
	return parse_record(line + 1, *last);
}

/**
 * delta_parse() - read a snapshot back
 * @f: where from
 * @mark: which moment it is of
 * @s: the snapshot, to release with snapshot_free()
 *
 * Return: 0, -EBADMSG if it is no snapshot or incomplete, or -ENOMEM.
 */
int delta_parse(FILE *f, struct mark *mark, struct snapshot *s)
{
	struct records *last = NULL;
	char line[LINE_SIZE];
	unsigned long n;
	int err;

	*s = (struct snapshot){ 0 };
	if (!read_line(f, line) || !parse_head(line, mark))
		return -EBADMSG;
	for (;;) {
		if (!read_line(f, line)) {
			err = -EBADMSG;
			break;
		}
		if (!strncmp(line, "end ", 4)) {
			err = parse_number(line + 4, SIZE_MAX, &n, NULL) &&
			      n == s->ports.n + s->overflow.n + s->other.n ?
			      0 : -EBADMSG;
			break;
		}
		err = parse_line(line, s, &last);
		if (err)
			break;
	}
	if (err)
		snapshot_free(s);
	return err;
}
