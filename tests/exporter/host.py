#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""portmon-exporter without the module, on the host: HTTP and hostile clients, TLS and passwords, the page.

PLAYWRIGHT is a folder with npm's playwright-core; for the other variables see served.py.
"""
import contextlib
import http.client
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
from lib.ktap import becomes, case, check, defer, equal, note, run, wait_until    # noqa: E402
from served import (EXPORTER, HASH, PLAIN, PROMETHEUS, RECORDED, TLS, TOP, USERS, Exporter, basic, config, context, cpu, free_port,    # noqa: E402
                    scratch, until_closed)

SCREENSHOTS = f"{TOP}/build/exporter"
FUZZ_SECONDS = int(os.environ.get("FUZZ_SECONDS", 5))


# HTTP

@case()
def paths():
    "each path has its type and status; other methods and paths are refused"
    exporter = Exporter()
    status, headers, body = exporter.request()
    equal((status, headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"), "/metrics")
    check("\nportmon_up 0\n" in body, "the module is not loaded here")
    status, headers, body = exporter.request("/")
    equal((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"), "/")
    check("default-src 'none'" in headers["Content-Security-Policy"], "a policy for the page")
    check("unsafe" not in headers["Content-Security-Policy"], "nothing unsafe")
    equal(headers["X-Content-Type-Options"], "nosniff", "type sniffing")
    equal(exporter.request("/healthz")[::2], (200, "ok\n"), "/healthz")
    equal(exporter.status("/api/v1/stats"), 503, "/api/v1/stats without the module")
    equal(exporter.status("/api/v1/explain?port=443"), 200, "/api/v1/explain needs no module")
    equal(exporter.status("/nothing"), 404, "another path")
    for method in "POST", "PUT", "DELETE", "OPTIONS", "TRACE":
        equal(exporter.status("/metrics", method), 405, method)
    status, headers, body = exporter.request("/metrics", "HEAD")
    equal((status, body), (200, ""), "HEAD")
    check(int(headers["Content-Length"]) > 500, "length of HEAD")
    check("module is not loaded" in exporter.logged(), exporter.logged())


@case()
def accept():
    "the header Accept chooses the form"
    exporter = Exporter()
    prometheus = ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
    for header, wanted in ((prometheus, True), ("application/openmetrics-text", True), ("text/plain", False), ("*/*", False),
                           ("application/openmetrics-text;q=0.1, text/plain;q=0.9", False), ("", False), (";;;,,,q=", False),
                           ("application/openmetrics-text; version=0.0.1", False), ("application/openmetrics-text;q=0", False),
                           ("APPLICATION/OpenMetrics-Text ; q=1.0 ; version=1.0.0", True),
                           ("application/openmetrics-text;q=x", False), ("a" * 300 + ",application/openmetrics-text", True)):
        _, headers, body = exporter.request(Accept=header)
        equal("openmetrics" in headers["Content-Type"], wanted, header)
        equal(body.endswith("# EOF\n"), wanted, f"end of what {header} gets")


@case()
def rebinding():
    "on loopback only local names of the host are answered"
    exporter = Exporter("--host", "metrics.example")
    for host in "localhost", f"localhost:{exporter.port}", "127.0.0.1:1", "127.9.8.7", "[::1]", "[::1]:80", "metrics.example", "metrics.example:9807", "Metrics.Example", "LOCALHOST":
        equal(exporter.status(Host=host), 200, host)
    for host in "example.com", "localhost.example.com", "127.0.0.1.example.com", "localhost:x", "metrics.example:x", "metrics.example.com", "[::1", "[::2]", "10.0.0.1", "a" * 100:
        equal(exporter.status(Host=host), 403, host)


@case()
def options():
    "wrong options: a sentence, the usage line and status 2"
    for arguments, word in ((["--nonsense"], "usage:"), (["x"], "unexpected"), (["--ports", "a"], "'a' is not"), (["--ports", "1-0"], "is not"),
                            (["--ports", "80/x"], "unknown transport"),
                            (["--ports", ",".join(map(str, range(1, 300)))], "more than 256"), (["--listen", "[::1]:1"] * 17, "16 times"), (["--max-ports", "-1"], "number"), (["--max-series", "10"], "at least"),
                            (["--max-series", "9999999"], "number"), (["--listen", "nowhere:1"], "not an address"), (["--listen", ":x"], "not an address"),
                            (["--listen", "1.2.3.4.5"], "not an address"), (["--listen", "[::1"], "not an address"),
                            *((["--listen", bad], "not an address") for bad in (
                                "", "[]", "[]:80", ":", ":0", "0", "65536", "70000", "127.0.0.1:70000", ": 80", ":+80", "127.0.0.1:-1", "[::1]:8x",
                                "[::1]8"))):
        done = subprocess.run([EXPORTER, *arguments], capture_output=True, text=True, timeout=20, check=False)
        equal((done.returncode, done.stdout), (2, ""), f"{arguments}: {done.stderr}")
        check(word in done.stderr, f"{arguments}: {done.stderr}")
    done = subprocess.run([EXPORTER, "--help"], capture_output=True, text=True, timeout=20, check=True)
    check("--max-series N" in done.stdout, done.stdout)
    done = subprocess.run([EXPORTER, "--version"], capture_output=True, text=True, timeout=20, check=True)
    check(done.stdout.startswith("portmon-exporter "), done.stdout)
    exporter = Exporter()
    done = subprocess.run([EXPORTER, "--listen", f"127.0.0.1:{exporter.port}"], capture_output=True, text=True, timeout=20, check=False)
    equal(done.returncode, 1, "status where the port is taken")
    check("in use" in done.stderr, done.stderr)
    done = subprocess.run([EXPORTER, "--listen", "2001:db8::1"], capture_output=True, text=True, timeout=20, check=False)
    equal(done.returncode, 1, f"status where the address is of another host: {done.stderr}")
    with socket.socket() as taken:
        with contextlib.suppress(OSError):      # or somebody else has it
            taken.bind(("127.0.0.1", 9807))
            taken.listen()
        done = subprocess.run([EXPORTER], capture_output=True, text=True, timeout=20, check=False)
    equal(done.returncode, 1, f"status where the usual port is taken: {done.stderr}")


@case()
def addresses():
    "it listens on all addresses by a port alone, or on one of IPv6; the header Host is checked on loopback only"
    port, other = free_port(), free_port()
    exporter = Exporter("--listen", f":{port}", "--listen", f"[::1]:{other}", "--ports", "443/tcp,53/udp")
    equal(exporter.status("/healthz"), 200, "all of it is there")
    for address, at in ("127.0.0.1", port), ("::1", port), ("::1", other):
        for host, wanted in ("localhost", 200), ("example.com", 403):
            connection = http.client.HTTPConnection(address, at, timeout=20)
            connection.request("GET", "/healthz", headers={"Host": host})
            equal(connection.getresponse().status, wanted, f"{address} {host}")
            connection.close()


@case()
def crowded():
    "without a file descriptor for another connection the oldest one is closed, and a scrape is answered"
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    exporter = Exporter()
    # Of a connection each, and what it has open anyway.
    resource.prlimit(exporter.process.pid, resource.RLIMIT_NOFILE, (exporter.fds() + 10, limits[1]))
    for _ in range(20):
        exporter.raw(b"GET /metrics HTTP/1.1\r\n")
    exporter.answers_within(11)


@case()
def systemd():
    "sockets of the service manager are used, and it is notified when the exporter is ready and when it stops"
    notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    defer(notices.close)
    notices.bind(f"{scratch}/notify")
    notices.settimeout(20)
    listener = socket.socket()
    defer(listener.close)
    listener.bind(("127.0.0.1", 0))
    listener.listen()

    def hand_over():
        os.dup2(listener.fileno(), 3)
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", NOTIFY_SOCKET=f"{scratch}/notify")
        os.execv(EXPORTER, [EXPORTER])
    pid = os.fork()
    if not pid:
        hand_over()
    equal(notices.recv(100), b"READY=1", "first notice")
    connection = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1], timeout=20)
    with socket.create_connection(listener.getsockname(), timeout=20) as open_request:
        open_request.sendall(b"GET /healthz HTTP/1.1\r\n")
        connection.request("GET", "/healthz")
        equal(connection.getresponse().status, 200, "status")
        os.kill(pid, signal.SIGTERM)
        equal(notices.recv(100), b"STOPPING=1", "last notice")
        # The next client, whom the service manager has a new exporter for.
        with socket.create_connection(listener.getsockname(), timeout=20):
            before = cpu(pid)
            time.sleep(1)
            check(cpu(pid) - before < 5, f"{cpu(pid) - before} ticks in 1 s of waiting for the end")
    equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, "status of the exporter")
    connection.close()
    handed = ["sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@" 3<&%d']
    full = [word for _ in range(16) for word in ("--listen", f"127.0.0.1:{free_port()}")]
    with open("/dev/null") as nothing, socket.socket() as sock:
        sock.listen()
        for fd, more, wanted in (nothing.fileno(), [], "not a socket that listens"), (sock.fileno(), full, "too many addresses"):
            done = subprocess.run([*handed[:2], handed[2] % fd, EXPORTER, *more], pass_fds=[fd], capture_output=True, text=True, timeout=20,
                                  check=False)
            equal((done.returncode, wanted in done.stderr), (1, True), f"status: {done.stderr}")
    with socket.socket(socket.AF_UNIX) as sock, socket.socket(socket.AF_UNIX) as caller:
        sock.bind(f"{scratch}/http")
        sock.listen()
        Exporter(command=(*handed[:2], handed[2] % sock.fileno(), EXPORTER), pass_fds=[sock.fileno()])
        caller.connect(f"{scratch}/http")
        caller.sendall(b"GET /healthz HTTP/1.1\r\nHost: any\r\n\r\n")
        check(caller.recv(100).startswith(b"HTTP/1.1 200"), "a socket of the file system")


@case()
def finishes():
    "SIGTERM finishes a request that is open, the first or the second of its connection, and takes no more"
    exporter = Exporter()
    sock = exporter.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
    second = exporter.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    wait_until(lambda: b"ok\n" in second.recv(4096, socket.MSG_PEEK), what="the first reply")
    second.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
    wait_until(lambda: exporter.status("/healthz") == 200, what="the exporter having read it")
    exporter.process.send_signal(signal.SIGTERM)

    def closed():
        with socket.socket() as other:
            return other.connect_ex(("127.0.0.1", exporter.port))
    wait_until(closed, what="no more connections")
    exporter.process.send_signal(signal.SIGTERM)
    sock.sendall(b"\r\n")
    check(until_closed(sock).startswith(b"HTTP/1.1 200"), "the reply")
    second.sendall(b"\r\n")
    equal(until_closed(second).count(b"HTTP/1.1 200"), 2, "replies to two requests")
    equal(exporter.process.wait(20), 0, "status of the exporter")


@case()
def notified():
    "an abstract name of the service manager's socket is understood, and a socket without a reader does no harm"
    notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    defer(notices.close)
    notices.bind(f"\0{scratch}/abstract")
    notices.settimeout(20)
    Exporter(env={**os.environ, "NOTIFY_SOCKET": f"@{scratch}/abstract"})
    equal(notices.recv(100), b"READY=1", "first notice")
    for name in f"{scratch}/none", "relative", "/" + "a" * 200:
        equal(Exporter(env={**os.environ, "NOTIFY_SOCKET": name}).status("/healthz"), 200, name[:20])


@case()
def with_body():
    "what a client sends beside its headers is read and left alone"
    reply = until_closed(Exporter().raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"))
    check(reply.startswith(b"HTTP/1.1 200") and reply.endswith(b"ok\n"), reply)


@case()
def kept():
    "connections are kept, and requests of the same second have one reading"
    exporter = Exporter()
    connection = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=20)
    bodies = set()
    for _ in range(5):
        connection.request("GET", "/metrics")
        bodies.add(connection.getresponse().read())
    connection.close()
    check(len(bodies) <= 2, f"{len(bodies)} readings")


# Hostile clients

@case()
def too_long():
    "a long path is 414, long headers are 431, garbage is 400 or nothing; none does harm"
    exporter = Exporter()
    check(until_closed(exporter.raw(b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 414"), "414")
    check(until_closed(exporter.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20000 + b"\r\n\r\n"))
          .startswith(b"HTTP/1.1 431"), "431")
    for garbage in b"\0" * 100, b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b" \r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", os.urandom(300) + b"\r\n\r\n":
        reply = until_closed(exporter.raw(garbage))
        check(not reply.startswith(b"HTTP/1.1 200"), f"{garbage[:20]}: {reply[:60]}")
    exporter.answers_within(1)


@case()
def slow_header():
    "a client that sends a byte now and then is closed after 10 s, in its first request and in its second"
    exporter = Exporter()
    sock = exporter.raw(b"GET /metrics HTTP/1.1\r\n")
    second = exporter.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    wait_until(lambda: b"ok\n" in second.recv(4096, socket.MSG_PEEK), what="the first reply")
    begun = time.monotonic()
    second.sendall(b"GET /healthz")
    try:
        while time.monotonic() - begun < 20:
            sock.sendall(b"X")
            time.sleep(0.5)
        check(False, "it is still open after 20 s")
    except (BrokenPipeError, ConnectionResetError):
        pass
    took = time.monotonic() - begun
    check(8 < took < 14, f"closed after {took:.1f} s")
    equal(until_closed(second).count(b"HTTP/1.1 "), 1, "replies to the second client")
    took = time.monotonic() - begun
    check(8 < took < 16, f"the second closed after {took:.1f} s")
    exporter.answers_within(1)


@case()
def slow_reader():
    "clients that do not read their reply are closed after 10 s"
    exporter = Exporter()
    exporter.answers_within(1)
    before = exporter.fds()
    for _ in range(20):
        sock = socket.socket()
        defer(sock.close)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        sock.connect(("127.0.0.1", exporter.port))
        # So many requests that no buffer holds all replies.
        sock.setblocking(False)
        try:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2000)
        except BlockingIOError:
            pass
    wait_until(lambda: exporter.fds() >= before + 19, what="the readers being connected")
    exporter.answers_within(1)
    wait_until(lambda: exporter.fds() <= before, 25, "the readers being closed")
    exporter.answers_within(1)


@case()
def half_open():
    "of 200 half-open connections 32 stay; a scrape is answered meanwhile and after"
    exporter = Exporter()
    held = []
    stop = threading.Event()

    def flood():
        while not stop.is_set():
            try:
                held.append(exporter.raw(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"))
            except OSError:
                pass
            time.sleep(0.005)
    thread = threading.Thread(target=flood)
    thread.start()
    wait_until(lambda: len(held) >= 200, what="200 connections")
    begun, failed = time.monotonic(), 0
    while True:
        try:
            took = exporter.answers_within(11)
            break
        except (OSError, http.client.HTTPException):
            failed += 1
            check(time.monotonic() - begun < 11, "no scrape was answered")
    check(exporter.fds() <= 32 + 32 + 20, f"{exporter.fds()} file descriptors")
    stop.set()
    thread.join()
    exporter.answers_within(1)
    note(f"{len(held)} half-open connections, a scrape took {took:.2f} s, {failed} were cut off")


@case()
def full_of_readers():
    "at the limit it is the oldest that goes, also where all others do not read: a request that is being sent stays"
    exporter = Exporter()
    readers = []
    for _ in range(31):
        sock = socket.socket()
        defer(sock.close)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        sock.connect(("127.0.0.1", exporter.port))
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2000)
        readers.append(sock)
    ours = exporter.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
    wait_until(lambda: exporter.fds() >= 32 + 4, what="32 connections")
    equal(exporter.status("/healthz"), 200, "one more")
    ours.sendall(b"Connection: close\r\n\r\n")
    check(until_closed(ours).endswith(b"ok\n"), "the request that was being sent")


@case()
def fuzzed():
    "requests and headers of all kinds do not stop it"
    exporter = Exporter()
    pieces = [b"GET ", b"HEAD ", b"POST ", b"/metrics", b"/api/v1/explain?port=", b"/", b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b"\r\n", b"Host: ",
              b"localhost", b"[::1]:", b"Accept: ", b"application/openmetrics-text", b";q=", b"0.", b",", b";version=1.0.0", b"text/*",
              b"Authorization: Basic ", b"Content-Length: ", b"99999999999", b"-1", b"Transfer-Encoding: chunked\r\n", b"%00", b"%", b"\0",
              b"Connection: keep-alive\r\n", b"Expect: 100-continue\r\n", b"a" * 300, b"65536", b"443/tcp"]
    seed = random.randrange(1 << 32)
    note(f"seed {seed}")
    rng, n, end = random.Random(seed), 0, time.monotonic() + FUZZ_SECONDS
    while time.monotonic() < end:
        with socket.create_connection(("127.0.0.1", exporter.port), timeout=5) as sock:
            data = b"".join(rng.choice(pieces) if rng.random() < 0.9 else rng.randbytes(rng.randrange(20))
                            for _ in range(rng.randrange(1, 40)))
            try:
                sock.sendall(data)
                sock.settimeout(0.01)
                sock.recv(1000)
            except OSError:
                pass
        n += 1
        equal(exporter.process.poll(), None, f"status after {data!r}")
    exporter.answers_within(1)
    note(f"{n} requests")


# TLS and passwords

@case()
def tls():
    "TLS; a client certificate that is demanded and missing, or of others, is refused"
    exporter = Exporter("--web-config", config(TLS), tls=context())
    equal(exporter.status(), 200, "over TLS")
    plain = until_closed(exporter.raw(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"))
    check(b"200" not in plain, "without TLS")
    for kind, taken in (("RequireAndVerifyClientCert", (False, False)), ("VerifyClientCertIfGiven", (True, False)),
                        ("RequireAnyClientCert", (False, True)), ("RequestClientCert", (True, True))):
        ca = "  client_ca_file: ca.crt\n" if "Verify" in kind else ""
        exporter = Exporter("--web-config", config(f"{TLS}{ca}  client_auth_type: {kind}\n"))
        for who, good in ("client", True), (None, taken[0]), ("other", taken[1]), ("client", True):
            exporter.tls = context(who)
            try:
                status = exporter.status()
            except OSError:
                status = None
            equal(status, 200 if good else None, f"{kind}, the certificate of {who}")


@case()
def passwords():
    "a wrong or missing password is 401; an unknown user takes as long as a known one"
    exporter = Exporter("--web-config", config(USERS))
    status, headers, _ = exporter.request()
    equal((status, headers["WWW-Authenticate"][:5]), (401, "Basic"), "without a password")
    equal(exporter.status(Authorization=basic("alice", "secret")), 200, "the right one")
    for user, password in ("alice", "wrong"), ("alice", ""), ("bob", "secret"), ("", ""), ("alice", "secret" * 100), ("a" * 600, "x"), (":", ":"):
        equal(exporter.status(Authorization=basic(user, password)), 401, f"{user[:10]} {password[:10]}")
    for header in "Basic", "Basic !", "Bearer x", "Basic " + "A" * 2000:
        equal(exporter.status(Authorization=header), 401, header[:20])
    for path in "/", "/healthz", "/api/v1/stats", "/nothing":
        equal(exporter.status(path), 401, path)
    # What an unknown user takes is not that of the first.
    slow = config(f"basic_auth_users:\n  carol: {HASH}\n  alice: " + subprocess.run(
        ["perl", "-e", "print crypt('secret', '$2y$09$abcdefghijklmnopqrstuu')"], capture_output=True, text=True, check=True).stdout + "\n", "slow.yml")
    exporter = Exporter("--web-config", slow)

    def spent(user, password):
        before, n = exporter.cpu(), 0
        while n < 20:
            if exporter.status(Authorization=basic(user, password)) == 429:
                time.sleep(0.2)
            else:
                n += 1
        return exporter.cpu() - before
    known, unknown, good = spent("alice", "wrong"), spent("bob", "wrong"), spent("alice", "secret")
    check(0.6 < unknown / known < 1.6, f"ticks: known {known}, unknown {unknown}")
    check(good < known / 4, f"ticks: known {known}, kept {good}")
    note(f"CPU ticks of 20 requests: wrong password {known}, unknown user {unknown}, right {good}")


@case()
def many_passwords():
    "passwords that are tried one after the other are refused before they take all of the time"
    dear = config("basic_auth_users:\n  alice: " + subprocess.run(
        ["perl", "-e", "print crypt('secret', '$2y$12$abcdefghijklmnopqrstuu')"], capture_output=True, text=True, check=True).stdout + "\n", "dear.yml")
    exporter = Exporter("--web-config", dear, command=(PLAIN,))
    good = basic("alice", "secret")
    equal(exporter.status(Authorization=good), 200, "the right one")
    seen, stop = [], threading.Event()

    def guess():
        while not stop.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException):
                seen.append(exporter.status(Authorization=basic("alice", os.urandom(8).hex())))
    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: 429 in seen and 401 in seen, what="passwords being refused")
    before, begun = exporter.cpu(), time.monotonic()
    longest = 0
    while time.monotonic() - begun < 4:
        sent = time.monotonic()
        equal(exporter.status(Authorization=good), 200, "the right one meanwhile")
        longest = max(longest, time.monotonic() - sent)
    spent = (exporter.cpu() - before) / os.sysconf("SC_CLK_TCK")
    stop.set()
    for thread in threads:
        thread.join()
    equal(set(seen), {401, 429}, "replies to wrong ones")
    check(seen.count(401) < 40, f"{seen.count(401)} were checked")
    becomes(lambda: exporter.status(Authorization=basic("alice", "wrong")), 401, "a wrong one afterwards")
    note(f"{seen.count(401)} checked, {seen.count(429)} refused; {spent:.1f} s of CPU time in 4 s; the longest scrape took {longest:.2f} s")


@case()
def wrong_config():
    "a web configuration with a mistake: file, line and what is wrong"
    config("", "empty.yml")
    for text, wanted in ((TLS + "  min_version: TLS13\n", ":4: unknown key: 'min_version'"), ("nonsense: 1\n", ":1: unknown key"),
                         ("tls_server_config:\n  cert_file: server.crt\n", "needs cert_file and key_file"), ("- a\n", ":1: expected keys"),
                         (USERS + "  bob: secret\n", ":3: the password of 'bob' is not a bcrypt hash"), ("basic_auth_users: {}\n", "no user"),
                         (TLS + "  client_auth_type: Maybe\n", ":4: unknown client_auth_type: 'Maybe'"), ("a: [\n", ":2: "),
                         (TLS + "  client_auth_type: RequireAndVerifyClientCert\n", "needs client_ca_file"), (TLS + TLS, ":4: key given twice"),
                         (USERS + f"  alice: {HASH}\n", ":3: user given twice"), (TLS.replace("server.key", "none.key"), "cannot read"),
                         (TLS.replace("server.key", "/none.key"), "cannot read /none.key"),
                         (TLS.replace("server.crt", "[a]"), ":2: expected one value"), (TLS.replace("server.crt", '"a\\0b"'), ":2: a value has a zero byte"),
                         ("basic_auth_users: x\n", "expected names and hashes"), (USERS.replace("alice", '"a:b"'), "not the name of a user"),
                         (USERS.replace("alice", "[a]"), "expected one value"), (TLS.replace("server.crt", "empty.yml"), "it is empty"),
                         (TLS + "  client_auth_type: [a]\n", "expected one value"), (TLS + "  client_ca_file: ca.crt\n", "a client_auth_type that verifies"),
                         (TLS.replace("server.key", "client.key"), "cannot serve"), (TLS.replace("server.crt", "web.yml"), "cannot serve")):
        done = subprocess.run([EXPORTER, "--listen", f"127.0.0.1:{free_port()}", "--web-config", config(text)],
                              capture_output=True, text=True, timeout=20, check=False)
        check(done.returncode in (1, 2), f"{text}: status {done.returncode}")
        check(wanted in done.stderr, f"{wanted}: {done.stderr}")
        check("secret" not in done.stderr, "a password in the log")
    rng = random.Random(1)
    good = TLS + USERS
    end, n = time.monotonic() + FUZZ_SECONDS / 2, 0
    while time.monotonic() < end:
        at = rng.randrange(len(good))
        text = good[:at] + rng.choice("{}[]:-&*!|>'\"%@`\n\t\0#,x") * rng.randrange(1, 4) + good[at + rng.randrange(3):]
        done = subprocess.run([EXPORTER, "--listen", "192.0.2.77:1", "--web-config", config(text)], capture_output=True, timeout=20, check=False)
        check(done.returncode in (1, 2), f"status {done.returncode} of {text!r}")
        n += 1
    note(f"{n} broken configurations")


@case()
def hangup():
    "SIGHUP reloads the files; with a mistake in them the exporter continues as before"
    path = config(USERS)
    exporter = Exporter("--web-config", path)
    equal(exporter.status(Authorization=basic("alice", "secret")), 200, "alice")
    config(USERS.replace("alice", "carol"))
    exporter.process.send_signal(signal.SIGHUP)
    wait_until(lambda: exporter.status(Authorization=basic("carol", "secret")) == 200, what="carol being let in")
    equal(exporter.status(Authorization=basic("alice", "secret")), 401, "alice")
    config("nonsense: 1\n")
    exporter.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "going on" in exporter.logged(), what="the mistake being logged")
    equal(exporter.status(Authorization=basic("carol", "secret")), 200, "carol")
    config(TLS)
    exporter.process.send_signal(signal.SIGHUP)
    exporter.tls = context()

    def over_tls():
        try:
            return exporter.status() == 200
        except OSError:
            return False
    wait_until(over_tls, what="TLS")


@case()
def hangup_kept():
    "after SIGHUP an open request is answered, and its connection ends"
    exporter = Exporter("--web-config", config("", "empty.yml"))
    sock = exporter.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n", 10)
    idle = exporter.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 10)
    wait_until(lambda: b"ok\n" in idle.recv(4096, socket.MSG_PEEK), what="the exporter having read both")
    exporter.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "reloaded" in exporter.logged(), what="the configuration being read again")
    check(until_closed(idle).startswith(b"HTTP/1.1 200"), "the reply before")
    sock.sendall(b"\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n")
    equal(until_closed(sock).count(b"HTTP/1.1 200"), 1, "replies with the connection of before")
    equal(exporter.status("/healthz"), 200, "with a new connection")
    # Twice while a request is open: nobody waits for that of the configuration before the last.
    sock = exporter.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n", 10)
    wait_until(lambda: exporter.status("/healthz") == 200, what="the exporter having read it")
    for turns in 2, 3:
        exporter.process.send_signal(signal.SIGHUP)
        wait_until(lambda: exporter.logged().count("reloaded") == turns, what="the configuration being read again")    # pylint: disable=cell-var-from-loop
    equal(until_closed(sock), b"", "the reply")
    equal(exporter.status("/healthz"), 200, "after all")


@case()
def prometheus_scrapes():
    "Prometheus itself scrapes over TLS with a password and a client certificate; without them it does not"
    exporter = Exporter("--web-config", config(TLS + "  client_ca_file: ca.crt\n  client_auth_type: RequireAndVerifyClientCert\n" + USERS),
                        tls=context("client"))
    port = free_port()
    target = f"static_configs: [{{targets: ['127.0.0.1:{exporter.port}']}}]"
    own = f"ca_file: {scratch}/ca.crt, cert_file: {scratch}/client.crt, key_file: {scratch}/client.key"
    with open(f"{scratch}/prometheus.yml", "w") as file:
        file.write("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n"
                   f"- {{job_name: good, scheme: https, tls_config: {{{own}}}, basic_auth: {{username: alice, password: secret}}, {target}}}\n"
                   f"- {{job_name: wrong, scheme: https, tls_config: {{{own}}}, basic_auth: {{username: alice, password: x}}, {target}}}\n"
                   f"- {{job_name: bare, scheme: https, tls_config: {{ca_file: {scratch}/ca.crt}}, basic_auth: {{username: alice, password: secret}}, {target}}}\n")
    process = subprocess.Popen([f"{PROMETHEUS}/usr/bin/prometheus", f"--config.file={scratch}/prometheus.yml",    # pylint: disable=consider-using-with
                                f"--storage.tsdb.path={scratch}/tsdb", f"--web.listen-address=127.0.0.1:{port}"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    defer(process.wait)
    defer(process.kill)

    def targets():
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("GET", "/api/v1/targets")
            found = json.load(connection.getresponse())["data"]["activeTargets"]
            return {t["labels"]["job"]: (t["health"], "401" in t["lastError"]) for t in found}
        except (OSError, ValueError):
            return {}
    becomes(targets, {"good": ("up", False), "wrong": ("down", True), "bare": ("down", False)}, "targets", 60)


@case()
def page():
    "the page in Chromium: it shows traffic, explains, works by keyboard and on a narrow screen, and asks nobody else"
    exporter = Exporter()
    os.makedirs(SCREENSHOTS, exist_ok=True)
    done = subprocess.run(["node", f"{os.path.dirname(os.path.realpath(__file__))}/page.mjs", f"http://127.0.0.1:{exporter.port}",
                           RECORDED, SCREENSHOTS], capture_output=True, text=True, timeout=300, check=False)
    equal((done.returncode, done.stdout), (0, ""), done.stderr)


run()
