# SPDX-License-Identifier: GPL-2.0
"""Processes that are somebody else: a user, or root of a user namespace, in this or that network namespace."""
import pickle
import signal

from lib import *

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
USER = 1000


def allow_user_namespaces():
    "Debian has a knob against them; to be called outside of a case."
    knob = "/proc/sys/kernel/unprivileged_userns_clone"
    if os.path.exists(knob):
        with open(knob) as file:
            defer(_write_knob, knob, file.read())
        _write_knob(knob, "1")


def _write_knob(knob, value):
    with open(knob, "w") as file:
        file.write(value)


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
            _write_knob(f"/proc/self/{name}", text)


def within(pid):
    "Root's way into the network namespace of a process."
    there = Netns.__new__(Netns)
    there.path, there.name = f"/proc/{pid}/ns/net", str(pid)
    return there


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
