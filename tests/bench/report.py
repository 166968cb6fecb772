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
    "tcp": "TCP over loopback, per buffer",
    "veth-tcp": "TCP, per segment",
    "gso": "UDP, a GSO buffer of 10 segments",
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
    "portmon-table-10000": "portmon-ctl stats --all, 10,000 records",
    "portmon-65536": "portmon-ctl stats --json --all, 65,536 records",
    "portmon-262144": "portmon-ctl stats --json --all, every port in every scope",
    "portmon-show-262144": "portmon-ctl show, one port of these",
    "iptables-save-10000": "iptables-save, 10,000 rules",
    "nft-list-10000": "nft -j list set, 10,000 elements",
}


def tools(result):
    """Rows: tool, instructions with one port, ratio to portmon, with 10,000 ports, first packet; dearest last."""
    mine = extra(result, "portmon", "udp4-1")
    rows = [[name, *(extra(result, tool, *at) for at in (("udp4-1",), ("udp4-10000",), ("udp4-10000", "first")))]
            for tool, name in TOOLS.items() if tool in result["packet"]]
    return [[name, one, one / mine, many, first] for name, one, many, first in sorted(rows, key=lambda row: row[1])]


def loads(result):
    return [[name, result["packet"]["none"][load]["steady"], extra(result, "portmon", load)]
            for load, name in LOADS.items()]


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
    return f"{value:,.0f}"


def size(value):
    return f"{value / KIB:,.0f} KiB" if value < MIB else f"{value / MIB:.1f} MiB"


def tables(result):
    """Name: (head, rows of text)."""
    made = {
        "tools": (["instructions per packet", "1 port", "portmon = 1", "10,000 ports", "first packet of a port"],
                  [[name, count(one), f"{share:.2f}", count(many), count(first)]
                   for name, one, share, many, first in tools(result)]),
        "loads": (["portmon", "without", "portmon adds"],
                  [[name, count(none), count(more)] for name, none, more in loads(result)]),
    }
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


def document(result, folder):
    """This run's tables and plots in performance.rst."""
    rewrite(f"{folder}/performance.rst", tables(result))
    plot.packets(f"{folder}/performance-packets.svg", [(row[0], row[1]) for row in tools(result)])
    plot.memory(f"{folder}/performance-memory.svg",
                {name: [(int(cpus), max(memory(result, cpus, state), own(result, cpus, state)) / MIB)
                        for cpus in sorted(result["memory"], key=int)] for state, name in CURVES.items()})
    plot.dumps(f"{folder}/performance-dumps.svg",
               [(n, result["dump"][f"portmon-{n}"]["instructions"] / 1e6) for n in (1, 1000, 10000, 65536, 262144)],
               {DUMPS[dump]: result["dump"][dump]["instructions"] / 1e6
                for dump in ("iptables-save-10000", "nft-list-10000")})
