# SPDX-License-Identifier: GPL-2.0
"""The kernel under test: its version, its log, system calls without a function in the C library."""
import ctypes
import os
import re
import time

from lib.ktap import defer, equal
from lib.races import Reports, kcsan


libc = ctypes.CDLL(None, use_errno=True)
LINUX = tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups()))
# System calls that the C library has no function for, by their numbers on each kind of machine.
_SYSCALLS = {"x86_64": {"bpf": 321, "delete_module": 176, "perf_event_open": 298},
             "aarch64": {"bpf": 280, "delete_module": 106, "perf_event_open": 241},
             "i686": {"bpf": 357, "delete_module": 129, "perf_event_open": 336}}


def syscall(name, *arguments):
    return libc.syscall(_SYSCALLS[os.uname().machine][name], *arguments)


def seconds():
    "The time in whole seconds, as portmon has it: of the last tick, which can be behind time.time()."
    return int(time.clock_gettime(5))       # CLOCK_REALTIME_COARSE


class KernelLog:
    """The kernel log since this object was created.

    DCCP warns of each invalid packet, and an emulated machine that was not scheduled of its clocks. Both are ignored.
    Data races are left out: they are checked after the last test (races.py).
    """

    OTHERS = "dccp_", "net_ratelimit: ", "clocksource: ", "hrtimer: "

    def __init__(self):
        self.races = Reports() if kcsan() else None
        self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.fd, 0, os.SEEK_END)
        defer(os.close, self.fd)

    def lines(self):
        found = []
        while True:
            try:
                prefix, _, text = os.read(self.fd, 8192).decode(errors="replace").partition(";")
            except BlockingIOError:
                return found
            except BrokenPipeError:     # older lines were overwritten
                continue
            text = text.splitlines()[0]
            if not self.races or not self.races.take(text):
                found.append((int(prefix.split(",")[0]) & 7, text))

    def silent(self):
        "Nothing at level warning or worse, and nothing of portmon."
        equal([text for level, text in self.lines() if level <= 4 and not text.startswith(self.OTHERS)
               or "portmon" in text], [], "kernel log")


CPUS = sorted(os.sched_getaffinity(0))[:2]
