"""Binary frames of PROTOCOL.md §3, §4 and §11: writes updates; parses digest reports and pointer motions.

All integers on the wire are little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from display_server.protocol.errors import ProtocolError
from display_server.protocol.frame_kinds import FrameKind

#: Flags of an update.
FLAG_RESET = 1  # the surface becomes black and the tile cache empty before the operations apply
FLAG_PARTIAL = 2  # more tiles of the same frame follow in the next update
#: Flag of a digest report: every tile is listed.
FLAG_FULL = 1

#: Operations of an update, by their first byte.
OP_TILE, OP_STORE, OP_CACHED, OP_MOVE = range(4)

_HEADER = struct.Struct("<BBHIQ")  # kind, flags, monitor, epoch, captured_us
_TILE = struct.Struct("<BHH")  # operation, tile, length
_MOVE = struct.Struct("<BHHHHhh")  # operation, x, y, width, height, dx, dy
_REPORT = struct.Struct("<BBHIQH")  # kind, flags, monitor, epoch, root, count
_MOTION = struct.Struct("<BBHHhh")  # kind, flags, turn, step, x, y
_STORE_HEADER = np.dtype([("op", "u1"), ("tile", "<u2"), ("slot", "<u4"), ("length", "<u2")])
_CACHED = np.dtype([("op", "u1"), ("tile", "<u2"), ("slot", "<u4")])
_DIGEST_ENTRY = np.dtype([("tile", "<u2"), ("digest", "<u8")])

Payload = bytes | memoryview
Numbers = NDArray[np.integer] | Sequence[int]


class UpdateWriter:
    """Collects the operations of one update and serializes them. `size_bytes` is the frame's length so far.

    The methods take whole lists: a call per tile would cost more time than encoding some of the tiles.
    """

    def __init__(self, monitor: int, epoch: int, captured_us: int, *, reset: bool) -> None:
        self._monitor, self._epoch, self._captured_us = monitor, epoch, captured_us
        self._flags = FLAG_RESET if reset else 0
        self._parts: list[Payload] = [b""]
        self.size_bytes = _HEADER.size

    def move(self, x: int, y: int, width: int, height: int, dx: int, dy: int) -> None:
        """Copies the rectangle at (x − dx, y − dy) to (x, y). All in px; moves precede tiles."""
        self._parts.append(_MOVE.pack(OP_MOVE, x, y, width, height, dx, dy))
        self.size_bytes += _MOVE.size

    def cached(self, tiles: Numbers, slots: Numbers) -> None:
        """Adds tiles whose payloads are in the viewer's cache."""
        operations = np.empty(len(tiles), _CACHED)
        operations["op"], operations["tile"], operations["slot"] = OP_CACHED, tiles, slots
        self._parts.append(operations.tobytes())
        self.size_bytes += operations.nbytes

    def tiles(self, tiles: Sequence[int], payloads: Sequence[Payload]) -> None:
        """Adds tiles whose payloads the viewer does not cache."""
        for tile, payload in zip(tiles, payloads, strict=True):
            self._parts.append(_TILE.pack(OP_TILE, tile, len(payload)))
            self._parts.append(payload)
            self.size_bytes += _TILE.size + len(payload)

    def store(self, tiles: Numbers, slots: Numbers, payloads: Sequence[Payload]) -> None:
        """Adds tiles whose payloads the viewer stores in the given cache slots."""
        headers = np.empty(len(tiles), _STORE_HEADER)
        headers["op"], headers["tile"], headers["slot"] = OP_STORE, tiles, slots
        headers["length"] = [len(payload) for payload in payloads]
        data, size = headers.tobytes(), _STORE_HEADER.itemsize
        for index, payload in enumerate(payloads):
            self._parts.append(data[index * size : index * size + size])
            self._parts.append(payload)
        self.size_bytes += headers.nbytes + int(headers["length"].sum())

    def finish(self, *, partial: bool) -> bytes:
        """Returns the complete frame."""
        flags = self._flags | (FLAG_PARTIAL if partial else 0)
        self._parts[0] = _HEADER.pack(FrameKind.UPDATE, flags, self._monitor, self._epoch, self._captured_us)
        return b"".join(self._parts)


@dataclass(frozen=True, slots=True, eq=False)
class DigestReport:
    """What a viewer read back from its surface. `digests[i]` belongs to tile `tiles[i]`; tiles ascend."""

    monitor: int
    epoch: int
    full: bool
    root: int
    tiles: NDArray[np.uint16]
    digests: NDArray[np.uint64]


def parse_report(data: bytes, tile_count: int | None) -> DigestReport:
    """Parses a digest report about a monitor of `tile_count` tiles. Raises ProtocolError.

    `tile_count` is None if the monitor had another size when the viewer read its surface; tile numbers are
    not checked then.
    """
    if len(data) < _REPORT.size:
        raise ProtocolError("a digest report is shorter than its header")
    kind, flags, monitor, epoch, root, count = _REPORT.unpack_from(data)
    if kind != FrameKind.DIGEST_REPORT or flags & ~FLAG_FULL:
        raise ProtocolError(f"a viewer does not send binary frames of kind {kind}, flags {flags}")
    if len(data) != _REPORT.size + count * _DIGEST_ENTRY.itemsize:
        raise ProtocolError(f"a digest report of {count} tiles has {len(data)} bytes")
    entries = np.frombuffer(data, _DIGEST_ENTRY, offset=_REPORT.size)
    tiles, digests = entries["tile"].copy(), entries["digest"].copy()
    if (tiles[1:] <= tiles[:-1]).any():
        raise ProtocolError("a digest report's tiles must be ascending")
    if tile_count is not None and count and int(tiles[-1]) >= tile_count:
        raise ProtocolError(f"a digest report lists tile {tiles[-1]} of {tile_count}")
    if tile_count is not None and flags & FLAG_FULL and count != tile_count:
        raise ProtocolError(f"a full digest report lists all {tile_count} tiles, not {count}")
    return DigestReport(monitor, epoch, bool(flags & FLAG_FULL), root, tiles, digests)


def report_epoch(data: bytes) -> int:
    """Returns the epoch of a digest report, or 0 if `data` is too short to be one."""
    return int(_REPORT.unpack_from(data)[3]) if len(data) >= _REPORT.size else 0


@dataclass(frozen=True, slots=True)
class PointerMotion:
    """The pointer moved while its buttons stayed as they were.

    `turn` and `step` order the motion among `pointer` messages (§11); `x` and `y` are px on the monitor.
    """

    turn: int
    step: int
    x: int
    y: int


def parse_pointer_motion(data: bytes) -> PointerMotion:
    """Parses the only datagram that a viewer may send. Raises ProtocolError."""
    if len(data) != _MOTION.size:
        raise ProtocolError(f"a pointer motion has {_MOTION.size} bytes, not {len(data)}")
    kind, flags, turn, step, x, y = _MOTION.unpack(data)
    if kind != FrameKind.POINTER_MOTION or flags:
        raise ProtocolError(f"a viewer does not send datagrams of kind {kind}, flags {flags}")
    if turn == 0:
        raise ProtocolError("a pointer motion of turn 0 is not allowed")
    return PointerMotion(turn, step, x, y)
