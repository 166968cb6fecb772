/* SPDX-License-Identifier: GPL-2.0 */
/* Who is at the other end of a port's connections. */
#ifndef PORTMON_CTL_OUT_PEERS_H
#define PORTMON_CTL_OUT_PEERS_H

#include <netinet/in.h>
#include <sys/types.h>

#include "ctl/portspec.h"
#include "host/owners.h"
#include "lib/json.h"
#include "view/table.h"

#define PEERS_SHOWN 10

/* What to say, of a port, where there is no peer. */
#define PEERS_NONE \
	"no open connection; who sends to it is seen with: tcpdump -ni any port %u"

/**
 * struct peer - an address that has connections to a port
 * @s: one of its sockets
 * @open: open connections
 * @received: bytes received from it on those, without headers
 * @sent: bytes that it has acknowledged
 */
struct peer {
	const struct sock *s;
	unsigned int open;
	uint64_t received;
	uint64_t sent;
};

ssize_t peers_find(const struct owners *o, const struct portspec *spec,
		   size_t n, struct peer **v);
const char *peer_address(char buf[static INET6_ADDRSTRLEN],
			 const struct peer *p);
const char *peer_bytes(char buf[static NUMBER_SIZE], const struct ctx *ctx,
		       const struct peer *p, uint64_t bytes);
int out_peers(const struct ctx *ctx, const struct owners *o,
	      const struct portspec *spec, size_t n);
void out_json_peers(struct json *j, const struct owners *o,
		    const struct portspec *spec, size_t n);

#endif
