# SPDX-License-Identifier: GPL-2.0
"""portmon-ctl top on a terminal, for the cli_top tests: a yard with traffic, and what is on the screen."""
import collections
import re
import subprocess

from lib.ctl import run_ctl
from lib.ktap import check, equal
from lib.netns import Netns
from lib.packets import Packets
from lib.terminal import Terminal

PACKET = Packets.BYTES

Row = collections.namedtuple("Row", "scope port service rx tx packets connections drops total")
NUMBER = r"([-\d.<]+[kMGKi]*|n/a)"
LINE = re.compile(rf"(local|remote|forward|loopback) +(\S+) +(\d+ ports|\S+) +{' +'.join([NUMBER] * 6)}(?: |$)")


def make_yard():
    "A namespace with known traffic in every scope, and what sent it."
    yard = Netns(on=True)
    yard.sysctl("net.ipv4.ip_local_port_range", "40000 50000")
    packets = Packets(yard)
    for port in range(41000, 41005):
        packets.out("tcp", 443, port, 6)
    packets.out("tcp", 22, 41000, 20)
    packets.out("udp", 53, 42000, 10)
    packets.within("udp", 69, 8999, 2)
    packets.through("sctp", 2905, 2906, 3)
    return yard, packets


def top(*arguments, netns, interval="0.3", head="^SCOPE", **options):
    "Start it on a terminal, and wait for the list."
    # Settings that a test does not write are nobody's.
    options.setdefault("XDG_CONFIG_HOME", "/nonexistent")
    terminal = Terminal("portmon-ctl", "top", "-d", interval, *arguments, netns=netns, **options)
    terminal.until(head)
    return terminal


def rows(terminal):
    "The lines of the list."
    return [Row(*match.groups()) for match in map(LINE.match, terminal.text().splitlines()) if match]


def ports(terminal, scope=None):
    return [row.port for row in rows(terminal) if scope in (None, row.scope)]


def shows(terminal, wanted, what, scope=None):
    terminal.until(lambda: ports(terminal, scope) == wanted, f"{what}: {wanted}")


def asked(terminal, pattern):
    terminal.until(lambda: re.search(pattern, terminal.line("^scope: ")), f"{pattern!r} in the line of filters")


def cursor(terminal):
    "The port that the cursor is on: its line is in reverse."
    for line, looks in zip(terminal.text().splitlines(), terminal.screen.looks):
        if 7 in looks[0] and (match := LINE.match(line)):
            return match[2]


def ends(terminal, status, sentence=None):
    "It ends with this status, leaves the terminal as it was, and says no more than this."
    equal(terminal.status(), status, "status")
    terminal.restored()
    said = terminal.raw.rpartition(b"\33[?1049l")[2].decode()
    said = re.sub(r"\x1b\[[?0-9;]*[a-z]|\x1b[>=]|\r", "", said).strip()
    if sentence:
        check(re.fullmatch(f"portmon-ctl: .*{sentence}.*", said), f"said {said!r}, wanted {sentence!r}")
    else:
        equal(said, "", "what it says at the end")


def run_top(*arguments, netns, **options):
    "Run portmon-ctl top without a terminal: status, standard output, standard error."
    return run_ctl("top", *arguments, netns=netns, stdin=subprocess.DEVNULL, timeout=60, **options)
