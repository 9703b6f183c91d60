"""An Xvfb's framebuffer, read where the server keeps it: a file of `-fbdir`, mapped into our memory."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xcffib.xfixes

from display_server.agent.capture.damage import DamageFeed
from display_server.agent.capture.frame_source import Picture, Rect
from display_server.desktop.x11.framebuffer_file import SCREEN_FILE, Framebuffer, parse_header
from display_server.desktop.x11.x_connection import XConnection
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
        self._layout: Framebuffer | None = None
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
        self._layout = layout
        self._look_at(shape.width, shape.height)
        self._feed = DamageFeed(connection, shape.width, shape.height)
        self._take_out_the_pointer(connection)
        connection.on_event = self._feed.on_event
        connection.on_lost = lambda _error: self._feed.on_lost() if self._feed else None
        connection.watch()

    async def wait(self) -> None:
        await self._opened().wait()

    def resize(self, width_px: int, height_px: int) -> None:
        feed = self._opened()
        if self._layout is None or width_px > self._layout.width_px or height_px > self._layout.height_px:
            raise CaptureError(f"{self._file} has no room for a screen of {width_px}×{height_px}.")
        self._look_at(width_px, height_px)
        feed.resize(width_px, height_px)

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

    def _look_at(self, width_px: int, height_px: int) -> None:
        """A screen that RandR made smaller than it was at the start keeps its rows as far apart."""
        assert self._layout is not None, "only once it is open"
        assert self._map is not None
        self._picture = np.ndarray(
            (height_px, width_px, 4),
            np.uint8,
            buffer=self._map,
            offset=self._layout.offset_bytes,
            strides=(self._layout.stride_bytes, 4, 1),
        )

    def _take_out_the_pointer(self, connection: XConnection) -> None:
        """Xvfb paints the pointer into the framebuffer, without damage, unless started with `-nocursor`.

        Hidden for as long as this connection lives. XFixes still tells its shape.
        """
        connection.x(xcffib.xfixes.key).HideCursor(connection.root)
        connection.core.GetInputFocus().reply()

    def _opened(self) -> DamageFeed:
        if self._feed is None:
            raise CaptureError("The source is not open.")
        return self._feed
