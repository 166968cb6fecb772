#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Drops and connections of one namespace are not seen in another, and no namespace is kept alive by what portmon did in it."""
import socket
import subprocess
import time

from lib.actor import Actor, allow_user_namespaces
from lib.ctl import ctl
from lib.kernel import CPUS
from lib.ktap import becomes, case, check, equal, run, wait_until
from lib.netns import Netns, Tun, pair
from lib.nlclient import Portmon
from lib.packets import Forger, datagram
from lib.process import traffic

allow_user_namespaces()
PORT = 54321


@case()
def leaks():
    "drops and handshakes count where they are, though another namespace has devices of the same names and numbers"
    home = Portmon()
    before = home.do("info-get")
    a, b = Netns(on=True), Netns(on=True)
    actor = Actor(user=True, userns=True, own=True)
    c = actor.netns()
    keeper = Portmon(c)
    keeper.do("netns-set", enabled=1)
    # The same device in all three.
    n = Tun.count
    theirs = []
    for netns in a, b, c:
        Tun.count = n
        theirs.append(Forger(netns))
    numbers = []
    for netns in a, b, c:
        with netns.enter():
            numbers.append([pair_ for pair_ in socket.if_nameindex() if pair_[1].startswith("tun")])
    check(numbers[0] == numbers[1], f"not the same devices: {numbers}")
    there = theirs[0]
    for _ in range(5):
        there.write(datagram(there.far["ipv4"], there.ipv4, 9, PORT))
        there.write(datagram(there.far["ipv4"], there.ipv4, 9, PORT, wrong=1))
        there.send("ipv4", 9, PORT, 0x02)
    a.run("nft", "-f", "-", input=f"table inet t {{\nchain in {{\ntype filter hook input priority 0\ntcp dport {PORT} drop\n}}\n}}")
    there.send("ipv4", 9, PORT, 0x02)
    becomes(lambda: sum(a.portmon.drops().get(("local", "udp", PORT), {}).values()), 10, "datagrams dropped")
    becomes(lambda: a.portmon.drops().get(("local", "tcp", PORT)), {"NO_SOCKET": 5, "NETFILTER_DROP": 1}, "segments dropped")
    equal(a.portmon.tcp()["local", PORT]["syn-received"], 6, "SYNs")
    for who, client in ("another namespace", b.portmon), ("a user namespace's", keeper):
        equal((client.drops(), client.tcp(), client.ports(), client.events_overflow()), ({}, {}, {}, {}), f"what {who} has")
    mine = lambda found: {key: v for key, v in found.items() if key[-1] == PORT}
    equal((mine(home.drops()), mine(home.tcp()), mine(home.ports())), ({}, {}, {}), "what the initial namespace has")
    equal(home.do("info-get").get("drops-unplaced"), before.get("drops-unplaced"), "drops of no namespace")
    for client in a.portmon, b.portmon, keeper:
        check("drops-unplaced" not in client.do("info-get"), "a namespace sees the host's drops")
    equal(sorted({type(answer) for answer in (actor("dump", "port-get", dropped=True), actor("dump", "overflow-get"))}, key=str), [list], "answers")
    equal((actor("dump", "port-get"), [r for r in actor("dump", "bucket-get") if r["family"] == "ipv4"]), ([], []),
          "what a user namespace's root sees")


class Watch:
    "A pair of devices: when the namespace of the one has gone, so has the other."

    def __init__(self, netns):
        self.yard = Netns()
        self.near, self.far = pair(netns, self.yard)

    def gone(self):
        with self.yard.enter():
            return self.far.dev not in [name for _, name in socket.if_nameindex()]


def busy(netns, watch):
    "Use portmon in the namespace in every way there is; what stays open belongs to the processes that are returned."
    keeper = Portmon(netns)
    keeper.do("netns-set", enabled=1)
    netns.ip("link set lo up")
    with netns.enter():
        for n in range(600):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.sendto(b"x", (watch.far.ipv4, n + 1))
            sock.close()
    for port in range(100, 164):            # busy: counters per CPU; and drops at the other end of lo
        for _ in range(40):
            with netns.enter():
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    sock.sendto(b"x", ("127.0.0.1", port))
    for command in "port-get", "range-get", "overflow-get", "bucket-get":
        keeper.dump(command)
    ctl("stats", netns=netns)
    keeper.do("netns-set", lifecycle=0)
    keeper.do("netns-set", lifecycle=1, drops=0)
    keeper.do("netns-set", drops=1)
    keeper.reset(scope="remote", port=1, port_max=9)
    keeper.sock.close()
    actors = [Actor(netns), Actor(netns, user=True), Actor(netns, user=True, userns=True), Actor(netns)]
    for actor, command in zip(actors, ("port-get", "range-get", "bucket-get", "reset")):
        actor("listen", None)           # and receives none of the events
        actor("half", command)
    monitor = netns.popen("portmon-ctl", "monitor", "--json", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sender = traffic("flood", CPUS[0], watch.near.ipv4, watch.far.ipv4, 7, 1, 65535, 10, 1000, netns=netns)
    # Without a fork: User Mode Linux does not survive one that a signal interrupts.
    within = netns.popen("bash", "-c", "while :; do echo x > /dev/udp/127.0.0.1/9; done", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return actors, [monitor, sender, within]


def kill(actors, processes):
    for process in processes:
        process.kill()
        process.communicate()
    for actor in actors:
        actor.end(kill=True)


@case("with a name", "of a user namespace")
def kept_alive(kind):
    "a namespace in which every command was used ends with its last process and name, and not before;"
    if kind == "with a name":
        netns = owner = Netns()
        owners = []
    else:
        owner = Actor(user=True, userns=True, own=True)
        owners, netns = [owner], owner.netns()
    watch = Watch(netns)
    actors, processes = busy(netns, watch)
    if not owners:
        netns.delete()
    # What is open inside holds it, as it must; without this the rest would prove nothing.
    time.sleep(0.5)
    check(not watch.gone(), "it has gone though processes are in it")
    kill(actors + owners, processes)
    wait_until(watch.gone, what="the end of the namespace")
    equal(Portmon().do("info-get")["enabled"], 1, "the module")


run()
