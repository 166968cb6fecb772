#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A flood of SYNs from addresses and ports that nobody has: counted to the last one, in bounded memory."""
import subprocess

from lib.counts import mib
from lib.ktap import becomes, case, check, equal, run
from lib.module import parameter
from lib.netns import address, hosts
from lib.packets import Forger
from lib.process import finish, traffic
from lib.tcp_events import Server, connections, events, total

PORT, FIRST, N, REAL = 443, 1024, 2500, 20
RECORDS = 3200              # bounds events to 2,400, and those of other hosts' ports to 1,800
SPOOFED = {"ipv4": ("198.18.0.0/15", "198.18.0.1"), "ipv6": ("2001:db8::/32", "2001:db8::1")}


def remote(netns):
    "TCP events of scope remote: the sums over its ports, and with what is in the overflow."
    sums = total(*({"": counts} for counts in netns.portmon.tcp(scope="remote").values()))[""]
    return sums, total({"": sums}, {"": netns.portmon.events_overflow().get("remote", {})})[""]


@case(("ipv6", "cookies always"), ("ipv4", "cookies when the queue is full"))
def flood(how):
    "a SYN flood with real clients amid it: each SYN and SYN-ACK counts, only the real complete, and memory is bounded;"
    family, cookies = how
    parameter("max_records", RECORDS)
    (client, server), (near, far) = hosts()
    there = Forger(server)
    server.ip(f"route add {SPOOFED[family][0]} dev {there.dev}")
    server.sysctl("net.ipv4.tcp_syncookies", 2 if cookies == "cookies always" else 1)
    if cookies != "cookies always":
        server.sysctl("net.core.somaxconn", 16)
    listener = Server(server, PORT, lossy=True)

    def wave(first):
        "One flood; how many SYN-ACKs came back."
        flood = traffic("syns", there.fd, SPOOFED[family][1], getattr(there, family), FIRST, PORT, N, pass_fds=[there.fd],
                        stdin=subprocess.DEVNULL)
        # On the server's CPU: where ACKs overtake each other, a late one has a cookie that makes a connection of its own.
        real = connections(client, address(near, family), address(far, family), first, PORT, REAL)
        equal(real, REAL, "real connections made")
        return int(finish(flood))

    answered = wave(20000)
    sent = N + REAL
    own = lambda: server.portmon.tcp(scope="local")["local", PORT]
    # A queued request's SYN-ACK is retransmitted after a second.
    becomes(lambda: {name: own().get(name, 0) for name in ("syn-received", "established", "failed")},
            {"syn-received": sent, "established": REAL, "failed": 0}, "TCP events of the server's port")
    found = own()
    equal(found["synack-sent"], sent + found.get("synack-retransmitted", 0), "SYN-ACKs sent")
    check(answered >= N, f"{answered} SYN-ACKs came back for {N} SYNs")
    check(mib(server)["SyncookiesSent"] > N / 2, "no cookies were sent")
    info = server.portmon.do("info-get")
    check(info["events"] <= info["events-max"] == RECORDS // 4 * 3, f"events: {info}")
    with_ports, everything = remote(server)
    check(with_ports["syn-received"] < sent, "no overflow: the bound was not reached")
    equal({name: everything.get(name, 0) for name in ("syn-received", "established")},
          {"syn-received": sent, "established": 0}, "SYNs of all remote ports, overflow included")
    # Those of queued requests are retransmitted all the time.
    least, others, most = own()["synack-sent"], remote(server)[1]["synack-sent"], own()["synack-sent"]
    check(least <= others <= most, f"SYN-ACKs of all remote ports: {others}, of the server's {least} to {most}")

    # This host's own ports still find counters.
    equal(connections(client, address(near, family), address(far, family), 20000 + REAL, 80, 1), 0, "connections to a closed port")
    becomes(lambda: server.portmon.tcp(scope="local").get(("local", 80)), events(syn_received=1, rst_sent=1), "a new port of this host")

    # Once more: nothing grows.
    # Protocols without ports have records and pages too, and a host's first packet of ICMPv6 comes when it likes.
    ports = lambda: len(server.portmon.dump("port-get"))
    before, ports_before = server.portmon.do("info-get"), ports()
    wave(30000)
    becomes(lambda: own()["syn-received"], 2 * sent, "SYNs after another flood")
    equal(own()["established"], 2 * REAL, "established")
    equal(remote(server)[1]["syn-received"], 2 * sent + 1, "SYNs of all remote ports, overflow included")
    after = server.portmon.do("info-get")
    # The real clients came from ports of their own.
    new = ports() - ports_before
    check(new <= REAL and after["events"] - before["events"] <= 3 * REAL, f"{new} new ports, before {before}, after {after}")
    check(after["memory"] - before["memory"] <= 32768, f"memory before {before['memory']}, after {after['memory']}")
    listener.accepted(2 * REAL)


run()
