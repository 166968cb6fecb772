#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tens of thousands of forged packets in, out and through: each is in a port or in a bucket, as nftables counted them.

PORTMON_FUZZ: packets by tun in each case (default 12000). PORTMON_SEED: repeats a run.
"""
import itertools
import os
import random
import subprocess

from lib.counts import Nft, invariant
from lib.kernel import KernelLog
from lib.ktap import HERE, case, check, equal, note, run
from lib.module import Hook
from lib.netns import AF, Netns, Tun, pair

# In this build what the short ways make of a packet is held against the long one.
Hook()
PACKETS = int(os.environ.get("PORTMON_FUZZ", 12000))
SEED = int(os.environ.get("PORTMON_SEED", random.getrandbits(32)))


class Target:
    "A host between a tun device and another namespace. What it sends gets as far as postrouting."

    def __init__(self, vnet):
        self.host, beyond = Netns(on=True), Netns()
        self.nft = Nft(self.host)
        self.host.run("nft", "-f", "-", input="table inet end {\nchain end {\ntype filter hook postrouting priority 0\ndrop\n}\n}\n")
        for sysctl in "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding":
            self.host.sysctl(sysctl, 1)
        self.tun = Tun(self.host, vnet=vnet)
        _, self.far = pair(self.host, beyond)
        self.vnet = vnet

    def forge(self, seed, count):
        tun = self.tun
        addresses = [a for family in ("ipv4", "ipv6") for a in (tun.far[family], getattr(tun, family), getattr(self.far, family))]
        os.set_inheritable(tun.fd, True)
        process = self.host.popen(os.environ.get("PORTMON_FORGE", f"{HERE}/forge"), str(seed), str(count), str(tun.fd),
                                  str(int(self.vnet)), *addresses, stdout=subprocess.PIPE, pass_fds=[tun.fd])
        out, _ = process.communicate(timeout=280)
        equal(process.returncode, 0, "status of the forge")
        return int(out)


def hold(log):
    equal([text for level, text in log.lines() if level <= 3 or "portmon" in text], [], "kernel log")


@case()
def forged():
    "headers, options, extension headers, fragments and lengths of every kind, in, out and through: ports and buckets are all packets"
    target, log = Target(False), KernelLog()
    taken = target.forge(SEED, PACKETS)
    ports, overflow, buckets = invariant(target.host.portmon, target.nft)
    passed = {}
    for (hook, family, bucket), (packets, _) in buckets.items():
        passed.setdefault((hook, family), {})[bucket] = packets
    for way, found in sorted(passed.items()):
        note(f"seed {SEED}, {', '.join(way)}: " + ", ".join(f"{n} {what}" for what, n in found.items() if isinstance(what, str)) +
             f", {sum(n for what, n in found.items() if not isinstance(what, str))} of {sum(not isinstance(w, str) for w in found)} protocols")
    # That it was what it should be: most came through, and to every bucket there is on this way.
    check(taken > PACKETS / 2, f"the kernel took {taken} of {PACKETS}")
    for hook, family in itertools.product(("local-in", "local-out", "forward"), AF):
        kinds = {"ports", "fragment", "truncated"} | ({"malformed"} if family == "ipv6" else set())
        check(sum(passed.get((hook, family), {}).values()) > PACKETS / 16, f"{hook} {family}: too few packets")
        missing = kinds - passed.get((hook, family), {}).keys()
        # Received fragments are reassembled before the hook, or not at all.
        missing -= {"fragment"} if (hook, family) == ("local-in", "ipv4") else set()
        check(not missing, f"{hook} {family}: no packet in {missing}")
    hold(log)


@case()
def forged_gso():
    "large buffers whose segments an untrusted sender lies about: what the ports have is what the buckets have"
    target, log = Target(True), KernelLog()
    taken = target.forge(SEED, PACKETS)
    invariant(target.host.portmon)
    counted = sum(packets for packets, _ in target.host.portmon.buckets().values())
    buffers = sum(packets for packets, _ in target.nft.read().values())
    note(f"seed {SEED}: the kernel took {taken} of {PACKETS}; {counted} packets in {buffers} buffers")
    check(taken > PACKETS / 20 and counted > buffers, "no large buffer came through")
    hold(log)


run()
