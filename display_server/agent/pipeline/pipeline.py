"""A monitor's picture and its way, from damage to bytes on sockets. Nothing here waits for a viewer."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

import numpy as np

from display_server.agent.pipeline.capturer import Capture, Capturer
from display_server.agent.pipeline.monitor_frame import MonitorFrame
from display_server.agent.pipeline.tile_encoder import TileEncoder
from display_server.agent.update.sent_surface import Mask, Tiles, Update
from display_server.agent.viewer.viewer import Viewer
from display_server.telemetry.metrics import AgentMetrics
from display_server.telemetry.trace import Stages

#: Pictures a second in lasting motion at most: twice what screens show.
RATE_MAX_PER_S = 120.0
#: Pictures that may follow each other without a pause after quiet: a click is often drawn in steps.
BURST = 3.0
#: Pictures of which no viewer can take any are looked at this often, s: motion is known after three.
GLANCE_EVERY_S = 1 / 60
NO_TILES = np.empty(0, np.int32)


class Pipeline:
    """Of one monitor. `viewers` are those of it, whether they may take something or not.

    `looked` is called when a picture was taken: damage may be fetched again.
    """

    def __init__(
        self,
        picture: MonitorFrame,
        viewers: Callable[[], Sequence[Viewer]],
        executor: Executor,
        metrics: AgentMetrics,
        clock: Callable[[], float],
        *,
        looked: Callable[[], None],
    ) -> None:
        self._picture = picture
        self._viewers = viewers
        self._metrics = metrics
        self._clock = clock
        self._looked = looked
        self._executor = executor
        self._capturer = Capturer(picture, picture.shadow, executor, metrics, clock, self._covered)
        self._encoder = TileEncoder(picture.shadow, executor, metrics, lambda: len(viewers()))
        self._wake = asyncio.Event()
        self._unseen = True  # no viewer since the last picture was taken
        self._glanced_s = 0.0
        self._tokens = BURST
        self._tokens_s = clock()

    def wake(self) -> None:
        """There is damage, or somebody may take an update: a window opened, a tile was found wrong."""
        self._wake.set()

    @property
    def viewed(self) -> bool:
        return any(viewer.greeted for viewer in self._viewers())

    @property
    def _takers(self) -> bool:
        return any(viewer.ready or viewer.moving for viewer in self._viewers())

    async def run(self) -> None:
        """Until cancelled. Raises CaptureError when the picture can no longer be read."""
        while True:
            # 1. wait until something happened …
            await self._wake.wait()
            self._wake.clear()
            # … and somebody can take it. Otherwise the damage waits: what is read later is newer. Only where
            # video could bring what tiles cannot, it is looked at: does it move?
            if self._takers:
                await self._step()
            elif any(viewer.may_move for viewer in self._viewers()):
                await self._glance()
            elif not self.viewed:
                self._unseen = True

    async def _glance(self) -> None:
        """Looks when it is time, or as soon as somebody can take something."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._glanced_s + GLANCE_EVERY_S - self._clock()):
                while not self._takers:
                    await self._wake.wait()
                    self._wake.clear()
        self._glanced_s = self._clock()
        await self._step()

    async def _step(self) -> None:
        # 2. read, compare, copy what changed into the shadow
        capture, damaged_s = None, self._picture.damaged_s
        waited_s = 0.0
        if damaged_s is not None:
            if self._unseen:  # nobody waited for it before now
                damaged_s = self._clock()
            waited_s = self._clock() - damaged_s
            await self._pace()
            async with self._picture.capturing:
                capture = await self._capturer.capture()
                self._picture.looked_at(self._clock())
            self._looked()
            if self._picture.damaged_s is not None:
                self._wake.set()
        self._unseen = False
        diffed_s = self._clock()
        captured_s = capture.captured_s if capture is not None else diffed_s
        stages = Stages(damaged_s if damaged_s is not None else captured_s, captured_s, diffed_s)
        # 3. each viewer in turn, those with the quickest way first: choose, encode, send
        viewers = sorted(self._viewers(), key=lambda viewer: viewer.window.round_trip_s)
        changed = capture.tiles if capture is not None else NO_TILES
        for viewer in viewers:
            self._choose(viewer, changed, waited_s)
        await self._freshen()
        for viewer in viewers:
            if viewer.video is not None:
                await viewer.video.frame(changed, stages.captured_s, self._executor)
            if viewer.ready and viewer.state.update_due:
                await self._serve(viewer, capture, stages)
        # 4. tell those whose state fell, and come back for what did not fit
        now_s = self._clock()
        for viewer in viewers:
            viewer.tell_state(now_s)
            if viewer.ready and viewer.state.update_due:
                self._wake.set()

    async def _serve(self, viewer: Viewer, capture: Capture | None, stages: Stages) -> None:
        state = viewer.state
        move = capture.move if capture is not None else None
        if move is not None and capture is not None and not state.shows(capture.before, move.sources):
            move = None
        dropped = state.counts.dropped
        choice = state.plan_update(move, viewer.pointer_tile, viewer.budget_bytes, self._clock())
        self._metrics.dropped += state.counts.dropped - dropped
        coded = await self._encoder.payloads(choice.tiles.tolist(), choice.digests)
        encoded_s = self._clock()
        if not (viewer.ready and state.is_current(choice)):  # it left or started over while we encoded
            self._wake.set()
            return
        update = state.compose(choice, coded, int(stages.captured_s * 1e6))
        viewer.send_update(update, stages, encoded_s)
        self._count(update)

    def _choose(self, viewer: Viewer, changed: Tiles, waited_s: float) -> None:
        """What moves goes as video, if tiles cannot bring it."""
        now_s = self._clock()
        video = viewer.video
        if video is None:
            if len(changed):
                viewer.look_out(changed, waited_s, now_s)
            return
        if len(changed):
            waited_s = max(waited_s, viewer.window.closed_for_s(now_s))
            video.pictured(changed, waited_s, now_s, taken=viewer.ready)
        if video.choose(viewer.way, now_s):
            viewer.covered(video.region)
            self._metrics.video_begun += video.region is not None

    def _covered(self) -> Mask | None:
        """Tiles that every viewer gets as video: none, while somebody gets none at all."""
        masks = [viewer.state.covered for viewer in self._viewers() if viewer.greeted]
        return functools.reduce(np.logical_and, masks) if masks else None

    async def _freshen(self) -> None:
        """What is no longer covered is digested before anybody may get it as a tile."""
        stale = self._picture.shadow.stale
        if not stale.any():
            return
        covered = self._covered()
        wanted = np.flatnonzero(stale if covered is None else stale & ~covered).astype(np.int32)
        if len(wanted):
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._executor, self._picture.shadow.rehash, wanted)

    async def _pace(self) -> None:
        """Lets the first pictures after quiet pass at once, and then `RATE_MAX_PER_S`."""
        now_s = self._clock()
        self._tokens = min(BURST, self._tokens + (now_s - self._tokens_s) * RATE_MAX_PER_S)
        self._tokens_s = now_s
        if self._tokens < 1:
            await asyncio.sleep((1 - self._tokens) / RATE_MAX_PER_S)
        self._tokens -= 1

    def _count(self, update: Update) -> None:
        self._metrics.updates += 1
        self._metrics.partial += update.partial
        self._metrics.update_bytes += len(update.data)
        self._metrics.raw_bytes += update.raw_bytes
        self._metrics.tiles.update(update.encodings)
