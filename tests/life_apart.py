#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A drop belongs to the namespace whose stack dropped it, or to none, however the packet got there from another."""
import contextlib
import json
import socket

from lib.counts import mib
from lib.ktap import becomes, case, check, equal, eventually, run, wait_until
from lib.netns import AF, Netns, carried, pair

FIRST, N = 20000, 5
# What becomes of a datagram, by the port that it is sent to.
CLASSIFIER, FIREWALL, CLOSED, FULL, OUT = 5001, 5002, 5003, 5004, 5005


class Link:
    "Two namespaces, a and b, their devices and addresses, and the namespaces that are between them."

    def __init__(self, kind):
        self.a, self.b = Netns(on=True), Netns(on=True)
        self.dev, self.between = {self.a: "x1", self.b: "x1"}, []
        self.address = {self.a: {"ipv4": "10.66.0.1", "ipv6": "fd00:66::1"}, self.b: {"ipv4": "10.66.0.2", "ipv6": "fd00:66::2"}}
        getattr(self, kind)()
        for netns in self.a, self.b:
            netns.ip(f"addr add {self.address[netns]['ipv4']}/24 dev x1", f"addr add {self.address[netns]['ipv6']}/64 dev x1 nodad",
                     "link set x1 up")
        if kind in ("veth", "macvlan"):
            carried(self.a, "x1")
        for netns in self.between:
            netns.portmon.reset()       # what IPv6 said before both ends were up

    def veth(self):
        self.a.ip(f"link add x1 type veth peer name x1 netns {self.b.name}")

    def _below(self, kind):
        "Two devices of this kind above one that a third namespace has."
        lower = Netns(on=True)
        lower.ip("link add low type dummy", "link set low up",
                 *(f"link add x1 link low netns {netns.name} type {kind}" for netns in (self.a, self.b)))
        self.between = [lower]

    def macvlan(self):
        self._below("macvlan mode bridge")

    def ipvlan(self):
        self._below("ipvlan mode l2")

    def ipvlan_l3s(self):
        self._below("ipvlan mode l3s")

    def vxlan(self):
        "A tunnel, whose packets go between two more namespaces."
        one, two = self.between = Netns(on=True), Netns(on=True)
        self.ends = pair(one, two)
        for me, peer, inside in zip(self.ends, self.ends[::-1], (self.a, self.b)):
            me.netns.ip(f"link add x1 type vxlan id 5 local {me.ipv4} remote {peer.ipv4} dstport 4789 dev {me.dev}",
                        f"link set x1 netns {inside.name}")

    def send(self, family, port, n=N):
        "Datagrams from b to a."
        sock = self.b.socket(family, socket.SOCK_DGRAM, bind=(self.address[self.b][family], 0))
        for _ in range(n):
            with contextlib.suppress(ConnectionRefusedError, OSError):
                sock.sendto(bytes(100), (self.address[self.a][family], port))


def classifier(netns, dev, way, port, family):
    "A classifier that drops datagrams to a port; returns how to read how many."
    netns.run("tc", "filter", "add", "dev", dev, way, "protocol", "ip" if family == "ipv4" else "ipv6", "pref", family[-1],
              "flower", "ip_proto", "udp", "dst_port", str(port), "action", "drop")
    return lambda: sum(action["stats"]["packets"] for rule in json.loads(netns.run("tc", "-s", "-j", "filter", "show", "dev", dev, way))
                       for action in rule.get("options", {}).get("actions", ()))


def firewall(netns, hook, match):
    netns.run("nft", "-f", "-", input=f"""table inet {hook} {{ counter n {{ }}
        chain c {{ type filter hook {hook} priority 0; {match} counter name n drop
        }}
    }}""")
    return lambda: json.loads(netns.run("nft", "-j", "list", "counters", "table", "inet", hook))["nftables"][1]["counter"]["packets"]


@case("veth", "macvlan", "ipvlan", "ipvlan_l3s", "vxlan")
def whose(kind):
    "a packet from another namespace is a drop of the namespace that dropped it, never of the sender; by a"
    link = Link(kind)
    a, b = link.a, link.b
    for netns in a, b:
        netns.run("tc", "qdisc", "add", "dev", "x1", "clsact")
    full = {family: a.socket(family, socket.SOCK_DGRAM, bind=(link.address[a][family], FULL)) for family in AF}
    dropped = firewall(a, "prerouting", f"udp dport {FIREWALL}")
    for sock in full.values():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
    for family in AF:
        ingress, egress = classifier(a, "x1", "ingress", CLASSIFIER, family), classifier(b, "x1", "egress", OUT, family)
        for port in CLASSIFIER, FIREWALL, CLOSED, OUT:
            link.send(family, port)
        link.send(family, FULL, 20)
    becomes(ingress, 2 * N, "dropped by the classifier on the way in")
    becomes(egress, 2 * N, "dropped by the classifier on output")
    becomes(dropped, 2 * N, "dropped by the firewall")
    overflow = wait_until(lambda: mib(a)["UdpRcvbufErrors"] + mib(a)["Udp6RcvbufErrors"], what="a full socket")
    def arrived():
        "What a classifier drops as it arrives is before IP, so it may have no port yet; behind a tunnel it has one."
        found = a.portmon.drops()
        early = found.pop(("local", "udp", CLASSIFIER), None)
        check(early in ({"TC_INGRESS": 2 * N}, None if kind != "vxlan" else 0), f"drops by the classifier where they arrived: {early}")
        return found
    becomes(arrived, {("local", "udp", FIREWALL): {"NETFILTER_DROP": 2 * N}, ("local", "udp", CLOSED): {"NO_SOCKET": 2 * N},
                      ("local", "udp", FULL): {"SOCKET_RCVBUFF": overflow}}, "drops where they arrived")
    becomes(b.portmon.drops, {("remote", "udp", OUT): {"TC_EGRESS": 2 * N}}, "drops where they were sent")
    for netns in link.between:
        equal(netns.portmon.drops(), {}, "drops between the two")


@case("macvlan", "ipvlan", "ipvlan_l3s")
def below(kind):
    "what the device below drops, in a third namespace, is not of the sender; by a"
    link = Link(kind)
    lower, = link.between
    lower.run("tc", "qdisc", "add", "dev", "low", "clsact")
    n = classifier(lower, "low", "egress", OUT, "ipv4")
    link.b.ip("neigh add 10.66.0.9 lladdr 02:77:00:00:00:09 dev x1") if kind != "ipvlan_l3s" else None
    sock = link.b.socket("ipv4", socket.SOCK_DGRAM)
    for _ in range(N):
        with contextlib.suppress(OSError):
            sock.sendto(bytes(100), ("10.66.0.9", OUT))
    becomes(n, N, "dropped by the classifier of the device below")
    for netns in link.a, link.b:
        equal(netns.portmon.drops(), {}, "drops in the namespaces above")


@case("output", "egress", "prerouting", "ingress")
def outer(hook):
    "a tunnel whose packets go through other namespaces, which drop them: theirs, or of none, not of who sent what is inside;"
    link = Link("vxlan")
    one, two = link.between
    if hook in ("output", "prerouting"):
        n = firewall(two if hook == "output" else one, hook, "udp dport 4789")
    else:
        end = link.ends[1 if hook == "egress" else 0]
        end.netns.run("tc", "qdisc", "add", "dev", end.dev, "clsact")
        n = classifier(end.netns, end.dev, hook, 4789, "ipv4")
    link.b.ip(f"neigh add {link.address[link.a]['ipv4']} lladdr 02:77:00:00:00:09 dev x1")
    before = n()
    link.send("ipv4", CLOSED)
    becomes(lambda: n() >= before + N, True, "dropped")
    scope, reason = {"output": ("remote", "NETFILTER_DROP"), "egress": ("remote", "TC_EGRESS"),
                     "prerouting": ("local", "NETFILTER_DROP"), "ingress": ("local", "TC_INGRESS")}[hook]
    def agree():
        whole = n()
        equal((link.a.portmon.drops(), link.b.portmon.drops()), ({}, {}), "drops at the ends of the tunnel")
        for netns in one, two:
            found, mine = netns.portmon.drops(), netns is (two if hook in ("output", "egress") else one)
            # What a classifier drops as it arrives may have no port yet.
            if mine and (found or hook != "ingress"):
                equal(found, {(scope, "udp", 4789): {reason: whole}}, "drops where they were dropped")
            else:
                equal(found, {}, "drops elsewhere")
        equal(n(), whole, "dropped meanwhile")
    eventually(agree)


run()
