"""One desktop's agent: screen, viewers, input and monitors, wired together."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import structlog

from display_server.agent.capture.frame_source import FrameSource
from display_server.agent.clipboard.desktop_clipboard import DesktopClipboard
from display_server.agent.cursor.cursor_image import cursor_message
from display_server.agent.cursor.cursor_source import CursorSource
from display_server.agent.device_ownership import DeviceOwnership
from display_server.agent.input.input_sink import InputSink
from display_server.agent.pipeline.monitor_frame import MonitorFrame
from display_server.agent.pipeline.screen import Screen
from display_server.agent.streams.video_factory import VideoFactory
from display_server.agent.transport.viewer_socket import ViewerHandler, ViewerIdentity, ViewerSocket
from display_server.agent.transport.websocket import ViewerServer
from display_server.agent.viewer.viewer import Viewer
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.video_settings import VideoSettings
from display_server.desktop.x11.monitors import Monitor
from display_server.desktop.x11.screen_layout import ScreenLayout
from display_server.errors import LayoutError
from display_server.protocol import messages as m
from display_server.protocol.errors import ProtocolError
from display_server.protocol.notice_codes import NoticeCode
from display_server.telemetry.metrics import AgentMetrics

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
        layout: ScreenLayout,
        clipboard: DesktopClipboard | None = None,
        clipboard_policy: ClipboardPolicy = ClipboardPolicy(),  # noqa: B008 - frozen
        share: bool = False,
        fixed: bool = False,
        video: VideoSettings = VideoSettings(),  # noqa: B008 - frozen
    ) -> None:
        self.session = session
        self.desktop = desktop
        self.metrics = AgentMetrics(viewers=lambda: len(self._viewers))
        self._source = source
        self._cursor = cursor
        self._device = device
        self.clipboard = clipboard
        self.clipboard_policy = clipboard_policy
        self._holder = DeviceOwnership(share=share)
        self._fixed = fixed
        self.video = VideoFactory(video)
        self._video_wanted = asyncio.Event()
        self._layout = layout
        self.seed = secrets.randbits(64)
        self._viewers: dict[Viewer, None] = {}  # in order of arrival
        self._shape: m.Cursor | None = None
        self._pointer: tuple[int, int] | None = None
        self._pointed_s = 0.0
        self._looked_s = 0.0
        self._pointed_by: Viewer | None = None
        self._pointer_timer: asyncio.TimerHandle | None = None
        self._pages = {"/metrics": self._metrics_page, "/healthz": self._health_page}
        self._server = ViewerServer(socket, self._join, self._pages)
        self._stopping = asyncio.Event()
        self._order: tuple[Viewer, m.Layout] | None = None
        self._ordered = asyncio.Event()
        self._arranging = asyncio.Lock()
        self._screen_max = 0, 0
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
            if self.clipboard is not None:
                self.clipboard.on_copied = self._copied
                await self.clipboard.open()
            await self._layout.open()
            self._screen = Screen(self._source, self.seed, lambda: self._viewers, self.metrics, self._clock)
            await self._arrange()
            await self._server.start()
            log.info(
                "agent ready",
                session=self.session,
                width_px=self._source.width_px,
                height_px=self._source.height_px,
                monitors=len(self.pictures),
            )
            parts = (
                self._screen.run(),
                self._follow_cursor(),
                self._follow_layout(),
                self._take_orders(),
                self._load_video(),
                self._tick(),
                self._until_stopped(),
            )
            tasks = [asyncio.create_task(part) for part in parts]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._layout.close()
            if self.clipboard is not None:
                await self.clipboard.close()
            await self._device.close()
            await self._cursor.close()
            await self._source.close()

    def stop(self) -> None:
        self._stopping.set()

    async def close_viewers(self, code: int, reason: str) -> None:
        """After `run`: tells the viewers why, and listens no more."""
        await self._server.stop(code, reason)

    # ── Surroundings ─────────────────────────────────────────────────────────────────────────────────

    @property
    def pictures(self) -> Mapping[int, MonitorFrame]:
        return self._screen.pictures

    @property
    def size_px(self) -> tuple[int, int]:
        return self._screen.width_px, self._screen.height_px

    def layout(self, viewer: Viewer) -> m.Monitors:
        places = (picture.monitor for picture in self.pictures.values())
        return m.Monitors(
            monitors=[
                m.MonitorLayout(place.id, place.x, place.y, place.width, place.height, place.primary)
                for place in sorted(places, key=lambda place: place.id)
            ],
            screen_max=self._screen_max if self._layout.adjustable else None,
            scale=self._layout.scale_percent,
            sizes="fixed" if self._fixed else "window" if self._holder.leads(viewer.device) else "other",
        )

    def wake(self, monitor: int) -> None:
        self._screen.wake(monitor)

    def picture_known(self, monitor: int) -> bool:
        return self._screen.known(monitor)

    def ordered(self, viewer: Viewer, layout: m.Layout) -> None:
        """The latest order counts: a window that is resized by hand makes many."""
        self._order = viewer, layout
        self._ordered.set()

    def admitted(self, viewer: Viewer, hello: m.Hello) -> bool:
        present = {other.device for other in self._viewers if other.greeted and other is not viewer}
        if not self._holder.arrived(viewer.device, hello.device, present, resume=hello.resume):
            viewer.dismiss(self._holder.name)
            return False
        for other in list(self._viewers):
            if other.greeted and not self._holder.has(other.device):
                other.dismiss(hello.device)
        return True

    def greeted(self, viewer: Viewer) -> None:
        self.metrics.viewers_joined += 1
        if self._shape is not None:
            viewer.tell_cursor(self._shape)

    def want_video(self) -> None:
        self._video_wanted.set()

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

    def _join(self, socket: ViewerSocket, visitor: ViewerIdentity) -> ViewerHandler:
        viewer = Viewer(socket, visitor, self._device.holder(), self, self._clock)
        self._viewers[viewer] = None
        return viewer

    def _copied(self) -> None:
        for viewer in self._viewers:
            viewer.tell_clipboard()

    def _show_pointer(self) -> None:
        self._pointer_timer = None
        if self._pointer is not None:
            self._tell_pointer(*self._pointer, besides=self._pointed_by)

    def _tell_pointer(self, x_px: int, y_px: int, *, besides: Viewer | None) -> None:
        for viewer in self._viewers:
            if viewer is not besides:
                viewer.tell_pointer(x_px, y_px)

    async def _arrange(self) -> None:
        """Follows the X server's monitors, whoever arranged them."""
        async with self._arranging:
            now = await self._layout.read()
            self._screen_max = now.screen_max
            if await self._screen.arrange(now.monitors, now.width_px, now.height_px):
                for viewer in list(self._viewers):
                    viewer.arranged()

    async def _follow_layout(self) -> None:
        while True:
            await self._layout.wait_for_change()
            await self._arrange()

    async def _take_orders(self) -> None:
        while True:
            await self._ordered.wait()
            self._ordered.clear()
            assert self._order is not None
            viewer, layout = self._order
            before = self.layout(viewer)
            try:
                places = [Monitor(p.id, p.x, p.y, p.width, p.height, p.primary) for p in layout.monitors]
                await self._layout.apply(places, layout.scale)
            except LayoutError as error:
                viewer.tell_notice(NoticeCode.LAYOUT_REFUSED, str(error))
                continue
            finally:
                # What was tried and taken back may have been seen as well.
                await self._arrange()
            log.info("monitors arranged", viewer=viewer.id, monitors=len(places), scale=layout.scale)
            if self.layout(viewer) != before:
                continue
            viewer.arranged()  # as it was already: who asked is told

    async def _load_video(self) -> None:
        if self.video.eager:
            self._video_wanted.set()
        await self._video_wanted.wait()
        possible = await self.video.load()
        for viewer in list(self._viewers):
            if possible:
                viewer.begin_video()
            else:
                viewer.scout = None
        await self._until_stopped()

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
            present = dict.fromkeys(viewer.device for viewer in self._viewers if viewer.greeted)
            if self._holder.second(present, now_s):
                for viewer in list(self._viewers):
                    viewer.arranged()
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
