"""The GTK program of `gtk_probe.py`, started on a desktop and read from the test."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.e2e.processes import Program, wait_for
from tests.e2e.x_desktop.display import XDisplay

SCRIPT = Path(__file__).with_name("gtk_probe.py")
#: Debian's own, which has GTK's bindings.
SYSTEM_PYTHON = "/usr/bin/python3"
START_TIMEOUT_S = 20.0
#: From the window's corner, px; see the sizes in `gtk_probe.py`.
ENTRY_AT = (60, 20)
AREA_AT = (200, 180)

Event = dict[str, Any]


class Probe:
    """Events since the last `clear`, and where to aim."""

    def __init__(
        self,
        display: XDisplay,
        folder: Path,
        *,
        x: int,
        y: int,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Without an `environment` there is no input method between the keys and the entry."""
        self._events_file = folder / "probe-events.jsonl"
        self._events_file.write_bytes(b"")
        self._start = 0
        self.display = display
        plain = {**display.environment, "GTK_IM_MODULE": "gtk-im-context-simple", "LANG": "C.UTF-8"}
        self._program = Program(
            [SYSTEM_PYTHON, str(SCRIPT), str(self._events_file), str(x), str(y)],
            log=folder / "probe.log",
            env={**(plain if environment is None else environment), "GDK_BACKEND": "x11"},
        )
        ready = self.wait_for(lambda events: _last(events, "ready"), "the probe's window")
        self.window_id: int = ready["xid"]
        self.x: int = ready["x"]
        self.y: int = ready["y"]

    @property
    def entry(self) -> tuple[int, int]:
        """A place in the entry, desktop pixels."""
        return self.x + ENTRY_AT[0], self.y + ENTRY_AT[1]

    @property
    def area(self) -> tuple[int, int]:
        """A place in the area that reports the mouse, desktop pixels."""
        return self.x + AREA_AT[0], self.y + AREA_AT[1]

    def events(self, *kinds: str) -> list[Event]:
        """Of these kinds, or all, since the last `clear`."""
        with self._events_file.open("rb") as file:
            file.seek(self._start)
            raw = file.read()
        lines = raw[: raw.rfind(b"\n") + 1].splitlines()
        events: list[Event] = [json.loads(line) for line in lines]
        return [event for event in events if not kinds or event["kind"] in kinds]

    def clear(self) -> None:
        """Forgets what happened so far."""
        self._start = self._events_file.stat().st_size

    def text(self) -> str:
        """What stands in the entry, as last reported since the start."""
        before, self._start = self._start, 0
        try:
            found = _last(self.events(), "text")
        finally:
            self._start = before
        return found["text"] if found else ""

    def wait_for(
        self, probe: Callable[[list[Event]], Any], what: str, timeout_s: float = START_TIMEOUT_S
    ) -> Any:
        """Waits until `probe` of the events gives something true."""

        def detail() -> str:
            return f"{what}; events: {self.events()[-12:]}; program: {self._program.log_tail(5)}"

        return wait_for(lambda: probe(self.events()), timeout_s=timeout_s, what=detail)

    def wait_for_text(self, text: str, timeout_s: float = 10.0) -> None:
        wait_for(
            lambda: self.text() == text, timeout_s=timeout_s, what=lambda: f"{text!r}, has {self.text()!r}"
        )

    def stop(self) -> None:
        self._program.stop()


def _last(events: list[Event], kind: str) -> Event | None:
    return next((event for event in reversed(events) if event["kind"] == kind), None)
