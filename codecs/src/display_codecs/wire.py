"""Builds updates byte by byte (PROTOCOL.md, section 3), for vectors and tests.

The product has a writer of its own, in display_server.protocol.wire; the two check each other.
"""

from __future__ import annotations

import struct

RESET = 1
PARTIAL = 2


def update(
    *operations: bytes, epoch: int = 1, flags: int = 0, monitor: int = 0, captured_us: int = 0
) -> bytes:
    return struct.pack("<BBHIQ", 1, flags, monitor, epoch, captured_us) + b"".join(operations)


def tile(number: int, payload: bytes) -> bytes:
    return struct.pack("<BHH", 0, number, len(payload)) + payload


def store(number: int, slot: int, payload: bytes) -> bytes:
    return struct.pack("<BHIH", 1, number, slot, len(payload)) + payload


def cached(number: int, slot: int) -> bytes:
    return struct.pack("<BHI", 2, number, slot)


def move(x: int, y: int, width: int, height: int, dx: int, dy: int) -> bytes:
    return struct.pack("<BHHHHhh", 3, x, y, width, height, dx, dy)
