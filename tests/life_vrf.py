#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""TCP within a VRF, out of it and into it: what the stack tells counts at the scope of the packets."""
import contextlib
import errno
import socket

from lib.connection import state_of
from lib.counts import Counters
from lib.ktap import PATIENCE, becomes, case, check, equal, run, wait_until
from lib.netns import AF, Netns, address, pair
from lib.tcp_events import events, host, mirror, pinned, retransmits, total, no_retransmits

PORT, FIRST, N = 443, 20000, 5
WITHIN = {("loopback", PORT): events(syn_received=N, synack_sent=N, established=N, fin=2 * N),
          **{("loopback", FIRST + i): events(syn_sent=1, synack_received=1, fin=2) for i in range(N)}}
CLOSED = {("loopback", PORT + 1): events(syn_received=N, rst_sent=N, failed=N),
          **{("loopback", FIRST + i): events(syn_sent=1, rst_received=1) for i in range(N)}}

pinned()


def vrf(netns, name, table, end=None):
    "A VRF, which has a device for its port."
    netns.ip(f"link add {name} type vrf table {table}", f"link set {name} up",
             # Moving a device into a VRF takes its IPv6 addresses away.
             *([f"link set {end.dev} master {name}", f"addr replace {end.ipv6}/64 dev {end.dev} nodad"] if end else []))


def exchange(client, server, source, target, port=PORT, devices=(None, None)):
    "Connections one after the other, each closed by both."
    family = "ipv6" if ":" in target else "ipv4"
    with contextlib.ExitStack() as stack:
        for netns in client, server:
            stack.enter_context(no_retransmits(netns))
        listener = stack.enter_context(server.socket(family, socket.SOCK_STREAM, bind=(target, PORT), device=devices[1]))
        listener.listen()
        for i in range(N):
            sock = stack.enter_context(client.socket(family, socket.SOCK_STREAM, bind=(source, FIRST + i), device=devices[0]))
            if port == PORT:
                sock.connect((target, port))
                called = stack.enter_context(listener.accept()[0])
                called.settimeout(20 * PATIENCE)
                sock.shutdown(socket.SHUT_WR)
                equal(called.recv(10), b"", "end of data")
                called.close()
                equal(sock.recv(10), b"", "end of data")
            else:
                equal(sock.connect_ex((target, port)), errno.ECONNREFUSED, "connect")
            sock.close()


def of_host(scope_packets, made=True):
    "What N connections are at the one host, which begins ('remote') or accepts ('local') them."
    packets = events(syn_sent=1, synack_received=1, fin=2) if made else events(syn_sent=1, rst_received=1)
    if scope_packets == "remote":
        return total(*(host(FIRST + i, PORT, packets, at_remote=events(established=1) if made else events(failed=1)) for i in range(N)))
    return total(*(host(PORT, FIRST + i, mirror(packets), at_local=events(established=1) if made else {}) for i in range(N)))


@case()
def within():
    "at an address of the VRF's own device and of a port of it: SYN, established, failed and FIN are loopback"
    netns = Netns(on=True)
    end = pair(netns, Netns())[0]
    vrf(netns, "vrf1", 10, end)
    netns.ip("addr add 10.99.0.1 dev vrf1", "addr add fd00:99::1 dev vrf1 nodad")
    for target in "10.99.0.1", "fd00:99::1", end.ipv4, end.ipv6:
        exchange(netns, netns, target, target, devices=("vrf1", "vrf1"))
        exchange(netns, netns, target, target, PORT + 1, devices=("vrf1", "vrf1"))
    becomes(netns.portmon.tcp, total(*[WITHIN, CLOSED] * 4), "TCP events")
    becomes(netns.portmon.drops, {("loopback", "tcp", PORT + 1): {"NO_SOCKET": 4 * N}}, "drops")


@case()
def between():
    "with another host, both ways: local or remote, as without a VRF, though another VRF has the same addresses for its own"
    netns, other = Netns(on=True), Netns()
    near, far = pair(netns, other)
    vrf(netns, "vrf1", 10, near)
    vrf(netns, "vrf2", 20)
    for family in AF:
        here, there = address(near, family), address(far, family)
        netns.ip(*(f"addr add {a} dev vrf2" + (" nodad" if family == "ipv6" else "") for a in (here, there)))
        exchange(netns, other, here, there, devices=("vrf1", None))
        exchange(netns, other, here, there, PORT + 1, devices=("vrf1", None))
        exchange(other, netns, there, here, devices=(None, "vrf1"))
        # And within the other VRF, at the same addresses and ports.
        exchange(netns, netns, here, there, devices=("vrf2", "vrf2"))
    refused = {(scope, PORT + 1 if port == PORT else port): counts for (scope, port), counts in of_host("remote", False).items()}
    becomes(netns.portmon.tcp, total(*[of_host("remote"), refused, of_host("local"), WITHIN] * 2), "TCP events")


@case()
def outside():
    "with another host whose address a device outside of the VRF has: remote; with that address outside: loopback"
    netns, other = Netns(on=True), Netns()
    near, far = pair(netns, other)
    vrf(netns, "vrf1", 10, near)
    netns.ip("link set lo up", "link add d1 type dummy", "link set d1 up", f"addr add {far.ipv4} dev d1", f"addr add {far.ipv6} dev d1 nodad")
    for family in AF:
        # Routes of a VRF come before those of the host, as the kernel's documentation advises (networking/vrf).
        for line in "rule add pref 32765 lookup local", "rule del pref 0":
            netns.run("ip", f"-{family[-1]}", *line.split())
        there = address(far, family)
        exchange(netns, other, address(near, family), there, devices=("vrf1", None))
        exchange(netns, netns, there, there)
    becomes(netns.portmon.tcp, total(*[of_host("remote"), WITHIN] * 2), "TCP events")


@case("within", "with another host")
def retransmitted(where):
    "an unanswered SYN is retransmitted and fails in the scope of its packets;"
    netns, other = Netns(on=True), Netns()
    near, far = pair(netns, other)
    vrf(netns, "vrf1", 10, near)
    for host_ in netns, other:
        host_.run("nft", "-f", "-", input=f"table inet d {{ chain in {{ type filter hook input priority 0\n tcp dport {PORT} drop\n }}\n }}")
    netns.ip("addr add fd00:99::1/128 dev vrf1 nodad")
    socks = []
    targets = [near.ipv4, "fd00:99::1"] if where == "within" else [far.ipv4, far.ipv6]
    for i, target in enumerate(targets):
        source = (near.ipv4, near.ipv6)[i] if where != "within" else target
        sock = netns.socket("ipv6" if i else "ipv4", socket.SOCK_STREAM, bind=(source, FIRST), device="vrf1")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
        sock.setblocking(False)
        equal(sock.connect_ex((target, PORT)), errno.EINPROGRESS, "connect")
        socks.append(sock)
    for sock in socks:
        wait_until(lambda: sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ETIMEDOUT, what="giving up")
    again = retransmits(netns)
    check(again >= 2, f"SYNs retransmitted: {again}")
    if where == "within":
        wanted = {("loopback", PORT): events(syn_received=2 + again, retransmitted=again, failed=2),
                  ("loopback", FIRST): events(syn_sent=2 + again, retransmitted=again)}
        becomes(netns.portmon.drops, {("loopback", "tcp", PORT): {"NETFILTER_DROP": 2 + again}}, "drops")
    else:
        wanted = host(FIRST, PORT, events(syn_sent=2 + again, retransmitted=again), at_remote=events(failed=2))
    becomes(netns.portmon.tcp, wanted, "TCP events")


@case()
def down():
    "a connection within a VRF whose device goes down before it is answered: what is given up is loopback"
    netns = Netns(on=True)
    vrf(netns, "vrf1", 10)
    netns.sysctl("net.ipv6.conf.vrf1.keep_addr_on_down", 1)
    netns.ip("addr add 10.99.0.1 dev vrf1", "addr add fd00:99::1 dev vrf1 nodad")
    syns = Counters(netns, syns=f"input -10 tcp dport {PORT}")
    netns.run("nft", "-f", "-", input=f"table inet d {{ chain in {{ type filter hook input priority 0\n tcp dport {PORT} drop\n }}\n }}")
    socks = []
    for family, own in ("ipv4", "10.99.0.1"), ("ipv6", "fd00:99::1"):
        sock = netns.socket(family, socket.SOCK_STREAM, bind=(own, FIRST), device="vrf1")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
        sock.setblocking(False)
        equal(sock.connect_ex((own, PORT)), errno.EINPROGRESS, "connect")
        socks.append(sock)
    becomes(syns.read, {"syns": 2}, "SYNs")
    netns.ip("link set vrf1 down")
    for sock in socks:
        wait_until(lambda: state_of(sock) == 7, what="giving up")
    # On PREEMPT_RT the first event of a kind is counted by a worker.
    becomes(lambda: netns.portmon.tcp().get(("loopback", PORT), {}).get("failed"), 2, "failed")
    found = netns.portmon.tcp()
    equal({scope for scope, _ in found}, {"loopback"}, f"scopes of {found}")


run()
