"""The captured frame of one monitor, and the damage to it that no capture has covered yet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from display_server.agent.geometry import Frame, Rect, coalesce, edges_of, intersects, within
from display_server.agent.update.shadow import Shadow
from display_server.desktop.x11.monitors import Monitor


class DamageSource(Protocol):
    """The X screen that all monitors are parts of. All coordinates are those of the screen."""

    def distribute_damage(self) -> bool:
        """Adds the damage that is known so far to the monitors that it lies on.

        Returns whether a monitor with viewers was undamaged before and is damaged now.
        """

    def read(self, damage: Sequence[Rect]) -> Frame:
        """Returns the whole screen, up to date within `damage`. May run in a worker thread."""

    async def refresh_damage(self, damage: Sequence[Rect]) -> None:
        """Waits until everything that was drawn so far is known as damage. Costs one round trip."""


class MonitorFrame:
    """The FrameReader of one monitor: its place on the screen, its shadow framebuffer and its damage.

    The size never changes: a monitor of another size gets another MonitorFrame. The place on the screen may
    change between captures.
    """

    def __init__(self, screen: DamageSource, monitor: Monitor, seed: int) -> None:
        self._screen = screen
        self.monitor = monitor
        self.shadow = Shadow(monitor.width, monitor.height, seed)
        #: Held during a capture. Whoever holds it may move the monitor or resize the screen.
        self.capture_lock = asyncio.Lock()
        #: When the oldest damage was noticed that no capture has covered, s on the monotonic clock.
        self.damaged_since_s: float | None = None
        self._damage: list[Rect] = []

    def add_damage(self, rectangles: Sequence[Rect], now_s: float) -> bool:
        """Adds the parts of `rectangles`, in screen coordinates, that lie on this monitor.

        Returns whether the monitor was undamaged before and is damaged now.
        """
        on_monitor = within(rectangles, self._place)
        if not on_monitor:
            return False
        self._damage = coalesce(edges_of(self._damage + on_monitor), self.monitor.height)
        first = self.damaged_since_s is None
        if first:
            self.damaged_since_s = now_s
        return first

    def on_captured(self, now_s: float) -> None:
        """Records that a capture ended. Damage that arrived during the capture waits for the next one."""
        self.damaged_since_s = now_s if self._damage else None

    def move_to(self, monitor: Monitor, now_s: float) -> None:
        """Adopts another place on the screen, and damages everything. Call it with `capture_lock` held."""
        self.monitor = monitor
        self.damage_all(now_s)

    def damage_all(self, now_s: float) -> None:
        """Makes the next capture compare the whole monitor."""
        self._damage = []
        self.add_damage([self._place], now_s)

    def take_damage(self) -> Sequence[Rect]:
        self._screen.distribute_damage()
        taken, self._damage = self._damage, []
        return taken

    def read(self, damage: Sequence[Rect]) -> Frame:
        place = self._place
        screen = self._screen.read(self._on_screen(damage))
        return screen[place.y : place.y + place.height, place.x : place.x + place.width]

    async def is_torn(self, damage: Sequence[Rect]) -> bool:
        # Another monitor's round trip may bring the news first: it is in this monitor's own damage then.
        await self._screen.refresh_damage(self._on_screen(damage))
        self._screen.distribute_damage()
        return intersects(edges_of(self._damage), edges_of(damage))

    @property
    def _place(self) -> Rect:
        return Rect(self.monitor.x, self.monitor.y, self.monitor.width, self.monitor.height)

    def _on_screen(self, damage: Sequence[Rect]) -> list[Rect]:
        x, y = self.monitor.x, self.monitor.y
        return [Rect(rect.x + x, rect.y + y, rect.width, rect.height) for rect in damage]
