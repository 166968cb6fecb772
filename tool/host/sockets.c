// SPDX-License-Identifier: GPL-2.0
/*
 * sock_diag, as ss(8) asks it. libnl's own library for it speaks an older
 * version of the protocol, which knows only TCP and DCCP.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <netlink/msg.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/portmon.h>
#include <linux/sock_diag.h>

#include "host/sockets.h"
#include "lib/nlsock.h"
#include "lib/util.h"

/*
 * States from here on are DCCP's own, of a connection whose client has not
 * heard from the server since the handshake or that is about to close; in
 * newer kernels they begin with a TCP socket that is bound and nothing else.
 */
#define BEYOND_TCP	13

/* Without sockets that no process holds and that cannot become active. */
#define STATES		(~(1u << TCP_TIME_WAIT))
#define TCP_STATES	(STATES & ~(1u << BEYOND_TCP))

/* An association's states are SCTP's own: 3 and more are established. */
#define SCTP_OPEN	3
#define SCTP_CLOSING	4

/**
 * struct transport - how the kernel calls a transport
 * @protocol: IP protocol number
 * @name: in /proc/net/protocols
 */
static const struct transport {
	uint8_t protocol;
	const char *name;
} transports[] = {
	[PORTMON_TRANSPORT_TCP] = { IPPROTO_TCP, "TCP" },
	[PORTMON_TRANSPORT_UDP] = { IPPROTO_UDP, "UDP" },
	[PORTMON_TRANSPORT_UDPLITE] = { IPPROTO_UDPLITE, "UDP-Lite" },
	[PORTMON_TRANSPORT_SCTP] = { IPPROTO_SCTP, "SCTP" },
	[PORTMON_TRANSPORT_DCCP] = { IPPROTO_DCCP, "DCCP" },
};

/**
 * struct reading - a list being read
 * @list: where sockets go
 * @transport: enum portmon_transport of this dump
 * @states: bit per requested state
 * @bytes: the bytes of each connection are wanted
 */
struct reading {
	struct socks *list;
	unsigned int transport;
	unsigned int states;
	bool bytes;
};

/* Where tcpi_rcv_mss is in struct tcp_info. */
#define TCP_INFO_RCV_MSS	20

/* Where tcpi_bytes_acked is in struct tcp_info, which the libc may not know. */
#define TCP_INFO_BYTES	120

struct tcp_info_bytes {
	uint64_t acked;
	uint64_t received;
};

static enum sock_kind sctp_kind(const struct inet_diag_msg *d)
{
	if (!d->id.idiag_dport)
		return SOCK_LISTENS;
	if (d->idiag_state < SCTP_OPEN)
		return SOCK_OPENING;
	return d->idiag_state < SCTP_CLOSING ? SOCK_OPEN : SOCK_CLOSING;
}

static enum sock_kind kind(unsigned int transport,
			   const struct inet_diag_msg *d)
{
	if (transport == PORTMON_TRANSPORT_SCTP)
		return sctp_kind(d);
	switch (d->idiag_state) {
	case TCP_LISTEN:
		return SOCK_LISTENS;
	case TCP_SYN_SENT:
	case TCP_SYN_RECV:
		return SOCK_OPENING;
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
		return SOCK_OPEN;
	case TCP_CLOSE:
		/* Unconnected, where there are no connections to close. */
		return transport == PORTMON_TRANSPORT_UDP ||
		       transport == PORTMON_TRANSPORT_UDPLITE ?
		       SOCK_LISTENS : SOCK_CLOSING;
	default:
		return d->idiag_state < BEYOND_TCP ? SOCK_CLOSING : SOCK_OPEN;
	}
}

static struct sock *add_socket(struct socks *list)
{
	struct sock *v = array_room(list->v, list->n, &list->cap, sizeof(*v));

	if (!v)
		return NULL;
	list->v = v;
	return &v[list->n++];
}

static void take_memory(struct nlmsghdr *h, struct sock *s)
{
	const struct nlattr *a = nlmsg_find_attr(h, sizeof(struct inet_diag_msg),
						 INET_DIAG_SKMEMINFO);
	const uint32_t *v = a ? nla_data(a) : NULL;

	if (!a || nla_len(a) < (int)sizeof(*v) * (SK_MEMINFO_RCVBUF + 1))
		return;
	s->memory = v[SK_MEMINFO_RMEM_ALLOC];
	s->memory_max = v[SK_MEMINFO_RCVBUF];
}

/* A kernel's struct may be shorter than the one it was built with. */
static void take_bytes(struct nlmsghdr *h, struct sock *s)
{
	const struct nlattr *a = nlmsg_find_attr(h, sizeof(struct inet_diag_msg),
						 INET_DIAG_INFO);
	struct tcp_info_bytes info;

	if (!a || nla_len(a) < (int)(TCP_INFO_BYTES + sizeof(info)))
		return;
	memcpy(&info, (const char *)nla_data(a) + TCP_INFO_BYTES,
	       sizeof(info));
	memcpy(&s->segment, (const char *)nla_data(a) + TCP_INFO_RCV_MSS,
	       sizeof(s->segment));
	s->bytes_sent = info.acked;
	s->bytes_received = info.received;
}

static int take_socket(struct nlmsghdr *h, void *arg)
{
	const struct inet_diag_msg *d = nlmsg_data(h);
	const struct reading *r = arg;
	struct sock *s;

	if (nlmsg_datalen(h) < (int)sizeof(*d))
		return -EBADMSG;
	/* A TCP socket that is neither bound nor connected. */
	if (!d->id.idiag_sport)
		return 0;
	s = add_socket(r->list);
	if (!s)
		return -ENOMEM;
	*s = (struct sock){
		.transport = r->transport,
		.family = d->idiag_family,
		.kind = kind(r->transport, d),
		.port = ntohs(d->id.idiag_sport),
		.peer = ntohs(d->id.idiag_dport),
		.inode = d->idiag_inode,
		.uid = d->idiag_uid,
	};
	memcpy(s->address, d->id.idiag_src, sizeof(s->address));
	memcpy(s->peer_address, d->id.idiag_dst, sizeof(s->peer_address));
	take_memory(h, s);
	if (r->bytes)
		take_bytes(h, s);
	/* Elsewhere these are bytes. */
	if (s->kind == SOCK_LISTENS && (r->transport == PORTMON_TRANSPORT_TCP ||
					r->transport == PORTMON_TRANSPORT_SCTP)) {
		s->queue = d->idiag_rqueue;
		s->queue_max = d->idiag_wqueue;
	} else {
		s->unread = d->idiag_rqueue;
	}
	return 0;
}

/* The IPv4 address that a socket has, also one of IPv6; NULL for none. */
static const uint32_t *address_ipv4(const struct sock *s,
				    const uint32_t address[4])
{
	if (s->family == AF_INET)
		return address;
	return !address[0] && !address[1] && ntohl(address[2]) == 0xffff ?
		       &address[3] : NULL;
}

/**
 * sock_is_loopback() - is the other end of a connection on this host?
 * @s: the socket
 *
 * To reach an address of its own a host sends from the same one. Only a program
 * that has chosen another of its addresses to send from is not found.
 *
 * Return: whether it is.
 */
bool sock_is_loopback(const struct sock *s)
{
	static const uint32_t none[4];
	const uint32_t *own, *peer;

	if (!s->peer)
		return false;
	own = address_ipv4(s, s->address);
	peer = address_ipv4(s, s->peer_address);
	if (own && peer)
		return *peer && (*own == *peer || ntohl(*peer) >> 24 == 127);
	return memcmp(s->peer_address, none, sizeof(none)) &&
	       !memcmp(s->address, s->peer_address, sizeof(s->address));
}

static int dump_transport(struct nlsock *nl, unsigned int family,
			  struct reading *r)
{
	struct inet_diag_req_v2 req = {
		.sdiag_family = family,
		.sdiag_protocol = transports[r->transport].protocol,
		.idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1) |
			     r->bytes << (INET_DIAG_INFO - 1),
		.idiag_states = r->states,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(SOCK_DIAG_BY_FAMILY,
						NLM_F_REQUEST | NLM_F_DUMP);

	if (!msg || nlmsg_append(msg, &req, sizeof(req), NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return nlsock_ask(nl, msg, take_socket, r);
}

/* A protocol that is not there has no sockets. */
static bool in_use(unsigned int t)
{
	FILE *f = fopen("/proc/net/protocols", "re");
	char line[256];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, " ")] = '\0';
		found = !strcasecmp(line, transports[t].name);
	}
	if (f)
		fclose(f);
	return found;
}

/**
 * socks_absent() - has this kernel no sockets of a transport at all?
 * @t: enum portmon_transport
 *
 * UDP-Lite is built in where there is any. DCCP is a module that need not be
 * loaded: Linux 6.16 dropped it.
 *
 * Return: true if so; its packets may be counted even then.
 */
bool socks_absent(unsigned int t)
{
	struct utsname name;
	unsigned int major, minor;

	if (t == PORTMON_TRANSPORT_UDPLITE)
		return in_use(PORTMON_TRANSPORT_UDP) && !in_use(t);
	return t == PORTMON_TRANSPORT_DCCP && !in_use(t) && !uname(&name) &&
	       sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 16));
}

static int read_transport(struct nlsock *nl, unsigned int t, bool bytes,
			  unsigned int states, struct socks *list)
{
	struct reading r = {
		.list = list, .transport = t, .states = states,
		.bytes = bytes && t == PORTMON_TRANSPORT_TCP,
	};
	int err = dump_transport(nl, AF_INET, &r);

	if (!err)
		err = dump_transport(nl, AF_INET6, &r);
	/* The diag module is missing, or IPv6 is. */
	if (err == -ENOENT || err == -EAFNOSUPPORT) {
		if (err == -ENOENT && in_use(t))
			list->unlisted |= 1u << t;
		err = 0;
	}
	return err;
}

/**
 * socks_read() - read the sockets of this network namespace
 * @list: they are added to this, to release with socks_free()
 * @wanted: bit per transport that is wanted, and SOCKS_BYTES
 * @e: why it failed
 *
 * Return: 0 or a negative errno.
 */
int socks_read(struct socks *list, unsigned int wanted, struct error *e)
{
	struct nlsock *nl = NULL;
	unsigned int t;
	int err = nlsock_open(&nl, NETLINK_SOCK_DIAG);

	for (t = 0; t < ARRAY_SIZE(transports) && !err; t++)
		if (wanted & 1u << t)
			err = read_transport(nl, t, wanted & SOCKS_BYTES,
					     t == PORTMON_TRANSPORT_TCP ?
					     TCP_STATES : STATES, list);
	nlsock_close(nl);
	if (err)
		error_set(e, err, "cannot list the sockets: %s",
			  strerror(-err));
	return err;
}

/**
 * socks_listening() - read the listening sockets
 * @list: they are added to this, to release with socks_free()
 * @e: why it failed
 *
 * Costs what there are of them, not what there are of connections. Transports
 * that no socket was ever made of are not queried: that would load modules.
 *
 * Return: 0 or a negative errno.
 */
int socks_listening(struct socks *list, struct error *e)
{
	const bool dgram[] = {
		[PORTMON_TRANSPORT_UDP] = true,
		[PORTMON_TRANSPORT_UDPLITE] = true,
		[PORTMON_TRANSPORT_DCCP] = false,
	};
	struct nlsock *nl = NULL;
	unsigned int t;
	size_t i, n = 0;
	int err = nlsock_open(&nl, NETLINK_SOCK_DIAG);

	for (t = 0; t < ARRAY_SIZE(transports) && !err; t++)
		if (t <= PORTMON_TRANSPORT_UDP || in_use(t))
			err = read_transport(nl, t, false, 1u << (dgram[t] ? TCP_CLOSE :
							   TCP_LISTEN), list);
	nlsock_close(nl);
	if (err)
		return error_set(e, err, "cannot list the sockets: %s",
				 strerror(-err));
	for (i = 0; i < list->n; i++)
		if (list->v[i].kind == SOCK_LISTENS)
			list->v[n++] = list->v[i];
	list->n = n;
	return 0;
}

/**
 * socks_free() - release sockets
 * @list: the sockets
 */
void socks_free(struct socks *list)
{
	free(list->v);
	*list = (struct socks){ 0 };
}
