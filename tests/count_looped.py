#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""This host's own broadcasts and multicasts: what leaves has left, and the copies that come back to the host are loopback."""
import socket
import struct

from lib.connection import IP_HEADER
from lib.counts import Counters, Nft, invariant
from lib.ktap import becomes, case, equal, run
from lib.netns import AF, Netns, address, carried, pair

N, OWN = 10, 137
GROUP = {"ipv4": "239.1.2.3", "ipv6": "ff02::1:3"}
ANY = {"ipv4": "0.0.0.0", "ipv6": "::"}


def prepared(kind):
    """A host and its neighbour: (host, the device that it sends by, its end, neighbour, the host's nft).

    kind: veth, bond (that has the veth for its member) or vrf (that the veth is in).
    """
    host, box = Netns(on=True), Netns()
    nft = Nft(host)
    end, other = pair(host, box)
    dev = end.dev
    if kind == "bond":
        dev = "bond1"
        host.ip(f"link set {end.dev} down", "link add bond1 type bond mode active-backup", f"link set {end.dev} master bond1",
                f"addr flush dev {end.dev}", f"addr add {end.ipv4}/24 dev bond1", f"addr add {end.ipv6}/64 dev bond1 nodad",
                "link set bond1 up")
        carried(host, "bond1")
    elif kind == "vrf":
        # Moving a device into a VRF takes its IPv6 addresses away.
        host.ip("link add vrf1 type vrf table 10", "link set vrf1 up", f"link set {end.dev} master vrf1",
                f"addr replace {end.ipv6}/64 dev {end.dev} nodad")
    return host, dev, end, box, nft


def joined(host, dev, family):
    "Whoever is in the group on this device is why copies come back."
    with host.enter():
        number = socket.if_nametoindex(dev)
    sock = host.socket(family, socket.SOCK_DGRAM)
    if family == "ipv4":
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("=4s4si", socket.inet_aton(GROUP[family]), bytes(4), number))
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, struct.pack("=16si", socket.inet_pton(AF[family], GROUP[family]), number))


def sender(host, dev, end, family, loop, port):
    "A socket that sends by a device, to everyone or to the group."
    sock = host.socket(family, socket.SOCK_DGRAM, device=dev, bind=(address(end, family), port))
    if family == "ipv4":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, loop)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, loop)
    return sock


@case("veth", "bond", "vrf")
def looped(device):
    "datagrams to everyone, to the own network and to groups that this host is in, with or without a listener: sent, and their copies loopback; by a"
    host, dev, end, box, nft = prepared(device)
    with host.enter():
        scope = socket.if_nametoindex(dev)
    ways = [("ipv4", "255.255.255.255", True, True), ("ipv4", "255.255.255.255", True, False),
            ("ipv4", end.ipv4.rpartition(".")[0] + ".255", True, True),
            *((family, GROUP[family], *how) for family in AF for how in ((True, True), (True, False), (False, True)))]
    wanted = {}
    arrived = Counters(box, sent="output 0 meta l4proto udp", **{f"p{OWN + i}": f"prerouting 0 udp dport {OWN + i}" for i in range(len(ways))})
    for family in AF:
        joined(host, dev, family)
    for port, (family, to, loop, heard) in enumerate(ways, OWN):
        reader = host.socket(family, socket.SOCK_DGRAM, bind=(ANY[family], port), device=dev) if heard else None
        sock = sender(host, dev, end, family, loop, port)
        for _ in range(N):
            sock.sendto(bytes(100), (to, port) if family == "ipv4" else (to, port, 0, scope))
        for _ in range(N if reader and loop else 0):
            equal(len(reader.recv(200)), 100, "bytes received")
        wanted.update({("local", port): (0, N), ("remote", port): (0, N)})
        if loop:
            wanted["loopback", port] = (N, N)
    becomes(arrived.read, {"sent": 0, **{f"p{OWN + i}": N for i in range(len(ways))}}, "datagrams that the neighbour received, and sent")
    becomes(lambda: {(scope, port): (c.rx, c.tx) for (scope, _, port), c in host.portmon.ports().items()}, wanted, "ports: (rx, tx)")
    invariant(host.portmon, nft)
    equal(host.portmon.drops(), {}, "drops")


@case("veth", "bond")
def received(device):
    "another host's broadcasts and multicasts from the same port: received, at the local and the remote port; by a"
    host, dev, end, box, nft = prepared(device)
    far = end._replace(netns=box, ipv4=end.ipv4[:-1] + "2", ipv6=end.ipv6[:-1] + "2")
    carried(box, end.dev)
    with box.enter():
        scope = socket.if_nametoindex(end.dev)
    for family in AF:
        joined(host, dev, family)
        sock = sender(box, end.dev, far, family, True, OWN)
        for _ in range(N):
            sock.sendto(bytes(100), (GROUP[family], OWN) if family == "ipv4" else (GROUP[family], OWN, 0, scope))
            if family == "ipv4":
                sock.sendto(bytes(100), ("255.255.255.255", OWN))
    becomes(lambda: {key: (c.rx, c.tx) for key, c in host.portmon.ports().items()},
            {("local", "udp", OWN): (3 * N, 0), ("remote", "udp", OWN): (3 * N, 0)}, "ports: (rx, tx)")
    invariant(host.portmon, nft)


@case()
def without_ports():
    "a protocol without ports to a group, as OSPF's are: its bucket of local-out, and of local-in for the copies"
    host, dev, end, _, nft = prepared("veth")
    for family in AF:
        joined(host, dev, family)
        sock = host.socket(family, socket.SOCK_RAW, 89, device=dev)
        for _ in range(N):
            sock.sendto(bytes(40), (GROUP[family], 0))
            equal(len(sock.recv(200)), IP_HEADER[family] % 40 + 40, "bytes received")
    ports, _, buckets = invariant(host.portmon, nft)
    for family in AF:
        packets = (N, N * (IP_HEADER[family] + 40))
        equal((buckets["local-out", family, 89], buckets["local-in", family, 89]), (packets, packets), "protocol 89 sent, and its copies")
    equal(ports, {}, "ports")


run()
