#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Data races that KCSAN has reported in a kernel log (standard input, as dmesg prints it), and whose they are.

    races.py portmon     reports in which portmon appears: each is a failure
    races.py elsewhere   reports among the kernel's own code, which has many: each pair of places and how often
    races.py rest        the log without reports
"""
import collections
import os
import re
import sys

SEPARATOR = "=" * 66
# The lines of a report. What another CPU says meanwhile is not one of them.
LINE = re.compile(r"$|(BUG: KCSAN|race at unknown origin|(read|write|assert)\S* .*(to|of) |value changed: |Reported by Kernel|CPU: |Tainted: |"
                  r"Hardware name: )| \S+\+0x[0-9a-f]+/0x[0-9a-f]+| +\|$| +\+-> reordered to: ")
# Below this in a stack is what an interrupt came upon, or what let softirqs in, which has no part in the race.
INTERRUPT = re.compile(r" (asm_(sysvec|common_interrupt|exc)|common_interrupt|sysvec_|exc_|do_softirq\+)")


def kcsan():
    return os.path.exists("/sys/kernel/debug/kcsan")


class Reports:
    "Takes a log apart, line by line: the reports so far, without other lines."

    def __init__(self):
        self.reports, self.inside = [], False

    def take(self, text):
        "Whether the line is of a report."
        if text == SEPARATOR:
            self.inside = False
        elif text.startswith("BUG: KCSAN:"):
            self.inside = True
            self.reports.append([text])
        elif self.inside and LINE.match(text):
            self.reports[-1].append(text)
        else:
            return False
        return True


def is_portmons(report):
    "Does portmon appear in one of the stacks, and not only as what was interrupted?"
    interrupted = False
    for text in report:
        if not text.startswith(" "):
            interrupted = False
        elif INTERRUPT.match(text):
            interrupted = True
        elif "[portmon]" in text and not interrupted:
            return True
    return False


def main(what):
    log, rest = Reports(), []
    for line in sys.stdin:
        line = line.rstrip("\n")
        if not log.take(re.sub(r"^\[ *\d+\.\d+\] ?", "", line)):
            rest.append(line)
    mine = [report for report in log.reports if is_portmons(report)]
    if what == "portmon":
        found = [text for report in mine for text in report]
    elif what == "elsewhere":
        titles = collections.Counter(report[0].partition(" in ")[2] for report in log.reports if report not in mine)
        found = [f"{times} x {title}" for title, times in titles.most_common()]
    else:
        found = rest
    print("".join(f"{text}\n" for text in found), end="")


if __name__ == "__main__":
    if sys.argv[1:] not in (["portmon"], ["elsewhere"], ["rest"]):
        sys.exit(__doc__)
    main(sys.argv[1])
