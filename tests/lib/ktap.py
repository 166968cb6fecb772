# SPDX-License-Identifier: GPL-2.0
"""Test cases: registration, cleanup, waiting, comparison, KTAP output.

A test file is a list of cases and a call of run():

    from lib.ktap import case, equal, run

    @case()
    def something():
        "what is true when this case passes"
        equal(actual, expected, "what is compared")

    @case("ipv4", "ipv6")           # one case per argument, passed to the function
    def another(family): ...

    run()

A case cleans up with defer(), called where it sets something up; Netns() and the other helpers do so themselves. What is set
up outside a case stays until the file ends. A case waits for a condition (wait_until), never for a fixed time.
"""
import contextlib
import fnmatch
import itertools
import os
import subprocess
import sys
import time
import traceback

LIB = os.path.dirname(os.path.realpath(__file__))
HERE = os.path.dirname(LIB)
# How much longer things take here than on the quickest machine that tests run on.
PATIENCE = int(os.environ.get("PORTMON_PATIENCE", 1))

_cases = []
_cleanup = [contextlib.ExitStack()]


class Skip(Exception):
    "This case cannot run here, for the given reason."


class Late(AssertionError):
    "A timeout, which a busy machine can cause as well as the code under test."


def case(*variants):
    def register(function):
        what = " ".join((function.__doc__ or function.__name__).split())
        for variant in variants:
            name = variant if isinstance(variant, str) else ", ".join(map(str, variant))
            _cases.append((f"{what} [{name}]", lambda v=variant: function(v)))
        if not variants:
            _cases.append((what, function))
        return function
    return register


def defer(function, *args, **kwargs):
    "Call this when the case (outside of one: the file) ends, last deferred first."
    _cleanup[-1].callback(function, *args, **kwargs)


def note(text):
    for line in str(text).splitlines():
        print("#", line, flush=True)


def _left_out(what):
    "True if tests/vm/skips excludes this case on this kernel: lines of TEST CASE, both globs."
    for line in os.environ.get("PORTMON_SKIPS", "").splitlines():
        test, case = line.split(None, 1)
        if fnmatch.fnmatch(os.path.basename(sys.argv[0]), test) and (case == "-" or fnmatch.fnmatch(what, case)):
            return True
    return False


def _again(function):
    """Run a case; retry what a busy machine can cause. The verdict lists retried cases.

    That is a timeout, once. A file that sets TRIES depends on the clock (a live view, timers
    of the kernel): there any assertion can miss its moment. Everywhere else a wrong result fails at once.
    """
    tries = sys.modules["__main__"].__dict__.get("TRIES", 1)
    for tried in itertools.count(1):
        try:
            with contextlib.ExitStack() as stack:
                _cleanup.append(stack)
                try:
                    return function()
                finally:
                    _cleanup.pop()
        except (AssertionError, subprocess.TimeoutExpired) as error:
            if tried >= max(tries, 2 if isinstance(error, (Late, subprocess.TimeoutExpired)) else 1):
                raise
            note(f"retried: {error}")


def run():
    "Run the cases (those that match a glob given as argument) and exit."
    cases = [c for c in _cases if not sys.argv[1:] or any(fnmatch.fnmatch(c[0], f"*{a}*") for a in sys.argv[1:])]
    print(f"TAP version 13\n1..{len(cases)}", flush=True)
    failed = 0
    for number, (what, function) in enumerate(cases, 1):
        verdict, directive, begun = "ok", "", time.monotonic()
        _cleanup.append(contextlib.ExitStack())
        try:
            with _cleanup[-1]:
                if _left_out(what):
                    raise Skip("not on this kernel, see skips")
                _again(function)
        except Skip as why:
            directive = f" # SKIP {why}"
        except BaseException as error:
            verdict = "not ok"
            failed += 1
            if isinstance(error, AssertionError):
                where = traceback.extract_tb(error.__traceback__)
                here = [f for f in where if os.path.dirname(f.filename) != LIB] or where
                note(f"{error or 'assertion failed'}\nat {os.path.basename(here[-1].filename)}:{here[-1].lineno} {here[-1].line}")
            else:
                note("".join(traceback.format_exception(error)))
        _cleanup.pop()
        note(f"{time.monotonic() - begun:.1f} s")
        print(f"{verdict} {number} {what}{directive}", flush=True)
    try:
        with _cleanup.pop():
            pass
    except Exception as error:
        note(f"cleaning up: {error}")
        failed += 1
    sys.exit(1 if failed else 0)


def equal(got, wanted, what=""):
    "Fail unless they are equal; for dicts, list the entries that differ."
    if got == wanted:
        return
    if isinstance(got, dict) and isinstance(wanted, dict):
        lines = [f"  {key}: got {got.get(key)}, wanted {wanted.get(key)}"
                 for key in sorted(got.keys() | wanted.keys(), key=str) if got.get(key) != wanted.get(key)]
        more = [f"  and {len(lines) - 20} more"] if len(lines) > 20 else []
        raise AssertionError("\n".join([f"{what} differ:", *lines[:20], *more]))
    raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def wait_until(condition, timeout=20, what="the condition"):
    "Wait until condition() is true and return what it returned."
    timeout *= PATIENCE
    limit = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > limit:
            raise Late(f"{what} did not happen within {timeout} s")
        time.sleep(0.002)
    return value


def eventually(agree, timeout=20):
    "Call agree() until it raises no AssertionError, and return its result: the last packets may still be in transit."
    limit = time.monotonic() + timeout * PATIENCE
    while True:
        try:
            return agree()
        except AssertionError:
            if time.monotonic() > limit:
                raise
        time.sleep(0.01)


def becomes(read, wanted, what, timeout=20):
    "Wait until read() returns what is wanted."
    eventually(lambda: equal(read(), wanted, what), timeout)
