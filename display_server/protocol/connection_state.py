"""The states of a viewer's connection, and which event is allowed in which state.

connecting ─hello─► welcomed ─update─► running ─close─► closed (and close from every other state)
"""

from __future__ import annotations

from enum import Enum


class ConnectionState(Enum):
    CONNECTING = "connecting"  # the WebSocket is open, the viewer has not sent `hello`
    WELCOMED = "welcomed"  # `hello` was accepted, no update was sent
    RUNNING = "running"  # at least one update was sent
    CLOSED = "closed"


class ConnectionEvent(Enum):
    """UPDATE is an action of the agent; the others come from the viewer or the socket."""

    HELLO = "hello"
    MESSAGE = "message"  # any frame from the viewer except `hello` and those of EVIDENCE
    UPDATE = "update"  # the agent sends an update
    EVIDENCE = "evidence"  # an `ack` or a digest report: refers to an update, so one must have been sent
    CLOSE = "close"


_S, _E = ConnectionState, ConnectionEvent
#: The state after an event. A pair that is missing is a protocol violation.
TRANSITIONS: dict[tuple[ConnectionState, ConnectionEvent], ConnectionState] = {
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
