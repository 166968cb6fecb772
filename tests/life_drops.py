#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Drops by port and reason: each one that is a loss, under the port it was addressed to, and nothing else."""
import contextlib
import fcntl
import json
import socket
import struct
import time

from lib.connection import Connection, begin, connect, state_of, transfer
from lib.counts import mib
from lib.kernel import CPUS, seconds
from lib.ktap import becomes, case, check, defer, equal, eventually, run, wait_until
from lib.netns import Netns, address, hosts, pair, route
from lib.nlclient import Counts
from lib.packets import ACK, Forger, SYN, datagram, ipv4, segment
from lib.process import finish, traffic
from lib.tcp_events import delay_retransmits

PORT, FIRST = 443, 20000


def filter_(netns, hook, *rules, priority=0):
    "nftables rules at a hook; returns how to read the packets of the one counter that they may name: N."
    netns.run("nft", "-f", "-", input="\n".join(["table inet t {", "counter N { }", f"chain {hook} {{",
                                                 f"type filter hook {hook} priority {priority}", *rules, "}", "}"]))
    return lambda: json.loads(netns.run("nft", "-j", "list", "counters"))["nftables"][1]["counter"]["packets"]


def send(sock, target, n, size=8):
    for _ in range(n):
        sock.sendto(b"x" * size, target)


def received(sock):
    "How many datagrams are waiting; they are not any more."
    sock.setblocking(False)
    n = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            sock.recv(65536)
            n += 1
    return n


def become_received(sock, n):
    "As many datagrams come to a reader."
    so_far = 0
    def more():
        nonlocal so_far
        so_far += received(sock)
        return so_far
    becomes(more, n, "datagrams received")


# See ktap.py.
TRIES = 3


@case("ipv4", "ipv6")
def closed_udp(family):
    "UDP to a closed port: NO_SOCKET as often as it was sent, and nothing at the sender;"
    (client, server), (near, far) = hosts()
    sock = client.socket(family, socket.SOCK_DGRAM, bind=(address(near, family), FIRST))
    for port in 53, 60000:
        send(sock, (address(far, family), port), 30)
    becomes(server.portmon.drops, {("local", "udp", port): {"NO_SOCKET": 30} for port in (53, 60000)}, "drops")
    equal(client.portmon.drops(), {}, "drops at the sender")


@case()
def no_neighbour():
    "what waits for a neighbour that does not answer is dropped, by a timer: NEIGH_FAILED at the remote port"
    (client, server), (near, far) = hosts()
    client.sysctl(f"net.ipv4.neigh.{near.dev}.retrans_time_ms", 100)
    send(client.socket("ipv4", socket.SOCK_DGRAM), (near.ipv4.rpartition(".")[0] + ".99", 53), 3)
    becomes(client.portmon.drops, {("remote", "udp", 53): {"NEIGH_FAILED": 3}}, "drops")


@case("ipv4", "ipv6")
def stopped_reader(family):
    "UDP to a reader that has stopped, from both CPUs: SOCKET_RCVBUFF = sent - received;"
    (client, server), (near, far) = hosts()
    reader = server.socket(family, socket.SOCK_DGRAM)
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100000)
    reader.bind((address(far, family), 5000))
    senders = [traffic("flood", cpu, address(near, family), address(far, family), FIRST + i, 5000, 5000, 100, 3000, netns=client)
               for i, cpu in enumerate(CPUS)]
    sent = sum(int(finish(sender)) for sender in senders)
    arrived = lambda: server.portmon.ports().get(("local", "udp", 5000), Counts()).rx
    becomes(arrived, sent, "arrived")
    got = 0
    def agree():
        nonlocal got
        got += received(reader)
        check(got < sent, "nothing was dropped")
        equal(server.portmon.drops(), {("local", "udp", 5000): {"SOCKET_RCVBUFF": sent - got}}, "drops; sent less received")
    eventually(agree)
    counters = mib(server)
    equal(counters["UdpRcvbufErrors"] + counters["Udp6RcvbufErrors"], sent - got, "the stack's own counter")


@case("input", "prerouting", "loopback")
def firewall_in(hook):
    "nftables drops what arrives, UDP and TCP: NETFILTER_DROP is nft's counter, arrived = delivered + dropped; chain:"
    server = Netns(on=True)
    if hook == "loopback":
        client, target = server, "127.0.0.1"
        server.ip("link set lo up")
    else:
        client = Netns(on=True)
        near, far = pair(client, server)
        target = far.ipv4
    scope = "loopback" if hook == "loopback" else "local"
    n = filter_(server, "prerouting" if hook == "prerouting" else "input",
                "meta l4proto udp udp dport 5000 numgen inc mod 3 == 0 counter name N drop", "tcp dport 443 counter name N drop")
    reader = server.socket("ipv4", socket.SOCK_DGRAM, bind=(target, 5000))
    sock = client.socket("ipv4", socket.SOCK_DGRAM, bind=("0.0.0.0", FIRST))
    send(sock, (target, 5000), 100)
    for i in range(5):
        begin(client, "ipv4", ("0.0.0.0", FIRST + i), (target, PORT)).close()
    wanted = {(scope, "udp", 5000): {"NETFILTER_DROP": 34}, (scope, "tcp", PORT): {"NETFILTER_DROP": 5}}
    becomes(server.portmon.drops, wanted, "drops")
    equal(n(), 39, "dropped by nft")
    # Portmon counts what arrives at LOCAL_IN; what is dropped before it is not in rx.
    becomes(lambda: server.portmon.ports().get((scope, "udp", 5000), Counts()).rx, 66 if hook == "prerouting" else 100, "arrived")
    become_received(reader, 66)
    if client is not server:
        equal(client.portmon.drops(), {}, "drops at the sender")


@case("ipv4", "ipv6")
def before_routing(family):
    "a firewall drops before there is a route: the address says whose port it is, broadcast and multicast are this host's;"
    (client, server), (near, far) = hosts()
    n = filter_(server, "prerouting", "meta l4proto udp counter name N drop")
    client.ip("route add 10.200.0.0/16 via " + far.ipv4, f"route add fd99::/16 via {far.ipv6}",
              f"route add 224.0.0.0/4 dev {near.dev}")
    targets = [address(far, family)] + (["10.200.0.1", far.ipv4.rpartition(".")[0] + ".255", "224.0.0.251"] if family == "ipv4"
                                        else ["fd99::1", f"ff02::fb%{near.dev}"])
    sock = client.socket(family, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    for count, target in enumerate(targets, 1):
        with client.enter():
            to = socket.getaddrinfo(target, 5000 + count, type=socket.SOCK_DGRAM)[0][4]
        send(sock, to, count)
    becomes(server.portmon.drops, {("forward" if count == 2 else "local", "udp", 5000 + count): {"NETFILTER_DROP": count}
                                   for count in range(1, len(targets) + 1)}, "drops")
    equal(n(), sum(range(len(targets) + 1)), "dropped by nft")


@case("ipv4", "ipv6")
def vrf(family):
    "in a VRF: of this host's ports, before there is a route as well as after it, and of traffic that does not leave the VRF;"
    server, client = Netns(on=True), Netns()
    near, far = pair(server, client)
    # Moving a device into a VRF takes its IPv6 addresses away.
    server.ip("link add vrf1 type vrf table 10", "link set vrf1 up", f"link set {near.dev} master vrf1",
              f"addr replace {near.ipv6}/64 dev {near.dev} nodad")
    target = address(near, family)
    n = filter_(server, "prerouting", f"iifname {near.dev} udp dport 5000 counter name N drop",
                "iifname vrf1 udp dport 5001 counter name N drop")
    there = client.socket(family, socket.SOCK_DGRAM)
    for count, port in enumerate((5000, 5001, 53), 1):
        send(there, (target, port), count)
    server.run("nft", "-f", "-", input="table inet own {\nchain out {\ntype filter hook output priority 0\nudp dport 55-56 drop\n}\n}")
    inside = server.socket(family, socket.SOCK_DGRAM, bind=(target, FIRST), device="vrf1")
    for count, port, to in (4, 5001, target), (5, 54, target), (6, 55, target), (7, 56, address(far, family)):
        for _ in range(count):
            # The next call may receive the result of one.
            with contextlib.suppress(ConnectionRefusedError, PermissionError):
                inside.sendto(b"x", (to, port))
    becomes(server.portmon.drops, {
        ("local", "udp", 5000): {"NETFILTER_DROP": 1}, ("local", "udp", 5001): {"NETFILTER_DROP": 2},
        ("loopback", "udp", 5001): {"NETFILTER_DROP": 4},
        ("local", "udp", 53): {"NO_SOCKET": 3}, ("loopback", "udp", 54): {"NO_SOCKET": 5},
        ("loopback", "udp", 55): {"NETFILTER_DROP": 6}, ("remote", "udp", 56): {"NETFILTER_DROP": 7}}, "drops")
    equal(n(), 7, "dropped by nft")


@case()
def tunnel():
    "packets out of a tunnel, which stores data in place of the route"
    (client, server), (near, far) = hosts()
    server.ip("link add vx address 02:77:00:00:00:02 type vxlan external dstport 4789", "addr add 10.77.0.2/24 dev vx",
              "link set vx up")
    client.ip(f"link add vx type vxlan id 5 remote {far.ipv4} dstport 4789 dev {near.dev}", "addr add 10.77.0.1/24 dev vx",
              "link set vx up", "neigh add 10.77.0.2 lladdr 02:77:00:00:00:02 dev vx")
    n = filter_(server, "prerouting", "iifname vx udp dport 5000 counter name N drop")
    send(client.socket("ipv4", socket.SOCK_DGRAM), ("10.77.0.2", 5000), 3)
    becomes(server.portmon.drops, {("local", "udp", 5000): {"NETFILTER_DROP": 3}}, "drops")
    equal(n(), 3, "dropped by nft")


@case("output", "postrouting")
def firewall_out(hook):
    "nftables drops what this host sends: NETFILTER_DROP of the remote port is nft's counter; chain:"
    (client, server), (near, far) = hosts()
    n = filter_(client, hook, "udp dport 53 counter name N drop", "tcp dport 443 counter name N drop")
    sock = client.socket("ipv4", socket.SOCK_DGRAM, bind=(near.ipv4, FIRST))
    for _ in range(20):
        with contextlib.suppress(PermissionError):
            sock.sendto(b"x", (far.ipv4, 53))
    for i in range(5):
        begin(client, "ipv4", (near.ipv4, FIRST + i), (far.ipv4, PORT)).close()
    becomes(client.portmon.drops,
            {("remote", "udp", 53): {"NETFILTER_DROP": 20}, ("remote", "tcp", PORT): {"NETFILTER_DROP": 5}}, "drops")
    equal(n(), 25, "dropped by nft")
    left = client.portmon.ports().get(("remote", "udp", 53), Counts()).tx
    equal(left, 0 if hook == "output" else 20, "left")
    equal((server.portmon.drops(), server.portmon.ports()), ({}, {}), "drops and ports at the other end")


@case("ipv4", "ipv6")
def forwarding(family):
    "a router's firewall: NETFILTER_DROP of scope forward is nft's counter;"
    client, router, server = Netns(), Netns(on=True), Netns(on=True)
    near, near_router = pair(client, router)
    far_router, far = pair(router, server)
    route(client, near_router, far, router, server, far_router, near)
    n = filter_(router, "forward", "udp dport 5000 numgen inc mod 4 == 0 counter name N drop")
    reader = server.socket(family, socket.SOCK_DGRAM, bind=(address(far, family), 5000))
    sock = client.socket(family, socket.SOCK_DGRAM, bind=(address(near, family), FIRST))
    send(sock, (address(far, family), 5000), 100)
    becomes(router.portmon.drops, {("forward", "udp", 5000): {"NETFILTER_DROP": 25}}, "drops at the router")
    equal(n(), 25, "dropped by nft")
    become_received(reader, 75)
    equal(server.portmon.drops(), {}, "drops at the server")


@case("ipv4", "ipv6")
def checksums(family):
    "a wrong checksum is TCP_CSUM or UDP_CSUM, whether anybody listens or not;"
    netns = Netns(on=True)
    there = Forger(netns)
    source, target = there.far[family], getattr(there, family)
    socks = [netns.socket(family, kind, bind=(target, PORT)) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)]
    socks[1].listen()
    for _ in range(7):
        there.write(segment(source, target, FIRST, PORT, SYN, wrong=1))
        there.write(segment(source, target, FIRST, PORT + 1, SYN, wrong=1))
        there.write(datagram(source, target, FIRST, PORT, b"abc", wrong=1))
        there.write(datagram(source, target, FIRST, PORT + 1, b"abc", wrong=1))
    there.write(datagram(source, target, FIRST, PORT, b"abc"))
    become_received(socks[0], 1)
    becomes(netns.portmon.drops, {("local", transport, port): {f"{transport.upper()}_CSUM": 7}
                                  for transport in ("tcp", "udp") for port in (PORT, PORT + 1)}, "drops")
    counters = mib(netns)
    equal((counters["TcpInCsumErrors"], counters["UdpInCsumErrors"] + counters["Udp6InCsumErrors"]), (14, 14),
          "the stack's own counters")


@case()
def listen_overflow():
    "a full listen queue: an ACK that completes a handshake and finds no room is TCP_LISTEN_OVERFLOW, wherever drops are shown"
    netns = Netns(on=True)
    there = Forger(netns)
    listener = netns.socket("ipv4", socket.SOCK_STREAM, bind=(there.ipv4, PORT))
    listener.listen(10)         # room for eleven
    late, early = range(FIRST, FIRST + 5), range(FIRST + 5, FIRST + 16)
    acks = {}

    def begin(port):
        there.send("ipv4", port, PORT, SYN, seq=1000)
        acks[port] = there.answer(port, SYN | ACK)[0] + 1

    def complete(port):
        there.send("ipv4", port, PORT, ACK, seq=1001, ack=acks[port])
    for port in late:
        begin(port)
    for port in early:
        begin(port)
        complete(port)
    for port in late:
        complete(port)
    becomes(netns.portmon.drops, {("local", "tcp", PORT): {"TCP_LISTEN_OVERFLOW": 5}}, "drops")
    equal(mib(netns)["ListenOverflows"], 5, "the stack's own counter")
    for shown, *command in (["TCP_LISTEN_OVERFLOW", "drops"], ["TCP_LISTEN_OVERFLOW", "show", str(PORT)],
                            ['"dropped":5', "top", "--batch", "--json", "-c", "1"]):
        out = netns.run("portmon-ctl", *command)
        check(shown in out, f"{command} does not show it:\n{out}")


@case("closed port", "firewall")
def buffers(how):
    "a buffer of many datagrams that is dropped whole counts as the packets it is on the wire:"
    (client, server), (near, far) = hosts(tso=True, gro=True, tx_udp_segmentation=True)
    if how == "firewall":
        n = filter_(server, "input", "udp dport 5000 counter name N drop")
    sock = client.socket("ipv4", socket.SOCK_DGRAM, bind=(near.ipv4, FIRST))
    sock.setsockopt(socket.SOL_UDP if hasattr(socket, "SOL_UDP") else 17, 103, 100)     # UDP_SEGMENT
    for _ in range(5):
        sock.sendto(b"x" * 950, (far.ipv4, 5000))
    reason = "NETFILTER_DROP" if how == "firewall" else "NO_SOCKET"
    becomes(lambda: server.portmon.drops(), {("local", "udp", 5000): {reason: 50}}, "drops")
    becomes(lambda: server.portmon.ports()["local", "udp", 5000].rx, 50, "arrived")
    if how == "firewall":
        equal(n(), 5, "buffers that nft dropped")


@case()
def transports():
    "UDP-Lite, SCTP and DCCP that the firewall drops count under their own transport"
    netns = Netns(on=True)
    there = Forger(netns)
    n = filter_(netns, "input", "counter name N drop")
    protocols = {"udplite": 136, "sctp": 132, "dccp": 33, "udp": 17, "tcp": 6}
    for count, protocol in enumerate(protocols.values(), 1):
        for _ in range(count):
            there.write(ipv4(there.far["ipv4"], there.ipv4, protocol, struct.pack("!HHIIIII", FIRST, PORT, 0, 0, 0, 0, 0)))
    # Neither ports nor drops of ports: a protocol without, a fragment that is not the first, a header cut short.
    there.write(ipv4(there.far["ipv4"], there.ipv4, 1, bytes(8)))
    there.write(ipv4(there.far["ipv4"], there.ipv4, 47, bytes(20)))
    becomes(n, 17, "dropped by nft")
    becomes(netns.portmon.drops, {("local", transport, PORT): {"NETFILTER_DROP": count}
                                  for count, transport in enumerate(protocols, 1)}, "drops")


@case()
def strangers():
    "two namespaces with the same ports and addresses: each has its own drops"
    everyone = []
    for n in 3, 5:
        netns = Netns(on=True)
        netns.ip("link set lo up", "addr add 10.9.9.1/32 dev lo")
        tun = Forger(netns)
        for _ in range(n):
            tun.write(datagram("10.9.9.2", "10.9.9.1", FIRST, 53))
        sock = netns.socket("ipv4", socket.SOCK_DGRAM, bind=("10.9.9.1", FIRST))
        send(sock, ("10.9.9.1", 53), 2 * n)
        everyone.append((n, netns))
    for n, netns in everyone:
        becomes(netns.portmon.drops, {("local", "udp", 53): {"NO_SOCKET": n}, ("loopback", "udp", 53): {"NO_SOCKET": 2 * n}}, "drops")


@case()
def when():
    "the first and the last time of each drop reason"
    (client, server), (near, far) = hosts()
    sock = client.socket("ipv4", socket.SOCK_DGRAM, bind=(near.ipv4, FIRST))
    begun = seconds()
    send(sock, (far.ipv4, 53), 1)
    first = wait_until(lambda: server.portmon.dump("port-get", dropped=True), what="a drop")[0]["drops"][0]
    check(begun <= first["first-seen"] <= first["last-seen"] <= time.time() + 1, f"{first}, begun {begun}")
    wait_until(lambda: time.time() >= first["last-seen"] + 2, what="two seconds")
    send(sock, (far.ipv4, 53), 1)
    filter_(server, "input", "udp dport 53 drop")
    send(sock, (far.ipv4, 53), 1)
    becomes(server.portmon.drops, {("local", "udp", 53): {"NO_SOCKET": 2, "NETFILTER_DROP": 1}}, "drops")
    drops = {drop["reason"]: drop for drop in server.portmon.dump("port-get", dropped=True)[0]["drops"]}
    check(first["first-seen"] == drops["NO_SOCKET"]["first-seen"] < drops["NO_SOCKET"]["last-seen"], f"{first}, then {drops}")
    check(drops["NETFILTER_DROP"]["first-seen"] >= drops["NO_SOCKET"]["last-seen"], f"{drops}")


# What is no loss

def zero_window(flow, netns):
    "A receiver that does not read: the sender probes its window repeatedly."
    flow.caller.setblocking(False)
    sent = 0

    def shut():
        "Filled repeatedly: the send buffer can be full long before the window is closed."
        nonlocal sent
        with contextlib.suppress(BlockingIOError):
            while True:
                sent += flow.caller.send(bytes(65536))
        return mib(netns)["TCPWinProbe"]
    wait_until(shut, what="a probe of a window that is shut")
    while sent:
        sent -= len(flow.called.recv(1 << 20))


@case("ipv4", "ipv6")
def clean(family):
    "traffic that nothing happens to has no drops: bulk, RST with data unread, keepalives, shut windows, sockets closed full;"
    (client, server), (near, far) = hosts(neighbours=False)
    delay_retransmits(near, far, wait="1s")
    for netns in client, server:
        netns.ip("link set lo up")
    target, source = address(far, family), address(near, family)
    listener = server.socket(family, socket.SOCK_STREAM, bind=(target, PORT))
    listener.listen(20)

    def opened():
        caller = client.socket(family, socket.SOCK_STREAM)
        caller.connect((target, PORT))
        called = listener.accept()[0]
        defer(called.close)
        return Connection(caller, called)

    # Keepalives, in the background of all else.
    idle = opened()
    for sock in idle:
        for option, value in (socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1):
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # A reader of packets, as tcpdump is one, that is too slow.
    slow = [netns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) for netns in (client, server)]
    for sock in slow:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2000)
    flow = opened()
    transfer(flow.caller, flow.called, 1 << 20)
    transfer(flow.called, flow.caller, 1 << 20)
    for sock in slow:
        check(struct.unpack("=II", sock.getsockopt(263, 6, 8))[1], "the reader of packets lost none")     # PACKET_STATISTICS
    zero_window(opened(), client)
    for end in "caller", "called":
        # Closed with data unread, and with a RST while the other end has unread data.
        flow = opened()
        one, other = flow if end == "caller" else flow[::-1]
        other.send(b"unread")
        wait_until(lambda: fcntl.ioctl(one, 0x541b, b"\0\0\0\0") != b"\0\0\0\0", what="data")       # FIONREAD
        one.close()
        wait_until(lambda: state_of(other) == 7, what="RST")
        flow = opened()
        one, other = flow if end == "caller" else flow[::-1]
        one.send(b"unread")
        wait_until(lambda: fcntl.ioctl(other, 0x541b, b"\0\0\0\0") != b"\0\0\0\0", what="data")
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 0))
        one.close()
        wait_until(lambda: state_of(other) == 7, what="RST")
    # Closed by one, then the other: TIME_WAIT.
    flow = opened()
    for sock in flow:
        sock.close()
    # A listener that goes with connections nobody has accepted.
    waiting = [client.socket(family, socket.SOCK_STREAM) for _ in range(3)]
    for sock in waiting:
        sock.connect((target, PORT))
    wait_until(lambda: mib(client)["TCPKeepAlive"] >= 2 and mib(server)["TCPKeepAlive"] >= 2, what="keepalives")
    listener.close()
    for sock in waiting:
        wait_until(lambda: state_of(sock) == 7, what="RST")
    # UDP, and a socket that is closed with datagrams unread.
    readers = [server.socket(family, socket.SOCK_DGRAM, bind=(target, 5000 + i)) for i in range(2)]
    sock = client.socket(family, socket.SOCK_DGRAM, bind=(source, FIRST))
    for reader in readers:
        send(sock, reader.getsockname()[:2], 10)
    equal(readers[0].recv(100, socket.MSG_PEEK), b"x" * 8, "a datagram")
    equal(received(readers[0]), 10, "datagrams received")
    wait_until(lambda: server.portmon.ports()["local", "udp", 5001].rx == 10, what="datagrams")
    readers[1].close()
    client.run("ping", "-c", "2", "-i", "0.2", target)
    # And on loopback.
    for netns in client, server:
        loop = {"ipv4": "127.0.0.1", "ipv6": "::1"}[family]
        flow = connect(netns, netns, family, loop, 80)
        transfer(flow.caller, flow.called, 1 << 18)
        for sock in flow:
            sock.close()
    for netns in client, server:
        equal(netns.portmon.drops(), {}, "drops")
        equal(netns.portmon.events_overflow(), {}, "overflow")


run()
