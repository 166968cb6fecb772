#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The module is reloaded under programs that read it, and a thousand namespaces are switched on and off."""
import contextlib
import ctypes
import fcntl
import json
import os
import re
import resource
import socket
import struct
import subprocess
import time

from lib.counts import add
from lib.ctl import DONE, FAILED, listening
from lib.kernel import libc
from lib.ktap import PATIENCE, becomes, case, check, defer, equal, note, run, wait_until
from lib.module import load, reload_module, unload
from lib.netns import Netns
from lib.nlclient import Counts, Portmon
from lib.packets import Packets
from lib.terminal import Terminal

UNLOADED = "portmon-ctl: the portmon module was unloaded; load it with: modprobe portmon\n"
NAMESPACES = 1000


def reload():
    "Unload, and load for all namespaces."
    wait_until(lambda: not unload(), what="unloading")
    load(all_netns=1)


@case([], ["--json"])
def monitor(arguments):
    "monitor ends with a sentence when the module is unloaded, loaded again at once or not, and misses nothing in silence;"
    reload_module(all_netns=1)
    netns = Netns()
    process = netns.popen("portmon-ctl", "monitor", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    listening(netns, process)
    reload()
    out, err = process.communicate(timeout=60 * PATIENCE)
    equal((process.returncode, out, err), (FAILED, "", UNLOADED), "status, standard output, standard error")


@case()
def intervals():
    "stats --interval continues after a reload, and says that the counters restarted"
    reload_module(all_netns=1)
    netns = Netns()
    packets = Packets(netns)
    packets.out("udp", 1, 2, 50)
    process = netns.popen("portmon-ctl", "stats", "-i", "2", "-c", "3", "--all", "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    equal(json.loads(process.stdout.readline())["ports"], [], "counts before the reload")
    packets.sent.clear()
    reload()
    packets.out("udp", 1, 2, 7)
    out, err = process.communicate(timeout=60 * PATIENCE)
    equal(process.returncode, DONE, f"status; said {err!r}")
    total = {}
    for line in out.splitlines():
        add(total, {(r["scope"], r["transport"], r["port"]): Counts(r["rx"]["packets"], r["rx"]["bytes"], r["tx"]["packets"], r["tx"]["bytes"])
                    for r in json.loads(line)["ports"]})
    equal(total, packets.sent, "counts after the reload")
    check(re.fullmatch(r"portmon-ctl: warning: the counters were reset at \S+; .*\n", err), f"said {err!r}")


@case()
def top():
    "top continues after a reload with the new counts, and ends with a message when the module stays unloaded"
    reload_module(all_netns=1)
    netns = Netns()
    packets = Packets(netns)
    packets.out("udp", 53, 5000, 50)
    # A reading in the moment between unloading and loading would end it.
    terminal = Terminal("portmon-ctl", "top", "-d", "3", "--all", netns=netns)
    terminal.until(" 53/udp ")
    reload()
    packets.out("udp", 69, 5001)
    terminal.until(" 69/udp ")
    check(not re.search(" 53/udp ", terminal.text()), f"counts of before the reload:\n{terminal.text()}")
    wait_until(lambda: not unload(), what="unloading")
    equal(terminal.status(), FAILED, "status")
    check("the portmon module was unloaded; load it with: modprobe portmon" in terminal.text(), terminal.text())
    load()


@case()
def thousand():
    "a thousand namespaces are switched on, each counts its own packets and no other's, and a new one counts while they go, on or off"
    resource.setrlimit(resource.RLIMIT_NOFILE, (4 * NAMESPACES, 4 * NAMESPACES))
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    defer(os.close, home)
    there = contextlib.ExitStack()
    defer(there.close)
    kept, begun = [], time.monotonic()
    try:
        for n in range(NAMESPACES):
            if libc.unshare(0x40000000):
                raise OSError(ctypes.get_errno(), f"unshare {n}")
            pm = Portmon()
            there.callback(pm.sock.close)
            pm.do("netns-set", enabled=1)
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            there.callback(sock.close)
            # SIOCSIFFLAGS, IFF_UP
            fcntl.ioctl(sock, 0x8914, struct.pack("16sH22x", b"lo", 1))
            sock.bind(("127.0.0.1", 1 + n))
            kept.append((pm, sock))
    finally:
        check(not libc.setns(home, 0x40000000), "going home")
    for n, (pm, sock) in enumerate(kept):
        for _ in range(1 + n % 3):
            sock.sendto(b"x", sock.getsockname())
    size = 29
    for n, (pm, sock) in enumerate(kept):
        sent = 1 + n % 3
        becomes(pm.ports, {("loopback", "udp", 1 + n): Counts(sent, sent * size, sent, sent * size)}, f"namespace {n}")
    for pm, _ in kept[::2]:
        pm.do("netns-set", enabled=0)
    equal({pm.do("info-get")["enabled"] for pm, _ in kept[::2]}, {0}, "those that were switched off")
    equal({pm.do("info-get")["enabled"] for pm, _ in kept[1::2]}, {1}, "those that were not")
    note(f"made, counted and half of them off after {time.monotonic() - begun:.0f} s")
    there.close()
    # While they go, one that is new counts. What they leave behind is looked for in the endgame.
    netns = Netns(on=True)
    packets = Packets(netns)
    packets.out("udp", 1, 2, 3)
    equal(netns.portmon.ports(), packets.sent, "ports of a new namespace")


run()
