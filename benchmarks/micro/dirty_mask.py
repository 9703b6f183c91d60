"""Times the mask of changed tiles at 3840 × 2160 px against its lower limit, memcmp of the same memory."""

from __future__ import annotations

import ctypes

import numpy as np
from display_codecs import TileGrid

from benchmarks.micro.figure import Figure, interleaved_ms
from display_server.agent.geometry import Rect
from display_server.agent.update.dirty import dirty_tiles

WIDTH_PX, HEIGHT_PX = 3840, 2160


def dirty_mask(turns: int = 60) -> list[Figure]:
    """Compares two frames that differ only in the last pixel, so that neither function can return early."""
    random = np.random.default_rng(1)
    shadow = random.integers(0, 256, (HEIGHT_PX, WIDTH_PX, 4), np.uint8)
    frame = shadow.copy()
    frame[-1, -1, 0] ^= 1
    grid = TileGrid(WIDTH_PX, HEIGHT_PX)
    whole = [Rect(0, 0, WIDTH_PX, HEIGHT_PX)]
    memcmp = ctypes.CDLL(None).memcmp
    memcmp.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]

    def mask() -> None:
        assert np.flatnonzero(dirty_tiles(shadow, frame, grid, whole)).tolist() == [grid.count - 1]

    def compare() -> None:
        assert memcmp(shadow.ctypes.data, frame.ctypes.data, shadow.nbytes) != 0

    times = interleaved_ms({"mask": mask, "memcmp": compare}, turns)
    return [
        Figure("dirty mask", "3840 × 2160 px", times["mask"], "ms", times["mask"] / times["memcmp"], "memcmp")
    ]
