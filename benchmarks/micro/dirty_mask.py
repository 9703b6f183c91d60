"""`python -m benchmarks.micro.dirty_mask`: the mask of changed tiles against its limit, memcmp of the same
memory; 3840 × 2160 px."""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Callable

import numpy as np
from display_codecs import TileGrid

from display_server.capture.frame_source import Rect
from display_server.update.dirty import dirty_tiles

WIDTH_PX, HEIGHT_PX = 3840, 2160
#: Both are measured in turn, so that what else the machine does meets both.
TURNS = 60


def ratio() -> tuple[float, float, float]:
    """Medians: mask in ms, memcmp in ms, and of the quotients of each turn."""
    random = np.random.default_rng(1)
    shadow = random.integers(0, 256, (HEIGHT_PX, WIDTH_PX, 4), np.uint8)
    picture = shadow.copy()
    # The last tile differs: neither may end early.
    picture[-1, -1, 0] ^= 1
    grid = TileGrid(WIDTH_PX, HEIGHT_PX)
    whole = [Rect(0, 0, WIDTH_PX, HEIGHT_PX)]
    memcmp = ctypes.CDLL(None).memcmp
    memcmp.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]

    def mask() -> None:
        assert np.flatnonzero(dirty_tiles(shadow, picture, grid, whole)).tolist() == [grid.count - 1]

    def compare() -> None:
        assert memcmp(shadow.ctypes.data, picture.ctypes.data, shadow.nbytes) != 0

    pairs = [(_ms(mask), _ms(compare)) for _ in range(TURNS)]
    masks, compares = zip(*pairs, strict=True)
    quotients = [mask_ms / compare_ms for mask_ms, compare_ms in pairs]
    return statistics.median(masks), statistics.median(compares), statistics.median(quotients)


def _ms(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def main() -> None:
    """Prints one line."""
    mask_ms, memcmp_ms, quotient = ratio()
    print(f"dirty mask {mask_ms:.2f} ms, memcmp {memcmp_ms:.2f} ms, ratio {quotient:.2f} (bar: at most 2)")


if __name__ == "__main__":
    main()
