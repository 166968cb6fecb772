// SPDX-License-Identifier: GPL-2.0
/*
 * What counters cost CPUs that share them, in real time: threads, each bound
 * to a CPU of its own, do to memory what the hooks do to it for one packet.
 *
 *	slots	both ports have per-CPU slots: packets, bytes and the time
 *		last seen in each, and the sum of all; three lines of one's own
 *	cold	both ports have atomics shared by all: two lines, two locked
 *		adds in each, and the sum of all
 *	spread	the same, but each packet has a remote port of its own among
 *		65,536: only the local port's line is fought for
 *	none	the loop alone
 *
 * Each line: name, threads, smallest, median and largest nanoseconds a packet
 * of many batches, of the slowest thread.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MAX	64
#define LINE		64
#define PACKETS		200000		/* in a batch */
#define BATCHES		60
#define PORTS		65536

struct slot {
	uint64_t packets[2], bytes[2], seen;
	uint64_t rest[3];
} __attribute__((aligned(LINE)));

struct record {
	_Atomic uint64_t packets[2], bytes[2];
	uint64_t seen;
	uint64_t rest[3];
} __attribute__((aligned(LINE)));

struct worker {
	pthread_t thread;
	int cpu;
	struct slot local, remote, sum;
	double ns[BATCHES];
} __attribute__((aligned(LINE)));

static struct worker workers[THREADS_MAX];
static struct record local, remote[PORTS];
static pthread_barrier_t barrier;
static volatile uint64_t jiffies = 1;
static const char *what;

static inline void slot_add(struct slot *s, uint64_t bytes)
{
	__asm__ volatile("incq %0\n\taddq %3, %1\n\tmovq %4, %2"
			 : "+m"(s->packets[0]), "+m"(s->bytes[0]), "=m"(s->seen)
			 : "r"(bytes), "r"(jiffies));
}

static inline void record_add(struct record *r, uint64_t bytes)
{
	atomic_fetch_add_explicit(&r->packets[0], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&r->bytes[0], bytes, memory_order_relaxed);
	/* Written only when it changes, which here is never. */
	if (*(volatile uint64_t *)&r->seen != jiffies)
		*(volatile uint64_t *)&r->seen = jiffies;
}

static void batch(struct worker *w, uint32_t *random)
{
	const bool slots = !strcmp(what, "slots"), none = !strcmp(what, "none");
	const bool spread = !strcmp(what, "spread");
	uint64_t bytes;
	int i;

	for (i = 0; i < PACKETS; i++) {
		*random = *random * 1664525 + 1013904223;
		bytes = *random >> 22;
		if (none) {
			__asm__ volatile("" :: "r"(bytes));
		} else if (slots) {
			slot_add(&w->local, bytes);
			slot_add(&w->remote, bytes);
			slot_add(&w->sum, bytes);
		} else {
			record_add(&local, bytes);
			record_add(&remote[spread ? *random >> 16 : 0], bytes);
			slot_add(&w->sum, bytes);
		}
	}
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static void *work(void *data)
{
	struct worker *w = data;
	uint32_t random = w->cpu + 1;
	cpu_set_t cpus;
	double begun;
	int i;

	CPU_ZERO(&cpus);
	CPU_SET(w->cpu, &cpus);
	if (pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus))
		exit(1);
	for (i = 0; i < BATCHES; i++) {
		pthread_barrier_wait(&barrier);
		begun = now();
		batch(w, &random);
		w->ns[i] = (now() - begun) / PACKETS;
	}
	return NULL;
}

static int less(const void *a, const void *b)
{
	return (*(double *)a > *(double *)b) - (*(double *)a < *(double *)b);
}

static void measure(const char *name, int threads)
{
	double slowest[BATCHES] = { 0 };
	int i, t;

	what = name;
	pthread_barrier_init(&barrier, NULL, threads);
	for (t = 0; t < threads; t++) {
		workers[t].cpu = t;
		if (pthread_create(&workers[t].thread, NULL, work, &workers[t]))
			exit(1);
	}
	for (t = 0; t < threads; t++) {
		pthread_join(workers[t].thread, NULL);
		for (i = 0; i < BATCHES; i++)
			if (workers[t].ns[i] > slowest[i])
				slowest[i] = workers[t].ns[i];
	}
	pthread_barrier_destroy(&barrier);
	qsort(slowest, BATCHES, sizeof(*slowest), less);
	printf("%s %d %.2f %.2f %.2f\n", name, threads, slowest[0],
	       slowest[BATCHES / 2], slowest[BATCHES - 1]);
}

int main(int argc, char **argv)
{
	const char *names[] = { "none", "slots", "cold", "spread" };
	int most = argc > 1 ? atoi(argv[1]) : 2, threads;
	unsigned int i;

	if (most < 1 || most > THREADS_MAX)
		return 2;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		for (threads = 1; threads <= most; threads *= 2)
			measure(names[i], threads);
	return 0;
}
