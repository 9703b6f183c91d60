"""Captures the pointer of an X screen: its shape with XFixes, its position with QueryPointer.

XInput raw motion events were rejected for the position. They do not report when a program warps the pointer,
which is the one thing to learn here: the agent itself makes the motions that come from a viewer.
"""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path
from typing import Any

import numpy as np
import xcffib
import xcffib.xfixes
from numpy.typing import NDArray

from display_server.agent.cursor.cursor_source import CursorShape
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import CaptureError

#: A GetCursorImage reply: header, x, y (i16), width, height, hot x, hot y (u16), serial (u32), padding. The
#: pixels follow.
_IMAGE = struct.Struct("=8xhhHHHHI8x")
#: A known position that is older than this is queried again, in seconds.
POSITION_MAX_AGE_S = 0.05


class XfixesCursor:
    """The CursorSource of an X display. It also works while the X server does not draw the pointer."""

    def __init__(self, display: str, xauthority: Path | None) -> None:
        self._display = display
        self._xauthority = xauthority
        self._connection: XConnection | None = None
        self._fixes: Any = None
        self._shape = CursorShape(0, 0, 0, 0, None)
        self._position = (0, 0)
        self._position_s = 0.0
        self._position_requested = False
        self._changed = asyncio.Event()

    async def open(self) -> None:
        connection = XConnection(self._display, self._xauthority, failure=CaptureError)
        self._connection = connection
        self._fixes = connection.extension(xcffib.xfixes, "XFIXES")
        self._fixes.QueryVersion(5, 0).reply()
        mask = xcffib.xfixes.CursorNotifyMask.DisplayCursor
        self._fixes.SelectCursorInput(connection.root, mask)
        connection.on_event = self._on_event
        connection.on_lost = lambda _error: self._changed.set()
        connection.watch()
        await self._request_shape()

    async def wait(self) -> None:
        connection = self._require_open()
        await self._changed.wait()
        connection.ensure_alive()

    def shape(self) -> CursorShape:
        self._changed.clear()
        return self._shape

    def position(self) -> tuple[int, int]:
        """Returns the newest position known, and queries it in the background if it is old."""
        connection = self._require_open()
        age_s = asyncio.get_running_loop().time() - self._position_s
        if connection.lost is None and not self._position_requested and age_s > POSITION_MAX_AGE_S:
            self._request_position(connection)
        return self._position

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._changed.set()

    def _on_event(self, event: Any) -> None:
        if isinstance(event, xcffib.xfixes.CursorNotifyEvent):
            self._request_shape()

    def _request_shape(self) -> asyncio.Future[None]:
        connection = self._require_open()
        with connection.requests():
            cookie = self._fixes.GetCursorImage()

        def on_reply() -> None:
            shape, position = parse_image(bytes(connection.x.wait_for_reply(cookie.sequence).buf))
            self._set_position(position)
            if not _same(shape, self._shape):
                self._shape = shape
                self._changed.set()

        return connection.round_trip(on_reply)

    def _request_position(self, connection: XConnection) -> None:
        self._position_requested = True
        with connection.requests():
            cookie = connection.core.QueryPointer(connection.root)

        def on_reply() -> None:
            self._position_requested = False
            reply = cookie.reply()
            self._set_position((reply.root_x, reply.root_y))

        connection.round_trip(on_reply)

    def _set_position(self, position: tuple[int, int]) -> None:
        self._position = position
        self._position_s = asyncio.get_running_loop().time()

    def _require_open(self) -> XConnection:
        if self._connection is None:
            raise CaptureError("The cursor source is not open.")
        return self._connection


def parse_image(reply: bytes) -> tuple[CursorShape, tuple[int, int]]:
    """Parses a GetCursorImage reply into shape and position.

    Programs hide the pointer by a shape without a visible pixel: it becomes a shape without `rgba`.
    """
    x, y, width, height, hot_x, hot_y, _serial = _IMAGE.unpack_from(reply)
    argb = np.frombuffer(reply, "<u4", count=width * height, offset=_IMAGE.size).reshape(height, width)
    if not (argb >> 24).any():
        return CursorShape(width, height, hot_x, hot_y, None), (x, y)
    return CursorShape(width, height, hot_x, hot_y, straight_alpha(argb)), (x, y)


def straight_alpha(argb: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Converts (height, width) premultiplied 0xAARRGGBB to (height, width, 4) RGBA with straight alpha."""
    channels = (argb[:, :, None] >> np.array([16, 8, 0, 24], np.uint32)) & 0xFF
    alpha = channels[:, :, 3:]
    opaque = np.maximum(alpha, 1)
    # Rounds to nearest. Some programs have colours above their alpha; straight alpha cannot express these.
    channels[:, :, :3] = np.minimum((channels[:, :, :3] * 255 + opaque // 2) // opaque, 255)
    channels[:, :, :3] *= alpha > 0
    return channels.astype(np.uint8)


def _same(some: CursorShape, other: CursorShape) -> bool:
    def key(shape: CursorShape) -> tuple[int, int, int, int, bytes | None]:
        pixels = None if shape.rgba is None else shape.rgba.tobytes()
        return shape.width_px, shape.height_px, shape.hot_x_px, shape.hot_y_px, pixels

    return key(some) == key(other)
