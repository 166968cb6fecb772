# SPDX-License-Identifier: GPL-2.0
"""The table on the terminal; tables and plots of Documentation/performance.rst."""
import re

import plot
from figures import KIB, MIB, extra, memory, own

TOOLS = {
    "empty": "two empty hooks",
    "bare": "bare-bones module: one flat per-CPU record",
    "portmon": "portmon",
    "nft-counter": "nft, one counter",
    "nft-map": "nft, map of named counters",
    "tcx": "eBPF at tcx, per-CPU array",
    "bpf-netfilter": "eBPF in netfilter hooks, per-CPU array",
    "cgroup-skb": "eBPF at cgroup_skb, totals only",
    "ebpf-array": "tc eBPF, per-CPU array",
    "ebpf-hash": "tc eBPF, per-CPU hash",
    "nft-set": "nft, dynamic set of counters",
    "conntrack": "conntrack accounting",
    "af-packet": "AF_PACKET reader",
    "iptables-legacy-14-rules": "iptables (xtables), 14 rules",
    "nft-14-rules": "nft, 14 rules",
    "iptables-nft-14-rules": "iptables (nft), 14 rules",
    "nft-28-rules": "nft, 28 rules",
}

NATIVE = {
    "none": "no hook",
    "empty": "a hook that does nothing",
    "portmon": "portmon, busy ports",
    "nft-chain": "nft, an empty chain",
    "nft-counter": "nft, one counter",
}

LOADS = {
    "udp4-1": "UDP, 1 port",
    "udp4-100": "UDP, 100 ports",
    "udp4-10000": "UDP, 10,000 ports now and then",
    "udp6": "UDP over IPv6",
    "bond": "UDP through a bond at both ends",
    "behind": "UDP, sent and forwarded",
    "fwd": "UDP, forwarded between namespaces that do not count",
    "gso": "UDP, a GSO buffer of 10 segments",
    "tcp": "TCP over loopback, per buffer",
    "veth-tcp": "TCP, per segment",
    "veth-tcp6": "TCP over IPv6, per segment",
    "bulk": "TCP bulk, a buffer of 10 segments and its ACK",
    "bulk6": "TCP bulk over IPv6, a buffer of 10 segments and its ACK",
}

SYNS = {
    ("portmon", "syn"): "from a known port",
    ("portmon", "syn-new"): "from a port not seen before",
    ("portmon", "syn-random"): "flood, all ports known, queue with room",
    ("portmon", "syn-cookies"): "flood, all ports known, SYN cookies",
    ("portmon", "syn-full"): "flood, all ports known, no cookies, queue full",
    ("portmon-overflow", "syn-random"): "flood, no records left, queue with room",
    ("portmon-overflow", "syn-cookies"): "flood, no records left, SYN cookies",
}

DROPS = {
    "closed": "UDP to a closed port",
    "filtered": "dropped by nft at prerouting",
}

WHERE = {
    "portmon-here": "counting on in this namespace",
    "portmon-all": "counting on in all namespaces",
    "portmon-elsewhere": "counting off in this one, on in all others",
    "portmon-undropped": "counting on in this one, drops off",
}

CPUS = {
    "none": "the loop alone",
    "slots": "busy ports: three lines of one's own CPU",
    "cold": "two cold ports: two shared lines, four locked adds",
    "flood": "flood from 65,536 cold ports to a busy one",
    "syn": "the same, and one event that all count",
}

STATES = {
    "idle": "idle",
    "contiguous": "10,000 ports on TCP and UDP, in a row",
    "contiguous-busy": "the same, as many busy as there can be",
    "scattered": "10,000 ports on TCP and UDP, scattered",
    "scattered-busy": "the same, as many busy as there can be",
    "worst": "every port, TCP and UDP, local and remote",
    "everything": "all transports, scopes and protocols besides",
}

CURVES = {
    "everything": "whatever arrives",
    "worst": STATES["worst"],
    "contiguous-busy": "10,000 ports on TCP and UDP, as many busy as there can be",
    "idle": STATES["idle"],
}

DUMPS = {
    "portmon-0": "portmon-ctl stats --json --all, nothing seen",
    "portmon-show": "portmon-ctl show, one port",
    "portmon-1": "portmon-ctl stats --json --all, 2 records",
    "portmon-1000": "portmon-ctl stats --json --all, 1,000 records",
    "portmon-10000": "portmon-ctl stats --json --all, 10,000 records",
    "portmon-table-10000": "portmon-ctl stats --all, 10,000 records, nine columns",
    "portmon-65536": "portmon-ctl stats --json --all, 65,536 records",
    "portmon-262144": "portmon-ctl stats --json --all, every port in every scope",
    "portmon-show-262144": "portmon-ctl show, one port of these",
    "iptables-save-10000": "iptables-save, 10,000 rules",
    "nft-list-10000": "nft -j list set, 10,000 elements",
    "ss-10000": "ss -ant, 10,000 sockets",
    "conntrack-list-10000": "conntrack -L -o xml, 10,000 entries",
}


def tools(result):
    """Rows: tool, and what it adds to a packet, to bulk, with 10,000 ports, to a first packet; dearest last."""
    at = ("udp4-1",), ("bulk",), ("udp4-10000",), ("udp4-10000", "first")
    rows = [[name, *(extra(result, tool, *load) if load[0] in result["packet"][tool] else None for load in at)]
            for tool, name in TOOLS.items() if tool in result["packet"]]
    return sorted(rows, key=lambda row: row[1])


def loads(result):
    return [[name, result["packet"]["none"][load]["steady"], extra(result, "portmon", load)]
            for load, name in LOADS.items() if load in result["packet"].get("portmon", {})]


def exact(result):
    """Tools that clsact has run at are the same programs as those that tcx runs."""
    return [[name, result["exact"][tool]["packets"], result["exact"][tool]["bytes"]]
            for tool, name in TOOLS.items() if tool in result["exact"]]


def syns(result):
    """Rows: state, the kernel's work for a SYN (without what sends it), what portmon adds, its share of both."""
    sent = result["packet"]["none"]["syn-sent"]["steady"]
    for (tool, load), name in SYNS.items():
        if load not in result["packet"].get(tool, {}):
            continue
        kernel, more = result["packet"]["none"][load]["steady"] - sent, extra(result, tool, load)
        yield [name, kernel, more, more / (kernel + more)]


def drops(result):
    """Rows: what drops and where it counts, what portmon adds beside 1, 100 and 1,000 other namespaces."""
    for kernel in "6.12", "6.1":
        for load, what in DROPS.items():
            for tool, where in WHERE.items():
                names = [f"{load}-{n}-{kernel}" for n in (1, 100, 1000)]
                if names[0] in result["packet"].get(tool, {}):
                    yield [f"{what}, {where}, {kernel}", *(extra(result, tool, name) for name in names)]


def states(result):
    for state, name in STATES.items():
        cells = []
        for cpus in sorted(result["memory"], key=int):
            cells += [memory(result, cpus, state), own(result, cpus, state)]
        yield [name, *cells]


def dumps(result):
    for dump, name in DUMPS.items():
        if dump in result["dump"]:
            yield [name, result["dump"][dump]["instructions"] / 1e6, result["dump"][dump]["bytes"]]
    for dump, values in result["dump"].items():
        if match := re.fullmatch(r"portmon-busy-(\d+)-cpus", dump):
            yield [f"portmon-ctl stats --json --all, 10,000 records, 4,096 busy, {match[1]} CPUs", values["instructions"] / 1e6,
                   values["bytes"]]


def count(value):
    return "-" if value is None else f"{value:,.0f}"


def ratio(value, mine):
    return "-" if value is None or not mine else f"{value / mine:.2f}"


def size(value):
    return f"{value / KIB:,.0f} KiB" if value < MIB else f"{value / MIB:.1f} MiB"


def tables(result):
    """Name: (head, rows of text)."""
    made, packet = {}, result["packet"]
    if "udp4-1" in packet.get("portmon", {}):
        mine = {load: extra(result, "portmon", load) for load in ("udp4-1", "bulk") if load in packet["portmon"]}
        made["tools"] = (
            ["instructions", "packet", "portmon = 1", "TCP bulk", "portmon = 1", "10,000 ports", "first packet"],
            [[name, count(one), ratio(one, mine.get("udp4-1")), count(bulk), ratio(bulk, mine.get("bulk")), count(many),
              count(first)] for name, one, bulk, many, first in tools(result)])
        made["loads"] = (["portmon", "without", "portmon adds"],
                         [[name, count(none), count(more)] for name, none, more in loads(result)])
    if result["exact"]:
        made["exact"] = (["a GSO buffer of ten packets, 1,280 bytes", "packets counted", "bytes counted"],
                         [[name, count(packets), count(size)] for name, packets, size in exact(result)])
    if "syn-sent" in packet.get("none", {}):
        made["syn"] = (["a SYN and its answer", "the kernel", "portmon adds", "share of all"],
                       [[name, count(kernel), count(more), f"{share:.1%}"] for name, kernel, more, share in syns(result)])
    if found := list(drops(result)):
        made["drops"] = (["portmon adds to a drop", "1 namespace", "100", "1,000"],
                         [[name, *map(count, cells)] for name, *cells in found])
    if result["memory"]:
        cpus = sorted(result["memory"], key=int)
        made["memory"] = (["one namespace", *(f"{n} CPUs{what}" for n in cpus for what in ("", ", own"))],
                          [[name, *map(size, cells)] for name, *cells in states(result)])
    if result["dump"]:
        made["dumps"] = (["from fork to exit", "million instructions", "bytes"],
                         [[name, f"{cost:.2f}", count(length)] for name, cost, length in dumps(result)])
    return made


def lines(head, rows, ruler=False):
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    rule = ["  ".join("=" * width for width in widths)] if ruler else []

    def line(cells):
        return "  ".join(f"{cell:<{w}}" if not n else f"{cell:>{w}}"
                         for n, (cell, w) in enumerate(zip(cells, widths))).rstrip()
    return [*rule, line(head), *rule, *map(line, rows), *rule]


def table(result):
    for head, rows in tables(result).values():
        print("\n" + "\n".join(lines(head, rows)))


def rewrite(path, made):
    """Put tables between their markers."""
    with open(path) as file:
        text = file.read()
    for name, (head, rows) in made.items():
        body = "\n".join(lines(head, rows, ruler=True))
        text, found = re.subn(rf"(?s)(\.\. begin: {name}\n).*?(\n\.\. end: {name}\n)", rf"\1\n{body}\n\2", text)
        if found != 1:
            raise ValueError(f"{path}: {found} places for the table {name}")
    with open(path, "w") as file:
        file.write(text)


def native(result, folder):
    made = ["one hook, warm", "nanoseconds"], [[name, f"{result[what]:.1f}"] for what, name in NATIVE.items()]
    print("\n".join(lines(*made)))
    rewrite(f"{folder}/performance.rst", {"native": made})


def cpus(text, folder):
    """What replica has printed: name, threads, nanoseconds."""
    rows = []
    for line in text.splitlines():
        name, threads, *times = line.split()
        rows.append([f"{CPUS[name]}, {threads} {'CPU' if threads == '1' else 'CPUs'}",
                     *(f"{float(ns):.1f}" for ns in times)])
    made = ["nanoseconds a packet", "least", "median", "ninth decile"], rows
    print("\n".join(lines(*made)))
    rewrite(f"{folder}/performance.rst", {"cpus": made})


def document(result, folder):
    """This run's tables and plots in performance.rst."""
    rewrite(f"{folder}/performance.rst", tables(result))
    plot.packets(f"{folder}/performance-packets.svg", [(row[0], row[1]) for row in tools(result)],
                 "Instructions per packet, LOCAL_OUT plus LOCAL_IN, one busy port")
    plot.packets(f"{folder}/performance-bulk.svg",
                 sorted([(row[0], row[2]) for row in tools(result) if row[2] is not None], key=lambda row: row[1]),
                 "Instructions per TCP buffer of ten segments and its acknowledgement")
    plot.memory(f"{folder}/performance-memory.svg",
                {name: [(int(cpus), max(memory(result, cpus, state), own(result, cpus, state)) / MIB)
                        for cpus in sorted(result["memory"], key=int)] for state, name in CURVES.items()})
    plot.dumps(f"{folder}/performance-dumps.svg",
               [(n, result["dump"][f"portmon-{n}"]["instructions"] / 1e6) for n in (1, 1000, 10000, 65536, 262144)],
               {DUMPS[dump]: result["dump"][dump]["instructions"] / 1e6
                for dump in ("iptables-save-10000", "nft-list-10000", "ss-10000", "conntrack-list-10000")
                if dump in result["dump"]})
