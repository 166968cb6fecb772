// SPDX-License-Identifier: GPL-2.0
/*
 * A reader of every packet on both devices, through a ring in shared memory
 * and without a system call per packet: the cheapest there is.  It does what a port counter has to: finds the ports of each
 * frame and bumps a record.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define FRAME		256
#define FRAMES		8192

static struct ring {
	int fd;
	unsigned char *frames;
	unsigned int next;
} rings[2];

static struct { uint64_t packets, bytes; } records[65536];
static int rings_open;

static void ring_open_one(struct ring *r, const char *netns, const char *dev)
{
	struct tpacket_req req = {
		.tp_block_size = 1 << 16,
		.tp_block_nr = FRAMES * FRAME >> 16,
		.tp_frame_size = FRAME,
		.tp_frame_nr = FRAMES,
	};
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL) };
	int version = TPACKET_V2;

	enter_netns(netns);
	ll.sll_ifindex = if_nametoindex(dev);
	r->fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (r->fd < 0 ||
	    setsockopt(r->fd, SOL_PACKET, PACKET_VERSION, &version,
		       sizeof(version)) ||
	    setsockopt(r->fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)))
		die("packet ring");
	r->frames = mmap(NULL, FRAMES * FRAME, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_LOCKED, r->fd, 0);
	r->next = 0;
	if (r->frames == MAP_FAILED ||
	    bind(r->fd, (void *)&ll, sizeof(ll)))
		die("packet ring");
}

void ring_open(void)
{
	ring_open_one(&rings[0], NS_TX, DEV_TX);
	ring_open_one(&rings[1], NS_RX, DEV_RX);
	memset(records, 0, sizeof(records));
	rings_open = 2;
}

static void ring_count(const struct tpacket2_hdr *h)
{
	const unsigned char *ip = (const unsigned char *)h + h->tp_net;
	uint16_t port;

	if (ip[0] != 0x45)
		return;
	memcpy(&port, ip + 22, sizeof(port));
	records[ntohs(port)].packets++;
	records[ntohs(port)].bytes += h->tp_len - (h->tp_net - h->tp_mac);
}

/* Nothing while there is none. */
void ring_drain(void)
{
	int i;

	for (i = 0; i < rings_open; i++) {
		struct ring *r = &rings[i];
		struct tpacket2_hdr *h;

		for (;;) {
			h = (void *)(r->frames + r->next * FRAME);
			if (!(h->tp_status & TP_STATUS_USER))
				break;
			ring_count(h);
			h->tp_status = TP_STATUS_KERNEL;
			r->next = (r->next + 1) % FRAMES;
		}
	}
}

void ring_close(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		munmap(rings[i].frames, FRAMES * FRAME);
		close(rings[i].fd);
	}
	rings_open = 0;
}

/* By both together. */
void ring_seen(uint16_t port, uint64_t *packets, uint64_t *bytes)
{
	*packets = records[port].packets;
	*bytes = records[port].bytes;
}
