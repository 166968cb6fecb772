#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What each combination of filters returns, and what a reset with it leaves; the sums hold throughout."""
import contextlib
import itertools
import socket

from lib.counts import Nft, add, balance, settled
from lib.kernel import seconds
from lib.ktap import becomes, case, check, equal, run, wait_until
from lib.module import parameter
from lib.netns import Netns, pair
from lib.nlclient import Counts, Portmon, buckets_of, ports_of, reasons_of
from lib.packets import Packets

# One value that matches some records, one that matches others, and none; a span is one filter with two attributes.
FILTERS = {
    "scope": ({}, {"scope": "remote"}, {"scope": "loopback"}),
    "transport": ({}, {"transport": "udp"}, {"transport": "sctp"}),
    "port": ({}, {"port": 5000}, {"port": 0}, {"port": 1000, "port_max": 60000}, {"port": 0, "port_max": 65535}),
    "range": ({}, {"range": "well-known"}, {"range": "dynamic"}),
    "non_zero": ({}, {"non_zero": True}),
    "dropped": ({}, {"dropped": True}),
}
SPAN = {"well-known": (0, 1023), "registered": (1024, 49151), "dynamic": (49152, 65535)}
OPEN, CLOSED = 5000, 5001
ALONE = 50500       # what is sent to it is dropped before it is counted: a record with nothing but drops


def given(most=len(FILTERS)):
    "Every combination of that many filters at most."
    for chosen in itertools.product(*FILTERS.values()):
        if sum(map(bool, chosen)) <= most:
            yield {name: value for attributes in chosen for name, value in attributes.items()}


class Records(dict):
    "{(scope, transport, port): (Counts, {reason: drops})}"

    def __init__(self, records=()):
        super().__init__({(r["scope"], r["transport"], r["port"]): (Counts.of(r), reasons_of(r)) for r in records if "port" in r})
        equal(len(self), sum("port" in r for r in records), "records, and different ones")

    def chosen(self, scope=None, transport=None, port=None, port_max=None, range=None, non_zero=False, dropped=False):
        low, high = (0, 65535) if port is None else (port, port if port_max is None else port_max)
        return {key: (counts, drops) for key, (counts, drops) in self.items()
                if scope in (None, key[0]) and transport in (None, key[1]) and low <= key[2] <= high
                and (not range or SPAN[range][0] <= key[2] <= SPAN[range][1])
                and (not non_zero or any(counts) or drops) and (not dropped or drops)}


class Yard:
    "A namespace where everything has counted: ports of three scopes, with and without drops, overflow, protocols."

    def __init__(self):
        self.netns = Netns(on=True)
        self.nft = Nft(self.netns)
        self.netns.run("nft", "-f", "-", input="\n".join((
            "table inet early {", "chain prerouting {", "type filter hook prerouting priority -300",
            f"udp dport {ALONE} drop", "}", "}")))
        self.pm, self.packets, self.returned = self.netns.portmon, Packets(self.netns), {}
        self.sock = self.netns.socket("ipv4", socket.SOCK_DGRAM)
        self.raw = self.netns.socket(socket.AF_INET, socket.SOCK_RAW, 200)
        self.fill()
        # From here on a port that is new finds no record.
        parameter("max_records", self.pm.do("info-get")["records"])
        self.packets.out("udp", 777, 778, 3)
        self.packets.sent = {key: v for key, v in self.packets.sent.items() if key[2] not in (777, 778)}
        self.overflow, self.buckets = self.pm.overflow(), self.pm.buckets()
        equal(set(self.overflow), {("local", "udp", "well-known"), ("remote", "udp", "well-known")}, "overflow")

    def dropped(self):
        return sum(sum(drops.values()) for _, drops in Records(self.pm.dump("port-get")).values())

    def fill(self):
        before = self.dropped()
        for transport in "udp", "sctp":
            for port in 0, 53, OPEN, 50000:
                self.packets.out(transport, port, 60000 - port)
                self.packets.within(transport, port, 60001 - port)
        self.sock.sendto(b"x", ("127.0.0.1", ALONE))
        self.raw.sendto(b"12345678", ("192.0.2.2", 0))
        # UDP drops the four of within(), too short for it, behind the socket that their copies arrive at.
        becomes(self.dropped, before + 5, "drops")

    def take(self, records):
        for key, (counts, drops) in records.items():
            self.returned[key] = self.returned.get(key, Counts()) + counts

    def holds(self, what, passed=None):
        "Returned and left together are what was sent, and what passed the hooks."
        together = dict(self.returned)
        add(together, self.pm.ports())
        equal({key: v for key, v in together.items() if any(v)}, self.packets.sent, f"{what}: returned and left together")
        balance(together, self.pm.overflow(), self.pm.buckets(), passed)


@case()
def dumps():
    "a dump with each combination of filters has what matches, and takes nothing away"
    yard = Yard()
    before = Records(yard.pm.dump("port-get"))
    state, tried = yard.pm.do("info-get"), 0
    for asked in given():
        equal(Records(yard.pm.dump("port-get", **asked)), before.chosen(**asked), f"port-get {asked}")
        tried += 1
    equal(tried, 540, "combinations")
    equal(Records(yard.pm.dump("port-get")), before, "records after all dumps")
    equal(yard.pm.do("info-get"), state, "info after all dumps")
    yard.holds("dumps")


@case()
def resets():
    """a reset with one filter or two returns what matches and resets that alone: other ports, overflow, buckets and since stay;
    only one with no filter resets them all"""
    yard = Yard()
    since = yard.pm.do("info-get")["since"]
    wait_until(lambda: seconds() > since, what="the next second")
    tried = 0
    for asked in filter(None, given(2)):
        yard.fill()
        before, buckets = Records(yard.pm.dump("port-get")), yard.pm.buckets()
        answer = yard.pm.reset(**asked)
        chosen = before.chosen(**{**asked, "non_zero": True})
        equal(Records(answer), chosen, f"reset {asked}: returned")
        equal(len(answer), len(chosen), f"reset {asked}: messages")
        equal(Records(yard.pm.dump("port-get")), {**before, **{key: (Counts(), {}) for key in chosen}}, f"reset {asked}: left")
        equal(yard.pm.buckets(), buckets, f"reset {asked}: buckets")
        equal(yard.pm.overflow(), yard.overflow, f"reset {asked}: overflow")
        equal(yard.pm.do("info-get")["since"], since, f"reset {asked}: since")
        yard.take(chosen)
        yard.holds(f"reset {asked}")
        tried += 1
    equal(tried, 69, "combinations")
    yard.holds("all resets", yard.nft.read())

    before, buckets = Records(yard.pm.dump("port-get")), yard.pm.buckets()
    answer = yard.pm.reset()
    equal(Records(answer), before.chosen(non_zero=True), "reset: ports returned")
    equal(buckets_of(answer), buckets, "reset: buckets returned")
    equal({(r["scope"], r["transport"], r["range"]): Counts.of(r) for r in answer if "range" in r and "port" not in r},
          yard.overflow, "reset: overflow returned")
    equal((yard.pm.ports(), yard.pm.buckets(), yard.pm.overflow()), ({}, {}, {}), "reset: left")
    check(yard.pm.do("info-get")["since"] > since, "a reset of everything does not move since")


def of_ipv4(sums):
    "IPv6 talks on its own."
    return {key: value for key, value in sums.items() if key[1] == "ipv4"}


@case()
def dropped():
    "a reset with only dropped: the closed port goes, the open one, its sender, buckets and since stay"
    client, server = Netns(on=True), Netns(on=True)
    near, far = pair(client, server)
    nft = Nft(server)
    reader = server.socket("ipv4", socket.SOCK_DGRAM, bind=(far.ipv4, OPEN))
    sender = client.socket("ipv4", socket.SOCK_DGRAM, bind=(near.ipv4, 40000))
    for port, n in (OPEN, 7), (CLOSED, 3):
        for _ in range(n):
            with contextlib.suppress(ConnectionRefusedError):
                sender.sendto(b"x", (far.ipv4, port))
    closed = "local", "udp", CLOSED
    becomes(server.portmon.drops, {closed: {"NO_SOCKET": 3}}, "drops")
    ports, overflow, buckets = settled(server.portmon, None)[:3]
    equal((ports["local", "udp", OPEN].rx, ports[closed].rx, ports["remote", "udp", 40000].rx), (7, 3, 10), "what arrived")
    since = server.portmon.do("info-get")["since"]
    wait_until(lambda: seconds() > since, what="the next second")
    watcher = Portmon(server)
    watcher.subscribe()
    answer = server.portmon.reset(dropped=True)
    equal(ports_of(answer), {closed: ports[closed]}, "what the reset returned")
    equal(len(answer), 1, "messages")
    equal(watcher.events(), [("reset-ntf", {"dropped": 0})], "events of the group")
    equal(server.portmon.ports(), {key: v for key, v in ports.items() if key != closed}, "ports left")
    equal(server.portmon.drops(), {}, "drops left")
    equal(of_ipv4(server.portmon.buckets()), of_ipv4(buckets), "buckets left")
    equal(server.portmon.do("info-get")["since"], since, "since")
    balance({**server.portmon.ports(), **ports_of(answer)}, server.portmon.overflow(),
            of_ipv4(server.portmon.buckets()), of_ipv4(nft.read()))


run()
