#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The JSON of portmon-ctl is what Documentation/portmon-ctl.schema.json says it is, with no key that it does not tell of."""
import copy

import jsonschema

from lib import *

NAME = "portmon-ctl.schema.json"
with open(next(p for p in (f"{HERE}/{NAME}", f"{HERE}/../Documentation/{NAME}") if os.path.exists(p))) as schema_file:
    SCHEMA = json.load(schema_file)


def strict(node):
    "The same without keys that it does not name."
    if isinstance(node, list):
        return [strict(part) for part in node]
    if not isinstance(node, dict):
        return node
    node = {key: strict(part) for key, part in node.items()}
    if node.get("type") == "object" and "anyOf" not in node:
        node.setdefault("additionalProperties", False)
    return node


VALIDATOR = jsonschema.Draft202012Validator(strict(SCHEMA))

yard = Netns(on=True)
yard.ip("link set lo up")
packets = Packets(yard)
for n in range(40):
    packets.out("tcp", 40000 + n, 80, n)
    packets.out("udp", 53, 60000 + n, 1)
packets.within("sctp", 2905, 2906, 3)
packets.through("dccp", 5, 6, 2)


def holds(document, kind, what):
    part = {**VALIDATOR.schema, "$ref": f"#/$defs/{kind}"}
    del part["anyOf"]
    errors = sorted(jsonschema.Draft202012Validator(part).iter_errors(document), key=str)
    check(not errors, f"{what}: {[f'{list(e.absolute_path)}: {e.message[:300]}' for e in errors[:3]]}")


@case()
def itself():
    "the schema is one, and refuses what is not a document"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    good = ctl("stats", "--port", "80", netns=yard)
    holds(good, "stats", "stats")
    check(VALIDATOR.is_valid(good), "stats is none of the documents")
    for break_it in (lambda d: d.pop("portmon"), lambda d: d["portmon"].update(schema=2), lambda d: d["ports"][0].pop("rx"),
                     lambda d: d["ports"][0].update(port=65536), lambda d: d["ports"][0].update(scope="here"),
                     lambda d: d["ports"][0].update(last_seen="now"), lambda d: d["ports"][0]["rx"].update(bytes=-1),
                     lambda d: d["ports"][0].update(port=None), lambda d: d["ports"][0].update(new_key=1),
                     lambda d: d["portmon"].update(new_key=1), lambda d: d.update(new_key=1)):
        bad = copy.deepcopy(good)
        break_it(bad)
        check(not VALIDATOR.is_valid(bad), f"{break_it.__code__.co_consts} is not refused")


@case()
def documents():
    "every document"
    for kind, *arguments in (
            ("stats", "stats"), ("stats", "stats", "--all"), ("stats", "stats", "--numeric"), ("show", "show", "80", "53"),
            ("ranges", "ranges"), ("buckets", "buckets"), ("info", "info"), ("explain", "explain", "443"),
            ("explain", "explain", "dns"), ("explain", "explain", "50000"), ("services", "services", "--all"),
            ("namespaces", "stats", "-A"), ("namespaces", "info", "-A"), ("namespaces", "ranges", "-A"),
            ("namespaces", "buckets", "-A"), ("namespaces", "show", "-A", "80")):
        holds(ctl(*arguments, netns=yard), kind, " ".join(arguments))
    holds(ctl("stats", netns=Netns(on=True)), "stats", "stats of an empty namespace")
    parameter("max_records", 0)
    narrow = Netns(on=True)
    Packets(narrow).out("tcp", 1, 2, 3)
    document = ctl("stats", netns=narrow)
    check(document["overflow"], "no overflow")
    holds(document, "stats", "stats with overflow")
    holds(ctl("reset", netns=narrow), "stats", "reset")


@case()
def spans():
    "stats --delta and stats --interval: documents with a span, one a line"
    holds(ctl("stats", "--delta", netns=yard, env={**os.environ, "XDG_RUNTIME_DIR": "/nowhere", "XDG_STATE_HOME": "/nowhere"}),
          "stats", "stats --delta")
    lines = yard.run("portmon-ctl", "stats", "--json", "-i", "0.1", "-c", "3").splitlines()
    equal(len(lines), 3, "lines")
    for line in lines:
        document = json.loads(line)
        check(0 < document["portmon"]["span"]["ms"] < 20000, f"span {document['portmon']['span']}")
        holds(document, "stats", "stats --interval")


@case()
def jq():
    "jq reads what is in it"
    def ask(program, *arguments):
        text = yard.run("portmon-ctl", *arguments, "--json")
        return json.loads(sh("jq", "-c", program, input=text))
    wanted = {key: v for key, v in packets.sent.items() if any(v)}
    equal(ask("[.ports[]|.rx.packets+.tx.packets]|add", "stats", "--all"), sum(c.rx + c.tx for c in wanted.values()), "packets")
    equal(sorted(ask("[.ports[]|select(.scope==\"remote\" and .transport==\"tcp\")|.port]", "stats", "--all")),
          sorted(key[2] for key in wanted if key[:2] == ("remote", "tcp")), "remote TCP ports")
    equal(ask(".portmon.schema", "info"), 1, "schema")
    equal(ask("[.namespaces[]|select(.portmon.netns==\"%s\")|.portmon.enabled]" % yard.name, "stats", "-A"), [True], "namespaces")


run()
