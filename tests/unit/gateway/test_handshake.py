from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.desktop.session_policy import SessionPolicy
from display_server.gateway import handshake as ws
from display_server.protocol.close_codes import CloseCode
from display_server.protocol.subprotocol import POLICY_HEADER

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
HEAD = (
    b"GET /viewer HTTP/1.1\r\nhost: localhost:8443\r\norigin: https://localhost:8443\r\ncookie: a=b\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: " + KEY + b"\r\n"
    b"sec-websocket-protocol: lightbox.1, ticket.abc.def\r\n\r\n"
)


def test_parses_a_valid_request() -> None:
    assert ws.parse(HEAD) == ws.Handshake(
        KEY, "localhost:8443", "https://localhost:8443", "a=b", ("lightbox.1",), "abc.def"
    )


def test_subprotocols_may_be_split_over_several_headers() -> None:
    split = HEAD.replace(b"lightbox.1, ", b"lightbox.1\r\nsec-websocket-protocol: ")
    assert ws.parse(split) == ws.parse(HEAD)


def test_two_tickets_count_as_none() -> None:
    assert ws.parse(HEAD.replace(b"abc.def", b"abc.def, ticket.ghi")).ticket is None


def test_a_rejection_conforms_to_rfc_6455() -> None:
    answer = ws.accept_and_close(ws.parse(HEAD), CloseCode.TICKET_REJECTED, "The ticket is used.")
    head, _, frame = answer.partition(b"\r\n\r\n")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head  # the RFC's own example
    assert b"Sec-WebSocket-Protocol: lightbox.1" in head
    assert frame == b"\x88\x15\x11\x31The ticket is used."
    assert ws.is_close(frame)


@given(st.text())
def test_close_reasons_are_cut_to_valid_utf_8(reason: str) -> None:
    frame = ws.close_frame(CloseCode.GOING_AWAY, reason.encode("utf-8", "ignore").decode())
    assert len(frame) == 2 + frame[1] <= 127
    frame[4:].decode()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [b"host", b"origin", b"cookie", b"sec-websocket-protocol", b"sec-websocket-key", b"x"]
            ),
            st.binary(max_size=60),
        ),
        max_size=8,
    ),
    st.sampled_from([b"GET /viewer HTTP/1.1", b"GET /viewer?x HTTP/1.1", b"", b"GET"]),
)
def test_parsing_raises_no_other_exception(headers: list[tuple[bytes, bytes]], request_line: bytes) -> None:
    head = request_line + b"\r\nsec-websocket-version: 13\r\n"
    head += b"".join(name + b": " + value + b"\r\n" for name, value in headers) + b"\r\n"
    with contextlib.suppress(ws.HandshakeError):
        request = ws.parse(head)
        assert len(request.key) == 24
        ws.accept_and_close(request, CloseCode.TICKET_REJECTED, "no")


@pytest.mark.parametrize("status", [400, 404, 405, 408, 426, 431])
def test_http_responses_are_complete(status: int) -> None:
    answer = ws.http_response(status, b"{}")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Content-Length: 2" in head
    assert body == b"{}"
    assert (b"Sec-WebSocket-Version: 13" in head) is (status == 426)


def test_the_agent_gets_the_policy_of_the_viewer_and_no_other() -> None:
    policy = SessionPolicy(monitors=2)
    head = ws.request_to_agent(KEY, secret="s", username="kim", viewer="v", device="d", policy=policy)
    (line,) = [line for line in head.split(b"\r\n") if line.startswith(POLICY_HEADER.encode())]
    assert msgspec.json.decode(line.partition(b": ")[2], type=SessionPolicy) == policy
    without = ws.request_to_agent(KEY, secret="s", username="kim", viewer="v", device="d")
    assert POLICY_HEADER.encode() not in without
