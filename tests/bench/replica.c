// SPDX-License-Identifier: GPL-2.0
/*
 * What counters cost CPUs that share them, in real time: threads, each bound
 * to a CPU of its own, do to memory what the hooks do to it for one packet.
 *
 *	slots	both ports have per-CPU slots: packets, bytes and the time
 *		last seen in each, and the sum of all; three lines of one's own
 *	cold	both ports have atomics shared by all: two lines, two locked
 *		adds in each, and the sum of all
 *	flood	the local port has its slots, the remote one is any of 65,536
 *		cold ones
 *	syn	the same, and one event of the local port's is counted
 *	none	the loop alone
 *
 * Each line: name, threads, and of the nanoseconds a packet in many batches
 * the least, the median and the ninth decile, of the slowest thread.  Batches
 * are short, and one during which not all threads ran does not count.
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
#define PACKETS		5000		/* in a batch */
#define BATCHES		4000
#define BATCHES_MIN	100		/* that count */
#define TOGETHER	0.8		/* of a batch's time */
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
	double begun[BATCHES], ended[BATCHES];
} __attribute__((aligned(LINE)));

static struct worker workers[THREADS_MAX];
static struct record local, remote[PORTS];
static _Atomic uint64_t event __attribute__((aligned(LINE)));
static atomic_uint arrived;
static unsigned int crew;
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
	const bool cold = !strcmp(what, "cold"), syn = !strcmp(what, "syn");
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
		} else if (cold) {
			record_add(&local, bytes);
			record_add(&remote[0], bytes);
			slot_add(&w->sum, bytes);
		} else {
			slot_add(&w->local, bytes);
			record_add(&remote[*random >> 16], bytes);
			slot_add(&w->sum, bytes);
			if (syn)
				atomic_fetch_add_explicit(&event, 1,
							  memory_order_relaxed);
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
	unsigned int i;

	CPU_ZERO(&cpus);
	CPU_SET(w->cpu, &cpus);
	if (pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus))
		exit(1);
	for (i = 0; i < BATCHES; i++) {
		/* Spinning: who sleeps starts late. */
		atomic_fetch_add(&arrived, 1);
		while (atomic_load(&arrived) < (i + 1) * crew)
			;
		w->begun[i] = now();
		batch(w, &random);
		w->ended[i] = now();
	}
	return NULL;
}

static int less(const void *a, const void *b)
{
	return (*(double *)a > *(double *)b) - (*(double *)a < *(double *)b);
}

/* Nanoseconds a packet of the slowest; 0 if they did not run all the time. */
static double together(int threads, int i)
{
	double first = workers[0].begun[i], last = first;
	double least = workers[0].ended[i], most = least;
	int t;

	for (t = 1; t < threads; t++) {
		double begun = workers[t].begun[i], ended = workers[t].ended[i];

		first = begun < first ? begun : first;
		last = begun > last ? begun : last;
		least = ended < least ? ended : least;
		most = ended > most ? ended : most;
	}
	return least - last < TOGETHER * (most - first) ? 0 :
							  (most - last) / PACKETS;
}

static void measure(const char *name, int threads)
{
	static double ns[BATCHES];
	int i, t, n = 0;

	what = name;
	crew = threads;
	atomic_store(&arrived, 0);
	for (t = 0; t < threads; t++) {
		workers[t].cpu = t;
		if (pthread_create(&workers[t].thread, NULL, work, &workers[t]))
			exit(1);
	}
	for (t = 0; t < threads; t++)
		pthread_join(workers[t].thread, NULL);
	for (i = 0; i < BATCHES; i++) {
		ns[n] = together(threads, i);
		n += ns[n] > 0;
	}
	if (n < BATCHES_MIN) {
		fprintf(stderr, "%s: %d threads ran together in %d batches of %d only\n",
			name, threads, n, BATCHES);
		exit(1);
	}
	qsort(ns, n, sizeof(*ns), less);
	printf("%s %d %.2f %.2f %.2f\n", name, threads, ns[0], ns[n / 2],
	       ns[n * 9 / 10]);
}

int main(int argc, char **argv)
{
	const char *names[] = { "none", "slots", "cold", "flood", "syn" };
	int most = argc > 1 ? atoi(argv[1]) : 2, threads;
	unsigned int i;

	if (most < 1 || most > THREADS_MAX)
		return 2;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		for (threads = 1; threads <= most; threads *= 2)
			measure(names[i], threads);
	return 0;
}
