# SPDX-License-Identifier: GPL-2.0
"""From the guests' lines to the figures that are quoted."""
KIB, MIB = 1 << 10, 1 << 20


def collect(raw):
    """Lines of each boot, as words, to one tree of numbers; what results.json holds."""
    result = {"packet": {}, "exact": {}, "dump": {}, "scrape": {}, "memory": {}}
    for lines in raw.values():
        cpus = None
        for kind, *words in lines:
            if kind == "packet":
                tool, load, *rounds = words
                rounds = [float(r) for r in rounds]
                result["packet"].setdefault(tool, {})[load] = {"first": rounds[0], "steady": min(rounds[1:] or rounds)}
            elif kind == "exact":
                # Of each GSO buffer of ten packets.
                tool, buffers, packets, size = words[0], *map(int, words[1:])
                result["exact"][tool] = {"packets": packets / buffers, "bytes": size / buffers}
            elif kind == "dump":
                name, *rounds, size = words
                result["dump"][name] = {"instructions": min(map(int, rounds)), "bytes": int(size)}
            elif kind == "scrape":
                # The mean: a garbage collector does not work in every round.
                name, *rounds, samples, size = words
                result["scrape"][name] = {"instructions": sum(map(int, rounds)) / len(rounds), "samples": int(samples),
                                          "bytes": int(size)}
            elif kind == "possible":
                cpus = words[0]
                result["memory"][cpus] = {}
            elif kind == "memory":
                state, *pairs = words
                values = dict(pair.split("=") for pair in pairs)
                result["memory"][cpus][state] = {k: int(v) for k, v in values.items()}
            elif kind == "idle":
                result["memory"][cpus]["namespaces"], result["memory"][cpus]["idle-own"] = map(int, words)
            else:
                raise ValueError(f"what is this line: {kind} {words}")
    return result


def extra(result, tool, load, round="steady"):
    """Instructions that a packet costs more than without the tool."""
    return result["packet"][tool][load][round] - result["packet"]["none"][load]["steady"]


def memory(result, cpus, state):
    """Bytes that a namespace's counters take: what the kernel's figures say."""
    samples = result["memory"][cpus]
    before = "none" if state == "idle" else "base"
    taken = sum(samples[state][what] - samples[before][what] for what in ("Slab", "VmallocUsed"))
    # Freed per-CPU chunks stay with the allocator, so what an earlier state left would hide what this one takes.
    taken += samples[state]["Percpu"] - samples["none"]["Percpu"]
    return taken // samples["namespaces"] if state == "idle" else taken


def own(result, cpus, state):
    """The same by portmon's own reckoning (portmon-ctl info)."""
    samples = result["memory"][cpus]
    return samples["idle-own"] if state == "idle" else samples[state]["own"]


def walk(tree, path=()):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from walk(value, (*path, key))
        else:
            yield (*path, key), value


def compare(before, now):
    """Say by how much the figures differ from those of the run before."""
    old = dict(walk(before))
    # Not the first rounds: what they grow (sockets' memory, a ring's pages) is grown only once.
    pairs = [(abs(value - old[path]) / max(abs(old[path]), 1), path) for path, value in walk(now)
             if path in old and path[-1] in ("steady", "instructions", "own")]
    if not pairs:
        return
    print(f"\nagainst the run before, over {len(pairs)} figures, the largest changes:")
    for change, path in sorted(pairs, reverse=True)[:5]:
        print(f"  {100 * change:6.2f}%  {' '.join(path)}")
