"""One viewer's connection without I/O: frames go in, checked messages come out, in the order of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum

from display_server.errors import ProtocolError
from display_server.protocol.clipboard import KIND_CLIPBOARD, Piece, parse_piece
from display_server.protocol.messages import (
    BINARY_MAX_BYTES,
    PROTOCOL_VERSION,
    Ack,
    Hello,
    Played,
    Refresh,
    ViewerMessage,
    parse_viewer_message,
)
from display_server.protocol.wire import DigestReport, epoch_of, parse_report

#: A viewer that does not say hello is no viewer, s.
HELLO_WITHIN_S = 5.0
#: The close code for a viewer whose monitor there is not.
MONITOR_GONE = 4410


class ConnectionState(Enum):
    """`connecting` ─hello─► `welcomed` ─update─► `running` ─close─► `closed`, also from the others."""

    CONNECTING = "connecting"
    WELCOMED = "welcomed"
    RUNNING = "running"
    CLOSED = "closed"


class ConnectionEvent(Enum):
    """`update` is sent, the others come from the viewer or the socket."""

    HELLO = "hello"
    MESSAGE = "message"
    UPDATE = "update"
    EVIDENCE = "evidence"  # an ack or a digest report: about an update, so never before the first
    CLOSE = "close"


_S, _E = ConnectionState, ConnectionEvent
TABLE: dict[tuple[ConnectionState, ConnectionEvent], ConnectionState] = {
    (_S.CONNECTING, _E.HELLO): _S.WELCOMED,
    (_S.CONNECTING, _E.CLOSE): _S.CLOSED,
    (_S.WELCOMED, _E.MESSAGE): _S.WELCOMED,
    (_S.WELCOMED, _E.UPDATE): _S.RUNNING,
    (_S.WELCOMED, _E.CLOSE): _S.CLOSED,
    (_S.RUNNING, _E.MESSAGE): _S.RUNNING,
    (_S.RUNNING, _E.UPDATE): _S.RUNNING,
    (_S.RUNNING, _E.EVIDENCE): _S.RUNNING,
    (_S.RUNNING, _E.CLOSE): _S.CLOSED,
    (_S.CLOSED, _E.CLOSE): _S.CLOSED,
}


class ViewerConnection:
    """`tiles_of` gives the number of tiles of a monitor, None where there is none; `encodings` are ours."""

    def __init__(self, tiles_of: Callable[[int], int | None], encodings: Iterable[str], now_s: float) -> None:
        self._tiles_of = tiles_of
        self._encodings = frozenset(encodings)
        self._monitor = 0
        self._former_epoch = -1
        self.state = ConnectionState.CONNECTING
        self.hello_due_s = now_s + HELLO_WITHIN_S

    @property
    def monitor(self) -> int:
        """Which one this viewer shows, once it said hello."""
        return self._monitor

    def receive(self, frame: str | bytes) -> ViewerMessage | DigestReport | Piece:
        """Raises ProtocolError with the close code that fits."""
        message: ViewerMessage | DigestReport
        if isinstance(frame, str):
            message = parse_viewer_message(frame)
            if isinstance(message, Hello):
                self._step(ConnectionEvent.HELLO)
                self._greet(message)
                return message
            self._step(ConnectionEvent.EVIDENCE if isinstance(message, Ack) else ConnectionEvent.MESSAGE)
        else:
            if len(frame) > BINARY_MAX_BYTES:
                raise ProtocolError(f"a binary frame holds at most {BINARY_MAX_BYTES} bytes")
            if frame[:1] == bytes([KIND_CLIPBOARD]):
                self._step(ConnectionEvent.MESSAGE)
                return parse_piece(frame)
            self._step(ConnectionEvent.EVIDENCE)
            former = epoch_of(frame) <= self._former_epoch
            message = parse_report(frame, None if former else self._tiles_of(self._monitor) or 0)
        if isinstance(message, Ack | Refresh | Played | DigestReport) and message.monitor != self._monitor:
            raise ProtocolError(f"this viewer shows monitor {self._monitor}, not {message.monitor}")
        return message

    def update_sent(self) -> None:
        """Raises ProtocolError when none may be sent."""
        self._step(ConnectionEvent.UPDATE)

    def picture_changed(self, epoch: int) -> None:
        """The monitor has another size: reports up to this epoch are of the one it had."""
        self._former_epoch = epoch

    def check_time(self, now_s: float) -> None:
        """Raises ProtocolError when the viewer should have said hello by now."""
        if self.state is ConnectionState.CONNECTING and now_s >= self.hello_due_s:
            raise ProtocolError(f"no hello within {HELLO_WITHIN_S:g} s")

    def close(self) -> None:
        self._step(ConnectionEvent.CLOSE)

    def _greet(self, hello: Hello) -> None:
        if hello.protocol != PROTOCOL_VERSION:
            raise ProtocolError(
                f"protocol {hello.protocol} is not spoken here, only {PROTOCOL_VERSION}", close_code=4426
            )
        if missing := self._encodings.difference(hello.encodings):
            raise ProtocolError(f"the viewer cannot decode {', '.join(sorted(missing))}", close_code=4426)
        if self._tiles_of(hello.monitor) is None:
            raise ProtocolError(f"there is no monitor {hello.monitor}", close_code=MONITOR_GONE)
        self._monitor = hello.monitor

    def _step(self, event: ConnectionEvent) -> None:
        after = TABLE.get((self.state, event))
        if after is None:
            raise ProtocolError(f"{event.value} is not due while {self.state.value}")
        self.state = after
