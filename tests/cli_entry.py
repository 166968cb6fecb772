#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What hands type: no command, half a command, ports as arguments, lists, options on either side, processes as filters."""
import re
import socket

from lib.connection import begin, connect
from lib.ctl import DONE, USAGE, ctl, ctl_on_terminal, run_ctl
from lib.ktap import case, check, equal, run, wait_until
from lib.netns import Netns, hosts
from lib.packets import Packets
from lib.tcp_events import Server, connections


def yard(more=range(0)):
    netns = Netns(on=True)
    packets = Packets(netns)
    for port in 22, 53, 80, 443, 8050, 9000:
        packets.out("tcp", 40000, port, 2)
    packets.out("udp", 40000, 53, 3)
    packets.within("tcp", 40000, 80, 1)
    for port in more:
        packets.out("udp", 40000, port, 1)
    return netns


def ports(netns, *arguments, scope="remote"):
    return sorted((r["transport"], r["port"]) for r in ctl(*arguments, "--all", netns=netns)["ports"] if r["scope"] == scope)


@case()
def no_command():
    "without a command it is stats, with its options"
    netns = yard()
    equal(ports(netns), ports(netns, "stats"), "ports")
    check(run_ctl(netns=netns)[1].startswith("SCOPE"), "no table")
    check(run_ctl("--csv", netns=netns)[1].startswith("netns,record"), "no CSV")
    check("Commands:" in run_ctl("--help")[1], "--help alone")


@case()
def prefix():
    "the begin of a command's name does, where it is of one only"
    netns = yard()
    equal(ctl("st", netns=netns)["ports"], ctl("stats", netns=netns)["ports"], "st")
    check("counting" in run_ctl("inf", netns=netns)[1], "inf")
    status, out, err = run_ctl("s", netns=netns)
    equal((status, out), (USAGE, ""), "s")
    check("command 's' could be any of: stats, show, services" in err, err)
    equal(run_ctl("statsx", netns=netns)[0], USAGE, "statsx")


@case()
def either_side():
    "options with their values go before the command, too"
    netns = yard()
    status, out, err = run_ctl("-c", "1", "top", "--batch", "-d", ".1", netns=netns)
    equal((status, err), (DONE, ""), "-c 1 top --batch")
    check("portmon-ctl top" in out, out)
    equal(ports(netns, "--port", "80", "stats"), [("tcp", 80)], "--port 80 stats")
    equal(run_ctl("--netns", "stats", "info")[0], 1, "a namespace called stats")


@case()
def lists():
    "ports as arguments and in lists, by number, span, transport and name; scopes in lists"
    netns = yard()
    for wanted, *arguments in (([("tcp", 80)], "stats", "80"), ([("tcp", 22)], "stats", "ssh"),
                               ([("tcp", 22), ("tcp", 80), ("tcp", 8050)], "stats", "--port", "22,80,8000-8100"),
                               ([("tcp", 22), ("tcp", 80), ("tcp", 8050)], "stats", "22", "80", "8000-8100"),
                               ([("udp", 53)], "stats", "53/udp"), ([("tcp", 53), ("udp", 53)], "--port", "dns"),
                               ([("tcp", 22)], "--port", "ssh", "stats"), ([("tcp", 22), ("tcp", 80)], "stats", "--port", "ssh", "80")):
        equal(ports(netns, *arguments), wanted, f"{arguments}")
    scopes = lambda *a: {r["scope"] for r in ctl("stats", "--all", *a, netns=netns)["ports"]}
    equal(scopes("--scope", "remote,loopback"), {"remote", "loopback"}, "scopes")
    equal(scopes("--scope", "loopback"), {"loopback"}, "one scope")
    for wrong in (["--port", "22,"], ["--port", "80,x!"], ["--scope", "local,here"], ["70000"], ["nosuchservice"]):
        status, out, err = run_ctl("stats", *wrong, netns=netns)
        equal((status, out), (USAGE, ""), f"stats {wrong}: {err}")
    for wrong in ["--port", "22,80"], ["--scope", "local,remote"]:
        equal(run_ctl("reset", *wrong, netns=netns)[0], USAGE, f"reset {wrong}")
    equal(len(ports(netns, "stats")), 7, "what is left after resets that were refused")
    out = run_ctl("stats", "80", "--csv", netns=netns)[1]
    check("overflow" not in out, f"overflow in a table of one port: {out}")


@case()
def limit():
    "--limit prints so many ports, the first in order"
    netns = yard()
    rows = ctl("stats", "--limit", "2", "--sort", "port", "--scope", "remote", netns=netns)["ports"]
    equal([r["port"] for r in rows], [22, 53], "ports")
    netns = yard(range(10000, 10250))
    status, out, err = ctl_on_terminal("stats", netns=netns)
    check(re.search(r"^\.\.\. and \d+ more ports \(--all\)\r?$", out, re.M), f"the end of a long table: {out[-300:]!r}")
    check(len(out.splitlines()) < 210, "lines on a terminal")
    check("more ports" not in ctl_on_terminal("stats", "--all", netns=netns)[1], "the end of all")
    check("more ports" not in run_ctl("stats", netns=netns)[1], "the end in a pipe")


@case()
def owners():
    "--process and --unit keep the ports that a process uses"
    (client, server), (near, far) = hosts()
    connect(client, server, "ipv4", far.ipv4, 443)
    Packets(server).out("tcp", 1, 2, 1)
    name = open("/proc/self/comm").read().strip()
    found = ctl("stats", "--process", f"{name[:3]}*", "--all", netns=server)["ports"]
    check(("local", 443) in {(r["scope"], r["port"]) for r in found}, f"{found}")
    check(2 not in {r["port"] for r in found}, "a port without a process")
    equal(ctl("stats", "--process", "nosuch", netns=server)["ports"], [], "no such process")
    equal(ctl("stats", "--unit", "nosuch.service", netns=server)["ports"], [], "no such unit")


@case()
def clients():
    "a remote port that has sent the SYN is a client's, and folded whatever its number"
    (client, server), (near, far) = hosts()
    program = Server(server, 443)
    equal(connections(client, near.ipv4, far.ipv4, 600, 443, 20), 20, "connections")
    program.accepted(20)
    rows = [r for r in ctl("stats", "--scope", "remote", netns=server)["ports"]]
    equal([(r["port"], r["folded"]) for r in rows], [(None, 20)], "remote ports of the server")
    rows = [r for r in ctl("stats", "--scope", "remote", netns=client)["ports"]]
    equal([r["port"] for r in rows], [443], "remote ports of the client")


@case()
def peers():
    "show lists who is connected, with the bytes that TCP counted"
    (client, server), (near, far) = hosts()
    one = connect(client, server, "ipv4", far.ipv4, 443)
    two = connect(client, server, "ipv6", far.ipv6, 444)
    for n, pair in enumerate((one, two), 1):
        pair.caller.sendall(b"x" * 1000 * n)
        wait_until(lambda: len(pair.called.recv(1000 * n, socket.MSG_PEEK)) == 1000 * n, what="what was sent")
    out = run_ctl("show", "443-444", "--exact", netns=server)[1]
    check(re.search(rf"^443/tcp +{re.escape(near.ipv4)} +1 +1000 +\d+$", out, re.M), out)
    check(re.search(rf"^444/tcp +{re.escape(near.ipv6)} +1 +2000 +\d+$", out, re.M), out)
    found = {(p["transport"], p["port"], p["address"], p["open"], p["rx_bytes"]) for p in ctl("show", "443-444", "--processes", netns=server)["peers"]}
    equal(found, {("tcp", 443, near.ipv4, 1, 1000), ("tcp", 444, near.ipv6, 1, 2000)}, "show --json")
    two.called.sendall(b"x" * 500)
    wait_until(lambda: ctl("show", "444", "--processes", netns=server)["peers"][0]["tx_bytes"] == 500, what="bytes acknowledged")
    equal([p["port"] for p in ctl("show", "443", "444", "--processes", netns=server)["peers"]], [443, 444], "in the order of the arguments")
    more = [connect(client, server, "ipv4", far.ipv4, 443) for _ in range(2)]
    equal([(p["address"], p["open"]) for p in ctl("show", "443", "--processes", netns=server)["peers"]], [(near.ipv4, 3)], "three connections")
    del more
    equal(ctl("show", "445", "--processes", netns=server)["peers"], [], "a port without connections")
    equal([p["port"] for d in ctl("show", "443", "--processes", "-A", netns=server)["namespaces"] for p in d["peers"]], [443], "of all namespaces")
    check("peers" not in ctl("show", "443", netns=server), "peers without a request")
    Packets(server).out("udp", 514, 514, 1)
    check("tcpdump -ni any port 514" in run_ctl("show", "514", netns=server)[1], "who sends to a port without connections")


@case()
def unanswered():
    "SYNs that were not answered are a column, a key and an order"
    (client, server), (near, far) = hosts()
    stuck = server.socket("ipv4", socket.SOCK_STREAM, bind=(far.ipv4, 8080))
    stuck.listen(0)
    waiting = [begin(client, "ipv4", ("0.0.0.0", 0), (far.ipv4, 8080)) for _ in range(10)]
    wait_until(lambda: server.portmon.tcp()[("local", 8080)].get("syn-received", 0) >= 10, what="10 SYNs")
    row = ctl("stats", "--sort", "unanswered", "--scope", "local", netns=server)["ports"][0]
    check(row["port"] == 8080 and 8 <= row["tcp"]["unanswered"], f"{row}")
    remote = ctl("show", "8080", netns=client)["ports"][0]
    equal(remote["tcp"]["unanswered"], None, "of a remote port")
    out = run_ctl("stats", "-o", "PORT,UNANS", "--scope", "local", "8080", netns=server)[1].split()
    check(out[:3] == ["PORT", "UNANS", "8080/tcp"] and int(out[3]) >= 8, f"{out}")
    del waiting


run()
