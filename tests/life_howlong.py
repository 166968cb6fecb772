#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""How long connections take and how much they carry: histograms against what TCP_INFO says of each socket."""
import contextlib
import socket
import struct
import time

from lib.connection import TcpInfo, transfer
from lib.ctl import ctl, ctl_text
from lib.ktap import case, check, defer, equal, run, wait_until
from lib.module import Hook, parameter
from lib.netns import Netns, address, hosts

PORT = 443
LAST = 39       # the bucket of all that is too large for the others


def bucket(value):
    "The bucket of a value, as the netlink specification has it."
    return min(int(value).bit_length(), LAST)


def buckets(values):
    "A histogram of these values, without the zeros at its end."
    found = [0] * (max(map(bucket, values)) + 1)
    for value in values:
        found[bucket(value)] += 1
    return found


def histograms(netns, scope, port=PORT, **more):
    "The histograms of a port, {} where it has none."
    records = netns.portmon.dump("port-get", scope=scope, transport="tcp", port=port, with_histograms=True, **more)
    return records[0].get("histograms", {}) if records else {}


def handshakes(netns, scope, n=1):
    "The histogram of handshakes when it has n: on PREEMPT_RT a port's first is counted by a worker."
    return wait_until(lambda: sum(histograms(netns, scope).get("handshake", [])) == n and histograms(netns, scope)["handshake"],
                      what=f"{n} handshakes, scope {scope}")


class Pairs:
    "Connections from one namespace to another, held at both ends, with what a clock says of each."

    def __init__(self, client, server, target, family="ipv4", port=PORT):
        self.listener = server.socket(family, socket.SOCK_STREAM, bind=(target, port))
        self.listener.listen(64)
        self.client, self.family, self.target = client, family, (target, port)
        self.handshakes = []        # (least, most) in us

    def open(self):
        caller = self.client.socket(self.family, socket.SOCK_STREAM)
        begun = time.monotonic_ns()
        caller.connect(self.target)
        done = time.monotonic_ns()
        called = self.listener.accept()[0]
        defer(called.close)
        self.handshakes.append((0, (done - begun) // 1000))
        return caller, called


def exchange(caller, called, there, back):
    "Send so many bytes each way, until all are acknowledged."
    if there:
        transfer(caller, called, there)
    if back:
        transfer(called, caller, back)
    for sock in caller, called:
        sock.setblocking(True)
        wait_until(lambda: not TcpInfo.of(sock).unacked, what="the last acknowledgement")


def abort(caller):
    "End it at once, at both ends: no segment more is measured."
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    caller.close()


def within(histogram, bounds, what):
    "Whether a histogram can be of values between these bounds, each (least, most)."
    equal(sum(histogram), len(bounds), f"values of {what}")
    got = [i for i, n in enumerate(histogram) for _ in range(n)]
    low, high = (sorted(bucket(bound[i]) for bound in bounds) for i in (0, 1))
    check(all(a <= b <= c for a, b, c in zip(low, got, high)), f"{what}: buckets {got}, wanted from {low} to {high}")


@case("ipv4", "ipv6")
def agree(family):
    "RTT and bytes are in the buckets of what TCP_INFO said last, at both ends; handshake and lifetime in those of a clock;"
    (client, server), (near, far) = hosts()
    pairs = Pairs(client, server, address(far, family), family)
    held, sizes = [], [(0, 0), (1, 0), (1, 1), (100, 4000), (5000, 100), (200000, 3)]
    for there, back in sizes:
        begun = time.monotonic_ns()
        caller, called = pairs.open()
        held.append((caller, called, begun, time.monotonic_ns()))
        exchange(caller, called, there, back)
    time.sleep(0.05)
    said = {"remote": [], "local": []}
    lives = []
    for caller, called, begun, opened in held:
        said["remote"].append(TcpInfo.of(caller))
        said["local"].append(TcpInfo.of(called))
        closing = time.monotonic_ns()
        abort(caller)
        with contextlib.suppress(ConnectionResetError):
            called.recv(1)
        lives.append(((closing - opened) // 10 ** 6 - 1, (time.monotonic_ns() - begun) // 10 ** 6 + 1))
    for netns, scope in (client, "remote"), (server, "local"):
        wait_until(lambda: sum(histograms(netns, scope).get("lifetime", [])) == len(sizes), what="all connections ended")
        got = histograms(netns, scope)
        equal(got["rtt"], buckets([info.rtt for info in said[scope]]), f"RTT, scope {scope}")
        equal(got["rx-bytes"], buckets([info.bytes_received for info in said[scope]]), f"bytes received, scope {scope}")
        equal(got["tx-bytes"], buckets([info.bytes_sent - info.bytes_retrans for info in said[scope]]), f"bytes sent, scope {scope}")
        within(got["lifetime"], lives, f"lifetime, scope {scope}")
        within(got["handshake"], pairs.handshakes, f"handshake, scope {scope}")
        equal([r for r in netns.portmon.dump("port-get") if "histograms" in r], [], "histograms without a request")
    equal(client.portmon.do("info-get")["histograms"], 1, "histograms in use")
    equal([record for record in client.portmon.dump("port-get", with_histograms=True)
           if "histograms" in record and record["scope"] != "remote"], [], "histograms of the client's own ports")


@case()
def orderly():
    "a connection that ends with FIN: the bytes are those of the data, the FIN is none of them"
    (client, server), (_, far) = hosts()
    pairs = Pairs(client, server, far.ipv4)
    caller, called = pairs.open()
    exchange(caller, called, 1024, 128)
    caller.shutdown(socket.SHUT_WR)
    equal(called.recv(1), b"", "end of data")
    called.close()
    equal(caller.recv(1), b"", "end of data")
    caller.close()
    for netns, scope, rx, tx in (client, "remote", 128, 1024), (server, "local", 1024, 128):
        wait_until(lambda: "lifetime" in histograms(netns, scope), what="the connection ended")
        got = histograms(netns, scope)
        equal((got["rx-bytes"], got["tx-bytes"]), (buckets([rx]), buckets([tx])), f"bytes, scope {scope}")


@case()
def loopback():
    "within a host a connection counts once, under the port of the end that accepted it"
    netns = Netns(on=True)
    netns.ip("link set lo up")
    pairs = Pairs(netns, netns, "127.0.0.1")
    caller, called = pairs.open()
    exchange(caller, called, 10, 1000)
    abort(caller)
    wait_until(lambda: "lifetime" in histograms(netns, "loopback"), what="the connection ended")
    got = histograms(netns, "loopback")
    equal((got["rx-bytes"], got["tx-bytes"]), (buckets([10]), buckets([1000])), "bytes")
    equal([sum(got[name]) for name in sorted(got)], [1] * 5, "connections in each histogram")
    equal(netns.portmon.do("info-get")["histograms"], 1, "histograms in use")


@case("SYN", "SYN-ACK")
def lost(what):
    "a handshake of which a segment was lost took until it was retransmitted;"
    (client, server), (near, far) = hosts()
    hook, flags = {"SYN": ("input", "syn / syn,ack"), "SYN-ACK": ("output", "syn,ack / syn,ack")}[what]
    server.run("nft", "-f", "-", input=f"""table inet t {{ chain c {{ type filter hook {hook} priority 0
        tcp flags {flags} limit rate over 1/hour burst 1 packets accept
        tcp flags {flags} drop
        }}
    }}""")
    pairs = Pairs(client, server, far.ipv4)
    caller, called = pairs.open()
    most = pairs.handshakes[0][1]
    check(most > 900000, f"nothing was lost: connected after {most} us")
    within(handshakes(client, "remote"), [(900000, most)], "handshake, scope remote")
    # Of the one that accepts it is from the SYN-ACK on.
    least = 900000 if what == "SYN-ACK" else 0
    within(handshakes(server, "local"), [(least, most)], "handshake, scope local")


@case()
def delayed():
    "netem delays all by 40 ms: no handshake and no round trip took less"
    (client, server), (near, far) = hosts()
    client.run("tc", "qdisc", "add", "dev", near.dev, "root", "netem", "delay", "40ms")
    pairs = Pairs(client, server, far.ipv4)
    for _ in range(3):
        caller, called = pairs.open()
        exchange(caller, called, 10, 10)
        info = TcpInfo.of(caller)
        check(info.rtt >= 40000, f"TCP_INFO says {info.rtt} us")
        abort(caller)
    wait_until(lambda: sum(histograms(client, "remote").get("rtt", [])) == 3, what="all connections ended")
    for name in "handshake", "rtt":
        got = histograms(client, "remote")[name]
        equal(sum(got[:bucket(40000)]), 0, f"{name} of less than the delay")


@case()
def reset():
    "a reset subtracts what it returned, of one port and of all; nothing is lost between two"
    (client, server), (_, far) = hosts()
    pairs = Pairs(client, server, far.ipv4)
    whole = 0
    for how in {"port": PORT, "scope": "local", "transport": "tcp"}, {}:
        for _ in range(4):
            caller, called = pairs.open()
            abort(caller)
        wait_until(lambda: sum(histograms(server, "local").get("lifetime", [])) == 4, what="all connections ended")
        before = histograms(server, "local")
        returned = [r for r in server.portmon.reset(**how) if r.get("port") == PORT and r["scope"] == "local"]
        equal(returned[0]["histograms"], before, "what the reset returned")
        equal(histograms(server, "local"), {}, "what is left")
        whole += sum(returned[0]["histograms"]["handshake"])
    equal(whole, 8, "handshakes in both resets together")


@case()
def unanswered():
    "connections are measured though more handshakes were never completed than the table has places"
    hook = Hook()
    (client, server), (_, far) = hosts()
    pairs = Pairs(client, server, far.ipv4)
    held = []
    for _ in range(2):
        held += [pairs.open()[0] for _ in range(8)]
        hook.unanswered(server, 150000)
    for caller in held:
        abort(caller)
    for netns, scope in (client, "remote"), (server, "local"):
        wait_until(lambda: sum(histograms(netns, scope).get("lifetime", [])) == len(held), what=f"all lifetimes, scope {scope}")
        equal(sum(histograms(netns, scope)["handshake"]), len(held), f"handshakes, scope {scope}")


@case()
def switched():
    "with lifecycle off nothing is measured; what began before it was on is not measured when it ends"
    (client, server), (_, far) = hosts()
    pairs = Pairs(client, server, far.ipv4)
    early = pairs.open()
    handshakes(client, "remote")
    client.portmon.do("netns-set", lifecycle=0)
    # The last one that follows is the server: the table of connections stays, that of this namespace must not be used.
    abort(pairs.open()[0])
    client.portmon.do("netns-set", lifecycle=1)
    late = pairs.open()
    abort(late[0])
    wait_until(lambda: sum(histograms(client, "remote").get("lifetime", [])) == 1, what="the connection ended")
    equal(sum(histograms(client, "remote")["handshake"]), 2, "handshakes")
    early[0].close()


@case()
def bounded():
    "histograms have a bound of their own; what is past it is counted as refused"
    (client, server), (_, far) = hosts()
    parameter("max_records", 4 * 256)
    ports = range(1000, 1008)
    for port in ports:
        abort(Pairs(client, server, far.ipv4, port=port).open()[0])
    for netns, scope, most in (client, "remote", 3), (server, "local", 4):
        wait_until(lambda: sum(netns.portmon.do("info-get")[name] for name in ("histograms", "histograms-refused")) >=
                   most + 2 * (len(ports) - most), what="all handshakes and ends")
        info = netns.portmon.do("info-get")
        equal((info["histograms"], info["histograms-max"], info["histograms-refused"]), (most, 4, 2 * (len(ports) - most)),
              "histograms in use, at most, refused")
        equal(sum("histograms" in r for r in netns.portmon.dump("port-get", with_histograms=True)), most, "ports with histograms")


@case()
def shown():
    "show prints median, 90 and 99 percent, and that there are too few to tell; its JSON has the buckets"
    (client, server), (_, far) = hosts()
    pairs = Pairs(client, server, far.ipv4)
    abort(pairs.open()[0])
    wait_until(lambda: "lifetime" in histograms(server, "local"), what="the connection ended")
    text = ctl_text("show", f"{PORT}/tcp", netns=server)
    check("too few connections for the median, 90% and 99%" in text, f"one connection: {text}")
    for _ in range(99):
        caller, called = pairs.open()
        exchange(caller, called, 0, 100)
        abort(caller)
    wait_until(lambda: sum(histograms(server, "local").get("lifetime", [])) == 100, what="the connections ended")
    text = ctl_text("show", f"{PORT}/tcp", netns=server)
    check("sent       median under 128B, 90% under 128B, 99% under 128B (100 connections)" in text, f"100 connections: {text}")
    port = next(p for p in ctl("show", f"{PORT}/tcp", netns=server)["ports"] if p["scope"] == "local")
    equal(port["histograms"]["tx_bytes"],
          {"count": 100, "p50_below": 128, "p90_below": 128, "p99_below": 128,
           "buckets": [{"below": 1, "count": 1}, {"below": 128, "count": 99}]}, "JSON")
    raw = histograms(server, "local")
    for key, name in ("handshake_us", "handshake"), ("rtt_us", "rtt"), ("lifetime_ms", "lifetime"), ("rx_bytes", "rx-bytes"):
        equal(port["histograms"][key]["buckets"], [{"below": 1 << i, "count": n} for i, n in enumerate(raw[name]) if n], key)


run()
