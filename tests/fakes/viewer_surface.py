"""A viewer's decoder and surface in memory, without a connection: what PROTOCOL.md asks of every viewer.

It applies updates, shows video frames, and reads its surface back. Its user carries the messages.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable

import numpy as np
from display_codecs import TileGrid, decode_tile, digest_tiles, root_digest
from numpy.typing import NDArray

from display_server.protocol.wire import DigestReport

_HEADER = struct.Struct("<BBHIQ")
_KIND_UPDATE, _FLAG_RESET = 1, 1
_TILE, _STORE, _CACHED, _MOVE = range(4)


class ViewerSurface:
    """One monitor of a viewer. It begins black, and asserts that every update is one that it can apply."""

    def __init__(
        self,
        width_px: int,
        height_px: int,
        *,
        cache_bytes: int = 1 << 20,
        seed: int = 0,
        reset_ends_video: bool = False,
    ) -> None:
        """`reset_ends_video` says whether a RESET closes the region in which video is shown."""
        self.cache_bytes = cache_bytes
        self.seed = seed
        self._reset_ends_video = reset_ends_video
        self.epoch = 0
        #: Number of operations by name, since the beginning.
        self.operations: Counter[str] = Counter()
        #: Bytes of all updates, since the beginning.
        self.update_bytes = 0
        self.open(width_px, height_px)

    def open(self, width_px: int, height_px: int) -> None:
        """Adopts another size, with a black surface and without video."""
        self.grid = TileGrid(width_px, height_px)
        #: What was decoded: (height, width, 4) uint8, blue, green, red, 0.
        self.decoded = np.zeros((height_px, width_px, 4), np.uint8)
        #: What the person sees. It differs from `decoded` where video is, or was last.
        self.shown = self.decoded.copy()
        #: Tiles that video covers.
        self.covered: set[int] = set()
        #: Tiles whose pixels were changed by `corrupt`, and neither repainted nor read back since.
        self.unread_corruption: set[int] = set()
        self._slots: dict[int, bytes] = {}
        self._touched = set(range(self.grid.count))
        self._digests = np.zeros(self.grid.count, np.uint64)  # of each tile as last read back

    def apply(self, update: bytes) -> None:
        """Applies a whole update and paints the tiles that it touched."""
        kind, flags, _, epoch, _ = _HEADER.unpack_from(update)
        assert kind == _KIND_UPDATE
        assert epoch > self.epoch
        self.epoch = epoch
        self.update_bytes += len(update)
        painted: set[int] = set()
        if flags & _FLAG_RESET:
            self.decoded[:] = 0
            self._slots.clear()
            painted = set(range(self.grid.count))
            if self._reset_ends_video:
                self.uncover()
        at = _HEADER.size
        while at < len(update):
            at = self._operate(update, at, painted)
        for tile in painted:
            area = self._area(tile)
            self.shown[area] = self.decoded[area]
        self._touched |= painted
        self.unread_corruption -= painted

    def shows(self, frame: NDArray[np.uint8]) -> bool:
        """Returns whether the surface shows exactly the colours of `frame`."""
        return self.shown.shape == frame.shape and bool((self.shown[:, :, :3] == frame[:, :, :3]).all())

    def cover(self, tiles: Iterable[int]) -> None:
        """Opens the region in which video is shown, in place of the one before."""
        self.uncover()
        self.covered = set(tiles)

    def uncover(self) -> None:
        """Closes the region. The last video frame stays until tiles replace it."""
        self._touched |= self.covered
        self.covered = set()

    def show_video(self, level: int) -> None:
        """Shows a video frame of one grey level in the region."""
        for tile in self.covered:
            self.shown[self._area(tile)][:, :, :3] = level
        self.unread_corruption -= self.covered

    def corrupt(self, tile: int) -> None:
        """Changes a pixel behind the viewer's back, as a faulty graphics driver does."""
        x, y, _, _ = self.grid.rect(tile)
        self.shown[y, x, 0] ^= 255
        self.unread_corruption.add(tile)

    def report(self, *, full: bool = False, sweep: bool = False) -> DigestReport:
        """Reads the surface back, except where video covers it.

        Reads the touched tiles; with `full` or `sweep` all of them. Lists the tiles that were touched or
        whose digest is another than at the last reading; with `full` all of them.
        """
        every = set(range(self.grid.count)) - self.covered
        read = sorted(every if full or sweep else self._touched & every)
        digests = digest_tiles(self.shown, self.grid, read, self.seed)
        listed = [
            (tile, digest)
            for tile, digest in zip(read, digests.tolist(), strict=True)
            if full or tile in self._touched or digest != int(self._digests[tile])
        ]
        self._digests[read] = digests
        self._touched.clear()
        self.unread_corruption -= set(read)
        return DigestReport(
            monitor=0,
            epoch=self.epoch,
            full=full,
            root=root_digest(self._digests, self.seed),
            tiles=np.array([tile for tile, _ in listed], np.uint16),
            digests=np.array([digest for _, digest in listed], np.uint64),
        )

    def _operate(self, update: bytes, at: int, painted: set[int]) -> int:
        """Applies the operation at `at` to `decoded`. Returns where the next one begins."""
        operation = update[at]
        if operation == _TILE:
            tile, length = struct.unpack_from("<HH", update, at + 1)
            self._decode("tile", tile, update[at + 5 : at + 5 + length], painted)
            return at + 5 + int(length)
        if operation == _STORE:
            tile, slot, length = struct.unpack_from("<HIH", update, at + 1)
            self._slots[slot] = update[at + 9 : at + 9 + length]
            self._decode("store", tile, self._slots[slot], painted)
            assert sum(map(len, self._slots.values())) <= self.cache_bytes
            return at + 9 + int(length)
        if operation == _CACHED:
            tile, slot = struct.unpack_from("<HI", update, at + 1)
            self._decode("cached", tile, self._slots[slot], painted)
            return at + 7
        assert operation == _MOVE
        x, y, width, height, dx, dy = struct.unpack_from("<HHHHhh", update, at + 1)
        self.operations["move"] += 1
        source = self.decoded[y - dy : y - dy + height, x - dx : x - dx + width].copy()
        assert source.shape[:2] == (height, width)
        self.decoded[y : y + height, x : x + width] = source
        for tile in range(self.grid.count):
            left, top, tile_width, tile_height = self.grid.rect(tile)
            if left < x + width and x < left + tile_width and top < y + height and y < top + tile_height:
                painted.add(tile)
        return at + 13

    def _decode(self, name: str, tile: int, payload: bytes, painted: set[int]) -> None:
        self.operations[name] += 1
        _, _, width, height = self.grid.rect(tile)
        self.decoded[self._area(tile)] = decode_tile(payload, width, height)
        painted.add(tile)

    def _area(self, tile: int) -> tuple[slice, slice]:
        x, y, width, height = self.grid.rect(tile)
        return slice(y, y + height), slice(x, x + width)
