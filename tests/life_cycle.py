#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Loading and unloading, switching, and namespaces that come and go, under traffic and with dumps open.

Nothing is left behind, no memory is lost, the kernel does not complain.
"""
import contextlib
import ctypes
import errno
import fcntl
import os
import re
import select
import signal
import socket
import struct
import subprocess
import traceback

from lib.kernel import CPUS, KernelLog, libc, syscall
from lib.ktap import PATIENCE, case, check, defer, equal, note, run, wait_until
from lib.module import MODULE, load, reload_module, reloads_module, unload
from lib.netns import Netns, Tun, pair
from lib.nlclient import NlError, Portmon, UAPI
from lib.packets import Packets, ipv4, udp
from lib.process import sh, traffic
from lib.tcp_events import Server

REPETITIONS = 20 if PATIENCE < 4 else 5


def traces():
    "What of portmon is in the kernel."
    found = []
    for path in "/proc/modules", "/proc/slabinfo", "/proc/vmallocinfo":
        with open(path) as file:
            found += [f"{path}: {line.strip()}" for line in file if "portmon" in line]
    caches = [f"/sys/kernel/slab/{name}" for name in os.listdir("/sys/kernel/slab") if "portmon" in name]
    return found + caches + [path for path in (MODULE,) if os.path.exists(path)]


def taint():
    with open("/proc/sys/kernel/tainted") as file:
        return int(file.read())


def leaks():
    "What kmemleak says, in a kernel that has it and has it on."
    path = "/sys/kernel/debug/kmemleak"
    with open("/proc/cmdline") as file:
        if not os.path.exists(path) or "kmemleak=off" in file.read().split():
            return ""
    with open(path, "w") as file:
        file.write("scan")
    with open(path) as file:
        return file.read()


class Clean:
    "Since this was made the kernel has complained of nothing, is tainted no more than before, and has lost no memory."

    def __init__(self):
        self.log, self.taint = KernelLog(), taint()

    def hold(self):
        bad = re.compile(r"WARNING|BUG|Oops|Call Trace|general protection|rcu|lockdep|leak|UBSAN|KASAN|refcount|Objects remaining|portmon", re.I)
        equal([text for level, text in self.log.lines() if bad.search(text) and "module verification failed" not in text],
              [], "kernel log")
        equal(taint(), self.taint, "taint")
        equal(leaks(), "", "kmemleak")


def background(cpu, fds=()):
    "On this CPU whenever nothing else is to be done there, with these files open and no others, which hold namespaces."
    os.sched_setaffinity(0, [cpu])
    os.nice(19)
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd > 2 and fd not in fds:
            with contextlib.suppress(OSError):
                os.close(fd)


class Senders:
    "A process on each CPU that sends to many ports and on loopback without a pause, from one namespace to another."

    def __init__(self, netns, to):
        self.pids = []
        for cpu in CPUS:
            with netns.enter():
                socks = [socket.socket(family, socket.SOCK_DGRAM) for family in (socket.AF_INET, socket.AF_INET6)]
            for sock in socks:
                sock.setblocking(False)
            pid = os.fork()
            if not pid:
                try:
                    background(cpu, [sock.fileno() for sock in socks])
                    self.send(socks, to)
                finally:
                    os._exit(0)
            for sock in socks:
                sock.close()
            self.pids.append(pid)
        defer(self.end)

    @staticmethod
    def send(socks, to):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        targets = [(to.ipv4, to.ipv6), ("127.0.0.1", "::1")]
        for n in range(1 << 60):
            for pair_ in targets:
                # A few busy ports, which get counters per CPU, and ever new ones.
                for port in 53, 443, n * 7919 & 0xffff or 1:
                    for sock, address_ in zip(socks, pair_):
                        try:
                            sock.sendto(b"x" * 100, (address_, port))
                        except OSError:
                            pass

    def end(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
        for pid in self.pids:
            os.waitpid(pid, 0)
        self.pids = []


def noisy():
    "Two namespaces with traffic between and within them, from both CPUs."
    a, b = Netns(), Netns()
    for netns in a, b:
        netns.ip("link set lo up")
    one, two = pair(a, b)
    Senders(a, two)
    return a, b


def half_read(netns, command="port-get"):
    "A dump of which one small buffer was read."
    client = Portmon.__new__(Portmon)
    client.size = 4096
    client.__init__(netns)
    client.send(client.family, UAPI["cmd"][command], 1, b"", 0x301)
    kinds = [kind for kind, *_ in client.receive()]
    check(3 not in kinds, "the dump is over too soon")
    return client


@case()
def again_and_again():
    "insmod and rmmod, over and over, with both CPUs sending: unloads at once, leaves nothing, and counts when it is back"
    reloads_module()
    clean = Clean()
    a, b = noisy()
    equal(unload(), 0, "rmmod")
    for n in range(REPETITIONS):
        load(all_netns=1)
        for netns in a, b:
            client = Portmon(netns)
            wait_until(lambda: len(client.dump("port-get", port=53)) >= 1, what="a count of the traffic")
            client.sock.close()
        equal(unload(), 0, "rmmod")
        equal(traces(), [], "what is left of portmon")
    clean.hold()


class DropMonitor(Portmon):
    "The kernel's own drop monitor, which uses the tracepoint kfree_skb too; on until the case ends."
    FAMILY = "NET_DM"

    def __init__(self):
        sh("modprobe", "drop_monitor")
        super().__init__()
        self.request(3)                     # NET_DM_CMD_START
        defer(self.request, 4)              # NET_DM_CMD_STOP


class Tracing:
    "Tracepoints that others use too, as ftrace and perf do."
    PATH = "/sys/kernel/tracing"
    EVENTS = "sock/inet_sock_set_state", "tcp/tcp_retransmit_skb", "tcp/tcp_retransmit_synack", "skb/kfree_skb"

    def __init__(self):
        if not os.path.exists(f"{self.PATH}/events"):
            sh("mount", "-t", "tracefs", "tracefs", self.PATH)
            defer(sh, "umount", self.PATH)
        for event in self.EVENTS:
            if not os.path.exists(f"{self.PATH}/events/{event}"):
                raise AssertionError(f"no event {event}")
            self.write(f"events/{event}/enable", 1)
            defer(self.write, f"events/{event}/enable", 0)
            # User Mode Linux has no perf.
            if os.path.exists("/proc/sys/kernel/perf_event_paranoid"):
                with open(f"{self.PATH}/events/{event}/id") as file:
                    self.perf(int(file.read()))
            else:
                note("without perf, which this kernel does not have")

    def write(self, name, value):
        with open(f"{self.PATH}/{name}", "w") as file:
            file.write(str(value))

    @staticmethod
    def perf(number):
        "perf_event_open() of a tracepoint, on the first CPU, for whatever runs there."
        attributes = ctypes.create_string_buffer(struct.pack("=IIQQQQQ", 2, 64, number, 1, 0, 0, 0), 64)
        fd = syscall("perf_event_open", attributes, -1, CPUS[0], -1, 8)
        if fd < 0:
            raise OSError(ctypes.get_errno(), "perf_event_open")
        defer(os.close, fd)

    def still(self, word):
        "ftrace is still told."
        self.write("trace", "")

        def seen():
            with open(f"{self.PATH}/trace") as file:
                return word in file.read()
        wait_until(seen, what=f"{word} in the trace")


@case()
def tracepoints():
    "insmod and rmmod, over and over, while connections are made, refused and lost, with ftrace, perf and the drop monitor there too"
    reloads_module()
    clean = Clean()
    tracing = Tracing()
    DropMonitor()
    client, server = Netns(), Netns()
    near, far = pair(client, server)
    client.ip("link set lo up")
    server.run("nft", "-f", "-", input="table inet lose {\nchain in {\ntype filter hook prerouting priority 0\n"
               "tcp dport 443 numgen inc mod 50 == 49 drop\n}\n}")
    Server(server, 443)
    for port, ends in (443, (near.ipv4, far.ipv4)), (80, (near.ipv6, far.ipv6)), (80, ("127.0.0.1", "127.0.0.1")):
        # A refused connection takes no time: the traffic is not to end before the test.
        n = 60000 if port == 443 else 10 ** 8
        process = traffic("connect", CPUS[-1 if port == 80 else 0], *ends, 2000, port, n, "fin", netns=client, stdin=subprocess.DEVNULL)
    equal(unload(), 0, "rmmod")
    wanted = {(client, "remote", 443): "established", (client, "remote", 80): "failed", (client, "loopback", 80): "failed",
              (server, "local", 443): "established"}
    for _ in range(REPETITIONS):
        load(all_netns=1)
        for (netns, scope, port), event in wanted.items():
            portmon = Portmon(netns)
            wait_until(lambda: portmon.tcp(scope=scope, port=port).get((scope, port), {}).get(event), what=f"{scope} {port} {event}")
            portmon.sock.close()
        equal(unload(), 0, "rmmod")
        equal(traces(), [], "what is left of portmon")
    tracing.still("kfree_skb")
    tracing.still("inet_sock_set_state")
    equal(process.poll(), None, "status of what makes the traffic")
    clean.hold()


@case()
def open_dump():
    "a dump half read keeps the module from being unloaded, until its socket is closed"
    reloads_module()
    clean = Clean()
    a, b = noisy()
    reload_module(all_netns=1)
    for netns, command in ((a, "port-get"), (b, "reset"), (b, "port-get"), (a, "reset")):
        client = Portmon(netns)
        wait_until(lambda: client.do("info-get")["records"] > 600, what="records for several buffers")
        client.sock.close()
        reader = half_read(netns, command)
        equal(unload(), errno.EWOULDBLOCK, "rmmod with a dump half read")
        check(os.path.exists(MODULE), "it is gone nevertheless")
        reader.sock.close()
        wait_until(lambda: not unload(), what="unloading after the socket was closed")
        equal(traces(), [], "what is left of portmon")
        load(all_netns=1)
    clean.hold()


@case()
def readers():
    "rmmod among readers and resets that never pause: it works in the end, and they are refused because the family does not exist"
    reloads_module()
    clean = Clean()
    a, b = noisy()
    reload_module(all_netns=1)
    pids = []
    for netns, command in (a, "port-get"), (b, "reset"), (a, "bucket-get"):
        pid = os.fork()
        if not pid:
            status = 1
            try:
                client = Portmon(netns)
                while True:
                    client.dump(command)
            except NlError as error:
                # Before the family has gone, a dump does not start while its module goes.
                status = 0 if error.errno in (errno.ENOENT, errno.EPROTONOSUPPORT) else 1
                if status:
                    note(error)
            finally:
                os._exit(status)
        pids.append(pid)
    wait_until(lambda: not unload(), what="unloading")
    for pid in pids:
        equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, "a reader's end")
    equal(traces(), [], "what is left of portmon")
    clean.hold()


@case()
def while_off():
    "switching off under traffic, repeatedly, and with a dump half read: ENETDOWN, no memory kept"
    clean = Clean()
    a, b = noisy()
    client, listener = Portmon(b), Portmon(b)
    listener.subscribe()
    for n in range(10):
        client.do("netns-set", enabled=1)
        wait_until(lambda: client.do("info-get")["records"] > (600 if n < 4 else 20), what="records")
        reader = half_read(b, "port-get" if n % 2 else "reset") if n < 4 else None
        client.do("netns-set", enabled=0)
        if reader:
            ends = []
            while not ends:
                ends = [struct.unpack_from("=i", payload)[0] for kind, _, _, payload in reader.receive() if kind == 3]
            equal(ends, [-errno.ENETDOWN], "end of the dump")
        state = client.do("info-get")
        check(not state["enabled"] and "memory" not in state, f"after switching off: {state}")
    # A packet on its way through the hook while its tables are freed is a matter of luck: try it often.
    for _ in range(5 * REPETITIONS):
        client.do("netns-set", enabled=1)
        client.do("netns-set", enabled=0)
    clean.hold()


@case()
def deleted():
    "a namespace is deleted with traffic arriving and leaving and a dump half read: the dump ends well, the memory is freed"
    clean = Clean()
    a = Netns()
    a.ip("link set lo up")
    records = in_use("portmon_record")
    for n in range(4):
        b = Netns(on=True)
        b.ip("link set lo up")
        one, two = pair(a, b)
        arriving, leaving = Senders(a, two), Senders(b, one)
        wait_until(lambda: b.portmon.do("info-get")["records"] > 600, what="records")
        reader = half_read(b, "reset" if n % 2 else "port-get")
        b.portmon.sock.close()
        b.delete()
        if n < 2:       # the socket keeps it alive: read on
            ends = []
            while not ends:
                ends = [struct.unpack_from("=i", payload)[0] for kind, _, _, payload in reader.receive() if kind == 3]
            equal(ends, [0], "end of the dump")
        reader.sock.close()
        leaving.end()
        wait_until(lambda: not exists(a, one.dev), what="the end of the namespace")
        arriving.end()
    wait_until(lambda: in_use("portmon_record") <= records + 100, what="the records' memory")
    clean.hold()


def exists(netns, dev):
    with netns.enter():
        return dev in [name for _, name in socket.if_nameindex()]


def in_use(cache):
    "Objects of a slab cache in use; not what a CPU, or KASAN, keeps of those that are free."
    with open(f"/sys/kernel/slab/{cache}/shrink", "w") as file:
        file.write("1")
    with open("/proc/slabinfo") as file:
        return next(int(line.split()[1]) for line in file if line.split()[0] == cache)


def percpu():
    "KiB of per-CPU memory in use."
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Percpu:"))


def passing(n):
    "Go through n new network namespaces, each with traffic on loopback; the one before goes away."
    for _ in range(n):
        if libc.unshare(0x40000000):
            raise OSError(ctypes.get_errno(), "unshare")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            fcntl.ioctl(sock, 0x8914, struct.pack("16sH22x", b"lo", 1))     # SIOCSIFFLAGS, IFF_UP
            for port in range(1, 60):
                for address_ in "127.0.0.1", "127.0.0.2":
                    sock.sendto(b"x", (address_, port * 257))
            for _ in range(40):
                sock.sendto(b"x", ("127.0.0.1", 53))


def pass_through(n):
    pids = []
    for cpu in CPUS:
        pid = os.fork()
        if not pid:
            status = 1
            try:
                background(cpu)
                passing(n)
                status = 0
            except BaseException:
                note(traceback.format_exc())
            finally:
                os._exit(status)
        pids.append(pid)
    for pid in pids:
        equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, "a process in namespaces that come and go")


@case()
def coming_and_going():
    "with all_netns=1 namespaces are created and deleted on both CPUs, and leave no memory"
    clean = Clean()
    reload_module(all_netns=1)
    pass_through(5)
    wait_until(lambda: in_use("portmon_record") < 100, what="the records' memory")
    before = in_use("kmalloc-8k"), in_use("kmalloc-2k")
    pass_through(30)
    # A namespace has two tables of 8 KiB and some of 2 KiB; what others hold goes up and down.
    wait_until(lambda: in_use("portmon_record") < 100 and in_use("kmalloc-8k") < before[0] + 40 and
               in_use("kmalloc-2k") < before[1] + 60, what=f"the memory of 60 namespaces (before: {before})")
    note(f"kmalloc-8k, kmalloc-2k: {before}, {(in_use('kmalloc-8k'), in_use('kmalloc-2k'))}")
    clean.hold()


@case()
def toggled():
    "a namespace switched on and off a hundred times, with busy ports, keeps no memory"
    clean = Clean()
    netns = Netns(on=True)
    packets = Packets(netns)

    def toggle(n):
        for _ in range(n):
            packets.out("udp", 1000, 2000, 40)
            packets.within("tcp", 3000, 4000)
            netns.portmon.do("netns-set", enabled=0)
            netns.portmon.do("netns-set", enabled=1)
    toggle(5)
    before = in_use("kmalloc-8k"), in_use("kmalloc-2k"), percpu()
    toggle(100)
    wait_until(lambda: in_use("kmalloc-8k") < before[0] + 50 and in_use("kmalloc-2k") < before[1] + 50 and
               percpu() < before[2] + 100, what=f"the memory of 100 tables (before: {before})")
    note(f"kmalloc-8k, kmalloc-2k, percpu KiB: {before}, {(in_use('kmalloc-8k'), in_use('kmalloc-2k'), percpu())}")
    clean.hold()


@contextlib.contextmanager
def scheduled(policy, priority=0):
    os.sched_setscheduler(0, policy, os.sched_param(priority))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@case()
def last_in_line():
    "rmmod by a process that all others go before: what they do while tables are freed finds nothing that is gone"
    reloads_module()
    clean = Clean()
    netns = noisy()
    # The first is freed while the second is at it, and the third still has the kernel's tracepoints come.
    Netns()
    for _ in range(2):
        reload_module(all_netns=1)
        for one in netns:
            client = Portmon(one)
            wait_until(lambda: client.do("info-get")["records"] > 1000, what="records that take their time")
            client.sock.close()
        with scheduled(os.SCHED_IDLE):
            equal(unload(), 0, "rmmod")
        equal(traces(), [], "what is left of portmon")
        load()
    clean.hold()


@case("slots", "news")
def work_left(work):
    "a namespace is disabled before a worker has created slots for busy ports or reported events: neither happens;"
    clean = Clean()
    for n in range(4):
        netns = Netns(on=True)
        tun, packets, listener = Tun(netns), Packets(netns), Portmon(netns)
        listener.subscribe()
        client = netns.portmon

        def busy():
            "48 of 64 slots are lent out: no more are made for that."
            for port in range(1, 48):
                packets.out("udp", port, 50, 40)
            return client.do("info-get")["slots"] == 48
        if work == "slots":
            wait_until(busy, what="48 busy ports")
        # On a machine of one CPU no worker of the kernel has a turn meanwhile.
        with scheduled(os.SCHED_FIFO, 1):
            before = client.do("info-get")["memory"]
            if work == "slots":
                packets.out("udp", 60, 50, 40)
            else:
                tun.write(ipv4(tun.far["ipv4"], tun.ipv4, 17, udp(1000, 53)))
            after = client.do("info-get")["memory"]
            heard = select.select([listener.sock], [], [], 0)[0]
            client.do("netns-set", enabled=0)
        if len(CPUS) == 1:
            done = after - before >= 4096 if work == "slots" else heard
            check(not done, f"the worker has been there: memory {before}, {after}, {heard}")
            equal([command for command, _ in listener.events()], ["netns-ntf"], "what is reported")
    clean.hold()


@case()
def at_once():
    "the module is unloaded while namespaces come and go"
    clean = Clean()
    reloads_module()
    for _ in range(2):
        pids = []
        for cpu in CPUS:
            pid = os.fork()
            if not pid:
                try:
                    background(cpu)
                    passing(1 << 30)
                finally:
                    os._exit(0)
            pids.append(pid)
        for _ in range(3):
            wait_until(lambda: not unload(), what="unloading")
            equal(traces(), [], "what is left of portmon")
            load(all_netns=1)
            wait_until(lambda: in_use("portmon_record") > 60, what="a count of the traffic")
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    clean.hold()


run()
