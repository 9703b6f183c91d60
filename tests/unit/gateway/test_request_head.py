"""The limits of a request's first line and head, whatever the chunks in which they arrive."""

from __future__ import annotations

import pytest

from display_server.broker_link.api_error import ApiError
from display_server.gateway.handshake import HEAD_MAX_BYTES
from display_server.gateway.request_head import LINE_MAX_BYTES, RequestHead

LINE = b"POST /api/v1/checks HTTP/1.1\r\n"
HOST = b"Host: localhost\r\n"


def head_of(size: int) -> bytes:
    """Returns a head of this size, with the blank line at its end."""
    start, end = LINE + HOST + b"X-Long: ", b"\r\n\r\n"
    return start + b"x" * (size - len(start) - len(end)) + end


def measure(data: bytes, chunk: int) -> ApiError | None:
    head = RequestHead()
    try:
        for start in range(0, len(data), chunk):
            head.add(data[start : start + chunk])
    except ApiError as error:
        return error
    return None


@pytest.mark.parametrize("chunk", [7, 1000, 1_000_000])
def test_the_largest_head_passes_and_one_byte_more_does_not(chunk: int) -> None:
    assert measure(head_of(HEAD_MAX_BYTES), chunk) is None
    error = measure(head_of(HEAD_MAX_BYTES + 1), chunk)
    assert error is not None
    assert (error.status, error.code) == (431, "head-too-large")
    assert "header fields" in error.cause


@pytest.mark.parametrize("chunk", [7, 1000, 1_000_000])
def test_a_long_address_is_named_as_such(chunk: int) -> None:
    fitting = b"GET /" + b"a" * (LINE_MAX_BYTES - len(b"GET / HTTP/1.1")) + b" HTTP/1.1\r\n" + HOST + b"\r\n"
    assert measure(fitting, chunk) is None
    error = measure(fitting.replace(b"GET /", b"GET /a"), chunk)
    assert error is not None
    assert (error.status, error.code) == (414, "address-too-long")


def test_a_body_in_the_same_chunk_does_not_count() -> None:
    head = RequestHead()
    head.add(LINE + HOST + b"\r\n" + b"{" * 40_000)
    for separator in range(1, 4):  # the blank line is split between two chunks
        whole = LINE + HOST + b"\r\n"
        head = RequestHead()
        head.add(whole[:-separator])
        head.add(whole[-separator:] + b"{" * 40_000)


def test_blank_lines_before_the_request_are_ignored() -> None:
    head = RequestHead()
    head.add(b"\r\n\r\n" + LINE + HOST)
    with pytest.raises(ApiError):
        head.add(b"X-Long: " + b"x" * HEAD_MAX_BYTES)
