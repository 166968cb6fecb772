#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""portmon-exporter with the real module, and a real Prometheus beside it (see lib/exporter.py)."""
import errno
import json
import os
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import jsonschema

from lib.ctl import ctl, run_ctl
from lib.exporter import (OPEN, PROMETHEUS, RECORDED, URL, Exporter, comparable, names, parse_open, parse_text, samples, scrapes,
                          value)
from lib.ktap import HERE, PATIENCE, becomes, case, check, defer, equal, note, run, wait_until
from lib.module import MODULE, Hook, load, parameter, reloads_module, unload
from lib.netns import Netns, hosts
from lib.nlclient import UAPI, NlError
from lib.packets import Packets
from lib.process import sh

NOT_SPECIFIED, NO_SOCKET = 2, 3     # SKB_DROP_REASON_*


def listen(end, port, address=None):
    "A server that reads to the end and answers with as much."
    sock = end.netns.socket("ipv4", socket.SOCK_STREAM, bind=(address or end.ipv4, port))
    sock.listen(64)
    sock.settimeout(None)

    def serve():
        while True:
            try:
                call, _ = sock.accept()
            except OSError:
                return
            with call:
                size = 0
                while part := call.recv(65536):
                    size += len(part)
                call.sendall(b"y" * size)
    threading.Thread(target=serve, daemon=True).start()
    return sock


def talk(end, server, port, size=1000):
    with end.netns.enter(), socket.create_connection((server, port), timeout=20 * PATIENCE) as sock:
        sock.sendall(b"x" * size)
        sock.shutdown(socket.SHUT_WR)
        got = 0
        while part := sock.recv(65536):
            got += len(part)
        equal(got, size, "bytes that were echoed")


def knock(end, server, port):
    "A port that is closed."
    with end.netns.enter(), socket.socket() as sock:
        check(sock.connect_ex((server, port)), "the port is closed")


client, server = hosts(on=(False, True))[1]
server.netns.ip("link set lo up")
listen(server, 80)
listen(server, 5432, "127.0.0.1")


def settled(read):
    "What does not change any more: the last segments of a connection may still be on their way."
    before = read()
    while (now := read()) != before:
        before = now
        time.sleep(0.2)
    return now


def count():
    "Switch counting on in the server's namespace, whatever the case before did to the module."
    server.netns.portmon = type(server.netns.portmon)(server.netns)
    try:
        server.netns.portmon.do("netns-set", enabled=1)
    except NlError as error:
        equal(error.errno, errno.EALREADY, "switching on")


def ports_of_stats():
    "portmon-ctl stats --json of the server, by scope, transport and port."
    return {(p["scope"], p["transport"], p["port"]): p for p in ctl("stats", "--all", netns=server.netns)["ports"]}


def same(metrics, port, record):
    "The metrics of a port are what portmon-ctl says."
    labels = {"scope": port[0], "transport": port[1], "port": str(port[2])}
    for what in "bytes", "packets":
        for direction, way in ("receive", "rx"), ("transmit", "tx"):
            equal(value(metrics, f"portmon_port_{what}_total", direction=direction, **labels), record[way][what],
                  f"{what} {direction} of {port}")
    if port[1] != "tcp":
        return
    tcp = record["tcp"]
    for name, label, keys in (("handshakes", "result", {"completed": "established", "failed": "failed"}),
                              ("syns", "direction", {"receive": "syn_received", "transmit": "syn_sent"}),
                              ("resets", "direction", {"receive": "rst_received", "transmit": "rst_sent"}),
                              ("retransmitted_segments", "kind", {"segment": "retransmitted", "synack": "synack_retransmitted"})):
        for word, key in keys.items():
            equal(value(metrics, f"portmon_port_tcp_{name}_total", **{label: word}, **labels), tcp[key], f"{key} of {port}")


@case()
def exact():
    "both text forms have what portmon-ctl says, and parsers take them"
    count()
    exporter = Exporter(server.netns, "--ports", "81")
    for _ in range(5):
        talk(client, server.ipv4, 80)
    for _ in range(3):
        knock(client, server.ipv4, 81)
    talk(server, "127.0.0.1", 5432)
    mapped = server.netns.socket("ipv6", socket.SOCK_STREAM, bind=("::ffff:127.0.0.1", 5433))
    mapped.listen()
    settled(ports_of_stats)
    metrics, now = exporter.metrics(), ports_of_stats()
    for port in ("local", "tcp", 80), ("local", "tcp", 81), ("loopback", "tcp", 5432):
        same(metrics, port, now[port])
    equal(now["local", "tcp", 80]["tcp"]["established"], 5, "handshakes")
    equal(value(metrics, "portmon_port_dropped_packets_total", port="81", transport="tcp", reason="NO_SOCKET"), 3, "drops")
    equal(value(metrics, "portmon_dropped_packets_total", scope="local", transport="tcp", reason="NO_SOCKET"), 3, "drops of all")
    equal(value(metrics, "portmon_up"), 1, "portmon_up")
    equal(value(metrics, "portmon_port_listening", port="80"), 1, "listening")
    equal(value(metrics, "portmon_port_listening", port="81", transport="tcp"), 0, "listening")
    equal(value(metrics, "portmon_port_listening", port="5433", scope="loopback"), 1, "listening on a mapped address of loopback")
    ranges = ctl("ranges", netns=server.netns)["ranges"]
    for r in ranges:
        if r["scope"] != "local":     # the scrape itself is loopback
            continue
        equal(value(metrics, "portmon_bytes_total", scope=r["scope"], transport=r["transport"], range=r["range"],
                    direction="receive"), r["rx"]["bytes"], f"range {r}")
    # A scrape counts itself at the next reading, and there is one in a second: both must be of the same.
    for _ in range(20):
        open_text, text = exporter.get("/metrics", OPEN), exporter.get("/metrics")
        other, plain = samples(parse_open(open_text)), samples(parse_text(text))
        if comparable(other) == comparable(plain):
            break
    equal(open_text.splitlines()[-1], "# EOF", "last line")
    check("# UNIT portmon_port_bytes bytes\n" in open_text, "a unit")
    equal(comparable(other), comparable(plain), "OpenMetrics")
    check(not any(name.endswith("_created") for name in names(other)), "_created samples were not requested")
    done = subprocess.run([f"{PROMETHEUS}/usr/bin/promtool", "check", "metrics"], input=exporter.get("/metrics"), text=True,
                          capture_output=True, check=False)
    equal((done.returncode, done.stdout, done.stderr), (0, "", ""), "promtool check metrics")


@case()
def exported():
    "portmon-ctl export has the same, once; a file is replaced as a whole"
    count()
    exporter = Exporter(server.netns, "--ports", "81")
    talk(client, server.ipv4, 80)
    settled(ports_of_stats)
    path = "/run/portmon.prom"
    status, out, err = run_ctl("export", "--ports", "81", netns=server.netns)
    equal((status, err), (0, ""), "export")
    metrics, once = exporter.metrics(), samples(parse_text(out))
    def compare(found):
        return {k: v for k, v in found.items() if k[0].startswith("portmon_port_") and dict(k[1])["scope"] == "local"}
    equal(compare(once), compare(metrics), "metrics")
    check(len(compare(once)) > 20, "metrics of ports")
    status, out, err = run_ctl("export", "-f", path, netns=server.netns)
    equal((status, out, err), (0, "", ""), "export to a file")
    equal(os.stat(path).st_mode & 0o777, 0o644, "mode")
    equal([name for name in os.listdir("/run") if name.startswith("portmon.prom")], ["portmon.prom"], "files")
    with open(path) as file:
        check("portmon_up 1\n" in file.read(), "portmon_up")
    os.makedirs("/run/small", exist_ok=True)
    sh("mount", "-t", "tmpfs", "-o", "size=4k", "small", "/run/small")
    defer(sh, "umount", "/run/small")
    equal(run_ctl("export", netns=Netns(on=True))[0], 0, "status where no port listens")
    for arguments, wanted in ((["-f", "/nothing/x"], 1), (["-f", "/run"], 1), (["-f", "/run/small/x"], 1), (["--ports", "x"], 2), (["x"], 2),
                              (["-f"], 2), (["--netns", "none"], 1)):
        equal(run_ctl("export", *arguments, netns=server.netns)[0], wanted, f"status of export {arguments}")
    equal(server.netns.run("sh", "-c", "portmon-ctl export 2> /dev/null > /dev/full; echo $?"), "1\n", "status where nothing can be written")
    equal([name for name in os.listdir("/") if name.startswith("run.")] + os.listdir("/run/small"), [], "files left behind")
    with open(path) as file:
        before = file.read()
    server.netns.portmon.do("netns-set", enabled=0)
    status, out, err = run_ctl("export", netns=server.netns)
    equal((status, "portmon_up 0\n" in out), (1, True), "status without counters")
    check("enable" in err, err)
    with open(path) as file:
        equal(file.read(), before, "the file")


@case()
def no_privilege():
    "it runs as nobody and without a capability; with restrict_read it says what is missing"
    count()
    exporter = Exporter(server.netns, user=65534)
    equal(value(exporter.metrics(), "portmon_up"), 1, "portmon_up")
    with open(f"/proc/{exporter.process.pid}/status") as file:
        equal(re.search(r"CapEff:\s*(\S+)", file.read())[1], "0" * 16, "capabilities")
    parameter("restrict_read", "Y")
    metrics = exporter.metrics()
    equal(value(metrics, "portmon_up"), 0, "portmon_up")
    check("portmon_port_bytes_total" not in names(metrics), "no counters without the right to read them")
    check("CAP_NET_ADMIN" in exporter.logged(), exporter.logged())
    try:
        exporter.document("/api/v1/stats")
        check(False, "an error was expected")
    except urllib.error.HTTPError as error:
        equal(error.code, 503, "status")
        check("CAP_NET_ADMIN" in json.load(error)["error"], "it says what is missing")
    parameter("restrict_read", "N")
    equal(value(exporter.metrics(), "portmon_up"), 1, "portmon_up")


@case()
def unknown():
    "what is not known has no series"
    count()
    server.netns.portmon.do("netns-set", lifecycle=0)
    defer(lambda: server.netns.portmon.do("netns-set", lifecycle=1))
    server.netns.portmon.dump("reset")
    exporter = Exporter(server.netns)
    talk(client, server.ipv4, 80)
    knock(client, server.ipv4, 82)
    metrics = exporter.metrics()
    check(value(metrics, "portmon_port_bytes_total", port="80", direction="receive") > 1000, "bytes are counted")
    equal([n for n in names(metrics) if "tcp" in n], [], "metrics of TCP")
    check(value(metrics, "portmon_dropped_packets_total", scope="local", transport="tcp", reason="NO_SOCKET") > 0, "drops are counted")
    server.netns.portmon.do("netns-set", drops=0)
    defer(lambda: server.netns.portmon.do("netns-set", drops=1))
    server.netns.portmon.dump("reset")
    talk(client, server.ipv4, 80)
    equal([n for n in names(exporter.metrics()) if "dropped" in n], [], "metrics of drops")


@case()
def comes_back():
    "module absent, loaded again, namespace off: it stays up, says so and recovers"
    count()
    exporter = Exporter(server.netns)
    equal(value(exporter.metrics(), "portmon_up"), 1, "portmon_up")
    server.netns.portmon.do("netns-set", enabled=0)
    equal(value(exporter.metrics(), "portmon_up"), 0, "portmon_up while off")
    server.netns.portmon.do("netns-set", enabled=1)
    equal(value(exporter.metrics(), "portmon_up"), 1, "portmon_up")
    reloads_module()
    wait_until(lambda: not unload(), what="unloading the module")
    metrics = exporter.metrics()
    equal(value(metrics, "portmon_up"), 0, "portmon_up without the module")
    equal(value(metrics, "portmon_build_info", module_version=""), 1, "version of the module")
    load()
    count()
    talk(client, server.ipv4, 80)
    settled(ports_of_stats)
    same(exporter.metrics(), ("local", "tcp", 80), ports_of_stats()["local", "tcp", 80])


class Prometheus:
    "A real one, in the namespace of the server."

    def __init__(self, netns):
        self.netns = netns
        with open("/run/prometheus.yml", "w") as file:
            file.write("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n"
                       "- {job_name: portmon, static_configs: [{targets: ['127.0.0.1:9807']}]}\n")
        with open("/run/prometheus.log", "w") as log:
            netns.popen(f"{PROMETHEUS}/usr/bin/prometheus", "--config.file=/run/prometheus.yml", "--storage.tsdb.path=/run/tsdb",
                        "--web.listen-address=127.0.0.1:9090", stdout=log, stderr=log)
        defer(sh, "rm", "-rf", "/run/tsdb")
        wait_until(self.ready, timeout=60, what="Prometheus being ready")

    def ready(self):
        try:
            return self.ask("up") is not None
        except OSError:
            return False

    def ask(self, query):
        with self.netns.enter():
            url = "http://127.0.0.1:9090/api/v1/query?" + urllib.parse.urlencode({"query": query})
            with urllib.request.urlopen(url, timeout=20 * PATIENCE) as reply:
                result = json.load(reply)["data"]["result"]
        return [(r["metric"], float(r["value"][1])) for r in result]

    def one(self, query):
        result = self.ask(query)
        return result[0][1] if len(result) == 1 else None


@case()
def prometheus():
    "a real Prometheus returns what portmon-ctl says, and no rate above what was sent, whatever is reset or restarted"
    count()
    exporter = Exporter(server.netns)
    Prom = Prometheus(server.netns)
    series = 'portmon_port_%s{scope="local",transport="tcp",port="80",%s}'

    def agrees(port=("local", "tcp", 80)):
        record = ports_of_stats()[port]
        wanted = [record["rx"]["bytes"], record["tx"]["bytes"], record["rx"]["packets"], record["tcp"]["established"]]
        queries = [series % ("bytes_total", 'direction="receive"'), series % ("bytes_total", 'direction="transmit"'),
                   series % ("packets_total", 'direction="receive"'), series % ("tcp_handshakes_total", 'result="completed"')]
        becomes(lambda: [Prom.one(q) for q in queries], wanted, "what Prometheus has")
        return wanted

    sent = 0

    def send(times):
        nonlocal sent
        before = ports_of_stats().get(("local", "tcp", 80), {"rx": {"bytes": 0}})["rx"]["bytes"]
        for _ in range(times):
            talk(client, server.ipv4, 80, 4000)
        settled(ports_of_stats)
        sent += ports_of_stats()["local", "tcp", 80]["rx"]["bytes"] - before
        return agrees()

    send(1)
    begun, sent = time.time(), 0
    send(5)
    knock(client, server.ipv4, 82)
    becomes(lambda: Prom.one('portmon_dropped_packets_total{scope="local",transport="tcp",reason="NO_SOCKET"}'),
            ports_of_stats()["local", "tcp", 82]["drops"]["NO_SOCKET"], "drops")
    server.netns.portmon.dump("reset")
    send(2)
    exporter.stop()
    exporter = Exporter(server.netns)
    send(2)
    reloads_module()
    wait_until(lambda: not unload(), what="unloading the module")
    becomes(lambda: Prom.one("portmon_up"), 0, "portmon_up")
    load()
    count()
    becomes(lambda: Prom.one("portmon_up"), 1, "portmon_up")
    send(2)
    window = int(time.time() - begun) + 2
    grown = Prom.one("sum(increase(" + series % ("bytes_total", 'direction="receive"') + f"[{window}s]))")
    # increase() extends to the edges of its window, by one interval at most at each.
    seen = Prom.one("sum(" + series % ("bytes_total", 'direction="receive"') + ")")
    check(grown is not None and seen is not None, "Prometheus has the series")
    check(grown <= sent * (window + 2) / max(1, window - 4), f"increase {grown}, sent {sent}")
    fastest = Prom.one("max_over_time(sum(rate(" + series % ("bytes_total", 'direction="receive"') + f"[5s]))[{window}s:1s])")
    check(fastest <= sent, f"a rate of {fastest}, sent were {sent} in all")
    note(f"increase {grown:.0f} of {sent} sent in {window} s, fastest rate {fastest:.0f}/s")


@case()
def bounded():
    "under a scan of all ports, with all limits reached, there are no more series than allowed, and none comes and goes"
    yard = Netns(on=True)
    packets = Packets(yard)
    for port in range(1, 400):
        yard.socket("ipv4", socket.SOCK_STREAM, bind=("192.0.2.1", port)).listen()
    exporter = Exporter(yard, "--remote", "--loopback", "--ports", "1000-1100")
    before = exporter.metrics()
    with yard.enter():
        for transport in "tcp", "udp", "sctp", "dccp", "udplite":
            for port in range(1, 2000):
                packets.out(transport, port, port)
    for protocol in range(100, 250):
        with yard.enter(), socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol) as sock:
            sock.sendto(b"x" * 20, ("192.0.2.9", 0))
    metrics = exporter.metrics()
    n = len([1 for name, _ in metrics if not name.startswith("process_")])
    check(n <= 4000, f"{n} series")
    note(f"{n} series under a scan")
    shown = value(metrics, "portmon_ports_shown")
    check(shown <= 100, f"{shown} ports shown")
    check(value(metrics, "portmon_ports_hidden") > 200, "ports are hidden")
    check("a limit is reached" in exporter.logged(), exporter.logged())
    again = exporter.metrics()
    equal(set(before) - set(again), set(), "series that went")
    # A scrape is traffic of its own, and on a busy machine TCP may retransmit it: the duplicate is a drop.
    changed = {(name, labels) for name, labels in set(metrics) ^ set(again)
               if name != "portmon_dropped_packets_total" or ("scope", "loopback") not in labels}
    equal(changed, set(), "series that came or went without traffic")
    exporter.stop()
    exporter = Exporter(yard, "--remote", "--loopback", "--ports", "1-2000", "--max-ports", "1000", "--max-series", "1500", "--created")
    for headers in {}, OPEN:
        text = exporter.get("/metrics", headers)
        n = len([line for line in text.splitlines() if not line.startswith(("#", "process_"))])
        check(300 < n <= 1500, f"{n} series")
        equal("\nportmon_port_packets_created{" in text, headers == OPEN, "_created samples, which only OpenMetrics has")
        check("process_cpu_seconds_created" not in text, "the process began at another time")
    # With their _created samples more ports do not fit.
    check(value(exporter.metrics(), "portmon_ports_shown") < 100, "ports shown")
    check(value(exporter.metrics(), "portmon_ports_hidden") > 1000, "ports hidden")


@case()
def overflow():
    "what had no record is in the metrics of the overflow, as portmon-ctl has it"
    yard = Netns(on=True)
    packets, exporter = Packets(yard), Exporter(yard)
    parameter("max_records", 256)
    for port in range(1, 600):
        packets.out("udp", port, 42000)
    records = ctl("stats", "--all", netns=yard)["overflow"]
    metrics = exporter.metrics()
    for scope in "local", "remote", "forward":      # loopback has the scrape itself
        for way, direction in ("rx", "receive"), ("tx", "transmit"):
            equal(value(metrics, "portmon_overflow_packets_total", scope=scope, direction=direction),
                  sum(r[way]["packets"] for r in records if r["scope"] == scope), f"{scope} {way}")
    check(value(metrics, "portmon_overflow_packets_total", scope="local", direction="transmit") > 300, "packets")


@case()
def reasons():
    "series of drops have the limit, too: those that are left out are counted"
    hook, yard = Hook(), Netns(on=True)
    yard.ip("link set lo up")
    for reason in range(2, 62):
        hook.drop(yard, "local", "tcp", 80 + reason // 10, reason, 1)
    exporter = Exporter(yard, "--ports", "80-86/tcp")
    equal(value(exporter.metrics(), "portmon_series_hidden"), 0, "series that are hidden")
    exporter.stop()
    metrics = Exporter(yard, "--ports", "80-86/tcp", "--max-series", "600").metrics()
    check(value(metrics, "portmon_series_hidden") > 0, "no series is hidden")
    check(len([n for n, _ in metrics if not n.startswith("process_")]) <= 600, "series")


@case()
def usual():
    "a server with 20 listening ports has at most 500 series; ephemeral ports are never shown"
    yard = Netns(on=True)
    packets = Packets(yard)
    for port in [*range(1, 15), 40000, 50000]:
        yard.socket("ipv4", socket.SOCK_STREAM, bind=("192.0.2.1", port)).listen()
        packets.out("tcp", port, 42000)
    for port in range(101, 108):
        if port != 106:     # between two that are shown
            yard.socket("ipv4", socket.SOCK_DGRAM, bind=("192.0.2.1", port))
        packets.out("udp", port, 41000)
    metrics = Exporter(yard).metrics()
    equal(value(metrics, "portmon_ports_shown"), 21, "ports shown, the exporter's own included")
    check(len(metrics) <= 500, f"{len(metrics)} series")
    note(f"{len(metrics)} series for 20 ports")


def counted(yard, scope, ports):
    "As hook.port() does, without entering the namespace each time."
    with yard.enter(), open(f"{MODULE}/parameters/test_count", "wb", buffering=0) as file:
        for port in ports:
            os.pwrite(file.fileno(), f"port {UAPI['scope'][scope]} {UAPI['transport']['tcp']} {port} 0 10 1000 1".encode(), 0)


def listening(ports):
    "A namespace that counts, with 100 listening ports, and as many of other hosts that were seen."
    yard = Netns(on=True)
    yard.ip("link set lo up")
    for port in range(1, 101):
        yard.socket("ipv4", socket.SOCK_STREAM, bind=("0.0.0.0", port)).listen()
    counted(yard, "local", range(1, 101))
    counted(yard, "remote", ports)
    return yard


@case()
def cost():
    "a scrape of 100 ports costs a third of node_exporter's at most"
    Hook()
    yard = listening(range(1, 101))
    exporter = Exporter(yard)
    ours = scrapes(yard, exporter.process, f"{URL}/metrics", 15)
    metrics = exporter.metrics()
    equal(value(metrics, "portmon_ports_shown"), 100, "ports shown")
    peer = yard.popen(f"{PROMETHEUS}/usr/bin/prometheus-node-exporter", "--web.listen-address=127.0.0.1:9100",
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ready():
        with yard.enter(), socket.socket() as sock:
            return not sock.connect_ex(("127.0.0.1", 9100))
    wait_until(ready, what="node_exporter listening")
    other = scrapes(yard, peer, "http://127.0.0.1:9100/metrics", 5)
    note(f"CPU of a scrape: {ours * 1000:.1f} ms with {len(metrics)} series, node_exporter {other * 1000:.1f} ms")
    check(ours < other / 3, f"{ours} s, node_exporter {other} s")


@case()
def remote_ports():
    "reading the module takes as long when all ports of other hosts were seen as when 100 were"
    Hook()
    exporters = [Exporter(listening(ports)) for ports in (range(1, 101), range(65536))]
    equal(value(exporters[1].metrics(), "portmon_records") > 65536, True, "records")
    # What else runs here only adds to it, to one as to the other.
    least = [float("inf")] * 2
    for turn in range(90):
        least = [min(least[i], value(exporters[i].metrics(), "portmon_scrape_duration_seconds")) for i in (0, 1)]
        if turn > 8 and least[1] < least[0] * 1.1:
            break
    note(f"{least[0] * 1000:.2f} ms with 100 remote ports, {least[1] * 1000:.2f} ms with 65,536, the least of {turn + 1} readings")
    check(least[1] < least[0] * 1.1, f"{least[1]} s with all remote ports, {least[0]} s with few")


@case()
def documents():
    "the documents are those of portmon-ctl, as the schema has them"
    count()
    exporter = Exporter(server.netns)
    talk(client, server.ipv4, 80)
    knock(client, server.ipv4, 83)
    settled(ports_of_stats)
    with open(f"{HERE}/portmon-ctl.schema.json") as file:
        schema = jsonschema.Draft202012Validator(json.load(file))
    stats = exporter.document("/api/v1/stats")
    for kind in "stats", "ranges", "drops", "explain?port=80/tcp":
        document = exporter.document(f"/api/v1/{kind}")
        errors = [e.message[:200] for e in schema.iter_errors(document)]
        equal(errors, [], kind)
    ours = {(p["scope"], p["transport"], p["port"]): p for p in stats["ports"]}
    equal(ours["local", "tcp", 80], ports_of_stats()["local", "tcp", 80], "port 80")
    equal(exporter.document("/api/v1/explain?port=80/tcp")["explain"][0]["services"][0]["service"], "http", "service")
    for path in "stats", "ranges", "drops":
        for _ in range(20):
            begun = time.monotonic()
            first = exporter.get(f"/api/v1/{path}")
            knock(client, server.ipv4, 83)
            second = exporter.get(f"/api/v1/{path}")
            if time.monotonic() - begun < 0.9:
                break
        equal(second, first, f"{path}, twice in a second")
        time.sleep(1.1)
        check(exporter.get(f"/api/v1/{path}") != first, f"{path}, a second later")
    for argument in "", "?port=", "?port=x", "?port=65536", "?port=80/x", "?port=1-2":
        try:
            exporter.get(f"/api/v1/explain{argument}")
            check(False, f"{argument} was taken")
        except urllib.error.HTTPError as error:
            equal(error.code, 400, f"status of {argument}")


@case()
def many_drops():
    "under a scan of more ports than have lines of their own, the drops of the others are in a fold: none is left out"
    hook, yard = Hook(), Netns(on=True)
    yard.ip("link set lo up")
    for port in range(1, 1501):
        hook.drop(yard, "local", "tcp", port, NO_SOCKET, port)
    hook.drop(yard, "local", "tcp", 1501, NOT_SPECIFIED, 3)
    hook.drop(yard, "local", "udp", 53, NO_SOCKET, 7)
    drops = [d for d in Exporter(yard).document("/api/v1/drops")["drops"] if d["scope"] == "local"]
    ours = [d for d in drops if d["transport"] == "tcp"]
    equal(sum(d["packets"] for d in ours), sum(range(1, 1501)) + 3, "packets in all")
    folds = [d for d in ours if d["port"] is None]
    equal([(d["folded"], d["reason"]) for d in folds], [(501, "NO_SOCKET"), (501, "NOT_SPECIFIED")], "folds")
    equal(len(ours), 1002, "lines")
    check(all(d["last_seen"] >= d["first_seen"] > "2" for d in folds), f"times of {folds}")
    equal([(d["port"], d["service"], d["packets"]) for d in drops if d["transport"] == "udp"], [(53, "dns", 7)], "a port alone")
    check({(d["port"], d["packets"]) for d in ours if d["port"]} <= {(port, port) for port in range(1, 1501)}, "ports of their own")


@case()
def memcheck():
    "valgrind finds nothing while it reads and writes what was counted: no error, no memory lost"
    count()
    exporter = Exporter(server.netns, "--remote", "--loopback", "--created", "--ports", "80-90", command=(
        "valgrind", "--log-file=/run/valgrind.log", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=99"))
    for turn in "first", "after a reset":
        talk(client, server.ipv4, 80)
        knock(client, server.ipv4, 85)
        check(value(exporter.metrics(), "portmon_port_bytes_total", port="80", transport="tcp", scope="local",
                    direction="receive") > 1000, turn)
        for path in "/metrics", "/api/v1/stats", "/api/v1/ranges", "/api/v1/drops", "/api/v1/explain?port=80/tcp":
            exporter.get(path, OPEN)
        server.netns.portmon.dump("reset")
    server.netns.portmon.do("netns-set", enabled=0)
    equal(value(exporter.metrics(), "portmon_up"), 0, "portmon_up while off")
    exporter.process.terminate()
    with open("/run/valgrind.log") as file:
        equal(exporter.process.wait(60 * PATIENCE), 0, file.read())


@case()
def recorded():
    "what the page reads while there is traffic, for the browser"
    count()
    exporter = Exporter(server.netns)
    for turn in range(4):
        for _ in range(3 * (turn + 1)):
            talk(client, server.ipv4, 80, 5000 * (turn + 1))
        knock(client, server.ipv4, 84)
        time.sleep(1.1)
        for what in "stats", "ranges", "drops":
            with open(f"{RECORDED}/{what}.{turn}.json", "w") as file:
                file.write(exporter.get(f"/api/v1/{what}"))
        with open(f"{RECORDED}/explain.json", "w") as file:
            file.write(exporter.get("/api/v1/explain?port=80/tcp"))
    with open(f"{RECORDED}/metrics.txt", "w") as file:
        file.write(exporter.get("/metrics"))
    check(exporter.get("/").startswith("<!DOCTYPE html>"), "the page")


run()
