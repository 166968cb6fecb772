#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Names that any user of the machine can choose do nothing to the terminal of who reads them."""
import ctypes
import json
import os
import re
import signal
import socket
import subprocess

from lib import top as live
from lib.ctl import DONE, ctl_on_terminal, own_services, run_ctl
from lib.ktap import case, check, defer, equal, run
from lib.netns import Netns
from lib.packets import Packets

PORT = 7070
# At most 15 bytes each, as a process's name is: CSI of C1, then ESC; right-to-left; not UTF-8, a line end.
NAMES = {"C1": "a\u009b31m\x1b[2Jz".encode(), "direction": "a\u202etxt.exe".encode(), "no UTF-8": b"a\xff\xc2\n\x7fz"}
ACTS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\udc80-\udcff]")


def harmless(text, what):
    found = ACTS.search(text)
    check(not found, f"{what}: {found and found[0]!r} in {text!r}")


def listener(netns, name):
    "A process of this name that listens: its number."
    ready, tell = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            ctypes.CDLL(None).prctl(15, name, 0, 0, 0)      # PR_SET_NAME
            with netns.enter(), socket.socket() as sock:
                sock.bind(("127.0.0.1", PORT))
                sock.listen()
                os.write(tell, b"x")
                while True:
                    sock.accept()[0].close()
        finally:
            os._exit(0)
    defer(lambda: (os.kill(pid, signal.SIGKILL), os.waitpid(pid, 0)))
    os.read(ready, 1)
    return pid


def yard():
    netns = Netns(on=True)
    netns.ip("link set lo up")
    return netns


def connect(netns):
    with netns.enter(), socket.socket() as sock:
        sock.connect(("127.0.0.1", PORT))


@case(*NAMES)
def process(kind):
    "a process's name, in every view that shows it;"
    netns = yard()
    pid = listener(netns, NAMES[kind])
    connect(netns)
    bytes_of = {"text": False, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    for arguments in (["stats", "-P"], ["stats", "-P", "--csv"], ["stats", "-o", "PORT,OWNER"], ["show", str(PORT)],
                      ["stats", "-o", "PORT,OWNER", "--csv"], ["check", "--all-time"],
                      ["top", "-b", "-c", "1", "-d", "0.1", "-o", "PORT,OWNER", "--sort", "port"]):
        status, out, err = run_ctl(*arguments, netns=netns, **bytes_of)
        text = (out + err).decode(errors="surrogateescape").replace("\r\n", "\n")
        harmless(text, " ".join(arguments))
        check("a?" in text or arguments[0] == "check", f"{arguments} shows no name: {text!r}")
    following = netns.popen("portmon-ctl", "stats", "-i", "0.5", "-c", "1", "-o", "PORT,OWNER", stdout=subprocess.PIPE,
                            errors="surrogateescape")
    while following.poll() is None:
        connect(netns)
    harmless(following.stdout.read(), "stats -i")
    status, out, err = ctl_on_terminal("stats", "-P", "--color", "never", columns=120, netns=netns)
    harmless(out.replace("\r\n", "\n"), "stats -P on a terminal")
    terminal = live.top("-o", "PORT,OWNER", "--scope", "loopback", "--sort", "port", netns=netns, head=rf"^{PORT}/tcp +a\?")
    terminal.press("/", *str(PORT), "enter", "enter")
    terminal.until(r"^owner +a\?")
    terminal.press("q")
    live.ends(terminal, DONE)       # no sequence that curses does not write
    status, out, err = run_ctl("stats", "--processes", "--json", netns=netns, **bytes_of)
    harmless(out.decode(errors="surrogateescape"), "stats --json")
    owners = [o for row in json.loads(out)["ports"] if row["port"] == PORT for o in row.get("owner", []) if o["pid"] == pid]
    wanted = NAMES[kind].decode(errors="replace")
    equal({o["process"].rstrip("\ufffd") for o in owners}, {wanted.rstrip("\ufffd")}, "its name in JSON, whole")


@case()
def namespace():
    "a network namespace's and an interface's name"
    netns = yard()
    netns.ip("link add name \"v\u009b\u202ex\" type dummy")
    netns.ip("link set dev \"v\u009b\u202ex\" up")
    name = "pm\u009b31m\u202e"
    link = f"/run/netns/{name}"
    open(link, "w").close()
    defer(os.unlink, link)
    subprocess.run(["mount", "--bind", netns.path, link], check=True)
    defer(subprocess.run, ["umount", link], check=True)
    Packets(netns).out("udp", 1, 53, 2)
    for arguments in ["stats", "-A"], ["show", "-A", "53"], ["info", "-A"], ["coverage", "-i", ".1"], ["stats", "--csv", "-A"], \
            ["top", "-b", "-c", "1", "-d", "0.1", "--netns", name]:
        status, out, err = run_ctl(*arguments, netns=netns)
        equal(status, DONE, f"status of {arguments}: {err}")
        harmless((out + err).replace("\r\n", "\n"), " ".join(arguments))
    harmless(run_ctl("coverage", "-i", ".1", "--json", netns=netns)[1], "coverage --json")


@case()
def arguments():
    "hostile names in arguments and in a file of services"
    for wrong in ["\u009b31m"], ["stats", "--scope", "\x1b]0;x\x07"], ["show", "\u202e80"], ["explain", "\x9b\n"]:
        status, out, err = run_ctl(*wrong)
        harmless(out + err, f"complaint about {wrong}")
    env = own_services("a\u009bm\u202e 7070/tcp  # \x1b[31mred\n")
    for arguments in ["explain", "7070"], ["services"]:
        status, out, err = run_ctl(*arguments, env=env)
        harmless(out + err, " ".join(arguments))


run()
