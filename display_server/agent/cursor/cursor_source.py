"""The contract of everything that knows the shape and place of a desktop's pointer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class CursorShape:
    """`rgba` is (height, width, 4) uint8 with straight (not premultiplied) alpha.

    None where a program hides the pointer.
    """

    width_px: int
    height_px: int
    hot_x_px: int
    hot_y_px: int
    rgba: NDArray[np.uint8] | None


class CursorSource(Protocol):
    """Shape and position of the pointer of one X screen."""

    async def open(self) -> None:
        """Connects. Raises CaptureError."""

    async def wait(self) -> None:
        """Returns when the shape has changed since the last `shape()`. Raises CaptureError."""

    def shape(self) -> CursorShape:
        """The current shape."""

    def position(self) -> tuple[int, int]:
        """Pointer position in desktop pixels."""

    async def close(self) -> None: ...
