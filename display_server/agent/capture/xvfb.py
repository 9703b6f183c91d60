"""Captures an Xvfb by mapping the file in which the server keeps its framebuffer (`Xvfb -fbdir`)."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xcffib.xfixes

from display_server.agent.capture.damage import DamageFeed
from display_server.agent.geometry import Frame, Rect
from display_server.desktop.x11.framebuffer_file import SCREEN_FILE, FramebufferLayout, parse_header
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import CaptureError


class XvfbSource:
    """The FrameSource of an Xvfb started with `-fbdir framebuffer_folder`. Reading copies no pixels."""

    def __init__(self, display: str, xauthority: Path | None, framebuffer_folder: Path) -> None:
        self._display = display
        self._xauthority = xauthority
        self._file = framebuffer_folder / SCREEN_FILE
        self._connection: XConnection | None = None
        self._feed: DamageFeed | None = None
        self._map: mmap.mmap | None = None
        self._layout: FramebufferLayout | None = None
        self._frame: Frame = np.zeros((0, 0, 4), np.uint8)

    @property
    def width_px(self) -> int:
        return int(self._frame.shape[1])

    @property
    def height_px(self) -> int:
        return int(self._frame.shape[0])

    async def open(self) -> None:
        try:
            with self._file.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise CaptureError(f"The framebuffer {self._file} cannot be read: {error}") from error
        connection = XConnection(self._display, self._xauthority, failure=CaptureError)
        self._connection = connection
        layout = parse_header(self._map)  # type: ignore[arg-type]  # mmap has the buffer interface of bytes
        shape = connection.core.GetGeometry(connection.root).reply()
        if shape.width > layout.width_px or shape.height > layout.height_px:
            raise CaptureError(
                f"The screen of {self._display} is larger than {self._file}: it belongs to another server."
            )
        self._layout = layout
        self._set_size(shape.width, shape.height)
        self._feed = DamageFeed(connection, shape.width, shape.height)
        self._hide_pointer(connection)
        connection.on_event = self._feed.on_event
        connection.on_lost = lambda _error: self._feed.on_lost() if self._feed else None
        connection.watch()

    async def wait(self) -> None:
        await self._require_open().wait()

    def resize(self, width_px: int, height_px: int) -> None:
        feed = self._require_open()
        if self._layout is None or width_px > self._layout.width_px or height_px > self._layout.height_px:
            raise CaptureError(f"{self._file} has no room for a screen of {width_px}×{height_px} pixels.")
        self._set_size(width_px, height_px)
        feed.resize(width_px, height_px)

    def take_damage(self) -> Sequence[Rect]:
        return self._require_open().take()

    def read(self, damage: Sequence[Rect]) -> Frame:  # noqa: ARG002 - the whole map is always up to date
        return self._frame

    async def is_torn(self, damage: Sequence[Rect]) -> bool:
        return await self._require_open().is_torn(damage)

    async def confirm(self) -> None:
        await self._require_open().confirm()

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        # Frames that `read` returned keep the map alive until the last of them is freed.
        self._map, self._frame = None, np.zeros((0, 0, 4), np.uint8)

    def _set_size(self, width_px: int, height_px: int) -> None:
        """Makes `_frame` the top left part of the map. The row stride stays that of the largest screen."""
        assert self._layout is not None, "open() comes first"
        assert self._map is not None
        self._frame = np.ndarray(
            (height_px, width_px, 4),
            np.uint8,
            buffer=self._map,
            offset=self._layout.offset_bytes,
            strides=(self._layout.stride_bytes, 4, 1),
        )

    def _hide_pointer(self, connection: XConnection) -> None:
        """Stops Xvfb from drawing the pointer into the framebuffer for as long as this connection lives.

        Xvfb draws the pointer without reporting damage, unless it was started with `-nocursor`. XFixes still
        reports the shape of a hidden pointer.
        """
        connection.x(xcffib.xfixes.key).HideCursor(connection.root)
        connection.core.GetInputFocus().reply()

    def _require_open(self) -> DamageFeed:
        if self._feed is None:
            raise CaptureError("The frame source is not open.")
        return self._feed
