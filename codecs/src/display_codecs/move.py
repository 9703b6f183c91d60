"""What scrolled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from display_codecs.native import library, picture_size


@dataclass(frozen=True, slots=True)
class Move:
    """(x, y, width, height) of the new picture is exactly what stood at (x − dx, y − dy) before."""

    x: int
    y: int
    width: int
    height: int
    dx: int
    dy: int


def find_move(
    before: NDArray[np.uint8], after: NDArray[np.uint8], rect: tuple[int, int, int, int]
) -> Move | None:
    """The dominant scroll, up, down, left or right, within `rect` (x, y, width, height px) of two pictures.

    Source and destination both lie within `rect`, and every pixel was compared. None when nothing moved, or
    too little (4096 px) to be worth it. Quick where nothing moved, because only sample strips are looked at.
    """
    size = picture_size(before)
    if picture_size(after) != size:
        raise ValueError("the pictures differ in size")
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
