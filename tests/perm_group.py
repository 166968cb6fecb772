#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Who receives which group events, by kind of user and restrict_read; no one receives events of another namespace."""
import contextlib
import os

from lib.actor import Actor, allow_user_namespaces
from lib.ktap import case, equal, run
from lib.module import parameter
from lib.netns import Netns, Tun
from lib.nlclient import NlError, Portmon
from lib.packets import ipv4, udp
from lib.process import sh

allow_user_namespaces()

NETLINK_LISTEN_ALL_NSID = 8
# Before 6.6 a kernel cannot filter receivers: then nothing is sent.
SELECTIVE = tuple(map(int, os.uname().release.split("-")[0].split(".")[:2])) >= (6, 6)


class Place:
    "A namespace where every kind of event can be caused."

    def __init__(self, netns):
        self.keeper = Portmon(netns)
        with contextlib.suppress(NlError):
            self.keeper.do("netns-set", enabled=1)
        self.there, self.port = Tun(netns), 1000

    def happens(self):
        "Returns the expected events."
        self.port += 1
        self.there.write(ipv4(self.there.far["ipv4"], self.there.ipv4, 17, udp(9, self.port)))
        self.keeper.reset(port=self.port)
        lifecycle = self.keeper.do("info-get")["lifecycle"]
        self.keeper.do("netns-set", lifecycle=1 - lifecycle)
        return ["event-ntf", "netns-ntf", "reset-ntf"]


def hears(actor, wanted, what):
    equal(actor("heard", wanted), wanted, what)


ACTORS = {
    # who: (keeps to a namespace of root's, what he is, whether who opened his socket has CAP_NET_ADMIN over the namespace)
    "root": (True, {}, True),
    "user": (True, {"user": True}, False),
    "user with root's socket": (True, {"user": True, "opened_by_root": True}, True),
    "user namespace's root": (True, {"user": True, "userns": True}, False),
    "user namespace's root in his own": (False, {"user": True, "userns": True, "own": True}, True),
}


@case(*ACTORS)
def table(who):
    "who receives an event, a reset and a switch: everyone, with restrict_read those with CAP_NET_ADMIN;"
    roots, rights, admin = ACTORS[who]
    actor = Actor(Netns() if roots else None, **rights)
    place = Place(actor.netns())
    equal(actor("listen", None), None, "joining the group")
    for restrict_read in 0, 1, 0:
        parameter("restrict_read", restrict_read)
        sent = place.happens()
        may = not restrict_read or admin and SELECTIVE
        hears(actor, sent if may else [], f"{who} receives with restrict_read={restrict_read}")


@case()
def apart():
    "a listener in another namespace receives nothing, even root of the initial one, unless he may listen to all namespaces"
    netns = Netns(on=True)
    place = Place(netns)
    root, all_ears = Actor(), Actor()
    his = Actor(user=True, userns=True, own=True)
    Portmon(his.netns()).do("netns-set", enabled=1)
    his.netns().run("ip", "netns", "set", netns.name, "7")
    if f"{netns.name} (id:" not in sh("ip", "netns", "list"):
        sh("ip", "netns", "set", netns.name, "7")
    for actor in root, all_ears, his:
        actor("listen", None)
    all_ears("option", NETLINK_LISTEN_ALL_NSID)
    equal(his("option", NETLINK_LISTEN_ALL_NSID), None, "asking for all namespaces")
    # Without a listener there, nothing is sent at all.
    place.keeper.subscribe()
    for restrict_read in 0, 1:
        parameter("restrict_read", restrict_read)
        sent = place.happens()
        may = not restrict_read or SELECTIVE
        hears(all_ears, sent if may else [], "what root receives, listening to all namespaces")
        hears(root, [], "what root receives of another namespace")
        hears(his, [], "what a user namespace's root receives of another namespace")


run()
