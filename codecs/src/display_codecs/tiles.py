"""Tiles to payloads and back, and their digests: whole lists per call, the work in C."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from display_codecs.geometry import TILE_PX, TileGrid
from display_codecs.native import READ_AHEAD, DecodeError, library, picture_size, tile_numbers
from display_codecs.registry import ENCODING_NAMES, Encoding

Picture = NDArray[np.uint8]
Tiles = Sequence[int] | NDArray[np.integer]

#: Bound of one payload: `raw` of a whole tile.
PAYLOAD_MAX_BYTES = 1 + 3 * TILE_PX * TILE_PX


@dataclass(frozen=True, slots=True, eq=False)
class EncodedTiles:
    """Payloads of a list of tiles, in the order of the list. `ends[i]` is where payload i ends in `data`."""

    data: memoryview
    ends: NDArray[np.int64]
    encoding_numbers: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.ends)

    def payload(self, index: int) -> bytes:
        """The payload of the `index`-th tile of the list."""
        start = int(self.ends[index - 1]) if index else 0
        return bytes(self.data[start : int(self.ends[index])])

    @property
    def encodings(self) -> Counter[str]:
        """How many tiles each encoding took, by name."""
        numbers = np.bincount(self.encoding_numbers, minlength=len(ENCODING_NAMES))
        return Counter({name: int(n) for name, n in zip(ENCODING_NAMES, numbers, strict=True) if n})

    @property
    def total_bytes(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0


def _matching(picture: Picture, grid: TileGrid) -> tuple[int, int]:
    size = picture_size(picture)
    if size != (grid.width_px, grid.height_px):
        raise ValueError(
            f"the picture is {size[0]} × {size[1]} px, the grid {grid.width_px} × {grid.height_px}"
        )
    return size


def _no_such_tile(numbers: NDArray[np.int32], grid: TileGrid) -> IndexError:
    wrong = numbers[(numbers < 0) | (numbers >= grid.count)]
    return IndexError(f"tile {wrong[:1].tolist()} of {grid.count}")


def encode_tiles(picture: Picture, grid: TileGrid, tiles: Tiles) -> EncodedTiles:
    """Codes each tile with the encoding that suits it. Same pixels, same bytes. Raises IndexError."""
    width, height = _matching(picture, grid)
    numbers = tile_numbers(tiles)
    count = len(numbers)
    room = count * PAYLOAD_MAX_BYTES
    out = np.empty(room, np.uint8)
    ends = np.empty(count, np.int64)
    encodings = np.empty(count, np.uint8)
    total = library.lb_encode(
        picture.ctypes.data, picture.strides[0], width, height, numbers.ctypes.data, count,
        out.ctypes.data, room, ends.ctypes.data, encodings.ctypes.data,
    )  # fmt: skip
    if total < 0:
        raise _no_such_tile(numbers, grid)
    # A copy, so that the bound's memory goes back at once.
    return EncodedTiles(memoryview(out[:total].tobytes()), ends, encodings)


def encode_tile_as(pixels: Picture, encoding: Encoding) -> bytes | None:
    """One tile by a given encoding; None when that cannot express it or needs more than `raw`."""
    width, height = picture_size(pixels)
    out = np.empty(1 + 3 * width * height, np.uint8)
    length = library.lb_encode_as(
        int(encoding), pixels.ctypes.data, pixels.strides[0], width, height, out.ctypes.data, len(out)
    )
    return out[:length].tobytes() if length else None


def decode_tile(payload: bytes, width: int, height: int) -> Picture:
    """(height, width, 4) BGRX with X = 0. Raises DecodeError for anything but one payload of this size."""
    if not (0 < width <= TILE_PX and 0 < height <= TILE_PX):
        raise ValueError(f"no tile is {width} × {height} px")
    picture = np.zeros((height, width, 4), np.uint8)
    fault = library.lb_decode(
        bytes(payload) + bytes(READ_AHEAD),
        len(payload),
        width,
        height,
        picture.ctypes.data,
        picture.strides[0],
    )
    if fault:
        raise DecodeError(fault)
    return picture


def copy_and_digest_tiles(
    source: Picture, shadow: Picture, grid: TileGrid, tiles: Tiles, seed: int
) -> NDArray[np.uint64]:
    """Copies tiles from `source` to `shadow` (X becomes 0) and digests the copies. Raises IndexError."""
    width, height = _matching(source, grid)
    _matching(shadow, grid)
    if not shadow.flags.writeable:
        raise ValueError("the shadow is read-only")
    numbers = tile_numbers(tiles)
    digests = np.empty(len(numbers), np.uint64)
    if library.lb_take(
        source.ctypes.data, source.strides[0], shadow.ctypes.data, shadow.strides[0], width, height,
        numbers.ctypes.data, len(numbers), seed, digests.ctypes.data,
    ):  # fmt: skip
        raise _no_such_tile(numbers, grid)
    return digests


def copy_and_compare_tiles(source: Picture, shadow: Picture, grid: TileGrid, tiles: Tiles) -> NDArray[np.bool_]:
    """Copies tiles from `source` to `shadow` (X becomes 0), and tells of each whether that changed it. Raises
    IndexError.
    """
    width, height = _matching(source, grid)
    _matching(shadow, grid)
    if not shadow.flags.writeable:
        raise ValueError("the shadow is read-only")
    numbers = tile_numbers(tiles)
    changed = np.empty(len(numbers), np.bool_)
    if library.lb_renew(
        source.ctypes.data, source.strides[0], shadow.ctypes.data, shadow.strides[0], width, height,
        numbers.ctypes.data, len(numbers), changed.ctypes.data,
    ):  # fmt: skip
        raise _no_such_tile(numbers, grid)
    return changed


def digest_tiles(picture: Picture, grid: TileGrid, tiles: Tiles, seed: int) -> NDArray[np.uint64]:
    """The digests of the tiles (PROTOCOL.md, 4). Raises IndexError."""
    width, height = _matching(picture, grid)
    numbers = tile_numbers(tiles)
    digests = np.empty(len(numbers), np.uint64)
    if library.lb_digest(
        picture.ctypes.data,
        picture.strides[0],
        width,
        height,
        numbers.ctypes.data,
        len(numbers),
        seed,
        digests.ctypes.data,
    ):
        raise _no_such_tile(numbers, grid)
    return digests


def root_digest(digests: NDArray[np.uint64], seed: int) -> int:
    """The root over the digests of all tiles, in order."""
    data = np.ascontiguousarray(digests, dtype="<u8")
    return int(library.lb_hash(data.ctypes.data, data.nbytes, seed))
