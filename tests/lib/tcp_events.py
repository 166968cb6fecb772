# SPDX-License-Identifier: GPL-2.0
"""TCP events and drops: expected events by record, connections in number, the stack's own counters."""
import contextlib
import os
import re
import subprocess

from lib.counts import mib
from lib.kernel import CPUS
from lib.ktap import Late, equal
from lib.process import finish, traffic


def events(**counts):
    "TCP events by name: events(syn_sent=1)."
    return {name.replace("_", "-"): count for name, count in counts.items() if count}


def host(local, remote, packets, at_local={}, at_remote={}):
    "One host's events of a connection: the packets in the records of both ports, others in one record."
    return {("local", local): {**packets, **at_local}, ("remote", remote): {**packets, **at_remote}}


def mirror(packets):
    "The same packets at the other host."
    other = {"received": "sent", "sent": "received"}
    return {re.sub("received|sent", lambda m: other[m[0]], name): count for name, count in packets.items()}


def total(*records):
    "Sums of TCP events, or of drops, by record."
    sums = {}
    for record in records:
        for key, counts in record.items():
            into = sums.setdefault(key, {})
            for name, count in counts.items():
                into[name] = into.get(name, 0) + count
    return sums


def retransmits(netns):
    "Segments that the stack retransmitted, without those that it could not send."
    counters = mib(netns)
    return counters["TcpRetransSegs"] - counters["TCPRetransFail"]


def delay_retransmits(*ends, wait="20s"):
    "Prevent retransmissions that only a busy machine causes."
    for end in ends:
        end.netns.sysctl("net.ipv4.tcp_early_retrans", 0)
        v4, v6 = end.ipv4.rpartition(".")[0] + ".0/24", end.ipv6.rpartition("::")[0] + "::/64"
        end.netns.ip(f"route replace {v4} dev {end.dev} proto kernel scope link src {end.ipv4} rto_min {wait}",
                     f"route replace {v6} dev {end.dev} proto kernel metric 256 rto_min {wait}")


@contextlib.contextmanager
def no_retransmits(netns):
    "Nothing is lost inside this block: a retransmission means that the machine was too busy to answer in time."
    before = retransmits(netns)
    yield
    if retransmits(netns) != before:
        raise Late("the stack retransmitted segments that were not lost")


class Server:
    """A program that accepts connections to a port, on IPv4 and IPv6, and closes each when the other end does.

    On the same CPU as connections(): on two a FIN can overtake the ACK before it, which is then answered, and that with RST.
    """

    def __init__(self, netns, port, cpu=CPUS[-1], lossy=False):
        self.calm = contextlib.ExitStack()
        if not lossy:
            self.calm.enter_context(no_retransmits(netns))
        self.process = traffic("serve", cpu, port, netns=netns)
        equal(self.process.stdout.readline(), "ready\n", "the server")

    def accepted(self, wanted=None):
        "End it when it has accepted so many; check that they were no more."
        with self.calm:
            got = int(finish(self.process, str(wanted or 0)))
        if wanted is not None:
            equal(got, wanted, "connections accepted")


def pinned():
    "From here on everything runs on the CPU of Server and connections(), for the same reason."
    os.sched_setaffinity(0, {CPUS[-1]})


def connections(netns, source, target, sport, port, n, end="fin", cpu=CPUS[-1], lossy=False):
    "Make connections one after the other, from ports that count up; how many were established."
    with contextlib.nullcontext() if lossy else no_retransmits(netns):
        return int(finish(traffic("connect", cpu, source, target, sport, port, n, end, netns=netns, stdin=subprocess.DEVNULL)))
