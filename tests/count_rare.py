#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Load balancers, transparent proxies, queues to userspace, devices that share another, and sockets that are more than TCP."""
import ctypes
import os
import socket
import struct
import threading

from lib.connection import connect, on_the_wire
from lib.counts import Counters, Nft, invariant, mib, settled
from lib.kernel import syscall
from lib.ktap import PATIENCE, becomes, case, check, defer, equal, eventually, run, wait_until
from lib.netns import Netns, address, pair, route
from lib.nlclient import Counts, Portmon
from lib.process import sh
from lib.tcp_events import events, host, mirror, delay_retransmits, pinned, total

FIRST, PORT, N = 20000, 5000, 5
LATE = "input -2147483647"

pinned()


def table(ports, transport="udp"):
    "{(scope, port): (rx, tx)} in packets."
    return {(scope, port): (c.rx, c.tx) for (scope, t, port), c in ports.items() if t == transport}


def send(sock, target, reader=None, n=N):
    for _ in range(n):
        sock.sendto(bytes(100), target)
        if reader:
            equal(len(reader.recv(200)), 100, "bytes received")


def three():
    "A client, a router where portmon is on, a server, and the ends of the links between them."
    client, router, server = Netns(), Netns(on=True), Netns()
    nft = Nft(router)
    near, near_router = pair(client, router, link="gso_max_segs 1", gro=False)
    far_router, far = pair(router, server, link="gso_max_segs 1", gro=False)
    route(client, near_router, far, router, server, far_router, near)
    return nft, near, near_router, far_router, far


# IPVS: include/uapi/linux/ip_vs.h. Real servers are reached by NAT, in a tunnel, or by their hardware address alone.
ADD, ADD_SERVER = 1154, 1159
MASQUERADE, TUNNEL, DIRECT = 0, 2, 3


def balance_to(netns, service, real, how):
    sh("modprobe", "-a", "ip_vs", "ip_vs_rr")
    sock = netns.socket("ipv4", socket.SOCK_DGRAM)
    virtual = struct.pack("=H2x4sH2xI16sIII", 17, socket.inet_aton(service[0]), socket.htons(service[1]), 0, b"rr", 0, 0, 0xffffffff)
    sock.setsockopt(socket.IPPROTO_IP, ADD, virtual)
    sock.setsockopt(socket.IPPROTO_IP, ADD_SERVER,
                    virtual + struct.pack("=4sH2xIiII", socket.inet_aton(real[0]), socket.htons(real[1]), how, 1, 0, 0))


@case()
def ipvs_nat():
    "IPVS by NAT: a request counts when received and when sent on, a reply when forwarded, as nft counts them at the hooks"
    nft, near, service, far_router, far = three()
    client, router, server = near.netns, service.netns, far.netns
    balance_to(router, (service.ipv4, PORT), (far.ipv4, PORT + 1), MASQUERADE)
    seen = Counters(router, asked=f"{LATE} udp dport {PORT}", on=f"output 2147483646 udp dport {PORT + 1}",
                    answered=f"forward 2147483646 udp sport {PORT}")
    there = server.socket("ipv4", socket.SOCK_DGRAM, bind=(far.ipv4, PORT + 1))
    sock = client.socket("ipv4", socket.SOCK_DGRAM, bind=(near.ipv4, FIRST))
    for _ in range(N):
        sock.sendto(bytes(100), (service.ipv4, PORT))
        there.sendto(bytes(50), there.recvfrom(200)[1])
        equal(sock.recvfrom(200)[1], (service.ipv4, PORT), "who answers")
    equal(seen.read(), {"asked": N, "on": N, "answered": N}, "what nft saw")
    wanted = {("local", PORT): (N, 0), ("remote", FIRST): (N, 0),               # arrives
              ("local", FIRST): (0, N), ("remote", PORT + 1): (0, N),           # sent on, from the client's port
              ("forward", PORT): (0, N), ("forward", FIRST): (N, 0)}            # is answered
    equal(table(invariant(router.portmon, nft)[0]), wanted, "ports: (rx, tx)")
    # The director's own requests: out by the other device, though the service's address is its own.
    own = router.socket("ipv4", socket.SOCK_DGRAM, bind=(service.ipv4, FIRST + 1))
    server.ip(f"route replace {service.ipv4}/32 via {far_router.ipv4}")
    for _ in range(N):
        own.sendto(bytes(100), (service.ipv4, PORT))
        there.sendto(bytes(50), there.recvfrom(200)[1])
        equal(own.recvfrom(200)[1], (service.ipv4, PORT), "who answers")
    wanted[("local", FIRST + 1)] = (N, N)
    wanted[("remote", PORT + 1)] = (N, 2 * N)
    equal(table(invariant(router.portmon, nft)[0]), wanted, "ports with the director's own requests: (rx, tx)")


@case("direct", "tunnel")
def ipvs(how):
    "IPVS that leaves the packet as it is: a request counts when received and when sent on; how"
    nft, near, service, far_router, far = three()
    router, server = service.netns, far.netns
    balance_to(router, (service.ipv4, PORT), (far.ipv4, PORT), DIRECT if how == "direct" else TUNNEL)
    server.ip("link set lo up", f"addr add {service.ipv4}/32 dev lo")
    if how == "tunnel":
        sh("modprobe", "ipip")
        server.ip(f"link add t1 type ipip local {far.ipv4} remote any", "link set t1 up")
    reader = server.socket("ipv4", socket.SOCK_DGRAM, bind=(service.ipv4, PORT))
    send(near.netns.socket("ipv4", socket.SOCK_DGRAM, bind=(near.ipv4, FIRST)), (service.ipv4, PORT), reader)
    ports, _, buckets = invariant(router.portmon, nft)
    wanted = {("local", PORT): (N, 0), ("remote", FIRST): (N, 0)}
    if how == "direct":
        wanted.update({("local", FIRST): (0, N), ("remote", PORT): (0, N)})
    else:
        equal(buckets["local-out", "ipv4", 4], (N, N * 148), "IPIP packets that left")
    equal(table(ports), wanted, "ports: (rx, tx)")


@case()
def tproxy():
    "TPROXY: a connection to another host's port that this host answers counts at that port, local, and so does its handshake"
    nft, near, near_router, far_router, far = three()
    client, router = near.netns, near_router.netns
    delay_retransmits(near, near_router)
    router.ip("link set lo up")
    seen = Counters(router, received=f"{LATE} tcp dport 80", sent="output 2147483646 tcp sport 80")
    for family, ip in ("ipv4", "ip"), ("ipv6", "ip6"):
        there = address(far, family)
        router.run("nft", "-f", "-", input=f"""table {ip} p {{ chain pre {{ type filter hook prerouting priority -150
            {ip} daddr {there} tcp dport 80 tproxy to :1080 meta mark set 1 accept
            }}
        }}""")
        for line in "rule add pref 10 fwmark 1 table 100", "route add local default dev lo table 100":
            router.run("ip", f"-{family[-1]}", *line.split())
        listener = router.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(*((socket.IPPROTO_IP, 19) if ip == "ip" else (socket.IPPROTO_IPV6, 75)), 1)     # IP_TRANSPARENT
        listener.bind(("0.0.0.0" if ip == "ip" else "::", 1080))
        listener.listen()
        for i in range(N):
            sock = client.socket(family, socket.SOCK_STREAM, bind=(address(near, family), FIRST + i))
            sock.connect((there, 80))
            called = listener.accept()[0]
            equal(called.getsockname()[:2], (there, 80), "whom the proxy stands for")
            sock.sendall(bytes(100))
            equal(len(called.recv(200)), 100, "bytes received")
            sock.shutdown(socket.SHUT_WR)
            equal(called.recv(10), b"", "end of data")
            called.close()
            equal(sock.recv(10), b"", "end of data")
            sock.close()
        listener.close()

    def agree():
        n, ports = seen.read(), invariant(router.portmon, nft)[0]
        equal(table(ports, "tcp").get(("local", 80)), (n["received"], n["sent"]), "local port 80: (rx, tx)")
        equal({(scope, port) for scope, _, port in ports}, {("local", 80), *(("remote", FIRST + i) for i in range(N))}, "records")
    eventually(agree)
    packets = events(syn_received=2, synack_sent=2, fin=4)
    becomes(router.portmon.tcp, total(*(host(80, FIRST + i, packets, at_local=events(established=2)) for i in range(N))), "TCP events")


class Queue:
    "A program that takes packets out of nftables' queue 0 and accepts them, with a mark if given."

    def __init__(self, netns):
        with netns.enter():
            self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)       # NETLINK_NETFILTER
        defer(self.sock.close)
        self.sock.settimeout(20 * PATIENCE)
        self.message(2, Portmon.attr(1, struct.pack("!BxH", 1, 0)))         # NFQNL_MSG_CONFIG: bind
        self.message(2, Portmon.attr(2, struct.pack("!IB", 0, 1)))          # NFQNL_COPY_META

    def message(self, kind, attrs):
        data = struct.pack("=BBH", 0, 0, 0) + attrs
        self.sock.send(struct.pack("=IHHII", 16 + len(data), 3 << 8 | kind, 1, 0, 0) + data)

    def accept(self, mark=None):
        "Accept the next packet."
        kind, data = 0, self.sock.recv(65536)
        while struct.unpack_from("=H", data, 4)[0] != 3 << 8:               # NFQNL_MSG_PACKET
            data = self.sock.recv(65536)
        number = next(struct.unpack_from("!I", value)[0] for kind, value in Portmon._attrs(data[20:]) if kind == 1)
        attrs = Portmon.attr(2, struct.pack("!II", 1, number))              # NF_ACCEPT
        self.message(1, attrs + (Portmon.attr(3, struct.pack("!I", mark)) if mark else b""))


@case()
def queued():
    "packets that nftables queues to a program, which accepts them, count once: in, out, forwarded, and where a mark re-routes it"
    sh("modprobe", "nfnetlink_queue")
    nft, near, near_router, far_router, far = three()
    client, router, server = near.netns, near_router.netns, far.netns
    router.ip("link set lo up", "rule add pref 10 fwmark 1 table 100", "route add local default dev lo table 100")
    queue = Queue(router)
    router.run("nft", "-f", "-", input="table ip q {" + "".join(
        f"chain {hook} {{ type filter hook {hook} priority -10; iifname != lo udp dport {PORT} queue num 0\n}}\n"
        for hook in ("input", "output", "forward")) + "}")
    outside, inside = (s.socket("ipv4", socket.SOCK_DGRAM, bind=(end.ipv4, PORT)) for s, end in ((server, far), (router, near_router)))
    anywhere = router.socket("ipv4", socket.SOCK_DGRAM, bind=("0.0.0.0", PORT))
    sock, own = (s.socket("ipv4", socket.SOCK_DGRAM, bind=("0.0.0.0", FIRST)) for s in (client, router))
    for source, target, reader, mark in (sock, near_router, inside, None), (sock, far, outside, None), (own, far, outside, None), \
                                        (own, far, anywhere, 1):
        for _ in range(N):
            source.sendto(bytes(100), (target.ipv4, PORT))
            queue.accept(mark)
            equal(len(reader.recv(200)), 100, "bytes received")
    wanted = {("local", PORT): (N, 0), ("remote", FIRST): (N, 0), ("forward", PORT): (N, 0), ("forward", FIRST): (0, N),
              ("remote", PORT): (0, N), ("local", FIRST): (0, N), ("loopback", PORT): (N, 0), ("loopback", FIRST): (0, N)}
    equal(table(invariant(router.portmon, nft)[0]), wanted, "ports: (rx, tx)")


@case()
def macvlan():
    "macvlan in bridge mode: from one namespace to another, sent in the one, received in the other, nothing where the device below is"
    below, one, two = (Netns(on=True) for _ in range(3))
    nfts = [Nft(netns) for netns in (below, one, two)]
    below.ip("link add low type dummy", "link set low up",
             *(f"link add x1 link low netns {netns.name} type macvlan mode bridge" for netns in (one, two)))
    for n, netns in enumerate((one, two), 1):
        netns.ip(f"addr add 10.71.0.{n}/24 dev x1", "link set x1 up")
    reader = two.socket("ipv4", socket.SOCK_DGRAM, bind=("10.71.0.2", PORT))
    send(one.socket("ipv4", socket.SOCK_DGRAM, bind=("10.71.0.1", FIRST)), ("10.71.0.2", PORT), reader)
    for netns, nft, wanted in zip((below, one, two), nfts, ({}, {("local", FIRST): (0, N), ("remote", PORT): (0, N)},
                                                            {("local", PORT): (N, 0), ("remote", FIRST): (N, 0)})):
        equal(table(invariant(netns.portmon, nft)[0]), wanted, "ports: (rx, tx)")


@case()
def ipvlan_l3s():
    "ipvlan l3s: the hooks that its packets pass are of the namespace that the device below is in, as nft has it in both"
    below, above, box = Netns(on=True), Netns(on=True), Netns()
    nfts = Nft(below), Nft(above)
    near, far = pair(below, box)
    below.ip(f"link add x1 link {near.dev} netns {above.name} type ipvlan mode l3s")
    above.ip("addr add 10.72.0.1/32 dev x1", "link set x1 up", f"route add {far.ipv4}/32 dev x1")
    box.ip(f"route add 10.72.0.1/32 dev {far.dev}", f"neigh add 10.72.0.1 lladdr {near.mac} dev {far.dev}")
    inside = above.socket("ipv4", socket.SOCK_DGRAM, bind=("10.72.0.1", PORT))
    outside = box.socket("ipv4", socket.SOCK_DGRAM, bind=(far.ipv4, FIRST))
    send(outside, ("10.72.0.1", PORT), inside)
    send(inside, (far.ipv4, FIRST), outside, 2 * N)
    found = [table(invariant(netns.portmon, nft)[0]) for netns, nft in zip((below, above), nfts)]
    equal(found, [{("local", PORT): (N, 2 * N), ("remote", FIRST): (N, 2 * N)}, {("local", PORT): (0, 2 * N), ("remote", FIRST): (0, 2 * N)}],
          "ports: (rx, tx), below and above")


@case()
def mptcp():
    "MPTCP: each subflow is a connection, its handshake once, and nothing of the connection that they make up"
    client, server = Netns(on=True), Netns(on=True)
    nfts = Nft(client), Nft(server)
    near, far = pair(client, server)
    delay_retransmits(near, far)
    second = near.ipv4.rpartition(".")[0] + ".11"
    client.ip(f"addr add {second}/24 dev {near.dev}")
    server.ip(f"neigh add {second} lladdr {near.mac} dev {far.dev}")
    for netns in client, server:
        netns.sysctl("net.mptcp.enabled", 1)
        netns.run("ip", "mptcp", "limits", "set", "subflow", "2", "add_addr_accepted", "2")
    client.run("ip", "mptcp", "endpoint", "add", second, "dev", near.dev, "subflow")
    listener, sock = (netns.socket("ipv4", socket.SOCK_STREAM, 262) for netns in (server, client))
    listener.bind((far.ipv4, PORT))
    listener.listen()
    sock.connect((far.ipv4, PORT))
    called = listener.accept()[0]
    called.settimeout(20 * PATIENCE)
    defer(called.close)
    for _ in range(3):
        for one, other in (sock, called), (called, sock):
            one.sendall(bytes(100))
            equal(len(other.recv(200)), 100, "bytes received")
    wait_until(lambda: mib(server)["MPTcpExtMPJoinAckRx"] == 1, what="the second subflow")
    equal(mib(server)["MPTcpExtMPCapableACKRX"], 1, "connections")
    def agree(netns, nft, scope, packets):
        found = netns.portmon.tcp()
        equal(found.get((scope, PORT)), {**packets, **events(established=2)}, f"TCP events of the {scope} port")
        invariant(netns.portmon, nft)
    packets = events(syn_sent=2, synack_received=2)
    eventually(lambda: agree(client, nfts[0], "remote", packets))
    eventually(lambda: agree(server, nfts[1], "local", mirror(packets)))
    equal((client.portmon.drops(), server.portmon.drops()), ({}, {}), "drops")


@case()
def ktls():
    "kTLS and sendfile: the segments and bytes that TCP sent, records of TLS and all"
    sh("modprobe", "tls")
    client, server = Netns(on=True), Netns(on=True)
    near, far = pair(client, server)
    connection = connect(client, server, "ipv4", far.ipv4, PORT, source=(near.ipv4, FIRST))
    key = struct.pack("=HH8s16s4s8s", 0x0303, 51, b"iviviviv", b"k" * 16, b"salt", bytes(8))     # TLS 1.2, AES-GCM-128
    for sock, way in zip(connection, (1, 2)):                   # TLS_TX, TLS_RX
        sock.setsockopt(socket.IPPROTO_TCP, 31, b"tls")         # TCP_ULP
        sock.setsockopt(282, way, key)                          # SOL_TLS
    # Linux 6.1 with 32 bits waits for room forever, with records that it has not sent yet: it gets room for all of them.
    connection.caller.setsockopt(socket.SOL_SOCKET, 32, 1 << 21)     # SO_SNDBUFFORCE
    size, got = 300000, 0
    with open("/run/sent", "wb+") as file:
        defer(os.unlink, "/run/sent")
        file.write(bytes(size))
        file.flush()
        sender = threading.Thread(target=lambda: connection.caller.sendfile(file))
        sender.start()
        connection.called.settimeout(30)
        while got < size:
            got += len(connection.called.recv(1 << 17))
        sender.join()
    there, back = on_the_wire(connection, "ipv4")
    check(there[1] > size + 52 * there[0], f"records of TLS: {there}")
    becomes(client.portmon.ports, {("remote", "tcp", PORT): Counts(*back, *there), ("local", "tcp", FIRST): Counts(*back, *there)}, "ports, sent")
    becomes(server.portmon.ports, {("local", "tcp", PORT): Counts(*there, *back), ("remote", "tcp", FIRST): Counts(*there, *back)}, "ports, received")


def bpf(command, attr):
    buf = ctypes.create_string_buffer(attr + bytes(256 - len(attr)))
    done = syscall("bpf", command, buf, 256)
    if done < 0:
        raise OSError(ctypes.get_errno(), f"bpf command {command}")
    return done


def sockmap(target, sender):
    "What the one socket sends is in the other's queue, without any packet: BPF of type SK_MSG, bpf_msg_redirect_map()."
    fd = bpf(0, struct.pack("=5I", 15, 4, 4, 2, 0))             # a SOCKMAP
    defer(os.close, fd)
    insn = lambda code, registers, immediate: struct.pack("=BBhi", code, registers, 0, immediate)
    program = ctypes.create_string_buffer(insn(0x18, 0x12, fd) + insn(0, 0, 0) + insn(0xb7, 3, 0) + insn(0xb7, 4, 1) +
                                          insn(0x85, 0, 60) + insn(0x95, 0, 0))
    licence = ctypes.create_string_buffer(b"GPL")
    loaded = bpf(5, struct.pack("=IIQQ", 16, 6, ctypes.addressof(program), ctypes.addressof(licence)))
    defer(os.close, loaded)
    bpf(8, struct.pack("=4I", fd, loaded, 7, 0))                # BPF_SK_MSG_VERDICT
    for n, sock in enumerate((target, sender)):
        key, value = ctypes.create_string_buffer(struct.pack("=I", n)), ctypes.create_string_buffer(struct.pack("=I", sock.fileno()))
        bpf(2, struct.pack("=I4xQQQ", fd, ctypes.addressof(key), ctypes.addressof(value), 0))


@case()
def between_sockets():
    "what a sockmap hands from socket to socket is no packet: it counts nowhere, nor does nft see any"
    netns = Netns(on=True)
    nft = Nft(netns)
    netns.ip("link set lo up gso_max_segs 1")
    flows = [connect(netns, netns, "ipv4", "127.0.0.1", PORT + i, source=("127.0.0.1", FIRST + i)) for i in range(2)]
    flows[0].caller.sendall(bytes(100))
    equal(len(flows[0].called.recv(200)), 100, "bytes received over IP")
    sockmap(flows[1].called, flows[0].caller)
    before = settled(netns.portmon, nft)
    for _ in range(N):
        equal(flows[0].caller.send(bytes(100)), 100, "bytes sent")
        equal(len(flows[1].called.recv(200)), 100, "bytes received by the other socket")
    equal(settled(netns.portmon, nft), before, "ports, overflow, buckets and nft's counts")
    invariant(netns.portmon, nft)


run()
