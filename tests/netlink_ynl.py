#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The kernel's own YNL client does every operation of the YAML spec, with nothing but the spec to go by."""
import errno
import importlib.util
import itertools
import json
import os
import re
import sys
import time

import yaml

from lib.kernel import seconds
from lib.ktap import HERE, case, check, defer, equal, run, wait_until
from lib.module import MODULE, parameter
from lib.netns import Netns
from lib.nlclient import Counts, UAPI, buckets_of, ports_of
from lib.packets import Packets
from lib.process import sh

if "YNL" not in os.environ:
    raise SystemExit("1..0 # SKIP $YNL has to name tools/net/ynl of a kernel source tree")
YNL, SPEC = os.environ["YNL"], os.environ.get("PORTMON_SPEC") or f"{HERE}/../Documentation/netlink/specs/portmon.yaml"

# Its package is called lib, as our module is.
found = importlib.util.spec_from_file_location("ynl", f"{YNL}/lib/__init__.py", submodule_search_locations=[f"{YNL}/lib"])
ynl = sys.modules["ynl"] = importlib.util.module_from_spec(found)
found.loader.exec_module(ynl)
if hasattr(yaml, "CSafeLoader"):    # the same, seconds faster under emulation
    yaml.safe_load = lambda text: yaml.load(text, yaml.CSafeLoader)


def client(netns):
    with netns.enter():
        family = ynl.YnlFamily(SPEC, "")
    defer(family.sock.close)
    return family


def refusal(function, *arguments):
    "(errno, sentence) of a refused request."
    try:
        return function(*arguments)
    except ynl.NlError as error:
        return error.error, error.nl_msg.extack["msg"]


yard = Netns(on=True)
packets = Packets(yard)
packets.out("tcp", 40000, 80, 2)
packets.out("udp", 53, 60000, 100)
packets.out("udplite", 1023, 1024)
packets.through("sctp", 49151, 49152, 3)
packets.within("dccp", 0, 65535)
packets.within("udp", 80, 80)
family = client(yard)
WORDS = {"scope": list(UAPI["scope"]), "transport": list(UAPI["transport"]), "range": list(UAPI["range"])}
SPAN = {"well-known": (0, 1023), "registered": (1024, 49151), "dynamic": (49152, 65535)}


def range_of(port):
    return next(name for name, (low, high) in SPAN.items() if low <= port <= high)


def sums():
    "{(scope, transport, range): (ports, Counts)} of what was sent."
    found = {}
    for (scope, transport, port), counts in packets.sent.items():
        ports, total = found.get((scope, transport, range_of(port)), (0, Counts()))
        found[scope, transport, range_of(port)] = ports + 1, total + counts
    return found


@case()
def operations():
    "the spec's operations are those that are tested here"
    equal({name: sorted(mode for mode in ("do", "dump", "event", "notify") if mode in op.yaml)
           for name, op in family.msgs.items()},
          {"info-get": ["do"], "netns-set": ["do"], "netns-ntf": ["notify"], "port-get": ["do", "dump"], "range-get": ["dump"],
           "overflow-get": ["dump"], "bucket-get": ["dump"], "reset": ["do", "dump"], "reset-ntf": ["event"],
           "event-ntf": ["event"]}, "operations")


@case()
def info():
    "info-get, and netns-set off and on: off frees, on restarts, neither twice"
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        low, high = map(int, file.read().split())
    netns = Netns()
    client_ = client(netns)
    with open(f"{MODULE}/version") as file:
        version = file.read().strip()
    off = {"version": version, "enabled": 0, "records-max": int(parameter("max_records")),
           "events-max": int(parameter("max_records")) // 4 * 3, "histograms-max": int(parameter("max_records")) // 256,
           "ephemeral-min": low, "ephemeral-max": high}
    state = client_.do("info-get", {})
    check(state.pop("generation"), "the generation is 0")
    equal(state, off, "info of a namespace that is off")

    equal(refusal(client_.do, "netns-set", {"enabled": 0}),
          (errno.EALREADY, "counting is off already in this network namespace"), "off twice")
    before = seconds()
    answer = client_.do("netns-set", {"enabled": 1})
    state = client_.do("info-get", {})
    equal(answer, state, "reply of netns-set and info-get")
    equal({k: state[k] for k in off}, {**off, "enabled": 1}, "info of a namespace that is on")
    check(before <= state["since"] <= time.time(), f"since {state['since']}, now {time.time()}")
    equal((state["records"], state["slots"]), (0, 0), "records and slots of a new namespace")
    check(state["memory"] > 0 and state["slots-max"] > 0, f"memory {state['memory']}, slots-max {state['slots-max']}")
    equal(refusal(client_.do, "netns-set", {"enabled": 1}),
          (errno.EALREADY, "counting is on already in this network namespace"), "on twice")

    some = Packets(netns)
    some.out("tcp", 1, 2)
    more = client_.do("info-get", {})
    equal(more["records"], 2, "records after a packet")
    check(more["memory"] > state["memory"], "records take no memory")
    answer = client_.do("netns-set", {"enabled": 0})
    check("records" not in answer and "memory" not in answer, f"{answer} after switching off")
    equal(answer["enabled"], 0, "enabled")
    client_.do("netns-set", {"enabled": 1})
    equal(client_.dump("port-get", {}), [], "records after off and on")
    equal(client_.do("info-get", {})["memory"], state["memory"], "memory after off and on")
    netns.sysctl("net.ipv4.ip_local_port_range", "20000 30000")
    equal({k: v for k, v in client_.do("info-get", {}).items() if k.startswith("ephemeral")},
          {"ephemeral-min": 20000, "ephemeral-max": 30000}, "ephemeral ports")


@case()
def one():
    "port-get of each port"
    for (scope, transport, port), counts in packets.sent.items():
        got = family.do("port-get", {"scope": scope, "transport": transport, "port": port})
        equal(ports_of([got]), {(scope, transport, port): counts}, "record")
        equal(got["range"], range_of(port), f"range of {port}")
        equal(family.do("port-get", {"scope": scope, "transport": transport, "port": port, "with-histograms": True}), got,
              "the same with histograms, of which there are none")
        check(got["first-seen"] <= got["last-seen"] <= time.time(), f"seen {got['first-seen']} to {got['last-seen']}")
    equal(refusal(family.do, "port-get", {"scope": "local", "transport": "tcp", "port": 1}),
          (errno.ENOENT, "no packet of this port has been seen"), "an unknown port")


@case()
def ports():
    "port-get as a dump, with every filter and every combination of filters"
    values = {"scope": (None, "local", "loopback"), "transport": (None, "udp"), "port": (None, 53, 1024),
              "port-max": (None, 1024, 65535), "range": (None, "dynamic"), "non-zero": (None, True)}
    tried = 0
    for chosen in itertools.product(*values.values()):
        given = {name: value for name, value in zip(values, chosen) if value is not None}
        if "port-max" in given and "port" not in given:
            continue
        low, high = given.get("port", 0), given.get("port-max", given.get("port", 65535))
        wanted = {key: counts for key, counts in packets.sent.items()
                  if given.get("scope", key[0]) == key[0] and given.get("transport", key[1]) == key[1]
                  and low <= key[2] <= high and given.get("range", range_of(key[2])) == range_of(key[2])}
        got = family.dump("port-get", given)
        equal(ports_of(got), wanted, f"port-get {given}")
        equal(len(got), len(wanted), f"records of port-get {given}")
        tried += 1
    check(tried > 100, f"{tried} combinations")
    for name, words in WORDS.items():
        for word in words:
            wanted = {key: counts for key, counts in packets.sent.items()
                      if word in (key[0], key[1], range_of(key[2]))}
            equal(ports_of(family.dump("port-get", {name: word})), wanted, f"port-get {name} {word}")


@case()
def ranges():
    "range-get: sums and numbers of ports, with every filter"
    for scope, transport, range_ in itertools.product(*([None, *words] for words in WORDS.values())):
        given = {k: v for k, v in (("scope", scope), ("transport", transport), ("range", range_)) if v}
        wanted = {key: value for key, value in sums().items()
                  if all(g is None or g == k for g, k in zip((scope, transport, range_), key))}
        got = {(r["scope"], r["transport"], r["range"]): (r["ports"], Counts.of(r)) for r in family.dump("range-get", given)}
        equal(got, wanted, f"range-get {given}")


@case()
def overflow():
    "overflow-get: what found no record, with every filter; range-get has it in its sums"
    netns = Netns(on=True)
    some = Packets(netns)
    parameter("max_records", 0)
    for n, (transport, (range_, (low, high))) in enumerate(itertools.product(WORDS["transport"], SPAN.items()), 1):
        some.out(transport, low, high, n)
        some.within(transport, low, high, n)
    wanted = {}
    for (scope, transport, port), counts in some.sent.items():
        key = scope, transport, range_of(port)
        wanted[key] = wanted.get(key, Counts()) + counts
    client_ = client(netns)
    equal(client_.dump("port-get", {}), [], "records with none allowed")
    for given in [{}] + [{name: word} for name, words in WORDS.items() for word in words] + \
                 [{"scope": "remote", "transport": "tcp", "range": "dynamic"}, {"scope": "forward"}]:
        expected = {key: v for key, v in wanted.items() if all(value in key for value in given.values())}
        for command in "overflow-get", "range-get":
            got = client_.dump(command, given)
            equal({(r["scope"], r["transport"], r["range"]): Counts.of(r) for r in got if "transport" in r}, expected,
                  f"{command} {given}")
            if command == "range-get":
                equal({r["ports"] for r in got} or {0}, {0}, "ports with a record")
    equal({(r["scope"], r["transport"], r["range"]): Counts.of(r) for r in client_.dump("reset", {}) if "transport" in r},
          wanted, "what a reset returned")
    equal((client_.dump("overflow-get", {}), client_.dump("range-get", {})), ([], []), "overflow after a reset")


@case()
def buckets():
    "bucket-get: the packets of each category, with every filter"
    everything = family.dump("bucket-get", {})
    got = buckets_of(everything)
    sent = {transport: 0 for transport in ("out", "through", "within")}
    equal(got["local-out", "ipv4", "ports"], (103, 103 * 28), "packets out")
    equal(got["local-out", "ipv4", "loopback"], (2, 56), "packets out to loopback")
    equal(got["local-in", "ipv4", "ports"], (2, 56), "packets in")
    equal(got["forward", "ipv4", "ports"], (3, 84), "packets through")
    for hook, net in itertools.product((None, "local-in", "local-out", "forward"), (None, "ipv4", "ipv6")):
        given = {k: v for k, v in (("hook", hook), ("family", net)) if v}
        wanted = [r for r in everything if hook in (None, r["hook"]) and net in (None, r["family"])]
        # IPv6 may have said something in between.
        equal([r for r in family.dump("bucket-get", given) if r["family"] == "ipv4"],
              [r for r in wanted if r["family"] == "ipv4"], f"bucket-get {given}")


@case()
def reset():
    "reset of one port, of what matches, of everything: returns what was there, leaves zero"
    netns = Netns(on=True)
    some = Packets(netns)
    for n, transport in enumerate(WORDS["transport"], 1):
        some.out(transport, 1000 + n, 60000 + n, n)
    some.out("tcp", 1000, 80, 64)
    some.within("udp", 7, 9, 5)
    client_, watcher = client(netns), client(netns)
    watcher.ntf_subscribe("events")

    def notified(*wanted):
        def arrived():
            watcher.check_ntf()
            return len(watcher.async_msg_queue) >= len(wanted)
        wait_until(arrived, what="a notification")
        equal(watcher.async_msg_queue, [{"name": name, "msg": msg} for name, msg in wanted], "notifications")
        watcher.async_msg_queue = []

    key = {"scope": "local", "transport": "tcp", "port": 1000}
    generation = client_.do("info-get", {})["generation"]
    equal(client_.do("reset", key), client_.do("port-get", key) | {"tx-packets": 64, "tx-bytes": 64 * 28}, "reset of one port")
    equal(Counts.of(client_.do("port-get", key)), Counts(), "the port after its reset")
    equal(Counts.of(client_.do("reset", key)), Counts(), "a second reset")
    equal(len(client_.dump("port-get", {**key, "non-zero": True})), 0, "non-zero records of it")
    equal(len(client_.dump("port-get", key)), 1, "all records of it")
    notified(("reset-ntf", key), ("reset-ntf", key))
    some.sent.pop(("local", "tcp", 1000))

    given = {"scope": "remote", "port": 60002, "port-max": 60004, "range": "dynamic", "non-zero": True}
    wanted = {k: v for k, v in some.sent.items() if k[0] == "remote" and 60002 <= k[2] <= 60004}
    equal(len(wanted), 3, "records of the span")
    equal(ports_of(client_.dump("reset", given)), wanted, "reset of a span")
    notified(("reset-ntf", given))
    for k in wanted:
        some.sent.pop(k)
    some.out("tcp", 1000, 80, 1)
    equal(ports_of(client_.dump("port-get", {"non-zero": True})), some.sent, "what is left")

    since = client_.do("info-get", {})["since"]
    before = buckets_of(client_.dump("bucket-get", {}))
    everything = client_.dump("reset", {})
    equal(ports_of(everything), some.sent, "ports of a reset of everything")
    equal(buckets_of(everything), before, "buckets of a reset of everything")
    notified(("reset-ntf", {}))
    equal((client_.dump("port-get", {"non-zero": True}), client_.dump("range-get", {}), client_.dump("bucket-get", {})),
          ([], [], []), "ports, ranges and buckets after it")
    state = client_.do("info-get", {})
    check(state["since"] >= since and state["generation"] not in (0, generation), f"{state} after it, {generation} before")
    equal(client_.dump("reset", {}), [], "a second reset of everything")
    notified(("reset-ntf", {}))

    # Records stay, and continue counting.
    some.sent.clear()
    some.out("tcp", 1000, 80, 40)
    equal(ports_of(client_.dump("port-get", {"non-zero": True})), some.sent, "what was counted since")


@case()
def events():
    "netns-ntf tells the group events of this namespace, and no other, what netns-set did"
    netns, elsewhere = Netns(), Netns()
    client_, watcher, stranger = client(netns), client(netns), client(elsewhere)
    watcher.ntf_subscribe("events")
    stranger.ntf_subscribe("events")
    expected = []
    for on in 1, 0:
        expected.append({"name": "netns-ntf", "msg": client_.do("netns-set", {"enabled": on})})
        refusal(client_.do, "netns-set", {"enabled": on})
    wait_until(lambda: watcher.check_ntf() or len(watcher.async_msg_queue) >= 2, what="two notifications")
    equal(watcher.async_msg_queue, expected, "notifications")
    stranger.check_ntf()
    equal(stranger.async_msg_queue, [], "notifications in another namespace")


@case()
def program():
    "the client as a program, and libnl's genl-ctrl-list, see the family"
    out = yard.run(sys.executable, f"{YNL}/cli.py", "--no-schema", "--spec", SPEC, "--dump", "port-get",
                   "--json", '{"scope": "remote", "transport": "udp", "port": 60000}', "--output-json")
    equal(ports_of(json.loads(out)), {("remote", "udp", 60000): Counts(0, 0, 100, 2800)}, "cli.py's answer")
    out = sh("genl-ctrl-list", "-d", "portmon")
    check(re.search(r"\bportmon\b.*\bversion 1\b", out), f"genl-ctrl-list says {out!r}")


run()
