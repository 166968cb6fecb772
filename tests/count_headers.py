#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Whatever a packet's headers are: it is counted in its ports or in a bucket with a name, and nothing is left out."""
import errno
import random
import socket
import struct

from lib.connection import IP_HEADER
from lib.counts import Nft, invariant
from lib.kernel import KernelLog
from lib.ktap import case, check, equal, note, run
from lib.netns import AF, Netns, Tun, address, pair
from lib.nlclient import Counts
from lib.packets import IP, ipv4, ipv6, tcp, udp

SPORT, DPORT = 40000, 53
HOP, ROUTING, FRAGMENT, DEST, NONE = 0, 43, 44, 60, 59
UDP, TCP = 17, 6


def option(next_header, length=8):
    "An IPv6 options header (hop-by-hop or destination): experimental options (RFC 4727), which are to be skipped."
    data = b""
    while left := length - 2 - len(data):
        size = min(left, 250)
        data += struct.pack("=BB", 0x1e, size - 2) + bytes(size - 2)
    return struct.pack("=BB", next_header, length // 8 - 1) + data


def routing(next_header):
    "A routing header of a type nobody knows, with no segments left: to be skipped (RFC 8200, 4.4)."
    return struct.pack("=BBBB4x", next_header, 0, 253, 0)


def fragment(next_header, offset, more):
    return struct.pack("!BBHI", next_header, 0, offset | more, 7)


class Wanted:
    "The ports and buckets that come of some packets, one at a time."

    def __init__(self):
        self.ports, self.buckets = {}, {}

    def bucket(self, hook, family, bucket, *packets):
        had = self.buckets.get((hook, family, bucket), (0, 0))
        self.buckets[hook, family, bucket] = had[0] + len(packets), had[1] + sum(map(len, packets))

    def port(self, hook, family, transport, sport, dport, *packets):
        self.bucket(hook, family, "ports", *packets)
        one, size = len(packets), sum(map(len, packets))
        rx, tx = Counts(one, size), Counts(0, 0, one, size)
        destination, source = {"local-in": (("local", rx), ("remote", rx)), "local-out": (("remote", tx), ("local", tx)),
                               "forward": (("forward", rx), ("forward", tx))}[hook]
        for (scope, counts), port in (destination, dport), (source, sport):
            key = scope, transport, port
            self.ports[key] = self.ports.get(key, Counts()) + counts

    def check(self, host, nft, hooks=("local-in", "local-out", "forward")):
        ports, _, buckets = invariant(host.portmon, nft)
        equal(ports, self.ports, "ports")
        # What the kernel says by itself, over ICMPv6, is in the invariant; here it is not foreseen.
        equal({key: counts for key, counts in buckets.items() if key[0] in hooks and key[2] != 58 or key in self.buckets},
              self.buckets, "buckets")


def quiet_host():
    "A host that answers nothing, and the packets it receives."
    host = Netns(on=True)
    nft = Nft(host, drop_in=True)
    return host, nft, Tun(host), KernelLog(), Wanted()


@case()
def fragmented_udp():
    "UDP in fragments, as sockets send and receive it: only the first has ports; IPv4 is put together before local-in, IPv6 after"
    client, router, server = (Netns(on=True) for _ in range(3))
    nft = [Nft(netns) for netns in (client, router, server)]
    near, near_router = pair(client, router, gro=False)
    far_router, far = pair(router, server, gro=False)
    for sysctl in "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding":
        router.sysctl(sysctl, 1)
    wanted = [Wanted() for _ in nft]
    for family in AF:
        gateway, target, me = (address(end, family) for end in (near_router, far, near))
        bits = 32 if family == "ipv4" else 128
        client.ip(f"route add {target}/{bits} via {gateway}")
        sender = client.socket(family, socket.SOCK_DGRAM, bind=(me, SPORT))
        receiver = server.socket(family, socket.SOCK_DGRAM, bind=(target, DPORT))
        for size in 1400, 4000, 4001, 20000:
            sender.sendto(bytes(size), (target, DPORT))
            equal(len(receiver.recv(65536)), size, "bytes received")
            head = IP_HEADER[family]
            whole = bytes(head + 8 + size)
            room = 1500 - head if family == "ipv4" else 1500 - head - 8
            pieces, left = [], 8 + size
            if left <= 1500 - head:
                pieces = [whole]
            while left > 0 and size > 1400:
                extra = 0 if family == "ipv4" else 8
                length = min(left, room & ~7)
                pieces.append(bytes(head + extra + length))
                left -= length
            wanted[0].port("local-out", family, "udp", SPORT, DPORT, whole)
            wanted[1].port("forward", family, "udp", SPORT, DPORT, pieces[0])
            if pieces[1:]:
                wanted[1].bucket("forward", family, "fragment", *pieces[1:])
            if family == "ipv4":
                wanted[2].port("local-in", family, "udp", SPORT, DPORT, whole)
            else:
                wanted[2].port("local-in", family, "udp", SPORT, DPORT, pieces[0])
                if pieces[1:]:
                    wanted[2].bucket("local-in", family, "fragment", *pieces[1:])
    for netns, counters, what in zip((client, router, server), nft, wanted):
        what.check(netns, counters)


@case()
def ipv6_extension_headers():
    "IPv6 hop-by-hop, routing, destination and fragment headers, in and out: the ports behind them, up to 16 headers"
    host, nft, tun, log, wanted = quiet_host()
    me, far = tun.ipv6, tun.far["ipv6"]
    raw = host.socket("ipv6", socket.SOCK_RAW, socket.IPPROTO_RAW)
    datagram, segment = udp(SPORT, DPORT, b"hello"), tcp(SPORT, DPORT, b"hi")

    def both(transport, next_header, payload, bucket=None, times=1):
        for _ in range(times):
            arriving, leaving = ipv6(far, me, next_header, payload), ipv6(me, far, next_header, payload)
            tun.write(arriving)
            raw.sendto(leaving, (far, 0))
            for hook, packet in ("local-in", arriving), ("local-out", leaving):
                if bucket is None:
                    wanted.port(hook, "ipv6", transport, SPORT, DPORT, packet)
                else:
                    wanted.bucket(hook, "ipv6", bucket, packet)

    both("udp", HOP, option(UDP) + datagram)
    both("udp", HOP, option(UDP, 64) + datagram, times=2)
    both("tcp", HOP, option(DEST) + option(ROUTING) + routing(DEST) + option(TCP, 1200) + segment, times=3)
    both("udp", ROUTING, routing(UDP) + datagram)
    both("tcp", DEST, option(TCP) + segment)
    # A fragment that is the whole, a first one, others.
    both("udp", FRAGMENT, fragment(UDP, 0, 0) + datagram)
    both("udp", FRAGMENT, fragment(UDP, 0, 1) + udp(SPORT, DPORT, bytes(16)))
    both("udp", FRAGMENT, fragment(UDP, 64, 0) + bytes(24), bucket="fragment")
    both("udp", DEST, option(FRAGMENT) + fragment(UDP, 8, 1) + bytes(24), bucket="fragment", times=2)
    both("udp", HOP, option(DEST) + option(FRAGMENT) + fragment(TCP, 65528, 0) + bytes(24), bucket="fragment")
    # 16 headers are walked, more are not believed.
    both("udp", DEST, option(DEST) * 15 + option(UDP) + datagram)
    both("udp", DEST, option(DEST) * 16 + option(UDP) + datagram, bucket="malformed", times=2)
    both("udp", DEST, option(DEST) * 60 + option(UDP) + datagram, bucket="malformed")
    # No next header, and headers that are not there.
    both("udp", NONE, b"", bucket=NONE)
    both("udp", DEST, option(NONE), bucket=NONE, times=2)
    both("udp", DEST, b"", bucket="truncated")
    both("udp", DEST, option(DEST)[:7], bucket="truncated")
    both("udp", DEST, option(UDP), bucket="truncated")
    both("udp", DEST, option(DEST, 64)[:16], bucket="truncated")
    both("udp", FRAGMENT, fragment(UDP, 0, 1), bucket="truncated")
    both("udp", FRAGMENT, fragment(UDP, 0, 1)[:4], bucket="truncated")
    both("udp", UDP, b"", bucket="truncated")
    both("tcp", TCP, segment[:3], bucket="truncated")
    # The ports are there, more need not be.
    both("tcp", TCP, segment[:4])
    both("udp", UDP, datagram[:7])
    # An extension header that is one by another name: nobody's, hence by number.
    both("udp", 135, option(UDP), bucket=135)
    wanted.check(host, nft)
    log.silent()


@case()
def ipv4_options():
    "IPv4 options, fragments and short packets, in and out"
    host, nft, tun, log, wanted = quiet_host()
    me, far = tun.ipv4, tun.far["ipv4"]
    raw = host.socket("ipv4", socket.SOCK_RAW, socket.IPPROTO_RAW)
    datagram, segment = udp(SPORT, DPORT, b"hello"), tcp(SPORT, DPORT, b"hi")

    def both(transport, protocol, payload, bucket=None, times=1, into=True, **fields):
        for _ in range(times):
            arriving, leaving = ipv4(far, me, protocol, payload, **fields), ipv4(me, far, protocol, payload, **fields)
            if into:
                tun.write(arriving)
            raw.sendto(leaving, (far, 0))
            for hook, packet in ("local-in", arriving), ("local-out", leaving):
                if hook == "local-in" and not into:
                    continue
                if bucket is None:
                    wanted.port(hook, "ipv4", transport, SPORT, DPORT, packet)
                else:
                    wanted.bucket(hook, "ipv4", bucket, packet)

    both("udp", UDP, datagram, options=b"\1\1\1\0")
    both("tcp", TCP, segment, options=b"\1" * 40, times=2)
    both("tcp", TCP, segment, options=b"\x94\x04\0\0", times=3)             # router alert
    both("udp", UDP, datagram, options=b"\1" * 3 + b"\x07\x07\x04" + bytes(4) + b"\0\0")     # record route
    both("udp", UDP, b"", bucket="truncated")
    both("udp", UDP, b"", bucket="truncated", options=b"\1" * 8)
    both("tcp", TCP, segment[:3], bucket="truncated", times=2)
    both("tcp", TCP, segment[:4])
    both("udp", UDP, datagram[:5], options=b"\1" * 8)
    # The kernel refuses it from outside, but root may send it.
    both("udp", UDP, datagram, bucket="malformed", into=False, version=6)
    # On the way in the kernel puts fragments together first.
    more = 0x2000
    both("udp", UDP, datagram, into=False, fragment=more)
    both("udp", UDP, datagram, bucket="fragment", into=False, fragment=more | 1)
    both("udp", UDP, datagram, bucket="fragment", into=False, fragment=0x1fff, times=2)
    both("udp", UDP, datagram, fragment=0x4000)                             # do not fragment
    wanted.check(host, nft)
    log.silent()


@case()
def headers_forged():
    "Wrong headers sent by a raw socket: version, header length"
    host, nft, tun, log, wanted = quiet_host()
    datagram = udp(SPORT, DPORT, bytes(10))
    for family, forged in ("ipv4", ({"ihl": 4}, {"ihl": 0}, {"version": 6})), ("ipv6", ({"version": 4}, {"version": 0})):
        build, me, there = IP[family], getattr(tun, family), tun.far[family]
        raw = host.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
        for n, fields in enumerate(forged, 1):
            packet = build(me, there, UDP, datagram, **fields)
            try:
                for _ in range(n):
                    raw.sendto(packet, (there, 0))
            except OSError as error:
                # Linux 7 refuses a header length that no header has, but still not another version.
                check(error.errno == errno.EINVAL and "ihl" in fields, error)
            else:
                wanted.bucket("local-out", family, "malformed", *[packet] * n)
        packet = build(me, there, UDP, datagram)
        raw.sendto(packet, (there, 0))
        wanted.port("local-out", family, "udp", SPORT, DPORT, packet)
    wanted.check(host, nft)
    log.silent()


@case()
def header_length_a_rule_forged():
    "A header length that a firewall rule has made longer than the packet, on output"
    host, nft, tun, log, wanted = quiet_host()
    host.run("nft", "-f", "-", input=f"""table ip forge {{ chain output {{
        type filter hook output priority 0
        udp dport {DPORT} @nh,0,8 set 0x4f
    }}; }}""")
    sock = host.socket("ipv4", socket.SOCK_DGRAM, bind=(tun.ipv4, SPORT))
    sock.sendto(bytes(10), (tun.far["ipv4"], DPORT))
    wanted.bucket("local-out", "ipv4", "truncated", bytes(IP_HEADER["ipv4"] + 8 + 10))
    sock.sendto(bytes(10), (tun.far["ipv4"], DPORT + 1))
    wanted.port("local-out", "ipv4", "udp", SPORT, DPORT + 1, bytes(IP_HEADER["ipv4"] + 8 + 10))
    wanted.check(host, nft)
    log.silent()


PROTOCOLS = (1, 2, 4, 41, 46, 47, 50, 51, 89, 103, 112, 115, 253, 255)


@case("ipv4", "ipv6")
def protocols(family):
    "Protocols without ports (ICMP, IGMP, GRE, ESP, AH, ... 255) are counted by number, in, out and forwarded"
    host, nft, tun, log, wanted = quiet_host()
    beyond = Netns()
    near, far = pair(host, beyond)
    for sysctl in "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding":
        host.sysctl(sysctl, 1)
    build, me, there = IP[family], getattr(tun, family), tun.far[family]
    raw = host.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for n, protocol in enumerate(PROTOCOLS + ((58,) if family == "ipv6" else ()), 1):
        # Not an ICMP message that means something, and no ports in it that could be taken for such.
        payload = struct.pack("!BBHHH", 200, 0, 0, SPORT, DPORT) + bytes(n)
        for _ in range(n % 4 + 1):
            packets = build(there, me, protocol, payload), build(me, there, protocol, payload), \
                      build(there, address(far, family), protocol, payload)
            tun.write(packets[0])
            raw.sendto(packets[1], (there, 0))
            tun.write(packets[2])
            for hook, packet in zip(("local-in", "local-out", "forward"), packets):
                if protocol != 58:
                    wanted.bucket(hook, family, protocol, packet)
    wanted.check(host, nft)
    log.silent()


@case()
def forwarded_fragments_and_scraps():
    "Forwarded: fragments, truncated and hop-by-hop packets, each in its port or bucket"
    host, nft, tun, log, wanted = quiet_host()
    beyond = Netns()
    near, far = pair(host, beyond)
    for sysctl in "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding":
        host.sysctl(sysctl, 1)
    datagram = udp(SPORT, DPORT, bytes(24))
    for packet, bucket in ((ipv4(tun.far["ipv4"], far.ipv4, UDP, datagram, fragment=0x2000), None),
                           (ipv4(tun.far["ipv4"], far.ipv4, UDP, datagram, fragment=0x2004), "fragment"),
                           (ipv4(tun.far["ipv4"], far.ipv4, UDP, datagram, fragment=5), "fragment"),
                           (ipv4(tun.far["ipv4"], far.ipv4, UDP, datagram, options=b"\1" * 12), None),
                           (ipv4(tun.far["ipv4"], far.ipv4, TCP, b"123"), "truncated")):
        tun.write(packet)
        if bucket:
            wanted.bucket("forward", "ipv4", bucket, packet)
        else:
            wanted.port("forward", "ipv4", "udp", SPORT, DPORT, packet)
    for next_header, payload, bucket in ((FRAGMENT, fragment(UDP, 0, 1) + datagram, None),
                                         (FRAGMENT, fragment(UDP, 32, 0) + datagram, "fragment"),
                                         (HOP, option(UDP) + datagram, None),
                                         (HOP, option(FRAGMENT) + fragment(UDP, 8, 1) + datagram, "fragment"),
                                         (DEST, option(DEST) * 20 + option(UDP) + datagram, "malformed"),
                                         (UDP, b"12", "truncated")):
        packet = ipv6(tun.far["ipv6"], far.ipv6, next_header, payload)
        tun.write(packet)
        if bucket:
            wanted.bucket("forward", "ipv6", bucket, packet)
        else:
            wanted.port("forward", "ipv6", "udp", SPORT, DPORT, packet)
    wanted.check(host, nft)
    log.silent()


@case("ipv4", "ipv6")
def garbage(family):
    "Thousands of packets of random headers, cut anywhere: nothing uncounted, nothing in the log"
    host, nft, tun, log, _ = quiet_host()
    beyond = Netns()
    near, far = pair(host, beyond)
    for sysctl in "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding":
        host.sysctl(sysctl, 1)
    seed = random.getrandbits(32)
    note(f"seed {seed}")
    rng = random.Random(seed)
    build, me, there = IP[family], getattr(tun, family), tun.far[family]
    raw = host.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
    kinds = (6, 17, 33, 132, 136, 0, 43, 44, 60, 59, 51, 1, 58, 255)
    for _ in range(1000):
        protocol, payload = rng.choice(kinds), b""
        for _ in range(rng.randrange(5)):
            payload += bytes([rng.choice(kinds), rng.choice((0, 0, 0, 1, 255))]) + rng.randbytes(rng.choice((6, 6, 14, 3)))
        fields = {"options": b"\1" * rng.choice((0, 0, 4, 40)), "fragment": rng.choice((0, 0, 0, rng.getrandbits(16)))} \
            if family == "ipv4" else {}
        target = rng.choice((me, address(far, family)))
        tun.write(build(there, target, protocol, payload, **fields))
        if family == "ipv4":
            fields["ihl"] = rng.choice((None, rng.randrange(6)))
        else:
            fields["length"] = rng.choice((None, rng.getrandbits(16)))
        fields["version"] = rng.choice((4 if family == "ipv4" else 6,) * 8 + (rng.getrandbits(4),))
        try:
            raw.sendto(build(me, there, protocol, payload, **fields), (there, 0))
        except OSError as error:
            check(error.errno in (errno.EINVAL, errno.EMSGSIZE), error)
    buckets = invariant(host.portmon, nft)[2]
    for hook in "local-in", "local-out", "forward":
        check(sum(packets for (h, f, _), (packets, _) in buckets.items() if (h, f) == (hook, family)) > 100,
              f"too few packets came to {hook}")
    log.silent()


run()
