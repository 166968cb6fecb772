# SPDX-License-Identifier: GPL-2.0
"""Counts that do not come from portmon: nftables, the MIBs. And the invariant that portmon's counters keep to."""
import collections
import json
import re

from lib.ktap import equal, wait_until
from lib.netns import AF
from lib.nlclient import Counts


class Nft:
    """nftables counters of a namespace, right after portmon at local-in and right before it at local-out and forward.

    Create them before an interface is up. They count buffers, not packets on the wire, which differ only with offloads.
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
    "Ports, overflow, buckets and nft counters of one moment: read until two readings are equal."
    def twice():
        first = portmon.ports(), portmon.overflow(), portmon.buckets()
        independent = nft.read() if nft else None
        return (*first, independent) if first == (portmon.ports(), portmon.overflow(), portmon.buckets()) else None
    return wait_until(twice, what="two equal readings")


def invariant(portmon, nft=None):
    """Everything is counted exactly once. Returns (ports, overflow, buckets).

    For each hook and family the buckets together are what nft counted (pass nft unless offloads are at work); for each hook
    the ports of either side, with their overflow, are the bucket "ports".
    """
    *counters, independent = settled(portmon, nft)
    balance(*counters, independent)
    return counters


def at_rest(portmon, nft, counters):
    "Ports with packets, buckets, and the counters, all read while nothing changes."
    def same():
        before = counters.read()
        ports, _, buckets = invariant(portmon, nft)
        return ({key: c for key, c in ports.items() if any(c)}, buckets, before) if counters.read() == before else None
    return wait_until(same, what="two equal readings")


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


def mib(netns):
    "The stack's own counters of a namespace, as nstat(8) names them: a dict that has 0 for what is not there."
    found = collections.defaultdict(int)
    with netns.enter():
        for name in "netstat", "snmp":
            with open(f"/proc/thread-self/net/{name}") as file:
                lines = file.read().splitlines()
            for names, values in zip(lines[::2], lines[1::2]):
                prefix, *names = names.split()
                prefix = "" if prefix == "TcpExt:" else prefix.rstrip(":")
                found.update((prefix + key, int(value)) for key, value in zip(names, values.split()[1:]))
        with open("/proc/thread-self/net/snmp6") as file:
            found.update((key, int(value)) for key, value in (line.split() for line in file))
    return found
