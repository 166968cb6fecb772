#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What a Prometheus that scrapes 1,000 hosts takes: memory and CPU time. For Documentation/fleet.rst, no test.

usage: fleet.py [SECONDS]    (600), PORTMON_PROMETHEUS as in served.py

All targets are addresses of the loopback network, which one server answers with as many series as a small host has. The first
third of the time does not count: Prometheus loads the targets then.
"""
import os
import re
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

TARGETS, SERIES, INTERVAL = 1000, 65, 15
PROMETHEUS = f"{os.environ['PORTMON_PROMETHEUS']}/usr/bin/prometheus"
NAMES = ["portmon_port_bytes_total", "portmon_port_packets_total", "portmon_port_tcp_syns_total", "portmon_port_tcp_resets_total"]


def text(turn):
    "Counters that all grow, with the labels of real ones."
    lines = []
    for n in range(SERIES):
        name, port = NAMES[n % len(NAMES)], n // len(NAMES) // 2
        labels = f'scope="local",transport="tcp",port="{80 + port}",service="http",direction="{("receive", "transmit")[n // len(NAMES) % 2]}"'
        lines.append(f"{name}{{{labels}}} {turn * (n + 1) * 1313}\n")
    return "".join(lines).encode()


class Answer(socketserver.StreamRequestHandler):
    "Requests of one connection, which Prometheus keeps."

    def handle(self):
        while self.rfile.readline():
            while self.rfile.readline() not in (b"\r\n", b"\n", b""):
                pass
            body = text(int(time.monotonic()))
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads, request_queue_size = True, 1024

    def handle_error(self, request, client_address):
        "Prometheus has ended."


def spent(pid):
    "Seconds of CPU time, KiB resident."
    with open(f"/proc/{pid}/stat") as file:
        ticks = sum(map(int, file.read().rpartition(")")[2].split()[11:13]))
    with open(f"/proc/{pid}/status") as file:
        return ticks / os.sysconf("SC_CLK_TCK"), int(re.search(r"VmRSS:\s*(\d+)", file.read())[1])


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    with Server(("0.0.0.0", 0), Answer) as server, tempfile.TemporaryDirectory() as folder:
        port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        targets = ", ".join(f"'127.1.{n // 250}.{n % 250 + 1}:{port}'" for n in range(TARGETS))
        with open(f"{folder}/prometheus.yml", "w") as file:
            file.write(f"global: {{scrape_interval: {INTERVAL}s}}\nscrape_configs:\n"
                       f"- {{job_name: portmon, static_configs: [{{targets: [{targets}]}}]}}\n")
        with subprocess.Popen([PROMETHEUS, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
                               "--web.listen-address=127.0.0.1:0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                time.sleep(seconds / 3)
                begun, (before, first) = time.monotonic(), spent(process.pid)
                most = first
                while time.monotonic() - begun < seconds * 2 / 3:
                    time.sleep(5)
                    used, resident = spent(process.pid)
                    most = max(most, resident)
                share = (used - before) / (time.monotonic() - begun)
                print(f"{TARGETS} targets, {SERIES} series each, every {INTERVAL} s: {share * 100:.1f} % of a CPU, "
                      f"{first // 1024} MiB resident after {seconds // 3} s, {resident // 1024} after {seconds} s, {most // 1024} at most")
            finally:
                process.kill()


if __name__ == "__main__":
    main()
