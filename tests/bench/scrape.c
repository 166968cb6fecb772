// SPDX-License-Identifier: GPL-2.0
/*
 * scrape NETNS PORT ROUNDS COMMAND...: CPU time of COMMAND, a server of
 * metrics, per scrape; with -icount its nanoseconds are instructions, its own
 * and the kernel's for it.  What it does after a reply belongs to that scrape.
 * The last two numbers are samples and bytes of a reply.
 *
 * TCP ports 1 to 100 listen meanwhile.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define LISTENING	100
#define UNTIMED		5	/* rounds in which buffers grow to their size */
#define GET		"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

static char reply[4 << 20];
static size_t len;

static int open_tcp(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

static struct sockaddr_in loopback(unsigned int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static void listen_on(unsigned int port)
{
	struct sockaddr_in a = loopback(port);
	int fd = open_tcp();

	a.sin_addr.s_addr = htonl(INADDR_ANY);
	if (bind(fd, (void *)&a, sizeof(a)) || listen(fd, 8))
		die("listen");
}

/* Return: whether the server was there. */
static bool scrape(unsigned int port)
{
	const struct sockaddr_in a = loopback(port);
	int fd = open_tcp();
	ssize_t n;

	if (connect(fd, (void *)&a, sizeof(a))) {
		close(fd);
		return false;
	}
	if (write(fd, GET, strlen(GET)) != (ssize_t)strlen(GET))
		die("write");
	for (len = 0; (n = read(fd, reply + len, sizeof(reply) - 1 - len)) > 0;)
		len += n;
	if (n || strncmp(reply, "HTTP/1.1 200", 12))
		die("a reply");
	reply[len] = '\0';
	close(fd);
	return true;
}

/* portmon-exporter reads the kernel once a second at the most. */
static void pause_for_ms(long ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static unsigned long long cpu_time(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	errno = clock_getcpuclockid(pid, &clock);
	if (errno || clock_gettime(clock, &t))
		die("the server's CPU time");
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static pid_t start(char **command)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	pid_t pid = fork();

	if (!pid) {
		dup2(null, STDOUT_FILENO);
		execvp(command[0], command);
		_exit(127);
	}
	if (pid < 0)
		die("fork");
	return pid;
}

static unsigned int samples(void)
{
	const char *line = strstr(reply, "\r\n\r\n");
	unsigned int n = 0;

	for (line = line ? line + 4 : NULL; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		n += *line && !strchr("#\r\n", *line) && strchr(line, '\n');
	}
	return n;
}

int main(int argc, char **argv)
{
	unsigned int port, rounds, i;
	unsigned long long before;
	pid_t server;

	if (argc < 5)
		return 2;
	enter_netns(argv[1]);
	port = atoi(argv[2]);
	rounds = atoi(argv[3]);
	for (i = 1; i <= LISTENING; i++)
		listen_on(i);
	server = start(argv + 4);
	for (i = 0; !scrape(port); i++) {
		if (i > 600)
			die("no server");
		pause_for_ms(100);
	}
	for (i = 0; i < UNTIMED + rounds; i++) {
		pause_for_ms(2100);
		before = i < UNTIMED ? 0 : cpu_time(server);
		if (!scrape(port))
			die("connect");
		/* What a garbage collector has left to do, and the end of the connection. */
		pause_for_ms(500);
		if (before)
			printf("%llu ", cpu_time(server) - before);
	}
	printf("%u %zu\n", samples(), len);
	kill(server, SIGTERM);
	return 0;
}
