"""`python -m benchmarks.scale.office DISPLAY XAUTHORITY …`: people at work, by XTEST, until stdin ends.

Each desktop has two terminals, one that is typed into and one that prints by itself. Everybody types five
letters a second, ends a line now and then, and every three seconds brings the other window to the front.
"""

from __future__ import annotations

import os
import select
import string
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import xcffib
import xcffib.xproto as x
import xcffib.xtest

KEYS_PER_S = 5.0
LINE_LETTERS = 40
SWITCH_EVERY_S = 3.0
#: A build log, say: eight lines a second.
PRINTER = 'n=0; while :; do n=$((n+1)); echo "$n compiling module $n of 4096, no warnings"; sleep 0.125; done'
TERMINAL = ("xterm", "-fa", "monospace", "-fs", "11")
_PRESS, _RELEASE = 2, 3


class Worker:
    """One person on one desktop. Everything is decided by `now_s`, so that a late turn is not made up for."""

    def __init__(self, display: str, xauthority: str) -> None:
        environment = os.environ | {"DISPLAY": display, "XAUTHORITY": xauthority}
        os.environ["XAUTHORITY"] = xauthority
        self._programs = [
            subprocess.Popen([*TERMINAL, "-geometry", place, "-e", "sh", "-c", script], env=environment)
            for place, script in (("90x40+40+40", "cat"), ("90x40+500+260", PRINTER))
        ]
        connect: Any = xcffib.connect  # xcffib publishes no types
        self._x = connect(display)
        self._root = self._x.get_setup().roots[self._x.pref_screen].root
        self._xtest = self._x(xcffib.xtest.key)
        self._codes = self._keycodes()
        self._typed = 0
        self._switched_s = 0.0

    def _keycodes(self) -> dict[int, int]:
        setup = self._x.get_setup()
        count = setup.max_keycode - setup.min_keycode + 1
        mapping = self._x.core.GetKeyboardMapping(setup.min_keycode, count).reply()
        width = mapping.keysyms_per_keycode
        return {mapping.keysyms[i * width]: setup.min_keycode + i for i in range(count)}

    def act(self, now_s: float) -> None:
        """A letter or the end of a line; at times another window first."""
        if now_s - self._switched_s >= SWITCH_EVERY_S:
            self._switched_s = now_s
            self._switch()
        self._typed += 1
        keysym = 0xFF0D if self._typed % LINE_LETTERS == 0 else ord(string.ascii_lowercase[self._typed % 26])
        for kind in (_PRESS, _RELEASE):
            self._xtest.FakeInput(kind, self._codes[keysym], 0, 0, 0, 0, 0)
        self._x.flush()

    def _switch(self) -> None:
        windows = self._x.core.QueryTree(self._root).reply().children
        if windows:
            self._x.core.ConfigureWindow(windows[0], x.ConfigWindow.StackMode, [x.StackMode.Above])
            self._x.core.SetInputFocus(x.InputFocus.PointerRoot, windows[0], x.Time.CurrentTime)

    def end(self) -> None:
        for program in self._programs:
            program.terminate()
            program.wait(10)


def main() -> None:
    words = sys.argv[1:]
    workers = [
        Worker(display, xauthority) for display, xauthority in zip(words[::2], words[1::2], strict=True)
    ]
    try:
        while True:
            turn_s = 1 / KEYS_PER_S
            for place, worker in enumerate(workers):
                ready, _, _ = select.select([sys.stdin], [], [], turn_s / len(workers))
                if ready:
                    return
                worker.act(time.monotonic() + place)
    finally:
        for worker in workers:
            worker.end()


if __name__ == "__main__":
    assert Path("/tmp/.X11-unix").is_dir(), "an X server must run on this host"
    main()
