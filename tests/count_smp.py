#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Totals are exact to the packet on all CPUs, in process and softirq context, while counters are reset and dumped."""
import mmap
import pickle

from lib import *

SOURCE, FIRST, LAST, SIZE = 5000, 5000, 5007, 100
RESETS, SENT = 100, 3000


class Child:
    """A process that calls step() over and over until told to stop; what step() returned last is its result.

    .turns is how often it has done so.
    """

    def __init__(self, netns, prepare):
        self.shared = mmap.mmap(-1, 16)
        here, there = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(there)
            self.pipe = os.fdopen(here, "rb")
            defer(self.kill)
            return
        try:
            step = prepare(Portmon(netns))
            result, turns = None, 0
            while not self.shared[8]:
                result, turns = step(), turns + 1
                self.shared[:8] = struct.pack("=Q", turns)
        except BaseException:
            result = traceback.format_exc()
        with os.fdopen(there, "wb") as pipe:
            pickle.dump(result, pipe)
        os._exit(0)

    @property
    def turns(self):
        return struct.unpack("=Q", self.shared[:8])[0]

    def result(self):
        self.shared[8] = 1
        found = pickle.load(self.pipe)
        os.waitpid(self.pid, 0)
        self.pid = 0
        check(not isinstance(found, str), f"in a child: {found}")
        return found

    def kill(self):
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)


def key_of(record):
    "What a record speaks of, and its counters."
    if "bucket" in record:
        return ("bucket", record["hook"], record["family"], record.get("protocol", record["bucket"])), \
            Counts(record["packets"], record["bytes"])
    kind = ("port", record["scope"], record["transport"], record["port"]) if "port" in record else \
        ("overflow", record["scope"], record["transport"], record["range"])
    return kind, Counts.of(record)


def gather(sums, records):
    for record in records:
        key, counts = key_of(record)
        check(max(counts) < 1 << 48, f"below zero: {key} {counts}")
        sums[key] = sums.get(key, Counts()) + counts


def resetter(first):
    "Resets everything, one transport, one port in turn."
    def prepare(portmon):
        sums, turn = {}, first

        def step():
            nonlocal turn
            turn += 1
            if turn % 3 == 0:
                gather(sums, portmon.reset(transport="udp"))
            elif turn % 3 == 1:
                try:
                    gather(sums, [portmon.do("reset", scope="local", transport="udp", port=SOURCE)])
                except NlError as error:
                    check(error.errno == errno.ENOENT, error)
            else:
                gather(sums, portmon.reset())
            return sums
        return step
    return prepare


def dumper(portmon):
    def step():
        for command in "port-get", "bucket-get", "overflow-get", "range-get":
            for record in portmon.dump(command):
                check(all(value < 1 << 48 for name, value in record.items() if name.endswith(("packets", "bytes"))),
                      f"below zero: {record}")
        return True
    return step


@case("undisturbed", "two processes reset and one dumps")
def totals(variant):
    "Senders and receivers of UDP and TCP on two CPUs: every packet and byte is accounted for"
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise Skip("there is one CPU only")
    hosts = Netns(on=True), Netns(on=True)
    nfts = [Nft(netns, transports=["udp", "tcp"]) for netns in hosts]
    ends = pair(*hosts, link="gso_max_segs 1", gro=False)      # nft counts buffers: one segment each
    connection = connect(*hosts, "ipv4", ends[1].ipv4, SOURCE, source=(ends[0].ipv4, FIRST + 1))
    for cpu, netns in zip(cpus, hosts):
        equal(traffic("sink", cpu, FIRST + 1, LAST, netns=netns).stdout.readline(), "ready\n", "the receiver")
    disturbed = variant != "undisturbed"
    children = [[Child(netns, resetter(0)), Child(netns, resetter(1)), Child(netns, dumper)] if disturbed else []
                for netns in hosts]
    # Either family on either CPU, in both directions, from and to the same ports.
    floods = [[traffic("flood", cpus[(i + j) % 2], address(ends[i], family), address(ends[1 - i], family), SOURCE, FIRST, LAST,
                       SIZE, SENT, netns=hosts[i]) for j, family in enumerate(AF)] for i in range(2)]
    for _ in range(3):
        transfer(connection.caller, connection.called, 200000)
        transfer(connection.called, connection.caller, 200000)
    for some in children:
        for child in some[:2]:
            wait_until(lambda: child.turns >= RESETS, 60, f"{RESETS} resets")
    sent = [[int(finish(flood)) for flood in floods[i]] for i in range(2)]
    note(f"sent {sent}, turns {[[child.turns for child in some] for some in children]}")
    for sock in connection:
        wait_until(lambda: not TcpInfo.of(sock).unacked, what="the last acknowledgement")
    for i, (netns, nft, some) in enumerate(zip(hosts, nfts, children)):
        sums = {}
        for child in some[:2]:
            for key, counts in child.result().items():
                sums[key] = sums.get(key, Counts()) + counts
        for child in some[2:]:
            child.result()
        ports, overflow, buckets, independent = settled(netns.portmon, nft)
        for kind, rest in ("port", ports), ("overflow", overflow), ("bucket", {k: Counts(*v) for k, v in buckets.items()}):
            for key, counts in rest.items():
                key = kind, *key
                sums[key] = sums.get(key, Counts()) + counts
        ports, overflow, buckets = ({key[1:]: counts for key, counts in sums.items() if key[0] == kind}
                                    for kind in ("port", "overflow", "bucket"))
        balance(ports, overflow, {key: counts[:2] for key, counts in buckets.items()}, independent)
        equal(overflow, {}, "overflow")

        # What the senders say they sent, at local-out.
        sizes = {family: IP_HEADER[family] + 8 + SIZE for family in AF}
        whole = plus(*((n, n * sizes[family]) for n, family in zip(sent[i], AF)))
        equal(ports["local", "udp", SOURCE][2:], whole, "sent from the port")
        for port in range(FIRST, LAST + 1):
            turns = [(n + LAST - port) // (LAST - FIRST + 1) for n in sent[i]]
            equal(ports["remote", "udp", port][2:], plus(*((n, n * sizes[family]) for n, family in zip(turns, AF))), f"sent to port {port}")
        # What nft saw arriving.
        by_transport = nft.transports()
        received = plus(*(by_transport["local-in", family, "udp"] for family in AF))
        equal(ports["remote", "udp", SOURCE][:2], received, "received from the port")
        equal(plus(*(ports["local", "udp", port][:2] for port in range(FIRST, LAST + 1))), received, "received by the ports")
        check(received[0] > sum(sent[1 - i]) / 2, f"received {received[0]} of {sent[1 - i]}")
        # The connection, as its socket counted it: the caller's counters have the SYN-ACK, those of the called have only the SYN.
        info = TcpInfo.of(connection[i])
        counts = ports["remote" if i == 0 else "local", "tcp", SOURCE]
        equal((counts.rx, counts.tx), (info.segs_in, info.segs_out + i), "segments")
        equal(counts.tx_bytes, (info.segs_out + i) * 52 + 8 + info.bytes_sent, "bytes of segments")
        check(netns.portmon.do("info-get")["slots"] >= 10, "the busy ports have no counters per CPU")


run()
