// SPDX-License-Identifier: GPL-2.0
/*
 * Any buffer's headers, whole or not, linear or not.  Off the common path,
 * which reads its two ports in hook.c.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/sctp.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "compat.h"
#include "parse.h"

/* No regular packet has more extension headers. */
#define PORTMON_EXTHDRS_MAX	16

static void portmon_parse_ipv4(const struct sk_buff *skb, int offset,
			       struct portmon_l3 *l3)
{
	struct iphdr copy;
	const struct iphdr *iph = skb_header_pointer(skb, offset, sizeof(copy),
						     &copy);

	l3->bucket = -1;
	l3->l4 = offset + (int)sizeof(copy);
	if (!iph) {
		l3->bucket = PORTMON_BUCKET_TRUNCATED;
		return;
	}
	l3->protocol = iph->protocol;
	l3->l4 = offset + iph->ihl * 4;
	if (iph->version != 4 || iph->ihl < 5)
		l3->bucket = PORTMON_BUCKET_MALFORMED;
	else if (iph->frag_off & htons(IP_OFFSET))
		l3->bucket = PORTMON_BUCKET_FRAGMENT;
	else if ((int)skb->len < l3->l4)
		l3->bucket = PORTMON_BUCKET_TRUNCATED;
}

/*
 * Walk the extension headers (RFC 8200, section 4).  Not into an
 * authentication header: what is behind it comes to the hook again, once
 * that has been checked.
 */
static void portmon_parse_ipv6(const struct sk_buff *skb, int offset,
			       struct portmon_l3 *l3)
{
	struct ipv6hdr copy;
	const struct ipv6hdr *ip6h = skb_header_pointer(skb, offset,
							sizeof(copy), &copy);
	unsigned int n;

	l3->bucket = PORTMON_BUCKET_TRUNCATED;
	l3->l4 = offset + (int)sizeof(copy);
	if (!ip6h)
		return;
	l3->protocol = ip6h->nexthdr;
	if (ip6h->version != 6) {
		l3->bucket = PORTMON_BUCKET_MALFORMED;
		return;
	}
	for (n = 0; n <= PORTMON_EXTHDRS_MAX; n++) {
		struct frag_hdr ext_copy;
		const struct frag_hdr *ext;

		switch (l3->protocol) {
		case NEXTHDR_HOP:
		case NEXTHDR_ROUTING:
		case NEXTHDR_DEST:
		case NEXTHDR_FRAGMENT:
			break;
		default:
			l3->bucket = -1;
			return;
		}
		/* Each of them is eight bytes long at least. */
		ext = skb_header_pointer(skb, l3->l4, sizeof(ext_copy),
					 &ext_copy);
		if (!ext)
			return;
		if (l3->protocol == NEXTHDR_FRAGMENT) {
			if (ext->frag_off & htons(IP6_OFFSET)) {
				l3->bucket = PORTMON_BUCKET_FRAGMENT;
				return;
			}
			l3->l4 += sizeof(*ext);
		} else {
			l3->l4 += ipv6_optlen((const struct ipv6_opt_hdr *)ext);
		}
		l3->protocol = ext->nexthdr;
	}
	l3->bucket = PORTMON_BUCKET_MALFORMED;
}

/**
 * portmon_parse() - find the transport header of a packet
 * @skb: the buffer
 * @offset: where its network header is, from skb->data on; negative when that
 *	has been pulled
 * @family: of the network header
 * @l3: set to what was found
 */
void portmon_parse(const struct sk_buff *skb, int offset,
		   enum portmon_family family, struct portmon_l3 *l3)
{
	if (family == PORTMON_FAMILY_IPV4)
		portmon_parse_ipv4(skb, offset, l3);
	else
		portmon_parse_ipv6(skb, offset, l3);
}

/**
 * portmon_wire() - what a buffer is on the wire
 * @skb: the buffer, whose data begins with the network header
 * @l4: where the transport header begins
 *
 * Right for SCTP, tunnels and BIG TCP too.
 *
 * Return: packets and bytes.
 */
struct portmon_wire portmon_wire(const struct sk_buff *skb, unsigned int l4)
{
	const struct skb_shared_info *info = skb_shinfo(skb);
	unsigned int header = l4, bytes = skb->len, jumbo;
	struct tcphdr tcp_copy;
	const struct tcphdr *tcp;

	if (!info->gso_size)
		return (struct portmon_wire) { 1, bytes };

	if (skb->encapsulation && skb->inner_transport_header)
		header = skb_inner_transport_offset(skb);
	if (info->gso_type & (SKB_GSO_TCPV4 | SKB_GSO_TCPV6)) {
		tcp = skb_header_pointer(skb, header, sizeof(tcp_copy),
					 &tcp_copy);
		header += tcp ? __tcp_hdrlen(tcp) : 0;
	} else if (info->gso_type & SKB_GSO_UDP_L4) {
		header += sizeof(struct udphdr);
	} else if (info->gso_type & SKB_GSO_SCTP) {
		header += sizeof(struct sctphdr);
	}
	jumbo = portmon_jumbo_len(skb);
	bytes -= jumbo;
	header -= jumbo;
	/* Of SCTP only the number of segments is known, not their size. */
	if (info->gso_size == GSO_BY_FRAGS && bytes > header)
		return (struct portmon_wire) {
			max_t(u32, info->gso_segs, 1),
			bytes + (max_t(u32, info->gso_segs, 1) - 1) * header,
		};
	return portmon_segments(skb, bytes, header);
}

#ifdef PORTMON_VERIFY
/**
 * portmon_verify() - do the short way and the long one agree?
 * @skb: a buffer that the short way takes for plain and with ports
 * @family: its network layer
 * @protocol: the transport it takes it for
 * @wire: what it takes it for on the wire
 */
void portmon_verify(const struct sk_buff *skb, enum portmon_family family,
		    u8 protocol, struct portmon_wire wire)
{
	unsigned int l4 = family == PORTMON_FAMILY_IPV4 ?
			  sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	struct portmon_wire other;
	struct portmon_l3 l3;

	portmon_parse(skb, 0, family, &l3);
	other = portmon_wire(skb, l3.l4);
	WARN(l3.bucket >= 0 || l3.l4 != l4 || l3.protocol != protocol,
	     "portmon: protocol %u at %u, the long way has %u at %d, bucket %d\n",
	     protocol, l4, l3.protocol, l3.l4, l3.bucket);
	WARN(wire.packets != other.packets || wire.bytes != other.bytes,
	     "portmon: %u packets of %u bytes, the long way has %u of %u\n",
	     wire.packets, wire.bytes, other.packets, other.bytes);
}
#endif
