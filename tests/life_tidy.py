#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""After a reset of everything, the records and counters of ports that are zero and idle are freed; no count is lost."""
import collections
import os
import re
import signal
import socket

from lib.connection import connect
from lib.ktap import Skip, case, check, defer, equal, run, wait_until
from lib.module import Hook, parameter
from lib.netns import Netns, hosts
from lib.nlclient import Counts, ports_of

SIZE = 100


def in_use(netns):
    "Of ports: a few records of protocols without ports stay."
    info = netns.portmon.do("info-get")
    return {"records": len(netns.portmon.dump("port-get")), "events": info["events"], "histograms": info["histograms"]}


NONE = {"records": 0, "events": 0, "histograms": 0}


@case()
def given_back():
    "what is zero is given back with its events, what is not stays; a port that is used again restarts"
    hook, host = Hook(), Netns(on=True)
    for port in range(1, 301):
        hook.port(host, "local", "tcp", port, "rx", 1, SIZE)
        hook.event(host, "local", "tcp", port, "syn-received", 1)
    equal(in_use(host), {"records": 300, "events": 600, "histograms": 0}, "in use, of events one that is spare for each port")
    hook.tidy(host)
    equal(in_use(host), {"records": 300, "events": 600, "histograms": 0}, "in use, with nothing at zero")
    host.portmon.reset()
    hook.port(host, "local", "tcp", 7, "rx", 2, 2 * SIZE)
    hook.event(host, "local", "tcp", 8, "syn-received", 3)
    hook.tidy(host, 3600 * 1000)
    equal(in_use(host)["records"], 300, "records, none of them idle for an hour")
    hook.tidy(host)
    equal(in_use(host), {"records": 2, "events": 4, "histograms": 0}, "in use, with two ports that are not zero")
    equal(host.portmon.ports(), {("local", "tcp", 7): Counts(2, 2 * SIZE), ("local", "tcp", 8): Counts()}, "ports")
    equal(host.portmon.tcp(), {("local", 8): {"syn-received": 3}}, "TCP events")
    hook.port(host, "local", "tcp", 9, "rx", 5, 5 * SIZE)
    equal(host.portmon.ports()["local", "tcp", 9], Counts(5, 5 * SIZE), "a port that is used again")


@case()
def spare():
    "event counters in use and their memory: two with a first event of TCP, none more with the second; one with a first drop"
    hook, host = Hook(), Netns(on=True)
    memory = lambda: host.portmon.do("info-get")["memory"]
    for port in range(1, 4):
        hook.port(host, "local", "tcp", port, "rx", 1, SIZE)
    empty = memory()
    for event, counters in (("syn-received", 2), ("syn-received", 2), ("synack-sent", 2), ("fin", 3), ("rst-sent", 4)):
        hook.event(host, "local", "tcp", 1, event, 1)
        equal((in_use(host)["events"], memory() - empty), (counters, 32 * counters), f"counters and memory with {event}")
    for reason in 1, 2:
        hook.drop(host, "local", "tcp", 2, reason, 1)
        equal(in_use(host)["events"], 4 + reason, "counters with drops alone")
    hook.event(host, "local", "tcp", 3, "fin", 1)
    hook.drop(host, "local", "tcp", 3, 2, 1)
    equal(in_use(host)["events"], 8, "counters with a drop that is the second event")
    hook.sample(host, "local", "tcp", 4, 1)
    equal(in_use(host), {"records": 4, "events": 8, "histograms": 1}, "in use with histograms, which are no event")
    equal(host.portmon.tcp(), {("local", 1): {"syn-received": 2, "synack-sent": 1, "fin": 1, "rst-sent": 1}, ("local", 3): {"fin": 1}},
          "TCP events")
    equal({port: sum(counts.values()) for (_, _, port), counts in host.portmon.drops().items()}, {2: 2, 3: 1}, "drops")
    host.portmon.reset()
    hook.tidy(host)
    equal(in_use(host), NONE, "in use in the end")


@case()
def reasons():
    "two CPUs count a port's last two reasons of drop at the same time, where there is room for one: the other is in the overflow"
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("there is one CPU only")
    hook, host = Hook(), Netns(on=True)
    most, ports = 12, range(1, 301)
    for port in ports:
        for reason in range(2, 1 + most):
            hook.drop(host, "local", "udp", port, reason, 1)
        hook.together(host, "local", "udp", port, 1 + most, 2 + most)
    kinds = lambda found: collections.Counter(reason for counts in found.values() for reason in counts.elements())
    own, beyond = ({key: collections.Counter(counts) for key, counts in found.items()}
                   for found in (host.portmon.drops(), host.portmon.events_overflow()))
    equal({key: len(counts) for key, counts in own.items()}, {("local", "udp", port): most for port in ports}, "reasons of each port")
    equal(sorted((kinds(own) + kinds(beyond)).values()), [len(ports)] * (most + 1), "drops of each reason")
    equal(in_use(host)["events"], most * len(ports), "event counters")


@case()
def together():
    "two CPUs count the first events of the same ports at the same time: each counts, and no counter is made twice"
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("there is one CPU only")
    hook, host = Hook(), Netns(on=True)
    ports = range(1, 1001)
    for port in ports:
        hook.together(host, "local", "tcp", port, "syn-received", "syn-received")
        hook.together(host, "local", "tcp", port, "synack-sent", "synack-sent")
        hook.together(host, "local", "tcp", port, "fin", "rst-sent")
        hook.event(host, "local", "tcp", port, "rst-received", 1)
    wanted = {"syn-received": 2, "synack-sent": 2, "fin": 1, "rst-sent": 1, "rst-received": 1}
    equal(host.portmon.tcp(), {("local", port): wanted for port in ports}, "TCP events")
    # One that is not needed is freed, but for the second of two: it stays if its CPU was interrupted just then.
    found, kinds = in_use(host)["events"], len(wanted) * len(ports)
    check(kinds <= found <= kinds + 10, f"{found} event counters in use for {kinds}")
    equal(host.portmon.events_overflow(), {}, "overflow")
    host.portmon.reset()
    hook.tidy(host)
    equal(in_use(host), NONE, "in use in the end")


@case()
def slots():
    "a port with counters per CPU is given back once it has been quiet for so long that it has lost them"
    hook, host = Hook(), Netns(on=True)
    hook.port(host, "local", "udp", 53, "rx", 1, SIZE, 100)
    equal(host.portmon.do("info-get")["slots"], 1, "slots")
    host.portmon.reset()
    hook.tidy(host)
    equal(in_use(host)["records"], 1, "records")
    wait_until(lambda: hook.tidy(host) or in_use(host) == NONE, 40, "the return of the slot and the record")
    equal(host.portmon.do("info-get")["slots"], 0, "slots")


@case()
def by_itself():
    "without a test hook: after ten seconds, histograms included; a reset with a filter gives back nothing"
    (client, server), (_, far) = hosts()
    for sock in connect(client, server, "ipv4", far.ipv4, 443):
        sock.close()
    wait_until(lambda: in_use(server)["histograms"] == 1, what="the connection")
    server.portmon.reset(scope="local")
    server.portmon.reset(scope="remote")
    before = in_use(server)
    client.portmon.reset()
    wait_until(lambda: in_use(client) == NONE, 60, "the return of all that the client had")
    equal(in_use(server), before, "what the server has, of which everything was reset by filters")


@case("none", "one")
def late(others):
    "a connection that ends at a record that is being given back is not lost, the limit on histograms reached: samples at the next record:"
    n = ("none", "one").index(others)
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("there is one CPU only")
    hook, host = Hook(), Netns(on=True)
    # None for the next record, or one.
    parameter("max_records", 256 * (1 + n))
    hook.sample(host, "local", "tcp", 80, 1)
    host.portmon.reset()
    hook.late(host, "local", "tcp", 80, n)
    records = host.portmon.dump("port-get", with_histograms=True)
    equal([(r["port"], Counts.of(r), r.get("histograms", {}).get("handshake")) for r in records],
          [(80, Counts(1, 1), [1 + n])], "port, counts, handshakes")
    equal(in_use(host), {"records": 1, "events": 0, "histograms": 1}, "in use")
    equal(host.portmon.do("info-get")["histograms-refused"], 0, "samples refused")
    host.portmon.reset()
    hook.tidy(host)
    equal(in_use(host), NONE, "in use in the end")


@case("put back", "merged into the next one")
def removed(then):
    "a packet and a SYN that count at a record which is being given back are not lost; the record is"
    n = 3 * (then != "put back")        # packets at the next one
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("there is one CPU only")
    hook, host = Hook(), Netns(on=True)
    hook.port(host, "local", "tcp", 80, "rx", 1, SIZE)
    hook.event(host, "local", "tcp", 80, "syn-received", 1)
    host.portmon.reset()
    hook.removed(host, "local", "tcp", 80, n)
    equal(host.portmon.ports(), {("local", "tcp", 80): Counts(1 + n, 1 + n)}, "ports")
    equal(host.portmon.tcp(), {("local", 80): {"syn-received": 1}}, "TCP events")
    equal(in_use(host), {"records": 1, "events": 2, "histograms": 0}, "in use")
    host.portmon.reset()
    hook.tidy(host)
    equal(in_use(host), NONE, "in use in the end")


@case()
def stopped():
    "once counting is being stopped no batch more is given back; the next tables are not stopped"
    hook, host = Hook(), Netns(on=True)
    for stop in True, False:
        for port in range(1, 11):
            hook.port(host, "local", "tcp", port, "rx", 1, SIZE)
        host.portmon.reset()
        if stop:
            hook.stop(host)
        hook.tidy(host)
        equal(in_use(host)["records"], 10 if stop else 0, f"records, {'stopped' if stop else 'not stopped'}")
        host.portmon.do("netns-set", enabled=0)
        host.portmon.do("netns-set", enabled=1)


@case()
def under_load():
    "packets come without a pause while all is reset and given back, over and over: returned and left are all that passed"
    hook, host = Hook(), Netns(on=True)
    host.ip("link set lo up")
    host.run("nft", "-f", "-", input="""table inet t { chain c { type filter hook input priority 0
        meta l4proto udp counter
        }
    }""")
    pid = os.fork()
    if not pid:
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            with host.enter(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.bind(("127.0.0.1", 9))
                while True:
                    for port in range(1000, 2000):
                        try:
                            sock.sendto(b"x", ("127.0.0.1", port))
                        except OSError:     # a closed port: the next call reports it
                            pass
        finally:
            os._exit(0)
    defer(os.kill, pid, signal.SIGKILL)
    returned = 0
    for _ in range(30):
        returned += sum(c.rx for (_, transport, _), c in ports_of(host.portmon.reset()).items() if transport == "udp")
        hook.tidy(host)
    os.kill(pid, signal.SIGSTOP)
    passed = lambda: int(re.search(r"packets (\d+)", host.run("nft", "list", "table", "inet", "t"))[1])
    last = [0]

    def settled():
        last.append(passed())
        return last[-1] == last[-2]
    wait_until(settled, what="the last packet")
    left = sum(c.rx for (_, transport, _), c in host.portmon.ports().items() if transport == "udp")
    equal(returned + left, passed(), "packets returned and left")
    equal(host.portmon.overflow(), {}, "overflow")
    host.portmon.reset()
    hook.tidy(host)
    left, slots = in_use(host)["records"], host.portmon.do("info-get")["slots"]
    check(left <= slots, f"{left} idle records, of which at most {slots} have counters per CPU")


run()
