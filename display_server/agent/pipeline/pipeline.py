"""The path of one monitor's frames, from damage to bytes on sockets. Nothing here waits for a viewer."""

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
from display_server.agent.streams.tile_stream import TileStream
from display_server.agent.streams.viewer_streams import ViewerStreams
from display_server.agent.update.sent_surface import Mask, Update
from display_server.telemetry.metrics import AgentMetrics
from display_server.telemetry.trace import FrameTimes

#: Captures per second at most while a monitor changes without pause: twice what most screens show.
CAPTURES_MAX_PER_S = 120.0

#: Captures that may follow each other without a pause after a quiet time: a click is often drawn in steps.
BURST_CAPTURES = 3.0

#: While no viewer can take an update, a monitor is captured this often to detect motion, s. The motion
#: detector needs three captures.
SAMPLE_INTERVAL_S = 1 / 60

NO_TILES = np.empty(0, np.int32)


class Pipeline:
    """Captures one monitor and serves the tile stream and the video stream of each of its viewers.

    `viewers` is a live list: it always holds the streams of the viewers that are connected now. `on_captured`
    is called after each capture, when the screen may fetch damage again.
    """

    def __init__(
        self,
        frame: MonitorFrame,
        viewers: Sequence[ViewerStreams],
        executor: Executor,
        metrics: AgentMetrics,
        clock: Callable[[], float],
        *,
        on_captured: Callable[[], None],
    ) -> None:
        self._frame = frame
        self._viewers = viewers
        self._metrics = metrics
        self._clock = clock
        self._on_captured = on_captured
        self._executor = executor
        self._capturer = Capturer(frame, frame.shadow, executor, metrics, clock, self._covered_tiles)
        self._encoder = TileEncoder(frame.shadow, executor, metrics, lambda: len(viewers))
        self._requested = asyncio.Event()
        self._unwatched = True  # nobody has watched this monitor since its last capture
        self._sampled_s = 0.0
        self._capture_tokens = BURST_CAPTURES
        self._tokens_updated_s = clock()

    def request_frame(self) -> None:
        """Runs the pipeline once more: there is damage, or a viewer can take an update."""
        self._requested.set()

    @property
    def watched(self) -> bool:
        """Whether the monitor is visible to any viewer."""
        return any(viewer.visible for viewer in self._viewers)

    @property
    def _can_send(self) -> bool:
        return any(viewer.tiles.ready or viewer.video.playing for viewer in self._viewers)

    async def run(self) -> None:
        """Runs until it is cancelled. Raises CaptureError when the monitor can no longer be captured."""
        while True:
            # 1. Wait for damage, or for a viewer that can take an update.
            await self._requested.wait()
            self._requested.clear()
            # Damage that nobody can take waits here: a later capture of it is newer. Only where video could
            # help is it captured at once, to find out whether something moves.
            if self._can_send:
                await self._step()
            elif any(viewer.visible and viewer.video.wants_captures for viewer in self._viewers):
                await self._sample()
            elif not self.watched:
                self._unwatched = True

    async def _sample(self) -> None:
        """Captures when the next sample is due, or as soon as a viewer can take an update."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._sampled_s + SAMPLE_INTERVAL_S - self._clock()):
                while not self._can_send:
                    await self._requested.wait()
                    self._requested.clear()
        self._sampled_s = self._clock()
        await self._step()

    async def _step(self) -> None:
        # 2. Capture: read, compare, and copy what changed into the shadow framebuffer.
        capture, damaged_s = None, self._frame.damaged_since_s
        waited_s = 0.0
        if damaged_s is not None:
            if self._unwatched:  # no viewer has waited for this damage
                damaged_s = self._clock()
            waited_s = self._clock() - damaged_s
            await self._limit_rate()
            async with self._frame.capture_lock:
                capture = await self._capturer.capture()
                self._frame.on_captured(self._clock())
            self._on_captured()
            if self._frame.damaged_since_s is not None:
                self._requested.set()
        self._unwatched = False
        diffed_s = self._clock()
        captured_s = capture.captured_s if capture is not None else diffed_s
        times = FrameTimes(damaged_s if damaged_s is not None else captured_s, captured_s, diffed_s)
        changed = capture.tiles if capture is not None else NO_TILES
        # 3. Serve each viewer, the one with the shortest round trip first: choose what is video, then send a
        # video frame and an update.
        viewers = sorted(
            (viewer for viewer in self._viewers if viewer.visible),
            key=lambda viewer: viewer.tiles.window.round_trip_s,
        )
        for viewer in viewers:
            now_s = self._clock()
            viewer.video.on_capture(changed, waited_s, now_s, delay_s=now_s - times.damaged_s)
        await self._rehash()
        for viewer in viewers:
            if viewer.video.playing:
                await viewer.video.encode_frame(changed, times.captured_s, self._executor)
            if viewer.tiles.ready and viewer.tiles.sent.update_due:
                await self._send_update(viewer.tiles, capture, times)
        # 4. Notify viewers whose state fell, and come back for the tiles that did not fit into the update.
        now_s = self._clock()
        for viewer in viewers:
            viewer.notify_state(now_s)
            if viewer.tiles.ready and viewer.tiles.sent.update_due:
                self._requested.set()

    async def _send_update(self, stream: TileStream, capture: Capture | None, times: FrameTimes) -> None:
        sent = stream.sent
        move = capture.move if capture is not None else None
        if move is not None and capture is not None and not sent.shows(capture.contents_before, move.sources):
            move = None
        dropped = sent.counts.dropped
        plan = sent.plan_update(move, stream.pointer_tile, stream.budget_bytes, self._clock())
        self._metrics.dropped += sent.counts.dropped - dropped
        encoded = await self._encoder.encode(plan.tiles.tolist(), plan.keys)
        encoded_s = self._clock()
        if not (stream.ready and sent.is_current(plan)):
            # The viewer left, was hidden or started over while its tiles were encoded.
            self._requested.set()
            return
        update = sent.compose(plan, encoded, int(times.captured_s * 1e6))
        stream.send_update(update, times, encoded_s)
        self._count(update)

    def _covered_tiles(self) -> Mask | None:
        """Returns the tiles that every visible viewer gets as video, or None if no viewer is visible."""
        masks = [viewer.tiles.sent.covered for viewer in self._viewers if viewer.visible]
        return functools.reduce(np.logical_and, masks) if masks else None

    async def _rehash(self) -> None:
        """Computes the digests of stale tiles that some viewer gets as tiles, before they are sent."""
        stale = self._frame.shadow.stale
        if not stale.any():
            return
        covered = self._covered_tiles()
        wanted = np.flatnonzero(stale if covered is None else stale & ~covered).astype(np.int32)
        if len(wanted):
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._executor, self._frame.shadow.rehash, wanted)

    async def _limit_rate(self) -> None:
        """Lets a burst of captures pass at once, and then `CAPTURES_MAX_PER_S`: a token bucket."""
        now_s = self._clock()
        earned = (now_s - self._tokens_updated_s) * CAPTURES_MAX_PER_S
        self._capture_tokens = min(BURST_CAPTURES, self._capture_tokens + earned)
        self._tokens_updated_s = now_s
        if self._capture_tokens < 1:
            await asyncio.sleep((1 - self._capture_tokens) / CAPTURES_MAX_PER_S)
        self._capture_tokens -= 1

    def _count(self, update: Update) -> None:
        self._metrics.updates += 1
        self._metrics.partial += update.partial
        self._metrics.update_bytes += len(update.data)
        self._metrics.raw_bytes += update.raw_bytes
        self._metrics.tiles.update(update.encodings)
