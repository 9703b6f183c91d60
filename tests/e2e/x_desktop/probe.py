"""Starts the GTK program `gtk_probe.py` on a desktop and reads the events that it received."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.e2e.processes import Program, wait_for
from tests.e2e.x_desktop.display import XDisplay

SCRIPT = Path(__file__).with_name("gtk_probe.py")
#: Debian's Python, which has the GTK bindings.
SYSTEM_PYTHON = "/usr/bin/python3"
#: How long tests wait for an event, s.
EVENT_TIMEOUT_S = 90.0
#: A position in the entry and one in the mouse area, px from the window's corner; sizes are in
#: `gtk_probe.py`.
ENTRY_AT = (60, 20)
AREA_AT = (200, 180)

Event = dict[str, Any]


class Probe:
    """A running probe: its positions and its events since the last `clear`.

    It starts in a second or two, so that tests share one: `hide` and `reset` make it as if it were new.
    """

    def __init__(
        self,
        display: XDisplay,
        folder: Path,
        *,
        x: int,
        y: int,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Starts the probe at a desktop position. Without an `environment` its entry uses no input method."""
        self._events_file = folder / "probe-events.jsonl"
        self._events_file.write_bytes(b"")
        self._reset_at = 0  # offsets in the file of events, bytes
        self._start = 0
        self.display = display
        plain = {**display.environment, "GTK_IM_MODULE": "gtk-im-context-simple", "LANG": "C.UTF-8"}
        self._program = Program(
            [SYSTEM_PYTHON, str(SCRIPT), str(self._events_file), str(x), str(y)],
            log=folder / "probe.log",
            env={**(plain if environment is None else environment), "GDK_BACKEND": "x11"},
        )
        self.window_id = 0
        self.x = x
        self.y = y
        self._wait_until_ready()

    @property
    def running(self) -> bool:
        return self._program.running

    @property
    def entry(self) -> tuple[int, int]:
        """A position in the entry, desktop px."""
        return self.x + ENTRY_AT[0], self.y + ENTRY_AT[1]

    @property
    def area(self) -> tuple[int, int]:
        """A position in the area that reports the mouse, desktop px."""
        return self.x + AREA_AT[0], self.y + AREA_AT[1]

    def events(self, *kinds: str) -> list[Event]:
        """Returns the events of these kinds, or all events, since the last `clear`."""
        return [event for event in self._events_from(self._start) if not kinds or event["kind"] in kinds]

    def clear(self) -> None:
        """Forgets the events so far."""
        self._start = self._events_file.stat().st_size

    def text(self) -> str:
        """Returns the text of the entry."""
        found = _last(self._events_from(self._reset_at), "text")
        return found["text"] if found else ""

    def wait_for(
        self, probe: Callable[[list[Event]], Any], what: str, timeout_s: float = EVENT_TIMEOUT_S
    ) -> Any:
        """Waits until `probe` returns something true for the events, and returns it."""

        def detail() -> str:
            return f"{what}; events: {self.events()[-12:]}; program: {self._program.log_tail(5)}"

        return wait_for(lambda: probe(self.events()), timeout_s=timeout_s, what=detail)

    def wait_for_text(self, text: str, timeout_s: float = EVENT_TIMEOUT_S) -> None:
        wait_for(
            lambda: self.text() == text, timeout_s=timeout_s, what=lambda: f"{text!r}, has {self.text()!r}"
        )

    def reset(self) -> None:
        """Shows the window as it was at first, empties the entry and forgets the events so far."""
        self.clear()
        os.kill(self._program.pid, signal.SIGUSR2)
        self._wait_until_ready()
        self.clear()
        self._reset_at = self._start

    def hide(self) -> None:
        """Hides the window until the next `reset`."""
        self.clear()
        os.kill(self._program.pid, signal.SIGHUP)
        self.wait_for(lambda events: _last(events, "hidden"), "the window to be hidden")

    def slow_down_double_clicks(self) -> None:
        """Makes GTK accept seconds between the clicks of a double click, which a busy host may need."""
        os.kill(self._program.pid, signal.SIGUSR1)
        self.wait_for(lambda events: _last(events, "slow-double-clicks"), "the new double-click time")

    def stop(self) -> None:
        self._program.stop()

    def _events_from(self, offset: int) -> list[Event]:
        with self._events_file.open("rb") as file:
            file.seek(offset)
            raw = file.read()
        return [json.loads(line) for line in raw[: raw.rfind(b"\n") + 1].splitlines()]

    def _wait_until_ready(self) -> None:
        ready = self.wait_for(self._ready, "the probe's window")
        self.window_id, self.x, self.y = ready["xid"], ready["x"], ready["y"]

    def _ready(self, events: list[Event]) -> Event | None:
        assert self.running, f"the probe ended:\n{self._program.log_tail()}"
        return _last(events, "ready")


def _last(events: list[Event], kind: str) -> Event | None:
    return next((event for event in reversed(events) if event["kind"] == kind), None)
