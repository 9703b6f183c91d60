"""A stack of 4096 slices, which lasts a minute at 60 slices/s without repeating a tile.

An X server has no memory for that many pixmaps. Each slice is therefore cut out of one of BASES larger slices
in the X server. Each pass through these cuts at another position, so no tile repeats.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.content.mark import MAX_NUMBER
from benchmarks.content.slices import SLICE_PX, unmarked_slice

#: Number of larger slices.
BASES = 120
#: By how much the larger slices exceed the slices in each dimension, px.
MARGIN_PX = 64
#: Shift of the cut from one pass to the next, px. Both are coprime to MARGIN_PX + 1, so all cuts of a base
#: differ.
_STEP_PX = (11, 24)
assert (MAX_NUMBER + 1) // BASES <= MARGIN_PX


def cut(number: int) -> tuple[int, int, int]:
    """Returns the larger slice from which slice `number` is cut, and x and y of the cut, px."""
    turn, base = divmod(number, BASES)
    across, down = _STEP_PX
    return base, turn * across % (MARGIN_PX + 1), turn * down % (MARGIN_PX + 1)


def larger_slice(base: int) -> NDArray[np.uint8]:
    """Returns a larger slice as (1088, 1088) levels."""
    return unmarked_slice(base, side_px=SLICE_PX + MARGIN_PX)


def long_slice(number: int) -> NDArray[np.uint8]:
    """Returns slice `number` as (1024, 1024) levels, without its mark."""
    base, x, y = cut(number)
    return larger_slice(base)[y : y + SLICE_PX, x : x + SLICE_PX]
