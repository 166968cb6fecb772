// SPDX-License-Identifier: GPL-2.0
/*
 * count NETNS ROUNDS COMMAND...: time stamp counter ticks of COMMAND from fork
 * to exit, for each round; with -icount these are instructions.  Its output
 * goes to /dev/null, except in a first round that is not quoted: the last
 * number is how many bytes it wrote.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

static uint64_t run(int out, char **command)
{
	uint64_t begun = ticks();
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		dup2(out, STDOUT_FILENO);
		execvp(command[0], command);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("fork");
	if (status) {
		fprintf(stderr, "%s: status %#x\n", command[0], status);
		exit(1);
	}
	return ticks() - begun;
}

int main(int argc, char **argv)
{
	int out = memfd_create("out", MFD_CLOEXEC), null, rounds, r;
	struct stat st;

	if (argc < 4)
		return 2;
	enter_netns(argv[1]);
	rounds = atoi(argv[2]);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	run(out, argv + 3);
	fstat(out, &st);
	for (r = 0; r < rounds; r++)
		printf("%llu ", (unsigned long long)run(null, argv + 3));
	printf("%lld\n", (long long)st.st_size);
	return 0;
}
