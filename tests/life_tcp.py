#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What became of TCP connections: each SYN, SYN-ACK, FIN and RST, who completed and who failed, at both ends."""
import errno
import socket

from lib.connection import TcpInfo, begin, state_of
from lib.counts import mib
from lib.ktap import becomes, case, check, defer, equal, eventually, run, wait_until
from lib.netns import Netns, address, hosts, pair, route
from lib.packets import ACK, FIN, Forger, PSH, RST, SYN, segment
from lib.tcp_events import Server, connections, events, host, mirror, delay_retransmits, retransmits, total

PORT, FIRST = 443, 20000

WHOLE = events(syn_sent=1, synack_received=1, fin=2)        # packets of one connection, at the host that begins it


def at_both(n, port=PORT, first=FIRST, packets=WHOLE, completed=1):
    "What n connections from as many ports to one are at the client, and at the server."
    done = events(established=completed)
    client = total(*(host(first + i, port, packets, at_remote=done) for i in range(n)))
    server = total(*(host(port, first + i, mirror(packets), at_local=done) for i in range(n)))
    return client, server


@case("ipv4", "ipv6")
def thousand(family):
    "1,000 connections: SYN, SYN-ACK, FIN and completions exact at each port of both ends, no failure, no drop;"
    (client, server), (near, far) = hosts()
    delay_retransmits(near, far)
    listener = Server(server, PORT)
    equal(connections(client, address(near, family), address(far, family), FIRST, PORT, 1000), 1000, "connections made")
    listener.accepted(1000)
    for netns, wanted in zip((client, server), at_both(1000)):
        becomes(netns.portmon.tcp, wanted, "TCP events")
        equal(netns.portmon.drops(), {}, "drops")


@case("ipv4", "ipv6")
def refused(family):
    "a closed port: RST at both ends, failed at the one that asked, NO_SOCKET at the other;"
    (client, server), (near, far) = hosts()
    equal(connections(client, address(near, family), address(far, family), FIRST, PORT, 20), 0, "connections made")
    packets = events(syn_sent=1, rst_received=1)
    at_client = total(*(host(FIRST + i, PORT, packets, at_remote=events(failed=1)) for i in range(20)))
    at_server = total(*(host(PORT, FIRST + i, mirror(packets)) for i in range(20)))
    becomes(client.portmon.tcp, at_client, "TCP events of the client")
    becomes(server.portmon.tcp, at_server, "TCP events of the server")
    equal(client.portmon.drops(), {}, "drops at the client")
    becomes(server.portmon.drops, {("local", "tcp", PORT): {"NO_SOCKET": 20}}, "drops at the server")


@case()
def aborted():
    "a connection that ends with RST: sent by one, received by the other, no FIN, no failure, no drop"
    (client, server), (near, far) = hosts()
    delay_retransmits(near, far)
    listener = Server(server, PORT)
    equal(connections(client, near.ipv4, far.ipv4, FIRST, PORT, 50, "rst"), 50, "connections made")
    listener.accepted(50)
    for netns, wanted in zip((client, server), at_both(50, packets=events(syn_sent=1, synack_received=1, rst_sent=1))):
        becomes(netns.portmon.tcp, wanted, "TCP events")
        equal(netns.portmon.drops(), {}, "drops")


@case()
def given_up():
    "no answer: a connection that times out, is closed while waiting or is unreachable fails once, and no further SYN is counted"
    (client, server), (near, far) = hosts()
    server.run("nft", "-f", "-", input="""table inet t { chain in { type filter hook prerouting priority 0
        tcp dport 443 drop
        tcp dport 80 reject with icmp port-unreachable
        }
    }""")
    server.sysctl("net.ipv4.icmp_ratelimit", 0)
    socks = {}
    for first, port in (FIRST, PORT), (FIRST + 100, 80):
        for i in range(5):
            sock = socks[first + i, port] = client.socket("ipv4", socket.SOCK_STREAM, bind=(near.ipv4, first + i))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
            sock.setblocking(False)
            equal(sock.connect_ex((far.ipv4, port)), errno.EINPROGRESS, "connect")
    for i in range(5):
        begin(client, "ipv4", (near.ipv4, FIRST + 200 + i), (far.ipv4, PORT)).close()
    for (_, port), sock in socks.items():
        why = errno.ETIMEDOUT if port == PORT else errno.ECONNREFUSED
        wait_until(lambda: sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == why, what="giving up")
    again = {ports: TcpInfo.of(sock).retransmitted for ports, sock in socks.items()}
    check(all(n for (_, port), n in again.items() if port == PORT), f"not retransmitted: {again}")
    wanted = total(
        *(host(*ports, events(syn_sent=1 + n, retransmitted=n), at_remote=events(failed=1)) for ports, n in again.items()),
        *(host(FIRST + 200 + i, PORT, events(syn_sent=1), at_remote=events(failed=1)) for i in range(5)))
    becomes(client.portmon.tcp, wanted, "TCP events of the client")
    equal(retransmits(client), sum(again.values()), "segments that the stack retransmitted")
    equal(server.portmon.tcp(), {}, "TCP events of the server, whose firewall lets nothing come")


@case("127.0.0.1", "::1", "::ffff:127.0.0.1", "own address")
def loopback(target):
    "within a host each packet counts once, under both ports, and a completion once, under the server's;"
    netns = Netns(on=True)
    netns.ip("link set lo up")
    if target == "own address":
        target = pair(netns, Netns())[0].ipv4
    listener = Server(netns, PORT)
    equal(connections(netns, target, target, FIRST, PORT, 20), 20, "connections made")
    listener.accepted(20)
    equal(connections(netns, target, target, FIRST, PORT + 1, 10), 0, "connections made to a closed port")
    wanted = total({("loopback", PORT): events(syn_received=20, synack_sent=20, established=20, fin=40),
                    ("loopback", PORT + 1): events(syn_received=10, rst_sent=10, failed=10)},
                   *({("loopback", FIRST + i): events(syn_sent=1, synack_received=1, fin=2)} for i in range(20)),
                   *({("loopback", FIRST + i): events(syn_sent=1, rst_received=1)} for i in range(10)))
    becomes(netns.portmon.tcp, wanted, "TCP events")
    becomes(netns.portmon.drops, {("loopback", "tcp", PORT + 1): {"NO_SOCKET": 10}}, "drops")


@case("ipv4", "ipv6")
def forwarded(family):
    "a router sees the packets of connections under both ports, and knows nothing of how they go;"
    client, router, server = Netns(), Netns(on=True), Netns()
    near, near_router = pair(client, router)
    far_router, far = pair(router, server)
    route(client, near_router, far, router, server, far_router, near)
    listener = Server(server, PORT)
    source, target = address(near, family), address(far, family)
    equal(connections(client, source, target, FIRST, PORT, 20), 20, "connections made")
    equal(connections(client, source, target, FIRST, PORT + 1, 5), 0, "connections made to a closed port")
    listener.accepted(20)
    wanted = total({("forward", PORT): events(syn_received=20, synack_sent=20, fin=40),
                    ("forward", PORT + 1): events(syn_received=5, rst_sent=5)},
                   *({("forward", FIRST + i): events(syn_sent=1, synack_received=1, fin=2)} for i in range(20)),
                   *({("forward", FIRST + i): events(syn_sent=1, rst_received=1)} for i in range(5)))
    becomes(router.portmon.tcp, wanted, "TCP events")
    equal(router.portmon.drops(), {}, "drops")


@case()
def strangers():
    "two pairs of hosts with the same addresses and ports, and loopback in each: nothing of one is seen in another"
    def loop(netns, n):
        netns.ip("link set lo up")
        server = Server(netns, PORT + 1)
        equal(connections(netns, "127.0.0.1", "127.0.0.1", FIRST, PORT + 1, n), n, "connections made on loopback")
        server.accepted(n)

    everyone = []
    for n in 3, 7:
        (client, server), (near, far) = hosts()
        for netns, ip in (client, "10.9.9.1"), (server, "10.9.9.2"):
            netns.ip(f"addr add {ip}/32 dev lo")
        listener = Server(server, PORT)
        client.ip(f"route add 10.9.9.2 via {far.ipv4} src 10.9.9.1")
        server.ip(f"route add 10.9.9.1 via {near.ipv4} src 10.9.9.2")
        equal(connections(client, "10.9.9.1", "10.9.9.2", FIRST, PORT, n), n, "connections made")
        equal(connections(client, "10.9.9.1", "10.9.9.2", FIRST, 80, n), 0, "connections made to a closed port")
        listener.accepted(n)
        for netns in client, server:
            loop(netns, n)
        everyone.append((n, client, server))
    for n, client, server in everyone:
        within = total({("loopback", PORT + 1): events(syn_received=n, synack_sent=n, established=n, fin=2 * n)},
                       *({("loopback", FIRST + i): WHOLE} for i in range(n)))
        closed = at_both(n, 80, packets=events(syn_sent=1, rst_received=1), completed=0)
        whole = at_both(n)
        failed = {("remote", 80): events(failed=n)}
        becomes(client.portmon.tcp, total(whole[0], closed[0], failed, within), "TCP events of a client")
        becomes(server.portmon.tcp, total(whole[1], closed[1], within), "TCP events of a server")
        equal(client.portmon.drops(), {}, "drops at a client")
        becomes(server.portmon.drops, {("local", "tcp", 80): {"NO_SOCKET": n}}, "drops at a server")


# Handshakes by hand

@case("ipv4", "ipv6")
def duplicate_syn(family):
    "a duplicate SYN counts twice, its handshake once; a retransmitted SYN-ACK counts as such;"
    netns = Netns(on=True)
    there = Forger(netns)
    listener = netns.socket("ipv6", socket.SOCK_STREAM, bind=("::", PORT))
    listener.listen()
    for port in FIRST, FIRST + 1:
        for _ in range(2):
            there.send(family, port, PORT, SYN, seq=100)
        seq, ack = there.answer(port, SYN | ACK)
        equal(ack, 101, "what the SYN-ACK acknowledges")
        there.send(family, port, PORT, ACK, seq=101, ack=seq + 1)
        sock, called = listener.accept()
        defer(sock.close)
        equal(called[1], port, "port of the accepted connection")
    def agree():
        again, found = retransmits(netns), netns.portmon.tcp()
        wanted = events(syn_received=4, synack_sent=2 + again, synack_retransmitted=again, established=2)
        equal(found["local", PORT], wanted, "TCP events of the server's port")
        sums = total(*({"remote": counts} for (scope, _), counts in found.items() if scope == "remote"))
        equal(sums["remote"], {k: v for k, v in wanted.items() if k != "established"}, "TCP events of the other ports")
    eventually(agree)


@case()
def simultaneous():
    "both ends open at once: each sends and receives a SYN and a SYN-ACK; it counts as accepted, at both (a documented limit)"
    (one, two), ends = hosts()
    ports = FIRST, FIRST + 1
    for end in ends:
        end.netns.run("tc", "qdisc", "add", "dev", end.dev, "root", "netem", "delay", "300ms")
    # Each has a route to the other and no process listens: the two SYNs cross.
    socks = [begin(me.netns, "ipv4", (me.ipv4, mine), (peer.ipv4, its))
             for me, peer, mine, its in ((*ends, *ports), (*ends[::-1], *ports[::-1]))]
    for sock in socks:
        wait_until(lambda: state_of(sock) == 1, what="established")
    def agree(netns, mine, its):
        found = netns.portmon.tcp()
        equal(found["local", mine].get("established"), 1, "established at its own port")
        equal(found["remote", its].get("established"), None, "established at the other's")
        for key in found:
            for name in "syn-sent", "syn-received", "synack-sent", "synack-received":
                check(found[key].get(name, 0) >= 1, f"{key}: no {name} in {found[key]}")
            equal(found[key]["syn-sent"] - found[key].get("retransmitted", 0), 1, f"{key}: SYN sent at first")
    eventually(lambda: agree(one, *ports))
    eventually(lambda: agree(two, *ports[::-1]))


@case()
def fast_open():
    "TCP Fast Open: with and without a cookie a handshake completes once, and data in a SYN changes nothing"
    (client, server), (near, far) = hosts()
    delay_retransmits(near, far)
    for netns in client, server:
        netns.sysctl("net.ipv4.tcp_fastopen", 3)
    listener = server.socket("ipv4", socket.SOCK_STREAM, bind=(far.ipv4, PORT))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
    listener.listen()
    for i in range(3):      # the first gets the cookie
        sock = client.socket("ipv4", socket.SOCK_STREAM, bind=(near.ipv4, FIRST + i))
        sock.settimeout(None)   # a limit of Python's would make it one that does not block
        equal(sock.sendto(b"hello", 0x20000000, (far.ipv4, PORT)), 5, "bytes sent with MSG_FASTOPEN")
        called = listener.accept()[0]
        equal(called.recv(100), b"hello", "data received")
        called.close()
        equal(sock.recv(100), b"", "end of data")
        sock.close()
    equal((mib(client)["TCPFastOpenActive"], mib(server)["TCPFastOpenPassive"]), (2, 2), "opened fast")
    for netns, wanted in zip((client, server), at_both(3)):
        becomes(netns.portmon.tcp, wanted, "TCP events")
        equal(netns.portmon.drops(), {}, "drops")


@case("ipv4", "ipv6")
def failed_in_syn_recv(family):
    "a socket in SYN_RECV (of TCP Fast Open) that is reset is a failure of the port that listens;"
    netns = Netns(on=True)
    # Data in a SYN needs no cookie, and listeners need not ask for it.
    netns.sysctl("net.ipv4.tcp_fastopen", 0x602)
    there = Forger(netns)
    listener = netns.socket("ipv6", socket.SOCK_STREAM, bind=("::", PORT))
    listener.listen()
    there.send(family, FIRST, PORT, SYN, seq=100, payload=b"hello", options=b"\2\4\5\xb4")
    seq, ack = there.answer(FIRST, SYN | ACK)
    equal(ack, 106, "what the SYN-ACK acknowledges: the data too")
    there.send(family, FIRST, PORT, RST, seq=106)
    wanted = host(PORT, FIRST, events(syn_received=1, synack_sent=1, rst_received=1), at_local=events(failed=1))
    becomes(netns.portmon.tcp, wanted, "TCP events")


@case()
def flags():
    "what counts are the flags: FIN with data, RST with ACK, SYN with RST or with FIN, none at all"
    netns = Netns(on=True)
    netns.sysctl("net.ipv4.ip_forward", 1)
    there = Forger(netns)
    netns.ip("link add sink type dummy", "addr add 192.0.2.1/24 dev sink", "link set sink up")
    sends = [(SYN, "syn"), (SYN | ACK, "synack"), (FIN | ACK, "fin"), (FIN | PSH | ACK, "fin"), (RST, "rst"),
             (RST | ACK, "rst"), (ACK, None), (PSH | ACK, None), (0, None), (SYN | 0xc0, "syn"), (SYN | ACK | 0x40, "synack")]
    wanted = {}
    for i, (flag_bits, name) in enumerate(sends):
        # Routed through, where nobody answers.
        there.write(segment(there.far["ipv4"], "192.0.2.2", FIRST + i, PORT, flag_bits, payload=b"data"))
        if name == "fin":
            more = {("forward", PORT): events(fin=1), ("forward", FIRST + i): events(fin=1)}
        elif name:
            more = {("forward", PORT): {f"{name}-received": 1}, ("forward", FIRST + i): {f"{name}-sent": 1}}
        wanted = total(wanted, more) if name else wanted
    becomes(netns.portmon.tcp, wanted, "TCP events")


run()
