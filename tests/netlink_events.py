#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The group events: new ports, bursts of failed handshakes, new drop reasons; each once, within the rate limit."""
import os
import select
import socket
import time

from lib.kernel import LINUX
from lib.ktap import becomes, case, check, equal, run, wait_until
from lib.module import parameter
from lib.netns import Netns, address, hosts
from lib.nlclient import Portmon, reasons_of
from lib.packets import Forger, datagram
from lib.tcp_events import Server, connections

PORT, FIRST, LAST = 443, 20000, 65000


class Watcher:
    "Somebody who listens in a namespace, and a way to cause an event that is sure to be new."

    def __init__(self, netns):
        self.portmon = Portmon(netns)
        self.portmon.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.portmon.subscribe()
        self.there = Forger(netns)
        self.last = LAST

    def poke(self, port, n=1):
        for _ in range(n):
            self.there.write(datagram(self.there.far["ipv4"], self.there.ipv4, FIRST, port))

    def read(self):
        "All that has been reported: ([(event, scope, transport, port, what)], how many were missed)."
        self.last += 1
        self.poke(self.last)
        found, missed = [], 0
        while True:
            for command, record in self.portmon.events():
                equal(command, "event-ntf", "notification")
                missed += record.get("missed", 0)
                what = reasons_of(record) or record.get("tcp", {})
                found.append((record["event"], record["scope"], record["transport"], record["port"], what))
                if record["port"] == self.last and record["event"] == "drop":
                    return [event for event in found if event[3] != self.last], missed


def two():
    "Two hosts, and who listens at each."
    netns, ends = hosts()
    return netns, ends, [Watcher(n) for n in netns]


@case("ipv4", "ipv6")
def ports(family):
    "a port that receives a packet is reported once, at its own host; one first seen as a source is not;"
    (client, server), (near, far), (at_client, at_server) = two()
    listener = Server(server, PORT)
    reader = server.socket(family, socket.SOCK_DGRAM, bind=(address(far, family), 53))
    sock = client.socket(family, socket.SOCK_DGRAM, bind=(address(near, family), FIRST))
    for _ in range(2):
        connections(client, address(near, family), address(far, family), FIRST, PORT, 5)
        sock.sendto(b"question", (address(far, family), 53))
        reader.sendto(b"answer", reader.recvfrom(100)[1])
        equal(sock.recv(100), b"answer", "answer")
    equal(at_server.read(), ([("new-port", "local", "tcp", PORT, {}), ("new-port", "local", "udp", 53, {})], 0), "at the server")
    equal(at_client.read(), ([], 0), "at the client")
    listener.accepted()
    # A reset does not report a port again.
    server.portmon.reset(transport="udp")
    sock.sendto(b"question", (address(far, family), 53))
    reader.recv(100)
    equal([command for command, _ in at_server.portmon.events()], ["reset-ntf"], "what the reset reported")
    equal(at_server.read(), ([], 0), "after a reset")


@case()
def drops():
    "a drop is reported once for each reason and port, with their number"
    (client, server), (near, far), (at_client, at_server) = two()
    sock = client.socket("ipv4", socket.SOCK_DGRAM, bind=(near.ipv4, FIRST))
    for port in 53, 80, 53:
        sock.sendto(b"x", (far.ipv4, port))
    server.run("nft", "-f", "-", input="table inet t {\nchain in {\ntype filter hook input priority 0\nudp dport 53 drop\n}\n}")
    for port in 53, 80, 53:
        sock.sendto(b"x", (far.ipv4, port))
    # On a busy machine ksoftirqd delivers them, and what read() sends itself would overtake them.
    dropped = {53: {"NO_SOCKET": 2, "NETFILTER_DROP": 2}, 80: {"NO_SOCKET": 2}}
    becomes(lambda: {port: server.portmon.drops().get(("local", "udp", port)) for port in dropped}, dropped, "drops at the server")
    found, missed = at_server.read()
    equal(([event for event in found if event[0] == "drop"], missed),
          ([("drop", "local", "udp", 53, {"NO_SOCKET": 1}), ("drop", "local", "udp", 80, {"NO_SOCKET": 1}),
            ("drop", "local", "udp", 53, {"NETFILTER_DROP": 1})], 0), "at the server")
    equal(at_client.read(), ([], 0), "at the client")


@case()
def failures():
    "ten failed handshakes are reported once, until ten seconds pass without another; nine are not"
    (client, server), (near, far), (at_client, at_server) = two()

    def fail(port, n):
        equal(connections(client, near.ipv4, far.ipv4, FIRST, port, n), 0, "connections made")

    def burst(port, failed):
        return "handshake-failures", "remote", "tcp", port, {"failed": failed}

    fail(80, 9)
    equal(at_client.read(), ([], 0), "after nine")
    fail(PORT, 25)
    fail(PORT, 15)
    equal(at_client.read(), ([burst(PORT, 10)], 0), "after forty")
    last = time.monotonic()
    wait_until(lambda: time.monotonic() > last + 12, what="more than ten seconds")
    fail(80, 9)
    fail(PORT, 9)
    equal(at_client.read(), ([], 0), "after nine more, ten seconds later")
    fail(PORT, 1)
    equal(at_client.read(), ([burst(PORT, 50)], 0), "after the tenth")
    equal([event for event in at_server.read()[0] if event[0] == "handshake-failures"], [], "at the server, which refuses")


@case()
def rate():
    "at most 32 per second are reported, with the number suppressed"
    netns = Netns(on=True)
    watcher = Watcher(netns)
    reported, missed, n, begun = 0, 0, 0, time.monotonic()
    for turn in range(3):
        for port in range(1000 + turn * 100, 1100 + turn * 100):
            watcher.poke(port, 2)
            n += 2      # it is new, and a drop
        seconds = int(time.monotonic() - begun) + 2
        time.sleep(1.1)         # so that the next one is reported
        more, less = watcher.read()
        reported, missed = reported + len(more), missed + less
        check(reported <= 32 * seconds, f"{reported} reported in less than {seconds} s")
        check(missed, "nothing was missed: this is no test")
        equal(reported + missed, n, "reported and missed")


@case()
def strangers():
    "a listener in another namespace receives nothing"
    netns = [Netns(on=True) for _ in range(2)]
    one, other = map(Watcher, netns)
    one.poke(53)
    equal(len(one.read()[0]), 2, "reported in its own")
    equal(other.read(), ([], 0), "reported in the other")


@case()
def switched():
    "netns-ntf reports the switches lifecycle and drops"
    netns = Netns(on=True)
    watcher = Watcher(netns)
    for name, value in ("lifecycle", 0), ("drops", 0), ("lifecycle", 1), ("drops", 1):
        answer = netns.portmon.do("netns-set", **{name: value})
        (command, record), = watcher.portmon.events()
        equal((command, record[name]), ("netns-ntf", value), "notification")
        equal(answer[name], value, "answer")


def hears(portmon, port, wait=2):
    "Is there an event of this port, within so many seconds?"
    until = time.monotonic() + wait
    while select.select([portmon.sock], [], [], max(until - time.monotonic(), 0))[0]:
        if any(record["port"] == port for _, record in portmon.events()):
            return True
    return False


@case()
def restricted():
    "with restrict_read a user receives nothing, a process with CAP_NET_ADMIN does, if the kernel can distinguish them (6.6 and later)"
    (_, server), _, (_, at_server) = two()
    with server.enter():
        os.seteuid(1000)
        try:
            user = Portmon()
        finally:
            os.seteuid(0)
    user.subscribe()
    at_server.poke(2001)
    check(hears(at_server.portmon, 2001) and hears(user, 2001), "without restrict_read one of the two received nothing")
    parameter("restrict_read", 1)
    at_server.poke(2002)
    equal(hears(at_server.portmon, 2002), LINUX >= (6, 6), "root received it")
    equal(hears(user, 2002), False, "the user received it")


run()
