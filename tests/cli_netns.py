#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""portmon-ctl --netns and --all-netns: every network namespace, each once, those that tell nothing too."""
import os
import re
import subprocess

from lib.ctl import ctl, run_ctl
from lib.ktap import case, check, defer, equal, run, wait_until
from lib.netns import Netns
from lib.nlclient import Counts
from lib.packets import Packets
from lib.process import sh

on, quiet, off = Netns(on=True), Netns(on=True), Netns()
some = Packets(on)
some.out("udp", 53, 60001, 3)
some.out("udp", 53, 60002, 4)


def nameless(count=True):
    "A process in a namespace that has no name; it ends with the case."
    process = subprocess.Popen(["unshare", "--net", "sleep", "1000"])
    defer(process.wait)
    defer(process.kill)
    inode = os.stat("/proc/self/ns/net").st_ino
    wait_until(lambda: os.stat(f"/proc/{process.pid}/ns/net").st_ino != inode, what="a namespace without a name")
    wait_until(lambda: open(f"/proc/{process.pid}/comm").read() == "sleep\n", what="the process in it")
    if count:
        sh("portmon-ctl", "enable", "--netns", str(process.pid))
    return process


def lines(*arguments):
    "The table: {namespace: its lines as lists of words}, and the heads."
    heads, *rest = sh("portmon-ctl", *arguments).split("\n\n")[0].splitlines()
    found = {}
    for line in rest:
        found.setdefault(line.split()[0], []).append(line.split()[1:])
    return heads.split(), found


@case()
def table():
    "one table with a column NETNS, and why the others tell nothing"
    process = nameless()
    heads, found = lines("stats", "--all-netns", "--all", "--exact")
    equal(heads[:3], ["NETNS", "SCOPE", "PORT"], "heads")
    equal(sorted((line[0], line[1]) for line in found[on.name]),
          [("local", "53/udp"), ("remote", "60001/udp"), ("remote", "60002/udp")], "ports")
    equal(found[quiet.name][0][:2], ["(nothing", "seen)"], "a quiet namespace")
    equal(found[off.name][0][0], "(off)", "a namespace that is off")
    equal(found[f"{process.pid}/sleep"][0][:2], ["(nothing", "seen)"], "a namespace without a name")
    heads, found = lines("info", "-A")
    equal(heads, ["NETNS", "COUNTING", "SINCE", "RECORDS", "MEMORY"], "heads")
    equal({name: found[name][0][0] for name in (on.name, quiet.name, off.name, f"{process.pid}/sleep")},
          {on.name: "on", quiet.name: "on", off.name: "off", f"{process.pid}/sleep": "on"}, "counting")
    for arguments in ["ranges"], ["buckets"], ["show", "53"]:
        heads, found = lines(*arguments, "-A")
        equal((heads[0], found[off.name][0][0]), ("NETNS", "(off)"), f"{arguments}")
        check(len(found[on.name]) >= 1 and found[on.name][0][0] != "(nothing", f"{arguments} of {on.name}: {found[on.name]}")


@case()
def each_once():
    "each namespace is there once, whatever names and processes it has; this one first"
    processes = [on.popen("sleep", "1000") for _ in range(3)]
    second = f"{on.name}x"
    sh("touch", f"/run/netns/{second}")
    sh("mount", "--bind", on.path, f"/run/netns/{second}")
    defer(sh, "ip", "netns", "del", second)
    sh("touch", "/run/netns/none-x")
    defer(os.unlink, "/run/netns/none-x")
    found = ctl("stats", "-A", "--all")["namespaces"]
    inodes = [entry["portmon"]["inode"] for entry in found]
    equal(len(set(inodes)), len(inodes), "namespaces, each once")
    equal(inodes[0], os.stat("/proc/self/ns/net").st_ino, "the first")
    names = [entry["portmon"]["netns"] for entry in found]
    check(len({on.name, second} & set(names)) == 1, f"two names of one namespace in {names}")
    check("none-x" not in names, "a file that is no namespace")
    entry = found[inodes.index(os.stat(on.path).st_ino)]
    equal({(r["scope"], r["transport"], r["port"]): Counts(r["rx"]["packets"], r["rx"]["bytes"], r["tx"]["packets"], r["tx"]["bytes"])
           for r in entry["ports"]}, some.sent, "ports")
    check(all(p.poll() is None for p in processes), "the processes have ended")


@case()
def heads():
    "JSON has each namespace's state"
    process = nameless(count=False)
    found = {entry["portmon"]["inode"]: entry["portmon"] for entry in ctl("stats", "-A")["namespaces"]}
    head = found[os.stat(off.path).st_ino]
    equal((head["netns"], head["pid"], head["enabled"], head["note"], head["since"]), (off.name, None, False, "off", None), "off")
    head = found[os.stat(f"/proc/{process.pid}/ns/net").st_ino]
    equal((head["netns"], head["pid"], head["enabled"], head["note"]), (None, process.pid, False, "off"), "without a name")
    head = found[os.stat(on.path).st_ino]
    equal((head["netns"], head["pid"], head["enabled"], head["note"]), (on.name, None, True, None), "on")
    rows = sh("portmon-ctl", "stats", "-A", "--csv", "--all").splitlines()
    check(any(row.startswith(f"{off.name},off,") for row in rows), f"off is not in {rows}")


@case()
def process():
    "--netns PID is the namespace of a process; a name of digits goes before"
    there = nameless()
    equal(run_ctl("show", "80", "--netns", str(there.pid))[0], 0, "status")
    status, _, err = run_ctl("stats", "--netns", "4194999")
    equal(status, 1, "status")
    check(re.search("no network namespace is named '4194999'.*ip netns list.*no process has", err), f"said {err!r}")
    sh("ip", "netns", "add", str(there.pid))
    defer(sh, "ip", "netns", "del", str(there.pid))
    status, _, err = run_ctl("stats", "--netns", str(there.pid))
    check(status == 1 and "counting is off" in err, f"a name of digits: status {status}, said {err!r}")


@case()
def user():
    "a user sees his own namespace, and a message about others"
    status, out, err = run_ctl("stats", "--all-netns", user=1000)
    equal(status, 0, "status")
    check(re.search("warning: not permitted to enter [1-9].*as root", err) and len(err.splitlines()) == 1, f"said {err!r}")
    check(re.search(rf"^{on.name} +\(not permitted\)", out, re.M), f"printed {out!r}")


@case()
def wrong():
    "what does not go together"
    for arguments in ["--netns", on.name], ["--delta"], ["-i", "1"]:
        status, out, err = run_ctl("stats", "--all-netns", *arguments)
        equal((status, out), (2, ""), f"{arguments}")
        check("cannot be combined" in err, f"said {err!r}")


run()
