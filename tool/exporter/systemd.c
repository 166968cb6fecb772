// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "exporter/systemd.h"
#include "lib/util.h"

/**
 * systemd_sockets() - how many sockets were handed over
 *
 * Return: their number; they begin with SYSTEMD_FD.
 */
unsigned int systemd_sockets(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	unsigned long v, n;
	unsigned int i;

	if (!pid || !fds || !parse_number(pid, INT_MAX, &v, NULL) ||
	    v != (unsigned long)getpid() ||
	    !parse_number(fds, 64, &n, NULL))
		return 0;
	for (i = 0; i < n; i++)
		fcntl(SYSTEMD_FD + i, F_SETFD, FD_CLOEXEC);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	return n;
}

/**
 * systemd_notify() - tell the service manager, if there is one
 * @state: what to tell ("READY=1")
 */
void systemd_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (!len || len >= sizeof(to.sun_path) ||
	    (*path != '/' && *path != '@'))
		return;
	memcpy(to.sun_path, path, len);
	if (*path == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		   (struct sockaddr *)&to,
		   offsetof(struct sockaddr_un, sun_path) + len) < 0)
		unsetenv("NOTIFY_SOCKET");
	close(fd);
}
