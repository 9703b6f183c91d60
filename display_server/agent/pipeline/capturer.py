"""Brings a monitor's shadow framebuffer up to date: reads, compares and copies what was damaged."""

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

#: Reads of one capture at most. Programs that draw without pause tear every read: after this many the frame
#: is sent torn, and the damage that remains brings the rest.
READS_MAX = 3

#: Damage of up to this many tiles, for example a dialog, is processed on the event loop: that takes 0.3 ms.
#: Waking a thread takes 0.15 ms, and longer while all cores are busy.
INLINE_TILES = 64

#: If at least this fraction of the damaged tiles really changed, the next damage probably is as dense.
DENSE_FRACTION = 0.75


@dataclass(frozen=True, slots=True)
class Capture:
    """The result of one capture."""

    #: Tiles that changed, ascending.
    tiles: Tiles
    #: When the frame was read, s on the monotonic clock.
    captured_s: float
    #: A part of the frame that moved, for example scrolled text.
    move: TileMove | None
    #: The numbers of the contents of all tiles before this capture. `move` refers to them.
    contents_before: NDArray[np.int64]


class Capturer:
    """Captures one monitor. Nothing else writes to the shadow framebuffer.

    `covered_tiles` returns a mask of the tiles that every viewer gets as video only, or None if there are no
    such tiles. Their digests are not computed: only tiles that are sent need one.
    """

    def __init__(
        self,
        reader: FrameReader,
        shadow: Shadow,
        executor: Executor,
        metrics: AgentMetrics,
        clock: Callable[[], float],
        covered_tiles: Callable[[], NDArray[np.bool_] | None],
    ) -> None:
        self._reader = reader
        self._shadow = shadow
        self._executor = executor
        self._metrics = metrics
        self._clock = clock
        self._covered_tiles = covered_tiles
        self._moves = MoveFinder(shadow.grid)
        self._dense = False

    async def capture(self) -> Capture:
        """Captures all damage that there is. Raises CaptureError."""
        changed: list[Tiles] = []
        for read in range(READS_MAX):  # noqa: B007 - used after the loop
            damage = self._reader.take_damage()
            touched = touched_tiles(self._shadow.grid, damage)
            covered = self._covered_tiles()
            if len(touched) <= INLINE_TILES:
                capture = self._update_shadow(damage, touched, covered)
            else:
                loop = asyncio.get_running_loop()
                capture = await loop.run_in_executor(
                    self._executor, self._update_shadow, damage, touched, covered
                )
            changed.append(capture.tiles)
            if not await self._reader.is_torn(damage):
                break
            self._metrics.torn += 1
        self._metrics.captures += 1
        tiles = np.unique(np.concatenate(changed)) if read else capture.tiles
        self._metrics.captures_unchanged += not len(tiles)
        self._metrics.tiles_changed += len(tiles)
        if read:
            # A move that was found in a torn frame, or that starts from one, cannot be trusted.
            return Capture(tiles, capture.captured_s, None, capture.contents_before)
        return capture

    def _update_shadow(
        self, damage: Sequence[Rect], touched: Tiles, covered: NDArray[np.bool_] | None
    ) -> Capture:
        frame = self._reader.read(damage)
        captured_s = self._clock()
        shadow = self._shadow
        if covered is not None and covered[touched].any():
            under_video = covered[touched]
            moving = shadow.update_unhashed(frame, touched[under_video])
            still = shadow.update(frame, touched[~under_video])
            return Capture(np.union1d(moving, still), captured_s, None, shadow.contents)
        many = len(touched) > INLINE_TILES
        if many and ((self._dense and self._moves.skip_next()) or not is_flat(frame, _bounding_box(damage))):
            # Everything that is damaged changes, and nothing scrolls. Comparing first would take longer than
            # copying and hashing all of it, which finds the changed tiles as well.
            changed = shadow.update(frame, touched)
            self._dense = len(changed) >= DENSE_FRACTION * len(touched)
            return Capture(changed, captured_s, None, shadow.contents)
        dirty = dirty_tiles(shadow.pixels, frame, shadow.grid, damage)
        tiles: Tiles = np.flatnonzero(dirty).astype(np.int32)
        if many:
            self._dense = len(tiles) >= DENSE_FRACTION * len(touched)
        before = shadow.contents
        # A move could bring a tile whose digest is stale, and the proof would compare with that.
        if not len(tiles) or shadow.stale.any():
            return Capture(shadow.update(frame, tiles), captured_s, None, before)
        move = self._moves.find(shadow.pixels, frame, dirty)
        if move is not None:
            before = before.copy()
        return Capture(shadow.update(frame, tiles), captured_s, move, before)


def _bounding_box(damage: Sequence[Rect]) -> tuple[int, int, int, int]:
    """Returns x, y, width and height of the smallest rectangle that encloses the damage."""
    left, top = min(rect.x for rect in damage), min(rect.y for rect in damage)
    right = max(rect.x + rect.width for rect in damage)
    bottom = max(rect.y + rect.height for rect in damage)
    return left, top, right - left, bottom - top
