"""An agent in this process, over a screen that a test draws on, with hands that only write down."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np

from display_server.agent.agent import Agent
from display_server.agent.capture.synthetic import SyntheticSource
from display_server.agent.clipboard.desktop_clipboard import DesktopClipboard
from display_server.agent.cursor.cursor_source import CursorShape
from display_server.agent.geometry import Frame, Rect
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.video_settings import VideoSettings
from display_server.desktop.x11.monitors import SCREEN_MAX, Monitor, bounding_size, normalise_layout
from display_server.desktop.x11.screen_layout import Arrangement
from display_server.errors import LayoutError, Malfunction


class FakeCursor:
    """A CursorSource whose shape and place a test sets."""

    def __init__(self) -> None:
        self._news = asyncio.Event()
        self._shape = CursorShape(2, 3, 1, 2, np.full((3, 2, 4), 200, np.uint8))
        self.place = (0, 0)

    def set_shape(self, shape: CursorShape) -> None:
        self._shape = shape
        self._news.set()

    async def open(self) -> None: ...

    async def wait(self) -> None:
        await self._news.wait()

    def shape(self) -> CursorShape:
        self._news.clear()
        return self._shape

    def position(self) -> tuple[int, int]:
        return self.place

    async def close(self) -> None: ...


class NotingHands:
    """InputSinks of all viewers in one: `done` has every call. `broken` ones raise."""

    def __init__(self) -> None:
        self.done: list[tuple[object, ...]] = []
        self.broken = False

    async def open(self) -> None: ...

    def holder(self) -> NotingHands:
        return self

    async def close(self) -> None: ...

    def pointer(self, x_px: int, y_px: int, buttons: int) -> None:
        self._note("pointer", x_px, y_px, buttons)

    def wheel(self, dx: int, dy: int) -> None:
        self._note("wheel", dx, dy)

    def key(self, keysym: int, code: str, *, down: bool) -> None:
        self._note("key", keysym, code, down)

    def text(self, text: str) -> None:
        self._note("text", text)

    def release(self) -> None:
        self.done.append(("release",))

    def _note(self, *call: object) -> None:
        if self.broken:
            raise Malfunction("The X server does not take input.")
        self.done.append(call)


class FakeLayout:
    """A ScreenLayout of a screen that a test draws on. Takes any order, unless it is `attached`."""

    def __init__(self, source: SyntheticSource, monitors: Sequence[Monitor] = ()) -> None:
        self._news = asyncio.Event()
        self.monitors = tuple(monitors) or (
            Monitor(0, 0, 0, source.width_px, source.height_px, primary=True),
        )
        self.adjustable = True
        self.scale_percent = 100
        self.orders = 0

    def put(self, *monitors: Monitor) -> None:
        """Somebody arranged them."""
        self.monitors = monitors
        self._news.set()

    async def open(self) -> None: ...

    async def read(self) -> Arrangement:
        self._news.clear()
        return Arrangement(*bounding_size(self.monitors), self.monitors, SCREEN_MAX)

    async def wait_for_change(self) -> None:
        await self._news.wait()

    async def apply(self, monitors: Sequence[Monitor], scale_percent: int | None) -> None:
        self.orders += 1
        if not self.adjustable:
            raise LayoutError("This display's monitors are arranged where it runs, not from here.")
        self.put(*normalise_layout(monitors, SCREEN_MAX))
        self.scale_percent = scale_percent or self.scale_percent

    async def close(self) -> None: ...


class TornSource(SyntheticSource):
    """Somebody draws while it is read: the top rows, each of the next `times` times."""

    def __init__(self, width_px: int, height_px: int) -> None:
        super().__init__(width_px, height_px)
        self.times = 0
        self.colour = 0

    def read(self, damage: object) -> Frame:
        picture = super().read(())
        if self.times:
            self.times -= 1
            self.colour += 1
            self.fill(Rect(0, 0, self.width_px, 8), 0x101010 * (self.colour % 15))
        return picture


class RunningAgent:
    layout: FakeLayout

    def __init__(self, agent: Agent, source: SyntheticSource, socket: Path) -> None:
        self.agent, self.source, self.socket = agent, source, socket
        self.cursor = FakeCursor()
        self.hands = NotingHands()

    @property
    def picture(self) -> Frame:
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
) -> AsyncIterator[RunningAgent]:
    """Yields when it listens. What `run` raised is raised at the end. One monitor unless told otherwise."""
    if source is None:
        source = SyntheticSource(*(bounding_size(monitors) if monitors else (640, 400)))
    with tempfile.TemporaryDirectory(prefix="agent-") as folder:
        socket = Path(folder) / "agent.sock"
        cursor, hands = FakeCursor(), NotingHands()
        layout = FakeLayout(source, monitors)
        agent = Agent(
            session="session",
            desktop="desktop",
            socket=socket,
            source=source,
            cursor=cursor,
            device=hands,
            layout=layout,
            clipboard=clipboard,
            clipboard_policy=clipboard_policy,
            share=share,
            fixed=fixed,
            video=video,
        )
        running = RunningAgent(agent, source, socket)
        running.cursor, running.hands, running.layout = cursor, hands, layout
        task = asyncio.create_task(agent.run())
        try:
            while not socket.exists():
                await asyncio.sleep(0.002)
                if task.done():
                    break
            yield running
        finally:
            agent.stop()
            try:
                await task
            finally:
                await agent.close_viewers(1001, "over")
