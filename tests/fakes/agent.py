"""An agent in the test's process: it shows a screen that the test draws on, and records all input."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from display_server.agent.agent import Agent
from display_server.agent.capture.synthetic import SyntheticSource
from display_server.agent.clipboard.desktop_clipboard import DesktopClipboard
from display_server.agent.cursor.cursor_source import CursorShape
from display_server.agent.geometry import Frame, Rect
from display_server.agent.transport.host_network import HostNetworkError
from display_server.agent.transport.peer_check import PeerCheck
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.video_settings import VideoSettings
from display_server.desktop.x11.monitors import SCREEN_MAX, Monitor, bounding_size, normalise_layout
from display_server.desktop.x11.screen_layout import Arrangement
from display_server.errors import LayoutError, Malfunction
from display_server.protocol.close_codes import CloseCode
from display_server.protocol.messages import IceServer
from tests.fakes.viewer import SECRET


class LoopbackNetworks:
    """HostNetworks, and the HostNetwork of every viewer: binds sockets on 127.0.0.1, or fails as told."""

    def __init__(self, *, error: str = "", servers: Sequence[IceServer] = ()) -> None:
        self.error = error
        self.servers = list(servers)
        #: The sockets that were given.
        self.opened: list[socket.socket] = []

    def of(self, viewer: str) -> LoopbackNetworks:
        return self

    async def open_sockets(self) -> list[socket.socket]:
        if self.error:
            raise HostNetworkError(self.error)
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind(("127.0.0.1", 0))
        self.opened.append(one)
        return [one]

    async def relays(self) -> list[IceServer]:
        if self.error:
            raise HostNetworkError(self.error)
        return self.servers


class FakeCursor:
    """A CursorSource whose shape and position the test sets."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._shape = CursorShape(2, 3, 1, 2, np.full((3, 2, 4), 200, np.uint8))
        self.position_px = (0, 0)

    def set_shape(self, shape: CursorShape) -> None:
        self._shape = shape
        self._changed.set()

    async def open(self) -> None: ...

    async def wait(self) -> None:
        await self._changed.wait()

    def shape(self) -> CursorShape:
        self._changed.clear()
        return self._shape

    def position(self) -> tuple[int, int]:
        return self.position_px

    async def close(self) -> None: ...


class FakeCaret:
    """A CaretSource that the test moves."""

    def __init__(self) -> None:
        self.caret: tuple[int, int, int, int] | None = None
        self.on_changed: Callable[[], None] = lambda: None

    def move(self, caret: tuple[int, int, int, int] | None) -> None:
        self.caret = caret
        self.on_changed()

    async def open(self) -> None: ...

    async def close(self) -> None: ...


class RecordingInput:
    """The InputDevice, and the InputSink of all viewers. `done` records each call; raises while `broken`."""

    def __init__(self) -> None:
        self.done: list[tuple[object, ...]] = []
        self.broken = False
        self.on_lost: Callable[[], None] = lambda: None
        self.on_modifier_missing: Callable[[], None] = lambda: None

    async def open(self) -> None: ...

    def open_session(self) -> RecordingInput:
        return self

    async def close(self) -> None: ...

    def pointer(self, x_px: int, y_px: int, buttons: int) -> None:
        self._record("pointer", x_px, y_px, buttons)

    def wheel(self, dx: int, dy: int) -> None:
        self._record("wheel", dx, dy)

    def key(self, keysym: int, code: str, *, down: bool) -> None:
        self._record("key", keysym, code, down)

    def text(self, text: str) -> None:
        self._record("text", text)

    def release(self) -> None:
        self.done.append(("release",))

    def _record(self, *call: object) -> None:
        if self.broken:
            raise Malfunction("The X server does not take input.")
        self.done.append(call)


class FakeLayout:
    """The ScreenLayout of a synthetic screen. Applies every request while it is `adjustable`."""

    def __init__(self, source: SyntheticSource, monitors: Sequence[Monitor] = ()) -> None:
        self._changed = asyncio.Event()
        self.monitors = tuple(monitors) or (
            Monitor(0, 0, 0, source.width_px, source.height_px, primary=True),
        )
        self.adjustable = True
        self.scale_percent = 100
        self.requests = 0
        #: The number of windows on each monitor.
        self.windows: dict[int, int] = {}

    def put(self, *monitors: Monitor) -> None:
        """Arranges the monitors as another client of the X server would."""
        self.monitors = monitors
        self._changed.set()

    async def open(self) -> None: ...

    async def read(self) -> Arrangement:
        self._changed.clear()
        return Arrangement(*bounding_size(self.monitors), self.monitors, SCREEN_MAX)

    async def wait_for_change(self) -> None:
        await self._changed.wait()

    async def apply(self, monitors: Sequence[Monitor], scale_percent: int | None) -> None:
        self.requests += 1
        if not self.adjustable:
            raise LayoutError("The monitors of an attached display cannot be changed from here.")
        self.put(*normalise_layout(monitors, SCREEN_MAX))
        self.scale_percent = scale_percent or self.scale_percent

    async def gather(self, monitor: int, target: int) -> int:
        count = self.windows.pop(monitor, 0)
        self.windows[target] = self.windows.get(target, 0) + count
        return count

    async def close(self) -> None: ...


class TornSource(SyntheticSource):
    """A source that a program draws on while it is read: the top rows, during the next `times` reads."""

    def __init__(self, width_px: int, height_px: int) -> None:
        super().__init__(width_px, height_px)
        self.times = 0
        self.colour = 0

    @property
    def current(self) -> Frame:
        """The screen as it is now, without a program that draws meanwhile."""
        return self._frame

    def read(self, damage: object) -> Frame:
        frame = super().read(())
        if self.times:
            self.times -= 1
            self.colour += 1
            self.fill(Rect(0, 0, self.width_px, 8), 0x101010 * (self.colour % 15))
        return frame


@dataclass(frozen=True)
class RunningAgent:
    """An agent that listens on `socket`, and the fakes that it was given."""

    agent: Agent
    socket: Path
    source: SyntheticSource
    cursor: FakeCursor
    input: RecordingInput
    layout: FakeLayout
    caret: FakeCaret

    @property
    def frame(self) -> Frame:
        """What the screen shows now, (height, width, 4)."""
        return self.source.read(())


@contextlib.asynccontextmanager
async def running_agent(
    source: SyntheticSource | None = None,
    monitors: Sequence[Monitor] = (),
    *,
    clipboard: DesktopClipboard | None = None,
    clipboard_policy: ClipboardPolicy = ClipboardPolicy(),  # noqa: B008 - frozen
    share: bool = False,
    fixed: bool = False,
    video: VideoSettings = VideoSettings(),  # noqa: B008 - frozen
    uids: Sequence[int] = (),
) -> AsyncIterator[RunningAgent]:
    """Yields as soon as the agent listens. Raises at the end what `run` raised.

    The screen has one monitor of 640 × 400 px, unless a source or monitors are given.
    """
    if source is None:
        source = SyntheticSource(*(bounding_size(monitors) if monitors else (640, 400)))
    with tempfile.TemporaryDirectory(prefix="agent-") as folder:
        path = Path(folder) / "agent.sock"
        cursor, device = FakeCursor(), RecordingInput()
        layout, caret = FakeLayout(source, monitors), FakeCaret()
        agent = Agent(
            session="session",
            desktop="desktop",
            socket=path,
            peers=PeerCheck(SECRET, uids),
            source=source,
            cursor=cursor,
            device=device,
            layout=layout,
            caret=caret,
            clipboard=clipboard,
            clipboard_policy=clipboard_policy,
            share=share,
            fixed=fixed,
            video=video,
            networks=LoopbackNetworks(),
        )
        task = asyncio.create_task(agent.run())
        try:
            while not path.exists():
                await asyncio.sleep(0.002)
                if task.done():
                    break
            yield RunningAgent(agent, path, source, cursor, device, layout, caret)
        finally:
            agent.stop()
            try:
                await task
            finally:
                await agent.close_viewers(CloseCode.GOING_AWAY, "over")
