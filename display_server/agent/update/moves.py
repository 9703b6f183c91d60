"""Decides quickly whether a change is content that scrolled, and clips the movement to whole tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from display_codecs import TILE_PX, TileGrid, find_move
from numpy.typing import NDArray

from display_server.agent.geometry import Frame

Mask = NDArray[np.bool_]

#: Fewer changed tiles than this are cheaper to send than to search for a move.
TILES_MIN = 8
#: Minimum fraction of tiles that changed in their bounding box. Below, several independent things changed.
DENSITY_MIN = 0.4
#: Minimum fraction of pixels that equal their left neighbour. Text and windows have more; noise has fewer,
#: and is not searched because it never scrolls.
FLAT_MIN = 0.4
#: Number of rows of the bounding box that are sampled for FLAT_MIN.
SAMPLE_ROWS = 8
#: After a search without result, searches are skipped for 1, 3, 7 … frames, up to this number.
SKIP_MAX = 7


@dataclass(frozen=True, slots=True)
class TileMove:
    """A rectangle of whole tiles at (x, y) that shows what was at (x − dx, y − dy) before. All in pixels."""

    x: int
    y: int
    width: int
    height: int
    dx: int
    dy: int
    #: The tiles that the rectangle covers.
    tiles: NDArray[np.int32]
    #: The tiles that the rectangle touched at its former position.
    sources: NDArray[np.int32]


class MoveFinder:
    """Searches the frames of one monitor for scrolling, and skips frames after searches without result."""

    def __init__(self, grid: TileGrid) -> None:
        self._grid = grid
        self._skips_left = 0
        self._skips_after_failure = 0

    def find(self, before: Frame, after: Frame, dirty: Mask) -> TileMove | None:
        """Returns the move that explains most of the dirty tiles, or None. Takes at most about 1 ms.

        `dirty` is a (tiles,) mask of the tiles that differ between the two frames.
        """
        if int(np.count_nonzero(dirty)) < TILES_MIN:
            return None
        if self.skip_next():
            return None
        box = _bounding_box(dirty, self._grid)
        if box is None or not is_flat(after, box):
            return None
        move = find_move(before, after, box)
        found = None
        if move is not None:
            found = clip_to_tiles(self._grid, move.x, move.y, move.width, move.height, move.dx, move.dy)
        if found is None or int(np.count_nonzero(dirty[found.tiles])) < TILES_MIN // 2:
            self._skips_after_failure = min(SKIP_MAX, self._skips_after_failure * 2 + 1)
            self._skips_left = self._skips_after_failure
            return None
        self._skips_after_failure = 0
        return found

    def skip_next(self) -> bool:
        """Returns whether this frame is to be skipped after failed searches, and counts it as skipped."""
        if not self._skips_left:
            return False
        self._skips_left -= 1
        return True


def clip_to_tiles(
    grid: TileGrid, x: int, y: int, width: int, height: int, dx: int, dy: int
) -> TileMove | None:
    """Returns the part of a move that covers whole tiles; None if there is none.

    Partly covered tiles must be sent anyway, and a tile that shows half of a move would match no digest.
    """
    left, top = -(-x // TILE_PX), -(-y // TILE_PX)
    right = grid.columns if x + width == grid.width_px else (x + width) // TILE_PX
    bottom = grid.rows if y + height == grid.height_px else (y + height) // TILE_PX
    if left >= right or top >= bottom:
        return None
    x0, y0 = left * TILE_PX, top * TILE_PX
    x1, y1 = min(right * TILE_PX, grid.width_px), min(bottom * TILE_PX, grid.height_px)
    sources = _tiles(
        grid,
        (x0 - dx) // TILE_PX,
        (y0 - dy) // TILE_PX,
        (x1 - dx - 1) // TILE_PX + 1,
        (y1 - dy - 1) // TILE_PX + 1,
    )
    return TileMove(x0, y0, x1 - x0, y1 - y0, dx, dy, _tiles(grid, left, top, right, bottom), sources)


def is_flat(frame: Frame, box: tuple[int, int, int, int]) -> bool:
    """Returns whether a box (x, y, width, height) has large areas of one colour, as windows and text have.

    Photographs and noise have not.
    """
    x, y, width, height = box
    step = max(1, height // SAMPLE_ROWS)
    rows = frame[y + step // 2 : y + height : step, x : x + width].view(np.uint32)[:, :, 0]
    return bool(np.count_nonzero(rows[:, 1:] == rows[:, :-1]) >= FLAT_MIN * rows[:, 1:].size)


def _tiles(grid: TileGrid, left: int, top: int, right: int, bottom: int) -> NDArray[np.int32]:
    rows, columns = np.arange(top, bottom), np.arange(left, right)
    return (rows[:, None] * grid.columns + columns).reshape(-1).astype(np.int32)


def _bounding_box(dirty: Mask, grid: TileGrid) -> tuple[int, int, int, int] | None:
    """Returns the box around the dirty tiles as (x, y, width, height) in pixels; None below DENSITY_MIN."""
    mask = dirty.reshape(grid.rows, grid.columns)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    if np.count_nonzero(mask) < DENSITY_MIN * (bottom - top) * (right - left):
        return None
    x, y = left * TILE_PX, top * TILE_PX
    return x, y, min(right * TILE_PX, grid.width_px) - x, min(bottom * TILE_PX, grid.height_px) - y
