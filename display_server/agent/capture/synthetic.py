"""A FrameSource without an X server: whoever holds it draws. For tests of what comes after capture."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from display_server.agent.capture.damage import coalesce, edges_of, intersects
from display_server.agent.capture.frame_source import Picture, Rect
from display_server.errors import CaptureError


class SyntheticSource:
    """Starts black. `draw` draws; `fail` behaves as if the X server died. One thread, but for `read`."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self._picture: Picture = np.zeros((height_px, width_px, 4), np.uint8)
        self._pending = [Rect(0, 0, width_px, height_px)]
        self._since_taken: list[Rect] = []
        self._failure: CaptureError | None = None
        self._news = asyncio.Event()

    @property
    def width_px(self) -> int:
        return int(self._picture.shape[1])

    @property
    def height_px(self) -> int:
        return int(self._picture.shape[0])

    def draw(self, x: int, y: int, bgrx: NDArray[np.uint8]) -> None:
        """Puts (height, width, 3 or 4) uint8 pixels at (x, y), all on the screen, and tells of the damage."""
        height, width, channels = bgrx.shape
        if x < 0 or y < 0 or x + width > self.width_px or y + height > self.height_px:
            raise ValueError(
                f"{width}×{height} at ({x}, {y}) is not on a {self.width_px}×{self.height_px} screen"
            )
        self._picture[y : y + height, x : x + width, :channels] = bgrx
        self.damage(Rect(x, y, width, height))

    def fill(self, rect: Rect, rgb: int) -> None:
        """Fills with 0xRRGGBB."""
        pixel = np.frombuffer(rgb.to_bytes(4, "little"), np.uint8)
        self.draw(rect.x, rect.y, np.broadcast_to(pixel, (rect.height, rect.width, 4)))

    def damage(self, rect: Rect) -> None:
        """Tells of damage; nothing need have changed, as with real X servers."""
        self._pending.append(rect)
        self._since_taken.append(rect)
        self._news.set()

    def fail(self, reason: str = "The X server is gone.") -> None:
        self._failure = CaptureError(reason)
        self._news.set()

    async def open(self) -> None:
        self._check()

    def resize(self, width_px: int, height_px: int) -> None:
        """What was drawn stays, as far as it fits."""
        picture: Picture = np.zeros((height_px, width_px, 4), np.uint8)
        kept = self._picture[:height_px, :width_px]
        picture[: kept.shape[0], : kept.shape[1]] = kept
        self._picture = picture
        self.damage(Rect(0, 0, width_px, height_px))

    async def wait(self) -> None:
        while not self._pending:
            self._check()
            self._news.clear()
            await self._news.wait()
        self._check()

    def take_damage(self) -> Sequence[Rect]:
        taken = coalesce(edges_of(self._pending), self.height_px)
        self._pending, self._since_taken = [], []
        return taken

    def read(self, damage: Sequence[Rect]) -> Picture:  # noqa: ARG002 - all of it is always up to date
        return self._picture

    async def disturbed(self, damage: Sequence[Rect]) -> bool:
        self._check()
        return intersects(edges_of(self._since_taken), edges_of(damage))

    async def close(self) -> None:
        """Nothing to let go of."""

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
