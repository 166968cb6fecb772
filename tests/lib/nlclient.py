# SPDX-License-Identifier: GPL-2.0
"""portmon over netlink, without portmon-ctl."""
import collections
import contextlib
import errno
import os
import random
import re
import socket
import struct
import sys

from lib.ktap import HERE, PATIENCE, defer


class NlError(OSError):
    "A refusal: .errno, .sentence (extended ack), .attr and .missing (names of the attribute that it points at or misses)."

    def __init__(self, code, sentence=None, attr=None, missing=None):
        super().__init__(code, f"{errno.errorcode.get(code, code)}: {sentence}")
        self.sentence, self.attr, self.missing = sentence, attr, missing


class Dump(list):
    "The messages of a dump; .interrupted: NLM_F_DUMP_INTR was set."
    interrupted = False


def _uapi():
    "Names and numbers from the header, so that they are not written down a second time."
    for path in f"{HERE}/portmon.h", f"{HERE}/../include/uapi/linux/portmon.h":
        if os.path.exists(path):
            break
    with open(path) as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    enums = {}
    for body in re.findall(r"\benum\b[^{;]*\{(.*?)\}", text, flags=re.S):
        value = 0
        for entry in filter(None, (e.strip() for e in body.split(","))):
            name, _, number = (part.strip() for part in entry.partition("="))
            if name.startswith("__") or name.endswith(("_MAX", "_MASK")) and number:
                continue
            value = int(number) if number else value
            if match := re.fullmatch(r"PORTMON_(A_[A-Z]+|CMD|[A-Z]+)_(\w+)", name):
                enums.setdefault(match[1].lower(), {})[match[2].lower().replace("_", "-")] = value
            value += 1
    return enums


UAPI = _uapi()
_NAMES = {name: {v: k for k, v in UAPI[name].items()} for name in UAPI}
_ENUM_OF = {name: _NAMES[name] for name in ("scope", "transport", "range", "hook", "family", "bucket", "event")}


class Portmon:
    """A netlink socket to portmon, in a namespace (default: the present one).

        pm.do("port-get", scope="local", transport="tcp", port=80)     a dict
        pm.dump("port-get", transport="udp", non_zero=True)            a Dump (list) of dicts
        pm.do("netns-set", enabled=1)

    Names are those of the YAML spec with _ or -; enum values go by name (or number) both ways. Raises NlError.
    """

    FAMILY = "portmon"

    def __init__(self, netns=None):
        with netns.enter() if netns else contextlib.nullcontext():
            self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
        defer(self.sock.close)
        self.sock.setsockopt(270, 11, 1)    # NETLINK_EXT_ACK
        self.sock.settimeout(30 * PATIENCE)
        self.seq = random.getrandbits(31)
        self.name = "ctrl"
        self.groups = {}
        for attr, value in self._attrs(self._exchange(0x10, 3, 1, self.attr(2, self.FAMILY.encode() + b"\0"), 5)[0][1]):
            if attr == 1:
                self.family = struct.unpack("=H", value)[0]
            elif attr == 7:
                for _, group in self._attrs(value):
                    group = dict(self._attrs(group))
                    self.groups[group[1].rstrip(b"\0").decode()] = struct.unpack("=I", group[2])[0]
        self.name = self.FAMILY

    @staticmethod
    def attr(kind, value):
        "One attribute, for a message made by hand."
        return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)

    @staticmethod
    def _attrs(data):
        while len(data) >= 4:
            length, kind = struct.unpack_from("=HH", data)
            yield kind & 0x3fff, data[4:length]
            data = data[(length + 3) & ~3:]

    @staticmethod
    def set_of(command):
        return "a_info" if command in ("info-get", "netns-set", "netns-ntf") else "a_record"

    def encode(self, command, attrs):
        data = b""
        for name, value in attrs.items():
            name = name.replace("_", "-")
            kind = UAPI[self.set_of(command)][name]
            if isinstance(value, bytes):
                data += self.attr(kind, value)
            elif name in ("non-zero", "dropped", "with-histograms"):
                data += self.attr(kind, b"") if value else b""
            elif name in ("port", "port-max"):
                data += self.attr(kind, struct.pack("=H", value))
            else:
                data += self.attr(kind, struct.pack("=B", UAPI[name][value] if isinstance(value, str) else value))
        return data

    def decode(self, command, data):
        return self._decode(self.set_of(command), data)

    def _decode(self, attribute_set, data):
        names = _NAMES[attribute_set]
        found = {}
        for kind, value in self._attrs(data):
            name = names.get(kind, kind)
            if name in ("version", "reason"):
                found[name] = value.rstrip(b"\0").decode()
            elif attribute_set == "a_record" and name == "tcp":
                found[name] = self._decode("a_tcp", value)
            elif attribute_set == "a_record" and name == "drops":
                found.setdefault(name, []).append(self._decode("a_drop", value))
            elif attribute_set == "a_record" and name == "histograms":
                found[name] = self._decode("a_histograms", value)
            elif attribute_set == "a_histograms":
                found[name] = list(struct.unpack(f"={len(value) // 8}Q", value))
            else:
                number = int.from_bytes(value, sys.byteorder)
                found[name] = _ENUM_OF[name].get(number, number) if name in _ENUM_OF else number
        if "missing" in found:
            found["missing"] = {name for name, bit in UAPI["tracepoint"].items() if found["missing"] & bit}
        return found

    def send(self, family, command, version, data, flags):
        self.seq += 1
        self.sent = struct.pack("=IHHIIBBH", 20 + len(data), family, flags, self.seq, 0, command, version, 0) + data
        self.sock.send(self.sent)

    size = 1 << 17      # of a read; the kernel fills buffers as large as the largest read so far, from 4 to 32 KiB

    def receive(self):
        "The messages of one read: (type, flags, seq, payload)."
        data = self.sock.recv(self.size)
        while len(data) >= 16:
            length, kind, flags, seq, _ = struct.unpack_from("=IHHII", data)
            yield kind, flags, seq, data[16:length]
            data = data[(length + 3) & ~3:]

    def _error(self, flags, code, tlvs):
        sentence = attr = missing = None
        names = {v: k for k, v in UAPI["a_info" if self.sent[16] < 3 else "a_record"].items()}
        for kind, value in self._attrs(tlvs) if flags & 0x200 else ():
            if kind == 1:
                sentence = value.rstrip(b"\0").decode()
            elif kind == 2:
                kind = struct.unpack_from("=H", self.sent, struct.unpack("=I", value)[0] + 2)[0] & 0x3fff
                attr = names.get(kind, kind)
            elif kind == 5:
                missing = names.get(struct.unpack("=I", value)[0])
        return NlError(-code, sentence, attr, missing)

    def _exchange(self, family, command, version, data, flags):
        self.send(family, command, version, data, flags)
        messages = []
        while True:
            for kind, flags, seq, payload in self.receive():
                if seq != self.seq:
                    continue
                if kind == 2:           # NLMSG_ERROR; the request's header follows, with the whole request on errors
                    code, length = struct.unpack_from("=iI", payload)
                    if not code:
                        return messages
                    skip = 4 + (16 if flags & 0x100 else (length + 3) & ~3)
                    raise self._error(flags, code, payload[skip:])
                if kind == 3:           # NLMSG_DONE
                    code = struct.unpack_from("=i", payload)[0]
                    if code < 0:
                        raise self._error(flags, code, payload[4:])
                    return messages + [(flags, None)]
                messages.append((flags, payload[4:]))

    def request(self, command, data=b"", flags=5):
        "A request made by hand: command name or number, attributes as bytes, flags. Returns (flags, bytes or None) pairs."
        return self._exchange(self.family, UAPI["cmd"].get(command, command), 1, data, flags)

    def do(self, command, **attrs):
        replies = self.request(command, self.encode(command, attrs))
        return self.decode(command, replies[0][1]) if replies else {}

    def dump(self, command, **attrs):
        found = Dump()
        for flags, payload in self.request(command, self.encode(command, attrs), 0x301):
            found.interrupted |= bool(flags & 0x10)
            if payload is not None:
                found.append(self.decode(command, payload))
        return found

    def subscribe(self, group="events"):
        self.sock.setsockopt(270, 1, self.groups[group])

    def events(self):
        "Wait for notifications: a list of (command name, dict)."
        return [(_NAMES["cmd"][payload[0]], self.decode(_NAMES["cmd"][payload[0]], payload[4:]))
                for _, _, _, payload in self.receive()]

    # The counters, in a form that compares

    def ports(self, **filter):
        "{(scope, transport, port): Counts} of every record that is not zero."
        return ports_of(self.dump("port-get", non_zero=True, **filter))

    def overflow(self):
        "{(scope, transport, range): Counts}"
        return {(r["scope"], r["transport"], r["range"]): Counts.of(r)
                for r in self.dump("overflow-get") if "transport" in r}

    def tcp(self, **filter):
        "{(scope, port): {event: count}} of every TCP record that has any."
        return tcp_of(self.dump("port-get", transport="tcp", **filter))

    def drops(self, **filter):
        "{(scope, transport, port): {reason: packets}} of every record that has any."
        return drops_of(self.dump("port-get", dropped=True, **filter))

    def events_overflow(self):
        "{scope: {event or reason: count}}: TCP events and drops that there was no counter for."
        return {r["scope"]: {**r.get("tcp", {}), **reasons_of(r)} for r in self.dump("overflow-get") if "transport" not in r}

    def buckets(self):
        "{(hook, family, bucket or protocol number): (packets, bytes)}"
        return buckets_of(self.dump("bucket-get"))

    def reset(self, **filter):
        "Reset what matches; the records it returned."
        return self.dump("reset", **filter)


class Counts(collections.namedtuple("Counts", "rx rx_bytes tx tx_bytes", defaults=(0, 0, 0, 0))):
    def __add__(self, other):
        return Counts(*(a + b for a, b in zip(self, other)))

    @classmethod
    def of(cls, record):
        return cls(*(record[f"{name}"] for name in ("rx-packets", "rx-bytes", "tx-packets", "tx-bytes")))


def ports_of(records):
    return {(r["scope"], r["transport"], r["port"]): Counts.of(r) for r in records if "port" in r}


def buckets_of(records):
    return {(r["hook"], r["family"], r.get("protocol", r["bucket"])): (r["packets"], r["bytes"])
            for r in records if "bucket" in r}


def tcp_of(records):
    return {(r["scope"], r["port"]): r["tcp"] for r in records if "port" in r and "tcp" in r}


def drops_of(records):
    return {(r["scope"], r["transport"], r["port"]): reasons_of(r) for r in records if "port" in r and "drops" in r}


def reasons_of(record):
    return {drop["reason"]: drop["packets"] for drop in record.get("drops", ())}
