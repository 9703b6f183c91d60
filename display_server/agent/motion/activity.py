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
#: A motion is no younger than so much of the memory: what is drawn in steps is no motion.
AGE_MIN = 0.1
#: After so long without a change what comes is another motion, s.
PAUSE_S = 3 * MEMORY_S
#: And it changed within this time, s: what just came to rest is in motion no more.
FRESH_S = 0.05


class Activity:
    """Of the tiles of one monitor."""

    def __init__(self, tiles: int) -> None:
        self._heat = np.zeros(tiles, np.float32)
        self._changed_s = np.full(tiles, -np.inf)
        self._began_s = np.full(tiles, -np.inf)

    def changed(self, tiles: Tiles, now_s: float) -> None:
        """These tiles of a new picture differ."""
        self._began_s[tiles[now_s - self._changed_s[tiles] > PAUSE_S]] = now_s
        faded = np.exp((self._changed_s[tiles] - now_s) / MEMORY_S)
        self._heat[tiles] = self._heat[tiles] * faded.astype(np.float32) + 1
        self._changed_s[tiles] = now_s

    def hot(self, now_s: float) -> Mask:
        """Which tiles are in motion now."""
        hot: Mask = (self._faded(now_s) >= HOT) & (self._changed_s >= now_s - FRESH_S)
        return hot

    def rates_per_s(self, now_s: float) -> NDArray[np.float32]:
        """How often each tile changes. At r a second, after so long, the heat comes to
        r·memory·(1 − exp(−age / memory)), and to the rest of the first change, or ½ later on.
        """
        rest = np.exp((self._began_s - now_s) / MEMORY_S)
        changes = np.maximum(self._faded(now_s) - np.maximum(rest, 0.5), 0)
        rates: NDArray[np.float32] = changes / (MEMORY_S * np.maximum(1 - rest, AGE_MIN))
        return rates

    def _faded(self, now_s: float) -> NDArray[np.float32]:
        heat: NDArray[np.float32] = self._heat * np.exp((self._changed_s - now_s) / MEMORY_S).astype(
            np.float32
        )
        return heat
