#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""portmon-ctl top: every way to end, and what it refuses."""
import functools
import re
import signal

from lib import top as live
from lib.ctl import DONE, FAILED, USAGE
from lib.ktap import case, check, equal, run, wait_until
from lib.module import parameter, reloads_module, unload
from lib.netns import Netns
from lib.packets import Packets
from lib.terminal import Terminal
from lib.top import ends, make_yard, rows

yard, packets = make_yard()
top = functools.partial(live.top, netns=yard)
run_top = functools.partial(live.run_top, netns=yard)

# See ktap.py.
TRIES = 3


@case()
def quitting():
    "q and Ctrl-C are no failures; of a signal it dies; the terminal is always as it was"
    for key in "q", "f10", "ctrl-c":
        terminal = top()
        terminal.press(key)
        ends(terminal, DONE)
    for number in signal.SIGTERM, signal.SIGHUP:
        terminal = top()
        terminal.process.send_signal(number)
        ends(terminal, -number)
    for page in "enter", "h", "f", "/", "p":
        terminal = top()
        terminal.press(page)
        terminal.process.send_signal(signal.SIGTERM)
        ends(terminal, -signal.SIGTERM)


@case()
def hang_up():
    "the terminal is closed under it: it ends"
    terminal = top()
    terminal.hang_up()
    check(terminal.status() in (FAILED, -signal.SIGHUP), f"status {terminal.process.returncode}")


@case()
def stopped():
    "Ctrl-Z gives the terminal back, fg takes it again and draws all"
    terminal = top()
    said = len(terminal.raw)
    # The kernel stops no session leader: it continues at once.
    terminal.process.send_signal(signal.SIGTSTP)
    terminal.until(lambda: re.search(rb"\x1b\[\?1049l.*\x1b\[\?1049h", terminal.raw[said:], re.S), "the main screen, and the other one again")
    terminal.until(lambda: 1049 in terminal.screen.modes and len(rows(terminal)) == 9, "the list")
    terminal.press("q")
    ends(terminal, DONE)


@case()
def switched_off():
    "counting is switched off while it runs, or is off"
    netns = Netns(on=True)
    terminal = top(netns=netns)
    terminal.until("no traffic yet")
    netns.portmon.do("netns-set", enabled=0)
    ends(terminal, FAILED, "counting is off in this network namespace")
    status, out, err = run_top("--batch", netns=netns)
    equal((status, out), (FAILED, ""), "batch")
    check(re.search("counting is off.*portmon-ctl enable", err), err)
    status, out, err = run_top("--batch", "-c", "1", "--netns", netns.name, netns=None)
    check(status == FAILED and re.search(f"--netns {netns.name} enable", err), err)


@case()
def forbidden():
    "reading is forbidden while a user runs it"
    terminal = top(user=1000)
    parameter("restrict_read", 1)
    ends(terminal, FAILED, "cannot read the counters: .*restrict_read.*as root")
    status, out, err = run_top("--batch", user=1000)
    check(status == FAILED and re.search("restrict_read.*as root", err), err)


@case()
def refused():
    "what it cannot do it says, with the right status"
    for sentence, status, arguments in (
            ("--json needs --batch", USAGE, ["--json"]),
            ("--csv needs --batch", USAGE, ["--csv"]),
            ("--iterations needs --batch", USAGE, ["-c", "3"]),
            ("unknown column 'nonsense'; available: .*GRAPH", USAGE, ["-o", "port,nonsense"]),
            ("unknown column 'BAR'; available:", USAGE, ["--batch", "-o", "BAR"]),
            ("--delay needs seconds", USAGE, ["-d", "0"]),
            ("--delay needs seconds", USAGE, ["-d", "never"]),
            ("--iterations needs a number", USAGE, ["-b", "-c", "0"]),
            ("unexpected argument '80'", USAGE, ["80"]),
            ("top does not accept --details", USAGE, ["--details"]),
            ("top does not accept --bits", USAGE, ["--bits"]),
            ("top needs a terminal; .*portmon-ctl top --batch", FAILED, [])):
        got, out, err = run_top(*arguments)
        equal((got, out), (status, ""), f"{arguments}")
        check(re.search(sentence, err.splitlines()[0]), f"{arguments} said {err!r}")
    status, out, err = run_top("--list-columns")
    equal((status, err), (DONE, ""), "--list-columns")
    check({"PORT", "OWNER", "BACKLOG", "RTT", "GRAPH"} <= {line.split()[0] for line in out.splitlines()}, out)
    for term in "no-such-terminal", "dumb", "", None:
        terminal = Terminal("portmon-ctl", "top", netns=yard, TERM=term)
        equal(terminal.status(), FAILED, f"status with TERM={term}")
        said = terminal.raw.decode()
        check(re.search("terminal type '.*' is unknown or cannot move its cursor; set TERM", said), f"TERM={term} said {said!r}")
        check("\33" not in said, f"TERM={term} sent {said!r}")


@case()
def unloaded():
    "the module goes away while it runs (last: what was counted is gone)"
    reloads_module()
    netns = Netns(on=True)
    Packets(netns).out("udp", 53, 5000)
    terminal = top(netns=netns)
    wait_until(lambda: not unload(), what="unloading")
    ends(terminal, FAILED, "the portmon module was unloaded; load it with: modprobe portmon")
    status, out, err = run_top("-b", netns=netns)
    equal((status, out), (FAILED, ""), "batch without the module")
    check(re.search("not loaded: it is not built", err), err)
    terminal = Terminal("portmon-ctl", "top", netns=netns)
    equal(terminal.status(), FAILED, "status without the module")
    check("not loaded" in terminal.text() and b"1049h" not in terminal.raw, f"said {terminal.raw!r}")


run()
