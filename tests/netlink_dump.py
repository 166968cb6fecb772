#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Dumps over many buffers: complete, in order, resumed by key, and honest about a reset in between."""
import errno
import socket
import struct
import time

from lib.ktap import case, check, equal, run
from lib.module import parameter
from lib.netns import Netns
from lib.nlclient import Counts, NlError, Portmon, UAPI, buckets_of, ports_of
from lib.packets import Packets

SMALL = 4096        # a read of this makes the kernel fill no more at a time
TRANSPORTS, SCOPES = list(UAPI["transport"]), list(UAPI["scope"])

yard = Netns(on=True)
pm = yard.portmon
packets = Packets(yard)
for port in range(0, 65536, 97):
    packets.out("udp", 40000, port)
for port in range(0, 65536, 151):
    packets.out("tcp", port, 443)
for port in range(1, 400, 2):
    packets.within("dccp", port, port + 1)
    packets.through("sctp", 65535 - port, port)
packets.out("udp", 40001, 53, 100)      # busy: counted per CPU


class SmallReads(Portmon):
    size = SMALL


class Reading:
    "A dump read one buffer at a time."

    def __init__(self, command="port-get", kind=SmallReads, rcvbuf=None, netns=yard, **filter):
        self.pm = kind(netns)
        if rcvbuf:
            self.pm.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.command = command
        self.records, self.reads, self.interrupted, self.done = [], 0, False, None
        self.pm.send(self.pm.family, UAPI["cmd"][command], 1, self.pm.encode(command, filter), 0x301)

    def read(self):
        "One buffer; false at the end."
        if self.done is not None:
            return False
        self.reads += 1
        for kind, flags, seq, payload in self.pm.receive():
            equal(seq, self.pm.seq, "sequence number")
            check(self.done is None, "a message after the end")
            self.interrupted |= bool(flags & 0x10)
            if kind == 3:
                self.done = struct.unpack_from("=i", payload)[0]
                self.sentence = str(self.pm._error(flags, self.done, payload[4:]).sentence) if self.done else None
            else:
                check(kind == self.pm.family, f"message of type {kind}")
                self.records.append(self.pm.decode(self.command, payload[4:]))
        return True

    def rest(self):
        while self.read():
            pass
        return self

    def keys(self):
        return [(SCOPES.index(r["scope"]), TRANSPORTS.index(r["transport"]), r["port"]) for r in self.records if "port" in r]

    def whole(self, wanted=None):
        "It ended well, in order, and had what it should have."
        equal(self.done, 0, "end of the dump")
        check(all(a < b for a, b in zip(self.keys(), self.keys()[1:])), "not in the order scope, transport, port")
        if wanted is not None:
            equal(ports_of(self.records), wanted, "records")
        return self


def key_of(scope, transport, port):
    return SCOPES.index(scope), TRANSPORTS.index(transport), port


@case()
def order():
    "more than a thousand records come whole and in strict order of scope, transport, port"
    dump = Reading(kind=Portmon).rest().whole(packets.sent)
    check(len(dump.records) > 1000, f"only {len(dump.records)} records")
    check(dump.reads > 3, f"only {dump.reads} reads")
    equal(dump.interrupted, False, "interrupted")
    equal({r["scope"] for r in dump.records}, set(SCOPES), "scopes")
    for record in dump.records:
        wanted = "well-known" if record["port"] < 1024 else "registered" if record["port"] < 49152 else "dynamic"
        equal(record["range"], wanted, f"range of {record['port']}")


@case()
def small():
    "small reads and a small receive buffer make more buffers of the same dump"
    dump = Reading().rest().whole(packets.sent)
    check(dump.reads > 30, f"only {dump.reads} reads")
    equal(dump.interrupted, False, "interrupted")
    dump = Reading(rcvbuf=2048).rest().whole(packets.sent)
    equal(dump.interrupted, False, "interrupted")


@case()
def filtered():
    "a filter holds in every buffer"
    for given, holds in (({"scope": "remote"}, lambda s, t, p: s == "remote"),
                         ({"transport": "tcp"}, lambda s, t, p: t == "tcp"),
                         ({"port": 97, "port_max": 60000}, lambda s, t, p: 97 <= p <= 60000),
                         ({"range": "dynamic"}, lambda s, t, p: p >= 49152),
                         ({"range": "registered", "transport": "udp", "non_zero": True},
                          lambda s, t, p: t == "udp" and 1024 <= p < 49152)):
        Reading(**given).rest().whole({key: v for key, v in packets.sent.items() if holds(*key)})
    for given in {"port": 100, "port_max": 200, "range": "dynamic"}, {"scope": "forward", "transport": "tcp"}:
        Reading(**given).rest().whole({})


@case()
def at_rest():
    "an idle port has the same last-seen time in every reply"
    key = {"scope": "local", "transport": "udp", "port": 40001}
    seen, begun = set(), int(time.time())
    while time.time() < begun + 2:      # over the end of a second
        record = pm.do("port-get", **key)
        seen.add((record["first-seen"], record["last-seen"]))
    equal(len(seen), 1, f"{seen}: moments")


@case()
def growing():
    "ports that appear during a dump do not upset it: those ahead are in it, those behind are not"
    dump = Reading()
    for _ in range(3):
        dump.read()
    packets.out("sctp", 30000, 30001)   # local sctp 30000 may be behind or ahead, remote sctp 30001 is ahead
    packets.out("tcp", 1, 443)          # local tcp 1 is behind
    packets.within("udp", 9, 9)         # the last scope
    check(dump.keys()[-1] > key_of("local", "tcp", 1), "the dump has not come far enough")
    dump.rest().whole()
    equal(dump.interrupted, False, "interrupted")
    check(key_of("local", "tcp", 1) not in dump.keys(), "a port behind is in the dump")
    for ahead in key_of("remote", "sctp", 30001), key_of("loopback", "udp", 9):
        check(ahead in dump.keys(), f"{ahead} is not in the dump")
    Reading().rest().whole(packets.sent)


@case()
def two():
    "two dumps at once do not disturb each other"
    one, other = Reading(), Reading(scope="remote")
    while one.read() | other.read():
        pass
    one.whole(packets.sent)
    other.whole({key: v for key, v in packets.sent.items() if key[0] == "remote"})


@case("one port", "a filter", "off and on")
def interrupted(how):
    "a reset during a dump sets NLM_F_DUMP_INTR, a refused one or mere traffic does not"
    netns = Netns(on=True)
    some = Packets(netns)
    for port in range(500):
        some.out("udp", 5, port)
    quiet = Reading(netns=netns)
    quiet.read()
    some.out("udp", 6, 6)
    for port in 7, 4464:
        try:
            netns.portmon.do("reset", scope="local", transport="tcp", port=port)
        except NlError as error:
            equal(error.errno, errno.ENOENT, "reset of an unknown port")
    equal(quiet.rest().interrupted, False, "interrupted without a reset")
    dump = Reading(netns=netns)
    dump.read()
    check(not dump.interrupted, "interrupted too early")
    if how == "one port":
        netns.portmon.do("reset", scope="remote", transport="udp", port=3)
    elif how == "a filter":
        netns.portmon.reset(transport="udp", port=0, port_max=9)
    else:
        netns.portmon.do("netns-set", enabled=0)
        netns.portmon.do("netns-set", enabled=1)
    dump.rest()
    equal((dump.done, dump.interrupted), (0, True), "end of the dump, interrupted")
    equal(Reading(netns=netns).rest().interrupted, False, "interrupted the next time")


@case()
def generation():
    "the generation is never 0 and every reset changes it; a dump in one buffer is never interrupted"
    netns = Netns(on=True)
    some = Packets(netns)
    some.out("tcp", 1, 2)
    before = netns.portmon.do("info-get")["generation"]
    for reset in (lambda: netns.portmon.do("reset", scope="local", transport="tcp", port=1),
                  lambda: netns.portmon.reset(transport="udp"), netns.portmon.reset):
        reset()
        after = netns.portmon.do("info-get")["generation"]
        check(before and after and before != after, f"generation {before}, after a reset {after}")
        before = after
        for command in "port-get", "range-get", "bucket-get", "overflow-get":
            equal(netns.portmon.dump(command).interrupted, False, f"{command} interrupted")


@case()
def reset():
    "a reset over many buffers is never interrupted, not even by another; each count is returned once"
    netns = Netns(on=True)
    some = Packets(netns)
    for port in range(500):
        some.out("udp", 5, port)
    for port in range(300):
        some.out("tcp", port, 5)
    returned = {}

    def take(records):
        for key, counts in ports_of(records).items():
            returned[key] = returned.get(key, Counts()) + counts

    dump = Reading("reset", netns=netns)
    for _ in range(3):
        dump.read()
    some.out("udp", 5, 499, 3)
    take(netns.portmon.reset(scope="remote", transport="udp", port=490, port_max=600))
    take([netns.portmon.do("reset", scope="remote", transport="udp", port=480)])
    other = Reading("reset", netns=netns)
    while dump.read() | other.read():
        some.out("udp", 6, 7)
    for one in dump, other:
        equal((one.done, one.interrupted), (0, False), "end of the reset, interrupted")
        take(one.records)
    take(netns.portmon.reset())
    equal({key: v for key, v in returned.items() if v != Counts()}, some.sent, "what all resets returned")
    equal((netns.portmon.ports(), netns.portmon.buckets()), ({}, {}), "what is left")


RANGES = {"well-known": range(1024), "registered": range(1024, 49152), "dynamic": range(49152, 65536)}
PROTOCOLS = range(140, 250)


def everywhere():
    "A namespace where each scope, transport and range has counted, and protocols without ports."
    netns = Netns(on=True)
    some = Packets(netns)
    for transport in TRANSPORTS:
        for ports in RANGES.values():
            for way in some.out, some.within, some.through:
                way(transport, ports[7], ports[9], 2)
    for protocol in PROTOCOLS:
        sock = netns.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
        sock.sendto(b"12345678", ("192.0.2.2", 0))
        sock.close()
    sums = {}
    for (scope, transport, port), counts in some.sent.items():
        key = scope, transport, next(name for name in RANGES if port in RANGES[name])
        sums[key] = sums.get(key, Counts()) + counts
    return netns, sums


def cells(records):
    "Sums, or overflow, by scope, transport and range."
    return {(r["scope"], r["transport"], r["range"]): Counts.of(r) for r in records if "transport" in r}


def unported(buckets):
    "Packets that left, of protocols without ports."
    return {key[2]: packets for key, (packets, _) in buckets.items() if key[:2] == ("local-out", "ipv4") and key[2] in PROTOCOLS}


@case("range-get", "overflow-get", "bucket-get", "reset")
def other_dumps(command):
    "overflow and buckets fill several buffers of a dump, each reported once;"
    if command in ("overflow-get", "reset"):
        parameter("max_records", 0)
    netns, sums = everywhere()
    dump = Reading(command, netns=netns).rest().whole()
    check(dump.reads > 1, "one read had it all")
    equal(len(sums), 60, "cells")
    if command == "bucket-get":
        equal(unported(buckets_of(dump.records)), {protocol: 1 for protocol in PROTOCOLS}, "protocols")
        return
    equal(len(cells(dump.records)), len([r for r in dump.records if "transport" in r]), "cells that came, and different ones")
    equal(cells(dump.records), sums, "cells")
    if command == "reset":
        equal((netns.portmon.overflow(), netns.portmon.buckets()), ({}, {}), "what is left")


@case()
def abandoned():
    "a reset whose reader goes away resets no more than the buffers it had, and tells that it happened"
    netns = Netns(on=True)
    some = Packets(netns)
    for port in range(500):
        some.out("udp", 5, port)
    watcher = Portmon(netns)
    watcher.subscribe()
    dump = Reading("reset", netns=netns, transport="udp")
    for _ in range(3):
        dump.read()
    dump.pm.sock.close()
    equal(watcher.events(), [("reset-ntf", {"transport": "udp"})], "notifications")
    left, gone = netns.portmon.ports(), ports_of(dump.records)
    check(gone and len(left) > 200, f"{len(gone)} records read, {len(left)} left")
    equal({**left, **gone} if not left.keys() & gone.keys() else "a record was returned and is still there",
          {key: v for key, v in some.sent.items() if key in left or key in gone}, "left and returned")


@case()
def switched_off():
    "switching off during a dump ends it with ENETDOWN and its sentence"
    for command in "port-get", "reset":
        netns = Netns(on=True)
        some = Packets(netns)
        for port in range(500):
            some.out("udp", 5, port)
        dump = Reading(command, netns=netns)
        dump.read()
        netns.portmon.do("netns-set", enabled=0)
        dump.rest()
        equal((dump.done, dump.sentence), (-errno.ENETDOWN, "counting is off in this network namespace"), f"end of {command}")
        check(0 < len(dump.records) < 400, f"{len(dump.records)} records before the end")


run()
