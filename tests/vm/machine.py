# SPDX-License-Identifier: GPL-2.0
"""Machines that boot a kernel with portmon inside: QEMU (software emulation) and User Mode Linux."""
import contextlib
import fcntl
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time

import guest

# Kernel parameters of a run with a verdict: any fault ends the run.
STRICT = "loglevel=5 oops=panic panic_on_warn=1 "

# What a guest says first, before it loads the module. A machine that stops earlier was stopped by its emulator.
BOOTED = "@booted"

_running = set()


def stop():
    """End all machines, each with whatever it is made of: a terminal's Ctrl-C does not come to them."""
    for leader in list(_running):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGKILL)


class Machine:
    """One boot: what the guest prints on its result channel, line by line.

    A subclass says how: running(results) is a context that makes the guest's files and yields the command; results is
    the open file for what the guest says, None when somebody sits at its console.
    """
    PATIENCE = 1        # how much longer than the quickest machine it takes
    HELD = ""           # tracepoints that are never without users, see check.sh
    SHARES = 1          # how many of them run a suite side by side, each a share of the tests

    def __init__(self, args, kernel, script, env=None, name=None):
        self.args, self.kernel, self.script, self.name = args, kernel, script, name or kernel
        logs = f"{args.build}/log"
        os.makedirs(logs, exist_ok=True)
        self.results, self.console = (f"{logs}/{self.name}-{script}.{what}" for what in ("results", "console"))
        self.tests = args.tests or f"{guest.TOP}/build/tests"
        self.programs = getattr(args, "program", None) or []
        self.coverage = getattr(args, "coverage", None)
        self.env = {"PORTMON_PATIENCE": str(self.PATIENCE), "HELD": self.HELD, **(env or {})}
        self.again = None

    def fill(self, into):
        args = self.args
        guest.fill(into, self.script, args.ko or f"{args.build}/{self.kernel}/kmod/portmon.ko",
                   f"{args.build}/{self.kernel}-hooked/kmod/portmon.ko", args.ctl, self.tests, self.env)

    def running(self, results):
        raise NotImplementedError

    def interact(self):
        size = shutil.get_terminal_size()
        self.env.update(LINES=str(size.lines), COLUMNS=str(size.columns), TERM=os.environ.get("TERM", "linux"))
        with self.running(None) as command:
            return subprocess.call(command)

    def lines(self, limit):
        """Yield lines; limit() is how many seconds of silence to bear. Ends when the guest does.

        A machine that does not come as far as BOOTED is booted once more: again has the last line of its console.
        """
        for attempt in 1, 2:
            booted = False
            for line in self._boot(limit):
                if line == BOOTED:
                    booted = True
                else:
                    yield line
            if booted or attempt == 2:
                break
            self.again = self.console_tail(1).strip(" |\n") or "an empty console"
            os.replace(self.console, f"{self.console}.first")

    def _boot(self, limit):
        self.why = None
        with open(self.console, "wb") as console, open(self.results, "w+b") as results, \
                self.running(results) as command:
            # A session of its own: User Mode Linux is several processes, which have to end together.
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                                       pass_fds=[results.fileno()], start_new_session=True)
            _running.add(process.pid)
            try:
                yield from self._follow(process, results, limit)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                _running.discard(process.pid)
                process.wait()

    def _follow(self, process, results, limit):
        offset, partial, heard = 0, b"", time.monotonic()
        while True:
            over = process.poll() is not None
            # By position: the machine may share this file's offset.
            data = os.pread(results.fileno(), 1 << 20, offset)
            offset += len(data)
            *lines, partial = (partial + data).split(b"\n")
            for line in lines:
                yield line.decode(errors="replace").rstrip("\r")
            if data:
                heard = time.monotonic()
            elif over:
                break
            elif time.monotonic() - heard > limit():
                self.why = f"nothing heard for {limit()} s"
                break
            else:
                time.sleep(0.05)
        if partial:
            yield partial.decode(errors="replace")
        if over and process.returncode:
            self.why = f"the machine ended with status {process.returncode}"

    def console_tail(self, count=60):
        with open(self.console, errors="replace") as file:
            lines = [line.rstrip() for line in file if "] **" not in line]
        return "".join(f"    | {line}\n" for line in lines[-count:])


class Qemu(Machine):
    """An x86-64 PC of two CPUs, with a kernel of Debian's.

    For experiments, VM_QEMU and VM_APPEND add to the command lines of QEMU and the kernel.
    """
    # Emulating wide vectors costs more than the C library gains by them.
    QEMU = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max,-cx16,-avx,-avx2,-erms,-fsrm",
            "-smp", "2", "-m", "1024"]
    # The module's own caches, and those its tables come from, are kept apart, poisoned and checked.
    CHECKED = STRICT + "slab_nomerge slub_debug=FZPU,portmon*,kmalloc-2k,kmalloc-8k "
    HELD = "napi/napi_poll skb/kfree_skb sock/inet_sock_set_state tcp/tcp_retransmit_skb tcp/tcp_retransmit_synack"
    APPEND = ""
    GUEST = ("guest",)

    def image(self):
        """The kernel, and archives of files that belong to it."""
        folder = guest.fetch("kernel", self.kernel.removesuffix("-clang"))
        return f"{folder}/vmlinuz", [f"{folder}/modules.cpio"]

    def content(self, initrd):
        for archive in guest.fetch(*self.GUEST) + "/base.cpio", *self.image()[1]:
            with open(archive, "rb") as file:
                shutil.copyfileobj(file, initrd, 1 << 20)
        cpio = guest.Cpio(initrd)
        self.fill(cpio)
        cpio.end()

    def append(self):
        return ("console=ttyS0 quiet panic=-1 " + (self.CHECKED if self.script == "check" else "") + self.APPEND +
                os.environ.get("VM_APPEND", ""))

    def command(self, initrd, *serial):
        return [*self.QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", *serial,
                "-kernel", self.image()[0], "-initrd", initrd, "-append", self.append(),
                *shlex.split(os.environ.get("VM_QEMU", ""))]

    @contextlib.contextmanager
    def running(self, results):
        with tempfile.NamedTemporaryFile(prefix="portmon-") as initrd:
            self.content(initrd)
            initrd.flush()
            serial = [f"file:{self.console}", f"file:{self.results}"] if results else ["mon:stdio", "null"]
            counted = f"{self.results}.tar"
            if self.coverage:
                serial.append(f"file:{counted}")
            yield self.command(initrd.name, *(word for one in serial for word in ("-serial", one)))
        if self.coverage:
            to = f"{self.coverage}/guest-{self.name}"
            os.makedirs(to, exist_ok=True)
            subprocess.run(["tar", "-xf", counted, "-C", to], check=True)


class Rt(Qemu):
    """The same PC and PREEMPT_RT, where nearly everything is a thread and locks sleep."""
    PATIENCE = 2


class Arm64(Qemu):
    """An ARM board: a weak memory model, and per-CPU operations that are not one instruction."""
    # The ports are PCI cards, so that they have the same names as a PC's.
    QEMU = ["qemu-system-aarch64", "-M", "virt", "-accel", "tcg,thread=multi", "-cpu", "cortex-a57", "-smp", "2", "-m", "1024"]
    GUEST = ("guest", "arm64")
    PATIENCE = 3

    def command(self, initrd, *serial):
        cards = []
        for n, backend in enumerate(serial[1::2]):
            kind, _, path = backend.partition(":")
            chardev = {"file": f"file,path={path}", "mon": "stdio,mux=on,signal=off", "null": "null"}[kind]
            cards += ["-chardev", f"{chardev},id=port{n}", "-device", f"pci-serial,chardev=port{n}"]
        return super().command(initrd, *cards)


class I686(Qemu):
    """A PC of 32 bits: 64-bit counters take two instructions, and must be read whole."""
    QEMU = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "qemu32,+pae", "-smp", "2", "-m", "1024"]
    GUEST = ("guest", "i386")
    PATIENCE = 3


def built_in(folder, stage):
    """What modprobe has to know to be content: in a kernel built here there are no modules."""
    with open(f"{folder}/build/include/config/kernel.release") as file:
        release = file.read().strip()
    tree = guest.Tree(stage)
    for name in "modules.order", "modules.builtin", "modules.builtin.modinfo":
        tree.copy(f"usr/lib/modules/{release}/{name}", f"{folder}/build/{name}")
    subprocess.run(["depmod", "-b", f"{stage}/usr", release], check=True,
                   env={"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})


class SmpKasan(Qemu):
    """The same PC, with a kernel built here that watches memory and locks."""
    # A socket for each CPU: all that a table without ACPI can describe.
    QEMU = [*Qemu.QEMU[:-4], "-smp", "2,sockets=2,cores=1,threads=1", "-m", "2048"]
    # kmemleak would make everything twice as slow; User Mode Linux has it.
    CHECKED = STRICT + "kmemleak=off "
    PATIENCE = 4

    @property
    def folder(self):
        return guest.printed("kernel-build", self.kernel)

    def image(self):
        return f"{self.folder}/linux", []

    def append(self):
        # The emulated time stamp counter is the host's, whose rate a guest that does not get its turn measures wrongly.
        with open("/proc/cpuinfo") as file:
            rate = re.search(r"^cpu MHz\s*: ([\d.]+)", file.read(), re.M)
        return super().append() + (f" tsc_early_khz={float(rate[1]) * 1000:.0f} tsc=reliable" if rate else "")

    def fill(self, into):
        if self.coverage:
            self.env.update(COVERAGE=os.path.realpath(self.coverage), COVERAGE_PORT="/dev/ttyS2")
        super().fill(into)
        with tempfile.TemporaryDirectory() as stage:
            built_in(self.folder, stage)
            into.copy("/usr/lib/modules", f"{stage}/usr/lib/modules")


class SmpKcsan(SmpKasan):
    """The same PC, with a kernel built here that watches for data races.

    A report is an error in the log, and would be a warning: the log has to hold many, and none ends the run.
    """
    CHECKED = "loglevel=2 oops=panic log_buf_len=16M slab_nomerge kcsan.skip_watch=1000 kcsan.udelay_task=1000 "


class Uml(Machine):
    """The kernel as a process: one CPU, the guest's programs are files of the host, boots in two seconds."""
    PATIENCE = 2
    SHARES = 2
    APPEND = "mem=1024M root=/dev/root rootfstype=hostfs ro init=/uml-init con=null con0=fd:0,fd:1 quiet panic=-1 noreboot "

    @staticmethod
    def root():
        """The guest's programs, unpacked once, with what has to be in the first place that init looks for."""
        folder = guest.fetch("guest")
        with open(f"{folder}/lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.isdir(f"{folder}/root"):
                shutil.rmtree(f"{folder}/root.tmp", ignore_errors=True)
                os.mkdir(f"{folder}/root.tmp")
                with open(f"{folder}/base.cpio", "rb") as archive:
                    subprocess.run(["cpio", "--quiet", "-idm", "--no-preserve-owner"], stdin=archive, check=True,
                                   cwd=f"{folder}/root.tmp")
                os.rename(f"{folder}/root.tmp", f"{folder}/root")
            shutil.copy(f"{guest.HERE}/init.uml", f"{folder}/root/uml-init.new")
            os.rename(f"{folder}/root/uml-init.new", f"{folder}/root/uml-init")
        return f"{folder}/root"

    @contextlib.contextmanager
    def running(self, results):
        folder = guest.printed("kernel-build", self.kernel)
        with tempfile.TemporaryDirectory(prefix="portmon-") as scratch:
            os.chmod(scratch, 0o755)
            os.mkdir(f"{scratch}/stage")
            self.env["CONSOLE"] = "/dev/tty0"
            if {"valgrind.py", "exporter.py"} & set(self.programs):
                guest.Tree(f"{scratch}/stage").copy("/usr", guest.fetch("valgrind") + "/usr")
            if self.coverage:
                self.env.update(COVERAGE=os.path.realpath(self.coverage), COVERAGE_GUEST=f"guest-{self.name}")
            self.fill(guest.Tree(f"{scratch}/stage"))
            built_in(folder, f"{scratch}/stage")
            append = self.APPEND + (STRICT if self.script == "check" else "") + os.environ.get("VM_APPEND", "")
            yield [f"{folder}/linux", *shlex.split(append), f"rootflags={self.root()}", f"STAGE={scratch}/stage",
                   f"uml_dir={scratch}", "ssl=null", "ssl1=null," + (f"fd:{results.fileno()}" if results else "null")]


# By the last part of a kernel's name; the first is a series, such as 6.12.
FLAVOURS = {
    "": Qemu,
    "trixie": Qemu,         # of Debian 13, where the name alone would be of Debian 12
    "clang": Qemu,          # the same kernel, the module built by clang
    "rt": Rt,
    "arm64": Arm64,
    "686": I686,
}
BUILT = {
    "uml-debug": Uml,
    "uml-debug-next": Uml,
    "smp-kasan": SmpKasan,
    "smp-kcsan": SmpKcsan,
}


def kind(kernel):
    """The class of machine that boots a kernel; ValueError if there is none of that name."""
    series, _, flavour = kernel.partition("-")
    if kernel not in BUILT and (flavour not in FLAVOURS or not re.fullmatch(r"\d+\.\d+", series)):
        raise ValueError(kernel)
    return BUILT.get(kernel) or FLAVOURS[flavour]


def machine(args, kernel, script, env=None, name=None):
    return kind(kernel)(args, kernel, script, env, name)
