#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What portmon-exporter costs without the module: memory, CPU time, wakeups. What it does without memory, and what valgrind says.

See served.py.
"""
import http.client
import itertools
import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
from lib.ktap import case, check, equal, note, run, wait_until    # noqa: E402
from served import PLAIN, TLS, TOP, USERS, Exporter, basic, config, context, scratch, until_closed    # noqa: E402

# For how long 200 scrapes a second are made, and after how many the memory must be as before.
HELD_SECONDS = int(os.environ.get("HELD_SECONDS", 5))
SCRAPES = int(os.environ.get("SCRAPES", 5000))
# Makes allocations fail: tests/nomemory.c.
NOMEMORY = f"{TOP}/build/tests/nomemory.so"


def memory(exporter):
    "KiB resident."
    with open(f"/proc/{exporter.process.pid}/status") as file:
        return int(re.search(r"VmRSS:\s*(\d+)", file.read())[1])


def scrape(exporter, times):
    "So many scrapes over one connection."
    kind, options = (http.client.HTTPSConnection, {"context": exporter.tls}) if exporter.tls else (http.client.HTTPConnection, {})
    connection = kind("127.0.0.1", exporter.port, timeout=20, **options)
    for _ in range(times):
        connection.request("GET", "/metrics")
        reply = connection.getresponse()
        equal((reply.status, reply.read()[:2]), (200, b"# "), "a scrape")
    connection.close()


@case("without TLS", "with TLS")
def grows(tls):    # pylint: disable=redefined-outer-name
    "memory is bounded and does not grow:"
    with_tls = tls == "with TLS"
    exporter = Exporter(*(["--web-config", config(TLS)] if with_tls else []), command=(PLAIN,), tls=context() if with_tls else None)
    scrape(exporter, 500)
    before = memory(exporter)
    check(before <= (10 if with_tls else 6) * 1024, f"{before} KiB resident")
    scrape(exporter, SCRAPES)
    check(memory(exporter) <= before + 128, f"{before} KiB resident, then {memory(exporter)}")
    note(f"{memory(exporter)} KiB resident after {500 + SCRAPES} scrapes")


@case()
def held():
    "200 scrapes a second, each on a connection of its own, and none waits"
    exporter = Exporter(command=(PLAIN,))
    slowest, begun, before = 0, time.monotonic(), exporter.cpu()
    for n in range(200 * HELD_SECONDS):
        time.sleep(max(0, begun + n / 200 - time.monotonic()))
        asked = time.monotonic()
        equal(exporter.status(), 200, "status of a scrape")
        slowest = max(slowest, time.monotonic() - asked)
    took = time.monotonic() - begun
    note(f"{200 * HELD_SECONDS} scrapes in {took:.1f} s, the slowest took {slowest * 1000:.0f} ms; "
         f"{(exporter.cpu() - before) / took:.1f} % of a CPU, {memory(exporter)} KiB resident")
    check(took < HELD_SECONDS * 1.1 + 1, f"{200 * HELD_SECONDS} scrapes took {took:.1f} s")
    check(slowest < 1, f"a scrape took {slowest:.1f} s")


@case()
def quiet():
    "no wakeup without a request"
    exporter = Exporter(command=(PLAIN,))

    def switches():
        with open(f"/proc/{exporter.process.pid}/status") as file:
            return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", file.read(), re.M)[1])
    scrape(exporter, 10)
    time.sleep(1)
    begun = switches()
    time.sleep(10)
    equal(switches() - begun, 0, "wakeups in 10 s")


@case("without TLS", "with TLS and passwords")
def memcheck(how):
    "valgrind finds nothing: no error, no memory lost:"
    log = f"{scratch}/valgrind.log"
    text = TLS + USERS if how.startswith("with ") else ""
    path = config(text)
    exporter = Exporter("--web-config", path, tls=context() if text else None, ready=False, command=(
        "valgrind", f"--log-file={log}", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=99", PLAIN))
    wait_until(exporter.listens, 60, "the exporter listening")
    headers = {"Authorization": basic("alice", "secret")} if text else {}
    for page in "/", "/metrics", "/healthz", "/api/v1/explain?port=443/tcp", "/api/v1/explain?port=x", "/api/v1/stats", "/nothing":
        for accept in "text/plain", "application/openmetrics-text;version=1.0.0":    # pylint: disable=redefined-outer-name
            check(exporter.status(page, Accept=accept, **headers) in (200, 400, 404, 503), page)
    if text:
        equal(exporter.status(Authorization=basic("alice", "wrong")), 401, "a wrong password")
    for mistake in "nonsense: 1\n", text:
        config(mistake)
        before = exporter.logged().count("\n")
        exporter.process.send_signal(signal.SIGHUP)
        wait_until(lambda: exporter.logged().count("\n") > before, 60, "the configuration being read again")    # pylint: disable=cell-var-from-loop
    until_closed(exporter.raw(b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n", 60))
    equal(exporter.status("/healthz", **headers), 200, "after all that")
    exporter.process.send_signal(signal.SIGTERM)
    status = exporter.process.wait(60)
    with open(log) as file:
        equal(status, 0, file.read())


def asked(exporter, path, headers):
    "The status of a request, None without a reply."
    try:
        return exporter.status(path, Accept="application/openmetrics-text", **headers)
    except (OSError, http.client.HTTPException):
        return None


# GnuTLS and libtasn1 do not bear it, so not with TLS.
@case("for everybody", "with passwords")
def no_memory(how):
    "each allocation fails once: it ends with a sentence, or answers the next request:"
    text = USERS if how == "with passwords" else ""
    headers = {"Authorization": basic("alice", "secret")} if text else {}
    for nth in itertools.count(1):
        here, there = os.pipe()
        exporter = Exporter("--web-config", config(text), ready=False, command=(PLAIN,), pass_fds=[there],
                            env={**os.environ, "LD_PRELOAD": NOMEMORY, "NOMEMORY": str(nth), "NOMEMORY_FD": str(there)})
        os.close(there)
        wait_until(lambda: exporter.process.poll() is not None or exporter.listens(), what="the exporter listening")    # pylint: disable=cell-var-from-loop
        for path in "/metrics", "/", "/api/v1/explain?port=80", "/nothing":
            asked(exporter, path, headers)
        # Of two requests only one can be that which fails.
        if 200 in [asked(exporter, "/healthz", headers) for _ in range(2)]:
            exporter.process.terminate()
            equal(exporter.process.wait(20), 0, f"status, allocation {nth}: {exporter.logged()}")
        else:
            equal(exporter.process.wait(20), 1, f"status, allocation {nth}: {exporter.logged()}")
            check(exporter.logged(), f"no sentence, allocation {nth}")
        with os.fdopen(here) as report:
            if not report.read():
                break
    note(f"{nth - 1} allocations")
    check(nth > 20, f"{nth - 1} allocations")


run()
