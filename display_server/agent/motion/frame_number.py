"""The number of a motion, written below its picture: what arrives says itself where it belongs.

Neither WebRTC nor every browser tells which frame a frame is. The number survives any codec: 16 blocks of
16 × 16 px, black or white; the first 12 are the number, highest bit first, the last 4 check it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from display_server.protocol.limits import VIDEO_NUMBER_BITS

BLOCK_PX = 16
BITS = VIDEO_NUMBER_BITS
CHECK_BITS = 4
WIDTH_MIN_PX = BLOCK_PX * (BITS + CHECK_BITS)


def check_of(number: int) -> int:
    """4 bits, unlike for all white, all black and neighbouring numbers."""
    return (number ^ number >> 4 ^ number >> 8 ^ 0b1010) & 0xF


def coded_size_px(width_px: int, height_px: int) -> tuple[int, int]:
    """Of a picture with its strip, in even numbers of px as 4:2:0 wants."""
    return width_px + width_px % 2, height_px + height_px % 2 + BLOCK_PX


def compose(region: NDArray[np.uint8], number: int, into: NDArray[np.uint8]) -> None:
    """Writes a region (height, width, 4) and its strip into a picture of `coded_size_px`."""
    height, width = region.shape[:2]
    into[:height, :width] = region
    if into.shape[1] > width:
        into[:height, width:] = region[:, -1:]
    if into.shape[0] - BLOCK_PX > height:
        into[height : into.shape[0] - BLOCK_PX] = into[height - 1 : height]
    word = number << CHECK_BITS | check_of(number)
    bits = word >> np.arange(BITS + CHECK_BITS - 1, -1, -1) & 1
    strip = into[into.shape[0] - BLOCK_PX :]
    strip[:] = 0
    strip[:, :WIDTH_MIN_PX, :3] = np.repeat(bits * 255, BLOCK_PX).astype(np.uint8)[None, :, None]
