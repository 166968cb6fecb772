/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections and how long they may take. libmicrohttpd only knows a timeout
 * of silence: a client that sends a byte now and then would stay for ever.
 */
#ifndef PORTMON_EXPORTER_CONNS_H
#define PORTMON_EXPORTER_CONNS_H

#include <stdbool.h>
#include <stdint.h>

#define CONNS_MAX	32

/**
 * enum conn_state - what a connection is waiting for
 * @CONN_FREE: not in use
 * @CONN_IDLE: the next request; a reply has been sent
 * @CONN_REQUEST: the rest of a request
 * @CONN_REPLY: the client, to read the reply
 * @CONN_CLOSING: libmicrohttpd, to close it
 */
enum conn_state {
	CONN_FREE,
	CONN_IDLE,
	CONN_REQUEST,
	CONN_REPLY,
	CONN_CLOSING,
};

/**
 * struct conn - a connection
 * @state: enum conn_state
 * @fd: its socket
 * @since: when it came into this state, in milliseconds of the monotonic clock
 * @received: bytes that had been received when the headers of its request
 *   were complete
 * @loopback: its local address is one that only this host can reach
 * @last: it ends after the reply to the request that is open
 */
struct conn {
	enum conn_state state;
	int fd;
	uint64_t since;
	uint64_t received;
	bool loopback;
	bool last;
};

/**
 * struct conns - all connections
 * @v: the connections; some more than the limit, since closing takes a moment
 * @cap_ms: longest time left for any of them, 0 for the usual ones
 */
struct conns {
	struct conn v[2 * CONNS_MAX];
	uint64_t cap_ms;
};

uint64_t conns_now(void);
struct conn *conns_open(struct conns *conns, int fd, uint64_t now);
void conns_state(struct conn *conn, enum conn_state state);
unsigned int conns_count(const struct conns *conns);
bool conns_evict(struct conns *conns);
void conns_finish(struct conns *conns);
int conns_expire(struct conns *conns, uint64_t now);

#endif
