# SPDX-License-Identifier: GPL-2.0
"""What is inside a guest: an archive for the kernel to unpack, or a folder for it to look into."""
import functools
import os
import shlex
import shutil
import stat
import subprocess

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
HOME = "/opt/portmon"
SPEC = "Documentation/netlink/specs/portmon.yaml"


@functools.cache
def printed(program, *arguments):
    """What one of the programs here prints: the folder where something is kept."""
    return subprocess.run([f"{HERE}/{program}", *arguments], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()


def fetch(*what):
    return printed("fetch", *what)


class Cpio:
    """A "newc" archive, which the kernel unpacks over earlier archives."""

    def __init__(self, out):
        self.out, self.ino, self.dirs = out, 0, set()

    def entry(self, name, mode, data=b""):
        self.ino += 1
        name = name.lstrip("/").encode() + b"\0"
        head = (self.ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in head) + name
        for part in header, data:
            self.out.write(part + b"\0" * (-len(part) % 4))

    def add(self, name, data, mode):
        parts = name.strip("/").split("/")
        for i in range(1, len(parts)):
            path = "/".join(parts[:i])
            if path not in self.dirs:
                self.dirs.add(path)
                self.entry(path, stat.S_IFDIR | 0o755)
        self.entry(name, mode, data)

    def copy(self, name, path):
        if os.path.isdir(path):
            for sub in sorted(os.listdir(path)):
                self.copy(f"{name}/{sub}", f"{path}/{sub}")
        else:
            with open(path, "rb") as file:
                self.add(name, file.read(), os.stat(path).st_mode)

    def end(self):
        self.entry("TRAILER!!!", 0)


class Tree:
    """The same as files in a folder of the host."""

    def __init__(self, top):
        self.top = top

    def place(self, name):
        path = self.top + "/" + name.strip("/")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def add(self, name, data, mode):
        with open(self.place(name), "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), stat.S_IMODE(mode))

    def copy(self, name, path):
        if os.path.isdir(path):
            shutil.copytree(path, self.place(name), dirs_exist_ok=True)
        else:
            shutil.copy(path, self.place(name))


def fill(into, script, ko, hooked, ctl, tests, env):
    """Put into a Cpio or a Tree what is portmon's own; script is what init is to run, hooked the module for tests."""
    linux = fetch("source")
    into.copy("/init", f"{HERE}/init")
    for one in "check.sh", "demo.sh", "shell.sh":
        into.copy(f"{HOME}/{one}", f"{HERE}/{one}")
    into.copy(f"{HOME}/portmon.ko", ko)
    if os.path.exists(hooked):
        into.copy(f"{HOME}/portmon-hooked.ko", hooked)
    if os.path.exists(ctl):
        into.copy("/usr/local/bin/portmon-ctl", ctl)
    if os.path.isdir(tests):
        into.copy(f"{HOME}/tests", tests)
    for piece in "tools/net/ynl", "Documentation/netlink", "tools/testing/selftests":
        into.copy(f"{HOME}/linux/{piece}", f"{linux}/{piece}")
    if os.path.exists(f"{TOP}/{SPEC}"):
        into.copy(f"{HOME}/linux/{SPEC}", f"{TOP}/{SPEC}")
    env = {
        "PORTMON_SCRIPT": f"{script}.sh",
        "PORTMON_KO": f"{HOME}/portmon.ko",
        "PORTMON_HOOKED_KO": f"{HOME}/portmon-hooked.ko",
        "PORTMON_TESTS": f"{HOME}/tests",
        "PORTMON_SPEC": f"{HOME}/linux/{SPEC}",
        "YNL": f"{HOME}/linux/tools/net/ynl",
        "KSFT": f"{HOME}/linux/tools/testing/selftests/kselftest",
        **env,
    }
    lines = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in env.items())
    into.add(f"{HOME}/env", lines.encode(), stat.S_IFREG | 0o644)
