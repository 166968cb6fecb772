# SPDX-License-Identifier: GPL-2.0
"""Network namespaces, and the veth pairs, tun devices and routes between them."""
import collections
import contextlib
import ctypes
import fcntl
import json
import os
import random
import socket
import struct
import subprocess

from lib.kernel import libc
from lib.ktap import PATIENCE, defer, equal, wait_until
from lib.nlclient import Portmon
from lib.process import end_process, sh, write_file


class Netns:
    """A new namespace with a random name, deleted when the case ends; on=True enables portmon in it.

    No interface is up, so that counters exist before the first packet. IPv6 sends nothing unasked, as far as
    sysctls allow.
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
        "Enter the namespace (this thread): sockets and processes created inside belong to it."
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
        defer(end_process, process)
        return process

    def ip(self, *lines):
        "Run ip(8) commands, one a line, in one batch."
        self.run("ip", "-batch", "-", input="\n".join(lines) + "\n")

    def sysctl(self, name, value):
        with self.enter():
            write_file("/proc/sys/" + name.replace(".", "/"), value)

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

    The kernel sets its carrier later (net/core/link_watch.c), and drops its packets until then. ip(8) asks
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


def route(client, near_router, far, router, server, far_router, near):
    "Let a namespace between two pairs forward, and route the one end of them to the other."
    for knob in "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding":
        router.sysctl(knob, 1)
    for netns, gateway, target in (client, near_router, far), (server, far_router, near):
        netns.ip(f"route add {target.ipv4}/32 via {gateway.ipv4}", f"route add {target.ipv6}/128 via {gateway.ipv6}")


def hosts(on=(True, True), **link):
    "Two hosts and what is between them: (client, server), (near, far)."
    netns = [Netns(on=o) for o in on]
    ends = pair(*netns, **link)
    return netns, ends
