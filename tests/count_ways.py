#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Ways that only some packets take: each counts as nftables and the senders say, or has passed no hook, which is said."""
import contextlib
import socket
import struct

from lib.connection import IP_HEADER
from lib.counts import Counters, Nft, invariant, mib
from lib.ktap import becomes, case, check, equal, eventually, run
from lib.netns import AF, Netns, Tun, address, carried, hosts, pair, route
from lib.nlclient import Counts
from lib.packets import checksum, datagram
from lib.tcp_events import events, pinned

FIRST, PORT, N = 20000, 5000, 10
LATE, AFTER = "input -2147483647", "postrouting 300"

pinned()


def both(counts, scope, port, transport="udp"):
    "(rx, tx) of a port, in packets."
    found = counts.get((scope, transport, port), Counts())
    return found.rx, found.tx


@case()
def injected():
    "frames that a packet socket sends have passed no hook: nothing where they are sent, received where they arrive"
    (host_, box), (near, far) = hosts()
    nft, reader = Nft(box), box.socket("ipv4", socket.SOCK_DGRAM, bind=(far.ipv4, PORT))
    sock = host_.socket(socket.AF_PACKET, socket.SOCK_DGRAM, bind=(near.dev, 0x0800))
    before = host_.portmon.buckets()
    for _ in range(N):
        sock.sendto(datagram(near.ipv4, far.ipv4, FIRST, PORT, bytes(100)),
                    (near.dev, 0x0800, 0, 0, bytes.fromhex(far.mac.replace(":", ""))))
        equal(len(reader.recv(200)), 100, "bytes received")
    equal(host_.portmon.ports(), {}, "ports of the host that sent")
    equal({key for key in host_.portmon.buckets().keys() - before.keys() if key[1] == "ipv4"}, set(), "buckets of the host that sent")
    equal(box.portmon.ports(), {("local", "udp", PORT): Counts(N, N * 128), ("remote", "udp", FIRST): Counts(N, N * 128)}, "ports where they arrived")


class Guest(Tun):
    "A virtual machine that leaves the checksum of its UDP datagrams to be filled in: the sum of the pseudo header is there."

    def send(self, family, size, asked):
        "asked: to be filled in; if not, the checksum is wrong."
        source, target, start = self.far[family], getattr(self, family), IP_HEADER[family]
        packet = bytearray(datagram(source, target, FIRST, PORT, bytes(size)))
        pseudo = socket.inet_pton(AF[family], source) + socket.inet_pton(AF[family], target) + struct.pack("!II", 8 + size, 17)
        packet[start + 6:start + 8] = struct.pack("!H", ~checksum(pseudo) & 0xffff)
        self.write(struct.pack("=BBHHHH", asked, 0, 0, 0, start * asked, 6 * asked) + packet)      # VIRTIO_NET_HDR_F_NEEDS_CSUM


@case()
def checksum_left_out():
    "checksums left to be filled in, as virtual machines have them: received, no drop; the same that are wrong: UDP_CSUM"
    netns = Netns(on=True)
    nft, guest = Nft(netns), Guest(netns, vnet=True)
    for family in AF:
        reader = netns.socket(family, socket.SOCK_DGRAM, bind=(getattr(guest, family), PORT))
        for asked in True, False:
            for _ in range(N):
                guest.send(family, 50, asked)
                if asked:
                    equal(len(reader.recv(200)), 50, "bytes received")
    becomes(netns.portmon.drops, {("local", "udp", PORT): {"UDP_CSUM": 2 * N}}, "drops")
    counts = Counts(4 * N, 2 * N * (20 + 40 + 2 * 58))
    equal(invariant(netns.portmon, nft)[0], {("local", "udp", PORT): counts, ("remote", "udp", FIRST): counts}, "ports")


@case()
def checksum_late():
    "wrong checksums of datagrams so long that only who reads them looks: the stack has them, drops where the kernel gives a reason"
    netns = Netns(on=True)
    guest = Guest(netns, vnet=True)
    readers = [netns.socket(family, socket.SOCK_DGRAM, bind=(getattr(guest, family), PORT)) for family in AF]
    for family, reader in zip(AF, readers):
        reader.setblocking(False)
        for _ in range(N):
            guest.send(family, 100, False)

    def read():
        for reader in readers:
            with contextlib.suppress(BlockingIOError):
                raise AssertionError(f"received: {reader.recv(200)}")
        return mib(netns)["UdpInCsumErrors"], mib(netns)["Udp6InCsumErrors"]
    becomes(read, (N, N), "the stack's own counters")
    equal(netns.portmon.ports()["local", "udp", PORT].rx, 2 * N, "received")
    found = netns.portmon.drops()
    check(found in ({}, {("local", "udp", PORT): {"UDP_CSUM": 2 * N}}), f"drops: {found}")


@case()
def quoted():
    "ICMP errors count as ICMP, whatever ports the packets had that they quote"
    host_, box = Netns(on=True), Netns()
    nft = Nft(host_)
    near, far = pair(host_, box)
    box.sysctl("net.ipv4.icmp_ratelimit", 0)
    box.sysctl("net.ipv6.icmp.ratelimit", 0)
    for family in AF:
        sock = host_.socket(family, socket.SOCK_DGRAM, bind=(address(near, family), FIRST))
        for _ in range(N):
            with contextlib.suppress(ConnectionRefusedError):
                sock.sendto(bytes(100), (address(far, family), PORT))
    errors = lambda: (mib(host_)["IcmpMsgInType3"], mib(host_)["Icmp6InDestUnreachs"])
    becomes(errors, (N, N), "errors, as the stack counts them")
    sent = Counts(0, 0, 2 * N, N * (20 + 40 + 2 * 108))
    ports, _, buckets = invariant(host_.portmon, nft)
    equal(ports, {("local", "udp", FIRST): sent, ("remote", "udp", PORT): sent}, "ports")
    equal(buckets["local-in", "ipv4", 1][0], N, "ICMP packets")
    check(buckets["local-in", "ipv6", 58][0] >= N, f"ICMPv6 packets: {buckets}")


@case()
def fragments_tracked():
    "fragments where connections are tracked: put together before any hook, they are one packet, in and through"
    client, router, server = (Netns(on=True) for _ in range(3))
    # Any rule that asks for a connection's state has fragments put together.
    for netns in router, server:
        netns.run("nft", "-f", "-", input="""table inet f { chain p { type filter hook prerouting priority 0
            ct state invalid drop
            }
        }""")
    nfts = [Nft(netns) for netns in (client, router, server)]
    near, near_router = pair(client, router, gro=False)
    far_router, far = pair(router, server, gro=False)
    route(client, near_router, far, router, server, far_router, near)
    for family in AF:
        reader = server.socket(family, socket.SOCK_DGRAM, bind=(address(far, family), PORT))
        sock = client.socket(family, socket.SOCK_DGRAM, bind=(address(near, family), FIRST))
        for _ in range(N):
            sock.sendto(bytes(4000), (address(far, family), PORT))
            equal(len(reader.recv(5000)), 4000, "bytes received")
    out, into = Counts(0, 0, 2 * N, N * (20 + 40 + 2 * 4008)), Counts(2 * N, N * (20 + 40 + 2 * 4008))
    for netns, nft, source, target, counts in (client, nfts[0], "local", "remote", (out, out)), \
                                              (router, nfts[1], "forward", "forward", (out, into)), \
                                              (server, nfts[2], "remote", "local", (into, into)):
        ports, _, buckets = invariant(netns.portmon, nft)
        equal(ports, {(source, "udp", FIRST): counts[0], (target, "udp", PORT): counts[1]}, "ports")
        check(not any(bucket == "fragment" for *_, bucket in buckets), f"fragments: {buckets}")


@case()
def hairpin():
    "two hosts of one network by way of a router's address, with NAT both ways: through the same device in and out, forwarded once"
    router, one, two = Netns(on=True), Netns(), Netns()
    nft = Nft(router)
    router.sysctl("net.ipv4.ip_forward", 1)
    router.ip("link add br0 type bridge", "addr add 10.70.0.1/24 dev br0", "link set br0 up")
    for n, netns in enumerate((one, two), 2):
        router.ip(f"link add p{n} type veth peer name x1 netns {netns.name}", f"link set p{n} master br0", f"link set p{n} up")
        netns.ip(f"addr add 10.70.0.{n}/24 dev x1", "link set x1 up")
    router.run("nft", "-f", "-", input="""table ip nat {
        chain pre { type nat hook prerouting priority -100; ip daddr 10.70.0.1 tcp dport 8080 dnat to 10.70.0.3:80; }
        chain post { type nat hook postrouting priority 100; ip saddr 10.70.0.0/24 ip daddr 10.70.0.3 snat to 10.70.0.1; }
    }""")
    seen = Counters(router, there="forward 2147483646 tcp dport 80", back="forward 2147483646 tcp sport 80")
    listener = two.socket("ipv4", socket.SOCK_STREAM, bind=("10.70.0.3", 80))
    listener.listen()
    for i in range(3):
        sock = one.socket("ipv4", socket.SOCK_STREAM, bind=("10.70.0.2", FIRST + i))
        sock.connect(("10.70.0.1", 8080))
        called = listener.accept()[0]
        sock.close()
        equal(called.recv(1), b"", "end of data")
        called.close()

    def agree():
        n = seen.read()
        ports = invariant(router.portmon, nft)[0]
        check(n["there"] >= 9 and n["back"] >= 6, f"too few packets: {n}")
        equal(both(ports, "forward", 80, "tcp"), (n["there"], n["back"]), "forward port 80: (rx, tx)")
        equal({scope for scope, *_ in ports}, {"forward"}, "scopes")
        equal(both(ports, "forward", 8080, "tcp"), (0, 0), "forward port 8080")
    eventually(agree)
    equal(router.portmon.tcp()["forward", 80], events(syn_received=3, synack_sent=3, fin=6), "TCP events of port 80")


@case()
def moved():
    "a device that moves to another namespace while it counts: packets and drops are in the namespace where they were received"
    one, two, box = Netns(on=True), Netns(on=True), Netns()
    nfts = Nft(one), Nft(two)
    near, far = pair(one, box)
    sock = box.socket("ipv4", socket.SOCK_DGRAM, bind=(far.ipv4, FIRST))

    def send(n):
        for _ in range(n):
            with contextlib.suppress(ConnectionRefusedError):
                sock.sendto(bytes(100), (near.ipv4, PORT))
    send(N)
    becomes(one.portmon.drops, {("local", "udp", PORT): {"NO_SOCKET": N}}, "drops before")
    one.ip(f"link set {near.dev} netns {two.name}")
    two.ip(f"addr add {near.ipv4}/24 dev {near.dev}", f"neigh add {far.ipv4} lladdr {far.mac} dev {near.dev}", f"link set {near.dev} up")
    carried(two, near.dev)
    send(2 * N)
    becomes(two.portmon.drops, {("local", "udp", PORT): {"NO_SOCKET": 2 * N}}, "drops behind the move")
    equal(one.portmon.drops(), {("local", "udp", PORT): {"NO_SOCKET": N}}, "drops where it was")
    for netns, nft, n in (one, nfts[0], N), (two, nfts[1], 2 * N):
        equal(invariant(netns.portmon, nft)[0], {("local", "udp", PORT): Counts(n, n * 128), ("remote", "udp", FIRST): Counts(n, n * 128)}, "ports")


run()
