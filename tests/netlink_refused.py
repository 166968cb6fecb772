#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A wrong request gets its errno, a sentence and the attribute that is to blame, and changes nothing.

Which operation takes which attributes is read from the YAML spec: what is not in there has to be refused.
"""
import errno
import itertools
import os
import re
import struct

import yaml

from lib.ktap import HERE, case, check, equal, run
from lib.netns import Netns
from lib.nlclient import NlError, Portmon, UAPI
from lib.packets import Packets

REQUEST, ACK, ROOT, MATCH = 0x1, 0x4, 0x100, 0x200
FLAGS = {"do": REQUEST | ACK, "dump": REQUEST | ROOT | MATCH}
NESTED = 0x8000

spec_path = os.environ.get("PORTMON_SPEC") or f"{HERE}/../Documentation/netlink/specs/portmon.yaml"
with open(spec_path) as file:
    spec = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
ENUMS = {d["name"]: len(d["entries"]) for d in spec["definitions"] if "entries" in d}
SETS = {s["name"]: {a["name"]: a for a in s["attributes"]} for s in spec["attribute-sets"]}
NUMBER = {s: {name: n for n, name in enumerate(attributes, 1)} for s, attributes in SETS.items()}
# (operation, do or dump, its attribute set, the attributes it takes)
REQUESTS = [(op["name"], mode, op["attribute-set"], op[mode].get("request", {}).get("attributes", []))
            for op in spec["operations"]["list"] for mode in ("do", "dump") if mode in op]
SIZE = {"u8": 1, "u16": 2, "u32": 4, "uint": 4, "flag": 0, "string": 2, "nest": 4}


def attr(attr_set, name, value=None, flag=0):
    "An attribute as bytes; without a value the smallest good one."
    if value is None:
        value = b"\0" * SIZE[SETS[attr_set][name]["type"]]
    return Portmon.attr(NUMBER[attr_set].get(name, name) | flag, value)


def named(**attrs):
    return pm.encode("port-get", attrs)


# One namespace with a few records, and somebody who listens.
yard = Netns(on=True)
pm = yard.portmon
packets = Packets(yard)
packets.out("tcp", 40000, 80)
packets.out("udp", 40000, 53, 50)
packets.within("sctp", 7, 9)
listener = Portmon(yard)
listener.subscribe()


def state():
    return pm.do("info-get")["generation"], pm.ports(), pm.buckets()


def refused(client, op, mode, data, code, sentence, attr=None, missing=None, flags=None):
    what = f"{op} {mode} {data.hex()}"
    try:
        client.request(op, data, FLAGS[mode] if flags is None else flags)
    except NlError as error:
        check(error.errno == getattr(errno, code), f"{what}: got {error}, wanted {code}")
        check(error.sentence is None if sentence is None else error.sentence and re.search(sentence, error.sentence),
              f"{what}: got the sentence {error.sentence!r}, wanted {sentence!r}")
        # Linux before 6.13 does not pass on the attribute from within a dump; to info-get all are equally wrong.
        blameless = op == "info-get" or mode == "dump" and "port-max" in (sentence or "")
        check(error.attr == attr or error.attr is None and blameless, f"{what}: points at {error.attr}, wanted {attr}")
        check(error.missing == missing, f"{what}: misses {error.missing}, wanted {missing}")
    else:
        raise AssertionError(f"{what}: let through, wanted {code}")


def harmless(function):
    "A refused request changes nothing and sends no event."
    def inner():
        before = state()
        function()
        equal(state(), before, "generation, ports and buckets")
        try:
            listener.sock.setblocking(False)
            raise AssertionError(f"notified: {listener.events()}")
        except BlockingIOError:
            pass
    inner.__doc__ = function.__doc__
    return inner


@case()
@harmless
def foreign():
    "every attribute that an operation does not accept is refused"
    for op, mode, attr_set, takes in REQUESTS:
        for name in [n for n in SETS[attr_set] if n not in takes] + [0, 60, 0x3fff]:
            sentence = "^(Unknown attribute type|Unsupported attribute|Attribute failed policy validation|info-get takes no attributes)$"
            bad = attr(attr_set, name, b"\0" if isinstance(name, int) else None)
            refused(pm, op, mode, bad, "EINVAL", sentence, name)
            for good in takes[:1]:      # also after one that is good
                refused(pm, op, mode, attr(attr_set, good) + bad, "EINVAL", sentence, name)


@case()
@harmless
def lengths():
    "an attribute that is too short or too long is refused"
    for op, mode, attr_set, takes in REQUESTS:
        for name in takes:
            size = SIZE[SETS[attr_set][name]["type"]]
            for wrong in {max(size - 1, 0), size + 1, size + 4, 64} - {size}:
                if size:
                    refused(pm, op, mode, attr(attr_set, name, b"\0" * wrong), "EINVAL", "^invalid attribute length$", name)
                else:
                    refused(pm, op, mode, attr(attr_set, name, b"\0" * wrong), "ERANGE", "^Attribute failed policy validation$", name)


@case()
@harmless
def ranges():
    "a number that its enum does not have is refused"
    for op, mode, attr_set, takes in REQUESTS:
        for name in takes:
            known = SETS[attr_set][name]
            end = ENUMS[known["enum"]] if "enum" in known else known.get("checks", {}).get("max", 255) + 1
            for wrong in {end, 255} - {256} if known["type"] == "u8" else ():
                refused(pm, op, mode, attr(attr_set, name, bytes([wrong])), "ERANGE", "^integer out of range$", name)


@case()
@harmless
def nested():
    "an attribute that says it is nested is refused"
    for op, mode, attr_set, takes in REQUESTS:
        for name in takes:
            refused(pm, op, mode, attr(attr_set, name, None, NESTED), "EINVAL", "^NLA_F_NESTED not expected$", name)


@case()
@harmless
def junk():
    "bytes after the attributes, and an attribute longer than the message or shorter than itself, are refused"
    for op, mode, attr_set, takes in REQUESTS:
        good = b"".join(attr(attr_set, name) for name in takes)
        for tail in b"\0", b"\1\2\3", struct.pack("=HH", 64, 1), struct.pack("=HH", 3, 1), struct.pack("=HH", 0, 0):
            refused(pm, op, mode, good + tail, "EINVAL",
                    "^bytes leftover after parsing attributes$" if takes else "leftover|^info-get takes no attributes$")


@case()
@harmless
def headers():
    "a dump of an operation without one, the reverse, an unknown command, a notification as a request, odd headers"
    modes = {}
    for op, mode, *_ in REQUESTS:
        modes.setdefault(op, []).append(mode)
    for op, mode in itertools.product(modes, FLAGS):
        if mode not in modes[op]:
            # Refused by generic netlink, which has no sentence for it.
            refused(pm, op, mode, b"", "EOPNOTSUPP", None)
    for command, mode in itertools.product((0, max(UAPI["cmd"].values()) + 1, 255, "netns-ntf", "reset-ntf", "event-ntf"), FLAGS):
        refused(pm, command, mode, b"", "EOPNOTSUPP", None)
    for op, flags in itertools.product(("port-get", "reset"), (ROOT, MATCH, 0x400, 0x800)):
        refused(pm, op, "do", named(scope="local", transport="udp", port=40000), "EINVAL",
                "reserved bits set in nlmsg_flags", flags=REQUEST | ACK | flags)
    for op, mode, *_ in REQUESTS:
        pm.seq += 1
        for size, reserved, sentence in (20, 1, "genlmsghdr.reserved field is not 0"), (16, 0, None), (18, 0, None):
            message = struct.pack("=IHHIIBBH", size, pm.family, FLAGS[mode], pm.seq, 0, UAPI["cmd"][op], 1, reserved)[:size]
            pm.sock.send(message)
            (kind, flags, _, payload), *more = pm.receive()
            equal((kind, struct.unpack_from("=i", payload)[0], more), (2, -errno.EINVAL, []), f"answer to {message.hex()}")
            check(not sentence or sentence.encode() in payload, f"{op} {mode}: no sentence in {payload}")


@case()
@harmless
def missing():
    "the reply to a request without a required attribute names it"
    refused(pm, "netns-set", "do", b"", "EINVAL", r"^enabled is missing \(1 .* 0 .*\), or lifecycle, or drops", missing="enabled")
    whole = {"scope": "local", "transport": "udp", "port": 40000}
    for op in "port-get", "reset":
        for given in itertools.chain.from_iterable(itertools.combinations(whole, n) for n in range(3)):
            first = next(name for name in whole if name not in given)
            refused(pm, op, "do", named(**{name: whole[name] for name in given}), "EINVAL",
                    "^scope, transport and port are needed", missing=first)


@case()
@harmless
def spans():
    "a span of ports without its beginning, or with its end first, is refused"
    for op, others in itertools.product(("port-get", "reset"), ({}, {"scope": "local"}, {"range": "dynamic", "non_zero": True})):
        refused(pm, op, "dump", named(port_max=10, **others), "EINVAL", "^port-max is the end of a span .* port.* missing", "port-max")
        refused(pm, op, "dump", named(port=11, port_max=10, **others), "EINVAL", "^port-max is below port", "port-max")
        refused(pm, op, "dump", named(port=65535, port_max=0, **others), "EINVAL", "^port-max is below port", "port-max")


@case()
@harmless
def unknown():
    "a port that has not been seen is said to be so"
    for op in "port-get", "reset":
        for key in {"transport": "udp", "port": 40001}, {"transport": "dccp", "port": 40000}, {"transport": "udp", "port": 53}:
            refused(pm, op, "do", named(scope="local", **key), "ENOENT", "^no packet of this port has been seen$")


@case()
@harmless
def already():
    "switching on what is on is refused"
    refused(pm, "netns-set", "do", attr("info", "enabled", b"\1"), "EALREADY", "^counting is on already in this network namespace$")


@case()
def off():
    "in a namespace that is off everything but info-get is refused, and no reset is reported"
    netns = Netns()
    client, watcher = Portmon(netns), Portmon(netns)
    watcher.subscribe()
    equal(client.do("info-get")["enabled"], 0, "enabled")
    for op, mode, attr_set, takes in REQUESTS:
        if op not in ("info-get", "netns-set"):
            data = named(scope="local", transport="udp", port=1) if mode == "do" else b""
            refused(client, op, mode, data, "ENETDOWN", "^counting is off in this network namespace$")
    refused(client, "netns-set", "do", attr("info", "enabled", b"\0"), "EALREADY",
            "^counting is off already in this network namespace$")
    watcher.sock.setblocking(False)
    try:
        raise AssertionError(f"notified: {watcher.events()}")
    except BlockingIOError:
        pass


run()
