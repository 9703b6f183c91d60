"""A FrameSource without an X server, for tests of the stages after capture: the test itself draws into it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from display_server.agent.geometry import Frame, Rect, coalesce, edges_of, intersects
from display_server.errors import CaptureError


class SyntheticSource:
    """A screen in memory that starts black.

    Only `read` may be called in another thread than the other methods.
    """

    def __init__(self, width_px: int, height_px: int) -> None:
        self._frame: Frame = np.zeros((height_px, width_px, 4), np.uint8)
        self._pending = [Rect(0, 0, width_px, height_px)]
        self._since_taken: list[Rect] = []
        self._failure: CaptureError | None = None
        self._changed = asyncio.Event()
        self._answering = asyncio.Event()
        self._answering.set()

    @property
    def width_px(self) -> int:
        return int(self._frame.shape[1])

    @property
    def height_px(self) -> int:
        return int(self._frame.shape[0])

    def draw(self, x: int, y: int, bgrx: NDArray[np.uint8]) -> None:
        """Draws (height, width, 3 or 4) uint8 pixels at (x, y) and damages that rectangle.

        Raises ValueError unless the rectangle lies on the screen.
        """
        height, width, channels = bgrx.shape
        if x < 0 or y < 0 or x + width > self.width_px or y + height > self.height_px:
            raise ValueError(
                f"{width}×{height} at ({x}, {y}) is not on a {self.width_px}×{self.height_px} screen"
            )
        self._frame[y : y + height, x : x + width, :channels] = bgrx
        self.damage(Rect(x, y, width, height))

    def fill(self, rect: Rect, rgb: int) -> None:
        """Fills the rectangle with the colour 0xRRGGBB."""
        pixel = np.frombuffer(rgb.to_bytes(4, "little"), np.uint8)
        self.draw(rect.x, rect.y, np.broadcast_to(pixel, (rect.height, rect.width, 4)))

    def damage(self, rect: Rect) -> None:
        """Reports damage. The pixels need not have changed, as with a real X server."""
        self._pending.append(rect)
        self._since_taken.append(rect)
        self._changed.set()

    def fail(self, reason: str = "The X server is gone.") -> None:
        """Behaves from now on as if the X server had died."""
        self._failure = CaptureError(reason)
        self._changed.set()

    def hang(self, *, hanging: bool) -> None:
        """Behaves from now on as if the X server had stopped, or as if it went on."""
        if hanging:
            self._answering.clear()
        else:
            self._answering.set()

    async def open(self) -> None:
        self._raise_failure()

    def resize(self, width_px: int, height_px: int) -> None:
        """Changes the size of the screen. What was drawn stays as far as it fits."""
        frame: Frame = np.zeros((height_px, width_px, 4), np.uint8)
        kept = self._frame[:height_px, :width_px]
        frame[: kept.shape[0], : kept.shape[1]] = kept
        self._frame = frame
        self.damage(Rect(0, 0, width_px, height_px))

    async def wait(self) -> None:
        while not self._pending:
            self._raise_failure()
            self._changed.clear()
            await self._changed.wait()
        self._raise_failure()

    def take_damage(self) -> Sequence[Rect]:
        taken = coalesce(edges_of(self._pending), self.height_px)
        self._pending, self._since_taken = [], []
        return taken

    def read(self, damage: Sequence[Rect]) -> Frame:  # noqa: ARG002 - the whole frame is always up to date
        return self._frame

    async def is_torn(self, damage: Sequence[Rect]) -> bool:
        self._raise_failure()
        return intersects(edges_of(self._since_taken), edges_of(damage))

    async def confirm(self) -> None:
        await self._answering.wait()
        self._raise_failure()

    async def close(self) -> None:
        """Does nothing: there are no resources to release."""

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
