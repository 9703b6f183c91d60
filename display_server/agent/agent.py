"""The agent of one desktop: wires screen, viewers, input, cursor, clipboard and monitors together."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec
import structlog

from display_server.agent.capture.frame_source import FrameSource
from display_server.agent.clipboard.desktop_clipboard import DesktopClipboard
from display_server.agent.connected_viewers import ConnectedViewers
from display_server.agent.cursor.cursor_source import CursorSource
from display_server.agent.device_activity import DeviceActivity
from display_server.agent.device_ownership import DeviceOwnership
from display_server.agent.heartbeat import Heartbeat
from display_server.agent.input.input_sink import InputSink
from display_server.agent.layout_control import LayoutControl
from display_server.agent.pipeline.screen import Screen
from display_server.agent.pointer_tracker import PointerTracker
from display_server.agent.streams.video_factory import VideoFactory
from display_server.agent.transport.host_network import HostNetworks
from display_server.agent.transport.peer_check import PeerCheck
from display_server.agent.transport.viewer_socket import ViewerHandler, ViewerIdentity, ViewerSocket
from display_server.agent.transport.websocket import ViewerServer
from display_server.agent.viewer.viewer import Viewer
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.session_policy import SessionPolicy
from display_server.desktop.video_settings import VideoSettings
from display_server.desktop.x11.screen_layout import ScreenLayout
from display_server.protocol import messages as m
from display_server.protocol.agent_pages import DEVICES_PATH, MESSAGE_PATH
from display_server.protocol.notice_codes import NoticeCode
from display_server.telemetry.metrics import AgentMetrics

log = structlog.get_logger(__name__)

PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: The supervisor asks for the agent's health once per second. After this time without a question, s, it is
#: silent.
SUPERVISOR_SILENT_AFTER_S = 3.0
TEXT_CONTENT_TYPE = "text/plain; charset=utf-8"
JSON_CONTENT_TYPE = "application/json"


class InputDevice(Protocol):
    """Creates one InputSink per viewer, so that keys a viewer holds are released when it disconnects."""

    async def open(self) -> None:
        """Connects. Raises Malfunction."""

    def open_session(self) -> InputSink:
        """Creates the InputSink of a new viewer."""

    async def close(self) -> None: ...


class WindowManager(Protocol):
    """Finds out whether the window manager answers."""

    async def open(self) -> None:
        """Connects. Raises Malfunction."""

    async def run(self) -> None:
        """Asks the window manager regularly, until it is cancelled. Raises Malfunction."""

    def is_silent(self) -> bool:
        """Returns whether the window manager has not answered for some seconds."""

    async def close(self) -> None: ...


class CaretSource(Protocol):
    """Knows where text is entered on the desktop."""

    #: Rectangle on the screen, px: x, y, width, height. None while no program reports it.
    caret: tuple[int, int, int, int] | None
    #: Called after `caret` changed.
    on_changed: Callable[[], None]

    async def open(self) -> None:
        """Connects. Raises Malfunction."""

    async def close(self) -> None: ...


class Agent:
    """`run` serves viewers until `stop` is called or the screen cannot be captured any more.

    `peers` decides who may connect to `socket`. `networks` gives each viewer's video access to the network.
    `patience` multiplies the times after which a part of the
    desktop counts as silent and input as late.

    Implements the DesktopState and the ViewerEvents of its viewers.
    """

    def __init__(
        self,
        *,
        session: str,
        desktop: str,
        socket: Path,
        peers: PeerCheck,
        source: FrameSource,
        cursor: CursorSource,
        device: InputDevice,
        layout: ScreenLayout,
        window_manager: WindowManager | None = None,
        caret: CaretSource | None = None,
        clipboard: DesktopClipboard | None = None,
        clipboard_policy: ClipboardPolicy = ClipboardPolicy(),  # noqa: B008 - frozen
        share: bool = False,
        fixed: bool = False,
        patience: float = 1.0,
        video: VideoSettings = VideoSettings(),  # noqa: B008 - frozen
        networks: HostNetworks,
    ) -> None:
        self._source = source
        self._cursor = cursor
        self._device = device
        self._layout = layout
        self._window_manager = window_manager
        self._caret = caret
        # Not the loop's clock: uvloop counts in whole milliseconds.
        self._clock = time.monotonic
        self._stopping = asyncio.Event()
        self._supervisor_heard_s: float | None = None  # when the supervisor last asked for the health
        self.patience = patience
        self.session = session
        self.desktop = desktop
        self.digest_seed = secrets.randbits(64)
        self.clipboard = clipboard
        self.policy = SessionPolicy.configured(clipboard_policy, share=share)
        self.metrics = AgentMetrics(viewers=lambda: len(self.viewers))
        self.video = VideoFactory(video, networks)
        self.screen = Screen(source, self.digest_seed, self.metrics, self._clock)
        ownership = DeviceOwnership(share=share)
        self._devices = DeviceActivity()
        self.viewers = ConnectedViewers(ownership, self._devices, self.metrics, self._clock)
        self._heartbeat = Heartbeat(
            self.screen,
            lambda: [viewer for viewer in self.viewers if viewer.welcomed],
            self._silent_parts,
            self._clock,
            patience=patience,
        )
        self._pointer = PointerTracker(cursor, self.viewers, self._clock)
        self._layout_control = LayoutControl(layout, self.screen, self.viewers, ownership, fixed=fixed)
        pages = {
            "/metrics": self._metrics_page,
            "/healthz": self._health_page,
            DEVICES_PATH: self._devices_page,
            MESSAGE_PATH: self._message_page,
        }
        self._server = ViewerServer(socket, peers, self._connect, pages, self._use_policy)

    async def run(self) -> None:
        """Raises CaptureError when the X server is gone, Malfunction when it cannot be used."""
        tasks: list[asyncio.Task[None]] = []
        try:
            # These ask the X server one after the other: the requests are few and answered at once.
            await self._source.open()
            await self._cursor.open()
            await self._device.open()
            if self.clipboard is not None:
                self.clipboard.on_copied = self._notify_clipboard
                await self.clipboard.open()
            if self._caret is not None:
                self._caret.on_changed = self._notify_caret
                await self._caret.open()
            await self._layout.open()
            await self._layout_control.refresh()
            await self._server.start()
            log.info(
                "agent ready",
                session=self.session,
                width_px=self._source.width_px,
                height_px=self._source.height_px,
                monitors=len(self.screen.frames),
            )
            parts = (
                self.screen.run(),
                self._pointer.run(),
                self._heartbeat.run(),
                self._layout_control.follow(),
                self._layout_control.apply_requests(),
                self._load_video(),
                self._ask_window_manager(),
                self._run_every_second(),
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
            if self._window_manager is not None:
                await self._window_manager.close()
            await self._layout.close()
            if self._caret is not None:
                await self._caret.close()
            if self.clipboard is not None:
                await self.clipboard.close()
            await self._device.close()
            await self._cursor.close()
            await self._source.close()

    def stop(self) -> None:
        """Ends `run`."""
        self._stopping.set()

    async def close_viewers(self, code: int, reason: str) -> None:
        """Tells the viewers why the agent ended, and stops to listen. Called after `run`."""
        await self._server.stop(code, reason)

    # ── DesktopState and ViewerEvents ────────────────────────────────────────────────────────────────

    def monitors_message(self, device: str) -> m.Monitors:
        return self._layout_control.message_for(device)

    def admit(self, viewer: Viewer, hello: m.Hello) -> bool:
        return self.viewers.admit(viewer, hello)

    def on_welcomed(self, viewer: Viewer) -> None:
        self.metrics.viewers_joined += 1
        self._pointer.on_welcomed(viewer)
        self._layout_control.limit(viewer)
        if self._caret is not None and self._caret.caret is not None:
            viewer.notify_caret(m.Caret(*self._caret.caret))
        self._heartbeat.beat()

    def on_pointer_moved(self, viewer: Viewer, x_px: int, y_px: int) -> None:
        self._pointer.on_pointer_moved(viewer, x_px, y_px)

    def on_activity(self, viewer: Viewer) -> None:
        self._devices.on_input(viewer.device, self._clock())

    def on_layout_requested(self, viewer: Viewer, layout: m.Layout) -> None:
        self._layout_control.request(viewer, layout)

    def on_gather_requested(self, viewer: Viewer, monitor: int, own: int) -> None:
        self._layout_control.request_gathering(viewer, monitor, own)

    def on_disconnected(self, viewer: Viewer) -> None:
        self.viewers.remove(viewer)
        self._pointer.on_disconnected(viewer)

    # ── private ──────────────────────────────────────────────────────────────────────────────────────

    def _connect(self, socket: ViewerSocket, identity: ViewerIdentity) -> ViewerHandler:
        viewer = Viewer(socket, identity, self._device.open_session(), self, self, self.metrics, self._clock)
        self.viewers.add(viewer)
        self.viewers.allow_copying(self.clipboard, self.policy.clipboard)
        return viewer

    def _use_policy(self, device: str, policy: SessionPolicy) -> None:
        """Replaces what the viewers of a device may do, because the broker says so."""
        for viewer in self.viewers.use_policy(device, policy):
            if viewer.welcomed:
                self._layout_control.limit(viewer)
        self.viewers.allow_copying(self.clipboard, self.policy.clipboard)

    def _notify_clipboard(self) -> None:
        for viewer in self.viewers:
            viewer.notify_clipboard()

    def _notify_caret(self) -> None:
        caret = self._caret.caret if self._caret is not None else None
        message = m.Caret(*(caret or (0, 0, 0, 0)))
        for viewer in self.viewers:
            viewer.notify_caret(message)

    async def _load_video(self) -> None:
        await self.video.run()
        await self._until_stopped()  # `run` of the agent ends with the first of its tasks

    async def _ask_window_manager(self) -> None:
        if self._window_manager is not None:
            await self._window_manager.open()
            await self._window_manager.run()
        await self._until_stopped()

    async def _run_every_second(self) -> None:
        """Does what is due by time alone. Nothing of a frame's path is here."""
        while True:
            await asyncio.sleep(1.0)
            now_s = self._clock()
            self._pointer.on_second(now_s)
            self.viewers.on_second(now_s)

    async def _until_stopped(self) -> None:
        await self._stopping.wait()

    async def _metrics_page(self) -> tuple[str, bytes]:
        return PROMETHEUS_CONTENT_TYPE, await asyncio.to_thread(self.metrics.render)

    async def _devices_page(self) -> tuple[str, bytes]:
        return JSON_CONTENT_TYPE, msgspec.json.encode(self._devices.reports(self._clock()))

    async def _message_page(self) -> tuple[str, bytes]:
        """The broker has a message for the person: their pages ask for it."""
        for viewer in self.viewers:
            if viewer.welcomed:
                viewer.notify_notice(NoticeCode.MESSAGE_WAITING, "Your administrator has a message for you.")
        return TEXT_CONTENT_TYPE, b"notified\n"

    def _silent_parts(self, now_s: float) -> list[m.SilentPart]:
        """Returns the parts of the desktop, besides the X server, that do not answer."""
        silent: list[m.SilentPart] = []
        # An agent that runs without a supervisor was never asked.
        heard_s = self._supervisor_heard_s
        if heard_s is not None and now_s - heard_s > SUPERVISOR_SILENT_AFTER_S * self.patience:
            silent.append("supervisor")
        if self._window_manager is not None and self._window_manager.is_silent():
            silent.append("window-manager")
        return silent

    async def _health_page(self) -> tuple[str, bytes]:
        self._supervisor_heard_s = self._clock()
        return TEXT_CONTENT_TYPE, b"well\n"
