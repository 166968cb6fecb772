// SPDX-License-Identifier: GPL-2.0
/*
 * The reasons that can hit a packet with ports, of Linux 6.1 to 7.3
 * (include/net/dropreason-core.h, dropreason-qdisc.h). In the order of their names.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/reasons.h"
#include "lib/util.h"

const struct reason reasons[] = {
	{
		"BPF_CGROUP_EGRESS",
		"A BPF program of the sender's control group refused it.",
		"See bpftool cgroup tree; systemd does so for IPAddressDeny=."
	},
	{
		"BRIDGE_INGRESS_STP_STATE",
		"The bridge port it arrived on is blocked by the spanning tree protocol.",
		"Usual on redundant links; else see bridge link show."
	},
	{
		"CPU_BACKLOG",
		"The queue between driver and network stack was full: one CPU could not keep up.",
		"See /proc/net/softnet_stat; spread interrupts (RSS, RPS), raise net.core.netdev_max_backlog for bursts."
	},
	{
		"DEV_HDR",
		"A driver could not read its header.",
		"Look for a faulty driver, tunnel or guest."
	},
	{
		"DEV_READY",
		"The interface was not ready: down, or nothing attached to it.",
		"See ip link; start what belongs to the interface (a VM, a VPN)."
	},
	{
		"DUALPI2_STEP_DROP",
		"The queueing discipline dualpi2 dropped it: its delay was above the threshold and the sender does not use ECN.",
		"The link is too slow for what is sent: tc -s qdisc; let the sender use ECN."
	},
	{
		"DUP_FRAG",
		"It was a duplicate fragment.",
		"A few are usual; many mean a broken or malicious sender."
	},
	{
		"FQ_BAND_LIMIT",
		"The fair queue (fq) of the interface had too many packets of this priority.",
		"See tc -s qdisc; raise the limit of fq, or send less."
	},
	{
		"FQ_FLOW_LIMIT",
		"The connection had too many packets in the fair queue (fq) of the interface.",
		"See tc -s qdisc; raise flow_limit of fq, or let the program send less at once."
	},
	{
		"FQ_HORIZON_LIMIT",
		"Its send time was beyond the horizon of the fair queue (fq).",
		"See tc -s qdisc; look at the pacing of the program."
	},
	{
		"FRAG_REASM_TIMEOUT",
		"Some of its fragments were never received.",
		"Loss on the path, or a firewall that drops fragments; let the sender use smaller packets."
	},
	{
		"FRAG_TOO_FAR",
		"Its fragments were received too far out of order.",
		"See net.ipv4.ipfrag_max_dist; loss or many paths at once."
	},
	{
		"FULL_RING",
		"The ring between kernel and receiver (tun, tap, af_packet, veth) was full.",
		"The virtual machine or VPN program is too slow; raise the interface's txqueuelen."
	},
	{
		"HDR_TRUNC",
		"It ended before its headers did.",
		"Broken or malicious sender, or a faulty driver."
	},
	{
		"INVALID_PROTO",
		"It breaks a rule of its protocol.",
		"Broken or malicious sender: look at a capture (tcpdump)."
	},
	{
		"IPV6DISABLED",
		"IPv6 is switched off on the interface.",
		"Switch it on (net.ipv6.conf.DEV.disable_ipv6), or take its addresses out of DNS."
	},
	{
		"IPV6_BAD_EXTHDR",
		"Its IPv6 extension headers were wrong or are not accepted.",
		"Broken or malicious sender."
	},
	{
		"IPV6_TOO_MANY_EXTHDRS",
		"It had more IPv6 extension headers than this host accepts.",
		"Broken or malicious sender; the limits are net.ipv6.max_dst_opts_number and max_hbh_opts_number."
	},
	{
		"IPVLAN_MULTICAST_BACKLOG",
		"The queue for multicast of an ipvlan interface was full.",
		"Too much multicast or broadcast for one CPU; look who sends it."
	},
	{
		"IP_CSUM",
		"The checksum of the IP header was wrong.",
		"Look for a bad cable, network card or memory on the path."
	},
	{
		"IP_INADDRERRORS",
		"Its address is none that a packet may come from or go to.",
		"Forged or misconfigured sender; see nstat IpInAddrErrors and net.ipv4.conf.*.log_martians."
	},
	{
		"IP_INHDR",
		"Its IP header was wrong: version, length, or its time to live ran out here.",
		"Broken or malicious sender; if the time to live runs out, look for a routing loop (traceroute)."
	},
	{
		"IP_INNOROUTES",
		"There was no route to forward it, or back.",
		"Add the route: ip route get ADDRESS."
	},
	{
		"IP_INVALID_DEST",
		"Its destination address is 0.0.0.0.",
		"Broken sender: look at a capture (tcpdump)."
	},
	{
		"IP_INVALID_SOURCE",
		"Its source address is multicast, broadcast or zero: no host can have it.",
		"Forged or misconfigured sender; see net.ipv4.conf.*.log_martians."
	},
	{
		"IP_LOCALNET",
		"It has a loopback address (127.0.0.0/8) but arrived on another interface.",
		"Forged, or NAT to 127.0.0.1: that needs net.ipv4.conf.DEV.route_localnet."
	},
	{
		"IP_LOCAL_SOURCE",
		"Its source address is one of this host's own.",
		"Forged, a loop, or two hosts with the same address: arping -D; if meant, set net.ipv4.conf.DEV.accept_local."
	},
	{
		"IP_NOPROTO",
		"No part of this kernel handles its protocol.",
		"Load the module of that protocol (sctp, dccp), or stop the sender."
	},
	{
		"IP_OUTNOROUTES",
		"There was no route to its destination.",
		"Add the route: ip route get ADDRESS."
	},
	{
		"IP_RPFILTER",
		"The reply would leave through another interface (reverse path filter).",
		"If routes are meant to be asymmetric, set net.ipv4.conf.DEV.rp_filter to 2; else the source is forged or a route is missing."
	},
	{
		"IP_TUNNEL_ECN",
		"Its congestion marks and those of the tunnel around it contradict each other.",
		"A router on the way changes the marks wrongly."
	},
	{
		"LOCAL_MAC",
		"It was received with this host's own link address as its source.",
		"A loop on the link layer, or two hosts with the same address."
	},
	{
		"MACVLAN_BROADCAST_BACKLOG",
		"The queue for broadcast of a macvlan interface was full.",
		"Raise bcqueuelen of the interface (ip link set), or look who sends so much broadcast."
	},
	{
		"MAC_INVALID_SOURCE",
		"Its source link address is none that a host can have.",
		"Broken or malicious sender on this link."
	},
	{
		"NEIGH_CREATEFAIL",
		"The table of neighbours was full.",
		"Raise net.ipv4.neigh.default.gc_thresh3; look whether somebody scans the subnet."
	},
	{
		"NEIGH_DEAD",
		"The neighbour entry of the next hop was being removed.",
		"Usual when links or addresses change."
	},
	{
		"NEIGH_FAILED",
		"The next hop did not reply to the request for its link address.",
		"It is down or not on this link: ip neigh, ping."
	},
	{
		"NEIGH_HH_FILLFAIL",
		"The link layer header could not be written.",
		"The next host's entry was changing: see ip neigh. If it persists, the driver is at fault."
	},
	{
		"NEIGH_QUEUEFULL",
		"Too many packets waited for the next hop's link address.",
		"It is down or slow to answer: ip neigh; raise net.ipv4.neigh.DEV.unres_qlen_bytes for bursts."
	},
	{
		"NETFILTER_DROP",
		"A firewall rule of this host dropped it.",
		"If intended, nothing. Otherwise find the rule by its counter: nft list ruleset, or iptables -L -v -n."
	},
	{
		"NOMEM",
		"The kernel had no memory for it.",
		"See free and dmesg; raise vm.min_free_kbytes if it happens in bursts."
	},
	{
		"NOT_SPECIFIED",
		"The kernel gave no reason.",
		"Look where: perf record -e skb:kfree_skb -g, or dropwatch."
	},
	{
		"NO_SOCKET",
		"No program listens on this port, or the connection was over already.",
		"If one should, start it and check its address (ss -lnp). If none should, the port is being probed: see portmon-ctl closed."
	},
	{
		"NO_TX_TARGET",
		"There was nowhere to send it to.",
		"See bridge fdb show or the remote address of the tunnel."
	},
	{
		"OTHER",
		"It was dropped for a reason of another part of the kernel (mac80211, openvswitch) or one newer than the module.",
		"Look where: perf record -e skb:kfree_skb -g, or dropwatch."
	},
	{
		"OTHERHOST",
		"It was addressed to the link address of another host.",
		"Usual while a capture runs (promiscuous mode) or a switch floods; else look at neighbour tables and bridges."
	},
	{
		"PACKET_SOCK_ERROR",
		"A packet socket (a capture, a DHCP client) could not take it.",
		"Let the capture read faster or give it a larger buffer."
	},
	{
		"PFMEMALLOC",
		"It used the memory reserve, and its socket is not one that frees memory.",
		"The host is short of memory: see free and dmesg; raise vm.min_free_kbytes."
	},
	{
		"PKT_TOO_BIG",
		"It was larger than the MTU and must not be cut in pieces.",
		"Let ICMP \"fragmentation needed\" through, or set a smaller MTU or MSS (tunnels)."
	},
	{
		"PKT_TOO_SMALL",
		"It was shorter than its headers say.",
		"Broken or malicious sender, or a faulty driver or tunnel on the way: look at a capture (tcpdump)."
	},
	{
		"PROTO_MEM",
		"The memory of all sockets of this transport together was used up.",
		"See /proc/net/sockstat; raise net.ipv4.tcp_mem or net.ipv4.udp_mem, or find the program that holds so much."
	},
	{
		"PSP_INPUT",
		"It failed the checks of PSP encryption: not encrypted as its socket requires, or with another key.",
		"Compare the PSP settings of both ends."
	},
	{
		"PSP_OUTPUT",
		"It could not be sent encrypted as its socket requires (PSP).",
		"See whether the interface it leaves by supports PSP and still has the key."
	},
	{
		"QDISC_BURST_DROP",
		"Too many packets were sent to the interface's queue at once (net.core.qdisc_max_burst).",
		"Many CPUs send over one queue: use a multi-queue discipline (mq), or raise net.core.qdisc_max_burst."
	},
	{
		"QDISC_DROP",
		"The queue of the interface was full, or its queueing discipline dropped it.",
		"The link is too slow for what is sent: tc -s qdisc; with netem that is what it is for."
	},
	{
		"QDISC_DROP_BAND_LIMIT",
		"The fair queue (fq) of the interface had too many packets of this priority.",
		"See tc -s qdisc; raise the limit of fq, or send less."
	},
	{
		"QDISC_DROP_CONGESTED",
		"The queueing discipline dropped it early to make senders slow down (codel, pie, red).",
		"Usual on a full link; ECN at both ends avoids the loss: net.ipv4.tcp_ecn."
	},
	{
		"QDISC_DROP_FLOOD_PROTECTION",
		"The queueing discipline cake dropped it: its connection does not slow down.",
		"A sender ignores congestion, or floods: see tc -s qdisc."
	},
	{
		"QDISC_DROP_FLOW_LIMIT",
		"The connection had too many packets in the interface's queue (fq, sfq).",
		"See tc -s qdisc; raise flow_limit (fq) or depth (sfq), or let the program send less at once."
	},
	{
		"QDISC_DROP_GENERIC",
		"The queueing discipline of the interface dropped it.",
		"See tc -s qdisc; with netem that is what it is for."
	},
	{
		"QDISC_DROP_HORIZON_LIMIT",
		"Its send time was beyond the horizon of the fair queue (fq).",
		"See tc -s qdisc; look at the pacing of the program."
	},
	{
		"QDISC_DROP_L4S_STEP_NON_ECN",
		"The queueing discipline dualpi2 dropped it: its delay was above the threshold and the sender does not use ECN.",
		"The link is too slow for what is sent: tc -s qdisc; let the sender use ECN."
	},
	{
		"QDISC_DROP_MAXFLOWS",
		"The queueing discipline follows as many connections as it can.",
		"See tc -s qdisc; raise flows (sfq), or look who opens so many connections."
	},
	{
		"QDISC_DROP_OVERLIMIT",
		"The queue of the interface was full.",
		"The link is too slow for what is sent: tc -s qdisc; raise its limit only for bursts."
	},
	{
		"QDISC_DROP_UNSPEC",
		"The queueing discipline of the interface dropped it without a reason.",
		"See tc -s qdisc."
	},
	{
		"QUEUE_PURGE",
		"It waited in a queue that was emptied.",
		"Usual when sockets are closed or interfaces go."
	},
	{
		"RECURSION_LIMIT",
		"Virtual interfaces passed it to each other in a circle.",
		"Look for a tunnel whose route leads through itself: ip route get ADDRESS-OF-THE-OTHER-END."
	},
	{
		"SECURITY_HOOK",
		"A security module (SELinux, Smack, BPF) refused it.",
		"See the audit log (ausearch -m avc) and the labels of the port."
	},
	{
		"SKB_BAD_GSO",
		"A large buffer from a virtual machine or a program was not made as it should be.",
		"Look at the guest or the program that sends through tun or a packet socket."
	},
	{
		"SKB_CSUM",
		"A checksum could not be computed or was wrong.",
		"Try without checksum offload (ethtool -K DEV rx off tx off); look for a faulty driver."
	},
	{
		"SKB_GSO_SEG",
		"A large buffer could not be cut into packets.",
		"Try without segmentation offload (ethtool -K DEV gso off tso off); a driver is at fault."
	},
	{
		"SKB_UCOPY_FAULT",
		"Its data could not be read from the program's memory.",
		"The program freed or changed it meanwhile (zero copy)."
	},
	{
		"SOCKET_BACKLOG",
		"The socket was in use and the queue of packets that waited for it was full.",
		"The program or one CPU is overloaded; spread the load, or raise net.core.rmem_max and the socket's buffers."
	},
	{
		"SOCKET_CLOSE",
		"The program closed its socket while the packet waited in it.",
		"Usual when programs end; if not, see why the program closes early."
	},
	{
		"SOCKET_FILTER",
		"A filter that the program put on its socket (SO_ATTACH_FILTER, BPF) refused it.",
		"Usual for programs that filter; else look at the program's filter."
	},
	{
		"SOCKET_RCVBUFF",
		"The socket's receive buffer was full: the program reads too slowly.",
		"Let the program read faster or with more threads; for bursts raise SO_RCVBUF and net.core.rmem_max."
	},
	{
		"TAP_FILTER",
		"A BPF filter on a tun or tap interface refused it.",
		"Look at what made the interface (VM, container)."
	},
	{
		"TAP_TXFILTER",
		"The address filter of a tun or tap interface refused it.",
		"Look at what made the interface (VM, container)."
	},
	{
		"TCP_ABORT_ON_DATA",
		"Data was received for a connection that the program had already closed, so the connection was reset.",
		"The program closes without reading to the end, or the peer sends too late."
	},
	{
		"TCP_ACK_UNSENT_DATA",
		"It acknowledged data that was never sent.",
		"Broken peer, or somebody guesses at connections."
	},
	{
		"TCP_AOFAILURE",
		"Its TCP-AO signature was wrong.",
		"The keys of both ends differ."
	},
	{
		"TCP_AOKEYNOTFOUND",
		"It was signed with a TCP-AO key that this socket does not have.",
		"Compare the key numbers of both ends."
	},
	{
		"TCP_AONOTFOUND",
		"It had no TCP-AO signature, which this socket requires.",
		"Set the same key at the peer."
	},
	{
		"TCP_AOUNEXPECTED",
		"It had a TCP-AO signature, which this socket does not expect.",
		"Set the key for that peer here, or remove it there."
	},
	{
		"TCP_AUTH_HDR",
		"Its TCP signature options contradict each other.",
		"Look at the TCP-MD5 or TCP-AO settings of the peer (often BGP)."
	},
	{
		"TCP_CLOSE",
		"It was received for a closed socket.",
		"Usual at the end of connections."
	},
	{
		"TCP_CSUM",
		"The TCP checksum was wrong: the segment was damaged on its way.",
		"Look for a bad cable, network card or memory on the path; try without checksum offload (ethtool -K DEV rx off)."
	},
	{
		"TCP_FASTOPEN",
		"A connection that was opened with TCP Fast Open did not accept it yet.",
		"A few are usual; the sender retransmits."
	},
	{
		"TCP_FLAGS",
		"Its TCP flags make no sense in the state the connection is in.",
		"A few are usual (late segments, scans); many come from a broken device on the way."
	},
	{
		"TCP_INVALID_ACK_SEQUENCE",
		"It acknowledged data that was not in flight.",
		"Late duplicates, or somebody guesses at connections."
	},
	{
		"TCP_INVALID_END_SEQUENCE",
		"It ended beyond the window that was offered.",
		"Broken or malicious sender, or a device on the way that changes sequence numbers."
	},
	{
		"TCP_INVALID_SEQUENCE",
		"Its sequence number was outside of the window.",
		"Late duplicates, or somebody guesses at connections; many come from a device that mixes connections up."
	},
	{
		"TCP_INVALID_SYN",
		"It was a SYN in the middle of a connection.",
		"The peer has restarted, or somebody guesses at connections."
	},
	{
		"TCP_LISTEN_OVERFLOW",
		"The listen queue was full: the program accepts connections too slowly.",
		"Let the program accept faster; raise its backlog and net.core.somaxconn. ss -ltn shows queue (Recv-Q) and limit (Send-Q)."
	},
	{
		"TCP_MD5FAILURE",
		"Its TCP-MD5 signature was wrong.",
		"The passwords of both ends differ (often BGP)."
	},
	{
		"TCP_MD5NOTFOUND",
		"It had no TCP-MD5 signature, which this socket requires.",
		"Set the same password at the peer (often BGP)."
	},
	{
		"TCP_MD5UNEXPECTED",
		"It had a TCP-MD5 signature, which this socket does not expect.",
		"Set the password for that peer here, or remove it there (often BGP)."
	},
	{
		"TCP_MINTTL",
		"It passed more hops than the socket allows (IP_MINTTL).",
		"A distant host probes a port for neighbours only (often BGP); otherwise raise the limit to the distance of the peer."
	},
	{
		"TCP_OFOMERGE",
		"Its data was already in the out-of-order queue.",
		"A few are usual with loss; many mean needless retransmissions."
	},
	{
		"TCP_OFO_DROP",
		"Its data was already received, out of order.",
		"A few are usual with loss."
	},
	{
		"TCP_OFO_QUEUE_PRUNE",
		"The out-of-order queue was discarded because buffer memory ran out.",
		"Raise net.ipv4.tcp_rmem; look for loss on the path, which fills that queue."
	},
	{
		"TCP_OLD_ACK",
		"It acknowledged only what had been acknowledged before.",
		"Usual with reordering."
	},
	{
		"TCP_OLD_DATA",
		"Its data was already received: an unneeded retransmission.",
		"A few are usual; many mean that acknowledgements get lost or come late."
	},
	{
		"TCP_OLD_SEQUENCE",
		"It was a duplicate segment.",
		"A few are usual with retransmissions."
	},
	{
		"TCP_OVERWINDOW",
		"It held data beyond the window that was offered.",
		"Broken or malicious sender, or a device on the way that changes sequence numbers."
	},
	{
		"TCP_RESET",
		"It was a RST that did not fit the connection.",
		"A few are usual; many mean that somebody tries to reset connections."
	},
	{
		"TCP_RFC7323_PAWS",
		"Its timestamp was older than an earlier one (PAWS).",
		"A delayed duplicate; if new connections are hit, several hosts share an address (NAT) with different clocks."
	},
	{
		"TCP_RFC7323_PAWS_ACK",
		"It was a bare ACK that a newer one had overtaken (PAWS).",
		"Harmless: it carries nothing that the newer one does not."
	},
	{
		"TCP_RFC7323_TSECR",
		"It echoed a timestamp that this host never sent.",
		"Late duplicates, somebody guesses at connections, or a device on the way that changes timestamps."
	},
	{
		"TCP_RFC7323_TW_PAWS",
		"A new connection from the same port had an older timestamp than the last one (PAWS, TIME-WAIT).",
		"Several hosts share an address (NAT) with different clocks; the sender retries with another port."
	},
	{
		"TCP_TOO_OLD_ACK",
		"It acknowledged what was acknowledged long ago.",
		"A late duplicate, or somebody guesses at connections."
	},
	{
		"TCP_ZEROWINDOW",
		"Data was received although this host had announced a zero window.",
		"The program reads too slowly; or the peer ignores the window."
	},
	{
		"TC_CHAIN_NOTFOUND",
		"A traffic control filter jumps to a chain that is not there.",
		"See tc -s filter show dev DEV ingress."
	},
	{
		"TC_COOKIE_ERROR",
		"Traffic control lost its place among the filters.",
		"See tc -s filter show dev DEV ingress; filters were changed meanwhile, or memory was short."
	},
	{
		"TC_EGRESS",
		"A traffic control filter on egress dropped it.",
		"See tc -s filter show dev DEV egress."
	},
	{
		"TC_INGRESS",
		"A traffic control filter on ingress dropped it.",
		"See tc -s filter show dev DEV ingress."
	},
	{
		"TC_RECLASSIFY_LOOP",
		"Traffic control filters send packets round in a circle.",
		"See tc -s filter show dev DEV ingress."
	},
	{
		"TUNNEL_TXINFO",
		"It was routed to a tunnel without an endpoint.",
		"See the routes (ip route, encap) of the tunnel interface."
	},
	{
		"UDP_CSUM",
		"The UDP checksum was wrong: the datagram was damaged on its way.",
		"Look for a bad cable, network card or memory on the path; try without checksum offload (ethtool -K DEV rx off)."
	},
	{
		"UNHANDLED_PROTO",
		"No part of this kernel handles its protocol.",
		"Load the module that does, or stop the sender."
	},
	{
		"UNICAST_IN_L2_MULTICAST",
		"It was addressed to one host but received in a multicast frame.",
		"Broken sender, or an attempt to get around switches; look which link address it comes from."
	},
	{
		"VXLAN_ENTRY_EXISTS",
		"A VXLAN address moved to where it must not.",
		"See bridge fdb show; two hosts may have the same link address."
	},
	{
		"VXLAN_INVALID_HDR",
		"Its VXLAN header was wrong.",
		"Compare the VXLAN settings of both ends."
	},
	{
		"VXLAN_VNI_NOT_FOUND",
		"It belongs to a VXLAN network that this host does not have.",
		"Compare the VXLAN network numbers of both ends."
	},
	{
		"XDP",
		"An XDP program dropped it.",
		"See ip link show dev DEV and bpftool net."
	},
	{
		"XFRM_POLICY",
		"An IPsec policy forbids it, for instance because it was not encrypted.",
		"See ip xfrm policy and whether both ends agree."
	},
};

const size_t n_reasons = ARRAY_SIZE(reasons);

static int compare_texts(const void *name, const void *reason)
{
	return strcmp(name, ((const struct reason *)reason)->name);
}

/**
 * reason_find() - look a reason up
 * @name: the kernel's name for it
 *
 * Return: the reason, or NULL for one that is not known here.
 */
const struct reason *reason_find(const char *name)
{
	return bsearch(name, reasons, ARRAY_SIZE(reasons), sizeof(*reasons),
		       compare_texts);
}
