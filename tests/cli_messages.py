#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""portmon-ctl says what is wrong and what to do, each failure in its own sentence, and ends with the right status."""
import json
import os
import pty
import re
import time

from lib.ctl import DONE, FAILED, USAGE, ctl_on_terminal, expect_message, run_ctl
from lib.ktap import case, check, equal, note, run, wait_until
from lib.module import MODULE, parameter, reloads_module, unload
from lib.netns import Netns
from lib.packets import Packets
from lib.process import sh

READERS = [["stats"], ["stats", "--json"], ["show", "80"], ["ranges"], ["buckets"]]
CHANGERS = [["reset"], ["reset", "--port", "80"], ["enable"], ["disable"]]
COMMANDS = ["stats", "top", "show", "check", "ranges", "buckets", "drops", "closed", "monitor", "coverage", "explain", "services", "reset", "enable", "disable", "info", "snapshots", "export", "apply", "help"]


@case()
def loaded():
    "the module is not loaded"
    reloads_module()
    wait_until(lambda: not unload(), what="unloading")
    for arguments in [*READERS, *CHANGERS, ["info"], ["info", "--json"]]:
        expect_message(FAILED, f"module is not loaded: it is not built for this kernel, {re.escape(os.uname().release)}; install the headers", *arguments)
    for arguments in ["explain", "443"], ["explain", "dns", "--json"], ["services"], ["help"], ["--version"]:
        status, out, err = run_ctl(*arguments)
        equal((status, err), (DONE, ""), f"{arguments} without the module")
        check(out, f"{arguments} printed nothing")


@case()
def off():
    "counting is off in the namespace"
    netns = Netns()
    for arguments in [*READERS, ["reset"]]:
        expect_message(FAILED, "counting is off in this network namespace.*portmon-ctl enable", *arguments, netns=netns)
        expect_message(FAILED, f"counting is off in network namespace {netns.name}.*--netns {netns.name} enable",
             "--netns", netns.name, *arguments)
    expect_message(DONE, "counting is already off", "disable", netns=netns)
    status, out, err = run_ctl("info", netns=netns)
    equal((status, err), (DONE, ""), "info")
    check("off" in out and "portmon-ctl enable" in out, f"info says {out!r}")
    equal(run_ctl("enable", netns=netns)[::2], (DONE, ""), "enable")
    expect_message(DONE, "counting is already on", "enable", netns=netns)
    expect_message(DONE, "no traffic yet", "stats", netns=netns)
    equal(run_ctl("disable", netns=netns)[::2], (DONE, ""), "disable")


def unused(arguments):
    "What show prints of a port that nothing was counted for and that has no socket."
    return f"\nWho uses {arguments[1]}:\nno local socket uses it\n" if arguments[0] == "show" else ""


@case()
def nothing():
    "no traffic yet, or no matching port"
    netns = Netns(on=True)
    for arguments in ["stats"], ["ranges"], ["buckets"], ["show", "80"], ["show", "http"]:
        equal(expect_message(DONE, r"(nothing|not) .*matching port.*since|no traffic on |no traffic.*counting began",
                   *arguments, netns=netns), unused(arguments), f"standard output of {arguments}")
    Packets(netns).out("tcp", 1000, 80)
    for arguments in (["stats", "--port", "81"], ["stats", "--scope", "forward"], ["ranges", "--transport", "dccp"],
                      ["show", "81"], ["show", "http", "--scope", "local"]):
        equal(expect_message(DONE, "no matching port|no traffic", *arguments, netns=netns), unused(arguments), f"standard output of {arguments}")


@case()
def permitted():
    "a user may not change anything, nor read with restrict_read"
    netns = Netns(on=True)
    Packets(netns).out("tcp", 1000, 80)
    for arguments in READERS:
        status, out, err = run_ctl(*arguments, netns=netns, user=1000)
        equal((status, err), (DONE, ""), f"{arguments} as a user")
        check(out, f"{arguments} as a user printed nothing")
    for arguments in CHANGERS:
        expect_message(FAILED, "CAP_NET_ADMIN.*as root", *arguments, netns=netns, user=1000)
    expect_message(FAILED, "not permitted to enter network namespace.*as root", "stats", "--netns", netns.name, user=1000)
    parameter("restrict_read", 1)
    for arguments in READERS:
        expect_message(FAILED, "restrict_read.*as root", *arguments, netns=netns, user=1000)
    equal(run_ctl("info", netns=netns, user=1000)[::2], (DONE, ""), "info as a user")
    equal(run_ctl("stats", netns=netns)[::2], (DONE, ""), "stats as root")


@case()
def wrong():
    "wrong usage has status 2 and says what would be right"
    for sentence, *arguments in (
            ("command 's' could be any of: stats, show, services", "s"),
            ("unknown command 'status'.*help", "status"),
            ("unknown command 'status'.*help", "help", "status"),
            ("unknown .*option --jso-n", "stats", "--jso-n"),
            ("unknown .*option -Z", "stats", "-Z"),
            ("--scope needs an argument", "stats", "--scope"),
            ("--json does not accept an argument", "stats", "--json=yes"),
            ("unexpected argument .80.", "ranges", "80"),
            ("unexpected argument .80.", "export", "80"),
            ("unexpected argument 'now'", "reset", "now"),
            ("unexpected argument 'b'", "services", "a", "b"),
            ("unexpected argument 'b'", "help", "stats", "b"),
            ("no port given", "show"),
            ("no port given", "explain"),
            ("unknown scope 'here'.*local, remote, forward, loopback", "stats", "--scope", "here"),
            ("unknown transport 'icmp'.*tcp, udp, udplite, sctp, dccp", "stats", "--transport", "icmp"),
            ("unknown transport 'icmp'.*tcp, udp, udplite, sctp, dccp", "show", "80/icmp"),
            ("unknown range 'high'.*well-known, registered, dynamic", "ranges", "--range", "high"),
            ("unknown sort field 'size'.*bytes.*last-seen", "stats", "--sort", "size"),
            ("unknown .*'red'.*auto, never, always", "stats", "--color", "red"),
            ("'65536' is not a port.*65535", "stats", "--port", "65536"),
            ("no service is named 'nosuch'", "stats", "--port", "nosuch"),
            ("'-1' is not a port", "stats", "--port=-1"),
            ("'10-9' is not a port|'10-9'", "stats", "--port", "10-9"),
            ("'10-' is not a port", "stats", "--port", "10-"),
            ("'' is not a port", "stats", "--port", ""),
            ("'99999' is not a port", "show", "99999"),
            ("'99999' is not a port", "explain", "99999"),
            ("no service is named 'gopherd-x'.*portmon-ctl services", "show", "gopherd-x"),
            ("no service is named 'gopherd-x'.*portmon-ctl services", "explain", "gopherd-x"),
            ("explain does not accept --scope", "explain", "80", "--scope", "local"),
            ("enable does not accept --json", "enable", "--json"),
            ("only one port or name is allowed", "explain", "80", "443"),
            ("only one port or name is allowed", "explain", "6000-6010"),
            ("only one port or name is allowed", "explain", "6000-6010/tcp"),
            ("unexpected argument 'rates'; expected: lifecycle or drops", "enable", "rates"),
            ("unknown or ambiguous option --s", "stats", "--s"),
            ("--json and --csv cannot be combined", "stats", "--json", "--csv"),
            ("--count needs --interval", "stats", "--count", "3"),
            ("--interval needs seconds, from 0.001 to 86400, not '0'", "stats", "--interval", "0"),
            ("--count needs a number of at least 1, not 'many'", "stats", "--interval", "1", "--count", "many"),
            ("--output needs LIST, not an empty word", "stats", "--output", ""),
            ("unknown column 'SIZE'; available: .*RX-BYTES", "stats", "--output", "SIZE"),
            ("more than 64 columns", "stats", "--output", ",".join(["PORT"] * 65)),
            ("closed ports have scope local or loopback", "closed", "--scope", "remote"),
            ("--netns needs NAME", "stats", "--netns", "")):
        expect_message(USAGE, sentence, *arguments)


@case()
def no_netns():
    "there is no such namespace"
    expect_message(FAILED, "no network namespace is named 'nowhere-x'.*ip netns", "stats", "--netns", "nowhere-x")
    expect_message(FAILED, "no network namespace is named 'nowhere-x'.*ip netns", "--netns", "nowhere-x", "enable")
    expect_message(FAILED, "cannot enter network namespace '/dev/null': not a network namespace", "stats", "--netns", "/dev/null")
    expect_message(FAILED, "no network namespace is named '999999999'.*ip netns list.*no process has that PID", "stats", "--netns", "999999999")
    expect_message(FAILED, "cannot open network namespace '1': Permission denied; run as root", "stats", "--netns", "1", user=1000)


@case()
def output():
    "what cannot be written is a failure, a reader that has gone away is none to talk about"
    netns = Netns(on=True)
    packets = Packets(netns)
    for port in range(1000):
        packets.out("udp", 5, port)
    for arguments in (["stats"], ["stats", "--all", "--json"], ["show", "5"], ["ranges"], ["buckets"], ["info"], ["help"],
                      ["--version"], ["services"], ["explain", "80"], ["help", "--completion", "zsh"], ["reset", "--scope", "local"]):
        with open("/dev/full", "w") as full:
            expect_message(FAILED, "cannot write the output: No space left on device", *arguments, netns=netns, stdout=full)
        status, _, err = run_ctl(*arguments, netns=netns, stdout=None, preexec_fn=lambda: os.close(1))
        check(status == FAILED and re.search("cannot write the output: Bad file descriptor", err),
              f"{arguments} with standard output closed: status {status}, said {err!r}")
        check(len(err.splitlines()) == 1, f"{arguments} with standard output closed said {err!r}")
    for arguments in ["stats"], ["stats", "--all", "--json"], ["explain", "80"]:
        ours, theirs = pty.openpty()
        os.close(ours)
        expect_message(FAILED, "cannot write the output: Input/output error", *arguments, netns=netns, stdout=theirs)
        os.close(theirs)
    for arguments in ["stats", "--all"], ["stats", "--all", "--json"], ["services", "--all"]:
        reader, writer = os.pipe()
        os.close(reader)
        status, _, err = run_ctl(*arguments, netns=netns, stdout=writer)
        os.close(writer)
        check(status != DONE and err == "", f"{arguments} to nobody: status {status}, said {err!r}")
        with netns.enter():
            out = sh("sh", "-c", f"portmon-ctl {' '.join(arguments)} 2>&1 | head -n 1")
        check(out.count("\n") <= 1 and "portmon-ctl:" not in out, f"{arguments} | head -n 1 prints {out[:200]!r}")


@case()
def interrupted():
    "a dump that a reset breaks into is read again, and if that does not help is said to be so; never is half of it printed"
    netns = Netns(on=True)
    packets = Packets(netns)
    for port in range(1000):
        packets.out("udp", 5, port)
    packets.out("sctp", 7, 8)
    want = {key for key in packets.sent if key[1] == "udp"}
    results = []
    for pause in 0.2, 0.2, 0:
        pid = os.fork()
        if not pid:
            try:
                while True:
                    netns.portmon.do("reset", scope="local", transport="sctp", port=7)
                    time.sleep(pause)
            finally:
                os._exit(0)
        try:
            status, out, err = run_ctl("stats", "--all", "--json", netns=netns)
        finally:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
        results.append(status)
        if status == DONE:
            got = {(r["scope"], r["transport"], r["port"]) for r in json.loads(out)["ports"] if r["transport"] == "udp"}
            equal(len(got ^ want), 0, "records that differ")
            equal(err, "", "standard error")
        else:
            equal((status, out), (FAILED, ""), "status and standard output")
            check(re.search("reset repeatedly while they were read; try again", err), f"said {err!r}")
    note(f"statuses {results}")
    equal(results[:2], [DONE] * 2, "status with a reset now and then")


@case()
def helps():
    "help, for each command too, and the version of the module"
    with open(f"{MODULE}/version") as file:
        version = file.read().strip()
    for arguments in ["--version"], ["-V"], ["stats", "--version"]:
        equal(run_ctl(*arguments), (DONE, f"portmon-ctl {version}\n", ""), f"{arguments}")
    overview = run_ctl("help")
    equal(overview[::2], (DONE, ""), "help")
    equal(re.findall(r"^  ([a-z]+)  ", overview[1].split("Options")[0], re.M), COMMANDS, "commands in the help")
    equal(run_ctl("--help"), overview, "--help")
    for command in COMMANDS:
        status, out, err = run_ctl("help", command)
        equal((status, err), (DONE, ""), f"help {command}")
        check(out.startswith(f"usage: portmon-ctl {command}"), f"help {command} says {out!r}")
        equal(run_ctl(command, "-h"), (DONE, out, ""), f"{command} -h")
        check(max(map(len, out.splitlines())) <= 80, f"help {command} is wider than a terminal")


@case()
def colours():
    "colours are for terminals, and not where NO_COLOR is set"
    netns = Netns(on=True)
    Packets(netns).out("tcp", 443, 40000, 3)

    def coloured(terminal, *arguments, **env):
        env = {"TERM": "xterm", "NO_COLOR": "", **env}
        if not terminal:
            return "\33" in run_ctl("stats", *arguments, netns=netns, env=env)[1]
        status, out, err = ctl_on_terminal("stats", *arguments, netns=netns, env=env)
        check("443" in out and not status, f"status {status}, said {err!r}, printed {out!r}")
        return "\33" in out

    for terminal, arguments, env, wanted in ((True, [], {}, True), (False, [], {}, False), (True, [], {"NO_COLOR": "1"}, False),
                                             (True, [], {"TERM": "dumb"}, False), (True, ["--color", "never"], {}, False),
                                             (False, ["--color", "always"], {}, True), (True, ["--json"], {}, False)):
        equal(coloured(terminal, *arguments, **env), wanted, f"colour, terminal {terminal}, {arguments} {env}")


run()
