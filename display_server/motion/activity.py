"""How often each tile changes, of late. Time comes in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Tiles = NDArray[np.int32]
Mask = NDArray[np.bool_]

#: What happened this long ago counts a third, s.
MEMORY_S = 0.2
#: Changes of that memory at which a tile is in motion: some 10 a second, or three in quick succession.
HOT = 2.4
#: And it changed within this time, s: what just came to rest is in motion no more.
FRESH_S = 0.05


class Activity:
    """Of the tiles of one monitor."""

    def __init__(self, tiles: int) -> None:
        self._heat = np.zeros(tiles, np.float32)
        self._changed_s = np.full(tiles, -np.inf)

    def changed(self, tiles: Tiles, now_s: float) -> None:
        """These tiles of a new picture differ."""
        faded = np.exp((self._changed_s[tiles] - now_s) / MEMORY_S)
        self._heat[tiles] = self._heat[tiles] * faded.astype(np.float32) + 1
        self._changed_s[tiles] = now_s

    def hot(self, now_s: float) -> Mask:
        """Which tiles are in motion now."""
        hot: Mask = (self._faded(now_s) >= HOT) & (self._changed_s >= now_s - FRESH_S)
        return hot

    def rates_per_s(self, now_s: float) -> NDArray[np.float32]:
        """How often each tile changes: at r a second the heat comes to 1 / (1 − exp(−1 / r·memory)),
        about r·memory + ½, right after a change."""
        rates: NDArray[np.float32] = np.maximum(self._faded(now_s) - 0.5, 0) / MEMORY_S
        return rates

    def _faded(self, now_s: float) -> NDArray[np.float32]:
        heat: NDArray[np.float32] = self._heat * np.exp((self._changed_s - now_s) / MEMORY_S).astype(
            np.float32
        )
        return heat
