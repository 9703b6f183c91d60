"""Decides when tiles that a viewer shows wrong are sent again, and when to give up.

A browser that alters what a page reads back, or a canvas that is broken, would otherwise make the agent send
the same tiles for ever.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Tiles = NDArray[np.int32]
Digests = NDArray[np.uint64]

#: A tile with the same content is sent again at most this often.
REPAIRS_MAX = 5
#: The first repair of a tile is sent at once, the second after this delay in s, and each later one after
#: twice the delay of the one before: the last of five begins 3.75 s after the first.
REPAIR_DELAY_S = 0.25


class TileRepairs:
    """The repairs of one viewer's tiles. Call the `on_…` methods when the events happen."""

    def __init__(self, tile_count: int) -> None:
        self._repairs = np.zeros(tile_count, np.int16)  # planned so far, of the content with `_digest`
        self._digest = np.zeros(tile_count, np.uint64)
        self._due_s = np.full(tile_count, np.inf)  # infinite for tiles without a planned repair
        self._reported = np.zeros(tile_count, np.bool_)
        self._unrepaired = np.zeros(tile_count, np.bool_)

    @property
    def unrepaired(self) -> int:
        """The number of tiles that were read back wrong after REPAIRS_MAX repairs."""
        return int(np.count_nonzero(self._unrepaired))

    def on_wrong(self, tiles: Tiles, expected: Digests, now_s: float) -> Tiles:
        """These tiles do not show the `expected` digests. Plans their repair.

        Returns the tiles that are given up now; each is returned once, until its content changes.
        """
        self._forget(tiles[self._digest[tiles] != expected])
        self._digest[tiles] = expected
        is_exhausted = self._repairs[tiles] >= REPAIRS_MAX
        exhausted, repairable = tiles[is_exhausted], tiles[~is_exhausted]
        repairs = self._repairs[repairable]
        delay_s = np.where(repairs == 0, 0.0, REPAIR_DELAY_S * 2.0 ** (repairs - 1.0))
        self._due_s[repairable] = now_s + delay_s
        self._repairs[repairable] += 1
        given_up = exhausted[~self._reported[exhausted]]
        self._reported[exhausted] = True
        self._unrepaired[exhausted] = True
        return given_up

    def on_right(self, tiles: Tiles) -> Tiles:
        """These tiles were read back as expected. Returns those that had been given up."""
        recovered = tiles[self._unrepaired[tiles]]
        self._unrepaired[recovered] = False
        return recovered

    def on_sent(self, tiles: Tiles, digests: Digests) -> None:
        """An update brings these tiles, so that a repair which was planned for them is no longer needed."""
        self._due_s[tiles] = np.inf
        self._forget(tiles[self._digest[tiles] != digests])

    def due_s(self) -> float | None:
        """Returns when the next repair is due; None while none is planned."""
        due_s = float(self._due_s.min(initial=np.inf))
        return None if np.isinf(due_s) else due_s

    def take_due(self, now_s: float) -> Tiles:
        """Returns the tiles to send again now. Each planned repair is returned once."""
        due = np.flatnonzero(self._due_s <= now_s).astype(np.int32)
        self._due_s[due] = np.inf
        return due

    def cancel(self) -> None:
        """No tile is wrong, or none can be judged. How often each one was repaired stays known."""
        self._due_s.fill(np.inf)
        self._unrepaired.fill(False)

    def start_over(self) -> None:
        """The surface begins with a RESET: every tile may be repaired again."""
        self.cancel()
        self._repairs.fill(0)
        self._reported.fill(False)

    def _forget(self, tiles: Tiles) -> None:
        """Other content is expected in these tiles."""
        self._repairs[tiles] = 0
        self._reported[tiles] = False
        self._unrepaired[tiles] = False
