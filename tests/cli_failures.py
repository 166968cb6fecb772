#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""portmon-ctl where the host makes it fail: no file descriptors, /proc hidden, a library missing, resets meanwhile."""
import fcntl
import json
import os
import re
import resource
import socket
import subprocess
import tempfile

from lib.ctl import DONE, FAILED, ctl, expect_message, own_services, run_ctl
from lib.ktap import PATIENCE, case, check, defer, equal, run
from lib.module import MODULE, parameter
from lib.netns import Netns
from lib.packets import Packets
from lib.process import sh
from lib.terminal import Terminal

CTL = sh("sh", "-c", "command -v portmon-ctl").strip()
yard = Netns(on=True)
yard.ip("link set lo up")
Packets(yard).out("tcp", 443, 40000)
yard.socket("ipv4", socket.SOCK_DGRAM, bind=("127.0.0.1", 53))      # somebody's: who has none is not looked for
home = tempfile.mkdtemp(prefix="portmon-")
defer(sh, "rm", "-rf", home)
os.chmod(home, 0o755)


def files(n):
    "For expect_message(): no more than n files may be open; the dynamic loader needs four."
    return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n))}


@case()
def no_files():
    "no file can be opened any more"
    many = "Too many open files"
    expect_message(FAILED, f"cannot open a netlink socket: {many}", "monitor", netns=yard, **files(4))
    expect_message(FAILED, f"cannot list the interfaces: {many}", "coverage", netns=yard, **files(4))
    expect_message(FAILED, f"cannot list the sockets: {many}", "stats", "-P", "-n", "-a", netns=yard, **files(4))
    expect_message(FAILED, f"cannot read the processes in /proc: {many}", "stats", "-P", "-n", "-a", netns=yard, **files(5))
    terminal = Terminal("portmon-ctl", "top", "-d", "0.3", netns=yard)
    terminal.until("^SCOPE")
    terminal.press("home")
    pid = terminal.process.pid
    # Others come and go: from the next one on.
    n = max(map(int, os.listdir(f"/proc/{pid}/fd"))) + 1
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (n, n))
    terminal.press("enter")
    terminal.until("^owner +unknown$")
    terminal.until(f"^cannot list the sockets: {many}$")
    terminal.until("^(local|remote) port ")
    terminal.press("q")
    equal(terminal.status(), DONE, "status of top")


def with_mounts(script, *arguments, user=None):
    "portmon-ctl, after a script in a mount namespace of its own: status, standard output, standard error."
    command = f"{script}\nexec {f'setpriv --reuid={user} --regid={user} --clear-groups ' if user else ''}{CTL} \"$@\""
    env = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
    with yard.enter():
        done = subprocess.run(["unshare", "-m", "bash", "-ec", command, "bash", *arguments], capture_output=True, text=True,
                              env={**env, "HOME": home})
    return done.returncode, done.stdout, done.stderr


@case()
def hidden():
    "/proc and /tmp are not what they should be"
    proc = "mount -t tmpfs none /proc\n"
    boot_id = "mkdir -p /proc/sys/kernel/random; cp /run/boot_id /proc/sys/kernel/random/"
    sh("cp", "/proc/sys/kernel/random/boot_id", "/run/boot_id")
    defer(os.unlink, "/run/boot_id")
    for sentence, script, user, *arguments in (
            ("cannot read the counters of IP: No such file", proc, None, "coverage", "-i", "0.1"),
            ("cannot identify the boot: /proc/sys/kernel/random/boot_id is not readable", proc, None, "stats", "--delta"),
            ("cannot determine the current network namespace: No such file", proc + boot_id, None, "stats", "--delta"),
            ("cannot determine the current network namespace: No such file", proc, None, "stats", "--all-netns"),
            ("cannot read the processes in /proc: Permission denied", "mount -t tmpfs -o mode=700 none /proc", 1000, "stats", "-P"),
            ("cannot read the processes in /proc: Permission denied", "mount -t tmpfs -o mode=700 none /proc", 1000, "top", "--batch", "-o", "port,owner", "-d", ".1", "-c", "2"),
            ("cannot open /tmp: Permission denied", "mount -t tmpfs -o mode=700 none /tmp", 1000, "stats", "--delta")):
        status, out, err = with_mounts(script, *arguments, user=user)
        equal((status, out), (FAILED, ""), f"{arguments}: status and standard output; said {err!r}")
        check(re.fullmatch(f"portmon-ctl: {sentence}.*\n", err), f"{arguments}: said {err!r}, wanted {sentence!r}")


@case()
def no_proc():
    "without /proc nobody knows the name of a namespace; the counters are the same"
    status, out, err = with_mounts("mount -t tmpfs none /proc", "stats", "--json", "--all")
    equal((status, err), (DONE, ""), "status and standard error")
    document = json.loads(out)
    equal(document["portmon"]["netns"], None, "the namespace's name")
    equal(document["ports"], ctl("stats", "--all", netns=yard)["ports"], "ports")


@case()
def delta_folder():
    "the folder of --delta cannot be made, is in use, or has too long a name"
    status, out, err = with_mounts("mount -t tmpfs -o ro none /var/lib", "stats", "--delta")
    way_out = "; set XDG_STATE_HOME or, in a systemd unit, StateDirectory=portmon and StateDirectoryMode=0700\n"
    equal((status, out, err), (FAILED, "", f"portmon-ctl: cannot create the directory /var/lib/portmon: Read-only file system{way_out}"), "read-only")
    kept = "mount -t tmpfs none /var/lib; mkdir -m 700 /var/lib/portmon; mount -o remount,ro /var/lib"
    status, out, err = with_mounts(kept, "stats", "--delta")
    equal((status, out), (FAILED, ""), "read-only, with the folder")
    check(re.fullmatch(f"portmon-ctl: cannot write the snapshot file /var/lib/portmon/default@.*: Read-only file system; .*{way_out}", err), err)
    for script, sentence in ("mount -t tmpfs -o ro none /var/lib", "cannot create the directory"), (kept, "cannot write the snapshot file"):
        status, out, err = with_mounts(script, "check")
        equal((status, out), (3, ""), f"check; it said {err!r}")
        check(err.startswith(f"portmon-ctl: {sentence} /var/lib/portmon"), err)
    for script in "mount -t tmpfs -o ro none /var/lib", kept:
        state = tempfile.mkdtemp(prefix="pm")
        defer(sh, "rm", "-rf", state)
        equal(with_mounts(f"{script}\nexport XDG_STATE_HOME={state}", "stats", "--delta")[0], DONE, "status with XDG_STATE_HOME")
        equal([name.partition("@")[0] for name in os.listdir(f"{state}/portmon")], ["default"], "snapshots there")
    run = f"{home}/run"
    os.mkdir(run)
    os.chown(run, 1000, 1000)
    user = {"netns": yard, "user": 1000, "env": {"XDG_STATE_HOME": run}}
    expect_message(FAILED, "the path of XDG_STATE_HOME is too long", "stats", "--delta",
                   **{**user, "env": {"XDG_STATE_HOME": run + "/." * ((4094 - len(run)) // 2)}})
    equal(run_ctl("stats", "--delta", **user)[0], DONE, "status")
    holder = os.open(f"{run}/portmon", os.O_RDONLY)
    defer(os.close, holder)
    fcntl.flock(holder, fcntl.LOCK_EX)
    expect_message(FAILED, "another portmon-ctl of this user is using its snapshots; try again", "stats", "--delta", **user)
    fcntl.flock(holder, fcntl.LOCK_UN)
    name, = os.listdir(f"{run}/portmon")
    os.unlink(f"{run}/portmon/{name}")
    os.mkfifo(f"{run}/portmon/{name}")
    expect_message(FAILED, f"cannot read {run}/portmon/{name}: Invalid argument", "stats", "--delta", **user)
    # A folder of somebody else's is not written to.
    defer(sh, "rm", "-rf", "/tmp/portmon-1001")
    equal(run_ctl("stats", "--delta", **{**user, "user": 1001})[0], DONE, "status as a user")
    equal(os.stat("/tmp/portmon-1001").st_uid, 1001, "owner of the folder that is used instead")


@case()
def services():
    "a user's file with wrong lines, or unreadable: each is reported, the rest is used"
    config = own_services("mine 443/tcp # My own\nwrong\n\tneither: this\nrange high 9-1\nother 444/tcp\n\tneither: that\n")
    path = f"{config['XDG_CONFIG_HOME']}/portmon/services"
    status, out, err = run_ctl("explain", "443", env=config)
    equal((status, "My own" in out), (DONE, True), "status, and whether the good line is applied")
    told_of = re.findall(rf"^portmon-ctl: {path}:(\d+): (.*); line skipped$", err, re.M)
    equal([(n, what) for n, what in told_of if n != "3"],
          [("2", "not NAME PORT/TRANSPORT"), ("4", "not a range"), ("6", "indented, but not iana:, for: or watch:")], "lines skipped")
    equal(run_ctl("explain", "443", env={"XDG_CONFIG_HOME": "", "HOME": ""})[::2], (DONE, ""), "status without a home, and what is said")
    os.unlink(path)
    os.mkdir(path)
    expect_message(DONE, f"cannot read {path}: Is a directory; continuing without it", "explain", "443", env=config)
    expect_message(DONE, "no service matches 'gopherd-x'; --all also searches /etc/services", "services", "gopherd-x")
    expect_message(DONE, "no service matches 'gopherd-x'$", "services", "--all", "gopherd-x")


@case()
def versions():
    "the module is of another version than the tool"
    with open(f"{MODULE}/version") as file:
        version = file.read().strip().encode()
    other = re.sub(rb"\d", b"9", version)
    with open(CTL, "rb") as file:
        tool = file.read().replace(version + b"\0", other + b"\0")
    check(other in tool, "the tool does not have its version in it")
    with open(f"{home}/other", "wb") as file:
        file.write(tool)
    os.chmod(f"{home}/other", 0o755)
    done = subprocess.run([f"{home}/other", "info"], capture_output=True, text=True)
    equal(done.returncode, DONE, "status")
    check(re.fullmatch(f"portmon-ctl: warning: the loaded module is version {version.decode()} and this tool is {other.decode()}; "
                       "load the matching module: modprobe -r portmon && modprobe portmon\n", done.stderr), done.stderr)


@case()
def nowhere():
    "messages: no drop and no closed port in any namespace, no records left, a transport whose sockets cannot be listed"
    expect_message(DONE, "no dropped packets in any network namespace", "drops", "-A", "--port", "65000")
    expect_message(DONE, "no closed port has received packets in any network namespace", "closed", "-A", "--port", "65000")
    parameter("max_records", 0)
    narrow = Netns(on=True)
    Packets(narrow).out("tcp", 443, 40000, 3)
    expect_message(DONE, r"warning: 6 packets not attributed to a port: record table full \(0 of 0 in use\); they count in the "
         "overflow lines; .*max_records", "stats", netns=narrow)


@case()
def untold():
    "sockets of a transport that the kernel tells nothing of"
    for module in "sctp", "tcp_diag", "udp_diag", "dccp_diag":
        sh("modprobe", module, fails=True)
    sh("rmmod", "sctp_diag", fails=True)
    with open("/proc/sys/kernel/modprobe") as file:
        loader = file.read().strip()
    defer(sh, "sysctl", "-q", f"kernel.modprobe={loader}")
    sh("sysctl", "-q", "kernel.modprobe=/bin/false")
    expect_message(DONE, "warning: cannot list sctp sockets on this kernel; try: modprobe sctp_diag", "stats", "-P", netns=yard)
    expect_message(DONE, "cannot list sctp sockets", "stats", "-P", "--csv", "-i", "0.1", "-c", "3", netns=yard)


@case()
def resets():
    "counters are set to zero in an interval: some, and all"
    netns = Netns(on=True)
    packets = Packets(netns)
    packets.out("udp", 53, 5000, 9)
    process = netns.popen("portmon-ctl", "stats", "--csv", "-i", "0.5", "-c", "8", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    netns.portmon.do("reset", scope="local", transport="udp", port=53)
    check(re.fullmatch("portmon-ctl: warning: counters were reset in this interval; counts before that are not shown\n",
                       line := process.stderr.readline()), f"of some it said {line!r}")
    netns.portmon.reset()
    check(re.fullmatch(r"portmon-ctl: warning: the counters were reset at 20\S+Z; counts of this interval before that are not shown\n",
                       line := process.stderr.readline()), f"of all it said {line!r}")
    process.communicate(timeout=20 * PATIENCE)
    equal(process.returncode, DONE, "status")


@case()
def terminal_gone():
    "the terminal of top goes away, and nobody tells it but the terminal"
    said = f"{home}/said"
    terminal = Terminal("bash", "-c", f"trap '' HUP; exec portmon-ctl top -d 0.2 2> {said}", netns=yard)
    terminal.until("^SCOPE")
    terminal.hang_up()
    equal(terminal.status(), FAILED, "status")
    with open(said) as file:
        equal(file.read(), "portmon-ctl: the terminal is gone\n", "said")


run()
