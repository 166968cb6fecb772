#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A buffer of many segments counts as the packets it is on the wire, each with its headers."""
import re
import socket
import struct

from lib.connection import IP_HEADER, connect, on_the_wire, transfer
from lib.counts import Nft, add, invariant, plus
from lib.kernel import LINUX
from lib.ktap import Skip, case, check, defer, equal, run, wait_until
from lib.netns import AF, Netns, Tun, address, pair, route
from lib.nlclient import Counts, Portmon
from lib.packets import ipv4, ipv6, tcp
from lib.process import sh

PORT, CLIENT = 443, 40000
SIZE = 1 << 20

OFFLOADS = {
    # Buffers go whole from socket to socket.
    "TSO": dict(tso=True, gso=True, gro=True),
    # Cut up in software as they leave, put together as they arrive.
    "GSO and GRO": dict(tso=False, gso=True, gro=True),
    # Segments all the way.
    "none": dict(tso=False, gso=False, gro=False),
}


def ends(transport, there, back, client=CLIENT):
    "The records at the end that calls, and at the end that is called."
    c, s = Counts(*back, *there), Counts(*there, *back)
    return ({("local", transport, client): c, ("remote", transport, PORT): c},
            {("local", transport, PORT): s, ("remote", transport, client): s})


@case(*OFFLOADS)
def bulk_tcp(offloads):
    "Bulk TCP both ways, IPv4 and IPv6: packets are tcp_info's segments, bytes payload and headers; offloads:"
    off = offloads == "none"
    client, server = Netns(on=True), Netns(on=True)
    nfts = Nft(client), Nft(server)
    # TCP makes large buffers whatever the device says; only not when they are to be of one segment.
    near, far = pair(client, server, link="gso_max_segs 1" if off else "", **OFFLOADS[offloads])
    at_client, at_server, packets = {}, {}, {}
    for family in AF:
        sums = []
        for source in CLIENT, CLIENT + 1:
            connection = connect(client, server, family, address(far, family), PORT, source=(address(near, family), source))
            transfer(connection.caller, connection.called, SIZE)
            transfer(connection.called, connection.caller, SIZE // 2)
            sums.append(on_the_wire(connection, family))
            for wanted, more in zip((at_client, at_server), ends("tcp", *sums[-1], source)):
                add(wanted, more)
        there, back = packets[family] = [plus(*both) for both in zip(*sums)]
        assert there[0] > 2 * SIZE // 1448, f"{there[0]} packets do not carry {SIZE} bytes"
    for netns, nft, wanted, (into, out) in (client, nfts[0], at_client, (1, 0)), (server, nfts[1], at_server, (0, 1)):
        ports, _, buckets = invariant(netns.portmon, nft if off else None)
        equal(ports, wanted, "ports")
        buffers = nft.read()
        for family in AF:
            for hook, direction in ("local-in", into), ("local-out", out):
                counted = packets[family][direction]
                equal(buckets[hook, family, "ports"], counted, f"bucket ports of {hook}")
                # The test would be about nothing if there were no large buffers where there should be.
                large = buffers[hook, family][0] < counted[0] / 2
                equal(large, not off, f"{buffers[hook, family][0]} buffers for {counted[0]} packets at {hook}; large")


@case()
def forwarded_tcp():
    "Bulk TCP through a router whose GRO puts segments together, IPv4 and IPv6: packets counted there are the sender's"
    client, router, server = Netns(), Netns(on=True), Netns()
    nft = Nft(router)
    near, near_router = pair(client, router, tso=False, gso=True, gro=True)
    far_router, far = pair(router, server, tso=True, gso=True, gro=True)
    route(client, near_router, far, router, server, far_router, near)
    wanted, packets = {}, {}
    for family in AF:
        connection = connect(client, server, family, address(far, family), PORT, source=(address(near, family), CLIENT))
        transfer(connection.caller, connection.called, SIZE)
        there, back = on_the_wire(connection, family)
        add(wanted, {("forward", "tcp", PORT): Counts(*there, *back), ("forward", "tcp", CLIENT): Counts(*back, *there)})
        packets[family] = there[0] + back[0]
    equal(invariant(router.portmon)[0], wanted, "ports")
    for family in AF:
        buffers = nft.read()["forward", family][0]
        check(buffers < packets[family] * 2 / 3, f"no large buffers: {buffers} for {packets[family]} packets")


@case("ipv4", "ipv6")
def big_tcp(family):
    "BIG TCP, buffers of more than 64 KiB: packets are tcp_info's segments, bytes payload and headers"
    client, server = Netns(on=True), Netns(on=True)
    near, far = pair(client, server, tso=True, gso=True, gro=True)
    over = "table inet big {\n" + "".join(
        f"chain {name} {{\ntype filter hook {name} priority 0\nmeta length > 65535 counter\n}}\n" for name in ("input", "output")) + "}"
    for end in near, far:
        end.netns.sysctl("net.ipv4.tcp_tso_rtt_log", 20)    # a slow round trip is no reason for small buffers
        end.netns.sysctl("net.ipv4.tcp_wmem", "4096 4000000 8000000")
        end.netns.sysctl("net.ipv4.tcp_rmem", "4096 8000000 8000000")
        big_buffers(end, family, 180000)
        end.netns.run("nft", "-f", "-", input=over)
    connection = connect(client, server, family, address(far, family), PORT, source=(address(near, family), CLIENT))
    transfer(connection.caller, connection.called, 4 * SIZE)
    for netns, chain in (client, "output"), (server, "input"):
        found = re.search(r"packets (\d+)", netns.run("nft", "list", "chain", "inet", "big", chain))
        check(int(found[1]) > 0, f"no buffer of more than 64 KiB at {chain}")
    for netns, wanted in zip((client, server), ends("tcp", *on_the_wire(connection, family))):
        equal(invariant(netns.portmon)[0], wanted, "ports")


def big_buffers(end, family, size):
    if family == "ipv6":
        end.netns.ip(f"link set {end.dev} gso_max_size {size} gro_max_size {size}")
        return
    if LINUX < (6, 3):
        raise Skip("BIG TCP over IPv4 is of Linux 6.3")
    # RTM_NEWLINK by hand: ip of Debian 12 does not know IFLA_GSO_IPV4_MAX_SIZE (63) and IFLA_GRO_IPV4_MAX_SIZE (64).
    with end.netns.enter(), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as rtnl:
        attrs = b"".join(Portmon.attr(kind, struct.pack("=I", size)) for kind in (63, 64))
        rtnl.send(struct.pack("=IHHIIBBHiII", 32 + len(attrs), 16, 5, 1, 0, 0, 0, 0, socket.if_nametoindex(end.dev), 0, 0) + attrs)
        equal(struct.unpack_from("=i", rtnl.recv(4096), 16)[0], 0, "setting the buffer size")


@case()
def tunnel():
    "Bulk TCP in an IPIP tunnel: segments count by their ports, and once more as packets without ports, each with a header more"
    sh("modprobe", "ipip")
    client, server = Netns(on=True), Netns(on=True)
    outer = pair(client, server, tso=True, gso=True, gro=True)
    for n, (me, peer) in enumerate((outer, outer[::-1]), 1):
        me.netns.ip(f"link add tun type ipip local {me.ipv4} remote {peer.ipv4}", f"addr add 10.99.0.{n}/24 dev tun",
                    "link set tun up")
    connection = connect(client, server, "ipv4", "10.99.0.2", PORT, source=("10.99.0.1", CLIENT))
    transfer(connection.caller, connection.called, SIZE)
    there, back = on_the_wire(connection, "ipv4")
    for netns, wanted, sent, received in zip((client, server), ends("tcp", there, back), (there, back), (back, there)):
        ports, _, buckets = invariant(netns.portmon)
        equal(ports, wanted, "ports")
        for hook, (packets, count) in ("local-out", sent), ("local-in", received):
            equal(buckets[hook, "ipv4", 4], (packets, count + 20 * packets), f"IPIP at {hook}")


@case("whole", "cut up")
def udp_segment(how):
    "UDP_SEGMENT to a UDP_GRO socket, IPv4 and IPv6: each datagram counts; buffers go"
    client, server = Netns(on=True), Netns(on=True)
    nfts = Nft(client), Nft(server)
    near, far = pair(client, server, gro=True, tso=how == "whole", tx_udp_segmentation=how == "whole")
    at_client, at_server, datagrams = {}, {}, {}
    for family in AF:
        sender = client.socket(family, socket.SOCK_DGRAM, bind=(address(near, family), CLIENT))
        receiver = server.socket(family, socket.SOCK_DGRAM, bind=(address(far, family), PORT))
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        receiver.setsockopt(socket.IPPROTO_UDP, 104, 1)     # UDP_GRO
        count = total = received = 0
        for size, segment in (60000, 1400), (1001, 1000), (2000, 1000), (1000, 1000), (10, 1), (64 * 512, 512):
            sender.setsockopt(socket.IPPROTO_UDP, 103, segment)     # UDP_SEGMENT
            sender.sendto(bytes(size), (address(far, family), PORT))
            count += -(-size // segment)
            total += size
            while received < total:
                received += len(receiver.recv(65536))
        datagrams[family] = count
        for wanted, more in zip((at_client, at_server), ends("udp", (count, total + count * (IP_HEADER[family] + 8)), (0, 0))):
            add(wanted, more)
    for netns, nft, wanted, hook in (client, nfts[0], at_client, "local-out"), (server, nfts[1], at_server, "local-in"):
        equal(invariant(netns.portmon)[0], wanted, "ports")
        for family in AF:
            buffers = nft.read()[hook, family][0]
            check(buffers < datagrams[family] / 2, f"no large buffers at {hook}: {buffers} for {datagrams[family]} datagrams")


@case()
def dodgy_buffers():
    "A buffer from a tun device, as a virtual machine sends it (gso_segs not set): ceil(payload / gso_size) packets, in and forwarded"
    host, beyond = Netns(on=True), Netns()
    far = pair(host, beyond)[1]
    tun = Tun(host, vnet=True)
    for knob in "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding":
        host.sysctl(knob, 1)
    wanted = {}
    for family, build, kind in ("ipv4", ipv4, 1), ("ipv6", ipv6, 4):        # VIRTIO_NET_HDR_GSO_TCPV4, _TCPV6
        header = IP_HEADER[family] + 20
        for payload, mss in (14000, 1400), (14001, 1400), (1401, 1400), (1400, 1400), (20, 8), (50000, 1000):
            segments = -(-payload // mss)
            counted = segments, payload + segments * header
            for target in address(tun, family), address(far, family):
                packet = build(tun.far[family], target, 6, tcp(CLIENT, PORT, bytes(payload)))
                # Flags NEEDS_CSUM, type, header length, segment size, where the checksum begins and where in there it goes.
                tun.write(struct.pack("=BBHHHH", 1, kind, header, mss, header - 20, 16) + packet)
            add(wanted, {("local", "tcp", PORT): Counts(*counted), ("remote", "tcp", CLIENT): Counts(*counted),
                         ("forward", "tcp", PORT): Counts(*counted), ("forward", "tcp", CLIENT): Counts(0, 0, *counted)})
    equal(invariant(host.portmon)[0], wanted, "ports")


@case()
def sctp_buffers():
    "SCTP's buffers, which are lists of packets, IPv4 and IPv6: what leaves counts as what arrives cut up"
    client, server = Netns(on=True), Netns(on=True)
    nfts = Nft(client, transports=["sctp"]), Nft(server, transports=["sctp"])
    sh("modprobe", "sctp")
    near, far = pair(client, server, tx_sctp_segmentation=False, gro=False)
    for family in AF:
        with server.socket(family, socket.SOCK_STREAM, 132, bind=(address(far, family), PORT)) as listener:
            listener.listen()
            caller = client.socket(family, socket.SOCK_STREAM, 132, bind=(address(near, family), CLIENT))
            caller.connect((address(far, family), PORT))
            called = listener.accept()[0]
        defer(called.close)
        received = 0
        for n in range(1, 5):
            caller.sendall(bytes(60000))
            while received < n * 60000:
                received += len(called.recv(1 << 20))
    sides = [netns.portmon for netns in (client, server)]
    sent, arrived = ("remote", "sctp", PORT), ("local", "sctp", PORT)
    wait_until(lambda: sides[0].ports()[sent] == Counts(*(c := sides[1].ports()[arrived])[2:], *c[:2]),
               what="arrival of all that left, and of as many packets and bytes")
    ports = invariant(server.portmon)[0]
    seen = nfts[1].transports()
    equal(ports[arrived][:2], plus(*(seen["local-in", family, "sctp"] for family in AF)), "received, and nft's count")
    buffers = sum(nfts[0].transports()["local-out", family, "sctp"][0] for family in AF)
    check(buffers < ports[arrived].rx / 2, f"no large buffers: {buffers} for {ports[arrived].rx} packets")


run()
