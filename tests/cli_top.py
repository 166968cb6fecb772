#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""portmon-ctl top: what it shows, on a terminal of its own and in batch mode, is what was counted."""
import contextlib
import csv
import functools
import io
import json
import os
import re
import signal
import socket
import subprocess
import tempfile

from lib import top as live
from lib.counts import add
from lib.ctl import DONE, FAILED
from lib.ktap import case, check, defer, equal, run
from lib.module import parameter
from lib.netns import Netns
from lib.nlclient import Counts
from lib.packets import Packets
from lib.process import sh
from lib.top import PACKET, asked, cursor, ends, make_yard, rows, shows

yard, packets = make_yard()
top = functools.partial(live.top, netns=yard)
run_top = functools.partial(live.run_top, netns=yard)

# See ktap.py.
TRIES = 3


def documents(*arguments, netns=yard):
    "Start it in batch mode with JSON; what reads the next document."
    process = netns.popen("portmon-ctl", "top", "--batch", "--json", *arguments, stdout=subprocess.PIPE)
    return lambda: json.loads(process.stdout.readline())


def counts(row, key):
    both = row[key]
    return Counts(both["rx"]["packets"], both["rx"]["bytes"], both["tx"]["packets"], both["tx"]["bytes"])


def totals(document, key="total"):
    return {(r["scope"], r["transport"], r["port"]): counts(r, key) for r in document["top"]}


@case()
def screen():
    "80x24: a title in local time, the filters, the sums by range and scope, every port and the keys"
    terminal = top("--exact", "--sort", "bytes", TZ="XYZ-5:30")

    def whole():
        equal({row.packets for row in rows(terminal)}, {"0"}, "packets/s at the second reading")
        lines = terminal.text().splitlines()
        # Nobody has reset anything.
        check(re.fullmatch(r"portmon-ctl top - 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d XYZ, every 0.3 s, counting for \d+[smh], 9 lines", lines[0]), lines[0])
        equal(lines[1], "scope: all  transport: all  filter: none  sort: TOTAL", "second line")
        equal(lines[2].split(), ["bits/s", "local", "remote", "forward", "loopback"], "scopes")
        equal(lines[3].split(), ["RANGE", *["RX", "TX"] * 4], "head of the sums")
        # No port is in the dynamic range.
        equal([line.split()[0] for line in lines[4:7]], ["well-known", "registered", "all"], "ranges")
        for line in lines[4:7]:
            equal(line.split()[1:], ["0"] * 8, "rates of a range")
        equal(lines[7].split(), ["SCOPE", "PORT", "SERVICE", "RX-BPS", "TX-BPS", "PPS", "CPS", "DROP-PS", "TOTAL", "GRAPH"],
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
        found = {line.split()[0]: line.split()[1:] for line in terminal.text().splitlines()[4:7]}
        n = [str(k * PACKET) for k in range(100)]
        equal(found, {"well-known": ["0", n[60], "0", "0", "0", "0", "0", n[2]],
                      "registered": ["0", "0", "0", n[60], n[3], n[3], n[2], "0"],
                      "all": ["0", n[60], "0", n[60], n[3], n[3], n[2], n[2]]}, "sums of bytes")

    terminal.sees(whole, "the whole screen")
    terminal.press("b")
    terminal.sees(sums, "the sums of bytes")
    terminal.press("#")
    terminal.until(lambda: terminal.text().splitlines()[2].startswith("SCOPE"), "the list without the sums")
    terminal.press("#")
    terminal.sees(sums, "the sums again")
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


@case()
def busy():
    "the page of a port with many peers has ten of them, and with --ascii no bars of histograms"
    netns = Netns(on=True)
    netns.ip("link set lo up")
    server = netns.socket("ipv4", socket.SOCK_STREAM, bind=("127.0.0.1", 8080))
    server.listen(20)
    accepted = []
    for i in range(12):
        netns.socket("ipv4", socket.SOCK_STREAM, bind=(f"127.0.0.{10 + i}", 0)).connect(("127.0.0.1", 8080))
        accepted.append(server.accept())
    terminal = top("--ascii", "--scope", "loopback", netns=netns, lines=50, columns=160)
    terminal.press("/", *"8080", "enter", "enter")
    terminal.until("^loopback port 8080/tcp ")
    terminal.until(r"^peers +127\.0\.0\.10 +1 open")
    terminal.until(r"^ +\.\.\. and 2 more$")
    terminal.until(r"^ *handshake +median .* \(12 connections\)$")
    terminal.press("q")
    ends(terminal, DONE)
    check(terminal.raw.isascii(), "not ASCII")
    for sock, _ in accepted:
        sock.close()


@case()
def detail():
    "Enter shows a port: counters, rates, handshakes, drops and a graph; Esc goes back"
    terminal = top("--sort", "port", "--scope", "local", "--exact", lines=30)
    terminal.press("j", "j", "enter")
    terminal.until("^local port 443/tcp +https .*range: well-known")
    terminal.until(r"^packets/s +0 +0$")
    for pattern in (r"^ +RX +TX$", r"^bits/s +0 +0$", rf"^bytes +0 +{30 * PACKET}$", r"^packets +0 +30$",
                    rf"^bytes/packet +0 +{PACKET}$", r"^ +TOTAL +PER SECOND$", r"^established +0 +0$", r"^unanswered +0 +0$",
                    r"^retransmitted +0 +0$", r"^dropped +0 +0$", r"^owner +no socket$",
                    r"^first seen +20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC \(.*\)$", r"^last seen +20.* UTC \(.*\)$",
                    r"^both directions, maximum of \d+ readings: 0 bits/s$"):
        terminal.until(pattern)
    packets.out("tcp", 443, 41000, 4)
    terminal.until(rf"^bytes +0 +{34 * PACKET}$")
    terminal.until(lambda: re.search("[▁▂▃▄▅▆▇█]{1}", "\n".join(terminal.text().splitlines()[-6:])), "a graph")
    terminal.press("esc")
    shows(terminal, ["22/tcp", "53/udp", "443/tcp"], "the list")
    terminal.until(lambda: cursor(terminal) == "443/tcp", "the cursor")
    terminal.press("c", "a", "a", "home", "enter")
    terminal.until("^remote port ephemeral/tcp +5 ports +range: several|^remote port 42000/udp")
    terminal.press("q")
    ends(terminal, DONE)


@case()
def handshakes():
    "the page of a port tells what show tells: handshakes in words, peers with their bytes, the owner and its backlog, histograms"
    netns = Netns(on=True)
    netns.ip("link set lo up")
    server = netns.socket("ipv4", socket.SOCK_STREAM, bind=("127.0.0.1", 8080))
    server.listen(3)
    # One more than the limit is accepted; later ones get no answer.
    for _ in range(4):
        netns.socket("ipv4", socket.SOCK_STREAM).connect(("127.0.0.1", 8080))
    for _ in range(5):
        late = netns.socket("ipv4", socket.SOCK_STREAM)
        late.setblocking(False)
        late.connect_ex(("127.0.0.1", 8080))
    terminal = top("--exact", "--scope", "loopback", netns=netns, lines=50, columns=100, interval="0.5")
    terminal.press("/", *"8080", "enter", "enter")
    terminal.until("^loopback port 8080/tcp")
    # What both say, however it is wrapped.
    wanted = r"handshakes +\d+ SYN received, 4 SYN-ACK sent, 4 established, 0 half-open or aborted, 0 refused, \d+ SYN unanswered or duplicate"
    said = " ".join(netns.run("portmon-ctl", "show", "8080", "--scope", "loopback").split())
    check(re.search(wanted, said), f"show said {said}")
    terminal.until(lambda: re.search(wanted, " ".join(terminal.text().split())), wanted)
    # Whoever gets no answer sends one more.
    terminal.until(lambda: int(re.search(r"^unanswered +(\d+) ", terminal.text(), re.M)[1]) >= 5, "SYNs without an answer")
    terminal.until(r"(^| )[1-9]\d* SYN unanswered or duplicate")
    terminal.until(rf"^owner +\S+\[{os.getpid()}\].*; 4 open connections; backlog 4/3$")
    terminal.until(r"^peers +127.0.0.1 +4 open, received 0, sent 0 bytes$")
    accepted = [server.accept()[0] for _ in range(4)]
    for one in accepted:
        one.send(b"x" * 100)
    terminal.until(r"^peers +127.0.0.1 +\d+ open, received 0, sent 400 bytes$")
    terminal.until(r"^handshake +median (under|at least) .*\(\d+ connections\)")
    terminal.press("q")
    ends(terminal, DONE)


@case()
def long_page():
    "a page that is longer than the terminal scrolls, and keeps its graph"
    terminal = top("--sort", "port", "--scope", "local", "--exact", lines=18)
    terminal.press("/", *"443", "enter", "enter")
    terminal.until(r"^ +RX +TX +.*$|^ +RX +TX$")
    check("last seen" not in terminal.text(), "the page fits")
    terminal.until(r" Down \.\.\.$")
    terminal.press("pgdn")
    terminal.until("^last seen")
    check(not re.search("^ +RX +TX$", terminal.text(), re.M), "it did not scroll")
    terminal.press("pgup")
    terminal.until(r"^ +RX +TX$")
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
    terminal.until(rf"^owner +\S+\[{os.getpid()}\]; \d+ open connections; backlog 12/64$")
    for pattern in (r"^established +12 +\S+$", r"^unanswered +0 +0$", r"^retransmitted +0 +0$", r"^dropped +0 +0$",
                    "^handshakes +12 SYN received, 12 SYN-ACK sent, 12 established, 0 half-open or"):
        terminal.until(pattern)
    terminal.press("esc", "esc", "/", *"69", "enter", "enter")
    terminal.until(r"^dropped +7 +\S+$")
    terminal.until(r"^dropped +7 packets, NO_SOCKET, last ")
    hint = "peers no open connection; who sends to it is seen with: tcpdump -ni any port 69"
    terminal.until(lambda: hint in " ".join(terminal.text().split()), hint)
    terminal.press("q")
    ends(terminal, DONE)


@case()
def unknown():
    "what is not followed is no zero: n/a, in JSON null; a port that is set to zero meanwhile, a wide terminal, a name of overflow"
    netns = Netns(on=True)
    sender = Packets(netns)
    sender.out("tcp", 443, 41000, 3)
    netns.portmon.do("netns-set", lifecycle=0, drops=0)
    row = documents("-d", "0.2", "-c", "1", netns=netns)()["top"][0]
    equal([row["total"][key] for key in ("established", "retransmitted", "unanswered", "dropped")], [None] * 4, "JSON")
    terminal = top("--sort", "port", "--scope", "local", netns=netns, lines=30, columns=160)
    terminal.press("/", *"over", "enter")
    terminal.until("no matching port has traffic")
    terminal.press("esc")
    shows(terminal, ["443/tcp"], "no filter")
    terminal.press("home", "enter")
    terminal.until("^established +n/a +n/a$")
    terminal.until("^dropped +n/a +n/a$")
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
def batch():
    "plain text, reading after reading"
    status, out, err = run_top("-b", "-c", "3", "-d", "0.1", "--exact", "--scope", "local", "--sort", "port")
    equal((status, err), (DONE, ""), "status")
    blocks = out.split("\n\n")
    equal((len(blocks), blocks[3]), (4, ""), "blocks")
    sent = 30 + packets.sent["local", "tcp", 443].tx - 30
    for block in blocks[:3]:
        title, asked_for, head, *lines = block.splitlines()
        check(re.fullmatch(r"portmon-ctl top - 20\S+ \S+ UTC, every 0.1 s, counting for \d+[smh], 3 lines", title), title)
        equal(asked_for, "scope: local  transport: all  filter: none  sort: PORT", "filters")
        equal(head.split(), ["SCOPE", "PORT", "SERVICE", "RX-BPS", "TX-BPS", "PPS", "CPS", "DROP-PS", "TOTAL", "LAST-SEEN"], "head")
        cells = [line.split() for line in lines]
        equal([(c[1], c[2], c[3], c[4], c[5], c[8]) for c in cells],
              [("22/tcp", "ssh", "0", "0", "0", str(20 * PACKET)), ("53/udp", "dns", "0", "0", "0", str(10 * PACKET)),
               ("443/tcp", "https", "0", "0", "0", str(sent * PACKET))], "lines")
        check("\33" not in block, "a sequence for terminals")
    status, out, err = run_top("-b", "-c", "1", "-d", "0.1", "--port", "53", "--numeric")
    equal([line.split()[2] for line in out.splitlines()[3:] if line], ["-"], "service with --numeric")
    # What a person keeps is not for scripts.
    home = tempfile.mkdtemp(prefix="pm")
    defer(sh, "rm", "-rf", home)
    os.mkdir(f"{home}/portmon")
    with open(f"{home}/portmon/top.conf", "w") as file:
        file.write("columns = PORT\nreverse = yes\nthis is wrong\n")
    status, out, err = run_top("-b", "-c", "1", "-d", "0.1", env={**os.environ, "XDG_CONFIG_HOME": home})
    equal((status, err, out.splitlines()[2].split()), (DONE, "", head.split()), "with a file of settings")
    status, out, err = run_top("-b", "-c", "1", "-d", "0.1", "--scope", "local", "--sort", "port", "-o", "port,backlog,owner,total")
    equal((status, err), (DONE, ""), "status with -o")
    equal([line.split()[:2] for line in out.splitlines()[2:] if line],
          [["PORT", "BACKLOG"], ["22/tcp", "-"], ["53/udp", "-"], ["443/tcp", "-"]], "lines with -o")


@case()
def batch_csv():
    "--csv: heads once, then a line per port and reading, with numbers that add up"
    netns = Netns(on=True)
    sender = Packets(netns)
    sender.out("udp", 53, 5000)
    status, out, err = run_top("--batch", "--csv", "-c", "2", "-d", "0.2", "--all", netns=netns)
    equal((status, err), (DONE, ""), "status")
    found = list(csv.DictReader(io.StringIO(out), strict=True))
    equal(list(found[0])[:6] + list(found[0])[-2:], ["netns", "time", "record", "scope", "transport", "port", "total", "last_seen"], "heads")
    equal([(row["netns"], row["record"], row["scope"], row["transport"], row["port"], row["tx_pps"], row["cps"], row["total"]) for row in found],
          [(netns.name, "port", scope, "udp", port, "0", "", str(PACKET)) for scope, port in (("local", "53"), ("remote", "5000"))] * 2, "lines")
    check(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", found[0]["time"]), f"time {found[0]['time']}")
    status, out, err = run_top("--batch", "--csv", "--no-header", "-c", "1", "-d", "0.1", "-o", "port,graph,owner", netns=netns)
    equal((status, out, err), (DONE, "53,,0\n5000,,0\n", ""), "--no-header")


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
        equal(set(row[key]), {"rx", "tx", "established", "retransmitted", "synack_retransmitted", "unanswered", "dropped"}, f"keys of {key}")
    equal(totals(document), netns.portmon.ports(), "totals, idle")
    base, differences = dict(sender.sent), {}
    for n in range(40):
        sender.out("udp", 53, 5000 + n % 3, 5)
        sender.out("tcp", 1000 + n, 80)
        if n % 4 == 0:
            add(differences, totals(following(), "interval"))
    document = following()
    while True:
        add(differences, totals(document, "interval"))
        if totals(document) == sender.sent:
            break
        document = following()
    expected = {key: Counts(*(a - b for a, b in zip(counts, base.get(key, Counts())))) for key, counts in sender.sent.items()}
    equal({k: v for k, v in differences.items() if any(v)}, {k: v for k, v in expected.items() if any(v)}, "sum of the differences")


@case()
def resets():
    "a reset is never seen as a rate, nor anything as having come twice"
    netns = Netns(on=True)
    sender = Packets(netns)
    sender.out("udp", 53, 5000, 50)
    following = documents("--delay", "0.05", netns=netns)
    following()
    start, differences, back = sender.sent["local", "udp", 53].tx, 0, 0
    for n in range(60):
        sender.out("udp", 53, 5000, 5)
        if n % 5 == 2:
            returned = [Counts.of(r) for r in netns.portmon.reset(scope="local", transport="udp", port=53)]
            back += sum(r.tx for r in returned)
        for row in following()["top"]:
            if (row["scope"], row["port"]) == ("local", 53):
                differences += row["interval"]["tx"]["packets"]
                check(row["interval"]["tx"]["packets"] <= 305, f"absurd: {row}")
    sent = sender.sent["local", "udp", 53].tx - start
    check(back > 100, f"the resets returned {back}")
    check(sent / 3 <= differences <= sent, f"{differences} received of {sent}")
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


run()
