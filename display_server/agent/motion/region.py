"""Finds the rectangle of tiles that is in motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from display_codecs import TILE_PX
from numpy.typing import NDArray

Tiles = NDArray[np.int32]
Mask = NDArray[np.bool_]

#: A box is split if less than this fraction of it is in motion.
FILLED = 0.5
#: Fewest columns of a region: its number is written below it (`frame_number.py`).
COLUMNS_MIN = 4


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle in tiles of a monitor's grid."""

    column: int
    row: int
    columns: int
    rows: int

    @property
    def count(self) -> int:
        return self.columns * self.rows

    def tiles(self, grid_columns: int) -> Tiles:
        """Returns the indices of its tiles in a grid with this number of columns, ascending."""
        rows = np.arange(self.row, self.row + self.rows, dtype=np.int32)[:, None] * grid_columns
        columns = np.arange(self.column, self.column + self.columns, dtype=np.int32)
        return (rows + columns).ravel()

    def rectangle_px(self, width_px: int, height_px: int) -> tuple[int, int, int, int]:
        """Returns x, y, width and height on a monitor of this size."""
        x, y = self.column * TILE_PX, self.row * TILE_PX
        right = min(width_px, (self.column + self.columns) * TILE_PX)
        bottom = min(height_px, (self.row + self.rows) * TILE_PX)
        return x, y, right - x, bottom - y

    def contains(self, other: Region) -> bool:
        return (
            self.column <= other.column
            and self.row <= other.row
            and other.column + other.columns <= self.column + self.columns
            and other.row + other.rows <= self.row + self.rows
        )


def largest_region(hot: Mask, grid_columns: int) -> Region | None:
    """Returns the box with the most hot tiles, or None if no tile is hot. Boxes are split along empty rows
    and columns.
    """
    grid = hot.reshape(-1, grid_columns)
    best: tuple[int, Region] | None = None
    boxes = [Region(0, 0, grid_columns, grid.shape[0])]
    while boxes:
        box = boxes.pop()
        part = grid[box.row : box.row + box.rows, box.column : box.column + box.columns]
        count = int(np.count_nonzero(part))
        if not count or (best is not None and count <= best[0]):
            continue
        across = _runs(np.any(part, axis=0, keepdims=True).ravel())
        down = _runs(np.any(part, axis=1, keepdims=True).ravel())
        (left, right), (top, bottom) = (across[0][0], across[-1][1]), (down[0][0], down[-1][1])
        if count < FILLED * (right - left) * (bottom - top) and (len(across) > 1 or len(down) > 1):
            boxes += [
                Region(box.column + x, box.row + y, until_x - x, until_y - y)
                for x, until_x in across
                for y, until_y in down
            ]
            continue
        best = count, Region(box.column + left, box.row + top, right - left, bottom - top)
    return _widened(best[1], grid_columns) if best is not None else None


def _runs(line: Mask) -> list[tuple[int, int]]:
    """Returns the ranges in which the mask is true, as half-open intervals."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], line.astype(np.int8), [0]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _widened(region: Region, grid_columns: int) -> Region:
    """Widens a region to COLUMNS_MIN. The last column of a monitor may be narrow, so it does not count."""
    missing = COLUMNS_MIN - region.columns
    if region.column + region.columns == grid_columns:
        missing += 1
    if missing <= 0:
        return region
    column = max(0, region.column - missing)
    until = max(region.column + region.columns, min(grid_columns, column + COLUMNS_MIN + 1))
    return Region(column, region.row, until - column, region.rows)
