"""From damage to a shadow that is up to date: read, compare, copy; again if the X server drew meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from display_server.agent.capture.frame_source import FrameReader
from display_server.agent.geometry import Rect
from display_server.agent.update.dirty import dirty_tiles, touched_tiles
from display_server.agent.update.moves import MoveFinder, TileMove, is_flat
from display_server.agent.update.shadow import Shadow, Tiles
from display_server.telemetry.metrics import AgentMetrics

#: A picture that is drawn into without end is sent torn after so many reads; damage brings the rest.
READS_MAX = 3
#: Damage up to so many tiles, a dialog, is looked at on the loop in 0.3 ms; waking a thread takes half of
#: that, and longer where every core is at work.
INLINE_TILES = 64
#: Of the tiles that damage touches, so many really changed: then the next ones probably did as well.
DENSE = 0.75


@dataclass(frozen=True, slots=True)
class Capture:
    """What became of some damage: tiles that changed. `before` has the digests that `move` starts from."""

    tiles: Tiles
    captured_s: float
    move: TileMove | None
    before: NDArray[np.uint64]


class Capturer:
    """Owns the only way into the shadow."""

    def __init__(
        self,
        source: FrameReader,
        shadow: Shadow,
        executor: Executor,
        metrics: AgentMetrics,
        clock: Callable[[], float],
        covered: Callable[[], NDArray[np.bool_] | None],
    ) -> None:
        """`covered` tells which tiles every viewer gets as video alone, if any: these are not digested."""
        self._source = source
        self._shadow = shadow
        self._executor = executor
        self._metrics = metrics
        self._clock = clock
        self._covered = covered
        self._moves = MoveFinder(shadow.grid)
        self._dense = False

    async def capture(self) -> Capture:
        """Takes all damage there is. Raises CaptureError."""
        changed: list[Tiles] = []
        for read in range(READS_MAX):  # noqa: B007 - read below
            damage = self._source.take_damage()
            touched = touched_tiles(self._shadow.grid, damage)
            covered = self._covered()
            if len(touched) <= INLINE_TILES:
                look = self._look(damage, touched, covered)
            else:
                loop = asyncio.get_running_loop()
                look = await loop.run_in_executor(self._executor, self._look, damage, touched, covered)
            changed.append(look.tiles)
            if not await self._source.is_torn(damage):
                break
            self._metrics.torn += 1
        self._metrics.captures += 1
        tiles = np.unique(np.concatenate(changed)) if read else look.tiles
        self._metrics.captures_vain += not len(tiles)
        self._metrics.tiles_changed += len(tiles)
        if read:
            # A move was found in a picture that was still being drawn, or starts from one.
            return Capture(tiles, look.captured_s, None, look.before)
        return look

    def _look(self, damage: Sequence[Rect], touched: Tiles, covered: NDArray[np.bool_] | None) -> Capture:
        picture = self._source.read(damage)
        captured_s = self._clock()
        shadow = self._shadow
        if covered is not None and covered[touched].any():
            hidden = covered[touched]
            moved = shadow.update_unhashed(picture, touched[hidden])
            still = shadow.update(picture, touched[~hidden])
            return Capture(np.union1d(moved, still), captured_s, None, shadow.digests)
        many = len(touched) > INLINE_TILES
        if many and ((self._dense and self._moves.skip_next()) or not is_flat(picture, _box(damage))):
            # Everything that is drawn changes, and nothing scrolls. To compare first would take longer than
            # to copy and digest, which tells the same.
            changed = shadow.update(picture, touched)
            self._dense = len(changed) >= DENSE * len(touched)
            return Capture(changed, captured_s, None, shadow.digests)
        dirty = dirty_tiles(shadow.pixels, picture, shadow.grid, damage)
        tiles: Tiles = np.flatnonzero(dirty).astype(np.int32)
        if many:
            self._dense = len(tiles) >= DENSE * len(touched)
        before = shadow.digests
        if not len(tiles) or shadow.stale.any():  # there, digests do not tell what stood where
            return Capture(shadow.update(picture, tiles), captured_s, None, before)
        move = self._moves.find(shadow.pixels, picture, dirty)
        if move is not None:
            before = before.copy()
        return Capture(shadow.update(picture, tiles), captured_s, move, before)


def _box(damage: Sequence[Rect]) -> tuple[int, int, int, int]:
    """x, y, width and height of what encloses it."""
    left, top = min(rect.x for rect in damage), min(rect.y for rect in damage)
    right = max(rect.x + rect.width for rect in damage)
    bottom = max(rect.y + rect.height for rect in damage)
    return left, top, right - left, bottom - top
