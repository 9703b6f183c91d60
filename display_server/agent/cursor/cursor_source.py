"""The contract of everything that knows the shape and position of a desktop's pointer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class CursorShape:
    """The image of the pointer. The hot spot is the pixel of the image that is at the pointer's position."""

    width_px: int
    height_px: int
    hot_x_px: int
    hot_y_px: int
    #: (height, width, 4) uint8 with straight (not premultiplied) alpha; None while the pointer is hidden.
    rgba: NDArray[np.uint8] | None


class CursorSource(Protocol):
    """Captures the shape and position of the pointer of one X screen."""

    async def open(self) -> None:
        """Connects to the screen. Raises CaptureError when its pointer cannot be captured."""

    async def wait(self) -> None:
        """Returns when the shape has changed since the last `shape()`.

        Raises CaptureError when the X server is gone.
        """

    def shape(self) -> CursorShape:
        """Returns the current shape."""

    def position(self) -> tuple[int, int]:
        """Returns the position as (x, y) in pixels of the screen."""

    async def close(self) -> None:
        """Releases all resources. Safe to call twice."""
