#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""portmon-ctl coverage: what interfaces, IP and portmon counted in the same time, to the packet, and why they differ."""
import contextlib
import ctypes
import json
import os
import pty
import re
import signal
import socket
import struct
import subprocess

from lib.connection import TcpInfo, connect, transfer
from lib.ctl import ctl, run_ctl
from lib.kernel import syscall
from lib.ktap import Skip, case, check, defer, equal, note, run, wait_until
from lib.netns import Netns, carried
from lib.packets import Packets, ipv4, udp
from lib.process import sh

HEADER, ARP = 14, 28


def watch(netns, meanwhile, *arguments, user=None):
    "What portmon-ctl coverage reports while meanwhile() runs: status, standard output, standard error."
    ours, theirs = pty.openpty()
    defer(os.close, ours)
    as_user = {"user": user, "group": user, "extra_groups": []} if user else {}
    process = netns.popen("portmon-ctl", "coverage", "--interval", "60", *arguments, stdout=subprocess.PIPE, stderr=theirs, **as_user)
    os.close(theirs)
    said = b""
    while b"measuring" not in said:
        said += os.read(ours, 1000)
    while not said.endswith(b"\n"):
        said += os.read(ours, 1000)
    meanwhile()
    process.send_signal(signal.SIGINT)
    out = process.communicate(timeout=60)[0]
    rest = b""
    with contextlib.suppress(OSError):
        while data := os.read(ours, 1000):
            rest += data
    return process.returncode, out, rest.decode()


def document(netns, meanwhile, **options):
    status, out, err = watch(netns, meanwhile, "--json", **options)
    equal((status, err), (0, ""), "coverage")
    return json.loads(out)["coverage"]


def causes(coverage):
    return {c["cause"]: c.get("packets", c.get("bytes")) for c in coverage["causes"]}


def link(coverage, name):
    return [i for i in coverage["interfaces"] if i["interface"] == name][0]


def packets(coverage):
    "Received and sent: (interfaces, IP, portmon, portmon, interfaces)."
    rx, tx = coverage["received"], coverage["sent"]
    return (rx["interfaces"]["packets"], rx["ip"]["packets"], rx["portmon"]["packets"], tx["portmon"]["packets"],
            tx["interfaces"]["packets"])


def quiet():
    "A namespace where nothing talks on its own."
    netns = Netns(on=True)
    for which in "all", "default":
        netns.sysctl(f"net.ipv6.conf.{which}.disable_ipv6", 1)
    return netns


def quiet_pair():
    "Two of them, joined."
    a, b = quiet(), quiet()
    a.ip(f"link add one address 02:00:00:00:00:01 type veth peer name two address 02:00:00:00:00:02 netns {b.name}",
         "addr add 10.0.0.1/24 dev one", "link set one up", "neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev one")
    b.ip("addr add 10.0.0.2/24 dev two", "link set two up", "neigh add 10.0.0.1 lladdr 02:00:00:00:00:01 dev two")
    carried(a, "one")
    return a, b


def received(netns, device):
    return json.loads(netns.run("ip", "-j", "-s", "link", "show", device))[0]["stats64"]["rx"]["packets"]


def send(netns, n, to=("10.0.0.2", 53), sink=None):
    "Datagrams; they have gone all the way when the sink has them."
    sock = netns.socket("ipv4", socket.SOCK_DGRAM)
    for _ in range(n):
        sock.sendto(bytes(100), to)
    for _ in range(n if sink else 0):
        sink.recv(1000)


def sink_of(netns):
    return netns.socket("ipv4", socket.SOCK_DGRAM, bind=("0.0.0.0", 53))


def frames(netns, device, n, kind, destination, payload):
    "Frames that no protocol of this host sends."
    sock = netns.socket(socket.AF_PACKET, socket.SOCK_RAW)
    for _ in range(n):
        sock.sendto(destination + b"\2\0\0\0\0\1" + struct.pack("!H", kind) + payload, (device, kind))


@case()
def headers():
    "headers of the link layer, ARP and LLDP are what is between an interface and portmon, byte by byte"
    a, b = quiet_pair()
    sink = sink_of(b)

    def meanwhile():
        send(a, 20, sink=sink)
        frames(a, "one", 7, 0x0806, b"\xff" * 6, struct.pack("!HHBBH", 1, 0x800, 6, 4, 2) + bytes(20))
        frames(a, "one", 3, 0x88cc, b"\1\x80\xc2\0\0\x0e", bytes(ARP))
        wait_until(lambda: received(b, "two") >= 30 + before, what="the frames")

    before = received(b, "two")
    coverage = document(b, meanwhile)
    equal(packets(coverage), (30, 20, 20, 0, 0), "packets at b")
    equal(coverage["received"]["portmon"]["bytes"], 20 * 128, "bytes of portmon")
    equal(coverage["received"]["interfaces"]["bytes"], 20 * (128 + HEADER) + 10 * (ARP + HEADER), "bytes of the interface")
    found = causes(coverage)
    equal((found["not-ip"], found["link-header"]), (10, 30 * HEADER), "not IP, and bytes of headers")
    check("before-hook" not in found and "looped" not in found, f"causes {found}")
    equal(link(coverage, "two")["other_namespace"], True, "the other end is elsewhere")
    check("elsewhere" in found, f"causes {found}")

    def leave():
        send(a, 5)
        frames(a, "one", 2, 0x0806, b"\xff" * 6, bytes(ARP))

    coverage = document(a, leave)
    equal(packets(coverage), (0, 0, 0, 5, 7), "packets at a")
    equal(causes(coverage)["tx-other"], 2, "sent without a hook")
    out = watch(a, leave)[1]
    check(re.search(r"\n\nWhy the sent counts differ:\n +2 packets  ", out), f"coverage prints\n{out}")


@case()
def other_host():
    "a frame for another host, and a packet that prerouting drops"
    a, b = quiet_pair()
    b.run("nft", "-f", "-", input="table ip t { chain c { type filter hook prerouting priority 0; udp dport 9 drop; }\n}\n")
    b.ip("link set two promisc on")
    packet = ipv4("10.0.0.1", "10.0.0.2", 17, udp(1, 53))

    def meanwhile():
        frames(a, "one", 4, 0x0800, b"\2\0\0\0\0\x09", packet)
        send(a, 6, ("10.0.0.2", 9))
        send(a, 1, sink=sink)

    sink = sink_of(b)
    coverage = document(b, meanwhile)
    equal(packets(coverage), (11, 7, 1, 0, 0), "packets")
    found = causes(coverage)
    equal((found["not-ip"], found["other-host"], found["before-hook"]), (4, 4, 6), "causes")


@case()
def buffers():
    "buffers of segments: the interface counts fewer, by as much as is said"
    netns = quiet()
    netns.ip("link set lo up mtu 1500")
    ends = connect(netns, netns, "ipv4", "127.0.0.1", 80)

    def meanwhile():
        transfer(ends.caller, ends.called, 3 << 20)
        wait_until(lambda: not TcpInfo.of(ends.caller).unacked, what="the last acknowledgement")

    coverage = document(netns, meanwhile)
    rx, ip, seen, sent, tx = packets(coverage)
    found = causes(coverage)
    note(f"lo {rx}, IP {ip}, portmon {seen}, causes {found}")
    equal(seen, ip, "portmon and IP")
    equal(sent, seen, "sent and received")
    equal(rx, tx, "lo")
    check(found["buffers"] > 10, f"buffers {found}")
    equal(rx + found["buffers"], seen, "what lo counted and the difference")
    equal(found["tx-less"], sent - tx, "sent in buffers")


@case()
def forward():
    "what is routed through is received and sent once each"
    netns = quiet()
    traffic = Packets(netns)
    traffic.through("udp", 1, 2)
    netns.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
    coverage = document(netns, lambda: traffic.through("udp", 1, 2, 9))
    equal(packets(coverage), (9, 9, 9, 9, 9), "packets")
    equal([h["packets"] for h in coverage["hooks"] if h["hook"] == "forward"], [9], "forward")
    traffic.tun.write(b"\x45" + bytes(40))
    coverage = document(netns, lambda: [traffic.tun.write(ipv4(traffic.tun.far["ipv4"], "192.0.2.2", 17, udp(1, 2), ihl=4))
                                        for _ in range(3)])
    equal(causes(coverage)["bad"], 3, "refused by IP")


XDP_DROP = struct.pack("=BBhi", 0xb7, 0, 0, 1) + struct.pack("=BBhi", 0x95, 0, 0, 0)


def bpf(command, attr):
    buf = ctypes.create_string_buffer(attr + bytes(256 - len(attr)))
    fd = syscall("bpf", command, buf, 256)
    if fd < 0:
        raise OSError(ctypes.get_errno(), f"bpf command {command}")
    defer(os.close, fd)
    return fd


def attach_xdp(netns, device, flags):
    program, licence = ctypes.create_string_buffer(XDP_DROP), ctypes.create_string_buffer(b"GPL")
    fd = bpf(5, struct.pack("=IIQQ", 6, 2, ctypes.addressof(program), ctypes.addressof(licence)))
    with netns.enter():
        bpf(28, struct.pack("=IIII", fd, socket.if_nametoindex(device), 37, flags))


@case("driver", "generic")
def xdp(mode):
    "an XDP program is seen, and what it drops does not come to IP"
    a, b = quiet_pair()
    equal(link(document(b, lambda: None), "two")["xdp"], None, "xdp without a program")
    attach_xdp(b, "two", {"driver": 4, "generic": 2}[mode])
    coverage = document(b, lambda: send(a, 8))
    equal(link(coverage, "two")["xdp"], mode, "xdp")
    equal(packets(coverage)[1:3], (0, 0), "received by IP and by portmon")
    check("xdp" in causes(coverage), f"causes {causes(coverage)}")
    status, out, err = watch(b, lambda: send(a, 1))
    check(f"XDP ({mode})" in out and "XDP program" in out, f"coverage prints\n{out}")


@case()
def flowtable():
    "tc filters and a flowtable are seen; whether there is a flowtable is not for a user to know"
    a, b = quiet_pair()
    coverage = document(b, lambda: None)
    equal((link(coverage, "two")["tc"], link(coverage, "two")["flowtable"]), (False, False), "tc and flowtable")
    b.run("tc", "qdisc", "add", "dev", "two", "clsact")
    b.run("nft", "-f", "-", input="table ip t { flowtable f { hook ingress priority 0; devices = { two }; }\n}\n")
    coverage = document(b, lambda: None)
    equal((link(coverage, "two")["tc"], link(coverage, "two")["flowtable"]), (True, True), "tc and flowtable")
    equal((link(coverage, "lo")["tc"], link(coverage, "lo")["flowtable"]), (False, False), "tc and flowtable of lo")
    check({"tc", "flowtable"} <= causes(coverage).keys(), f"causes {causes(coverage)}")
    sink = sink_of(b)
    coverage = document(b, lambda: send(a, 4, sink=sink), user=1000)
    equal((link(coverage, "two")["tc"], link(coverage, "two")["flowtable"]), (True, None), "as a user")
    check("flowtable-unknown" in causes(coverage), f"causes {causes(coverage)}")
    equal(packets(coverage)[:3], (4, 4, 4), "packets as a user sees them")


@case()
def stacked():
    "an interface whose packets another one counts as well is in the sum once"
    a, b = quiet_pair()
    b.ip("link add br0 type bridge mcast_snooping 0", "addr flush dev two", "link set two master br0",
         "link add link br0 name br0.5 type vlan id 5", "addr add 10.0.0.2/24 dev br0", "addr add 10.0.5.2/24 dev br0.5",
         "link set br0 up address 02:00:00:00:00:02", "link set br0.5 up")
    a.ip("link add link one name one.5 type vlan id 5", "addr add 10.0.5.1/24 dev one.5", "link set one.5 up",
         "neigh add 10.0.5.2 lladdr 02:00:00:00:00:02 dev one.5 nud permanent")
    carried(b, "br0.5")

    sink = sink_of(b)

    def meanwhile():
        send(a, 5, sink=sink)
        send(a, 6, ("10.0.5.2", 53), sink)

    for netns in a, b:
        coverage = document(netns, meanwhile)
        by_name = {i["interface"]: (i["in_sum"], i["counted_by"]) for i in coverage["interfaces"] if i["interface"] != "lo"}
        equal(by_name, {"one": (True, None), "one.5": (False, "one")} if netns is a else
              {"two": (False, "br0"), "br0": (True, None), "br0.5": (False, "br0")}, "which are in the sum")
    equal(coverage["received"]["portmon"]["packets"], coverage["received"]["ip"]["packets"], "portmon and IP")
    equal([link(coverage, name)["rx"]["packets"] for name in ("two", "br0", "br0.5")], [11, 11, 6], "received")
    equal(coverage["received"]["interfaces"]["packets"], 11, "the sum")


@case()
def bridged():
    "what a bridge passes on is not seen, or with br_netfilter counts as forward, and coverage says so"
    try:
        sh("modprobe", "br_netfilter")
    except AssertionError:
        raise Skip("this kernel has no br_netfilter")
    defer(sh, "modprobe", "-r", "br_netfilter")
    a, bridge, c = quiet(), quiet(), quiet()
    bridge.ip("link add br0 type bridge mcast_snooping 0", "link set br0 up")
    for n, (netns, device) in enumerate(((a, "one"), (c, "two")), 1):
        bridge.ip(f"link add port{n} type veth peer name {device} netns {netns.name}", f"link set port{n} master br0 up")
        netns.ip(f"link set {device} address 02:00:00:00:00:0{n}", f"addr add 10.0.0.{n}/24 dev {device}", f"link set {device} up",
                 f"neigh add 10.0.0.{3 - n} lladdr 02:00:00:00:00:0{3 - n} dev {device}")
        carried(bridge, f"port{n}")
    sink = sink_of(c)

    def seen(namespace, own):
        bridge.sysctl("net.bridge.bridge-nf-call-iptables", namespace)
        bridge.ip(f"link set br0 type bridge nf_call_iptables {own}")
        bridge.portmon.reset()
        coverage = document(bridge, lambda: send(a, 7, sink=sink))
        forward = bridge.portmon.ports(scope="forward", port=53)
        return ({key: counts.rx for key, counts in forward.items()}, [link(coverage, name)["bridge_netfilter"] for name in ("br0", "port1")],
                "bridge-netfilter" in causes(coverage), causes(coverage).get("looped"))

    bridge.sysctl("net.bridge.bridge-nf-call-ip6tables", 0)
    equal(seen(0, 0), ({}, [False, False], False, None), "without")
    for switched in (1, 0), (0, 1):
        equal(seen(*switched), ({("forward", "udp", 53): 7}, [True, False], True, 7), f"with br_netfilter, {switched}")
    out = watch(bridge, lambda: None)[1]
    check(re.search("^br0 .* br_netfilter$", out, re.M), out)
    check("count as forward" in " ".join(out.split()), out)


@case()
def within():
    "interfaces in a VRF, a new one, and a promiscuous one; output through a VRF is counted once"
    a, b = quiet_pair()
    b.ip("link add red type vrf table 10", "link set red up", "link set two master red promisc on",
         "neigh replace 10.0.0.1 lladdr 02:00:00:00:00:01 dev two")
    sink = b.socket("ipv4", socket.SOCK_DGRAM, bind=("0.0.0.0", 53), device="red")
    target = a.socket("ipv4", socket.SOCK_DGRAM, bind=("0.0.0.0", 54))

    def meanwhile():
        send(a, 5, sink=sink)
        for _ in range(3):
            sink.sendto(b"x", ("10.0.0.1", 54))
            target.recv(10)
        b.ip(f"link add late{len(late)} type dummy", f"link set late{len(late)} up")
        late.append(1)
    late = []
    coverage = document(b, meanwhile)
    equal((coverage["received"]["portmon"]["packets"], coverage["sent"]["portmon"]["packets"]), (5, 3), "packets")
    equal([h["packets"] for h in coverage["hooks"] if h["hook"] == "local-out"], [6], "local-out")
    equal(coverage["sent"]["portmon"]["bytes"], 3 * 29, "bytes that were sent")
    equal([link(coverage, name)["in_sum"] for name in ("red", "two", "late0")], [False, True, True], "which are in the sum")
    out = watch(b, meanwhile)[1]
    check(re.search("^red .* counted by its members$", out, re.M), out)
    check(re.search("^two .* other namespace, promiscuous$", out, re.M), out)
    b.ip("link add link two name two.7 type vlan id 7", "link set two.7 up")
    check(re.search("^two.7 .* counted by two$", watch(b, meanwhile)[1], re.M), "no line for the VLAN")
    coverage = document(b, meanwhile, user=1000)
    equal(link(coverage, "two")["flowtable"], None, "flowtable as a user")


@case()
def words():
    "the table, its verdict, an idle host, a reset meanwhile"
    a, b = quiet_pair()
    sink = sink_of(b)
    status, out, err = watch(b, lambda: send(a, 40, sink=sink))
    equal((status, err), (0, ""), "coverage")
    check(re.match(r"In \d+\.\d s portmon counted 40 of the 40 packets handed to IP \(100\.0 %\)\.\n", out), out)
    check(re.search(r"^two +40 +5\.68k +0 +0 +other namespace$", out, re.M), out)
    check(re.search(r"^= portmon +40 +5\.12k +", out, re.M), out)
    check(re.search(r"Why the received counts differ .*\n +560 bytes  link-layer headers", out), out)
    check(max(map(len, out.split("Why")[1].splitlines())) <= 80, f"wider than a terminal:\n{out}")
    idle = Netns(on=True)
    for arguments in ["coverage", "-i", "0.1"], ["coverage", "-i", "0.1", "--json"]:
        status, out, err = run_ctl(*arguments, netns=idle)
        equal((status, err), (0, ""), f"{arguments}")
        check("--json" in arguments or "nothing was handed to IP" in out, out)
    equal(ctl("coverage", "-i", "0.1", netns=idle)["coverage"]["causes"], [], "causes of nothing")
    status, out, err = watch(b, lambda: b.portmon.reset())
    equal((status, out), (1, ""), "coverage with a reset")
    check(re.fullmatch(r"portmon-ctl: the counters were reset during the measurement; try again\s+", err), f"said {err!r}")


run()
