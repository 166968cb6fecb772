#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Each allocation of portmon-ctl fails once: it says so and ends with 1, or prints what it prints otherwise.

nomemory.so, preloaded, makes them fail, libc's among them and those of libnl, which is linked in.
"""
import itertools

from lib import *

PRELOAD = os.path.join(os.path.dirname(os.path.realpath(__file__)), "nomemory.so")
SPARE = "going on without"      # so ends the sentence of what a command can do without
# What stands in place of what a line should have, or of a cause that cannot be looked for.
TOLD = re.compile("out of memory|cannot be told")


def tell(netns, arguments, nth=0, env={}):
    "Run portmon-ctl with the nth allocation failing: (there was an nth, status, output, errors)."
    read_end, write_end = os.pipe()
    try:
        with netns.enter():
            done = subprocess.run(["portmon-ctl", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                                  pass_fds=[write_end],
                                  env={**os.environ, "COLUMNS": "200", "LD_PRELOAD": PRELOAD, "NOMEMORY": str(nth),
                                       "NOMEMORY_FD": str(write_end), **env})
    finally:
        os.close(write_end)
    with os.fdopen(read_end) as report:
        return bool(report.read()), done.returncode, done.stdout, done.stderr


def plain(text):
    "Without what goes with the clock, and what it does to the width of columns."
    text = re.sub(r"\b(now|\d+ ?(s|m|min|h)( ago)?)\b", "AGE", text)
    return " ".join(re.sub(r"[\d.:+-]+", "#", text).split())


def same(got, wanted, what):
    at = len(os.path.commonprefix([got, wanted]))
    check(got == wanted, f"{what}, printed ...{got[max(at - 40, 0):at + 40]!r}, otherwise ...{wanted[max(at - 40, 0):at + 40]!r}")


def walk(netns, arguments, env={}):
    "One allocation after the other, until there are no more; how many the command failed for."
    usual = tell(netns, arguments, env=env)
    equal(usual[1], 0, f"{arguments}: status; said {usual[3]!r}")
    failed = 0
    for nth in itertools.count(1):
        hit, status, out, err = tell(netns, arguments, nth, env)
        what = f"portmon-ctl {' '.join(arguments)}, allocation {nth}: status {status}, said {err!r}"
        check(status in (0, 1), what)
        check(err.startswith("portmon-ctl: ") if status else not err or SPARE in err or plain(err) == plain(usual[3]), what)
        if not status and SPARE not in err and not TOLD.search(out):
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
    listener = netns.socket("ipv4", socket.SOCK_STREAM, bind=("127.0.0.1", 443))
    listener.listen()
    caller = netns.socket("ipv4", socket.SOCK_STREAM)
    caller.connect(("127.0.0.1", 443))
    netns.portmon.sock.setblocking(True)
    wait_until(netns.portmon.drops, what="drops")
    return netns


COMMANDS = ["stats", "stats --all --json", "stats -p -s", "show 443", "ranges", "buckets --csv", "drops", "closed", "info --json",
            "explain 443", "reset --scope forward", "coverage --interval 0.1", "stats --interval 0.1 --count 2",
            "top --batch -n 1 -d 0.1"]


@case(*COMMANDS)
def one(command):
    "it says that there is no memory, or does without;"
    walk(yard(), command.split())


@case()
def names():
    "a file of services of the user's own, read line by line"
    home = f"/tmp/home{random.getrandbits(32):x}"
    os.makedirs(f"{home}/portmon")
    defer(sh, "rm", "-r", home)
    with open(f"{home}/portmon/services", "w") as file:
        file.write("".join(f"own{port} {port}/udp  One of our own: {port}\n" for port in range(1000, 1020)))
    walk(yard(), ["stats", "--port", "1000"], {"XDG_CONFIG_HOME": home})


@case()
def deltas():
    "what was counted since the last call, which is kept in a file"
    netns = yard()
    cache = f"/tmp/cache{random.getrandbits(32):x}"
    os.mkdir(cache)
    defer(sh, "rm", "-r", cache)
    env = {"XDG_CACHE_HOME": cache, "XDG_STATE_HOME": cache, "HOME": cache}
    tell(netns, ["stats", "--delta"], env=env)
    walk(netns, ["stats", "--delta"], env)


@case()
def namespaces():
    "every namespace, one after the other"
    Netns(on=True)
    walk(yard(), ["stats", "--all-netns"])


run()
