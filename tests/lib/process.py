# SPDX-License-Identifier: GPL-2.0
"""Commands, and the helper program traffic (traffic.c)."""
import os
import subprocess

from lib.ktap import HERE, PATIENCE, defer, equal


def write_file(path, value):
    with open(path, "w") as file:
        file.write(str(value))


def end_process(process):
    process.kill()
    process.communicate()


def sh(*command, input=None, fails=False, **options):
    "Run a command, return its standard output; unless fails it has to succeed."
    done = subprocess.run(command, input=input, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode and not fails:
        raise AssertionError(f"{' '.join(command)}: status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def traffic(*arguments, netns=None, **options):
    "Start the helper program (see traffic.c); netns as for Netns.popen."
    command = [os.environ.get("PORTMON_TRAFFIC", f"{HERE}/traffic"), *map(str, arguments)]
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, **options}
    if netns:
        return netns.popen(*command, **options)
    process = subprocess.Popen(command, text=True, **options)
    defer(end_process, process)
    return process


def finish(process, last=None):
    "End a program that waits for the end of its standard input (or ends by itself), where it reads last; what it printed."
    out, _ = process.communicate(last, timeout=60 * PATIENCE)
    equal(process.returncode, 0, f"status of {process.args}")
    return out
