#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Retransmissions: portmon's counts equal those of each socket and of the whole stack."""
import json
import socket

from lib.connection import Connection, TcpInfo, begin, state_of, transfer
from lib.counts import mib
from lib.ktap import becomes, case, check, defer, equal, eventually, run, wait_until
from lib.netns import Netns, address, hosts
from lib.tcp_events import events, retransmits, total

PORT, FIRST = 443, 20000
SIZE = 1 << 20
WHOLE = dict(tso=True, gso=True, gro=True)
CUT = dict(tso=False, gso=False, gro=False)


def open_all(client, server, family, source, target, n):
    "Connections from n ports, with the stack as it is (SACK and all)."
    listener = server.socket(family, socket.SOCK_STREAM, bind=(target, PORT))
    listener.listen()
    found = []
    for i in range(n):
        caller = client.socket(family, socket.SOCK_STREAM, bind=(source, FIRST + i))
        caller.connect((target, PORT))
        found.append(Connection(caller, listener.accept()[0]))
        defer(found[-1].called.close)
    return found


def exchange(connection, there=SIZE, back=SIZE // 4):
    transfer(connection.caller, connection.called, there)
    transfer(connection.called, connection.caller, back)
    for sock in connection:
        wait_until(lambda: not TcpInfo.of(sock).unacked, what="the last acknowledgement")


def again(counts):
    return counts.get("retransmitted", 0) + counts.get("synack-retransmitted", 0)


def held(netns, own, peer, sockets):
    "Each port of a host against its sockets, {(own port, peer's port): socket}, and all of them against the stack's counter."
    def agree():
        said = {ports: TcpInfo.of(sock).retransmitted for ports, sock in sockets.items()}
        wanted = total(*({(own, mine): {"again": n}, (peer, its): {"again": n}} for (mine, its), n in said.items()))
        found = {key: {"again": again(counts)} for key, counts in netns.portmon.tcp().items()}
        equal(found, wanted, "retransmitted, by port; wanted: tcp_info's total_retrans")
        equal(sum(said.values()), retransmits(netns), "retransmitted by all sockets, and by the whole stack")
        return sum(said.values())
    return eventually(agree)


def lose(netns, rule):
    "Drop what the rule says as it arrives, with a counter; returns how to read it."
    netns.run("nft", "-f", "-", input="table inet lose {\ncounter lost { }\nchain in {\n"
              f"type filter hook prerouting priority 0\n{rule} counter name lost drop\n}}\n}}")
    return lambda: json.loads(netns.run("nft", "-j", "list", "counters"))["nftables"][1]["counter"]["packets"]


@case(("ipv4", "whole"), ("ipv6", "whole"), ("ipv4", "cut up"))
def every_nth(how):
    "every 20th buffer or segment is lost, in both directions: retransmitted as each socket and the stack count;"
    family, offloads = how[0], WHOLE if how[1] == "whole" else CUT
    (client, server), (near, far) = hosts(**offloads)
    source, target = address(near, family), address(far, family)
    lost = [lose(netns, f"tcp {side} {PORT} numgen inc mod 20 == 19") for netns, side in ((server, "dport"), (client, "sport"))]
    flows = open_all(client, server, family, source, target, 3)
    for flow in flows:
        exchange(flow)
    # Of a few large buffers, and ACKs, it may be the ACKs that are lost.
    wait_until(lambda: retransmits(client) and retransmits(server) or exchange(flows[0]), what="a retransmission at either end")
    check(all(read() >= 3 for read in lost), f"too little was lost: {[read() for read in lost]}")
    at_client = held(client, "local", "remote", {(FIRST + i, PORT): flow.caller for i, flow in enumerate(flows)})
    at_server = held(server, "local", "remote", {(PORT, FIRST + i): flow.called for i, flow in enumerate(flows)})
    check(at_client and at_server, "nothing was retransmitted")
    def agree(netns, read):
        # Segments retransmitted although they were received are dropped as old.
        dropped, n = sum(reasons.get("NETFILTER_DROP", 0) for reasons in netns.portmon.drops().values()), read()
        check(dropped == n if offloads is CUT else dropped >= n, f"{dropped} dropped, {n} lost")
    eventually(lambda: agree(server, lost[0]))
    eventually(lambda: agree(client, lost[1]))


@case("ipv4", "ipv6")
def netem(family):
    "netem loses 5% on output: retransmitted as sockets and stack count, and netem's drops are drops of the remote port;"
    (client, server), (near, far) = hosts(**CUT)
    # netem counts buffers: let each be one segment.
    near.netns.ip(f"link set {near.dev} gso_max_segs 1")
    # Nor is it to lose what IPv6 has to say on its own, which has no ports.
    client.run("nft", "-f", "-", input="table ip6 quiet {\nchain out {\ntype filter hook output priority 0\n"
               "meta l4proto ipv6-icmp drop\n}\n}")
    client.run("tc", "qdisc", "add", "dev", near.dev, "root", "netem", "loss", "5%", "limit", "100000")
    flows = open_all(client, server, family, address(near, family), address(far, family), 2)
    for flow in flows:
        exchange(flow, there=SIZE // 2)
    check(held(client, "local", "remote", {(FIRST + i, PORT): flow.caller for i, flow in enumerate(flows)}), "nothing was lost")
    held(server, "local", "remote", {(PORT, FIRST + i): flow.called for i, flow in enumerate(flows)})
    def agree():
        dropped = json.loads(client.run("tc", "-j", "-s", "qdisc", "show", "dev", near.dev))[0]["drops"]
        # At local ports there may be duplicates, dropped as old.
        equal(client.portmon.drops(scope="remote"), {("remote", "tcp", PORT): {"QDISC_DROP": dropped}}, "drops")
    eventually(agree)


@case("ipv4", "ipv6")
def loopback(family):
    "within a host retransmissions count at both ports;"
    netns = Netns(on=True)
    netns.ip("link set lo up")
    target = {"ipv4": "127.0.0.1", "ipv6": "::1"}[family]
    lose(netns, f"tcp dport {PORT} numgen inc mod 20 == 19")
    flow, = open_all(netns, netns, family, target, target, 1)
    exchange(flow)
    def agree():
        said = sum(TcpInfo.of(sock).retransmitted for sock in flow)
        check(said, "nothing was retransmitted")
        equal({key: again(counts) for key, counts in netns.portmon.tcp().items()},
              {("loopback", PORT): said, ("loopback", FIRST): said}, "retransmitted, by port")
        equal(retransmits(netns), said, "by the stack")
    eventually(agree)


@case("ipv4", "ipv6")
def syns(family):
    "lost SYNs: a retransmission counts as retransmitted and as SYN sent;"
    (client, server), (near, far) = hosts()
    lost = lose(server, f"tcp dport {PORT} tcp flags & (syn | ack) == syn")
    listener = server.socket(family, socket.SOCK_STREAM, bind=(address(far, family), PORT))
    listener.listen(100)
    socks = [begin(client, family, (address(near, family), FIRST + i), (address(far, family), PORT)) for i in range(20)]
    wait_until(lambda: lost() >= 20, what="the loss of SYNs")
    server.run("nft", "delete", "table", "inet", "lose")
    for sock in socks:
        wait_until(lambda: state_of(sock) == 1, what="established")
    def agree():
        wanted = {("local", FIRST + i): events(syn_sent=1 + n, retransmitted=n, synack_received=1)
                  for i in range(20) for n in [TcpInfo.of(socks[i]).retransmitted]}
        sums = events(syn_sent=20 + retransmits(client), retransmitted=retransmits(client), synack_received=20, established=20)
        equal(client.portmon.tcp(), {**wanted, ("remote", PORT): sums}, "TCP events of the client")
    eventually(agree)
    becomes(lambda: server.portmon.tcp().get(("local", PORT), {}).get("established"), 20, "established at the server")
    check(retransmits(client) >= 20, "nothing was retransmitted")


@case("ipv4", "ipv6")
def synacks(family):
    "lost SYN-ACKs: a retransmission counts as such and as SYN-ACK sent, at both ports;"
    (client, server), (near, far) = hosts()
    lost = lose(client, f"tcp sport {PORT} tcp flags & (syn | ack) == (syn | ack)")
    listener = server.socket(family, socket.SOCK_STREAM, bind=(address(far, family), PORT))
    listener.listen(100)
    socks = [begin(client, family, (address(near, family), FIRST + i), (address(far, family), PORT)) for i in range(20)]
    wait_until(lambda: lost() >= 40, what="SYN-ACKs lost twice")
    dropped = lambda: sum(sum(reasons.values()) for key, reasons in client.portmon.drops().items() if key[0] == "local")
    wait_until(lambda: dropped() >= 40, what="drops of lost SYN-ACKs")
    client.run("nft", "delete", "table", "inet", "lose")
    for sock in socks:
        wait_until(lambda: state_of(sock) == 1, what="established")
    becomes(lambda: server.portmon.tcp().get(("local", PORT), {}).get("established"), 20, "established at the server")
    def agree():
        found, n = server.portmon.tcp(), retransmits(server)
        check(n >= 20, "nothing was retransmitted")
        for scope, key in ("local", ("local", PORT)), ("remote", "remote"):
            sums = total(*({key: counts} for where, counts in found.items() if where[0] == scope))[key]
            equal({name: sums.get(name, 0) for name in ("synack-sent", "synack-retransmitted", "retransmitted")},
                  {"synack-sent": 20 + n, "synack-retransmitted": n, "retransmitted": 0}, f"sums over scope {scope}")
    eventually(agree)


@case()
def not_sent():
    "a retransmission that the host's own firewall drops is not counted as one, but as a drop of the remote port"
    (client, server), (near, far) = hosts()
    flow, = open_all(client, server, "ipv4", near.ipv4, far.ipv4, 1)
    lost = lose(server, f"tcp dport {PORT}")
    flow.caller.send(b"x")
    wait_until(lost, what="the loss of the segments to retransmit")
    client.run("nft", "-f", "-", input="table inet t {\ncounter out { }\nchain out {\n"
               f"type filter hook output priority 0\ntcp dport {PORT} counter name out drop\n}}\n}}")
    wait_until(lambda: mib(client)["TCPRetransFail"], what="a failed retransmission")
    client.run("nft", "flush", "chain", "inet", "t", "out")
    server.run("nft", "delete", "table", "inet", "lose")
    equal(flow.called.recv(10), b"x", "data")
    counters = json.loads(client.run("nft", "-j", "list", "counters"))["nftables"]
    becomes(client.portmon.drops, {("remote", "tcp", PORT): {"NETFILTER_DROP": counters[1]["counter"]["packets"]}}, "drops")
    wait_until(lambda: not TcpInfo.of(flow.caller).unacked, what="the last acknowledgement")
    eventually(lambda: equal({key: again(counts) for key, counts in client.portmon.tcp().items()},
                             {("local", FIRST): retransmits(client), ("remote", PORT): retransmits(client)}, "retransmitted, by port"))


run()
