"""The contract of everything that knows the monitors of an X screen and may change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from display_server.desktop.x11.monitors import Monitor


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The size of a screen and its monitors, px. `screen_max` is the size to which the screen can grow."""

    width_px: int
    height_px: int
    monitors: tuple[Monitor, ...]
    screen_max: tuple[int, int]


class ScreenLayout(Protocol):
    """Reads and changes the monitors of one X screen, without blocking the event loop.

    open() ─► read() … wait_for_change() ─► read() … apply() ─► read() … close()

    Every method but `close` may raise Malfunction.
    """

    async def open(self) -> None:
        """Connects to the X server."""

    @property
    def adjustable(self) -> bool:
        """Whether `apply` can change this display. Only displays that Lightbox started are adjustable."""

    @property
    def scale_percent(self) -> int:
        """The text scale that was applied last, percent."""

    async def read(self) -> Arrangement:
        """Returns the arrangement that the X server has now."""

    async def wait_for_change(self) -> None:
        """Returns when the arrangement may have changed since the last `read`."""

    async def apply(self, monitors: Sequence[Monitor], scale_percent: int | None) -> None:
        """Applies the monitors and, unless it is None, the text scale.

        Windows are moved to their places on the new monitors. Callers apply one layout at a time. Raises
        LayoutError, whose text is meant for the person; the former arrangement then remains.
        """

    async def gather(self, monitor: int, target: int) -> int:
        """Moves the windows of one monitor to another one, and returns how many there were."""

    async def close(self) -> None:
        """Disconnects. Safe to call twice."""
