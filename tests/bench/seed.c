// SPDX-License-Identifier: GPL-2.0
/*
 * Seed the kernel's random numbers, always with the same.  Until they are
 * seeded, each costs thousands of instructions, a SYN-ACK takes some and so
 * does every program that starts, and no machine that serves is like that.
 */
#include <fcntl.h>
#include <linux/random.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "load.h"

int main(void)
{
	struct {
		struct rand_pool_info info;
		uint32_t seed[8];
	} pool = { .info = { .entropy_count = 256, .buf_size = 32 } };

	if (ioctl(open("/dev/urandom", O_WRONLY), RNDADDENTROPY, &pool))
		die("random seed");
	return 0;
}
