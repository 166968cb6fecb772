#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Totals are exact to the packet on all CPUs, in process and softirq context, while counters are reset and dumped."""
import collections
import itertools
import mmap
import os
import pickle
import random
import struct
import sys
import threading
import time
import traceback

from lib.connection import IP_HEADER, TcpInfo, connect, transfer
from lib.counts import Nft, add, balance, plus, settled
from lib.ktap import Late, PATIENCE, Skip, case, check, defer, equal, note, run, wait_until
from lib.module import Hook
from lib.netns import AF, Netns, address, pair
from lib.nlclient import Counts, Portmon, UAPI, ports_of
from lib.packets import Packets
from lib.process import finish, traffic

SOURCE, SIZE = 5000, 100
# A few ports that are busy, and so many that none of them is: they are counted in different places.
PORTS = {"ipv4": (5000, 5007), "ipv6": (5004, 5303)}
RESETS, SENT = (100 if PATIENCE < 4 else 25), 3000


class Child:
    """A process: prepare(portmon) gives it step(), which it calls over and over until told to stop, and result().

    .turns is how often it has called step().
    """

    def __init__(self, netns, prepare):
        self.shared = mmap.mmap(-1, 16)
        here, there = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(there)
            self.pipe = os.fdopen(here, "rb")
            defer(self.kill)
            return
        try:
            step, result = prepare(Portmon(netns))
            turns = 0
            while not self.shared[8]:
                step()
                turns += 1
                self.shared[:8] = struct.pack("=Q", turns)
            result = result()
        except BaseException:
            result = traceback.format_exc()
        with os.fdopen(there, "wb") as pipe:
            pickle.dump(result, pipe)
        os._exit(0)

    @property
    def turns(self):
        return struct.unpack("=Q", self.shared[:8])[0]

    def result(self):
        self.shared[8] = 1
        found = pickle.load(self.pipe)
        os.waitpid(self.pid, 0)
        self.pid = 0
        check(not isinstance(found, str), f"in a child: {found}")
        return found

    def kill(self):
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)


def key_of(record):
    "What a record speaks of, and its counters."
    if "bucket" in record:
        return ("bucket", record["hook"], record["family"], record.get("protocol", record["bucket"])), \
            Counts(record["packets"], record["bytes"])
    kind = ("port", record["scope"], record["transport"], record["port"]) if "port" in record else \
        ("overflow", record["scope"], record["transport"], record["range"])
    return kind, Counts.of(record)


def gather(sums, records):
    for record in records:
        key, counts = key_of(record)
        check(max(counts) < 1 << 48, f"below zero: {key} {counts}")
        sums[key] = sums.get(key, Counts()) + counts


def resetter(portmon, choices=({"transport": "udp"}, {})):
    "Resets something, by default a transport or everything. The results are checked afterwards."
    requests = [portmon.encode("reset", attributes) for attributes in choices]
    replies = []

    def step():
        replies.extend(portmon.request("reset", random.choice(requests), 0x301))

    def result():
        sums = {}
        gather(sums, (portmon.decode("reset", payload) for _, payload in replies if payload is not None))
        return sums
    return step, result


BUSIEST = {"scope": "local", "transport": "udp", "port": SOURCE}


def asker(cpu, netns, what, command, *arguments, **attributes):
    "Makes a request as often as a program can."
    portmon = netns.portmon
    attrs = portmon.encode(command, attributes)
    request = struct.pack("=IHHIIBBH", 20 + len(attrs), portmon.family, 1, 1, 0, UAPI["cmd"][command], 1, 0) + attrs
    program = traffic(what, cpu, request.hex(), *arguments, netns=netns)
    equal(program.stdout.readline(), "ready\n", "the program that asks")
    return program


def dumper(portmon):
    "Dumps everything; looks at the lesser part."
    def step():
        portmon.request("port-get", flags=0x301)
        for record in portmon.dump("port-get", transport="udp", port=SOURCE, port_max=SOURCE + 9) + \
                sum((portmon.dump(command) for command in ("bucket-get", "overflow-get", "range-get")), []):
            check(all(value < 1 << 48 for name, value in record.items() if name.endswith(("packets", "bytes"))),
                  f"below zero: {record}")
    return step, lambda: None


@case("no_retransmits", "four processes reset and one dumps")
def totals(variant):
    "Senders and receivers of UDP and TCP on two CPUs: every packet and byte is accounted for"
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise Skip("there is one CPU only")
    hosts = Netns(on=True), Netns(on=True)
    nfts = [Nft(netns, transports=["udp", "tcp"]) for netns in hosts]
    ends = pair(*hosts, link="gso_max_segs 1", gro=False)      # nft counts buffers: one segment each
    connection = connect(*hosts, "ipv4", ends[1].ipv4, SOURCE, source=(ends[0].ipv4, SOURCE + 1))
    for cpu, netns in zip(cpus, hosts):
        equal(traffic("sink", cpu, PORTS["ipv4"][0] + 1, PORTS["ipv4"][1], netns=netns).stdout.readline(), "ready\n", "the receiver")
    children, programs = [[], []], []
    if variant != "no_retransmits":
        children[0] = [Child(hosts[0], resetter), Child(hosts[0], resetter), Child(hosts[0], dumper)]
        programs = [asker(cpu, hosts[0], "reset", "reset", **BUSIEST) for cpu in cpus[:2]]
    # Either family on either CPU, in both directions, from and to the same ports.
    floods = [[traffic("flood", cpus[(i + j) % 2], address(ends[i], family), address(ends[1 - i], family), SOURCE, *PORTS[family],
                       SIZE, SENT, netns=hosts[i]) for j, family in enumerate(AF)] for i in range(2)]
    for _ in range(3):
        transfer(connection.caller, connection.called, 200000)
        transfer(connection.called, connection.caller, 200000)
    for some in children:
        for child in some[:2]:
            wait_until(lambda: child.turns >= RESETS, 60, f"{RESETS} resets")
    sent = [[int(finish(flood)) for flood in floods[i]] for i in range(2)]
    returned = [list(map(int, finish(program).split())) for program in programs]
    for turns, *_ in returned:
        check(turns >= RESETS, f"{turns} resets of one port")
    note(f"resets of one port {[turns for turns, *_ in returned]}")
    note(f"sent {sent}, turns {[[child.turns for child in some] for some in children]}")
    for sock in connection:
        wait_until(lambda: not TcpInfo.of(sock).unacked, what="the last acknowledgement")
    for i, (netns, nft, some) in enumerate(zip(hosts, nfts, children)):
        sums = {}
        for child in some[:2]:
            add(sums, child.result())
        for child in some[2:]:
            child.result()
        for _, *counts in returned if some else ():
            add(sums, {("port", *BUSIEST.values()): Counts(*counts)})
        ports, overflow, buckets, independent = settled(netns.portmon, nft)
        for kind, rest in ("port", ports), ("overflow", overflow), ("bucket", {k: Counts(*v) for k, v in buckets.items()}):
            add(sums, {(kind, *key): counts for key, counts in rest.items()})
        ports, overflow, buckets = ({key[1:]: counts for key, counts in sums.items() if key[0] == kind}
                                    for kind in ("port", "overflow", "bucket"))
        balance(ports, overflow, {key: counts[:2] for key, counts in buckets.items()}, independent)
        equal(overflow, {}, "overflow")

        # What the senders say they sent, at local-out.
        sizes = {family: IP_HEADER[family] + 8 + SIZE for family in AF}
        whole = plus(*((n, n * sizes[family]) for n, family in zip(sent[i], AF)))
        equal(ports["local", "udp", SOURCE][2:], whole, "sent from the port")
        to = {}
        for n, (family, (first, last)) in zip(sent[i], PORTS.items()):
            ways = last - first + 1
            for port in range(first, last + 1):
                turns = (n + last - port) // ways
                to[port] = plus(to.get(port, (0, 0)), (turns, turns * sizes[family]))
        equal({key[2]: counts[2:] for key, counts in ports.items() if key[:2] == ("remote", "udp")}, to, "sent to the ports")
        # What nft saw arriving.
        by_transport = nft.transports()
        received = plus(*(by_transport["local-in", family, "udp"] for family in AF))
        equal(ports["remote", "udp", SOURCE][:2], received, "received from the port")
        equal(plus(*(counts[:2] for key, counts in ports.items() if key[:2] == ("local", "udp"))), received, "received by the ports")
        check(received[0] > sum(sent[1 - i]) / 2, f"received {received[0]} of {sent[1 - i]}")
        # The connection, as its socket counted it: the caller's counters have the SYN-ACK, those of the called have only the SYN.
        info = TcpInfo.of(connection[i])
        counts = ports["remote" if i == 0 else "local", "tcp", SOURCE]
        equal((counts.rx, counts.tx), (info.segs_in, info.segs_out + i), "segments")
        equal(counts.tx_bytes, (info.segs_out + i) * 52 + 8 + info.bytes_sent, "bytes of segments")
        # On a slow machine only what every packet has is busy, not one of several ports.
        check(netns.portmon.do("info-get")["slots"] >= (10 if PATIENCE < 4 else 2), "the busy ports have no counters per CPU")


# The lower half carries at every second count.
MANY, BATCH = Counts(2**31 + 1, 3 * (2**31 + 1)), 5000


@case()
def whole():
    "A counter that passes 2^32 time and again is read whole by the other CPU meanwhile"
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise Skip("there is one CPU only")
    hook = Hook()
    host = Netns(on=True)
    hook.port(host, "local", "tcp", 80, "rx", *MANY[:2], BATCH)
    equal(host.portmon.do("info-get")["slots"], 1, "ports with counters per CPU")

    def counter(portmon):
        os.sched_setaffinity(0, cpus[1:2])
        return lambda: hook.port(host, "local", "tcp", 80, "rx", *MANY[:2], BATCH), lambda: None

    # In this order: a child has the other ends of the pipes that are there before it.
    child = Child(host, counter)
    watcher = asker(cpus[0], host, "watch", "port-get", 3, scope="local", transport="tcp", port=80)
    wait_until(lambda: child.turns >= 500, 60, "500 batches")
    readings, fewer, odd = map(int, finish(watcher).split())
    child.result()
    counts = BATCH * (1 + child.turns)
    note(f"{readings} readings of {counts} counts, {odd} of packets without their bytes")
    check(readings >= 500, f"{readings} readings")
    equal(fewer, 0, "readings of fewer than before")
    if sys.maxsize < 2**32:
        # One sequence covers both: whatever is torn shows.
        equal(odd, 0, "readings of packets without their bytes")
    equal(host.portmon.ports()["local", "tcp", 80], Counts(*(counts * n for n in MANY)), "in the end")


class Held:
    "A packet that is held up on the second CPU, between finding the counters of a busy port and counting there."
    SECONDS = 5

    def __init__(self, hook, netns, port):
        self.error, self.end_time = None, time.monotonic() + self.SECONDS
        cpus = sorted(os.sched_getaffinity(0))
        # PREEMPT_RT lets nobody else run there: it is lazy about preempting a task that is in the kernel.
        os.sched_setaffinity(0, cpus[:1])
        defer(os.sched_setaffinity, 0, cpus)

        def count():
            os.sched_setaffinity(0, cpus[1:2])
            try:
                hook.held(netns, "local", "udp", port, "rx", 1, SIZE, 1000 * self.SECONDS)
            except OSError as error:
                self.error = error
        self.thread = threading.Thread(target=count)
        self.thread.start()
        defer(self.thread.join)
        time.sleep(min(0.5 * PATIENCE, 2))
        self.asked = time.monotonic()

    def waited_for(self, what):
        "A request made while it was delayed completes only after it has counted."
        done = time.monotonic()
        self.thread.join()
        if self.error or self.asked > self.end_time:
            raise Late(f"{what} began too late, or before the packet: {self.error}")
        check(done > self.end_time, f"{what} took {done - self.asked:.1f} s, with a packet on its way to them")


def busy(hook, netns, port, times):
    "Count a port so often that it asks for counters per CPU."
    hook.port(netns, "local", "udp", port, "rx", 1, SIZE, 40)
    times[port] += 1


def give_out(hook, netns, times):
    "Make ports busy until hardly any counters per CPU are left; returns how many are in use, and other ports, over and over."
    most = netns.portmon.do("info-get")["slots-max"]
    # A port that comes when there is just none to be had asks again with its next packets.
    while times[1] < 8:
        for port in range(1, most + 1):
            busy(hook, netns, port, times)
            if port % 16 == 0 and (used := netns.portmon.do("info-get")["slots"]) >= most - 64:
                return used, itertools.cycle(range(most + 1, most + 200))
    raise AssertionError(f"{used} of {most} slots were in use")


@case("reclaimed", "freed")
def held(how):
    "A packet that is held up between finding a port's counters per CPU and counting there finds them nobody else's, nor gone:"
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("there is one CPU only")
    hook = Hook()
    host = Netns(on=True)
    if how == "freed":
        hook.port(host, "local", "udp", 1, "rx", 1, SIZE, 40)
        packet = Held(hook, host, 1)
        host.portmon.do("netns-set", enabled=0)
        packet.waited_for("switching off")
        return
    # The test hook is not available while it delays a packet.
    packets, times = Packets(host), collections.Counter()
    used, others = give_out(hook, host, times)
    port = max(times)
    # Who has been quiet for ten seconds gives its counters to who asks when there are none.
    time.sleep(11)
    packet = Held(hook, host, port)
    wait_until(lambda: packets.out("udplite", next(others), next(others), 40) or host.portmon.do("info-get")["slots"] < used,
               40, "the return of idle slots")
    packet.waited_for("taking idle counters back")
    for each in list(times):
        busy(hook, host, each, times)
    wanted = {("local", "udp", each): Counts(40 * n, 40 * n * SIZE) for each, n in times.items()}
    add(wanted, {("local", "udp", port): Counts(1, SIZE)})
    equal(host.portmon.ports(), {**wanted, **packets.sent}, "ports")


@case()
def returned():
    "Counters per CPU go from ports that are quiet to others, while two reset spans of ports without a pause: all exact"
    hook = Hook()
    host = Netns(on=True)
    times = collections.Counter()
    most = host.portmon.do("info-get")["slots-max"]

    def resetting(portmon):
        os.nice(10)
        return resetter(portmon, [{"port": first, "port-max": first + 63} for first in range(1, most, 64)])
    children = [Child(host, resetting) for _ in range(2)]
    used, others = give_out(hook, host, times)
    # Who has been quiet for ten seconds is looked for when a port asks and there are none.
    wait_until(lambda: busy(hook, host, next(others), times) or host.portmon.do("info-get")["slots"] < used,
               40, "the return of idle slots")
    for port in list(times):
        busy(hook, host, port, times)
    for child in children:
        wait_until(lambda: child.turns >= RESETS, 60, f"{RESETS} resets")
    note(f"{used} slots were in use, turns {times[1]}, resets {[child.turns for child in children]}")
    sums = {}
    for child in children:
        add(sums, child.result())
    add(sums, {("port", *key): counts for key, counts in ports_of(host.portmon.reset()).items()})
    equal(sums, {("port", "local", "udp", port): Counts(40 * n, 40 * n * SIZE) for port, n in times.items()}, "ports")


run()
