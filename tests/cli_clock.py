#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The host's clock is set back and forward by days: no count, no rate and no age is wrong for it."""
import datetime
import json
import re
import subprocess
import time

from lib.counts import add
from lib.ctl import run_ctl
from lib.ktap import PATIENCE, becomes, case, check, defer, equal, run
from lib.netns import Netns
from lib.nlclient import Counts
from lib.packets import Packets

DAYS = 3 * 86400
JUMPS = {"back": -DAYS, "forward": DAYS}
NOT_LONG = 60 * PATIENCE
begun = time.time() - time.monotonic()


def clock(offset):
    "Shift the host's clock by so many seconds until the case ends."
    defer(time.clock_settime, time.CLOCK_REALTIME, begun + time.monotonic())
    time.clock_settime(time.CLOCK_REALTIME, begun + offset + time.monotonic())
    check(abs(time.time() - time.monotonic() - begun - offset) < 10, "the clock was not set")


def keyed(document):
    return {(r["scope"], r["transport"], r["port"]): Counts(r["rx"]["packets"], r["rx"]["bytes"], r["tx"]["packets"], r["tx"]["bytes"])
            for r in document["ports"]}


def yard():
    netns = Netns(on=True)
    return netns, Packets(netns)


def aged(first, last, what, moved=0):
    "It was not long ago, by the clock as it is now, and began before it ended; moved: what the clock has gone forward since it began."
    now = time.time()
    check(0 <= last - first <= NOT_LONG + moved, f"{what}: first seen {first}, last {last}")
    check(-1 <= now - last <= NOT_LONG, f"{what}: last seen {last}, now {now}")


@case(*JUMPS)
def seen(way):
    "first and last seen of ports and drops, and since, when the clock jumps by days;"
    offset = JUMPS[way]
    netns, packets = yard()
    netns.ip("link set lo up")
    begin = netns.portmon.do("info-get")["since"]

    def counted(port):
        packets.out("udp", port, 9)
        packets.within("udp", port, port)
        becomes(lambda: ("loopback", "udp", port) in netns.portmon.drops(), True, "drops")

    def record(scope, port):
        return netns.portmon.do("port-get", scope=scope, transport="udp", port=port)

    counted(1000)
    packets.out("udp", 1001, 9, 100)    # per CPU
    clock(offset)
    for scope, port in ("local", 1000), ("local", 1001), ("loopback", 1000):
        found = record(scope, port)
        aged(found["first-seen"], found["last-seen"], f"{scope} {port} idle", max(offset, 0))
    counted(1000)
    counted(1002)
    for scope, port in ("local", 1000), ("loopback", 1000), ("local", 1002), ("loopback", 1002):
        found = record(scope, port)
        moved = max(offset, 0) if port == 1000 else 0
        aged(found["first-seen"], found["last-seen"], f"{scope} {port}", moved)
        for drop in found.get("drops", ()):
            aged(drop["first-seen"], drop["last-seen"], f"drop at {port}", moved)
    equal(netns.portmon.do("info-get")["since"], begin, "since")
    rows = netns.run("portmon-ctl", "show", "1000/udp")
    check("d ago" not in rows and not re.search(r"\b\d+d$", rows, re.M), f"an age of days:\n{rows}")


@case(*JUMPS)
def delta(way):
    "stats --delta shows the difference although the clock jumped by days;"
    netns, packets = yard()

    def read():
        status, out, err = run_ctl("stats", "--delta", "--all", "--json", netns=netns)
        equal(status, 0, f"status; stderr {err!r}")
        return json.loads(out), err

    packets.out("udp", 1, 2, 3)
    read()
    for n, jump in (4, JUMPS[way]), (5, 0):
        clock(jump)
        packets.sent.clear()
        packets.out("udp", 1, 2, n)
        document, said = read()
        equal((keyed(document), said), (packets.sent, ""), f"difference and messages, clock off by {jump} s")
        span = {name: datetime.datetime.fromisoformat(document["portmon"]["span"][name].replace("Z", "+00:00")) for name in ("from", "to")}
        check(span["from"] <= span["to"], f"span {span}")


@case("stats", "top")
def intervals(command):
    "intervals keep their length and counts while the clock jumps back and forth;"
    netns, packets = yard()
    packets.out("udp", 1, 2)
    options = {"stats": ["stats", "-i", "0.2", "-c", "12", "--all"], "top": ["top", "--batch", "-d", "0.2", "-c", "12", "--all"]}
    process = netns.popen("portmon-ctl", *options[command], "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    packets.sent.clear()
    lines = []
    for offset in DAYS, -DAYS, 0:
        clock(offset)
        packets.out("udp", 1, 2, 7)
        lines.append(process.stdout.readline())
    out, err = process.communicate(timeout=60 * PATIENCE)
    documents = [json.loads(line) for line in [*lines, *out.splitlines()]]
    equal((process.returncode, err, len(documents)), (0, "", 11), "status, what was said, readings")
    total = {}
    for document in documents:
        if command == "stats":
            ms = document["portmon"]["span"]["ms"]
            add(total, keyed(document))
        else:
            ms = document["interval_ms"]
            add(total, {(r["scope"], r["transport"], r["port"]): Counts(r["interval"]["rx"]["packets"], r["interval"]["rx"]["bytes"],
                                                                        r["interval"]["tx"]["packets"], r["interval"]["tx"]["bytes"])
                        for r in document["top"]})
        check(0 < ms < 1000 * NOT_LONG, f"an interval of {ms} ms")
    equal({key: counts for key, counts in total.items() if any(counts)}, packets.sent, "sum of all intervals")


run()
