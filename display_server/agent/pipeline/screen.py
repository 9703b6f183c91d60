"""The X screen and its monitors: one source of pixels, one feed of damage, a pipeline for each monitor."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType

from display_server.agent.capture.frame_source import FrameSource
from display_server.agent.geometry import Frame, Rect
from display_server.agent.pipeline.monitor_frame import MonitorFrame
from display_server.agent.pipeline.pipeline import Pipeline
from display_server.agent.viewer.viewer import Viewer
from display_server.desktop.x11.monitors import Monitor
from display_server.telemetry.metrics import AgentMetrics

#: Threads that compare and encode. More would only push the X server and the programs aside.
THREADS = 2
#: Damage that nobody waits for is fetched this often at most: a film on a monitor that nobody views, s.
VAIN_EVERY_S = 1 / 120


class Screen:
    """`run` serves every monitor until the picture is lost. The DamageSource of its pictures.

    Monitors are captured and coded side by side: a click on one does not wait for a film on another. Damage
    is fetched only while a viewed monitor has none, so that the X server is asked no more often than needed.
    """

    def __init__(
        self,
        source: FrameSource,
        seed: int,
        viewers: Callable[[], Iterable[Viewer]],
        metrics: AgentMetrics,
        clock: Callable[[], float],
    ) -> None:
        self._source = source
        self._seed = seed
        self._viewers = viewers
        self._metrics = metrics
        self._clock = clock
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="tiles")
        self._pictures: dict[int, MonitorFrame] = {}
        self._pipelines: dict[int, Pipeline] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._over: asyncio.Future[None] | None = None
        self._rested = False  # damage is not fetched at the moment
        self._needed = asyncio.Event()

    @property
    def width_px(self) -> int:
        return self._source.width_px

    @property
    def height_px(self) -> int:
        return self._source.height_px

    @property
    def pictures(self) -> Mapping[int, MonitorFrame]:
        """By the number of the monitor; always the present ones."""
        return MappingProxyType(self._pictures)

    def wake(self, monitor: int) -> None:
        """A viewer of this monitor may take an update now, or is new."""
        if monitor in self._pipelines:
            self._pipelines[monitor].wake()
            self._need()

    def known(self, monitor: int) -> bool:
        """Whether no damage to it waits to be looked at."""
        return not self._rested and self._pictures[monitor].damaged_s is None

    async def run(self) -> None:
        """Until cancelled. Raises CaptureError when the picture can no longer be read."""
        self._over = asyncio.get_running_loop().create_future()
        watch = self._start(self._watch())
        for number in self._pipelines:
            self._serve(number)
        try:
            await self._over
        finally:
            tasks = [watch, *self._tasks.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._executor.shutdown(wait=False, cancel_futures=True)

    async def arrange(self, monitors: Sequence[Monitor], width_px: int, height_px: int) -> bool:
        """The monitors are these now, on a screen of this size. Whether that is new.

        One that kept its size keeps its picture. Raises CaptureError where the source cannot follow.
        """
        wanted = {monitor.id: monitor for monitor in monitors}
        size_changed = (width_px, height_px) != (self.width_px, self.height_px)
        if not size_changed and wanted == {n: picture.monitor for n, picture in self._pictures.items()}:
            return False
        async with contextlib.AsyncExitStack() as still:
            for picture in self._pictures.values():
                await still.enter_async_context(picture.capturing)
            if size_changed:
                self._source.resize(width_px, height_px)
            for number in list(self._pictures):
                if number not in wanted or not _same_size(self._pictures[number].monitor, wanted[number]):
                    self._drop(number)
            now_s = self._clock()
            for number, monitor in wanted.items():
                if number in self._pictures:
                    self._pictures[number].move_to(monitor, now_s)
                else:
                    self._add(monitor, now_s)
        for number in wanted:
            self.wake(number)
        return True

    # ── DamageSource ────────────────────────────────────────────────────────────────────────────────────────

    def share_out(self) -> bool:
        """Whether a viewed monitor that had no damage has some now."""
        rectangles = self._source.take_damage()
        if not rectangles:
            return False
        now_s, news = self._clock(), False
        for number, picture in self._pictures.items():
            if picture.damage(rectangles, now_s):
                pipeline = self._pipelines[number]
                pipeline.wake()
                news = news or pipeline.viewed
        return news

    def read(self, damage: Sequence[Rect]) -> Frame:
        return self._source.read(damage)

    async def ask(self, damage: Sequence[Rect]) -> None:
        await self._source.is_torn(damage)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────

    async def _watch(self) -> None:
        while True:
            await self._source.wait()
            news = self.share_out()
            viewed = [self._pictures[n] for n, pipeline in self._pipelines.items() if pipeline.viewed]
            if any(picture.damaged_s is None for picture in viewed):
                if not news:
                    await asyncio.sleep(VAIN_EVERY_S)
                continue
            self._rested = True
            self._needed.clear()
            await self._needed.wait()

    def _need(self) -> None:
        self._rested = False
        self._needed.set()

    def _add(self, monitor: Monitor, now_s: float) -> None:
        number = monitor.id
        picture = MonitorFrame(self, monitor, self._seed)
        picture.move_to(monitor, now_s)
        self._pictures[number] = picture

        def viewers() -> list[Viewer]:
            return [viewer for viewer in self._viewers() if viewer.monitor == number]

        self._pipelines[number] = Pipeline(
            picture, viewers, self._executor, self._metrics, self._clock, looked=self._need
        )
        if self._over is not None:
            self._serve(number)

    def _serve(self, number: int) -> None:
        self._tasks[number] = self._start(self._pipelines[number].run())

    def _drop(self, number: int) -> None:
        del self._pictures[number], self._pipelines[number]
        if (task := self._tasks.pop(number, None)) is not None:
            task.cancel()

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self._over is None or self._over.done():
            return
        error = task.exception()
        assert error is not None, "they never end by themselves"
        self._over.set_exception(error)


def _same_size(one: Monitor, other: Monitor) -> bool:
    return (one.width, one.height) == (other.width, other.height)
