"""An Xvfb's framebuffer, read where the server keeps it: a file of `-fbdir`, mapped into our memory."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xcffib.xfixes
import xcffib.xproto

from display_server.capture.damage import DamageFeed
from display_server.capture.frame_source import Picture, Rect
from display_server.capture.framebuffer_file import SCREEN_FILE, parse_header
from display_server.desktop.x_connection import XConnection
from display_server.errors import CaptureError


class XvfbSource:
    """The FrameSource of an Xvfb started with `-fbdir framebuffer_folder`. Reading copies nothing."""

    def __init__(self, display: str, xauthority: Path | None, framebuffer_folder: Path) -> None:
        self._display = display
        self._xauthority = xauthority
        self._file = framebuffer_folder / SCREEN_FILE
        self._connection: XConnection | None = None
        self._feed: DamageFeed | None = None
        self._map: mmap.mmap | None = None
        self._picture: Picture = np.zeros((0, 0, 4), np.uint8)

    @property
    def width_px(self) -> int:
        return int(self._picture.shape[1])

    @property
    def height_px(self) -> int:
        return int(self._picture.shape[0])

    async def open(self) -> None:
        try:
            with self._file.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise CaptureError(f"The framebuffer {self._file} cannot be read: {error}") from error
        connection = XConnection(self._display, self._xauthority, failure=CaptureError)
        self._connection = connection
        layout = parse_header(self._map)  # type: ignore[arg-type]  # a map reads like bytes, and is not copied
        shape = connection.core.GetGeometry(connection.root).reply()
        if shape.width > layout.width_px or shape.height > layout.height_px:
            raise CaptureError(
                f"The screen of {self._display} is larger than {self._file}: not the same server?"
            )
        # RandR may have made the screen smaller than it was at the start; rows stay as far apart.
        self._picture = np.ndarray(
            (shape.height, shape.width, 4),
            np.uint8,
            buffer=self._map,
            offset=layout.offset_bytes,
            strides=(layout.stride_bytes, 4, 1),
        )
        self._feed = DamageFeed(connection, shape.width, shape.height)
        self._take_out_the_pointer(connection)
        connection.on_event = self._on_event
        connection.on_lost = lambda _error: self._feed.on_lost() if self._feed else None
        connection.watch()

    async def wait(self) -> None:
        await self._opened().wait()

    def take_damage(self) -> Sequence[Rect]:
        return self._opened().take()

    def read(self, damage: Sequence[Rect]) -> Picture:  # noqa: ARG002 - the whole map is always up to date
        return self._picture

    async def disturbed(self, damage: Sequence[Rect]) -> bool:
        return await self._opened().disturbed(damage)

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        # Pictures that were handed out keep the map alive; it goes with the last of them.
        self._map, self._picture = None, np.zeros((0, 0, 4), np.uint8)

    def _take_out_the_pointer(self, connection: XConnection) -> None:
        """Xvfb paints the pointer into the framebuffer, without damage, unless started with `-nocursor`.

        Hidden for as long as this connection lives. XFixes still tells its shape.
        """
        connection.x(xcffib.xfixes.key).HideCursor(connection.root)
        connection.core.ChangeWindowAttributes(
            connection.root,
            xcffib.xproto.CW.EventMask,
            [xcffib.xproto.EventMask.StructureNotify],
        )
        connection.core.GetInputFocus().reply()

    def _on_event(self, event: Any) -> None:
        connection = self._connection
        if (
            connection
            and isinstance(event, xcffib.xproto.ConfigureNotifyEvent)
            and event.window == connection.root
        ):
            if (event.width, event.height) != (self.width_px, self.height_px):
                connection.lose(f"The screen of {self._display} became {event.width}×{event.height}.")
        elif self._feed is not None:
            self._feed.on_event(event)

    def _opened(self) -> DamageFeed:
        if self._feed is None:
            raise CaptureError("The source is not open.")
        return self._feed
