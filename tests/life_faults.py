#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Every allocation of the module fails once: nothing breaks, nothing leaks, and no packet is lost.

In task context /proc/thread-self/fail-nth walks through them: the first fails, then the second, until none is left. Where
packets are received the slab caches that the tables come from fail throughout. What is lost to kmemleak, and whether the kernel
is sound, the harness looks at.
"""
import contextlib
import ctypes
import errno
import itertools
import json
import os
import re
import select
import socket
import struct
import time

from lib.counts import Nft, add, balance, invariant, plus, settled
from lib.ctl import FAILED, expect_message
from lib.kernel import KernelLog, libc
from lib.ktap import Skip, becomes, case, check, defer, equal, note, run, wait_until
from lib.module import load, reload_module, reloads_module, unload
from lib.netns import Netns
from lib.nlclient import Counts, NlError, Portmon, UAPI
from lib.process import sh

DEBUG = "/sys/kernel/debug"
NTH = "/proc/thread-self/fail-nth"
SYS_FINIT_MODULE = 313      # x86-64, where such kernels are built
KO = os.environ.get("PORTMON_KO", "")


def write(path, value):
    with open(path, "w") as file:
        file.write(str(value))


def read(path):
    with open(path) as file:
        return file.read().strip()


def need_faults():
    for path in NTH, f"{DEBUG}/failslab/require-start", f"{DEBUG}/fail_page_alloc/require-start":
        if not os.path.exists(path):
            raise Skip(f"this kernel injects no faults (no {path})")
    for kind in "failslab", "fail_page_alloc":
        # Also what may sleep; without a stack dump for each.
        for knob, value in ("ignore-gfp-wait", "N"), ("verbose", 0), ("probability", 0), ("times", -1):
            setting(f"{DEBUG}/{kind}/{knob}", value)
    setting(f"{DEBUG}/fail_page_alloc/min-order", 0)


def setting(path, value):
    "For the rest of the case."
    old = read(path)
    write(path, value)
    defer(write, path, old)


def no_usercopy():
    "The walk counts copies to programs too; a message that is lost on its way to one is not the module's to keep."
    setting(f"{DEBUG}/fail_usercopy/require-start", (1 << 64) - 2)
    setting(f"{DEBUG}/fail_usercopy/require-end", (1 << 64) - 1)
    setting(f"{DEBUG}/fail_usercopy/stacktrace-depth", 32)


def only_portmon():
    """Only what a module's functions ask for is to fail, and this kernel has no other modules.

    But not what a slab cache needs for its folder in sysfs: there Linux 6.12 itself loses the name (sysfs_slab_add()).
    """
    text = functions()
    for kind in "failslab", "fail_page_alloc", "fail_usercopy":     # the walk counts all three
        callers(kind, "require", text[-1][0], (1 << 64) - 1)
        callers(kind, "reject", *extent(text, "sysfs_slab_add"))


def only_percpu():
    "Only what per-CPU memory grows by is to fail, whoever asks."
    for kind in "failslab", "fail_page_alloc":
        callers(kind, "require", *extent(functions(), "pcpu_create_chunk"))


def functions():
    "The functions of the kernel without its modules: (address, name)."
    with open("/proc/kallsyms") as file:
        return sorted((int(address, 16), name) for address, kind, name, *module in map(str.split, file)
                      if kind in "tT" and not module)


def extent(text, function):
    start = next(address for address, name in text if name == function)
    return start, next(address for address, _ in text if address > start)


def callers(kind, which, start, end):
    "For the rest of the case: which allocations may fail, or may not, by who is on the stack."
    for knob, value in ("stacktrace-depth", 32), (f"{which}-start", start), (f"{which}-end", end):
        setting(f"{DEBUG}/{kind}/{knob}", value)


def failing(n, function):
    "Call it with the nth allocation of this thread failing: (whether there was an nth, what it returned)."
    fd = os.open(NTH, os.O_RDWR)
    try:
        os.write(fd, b"%d" % n)
        try:
            result = function()
        finally:
            left = int(os.pread(fd, 16, 0))
            os.pwrite(fd, b"0", 0)
        return left == 0, result
    finally:
        os.close(fd)


def walk(what, attempt, after, least):
    "attempt() with the first, second, ... allocation failing, after(result) each time, until there are no more."
    failed = 0
    for n in itertools.count(1):
        injected, result = failing(n, attempt)
        if not injected:
            break
        failed += bool(after(result))
    after(result)
    note(f"{what}: {n - 1} allocations, {failed} of which it fails for")
    check(n > least, f"{what}: only {n - 1} allocations failed")


def errors(function):
    "What it returns, or an errno where it fails."
    def inner():
        try:
            return function()
        except OSError as error:
            return error.errno
    return inner


NO_MEMORY = (errno.ENOMEM, errno.ENOBUFS)


def traces():
    found = []
    for path in "/proc/modules", "/proc/slabinfo", "/proc/vmallocinfo":
        with open(path) as file:
            found += [f"{path}: {line.strip()}" for line in file if "portmon" in line]
    return found


class Log(KernelLog):
    "Of the kernel's log only the stack that goes with a cache that could not be made is foreseen."
    EXPECTED = re.compile(r".*kmem_cache_create\w*\(portmon_\w+\) failed with error -\d+$")
    STACK = re.compile(r" |CPU: |Stack:|Call Trace:|Tainted: |Hardware name: |Modules linked in:|</?TASK>|$")

    def __init__(self):
        super().__init__()
        if not Log.checked:
            equal(self.complaints(sh("dmesg", "-t").splitlines()), [], "what the kernel complained of before")
        Log.checked = True

    checked = False

    @staticmethod
    def complaints(lines):
        return [line for line in lines if re.search(
            r"WARNING:|BUG|Oops|Call Trace|INFO: |general protection|refcount_t|UBSAN|KASAN|suspicious|circular|unable to handle|suspected memory leak", line)]

    def hold(self):
        stack, left = False, []
        for level, text in self.lines():
            stack = bool(self.EXPECTED.match(text)) or stack and bool(self.STACK.match(text))
            if not stack:
                left.append(text)
        if bad := self.complaints(left):
            at = left.index(bad[0])
            raise AssertionError("the kernel complains:\n" + "\n".join(left[max(at - 6, 0):at + 40]))
        # So that the harness finds the rest. There was nothing else before, nor now.
        sh("dmesg", "-C")


def finit(fd, parameters):
    return 0 if not libc.syscall(SYS_FINIT_MODULE, fd, parameters, 0) else ctypes.get_errno()


missed = set()      # tracepoints, in all walks over insmod together


def without(tracepoint):
    "portmon-ctl reports what is not available without a tracepoint."
    name = tracepoint.replace("-", "_")
    check(re.search(f"^not available    .*: this kernel lacks the tracepoint {name}$", text := sh("portmon-ctl", "info"), re.M), text)
    equal(json.loads(sh("portmon-ctl", "info", "--json"))["missing"], [name], "JSON")
    if tracepoint == "kfree-skb":
        expect_message(FAILED, "drops are not available: this kernel has no tracepoint kfree_skb", "drops")
        sh("ip", "link", "set", "lo", "up")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"x", ("127.0.0.1", 9))
        check("\ndrops are not available: this kernel has no tracepoint kfree_skb\n" in sh("portmon-ctl", "show", "9"), "show")


@case("initial namespace", "all_netns=1, and another namespace")
def insmod(variant):
    "insmod: it fails with ENOMEM and leaves nothing, or it loads and works"
    need_faults()
    reloads_module()
    log = Log()
    parameters = ctypes.c_char_p(b"all_netns=1" if "all" in variant else b"")
    other = Netns() if "all" in variant else None
    wait_until(lambda: not unload(), what="unloading")
    fd = os.open(KO, os.O_RDONLY)
    defer(os.close, fd)
    only_portmon()

    def after(error):
        if error:
            check(error in NO_MEMORY, f"insmod ended with {error}")
        else:
            client = Portmon()
            info = client.do("info-get")
            check(info["enabled"], "loaded, but off")
            client.sock.close()
            if missing := info.get("missing"):
                missed.update(missing)
                without(*missing)
            if other:
                client = Portmon(other)
                client.do("info-get")       # on or off, as memory was
                client.sock.close()
            wait_until(lambda: not unload(), what="unloading")
        equal(traces(), [], "what is left of portmon")
        return error

    # Not every walk comes by each of the four tracepoints.
    for _ in range(8 if other else 1):
        walk(f"insmod, {variant}", lambda: finit(fd, parameters), after, 5)
        if len(missed) == len(UAPI["tracepoint"]):
            break
    note(f"tracepoints not available so far: {' '.join(sorted(missed))}")
    if other:
        equal(missed, set(UAPI["tracepoint"]), "tracepoints not available, one at a time")
    load()
    log.hold()


class Sender:
    "Packets out of a namespace and within it, each to a port that was not there before."

    def __init__(self, netns):
        self.netns = netns
        netns.ip("link set lo up", "link add sink type dummy", "addr add 192.0.2.1/24 dev sink", "link set sink up")
        self.port = 1000
        self.socks = {p: netns.socket(socket.AF_INET, socket.SOCK_RAW, p) for p in (6, 17, 33, 132, 136)}
        self.other = [netns.socket(socket.AF_INET, socket.SOCK_RAW, p) for p in (200, 201)]
        self.nft = None

    def packets(self):
        "(socket, payload, address) of one of each kind."
        self.port += 257
        port = self.port % 65000 + 1
        for protocol, sock in self.socks.items():
            for to in "192.0.2.2", "127.0.0.1":
                yield sock, struct.pack("!HHI", port, port ^ 1, 0), (to, 0)
        for sock in self.other:
            yield sock, b"12345678", ("192.0.2.2", 0)

    def send(self):
        for sock, payload, to in self.packets():
            with contextlib.suppress(OSError):
                sock.sendto(payload, to)


def yard():
    "A namespace that counts, nftables there, and what sends."
    netns = Netns(on=True)
    nft = Nft(netns)
    return netns, nft, Sender(netns)


@case()
def switching():
    "switching on: ENOMEM and off, or on and counting; switching off always works"
    need_faults()
    log = Log()
    spaces = [Netns() for _ in range(16)]
    turn = itertools.cycle(spaces)
    now = {"netns": next(turn)}
    kept = []

    def prepare():
        client = Portmon(now["netns"])
        request = struct.pack("=IHHIIBBH", 28, client.family, 5, 7, 0, UAPI["cmd"]["netns-set"], 1, 0) + \
            Portmon.attr(UAPI["a_info"]["enabled"], b"\1")
        now.update(client=client, request=request)

    def attempt():
        return now["client"].sock.send(now["request"])

    def after(result):
        client = now["client"]
        verdict = None
        if result in NO_MEMORY:
            verdict = result
        else:
            for kind, _, _, payload in client.receive():
                code = -struct.unpack_from("=i", payload)[0] if kind == 2 else 0
                verdict = verdict or code
        client.sock.settimeout(30)
        while select.select([client.sock], [], [], 0)[0]:
            list(client.receive())
        on = client.do("info-get")["enabled"]
        if verdict:
            check(verdict in NO_MEMORY, f"netns-set ended with {verdict}")
        if on:
            # It stays on, so that memory gets scarce, until all are.
            kept.append(now["netns"])
            if len(kept) == len(spaces):
                for netns in kept:
                    other = Portmon(netns)
                    other.do("netns-set", enabled=0)
                    other.sock.close()
                kept.clear()
            now["netns"] = next(turn)
        client.sock.close()
        prepare()
        return verdict

    prepare()
    only_portmon()
    walk("netns-set", errors(attempt), after, 3)
    # A new namespace's memory is not always allocated from outside of the allocators: continue.
    for n in range(1, 25):
        after(failing(n % 12 + 1, errors(attempt))[1])
    netns, nft, sender = yard()
    sender.send()
    invariant(netns.portmon, nft)
    log.hold()


@case()
def scarce():
    "there is no more per-CPU memory: switching on is refused or works, busy ports do without slots, nothing is lost; later all is as usual"
    need_faults()
    log = Log()
    clients = [Portmon(Netns()) for _ in range(16)]
    netns, nft, sender = yard()
    sender.send()
    only_percpu()
    for kind in "failslab", "fail_page_alloc":
        write(f"{DEBUG}/{kind}/probability", 100)
    refused = []
    for client in clients:
        try:
            client.do("netns-set", enabled=1)
        except NlError as error:
            check(error.errno in NO_MEMORY, f"netns-set ended with {error}")
            check(not client.do("info-get")["enabled"], "refused, but on")
            refused.append(client)
    check(0 < len(refused) < len(clients), f"{len(refused)} of {len(clients)} refused")

    def busy(first, n=200):
        "How many more slots are lent out when so many ports are busy."
        before = netns.portmon.do("info-get")["slots"]
        for port in range(first, first + n):
            for _ in range(40):
                sender.socks[17].sendto(struct.pack("!HHI", port, port, 0), ("127.0.0.1", 0))
        return netns.portmon.do("info-get")["slots"] - before

    without = busy(10000)
    note(f"{len(refused)} of {len(clients)} refused; {without} slots for 200 busy ports")
    check(without < 200, f"{without} slots though there is no memory")
    # What has been quiet for ten seconds gives its slot back.
    lent, quiet = netns.portmon.do("info-get")["slots"], time.monotonic() + 11
    wait_until(lambda: time.monotonic() > quiet, what="eleven seconds")
    wait_until(lambda: busy(30000, 5) is not None and netns.portmon.do("info-get")["slots"] < lent, what="slots given back")
    for kind in "failslab", "fail_page_alloc":
        write(f"{DEBUG}/{kind}/probability", 0)
    for client in refused:
        client.do("netns-set", enabled=1)
    wait_until(lambda: busy(20000) or busy(10000), what="a slot once there is memory again")
    for client in clients:
        client.do("netns-set", enabled=0)
    invariant(netns.portmon, nft)
    log.hold()


@case()
def creation():
    "a namespace is made with all_netns=1: it is there, on or off"
    need_faults()
    reload_module(all_netns=1)
    log = Log()
    only_portmon()
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    defer(os.close, home)
    states = []

    def attempt():
        return 0 if not libc.unshare(0x40000000) else ctypes.get_errno()

    def after(error):
        try:
            if not error:
                client = Portmon()
                states.append(client.do("info-get")["enabled"])
                client.sock.close()
        finally:
            check(not libc.setns(home, 0x40000000), "setns")
        return error or not states[-1]

    walk("unshare", attempt, after, 2)
    check(0 in states and 1 in states, f"states: {states}")
    log.hold()


@case()
def leaving():
    "the first packet of a port leaves: it is in its record, or in the overflow"
    need_faults()
    log = Log()
    netns, nft, sender = yard()
    only_portmon()
    for _ in range(4):
        for sock, payload, to in sender.packets():
            for n in itertools.count(1):
                # Another port each time, in a part of the table that is not there yet.
                port = (sender.port + n * 521) % 65000
                packet = struct.pack("!HHI", port, port ^ 256, 0)
                if not failing(n, errors(lambda: sock.sendto(packet, to)))[0]:
                    break
    ports, overflow, _ = invariant(netns.portmon, nft)
    note(f"{len(ports)} ports, {sum(c.rx + c.tx for c in overflow.values())} packets in overflow")
    check(ports and overflow, "nothing failed")
    log.hold()


@case()
def events():
    "drops at a port without memory for a counter: each is in the overflow; later the port has a counter"
    need_faults()
    log = Log()
    netns, nft, sender = yard()
    sock = netns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    setting("/sys/kernel/slab/portmon_counter/failslab", 1)
    setting(f"{DEBUG}/failslab/cache-filter", "Y")
    setting(f"{DEBUG}/failslab/ignore-gfp-wait", "Y")
    before = netns.portmon.do("info-get")["events"]
    write(f"{DEBUG}/failslab/probability", 100)
    for _ in range(10):
        sock.sendto(b"x", ("127.0.0.1", 53))
    becomes(lambda: (netns.portmon.drops(), netns.portmon.events_overflow()), ({}, {"loopback": {"NO_SOCKET": 10}}),
            "drops, and the overflow")
    write(f"{DEBUG}/failslab/probability", 0)
    equal(netns.portmon.do("info-get")["events"], before, "counters in use")
    sock.sendto(b"x", ("127.0.0.1", 53))
    becomes(lambda: (netns.portmon.drops(), netns.portmon.events_overflow()),
            ({("loopback", "udp", 53): {"NO_SOCKET": 1}}, {"loopback": {"NO_SOCKET": 10}}), "drops, and the overflow, later")
    log.hold()


@case("portmon_record", "kmalloc-2k", "kmalloc-8k", "all of them")
def arriving(cache):
    "packets leave, and stay and arrive, while a slab cache gives nothing: all are in ports, in overflow or in buckets"
    need_faults()
    log = Log()
    netns, nft, sender = yard()
    sender.send()
    caches = [cache] if "all" not in cache else ["portmon_record", "kmalloc-2k", "kmalloc-8k"]
    for name in caches:
        setting(f"/sys/kernel/slab/{name}/failslab", 1)
    setting(f"{DEBUG}/failslab/cache-filter", "Y")
    setting(f"{DEBUG}/failslab/ignore-gfp-wait", "Y")       # only what cannot wait, like in the packet path
    write(f"{DEBUG}/failslab/probability", 100)
    for _ in range(60):
        sender.send()
    write(f"{DEBUG}/failslab/probability", 40)
    for _ in range(60):
        sender.send()
    write(f"{DEBUG}/failslab/probability", 0)
    before = netns.portmon.overflow()
    sender.send()
    ports, overflow, buckets = invariant(netns.portmon, nft)
    note(f"{len(ports)} ports, {sum(c.rx + c.tx for c in overflow.values())} packets in overflow")
    if cache != "kmalloc-8k":
        check(overflow, "nothing failed")
        equal(overflow, before, "overflow once there is memory again")
    log.hold()


def gather(found, records):
    "Add what a reset returned to what is left: (ports, overflow, buckets)."
    ports, overflow, buckets = found
    for record in records:
        if "bucket" in record:
            key = record["hook"], record["family"], record.get("protocol", record["bucket"])
            buckets[key] = plus(buckets.get(key, (0, 0)), (record["packets"], record["bytes"]))
        elif "port" in record:
            add(ports, {(record["scope"], record["transport"], record["port"]): Counts.of(record)})
        else:
            add(overflow, {(record["scope"], record["transport"], record["range"]): Counts.of(record)})


REQUESTS = {
    "info": ("info-get", {}, 5), "get": ("port-get", {"scope": "local", "transport": "tcp", "port": 1258}, 5),
    "dump": ("port-get", {}, 0x301), "ranges": ("range-get", {}, 0x301), "overflow": ("overflow-get", {}, 0x301),
    "buckets": ("bucket-get", {}, 0x301), "reset of a port": ("reset", {"scope": "local", "transport": "tcp", "port": 1258}, 5),
    "reset of some": ("reset", {"scope": "loopback"}, 0x301), "reset": ("reset", {}, 0x301),
}


@case(*REQUESTS)
def asking(what):
    "a request, its answer and its notification: refused without memory, or answered; what resets return plus what is left is the total"
    need_faults()
    log = Log()
    netns, nft, sender = yard()
    command, attrs, flags = REQUESTS[what]
    listener = Portmon(netns)
    listener.subscribe()
    listener.sock.setblocking(False)
    returned, now = [], {}
    for _ in range(3):
        sender.send()

    def prepare():
        client = Portmon(netns)
        now.update(client=client, data=client.encode(command, attrs), got=[])
        # The record requested by its port.
        sender.socks[6].sendto(struct.pack("!HHI", 1258, 1259, 0), ("192.0.2.2", 0))

    def attempt():
        client = now["client"]
        client.send(client.family, UAPI["cmd"][command], 1, now["data"], flags)
        while True:
            for kind, _, _, payload in client.receive():
                if kind in (2, 3):
                    return -struct.unpack_from("=i", payload)[0] if len(payload) >= 4 else 0
                now["got"].append(payload[4:])

    def after(error):
        client = now["client"]
        check(not error or error in NO_MEMORY, f"{what} ended with {error}")
        if error:
            # What had been put together before it failed is still there to be read.
            client.sock.setblocking(False)
            with contextlib.suppress(BlockingIOError, OSError):
                while True:
                    now["got"] += [payload[4:] for kind, _, _, payload in client.receive() if kind > 3]
        if command == "reset":
            returned.extend(client.decode(command, payload) for payload in now["got"])
        client.sock.close()
        with contextlib.suppress(BlockingIOError, OSError):
            while True:
                listener.events()
        prepare()
        sender.send()
        return error

    prepare()
    if flags == 5:
        only_portmon()
    else:       # for a dump the module asks for nothing itself
        no_usercopy()
    walk(what, errors(attempt), after, 1)
    *left, independent = settled(netns.portmon, nft)
    check(command != "reset" or returned, "nothing was reset")
    gather(left, returned)
    balance(*left, independent)
    log.hold()


run()
