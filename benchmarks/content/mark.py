"""Draws a machine-readable number into a frame, and computes the checksum of a frame's pixels.

`driver/probe.js` implements the same and reads both from the client's surface. Tests compare the two.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

#: Side of one black or white cell, px. Cells of eight pixels survive the JPEG of lossy subjects.
CELL_PX = 8
#: Bits of the number; each bit is one cell.
NUMBER_BITS = 12
#: Check bits, in the cells after the number.
CHECK_BITS = 4
MARK_WIDTH_PX = CELL_PX * (NUMBER_BITS + CHECK_BITS)
MARK_HEIGHT_PX = CELL_PX
MAX_NUMBER = (1 << NUMBER_BITS) - 1

#: Step between the weights of the weighted checksum. It is even, so all weights are odd and each changed
#: pixel changes the sum.
_WEIGHT_STEP = np.uint32(0x9E3779B2)


def check_of(number: int) -> int:
    """Returns four check bits that neither an all-black nor an all-white row of cells satisfies."""
    return (number ^ (number >> 4) ^ (number >> 8) ^ 0x5) & 0xF


def mark_bits(number: int) -> list[bool]:
    """Returns the cells from left to right, True for white. Raises ValueError if the number does not fit."""
    if not 0 <= number <= MAX_NUMBER:
        raise ValueError(f"a mark holds 0 … {MAX_NUMBER}, not {number}")
    code = number << CHECK_BITS | check_of(number)
    bits = NUMBER_BITS + CHECK_BITS
    return [bool(code >> (bits - 1 - position) & 1) for position in range(bits)]


def draw_mark(grey: NDArray[np.uint8], x: int, y: int, number: int) -> None:
    """Draws the mark with its top left corner at (x, y) into an image of (height, width) levels."""
    cells = np.array(mark_bits(number), np.uint8) * 255
    grey[y : y + MARK_HEIGHT_PX, x : x + MARK_WIDTH_PX] = np.repeat(cells, CELL_PX)


@functools.lru_cache(maxsize=2)
def _weights(count: int) -> NDArray[np.uint32]:
    return np.arange(count, dtype=np.uint32) * _WEIGHT_STEP + np.uint32(1)


def checksum(rgba: NDArray[np.uint8]) -> tuple[int, int]:
    """Returns two 32-bit sums over the pixels of (height, width, 4) bytes, plain and weighted by position.

    A single changed pixel always changes the first sum, and two swapped pixels change the second. The browser
    computes it for every frame in about 1 ms per megapixel, which a cryptographic hash does not allow.
    """
    words = np.ascontiguousarray(rgba).view("<u4").ravel()
    return int(words.sum(dtype=np.uint32)), int((words * _weights(words.size)).sum(dtype=np.uint32))
