# SPDX-License-Identifier: GPL-2.0
"""Packets built by hand, and a namespace that sends them."""
import contextlib
import os
import socket
import struct

from lib.ktap import wait_until
from lib.netns import Tun
from lib.nlclient import Counts


def checksum(data):
    data = bytes(data) + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(source, destination, protocol, payload, options=b"", fragment=0, ihl=None, version=4, length=None):
    "An IPv4 packet; fragment is the 16 bits of flags and offset."
    header_length = 20 + len(options)
    head = bytearray(struct.pack("!BBHHHBBH4s4s", version << 4 | (header_length // 4 if ihl is None else ihl), 0,
                                 header_length + len(payload) if length is None else length, 1, fragment, 64, protocol,
                                 0, socket.inet_aton(source), socket.inet_aton(destination)) + options)
    head[10:12] = struct.pack("!H", checksum(head))
    return bytes(head) + payload


def ipv6(source, destination, next_header, payload, version=6, length=None):
    return struct.pack("!IHBB16s16s", version << 28, len(payload) if length is None else length, next_header, 64,
                       socket.inet_pton(socket.AF_INET6, source), socket.inet_pton(socket.AF_INET6, destination)) + payload


# The packet of a family: IP["ipv4"](source, destination, protocol, payload).
IP = {"ipv4": ipv4, "ipv6": ipv6}


def udp(sport, dport, payload=b""):
    "A UDP datagram without checksum."
    return struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


def tcp(sport, dport, payload=b"", flags=0x04):
    "A TCP segment (RST unless told, so that no one answers), without a valid checksum."
    return struct.pack("!HHIIBBHHH", sport, dport, 1, 0, 5 << 4, flags, 1024, 0, 0) + payload


class Packets:
    """Unanswered packets of 28 bytes from a quiet namespace; .sent has the expected counts.

    out() leaves the namespace, through() is routed through it, within() stays on loopback. Each is over when the packets
    have been at their hooks, which may be later than when they were sent: on a busy machine softirqs are another thread's.
    """
    BYTES = 28
    PROTOCOL = {"tcp": 6, "udp": 17, "udplite": 136, "sctp": 132, "dccp": 33}

    def __init__(self, netns):
        netns.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        netns.sysctl("net.ipv4.ip_forward", 1)
        netns.ip("link set lo up", "link add sink type dummy", "addr add 192.0.2.1/24 dev sink", "link set sink up")
        self.netns, self.tun, self.sink, self.sent = netns, None, None, {}
        self.sockets = {t: netns.socket(socket.AF_INET, socket.SOCK_RAW, n) for t, n in self.PROTOCOL.items()}

    @staticmethod
    def _payload(sport, dport):
        "No transport accepts it, and none answers."
        return struct.pack("!HHI", sport, dport, 0)

    def _count(self, transport, n, *cells):
        for scope, port, tx in cells:
            more = Counts(0, 0, n, n * self.BYTES) if tx else Counts(n, n * self.BYTES)
            self.sent[scope, transport, port] = self.sent.get((scope, transport, port), Counts()) + more

    def _send(self, transport, sport, dport, n, to):
        for _ in range(n):
            self.sockets[transport].sendto(self._payload(sport, dport), (to, 0))

    @staticmethod
    def _wait(sock, payload):
        "Until a copy has arrived: a raw socket gets one behind local-in, one of packets behind forward."
        while not sock.recv(100).endswith(payload):
            pass

    def out(self, transport, sport, dport, n=1):
        self._send(transport, sport, dport, n, "192.0.2.2")
        self._count(transport, n, ("local", sport, True), ("remote", dport, True))

    def within(self, transport, sport, dport, n=1):
        for _ in range(n):
            self._send(transport, sport, dport, 1, "127.0.0.1")
            self._wait(self.sockets[transport], self._payload(sport, dport))
        self._count(transport, n, ("loopback", dport, False), ("loopback", sport, True))

    def through(self, transport, sport, dport, n=1):
        if not self.tun:
            self.netns.sysctl("net.ipv6.conf.default.disable_ipv6", 0)
            self.tun = Tun(self.netns)
            self.sink = self.netns.socket(socket.AF_PACKET, socket.SOCK_DGRAM, bind=("sink", 3))
        payload = self._payload(sport, dport)
        packet = ipv4(self.tun.far["ipv4"], "192.0.2.2", self.PROTOCOL[transport], payload)
        for _ in range(n):
            self.tun.write(packet)
            self._wait(self.sink, payload)
        self._count(transport, n, ("forward", dport, False), ("forward", sport, True))


FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10


def segment(source, destination, sport, dport, flags, seq=0, ack=0, payload=b"", options=b"", wrong=0):
    "A TCP segment in its packet, IPv4 or IPv6, with a good checksum unless it is to be wrong by something."
    family, make = (socket.AF_INET6, ipv6) if ":" in source else (socket.AF_INET, ipv4)
    head = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff, (20 + len(options)) << 2, flags, 65535, 0, 0)
    return make(source, destination, 6, _summed(family, source, destination, 6, head + options + payload, 16, wrong))


def datagram(source, destination, sport, dport, payload=b"", wrong=0):
    "A UDP datagram, like segment()."
    family, make = (socket.AF_INET6, ipv6) if ":" in source else (socket.AF_INET, ipv4)
    return make(source, destination, 17, _summed(family, source, destination, 17, udp(sport, dport, payload), 6, wrong))


def _summed(family, source, destination, protocol, data, at, wrong):
    pseudo = socket.inet_pton(family, source) + socket.inet_pton(family, destination) + struct.pack("!II", len(data), protocol)
    value = (checksum(pseudo + data) + wrong) % 0xffff or 0xffff
    return data[:at] + struct.pack("!H", value) + data[at + 2:]


class Forger(Tun):
    "A host behind a tun device that speaks TCP by hand."

    def send(self, family, sport, dport, flags, **fields):
        self.write(segment(self.far[family], getattr(self, family), sport, dport, flags, **fields))

    def answer(self, sport, flags):
        "The next segment to this port with these flags: (seq, ack)."
        def read():
            with contextlib.suppress(BlockingIOError):
                while True:
                    packet = os.read(self.fd, 4096)
                    l4 = packet[20 if packet[0] >> 4 == 4 else 40:]
                    protocol = packet[9 if packet[0] >> 4 == 4 else 6]
                    if protocol == 6 and l4[13] & 0x3f == flags and struct.unpack_from("!H", l4, 2)[0] == sport:
                        return struct.unpack_from("!II", l4, 4)
        return wait_until(read, what=f"a segment with flags {flags:#x} to port {sport}")
