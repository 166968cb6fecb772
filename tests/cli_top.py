#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""portmon-ctl top, driven by its keys on a terminal of its own: what it shows is what was counted, and how it ends."""
import collections
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time

from lib.counts import add
from lib.ctl import DONE, FAILED, USAGE, run_ctl
from lib.ktap import case, check, equal, run, wait_until
from lib.module import parameter, reloads_module, unload
from lib.netns import Netns
from lib.nlclient import Counts
from lib.packets import Packets
from lib.process import sh
from lib.terminal import Terminal

PACKET = Packets.BYTES

yard = Netns(on=True)
yard.sysctl("net.ipv4.ip_local_port_range", "40000 50000")
packets = Packets(yard)
for port in range(41000, 41005):
    packets.out("tcp", 443, port, 6)
packets.out("tcp", 22, 41000, 20)
packets.out("udp", 53, 42000, 10)
packets.within("udp", 69, 8999, 2)
packets.through("sctp", 2905, 2906, 3)
FOLDED = ["443/tcp", "22/tcp", "53/udp", "2905/sctp", "2906/sctp", "69/udp", "8999/udp"]

Row = collections.namedtuple("Row", "scope port service rx tx packets connections drops total")
NUMBER = r"([-\d.<]+[kMGKi]*)"
LINE = re.compile(rf"(local|remote|forward|loopback) +(\S+) +(\d+ ports|\S+) +{' +'.join([NUMBER] * 6)}(?: |$)")


def top(*arguments, netns=yard, interval="0.3", **options):
    terminal = Terminal("portmon-ctl", "top", "-d", interval, *arguments, netns=netns, **options)
    terminal.until("^SCOPE")
    return terminal


def rows(terminal):
    "The lines of the list."
    return [Row(*match.groups()) for match in map(LINE.match, terminal.text().splitlines()) if match]


def ports(terminal, scope=None):
    return [row.port for row in rows(terminal) if scope in (None, row.scope)]


def shows(terminal, wanted, what, scope=None):
    terminal.until(lambda: ports(terminal, scope) == wanted, f"{what}: {wanted}")


def asked(terminal, pattern):
    terminal.until(lambda: re.search(pattern, terminal.line("^scope: ")), f"{pattern!r} in the line of filters")


def cursor(terminal):
    "The port that the cursor is on: its line is in reverse."
    for line, looks in zip(terminal.text().splitlines(), terminal.screen.looks):
        if 7 in looks[0] and (match := LINE.match(line)):
            return match[2]


def ends(terminal, status, sentence=None):
    "It ends with this status, leaves the terminal as it was, and says no more than this."
    equal(terminal.status(), status, "status")
    terminal.restored()
    said = terminal.raw.rpartition(b"\33[?1049l")[2].decode()
    said = re.sub(r"\x1b\[[?0-9;]*[a-z]|\x1b[>=]|\r", "", said).strip()
    if sentence:
        check(re.fullmatch(f"portmon-ctl: .*{sentence}.*", said), f"said {said!r}, wanted {sentence!r}")
    else:
        equal(said, "", "what it says at the end")


def run_top(*arguments, netns=yard, **options):
    "Run portmon-ctl top without a terminal: status, standard output, standard error."
    return run_ctl("top", *arguments, netns=netns, stdin=subprocess.DEVNULL, timeout=60, **options)


def documents(*arguments, netns=yard):
    "Start it in batch mode with JSON; what reads the next document."
    process = netns.popen("portmon-ctl", "top", "--batch", "--json", *arguments, stdout=subprocess.PIPE)
    return lambda: json.loads(process.stdout.readline())


def counts(row, key):
    both = row[key]
    return Counts(both["rx"]["packets"], both["rx"]["bytes"], both["tx"]["packets"], both["tx"]["bytes"])


def totals(document, key="total"):
    return {(r["scope"], r["transport"], r["port"]): counts(r, key) for r in document["top"]}


# What is shown

# See ktap.py.
TRIES = 3


@case()
def screen():
    "80x24: a title, the filters, the sums by range and scope, every port and the keys"
    terminal = top("--exact", "--sort", "bytes")

    def whole():
        equal({row.packets for row in rows(terminal)}, {"0"}, "packets/s at the second reading")
        lines = terminal.text().splitlines()
        check(re.match(r"portmon-ctl top - 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ, every 0.3 s, 9 lines, reset .*\w", lines[0]), lines[0])
        equal(lines[1], "scope: all  transport: all  filter: none  sort: total", "second line")
        equal(lines[2].split(), ["bits/s", "local", "remote", "forward", "loopback"], "scopes")
        equal(lines[3].split(), ["RANGE", *["RX", "TX"] * 4], "head of the sums")
        equal([line.split()[0] for line in lines[4:8]], ["well-known", "registered", "dynamic", "all"], "ranges")
        for line in lines[4:8]:
            equal(line.split()[1:], ["0"] * 8, "rates of a range")
        equal(lines[8].split(), ["SCOPE", "PORT", "SERVICE", "RX-b/s", "TX-b/s", "PKTS/s", "CONN/s", "DROP/s", "TOTAL", "GRAPH"],
              "head of the list")
        check(lines[23].startswith("h help  q quit"), lines[23])
        check(max(map(len, lines)) <= 80, "a line is too long")
        known = {row[:3]: row.total for row in rows(terminal)}
        equal(known, {("local", "443/tcp", "https"): str(30 * PACKET), ("local", "22/tcp", "ssh"): str(20 * PACKET),
                      ("local", "53/udp", "dns"): str(10 * PACKET), ("remote", "ephemeral/tcp", "5 ports"): str(50 * PACKET),
                      ("remote", "42000/udp", "-"): str(10 * PACKET), ("forward", "2905/sctp", "m3ua"): str(3 * PACKET),
                      ("forward", "2906/sctp", "-"): str(3 * PACKET), ("loopback", "69/udp", "tftp"): str(2 * PACKET),
                      ("loopback", "8999/udp", "-"): str(2 * PACKET)}
              | {k: v for k, v in known.items() if k[:2] in (("forward", "2905/sctp"), ("forward", "2906/sctp"), ("loopback", "8999/udp"))},
              "lines of the list")
        equal([row.total for row in rows(terminal)], sorted((row.total for row in rows(terminal)), key=int, reverse=True), "totals")

    def sums():
        found = {line.split()[0]: line.split()[1:] for line in terminal.text().splitlines()[4:8]}
        n = [str(k * PACKET) for k in range(100)]
        equal(found, {"well-known": ["0", n[60], "0", "0", "0", "0", "0", n[2]],
                      "registered": ["0", "0", "0", n[60], n[3], n[3], n[2], "0"],
                      "dynamic": ["0"] * 8, "all": ["0", n[60], "0", n[60], n[3], n[3], n[2], n[2]]}, "sums of bytes")

    terminal.sees(whole, "the whole screen")
    terminal.press("b")
    terminal.sees(sums, "the sums of bytes")
    terminal.press("q")
    ends(terminal, DONE)


@case()
def rates():
    "rates and the graph follow the traffic, and are zero again after it"
    netns = Netns(on=True)
    sender = Packets(netns)
    sender.out("udp", 53, 5000)
    # The graph holds eight readings or so: long ones, so that a slow machine sees it before it is out of sight.
    terminal = top("--exact", netns=netns, interval="2")
    terminal.until(lambda: [row.packets for row in rows(terminal)] == ["0", "0"], "the second reading")
    sender.out("udp", 53, 5000, 200)
    row = terminal.until(lambda: [r for r in rows(terminal) if r.scope == "local" and r.packets != "0"], "a rate")[0]
    # All within a reading or two, which may come late.
    check(10 <= int(row.packets) <= 101, f"packets/s: {row.packets}")
    per_packet = int(row.tx) / int(row.packets)
    check(abs(per_packet - 8 * PACKET) < 3, f"{per_packet} bits a packet")
    equal(row.rx, "0", "rx of a port that only sends")
    terminal.until(r"^well-known +0 +[1-9]", "a rate in the sum")
    terminal.until(lambda: re.search("[▁▂▃▄▅▆▇█]", terminal.line("^local +53/udp")), "a graph")
    terminal.until(lambda: {r.packets for r in rows(terminal)} == {"0"}, "silence")
    terminal.until(lambda: "█" in terminal.line("^local +53/udp"), "a graph that remembers")
    equal(rows(terminal)[0].total, str(201 * PACKET), "total")


@case()
def graphs():
    "graphs are of blocks where the locale has them, else of plain characters; colours only if wanted"
    netns = Netns(on=True)
    sender = Packets(netns)
    for arguments, env, blocks, colours in ((), {}, True, True), (["--ascii"], {}, False, True), ((), {"LC_ALL": "C"}, False, True), \
            ((), {"NO_COLOR": "1"}, True, False), (["--color", "never"], {}, True, False), ((), {"TERM": "vt100"}, True, False):
        terminal = top(*arguments, netns=netns, **env)
        wait = lambda: (sender.out("udp", 53, 5000, 5), re.search("█|@", terminal.line("^local +53/udp")))[1]
        terminal.until(wait, "a graph")
        terminal.press("q")
        terminal.status()
        raw = terminal.raw.decode()
        equal("█" in raw, blocks, f"blocks with {arguments} {env}")
        check(blocks or raw.isascii(), f"not ASCII with {arguments} {env}")
        equal(bool(re.search(r"\x1b\[[0-9;]*3[0-7]m", raw)), colours, f"colours with {arguments} {env}")


# Keys

@case()
def sorting():
    "0 to 9 and s sort by a column, r the other way; a change of order moves the cursor with its port"
    terminal = top("--scope", "local")
    everything = {"0": ["443/tcp", "22/tcp", "53/udp"], "2": ["22/tcp", "53/udp", "443/tcp"], "3": ["53/udp", "443/tcp", "22/tcp"],
                  "9": ["443/tcp", "22/tcp", "53/udp"]}
    for key, order in everything.items():
        terminal.press(key)
        shows(terminal, order, f"sorted by {key}")
    terminal.press("2", "r")
    shows(terminal, everything["2"][::-1], "reversed")
    asked(terminal, "sort: port, reversed")
    terminal.press("s")
    asked(terminal, "sort: service, reversed")
    shows(terminal, everything["3"][::-1], "sorted by the next column, reversed")
    terminal.press("r", "2", "down")
    terminal.until(lambda: cursor(terminal) == "53/udp", "the cursor on the second line")
    terminal.press("3")
    shows(terminal, everything["3"], "sorted by service")
    terminal.until(lambda: cursor(terminal) == "53/udp", "the cursor with its port")
    terminal.press("end")
    terminal.until(lambda: cursor(terminal) == "22/tcp", "the cursor at the end")
    terminal.press("home")
    terminal.until(lambda: cursor(terminal) == "53/udp", "the cursor at the beginning")
    terminal.press("G")
    terminal.until(lambda: cursor(terminal) == "22/tcp", "the cursor at the end again")
    terminal.press("k", "up")
    terminal.until(lambda: cursor(terminal) == "53/udp", "the cursor two up")
    for words, port in (["packets"], None), (["tx"], None), (["last-seen"], None), (["drops"], None), (["port"], "22/tcp"):
        again = top("--scope", "local", "--sort", *words)
        asked(again, f"sort: {words[0].replace('-', ' ')}")
        if port:
            again.until(lambda: ports(again)[0] == port, f"{port} in the first line")
        again.press("q")
        ends(again, DONE)


@case()
def choosing():
    "t, c, /, a, n and u choose what is shown"
    terminal = top()
    everything = terminal.until(lambda: len(rows(terminal)) == 9 and ports(terminal), "9 lines")
    for word, found in ("tcp", 3), ("udp", 4), ("udplite", 0), ("sctp", 2), ("dccp", 0):
        terminal.press("t")
        asked(terminal, f"transport: {word} ")
        terminal.until(lambda: len(rows(terminal)) == found, f"{found} lines of {word}")
        if not found:
            terminal.until("no matching port has traffic")
    terminal.press("t")
    asked(terminal, "transport: all")
    for word in "local", "remote", "forward", "loopback":
        terminal.press("c")
        asked(terminal, f"scope: {word} ")
        terminal.until(lambda: {row.scope for row in rows(terminal)} == {word}, f"lines of {word}")
        terminal.until(rf"^bits/s +{word}$")
    terminal.press("c", "/")
    terminal.until("port, span of ports or part of a name: _")
    terminal.press("H", "T", "t")
    shows(terminal, ["443/tcp"], "a part of a name")
    terminal.press("backspace", "backspace", "backspace", "6", "0", "-", "4", "4", "3", "enter")
    asked(terminal, "filter: 60-443")
    shows(terminal, ["443/tcp", "69/udp"], "a span")
    terminal.press("/", "x", "esc")
    asked(terminal, "filter: 60-443")
    terminal.press("esc")
    shows(terminal, everything, "no filter")
    terminal.press("/", *"41001", "enter")
    shows(terminal, ["41001/tcp"], "one of the folded")
    terminal.press("esc", "a")
    terminal.until(lambda: len(rows(terminal)) == 13, "all ports")
    asked(terminal, "unfolded")
    terminal.until(lambda: "ephemeral/tcp" not in ports(terminal), "none folded")
    terminal.press("a")
    shows(terminal, everything, "folded again")
    terminal.press("n")
    terminal.until(lambda: {row.service for row in rows(terminal)} == {"-", "5 ports"}, "no names")
    terminal.press("n", "9")
    for number in "1.4Ki|1.37Ki", "1400", "1.40k":
        terminal.press("u")
        terminal.until(lambda: re.fullmatch(number, rows(terminal)[0].total), f"units: {number}")
    terminal.press("h")
    terminal.until("^Keys")
    for words in "Down, j", "PgUp", "Home, g", "Enter", "s", "0-9", "r", "t", "c", "/", "a", "n", "u", "b", "p, Space", "h, ?", "Esc", "q":
        terminal.until(rf"^  {re.escape(words)}  ")
    terminal.press("esc")
    terminal.until(lambda: sorted(ports(terminal)) == sorted(everything), "the list")
    terminal.press("?")
    terminal.until("^Keys")
    terminal.press("q")
    ends(terminal, DONE)


@case()
def detail():
    "Enter shows a port: counters, rates, handshakes, drops and a graph; Esc goes back"
    terminal = top("--sort", "port", "--scope", "local", "--exact")
    terminal.press("j", "j", "enter")
    terminal.until("^local port 443/tcp +https .*range: well-known")
    terminal.until(r"^packets/s +0 +0$")
    for pattern in (r"^ +RX +TX$", r"^bits/s +0 +0$", rf"^bytes +0 +{30 * PACKET}$", r"^packets +0 +30$",
                    rf"^bytes/packet +0 +{PACKET}$", r"^first seen +20\S+Z \(.*\)$", r"^last seen +20\S+Z \(.*\)$",
                    r"^SYN +(0 +0|- +-)$", r"^SYN-ACK +", r"^RST +", r"^established +[-0] +failed [-0]$",
                    r"^retransmitted +[-0] +SYN-ACKs again [-0]$", r"^dropped +(-|0 \(0/s\))$",
                    r"^both directions, maximum of \d+ readings: 0 bits/s$"):
        terminal.until(pattern)
    packets.out("tcp", 443, 41000, 4)
    terminal.until(rf"^bytes +0 +{34 * PACKET}$")
    terminal.until(lambda: re.search("[▁▂▃▄▅▆▇█]{1}", "\n".join(terminal.text().splitlines()[19:23])), "a graph")
    terminal.press("esc")
    shows(terminal, ["22/tcp", "53/udp", "443/tcp"], "the list")
    terminal.until(lambda: cursor(terminal) == "443/tcp", "the cursor")
    terminal.press("c", "a", "a", "home", "enter")
    terminal.until("^remote port ephemeral/tcp +5 ports +range: several|^remote port 42000/udp")
    terminal.press("q")
    ends(terminal, DONE)


@case()
def events():
    "handshakes and drops, per second and on the page of the port"
    netns = Netns(on=True)
    netns.ip("link set lo up")
    server = netns.socket("ipv4", socket.SOCK_STREAM, bind=("127.0.0.1", 8080))
    server.listen(64)
    closed = netns.socket("ipv4", socket.SOCK_DGRAM)
    terminal = top("--exact", netns=netns, interval="0.5")
    for _ in range(12):
        netns.socket("ipv4", socket.SOCK_STREAM).connect(("127.0.0.1", 8080))
    for _ in range(7):
        with contextlib.suppress(ConnectionRefusedError):
            closed.sendto(b"hello", ("127.0.0.1", 69))
    terminal.until(lambda: any(row.port == "8080/tcp" and row.connections not in "-0" for row in rows(terminal)), "connections/s")
    terminal.until(lambda: any(row.port == "69/udp" and row.drops not in "-0" for row in rows(terminal)), "drops/s")
    terminal.until(lambda: any(row.port == "69/udp" and row.connections == "-" for row in rows(terminal)), "no connections of UDP")
    terminal.press("/", *"8080", "enter", "enter")
    terminal.until("^loopback port 8080/tcp")
    terminal.until("^established +12 +failed 0$")
    terminal.until(rf"^owner +\S+\[{os.getpid()}\]; \d+ open connections$")
    for pattern in r"^SYN +12 +0$", r"^SYN-ACK +0 +12$", r"^RST +0 +0$", r"^retransmitted +0 +SYN-ACKs again 0$", r"^dropped +0 ":
        terminal.until(pattern)
    terminal.press("esc", "esc", "/", *"69", "enter", "enter")
    terminal.until(r"^dropped +7 \(.*/s\)  NO_SOCKET 7$")
    terminal.press("q")
    ends(terminal, DONE)


@case()
def unknown():
    "what is not followed is no zero: a dash, in JSON null; a port that is set to zero meanwhile, a wide terminal, a name of overflow"
    netns = Netns(on=True)
    sender = Packets(netns)
    sender.out("tcp", 443, 41000, 3)
    netns.portmon.do("netns-set", lifecycle=0, drops=0)
    row = documents("-d", "0.2", "-c", "1", netns=netns)()["top"][0]
    equal([row["total"][key] for key in ("established", "dropped")], [None, None], "JSON")
    terminal = top("--sort", "port", "--scope", "local", netns=netns, lines=30, columns=160)
    terminal.press("/", *"over", "enter")
    terminal.until("no matching port has traffic")
    terminal.press("esc")
    shows(terminal, ["443/tcp"], "no filter")
    terminal.press("home", "enter")
    terminal.until("^established +- +failed -$")
    terminal.until("^dropped +-$")
    terminal.until("maximum of")
    netns.portmon.reset()
    terminal.until("no traffic since the last reset")
    terminal.press("q")
    ends(terminal, DONE)
    parameter("max_records", 0)
    sender.out("udp", 53, 42000, 4)
    terminal = top("--sort", "port", "--scope", "local", "--exact", netns=netns)
    terminal.press("/", *"over", "enter")
    terminal.until("^local +overflow/udp ")
    terminal.press("home", "enter")
    terminal.until("^local port overflow/udp +- +range: well-known$")
    terminal.until(rf"^bytes +0 +{4 * PACKET}$")
    check("first seen" not in terminal.text(), "overflow does not know when it was first seen")
    terminal.press("q")
    ends(terminal, DONE)


@case()
def of_others():
    "to a user the page of a port says whose it is, and how to learn more"
    netns = Netns(on=True)
    netns.ip("link set lo up")
    server = netns.socket("ipv4", socket.SOCK_STREAM, bind=("127.0.0.1", 8080))
    server.listen()
    netns.socket("ipv4", socket.SOCK_STREAM).connect(("127.0.0.1", 8080))
    terminal = top("--sort", "port", netns=netns, user=1000)
    terminal.press("/", *"8080", "enter", "enter")
    terminal.until("^owner +user root.*root")
    terminal.press("q")
    ends(terminal, DONE)


@case()
def pause():
    "p and space pause and resume"
    netns = Netns(on=True)
    sender = Packets(netns)
    sender.out("udp", 53, 5000)
    for key in "p", " ":
        terminal = top("--exact", netns=netns, interval="0.1")
        before = terminal.until(lambda: rows(terminal)[0].total, "the first line")
        terminal.press(key)
        terminal.until("PAUSED")
        sender.out("udp", 53, 5000, 3)
        read = list(netns.portmon.ports().values())[0].tx
        time.sleep(0.5)
        equal(rows(terminal)[0].total, before, "total while paused")
        terminal.press(key)
        terminal.until(lambda: rows(terminal)[0].total == str(read * PACKET), "the total of now")
        terminal.until(lambda: "PAUSED" not in terminal.text(), "no pause any more")
        terminal.press("q")
        ends(terminal, DONE)


@case()
def resizing():
    "every size, down to a single character, and back; pages of a list longer than the screen"
    netns = Netns(on=True)
    sender = Packets(netns)
    for port in range(100, 160):
        sender.out("udp", port, 5000)
    terminal = top("--sort", "port", "--scope", "local", netns=netns, interval="0.1")
    terminal.until(lambda: len(rows(terminal)) == 14, "14 lines of 24")
    terminal.press("pgdn")
    terminal.until(lambda: cursor(terminal) == "114/udp", "a page down")
    terminal.press("pgup")
    terminal.until(lambda: cursor(terminal) == "100/udp", "a page up")
    terminal.press("end")
    terminal.until(lambda: cursor(terminal) == "159/udp", "the end")
    terminal.resize(50, 132)
    terminal.until(lambda: len(rows(terminal)) == 40 and "SEEN" in terminal.text(), "40 lines of 50, with the last column")
    terminal.until(lambda: cursor(terminal) == "159/udp", "the cursor")
    terminal.resize(12, 80)
    terminal.until(lambda: len(rows(terminal)) == 8 and "RANGE" not in terminal.text(), "8 lines of 12, without the sums")
    terminal.resize(12, 40)
    terminal.until(lambda: re.search(r"^PORT +RX-b/s +TX-b/s +PKTS/s$", terminal.text(), re.M) and "GRAPH" not in terminal.text(),
                   "fewer columns")
    for lines, columns in (1, 1), (2, 2), (3, 10), (1, 200), (200, 1), (4, 20), (5, 20), (300, 300), (8, 8):
        terminal.resize(lines, columns)
        for key in "h", "esc", "enter", "esc", "/", "1", "esc", "b", "G", "g":
            terminal.press(key)
        time.sleep(0.15)
        terminal.text()
        check(terminal.process.poll() is None, f"it ended at {lines}x{columns}: {terminal.process.returncode}")
    terminal.resize(24, 80)
    terminal.until(lambda: len(rows(terminal)) == 14, "14 lines of 24 again")
    terminal.press("q")
    ends(terminal, DONE)
    for lines, columns in (1, 1), (2, 20), (0, 0):
        terminal = Terminal("portmon-ctl", "top", "-d", "0.1", netns=netns, lines=lines or 24, columns=columns or 80)
        if not lines:       # a serial line knows no size
            terminal._size(0, 0)
        wait_until(lambda: [terminal.read(0.05)] and b"\33[?1049h" in terminal.raw, what="the screen")
        # Before that the kernel itself would write the q, in the midst of curses' few bytes at a time.
        wait_until(lambda: not terminal.echoes(), what="no echo")
        terminal.press("q")
        ends(terminal, DONE)


# Ends

@case()
def quitting():
    "q and Ctrl-C are no failures; of a signal it dies; the terminal is always as it was"
    for key in "q", "ctrl-c":
        terminal = top()
        terminal.press(key)
        ends(terminal, DONE)
    for number in signal.SIGTERM, signal.SIGHUP:
        terminal = top()
        terminal.process.send_signal(number)
        ends(terminal, -number)
    for page in "enter", "h", "/", "p":
        terminal = top()
        terminal.press(page)
        terminal.process.send_signal(signal.SIGTERM)
        ends(terminal, -signal.SIGTERM)


@case()
def hang_up():
    "the terminal is closed under it: it ends"
    terminal = top()
    terminal.hang_up()
    check(terminal.status() in (FAILED, -signal.SIGHUP), f"status {terminal.process.returncode}")


@case()
def stopped():
    "Ctrl-Z gives the terminal back, fg takes it again and draws all"
    terminal = top()
    said = len(terminal.raw)
    # The kernel stops no session leader: it continues at once.
    terminal.process.send_signal(signal.SIGTSTP)
    terminal.until(lambda: re.search(rb"\x1b\[\?1049l.*\x1b\[\?1049h", terminal.raw[said:], re.S), "the main screen, and the other one again")
    terminal.until(lambda: 1049 in terminal.screen.modes and len(rows(terminal)) == 9, "the list")
    terminal.press("q")
    ends(terminal, DONE)


@case()
def switched_off():
    "counting is switched off while it runs, or is off"
    netns = Netns(on=True)
    terminal = top(netns=netns)
    terminal.until("no traffic yet")
    netns.portmon.do("netns-set", enabled=0)
    ends(terminal, FAILED, "counting is off in this network namespace")
    status, out, err = run_top("--batch", netns=netns)
    equal((status, out), (FAILED, ""), "batch")
    check(re.search("counting is off.*portmon-ctl enable", err), err)
    status, out, err = run_top("--batch", "-c", "1", "--netns", netns.name, netns=None)
    check(status == FAILED and re.search(f"--netns {netns.name} enable", err), err)


@case()
def forbidden():
    "reading is forbidden while a user runs it"
    terminal = top(user=1000)
    parameter("restrict_read", 1)
    ends(terminal, FAILED, "cannot read the counters: .*restrict_read.*as root")
    status, out, err = run_top("--batch", user=1000)
    check(status == FAILED and re.search("restrict_read.*as root", err), err)


@case()
def refused():
    "what it cannot do it says, with the right status"
    for sentence, status, arguments in (
            ("--json needs --batch", USAGE, ["--json"]),
            ("--iterations needs --batch", USAGE, ["-c", "3"]),
            ("cannot sort by that; expected: bytes", USAGE, ["--sort", "first-seen"]),
            ("--delay needs seconds", USAGE, ["-d", "0"]),
            ("--delay needs seconds", USAGE, ["-d", "never"]),
            ("--iterations needs a number", USAGE, ["-b", "-c", "0"]),
            ("unexpected argument '80'", USAGE, ["80"]),
            ("top does not accept --details", USAGE, ["--details"]),
            ("top does not accept --bits", USAGE, ["--bits"]),
            ("top needs a terminal; .*portmon-ctl top --batch", FAILED, [])):
        got, out, err = run_top(*arguments)
        equal((got, out), (status, ""), f"{arguments}")
        check(re.search(sentence, err.splitlines()[0]), f"{arguments} said {err!r}")
    for term in "no-such-terminal", "dumb", "", None:
        terminal = Terminal("portmon-ctl", "top", netns=yard, TERM=term)
        equal(terminal.status(), FAILED, f"status with TERM={term}")
        said = terminal.raw.decode()
        check(re.search("terminal type '.*' is unknown or cannot move its cursor; set TERM", said), f"TERM={term} said {said!r}")
        check("\33" not in said, f"TERM={term} sent {said!r}")


# Batch mode

@case()
def batch():
    "plain text, reading after reading"
    status, out, err = run_top("-b", "-c", "3", "-d", "0.1", "--exact", "--scope", "local", "--sort", "port")
    equal((status, err), (DONE, ""), "status")
    blocks = out.split("\n\n")
    equal((len(blocks), blocks[3]), (4, ""), "blocks")
    sent = 30 + packets.sent["local", "tcp", 443].tx - 30
    for block in blocks[:3]:
        title, asked_for, head, *lines = block.splitlines()
        check(re.fullmatch(r"portmon-ctl top - 20\S+Z, every 0.1 s, 3 lines, reset \S+( ago)?", title), title)
        equal(asked_for, "scope: local  transport: all  filter: none  sort: port", "filters")
        equal(head.split(), ["SCOPE", "PORT", "SERVICE", "RX-b/s", "TX-b/s", "PKTS/s", "CONN/s", "DROP/s", "TOTAL", "SEEN"], "head")
        cells = [line.split() for line in lines]
        equal([(c[1], c[2], c[3], c[4], c[5], c[8]) for c in cells],
              [("22/tcp", "ssh", "0", "0", "0", str(20 * PACKET)), ("53/udp", "dns", "0", "0", "0", str(10 * PACKET)),
               ("443/tcp", "https", "0", "0", "0", str(sent * PACKET))], "lines")
        check("\33" not in block, "a sequence for terminals")
    status, out, err = run_top("-b", "-c", "1", "-d", "0.1", "--port", "53", "--numeric")
    equal([line.split()[2] for line in out.splitlines()[3:] if line], ["-"], "service with --numeric")


@case()
def batch_json():
    "one document per reading: the differences add up to the counts"
    netns = Netns(on=True)
    sender = Packets(netns)
    sender.out("udp", 53, 5000)
    following = documents("--delay", "0.2", "--all", netns=netns)
    document = following()
    equal(list(document), ["portmon", "interval_ms", "top"], "keys")
    equal(document["portmon"]["netns"], netns.name, "name of the namespace")
    check(document["interval_ms"] >= 200, f"interval {document['interval_ms']}")
    row = document["top"][0]
    equal(set(row), {"scope", "transport", "port", "range", "service", "iana", "total", "interval"}, "keys of a port")
    for key in "total", "interval":
        equal(set(row[key]), {"rx", "tx", "established", "dropped"}, f"keys of {key}")
    equal(totals(document), netns.portmon.ports(), "totals, idle")
    base, came = dict(sender.sent), {}
    for n in range(40):
        sender.out("udp", 53, 5000 + n % 3, 5)
        sender.out("tcp", 1000 + n, 80)
        if n % 4 == 0:
            add(came, totals(following(), "interval"))
    document = following()
    while True:
        add(came, totals(document, "interval"))
        if totals(document) == sender.sent:
            break
        document = following()
    expected = {key: Counts(*(a - b for a, b in zip(counts, base.get(key, Counts())))) for key, counts in sender.sent.items()}
    equal({k: v for k, v in came.items() if any(v)}, {k: v for k, v in expected.items() if any(v)}, "sum of the differences")


@case()
def resets():
    "a reset is never seen as a rate, nor anything as having come twice"
    netns = Netns(on=True)
    sender = Packets(netns)
    sender.out("udp", 53, 5000, 50)
    following = documents("--delay", "0.05", netns=netns)
    following()
    start, came, back = sender.sent["local", "udp", 53].tx, 0, 0
    for n in range(60):
        sender.out("udp", 53, 5000, 5)
        if n % 5 == 2:
            returned = [Counts.of(r) for r in netns.portmon.reset(scope="local", transport="udp", port=53)]
            back += sum(r.tx for r in returned)
        for row in following()["top"]:
            if (row["scope"], row["port"]) == ("local", 53):
                came += row["interval"]["tx"]["packets"]
                check(row["interval"]["tx"]["packets"] <= 305, f"absurd: {row}")
    sent = sender.sent["local", "udp", 53].tx - start
    check(back > 100, f"the resets returned {back}")
    check(sent / 3 <= came <= sent, f"{came} came of {sent}")
    terminal = top(netns=netns, interval="0.5")
    terminal.until(lambda: rows(terminal)[0].packets != "-", "the second reading")
    netns.portmon.reset()
    terminal.until("counters were reset since the last reading|no matching port|no traffic yet")
    terminal.press("q")
    ends(terminal, DONE)


@case()
def closed_output():
    "a full disk is reported as a failure, a closed pipe is not"
    for arguments in ["-b", "-d", "0.05"], ["-b", "-d", "0.05", "--json"]:
        with open("/dev/full", "w") as full:
            status, _, err = run_top(*arguments, stdout=full)
        equal((status, err), (FAILED, "portmon-ctl: cannot write the output: No space left on device\n"), f"{arguments} to a full disk")
        reader, writer = os.pipe()
        process = yard.popen("portmon-ctl", "top", *arguments, stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        os.read(reader, 10)
        os.close(reader)
        check(process.wait(20) in (FAILED, -signal.SIGPIPE), f"{arguments} to nobody: status {process.returncode}")
        equal(process.stderr.read(), "", f"{arguments} to nobody")
    with yard.enter():
        equal(sh("sh", "-c", "portmon-ctl top -b -d 0.05 2>&1 | head -n 1").count("\n"), 1, "lines of | head -n 1")


@case()
def unloaded():
    "the module goes away while it runs (last: what was counted is gone)"
    reloads_module()
    netns = Netns(on=True)
    Packets(netns).out("udp", 53, 5000)
    terminal = top(netns=netns)
    wait_until(lambda: not unload(), what="unloading")
    ends(terminal, FAILED, "the portmon module was unloaded; load it with: modprobe portmon")
    status, out, err = run_top("-b", netns=netns)
    equal((status, out), (FAILED, ""), "batch without the module")
    check(re.search("not loaded: it is not built", err), err)
    terminal = Terminal("portmon-ctl", "top", netns=netns)
    equal(terminal.status(), FAILED, "status without the module")
    check("not loaded" in terminal.text() and b"1049h" not in terminal.raw, f"said {terminal.raw!r}")


run()
