#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Counters near 2^32, 2^53, 2^63 and 2^64 read right, from the kernel to each shape that portmon-ctl gives them."""
import csv
import io
import json
import os
import subprocess
import threading

from lib.ctl import ctl, ctl_text
from lib.ktap import case, check, equal, run
from lib.module import Hook, MODULE, parameter, parameters
from lib.netns import Netns
from lib.nlclient import Counts, buckets_of, drops_of, ports_of, tcp_of
from lib.packets import Packets

ORDINARY = parameters()
hook = Hook()
MAX = (1 << 64) - 1
# By the port that has them; packets are one less than bytes.
EDGES = {10000 + n: edge for n, edge in enumerate(((1 << 32) - 1, 1 << 32, (1 << 53) + 1, (1 << 63) - 1, 1 << 63, MAX))}


def yard(ports=EDGES, busy=True):
    "A namespace whose ports have counted so much; busy: in counters per CPU, else in the shared record."
    netns = Netns(on=True)
    packets = Packets(netns)
    n = 40 if busy else 1       # makes the port busy, or the record
    for port, edge in ports.items():
        packets.within("udplite", port, 9, n)
        hook.port(netns, "loopback", "udplite", port, "rx", edge - 1, edge)
        hook.port(netns, "loopback", "udplite", port, "tx", edge - 1 - n, edge - n * packets.BYTES)
    check(not busy or netns.portmon.do("info-get")["slots"] >= len(ports), "not all have counters per CPU")
    return netns, packets


def wanted(edge):
    return Counts(edge - 1, edge, edge - 1, edge)


def of_json(row):
    return Counts(row["rx"]["packets"], row["rx"]["bytes"], row["tx"]["packets"], row["tx"]["bytes"])


def rows(netns, *arguments, key="PORT"):
    "Lines of a table: {a cell: {head: cell}}."
    heads, *lines = [line.split() for line in ctl_text(*arguments, netns=netns).splitlines()]
    return {line[heads.index(key)]: dict(zip(heads, line)) for line in lines}


@case()
def ordinary():
    "the hook is in the build for tests only"
    equal(sorted(ORDINARY), ["all_netns", "drops", "lifecycle", "max_records", "restrict_read", "userns_enable"], "parameters")
    check(os.path.exists(f"{MODULE}/parameters/test_count"), "the build for tests has no hook")
    for name, there in ("PORTMON_KO", False), ("PORTMON_HOOKED_KO", True):
        if name in os.environ:
            with open(os.environ[name], "rb") as file:
                equal(b"test_count" in file.read(), there, f"the hook in {name}")


@case("busy", "cold")
def shapes(kind):
    "one counter: netlink, JSON, CSV and tables in every unit"
    netns, _ = yard(busy=kind == "busy")
    ports = netns.portmon.ports(scope="loopback")
    document = {row["port"]: row for row in ctl("stats", "--all", netns=netns)["ports"]}
    text = ctl_text("stats", "--csv", "--all", netns=netns)
    table = {row["port"]: row for row in csv.DictReader(io.StringIO(text))}
    exact = rows(netns, "stats", "--all", "--exact", "-o", "PORT,RX-PKTS,RX-BYTES,TX-PKTS,TX-BYTES")
    for port, edge in EDGES.items():
        equal(ports["loopback", "udplite", port], wanted(edge), f"{edge} over netlink")
        equal(Counts.of(netns.portmon.do("port-get", scope="loopback", transport="udplite", port=port)), wanted(edge),
              f"{edge} over netlink, as a single record")
        equal(of_json(document[port]), wanted(edge), f"{edge} in JSON")
        equal(of_json(ctl("show", str(port), netns=netns)["ports"][0]), wanted(edge), f"{edge} in JSON of show")
        equal(tuple(int(table[str(port)][name]) for name in ("rx_pkts", "rx_bytes", "tx_pkts", "tx_bytes")), wanted(edge), f"{edge} in CSV")
        equal(tuple(int(exact[f"{port}/udplite"][name]) for name in ("RX-PKTS", "RX-BYTES", "TX-PKTS", "TX-BYTES")), wanted(edge),
              f"{edge} with --exact")
    for arguments, cells in (([], ["4.29G", "4.29G", "9.01P", "9.22E", "9.22E", "18.4E"]),
                             (["--iec"], ["4.00Gi", "4.00Gi", "8.00Pi", "8.00Ei", "8.00Ei", "16.0Ei"]),
                             (["--bits"], ["34.4G", "34.4G", "72.1P"] + ["18.4E"] * 3)):
        shown = rows(netns, "stats", "--all", "-o", "PORT,RX-BYTES", *arguments)
        head = "RX-BITS" if "--bits" in arguments else "RX-BYTES"
        equal([shown[f"{port}/udplite"][head] for port in EDGES], cells, f"bytes with {arguments}")


@case("busy", "cold")
def crossing(kind):
    "packet by packet past 2^32, 2^53 and 2^63; past 2^64 a counter begins at 0"
    for edge in 1 << 32, 1 << 53, 1 << 63, 1 << 64:
        netns, packets = yard({1000: edge - 70}, kind == "busy")
        for n in range(1, 9):
            packets.within("udplite", 1, 1000)
            counts = netns.portmon.ports()["loopback", "udplite", 1000]
            equal((counts.rx, counts.rx_bytes), ((edge - 71 + n) % 2**64, (edge - 70 + n * packets.BYTES) % 2**64), f"packet {n} to {edge}")


@case()
def whole():
    "read while packets carry it past 2^32 a counter is never torn: it grows, and is what was sent in the end"
    netns = Netns(on=True)
    packets = Packets(netns)
    for kind in "cold", "busy":
        port = {"cold": 2000, "busy": 3000}[kind]
        begun = (1 << 32) - (1500 if kind == "busy" else 150)
        packets.within("udp", 1, port, 40 if kind == "busy" else 1)
        hook.port(netns, "loopback", "udp", port, "rx", begun, begun)
        before = netns.portmon.ports()["loopback", "udp", port]
        sender = threading.Thread(target=packets.within, args=("udp", 1, port, 3000 if kind == "busy" else 300))
        seen = [before]
        sender.start()
        while sender.is_alive():
            seen.append(netns.portmon.ports(scope="loopback", port=port)["loopback", "udp", port])
        sender.join()
        for a, b in zip(seen, seen[1:]):
            check(0 <= b.rx - a.rx <= 3000 and 0 <= b.rx_bytes - a.rx_bytes <= 3000 * packets.BYTES, f"{kind}: {a} and then {b}")
        sent = packets.sent["loopback", "udp", port]
        equal(netns.portmon.ports()["loopback", "udp", port], sent + Counts(begun, begun), f"in the end ({len(seen)} readings)")


@case("busy", "cold")
def reset(kind):
    "a reset returns the whole count, and later packets count from 0"
    netns, packets = yard(busy=kind == "busy")
    returned = ports_of(netns.portmon.reset())
    for port, edge in EDGES.items():
        equal(returned["loopback", "udplite", port], wanted(edge), f"{edge}, returned")
    equal(netns.portmon.ports(), {}, "after it")
    for port in EDGES:
        packets.within("udplite", 9, port, 3)
    for port in EDGES:
        equal(netns.portmon.ports()["loopback", "udplite", port], Counts(3, 3 * packets.BYTES), "counts after the reset")
    document = ctl("reset", netns=netns)
    equal({row["port"]: of_json(row) for row in document["ports"] if row["port"] in EDGES},
          {port: Counts(3, 3 * packets.BYTES) for port in EDGES}, "reset --json")


@case()
def delta():
    "--delta, --interval and top -b show the difference, whatever the total"
    ports = {1000: (1 << 32) - 60, 2000: (1 << 53) - 60, 3000: (1 << 63) - 60}
    netns, packets = yard(ports)
    ctl_text("stats", "--delta", "--json", netns=netns)

    def send():
        for port in ports:
            packets.within("udplite", 9, port, 3)

    def equal_came(document, what):
        equal({row["port"]: of_json(row) for row in document if row["port"] in ports},
              {port: Counts(3, 3 * packets.BYTES) for port in ports}, what)
    send()
    equal_came(json.loads(ctl_text("stats", "--delta", "--all", "--json", netns=netns))["ports"], "--delta")
    process = netns.popen("portmon-ctl", "stats", "--all", "--json", "-i", "1", "-c", "3", stdout=subprocess.PIPE)
    process.stdout.readline()
    send()
    documents = [json.loads(line) for line in process.stdout]
    equal_came(sum((d["ports"] for d in documents), []), "--interval")
    process = netns.popen("portmon-ctl", "top", "-b", "--json", "-d", "1", "-c", "3", stdout=subprocess.PIPE)
    first = {row["port"]: row for row in json.loads(process.stdout.readline())["top"]}
    send()
    differences, last = {}, {}
    for line in process.stdout:
        for row in json.loads(line)["top"]:
            if row["port"] in ports:
                differences[row["port"]] = differences.get(row["port"], Counts()) + of_json(row["interval"])
                last[row["port"]] = of_json(row["total"])
    equal(differences, {port: Counts(3, 3 * packets.BYTES) for port in ports}, "top -b")
    for port, edge in ports.items():
        before = wanted(edge) + Counts(6, 6 * packets.BYTES)
        equal((of_json(first[port]["total"]), last[port]), (before, before + Counts(3, 3 * packets.BYTES)), "totals of top -b")


@case()
def rates():
    "a rate of more than a number can hold is the largest number"
    netns, packets = yard({})
    process = netns.popen("portmon-ctl", "stats", "--all", "--csv", "-i", "1.5", "-c", "2", stdout=subprocess.PIPE)
    process.stdout.readline()
    hook.port(netns, "loopback", "udp", 1, "rx", 3, MAX)
    rest = [line.rstrip("\r\n").split(",") for line in process.stdout]
    check([line[-3] for line in rest if line[-3] not in ("", "0")] == [str(MAX)], f"{rest}")
    top = netns.popen("portmon-ctl", "top", "-b", "-d", "1.5", "-c", "2", stdout=subprocess.PIPE)
    while top.stdout.readline().strip():        # its first reading
        pass
    hook.port(netns, "loopback", "udp", 2, "tx", 3, MAX)
    out = top.communicate(timeout=60)[0]
    line = next((line.split() for line in out.splitlines() if line.split()[1:2] == ["2/udp"]), [])
    check("18.4E" in line, f"top: {out}")


@case()
def sums():
    "sums of ports that are more than a number can hold are the largest number, in the kernel and in the tool"
    netns, packets = yard({})
    half = 1 << 63
    for port in 60001, 60002:       # the tool folds these
        hook.port(netns, "remote", "udp", port, "rx", half, half)
        hook.port(netns, "remote", "udp", port, "tx", 1, half - 1)
    for port in 1, 2, 3:
        hook.port(netns, "remote", "udp", port, "rx", 5, half + port)
    ranges = {(r["scope"], r["range"]): Counts.of(r) for r in netns.portmon.dump("range-get")}
    equal(ranges["remote", "dynamic"], Counts(MAX, MAX, 2, MAX - 1), "range, in the kernel")
    equal(ranges["remote", "well-known"], Counts(15, MAX), "range of three, in the kernel")
    document = ctl("ranges", netns=netns)["ranges"]
    equal({(row["scope"], row["range"]): of_json(row) for row in document}, ranges, "ranges --json")
    fold = next(row for row in ctl("stats", netns=netns)["ports"] if row["port"] is None)
    equal((fold["folded"], of_json(fold)), (2, Counts(MAX, MAX, 2, MAX - 1)), "a folded line")
    shown = rows(netns, "stats", "--all", "-o", "PORT,TOTAL,SHARE", "--exact")
    equal(shown["60001/udp"]["TOTAL"], str(MAX), "both directions")
    hook.port(netns, "remote", "udp", 4, "rx", MAX, MAX)
    hook.port(netns, "remote", "udp", 4, "tx", 2, 2)
    shown = rows(netns, "stats", "--all", "-o", "PORT,TOTAL,PACKETS,SHARE", "--exact")
    equal((shown["4/udp"]["TOTAL"], shown["4/udp"]["PACKETS"]), (str(MAX), str(MAX)), "both directions, more than fits")
    shares = [float(row["SHARE"].rstrip("%")) for row in shown.values()]
    check(abs(sum(shares) - 100) < 1, f"shares {shares}")
    for bucket in "fragment", "truncated", 1:
        hook.bucket(netns, "local-in", "ipv4", bucket, half, half + 1)
    lines = ctl_text("buckets", "--exact", netns=netns).splitlines()
    equal([line.split()[-2:] for line in lines if "= all" in line and "local-in" in line and "ipv4" in line], [[str(MAX)] * 2],
          "the sum of the buckets")
    equal({key[2]: v for key, v in netns.portmon.buckets().items() if key[0] == "local-in" and key[1] == "ipv4"},
          {bucket: (half, half + 1) for bucket in ("fragment", "truncated", 1)}, "buckets")
    equal({row.get("bucket"): (row["packets"], row["bytes"]) for row in ctl("buckets", netns=netns)["other"] if "bucket" in row and row["hook"] == "local-in"
           and row["bucket"] != "protocol"}, {bucket: (half, half + 1) for bucket in ("fragment", "truncated")}, "buckets --json")


@case()
def order():
    "sorted by bytes, and with bars as long"
    netns = Netns(on=True)
    for port, count in (1, 1 << 32), (2, 1 << 62), (3, (1 << 63) + 1), (4, MAX), (5, 7):
        hook.port(netns, "local", "tcp", port, "rx", 1, count)
    equal(list(rows(netns, "stats", "--all")), [f"{port}/tcp" for port in (4, 3, 2, 1, 5)], "order")
    lines = [line.split() for line in ctl_text("stats", "--all", "--bars", env={**os.environ, "LC_ALL": "C", "COLUMNS": "120"}, netns=netns).splitlines()[1:]]
    bars = {line[1]: line[-1].count("#") for line in lines}
    full = bars["4/tcp"]
    check(full >= 10 and abs(bars["3/tcp"] - full / 2) <= 1 and abs(bars["2/tcp"] - full / 4) <= 1, f"bars {bars}")
    equal((bars["1/tcp"], bars["5/tcp"]), (1, 1), "bars of what is little")


@case()
def events():
    "TCP events and drops, and what had no record"
    half = 1 << 63
    netns = Netns(on=True)
    hook.port(netns, "local", "tcp", 80, "rx", 1, 1)
    for event, n in ("established", (1 << 32) + 1), ("fin", half + 1), ("retransmitted", MAX), ("synack-retransmitted", 2):
        hook.event(netns, "local", "tcp", 80, event, n)
    for reason, n in (3, half), (5, half + 5):
        hook.drop(netns, "local", "tcp", 80, reason, n)
    events = netns.portmon.tcp()["local", 80]
    equal(events, {"established": (1 << 32) + 1, "fin": half + 1, "retransmitted": MAX, "synack-retransmitted": 2}, "events over netlink")
    drops = netns.portmon.drops()["local", "tcp", 80]
    equal(sorted(drops.values()), [half, half + 5], "drops over netlink")
    row = ctl("stats", "--all", netns=netns)["ports"][0]
    equal({name: row["tcp"][name] for name in ("established", "fin", "retransmitted", "synack_retransmitted")},
          {"established": (1 << 32) + 1, "fin": half + 1, "retransmitted": MAX, "synack_retransmitted": 2}, "events in JSON")
    equal(row["drops"], drops, "drops in JSON")
    shown = rows(netns, "stats", "--all", "--exact", "-o", "PORT,CONNS,RETRANS,DROPS")["80/tcp"]
    equal((shown["CONNS"], shown["RETRANS"], shown["DROPS"]), (str((1 << 32) + 1), str(MAX), str(MAX)), "columns")
    returned = netns.portmon.reset()
    equal((tcp_of(returned)["local", 80], drops_of(returned)["local", "tcp", 80]), (events, drops), "what a reset returned")
    equal((netns.portmon.tcp(), netns.portmon.drops()), ({}, {}), "after it")
    parameter("max_records", 0)
    full = Netns(on=True)
    hook.port(full, "local", "tcp", 80, "rx", half, MAX)
    hook.port(full, "local", "tcp", 81, "tx", (1 << 32) + 3, half + 3)
    hook.event(full, "local", "tcp", 80, "established", half + 9)
    equal(full.portmon.overflow(), {("local", "tcp", "well-known"): Counts(half, MAX, (1 << 32) + 3, half + 3)}, "overflow")
    equal(full.portmon.events_overflow(), {"local": {"established": half + 9}}, "overflow of events")
    rest = ctl("stats", netns=full)["overflow"]
    equal([of_json(row) for row in rest if row.get("transport")], [Counts(half, MAX, (1 << 32) + 3, half + 3)], "overflow in JSON")
    equal([row["tcp"]["established"] for row in rest if row.get("tcp")], [half + 9], "overflow of events in JSON")
    equal(full.portmon.reset() != [], True, "reset")
    equal((full.portmon.overflow(), full.portmon.events_overflow()), ({}, {}), "overflow after a reset")


@case()
def bytes_alone():
    "a reset between a packet's count and its bytes leaves the bytes: they are reported, and the next reset returns them; all lines"
    netns = Netns(on=True)
    hook.port(netns, "local", "udp", 53, "rx", 0, 48)
    hook.port(netns, "remote", "tcp", 443, "tx", 0, 40)
    hook.bucket(netns, "local-in", "ipv4", "fragment", 0, 68)
    hook.bucket(netns, "local-out", "ipv6", 50, 0, 100)
    parameter("max_records", 0)
    hook.port(netns, "forward", "sctp", 60000, "rx", 0, 60)
    client = netns.portmon
    ports = {("local", "udp", 53): Counts(0, 48), ("remote", "tcp", 443): Counts(0, 0, 0, 40)}
    overflow = {("forward", "sctp", "dynamic"): Counts(0, 60)}
    buckets = {("local-in", "ipv4", "fragment"): (0, 68), ("local-out", "ipv6", 50): (0, 100)}

    def reported():
        return client.ports(), client.overflow(), client.buckets()
    equal(reported(), (ports, overflow, buckets), "what is reported")
    equal({(r["scope"], r["transport"], r["range"]): Counts.of(r) for r in client.dump("range-get")},
          overflow | {("local", "udp", "well-known"): Counts(0, 48), ("remote", "tcp", "well-known"): Counts(0, 0, 0, 40)}, "ranges")
    returned = client.reset()
    equal((ports_of(returned), buckets_of(returned)), (ports, buckets), "what the reset returned")
    equal([Counts.of(r) for r in returned if "range" in r and "port" not in r], [Counts(0, 60)], "its overflow")
    equal(reported(), ({}, {}, {}), "what is left")


run()
