"""A stack that goes on for a minute without repeating itself: more slices than an X server has room for.

Each is cut out of a larger slice, which waits in the X server; every turn through these cuts at another
place, so that no tile is like one that was shown before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.content.mark import MAX_NUMBER
from benchmarks.content.slices import SLICE_PX, unmarked_slice

#: Larger slices, and how much larger they are.
BASES, ROOM_PX = 120, 64
#: From one turn to the next; prime to ROOM_PX + 1, so that the turns of all numbers differ.
_STEP_PX = (11, 24)
assert (MAX_NUMBER + 1) // BASES <= ROOM_PX


def cut(number: int) -> tuple[int, int, int]:
    """Which larger slice it comes from, and its place there, px."""
    turn, base = divmod(number, BASES)
    across, down = _STEP_PX
    return base, turn * across % (ROOM_PX + 1), turn * down % (ROOM_PX + 1)


def larger_slice(base: int) -> NDArray[np.uint8]:
    """(1088, 1088) levels."""
    return unmarked_slice(base, side_px=SLICE_PX + ROOM_PX)


def long_slice(number: int) -> NDArray[np.uint8]:
    """(1024, 1024) levels, not yet marked."""
    base, x, y = cut(number)
    return larger_slice(base)[y : y + SLICE_PX, x : x + SLICE_PX]
