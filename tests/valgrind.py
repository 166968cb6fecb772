#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""portmon-ctl under valgrind, with the real module: each command with each of its options, and each way to fail early.

Which commands and options there are the tool's own help says: a new one without a line here is a failure.
"""
import os
import re
import select
import signal
import socket
import subprocess
import tempfile

from lib.ctl import own_services
from lib.ktap import HERE, case, check, defer, equal, run, wait_until
from lib.module import parameter, reloads_module, unload
from lib.netns import Netns
from lib.packets import Packets
from lib.process import sh
from lib.terminal import Terminal

DONE, FAILED, USAGE = 0, 1, 2
VALGRIND = ["valgrind", "--leak-check=full", "--show-leak-kinds=definite,indirect", "--errors-for-leak-kinds=definite,indirect",
            "--error-exitcode=99"]
FILTER = "--scope local --transport tcp --range well-known --port 1-1023"

yard = Netns(on=True)
yard.ip("link set lo up")
packets = Packets(yard)
for port in range(41000, 41005):
    packets.out("tcp", 443, port, 2)
packets.out("udp", 53, 42000)
packets.within("sctp", 2905, 2906)
packets.through("dccp", 5, 6)
with yard.enter():
    for port in 69, 427:            # closed ports
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"x", ("127.0.0.1", port))
server = yard.socket("ipv4", socket.SOCK_STREAM, bind=("127.0.0.1", 80))
server.listen()
yard.socket("ipv4", socket.SOCK_STREAM).connect(("127.0.0.1", 80))
home = tempfile.mkdtemp(prefix="portmon-")
defer(sh, "rm", "-rf", home)
os.chmod(home, 0o777)

# What each command is run with; more than one line where options exclude each other or print in other ways.
LINES = {
    "stats": ["--all --json", f"--pretty {FILTER} --exact", "--processes --sort drops --reverse --details --iec --numeric",
              "--csv --all-netns", "--bars --bits --si --color always", "--output +OWNER,CONNS --netns NETNS", "--delta",
              "--interval 0.1 --count 2 --processes",
              "--limit 2 --csv --no-header --process nosuch", "--unit nosuch.service --json"],
    "check": ["--all-time --netns NETNS", "--watch 0.1 --pretty", "--all-time --json", "--all-time --quiet"],
    "top": [f"--batch --iterations 2 --delay 0.1 {FILTER} --exact --numeric --ascii --netns NETNS --si --sort drops --reverse",
            "--batch --iterations 2 --delay 0.1 --json --all --iec", "--batch --iterations 1 --delay 0.1 --pretty",
            "--batch --iterations 2 --delay 0.1 --output +OWNER,BACKLOG,RTT,GRAPH --sort unanswered",
            "--batch --iterations 2 --delay 0.1 --csv --no-header"],
    "show": ["80 443/tcp --bits", "http --json --processes", "443 --pretty --scope local --exact --numeric --netns NETNS",
             "80 --details --si --sort port --reverse", "80 443 --csv --all-netns --iec", "80 --bars --output SCOPE,PORT,OWNER",
             "80 --csv --no-header"],
    "ranges": ["--scope local --transport tcp --range well-known --bits --exact", "--json --all-netns", "--pretty --netns NETNS",
               "--csv --iec --output +SHARE", "--bars --si", "--csv --no-header --sort packets --reverse"],
    "buckets": ["--numeric --bits --exact", "--json --all-netns", "--pretty --netns NETNS", "--csv --iec --si --output +HOOK", "--csv --no-header --sort packets --reverse"],
    "drops": ["--all-netns --iec --si", "--json --all --numeric --reverse", f"--pretty {FILTER} --netns NETNS --exact",
              "--csv --no-header --sort port --output PORT"],
    "closed": ["--all-netns --iec --si", "--json --pretty --all --numeric --reverse --exact --netns NETNS "
               "--scope local --transport udp --range well-known --port 1-500", "--csv --no-header --sort port --output PORT"],
    "monitor": ["--numeric --netns NETNS --count 1000", "--json"],
    "coverage": ["--interval 0.1 --bits --exact --netns NETNS", "--interval 0.1 --json --pretty --iec --si",
                 "--interval 0.1 --csv --no-header --output +NOTES --sort rx --reverse"],
    "explain": ["427", "dns --json --all", "50000 --pretty --netns NETNS", "--list"],
    "services": ["--all", "--json --pretty", "--csv --no-header --output PORT --sort port --reverse"],
    "reset": ["--json --pretty --scope remote --numeric --netns NETNS",
              "--details --port 53 --exact --bits --iec --si --transport udp --range well-known"],
    "enable": ["--netns NETNS", "drops"],
    "disable": ["--netns NETNS lifecycle"],
    "export": ["--ports 53,443/tcp,8000-8009", "--file /run/portmon.prom --netns NETNS"],
    "snapshots": ["", "--json --netns NETNS --exact", "--pretty --iec --si", "remove default --all-netns"],
    "info": ["--bits --exact", "--json --pretty --netns NETNS --iec --si", "--all-netns"],
    "apply": ["", "/dev/null"],
    "help": ["stats", "--completion zsh"],
}


def commands():
    return re.findall(r"^  ([a-z]+)  ", sh("portmon-ctl", "help").split("Options")[0], re.M)


def options(command):
    "Long options that a command takes, without those that end it before it begins."
    found = re.findall(r"^  (?:-\w,|   ) --([a-z-]+)", sh("portmon-ctl", "help", command), re.M)
    return set(found) - {"help", "version", "color", "list-columns"}


class Watched:
    "A run under valgrind: .command to start, clean() once it has ended."
    runs = 0

    def __init__(self, *arguments):
        Watched.runs += 1
        self.log = f"{home}/log.{Watched.runs}"
        self.what = f"portmon-ctl {' '.join(arguments)}"
        self.command = [*VALGRIND, f"--log-file={self.log}", "portmon-ctl", *arguments]

    def clean(self, status, wanted):
        with open(self.log) as file:
            log = file.read()
        check("ERROR SUMMARY: 0 errors from 0 contexts" in log, f"{self.what}: valgrind says\n{log}")
        equal(status, wanted, f"{self.what}: status")


# One line of the services is wrong: it is reported, and the rest is read.
ENV = {**own_services("443/tcp mine\n\tname: My own\n\nwrong line\n")}


def clean(*arguments, status=DONE, netns=yard, **options):
    "Run it: it ends with this status, and valgrind has nothing to say."
    watched = Watched(*arguments)
    with netns.enter():
        done = subprocess.run(watched.command, text=True, stdin=subprocess.DEVNULL, env={**os.environ, **ENV},
                              **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options})
    watched.clean(done.returncode, status)


@case("error", "leak")
def seen(flaw):
    "valgrind is there, and sees"
    log = f"{home}/flaw"
    done = subprocess.run([*VALGRIND, f"--log-file={log}", f"{HERE}/flawed", flaw])
    with open(log) as file:
        equal((done.returncode, "ERROR SUMMARY: 0 errors" in file.read()), (99, False), "status, and whether it finds no error")


@case()
def complete():
    "no command and no option is left out"
    equal(sorted(LINES), sorted(commands()), "commands")
    for command, lines in LINES.items():
        equal(set(re.findall(r"--([a-z-]+)", " ".join(lines))) - {"color"}, options(command), f"options of {command}")


@case(*(name for name in LINES if name != "monitor"))
def command(name):
    "each of its options"
    for line in LINES[name]:
        clean(name, *line.replace("NETNS", yard.name).split())


@case()
def live_view():
    "top on a terminal: its pages, a filter, and its end"
    watched = Watched("top", "--delay", "0.5")
    terminal = Terminal(*watched.command, netns=yard, **ENV)
    terminal.until("^SCOPE", timeout=120)
    for keys, pattern in (("h", "^Keys"), (["esc"], "^SCOPE"), ("f", r"^\[x\] SCOPE"), ([" ", ">", "esc"], "^PORT"), (["f3", *"443", "enter"], "^h help"),
                          (["/", *"443", "enter"], "filter: 443"), (["enter"], "^owner")):
        terminal.press(*keys)
        terminal.until(pattern, timeout=120)
    terminal.press("esc", "esc", "a", "n", "u", "b", "s", "r", "W", "p", "q")
    watched.clean(terminal.status(timeout=120), DONE)


@case(*LINES["monitor"])
def events(line):
    "monitor: every kind of event, until Ctrl-C"
    netns = Netns(on=True)
    netns.ip("link set lo up")
    watched = Watched("monitor", *line.replace("NETNS", netns.name).split())
    process = netns.popen(*watched.command, stdout=subprocess.PIPE)

    def listening():
        netns.portmon.reset()
        return select.select([process.stdout], [], [], 0.2)[0]

    wait_until(listening, timeout=60, what="monitor listening")
    sender = netns.socket("ipv4", socket.SOCK_DGRAM)
    sender.sendto(b"x", ("127.0.0.1", 69))
    for _ in range(12):
        with netns.enter(), socket.socket() as sock:
            sock.connect_ex(("127.0.0.1", 99))
    netns.portmon.do("netns-set", enabled=0)
    while "switched" not in process.stdout.readline():
        check(process.poll() is None, "monitor has ended")
    process.send_signal(signal.SIGINT)
    watched.clean(process.wait(60), DONE)


@case()
def wrong():
    "wrong usage, which ends early"
    for line in "nonsense", "stats --nonsense", "stats --port 99999", "stats -o SCOPE,NONSENSE", "show 80 nonsense":
        clean(*line.split(), status=USAGE)


@case()
def failing():
    "what fails at run time: no room, no right, no namespace, counting off, a broken reader, no module"
    off = Netns()
    for line in "stats", "show 80 --json", "services":
        with open("/dev/full", "w") as full:
            clean(*line.split(), status=FAILED, stdout=full)
    for line in "stats --delta", "top -b -c 1":
        clean(*line.split(), status=FAILED, netns=off)
    clean("stats", "--netns", "nowhere", status=FAILED)
    user = {"user": 1000, "group": 1000, "extra_groups": []}
    clean("reset", status=FAILED, **user)
    for line in "stats --processes", "stats --all-netns", "coverage -i 0.1":
        clean(*line.split(), **user)
    parameter("restrict_read", 1)
    for line in "stats", "top -b -c 1":
        clean(*line.split(), status=FAILED, **user)


@case()
def unloaded():
    "without the module (last: what was counted is gone)"
    reloads_module()
    wait_until(lambda: not unload(), what="unloading")
    for line in "stats -A", "show 80", "top -b":
        clean(*line.split(), status=FAILED)
    clean("explain", "443")


run()
