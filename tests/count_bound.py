#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Memory is bounded whatever comes, and what finds no room is counted all the same."""
import collections
import random

from lib.counts import Nft, invariant
from lib.ktap import case, check, equal, note, run, wait_until
from lib.module import parameter
from lib.netns import AF, Netns, Tun, address
from lib.nlclient import Counts, ports_of
from lib.process import finish, traffic

SIZES = {("ipv4", 6): 40, ("ipv4", 17): 28, ("ipv6", 6): 60, ("ipv6", 17): 48}
RANGES = {"well-known": range(0, 1024), "registered": range(1024, 49152), "dynamic": range(49152, 65536)}
ALL = range(65536)


def scanned():
    host = Netns(on=True)
    return host, Nft(host, drop_in=True)


def scan(tun, family, protocol, sport, ports, times=1):
    return traffic("scan", tun.fd, tun.far[family], address(tun, family), protocol, sport, ports[0], ports[-1], times,
                   pass_fds=[tun.fd])


def range_of(port):
    return next(name for name, ports in RANGES.items() if port in ports)


def range_sums(ports, overflow):
    sums = {}
    for (scope, transport, port), counts in ports.items():
        key = scope, transport, range_of(port)
        sums[key] = sums.get(key, Counts()) + counts
    for key, counts in overflow.items():
        sums[key] = sums.get(key, Counts()) + counts
    return sums


def check_ranges(portmon, ports, overflow):
    found = portmon.dump("range-get")
    equal({(r["scope"], r["transport"], r["range"]): Counts.of(r) for r in found}, range_sums(ports, overflow), "sums over ranges")
    had = collections.Counter((scope, transport, range_of(port)) for scope, transport, port in ports)
    equal({(r["scope"], r["transport"], r["range"]): r["ports"] for r in found if r["ports"]}, dict(had), "ports in ranges")


# Slots: filled first, so that they have been idle for long enough when the last case takes them back.

BUSY = range(2000, 4150)
LOW = 16            # slots that may be free while the module creates or reclaims others
busy_host, busy_nft = scanned()
# What is counted of drops has memory of its own, which comes when it can.
busy_host.portmon.do("netns-set", drops=0)
busy_tun, other_tun = Tun(busy_host), Tun(busy_host)
busy_turns = 0
PLAIN = 6000


def busy_turn(times=40):
    "Make ports busy: each times packets in a row, from and to the same port. The most slots in use meanwhile."
    global busy_turns
    turn, most = scan(busy_tun, "ipv4", 17, "-", BUSY, times), 0
    while turn.poll() is None:
        most = max(most, busy_host.portmon.do("info-get")["slots"])
    finish(turn)
    busy_turns += times
    return max(most, busy_host.portmon.do("info-get")["slots"])


def busy_wanted():
    one = Counts(busy_turns, busy_turns * 28)
    plain = Counts(2 * 15000, 15000 * (28 + 48))
    return {(scope, "udp", port): plain if port == PLAIN else one for port in (*BUSY, PLAIN) for scope in ("local", "remote")}


@case()
def slots_run_out():
    "More busy ports than there are per-CPU counters: all exact, the number of slots bounded"
    info = busy_host.portmon.do("info-get")
    check(info["slots-max"] < 2 * len(BUSY), f"{info['slots-max']} slots are too many to run out of: adapt the test")
    for turn in range(1, 9):
        most = busy_turn()
        # Where a turn takes longer than a port has to be quiet for its slot to be taken, there are never none.
        if most > info["slots-max"] - LOW:
            break
    note(f"{turn} turns, {most} slots")
    memory = busy_host.portmon.do("info-get")["memory"]
    most = max(most, busy_turn())
    check(info["slots-max"] - LOW < most <= info["slots-max"], f"{most} slots in use of {info['slots-max']}")
    equal(busy_host.portmon.do("info-get")["memory"], memory, "memory after another turn")
    # A port that is as busy as can be, on two CPUs, and has to do without.
    for process in [scan(tun, family, 17, "-", range(PLAIN, PLAIN + 1), 15000) for tun, family in zip((busy_tun, other_tun), AF)]:
        finish(process)
    equal(invariant(busy_host.portmon, busy_nft)[0], busy_wanted(), "ports")


@case(("ipv4", "ipv6"), ("ipv6", "ipv4"))
def port_scan(families):
    "A scan of all TCP and UDP ports, records bounded: what has no record of its own is in its overflow, to the packet; TCP, UDP over"
    host, nft = scanned()
    tun = Tun(host)
    bound, sport = 1500, 40000
    parameter("max_records", bound)
    equal(host.portmon.do("info-get")["records-max"], bound, "the bound")
    for family, protocol in zip(families, (6, 17)):
        finish(scan(tun, family, protocol, sport, ALL))
    ports, overflow, buckets = invariant(host.portmon, nft)
    # The records went to the first that came: the first packet's two ports, then one port after the other. What the kernel
    # itself may say over ICMPv6 has one, too.
    room = bound - len([key for key in buckets if isinstance(key[2], int)])
    tcp, udp = SIZES[families[0], 6], SIZES[families[1], 17]
    wanted = {("local", "tcp", port): Counts(1, tcp) for port in range(room - 1)}
    wanted["remote", "tcp", sport] = Counts(65536, 65536 * tcp)
    equal(ports, wanted, "ports")
    beyond = {name: len([port for port in RANGES[name] if port >= room - 1]) for name in RANGES}
    spilt = {("local", "tcp", name): Counts(n, n * tcp) for name, n in beyond.items() if n}
    spilt |= {("local", "udp", name): Counts(len(RANGES[name]), len(RANGES[name]) * udp) for name in RANGES}
    spilt["remote", "udp", "registered"] = Counts(65536, 65536 * udp)
    equal(overflow, spilt, "overflow")
    equal(host.portmon.do("info-get")["records"], bound, "records")
    check_ranges(host.portmon, ports, overflow)

    # With room again new records are made, and what was counted as overflow stays.
    parameter("max_records", bound + 3)
    finish(scan(tun, families[1], 17, sport, range(50000, 50005), 2))
    ports, overflow, _ = invariant(host.portmon, nft)
    wanted |= {("local", "udp", port): Counts(2, 2 * udp) for port in (50000, 50001)}
    wanted["remote", "udp", sport] = Counts(10, 10 * udp)
    spilt["local", "udp", "dynamic"] += Counts(6, 6 * udp)
    equal(ports, wanted, "ports")
    equal(overflow, spilt, "overflow")
    check_ranges(host.portmon, ports, overflow)

    # A reset returns all of it and leaves none.
    returned = host.portmon.reset()
    equal(ports_of(returned), wanted, "ports returned by a reset")
    equal({(r["scope"], r["transport"], r["range"]): Counts.of(r) for r in returned if "range" in r and "port" not in r}, spilt,
          "overflow returned by a reset")
    equal((host.portmon.ports(), host.portmon.overflow()), ({}, {}), "what is left")


@case()
def scans_on_two_cpus():
    "Scans of the same ports on several CPUs at once: not one record above the bound, not one packet lost"
    host, nft = scanned()
    tuns = Tun(host), Tun(host)
    bound = 3000
    parameter("max_records", bound)
    ports = range(0, 20000)
    for process in [scan(tuns[0], "ipv4", 17, "-", ports), scan(tuns[1], "ipv6", 17, "-", ports)]:
        finish(process)
    found, overflow, buckets = invariant(host.portmon, nft)
    info = host.portmon.do("info-get")
    check(info["records"] <= bound, f"{info['records']} records")
    protocols = [key for key in buckets if isinstance(key[2], int)]
    equal(len(found) + len(protocols), info["records"], "records in use and records seen")
    check(bound - info["records"] < 3, f"only {info['records']} records")
    for (scope, transport, port), counts in found.items():
        check(transport == "udp" and port in ports and 1 <= counts.rx <= 2, (scope, port, counts))
    equal(sum(range_sums(found, overflow).values(), Counts()), Counts(4 * 20000, 2 * 20000 * (28 + 48)), "all counts")
    check_ranges(host.portmon, found, overflow)


@case()
def slots_come_back():
    "Ports that have gone quiet give their per-CPU counters to others, with traffic and resets going on: all exact"
    portmon = busy_host.portmon
    sums, poked = {}, 0

    def gather(**filter):
        for key, counts in ports_of(portmon.reset(**filter)).items():
            sums[key] = sums.get(key, Counts()) + counts

    def poke():
        # Each time other ports, which take what may be free: who finds little sends for what is idle.
        nonlocal poked
        finish(scan(other_tun, "ipv4", 17, "-", range(10000 + poked, 10100 + poked), 40))
        poked += 100
        return portmon.do("info-get")["slots"] < len(BUSY)
    wait_until(poke, 40, "the return of idle slots")
    turn = scan(busy_tun, "ipv4", 17, "-", BUSY, 40)
    resets = 0
    while turn.poll() is None:
        first = random.choice(BUSY)
        gather(port=first, port_max=first + 50)
        resets += 1
    finish(turn)
    global busy_turns
    busy_turns += 40
    note(f"{resets} resets")
    gather()
    equal(sums, busy_wanted() | {(scope, "udp", 10000 + n): Counts(40, 40 * 28)
                                  for scope in ("local", "remote") for n in range(poked)}, "ports")
    equal(portmon.overflow(), {}, "overflow")


run()
