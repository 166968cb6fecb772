#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""portmon-ctl tells which process owns a port, how many connections it has, and what a user may not see."""
import json
import os
import re
import socket
import struct
import time

from lib.connection import connect
from lib.ctl import ctl, run_ctl
from lib.ktap import case, check, defer, equal, run, wait_until
from lib.netns import Netns, Tun, pair
from lib.packets import Packets, checksum, ipv4
from lib.process import sh

ME = os.getpid()
with open("/proc/self/comm") as file:
    NAME = file.read().strip()


def owners(netns, *arguments, **options):
    "{(scope, transport, port): record} of stats --json --processes."
    return {(r["scope"], r["transport"], r["port"]): r
            for r in ctl("stats", "--all", "--processes", *arguments, netns=netns, **options)["ports"]}


def mine(record):
    "This process is the only owner; the rest of what is said of it."
    equal([(o["process"], o["pid"]) for o in record["owner"]], [(NAME, ME)], "owner")
    return {key: record["owner"][0][key] for key in ("listens", "connections")}


def loopback():
    netns = Netns(on=True)
    netns.ip("link set lo up")
    return netns


def row(text, *words):
    "The line of a table that has these words, split."
    found = [line.split() for line in text.splitlines() if all(word in line.split() for word in words)]
    check(found, f"no line with {words} in\n{text}")
    return found[0]


@case("ipv4", "ipv6")
def tcp(family):
    "TCP: listener, accepted connections, those not accepted yet, and the client's end of them"
    netns = loopback()
    host = {"ipv4": "127.0.0.1", "ipv6": "::1"}[family]
    listener = netns.socket(family, socket.SOCK_STREAM, bind=(host, 443))
    listener.listen(7)
    clients = [netns.socket(family, socket.SOCK_STREAM, bind=(host, 40000 + i)) for i in range(5)]
    for client in clients:
        client.connect((host, 443))
    accepted = [listener.accept()[0] for _ in range(3)]
    for sock in accepted:
        defer(sock.close)
    found = owners(netns)
    server = found["loopback", "tcp", 443]
    equal(mine(server), {"listens": True, "connections": 3}, "server")
    equal(server["sockets"], {"listening": 1, "open": 5, "half_open": 0, "closing": 0, "backlog": 2, "backlog_max": 7},
          "sockets")
    for i in range(5):
        equal(mine(found["loopback", "tcp", 40000 + i]), {"listens": False, "connections": 1}, "client")
    status, out, err = run_ctl("show", "443/tcp", netns=netns)
    equal((status, err), (0, ""), "show")
    equal(row(out, "443/tcp", "listens"), ["443/tcp", "listens", NAME, str(ME), "-", "3", "0", "2/7", host], "the listener's line")
    check(re.search(rf"^443/tcp +connects here +{NAME} +{ME} +- +5 ", out, re.M), f"no line for the clients in\n{out}")
    status, out, err = run_ctl("stats", "-P", netns=netns)
    equal((status, err), (0, ""), "stats -P")
    equal(row(out, "443/tcp")[-2:], ["5", f"{NAME}[{ME}]"], "OPEN and OWNER")


@case("udp", "udplite")
def udp(transport):
    "UDP and UDP-Lite: who waits at the port"
    netns = loopback()
    protocol, port = {"udp": (socket.IPPROTO_UDP, 53), "udplite": (136, 54)}[transport]
    server = netns.socket("ipv4", socket.SOCK_DGRAM, protocol, bind=("127.0.0.1", port))
    client = netns.socket("ipv4", socket.SOCK_DGRAM, protocol, bind=("127.0.0.1", 5000 + port))
    client.connect(("127.0.0.1", port))
    client.send(b"x")
    server.recv(10)
    found = owners(netns)
    equal(mine(found["loopback", transport, port]), {"listens": True, "connections": 0}, transport)
    equal(mine(found["loopback", transport, 5000 + port]), {"listens": False, "connections": 1}, "client")


@case("sctp", "dccp")
def others(transport):
    "SCTP and DCCP: who listens, and one connection"
    sh("modprobe", {"sctp": "sctp", "dccp": "dccp_ipv4"}[transport])
    netns = loopback()
    kind, protocol = {"sctp": (socket.SOCK_STREAM, 132), "dccp": (6, 33)}[transport]
    server = netns.socket("ipv4", kind, protocol, bind=("127.0.0.1", 3868))
    client = netns.socket("ipv4", kind, protocol)
    if transport == "dccp":
        for sock in server, client:
            sock.setsockopt(269, 2, struct.pack("=I", 7))      # SOL_DCCP, DCCP_SOCKOPT_SERVICE
    server.listen(3)
    client.connect(("127.0.0.1", 3868))
    defer(server.accept()[0].close)
    found = owners(netns)
    equal(mine(found["loopback", transport, 3868]), {"listens": True, "connections": 1}, transport)
    equal(mine(found["loopback", transport, client.getsockname()[1]]), {"listens": False, "connections": 1}, "client")


@case()
def half_open():
    "a SYN that no one confirms is a half-open connection, and no one's"
    netns = Netns(on=True)
    tun = Tun(netns)
    listener = netns.socket("ipv4", socket.SOCK_STREAM, bind=(tun.ipv4, 25))
    listener.listen(20)
    for i in range(4):
        syn = bytearray(tcp_segment(2000 + i, 25, 2))
        syn[16:18] = struct.pack("!H", checksum(pseudo(tun.far["ipv4"], tun.ipv4, syn) + syn))
        tun.write(ipv4(tun.far["ipv4"], tun.ipv4, 6, bytes(syn)))
    record = wait_until(lambda: (r := owners(netns).get(("local", "tcp", 25))) and r["sockets"]["half_open"] == 4 and r,
                        what="four half-open connections")
    equal(mine(record), {"listens": True, "connections": 0}, "listener")
    equal(row(run_ctl("show", "25", netns=netns)[1], "listens")[6], "4", "HALF-OPEN")


def tcp_segment(sport, dport, flags):
    return struct.pack("!HHIIBBHHH", sport, dport, 1, 0, 5 << 4, flags, 1024, 0, 0)


def pseudo(source, destination, segment):
    return socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!BBH", 0, 6, len(segment))


@case()
def remote():
    "what this host uses of others, and what is forwarded"
    a, b = Netns(on=True), Netns(on=True)
    one, two = pair(a, b)
    link = connect(a, b, "ipv4", two.ipv4, 5432)
    link.caller.send(b"x")
    equal(link.called.recv(1), b"x", "received")
    wait_until(lambda: ("remote", "tcp", 5432) in owners(a), what="the record")
    equal(mine(owners(a)["remote", "tcp", 5432]), {"listens": False, "connections": 1}, "who uses 5432 there")
    equal(mine(owners(b)["local", "tcp", 5432]), {"listens": False, "connections": 1}, "who owns 5432 here")
    Packets(c := Netns(on=True)).through("tcp", 5432, 5432)
    for record in owners(c).values():
        equal(record["owner"], [], f"owner of {record['scope']}")


@case()
def shared():
    "several processes with one listener are all told; in a table they are one"
    netns = loopback()
    listener = netns.socket("ipv4", socket.SOCK_STREAM, bind=("127.0.0.1", 80))
    listener.listen()
    netns.socket("ipv4", socket.SOCK_STREAM).connect(("127.0.0.1", 80))
    children = []
    for _ in range(3):
        pid = os.fork()
        if not pid:
            time.sleep(60)
            os._exit(0)
        defer(os.waitpid, pid, 0)
        defer(os.kill, pid, 9)
        children.append(pid)
    record = owners(netns)["loopback", "tcp", 80]
    equal(sorted(o["pid"] for o in record["owner"]), sorted([ME, *children]), "processes")
    equal(record["sockets"]["listening"], 1, "listeners")
    check(f"{NAME}[{min([ME, *children])}]+3" in run_ctl("stats", "-P", netns=netns)[1], "stats -P does not say +3")
    pids = ",".join(map(str, sorted([ME, *children])))
    equal(row(run_ctl("show", "80", netns=netns)[1], "listens")[3], pids, "PID")


def child(function):
    "A process that calls this and stays; it ends with the case."
    ready, releases = os.pipe()
    pid = os.fork()
    if not pid:
        kept = function()
        os.write(releases, b"R")
        time.sleep(600)
        os._exit(bool(kept))
    defer(os.waitpid, pid, 0)
    defer(os.kill, pid, 9)
    equal(os.read(ready, 1), b"R", "the first word of a process")
    os.close(ready)
    os.close(releases)
    return pid


def renamed(netns, address_, port, name):
    "Listen there, under another name."
    def listen():
        with open("/proc/self/comm", "w") as file:
            file.write(name)
        sock = netns.socket("ipv4", socket.SOCK_STREAM, bind=(address_, port))
        sock.listen()
        return sock
    return listen


@case()
def several():
    "a port with two listeners of two programs, one of them with many processes and one with an odd name; a connection that closes"
    netns = loopback()
    listener = netns.socket("ipv4", socket.SOCK_STREAM, bind=("127.0.0.1", 80))
    listener.listen()
    client = netns.socket("ipv4", socket.SOCK_STREAM)
    client.connect(("127.0.0.1", 80))
    accepted = listener.accept()[0]
    defer(accepted.close)
    children = sorted([ME, *(child(lambda: None) for _ in range(5))])
    odd = child(renamed(netns, "127.0.0.2", 80, "odd\tname"))
    lines = run_ctl("show", "80", netns=netns)[1].splitlines()
    groups = {line.split()[2]: line.split() for line in lines if "listens" in line}
    equal(groups.keys(), {NAME, "odd?name"}, f"programs in {lines}")
    equal(groups[NAME][3:5], [",".join(map(str, children[:4])), "+2"], "PIDs of the first")
    equal(groups["odd?name"][3], str(odd), "PID of the second")
    check(any(line.endswith(" +1") and "127.0.0." in line for line in lines), f"no second address in {lines}")
    # Closed at one end; the processes forked meanwhile have neither.
    server = netns.socket("ipv4", socket.SOCK_STREAM, bind=("127.0.0.1", 81))
    server.listen()
    client = netns.socket("ipv4", socket.SOCK_STREAM)
    client.connect(("127.0.0.1", 81))
    other = server.accept()[0]
    defer(other.close)
    client.close()
    sockets = owners(netns)["loopback", "tcp", 81]["sockets"]
    equal((sockets["open"], sockets["closing"]), (1, 0), "sockets of the port")
    peer = [r["sockets"] for (_, _, port), r in owners(netns).items() if port == other.getpeername()[1]][0]
    equal((peer["open"], peer["closing"]), (0, 1), "sockets of the port that closed")


@case()
def strangers():
    "to a user the owners of one port are users, in the order of their numbers; what is all his own needs no warning"
    netns = loopback()
    with netns.enter():
        for uid, address_ in (2000, "127.0.0.1"), (0, "127.0.0.2"):
            os.seteuid(uid)
            try:
                sock = socket.socket()
            finally:
                os.seteuid(0)
            defer(sock.close)
            sock.bind((address_, 8080))
            sock.listen()
    netns.socket("ipv4", socket.SOCK_STREAM).connect(("127.0.0.1", 8080))
    out = run_ctl("show", "8080", netns=netns, user=1000)[1]
    equal(re.findall(r"^8080/tcp +listens +user (\S+)", out, re.M), ["root", "2000"], f"owners in\n{out}")
    mine = loopback()
    server = mine.popen("socat", "-u", "UDP-RECV:8053,bind=127.0.0.1", "OPEN:/dev/null", user=1000, group=1000, extra_groups=[])
    wait_until(lambda: ":8053 " in mine.run("ss", "-Hlun"), what="the server")
    with mine.socket("ipv4", socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", ("127.0.0.1", 8053))
    equal(run_ctl("stats", "-P", netns=mine, user=1000)[::2], (0, ""), "status, and what is said where all is the user's own")


@case()
def unit():
    "the systemd unit and the container come from the cgroup"
    root = "/run/cgroup"
    os.makedirs(root)
    defer(os.rmdir, root)
    sh("mount", "-t", "cgroup2", "none", root)
    defer(sh, "umount", root)
    os.mkdir(f"{root}/system.slice")
    defer(os.rmdir, f"{root}/system.slice")
    names = {"shop.service": "shop.service", f"docker-{'0123456789abcdef' * 4}.scope": "docker:0123456789ab"}
    netns = loopback()
    for port, (cgroup, wanted) in enumerate(names.items(), 80):
        folder = f"{root}/system.slice/{cgroup}"
        os.mkdir(folder)
        defer(os.rmdir, folder)
        defer(wait_until, lambda folder=folder: "populated 0" in open(f"{folder}/cgroup.events").read(),
              what="an empty cgroup")
        server = netns.popen("socat", "-u", f"UDP-RECV:{port},bind=127.0.0.1", "OPEN:/dev/null")
        with open(f"{folder}/cgroup.procs", "w") as file:
            file.write(str(server.pid))
        wait_until(lambda: f":{port} " in netns.run("ss", "-Hlun"), what="the server")
        netns.socket("ipv4", socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port))
        found = [o for o in owners(netns)["loopback", "udp", port]["owner"] if o["pid"] == server.pid]
        equal([(o["process"], o["unit"]) for o in found], [("socat", wanted)], "owner")
        check(re.search(rf"socat\[{server.pid}\]\S* \({re.escape(wanted)}\)", run_ctl("stats", "-P", netns=netns)[1]),
              "OWNER has no unit")


@case()
def hidden():
    "a user sees whose it is, a hint, and his own processes"
    netns = loopback()
    listener = netns.socket("ipv4", socket.SOCK_STREAM, bind=("127.0.0.1", 443))
    listener.listen()
    netns.socket("ipv4", socket.SOCK_STREAM).connect(("127.0.0.1", 443))
    for arguments in ["stats", "-P"], ["stats", "--processes", "--json"], ["show", "443"], ["top", "-b", "-o", "port,owner", "-d", ".1", "-c", "3"]:
        status, out, err = run_ctl(*arguments, netns=netns, user=1000)
        equal(status, 0, f"status of {arguments}; said {err!r}")
        check(re.fullmatch("portmon-ctl: warning: run as root to see other users' processes.*\n", err),
              f"{arguments} said {err!r}")
        if "--json" in arguments:
            record = [r for r in json.loads(out)["ports"] if r["port"] == 443][0]
            equal(record["owner"], [{"process": None, "pid": None, "unit": None, "user": "root", "listens": True,
                                     "connections": 0}], "owner")
        else:
            check("user root" in out, f"{arguments} printed\n{out}")
    status, out, err = run_ctl("stats", "-P", "--csv", "-i", "0.1", "-c", "3", netns=netns, user=1000)
    equal((status, err.count("warning")), (0, 1), f"status and warnings of three intervals, which said {err!r}")
    server = netns.popen("socat", "TCP-LISTEN:8443,bind=127.0.0.1,fork", "EXEC:cat", user=1000, group=1000, extra_groups=[])
    wait_until(lambda: "8443" in netns.run("ss", "-Hltn"), what="the server")
    equal(row(run_ctl("show", "8443", netns=netns, user=1000)[1], "listens")[2:4], ["socat", str(server.pid)], "own process")


@case()
def asked_for():
    "-P is --processes, -p is --pretty; JSON has owners only on request"
    netns = loopback()
    netns.socket("ipv4", socket.SOCK_DGRAM, bind=("127.0.0.1", 53)).sendto(b"x", ("127.0.0.1", 53))
    plain = ctl("stats", netns=netns)["ports"][0]
    check("owner" not in plain and "sockets" not in plain, f"stats --json has {plain.keys()}")
    check("owner" not in ctl("show", "53", netns=netns)["ports"][0], "show --json has an owner")
    equal(mine(ctl("show", "53", "--processes", netns=netns)["ports"][0])["listens"], True, "show --json --processes")
    for arguments in ["stats", "-jp"], ["stats", "-p"], ["stats", "-p", "--json"], ["ranges", "-p"], ["--pretty", "stats"]:
        status, out, err = run_ctl(*arguments, netns=netns)
        equal((status, err), (0, ""), f"{arguments}")
        check(out.count("\n") > 20 and '"owner"' not in out, f"{arguments} is not pretty: {out!r}")
        json.loads(out)
    check("OWNER" in run_ctl("stats", "-P", netns=netns)[1], "stats -P has no OWNER")
    for arguments in ["--delta"], ["-i", "0.1", "-c", "1"], ["-o", "port,owner"], ["--csv", "-o", "PORT,OWNER"], ["--all-netns"]:
        out = run_ctl("stats", *arguments, *(["-P"] if "-o" not in arguments else []), netns=netns)[1]
        check(f"{NAME}[{ME}]" in out or "(nothing)" in out and "OWNER" in out, f"stats -P {arguments} prints {out!r}")
    check("OWNER" not in run_ctl("stats", netns=netns)[1], "stats has OWNER")
    status, out, err = run_ctl("show", "54", netns=netns)
    equal((status, len(err.splitlines())), (0, 1), "show of an unused port")
    check("no local socket uses it" in out, f"show 54 printed {out!r}")


@case()
def not_in_this_kernel():
    "show says that the kernel has no sockets of a transport whose packets count, where that is so"
    host = Netns(on=True)
    host.ip("link set lo up")
    host.socket("ipv4", socket.SOCK_RAW, 136).sendto(struct.pack(">HHHH", 40000, 5000, 8, 0), ("127.0.0.1", 0))
    wait_until(lambda: host.portmon.ports().get(("loopback", "udplite", 5000), None), what="the UDP-Lite packet")
    try:
        host.socket("ipv4", socket.SOCK_DGRAM, 136)
        there = True
    except OSError:
        there = False
    status, out, err = run_ctl("show", "5000", netns=host)
    equal((status, err), (0, ""), "portmon-ctl show 5000")
    equal("this kernel does not support udplite" in out, not there, f"it says so; it said {out!r}")


run()
