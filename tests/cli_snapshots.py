#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The snapshots that stats --delta and check keep: by name, for cron and a shell alike; listed and removed."""
import glob
import json
import os
import re
import subprocess
import time

from lib.counts import add
from lib.ctl import DONE, FAILED, USAGE, expect_message, run_ctl
from lib.ktap import case, check, defer, equal, run
from lib.netns import Netns
from lib.nlclient import Counts
from lib.packets import Packets
from lib.process import sh

FOLDER = "/var/lib/portmon"
BOOT = open("/proc/sys/kernel/random/boot_id").read().strip()
defer(sh, "rm", "-rf", FOLDER)


def yard():
    netns = Netns(on=True)
    return netns, Packets(netns)


def delta(netns, name=None, **options):
    "The ports of stats --delta."
    status, out, err = run_ctl("stats", f"--delta={name}" if name else "--delta", "--all", "--json", netns=netns, **options)
    equal(status, DONE, f"status; said {err!r}")
    return {(r["scope"], r["transport"], r["port"]): Counts(r["rx"]["packets"], r["rx"]["bytes"], r["tx"]["packets"], r["tx"]["bytes"])
            for r in json.loads(out)["ports"]}, err


def listed(*arguments, **options):
    status, out, err = run_ctl("snapshots", "--json", *arguments, **options)
    equal((status, err), (DONE, ""), "snapshots")
    return json.loads(out)["snapshots"]


@case()
def by_name():
    "--delta=NAME: each name has its own last call"
    netns, packets = yard()
    packets.out("udp", 1000, 53, 5)
    total = dict(packets.sent)
    got, said = delta(netns, "daily")
    equal(got, total, "the first of a name")
    check("no earlier snapshot daily of this user, namespace and boot; showing totals since" in said, said)
    packets.sent.clear()
    packets.out("udp", 1000, 53, 2)
    equal(delta(netns, "daily"), (packets.sent, ""), "the second")
    add(total, packets.sent)
    got, said = delta(netns, "A.b_c-9")
    equal(got, total, "the first of another name")
    check("no earlier snapshot A.b_c-9 of" in said, said)
    equal(delta(netns)[0], total, "the first without a name")
    equal([delta(netns, name)[0] for name in ("daily", "A.b_c-9", None)], [{}] * 3, "all of them again")
    equal(delta(netns, "default")[0], {}, "the name that it has without one")
    for wrong in "", ".x", "a/b", "../x", "a b", "a@b", "ä", "x" * 65, "check":
        expect_message(USAGE, "is not a name for a snapshot|the snapshot 'check' is that of", "stats", f"--delta={wrong}", netns=netns)
    equal(delta(netns, "x" * 64)[0], total, "the longest name")


@case()
def shared():
    "cron and a login shell of root's share it, whatever their environments are"
    netns, packets = yard()
    packets.out("udp", 1000, 53, 5)
    delta(netns)
    packets.sent.clear()
    packets.out("udp", 1000, 53, 2)
    with netns.enter():
        for wanted in packets.sent, {}:
            out = sh("env", "-i", "PATH=/usr/sbin:/usr/bin:/bin:/usr/local/bin", "HOME=/", "LOGNAME=root", "SHELL=/bin/sh",
                     "portmon-ctl", "stats", "--delta", "--all", "--json")
            equal(sum(r["rx"]["packets"] + r["tx"]["packets"] for r in json.loads(out)["ports"]), sum(c.rx + c.tx for c in wanted.values()),
                  "packets in cron's environment")
    equal(delta(netns, env={"XDG_STATE_HOME": "/tmp", "XDG_RUNTIME_DIR": "/run/user/0", "HOME": "/root"})[0], {}, "then in a shell's")


@case()
def as_it_came():
    "a file has the kernel's answers as they came: what the kernel sends is in it"
    netns, packets = yard()
    packets.out("udp", 1000, 53, 5)
    delta(netns)
    inode = os.stat(netns.path).st_ino
    with open(f"{FOLDER}/default@{inode}", "rb") as file:
        head, data = file.read().split(b"\n", 1)
    check(re.fullmatch(rb"portmon-snapshot 1 %s \d+ \d+ %s" % (BOOT.encode(), netns.name.encode()), head), f"first line {head!r}")
    kinds, at = [], 0
    while at < len(data):
        length, kind = int.from_bytes(data[at:at + 4], "little"), int.from_bytes(data[at + 4:at + 6], "little")
        check(length >= 16, f"a message of {length} bytes")
        kinds.append(kind if kind < 16 else "record")
        at += length + 3 & ~3
    equal((at, kinds[-2:], kinds.count(3), "record" in kinds), (len(data), ["record", 2], 3, True), "messages: three dumps, the state and an ack")


@case()
def lists():
    "snapshots: name, time, namespace, boot, size; those of check, of namespaces that are gone, and what is none"
    sh("rm", "-rf", FOLDER)
    expect_message(DONE, "no snapshots in /var/lib/portmon; stats --delta and check keep them there", "snapshots")
    equal(listed(), [], "none")
    one, other = yard()[0], yard()[0]
    begun = int(time.time())
    delta(one, "daily")
    delta(one)
    delta(other)
    run_ctl("check", netns=one)
    found = listed()
    inodes = {netns.name: os.stat(netns.path).st_ino for netns in (one, other)}
    equal(sorted((s["name"], s["netns"], s["inode"]) for s in found),
          sorted([("check", one.name, inodes[one.name]), ("daily", one.name, inodes[one.name]), ("default", one.name, inodes[one.name]),
                  ("default", other.name, inodes[other.name])]), "names and namespaces")
    equal([s["name"] for s in found], sorted(s["name"] for s in found), "order")
    equal({(s["boot"], s["this_boot"]) for s in found}, {(BOOT, True)}, "boots")
    sizes = {f"{s['name']}@{s['inode']}": s["bytes"] for s in found}
    equal(sizes, {name: os.stat(f"{FOLDER}/{name}").st_size for name in os.listdir(FOLDER)}, "sizes")
    low, high = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t)) for t in (begun - 1, time.time() + 1))
    check(all(low <= s["time"] <= high for s in found), f"times {[s['time'] for s in found]}")
    equal([s["netns"] for s in listed("--netns", other.name)], [other.name], "of one namespace")
    with open(f"{FOLDER}/broken@7", "wb") as file:
        file.write(b"portmon-snapshot 1 \x1b[31m\n\xff")
    with open(f"{FOLDER}/old@8", "w") as file:
        file.write("portmon-snapshot 1 00000000-0000-0000-0000-000000000000 5 1000 \x1b]0;blue\x07\n")
    os.mkdir(f"{FOLDER}/folder@9")
    for name in "x.new", "default@1.new", "delta-4-4026531840", ".hidden@1":
        with open(f"{FOLDER}/{name}", "w"):
            pass
    found = {s["name"]: s for s in listed()}
    equal(sorted(found), ["broken", "check", "daily", "default", "folder", "old"], "names")
    equal([(s["time"], s["netns"], s["boot"], s["this_boot"]) for s in (found["broken"], found["folder"])], [(None, None, None, False)] * 2, "what is none")
    equal((found["old"]["time"], found["old"]["this_boot"]), ("1970-01-01T00:16:40Z", False), "one of another boot")
    status, out, err = run_ctl("snapshots")
    equal((status, err), (DONE, ""), "the table")
    lines = out.splitlines()
    equal(lines[0].split(), ["NAME", "TIME", "AGE", "NETNS", "BOOT", "SIZE", "STATE"], "heads")
    check("\x1b" not in out and "\x07" not in out, f"escapes reach the terminal: {out!r}")
    check(re.search(r"^broken +not recognised +- +net:\[7\] +- +\d", out, re.M), out)
    check(re.search(r"^old +1970-01-01T00:16:40Z .*earlier", out, re.M), out)
    check(re.search(rf"^daily +20\S+Z +\S+ +{one.name} +this +[\d.]+k? +other-namespace$", out, re.M), out)
    equal(len(lines), 8, "lines")
    os.rmdir(f"{FOLDER}/folder@9")


@case()
def removes():
    "snapshots remove: of this namespace, of one, of all; what is not there; afterwards there is no earlier one"
    sh("rm", "-rf", FOLDER)
    one, other = yard()[0], yard()[0]
    for netns in one, other:
        for name in "a", "b", "c":
            delta(netns, name)
    names = lambda: sorted((s["name"], s["netns"]) for s in listed())
    left = names()
    for sentence, *arguments in (("no snapshot x; see: portmon-ctl snapshots", "x"),
                                 ("no snapshot ../x; see", "../x"), ("no snapshot a of this network namespace, but 2 of others; --all-netns", "a")):
        expect_message(FAILED, sentence, "snapshots", "remove", *arguments)
        equal(names(), left, "what is left")
    equal(run_ctl("snapshots", "remove", "a", netns=one), (DONE, "removed 1 snapshot\n", ""), "remove")
    left.remove(("a", one.name))
    equal(names(), left, "after removing one")
    equal(run_ctl("snapshots", "remove", "a", "b", "--netns", other.name), (DONE, "removed 2 snapshots\n", ""), "remove of another namespace")
    equal(names(), [("b", one.name), ("c", one.name), ("c", other.name)][:1] + sorted([("c", one.name), ("c", other.name)]), "after that")
    equal(run_ctl("snapshots", "remove", "c", "-A"), (DONE, "removed 2 snapshots\n", ""), "remove of all namespaces")
    status, out, err = run_ctl("snapshots", "remove", "x", "b", netns=one)
    equal((status, out, err), (FAILED, "removed 1 snapshot\n", "portmon-ctl: no snapshot x; see: portmon-ctl snapshots\n"), "one that is not there, one that is")
    equal(os.listdir(FOLDER), [], "files")
    check("no earlier snapshot a of" in delta(one, "a")[1], "removed, and used again")
    for arguments in ["list"], ["remove"], ["remove", "a", "--json"], ["-A"], ["rem", "a"]:
        equal(run_ctl("snapshots", *arguments)[:2], (USAGE, ""), f"snapshots {arguments}")
    equal(len(glob.glob(f"{FOLDER}/a@*")), 1, "after wrong usage")


@case()
def odd_name():
    "the name of a namespace stays one line of the file, whatever is in it"
    name = "two\nlines"
    sh("ip", "netns", "add", name)
    defer(sh, "ip", "netns", "del", name)
    defer(sh, "rm", "-rf", FOLDER)
    equal(run_ctl("enable", "--netns", name)[0], DONE, "enable")
    equal(run_ctl("stats", "--delta=odd", "--netns", name)[0], DONE, "stats --delta")
    equal([(s["netns"], s["state"]) for s in listed() if s["name"] == "odd"], [("two?lines", "other-namespace")], "the snapshot")


@case()
def prunes():
    "prune: those of an earlier boot, of an earlier namespace with this inode, and what a killed call has left; no other"
    sh("rm", "-rf", FOLDER)
    one, other = yard()[0], yard()[0]
    for netns in one, other:
        delta(netns)
    inode = os.stat(one.path).st_ino
    with open(f"{FOLDER}/default@{inode}", "rb") as file:
        line = file.readline().decode()
    # The number of its inode is another one's by now.
    with open(f"{FOLDER}/reused@{inode}", "w") as file:
        file.write(re.sub(rf"({BOOT}) \d+", r"\1 7", line))
    with open(f"{FOLDER}/old@{inode}", "w") as file:
        file.write(line.replace(BOOT, "0a48ac2c-8e85-43a3-b6d0-d9879da07505"))
    for name in "broken@7", "default@1.new", f"default@{inode}.new":
        with open(f"{FOLDER}/{name}", "w"):
            pass
    files = sorted([f"default@{inode}", f"default@{os.stat(other.path).st_ino}", "broken@7"])
    states = lambda netns=None: {(s["name"], s["netns"]): s["state"] for s in listed(netns=netns)}
    equal(states(one), {("default", one.name): "usable", ("default", other.name): "other-namespace", ("reused", one.name): "namespace-gone",
                        ("old", one.name): "earlier-boot", ("broken", None): "not-recognised"}, "states")
    equal(states()["reused", one.name], "other-namespace", "seen from another namespace, which cannot know")
    for arguments in ["prune", "x"], ["prune", "--json"], ["prune", "-A"]:
        equal(run_ctl("snapshots", *arguments)[:2], (USAGE, ""), f"snapshots {arguments}")
    equal(run_ctl("snapshots", "prune", netns=one), (DONE, "removed 2 snapshots and 2 unfinished files\n", ""), "prune")
    equal(sorted(os.listdir(FOLDER)), files, "what is left")
    equal(run_ctl("snapshots", "prune", netns=one), (DONE, "removed 0 snapshots\n", ""), "prune again")
    equal(delta(one), ({}, ""), "what is left is used")


@case()
def of_users():
    "each user has his own, and root's are not theirs to read"
    netns = yard()[0]
    delta(netns)
    with open("/dev/null") as null:
        equal(subprocess.run(["ls", FOLDER], user=1000, group=1000, extra_groups=[], stdin=null, capture_output=True).returncode != 0, True, "a user reads root's")
    defer(sh, "rm", "-rf", "/tmp/portmon-1000")
    user = {"user": 1000, "env": {"HOME": "/nonexistent", "XDG_STATE_HOME": ""}}
    equal(listed(**user), [], "a user's")
    delta(netns, "mine", **user)
    equal([s["name"] for s in listed(**user)], ["mine"], "a user's, then")
    check("mine" not in [s["name"] for s in listed()], "a user's is listed as root's")
    expect_message(FAILED, "no snapshot default; see", "snapshots", "remove", "default", netns=netns, **user)
    equal(delta(netns)[1], "", "root's is still there")


run()
