"""Runs the content program on a display, sends it commands and collects the frames it has drawn."""

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


class ContentError(Exception):
    """The content program ended or did not answer."""


@dataclass(frozen=True, slots=True)
class DrawnFrame:
    """A frame that the program has drawn, and when (wall clock)."""

    number: int
    epoch_ms: float


class ContentPlayer:
    """Context manager that runs the content program on one display.

    `window_rect` is x, y, width and height of the program's window, px; by default it covers the screen. All
    other positions are relative to the window.
    """

    def __init__(
        self, display: str, xauthority: Path | None, window_rect: tuple[int, int, int, int] | None = None
    ) -> None:
        self._window_rect = window_rect or ()
        self._environment = os.environ | {"DISPLAY": display}
        if xauthority is not None:
            self._environment["XAUTHORITY"] = str(xauthority)
        self._events: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._extra: list[subprocess.Popen[bytes]] = []
        #: Checksums of the loaded frames by number; of a long stack only the last frame's.
        self.checksums: dict[int, tuple[int, int]] = {}
        self._next = 0
        self.width_px = 0
        self.height_px = 0
        #: x and y of slices, px.
        self.slice_at = (0, 0)
        self.kind = "stack"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.content.program", *map(str, self._window_rect)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment,
            cwd=Path(__file__).parents[2],
        )
        threading.Thread(target=self._read_events, daemon=True).start()
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

    def _read_events(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._events.put(json.loads(line))
        self._events.put({"event": "ended"})

    def _send(self, **command: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()

    def _await(self, kind: str, timeout_s: float) -> dict[str, Any]:
        """Returns the next event of that kind and drops the others. Raises ContentError."""
        while True:
            event = self._next_event(timeout_s, f"did not report {kind!r} within {timeout_s:.0f} s")
            if event["event"] == kind:
                return event

    def _next_event(self, timeout_s: float, complaint: str) -> dict[str, Any]:
        try:
            event = self._events.get(timeout=timeout_s)
        except queue.Empty:
            raise ContentError(f"the content program {complaint}") from None
        if event["event"] == "ended":
            raise ContentError("the content program ended")
        return event

    @property
    def frame_rect(self) -> tuple[int, int, int, int]:
        """x, y, width and height of the frames within the window, px."""
        kind = kind_of(self.kind)
        left, top = (self.width_px - kind.width_px) // 2, (self.height_px - kind.height_px) // 2
        return left, top, kind.width_px, kind.height_px

    def load(self, count: int, kind: str = "stack") -> range:
        """Loads `count` frames that were never shown on this desktop into the X server. Returns their
        numbers.

        The frames are new each time, so that a subject with a cache does not profit from an earlier case. It
        takes about 10 ms per frame, or 2 s for a whole long stack.
        """
        if self._next + count > MAX_NUMBER + 1:
            # All numbers are used. By now no subject's cache contains the first slices any more.
            self._next = 0
        numbers = range(self._next, self._next + count)
        self._next = numbers.stop
        self.kind = kind
        self._send(do="load", kind=kind, first=numbers.start, count=count)
        loaded = self._await("loaded", 120)
        self.checksums = {int(number): (a, b) for number, (a, b) in loaded["checksums"].items()}
        return numbers

    def show(self, number: int) -> DrawnFrame:
        """Shows one loaded frame."""
        self._send(do="show", number=number)
        shown = self._await("shown", 10)
        return DrawnFrame(shown["number"], shown["epoch_ms"])

    def play(self, numbers: Sequence[int], rate: float) -> None:
        """Starts showing loaded frames at `rate` frames/s. `wait_for_end` waits for the end."""
        self._send(do="play", numbers=list(numbers), rate=rate)

    def stop(self) -> None:
        """Ends `play` early."""
        self._send(do="stop")

    def wait_for_end(self, timeout_s: float) -> list[DrawnFrame]:
        """Waits for the end of `play` and returns the frames drawn. Raises ContentError."""
        drawn: list[DrawnFrame] = []
        while True:
            event = self._next_event(timeout_s, "did not finish its frames")
            if event["event"] == "shown":
                drawn.append(DrawnFrame(event["number"], event["epoch_ms"]))
            elif event["event"] == "played":
                return drawn

    def target(self, at: tuple[int, int] | None = None) -> None:
        """Shows a click target, which changes with each press, at `at` or in the place of slices."""
        self._send(do="target", at=at or self.slice_at)
        self._await("target", 10)

    def blank(self) -> None:
        """Clears the window."""
        self._send(do="blank")
        self._await("blank", 10)

    def terminal(self) -> None:
        """Starts a terminal with a blinking caret, and returns when it is visible."""
        command = ["xterm", "-bc", "-bcn", "530", "-bcf", "530", "-fa", "monospace", "-fs", "11"]
        command += ["-geometry", "100x30+60+60", "-e", "sleep", "3600"]
        self._extra.append(subprocess.Popen(command, env=self._environment, start_new_session=True))
        time.sleep(1.5)
        # xterm's caret blinks only while xterm has the focus.
        self._send(do="focus")
        self._await("focus", 10)

    def cpu_s(self) -> float:
        """Returns the CPU seconds of the content, which do not count as the subject's."""
        times = [psutil.Process(process.pid).cpu_times() for process in (self._process, *self._extra)]
        return sum(t.user + t.system for t in times)
