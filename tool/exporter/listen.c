// SPDX-License-Identifier: GPL-2.0
/* Where the server listens. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exporter/log.h"
#include "exporter/server.h"
#include "lib/util.h"

#define ADDRESS_SIZE 64

/**
 * struct address - an address and a port
 * @host: a number, empty for all addresses of this host
 * @port: a number
 */
struct address {
	char host[ADDRESS_SIZE];
	char port[8];
};

/* getaddrinfo() takes blanks, signs and numbers that are too large for a port. */
static bool take_port_number(const char *s, struct address *a)
{
	unsigned long port;

	if (!parse_number(s, UINT16_MAX, &port, NULL) || !port)
		return false;
	snprintf(a->port, sizeof(a->port), "%u", (uint16_t)port);
	return true;
}

/* ADDRESS:PORT, [ADDRESS]:PORT, :PORT, ADDRESS or PORT. */
static bool split(const char *s, struct address *a)
{
	const char *host = s, *colon;
	size_t len;

	*a = (struct address){ .port = SERVER_PORT };
	if (*s && !s[strspn(s, "0123456789")])
		return take_port_number(s, a);
	if (*s == '[') {
		host++;
		len = strcspn(host, "]");
		if (!host[len])
			return false;
		colon = host + len + 1;
	} else {
		len = strcspn(s, ":");
		/* IPv6 without a port. */
		if (s[len] && strchr(s + len + 1, ':'))
			len = strlen(s);
		colon = s + len;
	}
	if (len >= sizeof(a->host) || (*colon && *colon != ':'))
		return false;
	/* All addresses only for :PORT, not for a variable that was empty. */
	if (!len && *s != ':')
		return false;
	*(char *)mempcpy(a->host, host, len) = '\0';
	return !*colon || take_port_number(colon + 1, a);
}

static int open_one(const struct addrinfo *to, bool both)
{
	const int on = 1, off = 0;
	int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC |
			SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (to->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, both ? &off : &on,
			   sizeof(on));
	if (bind(fd, to->ai_addr, to->ai_addrlen) || listen(fd, SOMAXCONN)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static int open_address(const struct address *a)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	}, *list, *to;
	const bool both = !*a->host;
	int fd = -EINVAL, err;

	err = getaddrinfo(both ? NULL : a->host, a->port, &hints, &list);
	if (err)
		return err == EAI_MEMORY ? -ENOMEM : -EINVAL;
	/* All addresses: one socket for both families, where IPv6 is there. */
	for (to = list; to; to = to->ai_next)
		if (!both || to->ai_family == AF_INET6)
			fd = open_one(to, both);
	for (to = list; to && fd < 0 && both; to = to->ai_next)
		if (to->ai_family == AF_INET)
			fd = open_one(to, both);
	freeaddrinfo(list);
	return fd;
}

/**
 * server_adopt() - listen on a socket that is open already
 * @server: the server
 * @fd: the socket
 *
 * Return: 0 or a negative errno, which has been logged.
 */
int server_adopt(struct server *server, int fd)
{
	int type = 0, on = 0;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) ||
	    type != SOCK_STREAM || !on) {
		log_line("file descriptor %d is not a socket that listens", fd);
		return -ENOTSOCK;
	}
	if (server->n_listeners == LISTENERS_MAX) {
		log_line("too many addresses to listen on");
		return -E2BIG;
	}
	/* A client may be gone before it is accepted; then the loop must not wait for the next. */
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	server->listeners[server->n_listeners++] = fd;
	return 0;
}

/**
 * server_listen() - listen on an address
 * @server: the server
 * @address: ADDRESS:PORT, where either may be missing
 *
 * Return: 0 or a negative errno, which has been logged; -EINVAL if it is no
 * address.
 */
int server_listen(struct server *server, const char *address)
{
	struct address a;
	int fd = split(address, &a) ? open_address(&a) : -EINVAL;

	if (fd >= 0)
		return server_adopt(server, fd);
	if (fd == -EINVAL)
		log_line("'%s' is not an address to listen on; those are written 127.0.0.1:9807, [::1]:9807 or :9807",
			 address);
	else
		log_line("cannot listen on %s: %s", address, strerror(-fd));
	return fd;
}

/**
 * server_listen_default() - listen where only this host can reach
 * @server: the server
 *
 * Return: 0 or a negative errno, which has been logged.
 */
int server_listen_default(struct server *server)
{
	const struct address six = { "::1", SERVER_PORT };
	int err = server_listen(server, "127.0.0.1:" SERVER_PORT);
	int fd;

	if (err)
		return err;
	/* Many a host has no IPv6. */
	fd = open_address(&six);
	return fd >= 0 ? server_adopt(server, fd) : 0;
}
