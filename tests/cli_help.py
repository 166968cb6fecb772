#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""help, the manual page and completion tell the same commands and options; help alone leads a newcomer to the answers."""
import csv
import io
import os
import re
import socket

from lib.connection import transfer
from lib.ctl import ctl_text, run_ctl
from lib.ktap import HERE, case, check, defer, equal, run
from lib.netns import Netns
from lib.process import sh
from lib.terminal import Terminal

MAN = next(path for path in (f"{HERE}/portmon-ctl.8", f"{HERE}/../Documentation/man/portmon-ctl.8") if os.path.exists(path))


def commands():
    return re.findall(r"^  ([a-z]+)  ", ctl_text("help").split("Options")[0], re.M)


def options(command):
    "{long option: letter or ''} of a command, as its help has them."
    return {name: letter for letter, name in re.findall(r"^  (?:-(\w),|   ) --([a-z-]+)", ctl_text("help", command), re.M)}


def everything():
    "{long option: (letters)} of all commands."
    found = {}
    for command in commands():
        for name, letter in options(command).items():
            found.setdefault(name, set()).update(letter)
    return found


def section(name):
    "A section of the manual page, as plain text with roff's requests."
    with open(MAN) as file:
        page = file.read().replace(r"\-", "-")
    return page.split(f"\n.SH {name}\n")[1].split("\n.SH ")[0]


def heads(name):
    "What stands at the head of each paragraph of a section."
    lines = section(name).splitlines()
    return [re.sub(r"\\f.|\"", "", lines[i + 1]) for i, line in enumerate(lines) if line.startswith(".TP")]


@case()
def manual_commands():
    "each command of the help is in the manual page, and no other is"
    found = []
    for head in heads("COMMANDS"):
        words = head.split()
        found += [words[1]] + words[3:4] if "," in words else words[1:2]
    equal(sorted(found), sorted(commands()), "commands in the manual page")


@case()
def manual_options():
    "each option of the help is in the manual page with its letters, and no other is"
    found = {}
    for head in heads("OPTIONS"):
        letters = []
        for letter, name in re.findall(r"(?<= )-(\w)\b|(?<= )--([a-z-]+)", head):
            if name:
                found.setdefault(name, set()).update(letters)
            letters = [letter] if letter else []
    equal(found, everything(), "options in the manual page")


def tables():
    "The commands that print a table whose columns can be chosen."
    return [command for command in commands() if "output" in options(command)]


def columns(command):
    "{column: (words of --sort)} of a command."
    rows = csv.DictReader(io.StringIO(ctl_text(command, "--list-columns", "--csv")))
    return {row["column"].lower(): row["sort"].split() for row in rows}


def bash(*words):
    "What bash offers for the last of the words."
    script = 'eval "$(cat)"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _portmon_ctl; printf "%s\\n" "${COMPREPLY[@]}"'
    return sh("bash", "-c", script, "bash", "portmon-ctl", *words, input=ctl_text("help", "--completion", "bash")).split()


@case()
def in_bash():
    "bash completes commands, the options of each, and what an option is one of"
    equal(sorted(bash("")), sorted([*commands(), "--help", "--version"]), "first word")
    equal(bash("expl"), ["explain"], "expl")
    for command in commands():
        equal(sorted(bash(command, "--")), sorted(f"--{name}" for name in options(command)), f"options of {command}")
    equal(bash("stats", "--scope", ""), ["local", "remote", "forward", "loopback"], "scopes")
    equal(bash("stats", "--json", "--sort", "rx-"), ["rx-packets"], "--sort rx-")
    equal(bash("top", "--sort", "rx-"), ["rx-packets"], "top --sort rx-")
    equal(bash("help", "sho"), ["show"], "help sho")
    equal(bash("snapshots", "")[-2:], ["remove", "prune"], "snapshots")
    equal(bash("enable", "l"), ["lifecycle"], "enable l")
    netns = Netns()
    equal(bash("stats", "--netns", netns.name[:5]), [netns.name], "--netns")


@case()
def manual_columns():
    "the manual page lists the columns of each table"
    found = {}
    for part in section("COLUMNS").split("\n.TP\n")[1:]:
        head, *lines = part.splitlines()
        for command in re.findall(r"[a-z]+", head.split(" ", 1)[1]):
            found[command] = re.findall(r"[A-Z-]+", " ".join(lines))
    equal(found, {command: [name.upper() for name in columns(command)] for command in tables()}, "columns in the manual page")


@case()
def of_tables():
    "each shell completes the columns and the --sort words of a table; no other word is accepted"
    zsh, fish = ctl_text("help", "--completion", "zsh"), ctl_text("help", "--completion", "fish")
    for command in tables():
        found = columns(command)
        names, sorts = list(found), sorted({"none", *sum(found.values(), [])})
        equal(bash(command, "-o", ""), names, f"bash: columns of {command}")
        equal(bash(command, "--output", f"{names[1]},{names[-1]}"), [f"{names[1]},{names[-1]}"], "bash: the last of a list")
        equal(sorted(bash(command, "--sort", "")), sorts, f"bash: --sort of {command}")
        body = re.search(rf"^\t{command}\) _arguments(.*?);;", zsh, re.M | re.S)[1]
        equal(re.search(r"--output=.*:LIST:\((.*)\)", body)[1].split(), names, f"zsh: columns of {command}")
        equal(sorted(re.search(r"--sort=.*:FIELD:\((.*)\)", body)[1].split()), sorts, f"zsh: --sort of {command}")
        equal(re.search(rf"from {command}' -l output .*-a '(.*?)'", fish)[1].split(), names, f"fish: columns of {command}")
        equal(sorted(re.search(rf"from {command}' -l sort .*-a '(.*?)'", fish)[1].split()), sorts, f"fish: --sort of {command}")
        for word in sorted(set(bash("stats", "--sort", "")) - set(sorts)):
            status, _, err = run_ctl(command, *["80"] * (command == "show"), "--sort", word)
            check(status == 2 and "--sort takes one of these here: none, " in err, f"{command} --sort {word} said {err!r}")


@case()
def in_zsh():
    "zsh's script has the same commands and options"
    script = ctl_text("help", "--completion", "zsh")
    equal(re.findall(r"^\t\t'([a-z]+):", script, re.M), commands(), "commands")
    for command in commands():
        body = re.search(rf"^\t{command}\) _arguments(.*?);;", script, re.M | re.S)[1]
        equal(sorted(re.findall(r"^\t\t'--([a-z-]+)", body, re.M)), sorted(options(command)), f"options of {command}")
        letters = {letter for letter in options(command).values() if letter}
        equal(sorted(re.findall(r"^\t\t'-(\w)", body, re.M)), sorted(letters), f"letters of {command}")
    check("'*:argument:(remove prune)'" in script and "'*:argument:(lifecycle drops)'" in script, "words of snapshots, enable")
    check("'--scope=[" in script and ":SCOPE:(local remote forward loopback)'" in script, "the words of --scope")


@case()
def in_fish():
    "fish's script has the same commands and options"
    script = ctl_text("help", "--completion", "fish")
    equal(re.findall(r"-n __fish_use_subcommand -a (\w+)", script), commands(), "commands")
    for command in commands():
        found = re.findall(rf"from {command}' -l ([a-z-]+)", script)
        equal(sorted(found), sorted(options(command)), f"options of {command}")
    check("from snapshots' -a 'remove prune'" in script, "words of snapshots")


@case()
def shells():
    "a shell that nobody knows is refused"
    status, out, err = run_ctl("help", "--completion", "tcsh")
    equal((status, out), (2, ""), "status and standard output")
    check("unknown shell 'tcsh'; it is one of: bash, zsh, fish" in err, err)


def examples():
    "{question: commands} that the help shows."
    found = {}
    for line in ctl_text("help").splitlines():
        if line.endswith("?") and not line.startswith(" "):
            commands = found.setdefault(line, [])
        elif found:
            commands += re.findall(r"portmon-ctl ([a-z]+(?: -\w+| \d+)*)", line)
    return found


def busy(netns):
    "A namespace's server on port 443, by this process, after a megabyte; what sends it more."
    netns.ip("link set lo up")
    server = netns.socket("ipv4", socket.SOCK_STREAM, bind=("127.0.0.1", 443))
    server.listen()
    client = netns.socket("ipv4", socket.SOCK_STREAM)
    client.connect(("127.0.0.1", 443))
    called = server.accept()[0]
    defer(called.close)
    transfer(client, called, 1 << 20)
    return lambda: transfer(client, called, 1 << 16)


def in_top(netns, more):
    "The first port in the live view, while more comes."
    terminal = Terminal("portmon-ctl", "top", netns=netns)
    first = lambda: re.search(r"^SCOPE.*\n(.*)", terminal.text(), re.M)[1]
    terminal.until("^SCOPE")
    terminal.until(lambda: (more(), " 443/tcp " in first())[1], "the busiest port in the first line")
    line = first()
    terminal.press("q")
    equal(terminal.status(), 0, "status of top")
    return line


@case()
def newcomer():
    "who follows only the help, each command as it stands there, finds the answers"
    netns = Netns(on=True)
    more = busy(netns)
    netns.socket("ipv4", socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 427))
    me = str(os.getpid())
    answers = {
        "What is wrong?": {"check": r"^(nothing wrong at \d+ ports|\d+ troubles?) in the last"},
        "Which port is busiest?": {"stats": r"^SCOPE.*\n\S+ +443/tcp +https", "top": r"^\S+ +443/tcp +https"},
        "Which process is it?": {"stats -P": rf"443/tcp +https.*\[{me}\]", "show 443": rf"443/tcp +listens .* {me} "},
        "Is anything being dropped?": {"drops": r"427/udp .*NO_SOCKET(.|\n)*What to do: "},
        "Does portmon see everything?": {"coverage": r"In \d.* s (portmon counted|nothing was handed)"},
        "What is port 427?": {"explain 427": r"Service Location Protocol(.|\n)*watch for"},
    }
    equal(examples(), {question: list(commands) for question, commands in answers.items()}, "questions and commands in the help")
    for question, commands in answers.items():
        for command, wanted in commands.items():
            text = in_top(netns, more) if command == "top" else netns.run("portmon-ctl", *command.split())
            check(re.search(wanted, text, re.M), f"{question} portmon-ctl {command} says\n{text}")


run()
