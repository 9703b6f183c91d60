"""Encodes, decodes, copies and digests tiles. Each call handles a whole list of tiles, and works in C.

A frame is (height, width, 4) uint8: blue, green, red, undefined (X). Its row stride may be larger than width
× 4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from display_codecs.geometry import TILE_PX, TileGrid
from display_codecs.native import READ_AHEAD, DecodeError, frame_size, library, tile_numbers
from display_codecs.registry import ENCODING_NAMES, Encoding

Frame = NDArray[np.uint8]
Tiles = Sequence[int] | NDArray[np.integer]

#: Bytes of the longest payload: `raw` of a whole tile.
PAYLOAD_MAX_BYTES = 1 + 3 * TILE_PX * TILE_PX


@dataclass(frozen=True, slots=True, eq=False)
class EncodedTiles:
    """The payloads of a list of tiles, in the order of the list. Payload i ends at `data[ends[i]]`."""

    data: memoryview
    ends: NDArray[np.int64]
    encoding_numbers: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.ends)

    def payload(self, index: int) -> bytes:
        """Returns the payload of the tile at `index` in the list."""
        start = int(self.ends[index - 1]) if index else 0
        return bytes(self.data[start : int(self.ends[index])])

    @property
    def encodings(self) -> Counter[str]:
        """The number of tiles by the name of their encoding."""
        numbers = np.bincount(self.encoding_numbers, minlength=len(ENCODING_NAMES))
        return Counter({name: int(n) for name, n in zip(ENCODING_NAMES, numbers, strict=True) if n})

    @property
    def total_bytes(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0


def _matching(frame: Frame, grid: TileGrid) -> tuple[int, int]:
    size = frame_size(frame)
    if size != (grid.width_px, grid.height_px):
        raise ValueError(
            f"the frame is {size[0]} × {size[1]} px, the grid {grid.width_px} × {grid.height_px}"
        )
    return size


def _no_such_tile(numbers: NDArray[np.int32], grid: TileGrid) -> IndexError:
    wrong = numbers[(numbers < 0) | (numbers >= grid.count)]
    return IndexError(f"there is no tile {wrong[:1].tolist()}: the grid has {grid.count}")


def encode_tiles(frame: Frame, grid: TileGrid, tiles: Tiles) -> EncodedTiles:
    """Encodes each tile with the encoding that suits it. The same pixels always give the same payload.

    Raises IndexError if there is no such tile.
    """
    width, height = _matching(frame, grid)
    numbers = tile_numbers(tiles)
    count = len(numbers)
    room = count * PAYLOAD_MAX_BYTES
    out = np.empty(room, np.uint8)
    ends = np.empty(count, np.int64)
    encodings = np.empty(count, np.uint8)
    total = library.lb_encode(
        frame.ctypes.data, frame.strides[0], width, height, numbers.ctypes.data, count,
        out.ctypes.data, room, ends.ctypes.data, encodings.ctypes.data,
    )  # fmt: skip
    if total < 0:
        raise _no_such_tile(numbers, grid)
    # A copy, because `out` has room for the longest payloads and is much larger than needed.
    return EncodedTiles(memoryview(out[:total].tobytes()), ends, encodings)


def encode_tile_as(pixels: Frame, encoding: Encoding) -> bytes | None:
    """Encodes a frame of the size of a tile with a given encoding.

    Returns None if the encoding cannot express the tile, or if the payload would be longer than `raw`.
    """
    width, height = frame_size(pixels)
    out = np.empty(1 + 3 * width * height, np.uint8)
    length = library.lb_encode_as(
        int(encoding), pixels.ctypes.data, pixels.strides[0], width, height, out.ctypes.data, len(out)
    )
    return out[:length].tobytes() if length else None


def decode_tile(payload: bytes, width: int, height: int) -> Frame:
    """Decodes a payload to a (height, width, 4) BGRX frame with X = 0.

    Raises DecodeError unless `payload` is exactly one payload of a tile of this size.
    """
    if not (0 < width <= TILE_PX and 0 < height <= TILE_PX):
        raise ValueError(f"a tile of {width} × {height} px does not exist")
    frame = np.zeros((height, width, 4), np.uint8)
    fault = library.lb_decode(
        bytes(payload) + bytes(READ_AHEAD),
        len(payload),
        width,
        height,
        frame.ctypes.data,
        frame.strides[0],
    )
    if fault:
        raise DecodeError(fault)
    return frame


def copy_and_compare_tiles(source: Frame, shadow: Frame, grid: TileGrid, tiles: Tiles) -> NDArray[np.bool_]:
    """Copies tiles from `source` to `shadow`, with X = 0. Returns whether that changed each tile.

    Raises IndexError if there is no such tile.
    """
    width, height = _matching(source, grid)
    _matching(shadow, grid)
    if not shadow.flags.writeable:
        raise ValueError("the shadow is read-only")
    numbers = tile_numbers(tiles)
    changed = np.empty(len(numbers), np.bool_)
    if library.lb_copy_and_compare(
        source.ctypes.data, source.strides[0], shadow.ctypes.data, shadow.strides[0], width, height,
        numbers.ctypes.data, len(numbers), changed.ctypes.data,
    ):  # fmt: skip
        raise _no_such_tile(numbers, grid)
    return changed


def digest_tiles(frame: Frame, grid: TileGrid, tiles: Tiles, seed: int) -> NDArray[np.uint64]:
    """Returns the digests of the tiles (PROTOCOL.md, section 4).

    Raises IndexError if there is no such tile.
    """
    width, height = _matching(frame, grid)
    numbers = tile_numbers(tiles)
    digests = np.empty(len(numbers), np.uint64)
    if library.lb_digest(
        frame.ctypes.data,
        frame.strides[0],
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
    """Returns the root digest over the digests of all tiles, in order (PROTOCOL.md, section 4)."""
    data = np.ascontiguousarray(digests, dtype="<u8")
    return int(library.lb_hash(data.ctypes.data, data.nbytes, seed))
