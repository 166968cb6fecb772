#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The JSON of portmon-ctl matches Documentation/portmon-ctl.schema.json, without undocumented keys."""
import contextlib
import copy
import errno
import json
import os
import re
import select
import socket
import subprocess

import jsonschema

from lib.ctl import ctl
from lib.ktap import HERE, PATIENCE, case, check, equal, run, wait_until
from lib.module import parameter
from lib.netns import Netns
from lib.packets import Packets
from lib.process import sh

NAME = "portmon-ctl.schema.json"
with open(next(p for p in (f"{HERE}/{NAME}", f"{HERE}/../Documentation/{NAME}") if os.path.exists(p))) as schema_file:
    SCHEMA = json.load(schema_file)


def strict(node):
    "The same without keys that it does not name."
    if isinstance(node, list):
        return [strict(part) for part in node]
    if not isinstance(node, dict):
        return node
    node = {key: strict(part) for key, part in node.items()}
    if node.get("type") == "object" and "anyOf" not in node:
        node.setdefault("additionalProperties", False)
    return node


VALIDATOR = jsonschema.Draft202012Validator(strict(SCHEMA))

yard = Netns(on=True)
yard.ip("link set lo up")
packets = Packets(yard)
for n in range(40):
    packets.out("tcp", 40000 + n, 80, n)
    packets.out("udp", 53, 60000 + n, 1)
packets.within("sctp", 2905, 2906, 3)
packets.through("dccp", 5, 6, 2)


held = set()        # the commands whose documents were looked at


def holds(document, kind, what):
    held.add(what.split()[0])
    part = {**VALIDATOR.schema, "$ref": f"#/$defs/{kind}"}
    del part["anyOf"]
    errors = sorted(jsonschema.Draft202012Validator(part).iter_errors(document), key=str)
    check(not errors, f"{what}: {[f'{list(e.absolute_path)}: {e.message[:300]}' for e in errors[:3]]}")


@case()
def itself():
    "the schema is one, and refuses what is not a document"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    good = ctl("stats", "--port", "80", netns=yard)
    holds(good, "stats", "stats")
    check(VALIDATOR.is_valid(good), "stats is none of the documents")
    for break_it in (lambda d: d.pop("portmon"), lambda d: d["portmon"].update(schema=1), lambda d: d["ports"][0].pop("rx"),
                     lambda d: d["ports"][0].update(port=65536), lambda d: d["ports"][0].update(scope="here"),
                     lambda d: d["ports"][0].update(last_seen="now"), lambda d: d["ports"][0]["rx"].update(bytes=-1),
                     lambda d: d["ports"][0].update(port=None), lambda d: d["ports"][0].update(new_key=1),
                     lambda d: d["portmon"].update(new_key=1), lambda d: d.update(new_key=1)):
        bad = copy.deepcopy(good)
        break_it(bad)
        check(not VALIDATOR.is_valid(bad), f"{break_it.__code__.co_consts} is not refused")


@case()
def documents():
    "every document"
    for kind, *arguments in (
            ("stats", "stats"), ("stats", "stats", "--all"), ("stats", "stats", "--numeric"), ("show", "show", "80", "53"),
            ("ranges", "ranges"), ("buckets", "buckets"), ("info", "info"), ("explain", "explain", "443"),
            ("explain", "explain", "dns"), ("explain", "explain", "50000"), ("services", "services", "--all"),
            ("namespaces", "stats", "-A"), ("namespaces", "info", "-A"), ("namespaces", "ranges", "-A"),
            ("namespaces", "buckets", "-A"), ("namespaces", "show", "-A", "80"),
            ("top", "top", "-b", "-c", "1", "-d", "0.1"), ("top", "top", "-b", "-c", "1", "-d", "0.1", "--all"),
            ("coverage", "coverage", "-i", "0.1"), ("check", "check", "--all-time")):
        # What it finds in this yard is not at stake.
        holds(ctl(*arguments, netns=yard, fails=kind == "check"), kind, " ".join(arguments))
    busy = Netns(on=True)
    busy.ip("link set lo up")
    server = busy.socket("ipv4", socket.SOCK_STREAM, bind=("127.0.0.1", 8081))
    server.listen()
    caller = busy.socket("ipv4", socket.SOCK_STREAM)
    caller.connect(("127.0.0.1", 8081))
    sock = busy.socket("ipv4", socket.SOCK_DGRAM, bind=("127.0.0.1", 8081))
    sock.connect(("127.0.0.1", 9))
    document = ctl("show", "8081", "--processes", netns=busy)
    equal([(p["transport"], p["rx_bytes"]) for p in document["peers"]], [("tcp", 0), ("udp", None)], "peers")
    holds(document, "show", "show with peers")
    holds(ctl("stats", netns=Netns(on=True)), "stats", "stats of an empty namespace")
    parameter("max_records", 0)
    narrow = Netns(on=True)
    Packets(narrow).out("tcp", 1, 2, 3)
    document = ctl("stats", netns=narrow)
    check(document["overflow"], "no overflow")
    holds(document, "stats", "stats with overflow")
    holds(ctl("top", "-b", "-c", "1", "-d", "0.1", netns=narrow), "top", "top with overflow")
    holds(ctl("reset", netns=narrow), "stats", "reset")


@case()
def spans():
    "stats --delta and stats --interval: documents with a span, one a line"
    holds(ctl("stats", "--delta", netns=yard), "stats", "stats --delta")
    with open("/var/lib/portmon/broken@1", "w"):
        pass
    document = ctl("snapshots")
    equal([s["name"] for s in document["snapshots"]], ["broken", "default"], "names of snapshots")
    holds(document, "snapshots", "snapshots")
    lines = yard.run("portmon-ctl", "stats", "--json", "-i", "0.1", "-c", "3").splitlines()
    equal(len(lines), 3, "lines")
    for line in lines:
        document = json.loads(line)
        check(0 < document["portmon"]["span"]["ms"] < 20000, f"span {document['portmon']['span']}")
        holds(document, "stats", "stats --interval")


def refused(netns, first, last):
    "Datagrams to closed ports; on loopback the error shows that they were received."
    with netns.enter():
        for port in range(first, last):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.connect(("127.0.0.1", port))
                sock.send(b"x")
                with contextlib.suppress(ConnectionRefusedError):
                    sock.settimeout(20 * PATIENCE)
                    sock.recv(1)


@case()
def dropped():
    "drops and closed: folded and not, of many namespaces, and without a record"
    netns = Netns(on=True)
    netns.ip("link set lo up")
    refused(netns, 60, 63)
    low = int(sh("cat", "/proc/sys/net/ipv4/ip_local_port_range").split()[0])
    refused(netns, low, low + 3)
    for command, key in ("drops", "drops_list"), ("closed", "closed_list"):
        folded, every = ctl(command, netns=netns), ctl(command, "--all", "--numeric", netns=netns)
        holds(folded, key, command)
        holds(every, key, f"{command} --all")
        check(any("folded" in line for line in folded[command]), f"{command} folds nothing: {folded[command]}")
        check({60, 61, 62, low} <= {line["port"] for line in every[command]}, f"{command} --all has {every[command]}")
        holds(ctl(command, "-A", netns=netns), "namespaces", f"{command} -A")
    parameter("max_records", 0)
    narrow = Netns(on=True)
    narrow.ip("link set lo up")
    refused(narrow, 60, 61)
    document = ctl("drops", netns=narrow)
    check([line["port"] for line in document["drops"]] == [None], f"drops in no overflow: {document['drops']}")
    holds(document, "drops_list", "drops of the overflow")


@case()
def events():
    "monitor: every kind of event, one object a line"
    netns = Netns(on=True)
    netns.ip("link set lo up")
    process = netns.popen("portmon-ctl", "monitor", "--json", stdout=subprocess.PIPE)
    kinds = {}
    def listening():
        "Its report of a reset shows that it is subscribed."
        netns.portmon.reset()
        return select.select([process.stdout], [], [], 0.05)[0]
    wait_until(listening, what="monitor listening")

    def prints_events(*wanted):
        while not set(wanted) <= kinds.keys():
            event = json.loads(process.stdout.readline())
            kinds.setdefault(event["event"], event)
            holds(event, "event", f"monitor {event['event']}")
    refused(netns, 60, 61)
    with netns.enter():
        for _ in range(12):
            with socket.socket() as sock:
                equal(sock.connect_ex(("127.0.0.1", 99)), errno.ECONNREFUSED, "connecting")
    # Pending reports of the worker are discarded once counting is off.
    prints_events("reset", "drop", "handshake-failures")
    netns.portmon.do("netns-set", enabled=0)
    prints_events("switched")
    for kind, key in ("drop", "reason"), ("handshake-failures", "failed"), ("switched", "enabled"), ("reset", "time"):
        bad = dict(kinds[kind])
        del bad[key]
        check(not VALIDATOR.is_valid(bad), f"{kind} without {key} is not refused")


@case()
def complete():
    "no command that takes --json is left out (after all cases before)"
    listed = re.findall(r"^  ([a-z]+)  ", sh("portmon-ctl", "help").split("Options")[0], re.M)
    equal(held, {command for command in listed if "--json" in sh("portmon-ctl", "help", command)}, "commands with JSON")


@case()
def jq():
    "jq reads what is in it"
    def ask(program, *arguments):
        text = yard.run("portmon-ctl", *arguments, "--json")
        return json.loads(sh("jq", "-c", program, input=text))
    wanted = {key: v for key, v in packets.sent.items() if any(v)}
    equal(ask("[.ports[]|.rx.packets+.tx.packets]|add", "stats", "--all"), sum(c.rx + c.tx for c in wanted.values()), "packets")
    equal(sorted(ask("[.ports[]|select(.scope==\"remote\" and .transport==\"tcp\")|.port]", "stats", "--all")),
          sorted(key[2] for key in wanted if key[:2] == ("remote", "tcp")), "remote TCP ports")
    equal(ask(".portmon.schema", "info"), 2, "schema")
    equal(ask("[.top[]|.interval.rx.packets+.interval.tx.packets]|add", "top", "-b", "-c", "1", "-d", "0.1"), 0, "sum of the interval")
    equal(ask("[.coverage.hooks[].hook]", "coverage", "-i", "0.1"), ["local-in", "local-out", "forward"], "hooks")
    equal(ask(".drops|type", "drops"), "array", "drops")
    equal(ask("[.namespaces[]|select(.portmon.netns==\"%s\")|.portmon.enabled]" % yard.name, "stats", "-A"), [True], "namespaces")


run()
