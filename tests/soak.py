#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Endurance: everything at once, repeatedly. Every count is exact in the end, and memory use returns to its start.

Traffic to all ports from both CPUs, TCP connections, repeated resets, readers and listeners, namespaces created and deleted,
a CPU offline and online, switches, memory shortage, and after each round the module unloaded and loaded under it all.
PORTMON_SOAK: seconds (default 20, which is one round). Not one of the tests of "make check": see "make soak".
"""
import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import signal
import socket
import struct
import subprocess
import time
import traceback

from lib.connection import IP_HEADER
from lib.counts import Nft, plus
from lib.kernel import CPUS, libc
from lib.ktap import HERE, PATIENCE, Skip, case, check, defer, equal, note, run, wait_until
from lib.module import load, reload_module, unload
from lib.netns import AF, Netns, address, hosts
from lib.nlclient import NlError, Portmon, UAPI
from lib.process import finish, traffic
from lib.tcp_events import Server, connections

SECONDS = int(os.environ.get("PORTMON_SOAK", 20))
ROUND = 15 * PATIENCE       # seconds of traffic in a round
RECORDS = 60000
SOURCE, FIRST, LAST, SIZE, SERVER = 7, 100, 65535, 20, 80
CPU1 = "/sys/devices/system/cpu/cpu1/online"


def put(path, value):
    with open(path, "w") as file:
        file.write(str(value))


class Worker:
    "A process that calls step() until it is stopped; .turns counts the calls."

    def __init__(self, step):
        self.shared = mmap.mmap(-1, 16)
        self.pid = os.fork()
        if self.pid:
            defer(self.end)
            return
        status = 1
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.nice(5)
            turns = 0
            while not turns or not self.shared[8]:
                step()
                turns += 1
                self.shared[:8] = struct.pack("=Q", turns)
            status = 0
        except BaseException:
            note(traceback.format_exc())
        finally:
            os._exit(status)

    @property
    def turns(self):
        return struct.unpack("=Q", self.shared[:8])[0]

    def tell(self):
        self.shared[8] = 1

    def end(self):
        if self.pid:
            self.tell()
            pid, self.pid = self.pid, 0
            equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, "status of a process")
        return self.turns


# What runs

def come_and_go():
    "A namespace comes, counts on its loopback with all_netns, and the one before goes."
    if libc.unshare(0x40000000):
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, 0x8914, struct.pack("16sH22x", b"lo", 1))     # SIOCSIFFLAGS, IFF_UP
        for port in range(1, 60):
            with contextlib.suppress(OSError):
                sock.sendto(b"x", ("127.0.0.1", port * 257))
        for _ in range(40):
            with contextlib.suppress(OSError):
                sock.sendto(b"x", ("127.0.0.1", 53))


def available():
    "MiB."
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("MemAvailable:")) >> 10


def hog():
    "Allocate memory until little is left, or for some seconds, and free it. An OOM kill hits this process."
    pid = os.fork()
    if not pid:
        put("/proc/self/oom_score_adj", 1000)
        taken, end = [], time.monotonic() + 5
        while available() > 48 and time.monotonic() < end:
            taken.append(mmap.mmap(-1, 8 << 20))
            for page in range(0, 8 << 20, 4096):
                taken[-1][page] = 1
        time.sleep(1)
        os._exit(0)
    os.waitpid(pid, 0)
    time.sleep(2)


def look():
    "What people run. A table that is always being reset may be given up on; nothing else may go wrong."
    for command in ["stats", "--all", "--json"], ["stats"], ["ranges"], ["buckets", "--csv"], ["drops"], ["show", "80"], ["info"]:
        done = subprocess.run(["portmon-ctl", *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        check(not done.returncode or "reset" in done.stderr or "set to zero" in done.stderr, f"{command}: {done.stderr}")


def reader(netns):
    def step():
        with netns.enter():
            look()
    return step


def dumper(netns):
    client = Portmon(netns)
    few = {"port": SERVER, "port_max": SERVER + 40}

    def step():
        for record in client.dump("port-get", **few) + sum(map(client.dump, ("bucket-get", "overflow-get", "range-get")), []):
            check(all(v < 1 << 48 for k, v in record.items() if k.endswith(("packets", "bytes"))), f"below zero: {record}")
    return step


def switcher(netns):
    "In a namespace where nothing has to be exact."
    client = Portmon(netns)
    sock = netns.socket("ipv4", socket.SOCK_DGRAM)

    def step():
        for name in "lifecycle", "drops", "enabled":
            switch(client, name, 0)
            for port in range(1000, 1040):
                with contextlib.suppress(OSError):
                    sock.sendto(b"x", ("127.0.0.1", port))
            switch(client, name, 1)
    return step


def switch(client, name, value):
    "Where memory is short counting may not begin."
    try:
        client.do("netns-set", **{name: value})
    except NlError as error:
        check(error.errno in (errno.ENOMEM, errno.EALREADY, errno.ENETDOWN), f"{name}={value}: {error}")


class Drain:
    "Resets everything in a namespace repeatedly; end() returns the sum of all replies."

    def __init__(self, netns, cpu):
        program = os.environ.get("PORTMON_DRAIN", f"{HERE}/drain")
        self.process = netns.popen(program, str(netns.portmon.family), str(cpu), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        equal(self.process.stdout.readline(), "ready\n", "the program that resets")

    def end(self, sums):
        for line in finish(self.process).splitlines():
            kind, *words = line.split()
            keys = {"resets": 0, "bucket": 3}.get(kind, 2)
            key, values = (kind, *map(int, words[:keys])), tuple(map(int, words[keys:]))
            sums[key] = plus(sums.get(key, (0,) * len(values)), values)


class Place:
    "Two hosts with traffic between them of which every packet is known."

    def __init__(self):
        self.hosts, self.ends = hosts(on=(False, False), link="gso_max_segs 1", gro=False)
        for netns in self.hosts:
            # Nobody says anything of his own.
            netns.ip("link set lo up")
        self.nfts = [Nft(netns, transports=["udp", "tcp"]) for netns in self.hosts]
        self.server, self.sport = Server(self.hosts[1], SERVER, cpu=0, lossy=True), 20000

    def begin(self):
        "Forget what was counted, on both sides at the same moment."
        self.sent, self.established, self.sums, self.base = [(0, 0), (0, 0)], 0, [{}, {}], []

        def both():
            before = nft.read_all()
            netns.portmon.reset()
            return nft.read_all() == before and before
        for netns, nft in zip(self.hosts, self.nfts):
            netns.portmon = Portmon(netns)
            self.base.append(wait_until(both, what="two equal readings"))

    def flood(self, cpus):
        "From both hosts, IPv4 from the one CPU and IPv6 from the other."
        floods = [(i, family, traffic("flood", cpu, address(self.ends[i], family), address(self.ends[1 - i], family), SOURCE,
                                      FIRST, LAST, SIZE, 100, netns=netns))
                  for i, netns in enumerate(self.hosts) for family, cpu in zip(AF, cpus)]
        # Nobody can go to a CPU that is away.
        wait_until(lambda: all(len(os.sched_getaffinity(process.pid)) == 1 for _, _, process in floods), what="all at their CPUs")
        return floods

    def stop(self, floods):
        for i, family, process in floods:
            n, size = int(finish(process)), IP_HEADER[family] + 8 + SIZE
            self.sent[i] = plus(self.sent[i], (n, n * size))

    def connect(self, n=20):
        near, far = self.ends
        self.established += connections(self.hosts[0], near.ipv4, far.ipv4, self.sport, SERVER, n, cpu=CPUS[0], lossy=True)
        self.sport = self.sport + n if self.sport < 60000 else 20000

    def exact(self):
        "All that resets returned is what was sent and what nft counted."
        for i, (netns, nft, sums) in enumerate(zip(self.hosts, self.nfts, self.sums)):
            equal(netns.portmon.ports(), {}, "what is left after the last reset")
            independent = {key: tuple(a - b for a, b in zip(v, self.base[i][key])) for key, v in nft.read_all().items()}
            which = f"host {i}"
            scope, transport = UAPI["scope"], UAPI["transport"]

            def cell(kind, where, what):
                return sums[kind, scope[where], transport[what]]
            for what in "udp", "tcp":
                local, remote = ([plus(cell("port", where, what), cell("overflow", where, what))] for where in ("local", "remote"))
                (rx_n, rx_b, tx_n, tx_b), (from_n, from_b, to_n, to_b) = local[0], remote[0]
                arrived, left = (plus(*(independent[hook, family, what] for family in AF)) for hook in ("local-in", "local-out"))
                equal(((rx_n, rx_b), (from_n, from_b)), (arrived, arrived), f"{which}: {what} arrived, by destination and by source")
                equal(((tx_n, tx_b), (to_n, to_b)), (left, left), f"{which}: {what} left, by source and by destination")
                if what == "udp":
                    equal((tx_n, tx_b), self.sent[i], f"{which}: what the senders say they sent")
                    # A closed port.
                    overflow = sums["events", scope["local"], max(transport.values()) + 1][1]
                    equal(sums["events", scope["local"], transport["udp"]][1] + overflow, rx_n, f"{which}: dropped without a socket")
            whole = {}
            for (kind, *key), v in sums.items():
                if kind == "bucket":
                    hook, family = _NAME["hook"][key[0]], _NAME["family"][key[1]]
                    whole[hook, family] = plus(whole.get((hook, family), (0, 0)), v)
            equal({key: v for key, v in whole.items() if v[0]},
                  {key: v for key, v in independent.items() if len(key) == 2 and v[0]}, f"{which}: all buckets and nft's counts")
            completed = sum(sums["events", scope["remote" if i == 0 else "local"], t][0]
                            for t in (transport["tcp"], max(transport.values()) + 1))
            equal(completed, self.established, f"{which}: handshakes completed")


_NAME = {name: {v: k for k, v in UAPI[name].items()} for name in ("hook", "family")}


def round_of(place, seconds, switched):
    "One round; returns what was done in it."
    place.begin()
    drains = [Drain(netns, cpu) for netns, cpu in zip(place.hosts, CPUS)]
    workers = {"readings": [Worker(reader(netns)) for netns in place.hosts], "dumps": [Worker(dumper(netns)) for netns in place.hosts],
               "switches": [Worker(switcher(switched))], "namespaces": [Worker(come_and_go)], "times short of memory": [Worker(hog)]}
    listeners = [netns.popen("portmon-ctl", "monitor", "--json", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                 for netns in place.hosts]
    deaf = [Portmon(netns) for netns in place.hosts]        # who listens and never reads
    for client in deaf:
        client.subscribe()
    floods = place.flood(CPUS)
    end, unplugged = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        place.connect()
        put(CPU1, 0)
        unplugged += 1
        place.connect(10)
        put(CPU1, 1)
        # What had no CPU any more stays on the other.
        floods += place.flood([CPUS[1]])
    place.stop(floods)
    for worker in sum(workers.values(), []):
        worker.tell()
    done = {what: sum(worker.end() for worker in some) for what, some in workers.items()}
    for client, process in zip(deaf, listeners):
        client.sock.close()
        equal(process.poll(), None, "status of who listens")
        process.kill()
        process.communicate()
    wait_until(lambda: all(nft.read() == nft.read() for nft in place.nfts), what="two equal readings")
    # From here on what the second CPU has counted is there, and it is not.
    put(CPU1, 0)
    for sums, drain in zip(place.sums, drains):
        drain.end(sums)
    done["resets"] = sum(sums["resets",][0] for sums in place.sums)
    done["CPU offline"] = unplugged
    done["packets"] = sum(packets for packets, _ in place.sent)
    done["connections"] = place.established
    place.exact()
    put(CPU1, 1)
    for netns in place.hosts:
        netns.portmon.sock.close()
    return done


def turn_over(place, switched):
    "Unload under traffic and among namespaces that come and go, and load again."
    floods, worker = place.flood(CPUS), Worker(come_and_go)
    for _ in range(3):
        wait_until(lambda: not unload(), what="unloading")
        load(all_netns=1, max_records=RECORDS)
    worker.end()
    place.stop(floods)


class Memory:
    "What the kernel holds once the module is unloaded and all that is freed later has been."
    # What others hold goes up and down by some: a tenth of what the namespaces of five minutes would leave behind, if each left
    # its table: a dozen KiB of slab and as much per-CPU memory.
    SLACK = {"kmalloc-8k": 40, "kmalloc-2k": 250, "Percpu KiB": 128, "SUnreclaim KiB": 6144, "MemAvailable KiB": 16384}

    @staticmethod
    def now():
        put("/proc/sys/vm/drop_caches", 3)
        found = {}
        with open("/proc/slabinfo") as file:
            for line in file:
                name, *rest = line.split()
                if name in ("kmalloc-8k", "kmalloc-2k"):
                    found[name] = int(rest[0])
        with open("/proc/meminfo") as file:
            for line in file:
                name, value = line.split()[:2]
                if name in ("Percpu:", "SUnreclaim:"):
                    found[f"{name[:-1]} KiB"] = int(value)
                elif name == "MemAvailable:":
                    found["MemAvailable KiB"] = -int(value)
        return found

    def __init__(self):
        self.before = self.now()

    def back(self):
        def over():
            now = self.now()
            return {k: v - self.before[k] for k, v in now.items() if v - self.before[k] > self.SLACK[k]}
        try:
            wait_until(lambda: not over(), what="the memory")
        except AssertionError:
            equal(over(), {}, f"memory not given back, of {self.before}")
        now = self.now()
        note("memory after, more than before: " + ", ".join(f"{k} {v - self.before[k]:+}" for k, v in now.items()))


@case()
def soak():
    "everything at once, for a long time: counts are exact after each round, memory is back where it was after rmmod"
    if len(CPUS) < 2 or not os.path.exists(CPU1):
        raise Skip("there is one CPU only")
    defer(put, CPU1, 1)
    # So few that there is always some overflow.
    reload_module(all_netns=1, max_records=RECORDS)
    place, switched = Place(), Netns()
    switched.ip("link set lo up")
    total_of = {}

    def rounds(n, seconds):
        done = round_of(place, seconds, switched)
        for what, count in done.items():
            total_of[what] = total_of.get(what, 0) + count
        note(f"round {n}: " + ", ".join(f"{count} {what}" for what, count in done.items()))
        check(all(done.values()), f"some of it was not done: {done}")
        turn_over(place, switched)

    # What is made once and kept (by others: caches, devices' queues) is made before memory is looked at.
    rounds("to warm up", 1)
    wait_until(lambda: not unload(), what="unloading")
    memory = Memory()
    load(all_netns=1, max_records=RECORDS)
    end, n = time.monotonic() + SECONDS, 0
    while not n or time.monotonic() < end:
        n += 1
        rounds(n, min(ROUND, SECONDS))
    wait_until(lambda: not unload(), what="unloading")
    memory.back()
    note("in all: " + ", ".join(f"{count} {what}" for what, count in total_of.items()))


run()
