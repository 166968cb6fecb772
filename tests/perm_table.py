#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Who may do what, by kind of user, operation and module parameter; and nobody sees another namespace's counts."""
import itertools

from actor import *

KEY = {"scope": "local", "transport": "tcp", "port": 1000}

allow_user_namespaces()


class Actor:
    "A process that is somebody else (see become()) and asks what it is told to ask."

    def __init__(self, netns=None, opened_by_root=False, **who):
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if not self.pid:
            self.ours.close()
            try:
                if netns:
                    self.inside = netns.enter()     # for good
                    self.inside.__enter__()
                client = Portmon() if opened_by_root else None
                become(**who)
                self.serve(client or Portmon(), theirs)
            except BaseException:
                note(traceback.format_exc())
            finally:
                os._exit(0)
        theirs.close()
        defer(self.end)
        self.ours.settimeout(20 * PATIENCE)
        equal(self.ours.recv(100), b"ready", "first word of another process")

    @staticmethod
    def serve(client, ours):
        ours.send(b"ready")
        while request := ours.recv(4096):
            kind, command, attrs = json.loads(request)
            try:
                answer = getattr(client, kind)(command, **attrs)
            except NlError as error:
                answer = {"errno": error.errno, "sentence": error.sentence}
            ours.send(json.dumps(answer).encode())

    def end(self):
        self.ours.close()
        os.waitpid(self.pid, 0)

    def __call__(self, kind, command, **attrs):
        self.ours.send(json.dumps((kind, command, attrs)).encode())
        answer = json.loads(self.ours.recv(1 << 20))
        if isinstance(answer, dict) and "errno" in answer:
            return NlError(answer["errno"], answer["sentence"])
        return answer

    def netns(self):
        "Root's way into its network namespace."
        return within(self.pid)


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
}


def allowed(operation, admin, initial, restrict_read, userns_enable):
    """design.md section 4, or the parameter that the refusal has to name.

    admin: has CAP_NET_ADMIN over the namespace; initial: has it in the initial user namespace.
    """
    if operation == "info":
        return True
    if operation.startswith("read"):
        return admin or not restrict_read or "restrict_read"
    if operation == "enable":
        return admin and bool(initial or userns_enable) or ("CAP_NET_ADMIN" if userns_enable else "userns_enable")
    return admin or "CAP_NET_ADMIN"


def state(keeper):
    on = keeper.do("info-get")["enabled"]
    return (on, keeper.ports(), keeper.buckets()) if on else (on,)


def set_to(keeper, on):
    try:
        keeper.do("netns-set", enabled=int(on))
    except NlError as error:
        equal(error.errno, errno.EALREADY, "switching")


def hold(who, actor, keeper, packets, admin, initial, restrict_read, userns_enable):
    "Every operation of an actor ends as the table has it; keeper is root's socket in the actor's namespace."
    for operation, (kind, command, attrs) in OPERATIONS.items():
        what = f"{who}, {operation}, restrict_read={restrict_read} userns_enable={userns_enable}"
        set_to(keeper, operation != "enable")
        if operation != "enable":
            packets.out("tcp", 1000, 2000)
        before, wanted = state(keeper), allowed(operation, admin, initial, restrict_read, userns_enable)
        answer = actor(kind, command, **attrs)
        if wanted is True:
            check(not isinstance(answer, NlError), f"{what}: refused with {answer}")
            if operation in ("enable", "disable"):
                equal(keeper.do("info-get")["enabled"], int(operation == "enable"), what)
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
def refused_memory():
    "a namespace that its owner may not switch on costs nothing, however he asks"
    actor = Actor(user=True, userns=True, own=True)
    keeper = Portmon(actor.netns())
    for operation in OPERATIONS.values():
        answer = actor(operation[0], operation[1], **operation[2])
        if operation[1] != "info-get":
            check(isinstance(answer, NlError), f"{operation}: let through")
            off = operation[1] != "netns-set"
            equal(answer.errno, errno.ENETDOWN if off else errno.EPERM if operation[2]["enabled"] else errno.EALREADY, operation)
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
