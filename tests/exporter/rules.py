#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The rules for Prometheus and the dashboard for Grafana: promtool takes them, and they name metrics that there are. See served.py."""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
from lib.ktap import case, check, equal, run    # noqa: E402
from served import PROMETHEUS, RECORDED, TOP, scratch    # noqa: E402

PROMTOOL = f"{PROMETHEUS}/usr/bin/promtool"
RULES = f"{TOP}/Documentation/prometheus"
METRICS = f"{RECORDED}/metrics.txt"


# Rules and dashboard

def promtool(*arguments, cwd=RULES):
    return subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False, cwd=cwd)


@case()
def rules():
    "promtool takes the rules, and their tests pass"
    done = promtool("check", "rules", "portmon.rules.yml")
    equal(done.returncode, 0, done.stdout + done.stderr)
    done = promtool("test", "rules", "portmon.rules.test.yml")
    equal(done.returncode, 0, done.stdout + done.stderr)


@case()
def broken_rules():
    "each alert that never fires, or fires always, fails its test"
    import yaml    # pylint: disable=import-outside-toplevel
    with open(f"{RULES}/portmon.rules.yml") as file:
        text = file.read()
    folder = f"{scratch}/rules"
    os.makedirs(folder, exist_ok=True)
    with open(f"{RULES}/portmon.rules.test.yml") as file:
        tests = yaml.safe_load(file)
    alerts = [(g, r) for g, group in enumerate(yaml.safe_load(text)["groups"]) for r, rule in enumerate(group["rules"]) if "alert" in rule]
    check(len(alerts) >= 11, f"{len(alerts)} alerts")
    for g, r in alerts:
        name = yaml.safe_load(text)["groups"][g]["rules"][r]["alert"]
        own = [t for t in tests["tests"] if any(a["alertname"] == name for a in t.get("alert_rule_test", []))]
        check(own, f"{name} has no test")
        # Of days only every fifth minute: the alert is looked at long after its time.
        with open(f"{folder}/portmon.rules.test.yml", "w") as file:
            yaml.safe_dump({**tests, "tests": own, "evaluation_interval": own[0]["interval"]}, file)
        for expr in "vector(1) == 0", "count by (instance) ({instance!=''}) > 0":
            broken = yaml.safe_load(text)
            broken["groups"][g]["rules"][r]["expr"] = expr
            with open(f"{folder}/portmon.rules.yml", "w") as file:
                yaml.safe_dump(broken, file)
            done = promtool("test", "rules", "portmon.rules.test.yml", cwd=folder)
            check(done.returncode, f"nobody sees that {broken['groups'][g]['rules'][r]['alert']} is {expr}")


def exported():
    "Names of the metrics that an exporter can write: those of its source."
    found = {"up"}
    for path, prefix in (f"{TOP}/tool/metrics/families.c", "portmon_"), (f"{TOP}/tool/exporter/process.c", ""):
        with open(path) as file:
            source = file.read()
        for kind, name in re.findall(r'^(COUNTER|GAUGE)\(\w+, "(\w+)"', source, re.M):
            found.add(f"portmon_{name}" + ("_total" if kind == "COUNTER" else ""))
        for name in re.findall(r'^\t"(process_\w+)"', source, re.M):
            found |= {name, f"{name}_total"}
    return found | {"portmon_build_info"}


@case()
def dashboard():
    "every expression of the dashboard and the rules parses and names metrics that there are"
    import yaml    # pylint: disable=import-outside-toplevel
    with open(f"{RULES}/portmon.dashboard.json") as file:
        panels = json.load(file)["panels"]
    queries = [t["expr"] for panel in panels for t in panel["targets"]]
    check(len(queries) > 10, f"{len(queries)} queries")
    equal(len({panel["id"] for panel in panels}), len(panels), "ids of panels")
    queries = [q.replace("$__rate_interval", "5m").replace("$instance", ".*") for q in queries]
    with open(f"{RULES}/portmon.rules.yml") as file:
        groups = yaml.safe_load(file)["groups"]
    recorded = {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}
    with open(f"{scratch}/dashboard.yml", "w") as file:
        yaml.safe_dump({"groups": [{"name": "d", "rules": [{"record": f"d:{i}", "expr": q} for i, q in enumerate(queries)]}]}, file)
    done = promtool("check", "rules", f"{scratch}/dashboard.yml")
    equal(done.returncode, 0, done.stdout + done.stderr)
    queries += [rule["expr"] for group in groups for rule in group["rules"]]
    there = exported()
    for query in queries:
        for name in re.findall(r"(?<![\w:$\"])(portmon[\w:]*|process_\w+)", query):
            check(name in there | recorded, f"{name} of {query}")


@case()
def names():
    "every metric that a counting host returned is one of the source, so that the check above is worth something"
    with open(METRICS) as file:
        lines = file.read()
    there = exported()
    found = set(re.findall(r"^(\w+)[{ ]", lines, re.M))
    check(len(found) > 20, f"{len(found)} metrics")
    equal(found - there, set(), "metrics that the source does not name")


@case()
def remaining_ports():
    "the query of fleet.rst for ports without series of their own, also for a transport of which no port is shown"
    import yaml    # pylint: disable=import-outside-toplevel
    with open(f"{TOP}/Documentation/fleet.rst") as file:
        query = re.search(r"Their traffic::\n\n(.*?)\n\n", file.read(), re.S)[1]
    of = 'instance="a", scope="local", direction="receive", transport='
    series = {f'portmon_bytes_total{{{of}"tcp", range="well-known"}}': 600, f'portmon_bytes_total{{{of}"udp", range="dynamic"}}': 60,
              f'portmon_port_bytes_total{{{of}"tcp", port="80"}}': 180, f'portmon_port_bytes_total{{{of}"tcp", port="443"}}': 60}
    wanted = {"tcp": 6, "udp": 1}
    with open(f"{scratch}/remaining.yml", "w") as file:
        yaml.safe_dump({"evaluation_interval": "1m", "tests": [{
            "interval": "1m",
            "input_series": [{"series": name, "values": f"0+{step}x10"} for name, step in series.items()],
            "promql_expr_test": [{"expr": query, "eval_time": "10m", "exp_samples": [
                {"labels": f'{{instance="a", direction="receive", transport="{t}"}}', "value": v} for t, v in wanted.items()]}]}]}, file)
    done = promtool("test", "rules", f"{scratch}/remaining.yml")
    equal(done.returncode, 0, done.stdout + done.stderr)


run()
