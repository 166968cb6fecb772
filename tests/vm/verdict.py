# SPDX-License-Identifier: GPL-2.0
"""The verdict over a run: see "run" for what is held against it."""
import fnmatch
import os
import re
import subprocess
import sys
import threading
import time

import machine

BOOT_LIMIT = 240    # seconds until the guest first says something
WIDTH = len("uml-debug-next.2")
GRACE = 30          # seconds on top of a test's own time limit, which the guest enforces


def say(text):
    with say.lock:
        print(text, flush=True)


say.lock = threading.Lock()
failed = []         # each failure in a line, repeated at the end
again = []          # and each case that was tried again, see ktap.py


class Ktap:
    """What one test program printed, held against its plan."""

    RESULT = re.compile(r"(not )?ok\b(?: +(\d+))?(.*)")

    def __init__(self, name, allowed=lambda case: False):
        self.name, self.allowed = name, allowed
        self.plan, self.number, self.passed, self.skipped = None, 0, 0, 0
        self.failures, self.output, self.again = [], [], []
        self.begun = time.monotonic()

    def fail(self, what):
        self.failures.append(what)

    def feed(self, line):
        self.output.append(line)
        if match := re.fullmatch(r"1\.\.(\d+)( *#.*)?", line):
            if self.plan is not None:
                self.fail("a second plan: " + line)
            self.plan = int(match[1])
            if self.plan == 0 and not self.allowed(""):
                self.fail("nothing run: " + line)
        elif match := self.RESULT.match(line):
            self.number += 1
            if match[2] and int(match[2]) != self.number:
                self.fail(f"result {match[2]} where {self.number} was due")
                self.number = int(match[2])
            case, _, directive = match[3].lstrip(" -").partition("#")
            if match[1]:
                self.fail(line)
            elif not re.match(r"\s*(SKIP|TODO|XFAIL)", directive, re.I):
                self.passed += 1
            elif self.allowed(case.strip()):
                self.skipped += 1
            else:
                self.fail("not allowed: " + line)
        elif re.match(r"\s*not ok\b|Bail out!", line):
            self.fail(line.strip())
        elif line.startswith("# retried: "):
            self.again.append(f"case {self.number + 1}: {line[11:]}")

    def end(self, status):
        self.seconds = time.monotonic() - self.begun
        if self.plan is None:
            self.fail("no plan")
        elif self.plan != self.number:
            self.fail(f"{self.number} results of {self.plan} planned")
        if status in (124, 137):
            self.fail("timed out")
        elif status and not self.failures and not (status == 4 and self.allowed("")):
            self.fail(f"exit status {status} though every result is ok")

    def report(self, where):
        cases = f"{self.passed} ok"
        for count, what in (self.skipped, "skipped"), (len(self.again), "again"), (len(self.failures), "failed"):
            cases += f", {count} {what}" if count else ""
        text = f"{where:{WIDTH}} {'FAIL' if self.failures else 'ok  '}  {self.name:28} {cases:20} {self.seconds:6.1f} s"
        if self.failures:
            text += "".join(f"\n      ! {failure}" for failure in self.failures)
            text += "".join(f"\n    | {line}" for line in self.output[-400:])
            failed.extend(f"{where} {self.name}: {failure}" for failure in self.failures)
        again.extend(f"{where} {self.name}: {what}" for what in self.again)
        say(text)


def read_skips(path):
    """Lines of KERNEL TEST CASE # REASON, each a glob; a CASE of - is the whole test. They are not run there."""
    skips = []
    with open(path) as file:
        for line in file:
            entry, _, reason = line.partition("#")
            if entry.strip():
                kernel, test, case = entry.split(None, 2)
                if not reason.strip():
                    sys.exit(f"{path}: a skip needs a reason: {line.strip()}")
                skips.append((kernel, test, case.strip()))
    return skips


def shares(args, kernel):
    """The requested tests, dealt out to the machines that run them side by side."""
    with open(f"{args.tests}/kselftest-list.txt") as file:
        tests = [line.strip().rpartition(":")[2] for line in file if line.strip()]
    wanted = [test for test in tests if not args.test or any(fnmatch.fnmatch(test, f"*{t}*") for t in args.test)]
    wanted = args.program or wanted
    n = max(1, min(machine.kind(kernel).SHARES, len(wanted)))
    return [wanted[i::n] for i in range(n)]


def check_kernel(args, kernel, wanted, name, totals):
    """Run the tests that are wanted in one machine; name is what the report calls it."""
    skips = read_skips(args.skips)

    def allowed(test):
        return lambda case: any(fnmatch.fnmatch(kernel, k) and fnmatch.fnmatch(test, t) and
                                (c == "-" or fnmatch.fnmatch(case, c)) for k, t, c in skips)

    def finish(status):
        current.end(status)
        current.report(name)
        totals.append((current.passed, len(current.failures)))

    timeout = args.timeout * machine.kind(kernel).PATIENCE
    vm = machine.machine(args, kernel, "check", {
        "TESTS": " ".join(wanted), "TEST_TIMEOUT": str(timeout),
        **{name: os.environ[name] for name in ("PORTMON_SOAK", "PORTMON_EXPORTER", "PORTMON_PROMETHEUS", "PORTMON_RECORDED")
           if name in os.environ},
        "PORTMON_SKIPS": "\n".join(f"{t} {c}" for k, t, c in skips if fnmatch.fnmatch(kernel, k))}, name)
    current, due, word, wrong = None, [*wanted, "endgame"], None, []
    begun = time.monotonic()
    heard = False
    for line in vm.lines(lambda: timeout + GRACE if heard else BOOT_LIMIT * vm.PATIENCE):
        heard = True
        if line.startswith(" "):
            if current:
                current.feed(line[1:])
        elif line.startswith("@begin "):
            test = line.split(" ", 1)[1]
            if not due or due.pop(0) != test:
                wrong.append(f"{test} ran out of turn")
            current = Ktap(test, allowed(test))
        elif line.startswith("@left ") and current:
            current.fail("left behind " + line[6:])
        elif line.startswith("@end ") and current:
            finish(int(line.split()[1]))
            current = None
        elif line.startswith("@note "):
            say(f"{name:{WIDTH}} note  {line[6:]}")
        elif line == "@passed":
            word = line
        elif line.strip():
            wrong.append("unexpected on the result channel: " + line)
    if vm.again:
        again.append(f"{name}: the boot, which had stopped before the module was loaded: {vm.again}")
    if current:
        current.fail("the machine stopped during this test")
        finish(0)
    if not wanted:
        wrong.append("no test selected")
    if due:
        wrong.append("never ran: " + " ".join(due))
    if vm.why:
        wrong.append(vm.why)
    if not word:
        wrong.append("the final word is missing")
    took = f"{time.monotonic() - begun:.0f} s"
    if wrong:
        totals.append((0, len(wrong)))
        failed.extend(f"{name}: {what}" for what in wrong)
        say("\n".join([f"{name:{WIDTH}} FAIL  the run itself, {took}"] + [f"      ! {what}" for what in wrong]) +
            f"\n      the end of {os.path.relpath(vm.console)}:\n{vm.console_tail().rstrip()}")
    else:
        say(f"{name:{WIDTH}} done  {took}")


def check_host(command, totals):
    """Unit tests on the host: TAP in any number of blocks, each with its plan."""
    ran = subprocess.run(command, shell=True, text=True, errors="replace", stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    tap = Ktap(command)
    blocks = []
    for line in ran.stdout.splitlines():
        if re.match(r"(K?TAP version|1\.\.\d)", line) and (tap.plan is not None or tap.number):
            blocks.append(tap)
            tap = Ktap(command)
        tap.feed(line)
    blocks.append(tap)
    for n, tap in enumerate(blocks):
        tap.end(ran.returncode if n == len(blocks) - 1 else 0)
        tap.report("host")
        totals.append((tap.passed, len(tap.failures)))


def check(args, kernels):
    totals, threads = [], []
    if args.host:
        check_host(args.host, totals)

    def guarded(kernel, wanted, name):
        mine = []
        try:
            check_kernel(args, kernel, wanted, name, mine)
        except Exception as error:      # a verdict of its own, or a dead thread would count as nothing wrong
            mine.append((0, 1))
            failed.append(f"{name}: {type(error).__name__}: {error}")
        if not mine:
            mine.append((0, 1))
            failed.append(f"{name}: nothing was counted")
        totals.extend(mine)

    for kernel in kernels:
        dealt = shares(args, kernel)
        for n, wanted in enumerate(dealt, 1):
            name = kernel if len(dealt) == 1 else f"{kernel}.{n}"
            threads.append(threading.Thread(target=guarded, args=[kernel, wanted, name]))
            threads[-1].start()
            if args.serial:
                threads[-1].join()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        machine.stop()
        raise
    passed, bad = (sum(column) for column in zip(*totals))
    say("".join(f"tried again: {what}\n" for what in again) + "".join(f"failed: {what}\n" for what in failed) +
        f"{passed} passed, {bad} failed")
    return 0 if passed and not bad else 1
