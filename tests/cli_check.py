#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""portmon-ctl check names what is wrong, the worst first, in one call; and nothing where nothing is."""
import errno
import json
import os
import re
import socket
import subprocess
import tempfile
import time

from lib.connection import begin, connect, transfer
from lib.ctl import DONE, USAGE, expect_message, run_ctl
from lib.ktap import case, check, equal, run, wait_until
from lib.module import parameter
from lib.netns import Netns, hosts
from lib.packets import Forger, Packets
from lib.process import finish, traffic
from lib.tcp_events import Server, connections, no_retransmits

UNSURE, WRONG = 3, 1
WEB, FLOODED, SLOW = 8080, 80, 514


def checked(netns, *arguments, status):
    "The findings of a check."
    got, out, err = run_ctl("check", "--json", *arguments, netns=netns)
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
        os.unlink(f"{folder}/portmon/check.conf")
        os.mkdir(f"{folder}/portmon/check.conf")
        status, out, err = run_ctl("check", "--all-time", netns=server, env=env)
        equal((status, out, err), (UNSURE, "", f"portmon-ctl: cannot read {folder}/portmon/check.conf: Is a directory\n"), "a folder")


@case()
def not_known():
    "unknown is not success: status 3 if counting or a part of it is off, or reading is restricted"
    netns = Netns(on=True)
    netns.portmon.do("netns-set", lifecycle=0, drops=0)
    found = checked(netns, "--all-time", status=UNSURE)
    equal([(f["finding"], f["level"], f["next"]) for f in found],
          [("not-counted", "unknown", "portmon-ctl enable lifecycle"), ("not-counted", "unknown", "portmon-ctl enable drops")], "findings")
    expect_message(UNSURE, "counting is off", "check", netns=Netns())
    netns.portmon.do("netns-set", lifecycle=1, drops=1)
    parameter("restrict_read", "Y")
    expect_message(UNSURE, "Operation not permitted|CAP_NET_ADMIN", "check", "--all-time", netns=netns, user=65534)
    for wrong in ["--watch", "0"], ["--watch", "1", "--all-time"], ["--json", "--quiet"], ["80"]:
        equal(run_ctl("check", *wrong, netns=netns)[0], USAGE, f"check {wrong}")


@case()
def overflow():
    "packets without a record are a finding"
    parameter("max_records", 0)
    netns = Netns(on=True)
    Packets(netns).out("tcp", 1, 2, 30)
    found = checked(netns, "--all-time", status=WRONG)
    equal([f["finding"] for f in found], ["overflow"], "findings")


run()
