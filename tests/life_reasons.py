#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Drops that there is no counter for: more reasons than a port has room for, and packets of which nothing tells whose they are."""
import contextlib
import ctypes
import os
import re
import select
import shutil
import socket
import struct

from lib.ktap import becomes, case, check, equal, run, wait_until
from lib.module import parameter
from lib.netns import Netns, Tun
from lib.nlclient import Portmon, reasons_of
from lib.packets import ACK, FIN, Forger, PSH, Packets, SYN, segment
from lib.process import sh

PORT, FIRST, ROOM = 443, 20000, 12
BLOCKED, FIREWALL, CLASSIFIER, CLOSED = 1001, 1002, 1003, 1004      # source ports that something is against


def obstacles(netns, dev, target):
    "What drops segments by their source port, or that come from where no route leads."
    netns.sysctl(f"net.ipv4.conf.{dev}.rp_filter", 1)
    netns.run("nft", "-f", "-",
              input=f"table ip t {{ chain c {{ type filter hook input priority 0; tcp sport {FIREWALL} drop; }}; }}")
    netns.run("tc", "qdisc", "add", "dev", dev, "clsact")
    netns.run("tc", "filter", "add", "dev", dev, "ingress", "protocol", "ip", "u32", "match", "ip", "sport", str(CLASSIFIER),
              "0xffff", "action", "drop")
    netns.ip(f"xfrm policy add dst {target}/32 proto tcp sport {BLOCKED} dir in action block")


class Losses:
    "Segments to a port of a namespace, each kind of them dropped for the reason that the function is called after."

    def __init__(self, netns):
        self.there = Forger(netns)
        self.source, self.target = self.there.far["ipv4"], self.there.ipv4
        obstacles(netns, self.there.dev, self.target)
        self.listener = netns.socket("ipv4", socket.SOCK_STREAM, bind=(self.target, PORT))

    def segment(self, sport=FIRST + 1, flags=SYN, source=None, **fields):
        return bytearray(segment(source or self.source, self.target, sport, PORT, flags, **fields))

    def establish(self):
        self.there.send("ipv4", FIRST, PORT, SYN, seq=1000)
        self.ack = self.there.answer(FIRST, SYN | ACK)[0] + 1
        self.there.send("ipv4", FIRST, PORT, ACK, seq=1001, ack=self.ack)
        wait_until(lambda: select.select([self.listener], [], [], 0)[0], what="a connection")

    def data(self, seq=0, ack=0):
        "A segment of the connection, off by this much."
        return self.segment(FIRST, PSH | ACK, seq=1001 + seq, ack=self.ack + ack, payload=b"x")

    # While no process listens

    def no_socket(self):
        return self.segment(CLOSED)

    def ip_csum(self):
        packet = self.segment()
        packet[10] ^= 1
        return packet

    def pkt_too_small(self):
        packet = self.segment()
        packet[20 + 12] = 4 << 4        # a header of 16 bytes
        return packet

    def tcp_csum(self):
        return self.segment(wrong=1)

    def netfilter_drop(self):
        return self.segment(FIREWALL)

    def tc_ingress(self):
        return self.segment(CLASSIFIER)

    def ip_rpfilter(self):
        return self.segment(source="203.0.113.1")

    # While there is a connection

    def tcp_flags(self):
        return self.segment(flags=SYN | FIN)

    def tcp_invalid_syn(self):
        return self.segment(FIRST, SYN, seq=1001)

    def tcp_invalid_sequence(self):
        return self.data(seq=10000000)

    def tcp_too_old_ack(self):
        return self.data(ack=-10000000)

    def tcp_ack_unsent_data(self):
        return self.data(ack=1000)

    def xfrm_policy(self):
        return self.segment(BLOCKED)

    def socket_filter(self):
        return self.segment()

    closed = no_socket, ip_csum, pkt_too_small, tcp_csum, netfilter_drop, tc_ingress, ip_rpfilter
    connected = (tcp_flags, tcp_invalid_syn, tcp_invalid_sequence, tcp_too_old_ack, tcp_ack_unsent_data, xfrm_policy,
                 socket_filter)

    def send(self, *kinds):
        "As many of each as it has letters: {reason: segments}."
        for kind in kinds:
            for _ in kind.__name__:
                self.there.write(kind(self))
        return {kind.__name__.upper(): len(kind.__name__) for kind in kinds}


def nothing(length=1):
    "A socket filter that lets nothing pass: BPF_RET, 0."
    nothing.program = ctypes.create_string_buffer(struct.pack("=HBBI", 6, 0, 0, 0))
    return struct.pack("@HP", length, ctypes.addressof(nothing.program))


def split(records):
    "What a dump or a reset has: drops of the port, drops in the overflow."
    own, overflow = {}, {}
    for record in records:
        into = own if "port" in record else overflow if "transport" not in record else {}
        for reason, packets in reasons_of(record).items():
            check(reason not in into, f"{reason} twice")
            into[reason] = packets
    return own, overflow


@case("there is memory", "there is none")
def reasons(memory):
    "fourteen reasons at one port: the first twelve have counters, each packet counts once, a reset returns them all;"
    netns = Netns(on=True)
    losses = Losses(netns)
    room = ROOM
    if memory == "there is none":
        parameter("max_records", 0)
        room = 0
    sent = losses.send(*losses.closed)
    losses.listener.listen()
    losses.establish()
    losses.listener.setsockopt(socket.SOL_SOCKET, 26, nothing())                # SO_ATTACH_FILTER
    last = losses.send(losses.connected[-1])
    losses.listener.setsockopt(socket.SOL_SOCKET, 27, b"\0\0\0\0")               # SO_DETACH_FILTER
    sent = {**sent, **last, **losses.send(*losses.connected[:-1])}
    equal(len(sent), ROOM + 2, "reasons")
    wanted = dict(list(sent.items())[:room]), dict(list(sent.items())[room:])

    def found():
        return split([*netns.portmon.dump("port-get", port=PORT, scope="local"), *netns.portmon.dump("overflow-get")])
    becomes(found, wanted, "drops at the port, and in the overflow")
    # A reason with a counter keeps it.
    for name, count in losses.send(losses.closed[3], losses.connected[4]).items():
        wanted[name not in wanted[0]][name] += count
    becomes(found, wanted, "drops after more of two")
    equal(split(record for record in netns.portmon.reset() if record.get("port", PORT) == PORT), wanted, "drops returned")
    equal(split(netns.portmon.dump("port-get") + netns.portmon.dump("overflow-get")), ({}, {}), "drops that are left")


def small(netns):
    "A client that reads in the smallest pieces there are."
    client = Portmon.__new__(Portmon)
    client.size = 4096
    client.__init__(netns)
    return client


@case()
def cut():
    "wherever the end of a buffer cuts the overflow's lines, drops and events: each is there once, and a reset returns it"
    netns = Netns(on=True)
    losses, packets = Losses(netns), Packets(netns)
    parameter("max_records", 0)
    sent = losses.send(*losses.closed)
    client = small(netns)
    for transport in Packets.PROTOCOL:
        for port in 80, 8080, 60000:
            # On loopback nobody takes them: more drops.
            for way in packets.out, packets.within, packets.through:
                way(transport, port, port)
                # A drop may come when its packet has long been counted.
                becomes(lambda: client.dump("overflow-get") == netns.portmon.dump("overflow-get"), True,
                        "a dump in small pieces is the same as one in large ones")
    whole = netns.portmon.dump("overflow-get")
    check(len(whole) > 60, f"{len(whole)} lines are less than a buffer")
    found = client.events_overflow()["local"]
    equal({name: found.get(name) for name in sent}, sent, "drops at the port")
    equal(client.reset()[:len(whole)], whole, "what a reset returned")
    equal(client.dump("overflow-get"), [], "what is left")


@case()
def unplaced():
    "what a full queue of a tun device drops has lost its namespace: it counts as unplaced, sent = read + dropped"
    netns, home = Netns(on=True), Portmon()
    tun = Tun(netns)
    netns.ip(f"link set {tun.dev} txqueuelen 10")
    sock = netns.socket("ipv4", socket.SOCK_DGRAM)
    before = home.do("info-get")["drops-unplaced"]
    for _ in range(30):
        sock.sendto(b"x", (tun.far["ipv4"], 53))
    read = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            packet = os.read(tun.fd, 4096)
            read += packet[0] >> 4 == 4 and packet[9] == 17
    check(0 < read < 30, f"{read} of 30 were read")
    equal((now := home.do("info-get")["drops-unplaced"]) - before, 30 - read, "unplaced drops")
    line = f"unplaced drops   {now} of the whole host, of unknown network namespace"
    check(line in sh("portmon-ctl", "info").splitlines(), f"info has no line {line!r}")
    equal(netns.portmon.drops(), {}, "drops of the namespace")
    equal(netns.portmon.ports()["remote", "udp", 53].tx, 30, "sent")


# What only packets without ports are dropped for, and what is no drop.
PORTLESS = r"(QDISC_DROP_)?MAX$|NOT_DROPPED_YET|CONSUMED|ARP_|CAN|ICMP_|IPV6_NDISC_|MAC_IEEE_|UNIX_"


@case()
def words():
    "portmon-ctl has words for every reason of this kernel that a packet with ports can be dropped for"
    names = []
    for event, prefix in ("skb/kfree_skb", ""), ("qdisc/qdisc_drop", "QDISC_DROP_"):
        with contextlib.suppress(FileNotFoundError), open(f"/sys/kernel/tracing/events/{event}/format") as file:
            names += [prefix + name.removeprefix(prefix) for name in re.findall(r'\{ \w+, "(\w+)" \}', file.read())]
    check(len(names) > 50 and "NO_SOCKET" in names, f"the kernel names its reasons: {names}")
    with open(shutil.which("portmon-ctl"), "rb") as file:
        strings = file.read().split(b"\0")
    equal([name for name in names if name.encode() not in strings and not re.match(PORTLESS, name)], [], "reasons without words")


run()
