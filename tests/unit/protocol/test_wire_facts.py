"""Numbers and names on the wire do not change without a new protocol version."""

from __future__ import annotations

from display_server.protocol import subprotocol
from display_server.protocol.close_codes import CloseCode
from display_server.protocol.frame_kinds import FrameKind
from display_server.protocol.notice_codes import NoticeCode


def test_close_codes_are_those_of_version_1() -> None:
    assert {code.name: int(code) for code in CloseCode} == {
        "NORMAL": 1000,
        "GOING_AWAY": 1001,
        "ABNORMAL": 1006,
        "MESSAGE_TOO_BIG": 1009,
        "PROTOCOL_VIOLATION": 4400,
        "TICKET_REJECTED": 4401,
        "FORBIDDEN": 4403,
        "DESKTOP_ENDED": 4404,
        "TAKEN_OVER": 4409,
        "MONITOR_REMOVED": 4410,
        "VERSION_MISMATCH": 4426,
        "LIMIT_REACHED": 4429,
    }


def test_frame_kinds_are_those_of_version_1() -> None:
    assert {kind.name: int(kind) for kind in FrameKind} == {
        "UPDATE": 1,
        "DIGEST_REPORT": 2,
        "CLIPBOARD": 3,
        "POINTER_MOTION": 4,
    }


def test_notice_codes_are_those_of_version_1() -> None:
    assert {str(code) for code in NoticeCode} == {
        "clipboard-denied",
        "input-failed",
        "input-lost",
        "layout-refused",
        "message-waiting",
        "modifier-missing",
        "monitor-gone",
        "windows-gathered",
    }


def test_the_subprotocol_names_the_version() -> None:
    assert (subprotocol.SUBPROTOCOL, subprotocol.PROTOCOL_VERSION) == ("lightbox.1", 1)
    assert (subprotocol.TICKET_PREFIX, subprotocol.VIEWER_PATH) == ("ticket.", "/viewer")
