#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The switches lifecycle and drops, and resets while connections are made and refused."""
import errno
import os
import pickle
import socket
import subprocess
import time

from lib.counts import mib
from lib.kernel import CPUS
from lib.ktap import becomes, case, check, equal, run, wait_until
from lib.module import parameter, reload_module
from lib.netns import Netns, hosts
from lib.nlclient import NlError, Portmon, drops_of, tcp_of
from lib.process import finish, traffic
from lib.tcp_events import Server, connections, events, delay_retransmits, total, no_retransmits

PORT, FIRST = 443, 20000


def traffic_of(client, near, far, first):
    "Three connections, two refused, one datagram that is dropped."
    listener = Server(far.netns, PORT)
    equal(connections(client, near.ipv4, far.ipv4, first, PORT, 3), 3, "connections made")
    equal(connections(client, near.ipv4, far.ipv4, first, 80, 2), 0, "connections to a closed port")
    client.socket("ipv4", socket.SOCK_DGRAM, bind=(near.ipv4, first)).sendto(b"x", (far.ipv4, 53))
    listener.accepted()


def own(netns):
    "TCP events of the ports that this host serves."
    return {port: counts for (scope, port), counts in netns.portmon.tcp(scope="local").items() if port < 1024}


EVENTS = {PORT: events(syn_received=3, synack_sent=3, established=3, fin=6), 80: events(syn_received=2, rst_sent=2)}
DROPS = {("local", "tcp", 80): {"NO_SOCKET": 2}, ("local", "udp", 53): {"NO_SOCKET": 1}}


@case()
def switches():
    "each one disabled stops counting, keeps its counts and continues when enabled again; packets always count"
    (client, server), (near, far) = hosts()
    pm = server.portmon
    turns = {name: 0 for name in ("packets", "lifecycle", "drops")}
    for turn, (lifecycle, drops) in enumerate(((1, 1), (0, 1), (1, 0), (0, 0), (1, 1))):
        for name, value in ("lifecycle", lifecycle), ("drops", drops):
            if pm.do("info-get")[name] != value:
                equal(pm.do("netns-set", **{name: value})[name], value, f"{name} in the answer")
            try:
                pm.do("netns-set", **{name: value})
                raise AssertionError(f"{name}={value} twice is let through")
            except NlError as error:
                equal(error.errno, errno.EALREADY, f"{name}={value} twice: {error}")
        traffic_of(client, near, far, FIRST + 10 * turn)
        for name, on in ("packets", 1), ("lifecycle", lifecycle), ("drops", drops):
            turns[name] += on
        becomes(lambda: pm.ports()["local", "udp", 53].rx, turns["packets"], "datagrams arrived")
        wanted = {port: {k: v * turns["lifecycle"] for k, v in counts.items()} for port, counts in EVENTS.items()}
        becomes(lambda: own(server), wanted, f"TCP events after turn {turn}")
        wanted = {key: {k: v * turns["drops"] for k, v in counts.items()} for key, counts in DROPS.items()}
        becomes(pm.drops, wanted, f"drops after turn {turn}")
    # The other end was on all the while.
    equal(client.portmon.tcp()["remote", PORT]["established"], 15, "established at the client")


@case("lifecycle", "drops", "both")
def parameters_of(which):
    "a module parameter says how counting begins, and netns-set can say otherwise;"
    names = ("lifecycle", "drops") if which == "both" else (which,)
    for name in names:
        parameter(name, 0)
    (client, server), (near, far) = hosts()
    equal({name: server.portmon.do("info-get")[name] for name in ("lifecycle", "drops")},
          {name: int(name not in names) for name in ("lifecycle", "drops")}, "switches")
    traffic_of(client, near, far, FIRST)
    becomes(lambda: server.portmon.ports()["local", "udp", 53].rx, 1, "datagrams arrived")
    becomes(lambda: (own(server), server.portmon.drops()),
            ({} if "lifecycle" in names else EVENTS, {} if "drops" in names else DROPS), "TCP events and drops")
    netns = Netns()
    pm = Portmon(netns)
    answer = pm.do("netns-set", enabled=1, **{name: 1 for name in names})
    equal((answer["lifecycle"], answer["drops"]), (1, 1), "requested switches")


@case()
def off():
    "in a namespace that is off nothing can be followed, and nothing is"
    (client, server), (near, far) = hosts(on=(True, False))
    pm = Portmon(server)
    for name in "lifecycle", "drops":
        try:
            pm.do("netns-set", **{name: 1})
            raise AssertionError(f"{name}=1 is let through")
        except NlError as error:
            equal(error.errno, errno.ENETDOWN, f"{name}=1: {error}")
    traffic_of(client, near, far, FIRST)
    wait_until(lambda: mib(server)["UdpNoPorts"], what="the datagram")
    pm.do("netns-set", enabled=1)
    equal((pm.tcp(), pm.drops()), ({}, {}), "TCP events and drops of before")


@case()
def last():
    "the last namespace that follows is switched off, and others on: the kernel's tracepoints are released and registered again"
    reload_module()
    home = Portmon()
    for turn in range(2):
        home.do("netns-set", enabled=0)
        (client, server), (near, far) = hosts()
        traffic_of(client, near, far, FIRST)
        becomes(lambda: own(server), EVENTS, f"TCP events of turn {turn}")
        becomes(server.portmon.drops, DROPS, f"drops of turn {turn}")
        check("missing" not in server.portmon.do("info-get"), "a tracepoint is missing")
        for netns in client, server:
            netns.portmon.do("netns-set", enabled=0)
        equal(home.do("netns-set", enabled=1)["enabled"], 1, "the initial namespace is on")


@case()
def resets():
    "resets by two at once while connections are made and refused: what they returned and what is left is what happened"
    n = 400
    (client, server), (near, far) = hosts()
    delay_retransmits(near, far)
    listener = Server(server, PORT)
    with no_retransmits(client):
        running = [traffic("connect", CPUS[-1], near.ipv4, far.ipv4, FIRST, port, n, "fin", netns=client, stdin=subprocess.DEVNULL)
                   for port in (PORT, 80)]
        read_end, write_end = os.pipe()
        pid = os.fork()
        if not pid:
            status = 1
            try:
                os.sched_setaffinity(0, [CPUS[0]])
                found = gather(Portmon(server), running)
                with os.fdopen(write_end, "wb") as pipe:
                    pickle.dump(found, pipe)
                status = 0
            finally:
                os._exit(status)
        os.close(write_end)
        mine = gather(server.portmon, running)
        with os.fdopen(read_end, "rb") as pipe:
            theirs = pickle.load(pipe)
        equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, "the other who resets")
        equal([int(finish(process)) for process in running], [n, 0], "connections made")
    listener.accepted(n)
    time.sleep(0.2)
    rest = reset(server.portmon)
    for who, counts in ("the one", mine), ("the other", theirs):
        check(counts[0], f"{who} who resets had nothing")
    done = {("local", PORT): events(syn_received=n, synack_sent=n, established=n, fin=2 * n),
            ("local", 80): events(syn_received=n, rst_sent=n)}
    peers = {("remote", FIRST + i): events(syn_received=2, synack_sent=1, fin=2, rst_sent=1) for i in range(n)}
    equal(total(mine[0], theirs[0], rest[0]), {**done, **peers}, "TCP events returned")
    equal(total(mine[1], theirs[1], rest[1]), {("local", "tcp", 80): {"NO_SOCKET": n}}, "drops returned")
    equal((server.portmon.tcp(), server.portmon.drops()), ({}, {}), "what is left after the last reset")


def reset(portmon):
    records = portmon.reset(transport="tcp")
    return tcp_of(records), drops_of(records)


def gather(portmon, running):
    "Reset until the traffic is over: the sums of TCP events and of drops that were returned."
    sums = {}, {}
    while any(not exited(process.pid) for process in running):
        sums = tuple(map(total, sums, reset(portmon)))
    return sums


def exited(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "Z"


run()
