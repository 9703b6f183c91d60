"""`python -m benchmarks.scale.office DISPLAY XAUTHORITY …` simulates a person on each desktop until stdin
ends.

Each desktop gets a window manager and two terminals: one for typing, and one with a growing log. By XTEST,
each person repeats the same script: type a line, click into the log, scroll back and forth. The persons are
at different points of the script.
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

#: Actions of one person per second; most of them are letters.
ACTIONS_PER_S = 5.0
#: Letters of a line, and notches of the wheel upwards and downwards, per round of the script.
LETTERS, NOTCHES_UP, NOTCHES_DOWN = 13, 7, 7
#: Actions of one round: click, letters, Return, click, notches. It takes six seconds.
ROUND = 1 + LETTERS + 1 + 1 + NOTCHES_UP + NOTCHES_DOWN
#: By how many actions each person is ahead of the next.
PHASE_SHIFT = 7
#: Shell script that prints a build log at eight lines per second.
PRINTER = 'n=0; while :; do n=$((n+1)); echo "$n compiling module $n of 4096, no warnings"; sleep 0.125; done'
TERMINAL = ("xterm", "-fa", "monospace", "-fs", "11")
#: For each terminal its geometry, its shell script, and a point that the other terminal does not cover, px.
WINDOWS = (("90x40+40+40", "cat", (80, 120)), ("90x40+500+260", PRINTER, (1200, 900)))
#: Configuration of the window manager.
WINDOW_MANAGER = Path(__file__).parents[2] / "display_server/desktop/profiles/settings/openbox.xml"
READY_TIMEOUT_S = 20.0
RETURN_KEYSYM = 0xFF0D
_LEFT, _WHEEL_UP, _WHEEL_DOWN = 1, 4, 5
_KEY_PRESS, _KEY_RELEASE, _BUTTON_PRESS, _BUTTON_RELEASE, _MOTION = 2, 3, 4, 5, 6


@dataclass(frozen=True, slots=True)
class Key:
    """A key to press and release."""

    keysym: int


@dataclass(frozen=True, slots=True)
class Button:
    """A button to press and release, in a window of WINDOWS or at the pointer's position."""

    number: int
    window: int | None = None


def action(turn: int) -> Key | Button:
    """Returns the action of the script in that turn."""
    round_number, step = divmod(turn, ROUND)
    if step == 0:
        return Button(_LEFT, window=0)
    if step <= LETTERS:
        return Key(ord(string.ascii_lowercase[(round_number * LETTERS + step) % 26]))
    if step == LETTERS + 1:
        return Key(RETURN_KEYSYM)
    if step == LETTERS + 2:
        return Button(_LEFT, window=1)
    return Button(_WHEEL_UP if step <= LETTERS + 2 + NOTCHES_UP else _WHEEL_DOWN)


class Worker:
    """One simulated person on one desktop. Raises FileNotFoundError if openbox or xterm is not installed."""

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
        """Whether the window manager is ready. It may miss windows that are mapped while it starts."""
        return self._listed("_NET_SUPPORTING_WM_CHECK") == 1

    def open(self) -> None:
        """Starts both terminals."""
        for geometry, script, _ in WINDOWS:
            self._start(*TERMINAL, "-geometry", geometry, "-e", "sh", "-c", script)

    @property
    def opened(self) -> bool:
        """Whether the window manager manages both terminals."""
        return self._listed("_NET_CLIENT_LIST") >= len(WINDOWS)

    def _listed(self, name: str) -> int:
        """Returns the number of windows in a property of the root window."""
        atom = self._x.core.InternAtom(False, len(name), name).reply().atom
        found = self._x.core.GetProperty(False, self._root, atom, x.Atom.WINDOW, 0, 64).reply()
        return int(found.value_len)

    def perform(self, what: Key | Button) -> None:
        """Sends the input of an action."""
        if isinstance(what, Key):
            self._press((_KEY_PRESS, _KEY_RELEASE), self._codes[what.keysym])
            return
        if what.window is not None:
            _, _, (left, top) = WINDOWS[what.window]
            self._xtest.FakeInput(_MOTION, 0, 0, self._root, left, top, 0)
        self._press((_BUTTON_PRESS, _BUTTON_RELEASE), what.number)

    def _press(self, down_up: tuple[int, int], detail: int) -> None:
        for kind in down_up:
            self._xtest.FakeInput(kind, detail, 0, self._root, 0, 0, 0)
        self._x.flush()

    def end(self) -> None:
        """Ends the programs, the window manager last, so that no window is redrawn because it ends."""
        for program in reversed(self._programs):
            program.terminate()
            program.wait(10)


def main() -> None:
    arguments = sys.argv[1:]
    workers: list[Worker] = []
    try:
        for display, xauthority in zip(arguments[::2], arguments[1::2], strict=True):
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


def _until(condition: Callable[[], bool], program: str) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"{program} was not ready within {READY_TIMEOUT_S:.0f} s")
        time.sleep(0.05)


def _work(workers: list[Worker]) -> None:
    """Performs actions until stdin ends. The persons act one after the other within each turn."""
    due_s = time.monotonic()
    turn = 0
    while True:
        for index, worker in enumerate(workers):
            due_s += 1 / ACTIONS_PER_S / len(workers)
            # A delay is not caught up.
            due_s = max(due_s, time.monotonic())
            ready, _, _ = select.select([sys.stdin], [], [], max(0.0, due_s - time.monotonic()))
            if ready:
                return
            worker.perform(action(turn + index * PHASE_SHIFT))
        turn += 1


if __name__ == "__main__":
    main()
