# SPDX-License-Identifier: GPL-2.0
"""portmon.ko: its parameters, loading and unloading, and the build with the test hook."""
import ctypes
import errno
import os

from lib.kernel import syscall
from lib.ktap import defer, wait_until
from lib.nlclient import UAPI
from lib.process import sh, write_file


MODULE = "/sys/module/portmon"


def parameter(name, value=None):
    "A module parameter; set for the rest of the case when a value is given."
    path = f"{MODULE}/parameters/{name}"
    with open(path) as file:
        old = file.read().strip()
    if value is not None:
        write_file(path, value)
        defer(write_file, path, old)
    return old


def parameters():
    "All module parameters as they are now."
    return {name: parameter(name) for name in os.listdir(f"{MODULE}/parameters")}


def unload():
    "rmmod; 0, or the errno that it was refused with."
    return 0 if not syscall("delete_module", b"portmon", os.O_NONBLOCK) else ctypes.get_errno()


def load(ko=os.environ.get("PORTMON_KO"), **parameters):
    "insmod $PORTMON_KO, without it modprobe."
    sh(*(["insmod", ko] if ko else ["modprobe", "portmon"]), *(f"{name}={value}" for name, value in parameters.items()))


def reloads_module():
    "For a case that loads and unloads: when it ends the module is loaded as it was."
    before = parameters()

    def restore():
        wait_until(lambda: unload() in (0, errno.ENOENT), what="unloading the module")
        load(**before)
    defer(restore)


def reload_module(**parameters):
    "Load the module with other parameters for the rest of the case."
    reloads_module()
    wait_until(lambda: not unload(), what="unloading the module")
    load(**parameters)


class Hook:
    """The test build of the module, with kmod/test_hook.c, until the case (outside of a case: the file) ends.

    Its methods count in a namespace what no test has the time to send.
    """

    def __init__(self):
        ko = os.environ.get("PORTMON_HOOKED_KO")
        if not ko or not os.path.exists(ko):
            raise AssertionError("no module with the test hook (make hooked-KERNEL, PORTMON_HOOKED_KO=)")
        reloads_module()
        wait_until(lambda: not unload(), what="unloading the module")
        load(ko)

    @staticmethod
    def write(netns, *words):
        with netns.enter():
            write_file(f"{MODULE}/parameters/test_count", " ".join(map(str, words)))

    def port(self, netns, scope, transport, port, direction, packets, count, times=1):
        self.write(netns, "port", UAPI["scope"][scope], UAPI["transport"][transport], port, ("rx", "tx").index(direction),
                   packets, count, times)

    def held(self, netns, scope, transport, port, direction, packets, count, ms):
        "A packet of a busy port that takes so long between finding the port's counters and counting there: ENOENT if it is not busy."
        self.write(netns, "held", UAPI["scope"][scope], UAPI["transport"][transport], port, ("rx", "tx").index(direction),
                   packets, count, ms)

    def tidy(self, netns, ms=0):
        "Give back what is zero and has been idle for so long."
        self.write(netns, "tidy", ms)

    def sample(self, netns, scope, transport, port, n):
        "So many connections in whose histograms everything is zero."
        self.write(netns, "sample", UAPI["scope"][scope], UAPI["transport"][transport], port, n)

    def late(self, netns, scope, transport, port, n):
        """One more, which counts at a record that is being given back, after a packet and n others at the port's next one.

        Takes two CPUs; ETIME if it was not given back meanwhile, ENOENT if it has no histograms.
        """
        self.write(netns, "late", UAPI["scope"][scope], UAPI["transport"][transport], port, n)

    def removed(self, netns, scope, transport, port, n):
        """A packet of one byte, and one event of each kind seen, at a record that is being given back, after n packets at the next one.

        Takes two CPUs; ETIME if it was not given back meanwhile, ENOENT if the port has no record.
        """
        self.write(netns, "removed", UAPI["scope"][scope], UAPI["transport"][transport], port, n)

    def together(self, netns, scope, transport, port, *events):
        "An event on each CPU at the same time: the first one on one CPU, the second on the others. A number is a reason of drop."
        self.write(netns, "together", UAPI["scope"][scope], UAPI["transport"][transport], port, *map(self.kind, events))

    def stop(self, netns):
        "Let nothing be given back any more, as counting is stopped."
        self.write(netns, "stop")

    def unanswered(self, netns, n):
        "So many handshakes whose SYN-ACK is retransmitted and never answered."
        self.write(netns, "unanswered", n)

    @staticmethod
    def kind(event):
        return UAPI["a_tcp"][event] if isinstance(event, str) else max(UAPI["a_tcp"].values()) + 1 + event

    def event(self, netns, scope, transport, port, event, n):
        self.write(netns, "event", UAPI["scope"][scope], UAPI["transport"][transport], port, self.kind(event), n)

    def drop(self, netns, scope, transport, port, reason, n):
        "reason: the kernel's number of it."
        self.event(netns, scope, transport, port, reason, n)

    def bucket(self, netns, hook, family, bucket, packets, count):
        "bucket: a name, or the number of a protocol without ports."
        kind = "bucket" if isinstance(bucket, str) else "protocol"
        self.write(netns, kind, UAPI["hook"][hook], UAPI["family"][family],
                   UAPI["bucket"][bucket] if kind == "bucket" else bucket, packets, count)
