"""Encodes the pointer's shape as a `cursor` message."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from display_server.agent.cursor.cursor_source import CursorShape
from display_server.protocol.messages import Cursor

#: Width and height of the largest cursor that browsers show, in pixels.
CURSOR_MAX_PX = 128


def cursor_message(shape: CursorShape) -> Cursor:
    """Returns the message that shows `shape`, cropped to CURSOR_MAX_PX about its hot spot if larger."""
    if shape.rgba is None:
        return Cursor(0, 0, 0, 0, None)
    x, width = _visible_span(shape.width_px, shape.hot_x_px)
    y, height = _visible_span(shape.height_px, shape.hot_y_px)
    image = png(shape.rgba[y : y + height, x : x + width])
    return Cursor(
        width, height, shape.hot_x_px - x, shape.hot_y_px - y, base64.b64encode(image).decode("ascii")
    )


def png(rgba: NDArray[np.uint8]) -> bytes:
    """Encodes a (height, width, 4) RGBA image with straight alpha.

    Pillow would do the same, but importing it costs 15 MB of memory.
    """
    height, width = rgba.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)  # 8 bits, RGBA, no interlace
    rows = np.zeros((height, 1 + width * 4), np.uint8)  # each row begins with its filter type, 0
    rows[:, 1:] = rgba.reshape(height, width * 4)
    data = zlib.compress(rows.tobytes(), 6)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _visible_span(size_px: int, hot_px: int) -> tuple[int, int]:
    """Returns start and length of the part of one axis that is shown."""
    if size_px <= CURSOR_MAX_PX:
        return 0, size_px
    start = min(max(0, hot_px - CURSOR_MAX_PX // 2), size_px - CURSOR_MAX_PX)
    return start, CURSOR_MAX_PX
