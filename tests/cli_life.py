#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""portmon-ctl shows handshakes, losses and drops as text, tables and JSON, and events as they occur."""
import csv
import contextlib
import datetime
import errno
import json
import os
import re
import select
import signal
import socket
import struct
import subprocess
import time

from lib.ctl import DONE, FAILED, USAGE, ctl, listening, run_ctl, sockets
from lib.ktap import case, check, defer, equal, run, wait_until
from lib.netns import Netns, Tun, pair
from lib.packets import Packets, checksum, ipv4, tcp
from lib.terminal import Terminal

TCP_KEYS = {"syn_received", "syn_sent", "synack_sent", "synack_received", "established", "failed", "fin", "rst_sent",
            "rst_received", "retransmitted", "synack_retransmitted", "syn_translated", "unanswered"}
STACK_KEYS = {"established", "failed", "retransmitted", "synack_retransmitted"}
NEW_PARTS = [["drops"], ["drops", "--json"], ["closed"], ["closed", "--json"]]


def says(what, *arguments, netns, status=DONE):
    "portmon-ctl prints (or, if it fails, complains) so; line breaks do not matter."
    got, out, err = run_ctl(*arguments, netns=netns)
    equal(got, status, f"portmon-ctl {' '.join(arguments)}: status; said {err!r}")
    text = " ".join((err if status else out).split())
    for pattern in [what] if isinstance(what, str) else what:
        check(re.search(pattern, text), f"portmon-ctl {' '.join(arguments)}: wanted {pattern!r} in {text!r}")
    return out


class Yard:
    "A server and a client, and what happened between them."

    def __init__(self):
        self.server, self.client = Netns(on=True), Netns(on=True)
        self.here, self.there = pair(self.server, self.client)
        for netns in self.server, self.client:
            netns.ip("link set lo up")

    def listen(self, port):
        sock = self.server.socket("ipv4", socket.SOCK_STREAM, bind=(self.here.ipv4, port))
        sock.listen(64)
        return sock

    def connect(self, port, n=1):
        "Connections from the client, each closed at both ends."
        with self.listen(port) as listener:
            for _ in range(n):
                one = self.client.socket("ipv4", socket.SOCK_STREAM)
                one.connect((self.here.ipv4, port))
                other, _ = listener.accept()
                one.close()
                other.recv(1)
                other.close()

    def refused(self, port, n=1):
        for _ in range(n):
            with self.client.socket("ipv4", socket.SOCK_STREAM) as sock:
                equal(sock.connect_ex((self.here.ipv4, port)), errno.ECONNREFUSED, f"connecting to {port}")

    def datagrams(self, port, n=1, to=None):
        sock = self.client.socket("ipv4", socket.SOCK_DGRAM)
        for _ in range(n):
            with contextlib.suppress(ConnectionRefusedError):
                sock.sendto(b"x" * 100, (to or self.here.ipv4, port))

    def dropped(self, port, transport, reason, n):
        "Wait until so many drops are counted."
        wait_until(lambda: self.server.portmon.drops().get(("local", transport, port), {}).get(reason) == n,
                   what=f"{n} drops of {transport} {port} for {reason}: {self.server.portmon.drops()}")


yard = Yard()
yard.connect(443, 5)
yard.refused(8443, 3)
yard.datagrams(53, 4)
yard.server.run("nft", "-f", "-", input="table inet t { chain input { type filter hook input priority 0; udp dport 123 drop; }; }")
yard.datagrams(123, 7)
deaf = yard.server.socket("ipv4", socket.SOCK_DGRAM, bind=(yard.here.ipv4, 5000))
deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
yard.datagrams(5000, 100)
yard.dropped(53, "udp", "NO_SOCKET", 4)
yard.dropped(123, "udp", "NETFILTER_DROP", 7)
yard.dropped(8443, "tcp", "NO_SOCKET", 3)
held = 0
deaf.settimeout(0)
with contextlib.suppress(BlockingIOError):
    while deaf.recv(200):
        held += 1
yard.dropped(5000, "udp", "SOCKET_RCVBUFF", 100 - held)


def rows(document, key="ports"):
    return {(r["scope"], r["transport"], r["port"]): r for r in document[key]}


def when(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    check(0 <= time.time() - moment.timestamp() < 600, f"{text} is not now")
    return moment


@case()
def stats_json():
    "stats --json has tcp on every TCP port, by its keys, and drops on every port; what is off is null"
    every = rows(ctl("stats", "--all", netns=yard.server))
    for key, row in every.items():
        equal("tcp" in row, key[1] == "tcp", f"tcp in {key}")
        check("drops" in row, f"no drops in {key}")
        if key[1] == "tcp":
            equal(set(row["tcp"]), TCP_KEYS, f"keys of tcp of {key}")
    server = every["local", "tcp", 443]
    equal({k: server["tcp"][k] for k in ("syn_received", "synack_sent", "established", "rst_sent", "failed")},
          {"syn_received": 5, "synack_sent": 5, "established": 5, "rst_sent": 0, "failed": 0}, "443")
    equal(server["drops"], {}, "drops of 443")
    equal(every["local", "tcp", 8443]["tcp"]["rst_sent"], 3, "RST of 8443")
    equal(every["local", "tcp", 8443]["drops"], {"NO_SOCKET": 3}, "drops of 8443")
    equal(every["local", "udp", 123]["drops"], {"NETFILTER_DROP": 7}, "drops of 123")
    client = rows(ctl("show", "443", "8443", netns=yard.client))
    equal(client["remote", "tcp", 443]["tcp"]["established"], 5, "established of remote 443")
    equal(client["remote", "tcp", 8443]["tcp"]["failed"], 3, "failed of remote 8443")
    off = Netns(on=True)
    off.portmon.do("netns-set", lifecycle=0, drops=0)
    some = Packets(off)
    some.out("tcp", 1000, 80)
    some.through("tcp", 2000, 81)
    for row in ctl("stats", "--all", netns=off)["ports"]:
        equal((row["tcp"], row["drops"]), (dict.fromkeys(TCP_KEYS), None), f"switched off, {row['scope']} {row['port']}")
    off.portmon.do("netns-set", lifecycle=1, drops=1)
    for pretty in [], ["--pretty"]:
        for row in ctl("stats", "--all", *pretty, netns=off)["ports"]:
            nulls = {key for key, value in row["tcp"].items() if value is None and key != "unanswered"}
            equal(nulls, STACK_KEYS if row["scope"] == "forward" else set(), f"not known of {row['scope']} {row['port']}")
            equal(row["drops"], {}, f"drops of {row['scope']} {row['port']}")


@case()
def columns():
    "connections, retransmissions and drops: with --details, on wide terminals, by name, in CSV"
    out = run_ctl("stats", "--details", netns=yard.server)[1].splitlines()
    head = out[0].split()
    for name in "CONNS", "RETRANS", "DROPS":
        check(name in head, f"no {name} in {head}")
    line = next(line for line in out if "443/tcp" in line and "local" in line and "8443" not in line).split()
    equal([line[head.index(name)] for name in ("CONNS", "RETRANS", "DROPS")], ["5", "0", "0"], "columns of 443")
    line = next(line for line in out if " 123/udp" in line and "local" in line).split()
    equal([line[head.index(name)] for name in ("CONNS", "RETRANS", "DROPS")], ["-", "-", "7"], "columns of 123")
    for width, wanted in (80, (False, False)), (89, (False, False)), (90, (True, False)), (119, (True, False)), (120, (True, True)):
        terminal = Terminal("portmon-ctl", "stats", netns=yard.server, lines=40, columns=width)
        equal(terminal.status(), DONE, "status")
        equal(("RANGE" in terminal.text(), "RETRANS" in terminal.text()), wanted, f"RANGE and RETRANS on a terminal of {width}")
    terminal = Terminal("portmon-ctl", "stats", "-A", netns=yard.server, lines=60)
    equal(terminal.status(), DONE, "status of -A")
    equal(terminal.line("^NETNS").split(), ["NETNS", "SCOPE", "PORT", "SERVICE", "RX-BYTES", "TX-BYTES", "LAST-SEEN"], "columns of -A")
    check("CONNS UNANS RETRANS DROPS" in " ".join(run_ctl("stats", netns=yard.server)[1].split()), "columns in a pipe")
    equal(run_ctl("stats", "--scope", "local", "--port", "123", "-o", "PORT,DROPS", netns=yard.server)[1].split(),
          ["PORT", "DROPS", "123/udp", "7"], "stats -o PORT,DROPS")
    lines = [line.split(",") for line in run_ctl("stats", "--csv", "--all", netns=yard.server)[1].splitlines()]
    table = [dict(zip(lines[0], line)) for line in lines[1:]]
    found = {(r["scope"], r["transport"], r["port"]): (r["conns"], r["retrans"], r["drops"]) for r in table}
    equal(found["local", "tcp", "443"], ("5", "0", "0"), "443 in CSV")
    equal(found["local", "udp", "123"], ("", "", "7"), "123 in CSV")
    ports = [r["port"] for r in ctl("stats", "--scope", "local", "--all", "--sort", "drops", netns=yard.server)["ports"]]
    equal(ports[:2], [5000, 123], "order by drops")
    first = ctl("stats", "--scope", "local", "--sort", "connections", netns=yard.server)["ports"][0]
    equal(first["port"], 443, "first by connections")


@case()
def summary():
    "show lists a port's handshakes, retransmissions and drops"
    says(["443/tcp .https., local handshakes 5 SYN received, 5 SYN-ACK sent, 5 established, 0 half-open or aborted, 0 refused",
          r"ends 10 FIN segments \(rx \+ tx\)", r"retransmitted 0 of \d+ segments sent"], "show", "443", netns=yard.server)
    says(["8443/tcp.*, local handshakes 3 SYN received, 0 SYN-ACK sent, 0 established, 0 half-open or aborted, 3 refused",
          r"ends 3 RST sent", r"dropped 3 packets, NO_SOCKET, last (now|\d+[sm] ago): No program listens"],
         "show", "8443", netns=yard.server)
    says("443/tcp .https., remote handshakes 5 SYN sent, 5 SYN-ACK received, 5 established, 0 refused", "show", "443",
         netns=yard.client)
    says("8443/tcp.*, remote handshakes 3 SYN sent, 0 SYN-ACK received, 0 established, 3 refused", "show", "8443", netns=yard.client)
    says("123/udp .*, local dropped 7 packets, NETFILTER_DROP, .*: A firewall rule of this host", "show", "123",
         netns=yard.server)
    off = Netns(on=True)
    Packets(off).out("tcp", 1000, 80)
    says("80/tcp .http., remote no handshake, end or retransmission", "show", "80", netns=off)
    off.portmon.do("netns-set", lifecycle=0, drops=0)
    says(["TCP handshakes are not followed .*portmon-ctl enable lifecycle", "drops are not counted .*portmon-ctl enable drops"],
         "show", "80", netns=off)


@case()
def half_open():
    "a client that never answers leaves its handshake half-open, until it is given up"
    tun = Tun(yard.server)
    listener = yard.server.socket("ipv4", socket.SOCK_STREAM, bind=("0.0.0.0", 7000))
    listener.listen(64)
    ends = [socket.inet_aton(ip) for ip in (tun.far["ipv4"], tun.ipv4)]
    for n in range(4):
        syn = bytearray(tcp(40000 + n, 7000, flags=0x02))
        syn[16:18] = struct.pack("!H", checksum(b"".join(ends) + struct.pack("!HH", 6, len(syn)) + syn))
        tun.write(ipv4(tun.far["ipv4"], tun.ipv4, 6, bytes(syn)))
    wait_until(lambda: yard.server.portmon.tcp().get(("local", 7000), {}).get("synack-sent", 0) >= 4, what="four SYN-ACK")
    says(r"4 SYN received, 4 SYN-ACK sent, 0 established, 4 half-open or aborted, 0 refused", "show", "7000", netns=yard.server)


@case()
def drops():
    "drops lists port, reason and count, the most first, and says what each reason means and what to do"
    document = ctl("drops", netns=yard.server)
    equal(list(document), ["portmon", "drops"], "keys")
    for row in document["drops"]:
        equal(set(row), {"scope", "transport", "port", "range", "service", "iana", "reason", "packets", "first_seen", "last_seen",
                         "meaning", "advice"}, f"keys of {row}")
        check(when(row["first_seen"]) <= when(row["last_seen"]), f"first and last seen of {row}")
        check(row["meaning"] and row["advice"], f"no text for {row['reason']}")
    found = [(r["scope"], r["transport"], r["port"], r["reason"], r["packets"]) for r in document["drops"]
             if r["scope"] == "local" and r["port"] in (53, 123, 5000, 8443)]
    wanted = [("local", "udp", 5000, "SOCKET_RCVBUFF", 100 - held), ("local", "udp", 123, "NETFILTER_DROP", 7),
              ("local", "udp", 53, "NO_SOCKET", 4), ("local", "tcp", 8443, "NO_SOCKET", 3)]
    equal(found, wanted, "drops")
    out = says(["NETFILTER_DROP A firewall rule of this host", "What to do: If intended, nothing", "NO_SOCKET No program",
                "SOCKET_RCVBUFF The socket's receive buffer was full"], "drops", netns=yard.server)
    equal(len(re.findall("^NO_SOCKET$", out, re.M)), 1, "explanations of NO_SOCKET")
    lines = out.splitlines()
    check(re.search(r"local +5000/udp +\S+ +SOCKET_RCVBUFF", lines[1]), f"first line {lines[1]!r}")
    check(max(map(len, lines)) <= 80, "wider than a terminal")
    check("ntp" in out, "no name of a service")
    blind = "SYNs that a full listen queue drops are not listed" in out
    equal(blind, int(os.uname().release.split(".")[0]) < 7, "whether it says where it cannot see")
    check("ntp" not in run_ctl("drops", "--numeric", netns=yard.server)[1], "a name with --numeric")
    status, out, err = run_ctl("drops", "--csv", netns=yard.server)
    got = [(row["scope"], row["transport"], row["port"], row["reason"], row["packets"]) for row in csv.DictReader(out.splitlines())]
    equal([row for row in got if row[2] in ("53", "123", "5000", "8443")], [tuple(map(str, w)) for w in wanted], "drops --csv")
    status, out, err = run_ctl("drops", "--sort", "port", "--csv", "--no-header", "-o", "port,packets", "--scope", "local", "--all",
                               netns=yard.server)
    ports = [int(line.split(",")[0]) for line in out.splitlines() if line.split(",")[0]]
    check(ports == sorted(ports) and {53, 123, 5000, 8443} <= set(ports), f"drops --sort port: {ports}")
    equal([r["port"] for r in ctl("drops", "--sort", "port", "--scope", "local", "--all", netns=yard.server)["drops"] if r["port"]],
          ports, "drops --sort port --json")
    status, out, err = run_ctl("drops", "--sort", "bytes", netns=yard.server)
    check(status == 2 and "--sort takes one of these here: none, " in err, f"drops --sort bytes: {status} {err!r}")
    for arguments, holds in ((["--port", "53"], lambda w: w[2] == 53), (["--transport", "tcp"], lambda w: w[1] == "tcp"),
                             (["--range", "registered"], lambda w: w[2] > 1023), (["--scope", "local"], lambda w: True)):
        got = [(r["scope"], r["transport"], r["port"], r["reason"], r["packets"])
               for r in ctl("drops", *arguments, netns=yard.server)["drops"]]
        equal([row for row in got if row in wanted], [w for w in wanted if holds(w)], f"drops {arguments}")
        check(not set(got) - set(wanted) or "--port" not in arguments, f"drops {arguments} has {got}")
    backwards = ctl("drops", "--reverse", netns=yard.server)["drops"]
    equal(backwards, document["drops"][::-1], "drops --reverse")
    names = ctl("drops", "--all-netns", netns=yard.server)["namespaces"]
    mine = next(n for n in names if n["portmon"]["netns"] == yard.server.name)
    equal(mine["drops"], document["drops"], "drops --all-netns")


@case()
def closed():
    "closed lists the ports that were tried and have no listener"
    document = ctl("closed", netns=yard.server)
    equal(list(document), ["portmon", "closed"], "keys")
    found = {(r["scope"], r["transport"], r["port"]): r for r in document["closed"]}
    equal({key: row["packets"] for key, row in found.items()}, {("local", "udp", 53): 4, ("local", "tcp", 8443): 3}, "closed")
    for row in found.values():
        equal(set(row), {"scope", "transport", "port", "range", "service", "iana", "packets", "first_seen", "last_seen"}, f"keys of {row}")
        check(when(row["first_seen"]) <= when(row["last_seen"]), f"first and last of {row}")
    check(found["local", "udp", 53]["service"], "53 has no name")
    says("SCOPE PORT SERVICE TRIED FIRST LAST local 53/udp .* 4 .*local 8443/tcp .* 3", "closed", netns=yard.server)
    says("8443/tcp", "closed", "--transport", "tcp", netns=yard.server)
    for n in range(3):
        yard.server.run("bash", "-c", "echo > /dev/udp/127.0.0.1/9")
    yard.server.run("bash", "-c", "! echo 2>/dev/null > /dev/tcp/127.0.0.1/11")
    found = rows(ctl("closed", "--scope", "loopback", netns=yard.server), "closed")
    equal({key: row["packets"] for key, row in found.items()},
          {("loopback", "udp", 9): 3, ("loopback", "tcp", 11): 1}, "closed on loopback")
    says("closed ports have scope", "closed", "--scope", "remote", netns=yard.server, status=USAGE)


@case()
def nothing():
    "no drops, drops that are off, counting that is off: each is said in its own sentence"
    netns = Netns(on=True)
    equal(ctl("drops", netns=netns)["drops"], [], "drops of nothing")
    equal(ctl("closed", netns=netns)["closed"], [], "closed of nothing")
    for command, sentence in ("drops", "no dropped packets; counting began"), ("closed", "no closed port has received"):
        status, out, err = run_ctl(command, netns=netns)
        equal((status, out), (DONE, ""), f"{command} of nothing")
        check(re.search(sentence, err), f"{command} said {err!r}")
        equal("a full listen queue" in err, command == "drops" and int(os.uname().release.split(".")[0]) < 7,
              f"whether {command} says where it cannot see")
    check("that matches" in run_ctl("drops", "--port", "9", netns=netns)[2], "no match")
    netns.portmon.do("netns-set", drops=0)
    for arguments in NEW_PARTS:
        says("drops are not counted in this network namespace.*enable drops", *arguments, netns=netns, status=FAILED)
        says("counting is off in this network namespace.*portmon-ctl enable", *arguments, netns=Netns(), status=FAILED)
    yard.server.portmon.do("netns-set", drops=0)
    defer(yard.server.portmon.do, "netns-set", drops=1)
    status, out, err = run_ctl("drops", netns=yard.server)
    equal(status, DONE, "status of drops that are off but were counted")
    check("NETFILTER_DROP" in out and "these drops were counted earlier" in err, f"said {err!r}, printed {out!r}")
    for arguments in ["drops"], ["closed"]:
        equal(run_ctl(*arguments, netns=yard.server, user=1000)[0], DONE, f"{arguments} as a user")


@case()
def parts():
    "enable and disable switch lifecycle and drops, info says so"
    netns = Netns(on=True)
    def state():
        document = ctl("info", netns=netns)
        return document["enabled"], document["lifecycle"], document["drops"]
    equal(state(), (True, True, True), "at first")
    document = ctl("info", netns=netns)
    equal(document["missing"], [], "missing tracepoints")
    equal(set(document["events"]), {"used", "max"}, "events")
    equal(document["drops_unplaced"], None, "unplaced drops outside of the initial namespace")
    equal(type(ctl("info")["drops_unplaced"]), int, "unplaced drops in the initial namespace")
    for arguments, wanted in ((["disable", "drops"], (True, True, False)), (["disable", "lifecycle"], (True, False, False)),
                              (["enable", "lifecycle", "drops"], (True, True, True)),
                              (["disable", "drops", "lifecycle"], (True, False, False))):
        out = says("is (on|off)", *arguments, netns=netns)
        equal(len(out.splitlines()), len(arguments) - 1, f"lines of {arguments}")
        equal(state(), wanted, f"after {arguments}")
    says(["TCP lifecycle off .*enable lifecycle", "drops off .*enable drops", r"event counters 0 of at most \d+"], "info",
         netns=netns)
    status, _, err = run_ctl("disable", "drops", netns=netns)
    equal(status, DONE, "disabling what is off")
    check("counting drops is already off" in err, f"said {err!r}")
    says("unexpected argument 'drop'.*expected: lifecycle or drops", "enable", "drop", netns=netns, status=USAGE)
    says("cannot switch counting drops on: counting is off.*portmon-ctl enable", "enable", "drops", netns=Netns(), status=FAILED)
    equal(run_ctl("enable", "drops", netns=netns, user=1000)[0], FAILED, "as a user")
    says(["TCP lifecycle on", "drops on"], "info", netns=yard.server)


class Monitor:
    "portmon-ctl monitor, once it listens."

    def __init__(self, netns, *arguments):
        self.rest = ""
        self.process = netns.popen("portmon-ctl", "monitor", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        listening(netns, self.process)

    def line(self, seconds=20, must=True):
        "The next line; None if there is none for so long, and none must be."
        while "\n" not in self.rest:
            if not select.select([self.process.stdout], [], [], seconds)[0]:
                check(not must, "monitor prints nothing")
                return None
            data = os.read(self.process.stdout.fileno(), 65536)
            check(data, "monitor has ended")
            self.rest += data.decode()
        line, _, self.rest = self.rest.partition("\n")
        return line

    def end(self, number=None):
        "Its status, and what more it said."
        if number:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, self.rest + out, err


def quiet_netns():
    netns = Netns(on=True)
    netns.ip("link set lo up")
    server, client = netns, Netns()
    here, there = pair(server, client)
    sock = client.socket("ipv4", socket.SOCK_DGRAM)
    return netns, lambda port: sock.sendto(b"x", (here.ipv4, port))


@case()
def monitor():
    "monitor prints a line for each event as it comes, and ends with Ctrl-C"
    netns, send = quiet_netns()
    text, lines = Monitor(netns), Monitor(netns, "--json")
    send(53)
    got = [lines.line(), lines.line()]
    events = [json.loads(line) for line in got]
    equal({e["event"] for e in events}, {"new-port", "drop"}, f"events in {got}")
    for event in events:
        when(event["time"])
        equal((event["scope"], event["transport"], event["port"], event["range"], event["missed"]),
              ("local", "udp", 53, "well-known", 0), f"{event}")
    drop = next(e for e in events if e["event"] == "drop")
    equal((drop["reason"], drop["packets"]), ("NO_SOCKET", 1), "the drop")
    check("No program" in drop["meaning"], f"meaning {drop['meaning']!r}")
    said = [text.line(), text.line()]
    for pattern in (r"^\S+Z  new-port +local 53/udp \(\w+\): first traffic$",
                    r"^\S+Z  drop +local 53/udp \(\w+\): first drop for NO_SOCKET: No program"):
        check(any(re.search(pattern, line) for line in said), f"wanted {pattern!r} in {said}")
    for do, pattern, event in (
            (lambda: run_ctl("disable", "drops", netns=netns), "switched +counting is on, TCP lifecycle on, drops off",
             {"event": "switched", "enabled": True, "lifecycle": True, "drops": False}),
            (lambda: run_ctl("reset", "--port", "53", "--scope", "local", netns=netns), "reset +local 53: set to zero",
             {"event": "reset", "scope": "local", "port": 53}),
            (lambda: run_ctl("reset", netns=netns), "reset +all counters: set to zero", {"event": "reset"}),
            (lambda: run_ctl("disable", netns=netns), "switched +counting is off",
             {"event": "switched", "enabled": False, "lifecycle": False, "drops": False})):
        do()
        line = text.line()
        check(re.search(pattern, line), f"wanted {pattern!r}, got {line!r}")
        got = json.loads(lines.line())
        del got["time"]
        equal(got, {"schema": 2, **event}, "in JSON")
    equal(text.end(signal.SIGINT), (DONE, "", ""), "status, output and complaints after Ctrl-C")
    equal(lines.end(signal.SIGTERM), (DONE, "", ""), "status, output and complaints after SIGTERM")


@case()
def monitor_failures():
    "monitor reports a burst of failed handshakes"
    netns = Netns(on=True)
    netns.ip("link set lo up")
    watch = Monitor(netns, "--json")
    with netns.enter():
        for _ in range(12):
            with socket.socket() as sock:
                equal(sock.connect_ex(("127.0.0.1", 99)), errno.ECONNREFUSED, "connecting")
    for _ in range(10):
        event = json.loads(watch.line())
        if event["event"] == "handshake-failures":
            break
    equal((event["event"], event["scope"], event["port"]), ("handshake-failures", "loopback", 99), "event")
    check(event["failed"] >= 10, f"failed {event}")
    equal(watch.end(signal.SIGINT)[0], DONE, "status")


@case()
def monitor_ends():
    "monitor --count, a namespace that is off, a reader that goes away, a disk that is full"
    netns, send = quiet_netns()
    watch = Monitor(netns, "-c", "3")
    for port in range(100, 110):
        send(port)
    status, out, err = watch.end()
    equal((status, len(out.splitlines()), err), (DONE, 3, ""), "status, lines and complaints with -c 3")
    off = Netns()
    watch = Monitor(off, "-c", "1")
    equal(run_ctl("enable", netns=off)[0], DONE, "enable")
    status, out, err = watch.end()
    equal((status, len(out.splitlines())), (DONE, 1), "status and lines")
    check("counting is off" in err and "counting is on" in out, f"said {err!r}, printed {out!r}")
    watch = Monitor(netns)
    watch.process.stdout.close()
    send(200)
    wait_until(lambda: watch.process.poll() is not None, what="the end, as nobody reads")
    full = netns.popen("sh", "-c", "exec portmon-ctl monitor > /dev/full", stderr=subprocess.PIPE)
    listening(netns, full)
    send(201)
    _, err = full.communicate(timeout=20)
    equal(full.returncode, FAILED, "status")
    equal(err, "portmon-ctl: cannot write the output: No space left on device\n", "said")
    says("monitor does not accept --pretty", "monitor", "--pretty", netns=netns, status=USAGE)
    says("unexpected argument", "monitor", "now", netns=netns, status=USAGE)


@case()
def monitor_missed():
    "events beyond the rate limit, and beyond a stopped reader's buffer, are counted"
    netns, send = quiet_netns()
    watch, words = Monitor(netns, "--json"), Monitor(netns)
    for port in range(1000, 1200):
        send(port)
    reported, missed, limit = 0, 0, time.monotonic() + 20
    port = 2000
    # Each port is new and drops; the number suppressed is in the first event of the next second.
    while reported + missed < 400 and time.monotonic() < limit:
        line = watch.line(1.1, must=False)
        if not line:
            send(port)
            port += 1
            continue
        event = json.loads(line)
        reported += 1
        missed += event["missed"]
    check(missed, "none were missed")
    check(reported + missed >= 400, f"{reported} reported, {missed} missed")
    for one in watch, words:
        one.process.send_signal(signal.SIGSTOP)
    def lost():
        netns.portmon.do("reset", scope="local", transport="udp", port=1000)
        return all(int(sockets(netns, one.process)[0][8]) for one in (watch, words))
    wait_until(lost, timeout=60, what="sockets that are full")
    for one in watch, words:
        one.process.send_signal(signal.SIGCONT)
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        event = json.loads(watch.line())
        if event["event"] == "lost":
            check(event["events"] > 0, f"{event}")
            break
    equal(event["event"], "lost", "the last event")
    # The loss is reported at once, before the events still queued: both, in any order.
    said = ""
    while not ("lost" in said and "missed" in said):
        said += words.line() + "\n"
    check(re.search(r"\S+Z  missed +[1-9]\d* events? before the next one (was|were) suppressed by the rate limit\n", said), f"said {said[-2000:]}")
    check(re.search(r"\S+Z  lost +[1-9]\d* events? (was|were) lost: this reader was too slow\n", said), f"said {said[-2000:]}")
    for one in watch, words:
        equal(one.end(signal.SIGINT)[0], DONE, "status")


run()
