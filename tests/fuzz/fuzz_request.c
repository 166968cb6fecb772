// SPDX-License-Identifier: GPL-2.0
/* What a client sends to portmon-exporter; the first byte says who is let in. */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "exporter/auth.h"
#include "exporter/http.h"
#include "exporter/server.h"

/* Turns that a request may take: each reads what there is. */
#define TURNS	40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __wrap_warn(const char *format, ...);

static struct server server;
static struct conn conn;
static bool open_conn;

void __wrap_warn(const char *format, ...)
{
	(void)format;
}

static void notice(void *cls, struct MHD_Connection *connection,
		   void **context, enum MHD_ConnectionNotificationCode code)
{
	(void)cls;
	(void)connection;
	*context = &conn;
	open_conn = code == MHD_CONNECTION_NOTIFY_STARTED;
}

static void quiet(void *cls, const char *format, va_list args)
{
	(void)cls;
	(void)format;
	(void)args;
}

static void start(void)
{
	const struct shown_options opt = {
		.max_ports = 100, .max_series = 4000,
	};

	if (exporter_init(&server.exporter, &opt))
		abort();
	server.mhd[0] = MHD_start_daemon(MHD_USE_EPOLL |
					 MHD_USE_NO_LISTEN_SOCKET |
					 MHD_USE_ERROR_LOG, 0, NULL, NULL,
					 http_answer, &server,
					 MHD_OPTION_EXTERNAL_LOGGER, quiet,
					 NULL,
					 MHD_OPTION_CONNECTION_MEMORY_LIMIT,
					 (size_t)8192,
					 MHD_OPTION_NOTIFY_CONNECTION, notice,
					 NULL, MHD_OPTION_END);
	if (!server.mhd[0])
		abort();
}

/* Who is let in: everybody, or bob, whose password nobody knows. */
static void let_in(bool bob)
{
	static struct web_user user = {
		.name = "bob",
		.hash = "$2y$04$abcdefghijklmnopqrstuuOmqQxd2ywYh6rGgVIvAjnT0z9pZyXQO",
	};

	server.config.users = bob ? &user : NULL;
	server.config.n_users = bob;
	auth_forget();
}

/* Every reply is HTTP's, and none says that the server has gone wrong. */
static void check(const char *reply, size_t len)
{
	if (len && (len < 12 || memcmp(reply, "HTTP/1.", 7)))
		abort();
	if (len && !memcmp(reply + 9, "500", 3))
		abort();
	if (len && server.config.n_users && !memcmp(reply + 9, "200", 3))
		abort();
}

/* Let the server read and write, and read what it writes. */
static void turns(int fd, char *first, size_t size, size_t *len)
{
	char rest[4096];
	unsigned int i;
	ssize_t n;

	for (i = 0; i < TURNS && open_conn; i++) {
		MHD_run(server.mhd[0]);
		while ((n = read(fd, rest, sizeof(rest))) > 0) {
			if (*len)
				continue;
			*len = (size_t)n < size ? (size_t)n : size;
			memcpy(first, rest, *len);
		}
	}
}

static void talk(int fd)
{
	char first[64];
	size_t len = 0;

	turns(fd, first, sizeof(first), &len);
	/* It waits for the rest of a request: its time is over (conns.c). */
	if (open_conn)
		shutdown(conn.fd, SHUT_RDWR);
	turns(fd, first, sizeof(first), &len);
	if (open_conn)
		abort();
	check(first, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sockaddr_in from = { .sin_family = AF_INET };
	int fds[2];

	if (!size)
		return 0;
	if (!server.mhd[0])
		start();
	let_in(data[0] & 1);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds))
		return 0;
	conn = (struct conn){ .state = CONN_REQUEST, .fd = fds[1],
			      .loopback = data[0] & 2 };
	if (write(fds[0], data + 1, size - 1) == (ssize_t)size - 1 &&
	    !shutdown(fds[0], SHUT_WR) &&
	    MHD_add_connection(server.mhd[0], fds[1],
			       (const struct sockaddr *)&from,
			       sizeof(from)) == MHD_YES)
		talk(fds[0]);
	else
		close(fds[1]);
	close(fds[0]);
	return 0;
}
