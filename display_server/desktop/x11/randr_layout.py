"""The ScreenLayout of an X display: blocking RandR calls run in a thread, events arrive on the loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

import xcffib.randr
import xcffib.xproto

from display_server.desktop.x11.framebuffer import apply_monitors
from display_server.desktop.x11.monitors import Monitor
from display_server.desktop.x11.randr import Randr
from display_server.desktop.x11.screen_layout import Arrangement
from display_server.desktop.x11.text_scale import TextScale
from display_server.desktop.x11.window_fit import WindowRule
from display_server.desktop.x11.window_placement import WindowPlacement
from display_server.desktop.x11.x_connection import XConnection
from display_server.errors import CaptureError, LayoutError

#: One change causes several events within this time, s. `wait_for_change` waits for all of them.
SETTLE_S = 0.02
#: How long `close` waits for an answer of the X server, s. One that has hung up never answers.
CLOSE_WITHIN_S = 2.0

T = TypeVar("T")


class Closable(Protocol):
    """A connection to the X server."""

    def close(self) -> None:
        """Disconnects. Safe to call twice."""


class RandrLayout:
    """The monitors, windows and text scale of one X display.

    `framebuffer_folder` is that of the Xvfb that Lightbox started; None for an attached display, which can
    only be read. `rules` say where the windows of the profile's programs belong.
    """

    def __init__(
        self,
        display: str,
        xauthority: Path | None,
        framebuffer_folder: Path | None,
        rules: Sequence[WindowRule] = (),
    ) -> None:
        self._display = display
        self._xauthority = xauthority
        self._framebuffer_folder = framebuffer_folder
        self._rules = rules
        self._connection: XConnection | None = None
        self._randr: Randr | None = None
        self._placement: WindowPlacement | None = None
        self._placing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="monitors")
        self._changed = asyncio.Event()
        self._scale: TextScale | None = None
        self._closed = False

    async def open(self) -> None:
        connection = XConnection(self._display, self._xauthority, failure=CaptureError)
        self._connection = connection
        randr = connection.extension(xcffib.randr, "RANDR")
        randr.QueryVersion(1, 5).reply()
        mask = xcffib.randr.NotifyMask
        randr.SelectInput(connection.root, mask.ScreenChange | mask.CrtcChange | mask.OutputChange)
        # Monitors that are set on top of an output cause only this event.
        connection.core.ChangeWindowAttributes(
            connection.root, xcffib.xproto.CW.EventMask, [xcffib.xproto.EventMask.StructureNotify]
        )
        connection.on_event = self._on_event
        connection.on_lost = lambda _error: self._changed.set()
        connection.watch()
        self._randr = await self._in_thread(
            lambda: Randr(self._display, self._xauthority, failure=CaptureError)
        )
        if self.adjustable:
            randr_reader = self._randr
            self._placement = WindowPlacement(
                self._display,
                self._xauthority,
                self._rules,
                lambda: randr_reader.read().monitors,
                self._thread,
            )
            await self._placement.open()
            self._placing = asyncio.create_task(self._placement.run())
            self._placing.add_done_callback(lambda _task: self._changed.set())
            self._scale = await self._in_thread(lambda: TextScale(self._display, self._xauthority))

    @property
    def adjustable(self) -> bool:
        return self._framebuffer_folder is not None

    @property
    def scale_percent(self) -> int:
        return self._scale.percent if self._scale is not None else 100

    async def read(self) -> Arrangement:
        self._changed.clear()
        return await self._in_thread(self._opened_randr().read)

    async def wait_for_change(self) -> None:
        await self._changed.wait()
        if self._connection is not None:
            self._connection.ensure_alive()
        if self._placing is not None and self._placing.done():
            self._placing.result()
        await asyncio.sleep(SETTLE_S)

    async def apply(self, monitors: Sequence[Monitor], scale_percent: int | None) -> None:
        randr, folder = self._opened_randr(), self._framebuffer_folder
        placement, scale = self._placement, self._scale
        if folder is None or placement is None or scale is None:
            raise LayoutError("The monitors of an attached display cannot be changed from here.")
        await placement.update()  # the places before the window manager reacts

        def change() -> None:
            apply_monitors(randr, monitors, folder)
            if scale_percent is not None and scale_percent != scale.percent:
                scale.set(scale_percent)

        await self._in_thread(change)
        placement.notify()

    async def gather(self, monitor: int, target: int) -> int:
        return await self._placement.gather(monitor, target) if self._placement is not None else 0

    async def close(self) -> None:
        if self._placing is not None:
            self._placing.cancel()
            with contextlib.suppress(asyncio.CancelledError, CaptureError):
                await self._placing
        if self._closed:
            return
        self._closed = True
        parts: list[Closable | None] = [self._connection]
        # A connection must not be closed while the thread waits for a reply on it.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._in_thread(lambda: None)
            parts += [self._scale, self._placement, self._randr]
        self._thread.shutdown(wait=False, cancel_futures=True)
        for part in parts:
            if part is not None:
                part.close()
        self._changed.set()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _on_event(self, event: Any) -> None:
        root = self._connection is not None and self._connection.root
        if isinstance(event, xcffib.randr.NotifyEvent | xcffib.randr.ScreenChangeNotifyEvent) or (
            isinstance(event, xcffib.xproto.ConfigureNotifyEvent) and event.window == root
        ):
            self._changed.set()

    def _opened_randr(self) -> Randr:
        if self._randr is None:
            raise CaptureError("The screen layout is not open.")
        return self._randr
