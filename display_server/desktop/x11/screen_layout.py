"""The contract of everything that knows the monitors of an X screen, and may change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from display_server.desktop.x11.monitors import Monitor


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A screen and its monitors, px. `screen_max` is what the screen can grow to."""

    width_px: int
    height_px: int
    monitors: tuple[Monitor, ...]
    screen_max: tuple[int, int]


class ScreenLayout(Protocol):
    """open() ─► read() … wait() ─► read() … order() ─► read() … close(). Nothing blocks the loop."""

    async def open(self) -> None:
        """Connects. Raises Malfunction."""

    @property
    def adjustable(self) -> bool:
        """Whether `order` can do anything: the display is ours."""

    @property
    def scale_percent(self) -> int:
        """The text scale that programs were told last."""

    async def read(self) -> Arrangement:
        """As the X server has it now. Raises Malfunction."""

    async def wait_for_change(self) -> None:
        """Returns when it may have changed since the last `read`. Raises Malfunction, as all do."""

    async def apply(self, monitors: Sequence[Monitor], scale_percent: int | None) -> None:
        """Makes it so, and moves windows that would be out of reach. One order at a time.

        Raises LayoutError, which tells the person why, and leaves the former layout; Malfunction.
        """

    async def close(self) -> None:
        """Safe to call twice."""
