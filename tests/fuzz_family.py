#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The netlink family under messages that are right, nearly right and at random, with traffic on.

The messages are made of the YAML spec. Every answer has to be one that the spec allows; nobody changes or reads what he has no
right to; and no packet is lost: what all resets returned and what is left in the end is what nftables counted.

PORTMON_FUZZ: messages in each case (default 500). PORTMON_SEED: repeats a run.
"""
import contextlib
import errno
import os
import random
import select
import socket
import struct
import sys
import time

import yaml

from lib.actor import Worker, allow_user_namespaces
from lib.counts import Nft, add, balance, invariant, plus, settled
from lib.kernel import KernelLog
from lib.ktap import HERE, case, check, equal, note, run, wait_until
from lib.module import parameter
from lib.netns import Netns
from lib.nlclient import Counts, NlError, Portmon, UAPI
from lib.process import finish, traffic

MESSAGES = int(os.environ.get("PORTMON_FUZZ", 500))
SEED = int(os.environ.get("PORTMON_SEED", random.getrandbits(32)))

REQUEST, MULTI, ACK, ECHO, INTR, CAPPED, TLVS = 1, 2, 4, 8, 0x10, 0x100, 0x200
DUMP = 0x300
ERROR, DONE = 2, 3

spec_path = os.environ.get("PORTMON_SPEC") or f"{HERE}/../Documentation/netlink/specs/portmon.yaml"
with open(spec_path) as file:
    spec = yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
ENUMS = {d["name"]: [e["name"] for e in d["entries"]] for d in spec["definitions"] if "entries" in d}
SETS = {s["name"]: list(s["attributes"]) for s in spec["attribute-sets"]}
OPERATIONS = {op["name"]: op for op in spec["operations"]["list"]}
CHANGES = {"netns-set", "reset"}        # what needs CAP_NET_ADMIN
UNRESTRICTED = {"info-get", *CHANGES}   # what restrict_read has no say in
SIZES = {"u8": (1,), "u16": (2,), "u32": (4,), "uint": (4, 8), "flag": (0,)}

# (operation, do or dump, the attributes it takes)
REQUESTS = [(name, mode, op[mode].get("request", {}).get("attributes", []))
            for name, op in OPERATIONS.items() for mode in ("do", "dump") if mode in op]


def answers():
    "What each command number may have in an answer or a notification: {command: {attribute number: its spec}}"
    found = {}
    for name, op in OPERATIONS.items():
        attributes = [op[mode].get("reply", {}).get("attributes", []) for mode in ("do", "dump") if mode in op]
        attributes += [OPERATIONS[op["notify"]]["do"]["reply"]["attributes"]] if "notify" in op else []
        attributes += [op["event"]["attributes"]] if "event" in op else []
        attr_set = OPERATIONS[op["notify"]]["attribute-set"] if "notify" in op else op["attribute-set"]
        names = set().union(*attributes)
        found[UAPI["cmd"][name]] = {n: a for n, a in enumerate(SETS[attr_set], 1) if a["name"] in names}
    return found


ANSWERS = answers()
COMMANDS = {number: name for name, number in UAPI["cmd"].items()}


class Maker:
    "Makes messages: (bytes, operation and mode where it is a valid one, else None)."

    def __init__(self, rng, family, without=()):
        self.rng, self.family, self.seq = rng, family, rng.getrandbits(30) + 1
        self.requests = [r for r in REQUESTS if r[0] not in without]
        self.without = {UAPI["cmd"][name] for name in without}

    def value(self, attribute):
        rng, kind = self.rng, attribute["type"]
        if "enum" in attribute and attribute["type"] == "u8":
            return bytes([rng.randrange(len(ENUMS[attribute["enum"]]))])
        if "max" in attribute.get("checks", {}):
            return bytes([rng.randrange(attribute["checks"]["max"] + 1)])
        if attribute["name"].startswith("port"):
            return struct.pack("=H", rng.choice((0, 53, 80, 1023, 1024, 5000, 40000, 65535, rng.getrandbits(16))))
        return rng.randbytes(SIZES.get(kind, (rng.randrange(9),))[-1])

    def attributes(self, attr_set, names):
        return [[n, self.value(a)] for n, a in enumerate(SETS[attr_set], 1) if a["name"] in names]

    def head(self, payload, flags, command, version=1, reserved=0, length=None, portid=0):
        self.seq += 1
        return struct.pack("=IHHIIBBH", 20 + len(payload) if length is None else length, self.family, flags,
                           self.seq, portid, command, version, reserved) + payload

    @staticmethod
    def encode(attributes):
        return b"".join(Portmon.attr(kind, value) for kind, value in attributes)

    def valid(self):
        "A request that is in order: also what it asks for fits together."
        rng = self.rng
        op, mode, takes = rng.choice(self.requests)
        if mode == "do":
            names = takes       # most need all they take
        if op == "netns-set":
            names = ["enabled", *(name for name in takes if name != "enabled" and rng.random() < 0.3)]
        elif mode == "dump":
            names = [name for name in takes if rng.random() < 0.3]
            if "port-max" in names and "port" not in names:
                names.remove("port-max")
        attributes = self.attributes(OPERATIONS[op]["attribute-set"], names)
        if "port-max" in names:
            at = [i for i, a in enumerate(attributes) if SETS["record"][a[0] - 1]["name"] in ("port", "port-max")]
            low, high = sorted((attributes[i][1] for i in at), key=lambda b: struct.unpack("=H", b))
            attributes[at[0]][1], attributes[at[1]][1] = low, high
        rng.shuffle(attributes)
        flags = REQUEST | (DUMP if mode == "dump" else 0) | rng.choice((ACK, ACK, 0))
        return self.head(self.encode(attributes), flags, UAPI["cmd"][op]), (op, mode)

    def nearly(self):
        "A valid request, and then something is wrong with it, or may be."
        rng = self.rng
        op, mode, takes = rng.choice(self.requests)
        attr_set = OPERATIONS[op]["attribute-set"]
        names = [name for name in takes if rng.random() < 0.7]
        attributes = self.attributes(attr_set, names)
        fields = {"flags": REQUEST | ACK | (DUMP if mode == "dump" else 0), "command": UAPI["cmd"][op]}
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            self.spoil(rng.randrange(10), attributes, fields)
        payload = self.encode(attributes)
        if rng.random() < 0.3 and payload:
            payload = bytearray(payload)
            for _ in range(rng.choice((1, 1, 4))):
                payload[rng.randrange(len(payload))] ^= 1 << rng.randrange(8)
        if rng.random() < 0.1:
            payload = payload[:rng.randrange(len(payload) + 1)]
        if rng.random() < 0.1:
            payload += rng.randbytes(rng.randrange(12))
        return self.permitted(fields) and self.head(bytes(payload), **fields), None

    def spoil(self, how, attributes, fields):
        rng = self.rng
        some = rng.choice(attributes) if attributes else None
        if how == 0:
            attributes.append([rng.choice((0, rng.randrange(64), rng.getrandbits(14))), rng.randbytes(rng.randrange(12))])
        elif how == 1:
            everything = rng.choice(list(SETS))
            attributes += self.attributes(everything, [rng.choice(SETS[everything])["name"]])
        elif how == 2 and some:
            attributes.append(list(some))
        elif how == 3 and some:
            some[1] = some[1][:-1] if rng.random() < 0.5 else some[1] + bytes(rng.randrange(1, 70))
        elif how == 4 and some:
            some[1] = rng.randbytes(len(some[1]))
        elif how == 5 and some:
            some[0] |= rng.choice((0x8000, 0x4000, 0xc000))
        elif how == 6 and some:
            attributes.remove(some)
        elif how == 7:
            fields["flags"] ^= 1 << rng.randrange(16)
        elif how == 8:
            fields["command"] = rng.choice((0, rng.choice(list(UAPI["cmd"].values())), rng.getrandbits(8)))
        elif how == 9:
            fields[rng.choice(("version", "reserved", "portid"))] = rng.getrandbits(8)

    def random(self):
        rng = self.rng
        fields = {"flags": rng.getrandbits(16) | rng.choice((0, REQUEST)),
                  "command": rng.choice((rng.choice(list(UAPI["cmd"].values())), rng.getrandbits(8)))}
        payload = rng.randbytes(rng.choice((0, 4, 8, rng.randrange(64), rng.randrange(512))))
        if rng.random() < 0.1:
            # Not short of it, and nothing behind it: what one length hides would be read as other messages.
            self.last = True
            fields["length"] = rng.choice((0, 15, 20 + len(payload) + rng.randrange(1, 100), 0xffffffff))
        elif rng.random() < 0.1:
            size = rng.randrange(16, 20)
            return self.head(b"", length=size, **fields)[:size], None
        return self.permitted(fields) and self.head(payload, **fields), None

    def permitted(self, fields):
        return fields["command"] not in self.without

    def __call__(self):
        self.last = False
        while True:
            message, meaning = self.rng.choice((self.valid, self.valid, self.nearly, self.nearly, self.random))()
            if message:
                return message, meaning


class Reader:
    "Reads the replies, and trusts none of them."

    def __init__(self, may_change, may_read):
        self.may_change, self.may_read = may_change, may_read
        self.returned = []      # records that resets gave
        self.codes = {}
        self.answers = 0

    def attributes(self, data, known, what):
        found = {}
        while data:
            check(len(data) >= 4, f"{what}: {data.hex()} is left")
            length, kind = struct.unpack_from("=HH", data)
            value = data[4:length]
            check(4 <= length <= len(data), f"{what}: attribute {kind} of length {length} in {len(data)} bytes")
            kind &= 0x3fff
            check(kind in known, f"{what}: attribute {kind} has no business there")
            attribute = known[kind]
            check(kind not in found or attribute.get("multi-attr"), f"{what}: attribute {kind} is there twice")
            found[kind] = self.value(value, attribute, what)
            data = data[(length + 3) & ~3:]
        return {known[kind]["name"]: value for kind, value in found.items()}

    def value(self, value, attribute, what):
        kind, name = attribute["type"], attribute["name"]
        if kind == "nest":
            return self.attributes(value, dict(enumerate(SETS[attribute["nested-attributes"]], 1)), what)
        if kind == "string":
            check(value.endswith(b"\0"), f"{what}: {name} {value} has no end")
            return value
        check(len(value) in SIZES[kind], f"{what}: {name} of {len(value)} bytes")
        number = int.from_bytes(value, sys.byteorder)
        if "enum" not in attribute:
            return number
        known = ENUMS[attribute["enum"]]
        if attribute.get("enum-as-flags"):
            check(number < 1 << len(known), f"{what}: {name} is {number}")
            return number
        check(number < len(known), f"{what}: {name} is {number}")
        return known[number]

    def error(self, flags, payload, sent, what):
        code = -struct.unpack_from("=i", payload)[0]
        original = struct.unpack_from("=IHHII", payload, 4)
        check(code == 0 or code in errno.errorcode, f"{what}: {code}")
        skip = 20 if flags & CAPPED else 4 + ((original[0] + 3) & ~3)
        sentence = None
        for kind, value in Portmon._attrs(payload[skip:]) if flags & TLVS else ():
            if kind == 1:
                sentence = value.rstrip(b"\0").decode()
        self.verdict(code, sentence, sent, what)

    def verdict(self, code, sentence, sent, what):
        op, mode = sent or (None, None)
        name = errno.errorcode.get(code, str(code))
        self.codes[name] = self.codes.get(name, 0) + 1
        wanted = {0, errno.EBUSY} if mode == "dump" else {0}
        if op in ("port-get", "reset") and mode == "do":
            wanted.add(errno.ENOENT)
        if op in CHANGES and not self.may_change or op and op not in UNRESTRICTED and not self.may_read:
            wanted = {errno.EPERM, errno.EBUSY}
        elif op == "netns-set":
            wanted |= {errno.EALREADY, errno.EPERM} if self.may_change == "own" else {errno.EALREADY}
        if op != "info-get":
            wanted |= {errno.ENETDOWN} if self.may_change in ("own", "all") else set()
        check(not op or code in wanted, f"{what}: a valid {op} {mode} ended with {name} ({sentence})")
        check(code not in (errno.EPERM, errno.ENETDOWN, errno.ENOENT, errno.EALREADY, errno.ERANGE) or sentence,
              f"{what}: {name} without a sentence")

    def record(self, payload, flags, own, what):
        command, version, reserved = struct.unpack_from("=BBH", payload)
        name = COMMANDS.get(command)
        check(name in OPERATIONS and version == 1, f"{what}: command {command}, version {version}")
        found = self.attributes(payload[4:], ANSWERS[command], what)
        if not own:
            check(name.endswith("-ntf"), f"{what}: {name} though nobody asked")
            return
        check(self.may_change or name not in CHANGES, f"{what}: {name} let through")
        check(self.may_read or name in UNRESTRICTED, f"{what}: {name} let through")
        if name == "reset":
            self.returned.append(found)
        self.answers += 1

    def read(self, data, sent):
        what = f"answer {data[:64].hex()}"
        while data:
            check(len(data) >= 16, f"{what}: {len(data)} bytes are left")
            length, kind, flags, seq, _ = struct.unpack_from("=IHHII", data)
            check(16 <= length <= len(data), f"{what}: a length of {length} in {len(data)}")
            payload, own = data[16:length], seq in sent
            check(own or seq == 0, f"{what}: an answer to {seq}, which was not asked")
            if kind == ERROR:
                self.error(flags, payload, sent.get(seq), what)
            elif kind == DONE:
                code = -struct.unpack_from("=i", payload)[0]
                sentence = next((v.decode() for k, v in Portmon._attrs(payload[4:]) if k == 1), None) if flags & TLVS else None
                self.verdict(code, sentence, sent.get(seq), what)
            else:
                self.record(payload, flags, own, what)
            data = data[(length + 3) & ~3:]


def drain(sock, reader, sent):
    while True:
        try:
            reader.read(sock.recv(1 << 17, socket.MSG_DONTWAIT), sent)
        except BlockingIOError:
            return


def fuzz(label, may_change, may_read, without=()):
    "Send messages and read the replies: the records that resets returned, verdicts by errno, answers with data."
    rng = random.Random(f"{SEED} {label}")
    client = Portmon()
    client.sock.setblocking(False)
    client.subscribe()
    make, reader = Maker(rng, client.family, without), Reader(may_change, may_read)
    sent, left = {}, MESSAGES
    while left:
        if rng.random() < 0.1:
            time.sleep(0.002)       # on one CPU the traffic has to have its turn
        batch, known = b"", {}
        for _ in range(min(left, rng.choice((1, 1, 2, 5)))):
            message, meaning = make()
            known[make.seq] = meaning
            batch += message + b"\0" * (-len(message) % 4)
            left -= 1
            if make.last:
                break
        sent = {**known}
        client.sock.send(batch)
        try:
            drain(client.sock, reader, sent)
        except AssertionError as error:
            raise AssertionError(f"{error}\nafter {batch.hex()}") from None
    return reader.returned, reader.codes, reader.answers


class Yard:
    "A namespace with traffic out of it and within it, and an independent count."

    def __init__(self, **options):
        self.netns = Netns(**options)
        self.nft = Nft(self.netns)
        self.netns.ip("link set lo up", "link add sink type dummy", "addr add 192.0.2.1/24 dev sink", "link set sink up")
        self.client = self.netns.portmon or Portmon(self.netns)
        self.flow()

    def flow(self):
        # At the lowest priority, or the messages wait for it.
        self.floods = [traffic("flood", 0, source, to, 5000, 5000, last, 64, 2000, netns=self.netns)
                       for source, to, last in (("192.0.2.1", "192.0.2.2", 5047), ("127.0.0.1", "127.0.0.1", 5003))]
        for flood in self.floods:
            os.setpriority(os.PRIO_PROCESS, flood.pid, 19)

    def still(self):
        for flood in self.floods:
            finish(flood)


def checked_result(who, result):
    returned, codes, answers = result
    note(f"seed {SEED}, {who}: {MESSAGES} messages, {answers} answers, verdicts " +
         ", ".join(f"{n} {name}" for name, n in sorted(codes.items(), key=lambda c: -c[1])))
    check(answers > MESSAGES / 100 and len(codes) > 3, "the messages are not what they should be")
    return returned


@case()
def root_loses_nothing():
    "root, all but switching: what all resets returned and what is left is what nftables counted"
    yard, log = Yard(on=True), KernelLog()
    returned = checked_result("root", Worker(lambda: fuzz("root", True, True, without=("netns-set",)), yard.netns).go().result())
    yard.still()
    ports, overflow, buckets, independent = settled(yard.client, yard.nft)
    add_buckets = lambda key, counts: buckets.__setitem__(key, plus(buckets.get(key, (0, 0)), counts))
    for record in returned:
        if "bucket" in record:
            add_buckets((record["hook"], record["family"], record.get("protocol", record["bucket"])),
                        (record["packets"], record["bytes"]))
        elif "port" in record:
            add(ports, {(record["scope"], record["transport"], record["port"]): Counts.of(record)})
        else:
            add(overflow, {(record["scope"], record["transport"], record["range"]): Counts.of(record)})
    check(len(returned) > 5, "too few records were reset")
    balance(ports, overflow, buckets, independent)
    hold_log(log)


@case()
def root_switches():
    "root, everything, in a namespace that goes off and on: afterwards it counts as it should"
    yard, log = Yard(), KernelLog()
    checked_result("root", Worker(lambda: fuzz("switching", "all", True), yard.netns).go().result())
    # Resets of some ports, or while a packet passed, have left a difference between buckets and ports: restart, with traffic on.
    for on in 0, 1:
        with contextlib.suppress(NlError):
            yard.client.do("netns-set", enabled=on)
    wait_until(yard.client.ports, what="a count")
    yard.still()
    invariant(yard.client)
    hold_log(log)


def hold_log(log):
    "The kernel may warn that a message was wrong, but there is no error, and no word of portmon."
    equal([text for level, text in log.lines() if level <= 3 or "portmon" in text], [], "kernel log")


@case("a user", "a user, restrict_read", "root of a user namespace", "root of a user namespace, restrict_read")
def powerless(variant):
    "who has no right over the namespace changes nothing, and with restrict_read reads nothing"
    who, _, restrict = variant.partition(", ")
    yard, log = Yard(on=True), KernelLog()
    parameter("restrict_read", int(bool(restrict)))
    before = yard.client.do("info-get")
    worker = Worker(lambda: fuzz(variant, False, not restrict), yard.netns, user=True, userns="namespace" in who)
    returned = checked_result(variant, worker.go().result())
    equal(returned, [], "what was reset")
    yard.still()
    after = yard.client.do("info-get")
    for name in "enabled", "since", "generation", "records-max", "version":
        equal(after[name], before[name], name)
    invariant(yard.client, yard.nft)
    hold_log(log)


@case()
def owner():
    "root of a user namespace may do what he likes in his own network namespace but switch it on, and touches no other"
    yard, log = Yard(on=True), KernelLog()
    before = yard.client.do("info-get")
    worker = Worker(lambda: fuzz("owner", "own", True), user=True, userns=True, own=True)
    worker.netns.ip("link set lo up")
    keeper = Portmon(worker.netns)

    def keep_on():
        "It is switched off repeatedly, and only root can switch it on."
        with contextlib.suppress(NlError):
            keeper.do("netns-set", enabled=1)
    keep_on()
    flood = traffic("flood", 0, "127.0.0.1", "127.0.0.1", 5000, 5000, 5100, 64, 2000, netns=worker.netns)
    os.setpriority(os.PRIO_PROCESS, flood.pid, 19)
    worker.go()
    while not select.select([worker.ours], [], [], 0.05)[0]:
        keep_on()
    checked_result("owner", worker.result())
    finish(flood)
    yard.still()
    after = yard.client.do("info-get")
    for name in "enabled", "since", "generation":
        equal(after[name], before[name], f"{name} of another namespace")
    invariant(yard.client, yard.nft)
    hold_log(log)


allow_user_namespaces()
run()
