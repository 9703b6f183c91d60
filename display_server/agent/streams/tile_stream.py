"""One viewer's tiles: what it was sent, what it may be sent, and what is proven of its surface."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import structlog
from display_codecs import TILE_PX

from display_server.agent.motion.motion_detector import LinkEstimate
from display_server.agent.motion.region import Region
from display_server.agent.streams.frame_requests import FrameRequests
from display_server.agent.streams.log_limit import LogLimit
from display_server.agent.streams.message_sink import MessageSink
from display_server.agent.update.exactness import Exactness, SurfaceProof
from display_server.agent.update.repairs import REPAIRS_MAX
from display_server.agent.update.send_window import SendWindow
from display_server.agent.update.sent_surface import SentSurface, Update
from display_server.agent.update.shadow import Shadow
from display_server.protocol import messages as m
from display_server.protocol.wire import DigestReport
from display_server.telemetry.metrics import AgentMetrics
from display_server.telemetry.trace import FrameTimes, FrameTraces

log = structlog.get_logger(__name__)

#: Fraction of the usual size of an update that is left for tiles while video plays over the same link.
BUDGET_DURING_VIDEO = 0.15

#: Tiles of one log event at most.
LOGGED_TILES_MAX = 16


class TileStream:
    """Created when the viewer said hello. Implements TileDelivery for the viewer's video stream.

    `pointer_px` returns where the pointer is on the viewer's monitor, or None while it is elsewhere: tiles
    around the pointer are sent first. `clock` returns the monotonic time in s.
    """

    def __init__(
        self,
        viewer: str,
        monitor: int,
        shadow: Shadow,
        cache_bytes: int,
        sink: MessageSink,
        frames: FrameRequests,
        pointer_px: Callable[[], tuple[int, int] | None],
        metrics: AgentMetrics,
        clock: Callable[[], float],
    ) -> None:
        self._viewer = viewer
        self._monitor = monitor
        self._shadow = shadow
        self._sink = sink
        self._frames = frames
        self._pointer_px = pointer_px
        self._metrics = metrics
        self._clock = clock
        self._enabled = True
        self._video_covers = False
        self._verify_timer: asyncio.TimerHandle | None = None
        self._verify_at_s = math.inf
        self._repair_timer: asyncio.TimerHandle | None = None
        self._difference_lines = LogLimit()
        self._outcome_lines = LogLimit()
        self.sent = SentSurface(shadow, monitor, cache_bytes)
        self.window = SendWindow()
        self.proof = SurfaceProof(shadow.black_digests, shadow.seed, clock())
        self.traces = FrameTraces()

    # ── used by the pipeline ─────────────────────────────────────────────────────────────────────────

    @property
    def ready(self) -> bool:
        """Whether an update may be sent now."""
        return self._enabled and self.window.is_open

    @property
    def budget_bytes(self) -> int:
        """The size that the next update should not exceed."""
        budget = self.window.budget_bytes
        return int(budget * BUDGET_DURING_VIDEO) if self._video_covers else budget

    @property
    def pointer_tile(self) -> int | None:
        """The tile that the pointer is on, or None while it is not on this monitor."""
        if (place := self._pointer_px()) is None:
            return None
        x, y = place
        return y // TILE_PX * self._shadow.grid.columns + x // TILE_PX

    def send_update(self, update: Update, times: FrameTimes, encoded_s: float) -> None:
        """Sends an update. `encoded_s` is when its tiles were encoded, on the monotonic clock."""
        self._sink.send_update(update.data)
        now_s = self._clock()
        self.window.on_sent(update.epoch, len(update.data), now_s, reset=update.reset)
        self.proof.on_sent(update.epoch, update.tiles, update.digests, reset=update.reset, now_s=now_s)
        self.traces.on_sent(
            update.epoch,
            times,
            encoded_s=encoded_s,
            sent_s=now_s,
            tiles=len(update.tiles),
            size_bytes=len(update.data),
        )

    # ── TileDelivery: used by the video stream ───────────────────────────────────────────────────────

    @property
    def link(self) -> LinkEstimate:
        return LinkEstimate(
            self.window.rate_bytes_per_s, self.sent.mean_payload_bytes, self.sent.colour_ratio
        )

    @property
    def backlog_s(self) -> float:
        return self.window.backlog_s

    def closed_for_s(self, now_s: float) -> float:
        return self.window.closed_for_s(now_s)

    def cover(self, region: Region) -> None:
        tiles = region.tiles(self._shadow.grid.columns)
        self.sent.cover(tiles)
        self.proof.cover(tiles)
        self._video_covers = True

    def uncover(self) -> None:
        self.sent.uncover()
        self.proof.uncover()
        self._video_covers = False

    # ── used by ViewerStreams ────────────────────────────────────────────────────────────────────────

    def enable(self, *, enabled: bool) -> None:
        """Allows or forbids updates. Everything that changes in between stays pending."""
        self._enabled = enabled

    @property
    def tile_count(self) -> int:
        """The number of tiles of the monitor."""
        return self._shadow.grid.count

    def start_over(self) -> None:
        """Begins with a black surface, because the viewer lost its own."""
        self._video_covers = False
        self.sent.reset()
        self.proof.uncover()
        self.window.on_refresh()

    def resize(self, shadow: Shadow) -> None:
        """Begins with a black surface of another size. Epochs go on."""
        self._shadow = shadow
        self._video_covers = False
        self.sent.replace_shadow(shadow)
        self.proof.on_resized(shadow.black_digests, self._clock())

    def on_ack(self, ack: m.Ack, now_s: float) -> None:
        """Handles an acknowledgement. Raises ProtocolError for an epoch that was never sent."""
        self.proof.on_acked(ack.epoch)
        frame = self.traces.on_acked(ack.epoch, ack.received, ack.decoded, ack.shown, now_s)
        if frame is not None:
            self._metrics.add_frame(frame)
        was_open = self.window.is_open
        self.window.on_acked(ack.epoch, (ack.shown - ack.received) / 1000, now_s)
        if not was_open:
            self._frames.request_frame(ack.monitor)

    def on_report(self, report: DigestReport, now_s: float) -> None:
        """Judges a digest report. Wrong tiles are sent again, but not for ever. Raises ProtocolError."""
        self._metrics.reports += 1
        verdict = self.proof.on_report(report, now_s, self.window.round_trip_s)
        if len(verdict.wrong):
            self._metrics.mismatches += len(verdict.wrong)
            self._log(
                self._difference_lines,
                "surface differs",
                now_s,
                epoch=report.epoch,
                count=len(verdict.wrong),
                tiles=verdict.wrong[:LOGGED_TILES_MAX].tolist(),
            )
            self.sent.distrust(verdict.wrong)
        if len(verdict.given_up):
            self._metrics.unrepaired += len(verdict.given_up)
            self._log(
                self._outcome_lines,
                "tiles stay wrong",
                now_s,
                repairs=REPAIRS_MAX,
                count=len(verdict.given_up),
                tiles=verdict.given_up[:LOGGED_TILES_MAX].tolist(),
            )
        if verdict.root_differs:
            self._log(
                self._difference_lines,
                "root digest differs",
                now_s,
                epoch=report.epoch,
                full=report.full,
            )
        self._repair()

    def on_readback_checked(self, *, altered: bool, now_s: float) -> None:
        """The viewer says whether its browser alters what it reads back, so that nothing can be proven."""
        if self.proof.on_readback_checked(altered=altered, now_s=now_s):
            self._log(self._outcome_lines, "readback checked", now_s, altered=altered)
            self.plan_verify()

    def exactness(self, now_s: float) -> Exactness:
        """Returns what may be claimed of the viewer's surface now."""
        # While the viewer is hidden, damage may not be fetched: then nothing is known to be complete.
        complete = self._enabled and self._frames.is_captured(self._monitor) and not self.sent.update_due
        return self.proof.state(complete=complete, now_s=now_s)

    def plan_verify(self) -> None:
        """Asks the viewer for a digest report if one is due, or else sets the timer for it."""
        at_s = self.proof.verify_due_s()
        if at_s is None or at_s >= self._verify_at_s:
            return  # a timer that is set too early only calls this again
        now_s = self._clock()
        if at_s <= now_s:
            self._sink.send_message(m.Verify(self._monitor, full=self.proof.on_verify_sent(now_s)))
            at_s = self.proof.verify_due_s() or now_s
        if self._verify_timer is not None:
            self._verify_timer.cancel()
        self._verify_at_s = at_s
        self._verify_timer = asyncio.get_running_loop().call_later(at_s - now_s, self._on_verify_timer)

    def close(self) -> None:
        self._enabled = False
        self._verify_at_s = -math.inf  # no later report is ever due earlier: `plan_verify` does nothing more
        for timer in (self._verify_timer, self._repair_timer):
            if timer is not None:
                timer.cancel()

    def _on_verify_timer(self) -> None:
        self._verify_timer, self._verify_at_s = None, math.inf
        self.plan_verify()

    def _repair(self) -> None:
        """Sends the wrong tiles whose repair is due again, and sets the timer for the next ones."""
        if self._repair_timer is not None:
            self._repair_timer.cancel()
            self._repair_timer = None
        now_s = self._clock()
        tiles = self.proof.take_due_repairs(now_s)
        if len(tiles):
            self.sent.invalidate(tiles)
            self._frames.request_frame(self._monitor)
        due_s = self.proof.repair_due_s()
        if due_s is not None and self._enabled:
            loop = asyncio.get_running_loop()
            self._repair_timer = loop.call_later(max(0.0, due_s - now_s), self._repair)

    def _log(self, limit: LogLimit, event: str, now_s: float, **facts: object) -> None:
        """Writes a warning unless this viewer has caused many: a broken surface must not fill the log."""
        if (withheld := limit.admit(now_s)) is not None:
            log.warning(event, viewer=self._viewer, withheld_before=withheld, **facts)
