"""Where tiles are."""

from __future__ import annotations

from dataclasses import dataclass

#: Edge of a tile in px.
TILE_PX = 64


@dataclass(frozen=True, slots=True)
class TileGrid:
    """The grid over a picture: tiles row by row from 0, those at the right and bottom edge cut off."""

    width_px: int
    height_px: int

    def __post_init__(self) -> None:
        if not (0 < self.width_px <= 65535 and 0 < self.height_px <= 65535):
            raise ValueError(f"no grid over {self.width_px} × {self.height_px} px")

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
        """(x, y, width, height) in px. Raises IndexError when there is no such tile."""
        if not 0 <= tile < self.count:
            raise IndexError(f"tile {tile} of {self.count}")
        row, column = divmod(tile, self.columns)
        x, y = column * TILE_PX, row * TILE_PX
        return x, y, min(TILE_PX, self.width_px - x), min(TILE_PX, self.height_px - y)
