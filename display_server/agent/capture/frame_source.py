"""The contract of everything that can show us a desktop's pixels.

Life of a source, all calls but `read` on the event loop's thread::

    open() ─► wait() ─► take_damage() ─► read(rows) in a worker thread ─► disturbed() ─► wait() … ─► close()

A source never draws the pointer into the picture; see `capture.cursor`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

#: A picture: (height, width, 4) bytes, blue, green, red, undefined. Rows may be further apart than width × 4.
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in pixels, half-open: covers x … x + width − 1."""

    x: int
    y: int
    width: int
    height: int


class PictureSource(Protocol):
    """Pixels of a screen or of a part of it, in the part's own coordinates."""

    def take_damage(self) -> Sequence[Rect]:
        """Rectangles that may have changed since the last call: within the picture, a bounded number.

        A hint: it may cover too much, never too little. The first call covers everything.
        """

    def read(self, damage: Sequence[Rect]) -> Picture:
        """The whole picture as a view, up to date within `damage`, valid until the next `read` of these.

        Runs in a worker thread.
        """

    async def disturbed(self, damage: Sequence[Rect]) -> bool:
        """Whether anything within `damage` was drawn since `take_damage`: the last `read` may be torn then.

        Costs one round trip to the X server. New damage stays to be taken.
        """


class FrameSource(PictureSource, Protocol):
    """Pixels of one X screen, and hints about what changed."""

    @property
    def width_px(self) -> int: ...

    @property
    def height_px(self) -> int: ...

    async def open(self) -> None:
        """Connects. Raises CaptureError when there is nothing to capture."""

    async def wait(self) -> None:
        """Returns as soon as there is damage not yet taken. Raises CaptureError when the source is gone."""

    def resize(self, width_px: int, height_px: int) -> None:
        """The screen has this size now, and all of it is damage. Nothing may be reading.

        Raises CaptureError where the source cannot follow: a new one is needed then.
        """

    async def close(self) -> None:
        """Lets go of everything. Safe to call twice."""
