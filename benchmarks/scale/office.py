"""`python -m benchmarks.scale.office DISPLAY XAUTHORITY …`: people at work, by XTEST, until stdin ends.

Each desktop has a window manager and two terminals: one to type into, one with a log that grows by itself.
The script is the same each time: type a line, go over to the log, scroll back and forth, return. People are
not in step.
"""

from __future__ import annotations

import os
import select
import string
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xcffib
import xcffib.xproto as x
import xcffib.xtest

#: Deeds of one person, and so letters.
DEEDS_PER_S = 5.0
#: A round: goes to the one window, types a line, goes to the other, scrolls back and forth. Six seconds.
LETTERS, NOTCHES_UP, NOTCHES_DOWN = 13, 7, 7
ROUND = 1 + LETTERS + 1 + 1 + NOTCHES_UP + NOTCHES_DOWN
#: By how many deeds one person is ahead of the next.
OUT_OF_STEP = 7
#: A build log, say: eight lines a second.
PRINTER = 'n=0; while :; do n=$((n+1)); echo "$n compiling module $n of 4096, no warnings"; sleep 0.125; done'
TERMINAL = ("xterm", "-fa", "monospace", "-fs", "11")
#: The windows overlap; a point of each that the other does not cover, px on the desktop.
PLACES = (("90x40+40+40", "cat", (80, 120)), ("90x40+500+260", PRINTER, (1200, 900)))
WINDOW_MANAGER = Path(__file__).parents[2] / "display_server/desktop/profiles/settings/openbox.xml"
READY_TIMEOUT_S = 20.0
RETURN_KEYSYM = 0xFF0D
_LEFT, _WHEEL_UP, _WHEEL_DOWN = 1, 4, 5
_KEY_PRESS, _KEY_RELEASE, _BUTTON_PRESS, _BUTTON_RELEASE, _MOTION = 2, 3, 4, 5, 6


@dataclass(frozen=True, slots=True)
class Key:
    keysym: int


@dataclass(frozen=True, slots=True)
class Button:
    """Pressed and released; at a window's place, or where the pointer is."""

    number: int
    window: int | None = None


def deed(turn: int) -> Key | Button:
    """What a person does in that turn."""
    lap, step = divmod(turn, ROUND)
    if step == 0:
        return Button(_LEFT, window=0)
    if step <= LETTERS:
        return Key(ord(string.ascii_lowercase[(lap * LETTERS + step) % 26]))
    if step == LETTERS + 1:
        return Key(RETURN_KEYSYM)
    if step == LETTERS + 2:
        return Button(_LEFT, window=1)
    return Button(_WHEEL_UP if step <= LETTERS + 2 + NOTCHES_UP else _WHEEL_DOWN)


class Worker:
    """One person on one desktop. Raises FileNotFoundError where openbox or xterm is not installed."""

    def __init__(self, display: str, xauthority: str) -> None:
        self._environment = os.environ | {"DISPLAY": display, "XAUTHORITY": xauthority}
        self._programs: list[subprocess.Popen[bytes]] = []
        os.environ["XAUTHORITY"] = xauthority
        connect: Any = xcffib.connect  # xcffib publishes no types
        self._x = connect(display)
        self._root = self._x.get_setup().roots[self._x.pref_screen].root
        self._xtest = self._x(xcffib.xtest.key)
        self._codes = self._keycodes()
        self._start("openbox", "--config-file", str(WINDOW_MANAGER))

    def _start(self, *command: str) -> None:
        quiet = subprocess.DEVNULL
        program = subprocess.Popen(command, env=self._environment, stdin=quiet, stdout=quiet, stderr=quiet)
        self._programs.append(program)

    def _keycodes(self) -> dict[int, int]:
        setup = self._x.get_setup()
        count = setup.max_keycode - setup.min_keycode + 1
        mapping = self._x.core.GetKeyboardMapping(setup.min_keycode, count).reply()
        width = mapping.keysyms_per_keycode
        return {mapping.keysyms[i * width]: setup.min_keycode + i for i in range(count)}

    @property
    def managed(self) -> bool:
        """Whether the window manager is there. A window that comes up while it begins may stay unseen."""
        return self._listed("_NET_SUPPORTING_WM_CHECK") == 1

    def open(self) -> None:
        for place, script, _ in PLACES:
            self._start(*TERMINAL, "-geometry", place, "-e", "sh", "-c", script)

    @property
    def opened(self) -> bool:
        """Whether the window manager has both terminals."""
        return self._listed("_NET_CLIENT_LIST") >= len(PLACES)

    def _listed(self, name: str) -> int:
        """How many windows a property of the root names."""
        atom = self._x.core.InternAtom(False, len(name), name).reply().atom
        found = self._x.core.GetProperty(False, self._root, atom, x.Atom.WINDOW, 0, 64).reply()
        return int(found.value_len)

    def act(self, what: Key | Button) -> None:
        if isinstance(what, Key):
            self._press((_KEY_PRESS, _KEY_RELEASE), self._codes[what.keysym])
            return
        if what.window is not None:
            _, _, (left, top) = PLACES[what.window]
            self._xtest.FakeInput(_MOTION, 0, 0, self._root, left, top, 0)
        self._press((_BUTTON_PRESS, _BUTTON_RELEASE), what.number)

    def _press(self, down_up: tuple[int, int], detail: int) -> None:
        for kind in down_up:
            self._xtest.FakeInput(kind, detail, 0, self._root, 0, 0, 0)
        self._x.flush()

    def end(self) -> None:
        """The window manager last, so that nothing is drawn anew for it."""
        for program in reversed(self._programs):
            program.terminate()
            program.wait(10)


def main() -> None:
    words = sys.argv[1:]
    workers: list[Worker] = []
    try:
        for display, xauthority in zip(words[::2], words[1::2], strict=True):
            workers.append(Worker(display, xauthority))
        _until(lambda: all(worker.managed for worker in workers), "openbox")
        for worker in workers:
            worker.open()
        _until(lambda: all(worker.opened for worker in workers), "xterm")
        print("ready", flush=True)
        _work(workers)
    finally:
        for worker in workers:
            worker.end()


def _until(true: Callable[[], bool], program: str) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not true():
        if time.monotonic() > deadline:
            sys.exit(f"the office script waited in vain for {program}")
        time.sleep(0.05)


def _work(workers: list[Worker]) -> None:
    """Turn by turn until stdin ends; the people of one turn are spread over it."""
    due_s = time.monotonic()
    turn = 0
    while True:
        for place, worker in enumerate(workers):
            due_s += 1 / DEEDS_PER_S / len(workers)
            # What is late is not made up for.
            due_s = max(due_s, time.monotonic())
            ready, _, _ = select.select([sys.stdin], [], [], max(0.0, due_s - time.monotonic()))
            if ready:
                return
            worker.act(deed(turn + place * OUT_OF_STEP))
        turn += 1


if __name__ == "__main__":
    main()
