"""Whether what changed is something that scrolled, decided cheaply and rounded to whole tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from display_codecs import TILE_PX, TileGrid, find_move
from numpy.typing import NDArray

from display_server.agent.capture.frame_source import Picture

Mask = NDArray[np.bool_]

#: Fewer changed tiles than this are cheaper to send than to think about.
TILES_MIN = 8
#: Of the box around the changed tiles, so many must have changed: else it is several things at once.
DENSITY_MIN = 0.4
#: Text and windows are flat: so many pixels equal their left neighbour. Noise has fewer, and never scrolls.
FLAT_MIN = 0.4
#: Rows of the box that are looked at for that.
SAMPLE_ROWS = 8
#: A search that found nothing is not repeated for 1, 3, 7 … pictures.
SKIP_MAX = 7


@dataclass(frozen=True, slots=True)
class TileMove:
    """The rectangle at (x, y), whole tiles of the grid, shows what stood at (x − dx, y − dy) before."""

    x: int
    y: int
    width: int
    height: int
    dx: int
    dy: int
    #: Tiles that the rectangle covers, and those that the place it came from touches.
    tiles: NDArray[np.int32]
    sources: NDArray[np.int32]


class MoveFinder:
    """Remembers how often it looked in vain."""

    def __init__(self, grid: TileGrid) -> None:
        self._grid = grid
        self._skip = 0
        self._vain = 0

    def find(self, before: Picture, after: Picture, dirty: Mask) -> TileMove | None:
        """`dirty` is (tiles,). At most about 1 ms."""
        if int(np.count_nonzero(dirty)) < TILES_MIN:
            return None
        if self.skips():
            return None
        box = _box(dirty, self._grid)
        if box is None or not is_flat(after, box):
            return None
        move = find_move(before, after, box)
        found = None
        if move is not None:
            found = whole_tiles(self._grid, move.x, move.y, move.width, move.height, move.dx, move.dy)
        if found is None or int(np.count_nonzero(dirty[found.tiles])) < TILES_MIN // 2:
            self._vain = min(SKIP_MAX, self._vain * 2 + 1)
            self._skip = self._vain
            return None
        self._vain = 0
        return found

    def skips(self) -> bool:
        """Whether this picture is one of those that are not searched after searches in vain."""
        if not self._skip:
            return False
        self._skip -= 1
        return True


def whole_tiles(grid: TileGrid, x: int, y: int, width: int, height: int, dx: int, dy: int) -> TileMove | None:
    """The part of a move that fills whole tiles: others must be sent anyway. No tile is ever half right."""
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


def _tiles(grid: TileGrid, left: int, top: int, right: int, bottom: int) -> NDArray[np.int32]:
    rows, columns = np.arange(top, bottom), np.arange(left, right)
    return (rows[:, None] * grid.columns + columns).reshape(-1).astype(np.int32)


def _box(dirty: Mask, grid: TileGrid) -> tuple[int, int, int, int] | None:
    mask = dirty.reshape(grid.rows, grid.columns)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    if np.count_nonzero(mask) < DENSITY_MIN * (bottom - top) * (right - left):
        return None
    x, y = left * TILE_PX, top * TILE_PX
    return x, y, min(right * TILE_PX, grid.width_px) - x, min(bottom * TILE_PX, grid.height_px) - y


def is_flat(picture: Picture, box: tuple[int, int, int, int]) -> bool:
    """Whether a box (x, y, width, height) looks like windows and text rather than like a photograph."""
    x, y, width, height = box
    step = max(1, height // SAMPLE_ROWS)
    rows = picture[y + step // 2 : y + height : step, x : x + width].view(np.uint32)[:, :, 0]
    return bool(np.count_nonzero(rows[:, 1:] == rows[:, :-1]) >= FLAT_MIN * rows[:, 1:].size)
