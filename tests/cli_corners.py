#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""portmon-ctl on what is seldom there, in tables, words and JSON: overflow, protocols without ports, events in words."""
import contextlib
import csv
import errno
import json
import re
import socket
import subprocess
import time

from lib.ctl import ctl, ctl_on_terminal, listening, run_ctl
from lib.ktap import PATIENCE, case, check, equal, run, wait_until
from lib.module import parameter
from lib.netns import Netns
from lib.packets import Packets


def printed(netns, *arguments):
    "The lines that portmon-ctl prints, with single blanks."
    status, out, err = run_ctl(*arguments, netns=netns, env={"COLUMNS": "200"})
    equal(status, 0, f"portmon-ctl {' '.join(arguments)}: status; stderr {err!r}")
    return [" ".join(line.split()) for line in out.splitlines()]


def has(lines, *patterns):
    "Each pattern is a whole line."
    for pattern in patterns:
        check(any(re.fullmatch(pattern, line) for line in lines), f"wanted {pattern!r} in {lines}")


@case()
def protocols():
    "buckets has a line for each protocol without ports, with its name where it has one"
    netns = Netns(on=True)
    Packets(netns)
    for protocol, n in (47, 3), (200, 2):
        sock = netns.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
        for _ in range(n):
            sock.sendto(b"12345678", ("192.0.2.2", 0))
    has(printed(netns, "buckets"), r"local-out ipv4 protocol 47 \(gre\) 3 84", r"local-out ipv4 protocol 200 2 56")
    has(printed(netns, "buckets", "-n"), r"local-out ipv4 protocol 47 3 84")
    has(printed(netns, "buckets", "--csv"), rf"{netns.name},local-out,ipv4,protocol,47,3,84",
        rf"{netns.name},local-out,ipv4,protocol,200,2,56")
    equal({o["protocol"]: o["packets"] for o in ctl("buckets", netns=netns)["other"] if "protocol" in o}, {47: 3, 200: 2}, "JSON")


@case()
def no_room():
    "without room for a record traffic, events and drops are in the overflow of their scope, and shown as that"
    parameter("max_records", 0)
    netns = Netns(on=True)
    netns.ip("link set lo up")
    sock = netns.socket("ipv4", socket.SOCK_DGRAM)
    for _ in range(3):
        with contextlib.suppress(ConnectionRefusedError):
            sock.sendto(b"x", ("127.0.0.1", 9))
    wait_until(lambda: netns.portmon.events_overflow().get("loopback", {}).get("NO_SOCKET") == 3, what="drops")
    has(printed(netns, "drops"), r"loopback overflow - NO_SOCKET 3 .*")
    has(printed(netns, "drops", "--all-netns"), rf"{netns.name} loopback overflow - NO_SOCKET 3 .*")
    drop, = ctl("drops", netns=netns)["drops"]
    equal([drop[key] for key in ("scope", "transport", "port", "range", "service", "reason", "packets")],
          ["loopback", None, None, None, None, "NO_SOCKET", 3], "JSON")
    rows = ctl("stats", netns=netns)["overflow"]
    equal({(r["scope"], r["transport"]): r["drops"] for r in rows if r.get("drops")}, {("loopback", None): {"NO_SOCKET": 3}},
          "drops in the overflow of stats")
    has(printed(netns, "stats"), r"loopback overflow .*", r"loopback overflow/udp .*")
    has(printed(netns, "stats", "-o", "SCOPE,TRANSPORT,PORT"), r"loopback - overflow.*", r"loopback udp overflow/udp")
    lines = list(csv.DictReader(printed(netns, "stats", "--csv")))
    equal({(r["scope"], r["transport"], r["port"]) for r in lines}, {("loopback", "", ""), ("loopback", "udp", "")}, "CSV")
    has(printed(netns, "top", "--batch", "-c", "1", "-d", "0.1"), r"loopback overflow/udp .*")
    netns.socket(socket.AF_INET, socket.SOCK_RAW, 47).sendto(b"12345678", ("127.0.0.1", 0))
    has(printed(netns, "buckets"), r"local-in ipv4 protocols out of memory [1-9]\d* [1-9]\d+")


@case()
def folded():
    "drops at ephemeral ports are one line, except with --all"
    netns = Netns(on=True)
    netns.ip("link set lo up")
    sock = netns.socket("ipv4", socket.SOCK_DGRAM)
    for port in range(40000, 40004):
        for _ in range(2):
            with contextlib.suppress(ConnectionRefusedError):
                sock.sendto(b"x", ("127.0.0.1", port))
    wait_until(lambda: len(netns.portmon.drops()) == 4, what="drops")
    has(printed(netns, "drops"), r"loopback ephemeral/udp 4 ports NO_SOCKET 8 .*")
    drop, = ctl("drops", netns=netns)["drops"]
    equal([drop[key] for key in ("transport", "port", "folded", "range", "packets")], ["udp", None, 4, None, 8], "JSON")
    equal(len(ctl("drops", "--all", netns=netns)["drops"]), 4, "drops with --all")


@case()
def alike():
    "as many drops for one reason as for another: in the order of the reasons; a fold was first seen when its first port was"
    netns = Netns(on=True)
    netns.ip("link set lo up")
    sock = netns.socket("ipv4", socket.SOCK_DGRAM)

    def send(port):
        with contextlib.suppress(ConnectionRefusedError):
            sock.sendto(b"x", ("127.0.0.1", port))
    send(9)
    send(40001)
    time.sleep(1.1)     # it has a resolution of seconds
    send(40000)
    netns.run("nft", "-f", "-", input="table ip t { chain c { type filter hook input priority 0; udp dport 9 drop; }; }")
    send(9)
    wait_until(lambda: sum(sum(reasons.values()) for reasons in netns.portmon.drops().values()) == 4, what="drops")
    lines = printed(netns, "drops", "--port", "9")
    equal([line.split()[3] for line in lines if "9/udp" in line], ["NETFILTER_DROP", "NO_SOCKET"], "the order of what is equal")
    first = {d["port"]: d["first_seen"] for d in ctl("drops", "--all", netns=netns)["drops"]}
    fold, = [d for d in ctl("drops", netns=netns)["drops"] if d.get("folded")]
    check(first[40001] < first[40000], f"first seen {first}")
    equal(fold["first_seen"], first[40001], "when the fold was first seen")


@case()
def again():
    "on a terminal the heads come again when they have left it"
    netns = Netns(on=True)
    status, text, err = ctl_on_terminal("stats", "-i", "0.05", "-c", "50", netns=netns)
    equal((status, err, text.count("SCOPE")), (0, "", 3), "status, standard error, heads of 50 lines on 24")


@case()
def returned():
    "reset --details prints the counts up to the reset"
    netns = Netns(on=True)
    Packets(netns).out("udp", 53, 5000, 3)
    has(printed(netns, "reset", "--details"), r"local 53/udp dns .*")
    equal(netns.portmon.ports(), {}, "what is left")


@case()
def marked():
    "a port that the host picks for itself has a mark in RANGE, and only where that is shown a line that says what it means"
    netns = Netns(on=True)
    Packets(netns).out("udp", 40000, 53)
    legend = "* in this host's port range for outgoing connections: 32768-60999"
    for columns, wanted in (100, True), (80, False):
        status, text, err = ctl_on_terminal("stats", "--all", columns=columns, netns=netns)
        equal((status, err), (0, ""), f"{columns} columns: status, standard error")
        equal(("40000/udp" in text, "registered*" in text, legend in text), (True, wanted, wanted), f"{columns}: {text}")


@case()
def explained():
    "explain tells which ports this host picks for itself, and how to name one that has no name"
    netns = Netns()
    netns.sysctl("net.ipv4.ip_local_port_range", "40000 40009")
    text = " ".join(printed(netns, "explain", "40005"))
    check("this host picks ports from 40000 to 40009 for outgoing connections" in text, text)
    check("picks ports" not in " ".join(printed(netns, "explain", "40010")), "40010 is one of those")
    check("no service is known for port 64999; add it to" in " ".join(printed(netns, "explain", "64999")), "64999")
    equal(printed(netns, "explain", "--list"), printed(netns, "services"), "explain --list and services")


@case()
def spans():
    "monitor tells what was reset in the words of who did, and of a burst of failures"
    netns = Netns(on=True)
    netns.ip("link set lo up")
    some = netns.socket("ipv4", socket.SOCK_DGRAM)
    watchers = [netns.popen("portmon-ctl", "monitor", "-c", "5", *more, stdout=subprocess.PIPE) for more in ([], ["--json"])]
    listening(netns, *watchers)
    netns.portmon.reset(port=5, port_max=9)
    netns.portmon.reset(transport="udp", range="dynamic")
    netns.portmon.reset(transport="tcp", port=0, port_max=65535, scope="local")
    netns.portmon.reset(dropped=True)
    netns.portmon.reset(scope="remote", non_zero=True)
    lines, documents = (watcher.communicate(timeout=60)[0].splitlines() for watcher in watchers)
    has([" ".join(line.split()) for line in lines], r"\S+Z reset 5-9: set to zero", r"\S+Z reset udp dynamic: set to zero",
        r"\S+Z reset local 0-65535/tcp: set to zero", r"\S+Z reset ports with drops: set to zero",
        r"\S+Z reset remote ports with counts: set to zero")
    found = [{k: v for k, v in json.loads(line).items() if k not in ("time", "schema")} for line in documents]
    equal(found, [{"event": "reset", "port": 5, "port_max": 9}, {"event": "reset", "transport": "udp", "range": "dynamic"},
                  {"event": "reset", "scope": "local", "transport": "tcp", "port": 0, "port_max": 65535, "service": None, "iana": None},
                  {"event": "reset", "dropped": True}, {"event": "reset", "scope": "remote", "non_zero": True}], "JSON")


@case()
def burst():
    "monitor reports a burst of failed handshakes, as text"
    netns = Netns(on=True)
    netns.ip("link set lo up")
    watcher = netns.popen("portmon-ctl", "monitor", "--numeric", stdout=subprocess.PIPE)
    listening(netns, watcher)
    for _ in range(12):
        with netns.socket("ipv4", socket.SOCK_STREAM) as sock:
            equal(sock.connect_ex(("127.0.0.1", 99)), errno.ECONNREFUSED, "connecting")
    for line in watcher.stdout:
        if "handshake-failures" in line:
            break
    check(re.search(r"handshake-failures +loopback 99/tcp: TCP handshakes fail, 1\d so far", line), line)
    watcher.terminate()
    equal(watcher.wait(20 * PATIENCE), 0, "status after SIGTERM")


run()
