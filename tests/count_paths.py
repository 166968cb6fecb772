#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Whatever way a packet takes through the host, it counts once per transport header, in the right scope."""
import socket

from lib.connection import IP_HEADER, connect, on_the_wire, transfer
from lib.counts import Nft, add, invariant, plus
from lib.ktap import PATIENCE, case, check, defer, equal, run, wait_until
from lib.netns import AF, Netns, address, pair, route
from lib.nlclient import Counts
from lib.process import sh

CLIENT, PORT = 40000, 443


def datagrams(near, far, family, count=5, size=100, devices=(None, None), to=None):
    "Send datagrams from one namespace to another (ends), as many back less one; returns both as (packets, bytes)."
    to = to or address(far, family)
    answerer = far.netns.socket(family, socket.SOCK_DGRAM, bind=(to, PORT), device=devices[1])
    asker = near.netns.socket(family, socket.SOCK_DGRAM, bind=("", CLIENT), device=devices[0])
    for n in range(count):
        asker.sendto(bytes(size), (to, PORT))
        _, source = answerer.recvfrom(2000)
        if n:
            answerer.sendto(bytes(2 * size), source)
            asker.recv(2000)
    whole = IP_HEADER[family] + 8 + size
    return (count, count * whole), (count - 1, (count - 1) * (whole + size))


def stream(near, far, family, to=None, devices=(None, None)):
    connection = connect(near.netns, far.netns, family, to or address(far, family), PORT, source=("", CLIENT), devices=devices)
    transfer(connection.caller, connection.called, 200000)
    transfer(connection.called, connection.caller, 5000)
    return on_the_wire(connection, family)


def at(scope, transport, there, back):
    "The records of what went there, to PORT, and back, where PORT has this scope."
    if scope == "local":        # where PORT is served
        return {("local", transport, PORT): Counts(*there, *back), ("remote", transport, CLIENT): Counts(*there, *back)}
    if scope == "remote":       # requests
        return {("remote", transport, PORT): Counts(*back, *there), ("local", transport, CLIENT): Counts(*back, *there)}
    return {(scope, transport, PORT): Counts(*there, *back), (scope, transport, CLIENT): Counts(*back, *there)}


@case()
def forward():
    "Through a router, IPv4 and IPv6: scope forward there and nothing else, remote at the client, local at the server"
    hosts = client, router, server = [Netns(on=True) for _ in range(3)]
    nfts = [Nft(netns) for netns in hosts]
    near, near_router = pair(client, router, link="gso_max_segs 1", gro=False)
    far_router, far = pair(router, server, link="gso_max_segs 1", gro=False)
    route(client, near_router, far, router, server, far_router, near)
    ways = [(transport, *send(near, far, family)) for family in AF for transport, send in (("udp", datagrams), ("tcp", stream))]
    for netns, nft, scope in zip(hosts, nfts, ("remote", "forward", "local")):
        wanted = {}
        for way in ways:
            add(wanted, at(scope, *way))
        equal(invariant(netns.portmon, nft)[0], wanted, f"ports, scope {scope}")


@case()
def loopback():
    "Within a host, over lo, to 127.0.0.1 and ::1 and to addresses of its own: scope loopback, counted once"
    host = Netns(on=True)
    host.ip("link set lo up gso_max_segs 1")
    nft = Nft(host)
    end = pair(host, Netns())[0]
    wanted, packets = {}, {}
    for family, lo in ("ipv4", "127.0.0.1"), ("ipv6", "::1"):
        packets[family] = (0, 0)
        for to in lo, address(end, family):
            for transport, send in ("udp", datagrams), ("tcp", stream):
                there, back = send(end, end, family, to=to)
                add(wanted, at("loopback", transport, there, back))
                packets[family] = plus(packets[family], there, back)
    ports, _, buckets = invariant(host.portmon, nft)
    equal(ports, wanted, "ports")
    for family in AF:
        equal(buckets["local-in", family, "ports"], packets[family], "bucket ports of local-in")
        equal(buckets["local-out", family, "loopback"], packets[family], "bucket loopback of local-out")
        check(("local-out", family, "ports") not in buckets, "local-out has counted ports")


@case("direct", "qdisc")
def vrf(how):
    "Through a VRF, whose device shows a packet to local-out twice: out, in and within it, IPv4 and IPv6; output path"
    host, peer = Netns(on=True), Netns()
    nft = Nft(host)
    inside, outside = pair(host, peer, neighbours=False, link="gso_max_segs 1", gro=False)
    # Moving a device into a VRF takes its IPv6 addresses away.
    host.ip("link add vrf1 type vrf table 10", "link set vrf1 up gso_max_segs 1", f"link set {inside.dev} master vrf1",
            f"addr replace {inside.ipv6}/64 dev {inside.dev} nodad",
            "addr add 10.99.0.1/32 dev vrf1", "addr add fd00:99::1/128 dev vrf1 nodad")
    if how == "qdisc":
        host.run("tc", "qdisc", "add", "dev", "vrf1", "root", "pfifo")
    peer.ip(f"route add 10.99.0.1/32 via {inside.ipv4}", f"route add fd00:99::1/128 via {inside.ipv6}")
    wanted = {}
    for family, own in ("ipv4", "10.99.0.1"), ("ipv6", "fd00:99::1"):
        left = (0, 0)
        for transport, send in ("udp", datagrams), ("tcp", stream):
            # Out: the host asks, the peer answers.
            there, back = send(inside, outside, family, devices=("vrf1", None))
            add(wanted, at("remote", transport, there, back))
            left = plus(left, there)
            for to in address(inside, family), own:
                # In: the peer asks, at the address of a port of the VRF and of the VRF device.
                there, back = send(outside, inside, family, devices=(None, "vrf1"), to=to)
                add(wanted, at("local", transport, there, back))
                left = plus(left, back)
                # Within.
                there, back = send(inside, inside, family, devices=("vrf1", "vrf1"), to=to)
                add(wanted, at("loopback", transport, there, back))
                left = plus(left, there, back)
        equal(host.portmon.buckets()["local-out", family, "l3mdev"], left, f"bucket l3mdev of local-out, {family}")
    equal(invariant(host.portmon, nft)[0], wanted, "ports")


@case("transport", "tunnel")
def ipsec(mode):
    "IPsec ESP, IPv4 and IPv6: the ports once, the ESP packets around them once, at both ends; mode"
    client, server = Netns(on=True), Netns(on=True)
    nfts = Nft(client), Nft(server)
    near, far = pair(client, server, link="gso_max_segs 1", gro=False)
    for netns in client, server:
        lines = []
        for family in AF:
            a, b = address(near, family), address(far, family)
            for source, target, spi in (a, b, 0x101), (b, a, 0x102):
                direction = "out" if (netns is client) == (source == a) else "in"
                lines += [f"xfrm state add src {source} dst {target} proto esp spi {spi} mode {mode} reqid 1 "
                          f"aead rfc4106(gcm(aes)) 0x{'42' * 20} 128",
                          f"xfrm policy add src {source} dst {target} dir {direction} "
                          f"tmpl src {source} dst {target} proto esp reqid 1 mode {mode}"]
        netns.ip(*lines)
    at_client, at_server, packets = {}, {}, {}
    for family in AF:
        sums = []
        for transport, send in ("udp", datagrams), ("tcp", stream):
            sums.append(send(near, far, family))
            add(at_client, at("remote", transport, *sums[-1]))
            add(at_server, at("local", transport, *sums[-1]))
        packets[family] = [plus(*both) for both in zip(*sums)]
    for netns, nft, wanted, ways in (client, nfts[0], at_client, ("local-out", "local-in")), \
                                    (server, nfts[1], at_server, ("local-in", "local-out")):
        ports, _, buckets = invariant(netns.portmon, nft)
        equal(ports, wanted, "ports")
        for family in AF:
            for hook, counted in zip(ways, packets[family]):
                equal(buckets[hook, family, "ports"], counted, f"bucket ports of {hook}")
                equal(buckets[hook, family, 50][0], counted[0], f"ESP packets at {hook}")


SOCKETS = {"udplite": (socket.SOCK_DGRAM, 136), "sctp": (socket.SOCK_STREAM, 132), "dccp": (6, 33)}


@case(*SOCKETS)
def transports(transport):
    "Transports other than TCP and UDP, IPv4 and IPv6: their ports have what nft counts, at both ends and between"
    kind, protocol = SOCKETS[transport]
    if transport == "dccp":     # which distributions do not load by themselves
        sh("modprobe", "-a", "dccp_ipv4", "dccp_ipv6")
    hosts = client, router, server = [Netns(on=True) for _ in range(3)]
    nfts = [Nft(netns, transports=[transport]) for netns in hosts]
    near, near_router = pair(client, router)
    far_router, far = pair(router, server)
    route(client, near_router, far, router, server, far_router, near)
    for family in AF:
        here, there = (address(near, family), CLIENT), (address(far, family), PORT)
        called, caller = server.socket(family, kind, protocol), client.socket(family, kind, protocol)
        if transport == "dccp":
            for sock in caller, called:
                sock.setsockopt(269, 2, b"test")    # SOL_DCCP, DCCP_SOCKOPT_SERVICE
        called.bind(there)
        caller.bind(here)
        if transport == "udplite":
            called.connect(here)
            caller.connect(there)
        else:
            called.listen()
            caller.connect(there)
            called = called.accept()[0]
            defer(called.close)
            called.settimeout(20 * PATIENCE)
        for n in range(1, 6):
            caller.send(bytes(100 * n))
            equal(len(called.recv(2000)), 100 * n, "bytes received")
            called.send(bytes(10))
            equal(len(caller.recv(2000)), 10, "bytes received")

    def at_rest():
        "Nothing is under way: the three have counted the same."
        counted = [netns.portmon.ports() for netns in hosts]
        return counted if all(ports == at(scope, transport, (c := counted[2]["local", transport, PORT])[:2], c[2:])
                              for ports, scope in zip(counted, ("remote", "forward", "local"))) else None

    def agreed():
        "What nft has counted meanwhile, if that was a moment of rest."
        counted = at_rest()
        seen = [nft.transports() for nft in nfts]
        return (counted[2]["local", transport, PORT], seen) if counted and counted == at_rest() else None
    counts, (c, r, s) = wait_until(agreed, what="that all three had counted the same")
    there, back = counts[:2], counts[2:]
    both = lambda seen, hook: plus(*(seen[hook, family, transport] for family in AF))
    equal((both(c, "local-out"), both(c, "local-in")), (there, back), "ports, and nft's counts at the client")
    equal((both(s, "local-in"), both(s, "local-out")), (there, back), "ports, and nft's counts at the server")
    equal(both(r, "forward"), plus(there, back), "ports, and nft's count at the router")
    if transport == "udplite":
        head = 20 + 40 + 2 * 8
        equal((there, back), ((10, 5 * head + 3000), (10, 5 * (head + 20))), "packets and bytes")
    else:
        check(there[0] >= 10 and back[0] >= 10, f"too few packets: {there}, {back}")
    for netns in hosts:
        invariant(netns.portmon)


run()
