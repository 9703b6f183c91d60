"""What is binary of PROTOCOL.md §3, §4 and §11: updates out, digest reports and datagrams in."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from display_server.errors import ProtocolError

KIND_UPDATE = 1
KIND_DIGESTS = 2
KIND_MOTION = 4
RESET = 1
PARTIAL = 2
FULL = 1

TILE, STORE, CACHED, MOVE = range(4)

_HEADER = struct.Struct("<BBHIQ")
_TILE = struct.Struct("<BHH")
_MOVE = struct.Struct("<BHHHHhh")
_REPORT = struct.Struct("<BBHIQH")
_MOTION = struct.Struct("<BBHHhh")
_STORE_HEAD = np.dtype([("op", "u1"), ("tile", "<u2"), ("slot", "<u4"), ("length", "<u2")])
_CACHED_OP = np.dtype([("op", "u1"), ("tile", "<u2"), ("slot", "<u4")])
_ENTRY = np.dtype([("tile", "<u2"), ("digest", "<u8")])

HEADER_BYTES = _HEADER.size
#: What an update needs at least for a tile that the viewer has in a slot.
CACHED_BYTES = _CACHED_OP.itemsize

Payload = bytes | memoryview
Numbers = NDArray[np.integer] | Sequence[int]


class UpdateWriter:
    """Collects the operations of one update. `size_bytes` is the frame's length so far.

    Whole lists at a time: a call per tile would cost more than coding some tiles.
    """

    def __init__(self, monitor: int, epoch: int, captured_us: int, *, reset: bool) -> None:
        self._monitor, self._epoch, self._captured_us = monitor, epoch, captured_us
        self._flags = RESET if reset else 0
        self._parts: list[Payload] = [b""]
        self.size_bytes = HEADER_BYTES

    def move(self, x: int, y: int, width: int, height: int, dx: int, dy: int) -> None:
        """All px; the rectangle at (x − dx, y − dy) is copied to (x, y)."""
        self._parts.append(_MOVE.pack(MOVE, x, y, width, height, dx, dy))
        self.size_bytes += _MOVE.size

    def cached(self, tiles: Numbers, slots: Numbers) -> None:
        """Tiles whose payloads the viewer keeps."""
        operations = np.empty(len(tiles), _CACHED_OP)
        operations["op"], operations["tile"], operations["slot"] = CACHED, tiles, slots
        self._parts.append(operations.tobytes())
        self.size_bytes += operations.nbytes

    def tiles(self, tiles: Sequence[int], payloads: Sequence[Payload]) -> None:
        for tile, payload in zip(tiles, payloads, strict=True):
            self._parts.append(_TILE.pack(TILE, tile, len(payload)))
            self._parts.append(payload)
            self.size_bytes += _TILE.size + len(payload)

    def store(self, tiles: Numbers, slots: Numbers, payloads: Sequence[Payload]) -> None:
        """Tiles whose payloads the viewer shall keep."""
        heads = np.empty(len(tiles), _STORE_HEAD)
        heads["op"], heads["tile"], heads["slot"] = STORE, tiles, slots
        heads["length"] = [len(payload) for payload in payloads]
        data, size = heads.tobytes(), _STORE_HEAD.itemsize
        for index, payload in enumerate(payloads):
            self._parts.append(data[index * size : index * size + size])
            self._parts.append(payload)
        self.size_bytes += heads.nbytes + int(heads["length"].sum())

    def finish(self, *, partial: bool) -> bytes:
        flags = self._flags | (PARTIAL if partial else 0)
        self._parts[0] = _HEADER.pack(KIND_UPDATE, flags, self._monitor, self._epoch, self._captured_us)
        return b"".join(self._parts)


@dataclass(frozen=True, slots=True, eq=False)
class DigestReport:
    """What a viewer read back from its surface: `digests[i]` is that of tile `tiles[i]`, tiles ascending."""

    monitor: int
    epoch: int
    full: bool
    root: int
    tiles: NDArray[np.uint16]
    digests: NDArray[np.uint64]


def parse_report(data: bytes, tile_count: int | None) -> DigestReport:
    """Raises ProtocolError unless it is one well-formed report about a monitor of `tile_count` tiles.

    None for a monitor that had another size when the viewer read it: then nothing is said of its tiles.
    """
    if len(data) < _REPORT.size:
        raise ProtocolError("a digest report is shorter than its head")
    kind, flags, monitor, epoch, root, count = _REPORT.unpack_from(data)
    if kind != KIND_DIGESTS or flags & ~FULL:
        raise ProtocolError(f"no viewer sends binary frames of kind {kind}, flags {flags}")
    if len(data) != _REPORT.size + count * _ENTRY.itemsize:
        raise ProtocolError(f"a digest report of {count} tiles has {len(data)} bytes")
    entries = np.frombuffer(data, _ENTRY, offset=_REPORT.size)
    tiles, digests = entries["tile"].copy(), entries["digest"].copy()
    if (tiles[1:] <= tiles[:-1]).any():
        raise ProtocolError("a digest report's tiles must be ascending")
    if tile_count is not None and count and int(tiles[-1]) >= tile_count:
        raise ProtocolError(f"a digest report lists tile {tiles[-1]} of {tile_count}")
    if tile_count is not None and flags & FULL and count != tile_count:
        raise ProtocolError(f"a full digest report lists all {tile_count} tiles, not {count}")
    return DigestReport(monitor, epoch, bool(flags & FULL), root, tiles, digests)


def epoch_of(data: bytes) -> int:
    """Of a digest report; 0 for what is too short to be one."""
    return int(_REPORT.unpack_from(data)[3]) if len(data) >= _REPORT.size else 0


@dataclass(frozen=True, slots=True)
class Motion:
    """The pointer moved, with its buttons as they were. Px on the monitor."""

    turn: int
    step: int
    x: int
    y: int


def parse_motion(data: bytes) -> Motion:
    """Raises ProtocolError unless it is the one datagram that a viewer may send."""
    if len(data) != _MOTION.size:
        raise ProtocolError(f"a motion has {_MOTION.size} bytes, not {len(data)}")
    kind, flags, turn, step, x, y = _MOTION.unpack(data)
    if kind != KIND_MOTION or flags:
        raise ProtocolError(f"no viewer sends datagrams of kind {kind}, flags {flags}")
    if turn == 0:
        raise ProtocolError("turn 0 has no datagrams")
    return Motion(turn, step, x, y)
