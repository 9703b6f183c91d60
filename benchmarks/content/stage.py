"""The driver's end of the content program: starts it on a display, gives orders, collects what it showed."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from benchmarks.content.frames import kind_of
from benchmarks.content.mark import MAX_NUMBER


class StageError(Exception):
    """The content program ended or did not answer."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture drawn by the program."""

    number: int
    epoch_ms: float


class Stage:
    """The content program on one display. Context manager: it ends with the block.

    `place` is x, y, width and height of its window, px; without it takes the whole screen. Other positions
    are within that window.
    """

    def __init__(
        self, display: str, xauthority: Path | None, place: tuple[int, int, int, int] | None = None
    ) -> None:
        self._place = place or ()
        self._environment = os.environ | {"DISPLAY": display}
        if xauthority is not None:
            self._environment["XAUTHORITY"] = str(xauthority)
        self._messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._extra: list[subprocess.Popen[bytes]] = []
        self.checksums: dict[int, tuple[int, int]] = {}
        self._next = 0
        self.width_px = 0
        self.height_px = 0
        self.slice_at = (0, 0)
        self.kind = "stack"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.content.program", *map(str, self._place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment,
            cwd=Path(__file__).parents[2],
        )
        threading.Thread(target=self._listen, daemon=True).start()
        ready = self._await("ready", 20)
        self.width_px, self.height_px = ready["width_px"], ready["height_px"]
        self.slice_at = (ready["slice_at"][0], ready["slice_at"][1])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (*self._extra, self._process):
            process.terminate()
            process.wait(10)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._messages.put(json.loads(line))
        self._messages.put({"event": "ended"})

    def _order(self, **order: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()

    def _await(self, event: str, timeout_s: float) -> dict[str, Any]:
        """The next message of that kind; others before it are dropped."""
        while True:
            try:
                message = self._messages.get(timeout=timeout_s)
            except queue.Empty:
                raise StageError(
                    f"the content program did not say {event!r} within {timeout_s:.0f} s"
                ) from None
            if message["event"] == event:
                return message
            if message["event"] == "ended":
                raise StageError("the content program ended")

    @property
    def place(self) -> tuple[int, int, int, int]:
        """x, y, width and height of the frames in the window, px."""
        kind = kind_of(self.kind)
        left, top = (self.width_px - kind.width_px) // 2, (self.height_px - kind.height_px) // 2
        return left, top, kind.width_px, kind.height_px

    def load(self, count: int, kind: str = "stack") -> range:
        """Puts `count` frames that this desktop never showed into the X server, and returns their numbers.

        Fresh ones each time: a subject with a memory must not profit from a case that ran before. About 10
        ms each, but a long stack's take 2 s together.
        """
        if self._next + count > MAX_NUMBER + 1:
            # Marks have no more numbers. By now no subject's memory holds the first slices any longer.
            self._next = 0
        numbers = range(self._next, self._next + count)
        self._next = numbers.stop
        self.kind = kind
        self._order(do="load", kind=kind, first=numbers.start, count=count)
        loaded = self._await("loaded", 120)
        self.checksums = {int(number): (a, b) for number, (a, b) in loaded["checksums"].items()}
        return numbers

    def still(self, number: int) -> Shown:
        self._order(do="still", slice=number)
        shown = self._await("shown", 10)
        return Shown(shown["number"], shown["epoch_ms"])

    def play(self, order: Sequence[int], rate: float) -> None:
        """Starts showing; `played` waits for the end."""
        self._order(do="play", order=list(order), rate=rate)

    def stop(self) -> None:
        """Ends what plays before its end."""
        self._order(do="stop")

    def played(self, timeout_s: float) -> list[Shown]:
        """What was drawn and when, after the last slice."""
        drawn: list[Shown] = []
        while True:
            try:
                message = self._messages.get(timeout=timeout_s)
            except queue.Empty:
                raise StageError("the content program did not finish its stack") from None
            match message["event"]:
                case "shown":
                    drawn.append(Shown(message["number"], message["epoch_ms"]))
                case "played":
                    return drawn
                case "ended":
                    raise StageError("the content program ended")

    def target(self, at: tuple[int, int] | None = None) -> None:
        """A patch that changes with each press, at the place of slices or elsewhere."""
        self._order(do="target", at=at or self.slice_at)
        self._await("target", 10)

    def blank(self) -> None:
        self._order(do="blank")
        self._await("blank", 10)

    def terminal(self) -> None:
        """An idle terminal whose caret blinks, as most desktops show one. Up when this returns."""
        command = ["xterm", "-bc", "-bcn", "530", "-bcf", "530", "-fa", "monospace", "-fs", "11"]
        command += ["-geometry", "100x30+60+60", "-e", "sleep", "3600"]
        self._extra.append(subprocess.Popen(command, env=self._environment, start_new_session=True))
        time.sleep(1.5)
        # xterm's caret blinks only while it has the focus.
        self._order(do="focus")
        self._await("focus", 10)

    def cpu_s(self) -> float:
        """CPU seconds of the content itself, to be told apart from the subject's."""
        times = [psutil.Process(process.pid).cpu_times() for process in (self._process, *self._extra)]
        return sum(t.user + t.system for t in times)
