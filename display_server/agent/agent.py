"""One desktop's agent: source, viewers, input and pipeline, wired together."""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path
from typing import Protocol

import structlog

from display_server.agent.cursor_image import cursor_message
from display_server.agent.pipeline import Pipeline
from display_server.agent.viewer import Viewer
from display_server.capture.cursor_source import CursorSource
from display_server.capture.frame_source import FrameSource
from display_server.errors import ProtocolError
from display_server.input.input_sink import InputSink
from display_server.protocol.messages import Cursor
from display_server.telemetry.metrics import AgentMetrics
from display_server.transport.viewer_socket import ViewerEnd, ViewerSocket, Visitor
from display_server.transport.websocket import ViewerServer
from display_server.update.shadow import Shadow

log = structlog.get_logger(__name__)

#: Other viewers' pointers move this often at most, s.
POINTER_EVERY_S = 1 / 30
#: A pointer that a viewer moved within this time was not moved by a program, s.
POINTER_QUIET_S = 0.3
PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


class InputDevice(Protocol):
    """Hands for viewers: one holder each."""

    async def open(self) -> None: ...

    def holder(self) -> InputSink: ...

    async def close(self) -> None: ...


class Agent:
    """`run` serves until it is told to stop or the picture is lost. The Surroundings of its viewers."""

    def __init__(
        self,
        *,
        session: str,
        desktop: str,
        socket: Path,
        source: FrameSource,
        cursor: CursorSource,
        device: InputDevice,
    ) -> None:
        self.session = session
        self.desktop = desktop
        self.metrics = AgentMetrics(viewers=lambda: len(self._viewers))
        self._source = source
        self._cursor = cursor
        self._device = device
        self._viewers: dict[Viewer, None] = {}  # in order of arrival
        self._shape: Cursor | None = None
        self._pointer: tuple[int, int] | None = None
        self._pointed_s = 0.0
        self._looked_s = 0.0
        self._pointed_by: Viewer | None = None
        self._pointer_timer: asyncio.TimerHandle | None = None
        self._pages = {"/metrics": self._metrics_page, "/healthz": self._health_page}
        self._server = ViewerServer(socket, self._join, self._pages)
        self._stopping = asyncio.Event()
        # Not the loop's: uvloop counts in whole milliseconds.
        self._clock = time.monotonic

    async def run(self) -> None:
        """Raises CaptureError when the X server is gone, Malfunction when it cannot be used."""
        tasks: list[asyncio.Task[None]] = []
        try:
            # Requests to the X server, one after the other: they are few and answered in a moment.
            await self._source.open()
            await self._cursor.open()
            await self._device.open()
            seed = secrets.randbits(64)
            self.shadow = Shadow(self._source.width_px, self._source.height_px, seed)
            self._pipeline = Pipeline(
                self._source, self.shadow, lambda: self._viewers, self.metrics, self._clock
            )
            await self._server.start()
            log.info(
                "agent ready",
                session=self.session,
                width_px=self._source.width_px,
                height_px=self._source.height_px,
            )
            parts = (self._pipeline.run(), self._follow_cursor(), self._tick(), self._until_stopped())
            tasks = [asyncio.create_task(part) for part in parts]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._device.close()
            await self._cursor.close()
            await self._source.close()

    def stop(self) -> None:
        self._stopping.set()

    async def close_viewers(self, code: int, reason: str) -> None:
        """After `run`: tells the viewers why, and listens no more."""
        await self._server.stop(code, reason)

    # ── Surroundings ─────────────────────────────────────────────────────────────────────────────────

    def wake(self) -> None:
        self._pipeline.wake()

    def picture_known(self) -> bool:
        return self._pipeline.picture_known

    def greeted(self, viewer: Viewer) -> None:
        self.metrics.viewers_joined += 1
        if self._shape is not None:
            viewer.tell_cursor(self._shape)

    def pointed(self, viewer: Viewer, x_px: int, y_px: int) -> None:
        self._pointer = (x_px, y_px)
        self._pointed_s = self._clock()
        self._pointed_by = viewer
        if len(self._viewers) > 1 and self._pointer_timer is None:
            loop = asyncio.get_running_loop()
            self._pointer_timer = loop.call_later(POINTER_EVERY_S, self._show_pointer)

    def gone(self, viewer: Viewer) -> None:
        self._viewers.pop(viewer, None)
        if self._pointed_by is viewer:
            self._pointed_by = None

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────

    def _join(self, socket: ViewerSocket, visitor: Visitor) -> ViewerEnd:
        viewer = Viewer(socket, visitor, self._device.holder(), self, self._clock)
        self._viewers[viewer] = None
        return viewer

    def _show_pointer(self) -> None:
        self._pointer_timer = None
        if self._pointer is not None:
            self._tell_pointer(*self._pointer, besides=self._pointed_by)

    def _tell_pointer(self, x_px: int, y_px: int, *, besides: Viewer | None) -> None:
        for viewer in self._viewers:
            if viewer is not besides:
                viewer.tell_pointer(x_px, y_px)

    async def _follow_cursor(self) -> None:
        while True:
            self._shape = cursor_message(self._cursor.shape())
            for viewer in self._viewers:
                viewer.tell_cursor(self._shape)
            await self._cursor.wait()

    async def _tick(self) -> None:
        """Once a second: what is due by time alone. Nothing of the picture's way is here."""
        while True:
            await asyncio.sleep(1.0)
            now_s = self._clock()
            self._look_for_warps(now_s)
            for viewer in list(self._viewers):
                try:
                    viewer.second(now_s)
                except ProtocolError as error:
                    self.metrics.violations += 1
                    viewer.close(error.close_code, str(error))

    def _look_for_warps(self, now_s: float) -> None:
        """A program that moved the pointer is noticed within a second or two; nobody waits for it."""
        if not self._viewers or now_s - self._pointed_s < POINTER_QUIET_S:
            return
        place = self._cursor.position()
        looked_s, self._looked_s = self._looked_s, now_s
        if looked_s <= self._pointed_s:
            return  # may be from before that motion; having asked makes it new for the next look
        if self._pointer is not None and place != self._pointer:
            self._tell_pointer(*place, besides=None)
        self._pointer = place

    async def _until_stopped(self) -> None:
        await self._stopping.wait()

    async def _metrics_page(self) -> tuple[str, bytes]:
        return PROMETHEUS_TEXT, await asyncio.to_thread(self.metrics.text)

    async def _health_page(self) -> tuple[str, bytes]:
        return "text/plain; charset=utf-8", b"well\n"
