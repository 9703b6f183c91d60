"""The order of things in one viewer's connection."""

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


def _say(connection: ViewerConnection, **message: object) -> object:
    return connection.receive(json.dumps(message))


def _running() -> ViewerConnection:
    connection = _connection()
    _say(connection, **HELLO)
    connection.update_sent()
    return connection


def test_a_whole_life() -> None:
    connection = _connection()
    assert isinstance(_say(connection, **HELLO), m.Hello)
    states = [connection.state]
    connection.update_sent()
    assert isinstance(_say(connection, **ACK), m.Ack)
    assert isinstance(connection.receive(REPORT), DigestReport)
    states.append(connection.state)
    connection.close()
    connection.close()
    states.append(connection.state)
    assert states == [ConnectionState.WELCOMED, ConnectionState.RUNNING, ConnectionState.CLOSED]


def test_hello_comes_first_and_once() -> None:
    with pytest.raises(ProtocolError, match="not allowed"):
        _say(_connection(), type="release")
    with pytest.raises(ProtocolError, match="not allowed"):
        _connection().receive(REPORT)
    with pytest.raises(ProtocolError, match="hello is not allowed"):
        _say(_running(), **HELLO)


def test_nothing_is_acknowledged_before_an_update() -> None:
    connection = _connection()
    _say(connection, **HELLO)
    with pytest.raises(ProtocolError, match="evidence"):
        _say(connection, **ACK)


def test_hello_is_due_in_time() -> None:
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
def test_hellos_that_do_not_fit(change: dict[str, object], code: int) -> None:
    with pytest.raises(ProtocolError) as caught:
        _say(_connection(), **{**HELLO, **change})
    assert caught.value.close_code == code


def test_other_monitors_are_none_of_its_business() -> None:
    for message in ({**ACK, "monitor": 1}, {"type": "refresh", "monitor": 1}):
        with pytest.raises(ProtocolError, match="monitor"):
            _say(_running(), **message)
    with pytest.raises(ProtocolError, match="monitor"):
        _running().receive(struct.pack("<BBHIQH", 2, 0, 1, 1, 0, 0))


def test_too_much_at_once() -> None:
    with pytest.raises(ProtocolError, match="at most"):
        _running().receive(bytes(VIEWER_BINARY_MAX_BYTES + 1))


def test_nothing_leads_out_of_closed() -> None:
    after = [state for (state, _), state in TRANSITIONS.items() if state is not ConnectionState.CLOSED]
    assert ConnectionState.CONNECTING not in after
    for event in ConnectionEvent:
        assert (
            TRANSITIONS.get((ConnectionState.CLOSED, event), ConnectionState.CLOSED) is ConnectionState.CLOSED
        )


def test_reports_of_a_picture_that_had_another_size_are_let_pass() -> None:
    connection = _running()
    far = struct.pack("<BBHIQH", 2, 0, 0, 1, 0, 1) + struct.pack("<HQ", 40_000, 1)
    with pytest.raises(ProtocolError, match="tile 40000 of 4"):
        _running().receive(far)
    connection.monitor_resized(1)
    report = connection.receive(far)
    assert isinstance(report, DigestReport)
    with pytest.raises(ProtocolError, match="tile 40000 of 4"):
        connection.receive(far[:4] + struct.pack("<I", 2) + far[8:])
