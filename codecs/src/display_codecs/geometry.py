"""The grid of tiles over a frame."""

from __future__ import annotations

from dataclasses import dataclass

#: Width and height of a tile, in pixels.
TILE_PX = 64


@dataclass(frozen=True, slots=True)
class TileGrid:
    """Numbers the tiles of a frame row by row, from 0. Tiles at the right and bottom edge are cut off."""

    width_px: int
    height_px: int

    def __post_init__(self) -> None:
        if not (0 < self.width_px <= 65535 and 0 < self.height_px <= 65535):
            raise ValueError(f"a frame of {self.width_px} × {self.height_px} px has no grid")

    @property
    def columns(self) -> int:
        return -(-self.width_px // TILE_PX)

    @property
    def rows(self) -> int:
        return -(-self.height_px // TILE_PX)

    @property
    def count(self) -> int:
        return self.columns * self.rows

    def rect(self, tile: int) -> tuple[int, int, int, int]:
        """Returns (x, y, width, height) of a tile in pixels. Raises IndexError if there is no such tile."""
        if not 0 <= tile < self.count:
            raise IndexError(f"there is no tile {tile}: the grid has {self.count}")
        row, column = divmod(tile, self.columns)
        x, y = column * TILE_PX, row * TILE_PX
        return x, y, min(TILE_PX, self.width_px - x), min(TILE_PX, self.height_px - y)
