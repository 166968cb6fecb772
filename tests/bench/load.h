/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BENCH_LOAD_H
#define _BENCH_LOAD_H

#include <stdint.h>
#include <stddef.h>

#define NS_TX		"bench-tx"
#define NS_RX		"bench-rx"
#define DEV_TX		"tx0"
#define DEV_RX		"rx0"
#define ADDR4_TX	"10.99.0.1"
#define ADDR4_RX	"10.99.0.2"
#define ADDR4_BEHIND	"10.98.0.9"
#define ADDR6_TX	"fd99::1"
#define ADDR6_RX	"fd99::2"
#define MAC_RX		"\x02\0\0\0\0\x02"
#define PORT_TX		9000
#define PORT_GSO	8999
#define PORT_RX		10000		/* and so many ports after it: */
#define PORTS_MAX	10000
#define PAYLOAD		100
#define SEGMENTS	10		/* of a GSO buffer */

static inline uint64_t ticks(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) :: "memory");
	return (uint64_t)hi << 32 | lo;
}

/* common.c */
void die(const char *what);
void enter_netns(const char *name);

/* tcp.c: two connected sockets, the receiver's in a namespace of its own. */
void tcp_open(int pair[2], int family, const char *netns, const char *addr);
uint64_t tcp_ping(const int pair[2], int n);
uint64_t tcp_bulk(const int pair[2], int n);
void tcp_crowd(int n);

/* flood.c: packets that no socket has sent. */
void flood_open(void);
uint64_t flood_round(const char *kind, int n);

/* ring.c: a reader of both devices, as iftop and its kin are. */
void ring_open(void);
void ring_drain(void);
void ring_close(void);
void ring_seen(uint16_t port, uint64_t *packets, uint64_t *bytes);

/* dump.c: a port dump that is read piece by piece. */
void dump_begin(const char *netns);
int dump_piece(void);
void dump_end(void);

#endif
