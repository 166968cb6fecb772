# SPDX-License-Identifier: GPL-2.0
"""What portmon may cost, and whether it does."""
import re
import subprocess

from figures import KIB, MIB, extra, memory, own

NOISE = 5       # instructions by which two rounds of the same may differ

SAVED = 2       # registers that the common way may push

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


def scrape(result):
    return result["scrape"]["portmon"]["instructions"]


def peer_scrape(result):
    return scrape(result) / result["scrape"]["node"]["instructions"]


def linear(result):
    """Instructions per record in the largest dump, by those in a dump of 10,000."""
    empty, some, all_ = (answer(f"portmon-{n}")(result) for n in (0, 10000, 262144))
    return ((all_ - empty) / 262144) / ((some - empty) / 10000)


def taken(cpus, state):
    """The larger of what the kernel's figures and portmon's own say."""
    return lambda result: max(memory(result, cpus, state), own(result, cpus, state))


def dropped(load):
    """The dearest of what a drop costs beside more and more namespaces, without what its packet cost before."""
    def most(result):
        costs = []
        for name in (load.replace("*", n) for n in ("1", "100", "1000")):
            before = extra(result, "portmon-undropped", name)
            costs += [extra(result, tool, name) - before for tool in ("portmon-here", "portmon-all")]
            costs.append(extra(result, "portmon-elsewhere", name))
        return max(costs)
    return most


# What was measured, the most of several builds of the guest, and 2 %: the kernel's own work differs by some instructions from
# one to another. Where a target is closer, that is the bound.
BOUNDS = [
    ("instructions per packet, 1 busy port", instructions("portmon", "udp4-1"), 264),
    ("instructions per packet, 100 busy ports", instructions("portmon", "udp4-100"), 264),
    ("the same by an eBPF array", ratio("ebpf-array"), 0.42),
    ("the same by an nft dynamic set", ratio("nft-set"), 0.24),
    ("instructions per packet, 10,000 ports now and then", instructions("portmon", "udp4-10000"), 359),
    ("instructions, first packet of a port", instructions("portmon", "udp4-10000", "first"), 1640),
    ("instructions per packet, IPv6", instructions("portmon", "udp6"), 258),
    ("instructions per packet, through a bond", instructions("portmon", "bond"), 268),
    ("instructions per packet, sent and forwarded", instructions("portmon", "behind"), 264),
    ("instructions per packet, forwarded between namespaces that do not count", instructions("portmon", "fwd"), 170),
    ("instructions per buffer, UDP GSO", instructions("portmon", "gso"), 323),
    ("instructions per buffer, TCP over loopback", instructions("portmon", "tcp"), 244),
    ("instructions per segment, TCP", instructions("portmon", "veth-tcp"), 261),
    ("instructions per segment, TCP over IPv6", instructions("portmon", "veth-tcp6"), 267),
    ("instructions per buffer and its ACK, TCP bulk", instructions("portmon", "bulk"), 600),
    ("instructions per buffer and its ACK, TCP bulk over IPv6", instructions("portmon", "bulk6"), 610),
    ("instructions per SYN and its answer, known port", instructions("portmon", "syn"), 750),
    ("instructions per SYN and its answer, new port", instructions("portmon", "syn-new"), 1690),
    ("instructions per SYN of a flood, all ports known", instructions("portmon", "syn-random"), 765),
    ("instructions per SYN of a flood, no records left", instructions("portmon-overflow", "syn-random"), 1338),
    ("instructions per drop, closed port", dropped("closed-*-6.12"), 495),
    ("instructions per drop, firewall at prerouting", dropped("filtered-*-6.12"), 590),
    ("instructions per drop, closed port, 6.1", dropped("closed-*-6.1"), 475),
    ("instructions per drop, firewall at prerouting, 6.1", dropped("filtered-*-6.1"), 570),
    ("instructions per packet, module loaded but off, IPv4", off("udp4-1"), NOISE),
    ("instructions per packet, module loaded but off, IPv6", off("udp6"), NOISE),
    ("instructions per buffer, module loaded but off, TCP", off("tcp"), NOISE),
    ("instructions per established segment for lifecycle and drops, loopback", following("tcp"), NOISE),
    ("instructions per established segment for lifecycle and drops, veth", following("veth-tcp"), NOISE),
    ("instructions per packet more while all ports are dumped", dumping, 3 * NOISE),
    ("bytes, idle, 2 CPUs", taken("2", "idle"), 128 * KIB + 2 * 16 * KIB),
    ("bytes, idle, 128 CPUs", taken("128", "idle"), 128 * KIB + 128 * 16 * KIB),
    ("bytes, 10,000 ports on TCP and UDP in a row, 2 CPUs", taken("2", "contiguous-busy"), 3 * MIB),
    ("bytes, 10,000 ports on TCP and UDP in a row, 128 CPUs", taken("128", "contiguous-busy"), 16 * MIB),
    ("bytes, 10,000 ports on TCP and UDP scattered, 2 CPUs", taken("2", "scattered-busy"), 3 * MIB),
    ("bytes, 10,000 ports on TCP and UDP scattered, 128 CPUs", taken("128", "scattered-busy"), 16 * MIB),
    ("bytes, every port on TCP and UDP, local and remote, 128 CPUs", taken("128", "worst"), 40 * MIB),
    ("bytes, whatever arrives, 128 CPUs", taken("128", "everything"), 40 * MIB),
    ("instructions, stats --json --all of 10,000 ports", answer("portmon-10000"), 31.4e6),
    ("the same, all of them busy", answer("portmon-busy-1-cpus"), 46.7e6),
    ("instructions, stats --all of 10,000 ports, a table of nine columns", answer("portmon-table-10000"), 75.2e6),
    ("instructions, stats --json --all of nothing", answer("portmon-0"), 2.02e6),
    ("instructions, show --json of one port", answer("portmon-show"), 1.68e6),
    ("instructions, a scrape of 100 ports", scrape, 5.27e6),
    ("the same by node_exporter's default scrape", peer_scrape, 0.25),
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
    print(f"\n{'':72} {'measured':>12} {'at most':>12}")
    for text, value, bound in held(result):
        print(f"{text:72} {number(value):>12} {number(bound):>12}{'' if value <= bound else '  MISSED'}")


def functions(module):
    """The hooks' own functions: name, and of each instruction its address and text, relocation and all."""
    dump = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", module], check=True, text=True, stdout=subprocess.PIPE)
    found, code = {}, None
    for line in dump.stdout.splitlines():
        if match := re.match(r"[0-9a-f]+ <(\w+)>:", line):
            code = found.setdefault(match[1], []) if match[1] in HOT else None
        elif code is not None and (match := re.match(r"\s+([0-9a-f]+):\s+(.*)", line)):
            if match[2].startswith("R_"):
                code[-1] = code[-1][0], f"{code[-1][1]} -> {match[2].split()[1]}"
            else:
                code.append((int(match[1], 16), match[2]))
    return found


def locked(code):
    """xchg with memory locks without the prefix."""
    return [text for _, text in code if re.match(r"lock |xchg .*\(", text)]


def common_way(code):
    """From the entry to the return, by no jump that the compiler did not think likely."""
    way, at = [], {address: n for n, (address, _) in enumerate(code)}
    n = 0
    while n < len(code) and len(way) < len(code):
        address, text = code[n]
        way.append(text)
        if re.match(r"ret|jmp .*__x86_return_thunk", text):
            return way
        jump = re.match(r"jmp +([0-9a-f]+)", text)
        # To another function: it has left.
        if jump and ("->" in text or int(jump[1], 16) not in at):
            break
        n = at[int(jump[1], 16)] if jump else n + 1
    return [*way, "no return"]


def heavy(way):
    """A call (but for the place of ftrace, a nop), a stack frame, or more registers saved than a few."""
    found = [text for text in way if re.match(r"(call|leave|enter|no return)\b", text) and "__fentry__" not in text]
    found += [text for text in way if "%rsp" in text]
    saved = [text for text in way if text.startswith("push")]
    return found + (saved if len(saved) > SAVED else [])


def code_checks(module):
    """(text, what is wrong) of the hooks' instructions."""
    found = functions(module)
    missing = [f"{name} is not there" for name in HOT if name not in found]
    yield ("no locked instruction in the hooks",
           missing + [f"{name}: {text}" for name, code in found.items() for text in locked(code)])
    yield ("no call and no stack frame on the hooks' common way",
           missing + [f"{name}: {text}" for name, code in found.items() for text in heavy(common_way(code))])


def ktap(result, module, partial):
    results = list(held(result))
    failed = 0
    checks = list(code_checks(module))
    print(f"KTAP version 1\n1..{len(results) + len(checks)}")
    for n, (text, value, bound) in enumerate(results, 1):
        ok = value <= bound
        failed += not ok
        print(f"{'ok' if ok else 'not ok'} {n} {text}: {number(value)}, at most {number(bound)}")
    for n, (text, wrong) in enumerate(checks, len(results) + 1):
        for line in wrong:
            print(f"# {line}")
        print(f"{'not ok' if wrong else 'ok'} {n} {text}")
        failed += bool(wrong)
    # A run that measured nothing, or less than it should, is no success.
    missing = 0 if partial and results else len(REQUIRED) - sum(text in REQUIRED for text, *_ in results)
    if missing:
        print(f"# {missing} figures are missing")
    failed += missing
    print(f"{len(results) + len(checks) + missing - failed} passed, {failed} failed")
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
