# SPDX-License-Identifier: GPL-2.0
"""portmon-exporter in a guest, and what it says.

The exporter and Prometheus are files of the host (PORTMON_EXPORTER, PORTMON_PROMETHEUS), with the host's libraries: it is of
the same release. What the page reads is kept in PORTMON_RECORDED, for the browser that is tried on the host.
"""
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

from lib.ktap import PATIENCE, check, defer, equal, wait_until
from lib.process import sh

HOST = "/run/hostfs"
os.makedirs(HOST, exist_ok=True)
# It stays: on its way out hostfs of Linux 6.12 loses the name of its root, which kmemleak would report.
sh("mount", "-t", "hostfs", "-o", "/", "host", HOST)
sys.path.append(f"{HOST}/usr/lib/python3/dist-packages")

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open    # noqa: E402: the host's
from prometheus_client.parser import text_string_to_metric_families as parse_text    # noqa: E402

EXPORTER = HOST + os.environ["PORTMON_EXPORTER"]
PROMETHEUS = HOST + os.environ["PORTMON_PROMETHEUS"]
RECORDED = HOST + os.environ["PORTMON_RECORDED"]
LIBRARIES = f"{HOST}/usr/lib/x86_64-linux-gnu:{HOST}/lib/x86_64-linux-gnu"
URL = "http://127.0.0.1:9807"
OPEN = {"Accept": "application/openmetrics-text;version=1.0.0"}


class Exporter:
    "portmon-exporter in a namespace, until the case ends."

    def __init__(self, netns, *arguments, user=None, command=()):
        self.netns = netns
        self.log = open("/run/exporter.log", "w+")    # pylint: disable=consider-using-with
        with netns.enter():
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen([*command, EXPORTER, *arguments], stderr=self.log, user=user, group=user,
                                            extra_groups=[] if user else None,
                                            env={**os.environ, "LD_LIBRARY_PATH": LIBRARIES})
        defer(self.stop)
        wait_until(self.answers, 60 if command else 20, "the exporter answering")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            equal(self.process.wait(20 * PATIENCE), 0, "status of the exporter")

    def answers(self):
        equal(self.process.poll(), None, "status of the exporter")
        try:
            return self.get("/healthz") == "ok\n"
        except OSError:
            return False

    def get(self, path, headers=None):
        with self.netns.enter():
            request = urllib.request.Request(URL + path, headers=headers or {})
            with urllib.request.urlopen(request, timeout=20 * PATIENCE) as reply:
                return reply.read().decode()

    def document(self, path):
        return json.loads(self.get(path))

    def metrics(self):
        "The result of a new scrape, not one cached within the last second."
        time.sleep(1.01)
        return samples(parse_text(self.get("/metrics")))

    def logged(self):
        with open("/run/exporter.log") as file:
            return file.read()


def samples(families):
    "By name and labels."
    found = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            check(key not in found, f"twice: {key}")
            found[key] = sample.value
    return found


def value(metrics, name, **labels):
    "The only sample that has these labels."
    hits = [v for (n, have), v in metrics.items() if n == name and labels.items() <= dict(have).items()]
    equal(len(hits), 1, f"samples of {name} {labels}")
    return hits[0]


def comparable(metrics):
    "What two scrapes of one reading have alike."
    return {k: v for k, v in metrics.items() if k[0].startswith("portmon_") and "duration" not in k[0]}


def names(metrics):
    return {name for name, labels in metrics}


def cpu(process):
    "Seconds of CPU time that a process has taken, those of the system included."
    with open(f"/proc/{process.pid}/stat") as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")


def scrapes(netns, process, url, times):
    "CPU seconds of one scrape. None is of the same second as another."
    def once():
        with netns.enter(), urllib.request.urlopen(url, timeout=20 * PATIENCE) as reply:
            return reply.read()
    once()
    before = cpu(process)
    for _ in range(times):
        time.sleep(1.01)
        once()
    return (cpu(process) - before) / times
