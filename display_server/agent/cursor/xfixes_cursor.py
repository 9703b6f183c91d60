"""The pointer of an X screen: its shape by XFixes, its place by asking.

Rejected for the place: XInput's raw motion. It does not tell of programs that warp the pointer, which is what
is asked for here; what a viewer moves is known without asking.
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

#: GetCursorImage's reply: head, x, y (i16), width, height, hot x, hot y (u16), serial (u32); pixels from 32.
_IMAGE = struct.Struct("=8xhhHHHHI8x")
#: A place is asked for anew when what we know is older.
POSITION_AGE_S = 0.05


class XfixesCursor:
    """The CursorSource of an X display. Works although the server hides the pointer from its own picture."""

    def __init__(self, display: str, xauthority: Path | None) -> None:
        self._display = display
        self._xauthority = xauthority
        self._connection: XConnection | None = None
        self._fixes: Any = None
        self._shape = CursorShape(0, 0, 0, 0, None)
        self._position = (0, 0)
        self._position_s = 0.0
        self._asking = False
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
        await self._ask_shape()

    async def wait(self) -> None:
        connection = self._opened()
        await self._changed.wait()
        connection.alive()

    def shape(self) -> CursorShape:
        self._changed.clear()
        return self._shape

    def position(self) -> tuple[int, int]:
        """The newest one known; an old one is renewed in the background."""
        connection = self._opened()
        age_s = asyncio.get_running_loop().time() - self._position_s
        if connection.lost is None and not self._asking and age_s > POSITION_AGE_S:
            self._ask_position(connection)
        return self._position

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._changed.set()

    def _on_event(self, event: Any) -> None:
        if isinstance(event, xcffib.xfixes.CursorNotifyEvent):
            self._ask_shape()

    def _ask_shape(self) -> asyncio.Future[None]:
        connection = self._opened()
        with connection.requests():
            cookie = self._fixes.GetCursorImage()

        def take() -> None:
            shape, position = parse_image(bytes(connection.x.wait_for_reply(cookie.sequence).buf))
            self._set_position(position)
            if not _same(shape, self._shape):
                self._shape = shape
                self._changed.set()

        return connection.round_trip(take)

    def _ask_position(self, connection: XConnection) -> None:
        self._asking = True
        with connection.requests():
            cookie = connection.core.QueryPointer(connection.root)

        def take() -> None:
            self._asking = False
            answer = cookie.reply()
            self._set_position((answer.root_x, answer.root_y))

        connection.round_trip(take)

    def _set_position(self, position: tuple[int, int]) -> None:
        self._position = position
        self._position_s = asyncio.get_running_loop().time()

    def _opened(self) -> XConnection:
        if self._connection is None:
            raise CaptureError("The cursor is not open.")
        return self._connection


def parse_image(reply: bytes) -> tuple[CursorShape, tuple[int, int]]:
    """Shape and position out of a GetCursorImage reply. A shape without a visible pixel counts as hidden."""
    x, y, width, height, hot_x, hot_y, _serial = _IMAGE.unpack_from(reply)
    argb = np.frombuffer(reply, "<u4", count=width * height, offset=_IMAGE.size).reshape(height, width)
    if not (argb >> 24).any():
        return CursorShape(width, height, hot_x, hot_y, None), (x, y)
    return CursorShape(width, height, hot_x, hot_y, straight_alpha(argb)), (x, y)


def straight_alpha(argb: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """(height, width) premultiplied 0xAARRGGBB → (height, width, 4) red, green, blue, alpha."""
    channels = (argb[:, :, None] >> np.array([16, 8, 0, 24], np.uint32)) & 0xFF
    alpha = channels[:, :, 3:]
    opaque = np.maximum(alpha, 1)
    # rounded; some programs' colours exceed their alpha, which straight alpha cannot say
    channels[:, :, :3] = np.minimum((channels[:, :, :3] * 255 + opaque // 2) // opaque, 255)
    channels[:, :, :3] *= alpha > 0
    return channels.astype(np.uint8)


def _same(some: CursorShape, other: CursorShape) -> bool:
    def key(shape: CursorShape) -> tuple[int, int, int, int, bytes | None]:
        pixels = None if shape.rgba is None else shape.rgba.tobytes()
        return shape.width_px, shape.height_px, shape.hot_x_px, shape.hot_y_px, pixels

    return key(some) == key(other)
