#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Each allocation of portmon-ctl fails once: it says so and ends with 1, or prints what it prints otherwise.

nomemory.so, preloaded, makes them fail, libc's among them and those of libnl, which is linked in.
"""
import itertools
import os
import re
import socket
import subprocess
import threading

from lib.ctl import listening, own_services, run_ctl
from lib.ktap import PATIENCE, case, check, defer, equal, note, run, wait_until
from lib.netns import Netns
from lib.packets import Packets, ipv4, tcp, udp

PRELOAD = os.path.join(os.path.dirname(os.path.realpath(__file__)), "nomemory.so")
SPARE = "continuing without"      # so ends the sentence of what a command can do without
# What stands in place of what a line should have, or of a cause that cannot be looked for.
TOLD = re.compile("out of memory|unknown")


def run_failing(netns, arguments, nth=0, env={}):
    "Run portmon-ctl with the nth allocation failing: (there was an nth, status, output, errors)."
    read_end, write_end = os.pipe()
    try:
        result = run_ctl(*arguments, netns=netns, stdin=subprocess.DEVNULL, pass_fds=[write_end],
                         env={"COLUMNS": "200", "LD_PRELOAD": PRELOAD, "NOMEMORY": str(nth), "NOMEMORY_FD": str(write_end), **env})
    finally:
        os.close(write_end)
    with os.fdopen(read_end) as report:
        return bool(report.read()), *result


def plain(text):
    """Without what goes with the clock, and what it does to the width of columns.

    Without memory for the locale, which is not missed otherwise, bars are drawn in ASCII.
    """
    text = text.replace("█", "@")
    text = re.sub(r"\b(now|\d+ ?(s|m|min|h)( ago)?)\b", "AGE", text)
    return " ".join(re.sub(r"[\d.:+-]+", "#", text).split())


def same(got, wanted, what):
    at = len(os.path.commonprefix([got, wanted]))
    check(got == wanted, f"{what}, printed ...{got[max(at - 40, 0):at + 40]!r}, otherwise ...{wanted[max(at - 40, 0):at + 40]!r}")


def walk(netns, arguments, env={}, before=lambda: None, steady=True):
    """One allocation after the other, until there are no more, with before() ahead of each.

    steady: what the command tells does not change with the time.
    """
    before()
    usual = run_failing(netns, arguments, env=env)
    equal(usual[1], 0, f"{arguments}: status; said {usual[3]!r}")
    failed = 0
    for nth in itertools.count(1):
        before()
        hit, status, out, err = run_failing(netns, arguments, nth, env)
        what = f"portmon-ctl {' '.join(arguments)}, allocation {nth}: status {status}, said {err!r}"
        check(status in (0, 1), what)
        check(err.startswith("portmon-ctl: ") if status else not err or SPARE in err or plain(err) == plain(usual[3]), what)
        if not status and steady and SPARE not in err and not TOLD.search(out):
            same(plain(out), plain(usual[2]), what)
        failed += status
        if not hit:
            break
    equal(status, 0, what)
    note(f"{nth - 1} allocations, {failed} of which it fails for")
    check(nth > 4, "there were no allocations")


def yard():
    "A namespace with ports of each kind, two of which have drops and one a program that listens."
    netns = Netns(on=True)
    packets = Packets(netns)
    for transport in Packets.PROTOCOL:
        packets.out(transport, 1000, 53, 2)
    packets.within("udp", 40000, 7)
    packets.within("udp", 40001, 7)
    packets.through("udp", 5000, 514)
    netns.packets = packets
    # Opened and closed by hand, on its way through.
    for flags in 0x02, 0x12, 0x11:
        packets.tun.write(ipv4(packets.tun.far["ipv4"], "192.0.2.2", 6, tcp(5001, 443, flags=flags)))
    listener = netns.socket("ipv4", socket.SOCK_STREAM, bind=("127.0.0.1", 443))
    listener.listen()
    caller = netns.socket("ipv4", socket.SOCK_STREAM)
    caller.connect(("127.0.0.1", 443))
    netns.portmon.sock.setblocking(True)
    wait_until(netns.portmon.drops, what="drops")
    return netns


COMMANDS = ["stats", "stats --all --json", "stats -P -s", "stats --processes --json", "show 443", "ranges", "buckets", "buckets --csv", "drops",
            "drops --json", "closed", "snapshots", "snapshots --json", "info --json", "explain 443", "export", "export -f /run/metrics",
            "coverage --interval 0.1", "services --csv", "stats --interval 0.1 --count 1"]


@case(*COMMANDS)
def one(command):
    "it says that there is no memory, or does without;"
    walk(yard(), command.split())


@case()
def names():
    "a file of services of the user's own, read line by line"
    config = own_services("range mine 64000-64010\n" + "".join(f"own{port} {port}/udp  One of our own: {port}\n" for port in range(1000, 1020)))
    walk(yard(), ["stats", "--port", "1000"], config)


@case()
def deltas():
    "what was counted since the last call, which is kept in a file"
    netns = yard()
    run_failing(netns, ["stats", "--delta"])
    knock = knocking(netns)

    def before():
        "Events at each call, with a drop."
        netns.packets.within("udp", 40000, 7)
        knock()
    walk(netns, ["stats", "--delta", "-P"], before=before, steady=False)


def knocking(netns):
    "What sends a datagram to a closed port."
    sock = netns.socket("ipv4", socket.SOCK_DGRAM)
    return lambda: sock.sendto(b"x", ("127.0.0.1", 8))


@case("stats -P --interval 0.1 --count 2", "top --batch -c 1 -d 0.1")
def intervals(command):
    "the rates of an interval, with drops;"
    netns = yard()
    knock, over = knocking(netns), threading.Event()

    def keep_on():
        while not over.wait(0.005):
            knock()
    thread = threading.Thread(target=keep_on)
    thread.start()
    defer(thread.join)
    defer(over.set)
    walk(netns, command.split(), steady=False)


@case()
def resets():
    "a reset, which returns something each time"
    netns = yard()
    knock = knocking(netns)

    def before():
        "Something to return each time, with a drop."
        netns.packets.through("udp", 5000, 514)
        knock()
    walk(netns, ["reset"], before=before, steady=False)


@case()
def switches():
    "a switch, which is on again each time"
    netns = yard()

    def on():
        if not netns.portmon.do("info-get")["drops"]:
            netns.portmon.do("netns-set", drops=1)
    walk(netns, ["disable", "drops"], before=on)


DOCUMENT = 64 << 10     # BUF_SIZE of json.c: what a document is put together in
DOCUMENTS = ["stats", "stats --all-netns", "stats --delta", "stats --interval 0.1 --count 1", "show 443", "ranges", "buckets", "drops",
             "closed", "snapshots", "info", "explain 443", "services", "coverage --interval 0.1", "top --batch -c 1 -d 0.1", "reset"]


@case()
def documents():
    "there is no memory for the document itself: each command that has JSON says so, and prints nothing"
    netns = yard()
    env = {"NOMEMORY_SIZE": str(DOCUMENT)}
    for command in DOCUMENTS:
        hit, status, out, err = run_failing(netns, [*command.split(), "--json"], 1, env)
        equal((hit, status, out), (True, 1, ""), f"{command}: there was one to fail, status, output; said {err!r}")
        equal(err.splitlines()[-1], "portmon-ctl: out of memory", f"{command}: said")


@case("reset", "switched", "new-port")
def monitored(event):
    "there is no memory for what monitor --json is to tell;"
    netns = yard()
    watcher = netns.popen("portmon-ctl", "monitor", "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**os.environ, "LD_PRELOAD": PRELOAD, "NOMEMORY": "1", "NOMEMORY_SIZE": str(DOCUMENT)})
    listening(netns, watcher)
    if event == "reset":
        netns.portmon.reset()
    elif event == "switched":
        netns.portmon.do("netns-set", drops=0)
    else:
        tun = netns.packets.tun
        tun.write(ipv4(tun.far["ipv4"], tun.ipv4, 17, udp(1000, 65000)))
    out, err = watcher.communicate(timeout=20 * PATIENCE)
    equal((watcher.returncode, out), (1, ""), f"status and output; said {err!r}")
    equal(err.splitlines()[0], "portmon-ctl: out of memory", "said")


@case()
def namespaces():
    "every namespace, one after the other"
    Netns(on=True)
    walk(yard(), ["stats", "--all-netns"])


run()
