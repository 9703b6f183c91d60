"""One viewer: its handshake, and the dispatch of its messages to input, clipboard and streams."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import structlog
from display_codecs import ENCODING_NAMES, TILE_PX

from display_server.agent.clipboard.desktop_clipboard import DesktopClipboard
from display_server.agent.clipboard.viewer_clipboard import ViewerClipboard
from display_server.agent.input.input_sink import InputSink
from display_server.agent.pipeline.monitor_frame import MonitorFrame
from display_server.agent.pipeline.screen import Screen
from display_server.agent.streams.tile_stream import TileStream
from display_server.agent.streams.video_factory import VideoFactory
from display_server.agent.streams.video_stream import VideoStream
from display_server.agent.streams.viewer_streams import ViewerStreams
from display_server.agent.transport.viewer_socket import ViewerIdentity, ViewerSocket
from display_server.agent.viewer.viewer_input import ViewerInput
from display_server.agent.viewer.viewer_output import ViewerOutput
from display_server.desktop.session_policy import SessionPolicy
from display_server.desktop.x11.monitors import Monitor
from display_server.errors import Malfunction
from display_server.protocol import messages as m
from display_server.protocol.clipboard import Piece
from display_server.protocol.close_codes import CloseCode
from display_server.protocol.connection import ViewerConnection
from display_server.protocol.connection_state import ConnectionState
from display_server.protocol.errors import ProtocolError
from display_server.protocol.notice_codes import NoticeCode
from display_server.protocol.wire import DigestReport
from display_server.telemetry.metrics import AgentMetrics

log = structlog.get_logger(__name__)

#: Bytes of the random name of a viewer that the gateway did not name.
RANDOM_NAME_BYTES = 4


class DesktopState(Protocol):
    """What every viewer shows of the desktop."""

    @property
    def session(self) -> str:
        """The name of the desktop session."""

    @property
    def desktop(self) -> str:
        """The name of the desktop."""

    @property
    def patience(self) -> float:
        """Multiplies the times after which something counts as silent or late."""

    @property
    def digest_seed(self) -> int:
        """The seed of all digests, 64 bits."""

    @property
    def screen(self) -> Screen:
        """The monitors and their frames."""

    @property
    def clipboard(self) -> DesktopClipboard | None:
        """The clipboard of the desktop, or None if it has none."""

    @property
    def policy(self) -> SessionPolicy:
        """What a viewer may do for which the broker says nothing else."""

    @property
    def video(self) -> VideoFactory:
        """Opens video sessions."""

    def monitors_message(self, device: str) -> m.Monitors:
        """Returns the present monitors, as the message for viewers of this device."""


class ViewerEvents(Protocol):
    """What a viewer reports to the agent, in the order in which it happens."""

    def admit(self, viewer: Viewer, hello: m.Hello) -> bool:
        """Returns whether the viewer's device may display the desktop. Otherwise the viewer was dismissed."""

    def on_welcomed(self, viewer: Viewer) -> None:
        """The viewer was sent `welcome`."""

    def on_pointer_moved(self, viewer: Viewer, x_px: int, y_px: int) -> None:
        """The viewer moved the pointer to this place on the screen."""

    def on_activity(self, viewer: Viewer) -> None:
        """The person at the viewer used keys, pointer or touch."""

    def on_layout_requested(self, viewer: Viewer, layout: m.Layout) -> None:
        """The viewer requests an arrangement of the monitors."""

    def on_gather_requested(self, viewer: Viewer, monitor: int, own: int) -> None:
        """The viewer requests the windows of another monitor for its own one."""

    def on_disconnected(self, viewer: Viewer) -> None:
        """The viewer's connection is closed."""


class Viewer:
    """The ViewerHandler of one connection. `clock` returns the monotonic time in s."""

    def __init__(
        self,
        socket: ViewerSocket,
        identity: ViewerIdentity,
        input_sink: InputSink,
        desktop: DesktopState,
        events: ViewerEvents,
        metrics: AgentMetrics,
        clock: Callable[[], float],
    ) -> None:
        self._socket = socket
        self._identity = replace(identity, viewer=identity.viewer or secrets.token_hex(RANDOM_NAME_BYTES))
        self._desktop = desktop
        self._events = events
        self._metrics = metrics
        self._clock = clock
        self._connected_s = clock()
        self._connection = ViewerConnection(
            lambda monitor: _tile_count_of(desktop.screen, monitor), ENCODING_NAMES, self._connected_s
        )
        self._output = ViewerOutput(socket, self._connection)
        # Both exist from `hello` on. The frame outlives its monitor, until the connection is closed.
        self._streams: ViewerStreams | None = None
        self._frame: MonitorFrame | None = None
        self._closing: asyncio.Task[None] | None = None
        self._watch = m.Watch(status=False, trace=False)
        self._delayed_cursor: m.Cursor | None = None
        self._knows_caret = False  # whether the viewer understands `caret`
        self.policy = identity.policy or desktop.policy
        self._clipboard = ViewerClipboard(
            desktop.clipboard, self.policy.clipboard, socket, self._output.send_notice
        )
        self._input = ViewerInput(
            self.id,
            input_sink,
            self._monitor,
            lambda: (desktop.screen.width_px, desktop.screen.height_px),
            lambda x_px, y_px: events.on_pointer_moved(self, x_px, y_px),
            lambda: events.on_activity(self),
            self._output.send_notice,
            metrics,
            desktop.patience,
        )

    @property
    def id(self) -> str:
        return self._identity.viewer

    @property
    def device(self) -> str:
        return self._identity.device

    @property
    def welcomed(self) -> bool:
        """Whether the viewer said hello and is still connected."""
        return self._connection.state in (ConnectionState.WELCOMED, ConnectionState.RUNNING)

    # ── ViewerHandler ────────────────────────────────────────────────────────────────────────────────

    def on_message(self, frame: str | bytes) -> None:
        if self._connection.state is ConnectionState.CLOSED:
            return  # dismissed: what the viewer still sends is ignored
        self._input.on_heard(self._clock())
        try:
            self._dispatch(self._connection.receive(frame), self._clock())
        except ProtocolError:
            self._metrics.violations += 1
            raise

    def on_disconnected(self) -> None:
        self._connection.close()
        self._clipboard.on_disconnected()
        self._input.close()
        self._close_streams()
        self._events.on_disconnected(self)
        log.info("viewer disconnected", viewer=self.id, **self._summary())

    # ── from the agent ───────────────────────────────────────────────────────────────────────────────

    def use_policy(self, policy: SessionPolicy) -> None:
        """Replaces what the viewer may do, while it is connected."""
        self.policy = policy
        self._clipboard.use(policy.clipboard)
        self.notify_clipboard()
        if self._streams is not None and self._frame is not None:
            self._streams.use_picture(self._frame.shadow, policy.picture)

    def notify_clipboard(self) -> None:
        """Tells the viewer what a program copied."""
        if self.welcomed:
            self._clipboard.send_state()

    def notify_cursor(self, cursor: m.Cursor) -> None:
        """Sends the cursor's shape: now, or when the viewer is no longer busy."""
        if not self.welcomed:
            return
        if self._output.busy:
            self._delayed_cursor = cursor
        else:
            self._output.send_message(cursor)

    def notify_pointer(self, x_px: int, y_px: int) -> None:
        """Tells the viewer that somebody else moved the pointer to this place on the screen."""
        if not self.welcomed:
            return
        self._input.on_moved_by_others(x_px, y_px)
        if not self._output.busy:
            self._output.send_message(m.PointerPosition(x_px, y_px))

    def notify_caret(self, caret: m.Caret) -> None:
        """Tells the viewer where text is entered. The next change repeats what a busy viewer is not told."""
        if self.welcomed and self._knows_caret and not self._output.busy:
            self._output.send_message(caret)

    def notify_heartbeat(self, heartbeat: m.Heartbeat) -> None:
        """Sends a heartbeat, after the state if the X server stopped to answer or answers again."""
        if self.welcomed and self._streams is not None:
            now_s = self._clock()
            self._input.check_silence(now_s)
            self._streams.notify_state(now_s)
            self._output.send_message(heartbeat)

    def notify_notice(self, code: str, message: str) -> None:
        """Shows the person a notice."""
        self._output.send_notice(code, message)

    def notify_monitors(self) -> None:
        """Handles another arrangement: this viewer's monitor may be removed, resized or only moved."""
        if self._streams is None or not self.welcomed:
            return
        number = self._streams.monitor
        frame = self._desktop.screen.frames.get(number)
        if frame is None:
            self.notify_notice(NoticeCode.MONITOR_REMOVED, f"This desktop has no monitor {number} any more.")
            self._close_streams()
            self.close(CloseCode.MONITOR_REMOVED, f"monitor {number} was removed")
            return
        self._output.send_message(self._desktop.monitors_message(self.device))
        if frame is not self._frame:
            self._frame = frame
            # Reports about updates that are still in flight describe the surface of the old size.
            self._connection.monitor_resized(self._streams.tiles.sent.epoch)
            self._streams.resize(frame.shadow)

    def on_second(self, now_s: float) -> None:
        """Called once per second. Raises ProtocolError when `hello` is overdue."""
        self._connection.check_time(now_s)
        if self._streams is None:
            return
        state = self._streams.notify_state(now_s)
        self._metrics.state_s[state.value] += 1
        if self._output.busy:
            return
        if self._watch.status:
            self._output.send_message(self._streams.status(state, now_s, self._input.datagrams))
        if self._watch.trace:
            self._output.send_message(m.Trace(self._streams.tiles.traces.take_acked()))

    def dismiss(self, device: str) -> None:
        """Disconnects the viewer because another device, of this name, displays the desktop."""
        self._connection.close()
        self._input.close()
        self._close_streams()
        log.info("viewer dismissed", viewer=self.id, user=self._identity.user)
        self.close(CloseCode.TAKEN_OVER, device)

    def close(self, code: int, reason: str) -> None:
        self._socket.close(code, reason)

    # ── private ──────────────────────────────────────────────────────────────────────────────────────

    def _dispatch(self, message: m.ViewerMessage | DigestReport | Piece, now_s: float) -> None:
        if isinstance(message, m.Hello):
            if self._events.admit(self, message):
                self._welcome(message)
            return
        streams = self._streams
        assert streams is not None, "the connection accepts nothing before `hello`"
        match message:
            case m.Pointer() | m.Wheel() | m.Key() | m.Text() | m.Release():
                self._input.on_message(message, now_s)
            case m.Ack():
                streams.on_ack(message, now_s)
                self._send_delayed_cursor()
                streams.tiles.plan_verify()
            case DigestReport():
                streams.on_report(message, now_s)
            case m.Ping():
                streams.tiles.traces.clock.add_message(message.t, now_s)
                self._output.send_message(m.Pong(message.t, now_s * 1000))
            case m.Readback():
                streams.on_readback_checked(message, now_s)
            case m.Refresh():
                self._metrics.resets += 1
                streams.start_over()
            case m.Offer():
                streams.video.on_offer(message)
            case m.Played():
                streams.video.on_played(message, now_s)
            case m.View():
                streams.set_visible(visible=message.visible, now_s=now_s)
            case m.Layout():
                self._events.on_layout_requested(self, message)
            case m.Gather():
                self._events.on_gather_requested(self, message.monitor, streams.monitor)
            case m.Watch():
                self._watch = message
            case m.ClipboardRequest():
                self._clipboard.on_request(message)
            case Piece():
                self._paste(message)

    def _welcome(self, hello: m.Hello) -> None:
        desktop, number = self._desktop, hello.monitor
        self._knows_caret = hello.caret
        self._frame = desktop.screen.frames[number]
        shadow = self._frame.shadow
        monitors = desktop.monitors_message(self.device)
        self._output.send_message(
            m.Welcome(
                session=desktop.session,
                viewer=self.id,
                desktop=desktop.desktop,
                digest_seed=f"{desktop.digest_seed:016x}",
                tile_px=TILE_PX,
                monitors=monitors.monitors,
                screen_max=monitors.screen_max,
                scale=monitors.scale,
                sizes=monitors.sizes,
                patience=desktop.patience,
            )
        )
        log.info(
            "viewer joined", viewer=self.id, user=self._identity.user, client=hello.client, monitor=number
        )
        tiles = TileStream(
            self.id,
            number,
            shadow,
            hello.cache_bytes,
            self._output,
            desktop.screen,
            lambda: self._input.pointer_px,
            self._metrics,
            self._clock,
        )
        video = VideoStream(
            self._identity,
            number,
            shadow,
            desktop.video,
            tiles,
            self._output,
            desktop.screen,
            self._on_datagram,
            self._metrics,
            self._clock,
            capable=hello.video,
            picture=self.policy.picture,
        )
        self._streams = ViewerStreams(number, tiles, video, self._output, desktop.screen)
        self._clipboard.send_state()
        self._events.on_welcomed(self)
        video.start()
        desktop.screen.attach(number, self._streams)

    def _on_datagram(self, data: bytes | None) -> None:
        """Handles a message of the data channel; None is a message that the channel does not allow."""
        if not self.welcomed:
            return
        try:
            self._input.on_datagram(data)
        except ProtocolError as error:
            self._metrics.violations += 1
            log.warning("protocol violation", viewer=self.id, code=error.close_code, error=str(error))
            self._connection.close()
            self._close_streams()
            self.close(error.close_code, str(error))

    def _send_delayed_cursor(self) -> None:
        if self._delayed_cursor is not None and not self._output.busy:
            self._output.send_message(self._delayed_cursor)
            self._delayed_cursor = None

    def _paste(self, piece: Piece) -> None:
        """Takes a piece of what the viewer copied. Input waits until programs can paste the whole."""
        self._input.on_upload(self._clock())
        try:
            pasteable = self._clipboard.on_piece(piece)
        except Malfunction as error:
            log.error("clipboard failed", viewer=self.id, error=str(error))
            return
        if pasteable is not None:
            self._input.delay_until(pasteable)

    def _close_streams(self) -> None:
        if self._streams is not None and self._closing is None:
            self._desktop.screen.detach(self._streams.monitor, self._streams)
            self._closing = asyncio.get_running_loop().create_task(self._streams.close())

    def _monitor(self) -> Monitor:
        assert self._frame is not None, "only after `hello`"
        return self._frame.monitor

    def _summary(self) -> dict[str, object]:
        facts: dict[str, object] = {"seconds": round(self._clock() - self._connected_s, 1)}
        if self._streams is not None:
            counts = self._streams.tiles.sent.counts
            facts |= {"updates": counts.updates, "bytes": counts.bytes, "dropped": counts.dropped}
            facts["mismatches"] = self._streams.tiles.proof.mismatches
        return facts


def _tile_count_of(screen: Screen, monitor: int) -> int | None:
    frame = screen.frames.get(monitor)
    return frame.shadow.grid.count if frame is not None else None
