#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""stats --delta and stats --interval: exact differences, and a message for each obstacle."""
import contextlib
import glob
import json
import os
import re
import subprocess
import tempfile
import time

from lib.counts import add
from lib.ctl import run_ctl
from lib.ktap import case, check, defer, equal, run
from lib.netns import Netns
from lib.nlclient import Counts
from lib.packets import Packets
from lib.process import sh

FOLDER = "/var/lib/portmon"     # root's
defer(sh, "rm", "-rf", FOLDER)


def stats(*arguments, netns, **options):
    return run_ctl("stats", *arguments, netns=netns, **options)


def folder_of(user):
    "A folder for the state of a user; the environment that selects it."
    state = tempfile.mkdtemp(prefix="pm")
    defer(sh, "rm", "-rf", state)
    os.chown(state, user, user)
    return state, {"XDG_STATE_HOME": state}


def keyed(document):
    return {(r["scope"], r["transport"], r["port"]): Counts(r["rx"]["packets"], r["rx"]["bytes"], r["tx"]["packets"], r["tx"]["bytes"])
            for r in document["ports"]}


def delta(netns, said="", **options):
    status, out, err = stats("--delta", "--all", "--json", netns=netns, **options)
    equal(status, 0, f"status; said {err!r}")
    check(re.search(said, err) if said else not err, f"said {err!r}, wanted {said!r}")
    return json.loads(out)


def yard():
    netns = Netns(on=True)
    return netns, Packets(netns)


@case()
def since_last():
    "--delta: everything at first, then the difference, and nothing twice"
    netns, packets = yard()
    packets.out("tcp", 1000, 80, 5)
    document = delta(netns, "no earlier snapshot of")
    equal(keyed(document), packets.sent, "the first time")
    equal(document["portmon"]["span"]["from"], document["portmon"]["since"], "from")
    packets.sent.clear()
    last = document["portmon"]["span"]["to"]
    packets.out("tcp", 1000, 80, 2)
    packets.out("udp", 1000, 53, 3)
    document = delta(netns)
    equal(keyed(document), packets.sent, "the second time")
    equal(document["portmon"]["span"]["from"], last, "from")
    equal({(r["hook"], r["bucket"]): r["packets"] for r in document["other"] if r["family"] == "ipv4"},
          {("local-out", "ports"): 5}, "buckets")
    equal(keyed(delta(netns)), {}, "the third time")
    status, out, err = stats("--delta", netns=netns)
    equal((status, out), (0, ""), "nothing")
    check("no traffic since" in err, f"said {err!r}")


@case()
def kept_apart():
    "--delta: each namespace and each user has its own"
    (one, in_one), (two, in_two) = yard(), yard()
    in_one.out("tcp", 1, 2, 3)
    in_two.out("tcp", 1, 2, 4)
    equal(keyed(delta(one, "no earlier")), in_one.sent, "one")
    equal(keyed(delta(two, "no earlier")), in_two.sent, "two")
    for netns, packets in (one, in_one), (two, in_two):
        packets.sent.clear()
        packets.out("tcp", 1, 2, 2)
        equal(keyed(delta(netns)), packets.sent, "the second time, in turn")
    # A user's own folder, /tmp without one; root's is the same in any environment.
    in_one.out("tcp", 1, 2, 1)
    state, env = folder_of(1000)
    os.mkdir(f"{state}/home", 0o700)
    os.chown(f"{state}/home", 1000, 1000)
    defer(sh, "rm", "-rf", "/tmp/portmon-1000")
    for user, path, env in ((1000, f"{state}/portmon", env), (1000, f"{state}/home/.local/state/portmon", {"HOME": f"{state}/home"}),
                            (1000, "/tmp/portmon-1000", {"HOME": "/nonexistent"}), (1000, "/tmp/portmon-1000", {"XDG_STATE_HOME": "/root"}),
                            (1000, f"{state}/home/.local/state/portmon", {"HOME": f"{state}/home", "XDG_STATE_HOME": "relative"}),
                            (0, FOLDER, {"XDG_STATE_HOME": state}), (0, FOLDER, {"HOME": "/nonexistent"})):
        before = os.stat(path).st_mtime_ns if os.path.exists(path) else 0
        equal(stats("--delta", netns=one, user=user, env={"XDG_STATE_HOME": "", **env})[0], 0, f"status of user {user} with {env}")
        status = os.stat(path)
        equal((status.st_uid, status.st_mode & 0o777), (user, 0o700), f"owner and mode of {path}")
        check(status.st_mtime_ns > before, f"nothing is written to {path}")
        for name in os.listdir(path):
            equal(os.stat(f"{path}/{name}").st_mode & 0o777, 0o600, f"mode of {path}/{name}")


@case()
def filters():
    "--delta: a filter chooses what is shown; the mark is one for all"
    netns, packets = yard()
    delta(netns, "no earlier")
    packets.out("tcp", 1000, 80, 2)
    packets.out("udp", 1000, 53, 3)
    wanted = {key: v for key, v in packets.sent.items() if key[2] == 53}
    status, out, err = stats("--delta", "--all", "--json", "--port", "53", netns=netns)
    equal((status, err, keyed(json.loads(out))), (0, "", wanted), "port 53")
    equal(keyed(delta(netns)), {}, "what is left")


@case()
def resets():
    "--delta: a reset of some ports, of all, a switch off and on are noticed"
    netns, packets = yard()
    packets.out("tcp", 1000, 80, 5)
    packets.out("tcp", 1000, 81, 5)
    delta(netns, "no earlier")
    netns.portmon.reset(scope="remote", transport="tcp", port=80)
    packets.sent.clear()
    packets.out("tcp", 1000, 80, 2)
    equal(keyed(delta(netns, "some counters were reset since the last --delta; only the count since the reset is shown for 1 port")), packets.sent, "after a reset of a port")
    for what in "reset", "switch":
        # Its time has a resolution of seconds.
        time.sleep(1.1)
        if what == "reset":
            netns.portmon.reset()
        else:
            netns.portmon.do("netns-set", enabled=0)
            netns.portmon.do("netns-set", enabled=1)
        packets.sent.clear()
        packets.out("tcp", 1000, 80, 50)        # more than before
        equal(keyed(delta(netns, "reset or the module was reloaded at .*Z, after the last --delta at .*Z")), packets.sent,
              f"after a {what}")
    equal(keyed(delta(netns)), {}, "afterwards")


@case()
def kept():
    "--delta: counts that could not be printed or stored are in the next call"
    netns, packets = yard()
    delta(netns, "no earlier")
    packets.out("tcp", 1000, 80, 5)
    with open("/dev/full", "w") as full:
        for more in [], ["--json"], ["--csv"]:
            status, _, err = stats("--delta", "--all", *more, netns=netns, stdout=full)
            check(status == 1 and "cannot write the output: No space left on device" in err, f"status {status}, said {err!r}")
    reader, writer = os.pipe()
    os.close(reader)
    equal(stats("--delta", "--all", netns=netns, stdout=writer)[0] != 0, True, "failure without a reader")
    os.close(writer)
    sh("mount", "-t", "tmpfs", "-o", "size=256k,nr_inodes=100,mode=700", "none", FOLDER)
    defer(sh, "umount", FOLDER)
    first = delta(netns, "no earlier")
    with open(f"{FOLDER}/fill", "wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
    packets.sent.clear()
    packets.out("tcp", 1000, 80, 7)
    path, = glob.glob(f"{FOLDER}/default@*")
    before = open(path, "rb").read()
    status, out, err = stats("--delta", netns=netns)
    equal((status, out), (1, ""), "a full disk")
    check(re.search("cannot write the snapshot file .*No space left on device; the next call starts from the previous snapshot", err),
          f"said {err!r}")
    os.unlink(f"{FOLDER}/fill")
    equal([open(path, "rb").read() for path in glob.glob(f"{FOLDER}/*")], [before], "what is kept on a full disk")
    equal(keyed(delta(netns)), packets.sent, "afterwards")
    check(first["ports"], "nothing the first time")
@case()
def in_the_way():
    "--delta: files of others are refused, a broken file is replaced"
    netns, packets = yard()
    packets.out("tcp", 1000, 80, 5)
    state, env = folder_of(1000)
    user = {"user": 1000, "env": env}
    victim = f"{state}/victim"
    os.mkdir(victim, 0o700)
    os.chown(victim, 1000, 1000)
    os.symlink(victim, f"{state}/portmon")
    refused = "is not a directory owned by this user"
    for prepare in (lambda: None, lambda: (os.unlink(f"{state}/portmon"), os.mkdir(f"{state}/portmon", 0o755)),
                    lambda: (os.chmod(f"{state}/portmon", 0o700), os.chown(f"{state}/portmon", 0, 0))):
        prepare()
        status, out, err = stats("--delta", netns=netns, **user)
        equal((status, out), (1, ""), "status and output")
        check(refused in err, f"said {err!r}")
    equal(os.listdir(victim), [], "files in another folder")
    os.chown(f"{state}/portmon", 1000, 1000)
    delta(netns, "no earlier", **user)
    path, = glob.glob(f"{state}/portmon/default@*")
    good = open(path, "rb").read()
    boot = open("/proc/sys/kernel/random/boot_id").read().strip().encode()
    broken = "the snapshot .* is incomplete or not recognised; starting over"
    head = good.index(b"\n") + 1
    for what, data, said in (("cut short", good[:-2], broken), ("cut short in a record", good[:head + 30], broken),
                             ("its first line alone", good[:head], broken), ("nothing", b"", broken),
                             ("more than it", good + b"x", broken), ("zeros", good[:head] + bytes(len(good)), broken),
                             ("noise", os.urandom(5000), broken), ("noise behind its first line", good[:head] + os.urandom(5000), broken),
                             ("text of earlier versions", b"portmon-delta 1 " + boot + b" 1 2 3 4\nend 0\n", broken),
                             ("of another boot", good.replace(boot, b"0" * 8 + b"-0000-0000-0000-" + b"0" * 12), "no earlier snapshot of")):
        with open(path, "wb") as file:
            file.write(data)
        equal(keyed(delta(netns, said, **user)), packets.sent, f"a file that is {what}")
        equal(keyed(delta(netns, **user)), {}, f"after a file that was {what}")
    os.rename(path, f"{state}/portmon/other")
    os.symlink("other", path)
    status, _, err = stats("--delta", netns=netns, **user)
    check(status == 1 and "cannot read" in err, f"a link: status {status}, said {err!r}")


@case()
def at_once():
    "--delta: many at once, and each packet is in one of them"
    netns, packets = yard()
    delta(netns, "no earlier")
    packets.sent.clear()
    calls = []
    for n in range(6):
        packets.out("udp", 7, 9, 10)
        with netns.enter():
            calls.append(subprocess.Popen(["portmon-ctl", "stats", "--delta", "--all", "--json"], stdout=subprocess.PIPE, text=True))
    total = {}
    for process in calls:
        out = process.communicate(timeout=60)[0]
        equal(process.returncode, 0, "status")
        add(total, keyed(json.loads(out)))
    add(total, keyed(delta(netns)))
    equal(total, packets.sent, "sum of all")


@case()
def intervals():
    "--interval: rates of each interval; repeated heads; a line for an interval without traffic"
    netns, packets = yard()
    packets.out("udp", 7, 9, 1000)              # before the first interval
    process = netns.popen("portmon-ctl", "stats", "--all", "--json", "-i", "0.2", stdout=subprocess.PIPE)
    documents = [json.loads(process.stdout.readline())]
    packets.sent.clear()
    for n in range(5):
        packets.out("udp", 7, 9, 20)
        documents.append(json.loads(process.stdout.readline()))
    documents.append(json.loads(process.stdout.readline()))
    process.kill()
    total = {}
    for document in documents:
        add(total, keyed(document))
    equal(total, packets.sent, "sum of all intervals")
    check(sum(bool(d["ports"]) for d in documents) >= 3, "everything in one interval")
    lines = netns.run("portmon-ctl", "stats", "-i", "0.05", "-c", "40").splitlines()
    equal([line.split()[:3] for line in lines if not re.match(r"\d\d:\d\d:\d\d \(nothing\) ", line)],
          [["TIME", "SCOPE", "PORT"]] * 2, "heads of 40 quiet intervals")
    equal(len(lines), 42, "lines")
    rows = netns.run("portmon-ctl", "stats", "--csv", "-i", "0.05", "-c", "3").split("\n")
    equal((len(rows), rows[0].split(",")[:3]), (5, ["netns", "time", "record"]), "CSV")


@case()
def rate():
    "--interval: a rate is the difference divided by the length of the interval"
    netns, packets = yard()
    process = netns.popen("portmon-ctl", "stats", "--all", "--csv", "-i", "0.5", "-c", "2", stdout=subprocess.PIPE)
    heads, _ = process.stdout.readline().strip(), process.stdout.readline()     # of half a second in which nothing came
    packets.out("udp", 7, 9, 100)
    row, *_ = process.communicate(timeout=60)[0].splitlines()
    cells = dict(zip(heads.split(","), row.split(",")))
    pps, bps = int(cells["rx_pps"]) + int(cells["tx_pps"]), int(cells["rx_bps"]) + int(cells["tx_bps"])
    # The reading before may have been late, and this one not.
    check(0 < pps <= 250, f"{pps} packets a second of 100 in half a second or so")
    check(abs(bps - pps * 28 * 8) <= 28 * 8, f"{bps} bits and {pps} packets a second")


@case()
def reset_within():
    "--interval: a reset is reported, and the counts after it are shown"
    netns, packets = yard()
    packets.out("udp", 7, 9, 1000)
    process = netns.popen("portmon-ctl", "stats", "--all", "--json", "-i", "1.5", "-c", "2", stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    process.stdout.readline()
    netns.portmon.reset()
    packets.sent.clear()
    packets.out("udp", 7, 9, 3)
    out, err = process.communicate(timeout=60)
    equal(keyed(json.loads(out)), packets.sent, "counts after the reset")
    check(re.search("counters were reset", err), f"said {err!r}")


@case()
def ends():
    "--interval ends with an error when counting is disabled, and without a reader"
    netns, packets = yard()
    process = netns.popen("portmon-ctl", "stats", "-i", "0.1", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    netns.portmon.do("netns-set", enabled=0)
    _, err = process.communicate(timeout=60)
    check(process.returncode == 1 and err.startswith("portmon-ctl: cannot read the counters: "),
          f"status {process.returncode}, said {err!r}")
    netns.portmon.do("netns-set", enabled=1)
    for more in [], ["--json"], ["--csv"]:
        with open("/dev/full", "w") as full:
            status, _, err = stats("-i", "0.05", *more, netns=netns, stdout=full)
        check(status == 1 and re.search("cannot write the output: No space left", err), f"{more}: status {status}, said {err!r}")
        with netns.enter():
            out = sh("sh", "-c", f"timeout 30 portmon-ctl stats -i 0.05 {' '.join(more)} 2>&1 | head -n 1")
        equal(out.count("\n"), 1, f"lines of {more} | head -n 1: {out!r}")


@case()
def wrong():
    "wrong usage"
    netns = Netns(on=True)
    for sentence, *arguments in (("--count needs --interval", "-c", "1"), ("--delta and --interval cannot be combined", "--delta", "-i", "1"),
                                 ("--interval needs seconds", "-i", "0"), ("--interval needs seconds", "-i", "x"),
                                 ("--count needs a number", "-i", "1", "-c", "0")):
        status, out, err = stats(*arguments, netns=netns)
        equal((status, out), (2, ""), f"{arguments}")
        check(sentence in err, f"{arguments} said {err!r}")


run()
