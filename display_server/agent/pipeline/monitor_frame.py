"""One monitor: where it is on the screen, our copy of it, and the damage that nobody has looked at yet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from display_server.agent.geometry import Frame, Rect, coalesce, edges_of, intersects, within
from display_server.agent.update.shadow import Shadow
from display_server.desktop.x11.monitors import Monitor


class DamageSource(Protocol):
    """The screen behind the monitors."""

    def share_out(self) -> bool:
        """Gives all damage known so far to the monitors that it lies on. Whether that matters to a viewer."""

    def read(self, damage: Sequence[Rect]) -> Frame:
        """The whole screen, up to date within `damage`. Runs in a worker thread."""

    async def ask(self, damage: Sequence[Rect]) -> None:
        """Learns what was drawn by now. One round trip."""


class MonitorFrame:
    """The FrameReader of one monitor. Its size never changes; where it stands may, between captures."""

    def __init__(self, glass: DamageSource, monitor: Monitor, seed: int) -> None:
        self._glass = glass
        self.monitor = monitor
        self.shadow = Shadow(monitor.width, monitor.height, seed)
        #: Held while the picture is captured: then nothing may move.
        self.capturing = asyncio.Lock()
        #: When damage was noticed that was not looked at, s on the monotonic clock.
        self.damaged_s: float | None = None
        self._pending: list[Rect] = []

    def damage(self, rectangles: Sequence[Rect], now_s: float) -> bool:
        """Takes what of it, in the screen's coordinates, is on this monitor. Whether that is its first."""
        mine = within(rectangles, self._place)
        if not mine:
            return False
        self._pending = coalesce(edges_of(self._pending + mine), self.monitor.height)
        first = self.damaged_s is None
        if first:
            self.damaged_s = now_s
        return first

    def looked_at(self, now_s: float) -> None:
        """A capture ended. What was drawn since stays to be looked at."""
        self.damaged_s = now_s if self._pending else None

    def move_to(self, monitor: Monitor, now_s: float) -> None:
        """Of the same size. Nothing may be capturing."""
        self.monitor = monitor
        self._pending = []
        self.damage([self._place], now_s)

    def take_damage(self) -> Sequence[Rect]:
        self._glass.share_out()
        taken, self._pending = self._pending, []
        return taken

    def read(self, damage: Sequence[Rect]) -> Frame:
        place = self._place
        screen = self._glass.read(self._on_screen(damage))
        return screen[place.y : place.y + place.height, place.x : place.x + place.width]

    async def is_torn(self, damage: Sequence[Rect]) -> bool:
        """Whoever asks first learns it for all: what others were told since then is in our own damage."""
        await self._glass.ask(self._on_screen(damage))
        self._glass.share_out()
        return intersects(edges_of(self._pending), edges_of(damage))

    @property
    def _place(self) -> Rect:
        return Rect(self.monitor.x, self.monitor.y, self.monitor.width, self.monitor.height)

    def _on_screen(self, damage: Sequence[Rect]) -> list[Rect]:
        x, y = self.monitor.x, self.monitor.y
        return [Rect(rect.x + x, rect.y + y, rect.width, rect.height) for rect in damage]
