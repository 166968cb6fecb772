#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Columns chosen with -o, --csv, --bars and units: the same numbers in every shape; and where the output cannot go."""
import csv
import io
import os
import re
import socket
import subprocess

from lib.ctl import ctl, own_services, run_ctl
from lib.ktap import case, check, equal, run
from lib.netns import Netns
from lib.packets import Packets
from lib.process import sh

yard = Netns(on=True)
packets = Packets(yard)
for number, port in enumerate((22, 53, 80, 443, 8080), 1):
    packets.out("tcp", 40000 + number, port, number * 10)
packets.out("udp", 123, 50000, 1)
packets.within("sctp", 2905, 2906, 3)
UTF8 = {**os.environ, "LC_ALL": "C.UTF-8"}
ASCII = {**os.environ, "LC_ALL": "C"}


def run_here(*arguments, **options):
    return run_ctl(*arguments, netns=yard, **options)


def table(*arguments, **options):
    status, out, err = run_here(*arguments, **options)
    equal((status, err), (0, ""), f"{arguments}")
    heads, *rows = [line.split() for line in out.splitlines()]
    return heads, rows


def rows_of(*arguments):
    with yard.enter():
        text = subprocess.run(["portmon-ctl", *arguments], stdout=subprocess.PIPE, check=True).stdout.decode()
    check(text.endswith("\n") and "\r" not in text, f"line ends of {arguments}")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


@case()
def chosen():
    "-o LIST, -o +LIST in any case, in the order given; --list-columns lists them all"
    heads, rows = table("stats", "--all", "--exact", "-o", "rx-pkts,PORT,tx-Pkts,scope")
    equal(heads, ["RX-PKTS", "PORT", "TX-PKTS", "SCOPE"], "heads")
    got = {(scope, *port.split("/")[::-1]): (int(rx), int(tx)) for rx, port, tx, scope in rows}
    equal(got, {(s, t, str(p)): (c.rx, c.tx) for (s, t, p), c in packets.sent.items()}, "rows")
    usual, _ = table("stats", "--all")
    equal(table("stats", "--all", "-o", "+total,first-seen")[0], usual + ["TOTAL", "FIRST-SEEN"], "added columns")
    for command in ["stats"], ["show", "80"], ["ranges"], ["buckets"], ["services", "ssh"]:
        status, out, err = run_here(command[0], "--list-columns")
        equal((status, err), (0, ""), f"{command[0]} --list-columns")
        names = [line.split()[0] for line in out.splitlines()]
        check(all(len(line.split()) > 1 for line in out.splitlines()), f"a column without a word about it: {out!r}")
        heads, rows = table(*command, "-o", ",".join(names).lower())
        equal(heads, names, f"all columns of {command}")
        check(rows, f"no rows of {command}")
    for wrong in "", "+", "port,", "nonsense", "+nonsense":
        status, out, err = run_here("stats", "-o", wrong)
        equal((status, out), (2, ""), f"-o {wrong!r}")
        check(re.search("unknown column '.*'; available: .*SCOPE, PORT.*|--output needs LIST", err), f"-o {wrong!r} said {err!r}")


@case()
def values():
    "--csv: RFC 4180, the same columns always, exact numbers that are those of JSON"
    wanted = {(r["scope"], r["transport"], r["port"]): r for r in ctl("stats", "--all", netns=yard)["ports"]}
    found = rows_of("stats", "--csv", "--all")
    heads = list(found[0])
    equal(heads, ["netns", "record", "scope", "transport", "port", "port_max", "ports", "range", "ephemeral", "service", "rx_pkts",
                  "rx_bytes", "tx_pkts", "tx_bytes", "first_seen", "last_seen", "conns", "retrans", "drops", "unans"], "columns")
    equal(len(found), len(wanted), "rows")
    for row in found:
        r = wanted[row["scope"], row["transport"], int(row["port"])]
        equal({key: row[key] for key in heads[:16]},
              {"netns": yard.name, "record": "port", "scope": r["scope"], "transport": r["transport"], "port": str(r["port"]),
               "port_max": str(r["port"]), "ports": "1", "range": r["range"], "ephemeral": "yes" if r["ephemeral"] else "no",
               "service": r["service"] or "", "rx_pkts": str(r["rx"]["packets"]), "rx_bytes": str(r["rx"]["bytes"]),
               "tx_pkts": str(r["tx"]["packets"]), "tx_bytes": str(r["tx"]["bytes"]), "first_seen": r["first_seen"],
               "last_seen": r["last_seen"]}, "row")
    for more in ["--iec"], ["--bits"], ["--details"], ["--numeric"], ["--port", "1"]:
        with yard.enter():
            line = sh("portmon-ctl", "stats", "--csv", *more).splitlines()[0]
        equal(line.split(","), heads, f"columns with {more}")
    folded = [row for row in rows_of("stats", "--csv") if row["record"] == "folded"]
    equal([(row["scope"], row["transport"], row["port"], row["port_max"], row["ports"]) for row in folded],
          [("local", "tcp", "40001", "40005", "5")], "folded")
    sums = {(r["scope"], r["transport"], r["range"]): str(r["rx"]["bytes"]) for r in ctl("ranges", netns=yard)["ranges"]}
    equal({(row["scope"], row["transport"], row["range"]): row["rx_bytes"] for row in rows_of("ranges", "--csv")}, sums, "ranges")
    other = {(r["hook"], r["family"], r["bucket"]): str(r["packets"]) for r in ctl("buckets", netns=yard)["other"]}
    equal({(row["hook"], row["family"], row["bucket"]): row["packets"] for row in rows_of("buckets", "--csv")}, other, "buckets")


def at(row, key):
    "What JSON has at a key, as CSV has it; None where the key is missing."
    for part in key.split("."):
        if not isinstance(row, dict) or part not in row:
            return None
        row = row[part]
    if isinstance(row, bool):
        return "yes" if row else "no"
    if isinstance(row, dict):
        row = sum(row.values())
    return "" if row is None else ",".join(row) if isinstance(row, list) else str(row)


@case()
def keys():
    "each cell of CSV is what JSON has at the key that --list-columns --csv names"
    netns = Netns(on=True)
    # A device of IPv6 would send by itself, and count between the two calls.
    netns.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
    netns.ip("link set lo up", "link add one type veth peer name two", "link set one up", "link set two up")
    for port in 60, 61:
        with netns.enter(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", port))
            sock.send(b"x")
    for where, array, *command in ((yard, "ports", "stats", "--all"), (yard, "ports", "show", "80", "443"), (yard, "ranges", "ranges"),
                                   (yard, "other", "buckets"), (netns, "drops", "drops"), (netns, "closed", "closed"),
                                   (yard, "services", "services"), (netns, "interfaces", "coverage", "-i", "0.1")):
        listed = list(csv.DictReader(io.StringIO(where.run("portmon-ctl", command[0], "--list-columns", "--csv"))))
        wanted = {row["csv"]: row["json"] for row in listed if row["json"] and row["column"] not in ("OPEN", "OWNER")}
        check(len(wanted) > 4, f"keys of {command}: {wanted}")
        text = where.run("portmon-ctl", *command, "--csv", "-o", ",".join(row["column"] for row in listed if row["column"] not in ("OPEN", "OWNER")))
        found = [row for row in csv.DictReader(io.StringIO(text)) if row.get("record", "") not in ("interfaces", "ip", "hook", "portmon")]
        document = ctl(*command, netns=where)
        document = document.get("coverage", document)
        rows = [row for row in document[array] if row.get("ports", 1)]
        check(rows, f"no rows of {command}")
        equal(len(found), len(rows), f"rows of {command}")
        for cells, row in zip(found, rows):
            # PORTS is 1 in a line that is not folded, and JSON then has no key.
            equal({name: cells[name] for name in wanted if name != "ports" or at(row, wanted[name]) is not None},
                  {name: at(row, key) or "" for name, key in wanted.items() if name != "ports" or at(row, key) is not None},
                  f"{command}: cells and {row}")


@case()
def sorted_tables():
    "--sort orders lines in tables, CSV and JSON alike; sums and the lines of coverage that are no interface stay last"
    for sort, key in ("packets", "packets"), ("bytes", "bytes"):
        amounts = [row[key] for row in ctl("buckets", "--sort", sort, netns=yard)["other"]]
        equal(amounts, sorted(amounts, reverse=True), f"buckets --sort {sort} --json")
        equal([int(row[key]) for row in rows_of("buckets", "--csv", "--sort", sort)], amounts, f"buckets --sort {sort} --csv")
    _, rows = table("buckets", "--sort", "packets", "--exact")
    sums = [row for row in rows if "=" in row]
    check(sums and rows[-len(sums):] == sums, f"the sums are not last: {rows}")
    amounts = [int(row[-2]) for row in rows[:-len(sums)]]
    equal(amounts, sorted(amounts, reverse=True), "buckets --sort packets")
    ports = [row["port"] for row in ctl("services", "--sort", "port", "--reverse", netns=yard)["services"]]
    equal(ports, sorted(ports, reverse=True), "services --sort port --reverse")
    equal([int(row["port"]) for row in rows_of("services", "--csv", "--sort", "port", "--reverse")], ports, "the same as CSV")
    kinds = [row["record"] for row in rows_of("coverage", "-i", "0.1", "--csv", "--sort", "rx")]
    equal(kinds[-6:], ["interfaces", "ip", "hook", "hook", "hook", "portmon"], "the last lines of coverage")


@case()
def quoted():
    "--csv quotes what needs it: a service of the user's own"
    config = own_services('a,"b 443/tcp\n')
    with yard.enter():
        text = sh("portmon-ctl", "show", "443", "--csv", "-o", "port,service", env={**os.environ, **config})
    equal(list(csv.reader(io.StringIO(text))), [["port", "service"], ["443", 'a,"b']], "rows")
    check('443,"a,""b"' in text, f"printed {text!r}")
    config = own_services("=1+1 443/tcp\n")
    with yard.enter():
        text = sh("portmon-ctl", "show", "443", "--csv", "-o", "port,service", env={**os.environ, **config})
    equal(text.splitlines()[1], '443,"\'=1+1"', "what a spreadsheet would take for a formula")
    _, lines, _ = run_here("show", "443", "--csv", "--no-header", "-o", "port,rx-pkts")
    equal(lines.splitlines(), run_here("show", "443", "--csv", "-o", "port,rx-pkts")[1].splitlines()[1:], "--no-header")


@case()
def bars():
    "--bars: as long as what is sorted by, in blocks or, without UTF-8, in ASCII; within 80 columns"
    for env, full in (UTF8, "█"), (ASCII, "#"):
        for sort in "bytes", "packets", "tx-packets":
            status, out, err = run_here("stats", "--all", "--bars", "--exact", "--sort", sort, env=env)
            equal((status, err), (0, ""), "status")
            heads, *lines = out.splitlines()
            check(max(map(len, out.splitlines())) <= 80, f"wider than 80: {out}")
            equal(heads.split()[-2:], ["SHARE", "BAR"], "heads")
            drawn = []
            for line in lines:
                words = line.split()
                bar = words[-1] if set(words[-1]) <= set("#▏▎▍▌▋▊▉█") else ""
                drawn.append((int(words[3]), len(bar)))
            equal(drawn[0], max(drawn), f"the longest of {drawn}")
            largest, width = drawn[0]
            check(width >= 20, f"a bar of {width}")
            for amount, length in drawn:
                check(abs(length - amount / largest * width) <= 1, f"{amount} of {largest} has {length} of {width}")
                check(length or not amount, f"{amount} has no bar")
            check(full * 5 in out, f"no {full} in {out}")
    status, out, err = run_here("ranges", "--bars", env=ASCII)
    check(status == 0 and "####" in out and out.isascii(), f"ranges: {out!r}, said {err!r}")


@case()
def units():
    "--bits, --iec, --si, --exact: the same numbers"
    total = 8 * 50 * 28
    for arguments, wanted in ((["--exact"], "1400"), (["--exact", "--bits"], str(total)), (["--si"], "1.40k"), (["--iec"], "1.37Ki"),
                              (["--bits"], "11.2k"), (["--bits", "--iec"], "10.9Ki")):
        heads, rows = table("stats", "--port", "8080", "--scope", "remote", *arguments)
        name = "TX-BITS" if "--bits" in arguments else "TX-BYTES"
        equal(rows[0][heads.index(name)], wanted, f"{arguments}")
        equal(rows[0][heads.index("TX-PKTS")], "50", f"packets with {arguments}")
    equal(ctl("stats", "--bits", netns=yard)["ports"], ctl("stats", netns=yard)["ports"], "JSON with --bits")


@case()
def sockets():
    "-o BACKLOG,OPEN,HALF-OPEN: of a listener that accepts nothing; in CSV the limit is a column of its own"
    netns = Netns(on=True)
    netns.ip("link set lo up")
    server = netns.socket("ipv4", socket.SOCK_STREAM, bind=("127.0.0.1", 8080))
    server.listen(7)
    for _ in range(3):
        netns.socket("ipv4", socket.SOCK_STREAM).connect(("127.0.0.1", 8080))
    names = "PORT,BACKLOG,BACKLOG-MAX,OPEN,HALF-OPEN,RTT"
    status, out, err = run_ctl("stats", "--port", "8080", "-o", names, netns=netns)
    equal((status, err, [line.split() for line in out.splitlines()]),
          (0, "", [names.split(","), ["8080/tcp", "3/7", "7", "3", "0", "-"]]), "table")
    status, out, err = run_ctl("stats", "--port", "8080", "--csv", "-o", names, netns=netns)
    equal((status, err, out), (0, "", "port,backlog,backlog_max,open,half_open,rtt\n8080,3,7,3,0,\n"), "CSV")


@case()
def together():
    "what does not go together is refused"
    for arguments in (["--json", "--csv"], ["--json", "--bars"], ["--json", "-o", "port"], ["--csv", "--bars"],
                      ["--bars", "--details"]):
        status, out, err = run_here("stats", *arguments)
        equal((status, out), (2, ""), f"{arguments}")
        check("cannot be combined" in err, f"{arguments} said {err!r}")


@case()
def nowhere():
    "every shape: what cannot be written is a failure, a reader that has gone is none to talk about"
    for number in range(200):               # more than one buffer full
        packets.out("udplite", 6, number)
    for arguments in (["stats", "--csv"], ["stats", "--csv", "--all"], ["stats", "--bars"], ["stats", "-o", "port"], ["stats", "--list-columns"], ["stats", "-A"],
                      ["stats", "-A", "--json"], ["stats", "-A", "--csv"], ["info", "-A"], ["ranges", "--csv"], ["buckets", "--csv"],
                      ["show", "80", "--csv"]):
        with open("/dev/full", "w") as full:
            status, _, err = run_here(*arguments, stdout=full)
        equal((status, err), (1, "portmon-ctl: cannot write the output: No space left on device\n"), f"{arguments} > /dev/full")
        status, _, err = run_here(*arguments, stdout=None, preexec_fn=lambda: os.close(1))
        equal((status, err), (1, "portmon-ctl: cannot write the output: Bad file descriptor\n"), f"{arguments} >&-")
        with yard.enter():
            out = sh("sh", "-c", f"portmon-ctl {' '.join(arguments)} 2>&1 | head -n 1")
        check(out.count("\n") == 1 and "portmon-ctl:" not in out, f"{arguments} | head -n 1 prints {out[:200]!r}")
        reader, writer = os.pipe()
        os.close(reader)
        status, _, err = run_here(*arguments, stdout=writer)
        os.close(writer)
        check(status and not err, f"{arguments} to nobody: status {status}, said {err!r}")


run()
