# SPDX-License-Identifier: GPL-2.0
"""Processes that are somebody else: a user, or root of a user namespace, in this or that network namespace."""
import ctypes
import json
import os
import pickle
import select
import signal
import socket
import traceback

from lib.kernel import libc
from lib.ktap import PATIENCE, defer, equal, note
from lib.module import MODULE, parameter
from lib.netns import Netns
from lib.nlclient import NlError, Portmon, UAPI
from lib.process import write_file

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
USER = 1000


def allow_user_namespaces():
    "Debian has a knob against them; to be called outside of a case."
    knob = "/proc/sys/kernel/unprivileged_userns_clone"
    if os.path.exists(knob):
        with open(knob) as file:
            defer(write_file, knob, file.read())
        write_file(knob, "1")


def become(user=False, userns=False, own=False):
    """Give up root (user: setpriv --reuid), then be root of a user namespace (userns), and of a network namespace of it (own).

    For a process that ends after it.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if user:
        os.setgroups([])
        os.setresgid(USER, USER, USER)
        os.setresuid(USER, USER, USER)
        libc.prctl(4, 1, 0, 0, 0)   # PR_SET_DUMPABLE, or /proc/self belongs to root
    if userns:
        if libc.unshare(CLONE_NEWUSER | (CLONE_NEWNET if own else 0)):
            raise OSError(ctypes.get_errno(), "unshare")
        for name, text in ("setgroups", "deny"), ("uid_map", f"0 {USER} 1"), ("gid_map", f"0 {USER} 1"):
            write_file(f"/proc/self/{name}", text)


def within(pid):
    "Root's way into the network namespace of a process."
    there = Netns.__new__(Netns)
    there.path, there.name = f"/proc/{pid}/ns/net", str(pid)
    return there


class Actor:
    "A process that is somebody else (see become()) and sends the requests it is given, or calls one of its own methods."

    def __init__(self, netns=None, opened_by_root=False, **who):
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if not self.pid:
            self.ours.close()
            try:
                if netns:
                    self.inside = netns.enter()     # for good
                    self.inside.__enter__()
                client = Portmon() if opened_by_root else None
                become(**who)
                self.serve(client or Portmon(), theirs)
            except BaseException:
                note(traceback.format_exc())
            finally:
                os._exit(0)
        theirs.close()
        defer(self.end)
        self.ours.settimeout(20 * PATIENCE)
        equal(self.ours.recv(100), b"ready", "first word of another process")

    @staticmethod
    def serve(client, ours):
        ours.send(b"ready")
        while request := ours.recv(4096):
            kind, command, attrs = json.loads(request)
            try:
                answer = getattr(client, kind)(command, **attrs) if kind in ("do", "dump") else OWN[kind](client, command)
            except OSError as error:
                answer = {"errno": error.errno, "sentence": getattr(error, "sentence", None)}
            ours.send(json.dumps(answer).encode())

    def end(self, kill=False):
        self.ours.close()
        if kill:
            os.kill(self.pid, signal.SIGKILL)
        if self.pid:
            os.waitpid(self.pid, 0)
        self.pid = 0

    def __call__(self, kind, command, **attrs):
        self.ours.send(json.dumps((kind, command, attrs)).encode())
        answer = json.loads(self.ours.recv(1 << 20))
        if isinstance(answer, dict) and "errno" in answer:
            return NlError(answer["errno"], answer["sentence"])
        return answer

    def netns(self):
        "Root's way into its network namespace."
        return within(self.pid)


def _listen(client, _):
    client.subscribe()


def _heard(client, wanted):
    "Names of the notifications, read until these were received or none follows for a moment."
    names = set()
    while select.select([client.sock], [], [], (5 if set(wanted) - names else 0.5) * PATIENCE)[0]:
        names |= {name for name, _ in client.events()}
    return sorted(names)


def _half(client, command):
    "Start a dump and read nothing of it."
    client.send(client.family, UAPI["cmd"][command], 1, b"", 0x301)


# What an Actor does beside asking.
OWN = {
    "listen": _listen,
    "heard": _heard,
    "half": _half,
    "option": lambda client, option: client.sock.setsockopt(270, option, 1),    # SOL_NETLINK
    "set": lambda client, what: write_file(f"{MODULE}/parameters/{what[0]}", str(what[1])),
    "get": lambda client, name: parameter(name),
}


class Worker:
    """A process that becomes somebody in a namespace, waits for go() and calls function(); result() is what that returned.

    Until then it is idle, so that its namespace can be prepared by way of .netns.
    """

    def __init__(self, function, netns=None, **who):
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.pid = os.fork()
        if not self.pid:
            status = 1
            try:
                self.ours.close()
                if netns:
                    self.inside = netns.enter()     # for good
                    self.inside.__enter__()
                become(**who)
                theirs.send(b"R")
                if theirs.recv(1):
                    result = function()
                    with theirs.makefile("wb") as pipe:
                        pickle.dump(result, pipe)
                    status = 0
            except BaseException:
                note(traceback.format_exc())
            finally:
                os._exit(status)
        theirs.close()
        defer(self.end)
        equal(self.ours.recv(1), b"R", "first word of another process")
        self.netns = within(self.pid)

    def go(self):
        self.ours.send(b"G")
        return self

    def result(self):
        with self.ours.makefile("rb") as pipe:
            data = pipe.read()
        pid, self.pid = self.pid, 0
        equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, "status of another process")
        return pickle.loads(data)

    def end(self):
        self.ours.close()
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
