"""One viewer: its connection, what it has, and what is proven of it."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog
from display_codecs import ENCODING_NAMES, TILE_PX

from display_server.agent.clipboard.desktop_clipboard import DesktopClipboard
from display_server.agent.clipboard.viewer_clipboard import ViewerClipboard
from display_server.agent.input.input_sink import InputSink
from display_server.agent.motion.motion_detector import LinkEstimate, MotionDetector
from display_server.agent.motion.region import Region, Tiles
from display_server.agent.pipeline.monitor_frame import MonitorFrame
from display_server.agent.streams.video_factory import VideoFactory
from display_server.agent.transport.viewer_socket import ViewerIdentity, ViewerSocket
from display_server.agent.update.exactness import Exactness, SurfaceProof
from display_server.agent.update.send_window import SendWindow
from display_server.agent.update.sent_surface import SentSurface, Update
from display_server.agent.viewer.viewer_input import ViewerInput
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.x11.monitors import Monitor
from display_server.errors import Malfunction
from display_server.protocol import messages as m
from display_server.protocol.clipboard import Piece
from display_server.protocol.close_codes import CloseCode
from display_server.protocol.connection import ConnectionState, ViewerConnection
from display_server.protocol.errors import ProtocolError
from display_server.protocol.notice_codes import NoticeCode
from display_server.protocol.wire import DigestReport
from display_server.telemetry.metrics import AgentMetrics
from display_server.telemetry.trace import FrameTraces, Stages

if TYPE_CHECKING:
    from display_server.agent.streams.video_stream import VideoStream

log = structlog.get_logger(__name__)

#: The state is told on change, and at least this often; the viewer trusts it for 5 s.
STATE_EVERY_S = 1.95
#: A viewer with so much unsent gets no news that the next one replaces anyway.
BUSY_BYTES = 256 * 1024
#: Of what an update may take, what is left for tiles while video plays.
BESIDE_VIDEO = 0.15
#: Over a way that is narrower, or longer, s, something that moves will soon be too much for tiles: video is
#: made ready before.
NARROW_BYTES_PER_S = 12_500_000
LONG_S = 0.02


class Surroundings(Protocol):
    """What a viewer needs of the agent around it."""

    session: str
    desktop: str
    metrics: AgentMetrics
    clipboard: DesktopClipboard | None
    clipboard_policy: ClipboardPolicy
    seed: int

    @property
    def pictures(self) -> Mapping[int, MonitorFrame]:
        """Of the monitors that there are, by number; always the present ones."""

    @property
    def size_px(self) -> tuple[int, int]:
        """Of the whole screen."""

    def layout(self, viewer: Viewer) -> m.Monitors:
        """The monitors as this viewer is told."""

    @property
    def video(self) -> VideoFactory:
        """Of video for what moves."""

    def want_video(self) -> None:
        """Something moves, or may, that tiles cannot bring."""

    def wake(self, monitor: int) -> None:
        """A viewer of it may take an update now."""

    def picture_known(self, monitor: int) -> bool:
        """Whether all damage to it so far was looked at."""

    def admitted(self, viewer: Viewer, hello: m.Hello) -> bool:
        """Whether its device may show the desktop; those that no longer may are dismissed."""

    def greeted(self, viewer: Viewer) -> None:
        """It said hello."""

    def pointed(self, viewer: Viewer, x_px: int, y_px: int) -> None:
        """It moved the pointer to this place on the screen."""

    def ordered(self, viewer: Viewer, layout: m.Layout) -> None:
        """It wants the monitors to be so."""

    def gone(self, viewer: Viewer) -> None:
        """It is no more."""


@dataclass(slots=True)
class _Parts:
    """What exists once the viewer said hello."""

    picture: MonitorFrame
    state: SentSurface
    proof: SurfaceProof


class Viewer:
    """A ViewerHandler, and the ViewerSide of its video. `clock` gives s on the monotonic clock."""

    def __init__(
        self,
        socket: ViewerSocket,
        visitor: ViewerIdentity,
        hands: InputSink,
        around: Surroundings,
        clock: Callable[[], float],
    ) -> None:
        self._socket = socket
        self._around = around
        self.metrics = around.metrics
        self.clock = clock
        self._connection = ViewerConnection(self._tiles_of, ENCODING_NAMES, clock())
        self._parts: _Parts | None = None
        #: Video for what moves; None where the browser, the host or the policy has none.
        self.video: VideoStream | None = None
        #: Looks out for motion while there is no video.
        self.scout: MotionDetector | None = None
        self._closing: asyncio.Task[None] | None = None
        self.window = SendWindow()
        self.traces = FrameTraces()
        self.id = visitor.viewer or secrets.token_hex(4)
        self.device = visitor.device
        self._user = visitor.user
        self._clipboard = ViewerClipboard(around.clipboard, around.clipboard_policy, socket, self.tell_notice)
        self._hands = ViewerInput(
            self.id,
            hands,
            self._shown,
            lambda: around.size_px,
            lambda x_px, y_px: around.pointed(self, x_px, y_px),
            self.tell_notice,
            self.metrics,
        )
        self._joined_s = clock()
        self._watch = m.Watch(status=False, trace=False)
        self._told: Exactness | None = None
        self._told_s = -math.inf
        self._verify: asyncio.TimerHandle | None = None
        self._verify_s = math.inf
        self._cursor_owed: m.Cursor | None = None

    # ── the picture's way: called by the pipeline ────────────────────────────────────────────────────

    @property
    def state(self) -> SentSurface:
        assert self._parts is not None, "only after hello"
        return self._parts.state

    @property
    def greeted(self) -> bool:
        """Whether it said hello and is still there."""
        return self._connection.state in (ConnectionState.WELCOMED, ConnectionState.RUNNING)

    @property
    def ready(self) -> bool:
        """Whether an update may be sent now."""
        return self.greeted and self.window.is_open

    @property
    def moving(self) -> bool:
        """Whether a frame of video may be sent now."""
        return self.greeted and self.video is not None and self.video.region is not None

    @property
    def may_move(self) -> bool:
        """Whether video could bring what tiles cannot, now or soon."""
        return self.scout is not None or (self.video is not None and self.video.usable)

    @property
    def way(self) -> LinkEstimate:
        state = self.state
        return LinkEstimate(self.window.rate_bytes_per_s, state.mean_payload_bytes, state.colour_ratio)

    @property
    def budget_bytes(self) -> int:
        """What the next update may take. Beside video it is little: both share the way."""
        return int(self.window.budget_bytes * (BESIDE_VIDEO if self.moving else 1))

    def covered(self, region: Region | None) -> None:
        """Video shows this from now on, and nothing else."""
        assert self._parts is not None
        if region is None:
            self._parts.state.uncover()
            return
        tiles = region.tiles(self._parts.picture.shadow.grid.columns)
        self._parts.state.cover(tiles)
        self._parts.proof.cover(tiles)

    def look_out(self, tiles: Tiles, waited_s: float, now_s: float) -> None:
        """A new picture, while there is no video: would it help?"""
        if self.scout is None:
            return
        waited_s = max(waited_s, self.window.closed_for_s(now_s))
        self.scout.on_frame(tiles, waited_s, now_s, viewer_ready=self.ready)
        if self.scout.is_starved(now_s) or self.scout.choose_region(self.way, now_s) is not None:
            self.scout.stop(now_s)
            self._around.want_video()

    def begin_video(self) -> None:
        """Once what makes it is loaded."""
        if self._parts is None or not self.greeted or self.scout is None:
            return
        picture = self._parts.picture
        self.video = self._around.video.make(self, picture.monitor.id, picture.shadow, self.scout)
        if self.video is not None:
            self.scout = None
            self.video.invite()

    @property
    def backlog_s(self) -> float:
        return self.window.backlog_s

    def wake(self) -> None:
        """What video is to show may be another, or a frame due."""
        if self.monitor is not None:
            self._around.wake(self.monitor)

    @property
    def monitor(self) -> int | None:
        """The number of the one it shows; None before hello."""
        return self._parts.picture.monitor.id if self._parts is not None else None

    @property
    def pointer_tile(self) -> int | None:
        """The tile of its monitor that the pointer is on; None while it is elsewhere."""
        if self._parts is None or (place := self._hands.place) is None:
            return None
        x, y = place
        return y // TILE_PX * self._parts.picture.shadow.grid.columns + x // TILE_PX

    def send_update(self, update: Update, stages: Stages, encoded_s: float) -> None:
        assert self._parts is not None
        self._connection.update_sent()
        self._socket.send(update.data)
        now_s = self.clock()
        self.window.on_sent(update.epoch, len(update.data), now_s)
        self._parts.proof.on_sent(update.epoch, update.tiles, update.digests, reset=update.reset, now_s=now_s)
        self.traces.sent(
            update.epoch,
            stages,
            encoded_s=encoded_s,
            sent_s=now_s,
            tiles=len(update.tiles),
            size_bytes=len(update.data),
        )

    # ── from the viewer ──────────────────────────────────────────────────────────────────────────────

    def on_message(self, frame: str | bytes) -> None:
        """Raises ProtocolError."""
        if self._connection.state is ConnectionState.CLOSED:
            return  # dismissed: what it still sends counts for nothing
        try:
            self._handle(self._connection.receive(frame), self.clock())
        except ProtocolError:
            self.metrics.violations += 1
            raise

    def datagram(self, data: bytes | None) -> None:
        """A message of the data channel came; None: something that is none."""
        if not self.greeted:
            return
        try:
            self._hands.datagram(data)
        except ProtocolError as error:
            self.metrics.violations += 1
            log.warning("protocol violation", viewer=self.id, code=error.close_code, error=str(error))
            self._connection.close()
            self.close(error.close_code, str(error))

    def _handle(self, message: m.ViewerMessage | DigestReport | Piece, now_s: float) -> None:
        match message:
            case m.Pointer() | m.Wheel() | m.Key() | m.Text() | m.Release():
                self._hands.act(message)
            case m.Ack():
                self._acked(message, now_s)
            case DigestReport():
                self._reported(message, now_s)
            case m.Ping():
                self.traces.clock.heard(message.t, now_s)
                self.tell(m.Pong(message.t, now_s * 1000))
            case m.Refresh():
                self.metrics.resets += 1
                if self.video is not None:
                    self.video.start_over()
                self.state.reset()
                self._around.wake(message.monitor)
            case m.Offer():
                if self.video is None:
                    raise ProtocolError("an offer comes after it was asked for")
                self.video.offered(message)
            case m.Played():
                if self.video is not None:
                    self.video.played(message, now_s)
            case m.Layout():
                self._around.ordered(self, message)
            case m.Watch():
                self._watch = message
            case m.ClipboardAsk():
                self._clipboard.asked(message)
            case Piece():
                self._bring(message)
            case m.Hello():
                if self._around.admitted(self, message):
                    self._greet(message, now_s)
            case m.View():
                log.debug("view", viewer=self.id, visible=message.visible, scaled=message.scaled)

    def on_disconnected(self) -> None:
        self._connection.close()
        if self._verify is not None:
            self._verify.cancel()
        self._clipboard.left()
        self._hands.release()
        if self.video is not None:
            video, self.video = self.video, None
            self._closing = asyncio.get_running_loop().create_task(video.close())
        self._around.gone(self)
        log.info("viewer left", viewer=self.id, **self._summary())

    # ── to the viewer ────────────────────────────────────────────────────────────────────────────────

    def tell(self, message: m.AgentMessage) -> None:
        self._socket.send(m.encode_agent_message(message))

    def tell_clipboard(self) -> None:
        """A program copied something."""
        if self.greeted:
            self._clipboard.tell()

    def tell_cursor(self, cursor: m.Cursor) -> None:
        if self._busy:
            self._cursor_owed = cursor
        else:
            self.tell(cursor)

    def tell_pointer(self, x_px: int, y_px: int) -> None:
        """In the screen's coordinates."""
        self._hands.moved(x_px, y_px)
        if not self._busy:
            self.tell(m.PointerAt(x_px, y_px))

    def tell_state(self, now_s: float) -> Exactness | None:
        """Tells it if it changed or was not told for a while; None before hello."""
        if self._parts is None:
            return None
        monitor = self._parts.picture.monitor.id
        complete = self._around.picture_known(monitor) and not self._parts.state.update_due
        state = self._parts.proof.state(complete=complete, now_s=now_s)
        if state is not self._told or now_s - self._told_s >= STATE_EVERY_S:
            self._told, self._told_s = state, now_s
            age_ms = round(self._parts.proof.age_s(now_s) * 1000, 1)
            ratio = self.video.ratio if self.video is not None and state is Exactness.LOSSY else None
            self.tell(m.State(monitor, self._parts.state.epoch, state.value, age_ms, ratio))
        return state

    def second(self, now_s: float) -> None:
        """Once a second. Raises ProtocolError when the viewer should have said hello."""
        self._connection.check_time(now_s)
        state = self.tell_state(now_s)
        if state is None or self._parts is None:
            return
        self.metrics.state_s[state.value] += 1
        if self._busy:
            return
        if self._watch.status:
            self.tell(self._status(self._parts, state, now_s))
        if self._watch.trace:
            self.tell(m.Trace(self.traces.take()))

    def tell_notice(self, code: str, message: str) -> None:
        self.tell(m.Notice(code, message))

    def arranged(self) -> None:
        """The monitors are others. Its own may be gone, have a new size, or only another place."""
        if self._parts is None or not self.greeted:
            return
        number = self._parts.picture.monitor.id
        picture = self._around.pictures.get(number)
        if picture is None:
            self.tell_notice(NoticeCode.MONITOR_REMOVED, f"This desktop has no monitor {number} any more.")
            self.close(CloseCode.MONITOR_REMOVED, f"monitor {number} is gone")
            return
        self.tell(self._around.layout(self))
        if picture is self._parts.picture:
            return
        # A new size: what is on the way is of a picture that is no more.
        now_s = self.clock()
        self._connection.picture_changed(self._parts.state.epoch)
        self._parts.picture = picture
        if self.video is not None:
            self.video.start_over()
            self.video.show(picture.shadow, self._around.video.chooser(number, picture.shadow))
        if self.scout is not None:
            self.scout = self._around.video.chooser(number, picture.shadow)
        self._parts.state.replace_shadow(picture.shadow)
        self._parts.proof.on_resized(picture.shadow.black_digests, now_s)
        self._told = None
        self._around.wake(number)

    def dismiss(self, device: str) -> None:
        """Another device has the desktop: nothing more of it is shown here, and nothing done from here."""
        self._connection.close()
        self._hands.release()
        log.info("viewer dismissed", viewer=self.id, user=self._user)
        self.close(CloseCode.TAKEN_OVER, device)

    def close(self, code: int, reason: str) -> None:
        self._socket.close(code, reason)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────

    def _greet(self, hello: m.Hello, now_s: float) -> None:
        picture = self._around.pictures[hello.monitor]
        shadow = picture.shadow
        self._parts = _Parts(
            picture,
            SentSurface(shadow, hello.monitor, hello.cache_bytes),
            SurfaceProof(shadow.black_digests, shadow.seed, now_s),
        )
        layout = self._around.layout(self)
        self.tell(
            m.Welcome(
                session=self._around.session,
                viewer=self.id,
                desktop=self._around.desktop,
                digest_seed=f"{self._around.seed:016x}",
                monitors=layout.monitors,
                screen_max=layout.screen_max,
                scale=layout.scale,
                sizes=layout.sizes,
            )
        )
        log.info("viewer joined", viewer=self.id, user=self._user, client=hello.client, monitor=hello.monitor)
        self._clipboard.tell()
        self._around.greeted(self)
        if hello.video and self._around.video.enabled_on(hello.monitor):
            self.scout = self._around.video.chooser(hello.monitor, shadow)
            self.begin_video()
        self._around.wake(hello.monitor)

    def _acked(self, ack: m.Ack, now_s: float) -> None:
        assert self._parts is not None
        self._parts.proof.on_acked(ack.epoch)
        frame = self.traces.acked(ack.epoch, ack.received, ack.decoded, ack.shown, now_s)
        if frame is not None:
            self.metrics.frame(frame)
        was_open = self.window.is_open
        self.window.on_acked(ack.epoch, (ack.shown - ack.received) / 1000, now_s)
        if not was_open:
            self._around.wake(ack.monitor)
        rate, round_trip_s = self.window.rate_bytes_per_s, self.window.round_trip_s
        if self.scout is not None and (
            round_trip_s > LONG_S or (rate is not None and rate < NARROW_BYTES_PER_S)
        ):
            self._around.want_video()
        if self._cursor_owed is not None and not self._busy:
            self.tell(self._cursor_owed)
            self._cursor_owed = None
        self._plan_verify()

    def _reported(self, report: DigestReport, now_s: float) -> None:
        assert self._parts is not None
        metrics = self.metrics
        metrics.reports += 1
        verdict = self._parts.proof.on_report(report, now_s)
        if len(verdict.wrong):
            metrics.mismatches += len(verdict.wrong)
            log.warning(
                "surface differs",
                viewer=self.id,
                epoch=report.epoch,
                count=len(verdict.wrong),
                tiles=verdict.wrong[:16].tolist(),
            )
            self._parts.state.invalidate(verdict.wrong)
            self._around.wake(report.monitor)
        if verdict.root_differs:
            log.warning("root differs", viewer=self.id, epoch=report.epoch, full=report.full)
        self.tell_state(now_s)
        self._plan_verify()

    def _plan_verify(self) -> None:
        """Asks for a report now or sets the timer. A timer that is early only looks again."""
        at_s = self._parts.proof.verify_due_s() if self._parts is not None else None
        if at_s is None or self._parts is None or at_s >= self._verify_s:
            return
        now_s = self.clock()
        if at_s <= now_s:
            monitor = self._parts.picture.monitor.id
            self.tell(m.Verify(monitor, full=self._parts.proof.on_verify_sent(now_s)))
            at_s = self._parts.proof.verify_due_s() or now_s
        if self._verify is not None:
            self._verify.cancel()
        self._verify_s = at_s
        self._verify = asyncio.get_running_loop().call_later(at_s - now_s, self._verify_due)

    def _verify_due(self) -> None:
        self._verify, self._verify_s = None, math.inf
        self._plan_verify()

    def _bring(self, piece: Piece) -> None:
        try:
            done = self._clipboard.brought(piece)
        except Malfunction as error:
            log.error("clipboard failed", viewer=self.id, error=str(error))
            return
        if done is not None:
            self._hands.hold_until(done)

    def _shown(self) -> Monitor:
        assert self._parts is not None, "only after hello"
        return self._parts.picture.monitor

    def _tiles_of(self, monitor: int) -> int | None:
        picture = self._around.pictures.get(monitor)
        return picture.shadow.grid.count if picture is not None else None

    @property
    def _busy(self) -> bool:
        return self._socket.buffered_bytes > BUSY_BYTES

    def _status(self, parts: _Parts, state: Exactness, now_s: float) -> m.Status:
        counts = parts.state.counts
        return m.Status(
            monitor=parts.picture.monitor.id,
            epoch=parts.state.epoch,
            state=state.value,
            age_ms=round(parts.proof.age_s(now_s) * 1000, 1),
            tiles=parts.picture.shadow.grid.count,
            updated_tiles=counts.tiles,
            verified=parts.proof.proven_tiles,
            verified_total=parts.proof.verified_total,
            mismatches=parts.proof.mismatches,
            updates=counts.updates,
            dropped=counts.dropped,
            bytes=counts.bytes,
            raw_bytes=counts.raw_bytes,
            encodings=dict(counts.encodings),
            cached=counts.cached,
            moved=counts.moved,
            video=self.video.state if self.video is not None else "off",
            video_frames=self.video.frames if self.video is not None else 0,
            video_bytes=self.video.bytes if self.video is not None else 0,
            video_raw_bytes=self.video.raw_bytes if self.video is not None else 0,
            video_codec=self.video.codec if self.video is not None else "",
            datagrams=self._hands.datagrams,
        )

    def _summary(self) -> dict[str, object]:
        facts: dict[str, object] = {"seconds": round(self.clock() - self._joined_s, 1)}
        if self._parts is not None:
            counts = self._parts.state.counts
            facts |= {"updates": counts.updates, "bytes": counts.bytes, "dropped": counts.dropped}
            facts["mismatches"] = self._parts.proof.mismatches
        return facts
