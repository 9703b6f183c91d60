"""The shadow framebuffer: the agent's copy of a monitor's frame, from which digests and payloads are made."""

from __future__ import annotations

import numpy as np
from display_codecs import TileGrid, copy_and_compare_tiles, copy_and_digest_tiles, digest_tiles
from numpy.typing import NDArray

from display_server.agent.geometry import Frame

Tiles = NDArray[np.int32]


class Shadow:
    """Starts black, as a viewer's surface does.

    One thread at a time may change the shadow, and nothing may read it meanwhile.
    """

    def __init__(self, width_px: int, height_px: int, seed: int) -> None:
        """`seed` is the digest seed of the agent (PROTOCOL.md, section 4)."""
        self.grid = TileGrid(width_px, height_px)
        self.seed = seed
        #: (height, width, 4) uint8; the fourth byte of a pixel is 0.
        self.pixels: Frame = np.zeros((height_px, width_px, 4), np.uint8)
        #: (tiles,) digests of a black surface.
        self.black_digests = digest_tiles(self.pixels, self.grid, np.arange(self.grid.count), seed)
        #: (tiles,) digests of `pixels`, except where `stale`.
        self.digests: NDArray[np.uint64] = self.black_digests.copy()
        #: (tiles,) whether the digest belongs to older pixels: that of tiles which all viewers get as video.
        self.stale: NDArray[np.bool_] = np.zeros(self.grid.count, np.bool_)
        #: (tiles,) number of pixels of each tile.
        self.tile_areas_px = np.array(
            [_area_px(self.grid, tile) for tile in range(self.grid.count)], np.int32
        )
        #: Counts the changes of `digests`.
        self.version = 0

    def update(self, source: Frame, tiles: Tiles) -> Tiles:
        """Copies and digests tiles of `source`. Returns those whose colours changed, in the order given."""
        digests = copy_and_digest_tiles(source, self.pixels, self.grid, tiles, self.seed)
        self.stale[tiles] = False
        changed = digests != self.digests[tiles]
        if not changed.any():
            return tiles[:0]
        self.digests[tiles] = digests
        self.version += 1
        changed_tiles: Tiles = tiles[changed]
        return changed_tiles

    def update_unhashed(self, source: Frame, tiles: Tiles) -> Tiles:
        """Copies tiles of `source` without digesting them. Returns those that changed: they become stale."""
        changed: Tiles = tiles[copy_and_compare_tiles(source, self.pixels, self.grid, tiles)]
        self.stale[changed] = True
        return changed

    def rehash(self, tiles: Tiles) -> None:
        """Digests the stale ones of these tiles."""
        stale = tiles[self.stale[tiles]]
        self.digests[stale] = digest_tiles(self.pixels, self.grid, stale, self.seed)
        self.stale[stale] = False
        self.version += 1


def _area_px(grid: TileGrid, tile: int) -> int:
    _, _, width, height = grid.rect(tile)
    return width * height
