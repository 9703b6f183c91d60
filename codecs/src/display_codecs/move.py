"""Finds content that scrolled between two frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from display_codecs.native import frame_size, library


@dataclass(frozen=True, slots=True)
class Move:
    """A rectangle that shows exactly what was at (x − dx, y − dy) before. All in pixels."""

    x: int
    y: int
    width: int
    height: int
    dx: int
    dy: int


def find_move(
    before: NDArray[np.uint8], after: NDArray[np.uint8], rect: tuple[int, int, int, int]
) -> Move | None:
    """Finds the dominant scroll up, down, left or right within `rect`, (x, y, width, height) in pixels.

    The source and the destination of the move lie within `rect`, and every pixel of them was compared.
    Returns None if nothing moved, or if the move would correct fewer than 4096 pixels. That is fast if
    nothing moved, because only sampled strips are compared then. Raises ValueError if `rect` leaves the
    frames.
    """
    size = frame_size(before)
    if frame_size(after) != size:
        raise ValueError("the frames differ in size")
    x, y, width, height = rect
    if x < 0 or y < 0 or width < 0 or height < 0 or x + width > size[0] or y + height > size[1]:
        raise ValueError(f"{rect} is not within {size[0]} × {size[1]} px")
    out = np.zeros(6, np.int32)
    found = library.lb_find_move(
        before.ctypes.data, before.strides[0], after.ctypes.data, after.strides[0],
        x, y, width, height, out.ctypes.data,
    )  # fmt: skip
    if found < 0:
        raise MemoryError
    return Move(*out.tolist()) if found else None
