"""How often each tile of a monitor changes. Pure: the caller passes the time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Tiles = NDArray[np.int32]
Mask = NDArray[np.bool_]

#: A change counts 1 at first and a third after this time, s.
MEMORY_S = 0.2
#: A tile is in motion if its changes count this much: some 10 changes a second, or three in quick succession.
HOT = 2.4
#: A motion counts as at least this fraction of the memory old: content drawn in two steps is no motion.
AGE_MIN = 0.1
#: A change after a pause of this length, s, begins another motion.
PAUSE_S = 3 * MEMORY_S
#: A tile that did not change within this time, s, has come to rest.
FRESH_S = 0.05
#: Longest time that one capture hides from view on a host that keeps up, s: changes within it are one change.
FRAME_S = 1 / 30


class Activity:
    """Counts the changes of each tile with exponential decay.

    Motion is judged by the time in which changes could be seen. While a slow host captures and encodes,
    nothing can be seen, however fast the content moves: that time does not count.
    """

    def __init__(self, tiles: int) -> None:
        self._heat = np.zeros(tiles, np.float32)
        self._changed_s = np.full(tiles, -np.inf)
        self._began_s = np.full(tiles, -np.inf)
        self._visible_heat = np.zeros(tiles, np.float32)
        self._visible_s = np.full(tiles, -np.inf)
        self._hidden_s = 0.0
        self._last_s = -np.inf

    def changed(self, tiles: Tiles, now_s: float, *, delay_s: float = 0.0) -> float:
        """Counts the tiles that differ in a new frame.

        `delay_s` is the time from the first damage until now, in which the host waited and captured. Returns
        how long changes could be seen since the frame before, s.
        """
        interval_s = now_s - self._last_s
        self._last_s = now_s
        hidden_s = max(0.0, min(delay_s, interval_s) - FRAME_S)
        self._hidden_s += hidden_s
        self._began_s[tiles[now_s - self._changed_s[tiles] > PAUSE_S]] = now_s
        self._heat[tiles] = _decayed(self._heat[tiles], self._changed_s[tiles], now_s) + 1
        self._changed_s[tiles] = now_s
        visible_s = now_s - self._hidden_s
        self._visible_heat[tiles] = _decayed(self._visible_heat[tiles], self._visible_s[tiles], visible_s) + 1
        self._visible_s[tiles] = visible_s
        return interval_s - hidden_s

    def hot(self, now_s: float) -> Mask:
        """Returns which tiles are in motion now."""
        heat = _decayed(self._visible_heat, self._visible_s, now_s - self._hidden_s)
        hot: Mask = (heat >= HOT) & (self._changed_s >= now_s - FRESH_S)
        return hot

    def rates_per_s(self, now_s: float) -> NDArray[np.float32]:
        """Returns how often each tile changed per second in the frames that were captured.

        A tile that changes r times a second has a heat of r · memory · (1 − exp(−age / memory)) plus what
        remains of its first change, or ½ later on.
        """
        remaining = np.exp((self._began_s - now_s) / MEMORY_S)
        changes = np.maximum(_decayed(self._heat, self._changed_s, now_s) - np.maximum(remaining, 0.5), 0)
        rates: NDArray[np.float32] = changes / (MEMORY_S * np.maximum(1 - remaining, AGE_MIN))
        return rates


def _decayed(heat: NDArray[np.float32], since_s: NDArray[np.float64], now_s: float) -> NDArray[np.float32]:
    decayed: NDArray[np.float32] = heat * np.exp((since_s - now_s) / MEMORY_S).astype(np.float32)
    return decayed
