"""One viewer: its connection, what it has, what is proven of it, and its hands."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog
from display_codecs import ENCODING_NAMES, TILE_PX

from display_server.errors import Malfunction, ProtocolError
from display_server.input.input_sink import InputSink
from display_server.protocol import messages as m
from display_server.protocol.connection import ConnectionState, ViewerConnection
from display_server.protocol.wire import DigestReport
from display_server.telemetry.metrics import AgentMetrics
from display_server.telemetry.trace import FrameTraces, Stages
from display_server.transport.viewer_socket import ViewerSocket, Visitor
from display_server.update.exactness import Exactness, SurfaceProof
from display_server.update.shadow import Shadow
from display_server.update.viewer_state import Update, ViewerState
from display_server.update.window import Window

log = structlog.get_logger(__name__)

MONITOR = 0
#: The state is told on change, and at least this often; the viewer trusts it for 5 s.
STATE_EVERY_S = 1.95
#: A viewer with so much unsent gets no news that the next one replaces anyway.
BUSY_BYTES = 256 * 1024


class Surroundings(Protocol):
    """What a viewer needs of the agent around it."""

    session: str
    desktop: str
    shadow: Shadow
    metrics: AgentMetrics

    def wake(self) -> None:
        """A viewer may take an update now."""

    def picture_known(self) -> bool:
        """Whether all damage so far was looked at."""

    def greeted(self, viewer: Viewer) -> None:
        """It said hello."""

    def pointed(self, viewer: Viewer, x_px: int, y_px: int) -> None:
        """It moved the pointer."""

    def gone(self, viewer: Viewer) -> None:
        """It is no more."""


@dataclass(slots=True)
class _Parts:
    """What exists once the viewer said hello."""

    state: ViewerState
    proof: SurfaceProof


class Viewer:
    """A ViewerEnd. `clock` gives s on the monotonic clock."""

    def __init__(
        self,
        socket: ViewerSocket,
        visitor: Visitor,
        hands: InputSink,
        around: Surroundings,
        clock: Callable[[], float],
    ) -> None:
        self._socket = socket
        self._hands = hands
        self._around = around
        self._clock = clock
        self._connection = ViewerConnection({MONITOR: around.shadow.grid.count}, ENCODING_NAMES, clock())
        self._parts: _Parts | None = None
        self.window = Window()
        self.traces = FrameTraces()
        self.id = visitor.viewer or secrets.token_hex(4)
        self._user = visitor.user
        self._joined_s = clock()
        self._watch = m.Watch(status=False, trace=False)
        self._buttons = 0
        self._pointer: tuple[int, int] | None = None
        self._told: Exactness | None = None
        self._told_s = -math.inf
        self._verify: asyncio.TimerHandle | None = None
        self._verify_s = math.inf
        self._cursor_owed: m.Cursor | None = None

    # ── the picture's way: called by the pipeline ────────────────────────────────────────────────────

    @property
    def state(self) -> ViewerState:
        assert self._parts is not None, "only after hello"
        return self._parts.state

    @property
    def greeted(self) -> bool:
        """Whether it said hello and is still there."""
        return self._connection.state in (ConnectionState.WELCOMED, ConnectionState.RUNNING)

    @property
    def ready(self) -> bool:
        """Whether an update may be sent now."""
        return self.greeted and self.window.open

    @property
    def pointer_tile(self) -> int | None:
        if self._pointer is None:
            return None
        return self._pointer[1] // TILE_PX * self._around.shadow.grid.columns + self._pointer[0] // TILE_PX

    def send_update(self, update: Update, stages: Stages, encoded_s: float) -> None:
        assert self._parts is not None
        self._connection.update_sent()
        self._socket.send(update.data)
        now_s = self._clock()
        self.window.sent(update.epoch, len(update.data), now_s)
        self._parts.proof.sent(update.epoch, update.tiles, update.digests, reset=update.reset, now_s=now_s)
        self.traces.sent(
            update.epoch,
            stages,
            encoded_s=encoded_s,
            sent_s=now_s,
            tiles=len(update.tiles),
            size_bytes=len(update.data),
        )

    # ── from the viewer ──────────────────────────────────────────────────────────────────────────────

    def received(self, frame: str | bytes) -> None:
        """Raises ProtocolError."""
        try:
            self._handle(self._connection.receive(frame), self._clock())
        except ProtocolError:
            self._around.metrics.violations += 1
            raise

    def _handle(self, message: m.ViewerMessage | DigestReport, now_s: float) -> None:
        match message:
            case m.Pointer() | m.Wheel() | m.Key() | m.Text() | m.Release():
                self._act(message)
            case m.Ack():
                self._acked(message, now_s)
            case DigestReport():
                self._reported(message, now_s)
            case m.Ping():
                self.traces.clock.heard(message.t, now_s)
                self._tell(m.Pong(message.t, now_s * 1000))
            case m.Refresh():
                self._around.metrics.resets += 1
                self.state.start_over()
                self._around.wake()
            case m.Watch():
                self._watch = message
            case m.Hello():
                self._greet(message, now_s)
            case m.View():
                log.debug("view", viewer=self.id, visible=message.visible, scaled=message.scaled)

    def left(self) -> None:
        self._connection.close()
        if self._verify is not None:
            self._verify.cancel()
        self._hands.release()
        self._around.gone(self)
        log.info("viewer left", viewer=self.id, **self._summary())

    # ── to the viewer ────────────────────────────────────────────────────────────────────────────────

    def tell_cursor(self, cursor: m.Cursor) -> None:
        if self._busy:
            self._cursor_owed = cursor
        else:
            self._tell(cursor)

    def tell_pointer(self, x_px: int, y_px: int) -> None:
        self._pointer = self._clamped(x_px, y_px)
        if not self._busy:
            self._tell(m.PointerAt(x_px, y_px))

    def tell_state(self, now_s: float) -> Exactness | None:
        """Tells it if it changed or was not told for a while; None before hello."""
        if self._parts is None:
            return None
        complete = self._around.picture_known() and not self._parts.state.wants
        state = self._parts.proof.state(complete=complete, now_s=now_s)
        if state is not self._told or now_s - self._told_s >= STATE_EVERY_S:
            self._told, self._told_s = state, now_s
            age_ms = round(self._parts.proof.age_s(now_s) * 1000, 1)
            self._tell(m.State(MONITOR, self._parts.state.epoch, state.value, age_ms))
        return state

    def second(self, now_s: float) -> None:
        """Once a second. Raises ProtocolError when the viewer should have said hello."""
        self._connection.check_time(now_s)
        state = self.tell_state(now_s)
        if state is None or self._parts is None:
            return
        self._around.metrics.state_s[state.value] += 1
        if self._busy:
            return
        if self._watch.status:
            self._tell(self._status(self._parts, state, now_s))
        if self._watch.trace:
            self._tell(m.Trace(self.traces.take()))

    def close(self, code: int, reason: str) -> None:
        self._socket.close(code, reason)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────

    def _greet(self, hello: m.Hello, now_s: float) -> None:
        shadow = self._around.shadow
        self._parts = _Parts(
            ViewerState(shadow, MONITOR, hello.cache_bytes), SurfaceProof(shadow.black, shadow.seed, now_s)
        )
        layout = m.MonitorLayout(MONITOR, 0, 0, shadow.grid.width_px, shadow.grid.height_px)
        self._tell(
            m.Welcome(
                session=self._around.session,
                viewer=self.id,
                desktop=self._around.desktop,
                digest_seed=f"{shadow.seed:016x}",
                monitors=[layout],
            )
        )
        log.info("viewer joined", viewer=self.id, user=self._user, client=hello.client)
        self._around.greeted(self)
        self._around.wake()

    def _acked(self, ack: m.Ack, now_s: float) -> None:
        assert self._parts is not None
        self._parts.proof.acked(ack.epoch)
        frame = self.traces.acked(ack.epoch, ack.received, ack.decoded, ack.shown, now_s)
        if frame is not None:
            self._around.metrics.frame(frame)
        was_open = self.window.open
        self.window.acked(ack.epoch, (ack.shown - ack.received) / 1000, now_s)
        if not was_open:
            self._around.wake()
        if self._cursor_owed is not None and not self._busy:
            self._tell(self._cursor_owed)
            self._cursor_owed = None
        self._plan_verify()

    def _reported(self, report: DigestReport, now_s: float) -> None:
        assert self._parts is not None
        metrics = self._around.metrics
        metrics.reports += 1
        verdict = self._parts.proof.reported(report, now_s)
        if len(verdict.wrong):
            metrics.mismatches += len(verdict.wrong)
            log.warning(
                "surface differs",
                viewer=self.id,
                epoch=report.epoch,
                count=len(verdict.wrong),
                tiles=verdict.wrong[:16].tolist(),
            )
            self._parts.state.distrust(verdict.wrong)
            self._around.wake()
        if verdict.root_differs:
            log.warning("root differs", viewer=self.id, epoch=report.epoch, full=report.full)
        self.tell_state(now_s)
        self._plan_verify()

    def _plan_verify(self) -> None:
        """Asks for a report now or sets the timer. A timer that is early only looks again."""
        at_s = self._parts.proof.ask_at_s() if self._parts is not None else None
        if at_s is None or self._parts is None or at_s >= self._verify_s:
            return
        now_s = self._clock()
        if at_s <= now_s:
            self._tell(m.Verify(MONITOR, full=self._parts.proof.asked(now_s)))
            at_s = self._parts.proof.ask_at_s() or now_s
        if self._verify is not None:
            self._verify.cancel()
        self._verify_s = at_s
        self._verify = asyncio.get_running_loop().call_later(at_s - now_s, self._verify_due)

    def _verify_due(self) -> None:
        self._verify, self._verify_s = None, math.inf
        self._plan_verify()

    def _act(self, message: m.InputMessage) -> None:
        self._around.metrics.input_events += 1
        try:
            match message:
                case m.Pointer():
                    self._buttons = message.buttons
                    self._point(message.x, message.y)
                case m.Wheel():
                    if self._clamped(message.x, message.y) != self._pointer:
                        self._point(message.x, message.y)
                    self._hands.wheel(message.dx, message.dy)
                case m.Key():
                    self._hands.key(message.keysym, message.code, down=message.down)
                case m.Text():
                    self._hands.text(message.text)
                case m.Release():
                    self._buttons = 0
                    self._hands.release()
        except Malfunction as error:
            # A server that is gone ends the agent by its capture; one that is stuck may recover.
            log.error("input failed", viewer=self.id, error=str(error))
            self._tell(m.Notice("input-failed", "The desktop does not take input at the moment."))

    def _point(self, x: int, y: int) -> None:
        self._pointer = self._clamped(x, y)
        self._hands.pointer(*self._pointer, self._buttons)
        self._around.pointed(self, *self._pointer)

    def _clamped(self, x: int, y: int) -> tuple[int, int]:
        """A drag may leave the surface; the pointer stays on the desktop."""
        grid = self._around.shadow.grid
        return min(max(x, 0), grid.width_px - 1), min(max(y, 0), grid.height_px - 1)

    @property
    def _busy(self) -> bool:
        return self._socket.buffered_bytes > BUSY_BYTES

    def _tell(self, message: m.AgentMessage) -> None:
        self._socket.send(m.encode_agent_message(message))

    def _status(self, parts: _Parts, state: Exactness, now_s: float) -> m.Status:
        counts = parts.state.counts
        return m.Status(
            monitor=MONITOR,
            epoch=parts.state.epoch,
            state=state.value,
            age_ms=round(parts.proof.age_s(now_s) * 1000, 1),
            tiles=counts.tiles,
            verified=parts.proof.verified_tiles,
            mismatches=parts.proof.mismatches,
            updates=counts.updates,
            dropped=counts.dropped,
            bytes=counts.bytes,
            raw_bytes=counts.raw_bytes,
            encodings=dict(counts.encodings),
            cached=counts.cached,
            moved=counts.moved,
        )

    def _summary(self) -> dict[str, object]:
        facts: dict[str, object] = {"seconds": round(self._clock() - self._joined_s, 1)}
        if self._parts is not None:
            counts = self._parts.state.counts
            facts |= {"updates": counts.updates, "bytes": counts.bytes, "dropped": counts.dropped}
            facts["mismatches"] = self._parts.proof.mismatches
        return facts
