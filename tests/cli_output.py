#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What portmon-ctl prints is what the kernel counted: JSON by its documented keys, names, filters, order, folding."""
import datetime
import json
import re
import time

from lib.ctl import ctl, run_ctl
from lib.ktap import case, check, equal, run
from lib.module import MODULE, parameter
from lib.netns import Netns
from lib.nlclient import Counts, UAPI
from lib.packets import Packets
from lib.process import sh

# The article's ports: the name to ask for, and the range.
SERVICES = {21: "ftp", 22: "ssh", 23: "telnet", 25: "smtp", 53: "dns", 80: "http", 110: "pop3", 137: "netbios-ns",
            138: "netbios-dgm", 139: "netbios-ssn", 143: "imap", 427: "slp", 443: "https", 445: "smb", 548: "afp", 3389: "rdp"}
# IANA's names of those that people call otherwise.
IANA = {53: "domain", 427: "svrloc", 445: "microsoft-ds", 548: "afpovertcp", 3389: "ms-wbt-server"}
UDP = {53, 137, 138, 427, 443, 3389}
SPAN = {"well-known": (0, 1023), "registered": (1024, 49151), "dynamic": (49152, 65535)}

yard = Netns(on=True)
yard.sysctl("net.ipv4.ip_local_port_range", "40000 50000")
packets = Packets(yard)
for n, port in enumerate(SERVICES, 1):
    packets.out("tcp", 40000 + n, port, n)
    packets.out("udp", port, 40100 + n, n)
for port in 1023, 1024, 8080, 49151, 49152, 65535:
    packets.within("udplite", port, port)
packets.through("sctp", 2905, 2905, 4)
packets.out("dccp", 60001, 9)
packets.out("dccp", 60002, 9)


def range_of(port):
    return next(name for name, (low, high) in SPAN.items() if low <= port <= high)


def counts(row):
    return Counts(row["rx"]["packets"], row["rx"]["bytes"], row["tx"]["packets"], row["tx"]["bytes"])


def keyed(rows):
    found = {(row["scope"], row["transport"], row["port"]): counts(row) for row in rows}
    equal(len(found), len(rows), "rows")
    return found


def when(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    check(moment.tzinfo, f"{text} has no time zone")
    check(0 <= time.time() - moment.timestamp() < 600, f"{text} is not now")
    return moment


def head(document, *keys, netns=yard.name):
    "The head that all documents have, and what follows it."
    equal(list(document), ["portmon", *keys], "keys of the document")
    with open(f"{MODULE}/version") as file:
        version = file.read().strip()
    known = {key: document["portmon"][key] for key in ("schema", "module", "netns")}
    equal(known, {"schema": 2, "module": version, "netns": netns}, "head")
    when(document["portmon"]["since"])
    return document[keys[0]]


def exact(row, *keys):
    # Keys may be added: those of TCP's handshakes and losses, and of drops.
    equal(set(row) - {"tcp", "drops"}, set(keys), f"keys of {row}")


PORT_KEYS = "scope", "transport", "port", "range", "service", "iana", "rx", "tx", "first_seen", "last_seen"


@case()
def stats():
    "stats --json --all is every record, by the documented keys"
    document = ctl("stats", "--all", netns=yard)
    rows = head(document, "ports", "overflow", "other")
    equal(keyed(rows), packets.sent, "ports")
    for row in rows:
        exact(row, *PORT_KEYS, "ephemeral")
        equal((row["range"], row["ephemeral"]), (range_of(row["port"]), 40000 <= row["port"] <= 50000), f"{row}")
        check(when(row["first_seen"]) <= when(row["last_seen"]), f"first and last seen in {row}")
    equal(document["overflow"], [], "overflow")
    for row in document["other"]:
        check(set(row) - {"protocol", "fragments"} == {"hook", "family", "bucket", "packets", "bytes"}, f"keys of {row}")
    ipv4 = {(row["hook"], row["bucket"]): row["packets"] for row in document["other"] if row["family"] == "ipv4"}
    total = 2 * sum(range(17)) + 2
    equal(ipv4, {("local-out", "ports"): total, ("local-out", "loopback"): 6, ("local-in", "ports"): 6,
                 ("forward", "ports"): 4}, "buckets")


@case()
def overflow():
    "stats --json shows overflow, the table warns of it"
    netns = Netns(on=True)
    parameter("max_records", 0)
    some = Packets(netns)
    some.out("tcp", 60000, 80, 3)
    document = ctl("stats", netns=netns)
    equal(head(document, "ports", "overflow", "other", netns=netns.name), [], "ports")
    for row in document["overflow"]:
        exact(row, "scope", "transport", "range", "rx", "tx")
    equal({(r["scope"], r["transport"], r["range"]): counts(r) for r in document["overflow"]},
          {("local", "tcp", "dynamic"): Counts(0, 0, 3, 84), ("remote", "tcp", "well-known"): Counts(0, 0, 3, 84)}, "overflow")
    status, _, err = run_ctl("stats", netns=netns)
    equal(status, 0, "status")
    check(re.search("warning: 6 packets .*max_records", err), f"stderr {err!r}")


@case()
def names():
    "the sixteen services have their names, IANA's too, and ranges, and are found by either"
    rows = {(r["scope"], r["transport"], r["port"]): r for r in ctl("stats", "--all", netns=yard)["ports"]}
    for port, name in SERVICES.items():
        iana = IANA.get(port, name)
        for called in {name, iana, iana.upper()}:
            entries = ctl("explain", called, netns=yard)["explain"]
            equal([entry["port"] for entry in entries if entry["port"] == port], [port], f"ports of {called}")
        services = [s for entry in ctl("explain", str(port), netns=yard)["explain"] for s in entry["services"]]
        full = [s for s in services if s["name"] and s["for"]]
        check(full, f"no text for {port}: {services}")
        equal({(s["service"], s["iana"]) for s in full}, {(name, iana)}, f"names of {port}")
        row = rows["local" if port in UDP else "remote", "udp" if port in UDP else "tcp", port]
        equal((row["service"], row["iana"], row["range"]), (name, iana, range_of(port)), f"names and range of {port}")
        wanted = {key: v for key, v in packets.sent.items() if key[2] == port and
                  any(key[1] in s["transports"] for s in services if s["service"] == name)}
        for called in name, iana:
            shown = ctl("show", called, netns=yard)
            equal({key: v for key, v in keyed(head(shown, "ports")).items() if key[2] == port}, wanted, f"show {called}")
    has = sh("portmon-ctl", "services", "microsoft-ds")
    check(re.search(r"445 tcp,udp +smb +SMB file sharing", has), f"services microsoft-ds: {has}")
    equal(yard.run("portmon-ctl", "stats", "--csv", "-o", "SERVICE,IANA", "--port", "427", "--scope", "local").split(),
          ["service,iana", "slp,svrloc"], "column IANA")
    check("encrypt" in json.dumps(ctl("explain", "telnet")), "TELNET's lack of encryption is not reported")
    check("no service is known for port 443 over sctp; add it" in sh("portmon-ctl", "explain", "443/sctp"), "explain 443/sctp")
    equal({(row["service"], row["iana"]) for row in ctl("stats", "--numeric", "--all", netns=yard)["ports"]}, {(None, None)},
          "services with --numeric")


@case()
def filters():
    "--scope, --transport, --port and --range keep what they say"
    for arguments, holds in (
            *((["--scope", s], lambda k, s=s: k[0] == s) for s in UAPI["scope"]),
            *((["--transport", t], lambda k, t=t: k[1] == t) for t in UAPI["transport"]),
            *((["--range", r], lambda k, r=r: range_of(k[2]) == r) for r in SPAN),
            (["--port", "443"], lambda k: k[2] == 443), (["--port", "1023-1024"], lambda k: 1023 <= k[2] <= 1024),
            (["--port", "0-65535"], lambda k: True), (["--port", "1"], lambda k: False),
            (["--scope", "remote", "--transport", "tcp", "--port", "50-600", "--range", "well-known"],
             lambda k: k[:2] == ("remote", "tcp") and 50 <= k[2] <= 600)):
        wanted = {key: v for key, v in packets.sent.items() if holds(key)}
        equal(keyed(ctl("stats", "--all", *arguments, netns=yard)["ports"]), wanted, f"stats {arguments}")
    wanted = {key: v for key, v in packets.sent.items() if key[2] == 443}
    equal(keyed(head(ctl("show", "443", netns=yard), "ports")), wanted, "show 443")
    equal(keyed(ctl("show", "443/udp", "--scope", "local", netns=yard)["ports"]),
          {key: v for key, v in wanted.items() if key[:2] == ("local", "udp")}, "show 443/udp")
    equal(keyed(ctl("show", "443", "22", netns=yard)["ports"]),
          {key: v for key, v in packets.sent.items() if key[2] in (22, 443)}, "show 443 22")


@case()
def order():
    "--sort and --reverse"
    rows = {"bytes": lambda r: -r["rx"]["bytes"] - r["tx"]["bytes"], "packets": lambda r: -r["rx"]["packets"] - r["tx"]["packets"],
            "rx": lambda r: -r["rx"]["bytes"], "tx": lambda r: -r["tx"]["bytes"], "tx-packets": lambda r: -r["tx"]["packets"],
            "port": lambda r: r["port"], "scope": lambda r: list(UAPI["scope"]).index(r["scope"]),
            "transport": lambda r: list(UAPI["transport"]).index(r["transport"]),
            "service": lambda r: (r["service"] is None, r["service"] or "")}
    for field, key in rows.items():
        got = [key(row) for row in ctl("stats", "--all", "--sort", field, netns=yard)["ports"]]
        equal(got, sorted(got), f"order by {field}")
        got = [key(row) for row in ctl("stats", "--all", "--sort", field, "--reverse", netns=yard)["ports"]]
        equal(got, sorted(got, reverse=True), f"reverse order by {field}")
    # The table shows the busiest first; its numbers are no interface, its first column's port is looked for.
    first = max(packets.sent.items(), key=lambda item: item[1].rx_bytes + item[1].tx_bytes)[0]
    lines = yard.run("portmon-ctl", "stats", "--all", "--exact").splitlines()
    check(str(first[2]) in lines[1], f"{first} is not in {lines[1]!r}")
    check("\33" not in "".join(lines), "escape codes in a pipe")


@case()
def folding():
    "ports that hosts pick for themselves are one row per scope and transport, nothing gets lost in it"
    everything, folded = (ctl("stats", *more, netns=yard)["ports"] for more in (["--all"], []))
    nameless = [r for r in everything if not r["service"] and (r["ephemeral"] or r["range"] == "dynamic")]
    groups = {}
    for row in nameless:
        groups.setdefault((row["scope"], row["transport"]), []).append(row)
    many = {key: rows for key, rows in groups.items() if len(rows) > 1}
    check(len(many) >= 3, f"only {list(many)} to fold")
    got = {(row["scope"], row["transport"]): row for row in folded if row["port"] is None}
    for row in got.values():
        exact(row, *PORT_KEYS, "folded")
    equal({key: (row["folded"], counts(row)) for key, row in got.items()},
          {key: (len(rows), sum(map(counts, rows), Counts())) for key, rows in many.items()}, "folded rows")
    equal(keyed([row for row in folded if row["port"] is not None]),
          keyed([row for row in everything if row not in nameless or (row["scope"], row["transport"]) not in many]), "other rows")


@case()
def ranges():
    "ranges --json is the sums"
    wanted = {}
    for (scope, transport, port), c in packets.sent.items():
        n, total = wanted.get((scope, transport, range_of(port)), (0, Counts()))
        wanted[scope, transport, range_of(port)] = n + 1, total + c
    rows = head(ctl("ranges", netns=yard), "ranges")
    for row in rows:
        exact(row, "scope", "transport", "range", "ports", "rx", "tx")
    equal({(r["scope"], r["transport"], r["range"]): (r["ports"], counts(r)) for r in rows}, wanted, "ranges")
    rows = ctl("ranges", "--transport", "tcp", "--range", "well-known", netns=yard)["ranges"]
    equal({(r["scope"], r["transport"], r["range"]) for r in rows}, {("remote", "tcp", "well-known")}, "ranges of a filter")


@case()
def documents():
    "every other command's JSON is one document, --pretty the same in lines"
    equal(head(ctl("buckets", netns=yard), "other"), ctl("stats", netns=yard)["other"], "buckets and stats' other")
    with yard.enter():
        info = json.loads(sh("portmon-ctl", "info", "--json"))
        for arguments in ["stats"], ["ranges"], ["buckets"], ["info"], ["show", "80"], ["explain", "80"], ["services"]:
            plain, pretty = (sh("portmon-ctl", *arguments, flag) for flag in ("--json", "--pretty"))
            equal(plain.count("\n"), 1, f"lines of {arguments} --json")
            check(pretty.count("\n") > 5, f"{arguments} --pretty is not in lines")
            equal(json.loads(plain), json.loads(pretty), f"{arguments} --pretty")
    kernel = yard.portmon.do("info-get")
    equal((info["enabled"], info["generation"], info["records"], info["ephemeral"]),
          (True, kernel["generation"], {"used": kernel["records"], "max": kernel["records-max"]}, {"min": 40000, "max": 50000}),
          "info")
    for document, key in (ctl("explain", "80"), "explain"), (ctl("services"), "services"):
        equal(list(document), ["portmon", key], "keys of the document")
        check(document[key], f"{key} is empty")


@case()
def namespace():
    "--netns NAME is the same as being there, before or after the command"
    inside = ctl("stats", "--all", netns=yard)
    for arguments in ["--netns", yard.name, "stats", "--all"], ["stats", "--all", f"--netns={yard.name}"]:
        equal(ctl(*arguments), inside, f"{arguments}")
    equal(ctl("stats")["portmon"]["netns"], None, "name of the initial namespace")


@case()
def reset():
    "reset --json prints what there was, and leaves the rest; enable and disable do as they say"
    netns = Netns(on=True)
    some = Packets(netns)
    for port in range(20):
        some.out("udp", 5, port, 2)
    wanted = {key: v for key, v in some.sent.items() if key[0] == "remote" and 3 <= key[2] <= 7}
    got = ctl("reset", "--scope", "remote", "--port", "3-7", netns=netns)
    equal(keyed(head(got, "ports", "overflow", "other", netns=netns.name)), wanted, "what a reset printed")
    left = {key: v for key, v in some.sent.items() if key not in wanted}
    equal(keyed(ctl("stats", "--all", netns=netns)["ports"]), left, "what it left")
    everything = ctl("reset", netns=netns)
    equal(keyed(everything["ports"]), left, "what a reset of everything printed")
    equal([(r["hook"], r["bucket"], r["packets"]) for r in everything["other"] if r["family"] == "ipv4"],
          [("local-out", "ports", 40)], "buckets it printed")
    equal((netns.portmon.ports(), netns.portmon.buckets()), ({}, {}), "what is left")
    check(re.search(r"\b0 port records", netns.run("portmon-ctl", "reset")), "reset does not say what it did")
    netns.run("portmon-ctl", "disable")
    equal(ctl("info", netns=netns)["enabled"], False, "enabled after disable")
    netns.run("portmon-ctl", "enable")
    equal(ctl("info", netns=netns)["enabled"], True, "enabled after enable")


run()
