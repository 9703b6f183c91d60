"""The agent's own copy of the picture. Digests and payloads are made from it alone."""

from __future__ import annotations

import numpy as np
from display_codecs import TileGrid, digest_tiles, renew_tiles, take_tiles
from numpy.typing import NDArray

from display_server.agent.capture.frame_source import Picture

Tiles = NDArray[np.int32]


class Shadow:
    """Starts black, as a viewer's surface does. One thread at a time may take; readers wait meanwhile."""

    def __init__(self, width_px: int, height_px: int, seed: int) -> None:
        self.grid = TileGrid(width_px, height_px)
        self.seed = seed
        #: (height, width, 4) uint8, fourth byte 0.
        self.picture: Picture = np.zeros((height_px, width_px, 4), np.uint8)
        #: Of a black surface, tile by tile: (tiles,) uint64.
        self.black = digest_tiles(self.picture, self.grid, np.arange(self.grid.count), seed)
        #: Of the copy, tile by tile.
        self.digests: NDArray[np.uint64] = self.black.copy()
        #: Tiles whose digest is of older pixels than those of the copy: video brings them to every viewer.
        self.stale: NDArray[np.bool_] = np.zeros(self.grid.count, np.bool_)
        #: Pixels of each tile.
        self.areas = np.array([_area(self.grid, tile) for tile in range(self.grid.count)], np.int32)
        #: Grows with every take that changed something.
        self.version = 0

    def take(self, source: Picture, tiles: Tiles) -> Tiles:
        """Copies tiles; those that really changed, ascending as given."""
        digests = take_tiles(source, self.picture, self.grid, tiles, self.seed)
        self.stale[tiles] = False
        changed = digests != self.digests[tiles]
        if not changed.any():
            return tiles[:0]
        self.digests[tiles] = digests
        self.version += 1
        really: Tiles = tiles[changed]
        return really

    def renew(self, source: Picture, tiles: Tiles) -> Tiles:
        """Copies tiles and leaves their digests for later, which makes them stale; those that changed."""
        changed: Tiles = tiles[renew_tiles(source, self.picture, self.grid, tiles)]
        self.stale[changed] = True
        return changed

    def freshen(self, tiles: Tiles) -> None:
        """Digests what is stale of these."""
        stale = tiles[self.stale[tiles]]
        self.digests[stale] = digest_tiles(self.picture, self.grid, stale, self.seed)
        self.stale[stale] = False
        self.version += 1


def _area(grid: TileGrid, tile: int) -> int:
    _, _, width, height = grid.rect(tile)
    return width * height
