"""Captures any X display of this host with MIT-SHM: the X server copies damaged rows into shared memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xcffib
import xcffib.shm
import xcffib.xproto

from display_server.agent.capture.damage import DamageFeed
from display_server.agent.capture.shared_memory import SharedMemory
from display_server.agent.geometry import Frame, Rect
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import CaptureError

_ALL_PLANES = 0xFFFFFFFF
#: Bands that are at most this many rows apart are read with one request, which costs about as much as copying
#: these rows.
_GAP_ROWS_MAX = 16


class XshmSource:
    """The FrameSource of an X display that this system did not start.

    The X server never draws the pointer into these frames. Pixels are read over a second connection, because
    a worker thread that waits for a reply on the first one would take its events away from the event loop.
    """

    def __init__(self, display: str, xauthority: Path | None) -> None:
        self._display = display
        self._xauthority = xauthority
        self._connection: XConnection | None = None
        self._reader: XConnection | None = None
        self._shm: Any = None
        self._segment = 0
        self._memory: SharedMemory | None = None
        self._feed: DamageFeed | None = None
        self._width, self._height = 0, 0
        self._read_lock = threading.Lock()

    @property
    def width_px(self) -> int:
        return self._width

    @property
    def height_px(self) -> int:
        return self._height

    async def open(self) -> None:
        connection = XConnection(self._display, self._xauthority, failure=CaptureError)
        self._connection = connection
        _require_8_bit_colours(connection)
        shape = connection.core.GetGeometry(connection.root).reply()
        self._width, self._height = shape.width, shape.height
        self._reader = XConnection(self._display, self._xauthority, failure=CaptureError)
        self._attach(self._reader)
        mask = xcffib.xproto.EventMask.StructureNotify
        connection.core.ChangeWindowAttributes(connection.root, xcffib.xproto.CW.EventMask, [mask])
        self._feed = DamageFeed(connection, shape.width, shape.height)
        connection.on_event = self._on_event
        connection.on_lost = lambda _error: self._feed.on_lost() if self._feed else None
        connection.watch()

    async def wait(self) -> None:
        await self._require_open().wait()

    def resize(self, width_px: int, height_px: int) -> None:
        """Always raises CaptureError: the shared memory has the size of the screen that it was made for."""
        raise CaptureError(_size_changed(self._display, width_px, height_px))

    def take_damage(self) -> Sequence[Rect]:
        return self._require_open().take()

    def read(self, damage: Sequence[Rect]) -> Frame:
        if self._memory is None or self._reader is None:
            raise CaptureError("The frame source is not open.")
        try:
            # Each monitor is read in a thread of its own, and all of them share this connection.
            with self._read_lock:
                self._read(damage)
        except xcffib.XcffibException as error:
            raise CaptureError(f"The screen of display {self._display} cannot be read.") from error
        return self._memory.bytes.reshape(self._height, self._width, 4)

    def _read(self, damage: Sequence[Rect]) -> None:
        assert self._reader is not None
        z_pixmap = xcffib.xproto.ImageFormat.ZPixmap
        width, stride = self._width, self._width * 4
        # A band is read at the full width of the screen, so that its rows land at their place in the frame.
        cookies = [
            self._shm.GetImage(
                self._reader.root,
                0,
                top,
                width,
                rows,
                _ALL_PLANES,
                z_pixmap,
                self._segment,
                top * stride,
            )
            for top, rows in bands(damage)
        ]
        for cookie in cookies:
            cookie.reply()

    async def is_torn(self, damage: Sequence[Rect]) -> bool:
        return await self._require_open().is_torn(damage)

    async def confirm(self) -> None:
        await self._require_open().confirm()

    async def close(self) -> None:
        for connection in (self._connection, self._reader):
            if connection is not None:
                connection.close()
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    def _attach(self, reader: XConnection) -> None:
        self._shm = reader.extension(xcffib.shm, "MIT-SHM")
        self._memory = SharedMemory(self._width * self._height * 4)
        self._segment = reader.x.generate_id()
        try:
            self._shm.AttachChecked(self._segment, self._memory.segment_id, False).check()
        except (xcffib.Error, xcffib.XcffibException) as error:
            self._memory.close()
            self._memory = None
            raise CaptureError(
                f"The X server of display {self._display} cannot share memory with the agent.",
                next_step="Run the X server on this host, as the same user.",
            ) from error
        finally:
            if self._memory is not None:
                self._memory.mark_removed()

    def _on_event(self, event: Any) -> None:
        connection = self._connection
        if (
            connection
            and isinstance(event, xcffib.xproto.ConfigureNotifyEvent)
            and event.window == connection.root
        ):
            if (event.width, event.height) != (self._width, self._height):
                connection.mark_lost(_size_changed(self._display, event.width, event.height))
        elif self._feed is not None:
            self._feed.on_event(event)

    def _require_open(self) -> DamageFeed:
        if self._feed is None:
            raise CaptureError("The frame source is not open.")
        return self._feed


def bands(damage: Sequence[Rect]) -> list[tuple[int, int]]:
    """Returns the bands of rows that `damage` touches, as (top, number of rows), in ascending order.

    Bands that are nearer than `_GAP_ROWS_MAX` are merged.
    """
    result: list[tuple[int, int]] = []
    for top, bottom in sorted((r.y, r.y + r.height) for r in damage):
        if result and top <= sum(result[-1]) + _GAP_ROWS_MAX:
            first, rows = result[-1]
            result[-1] = first, max(rows, bottom - first)
        else:
            result.append((top, bottom - top))
    return result


def _size_changed(display: str, width_px: int, height_px: int) -> str:
    return f"The screen of {display} changed its size to {width_px}×{height_px}."


def _require_8_bit_colours(connection: XConnection) -> None:
    screen, setup = connection.screen, connection.x.get_setup()
    formats = {f.depth: f.bits_per_pixel for f in setup.pixmap_formats}
    visual = next(
        v for depth in screen.allowed_depths for v in depth.visuals if v.visual_id == screen.root_visual
    )
    masks = (visual.red_mask, visual.green_mask, visual.blue_mask)
    little = setup.image_byte_order == xcffib.xproto.ImageOrder.LSBFirst
    if formats[screen.root_depth] != 32 or masks != (0xFF0000, 0xFF00, 0xFF) or not little:
        raise CaptureError(
            f"Only 24-bit screens can be captured, but {connection.display} has depth {screen.root_depth}."
        )
