# SPDX-License-Identifier: GPL-2.0
"""A terminal emulator for programs that draw on one: screen, keys, size, and the state at the end.

Why not python3-pyte: version 0.8 does not know REP, SU and SD, which curses uses on an xterm, and ignores what it does not
know. The tests must see any sequence that is not understood.
"""
import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

from lib.ktap import Late, check, defer


class Screen:
    """""What an xterm shows of what is written to it, as far as curses uses it.

    .looks: the attributes of each cell; .modes: those that are on; .unknown: sequences that it does not know.
    """""

    SEQUENCE = re.compile(r"\x1b(?:\[([?>]?)([0-9;]*)([@-~])|[()]([0-9A-B])|([=>78MHD]))")

    def __init__(self, lines, columns):
        self.lines, self.columns = lines, columns
        self.cells = [[" "] * columns for _ in range(lines)]
        self.looks = [[frozenset()] * columns for _ in range(lines)]
        self.y = self.x = 0
        self.top, self.bottom = 0, lines - 1
        self.look, self.last = frozenset(), " "
        self.modes, self.unknown = set(), []
        self.rest = ""
        self.wrap = False

    def text(self):
        return ["".join(line).rstrip() for line in self.cells]

    def resize(self, lines, columns):
        for grid, blank in (self.cells, " "), (self.looks, frozenset()):
            del grid[lines:]
            grid += [[] for _ in range(lines - len(grid))]
            for line in grid:
                del line[columns:]
                line += [blank] * (columns - len(line))
        self.lines, self.columns = lines, columns
        self.top, self.bottom = 0, lines - 1
        self.y, self.x = min(self.y, lines - 1), min(self.x, columns - 1)

    def _scroll(self, top, bottom, n):
        "n lines up, or down if negative; blank ones come in."
        for grid, blank in (self.cells, " "), (self.looks, frozenset()):
            for _ in range(min(abs(n), bottom - top + 1)):
                del grid[top if n > 0 else bottom]
                grid.insert(bottom if n > 0 else top, [blank] * self.columns)

    def _down(self):
        if self.y == self.bottom:
            self._scroll(self.top, self.bottom, 1)
        else:
            self.y = min(self.y + 1, self.lines - 1)

    def _put(self, character):
        if self.wrap:
            self.x, self.wrap = 0, False
            self._down()
        self.cells[self.y][self.x], self.looks[self.y][self.x] = character, self.look
        self.last = character
        if self.x == self.columns - 1:
            self.wrap = True
        else:
            self.x += 1

    def _blank(self, y, begin, end):
        self.cells[y][begin:end] = [" "] * (end - begin)
        self.looks[y][begin:end] = [frozenset()] * (end - begin)

    def _shift(self, n):
        "n cells out of the line at the cursor, or into it if negative."
        for line, blank in (self.cells[self.y], " "), (self.looks[self.y], frozenset()):
            n = max(-(self.columns - self.x), min(n, self.columns - self.x))
            if n > 0:
                line[self.x:self.x + n] = []
                line += [blank] * n
            else:
                line[self.x:self.x] = [blank] * -n
                del line[self.columns:]

    def _look(self, numbers):
        "Attributes by their number: 1 bold, 4 underlined, 7 reverse, 30 to 37 a colour."
        for n in numbers:
            if not n:
                self.look = frozenset()
            elif 20 < n < 30 or n == 39:
                self.look -= {n - 20, 1 if n == 22 else 0} | (set(range(30, 38)) if n == 39 else set())
            else:
                self.look |= {n}

    def _control(self, private, arguments, letter):
        numbers = [int(n or 0) for n in arguments.split(";")]
        n = numbers[0] or 1
        if private:
            if letter not in "hl":
                return False
            (self.modes.update if letter == "h" else self.modes.difference_update)(numbers)
        elif letter == "m":
            self._look(numbers)
        elif letter in "Hf":
            self.y, self.x = (numbers + [1])[:2]
            self.y, self.x = max(self.y, 1) - 1, max(self.x, 1) - 1
        elif letter in "ABCDEG`d":
            self.y += {"A": -n, "B": n}.get(letter, n - 1 - self.y if letter == "d" else 0)
            self.x += {"C": n, "D": -n}.get(letter, n - 1 - self.x if letter in "G`" else 0)
        elif letter == "K":
            how = numbers[0]
            self._blank(self.y, 0 if how else self.x, self.x + 1 if how == 1 else self.columns)
        elif letter == "J":
            how = numbers[0]
            for y in range(0 if how else self.y + 1, self.y if how == 1 else self.lines):
                self._blank(y, 0, self.columns)
            if how < 2:
                self._control("", arguments, "K")
        elif letter == "X":
            self._blank(self.y, self.x, min(self.x + n, self.columns))
        elif letter in "P@":
            self._shift(n if letter == "P" else -n)
        elif letter in "LM":
            self._scroll(self.y, self.bottom, n if letter == "M" else -n)
        elif letter in "ST":
            self._scroll(self.top, self.bottom, n if letter == "S" else -n)
        elif letter == "b":
            for _ in range(n):
                self._put(self.last)
        elif letter == "r":
            self.top, self.bottom = n - 1, (numbers[1] if len(numbers) > 1 else self.lines) - 1
            self.y = self.x = 0
        elif letter not in "lt":
            return False
        self.y, self.x = max(0, min(self.y, self.lines - 1)), max(0, min(self.x, self.columns - 1))
        self.wrap = self.wrap and letter == "m"
        return True

    def feed(self, text):
        text, at = self.rest + text, 0
        while at < len(text):
            character = text[at]
            if character == "\33":
                match = self.SEQUENCE.match(text, at)
                if not match:
                    if len(text) - at < 16:
                        break           # the rest is still to come
                    self.unknown.append(text[at:at + 16])
                    at += 1
                    continue
                if match[3] and not self._control(match[1], match[2], match[3]):
                    self.unknown.append(match[0])
                if match[5] == "M":
                    if self.y == self.top:
                        self._scroll(self.top, self.bottom, -1)
                    else:
                        self.y -= 1
                at = match.end()
                continue
            at += 1
            if character >= " ":
                self._put(character)
                continue
            self.wrap = False
            if character == "\n":
                self._down()
            elif character == "\r":
                self.x = 0
            elif character == "\b":
                self.x = max(0, self.x - 1)
            elif character == "\t":
                self.x = min(self.columns - 1, (self.x // 8 + 1) * 8)
        self.rest = text[at:]


class Terminal:
    """A program on a terminal of its own, in a namespace: terminal.press("j"), terminal.until(r"PAUSED"), terminal.text().

    The terminal is that of a session of its own, so that what is done to it (hang_up) reaches the program as it would in
    life. Ends with the case.
    """
    KEYS = {"up": "\33OA", "down": "\33OB", "home": "\33OH", "end": "\33OF", "pgdn": "\33[6~", "pgup": "\33[5~",
            "left": "\33OD", "right": "\33OC", "f1": "\33OP", "f2": "\33OQ", "f3": "\33OR", "f4": "\33OS", "f10": "\33[21~",
            "enter": "\r", "esc": "\33", "backspace": "\x7f", "ctrl-c": "\3", "ctrl-l": "\14"}

    def __init__(self, *command, netns=None, lines=24, columns=80, user=None, **env):
        self.screen = Screen(lines, columns)
        self.raw = b""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.ours, self.theirs = pty.openpty()
        defer(self.close)
        self._size(lines, columns)
        self.before = termios.tcgetattr(self.theirs)
        env = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", **env}

        def lead():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        with netns.enter() if netns else contextlib.nullcontext():
            self.process = subprocess.Popen(command, stdin=self.theirs, stdout=self.theirs, stderr=self.theirs, user=user,
                                            env={k: v for k, v in env.items() if v is not None}, preexec_fn=lead)

    def _size(self, lines, columns):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))

    def close(self):
        self.process.kill()
        self.process.wait()
        for fd in self.ours, self.theirs:
            if fd is not None:
                os.close(fd)

    def read(self, seconds=0.0):
        "Take what has been written; whether there was anything."
        if not select.select([self.ours], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.ours, 65536)
        except OSError:
            return False
        self.raw += data
        self.screen.feed(self.decoder.decode(data))
        return bool(data)

    def text(self):
        "The screen, all lines."
        while self.read():
            pass
        return "\n".join(self.screen.text())

    def line(self, pattern):
        "The line that matches, or none of it."
        return next((line for line in self.text().splitlines() if re.search(pattern, line)), "")

    def until(self, condition, what=None, timeout=30):
        "Wait for a pattern on the screen, or for condition() to be true; one that fails an assertion is not."
        if isinstance(condition, str):
            pattern = condition
            what = what or f"{pattern!r} on the screen"
            condition = lambda: re.search(pattern, self.text(), re.M)
        limit = time.monotonic() + timeout
        while True:
            ended = self.process.poll() is not None and not self.read()
            wrong = ""
            try:
                if value := condition():
                    return value
            except (AssertionError, IndexError) as error:
                wrong = f" ({error})"
            said = f"{what} did not happen{wrong}"
            check(not ended, f"{said}: status {self.process.returncode}, screen:\n{self.text()}")
            if time.monotonic() > limit:
                raise Late(f"{said}, screen:\n{self.text()}")
            self.read(0.05)

    def sees(self, look, what):
        """Wait until look() finds nothing wrong with the screen.

        What a program draws comes in pieces: what is to be seen together has to be waited for together.
        """
        self.until(lambda: (look(), True)[1], what)

    def press(self, *keys):
        for key in keys:
            os.write(self.ours, self.KEYS.get(key, key).encode())

    def resize(self, lines, columns):
        self.text()
        self.screen.resize(lines, columns)
        self._size(lines, columns)

    def hang_up(self):
        os.close(self.ours)
        os.close(self.theirs)
        self.ours = self.theirs = None

    def status(self, timeout=30):
        "Wait for the end; the status, minus the signal's number if it was one."
        limit = time.monotonic() + timeout
        while self.process.poll() is None:
            if time.monotonic() > limit:
                raise Late("the program does not end")
            if self.ours is None or not self.read(0.05):
                time.sleep(0.01)
        if self.ours is not None:
            self.text()
        return self.process.returncode

    def restored(self):
        "The terminal is as it was found: settings, cursor, main screen."
        check(termios.tcgetattr(self.theirs) == self.before, "the terminal's settings are not what they were")
        check(b"\33[?1049h" in self.raw, "the other screen was never used")
        check(1049 not in self.screen.modes, "it is still on the other screen")
        check(not {1, 1000, 1006, 2004} & self.screen.modes, f"modes left on: {self.screen.modes}")
        check(25 in self.screen.modes or b"\33[?25l" not in self.raw, "the cursor is still hidden")
        check(not self.screen.unknown, f"sequences that the test does not know: {self.screen.unknown}")

    def echoes(self):
        "Does the kernel write what is typed?"
        return bool(termios.tcgetattr(self.theirs)[3] & termios.ECHO)

    def signal(self, number):
        self.process.send_signal(number)
