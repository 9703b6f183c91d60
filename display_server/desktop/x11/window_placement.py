"""Keeps windows where they belong while monitors, panels and text sizes change: WindowFit on an X display."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import xcffib.xproto

from display_server.desktop.x11.monitors import Monitor
from display_server.desktop.x11.window_fit import HomePlace, WindowFit, WindowRule, work_areas
from display_server.desktop.x11.windows import ObservedWindows, Windows
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import CaptureError

#: A change is handled when nothing else changed for this time, s: a window manager moves windows in steps.
SETTLE_S = 0.15
#: A change is handled after this time, s, even if windows move all the time.
SETTLE_MAX_S = 1.0
#: A panel that restarts after a change of the monitors may be missing for this time, s.
PANEL_MISSING_S = 1.5
#: Properties whose change may concern the places of windows: of the root window and of programs' windows.
_WATCHED = ("_NET_CLIENT_LIST", "_NET_WORKAREA", "_NET_WM_STATE")

T = TypeVar("T")


class WindowPlacement:
    """The windows of one display.

    All X requests run in `thread`, which must have a single worker: it also calls `read_monitors`. Every
    method may raise CaptureError.
    """

    def __init__(
        self,
        display: str,
        xauthority: Path | None,
        rules: Sequence[WindowRule],
        read_monitors: Callable[[], Sequence[Monitor]],
        thread: ThreadPoolExecutor,
    ) -> None:
        self._display = display
        self._xauthority = xauthority
        self._fit = WindowFit(rules)
        self._read_monitors = read_monitors
        self._thread = thread
        self._changed = asyncio.Event()
        self._events: XConnection | None = None
        self._windows: Windows | None = None
        self._watched: set[int] = set()
        self._selected: set[int] = set()
        self._monitors: tuple[Monitor, ...] = ()
        self._observed = ObservedWindows(managed=False)
        #: The windows of `_observed`, or of the last observation before the window manager ended.
        self._listed: set[int] = set()
        self._panels = 0
        self._panel_missing_since_s: float | None = None

    async def open(self) -> None:
        """Connects, and begins to notice changes."""
        self._windows = await self._in_thread(lambda: Windows(self._display, self._xauthority))
        events = XConnection(self._display, self._xauthority, failure=CaptureError)
        self._events = events
        cookies = [events.core.InternAtom(False, len(name), name) for name in _WATCHED]
        self._watched = {int(cookie.reply().atom) for cookie in cookies}
        self._select(events.root)
        events.on_event = self._on_event
        events.on_lost = lambda _error: self._changed.set()
        events.watch()
        self._changed.set()

    def notify(self) -> None:
        """Monitors have changed, or are about to."""
        self._changed.set()

    async def run(self) -> None:
        """Moves windows after every change, until it is cancelled."""
        while True:
            await self._changed.wait()
            await self._settle()
            await self.update()

    async def update(self) -> None:
        """Looks at the windows now, and moves those that are not where they belong."""
        now_s = asyncio.get_running_loop().time()
        present, moved = await self._in_thread(lambda: self._update(now_s))
        new = present - self._selected
        for window in new:
            self._select(window)
        self._selected = present
        if self._events is not None:
            self._events.flush()
        if moved or new:
            # The result of a move is observed, whether or not the window moves. New windows may have changed
            # before their events were selected.
            self._changed.set()

    async def gather(self, monitor: int, target: int) -> int:
        """Moves the windows of one monitor to another one, and returns how many there were."""
        await self.update()
        return await self._in_thread(lambda: self._gather(monitor, target))

    def close(self) -> None:
        """Disconnects. Safe to call twice."""
        for part in (self._windows, self._events):
            if part is not None:
                part.close()

    # ── in the thread ────────────────────────────────────────────────────────────────────────────────

    def _update(self, now_s: float) -> tuple[set[int], bool]:
        """Returns the ids of all windows and panels, and whether they must be observed again."""
        windows = self._opened()
        monitors = tuple(self._read_monitors())
        rearranged, self._monitors = monitors != self._monitors, monitors
        self._observed = observed = windows.observe()
        if not observed.managed:
            if rearranged:
                windows.move_into_reach(monitors)
            return set(), False
        listed = {window.id for window in observed.windows}
        windows.forget(self._listed - listed)
        self._listed = listed
        present = listed | observed.panels.keys()
        if self._is_panel_missing(len(observed.panels), now_s):
            return present, True
        moves = self._fit.update(observed.windows, work_areas(monitors, observed.panels.values()))
        windows.move(moves, observed.windows)
        self._store(windows)
        return present, bool(moves)

    def _gather(self, monitor: int, target: int) -> int:
        windows = self._opened()
        moves = self._fit.gather(self._observed.windows, monitor, target)
        windows.move(moves, self._observed.windows)
        self._store(windows)
        return len(moves)

    def _is_panel_missing(self, panels: int, now_s: float) -> bool:
        """Returns whether a panel is about to come back, so that its part of the screen counts as taken."""
        expected = min(self._panels, len(self._monitors))
        if panels >= expected:
            self._panels, self._panel_missing_since_s = panels, None
            return False
        if self._panel_missing_since_s is None:
            self._panel_missing_since_s = now_s
        if now_s - self._panel_missing_since_s < PANEL_MISSING_S:
            return True
        self._panels, self._panel_missing_since_s = panels, None
        return False

    def _store(self, windows: Windows) -> None:
        for window in self._observed.windows:
            home = self._fit.home(window.id)
            if home is not None and not _is_same(home, window.stored):
                windows.store(window.id, home)

    def _opened(self) -> Windows:
        if self._windows is None:
            raise CaptureError("The windows of this display are not being followed.")
        return self._windows

    # ── on the loop ──────────────────────────────────────────────────────────────────────────────────

    async def _settle(self) -> None:
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + SETTLE_MAX_S
        while self._changed.is_set() and loop.time() < deadline_s:
            self._changed.clear()
            await asyncio.sleep(SETTLE_S)
        self._changed.clear()

    def _select(self, window: int) -> None:
        """Asks for the events of a window. One that was destroyed in the meantime has none."""
        if self._events is not None:
            mask = xcffib.xproto.EventMask.StructureNotify | xcffib.xproto.EventMask.PropertyChange
            with self._events.requests():
                self._events.core.ChangeWindowAttributes(window, xcffib.xproto.CW.EventMask, [mask])

    def _on_event(self, event: Any) -> None:
        if isinstance(event, xcffib.xproto.ConfigureNotifyEvent) or (
            isinstance(event, xcffib.xproto.PropertyNotifyEvent) and event.atom in self._watched
        ):
            self._changed.set()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _is_same(home: HomePlace, stored: HomePlace | None) -> bool:
    """Returns whether the stored place is this one, apart from rounding."""
    return stored is not None and stored.monitor == home.monitor and home.place.is_near(stored.place)
