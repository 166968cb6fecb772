# SPDX-License-Identifier: GPL-2.0
"""portmon-ctl: run it, with or without a terminal; check its status, message and JSON."""
import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import tempfile
import termios
import threading

from lib.ktap import check, defer, equal, wait_until
from lib.process import sh


def ctl(*arguments, netns=None, **options):
    "portmon-ctl ARGUMENTS --json, in a namespace: its document."
    with netns.enter() if netns else contextlib.nullcontext():
        return json.loads(sh("portmon-ctl", *arguments, "--json", **options))


DONE, FAILED, USAGE = 0, 1, 2


def ctl_text(*arguments, netns=None, **options):
    "portmon-ctl ARGUMENTS, which has to succeed: its standard output."
    with netns.enter() if netns else contextlib.nullcontext():
        return sh("portmon-ctl", *arguments, **options)


def run_ctl(*arguments, netns=None, user=None, env=None, **options):
    "Run portmon-ctl; returns status, standard output, standard error."
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    with netns.enter() if netns else contextlib.nullcontext():
        done = subprocess.run(["portmon-ctl", *arguments], user=user, group=user, extra_groups=[] if user else None,
                              env={**os.environ, **(env or {})}, **options)
    return done.returncode, done.stdout, done.stderr


def sockets(netns, process):
    "The generic netlink sockets of a program that listen to a group: the lines of /proc/net/netlink, in columns."
    with netns.enter(), open("/proc/net/netlink") as file:
        lines = [line.split() for line in file.readlines()[1:]]
    # libnl makes the port number of the process and the number of the socket.
    # Group 16 reports families that appear and disappear, and is joined first.
    return [line for line in lines
            if line[1] == "16" and int(line[2]) & 0x3fffff == process.pid and int(line[3], 16) & ~0x8000]


def listening(netns, *monitors):
    "Wait until each portmon-ctl monitor listens."
    def joined(monitor):
        check(monitor.poll() is None, f"monitor has ended: {monitor.poll()}")
        return sockets(netns, monitor)
    # Each by itself: the file is read in pieces, and a socket that comes meanwhile makes others appear twice.
    wait_until(lambda: all(map(joined, monitors)), what="monitor listening")


def ctl_on_terminal(*arguments, columns=80, **options):
    "Run portmon-ctl on a terminal: status, what the terminal received, standard error."
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    out = []

    def read():
        # To the end, which comes when nobody has the other side: what there is may come bit by bit.
        with contextlib.suppress(OSError):
            while data := os.read(ours, 65536):
                out.append(data)

    # Meanwhile, since a terminal that nobody reads has room for 12 kB.
    reader = threading.Thread(target=read)
    reader.start()
    try:
        status, _, err = run_ctl(*arguments, stdout=theirs, **options)
    finally:
        os.close(theirs)
        reader.join()
    os.close(ours)
    return status, b"".join(out).decode(), err


def expect_message(status, sentence, *arguments, quiet=True, **options):
    "portmon-ctl ends with this status and a message that matches, and (quiet) prints nothing else."
    what = f"portmon-ctl {' '.join(arguments)}"
    got, out, err = run_ctl(*arguments, **options)
    check(got == status, f"{what}: status {got}, wanted {status}; said {err!r}")
    lines = err.splitlines()
    check(lines and lines[0].startswith("portmon-ctl: "), f"{what}: said {err!r}")
    check(re.search(sentence, lines[0]), f"{what}: said {lines[0]!r}, wanted {sentence!r}")
    if status == USAGE:
        lines = [line for line in lines if not line.startswith("usage: portmon-ctl ")]
    equal(len(lines), 1, f"{what}: sentences in {err!r}")
    if quiet and status != DONE:
        equal(out or "", "", f"{what}: standard output")
    return out


def own_services(text):
    "A services file of the user, until the case (outside of a case: the file) ends; returns the environment that selects it."
    folder = tempfile.mkdtemp(prefix="portmon-")
    defer(sh, "rm", "-rf", folder)
    os.chmod(folder, 0o755)
    os.mkdir(f"{folder}/portmon")
    with open(f"{folder}/portmon/services", "w") as file:
        file.write(text)
    return {"XDG_CONFIG_HOME": folder}
