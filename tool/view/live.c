// SPDX-License-Identifier: GPL-2.0
/* Columns from a port's sockets and histograms. */
#include "lib/record.h"
#include "view/cells.h"
#include "view/howlong.h"

static const char no_memory[] = "out of memory";

enum of_sockets {
	OPEN,
	HALF_OPEN,
	BACKLOG,
	BACKLOG_MAX,
};

static uint64_t number_of(const struct port_use *use, enum of_sockets which)
{
	switch (which) {
	case OPEN:
		return use->connections;
	case HALF_OPEN:
		return use->opening;
	case BACKLOG:
		return use->queue;
	default:
		return use->queue_max;
	}
}

static uint64_t sockets_number(const struct record *r, enum of_sockets which)
{
	struct port_use use;
	const uint64_t n = owners_of_record(r, &use) ? 0 :
						       number_of(&use, which);

	port_use_free(&use);
	return n;
}

/* A backlog is followed by its limit, in CSV by a column of its own. */
static const char *use_text(struct cell *c, const struct port_use *use,
			    enum of_sockets which)
{
	if (!use->n && !use->connections && !use->opening)
		return cell_nothing(c);
	if ((which == BACKLOG || which == BACKLOG_MAX) && !use->queue_max)
		return cell_nothing(c);
	if (which != BACKLOG || c->csv)
		return cell_exact(c, number_of(use, which));
	snprintf(c->buf, CELL_SIZE, "%ju/%ju", (uintmax_t)use->queue,
		 (uintmax_t)use->queue_max);
	return c->buf;
}

static const char *sockets_text(struct cell *c, const struct record *r,
				enum of_sockets which)
{
	struct port_use use;
	const char *text = owners_of_record(r, &use) ? no_memory :
			   use_text(c, &use, which);

	port_use_free(&use);
	return text;
}

static uint64_t open_now(const struct record *r)
{
	return sockets_number(r, OPEN);
}

static const char *open_text(struct cell *c, const struct record *r)
{
	return sockets_text(c, r, OPEN);
}

const struct column column_open = {
	.name = "OPEN",
	.flags = COLUMN_RIGHT | COLUMN_OWNERS,
	.text = open_text,
	.value = open_now,
	.key = "sockets.open",
	.help = "open connections now",
};

static uint64_t half_open_number(const struct record *r)
{
	return sockets_number(r, HALF_OPEN);
}

static const char *half_open_text(struct cell *c, const struct record *r)
{
	return sockets_text(c, r, HALF_OPEN);
}

const struct column column_half_open = {
	.name = "HALF-OPEN",
	.flags = COLUMN_RIGHT | COLUMN_OWNERS,
	.text = half_open_text,
	.value = half_open_number,
	.key = "sockets.half_open",
	.help = "connections now whose handshake is not complete",
};

static uint64_t backlog(const struct record *r)
{
	return sockets_number(r, BACKLOG);
}

static const char *backlog_text(struct cell *c, const struct record *r)
{
	return sockets_text(c, r, BACKLOG);
}

const struct column column_backlog = {
	.name = "BACKLOG",
	.flags = COLUMN_RIGHT | COLUMN_OWNERS,
	.text = backlog_text,
	.value = backlog,
	.key = "sockets.backlog",
	.help = "connections waiting to be accepted, and their limit",
};

static uint64_t backlog_max(const struct record *r)
{
	return sockets_number(r, BACKLOG_MAX);
}

static const char *backlog_max_text(struct cell *c, const struct record *r)
{
	return sockets_text(c, r, BACKLOG_MAX);
}

const struct column column_backlog_max = {
	.name = "BACKLOG-MAX",
	.flags = COLUMN_RIGHT | COLUMN_OWNERS,
	.text = backlog_max_text,
	.value = backlog_max,
	.key = "sockets.backlog_max",
	.help = "most connections that may wait to be accepted",
};

static const char *owner(struct cell *c, const struct record *r)
{
	struct port_use use;

	if (owners_of_record(r, &use))
		snprintf(c->buf, CELL_SIZE, "%s", no_memory);
	else if (!use.n)
		snprintf(c->buf, CELL_SIZE, "%s", cell_nothing(c));
	else
		owners_text(c->buf, &use);
	port_use_free(&use);
	return c->buf;
}

const struct column column_owner = {
	.name = "OWNER",
	.flags = COLUMN_TRUNC | COLUMN_OWNERS,
	.text = owner,
	.key = "owner",
	.help = "the processes that own the port",
};

/* Half of the connections had less; 0 if they are too few to tell. */
static uint64_t median_rtt(const struct record *r)
{
	unsigned int bucket;

	if (!r->histograms ||
	    !histogram_percentile(&r->histograms->of[PORTMON_A_HISTOGRAMS_RTT],
				  50, &bucket))
		return 0;
	return histogram_below(bucket);
}

static const char *rtt_text(struct cell *c, const struct record *r)
{
	const uint64_t us = median_rtt(r);

	if (!us)
		return cell_nothing(c);
	if (c->csv)
		return cell_exact(c, us);
	howlong_below(c->buf, CELL_SIZE, us);
	return c->buf;
}

const struct column column_rtt = {
	.name = "RTT",
	.flags = COLUMN_RIGHT | COLUMN_HISTOGRAMS,
	.text = rtt_text,
	.value = median_rtt,
	.help = "median round-trip time of TCP connections; in CSV in microseconds",
};
