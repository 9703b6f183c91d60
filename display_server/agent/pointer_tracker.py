"""Tells viewers about the cursor's shape, and where other viewers or programs moved the pointer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from display_server.agent.connected_viewers import ConnectedViewers
from display_server.agent.cursor.cursor_image import cursor_message
from display_server.agent.cursor.cursor_source import CursorSource
from display_server.agent.viewer.viewer import Viewer
from display_server.protocol import messages as m

#: Viewers are notified of pointers that others move at most this often, s.
NOTIFY_INTERVAL_S = 1 / 30

#: The pointer's position is compared with the known one only this long after a viewer moved the pointer, s:
#: before, the X server may not have applied that motion.
SETTLED_AFTER_S = 0.3


class PointerTracker:
    """`run` follows the cursor's shape. `clock` returns the monotonic time in s."""

    def __init__(self, cursor: CursorSource, viewers: ConnectedViewers, clock: Callable[[], float]) -> None:
        self._cursor = cursor
        self._viewers = viewers
        self._clock = clock
        self._shape: m.Cursor | None = None
        self._position_px: tuple[int, int] | None = None
        self._moved_by: Viewer | None = None
        self._moved_s = 0.0
        self._checked_s = 0.0
        self._notify_timer: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Runs until it is cancelled. Raises CaptureError when the X server is gone."""
        while True:
            self._shape = cursor_message(self._cursor.shape())
            for viewer in self._viewers:
                viewer.notify_cursor(self._shape)
            await self._cursor.wait()

    def on_welcomed(self, viewer: Viewer) -> None:
        """Sends the present shape to a new viewer."""
        if self._shape is not None:
            viewer.notify_cursor(self._shape)

    def on_pointer_moved(self, viewer: Viewer, x_px: int, y_px: int) -> None:
        """Notifies the other viewers soon that this viewer moved the pointer."""
        self._position_px = (x_px, y_px)
        self._moved_s = self._clock()
        self._moved_by = viewer
        if len(self._viewers) > 1 and self._notify_timer is None:
            loop = asyncio.get_running_loop()
            self._notify_timer = loop.call_later(NOTIFY_INTERVAL_S, self._notify_others)

    def on_disconnected(self, viewer: Viewer) -> None:
        if self._moved_by is viewer:
            self._moved_by = None

    def on_second(self, now_s: float) -> None:
        """Notices a program that moved the pointer, within a second or two: nobody waits for it."""
        if not len(self._viewers) or now_s - self._moved_s < SETTLED_AFTER_S:
            return
        position_px = self._cursor.position()
        checked_s, self._checked_s = self._checked_s, now_s
        if checked_s <= self._moved_s:
            # The source answers from memory and asks the X server afterwards: this position may be older than
            # the viewer's motion. The next one will not be.
            return
        if self._position_px is not None and position_px != self._position_px:
            for viewer in self._viewers:
                viewer.notify_pointer(*position_px)
        self._position_px = position_px

    def _notify_others(self) -> None:
        self._notify_timer = None
        if self._position_px is None:
            return
        for viewer in self._viewers:
            if viewer is not self._moved_by:
                viewer.notify_pointer(*self._position_px)
