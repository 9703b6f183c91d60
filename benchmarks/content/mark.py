"""The machine-readable number in a picture, and the checksum of a picture's pixels.

Both have a twin in `driver/probe.js`, which reads them from the client's surface; the tests hold the two
together.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

#: Side of one black or white cell. Eight pixels survive the JPEG of lossy subjects.
CELL_PX = 8
#: Bits of the number, then as many cells as the check has.
NUMBER_BITS = 12
CHECK_BITS = 4
MARK_WIDTH_PX = CELL_PX * (NUMBER_BITS + CHECK_BITS)
MARK_HEIGHT_PX = CELL_PX
MAX_NUMBER = (1 << NUMBER_BITS) - 1

#: Step of the weights in the checksum's second half: even, so that all weights are odd and no changed pixel
#: is lost.
_WEIGHT_STEP = np.uint32(0x9E3779B2)


def check_of(number: int) -> int:
    """Four bits that no all-black and no all-white row of cells satisfies."""
    return (number ^ (number >> 4) ^ (number >> 8) ^ 0x5) & 0xF


def mark_bits(number: int) -> list[bool]:
    """The cells from left to right, True is white. Raises ValueError for a number that does not fit."""
    if not 0 <= number <= MAX_NUMBER:
        raise ValueError(f"a mark holds 0 … {MAX_NUMBER}, not {number}")
    code = number << CHECK_BITS | check_of(number)
    bits = NUMBER_BITS + CHECK_BITS
    return [bool(code >> (bits - 1 - position) & 1) for position in range(bits)]


def draw_mark(grey: NDArray[np.uint8], x: int, y: int, number: int) -> None:
    """Writes the cells into a picture of (height, width) levels."""
    cells = np.array(mark_bits(number), np.uint8) * 255
    grey[y : y + MARK_HEIGHT_PX, x : x + MARK_WIDTH_PX] = np.repeat(cells, CELL_PX)


@functools.lru_cache(maxsize=2)
def _weights(count: int) -> NDArray[np.uint32]:
    return np.arange(count, dtype=np.uint32) * _WEIGHT_STEP + np.uint32(1)


def checksum(rgba: NDArray[np.uint8]) -> tuple[int, int]:
    """Two 32-bit sums over the pixels of (height, width, 4) bytes, plain and weighted by place.

    A single changed pixel always changes the first one; two swapped pixels the second. Cheap enough to be
    taken of every
    slice in the browser (about a millisecond a megapixel), which a cryptographic hash is not.
    """
    words = np.ascontiguousarray(rgba).view("<u4").ravel()
    return int(words.sum(dtype=np.uint32)), int((words * _weights(words.size)).sum(dtype=np.uint32))
