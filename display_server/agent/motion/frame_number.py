"""Writes the number of a motion region below each of its video frames, so that the viewer knows where the
frame belongs.

WebRTC does not identify frames in all browsers. This number survives any codec: it is written as 16 blocks of
16 × 16 px, black or white. The first 12 are the number, highest bit first, and the last 4 its check bits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from display_server.protocol.limits import VIDEO_NUMBER_BITS

#: Side of a block.
BLOCK_PX = 16
#: Blocks of the number.
BITS = VIDEO_NUMBER_BITS
#: Blocks of its check bits.
CHECK_BITS = 4
#: Least width of a frame: that of the blocks.
WIDTH_MIN_PX = BLOCK_PX * (BITS + CHECK_BITS)


def check_of(number: int) -> int:
    """Returns the check bits. Neighbouring numbers differ in them, and all black or all white is invalid."""
    return (number ^ number >> 4 ^ number >> 8 ^ 0b1010) & 0xF


def coded_size_px(width_px: int, height_px: int) -> tuple[int, int]:
    """Returns the size of the frame for a region, with the strip of blocks. Sides are even for 4:2:0."""
    return width_px + width_px % 2, height_px + height_px % 2 + BLOCK_PX


def compose(region: NDArray[np.uint8], number: int, into: NDArray[np.uint8]) -> None:
    """Writes a region, (height, width, 4) BGRX, and the strip of blocks into a frame of `coded_size_px`."""
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
