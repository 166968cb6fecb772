// SPDX-License-Identifier: GPL-2.0
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <time.h>

#include "exporter/conns.h"
#include "lib/util.h"

/* A whole request, and a reply being read. */
#define ACTIVE_MS	10000
/* Longer than the usual scrape intervals, whose connections are kept. */
#define IDLE_MS		75000

/**
 * conns_now() - what time it is
 *
 * Return: milliseconds of the monotonic clock.
 */
uint64_t conns_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/**
 * conns_open() - a client has connected
 * @conns: the connections
 * @fd: its socket
 * @now: conns_now()
 *
 * Return: the connection, or NULL if there are too many.
 */
struct conn *conns_open(struct conns *conns, int fd, uint64_t now)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(conns->v); i++) {
		struct conn *conn = &conns->v[i];

		if (conn->state != CONN_FREE)
			continue;
		*conn = (struct conn){
			.state = CONN_REQUEST, .fd = fd, .since = now,
		};
		return conn;
	}
	return NULL;
}

static void set_conn_state(struct conn *conn, enum conn_state state)
{
	conn->state = state;
	conn->since = conns_now();
}

/* All that the kernel has received of a client. */
static uint64_t bytes_received(const struct conn *conn)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	getsockopt(conn->fd, IPPROTO_TCP, TCP_INFO, &info, &len);
	return info.tcpi_bytes_received;
}

/* libmicrohttpd does not report that the next request has begun. */
static void notice_requests(struct conns *conns)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(conns->v); i++)
		if (conns->v[i].state == CONN_IDLE &&
		    bytes_received(&conns->v[i]) > conns->v[i].received)
			set_conn_state(&conns->v[i], CONN_REQUEST);
}

/* libmicrohttpd sees the end of the connection and closes it. */
static void shut_conn(struct conn *conn)
{
	shutdown(conn->fd, SHUT_RDWR);
	set_conn_state(conn, CONN_CLOSING);
}

/**
 * conns_state() - a connection waits for something else from now on
 * @conn: the connection
 * @state: enum conn_state
 */
void conns_state(struct conn *conn, enum conn_state state)
{
	/* Once it is to end nothing keeps it. */
	if (conn->state == CONN_CLOSING && state != CONN_FREE)
		return;
	if (state == CONN_REPLY)
		conn->received = bytes_received(conn);
	if (conn->last && state == CONN_IDLE)
		shut_conn(conn);
	else
		set_conn_state(conn, state);
}

/**
 * conns_count() - how many connections there are
 * @conns: the connections
 *
 * Return: their number, without those that are being closed.
 */
unsigned int conns_count(const struct conns *conns)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(conns->v); i++)
		n += conns->v[i].state != CONN_FREE &&
		     conns->v[i].state != CONN_CLOSING;
	return n;
}

static bool is_earlier(const struct conn *a, const struct conn *b)
{
	const bool a_idle = a->state == CONN_IDLE;
	const bool b_idle = b->state == CONN_IDLE;

	if (a_idle != b_idle)
		return a_idle;
	return a->since < b->since;
}

/**
 * conns_evict() - end a connection to make room for another
 * @conns: the connections
 *
 * The one that has waited longest: first of those that have had their reply.
 *
 * Return: true if there was one.
 */
bool conns_evict(struct conns *conns)
{
	struct conn *oldest = NULL;
	size_t i;

	notice_requests(conns);

	for (i = 0; i < ARRAY_SIZE(conns->v); i++) {
		struct conn *conn = &conns->v[i];

		if (conn->state == CONN_FREE || conn->state == CONN_CLOSING)
			continue;
		if (!oldest || is_earlier(conn, oldest))
			oldest = conn;
	}
	if (oldest)
		shut_conn(oldest);
	return oldest;
}

/**
 * conns_finish() - end each connection after the request that it has open
 * @conns: the connections
 */
void conns_finish(struct conns *conns)
{
	size_t i;

	notice_requests(conns);
	for (i = 0; i < ARRAY_SIZE(conns->v); i++) {
		struct conn *conn = &conns->v[i];

		conn->last = true;
		if (conn->state == CONN_IDLE)
			shut_conn(conn);
	}
}

static uint64_t deadline(const struct conns *conns, const struct conn *conn)
{
	uint64_t ms = conn->state == CONN_IDLE ? IDLE_MS : ACTIVE_MS;

	if (conns->cap_ms && conns->cap_ms < ms)
		ms = conns->cap_ms;
	return conn->since + ms;
}

/**
 * conns_expire() - end the connections that have taken too long
 * @conns: the connections
 * @now: conns_now()
 *
 * Return: milliseconds until the next is due, or -1 if none will be.
 */
int conns_expire(struct conns *conns, uint64_t now)
{
	int wait = -1;
	size_t i;

	notice_requests(conns);

	for (i = 0; i < ARRAY_SIZE(conns->v); i++) {
		struct conn *conn = &conns->v[i];
		uint64_t due;

		if (conn->state == CONN_FREE || conn->state == CONN_CLOSING)
			continue;
		due = deadline(conns, conn);
		if (due <= now)
			shut_conn(conn);
		else if (wait < 0 || due - now < (uint64_t)wait)
			wait = due - now;
	}
	return wait;
}
