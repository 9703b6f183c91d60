"""The shadow framebuffer: the agent's copy of a monitor's frame, from which digests and payloads are made."""

from __future__ import annotations

import secrets

import numpy as np
from display_codecs import TileGrid, copy_and_compare_tiles, digest_tiles
from numpy.typing import NDArray

from display_server.agent.geometry import Frame

Tiles = NDArray[np.int32]


class Shadow:
    """Starts black, as a viewer's surface does.

    Bytes decide whether a tile changed, because two different contents may have the same digest. Each content
    of a tile has a number, and a viewer shows a tile if it was sent that content.

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
        #: (tiles,) names of the contents, for caches: the digests, or random numbers where a tile has the
        #: digest that its content before had. Equally stale.
        self.keys: NDArray[np.uint64] = self.black_digests.copy()
        #: (tiles,) numbers of the contents: that of the latest change, 0 for a tile that was always black.
        self.contents: NDArray[np.int64] = np.zeros(self.grid.count, np.int64)
        self._changes = 0
        #: (tiles,) whether the digest belongs to older pixels: that of tiles which all viewers get as video.
        self.stale: NDArray[np.bool_] = np.zeros(self.grid.count, np.bool_)
        #: (tiles,) number of pixels of each tile.
        self.tile_areas_px = np.array(
            [_area_px(self.grid, tile) for tile in range(self.grid.count)], np.int32
        )
        #: Counts the changes of `digests`.
        self.version = 0

    def update(self, source: Frame, tiles: Tiles) -> Tiles:
        """Copies tiles of `source`, and digests those whose colours changed. Returns these, in their order.

        Tiles that were stale before and have not changed now stay stale.
        """
        changed = self._copy(source, tiles)
        if len(changed):
            self._digest(changed)
        return changed

    def update_unhashed(self, source: Frame, tiles: Tiles) -> Tiles:
        """Copies tiles of `source` without digesting them. Returns those that changed: they become stale."""
        changed = self._copy(source, tiles)
        self.stale[changed] = True
        return changed

    def rehash(self, tiles: Tiles) -> None:
        """Digests the stale ones of these tiles."""
        self._digest(tiles[self.stale[tiles]])

    def _copy(self, source: Frame, tiles: Tiles) -> Tiles:
        """Copies tiles of `source`. Returns those whose bytes changed, which have another content now."""
        changed: Tiles = tiles[copy_and_compare_tiles(source, self.pixels, self.grid, tiles)]
        if len(changed):
            self._changes += 1
            self.contents[changed] = self._changes
        return changed

    def _digest(self, changed: Tiles) -> None:
        """Digests tiles whose contents are others than those that had the former digests."""
        digests = digest_tiles(self.pixels, self.grid, changed, self.seed)
        collided = digests == self.digests[changed]
        self.digests[changed] = digests
        self.keys[changed] = digests
        for tile in changed[collided].tolist():
            self.keys[tile] = secrets.randbits(64)
        self.stale[changed] = False
        self.version += 1


def _area_px(grid: TileGrid, tile: int) -> int:
    _, _, width, height = grid.rect(tile)
    return width * height
