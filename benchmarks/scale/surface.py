"""A viewer's surface in memory: applies updates and computes digests (PROTOCOL.md, sections 3 and 4).

It decodes with the library that the browser runs as WebAssembly. It does no I/O.
"""

from __future__ import annotations

import struct

import numpy as np
from display_codecs import TILE_PX, TileGrid, decode_tile, digest_tiles, root_digest
from numpy.typing import NDArray

_HEADER = struct.Struct("<BBHIQ")
_TILE, _STORE, _CACHED = struct.Struct("<BHH"), struct.Struct("<BHIH"), struct.Struct("<BHI")
_MOVE = struct.Struct("<BHHHHhh")
_REPORT = struct.Struct("<BBHIQH")
_ENTRY = np.dtype([("tile", "<u2"), ("digest", "<u8")])
_DIGESTS, _RESET, _FULL = 2, 1, 1


class SurfaceMemory:
    """The surface of one monitor. `pixels` is (height, width, 4) bytes; `epoch` is that of the last
    update."""

    def __init__(self, width_px: int, height_px: int, digest_seed: int) -> None:
        self.pixels: NDArray[np.uint8] = np.zeros((height_px, width_px, 4), np.uint8)
        self.epoch = 0
        self._grid = TileGrid(width_px, height_px)
        self._seed = digest_seed
        self._slots: dict[int, bytes] = {}
        self._touched = np.ones((self._grid.rows, self._grid.columns), bool)
        self._digests = np.zeros(self._grid.count, np.uint64)

    def apply(self, update: bytes) -> None:
        """Applies an update. Raises DecodeError, KeyError, ValueError or struct.error if it is invalid."""
        _, flags, _, self.epoch, _ = _HEADER.unpack_from(update)
        if flags & _RESET:
            self.pixels[:] = 0
            self._slots.clear()
            self._touched[:] = True
        at = _HEADER.size
        while at < len(update):
            at = self._operation(update, at)

    def _operation(self, update: bytes, at: int) -> int:
        """Applies the operation at offset `at` and returns the offset of the next one."""
        match update[at]:
            case 0:
                _, tile, length = _TILE.unpack_from(update, at)
                at += _TILE.size
                self._draw(tile, update[at : at + length])
                return at + int(length)
            case 1:
                _, tile, slot, length = _STORE.unpack_from(update, at)
                at += _STORE.size
                self._slots[slot] = update[at : at + length]
                self._draw(tile, self._slots[slot])
                return at + int(length)
            case 2:
                _, tile, slot = _CACHED.unpack_from(update, at)
                self._draw(tile, self._slots[slot])
                return at + _CACHED.size
            case 3:
                _, *numbers = _MOVE.unpack_from(update, at)
                self._move(*numbers)
                return at + _MOVE.size
            case unknown:
                raise ValueError(f"unknown operation {unknown}")

    def _draw(self, tile: int, payload: bytes) -> None:
        x, y, width, height = self._grid.rect(tile)
        self.pixels[y : y + height, x : x + width] = decode_tile(payload, width, height)
        self._touched.flat[tile] = True

    def _move(self, x: int, y: int, width: int, height: int, dx: int, dy: int) -> None:
        source = self.pixels[y - dy : y - dy + height, x - dx : x - dx + width].copy()
        self.pixels[y : y + height, x : x + width] = source
        rows = slice(y // TILE_PX, (y + height - 1) // TILE_PX + 1)
        self._touched[rows, x // TILE_PX : (x + width - 1) // TILE_PX + 1] = True

    def report(self, monitor: int, *, full: bool = False) -> bytes:
        """Returns a digest message for all tiles touched since the last report, or with `full` for all
        tiles."""
        if full:
            self._touched[:] = True
        tiles = np.flatnonzero(self._touched)
        self._touched[:] = False
        entries = np.empty(len(tiles), _ENTRY)
        entries["tile"] = tiles
        if len(tiles):
            entries["digest"] = digest_tiles(self.pixels, self._grid, tiles, self._seed)
            self._digests[tiles] = entries["digest"]
        root = root_digest(self._digests, self._seed)
        head = _REPORT.pack(_DIGESTS, _FULL if full else 0, monitor, self.epoch, root, len(tiles))
        return head + entries.tobytes()
