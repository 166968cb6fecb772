#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""portmon-ctl check names what is wrong, the worst first, in one call; and nothing where nothing is."""
import contextlib
import errno
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from lib.connection import begin, connect, transfer
from lib.ctl import DONE, USAGE, expect_message, run_ctl
from lib.ktap import PATIENCE, case, check, defer, equal, run, wait_until
from lib.module import parameter
from lib.netns import Netns, hosts
from lib.packets import Forger, Packets
from lib.process import finish, traffic
from lib.tcp_events import Server, connections, no_retransmits

UNSURE, WRONG = 3, 1
WEB, FLOODED, SLOW = 8080, 80, 514
SO_RCVBUFFORCE = 33


def checked(netns, *arguments, status, **options):
    "The findings of a check."
    got, out, err = run_ctl("check", "--json", *arguments, netns=netns, **options)
    equal(got, status, f"status of check {' '.join(arguments)}: {out}{err}")
    return json.loads(out)["findings"]


def brief(findings):
    return [(f["finding"], f["transport"], f["port"]) for f in findings]


def fill_accept_queue(server, client, target):
    "A program that does not accept; clients that wait: the sockets, which are to be kept."
    stuck = server.socket("ipv4", socket.SOCK_STREAM, bind=(target, WEB))
    stuck.listen(2)
    waiting = [begin(client, "ipv4", ("0.0.0.0", 0), (target, WEB)) for _ in range(30)]
    wait_until(lambda: server.portmon.tcp()[("local", WEB)].get("syn-received", 0) >= 30, what="30 SYNs")
    return stuck, waiting


def overrun(server, client, target):
    "A program that reads no datagrams."
    slow = server.socket("ipv4", socket.SOCK_DGRAM, bind=(target, SLOW))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sender = client.socket("ipv4", socket.SOCK_DGRAM)
    for _ in range(200):
        sender.sendto(b"x" * 100, (target, SLOW))
    return slow


def flood(server, listener_port, n=400):
    "SYNs from addresses that nobody has."
    there = Forger(server)
    server.ip(f"route add 198.18.0.0/15 dev {there.dev}")
    listener = server.socket("ipv4", socket.SOCK_STREAM, bind=("0.0.0.0", listener_port))
    listener.listen(64)
    finish(traffic("syns", there.fd, "198.18.0.1", there.ipv4, 20000, listener_port, n, pass_fds=[there.fd],
                   stdin=subprocess.DEVNULL))
    return listener


@case()
def incident():
    "four troubles at once: one check names all four, the port whose queue is full first"
    (client, server), (near, far) = hosts()
    quiet = checked(server, "--all-time", status=DONE)
    equal(quiet, [], "before")
    kept = fill_accept_queue(server, client, far.ipv4), overrun(server, client, far.ipv4), flood(server, FLOODED)
    connections(client, near.ipv4, far.ipv4, 30000, 1, 1, lossy=True)
    for port in range(2000, 2060):
        with client.socket("ipv4", socket.SOCK_STREAM) as sock:
            equal(sock.connect_ex((far.ipv4, port)), errno.ECONNREFUSED, f"connecting to {port}")
    found = checked(server, "--all-time", status=WRONG)
    equal(brief(found), [("accept-queue-full", "tcp", WEB), ("receive-queue-full", "udp", SLOW), ("syn-flood", "tcp", FLOODED),
                         ("port-scan", None, None)], f"findings {found}")
    web, slow, flooded, scan = found
    for f in found:
        check(f["meaning"] and f["next"], f"nothing to do about {f}")
    check(re.match(r"accept queue full: \d+ waiting, limit 2; \d+ of \d+ SYNs not answered", web["text"]), web["text"])
    equal([p["pid"] for p in web["processes"]], [os.getpid()], "whose it is")
    check(re.search(r"\d+ of 200 packets received were lost \(SOCKET_RCVBUFF\)", slow["text"]), slow["text"])
    check(re.match(r"4\d\d of 4\d\d handshakes answered and not completed", flooded["text"]) or "not answered" in flooded["text"],
          flooded["text"])
    check(re.match("61 closed ports from 1 to 2059 were probed", scan["text"]), scan["text"])
    equal(scan["next"], "portmon-ctl closed", "next of the scan")
    status, out, err = run_ctl("check", "--all-time", netns=server)
    equal((status, err), (WRONG, ""), "status and complaints of the page")
    check(out.startswith("4 troubles since counting began"), out)
    lines = [line for line in out.splitlines() if re.match("critical|warning", line)]
    check(re.match(rf"critical  {WEB}/tcp .*python3?\S*\[{os.getpid()}\].*: accept queue full", lines[0]), f"first line {lines[0]!r}")
    check(max(map(len, out.splitlines())) <= 80, f"wider than a terminal:\n{out}")
    del kept


@case()
def quiet():
    "a quiet machine, and one that has been used as it should be: nothing is wrong"
    (client, server), (near, far) = hosts()
    status, out, err = run_ctl("check", "--all-time", netns=server)
    equal((status, err), (DONE, ""), "status and complaints")
    check(re.match(r"nothing wrong at 0 ports since counting began .*\nlooked at: unanswered SYNs", out), out)
    program = Server(server, 443)
    equal(connections(client, near.ipv4, far.ipv4, 30000, 443, 200), 200, "connections")
    program.accepted(200)
    one = connect(client, server, "ipv4", far.ipv4, 5001)
    with no_retransmits(client):
        transfer(one.caller, one.called, 4 << 20)
    for netns in server, client:
        equal(checked(netns, "--all-time", status=DONE), [], "findings under clean traffic")
        equal(run_ctl("check", "--all-time", "--quiet", netns=netns), (DONE, "", ""), "check --quiet")


@case()
def since_last():
    "each check reports the difference to the previous one; problems that have ended are not repeated"
    (client, server), (near, far) = hosts()
    look = lambda *a: run_ctl("check", *a, netns=server)
    def probe():
        for port in range(2000, 2040):
            with client.socket("ipv4", socket.SOCK_STREAM) as sock:
                sock.connect_ex((far.ipv4, port))
    probe()
    status, out, err = look()
    equal((status, err), (DONE, ""), "the first check looks at the next seconds, not at what was before")
    check(re.match("nothing wrong at 0 ports in the last [5-9]s", out), out)
    probe()
    equal(look("--quiet"), (WRONG, "", ""), "the second, after a scan")
    status, out, err = look()
    equal(status, DONE, f"the third, after nothing: {out}")
    probe()
    server.portmon.reset()
    probe()
    status, out, err = look("--json")
    equal((status, brief(json.loads(out)["findings"])), (WRONG, [("port-scan", None, None)]), "after a reset")
    check("40 closed ports" in out and "40 packets" in out, out)


@case()
def watched():
    "--watch looks at what happens meanwhile, and leaves the last check as it was"
    (client, server), (near, far) = hosts()
    def probe():
        for port in range(2000, 2040):
            with client.socket("ipv4", socket.SOCK_STREAM) as sock:
                sock.connect_ex((far.ipv4, port))
    probe()
    equal(checked(server, "--watch", ".2", status=DONE), [], "what was before")
    process = server.popen("portmon-ctl", "check", "--watch", "4s", "--json", stdout=subprocess.PIPE)
    while process.poll() is None:
        probe()
        time.sleep(0.2)
    equal(process.returncode, WRONG, "status")
    equal(brief(json.loads(process.stdout.read())["findings"]), [("port-scan", None, None)], "findings while watching")


@case()
def thresholds():
    "thresholds are set in a file of the user's; one that is wrong is refused with its line"
    (client, server), (near, far) = hosts()
    for port in range(2000, 2040):
        with client.socket("ipv4", socket.SOCK_STREAM) as sock:
            sock.connect_ex((far.ipv4, port))
    with tempfile.TemporaryDirectory() as folder:
        env = {"XDG_CONFIG_HOME": folder}
        os.mkdir(f"{folder}/portmon")
        def settings(text):
            with open(f"{folder}/portmon/check.conf", "w") as file:
                file.write(text)
            return run_ctl("check", "--all-time", netns=server, env=env)
        check(settings("scan-ports = 20\n")[0] == WRONG, "a scan of 40 ports with a threshold of 20")
        check(settings("# more\n\nscan-ports = 41 # ports\n")[0] == DONE, "with one of 41")
        for wrong in "scan-ports 41", "scan-port = 41", "scan-ports = many", "scan-ports = 70000", "drops-percent = 101":
            status, out, err = settings(f"drops = 10\n{wrong}\n")
            equal((status, out), (UNSURE, ""), f"status with {wrong!r}")
            check("check.conf, line 2: expected NAME = NUMBER" in err, err)
        check(settings(f"# {'x' * 300} scan-ports = 20\n{' ' * 300}scan-ports = 41\n")[0] == DONE, "long lines")
        # The site's file is read first.
        os.makedirs("/etc/portmon", exist_ok=True)
        with open("/etc/portmon/check.conf", "x") as file:
            defer(os.unlink, file.name)
            file.write("scan-port = 41\n")
        status, out, err = run_ctl("check", "--all-time", netns=server, env=env)
        equal((status, out), (UNSURE, ""), "status with a wrong line in the site's file")
        check("/etc/portmon/check.conf, line 1: expected NAME = NUMBER" in err, err)
        with open("/etc/portmon/check.conf", "w") as file:
            pass
        os.unlink(f"{folder}/portmon/check.conf")
        os.mkdir(f"{folder}/portmon/check.conf")
        status, out, err = run_ctl("check", "--all-time", netns=server, env=env)
        equal((status, out, err), (UNSURE, "", f"portmon-ctl: cannot read {folder}/portmon/check.conf: Is a directory\n"), "a folder")


@case()
def not_read():
    "a program that does not read from its connection, at either end; one that reads slowly is none"
    (client, server), (near, far) = hosts()
    stuck = connect(client, server, "ipv4", far.ipv4, WEB)
    slow = connect(client, server, "ipv4", far.ipv4, WEB + 1)
    listener = server.socket("ipv4", socket.SOCK_STREAM, bind=(far.ipv4, WEB))
    listener.listen()

    def fill(sock):
        "All that fits on the way: until nothing more has gone for a while."
        sock.setblocking(False)
        last = time.monotonic()
        while time.monotonic() < last + 1:
            try:
                sock.send(b"x" * 65536)
                last = time.monotonic()
            except BlockingIOError:
                time.sleep(0.01)
    fill(stuck.caller)
    found = checked(server, "--all-time", status=WRONG)
    equal(brief(found), [("receive-queue-full", "tcp", WEB)], f"findings {found}")
    check(re.match(r"receive queue full: \d+ bytes unread, \d+ of \d+ bytes of memory; nothing is read$", found[0]["text"]), found[0]["text"])
    equal([p["pid"] for p in found[0]["processes"]], [os.getpid()], "whose it is")
    # The other way: the client does not read what port 8080 of the server sends.
    stuck.called.settimeout(None)
    with contextlib.suppress(BlockingIOError):
        while stuck.called.recv(1 << 20, socket.MSG_DONTWAIT):
            pass
    equal(checked(server, "--all-time", status=DONE), [], "after it was read")
    fill(stuck.called)
    found = checked(client, "--all-time", status=WRONG)
    equal([(f["finding"], f["scope"], f["port"]) for f in found], [("receive-queue-full", "remote", WEB)], f"findings {found}")
    stuck.caller.close()
    # Full at any time, and read all the same.
    fill(slow.caller)
    over = threading.Event()

    def both():
        "Read a little, and send as much as fits."
        slow.called.setblocking(False)
        while not over.wait(0.1):
            with contextlib.suppress(BlockingIOError):
                slow.called.recv(20000)
            with contextlib.suppress(BlockingIOError):
                while slow.caller.send(b"x" * 65536):
                    pass
    thread = threading.Thread(target=both)
    thread.start()
    defer(thread.join)
    defer(over.set)
    equal(checked(server, "--all-time", status=DONE), [], "a slow reader")


@case()
def not_read_here():
    "the client's end of a connection within the host is not that of another host: it is named, with its process"
    netns = Netns(on=True)
    netns.ip("link set lo up")
    listener = netns.socket("ipv4", socket.SOCK_STREAM, bind=("127.0.0.1", WEB))
    listener.listen()
    client = netns.socket("ipv4", socket.SOCK_STREAM)
    client.connect(("127.0.0.1", WEB))
    called = listener.accept()[0]
    defer(called.close)
    called.setblocking(False)
    last = time.monotonic()
    while time.monotonic() < last + 1:
        try:
            called.send(b"x" * 65536)
            last = time.monotonic()
        except BlockingIOError:
            time.sleep(0.01)
    found = [f for f in checked(netns, "--all-time", status=WRONG) if f["finding"] == "receive-queue-full"]
    equal([(f["scope"], f["port"], f["client"], f["next"]) for f in found], [("loopback", WEB, True, f"ss -tmnp dport = :{WEB}")], f"findings {found}")
    equal([p["pid"] for p in found[0]["processes"]], [os.getpid()], "whose it is")
    out = run_ctl("check", "--all-time", netns=netns)[1]
    check(re.search(rf"^critical  {WEB}/tcp \S+ \(loopback, client\), \S+\[{os.getpid()}\]", out, re.M), out)


@case()
def unseen():
    "packets that reach no hook are noted with their number; those that do are not"
    (client, server), (near, far) = hosts()
    kept = server.socket("ipv4", socket.SOCK_DGRAM, bind=(far.ipv4, 53))
    kept.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
    sock = client.socket("ipv4", socket.SOCK_DGRAM)
    over = threading.Event()

    def sending():
        while not over.wait(0.001):
            for _ in range(5):
                sock.sendto(b"x", (far.ipv4, 53))
    thread = threading.Thread(target=sending)
    thread.start()
    defer(thread.join)
    defer(over.set)
    # The counters are read one after the other: a few packets are in one of them only.
    equal(checked(server, "--watch", ".2", status=DONE), [], "where all is seen")
    # What a slow machine sends in half a second is less than by default.
    folder = tempfile.mkdtemp(prefix="pm")
    defer(shutil.rmtree, folder)
    os.mkdir(f"{folder}/portmon")
    with open(f"{folder}/portmon/check.conf", "w") as file:
        file.write("coverage-packets = 5\n")
    env = {"XDG_CONFIG_HOME": folder}
    server.run("nft", "-f", "-", input="table ip t { chain c { type filter hook prerouting priority 0; udp dport 53 drop; }; }")
    found = checked(server, "--watch", ".2", status=WRONG, env=env)         # for the drops
    equal([(f["finding"], f["level"], f["next"]) for f in found if f["finding"] != "drops"], [("coverage-gap", "note", "portmon-ctl coverage")], f"{found}")
    gone, all_of = map(lambda n: int(n.replace(",", "")), re.match(r"([\d,]+) of ([\d,]+) packets passed to IP in \d", found[-1]["text"]).groups())
    check(5 <= gone <= all_of, found[-1]["text"])


@case()
def silence():
    "a port that listens, was in use and has gone silent is noted; a closed one is not"
    (client, server), (near, far) = hosts()
    for port in 443, 444:
        with server.socket("ipv4", socket.SOCK_STREAM, bind=(far.ipv4, port)) as listener:
            listener.listen(512)
            for _ in range(120):
                with client.socket("ipv4", socket.SOCK_STREAM) as sock:
                    sock.connect((far.ipv4, port))
    listener = server.socket("ipv4", socket.SOCK_STREAM, bind=(far.ipv4, 443))
    listener.listen(512)
    with tempfile.TemporaryDirectory() as folder:
        env = {"XDG_CONFIG_HOME": folder}
        os.mkdir(f"{folder}/portmon")

        def silent(text):
            with open(f"{folder}/portmon/check.conf", "w") as file:
                file.write(text)
            status, out, err = run_ctl("check", "--all-time", "--json", netns=server, env=env)
            equal((status, err), (DONE, ""), f"status and messages; {out}")
            return [(f["level"], f["transport"], f["port"], f["text"]) for f in json.loads(out)["findings"] if f["finding"] == "silent"]

        equal(silent(""), [], "after a moment")
        begun = time.monotonic()
        found = wait_until(lambda: silent("silent-seconds = 4\nsilent-gaps = 2\n"), what="silence")
        check(time.monotonic() - begun < 60 * PATIENCE, "it took as long as without the threshold")
        equal([f[:3] for f in found], [("note", "tcp", 443)], "who has gone silent")
        check(re.fullmatch(r"nothing received for \d+s; 120 connections before that", found[0][3]), found[0][3])
        with client.socket("ipv4", socket.SOCK_STREAM) as sock:
            sock.connect((far.ipv4, 443))
        equal(silent("silent-seconds = 4\nsilent-gaps = 2\n"), [], "after one more connection")


@case()
def not_known():
    "unknown is not success: status 3 if counting or a part of it is off, or reading is restricted"
    netns = Netns(on=True)
    netns.portmon.do("netns-set", lifecycle=0, drops=0)
    found = checked(netns, "--all-time", status=UNSURE)
    equal([(f["finding"], f["level"], f["next"]) for f in found],
          [("not-counted", "unknown", "portmon-ctl enable lifecycle"), ("not-counted", "unknown", "portmon-ctl enable drops")], "findings")
    out = run_ctl("check", "--all-time", netns=netns)[1]
    check(re.match("not all is known; nothing found wrong at 0 ports since", out) and "looked at" not in out, out)
    expect_message(UNSURE, "counting is off", "check", netns=Netns())
    netns.portmon.do("netns-set", lifecycle=1, drops=1)
    parameter("restrict_read", "Y")
    expect_message(UNSURE, "Operation not permitted|CAP_NET_ADMIN", "check", "--all-time", netns=netns, user=65534)
    for wrong in ["--watch", "0"], ["--watch", "1", "--all-time"], ["--json", "--quiet"], ["80"]:
        equal(run_ctl("check", *wrong, netns=netns)[0], USAGE, f"check {wrong}")


@case()
def overflow():
    "packets without a record are a finding, and events without a counter another one"
    parameter("max_records", 0)
    netns = Netns(on=True)
    Packets(netns).out("tcp", 1, 2, 30)
    found = checked(netns, "--all-time", status=WRONG)
    equal([f["finding"] for f in found], ["overflow"], "findings")
    netns.ip("link set lo up")
    equal(netns.socket("ipv4", socket.SOCK_STREAM).connect_ex(("127.0.0.1", 1)), errno.ECONNREFUSED, "connecting to a closed port")
    found = checked(netns, "--all-time", status=WRONG)
    equal([f["finding"] for f in found], ["overflow"] * 2, "findings after TCP events")
    check(any(re.match(r"\d+ events have no event counter", f["text"]) for f in found), f"{found}")
    out = run_ctl("info", netns=netns)[1]
    check(re.search(r"^refused +\d+ packets without a port record", out, re.M), f"info says {out!r}")
    check(re.search(r"^refused +\d+ TCP events and drops without an event counter$", out, re.M), f"info says {out!r}")


run()
