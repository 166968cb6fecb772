#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Who may do what, by kind of user, operation and module parameter; and nobody sees another namespace's counts."""
import errno
import itertools

from lib.actor import Actor, allow_user_namespaces
from lib.ktap import case, check, equal, run
from lib.module import parameter, parameters, reload_module
from lib.netns import Netns
from lib.nlclient import NlError, Portmon
from lib.packets import Packets

KEY = {"scope": "local", "transport": "tcp", "port": 1000}

allow_user_namespaces()


OPERATIONS = {
    "info": ("do", "info-get", {}),
    "read one": ("do", "port-get", KEY),
    "read ports": ("dump", "port-get", {}),
    "read ranges": ("dump", "range-get", {}),
    "read overflow": ("dump", "overflow-get", {}),
    "read buckets": ("dump", "bucket-get", {}),
    "reset one": ("do", "reset", KEY),
    "reset some": ("dump", "reset", {"scope": "remote"}),
    "reset": ("dump", "reset", {}),
    "disable": ("do", "netns-set", {"enabled": 0}),
    "enable": ("do", "netns-set", {"enabled": 1}),
    "lifecycle off": ("do", "netns-set", {"lifecycle": 0}),
    "lifecycle on": ("do", "netns-set", {"lifecycle": 1}),
    "drops off": ("do", "netns-set", {"drops": 0}),
    "drops on": ("do", "netns-set", {"drops": 1}),
}
FOLLOWS = "lifecycle", "drops"


def allowed(operation, admin, initial, restrict_read, userns_enable):
    """design.md section 4, or the parameter that the refusal has to name.

    admin: has CAP_NET_ADMIN over the namespace; initial: has it in the initial user namespace.
    """
    if operation == "info":
        return True
    if operation.startswith("read"):
        return admin or not restrict_read or "restrict_read"
    if operation == "enable" or operation.endswith(" on"):
        return admin and bool(initial or userns_enable) or ("CAP_NET_ADMIN" if userns_enable else "userns_enable")
    return admin or "CAP_NET_ADMIN"


def state(keeper):
    info = keeper.do("info-get")
    return (1, *(info[name] for name in FOLLOWS), keeper.ports(), keeper.buckets()) if info["enabled"] else (0,)


def set_to(keeper, on, name="enabled"):
    try:
        keeper.do("netns-set", **{name: int(on)})
    except NlError as error:
        equal(error.errno, errno.EALREADY, "switching")


def prepare(keeper, operation):
    "What the operation changes is as it does not leave it."
    set_to(keeper, operation != "enable")
    name, _, on = operation.partition(" ")
    if name in FOLLOWS:
        set_to(keeper, on == "off", name)


def hold(who, actor, keeper, packets, admin, initial, restrict_read, userns_enable):
    "Every operation of an actor ends as the table has it; keeper is root's socket in the actor's namespace."
    for operation, (kind, command, attrs) in OPERATIONS.items():
        what = f"{who}, {operation}, restrict_read={restrict_read} userns_enable={userns_enable}"
        prepare(keeper, operation)
        if operation != "enable":
            packets.out("tcp", 1000, 2000)
        before, wanted = state(keeper), allowed(operation, admin, initial, restrict_read, userns_enable)
        answer = actor(kind, command, **attrs)
        if wanted is True:
            check(not isinstance(answer, NlError), f"{what}: refused with {answer}")
            if operation in ("enable", "disable"):
                info = keeper.do("info-get")
                equal(info["enabled"], int(operation == "enable"), what)
                equal([info.get(name) for name in FOLLOWS],
                      [int(parameter(name) == "Y") if operation == "enable" else None for name in FOLLOWS], f"{what}: what is followed")
            elif operation.split()[0] in FOLLOWS:
                name, on = operation.split()
                equal(keeper.do("info-get")[name], int(on == "on"), what)
            elif operation.startswith("reset"):
                check(state(keeper) != before, f"{what}: nothing was reset")
            elif operation in ("read one", "read ports", "read buckets"):
                check(answer, f"{what}: nothing was read")
        else:
            check(isinstance(answer, NlError), f"{what}: let through")
            equal(answer.errno, errno.EPERM, what)
            check(answer.sentence and wanted in answer.sentence, f"{what}: got the sentence {answer.sentence!r}, wanted {wanted}")
            equal(state(keeper), before, f"{what}: what there is")


def table(who, actor, netns, **rights):
    keeper = Portmon(netns)
    packets = Packets(netns)
    for restrict_read, userns_enable in itertools.product((0, 1), repeat=2):
        parameter("restrict_read", restrict_read)
        parameter("userns_enable", userns_enable)
        # Both have no say in who may do what; they need no more rounds for that.
        parameter("lifecycle", userns_enable)
        parameter("drops", restrict_read)
        hold(who, actor, keeper, packets, **rights, restrict_read=restrict_read, userns_enable=userns_enable)


@case()
def root():
    "root may do everything"
    netns = Netns()
    table("root", Actor(netns), netns, admin=True, initial=True)


@case()
def user():
    "an unprivileged user may read unless restrict_read is set, and change nothing"
    netns = Netns()
    table("user", Actor(netns, user=True), netns, admin=False, initial=False)


@case()
def handed():
    "root's socket in the hands of a user makes no root of him"
    netns = Netns()
    table("user with root's socket", Actor(netns, user=True, opened_by_root=True), netns, admin=False, initial=False)


@case()
def guest():
    "root of a user namespace is a user like any other in a network namespace that is not his"
    netns = Netns()
    table("user namespace's root", Actor(netns, user=True, userns=True), netns, admin=False, initial=False)


@case()
def own():
    "root of a user namespace may read, reset and switch off his network namespace; switch it on only with userns_enable"
    actor = Actor(user=True, userns=True, own=True)
    table("user namespace's root in his own", actor, actor.netns(), admin=True, initial=False)


@case()
def files():
    "anyone may read the module parameters; only root may set them, and nobody the one that is for load alone"
    values = {"max_records": 1000, "lifecycle": "N", "drops": "N", "restrict_read": "Y", "userns_enable": "Y", "all_netns": "Y"}
    netns = Netns()
    before = parameters()
    equal(sorted(values), sorted(before), "parameters")
    for name in values:
        if name != "all_netns":
            parameter(name, before[name])       # put back when this ends
    for who, root, actor in (("root", True, Actor(netns)), ("user", False, Actor(netns, user=True)),
                             ("user namespace's root", False, Actor(netns, user=True, userns=True)),
                             ("user namespace's root in his own", False, Actor(user=True, userns=True, own=True))):
        for name, value in values.items():
            equal(actor("get", name), parameter(name), f"{who}: {name}")
            answer = actor("set", (name, value))
            if root and name != "all_netns":
                equal((answer, parameter(name)), (None, str(value)), f"{who} sets {name}")
                actor("set", (name, before[name]))
            else:
                check(isinstance(answer, NlError) and answer.errno in (errno.EACCES, errno.EPERM), f"{who} sets {name}: {answer}")
            equal(parameters(), before, f"parameters after {who} set {name}")


@case()
def refused_memory():
    "a namespace that its owner may not switch on costs nothing, however he asks"
    actor = Actor(user=True, userns=True, own=True)
    keeper = Portmon(actor.netns())
    for operation in OPERATIONS.values():
        answer = actor(operation[0], operation[1], **operation[2])
        if operation[1] != "info-get":
            check(isinstance(answer, NlError), f"{operation}: let through")
            off = operation[1] != "netns-set"
            (value,) = operation[2].values() if not off else (0,)
            equal(answer.errno, errno.ENETDOWN if off else errno.EPERM if value else errno.EALREADY, operation)
    state = keeper.do("info-get")
    check(not state["enabled"] and "memory" not in state, f"switched on: {state}")


@case()
def apart():
    "no namespace sees or resets another's counts, not even that of a parent or the initial one"
    home = Portmon()
    a, b = Netns(on=True), Netns(on=True)
    there = Packets(a)
    actor = Actor(user=True, userns=True, own=True)
    keeper = Portmon(actor.netns())
    keeper.do("netns-set", enabled=1)
    before = home.ports()
    there.out("sctp", 4321, 1234, 50)
    there.through("sctp", 4321, 1234, 50)
    there.within("sctp", 4321, 1234, 50)
    equal(a.portmon.ports(), there.sent, "counts of the namespace")
    equal((b.portmon.ports(), b.portmon.buckets(), b.portmon.dump("range-get")), ({}, {}, []), "counts of another namespace")
    equal(actor("dump", "port-get"), [], "counts of a user namespace's root")
    sctp = lambda ports: {key: v for key, v in ports.items() if key[1] == "sctp"}
    equal(sctp(home.ports()), sctp(before), "counts of the initial namespace")
    equal((actor("dump", "reset"), b.portmon.reset()), ([], []), "what others reset")
    equal(a.portmon.ports(), there.sent, "counts after others reset theirs")
    since = a.portmon.do("info-get")["generation"]
    equal(b.portmon.do("info-get")["records"], 0, "records of another namespace")
    b.portmon.do("netns-set", enabled=0)
    actor("do", "netns-set", enabled=0)
    equal(a.portmon.do("info-get")["generation"], since, "generation after others were switched off")
    equal(a.portmon.ports(), there.sent, "counts after others were switched off")


@case()
def loaded():
    "the same holds with the parameters given at load; all_netns counts in every namespace, its owner may not switch it on again"
    reload_module(all_netns=1, restrict_read=1, userns_enable=0)
    actor = Actor(user=True, userns=True, own=True)
    inside = actor.netns()
    keeper = Portmon(inside)
    equal(keeper.do("info-get")["enabled"], 1, "enabled with all_netns")
    hold("user namespace's root, all_netns", actor, keeper, Packets(inside),
         admin=True, initial=False, restrict_read=1, userns_enable=0)
    netns = Netns()
    equal(Portmon(netns).do("info-get")["enabled"], 1, "enabled with all_netns")
    answer = Actor(netns, user=True)("dump", "port-get")
    equal(getattr(answer, "errno", answer), errno.EPERM, "reading with restrict_read=1 at load")


run()
