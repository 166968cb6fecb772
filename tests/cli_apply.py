#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""portmon-ctl apply brings portmon.conf into force: what can change, what cannot, and nothing of a file with a bad line."""
import os
import signal
import subprocess
import tempfile

from lib.ctl import DONE, FAILED, USAGE, run_ctl
from lib.ktap import case, check, defer, equal, run, wait_until
from lib.module import parameter, parameters, reloads_module, unload
from lib.netns import Netns

def keep(*names):
    "Parameters get back the values they have now."
    for name in names:
        parameter(name, parameter(name))


def apply(text, **options):
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(text)
        file.flush()
        os.chmod(file.name, 0o644)
        status, out, err = run_ctl("apply", file.name, **options)
        return status, out, err.replace(file.name, "FILE")


@case()
def changes():
    "parameters change once, and are said to"
    keep("max_records", "restrict_read")
    equal(apply("max_records = 4096\nrestrict_read = yes\n"),
          (DONE, "max_records: 4096, was 262144\nrestrict_read: Y, was N\n", ""), "first")
    equal((parameter("max_records"), parameter("restrict_read")), ("4096", "Y"), "parameters")
    equal(apply("max_records = 4096\nrestrict_read = yes\n"), (DONE, "", ""), "the same again")
    equal(apply("# nothing\n"), (DONE, "", ""), "a file that sets nothing")
    equal(parameter("max_records"), "4096", "what is not set stays")


@case()
def bad_line():
    "a bad line is named and nothing changes"
    before = parameters()
    status, out, err = apply("max_records = 77\n\nrestrict_read = perhaps\nport = 80\n")
    equal((status, out), (FAILED, ""), "a bad file")
    equal(err, "portmon-ctl: FILE:3: 'perhaps' is not yes or no\n"
          "portmon-ctl: FILE:4: unknown setting 'port'; see portmon.conf(5)\n"
          "portmon-ctl: nothing was changed\n", "what is said")
    equal(parameters(), before, "parameters")


@case()
def load_only():
    "what only loading the module can change is said, the rest is done"
    keep("max_records")
    status, out, err = apply("all_netns = yes\nmax_records = 5000\n")
    equal((status, out), (DONE, "max_records: 5000, was 262144\n"), "apply")
    check("all_netns cannot change while the module is loaded" in err and "systemctl restart portmon" in err, err)


@case()
def namespaces():
    "counting starts in the namespaces that are there, the others are named"
    netns = Netns()
    status, out, err = apply(f"netns = {netns.name}\nnetns = not-there\n")
    equal((status, out), (DONE, f"counting is on in network namespace {netns.name}\n"), "apply")
    check("no network namespace 'not-there' yet" in err and "systemctl reload portmon" in err, err)
    status, out, err = run_ctl("info", netns=netns)
    check("counting         on" in out, f"info says {out!r}")
    equal(apply(f"netns = {netns.name}\n"), (DONE, "", ""), "the same again")


@case()
def parts():
    "lifecycle and drops hold for the namespace that is counted already"
    keep("lifecycle", "drops")
    defer(lambda: run_ctl("enable", "lifecycle", "drops"))
    equal(apply("lifecycle = no\ndrops = no\n")[::2], (DONE, ""), "off")
    status, out, err = run_ctl("info")
    equal(out.count("off (enable it with"), 2, f"parts that are off in {out!r}")
    equal(apply("lifecycle = yes\ndrops = yes\n")[::2], (DONE, ""), "on")
    status, out, err = run_ctl("info")
    equal(out.count("off (enable it with"), 0, f"parts that are off in {out!r}")


@case()
def parts_of_named():
    "lifecycle and drops hold for a namespace of the file that is counted already"
    keep("lifecycle", "drops")
    netns = Netns(on=True)
    for value, wanted in ("no", 2), ("yes", 0):
        equal(apply(f"lifecycle = {value}\ndrops = {value}\nnetns = {netns.name}\n")[::2], (DONE, ""), value)
        out = run_ctl("info", netns=netns)[1]
        equal(out.count("off (enable it with"), wanted, f"parts that are off with {value}: {out!r}")


@case()
def not_permitted():
    "who is not root may change nothing: each refusal is said, also that of a namespace, and the status says it"
    keep("max_records", "lifecycle")
    netns = Netns(on=True)
    sentence = "portmon-ctl: cannot set the module's parameter max_records: Permission denied; run as root\n"
    equal(apply("max_records = 5000\n", user=65534), (FAILED, "", sentence), "a parameter")
    status, out, err = apply(f"netns = {netns.name}\n", user=65534)
    equal((status, out), (FAILED, ""), "a namespace")
    check(f"not permitted to enter network namespace '{netns.name}'" in err, f"a namespace: {err!r}")
    parameter("lifecycle", "N")
    status, out, err = apply("lifecycle = no\n", user=65534)
    equal((status, out), (FAILED, ""), "a part of what is counted")
    check("cannot apply the settings: " in err, f"a part of what is counted: {err!r}")
    equal(parameter("max_records"), "262144", "what it was before")


@case()
def in_the_way():
    "a parameter that is not there, and one without a value; modprobe is not there"
    for script, arguments, wanted in (
            ("mount -t tmpfs none /sys/module/portmon/parameters", "max_records = 5000\n",
             "cannot read the module's parameter max_records: No such file or directory"),
            ("mount -t tmpfs none /sys/module/portmon/parameters; : > /sys/module/portmon/parameters/max_records", "max_records = 5000\n",
             "cannot read the module's parameter max_records: Input/output error"),
            ("mount --bind /sys/module/portmon/holders /sys/module/portmon; mount --bind /dev/null /sbin/modprobe", "lifecycle = yes\n",
             "cannot run modprobe: Permission denied")):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(arguments)
            file.flush()
            done = subprocess.run(["unshare", "-m", "sh", "-ec", f"{script}; exec portmon-ctl apply {file.name}"], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        check(wanted in done.stderr, f"after {script}: status {done.returncode}, said {done.stderr!r}")


@case()
def loads():
    "apply loads the module and waits for modprobe, also where SIGCHLD is ignored, and then starts counting"
    netns = Netns()
    reloads_module()
    os.makedirs("/run/modprobe.d", exist_ok=True)
    # As modprobe would do it where the module is installed.
    if ko := os.environ.get("PORTMON_KO"):
        with open("/run/modprobe.d/portmon-test.conf", "w") as file:
            defer(os.unlink, file.name)
            file.write(f"install portmon sleep 0.2; /sbin/insmod {ko} $CMDLINE_OPTS\n")
    for ignore in False, True:
        wait_until(lambda: not unload(), what="unloading the module")
        status, out, err = apply(f"max_records = 5000\nnetns = {netns.name}\n",
                                 preexec_fn=lambda ignored=ignore: signal.signal(signal.SIGCHLD, signal.SIG_IGN if ignored else signal.SIG_DFL))
        equal((status, out, err), (DONE, f"counting is on in network namespace {netns.name}\n", ""), f"SIGCHLD ignored: {ignore}")
        equal(parameter("max_records"), "5000", "max_records")


@case()
def files():
    "a file that is named has to be there, the usual one need not"
    status, out, err = run_ctl("apply", "/nowhere/portmon.conf")
    equal((status, out, err), (FAILED, "", "portmon-ctl: cannot read /nowhere/portmon.conf: No such file or directory\n"), "named")
    equal(run_ctl("apply"), (DONE, "", ""), "none")
    equal(run_ctl("apply", "a", "b")[0], USAGE, "two files")


run()
