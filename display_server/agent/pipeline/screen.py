"""The X screen and its monitors: one source of pixels and damage, and one pipeline per monitor."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType

from display_server.agent.capture.frame_source import FrameSource
from display_server.agent.geometry import Frame, Rect
from display_server.agent.pipeline.monitor_frame import MonitorFrame
from display_server.agent.pipeline.pipeline import Pipeline
from display_server.agent.streams.viewer_streams import ViewerStreams
from display_server.desktop.x11.monitors import Monitor
from display_server.telemetry.metrics import AgentMetrics

#: Worker threads that compare and encode. More would only take cores from the X server and the programs.
THREADS = 2

#: Damage to monitors that nobody watches, for example a film, is fetched at this interval, s.
UNWATCHED_INTERVAL_S = 1 / 120


class Screen:
    """Runs the pipelines of all monitors. Implements DamageSource and FrameRequests.

    Each monitor has its own pipeline, so that a click on one monitor does not wait for a film on another.
    Damage is fetched only while a watched monitor has none, so that the X server is asked no more often than
    necessary.
    """

    def __init__(
        self, source: FrameSource, seed: int, metrics: AgentMetrics, clock: Callable[[], float]
    ) -> None:
        self._source = source
        self._seed = seed
        self._metrics = metrics
        self._clock = clock
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="tiles")
        self._frames: dict[int, MonitorFrame] = {}
        self._pipelines: dict[int, Pipeline] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        #: The streams of the viewers of each monitor. A list outlives the pipeline that serves it.
        self._viewers: defaultdict[int, list[ViewerStreams]] = defaultdict(list)
        self._failed: asyncio.Future[None] | None = None
        self._damage_paused = False
        self._damage_wanted = asyncio.Event()
        #: Whether the X server answers at the moment, as the heartbeat knows it.
        self.answering = True

    @property
    def width_px(self) -> int:
        return self._source.width_px

    @property
    def height_px(self) -> int:
        return self._source.height_px

    @property
    def frames(self) -> Mapping[int, MonitorFrame]:
        """A live view of the frames of all monitors, by monitor number."""
        return MappingProxyType(self._frames)

    def attach(self, monitor: int, viewer: ViewerStreams) -> None:
        """Serves these streams from now on, until `detach`, whatever size the monitor has."""
        self._viewers[monitor].append(viewer)
        self.request_frame(monitor)

    def detach(self, monitor: int, viewer: ViewerStreams) -> None:
        """Stops to serve these streams. Safe to call twice."""
        with contextlib.suppress(ValueError):
            self._viewers[monitor].remove(viewer)

    def request_frame(self, monitor: int) -> None:
        """Runs the pipeline of this monitor, if there is such a monitor, and fetches damage again."""
        if monitor in self._pipelines:
            self._pipelines[monitor].request_frame()
            self._resume_damage()

    def request_whole_frame(self, monitor: int) -> None:
        if monitor in self._frames:
            self._frames[monitor].damage_all(self._clock())
            self.request_frame(monitor)

    def is_captured(self, monitor: int) -> bool:
        """Returns whether everything that was drawn on this monitor, as far as known, has been captured."""
        return self.answering and not self._damage_paused and self._frames[monitor].damaged_since_s is None

    async def confirm(self) -> None:
        """Returns when all damage that was done before the call is known. Raises CaptureError."""
        await self._source.confirm()

    async def run(self) -> None:
        """Runs until it is cancelled. Raises CaptureError when the screen can no longer be captured."""
        self._failed = asyncio.get_running_loop().create_future()
        damage = self._start(self._follow_damage())
        for number in self._pipelines:
            self._start_pipeline(number)
        try:
            await self._failed
        finally:
            tasks = [damage, *self._tasks.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._executor.shutdown(wait=False, cancel_futures=True)

    async def arrange(self, monitors: Sequence[Monitor], width_px: int, height_px: int) -> bool:
        """Adopts this arrangement of monitors. Returns whether it differs from the former one.

        A monitor that keeps its size keeps its frame. Raises CaptureError if the source cannot follow.
        """
        wanted = {monitor.id: monitor for monitor in monitors}
        size_changed = (width_px, height_px) != (self.width_px, self.height_px)
        if not size_changed and wanted == {number: frame.monitor for number, frame in self._frames.items()}:
            return False
        async with contextlib.AsyncExitStack() as no_capture:
            for frame in self._frames.values():
                await no_capture.enter_async_context(frame.capture_lock)
            if size_changed:
                self._source.resize(width_px, height_px)
            for number in list(self._frames):
                if number not in wanted or not _same_size(self._frames[number].monitor, wanted[number]):
                    self._remove(number)
            now_s = self._clock()
            for number, monitor in wanted.items():
                if number in self._frames:
                    self._frames[number].move_to(monitor, now_s)
                else:
                    self._add(monitor, now_s)
        for number in wanted:
            self.request_frame(number)
        return True

    # ── DamageSource ─────────────────────────────────────────────────────────────────────────────────

    def distribute_damage(self) -> bool:
        rectangles = self._source.take_damage()
        if not rectangles:
            return False
        now_s, news = self._clock(), False
        for number, frame in self._frames.items():
            if frame.add_damage(rectangles, now_s):
                pipeline = self._pipelines[number]
                pipeline.request_frame()
                news = news or pipeline.watched
        return news

    def read(self, damage: Sequence[Rect]) -> Frame:
        return self._source.read(damage)

    async def refresh_damage(self, damage: Sequence[Rect]) -> None:
        await self._source.is_torn(damage)

    # ── private ──────────────────────────────────────────────────────────────────────────────────────

    async def _follow_damage(self) -> None:
        while True:
            await self._source.wait()
            news = self.distribute_damage()
            watched = [self._frames[n] for n, pipeline in self._pipelines.items() if pipeline.watched]
            if any(frame.damaged_since_s is None for frame in watched):
                if not news:
                    await asyncio.sleep(UNWATCHED_INTERVAL_S)
                continue
            self._damage_paused = True
            self._damage_wanted.clear()
            await self._damage_wanted.wait()

    def _resume_damage(self) -> None:
        self._damage_paused = False
        self._damage_wanted.set()

    def _add(self, monitor: Monitor, now_s: float) -> None:
        number = monitor.id
        frame = MonitorFrame(self, monitor, self._seed)
        frame.move_to(monitor, now_s)
        self._frames[number] = frame
        self._pipelines[number] = Pipeline(
            frame,
            self._viewers[number],
            self._executor,
            self._metrics,
            self._clock,
            on_captured=self._resume_damage,
        )
        if self._failed is not None:
            self._start_pipeline(number)

    def _start_pipeline(self, number: int) -> None:
        self._tasks[number] = self._start(self._pipelines[number].run())

    def _remove(self, number: int) -> None:
        del self._frames[number], self._pipelines[number]
        if (task := self._tasks.pop(number, None)) is not None:
            task.cancel()

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._on_task_ended)
        return task

    def _on_task_ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self._failed is None or self._failed.done():
            return
        error = task.exception()
        assert error is not None, "pipelines end only by an error"
        self._failed.set_exception(error)


def _same_size(one: Monitor, other: Monitor) -> bool:
    return (one.width, one.height) == (other.width, other.height)
