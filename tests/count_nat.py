#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What NAT and marks of this host re-route counts where it goes in the end, under the ports it has there."""
import socket

from lib.counts import Counters, Nft, at_rest, plus
from lib.ctl import ctl
from lib.ktap import PATIENCE, becomes, case, check, equal, run
from lib.netns import AF, Netns, address, pair
from lib.nlclient import Counts, Portmon
from lib.tcp_events import Server, connections, events, host, delay_retransmits, pinned, total

FIRST, ASKED, SERVED, N = 20000, 8080, 80, 10
# NAT restores a packet's other port after portmon on input, and at postrouting on output.
IN, OUT = "input -2147483647", "postrouting 300"
ANY = {"ipv4": "0.0.0.0", "ipv6": "::"}
IP = {"ipv4": "ip", "ipv6": "ip6"}

pinned()


def nat(netns, target, to):
    "Destination NAT of what this host sends to port ASKED of an end's addresses."
    for family in AF:
        netns.run("nft", "-f", "-", input=f"""table {IP[family]} nat {{ chain output {{ type nat hook output priority -100;
            {IP[family]} daddr {address(target, family)} tcp dport {ASKED} {to(family)}
            }}
        }}""")


def dnat(end):
    "A rule's verdict, by family."
    return lambda family: f"dnat to {f'[{address(end, family)}]' if family == 'ipv6' else address(end, family)}:{SERVED}"


def exchange(client, server, source, target, n=N):
    "Connections to port ASKED that port SERVED answers, in each family one after the other: 100 bytes each way."
    for family in AF:
        listener = server.socket(family, socket.SOCK_STREAM, bind=(ANY[family], SERVED))
        listener.listen()
        for i in range(n):
            sock = client.socket(family, socket.SOCK_STREAM, bind=(address(source, family), FIRST + i))
            sock.connect((address(target, family), ASKED))
            called = listener.accept()[0]
            called.settimeout(20 * PATIENCE)
            for one, other in (sock, called), (called, sock):
                one.sendall(bytes(100))
                equal(len(other.recv(200)), 100, "bytes received")
            sock.shutdown(socket.SHUT_WR)
            equal(called.recv(10), b"", "end of data")
            called.close()
            equal(sock.recv(10), b"", "end of data")
            sock.close()
        listener.close()


def packets(ports, scope, port, transport="tcp"):
    "(rx, tx) of a port."
    counts = ports.get((scope, transport, port), Counts())
    return counts.rx, counts.tx


def of_clients(ports, scope):
    "What the clients' ports have together: (rx, tx)."
    return plus((0, 0), *(packets(ports, scope, FIRST + i) for i in range(N)))


def prepared():
    host, box = Netns(on=True), Netns()
    nft = Nft(host)
    host.ip("link set lo up gso_max_segs 1")
    return host, box, nft, *pair(host, box, link="gso_max_segs 1", gro=False)


def has_left(host, nft, seen):
    "All was between this host and another, at the clients' ports and the port served."
    ports, buckets, n = at_rest(host.portmon, nft, seen)
    check(n["left"] >= 10 * N and n["back"] >= 6 * N, f"too few packets: {n}")
    equal(packets(ports, "remote", SERVED), (n["back"], n["left"]), "remote port 80: (rx, tx)")
    equal(of_clients(ports, "local"), (n["back"], n["left"]), "local ports of the clients: (rx, tx)")
    equal({scope for scope, *_ in ports}, {"local", "remote"}, "scopes")
    for family in AF:
        check(("local-out", family, "loopback") not in buckets, f"bucket loopback of local-out: {buckets}")


@case()
def leaves():
    "a port of this host's own address that NAT in output sends elsewhere: what leaves is remote, none is loopback"
    host, box, nft, near, far = prepared()
    nat(host, near, dnat(far))
    seen = Counters(host, left=f"{OUT} oifname {near.dev} tcp dport {SERVED}", back=f"{IN} iifname {near.dev} tcp sport {SERVED}")
    exchange(host, box, near, near)
    has_left(host, nft, seen)


@case()
def elsewhere():
    "NAT in output from one neighbour to another, by another device: remote, at the port that is in what leaves"
    host, _, nft, near, far = prepared()
    other = Netns()
    near2, far2 = pair(host, other, link="gso_max_segs 1", gro=False)
    other.ip(f"route add {near.ipv4}/32 via {near2.ipv4}", f"route add {near.ipv6}/128 via {near2.ipv6}")
    nat(host, far, dnat(far2))
    seen = Counters(host, left=f"{OUT} oifname {near2.dev} tcp dport {SERVED}", back=f"{IN} iifname {near2.dev} tcp sport {SERVED}")
    exchange(host, other, near, far)
    has_left(host, nft, seen)


@case("to the loopback address", "redirect")
def stays(to):
    "another host's port that NAT in output brings to this one: loopback, none of it has left;"
    host, _, nft, near, far = prepared()
    nat(host, far, (lambda family: f"redirect to :{SERVED}") if to == "redirect" else dnat(near._replace(ipv4="127.0.0.1", ipv6="::1")))
    seen = Counters(host, there=f"{IN} iifname lo tcp dport {SERVED}", asked=f"{IN} iifname lo tcp sport {ASKED}",
                    back=f"{IN} iifname lo tcp sport {SERVED}", left=f"{OUT} oifname {near.dev} meta l4proto tcp")
    exchange(host, host, near, far)
    ports, buckets, n = at_rest(host.portmon, nft, seen)
    check(n["there"] >= 10 * N and n["asked"] >= 6 * N, f"too few packets: {n}")
    # Postrouting gives an answer its other name before lo.
    equal((n["back"], n["left"]), (0, 0), "answers from port 80, and what left the host")
    equal({scope for scope, *_ in ports}, {"loopback"}, "scopes")
    equal(packets(ports, "loopback", SERVED), (n["there"], 0), "loopback port 80: (rx, tx)")
    equal(packets(ports, "loopback", ASKED), (0, n["asked"]), "loopback port 8080: (rx, tx)")
    equal(of_clients(ports, "loopback"), (n["asked"], n["there"]), "loopback ports of the clients: (rx, tx)")
    equal(sum(buckets["local-out", family, "loopback"][0] for family in AF), n["there"] + n["asked"], "bucket loopback of local-out")


def ip(netns, family, line):
    netns.run("ip", f"-{family[-1]}", *line.split())


def marked(netns, target):
    "What this host sends to UDP port 5000 of an end has a mark, and the mark a table of routes: 100."
    for family in AF:
        netns.run("nft", "-f", "-", input=f"""table {IP[family]} m {{ chain output {{ type route hook output priority -150;
            {IP[family]} daddr {address(target, family)} udp dport 5000 meta mark set 1
            }}
        }}""")
        ip(netns, family, "rule add pref 10 fwmark 1 table 100")


@case()
def mark_leaves():
    "a mark in output takes datagrams to an own address out of the host: remote, none is loopback"
    host, box, nft, near, far = prepared()
    marked(host, near)
    seen = Counters(host, left=f"{OUT} oifname {near.dev} udp dport 5000")
    arrived = Counters(box, received="prerouting 0 udp dport 5000")
    for family in AF:
        own = address(near, family)
        for line in ("rule add pref 20 lookup local", "rule del pref 0 lookup local",
                     f"route add default via {address(far, family)} dev {near.dev} table 100"):
            ip(host, family, line)
        sock = host.socket(family, socket.SOCK_DGRAM, bind=(own, FIRST))
        for _ in range(N):
            sock.sendto(bytes(100), (own, 5000))
    becomes(arrived.read, {"received": 2 * N}, "arrived at the neighbour")
    ports, buckets, n = at_rest(host.portmon, nft, seen)
    equal(n, {"left": 2 * N}, "left")
    equal(packets(ports, "remote", 5000, "udp"), (0, 2 * N), "remote port 5000: (rx, tx)")
    equal(packets(ports, "local", FIRST, "udp"), (0, 2 * N), "local port: (rx, tx)")
    for family in AF:
        check(("local-out", family, "loopback") not in buckets, f"bucket loopback of local-out: {buckets}")


@case()
def mark_stays():
    "a mark in output keeps datagrams to another host here: loopback, none of them has left"
    host, _, nft, near, far = prepared()
    marked(host, far)
    seen = Counters(host, here=f"{IN} iifname lo udp dport 5000", left=f"{OUT} oifname {near.dev} meta l4proto udp")
    for family in AF:
        ip(host, family, "route add local default dev lo table 100")
        reader = host.socket(family, socket.SOCK_DGRAM, bind=(ANY[family], 5000))
        sock = host.socket(family, socket.SOCK_DGRAM, bind=(address(near, family), FIRST))
        for _ in range(N):
            sock.sendto(bytes(100), (address(far, family), 5000))
            equal(len(reader.recv(200)), 100, "bytes received")
    ports, buckets, n = at_rest(host.portmon, nft, seen)
    equal(n, {"here": 2 * N, "left": 0}, "arrived on lo, and left")
    equal(packets(ports, "loopback", 5000, "udp"), (2 * N, 0), "loopback port 5000: (rx, tx)")
    equal(packets(ports, "loopback", FIRST, "udp"), (0, 2 * N), "loopback port of the sender: (rx, tx)")
    equal({scope for scope, *_ in ports}, {"loopback"}, "scopes")
    for family in AF:
        equal(buckets["local-out", family, "loopback"][0], N, "bucket loopback of local-out")


# Segments count under the port that they have at the hook; what the stack tells, under the port that the socket knows.

@case("open", "closed")
def lifecycle_leaves(port):
    "a connection that NAT in output sends elsewhere: SYN, FIN, RST at the port in the packet, established and failed at the socket's;"
    client, box, _, near, far = prepared()
    delay_retransmits(near, far)
    nat(client, near, dnat(far))
    listener = Server(box, SERVED) if port == "open" else None
    for family in AF:
        equal(connections(client, address(near, family), address(near, family), FIRST, ASKED, N), N if listener else 0, "connections made")
    packets = events(syn_sent=2, synack_received=2, fin=4) if listener else events(syn_sent=2, rst_received=2)
    wanted = total(*(host(FIRST + i, SERVED, packets) for i in range(N)), {("remote", SERVED): events(syn_translated=2 * N)},
                   {("remote", ASKED): events(syn_translated=2 * N, **({"established": 2 * N} if listener else {"failed": 2 * N}))})
    becomes(client.portmon.tcp, wanted, "TCP events")
    equal(client.portmon.drops(), {}, "drops")


@case("open", "closed")
def lifecycle_stays(port):
    "a connection that NAT in output brings here: all of it loopback, a handshake once, at the port that accepts it;"
    host, _, _, near, far = prepared()
    nat(host, far, dnat(near))
    listener = Server(host, SERVED) if port == "open" else None
    for family in AF:
        equal(connections(host, address(near, family), address(far, family), FIRST, ASKED, N), N if listener else 0, "connections made")
    if listener:
        # A FIN of each end: one to port 80, one that comes from 8080.
        wanted = {("loopback", SERVED): events(syn_received=2 * N, fin=2 * N, established=2 * N, syn_translated=2 * N),
                  ("loopback", ASKED): events(synack_sent=2 * N, fin=2 * N, syn_translated=2 * N)}
    else:
        wanted = {("loopback", SERVED): events(syn_received=2 * N, syn_translated=2 * N),
                  ("loopback", ASKED): events(rst_sent=2 * N, failed=2 * N, syn_translated=2 * N)}
    packets = events(syn_sent=2, synack_received=2, fin=4) if listener else events(syn_sent=2, rst_received=2)
    becomes(host.portmon.tcp, total(wanted, *({("loopback", FIRST + i): packets} for i in range(N))), "TCP events")
    # The SYN-ACKs count at another port than the SYNs that they answer.
    ports = [p for p in ctl("stats", "--all", netns=host)["ports"] if p["scope"] == "loopback" and p["transport"] == "tcp"]
    unanswered = {p["port"]: p["tcp"]["unanswered"] for p in ports if p["port"] in (ASKED, SERVED)}
    equal(unanswered, {ASKED: 0, SERVED: 0 if listener else 2 * N}, "unanswered SYNs")


@case("others follow", "none follows")
def lifecycle_switched(others):
    "lifecycle switched off and on while such a connection is open: its end counts, and so do the next ones;"
    client, box, _, near, far = prepared()
    following = [client.portmon] if others == "others follow" else [client.portmon, Portmon()]
    nat(client, near, dnat(far))
    listener = Server(box, SERVED)
    with client.socket("ipv4", socket.SOCK_STREAM, bind=(near.ipv4, FIRST + N)) as sock:
        sock.connect((near.ipv4, ASKED))
        made = {("remote", ASKED): events(syn_translated=1, established=1), ("remote", SERVED): events(syn_translated=1)}
        becomes(client.portmon.tcp, total(host(FIRST + N, SERVED, events(syn_sent=1, synack_received=1)), made), "events, open")
        for portmon in following:
            portmon.do("netns-set", lifecycle=0)
        for portmon in following:
            portmon.do("netns-set", lifecycle=1)
    equal(connections(client, near.ipv4, near.ipv4, FIRST, ASKED, N), N, "connections made")
    whole = events(syn_sent=1, synack_received=1, fin=2)
    becomes(client.portmon.tcp, total(*(host(FIRST + i, SERVED, whole) for i in range(N + 1)), *[made] * (N + 1)), "events, closed")


run()
