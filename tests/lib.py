# SPDX-License-Identifier: GPL-2.0
"""What portmon's tests share: cases and KTAP, namespaces, the netlink client, an independent count.

A test file is a list of cases and run():

    from lib import *

    @case()
    def something():
        "what is true when this passes"
        equal(got, wanted, "what it is")

    @case("ipv4", "ipv6")           # one case for each, handed to the function
    def another(family): ...

    run()

Whatever a case sets up it cleans up with defer(), right where it sets it up; Netns() and the rest here do so. What is set
up outside a case stays until the file ends. A case waits for a condition (wait_until), never for a time.
"""
import collections
import contextlib
import ctypes
import errno
import fcntl
import json
import os
import random
import re
import select
import socket
import struct
import subprocess
import sys
import time

from ktap import *
from nlclient import *
from races import Reports, kcsan

MODULE = "/sys/module/portmon"
libc = ctypes.CDLL(None, use_errno=True)
LINUX = tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups()))

# System calls that the C library has no function for, by their numbers on each kind of machine.
_SYSCALLS = {"x86_64": {"bpf": 321, "delete_module": 176, "perf_event_open": 298},
             "aarch64": {"bpf": 280, "delete_module": 106, "perf_event_open": 241},
             "i686": {"bpf": 357, "delete_module": 129, "perf_event_open": 336}}


def syscall(name, *arguments):
    return libc.syscall(_SYSCALLS[os.uname().machine][name], *arguments)


class KernelLog:
    """What the kernel has said since this was made.

    DCCP, where it is, warns of each packet it does not like; an emulated machine that did not get its turn, of its clocks.
    Data races are left out: they are looked at when all is over (races.py).
    """

    OTHERS = "dccp_", "net_ratelimit: ", "clocksource: ", "hrtimer: "

    def __init__(self):
        self.races = Reports() if kcsan() else None
        self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.fd, 0, os.SEEK_END)
        defer(os.close, self.fd)

    def lines(self):
        found = []
        while True:
            try:
                prefix, _, text = os.read(self.fd, 8192).decode(errors="replace").partition(";")
            except BlockingIOError:
                return found
            except BrokenPipeError:     # older lines were overwritten
                continue
            text = text.splitlines()[0]
            if not self.races or not self.races.take(text):
                found.append((int(prefix.split(",")[0]) & 7, text))

    def silent(self):
        "Nothing at level warning or worse, and nothing of portmon."
        equal([text for level, text in self.lines() if level <= 4 and not text.startswith(self.OTHERS)
               or "portmon" in text], [], "kernel log")


def parameter(name, value=None):
    "A module parameter; set for the rest of the case when a value is given."
    path = f"{MODULE}/parameters/{name}"
    with open(path) as file:
        old = file.read().strip()
    if value is not None:
        _write(path, value)
        defer(_write, path, old)
    return old


def _write(path, value):
    with open(path, "w") as file:
        file.write(str(value))


# The module

def parameters():
    "All module parameters as they are now."
    return {name: parameter(name) for name in os.listdir(f"{MODULE}/parameters")}


def unload():
    "rmmod; 0, or the errno that it was refused with."
    return 0 if not syscall("delete_module", b"portmon", os.O_NONBLOCK) else ctypes.get_errno()


def load(ko=os.environ.get("PORTMON_KO"), **parameters):
    "insmod $PORTMON_KO, without it modprobe."
    sh(*(["insmod", ko] if ko else ["modprobe", "portmon"]), *(f"{name}={value}" for name, value in parameters.items()))


def reloads_module():
    "For a case that loads and unloads: when it ends the module is loaded as it was."
    before = parameters()

    def restore():
        wait_until(lambda: unload() in (0, errno.ENOENT), what="unloading the module")
        load(**before)
    defer(restore)


def reload_module(**parameters):
    "Load the module with other parameters for the rest of the case."
    reloads_module()
    wait_until(lambda: not unload(), what="unloading the module")
    load(**parameters)


class Hook:
    """The module as it is built for tests, with kmod/test_hook.c, till the case (outside of one: the file) ends.

    Its methods count what no test has the time to send, in a namespace.
    """

    def __init__(self):
        ko = os.environ.get("PORTMON_HOOKED_KO")
        if not ko or not os.path.exists(ko):
            raise AssertionError("no module with the test hook (make hooked-KERNEL, PORTMON_HOOKED_KO=)")
        reloads_module()
        wait_until(lambda: not unload(), what="unloading the module")
        load(ko)

    @staticmethod
    def write(netns, *words):
        with netns.enter():
            _write(f"{MODULE}/parameters/test_count", " ".join(map(str, words)))

    def port(self, netns, scope, transport, port, direction, packets, count, times=1):
        self.write(netns, "port", UAPI["scope"][scope], UAPI["transport"][transport], port, ("rx", "tx").index(direction),
                   packets, count, times)

    def held(self, netns, scope, transport, port, direction, packets, count, ms):
        "A packet of a busy port that takes so long between finding the port's counters and counting there: ENOENT if it is not busy."
        self.write(netns, "held", UAPI["scope"][scope], UAPI["transport"][transport], port, ("rx", "tx").index(direction),
                   packets, count, ms)

    def event(self, netns, scope, transport, port, event, n):
        self.write(netns, "event", UAPI["scope"][scope], UAPI["transport"][transport], port, UAPI["a_tcp"][event], n)

    def drop(self, netns, scope, transport, port, reason, n):
        "reason: the kernel's number of it."
        self.write(netns, "event", UAPI["scope"][scope], UAPI["transport"][transport], port, max(UAPI["a_tcp"].values()) + 1 + reason, n)

    def bucket(self, netns, hook, family, bucket, packets, count):
        "bucket: a name, or the number of a protocol without ports."
        kind = "bucket" if isinstance(bucket, str) else "protocol"
        self.write(netns, kind, UAPI["hook"][hook], UAPI["family"][family],
                   UAPI["bucket"][bucket] if kind == "bucket" else bucket, packets, count)


# Network namespaces

class Netns:
    """A namespace of its own, with a random name, gone when the case ends; on=True switches portmon on in it.

    No interface is up, so that whatever counts is there before the first packet. IPv6 is kept from talking on its own as
    far as it lets itself.
    """

    def __init__(self, on=False):
        self.name = f"pm{random.getrandbits(40):010x}"
        sh("ip", "netns", "add", self.name)
        defer(self.delete)
        self.path = f"/run/netns/{self.name}"
        self.links = 0
        for knob in "accept_dad", "dad_transmits", "router_solicitations":
            self.sysctl(f"net.ipv6.conf.default.{knob}", 0)
        self.portmon = None
        if on:
            self.portmon = Portmon(self)
            self.portmon.do("netns-set", enabled=1)

    def delete(self):
        if os.path.exists(self.path):
            sh("ip", "netns", "del", self.name)

    @contextlib.contextmanager
    def enter(self):
        "Be in the namespace (this thread): sockets and processes made inside belong to it."
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(there)
            yield self
        finally:
            _setns(home)
            os.close(home)
            os.close(there)

    def run(self, *command, **options):
        "Run a command in the namespace, like sh()."
        with self.enter():
            return sh(*command, **options)

    def popen(self, *command, **options):
        "Start a command in the namespace; it is killed when the case ends."
        with self.enter():
            process = subprocess.Popen(command, text=True, **options)
        defer(_end, process)
        return process

    def ip(self, *lines):
        "Run ip(8) commands, one a line, in one batch."
        self.run("ip", "-batch", "-", input="\n".join(lines) + "\n")

    def sysctl(self, name, value):
        with self.enter():
            _write("/proc/sys/" + name.replace(".", "/"), value)

    def socket(self, family, kind, protocol=0, bind=None, device=None):
        "A socket of the namespace, closed when the case ends. family: AF_ or 'ipv4' or 'ipv6'."
        with self.enter():
            sock = socket.socket(AF.get(family, family), kind, protocol)
        defer(sock.close)
        sock.settimeout(20 * PATIENCE)
        if device:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        if bind is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(bind)
        return sock


AF = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}


def _setns(fd):
    if libc.setns(fd, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns")


def _end(process):
    process.kill()
    process.communicate()


def sh(*command, input=None, fails=False, **options):
    "Run a command, return its standard output; unless fails it has to succeed."
    done = subprocess.run(command, input=input, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode and not fails:
        raise AssertionError(f"{' '.join(command)}: status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


End = collections.namedtuple("End", "netns dev mac ipv4 ipv6")
_pairs = 0


def pair(a, b, mtu=1500, link="", neighbours=True, **offloads):
    """A veth pair between two namespaces, up, with addresses: returns its two ends.

    An end has .dev and its addresses by family: end.ipv4, end.ipv6, address(end, family). Offloads as ethtool -K has them,
    for both ends: tso=False, gro=True; link is what else ip-link(8) is to set. With neighbours=False there is ARP and
    neighbour discovery, which counts.
    """
    global _pairs
    _pairs += 1
    n = _pairs
    ends = []
    for i, netns in enumerate((a, b), 1):
        ends.append(End(netns, f"veth{n}", f"02:00:00:00:{n:02x}:{i:02x}", f"10.{n}.0.{i}", f"fd00:{n:x}::{i}"))
    one, two = ends
    make = (f"link add {one.dev} address {one.mac} mtu {mtu} type veth "
            f"peer name {two.dev} address {two.mac} mtu {mtu} netns {b.name}")
    for me, peer in (one, two), (two, one):
        me.netns.ip(*([make] if me is one else []),
                    f"addr add {me.ipv4}/24 dev {me.dev}",
                    f"addr add {me.ipv6}/64 dev {me.dev} nodad",
                    f"link set {me.dev} up {link}",
                    *([f"neigh add {ip} lladdr {peer.mac} dev {me.dev}" for ip in (peer.ipv4, peer.ipv6)]
                      if neighbours else []))
        if offloads:
            features(me, **offloads)
    carried(one.netns, one.dev)
    return ends


def carried(netns, dev):
    """Wait until a device that came up before its peer transmits.

    The kernel tells it of its carrier later (net/core/link_watch.c), and till then drops what it is to send. ip(8) asks
    under the lock that both are done under.
    """
    wait_until(lambda: json.loads(netns.run("ip", "-j", "link", "show", "dev", dev))[0]["operstate"] == "UP", what=f"carrier of {dev}")


def features(end, **offloads):
    "ethtool -K: features(end, tso=False, gro=True, tx_udp_segmentation=False)."
    arguments = [word for name, on in offloads.items() for word in (name.replace("_", "-"), "on" if on else "off")]
    end.netns.run("ethtool", "-K", end.dev, *arguments)


def address(end, family):
    return getattr(end, family)


class Tun:
    """A tun device: what is written to it arrives at the namespace as an IP packet.

    The namespace has 10.200.N.1 and fd00:200:N::1 on it, and a route to the rest of those networks. vnet=True: packets
    have a struct virtio_net_hdr in front.
    """
    count = 0

    def __init__(self, netns, vnet=False):
        Tun.count += 1
        if not os.path.exists("/dev/net/tun"):
            sh("modprobe", "tun")
        self.netns, self.dev = netns, f"tun{Tun.count}"
        self.ipv4, self.ipv6 = f"10.200.{Tun.count}.1", f"fd00:200:{Tun.count:x}::1"
        self.far = {"ipv4": f"10.200.{Tun.count}.2", "ipv6": f"fd00:200:{Tun.count:x}::2"}
        with netns.enter():
            self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
            defer(os.close, self.fd)
            # TUNSETIFF: IFF_TUN | IFF_NO_PI (| IFF_VNET_HDR)
            fcntl.ioctl(self.fd, 0x400454ca, struct.pack("16sH22x", self.dev.encode(), 0x1001 | (0x4000 if vnet else 0)))
        netns.ip(f"addr add {self.ipv4}/24 dev {self.dev}", f"addr add {self.ipv6}/64 dev {self.dev} nodad",
                 f"link set {self.dev} up")

    def write(self, packet):
        equal(os.write(self.fd, packet), len(packet), "bytes written to the tun device")


# Packets, built by hand

def checksum(data):
    data = bytes(data) + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(source, destination, protocol, payload, options=b"", fragment=0, ihl=None, version=4, length=None):
    "An IPv4 packet; fragment is the 16 bits of flags and offset."
    header_length = 20 + len(options)
    head = bytearray(struct.pack("!BBHHHBBH4s4s", version << 4 | (header_length // 4 if ihl is None else ihl), 0,
                                 header_length + len(payload) if length is None else length, 1, fragment, 64, protocol,
                                 0, socket.inet_aton(source), socket.inet_aton(destination)) + options)
    head[10:12] = struct.pack("!H", checksum(head))
    return bytes(head) + payload


def ipv6(source, destination, next_header, payload, version=6, length=None):
    return struct.pack("!IHBB16s16s", version << 28, len(payload) if length is None else length, next_header, 64,
                       socket.inet_pton(socket.AF_INET6, source), socket.inet_pton(socket.AF_INET6, destination)) + payload


def udp(sport, dport, payload=b""):
    "A UDP datagram without checksum."
    return struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


def tcp(sport, dport, payload=b"", flags=0x04):
    "A TCP segment (RST unless told, so that no one answers), without a valid checksum."
    return struct.pack("!HHIIBBHHH", sport, dport, 1, 0, 5 << 4, flags, 1024, 0, 0) + payload


# TCP, as the kernel's own counters have it

class TcpInfo(collections.namedtuple("TcpInfo", "unacked retransmitted segs_out segs_in bytes_sent")):
    """A few fields of struct tcp_info. Of an accepted connection segs_out is without the SYN-ACK."""

    @classmethod
    def of(cls, sock):
        raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)
        u32 = lambda offset: struct.unpack_from("=I", raw, offset)[0]
        return cls(u32(24), u32(100), u32(136), u32(140), struct.unpack_from("=Q", raw, 200)[0])


Connection = collections.namedtuple("Connection", "caller called")


def connect(client, server, family, target, port, source=None, devices=(None, None)):
    "A TCP connection between two namespaces, with SACK off, so that every segment but a SYN has a header of 32 bytes."
    for netns in client, server:
        netns.sysctl("net.ipv4.tcp_sack", 0)
    with server.socket(family, socket.SOCK_STREAM, bind=(target, port), device=devices[1]) as listener:
        listener.listen()
        caller = client.socket(family, socket.SOCK_STREAM, bind=source, device=devices[0])
        caller.connect((target, port))
        called = listener.accept()[0]
    called.settimeout(20 * PATIENCE)
    defer(called.close)
    return Connection(caller, called)


IP_HEADER = {"ipv4": 20, "ipv6": 40}


def on_the_wire(connection, family, header=None):
    """What went from caller to called and what came back, both (packets, bytes), as the sockets count it.

    Once all is acknowledged. The SYN has 8 bytes of options more than other segments, and so has the SYN-ACK, which is not
    in the counters of its socket.
    """
    header = (header or IP_HEADER[family]) + 32
    for sock in connection:
        wait_until(lambda: not TcpInfo.of(sock).unacked, what="the last acknowledgement")

    def arrived():
        "Acknowledgements of no data may still be on their way, in IPsec's hands for one."
        caller, called = map(TcpInfo.of, connection)
        return called.segs_in == caller.segs_out and caller.segs_in == called.segs_out + 1

    wait_until(arrived, what="all segments sent")
    caller, called = map(TcpInfo.of, connection)
    there = caller.segs_out, caller.segs_out * header + 8 + caller.bytes_sent
    back = called.segs_out + 1, (called.segs_out + 1) * header + 8 + called.bytes_sent
    equal((called.segs_in, caller.segs_in), (there[0], back[0]), "segments received and sent")
    return there, back


def transfer(sender, receiver, size):
    "Send size bytes, in large writes, and receive them all."
    sender.setblocking(False)
    receiver.setblocking(False)
    data, sent, received = memoryview(bytes(1 << 20)), 0, 0
    while received < size:
        readable, writable, _ = select.select([receiver], [sender] if sent < size else [], [], 30)
        check(readable or writable, f"stuck after {received} of {size} bytes")
        if writable:
            sent += sender.send(data[:size - sent])
        while readable:
            try:
                received += receiver.recv_into(_sink)
            except BlockingIOError:
                break


_sink = bytearray(1 << 20)


# portmon-ctl

def ctl(*arguments, netns=None, **options):
    "portmon-ctl ARGUMENTS --json, in a namespace: its document."
    with netns.enter() if netns else contextlib.nullcontext():
        return json.loads(sh("portmon-ctl", *arguments, "--json", **options))


# Records at will

class Packets:
    """Packets from a quiet namespace that nobody answers, each of 28 bytes; .sent is what they have to count as.

    out() leaves the namespace, through() is routed through it, within() stays on loopback. Each is over when the packets
    have been at their hooks, which may be later than when they were sent: on a busy machine softirqs are another thread's.
    """
    BYTES = 28
    PROTOCOL = {"tcp": 6, "udp": 17, "udplite": 136, "sctp": 132, "dccp": 33}

    def __init__(self, netns):
        netns.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        netns.sysctl("net.ipv4.ip_forward", 1)
        netns.ip("link set lo up", "link add sink type dummy", "addr add 192.0.2.1/24 dev sink", "link set sink up")
        self.netns, self.tun, self.sink, self.sent = netns, None, None, {}
        self.sockets = {t: netns.socket(socket.AF_INET, socket.SOCK_RAW, n) for t, n in self.PROTOCOL.items()}

    @staticmethod
    def _payload(sport, dport):
        "No transport accepts it, and none answers."
        return struct.pack("!HHI", sport, dport, 0)

    def _count(self, transport, n, *cells):
        for scope, port, tx in cells:
            more = Counts(0, 0, n, n * self.BYTES) if tx else Counts(n, n * self.BYTES)
            self.sent[scope, transport, port] = self.sent.get((scope, transport, port), Counts()) + more

    def _send(self, transport, sport, dport, n, to):
        for _ in range(n):
            self.sockets[transport].sendto(self._payload(sport, dport), (to, 0))

    @staticmethod
    def _wait(sock, payload):
        "Until a copy has arrived: a raw socket gets one behind local-in, one of packets behind forward."
        while not sock.recv(100).endswith(payload):
            pass

    def out(self, transport, sport, dport, n=1):
        self._send(transport, sport, dport, n, "192.0.2.2")
        self._count(transport, n, ("local", sport, True), ("remote", dport, True))

    def within(self, transport, sport, dport, n=1):
        for _ in range(n):
            self._send(transport, sport, dport, 1, "127.0.0.1")
            self._wait(self.sockets[transport], self._payload(sport, dport))
        self._count(transport, n, ("loopback", dport, False), ("loopback", sport, True))

    def through(self, transport, sport, dport, n=1):
        if not self.tun:
            self.netns.sysctl("net.ipv6.conf.default.disable_ipv6", 0)
            self.tun = Tun(self.netns)
            self.sink = self.netns.socket(socket.AF_PACKET, socket.SOCK_DGRAM, bind=("sink", 3))
        payload = self._payload(sport, dport)
        packet = ipv4(self.tun.far["ipv4"], "192.0.2.2", self.PROTOCOL[transport], payload)
        for _ in range(n):
            self.tun.write(packet)
            self._wait(self.sink, payload)
        self._count(transport, n, ("forward", dport, False), ("forward", sport, True))


# The independent count

class Nft:
    """nftables counters of a namespace, right after portmon at local-in and right before it at local-out and forward.

    To be made before an interface is up. They count buffers, not packets on the wire: the same unless offloads are at work.
    """
    HOOKS = {"local-in": ("input", -2147483647), "local-out": ("output", 2147483646), "forward": ("forward", 2147483646)}

    def __init__(self, netns, drop_in=False, transports=()):
        "drop_in: what arrived is dropped after it was counted, so that nothing answers. transports: those to count apart."
        self.netns = netns
        rules = ["table inet t {"]
        for hook, (name, priority) in self.HOOKS.items():
            apart = [(f"{hook}-{family}", f"meta nfproto {family}") for family in AF]
            apart += [(f"{counter}-{transport}", f"{match} meta l4proto {transport}")
                      for counter, match in apart for transport in transports]
            rules += [f"counter {counter} {{ }}" for counter, _ in apart]
            rules.append(f"chain {name} {{ type filter hook {name} priority {priority};")
            rules += [f"{match} counter name {counter}" for counter, match in apart]
            rules += ["drop"] if drop_in and hook == "local-in" else []
            rules.append("}")
        netns.run("nft", "-f", "-", input="\n".join(rules + ["}"]))

    def read_all(self):
        found = {}
        for item in json.loads(self.netns.run("nft", "-j", "list", "counters", "table", "inet", "t"))["nftables"]:
            if c := item.get("counter"):
                hook, family, transport = re.fullmatch(r"(.*)-(ipv.)(?:-(.*))?", c["name"]).groups()
                found[(hook, family) + ((transport,) if transport else ())] = (c["packets"], c["bytes"])
        return found

    def read(self):
        "{(hook, family): (packets, bytes)} of those that are not zero."
        return {key: sums for key, sums in self.read_all().items() if len(key) == 2 and sums[0]}

    def transports(self):
        "{(hook, family, transport): (packets, bytes)}"
        return {key: sums for key, sums in self.read_all().items() if len(key) == 3}


class Counters:
    """Named nftables counters of a namespace: Counters(netns, left="postrouting 300 oifname veth1 tcp dport 80").

    A rule is HOOK PRIORITY MATCH. read() returns {name: packets}.
    """
    count = 0

    def __init__(self, netns, **rules):
        Counters.count += 1
        self.netns, self.table = netns, f"c{Counters.count}"
        lines = [f"table inet {self.table} {{"]
        for name, rule in rules.items():
            hook, priority, match = rule.split(None, 2)
            lines += [f"counter {name} {{ }}", f"chain {name} {{ type filter hook {hook} priority {priority};",
                      f"{match} counter name {name}", "}"]
        netns.run("nft", "-f", "-", input="\n".join(lines + ["}"]))

    def read(self):
        found = json.loads(self.netns.run("nft", "-j", "list", "counters", "table", "inet", self.table))["nftables"]
        return {c["counter"]["name"]: c["counter"]["packets"] for c in found if "counter" in c}


def settled(portmon, nft):
    "Ports, overflow, buckets and nft counters of one moment: read until nothing comes in between."
    def twice():
        first = portmon.ports(), portmon.overflow(), portmon.buckets()
        independent = nft.read() if nft else None
        return (*first, independent) if first == (portmon.ports(), portmon.overflow(), portmon.buckets()) else None
    return wait_until(twice, what="a moment of silence")


def invariant(portmon, nft=None):
    """Nothing is uncounted, nothing counted twice. Returns (ports, overflow, buckets).

    For each hook and family the buckets together are what nft counted (pass nft unless offloads are at work); for each hook
    the ports of either side, with their overflow, are the bucket "ports".
    """
    *counters, independent = settled(portmon, nft)
    balance(*counters, independent)
    return counters


def balance(ports, overflow, buckets, independent=None):
    "invariant() of counters that were read already."
    if independent is not None:
        sums = {}
        for (hook, family, _), counts in buckets.items():
            sums[hook, family] = plus(sums.get((hook, family), (0, 0)), counts)
        equal(sums, independent, "the sums of the buckets and nft's counts")
    wanted, destination, source = {}, {}, {}
    for (hook, _, bucket), counts in buckets.items():
        if bucket == "ports":
            wanted[hook] = plus(wanted.get(hook, (0, 0)), counts)
    # Where a record's rx and tx were counted, and whether of the destination port (else the source port).
    cells = {"local": (("local-in", destination), ("local-out", source)),
             "remote": (("local-in", source), ("local-out", destination)),
             "forward": (("forward", destination), ("forward", source)),
             "loopback": (("local-in", destination), ("local-in", source))}
    for (scope, *_), counts in [*ports.items(), *overflow.items()]:
        for (hook, side), one in zip(cells[scope], (counts[:2], counts[2:])):
            side[hook] = plus(side.get(hook, (0, 0)), one)
    for side, what in (destination, "destination"), (source, "source"):
        side = {hook: sums for hook, sums in side.items() if sums != (0, 0)}
        equal(side, wanted, f"the sums over {what} ports and the bucket ports")


def add(sums, more):
    "Add counters by key."
    for key, counts in more.items():
        sums[key] = sums.get(key, Counts()) + counts


def plus(*sums):
    return tuple(map(sum, zip(*sums)))


def route(client, near_router, far, router, server, far_router, near):
    "Let a namespace between two pairs forward, and route the one end of them to the other."
    for knob in "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding":
        router.sysctl(knob, 1)
    for netns, gateway, target in (client, near_router, far), (server, far_router, near):
        netns.ip(f"route add {target.ipv4}/32 via {gateway.ipv4}", f"route add {target.ipv6}/128 via {gateway.ipv6}")


def traffic(*arguments, netns=None, **options):
    "Start the helper program (see traffic.c); netns as for Netns.popen."
    command = [os.environ.get("PORTMON_TRAFFIC", f"{HERE}/traffic"), *map(str, arguments)]
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, **options}
    if netns:
        return netns.popen(*command, **options)
    process = subprocess.Popen(command, text=True, **options)
    defer(_end, process)
    return process


def finish(process):
    "End a program that waits for the end of its standard input (or ends by itself); what it printed."
    out, _ = process.communicate(timeout=60 * PATIENCE)
    equal(process.returncode, 0, f"status of {process.args}")
    return out
