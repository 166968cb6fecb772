#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Every packet sent to a port is counted in four places, with the right number, bytes and range."""
import socket

from lib.connection import IP_HEADER, connect, on_the_wire
from lib.counts import Nft, add, invariant
from lib.ktap import case, equal, run
from lib.netns import AF, Netns, Tun, address, pair
from lib.nlclient import Counts
from lib.packets import IP, tcp, udp

PORTS = (21, 22, 23, 25, 53, 80, 110, 137, 138, 139, 143, 427, 443, 445, 548, 3389)
CLIENT = 40000


def ports_are(host, nft, wanted, what):
    equal(invariant(host.portmon, nft)[0], wanted, f"ports of the {what}")


@case()
def udp_ports():
    "UDP on each of the 16 ports, IPv4 and IPv6: requests and answers, counted at both ends"
    client, server = Netns(on=True), Netns(on=True)
    nfts = Nft(client), Nft(server)
    near, far = pair(client, server)
    at_client, at_server = {}, {}
    for family in AF:
        asker = client.socket(family, socket.SOCK_DGRAM, bind=(address(near, family), CLIENT))
        for i, port in enumerate(PORTS):
            answerer = server.socket(family, socket.SOCK_DGRAM, bind=(address(far, family), port))
            requests, answers = 3 + i % 4, 1 + i % 2
            for _ in range(requests):
                asker.sendto(b"?" * (10 + i), (address(far, family), port))
            for _ in range(requests):
                answerer.recv(100)
            for _ in range(answers):
                answerer.sendto(b"!" * (500 + i), (address(near, family), CLIENT))
            for _ in range(answers):
                asker.recv(1000)
            there = requests, requests * (IP_HEADER[family] + 8 + 10 + i)
            back = answers, answers * (IP_HEADER[family] + 8 + 500 + i)
            add(at_client, {("remote", "udp", port): Counts(*back, *there), ("local", "udp", CLIENT): Counts(*back, *there)})
            add(at_server, {("local", "udp", port): Counts(*there, *back), ("remote", "udp", CLIENT): Counts(*there, *back)})
    ports_are(client, nfts[0], at_client, "client")
    ports_are(server, nfts[1], at_server, "server")


@case()
def tcp_ports():
    "TCP on each of the 16 ports, IPv4 and IPv6: what tcp_info says of the connection, counted at both ends"
    client, server = Netns(on=True), Netns(on=True)
    nfts = Nft(client), Nft(server)
    near, far = pair(client, server)
    connections = []
    for family in AF:
        for i, port in enumerate(PORTS):
            caller, called = connection = connect(client, server, family, address(far, family), port,
                                                  source=(address(near, family), CLIENT))
            for _ in range(i % 4):
                caller.sendall(b"?" * (100 + i))
                called.recv(1000)
                called.sendall(b"!" * (200 + i))
                caller.recv(1000)
            connections.append((family, port, connection))
    at_client, at_server = {}, {}
    for family, port, connection in connections:
        there, back = on_the_wire(connection, family)
        add(at_client, {("remote", "tcp", port): Counts(*back, *there), ("local", "tcp", CLIENT): Counts(*back, *there)})
        add(at_server, {("local", "tcp", port): Counts(*there, *back), ("remote", "tcp", CLIENT): Counts(*there, *back)})
    ports_are(client, nfts[0], at_client, "client")
    ports_are(server, nfts[1], at_server, "server")


BOUNDARIES = {0: "well-known", 1: "well-known", 255: "well-known", 256: "well-known", 1023: "well-known",
              1024: "registered", 49151: "registered", 49152: "dynamic", 65534: "dynamic", 65535: "dynamic"}


@case("ipv4", "ipv6")
def boundaries(family):
    "Boundary ports (0, 1023, 1024, 49151, 49152, 65535) of TCP and UDP are counted in their range"
    host = Netns(on=True)
    nft = Nft(host, drop_in=True)
    tun = Tun(host)
    build, here, there = IP[family], getattr(tun, family), tun.far[family]
    # Not one of the ports that are tested, so that rx of the one and of the other do not mix.
    other = 12345
    wanted = {}
    for name, number, make in ("tcp", 6, tcp), ("udp", 17, udp):
        sums = {"rx": Counts(), "tx": Counts()}
        raw = host.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
        for n, port in enumerate(BOUNDARIES, 1):
            size = IP_HEADER[family] + len(make(0, 0))
            for _ in range(n):
                tun.write(build(there, here, number, make(port, other)))
                tun.write(build(there, here, number, make(other, port, b"x")))
                raw.sendto(build(here, there, number, make(other, port, b"yyy")), (there, 0))
                raw.sendto(build(here, there, number, make(port, other, b"zz")), (there, 0))
            wanted["remote", name, port] = Counts(n, n * size, n, n * (size + 3))
            wanted["local", name, port] = Counts(n, n * (size + 1), n, n * (size + 2))
            sums["rx"] += Counts(n, n * size, n, n * (size + 3))        # local[other]
            sums["tx"] += Counts(n, n * (size + 1), n, n * (size + 2))  # remote[other]
        wanted["local", name, other] = sums["rx"]
        wanted["remote", name, other] = sums["tx"]
    equal(invariant(host.portmon, nft)[0], wanted, "ports")
    ranges = {r["port"]: r["range"] for r in host.portmon.dump("port-get") if r["port"] != other}
    equal(ranges, BOUNDARIES, "ranges")
    sums, ports = {}, {}
    for (scope, transport, port), counts in wanted.items():
        key = scope, transport, BOUNDARIES.get(port, "registered")
        sums[key] = sums.get(key, Counts()) + counts
        ports[key] = ports.get(key, 0) + 1
    found = host.portmon.dump("range-get")
    equal({(r["scope"], r["transport"], r["range"]): Counts.of(r) for r in found}, sums, "sums over ranges")
    equal({(r["scope"], r["transport"], r["range"]): r["ports"] for r in found}, ports, "ports in the ranges")


run()
