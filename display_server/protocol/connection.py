"""The agent's side of one viewer connection: checks each frame against the protocol and its state machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from display_server.protocol.clipboard import Piece, parse_piece
from display_server.protocol.close_codes import CloseCode
from display_server.protocol.connection_state import TRANSITIONS, ConnectionEvent, ConnectionState
from display_server.protocol.errors import ProtocolError
from display_server.protocol.frame_kinds import FrameKind
from display_server.protocol.limits import HELLO_TIMEOUT_S, VIEWER_BINARY_MAX_BYTES
from display_server.protocol.messages import (
    Ack,
    Hello,
    Played,
    Readback,
    Refresh,
    ViewerMessage,
    parse_viewer_message,
)
from display_server.protocol.subprotocol import PROTOCOL_VERSION
from display_server.protocol.wire import DigestReport, parse_report, report_epoch


class ViewerConnection:
    """Parses what a viewer sends and refuses whatever is malformed or out of order.

    `tile_count_of` returns the number of tiles of a monitor, or None if the desktop has no such monitor.
    `encodings` are the names of the tile encodings that the agent may send.
    """

    def __init__(
        self, tile_count_of: Callable[[int], int | None], encodings: Iterable[str], now_s: float
    ) -> None:
        self._tile_count_of = tile_count_of
        self._encodings = frozenset(encodings)
        self._monitor = 0
        self._last_epoch_before_resize = -1
        self.state = ConnectionState.CONNECTING
        self.hello_deadline_s = now_s + HELLO_TIMEOUT_S

    @property
    def monitor(self) -> int:
        """The monitor that `hello` named; 0 before."""
        return self._monitor

    def receive(self, frame: str | bytes) -> ViewerMessage | DigestReport | Piece:
        """Parses one frame from the viewer. Raises ProtocolError with the close code to use."""
        message: ViewerMessage | DigestReport
        if isinstance(frame, str):
            message = parse_viewer_message(frame)
            if isinstance(message, Hello):
                self._step(ConnectionEvent.HELLO)
                self._accept_hello(message)
                return message
            self._step(ConnectionEvent.EVIDENCE if isinstance(message, Ack) else ConnectionEvent.MESSAGE)
        else:
            if len(frame) > VIEWER_BINARY_MAX_BYTES:
                raise ProtocolError(f"a binary frame holds at most {VIEWER_BINARY_MAX_BYTES} bytes")
            if frame[:1] == bytes([FrameKind.CLIPBOARD]):
                self._step(ConnectionEvent.MESSAGE)
                return parse_piece(frame)
            self._step(ConnectionEvent.EVIDENCE)
            before_resize = report_epoch(frame) <= self._last_epoch_before_resize
            message = parse_report(frame, None if before_resize else self._tile_count_of(self._monitor) or 0)
        if (
            isinstance(message, Ack | Readback | Refresh | Played | DigestReport)
            and message.monitor != self._monitor
        ):
            raise ProtocolError(f"this viewer shows monitor {self._monitor}, not {message.monitor}")
        return message

    def update_sent(self) -> None:
        """Records that an update was sent. Raises ProtocolError before `hello` and after the end."""
        self._step(ConnectionEvent.UPDATE)

    def monitor_resized(self, last_epoch: int) -> None:
        """The monitor got another size. Reports up to `last_epoch` describe the surface of the old size."""
        self._last_epoch_before_resize = last_epoch

    def check_time(self, now_s: float) -> None:
        """Raises ProtocolError when `hello` is overdue."""
        if self.state is ConnectionState.CONNECTING and now_s >= self.hello_deadline_s:
            raise ProtocolError(f"no hello within {HELLO_TIMEOUT_S:g} s")

    def close(self) -> None:
        self._step(ConnectionEvent.CLOSE)

    def _accept_hello(self, hello: Hello) -> None:
        if hello.protocol != PROTOCOL_VERSION:
            raise ProtocolError(
                f"this server speaks protocol {PROTOCOL_VERSION}, not {hello.protocol}",
                close_code=CloseCode.VERSION_MISMATCH,
            )
        if missing := self._encodings.difference(hello.encodings):
            raise ProtocolError(
                f"the viewer cannot decode {', '.join(sorted(missing))}",
                close_code=CloseCode.VERSION_MISMATCH,
            )
        if self._tile_count_of(hello.monitor) is None:
            raise ProtocolError(
                f"this desktop has no monitor {hello.monitor}", close_code=CloseCode.MONITOR_REMOVED
            )
        self._monitor = hello.monitor

    def _step(self, event: ConnectionEvent) -> None:
        after = TRANSITIONS.get((self.state, event))
        if after is None:
            raise ProtocolError(f"{event.value} is not allowed while the connection is {self.state.value}")
        self.state = after
