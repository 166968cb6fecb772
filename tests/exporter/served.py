# SPDX-License-Identifier: GPL-2.0
"""portmon-exporter on the host, without the module, for the tests beside this; certificates and passwords for it.

PORTMON_EXPORTER is the program, PORTMON_EXPORTER_ASAN the same with AddressSanitizer, PORTMON_PROMETHEUS a folder with Prometheus'
package unpacked, PORTMON_RECORDED one with what the exporter of a counting host returned (tests/exporter.py).
"""
import base64
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
from lib.ktap import check, defer, equal, wait_until    # noqa: E402
from lib.process import sh    # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
PLAIN = os.environ.get("PORTMON_EXPORTER", f"{TOP}/tool/portmon-exporter")
# The same with AddressSanitizer, for all but what it costs.
EXPORTER = os.environ.get("PORTMON_EXPORTER_ASAN", PLAIN)
PROMETHEUS = os.environ["PORTMON_PROMETHEUS"]
RECORDED = os.environ["PORTMON_RECORDED"]

scratch = tempfile.mkdtemp(prefix="portmon-")
os.chmod(scratch, 0o755)
defer(sh, "rm", "-rf", scratch)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def cpu(pid):
    "CPU time of a process, in ticks."
    with open(f"/proc/{pid}/stat") as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))


class Exporter:
    "portmon-exporter on a port of its own, until the case ends."

    def __init__(self, *arguments, ready=True, command=(EXPORTER,), tls=None, **options):
        self.port = free_port()
        self.tls = tls
        self.log = tempfile.TemporaryFile("w+", dir=scratch)    # pylint: disable=consider-using-with
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([*command, "--listen", f"127.0.0.1:{self.port}", *arguments], stderr=self.log, **options)
        defer(self.stop)
        if ready:
            wait_until(self.listens, what="the exporter listening")

    def listens(self):
        equal(self.process.poll(), None, f"status of the exporter: {self.logged()}")
        with socket.socket() as sock:
            return not sock.connect_ex(("127.0.0.1", self.port))

    def logged(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            equal(self.process.wait(30), 0, f"status of the exporter: {self.logged()}")

    def request(self, path="/metrics", method="GET", timeout=30, **headers):
        "Status, headers, body."
        kind = http.client.HTTPSConnection if self.tls else http.client.HTTPConnection
        options = {"context": self.tls} if self.tls else {}
        connection = kind("127.0.0.1", self.port, timeout=timeout, **options)
        try:
            connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
            reply = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read().decode()
        finally:
            connection.close()

    def status(self, *arguments, **headers):
        return self.request(*arguments, **headers)[0]

    def raw(self, data=b"", timeout=30):
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        defer(sock.close)
        sock.sendall(data)
        return sock

    def answers_within(self, seconds):
        begun = time.monotonic()
        equal(self.status(timeout=seconds + 5), 200, "status of a scrape")
        took = time.monotonic() - begun
        check(took <= seconds, f"a scrape took {took:.1f} s")
        return took

    def cpu(self):
        return cpu(self.process.pid)

    def fds(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def until_closed(sock):
    "All that is received until the other end closes."
    data = b""
    try:
        while part := sock.recv(65536):
            data += part
    except ConnectionResetError:
        pass
    return data


def certificate(name, signer=None, ca=False):
    "NAME.crt and NAME.key."
    subject = ["-subj", f"/CN={name}", "-keyout", f"{scratch}/{name}.key", "-out", f"{scratch}/{name}.crt", "-days", "2", "-nodes"]
    sign = ["-CA", f"{scratch}/{signer}.crt", "-CAkey", f"{scratch}/{signer}.key"] if signer else []
    sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", *subject, *sign,
       "-addext", f"basicConstraints=critical,CA:{'TRUE' if ca else 'FALSE'}", "-addext", "subjectAltName=IP:127.0.0.1")


def config(text, name="web.yml"):
    with open(f"{scratch}/{name}", "w") as file:
        file.write(text)
    return f"{scratch}/{name}"


TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
# Of "secret", by crypt(3), at a cost that tests can afford.
HASH = subprocess.run(["perl", "-e", "print crypt('secret', '$2y$05$abcdefghijklmnopqrstuu')"], capture_output=True, text=True, check=True).stdout
USERS = f"basic_auth_users:\n  alice: {HASH}\n"

certificate("ca", ca=True)
certificate("server", "ca")
certificate("client", "ca")
certificate("other", ca=True)


def context(client=None):
    made = ssl.create_default_context(cafile=f"{scratch}/ca.crt")
    if client:
        made.load_cert_chain(f"{scratch}/{client}.crt", f"{scratch}/{client}.key")
    return made


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
