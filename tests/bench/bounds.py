# SPDX-License-Identifier: GPL-2.0
"""What portmon may cost, and whether it does."""
import re
import subprocess

from figures import KIB, MIB, extra, memory, own

NOISE = 5       # instructions by which two rounds of the same may differ

HOT = [f"portmon_{way}{family}" for way in ("in", "out", "fwd") for family in (4, 6)]


def instructions(tool, load, round="steady"):
    return lambda result: extra(result, tool, load, round)


def ratio(peer):
    return lambda result: extra(result, "portmon", "udp4-1") / extra(result, peer, "udp4-1")


def dumping(result):
    return result["packet"]["portmon"]["dump"]["steady"] - result["packet"]["portmon"]["batch"]["steady"]


def following(load):
    """By how much a segment's cost changes with lifecycle and drops."""
    return lambda result: abs(result["packet"]["portmon-followed"][load]["steady"] -
                              result["packet"]["portmon-unfollowed"][load]["steady"])


def off(load):
    return lambda result: extra(result, "portmon-off", load)


def answer(name):
    return lambda result: result["dump"][name]["instructions"]


def linear(result):
    """Instructions per record in the largest dump, by those in a dump of 10,000."""
    empty, some, all_ = (answer(f"portmon-{n}")(result) for n in (0, 10000, 262144))
    return ((all_ - empty) / 262144) / ((some - empty) / 10000)


def taken(cpus, state):
    """The larger of what the kernel's figures and portmon's own say."""
    return lambda result: max(memory(result, cpus, state), own(result, cpus, state))


BOUNDS = [
    ("instructions per packet, 1 busy port", instructions("portmon", "udp4-1"), 310),
    ("instructions per packet, 100 busy ports", instructions("portmon", "udp4-100"), 310),
    ("the same by an eBPF array", ratio("ebpf-array"), 0.42),
    ("the same by an nft dynamic set", ratio("nft-set"), 0.24),
    ("instructions per packet, 10,000 ports now and then", instructions("portmon", "udp4-10000"), 420),
    ("instructions per packet, IPv6", instructions("portmon", "udp6"), 330),
    ("instructions per buffer, TCP over loopback", instructions("portmon", "tcp"), 340),
    ("instructions, first packet of a port", instructions("portmon", "udp4-10000", "first"), 2000),
    ("instructions per packet, module loaded but off, IPv4", off("udp4-1"), NOISE),
    ("instructions per packet, module loaded but off, IPv6", off("udp6"), NOISE),
    ("instructions per buffer, module loaded but off, TCP", off("tcp"), NOISE),
    ("instructions per established segment for lifecycle and drops, loopback", following("tcp"), NOISE),
    ("instructions per established segment for lifecycle and drops, veth", following("veth-tcp"), NOISE),
    ("instructions per packet more while all ports are dumped", dumping, 2 * NOISE),
    ("bytes, idle, 2 CPUs", taken("2", "idle"), 128 * KIB + 2 * 16 * KIB),
    ("bytes, idle, 128 CPUs", taken("128", "idle"), 128 * KIB + 128 * 16 * KIB),
    ("bytes, 10,000 ports on TCP and UDP in a row, 2 CPUs", taken("2", "contiguous-busy"), 3 * MIB),
    ("bytes, 10,000 ports on TCP and UDP in a row, 128 CPUs", taken("128", "contiguous-busy"), 16 * MIB),
    ("bytes, 10,000 ports on TCP and UDP scattered, 2 CPUs", taken("2", "scattered-busy"), 3 * MIB),
    ("bytes, 10,000 ports on TCP and UDP scattered, 128 CPUs", taken("128", "scattered-busy"), 16 * MIB),
    ("bytes, every port on TCP and UDP, local and remote, 128 CPUs", taken("128", "worst"), 40 * MIB),
    ("bytes, whatever arrives, 128 CPUs", taken("128", "everything"), 40 * MIB),
    ("instructions, stats --json --all of 10,000 ports", answer("portmon-10000"), 28.7e6),
    ("the same, all of them busy", answer("portmon-busy-1-cpus"), 43.8e6),
    ("instructions, stats --all of 10,000 ports, a table", answer("portmon-table-10000"), 61.8e6),
    ("instructions, stats --json --all of nothing", answer("portmon-0"), 1.87e6),
    ("instructions, show --json of one port", answer("portmon-show"), 1.58e6),
    ("growth per record from 10,000 to 262,144", linear, 1.1),
]


def held(result):
    """(text, value, bound) of what this run has measured."""
    for text, value, bound in BOUNDS:
        try:
            yield text, value(result), bound
        except KeyError:
            pass


def number(value):
    return f"{value:.2f}" if abs(value) < 10 and value != int(value) else f"{value:,.0f}"


def table(result):
    print(f"\n{'':62} {'measured':>12} {'at most':>12}")
    for text, value, bound in held(result):
        print(f"{text:62} {number(value):>12} {number(bound):>12}{'' if value <= bound else '  MISSED'}")


def locked(module):
    """Instructions of the hooks' own functions that lock a cache line."""
    dump = subprocess.run(["objdump", "-d", "--no-show-raw-insn", module], check=True, text=True, stdout=subprocess.PIPE)
    found, seen, name = [], set(), None
    for line in dump.stdout.splitlines():
        if match := re.match(r"[0-9a-f]+ <(\w+)>:", line):
            name = match[1]
        elif name in HOT:
            seen.add(name)
            # xchg with memory locks without the prefix.
            if re.search(r"\t(lock |xchg .*\()", line):
                found.append(f"{name}: {line.strip()}")
    return found + [f"{name} is not there" for name in HOT if name not in seen]


def ktap(result, module):
    results = list(held(result))
    failed = 0
    print(f"KTAP version 1\n1..{len(results) + 1}")
    for n, (text, value, bound) in enumerate(results, 1):
        ok = value <= bound
        failed += not ok
        print(f"{'ok' if ok else 'not ok'} {n} {text}: {number(value)}, at most {number(bound)}")
    found = locked(module)
    for line in found:
        print(f"# {line}")
    print(f"{'not ok' if found else 'ok'} {len(results) + 1} no locked instruction in the hooks")
    failed += bool(found)
    # A run that measured nothing, or less than it should, is no success.
    missing = len(REQUIRED) - sum(text in REQUIRED for text, *_ in results)
    if missing:
        print(f"# {missing} figures are missing")
    failed += missing
    print(f"{len(results) + 1 + missing - failed} passed, {failed} failed")
    return 1 if failed else 0


def native(result):
    """Real time of one hook."""
    wrong = 0
    for text, value, bound in (("a trivial hook", result["portmon"] / result["empty"], 1.5),
                               ("one nft counter", result["portmon"] / result["nft-counter"], 0.4)):
        wrong += value > bound
        print(f"portmon takes {value:.2f} of {text}, at most {bound}{'  MISSED' if value > bound else ''}")
    return int(bool(wrong))


# What needs peers, or takes too long, only "bench" has.
REQUIRED = {text for text, *_ in BOUNDS} - {"the same by an eBPF array", "the same by an nft dynamic set",
                                             "the same, all of them busy",
                                             "growth per record from 10,000 to 262,144"}
