"""The order of messages on a viewer's connection."""

from __future__ import annotations

import json
import struct

import pytest

from display_server.protocol import messages as m
from display_server.protocol.close_codes import CloseCode
from display_server.protocol.connection import ViewerConnection
from display_server.protocol.connection_state import TRANSITIONS, ConnectionEvent, ConnectionState
from display_server.protocol.errors import ProtocolError
from display_server.protocol.limits import HELLO_TIMEOUT_S, VIEWER_BINARY_MAX_BYTES
from display_server.protocol.wire import DigestReport

HELLO = {
    "type": "hello",
    "protocol": 1,
    "client": "test",
    "monitor": 0,
    "cache_bytes": 0,
    "encodings": ["solid", "raw", "future"],
}
ACK = {"type": "ack", "monitor": 0, "epoch": 1, "received": 0, "decoded": 0, "shown": 0}
REPORT = struct.pack("<BBHIQH", 2, 0, 0, 1, 0, 0)


def _connection() -> ViewerConnection:
    return ViewerConnection({0: 4}.get, ["solid", "raw"], 100.0)


def _send(connection: ViewerConnection, **message: object) -> object:
    return connection.receive(json.dumps(message))


def _running() -> ViewerConnection:
    connection = _connection()
    _send(connection, **HELLO)
    connection.update_sent()
    return connection


def test_states_from_connecting_to_closed() -> None:
    connection = _connection()
    assert isinstance(_send(connection, **HELLO), m.Hello)
    states = [connection.state]
    connection.update_sent()
    assert isinstance(_send(connection, **ACK), m.Ack)
    assert isinstance(connection.receive(REPORT), DigestReport)
    states.append(connection.state)
    connection.close()
    connection.close()
    states.append(connection.state)
    assert states == [ConnectionState.WELCOMED, ConnectionState.RUNNING, ConnectionState.CLOSED]


def test_hello_is_required_first_and_only_once() -> None:
    with pytest.raises(ProtocolError, match="not allowed"):
        _send(_connection(), type="release")
    with pytest.raises(ProtocolError, match="not allowed"):
        _connection().receive(REPORT)
    with pytest.raises(ProtocolError, match="hello is not allowed"):
        _send(_running(), **HELLO)


def test_an_ack_before_the_first_update_is_refused() -> None:
    connection = _connection()
    _send(connection, **HELLO)
    with pytest.raises(ProtocolError, match="evidence"):
        _send(connection, **ACK)


def test_an_overdue_hello_is_refused() -> None:
    connection = _connection()
    connection.check_time(100.0 + HELLO_TIMEOUT_S - 0.1)
    with pytest.raises(ProtocolError, match="no hello"):
        connection.check_time(100.0 + HELLO_TIMEOUT_S)
    connection = _running()
    connection.check_time(1e9)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"protocol": 2}, CloseCode.VERSION_MISMATCH),
        ({"protocol": 0}, CloseCode.VERSION_MISMATCH),
        ({"encodings": ["solid"]}, CloseCode.VERSION_MISMATCH),
        ({"monitor": 1}, CloseCode.MONITOR_REMOVED),
    ],
)
def test_an_unsuitable_hello_is_refused(change: dict[str, object], code: int) -> None:
    with pytest.raises(ProtocolError) as caught:
        _send(_connection(), **{**HELLO, **change})
    assert caught.value.close_code == code


def test_messages_about_other_monitors_are_refused() -> None:
    for message in ({**ACK, "monitor": 1}, {"type": "refresh", "monitor": 1}):
        with pytest.raises(ProtocolError, match="monitor"):
            _send(_running(), **message)
    with pytest.raises(ProtocolError, match="monitor"):
        _running().receive(struct.pack("<BBHIQH", 2, 0, 1, 1, 0, 0))


def test_an_oversized_binary_frame_is_refused() -> None:
    with pytest.raises(ProtocolError, match="at most"):
        _running().receive(bytes(VIEWER_BINARY_MAX_BYTES + 1))


def test_no_transition_leaves_closed() -> None:
    after = [state for (state, _), state in TRANSITIONS.items() if state is not ConnectionState.CLOSED]
    assert ConnectionState.CONNECTING not in after
    for event in ConnectionEvent:
        assert (
            TRANSITIONS.get((ConnectionState.CLOSED, event), ConnectionState.CLOSED) is ConnectionState.CLOSED
        )


def test_reports_from_before_a_resize_are_accepted() -> None:
    connection = _running()
    far = struct.pack("<BBHIQH", 2, 0, 0, 1, 0, 1) + struct.pack("<HQ", 40_000, 1)
    with pytest.raises(ProtocolError, match="tile 40000 of 4"):
        _running().receive(far)
    connection.monitor_resized(1)
    report = connection.receive(far)
    assert isinstance(report, DigestReport)
    with pytest.raises(ProtocolError, match="tile 40000 of 4"):
        connection.receive(far[:4] + struct.pack("<I", 2) + far[8:])
