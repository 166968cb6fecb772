#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""portmon-ctl top, driven by its keys: order, filters, columns, sizes, and the settings that are kept."""
import functools
import os
import re
import socket
import tempfile
import time

from lib import top as live
from lib.ktap import case, check, defer, equal, run, wait_until
from lib.ctl import DONE
from lib.netns import Netns
from lib.packets import Packets
from lib.process import sh
from lib.terminal import Terminal
from lib.top import PACKET, asked, cursor, ends, make_yard, ports, rows, shows

yard, packets = make_yard()
top = functools.partial(live.top, netns=yard)
run_top = functools.partial(live.run_top, netns=yard)

# See ktap.py.
TRIES = 3


@case()
def sorting():
    "0 to 9 and s sort by a column, r the other way; a change of order moves the cursor with its port"
    terminal = top("--scope", "local")
    everything = {"0": ["443/tcp", "22/tcp", "53/udp"], "2": ["22/tcp", "53/udp", "443/tcp"], "3": ["53/udp", "443/tcp", "22/tcp"],
                  "9": ["443/tcp", "22/tcp", "53/udp"]}
    for key, order in everything.items():
        terminal.press(key)
        shows(terminal, order, f"sorted by {key}")
    terminal.press("2", "r")
    shows(terminal, everything["2"][::-1], "reversed")
    asked(terminal, "sort: PORT, reversed")
    terminal.press("s")
    asked(terminal, "sort: SERVICE, reversed")
    shows(terminal, everything["3"][::-1], "sorted by the next column, reversed")
    terminal.press("r", "2", "down")
    terminal.until(lambda: cursor(terminal) == "53/udp", "the cursor on the second line")
    terminal.press("3")
    shows(terminal, everything["3"], "sorted by service")
    terminal.until(lambda: cursor(terminal) == "53/udp", "the cursor with its port")
    terminal.press("end")
    terminal.until(lambda: cursor(terminal) == "22/tcp", "the cursor at the end")
    terminal.press("home")
    terminal.until(lambda: cursor(terminal) == "53/udp", "the cursor at the beginning")
    terminal.press("G")
    terminal.until(lambda: cursor(terminal) == "22/tcp", "the cursor at the end again")
    terminal.press("k", "up")
    terminal.until(lambda: cursor(terminal) == "53/udp", "the cursor two up")
    terminal.press("<")
    asked(terminal, "sort: PORT$")
    terminal.press("<", "<")
    asked(terminal, "sort: GRAPH$")
    terminal.press(">", ">")
    asked(terminal, "sort: PORT$")
    for word, column, port in (("packets", "PPS", None), ("tx", "TX-BPS", None), ("last-seen", "LAST-SEEN", None), ("drops", "DROP-PS", None),
                               ("first-seen", "FIRST-SEEN", None), ("unanswered", "UNANS-PS", None), ("port", "PORT", "22/tcp")):
        again = top("--scope", "local", "--sort", word)
        asked(again, f"sort: {column}$")
        if port:
            again.until(lambda: ports(again)[0] == port, f"{port} in the first line")
        again.press("q")
        ends(again, DONE)


@case()
def choosing():
    "t, c, /, a, n and u choose what is shown"
    terminal = top()
    everything = terminal.until(lambda: len(rows(terminal)) == 9 and ports(terminal), "9 lines")
    for word, found in ("tcp", 3), ("udp", 4), ("udplite", 0), ("sctp", 2), ("dccp", 0):
        terminal.press("t")
        asked(terminal, f"transport: {word} ")
        terminal.until(lambda: len(rows(terminal)) == found, f"{found} lines of {word}")
        if not found:
            terminal.until("no matching port has traffic")
    terminal.press("t")
    asked(terminal, "transport: all")
    for word in "local", "remote", "forward", "loopback":
        terminal.press("c")
        asked(terminal, f"scope: {word} ")
        terminal.until(lambda: {row.scope for row in rows(terminal)} == {word}, f"lines of {word}")
        terminal.until(rf"^bits/s +{word}$")
        terminal.until(rf"^all +0 +0$")
    terminal.press("c", "/")
    terminal.until("port, span of ports or part of a name: _")
    terminal.press("H", "T", "t")
    shows(terminal, ["443/tcp"], "a part of a name")
    terminal.press("backspace", "backspace", "backspace", "6", "0", "-", "4", "4", "3", "enter")
    asked(terminal, "filter: 60-443")
    shows(terminal, ["443/tcp", "69/udp"], "a span")
    terminal.press("/", "x", "esc")
    asked(terminal, "filter: 60-443")
    terminal.press("esc")
    shows(terminal, everything, "no filter")
    terminal.press("/", *"41001", "enter")
    shows(terminal, ["41001/tcp"], "one of the folded")
    terminal.press("esc", "a")
    terminal.until(lambda: len(rows(terminal)) == 13, "all ports")
    asked(terminal, "unfolded")
    terminal.until(lambda: "ephemeral/tcp" not in ports(terminal), "none folded")
    terminal.press("a")
    shows(terminal, everything, "folded again")
    terminal.press("n")
    terminal.until(lambda: {row.service for row in rows(terminal)} == {"-", "5 ports"}, "no names")
    terminal.press("n", "9")
    for number in "1.4Ki|1.37Ki", "1400", "1.40k":
        terminal.press("u")
        terminal.until(lambda: re.fullmatch(number, rows(terminal)[0].total), f"units: {number}")
    terminal.press("h")
    terminal.until("^Keys")
    for words in ("Down, j", "PgUp", "Home, g", "Enter", "s, >", "<", "0-9", "r", "f, F2", "t", "c", "/, F4", "F3", "a", "#", "n", "u", "b", "d",
                  "p, Space", "W", "Ctrl-L", "h, ?, F1", "Esc", "q, F10"):
        terminal.until(rf"(^|  ){re.escape(words)} +\w")
    terminal.press("esc")
    terminal.until(lambda: sorted(ports(terminal)) == sorted(everything), "the list")
    for key in "?", "f1":
        terminal.press(key)
        terminal.until("^Keys")
        terminal.press("x")
        terminal.until("^SCOPE")
    terminal.press("h")
    terminal.until("^Keys")
    terminal.press("q")
    ends(terminal, DONE)


@case()
def searching():
    "F3 looks for what is typed, as it is typed; F3 again for the next line; the list stays whole"
    terminal = top("--sort", "port", "--scope", "local")
    shows(terminal, ["22/tcp", "53/udp", "443/tcp"], "the list")
    terminal.press("f3", "4")
    terminal.until("^search: 4_")
    terminal.until(lambda: cursor(terminal) == "443/tcp", "the cursor on 443")
    terminal.press("backspace", "t", "c", "p")
    terminal.until("^search: tcp_")
    terminal.press("f3")
    terminal.until(lambda: cursor(terminal) == "22/tcp", "the next one, from the beginning")
    terminal.press("x")
    terminal.until("^search: tcpx_  in no line")
    equal(ports(terminal), ["22/tcp", "53/udp", "443/tcp"], "the list while searching")
    terminal.press("backspace", "backspace", "backspace", "backspace", *"DNS", "enter")
    terminal.until(lambda: cursor(terminal) == "53/udp", "the cursor on dns")
    terminal.until("^h help")
    terminal.press("f10")
    ends(terminal, DONE)


@case()
def delay():
    "d changes the time between two readings; what is none is refused"
    terminal = top(interval="60")
    terminal.until("every 60 s")
    terminal.press("d")
    terminal.until(r"^seconds between two readings \(now 60\): _")
    terminal.press("x", "enter")
    terminal.until("^'x' is not a time in seconds")
    terminal.press("d", *"0.2", "enter")
    terminal.until("every 0.2 s")
    # It does not wait for the rest of the minute.
    terminal.until(lambda: {row.packets for row in rows(terminal)} == {"0"}, "the next reading")
    terminal.press("q")
    ends(terminal, DONE)


@case()
def redrawing():
    "Ctrl-L draws all again"
    terminal = top("--sort", "port", interval="60")
    terminal.until("^h help")
    without_clock = lambda: terminal.text().partition("\n")[2]
    wanted = without_clock()
    said = len(terminal.raw)
    terminal.screen.feed("\33[2J\33[Hgarbage\r\nmore of it")
    check("garbage" in terminal.text(), "no garbage")
    terminal.press("ctrl-l")
    terminal.until(lambda: without_clock() == wanted, "the screen as it was")
    check(len(terminal.raw) - said > 500, "it drew little")
    terminal.press("q")
    ends(terminal, DONE)


def kept(home):
    with open(f"{home}/portmon/top.conf") as file:
        return dict(line.strip().split(" = ") for line in file if not line.startswith("#"))


@case()
def columns():
    "f chooses columns: owner, backlog, RTT, unanswered and retransmitted; W keeps them, with the other settings, for the next time"
    home = tempfile.mkdtemp(prefix="pm")
    defer(sh, "rm", "-rf", home)
    netns = Netns(on=True)
    netns.ip("link set lo up")
    server = netns.socket("ipv4", socket.SOCK_STREAM, bind=("127.0.0.1", 8080))
    server.listen(9)
    for _ in range(4):
        client = netns.socket("ipv4", socket.SOCK_STREAM)
        client.connect(("127.0.0.1", 8080))
    terminal = top("--scope", "loopback", netns=netns, columns=120, XDG_CONFIG_HOME=f"{home}/config")
    terminal.until("^SCOPE +PORT +SERVICE.* UNANS-PS +RETR-PS +LAST-SEEN +GRAPH")
    terminal.press("f")
    terminal.until(r"^\[x\] SCOPE +local, remote, forward or loopback$")
    terminal.until(r"^\[x\] GRAPH")
    terminal.press(" ", "esc")
    terminal.until("^PORT +SERVICE.* GRAPH")
    terminal.press("q")
    ends(terminal, DONE)
    terminal = top("-o", "port,owner,backlog,rtt,unans-ps,retr-ps", "--scope", "loopback", netns=netns, columns=120, head="^PORT", XDG_CONFIG_HOME=f"{home}/config")
    terminal.until(rf"^8080/tcp +python3\[{os.getpid()}\].* 4/9 +- +0 +0$")
    terminal.press("f2", "j", "j")
    terminal.until(lambda: 7 in terminal.screen.looks[3][0] and terminal.text().splitlines()[3].startswith("[x] BACKLOG"), "the cursor on BACKLOG")
    terminal.press("<", "s", "esc")
    terminal.until(r"^PORT +BACKLOG +OWNER")
    asked(terminal, "sort: BACKLOG$")
    terminal.press("#", "u", "d", *"0.4", "enter", "W")
    terminal.until(f"^written: {home}/config/portmon/top.conf$")
    equal(kept(f"{home}/config"), {"columns": "PORT,BACKLOG,OWNER,RTT,UNANS-PS,RETR-PS", "sort": "BACKLOG", "delay": "0.400", "units": "iec",
                                   "scope": "loopback", "transport": "all", "reverse": "no", "all": "no", "numeric": "no", "bytes": "no",
                                   "ranges": "no"}, "the file")
    equal(os.stat(f"{home}/config/portmon").st_mode & 0o777, 0o700, "mode of the folder")
    equal(os.listdir(f"{home}/config/portmon"), ["top.conf"], "files")
    terminal.press("q")
    ends(terminal, DONE)
    terminal = Terminal("portmon-ctl", "top", netns=netns, columns=120, XDG_CONFIG_HOME=f"{home}/config")
    terminal.until(r"^PORT +BACKLOG +OWNER")
    terminal.until(r"every 0.4 s")
    asked(terminal, "scope: loopback .*sort: BACKLOG$")
    check("RANGE" not in terminal.text(), "the ranges are there")
    terminal.press("q")
    ends(terminal, DONE)
    # The command line counts for more.
    terminal = top("--sort", "port", "-o", "port,total", netns=netns, head="^PORT +TOTAL$", XDG_CONFIG_HOME=f"{home}/config")
    asked(terminal, "sort: PORT$")
    terminal.until(r"every 0.3 s")
    terminal.press("q")
    ends(terminal, DONE)


@case()
def owners_at_once():
    "owners are read when a column needs them, and again for the list after a port's page, also while it is paused"
    netns = Netns(on=True)
    netns.ip("link set lo up")
    server = netns.socket("ipv4", socket.SOCK_STREAM, bind=("127.0.0.1", 8080))
    server.listen()
    netns.socket("ipv4", socket.SOCK_STREAM).connect(("127.0.0.1", 8080))
    reader = netns.socket("ipv4", socket.SOCK_DGRAM, bind=("127.0.0.1", 514))
    netns.socket("ipv4", socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 514))
    terminal = top("--scope", "loopback", netns=netns, interval="600", columns=200)
    terminal.press("p")
    terminal.until("PAUSED")
    terminal.press("f", "G")
    terminal.until(r"^\[ \] OWNER")
    # The first line, which the last one has scrolled away, comes back.
    terminal.press("g")
    terminal.until(r"^\[.\] SCOPE")
    terminal.press("G")
    terminal.until(r"^\[ \] OWNER")
    terminal.press(" ", "esc")
    tcp, udp = (rf"^loopback +{port} .*\[{os.getpid()}\]" for port in ("8080/tcp", "514/udp"))
    terminal.until(tcp)
    terminal.until(udp)
    terminal.press("/", *"8080", "enter")
    terminal.until(lambda: ports(terminal) == ["8080/tcp"] or "514/udp" not in terminal.text(), "the filter")
    terminal.press("enter")
    terminal.until(r"^owner +\S+\[")
    terminal.press("esc")
    terminal.until(tcp)
    terminal.press("esc")
    terminal.until(udp)
    terminal.press("q")
    ends(terminal, DONE)
    del reader


@case()
def broken_settings():
    "a file that is wrong: one sentence, on the screen and on the terminal left behind, and the defaults; what cannot be written is reported"
    home = tempfile.mkdtemp(prefix="pm")
    defer(sh, "rm", "-rf", home)
    os.mkdir(f"{home}/portmon")
    for text, line in ("columns = PORT\nsort = NONSENSE\n", 2), ("\0\n", 1), ("reverse = yes\ncolumns =\n", 2), ("x" * 100000, 1):
        with open(f"{home}/portmon/top.conf", "w") as file:
            file.write(text)
        terminal = top(columns=120, XDG_CONFIG_HOME=home)
        said = f"{home}/portmon/top.conf, line {line} is not one that W writes; using the defaults"
        terminal.until(f"^{said}$")
        asked(terminal, "sort: GRAPH$")
        equal(terminal.raw.decode().partition("\33")[0], f"portmon-ctl: {said}\r\n", "what it said before")
        # Until a key is pressed.
        terminal.press("down")
        terminal.until("^h help")
        terminal.press("q")
        ends(terminal, DONE)
    # As sudo may hand it on: another user's.
    os.chown(f"{home}/portmon", 1000, 1000)
    os.unlink(f"{home}/portmon/top.conf")
    terminal = top(columns=120, XDG_CONFIG_HOME=home)
    terminal.press("W")
    terminal.until(f"^cannot write {home}/portmon/top.conf: Operation not permitted$")
    terminal.press("q")
    ends(terminal, DONE)
    equal(os.listdir(f"{home}/portmon"), [], "files in another user's folder")
    sh("rm", "-r", f"{home}/portmon")
    # Nor is a folder made in it, nor a link of the other user's followed.
    os.mkdir(f"{home}/root")
    for link in False, True:
        if link:
            os.symlink("root", f"{home}/portmon")
            os.lchown(f"{home}/portmon", 1000, 1000)
        os.chown(home, *(0, 0) if link else (1000, 1000))
        terminal = top(columns=120, XDG_CONFIG_HOME=home)
        terminal.press("W")
        terminal.until(f"^cannot write {home}/portmon/top.conf: Operation not permitted$")
        terminal.press("q")
        ends(terminal, DONE)
        equal((os.path.lexists(f"{home}/portmon"), os.listdir(f"{home}/root")), (link, []), "what was made for another user")
    os.unlink(f"{home}/portmon")
    with open(f"{home}/portmon", "w"):
        pass
    terminal = top(columns=120, XDG_CONFIG_HOME=home)
    terminal.press("W")
    terminal.until(f"^cannot write {home}/portmon/top.conf: Not a directory$")
    terminal.press("q")
    ends(terminal, DONE)
    terminal = top(XDG_CONFIG_HOME=None, HOME=None)
    terminal.press("W")
    terminal.until("^nowhere to keep the settings: HOME is not set$")
    terminal.press("q")
    ends(terminal, DONE)


@case()
def pause():
    "p and space pause and resume"
    netns = Netns(on=True)
    sender = Packets(netns)
    sender.out("udp", 53, 5000)
    for key in "p", " ":
        terminal = top("--exact", netns=netns, interval="0.1")
        before = terminal.until(lambda: rows(terminal)[0].total, "the first line")
        terminal.press(key)
        terminal.until("PAUSED")
        sender.out("udp", 53, 5000, 3)
        read = list(netns.portmon.ports().values())[0].tx
        time.sleep(0.5)
        equal(rows(terminal)[0].total, before, "total while paused")
        terminal.press(key)
        terminal.until(lambda: rows(terminal)[0].total == str(read * PACKET), "the total of now")
        terminal.until(lambda: "PAUSED" not in terminal.text(), "no pause any more")
        terminal.press("q")
        ends(terminal, DONE)


@case()
def resizing():
    "every size, down to a single character, and back; pages of a list longer than the screen"
    netns = Netns(on=True)
    sender = Packets(netns)
    for port in range(100, 160):
        sender.out("udp", port, 5000)
    terminal = top("--sort", "port", "--scope", "local", netns=netns, interval="0.1")
    terminal.until(lambda: len(rows(terminal)) == 16, "16 lines of 24")
    terminal.press("pgdn")
    terminal.until(lambda: cursor(terminal) == "116/udp", "a page down")
    terminal.press("pgup")
    terminal.until(lambda: cursor(terminal) == "100/udp", "a page up")
    terminal.press("end")
    terminal.until(lambda: cursor(terminal) == "159/udp", "the end")
    terminal.resize(50, 132)
    terminal.until(lambda: len(rows(terminal)) == 42 and "LAST-SEEN" in terminal.text(), "42 lines of 50, with the last column")
    terminal.until(lambda: cursor(terminal) == "159/udp", "the cursor")
    terminal.resize(12, 80)
    terminal.until(lambda: len(rows(terminal)) == 8 and "RANGE" not in terminal.text(), "8 lines of 12, without the sums")
    terminal.resize(12, 40)
    terminal.until(lambda: re.search(r"^PORT +RX-BPS +TX-BPS +PPS$", terminal.text(), re.M) and "GRAPH" not in terminal.text(),
                   "fewer columns")
    for lines, columns in (1, 1), (2, 2), (3, 10), (1, 200), (200, 1), (4, 20), (5, 20), (300, 300), (8, 8):
        terminal.resize(lines, columns)
        for key in "h", "esc", "enter", "esc", "f", "esc", "/", "1", "esc", "b", "G", "g":
            terminal.press(key)
        time.sleep(0.15)
        terminal.text()
        check(terminal.process.poll() is None, f"it ended at {lines}x{columns}: {terminal.process.returncode}")
    terminal.resize(24, 80)
    terminal.until(lambda: len(rows(terminal)) == 16, "16 lines of 24 again")
    terminal.press("q")
    ends(terminal, DONE)
    for lines, columns in (1, 1), (2, 20), (0, 0):
        terminal = Terminal("portmon-ctl", "top", "-d", "0.1", netns=netns, lines=lines or 24, columns=columns or 80)
        if not lines:       # a serial line knows no size
            terminal._size(0, 0)
        wait_until(lambda: [terminal.read(0.05)] and b"\33[?1049h" in terminal.raw, what="the screen")
        # Before that the kernel itself would write the q, in the midst of curses' few bytes at a time.
        wait_until(lambda: not terminal.echoes(), what="no echo")
        terminal.press("q")
        ends(terminal, DONE)


run()
