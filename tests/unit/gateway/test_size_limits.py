"""What the gateway answers to requests that are too large: each limit has its own status and text."""

from __future__ import annotations

import asyncio
import json

import pytest

from display_server.gateway.request_guard import BODY_MAX_BYTES
from tests.fakes.gateway import GatewayUnderTest


async def answer_to(gateway: GatewayUnderTest, *chunks: bytes) -> tuple[int, dict[str, str]]:
    """Sends the chunks of one request, which asks to close the connection, and returns status and body."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", gateway.port, ssl=gateway.context, server_hostname="localhost"
    )
    for chunk in chunks:
        writer.write(chunk)
        await writer.drain()
    head, _, body = (await asyncio.wait_for(reader.read(), 90)).partition(b"\r\n\r\n")
    writer.close()
    return int(head.split(b" ")[1]), json.loads(body)


def post(gateway: GatewayUnderTest, size: int) -> tuple[bytes, bytes]:
    """Returns head and body of a request to sign in."""
    body = b'{"username":"kim","password":"' + b"x" * (size - 32) + b'"}'
    head = (
        f"POST /api/v1/sign-in HTTP/1.1\r\nHost: localhost:{gateway.port}\r\nOrigin: {gateway.url}\r\n"
        f"Content-Type: application/json\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode(), body


@pytest.mark.parametrize("together", [True, False])
async def test_a_body_of_40_kb_reaches_the_application(gateway: GatewayUnderTest, together: bool) -> None:
    """It used to be refused as a large head when it arrived together with its head."""
    head, body = post(gateway, 40_000)
    status, answer = await answer_to(gateway, *([head + body] if together else [head, body]))
    assert (status, answer["code"]) == (422, "malformed")
    assert "password" in answer["message"]


async def test_a_body_beyond_its_limit_is_named_as_such(gateway: GatewayUnderTest) -> None:
    head, body = post(gateway, BODY_MAX_BYTES + 1)
    status, answer = await answer_to(gateway, head + body)
    assert (status, answer["code"]) == (413, "too-large")
    assert "body of the request is larger than 64 KiB" in answer["message"]


@pytest.mark.parametrize(
    ("request_start", "status", "code", "text"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"x" * 40_000, 431, "head-too-large", "32 KiB"),
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\n", 414, "address-too-long", "8 KiB"),
        (b"\x16\x03\x01 no HTTP\r\n\r\n", 400, "bad-request", "not valid HTTP"),
    ],
)
async def test_each_limit_has_its_own_status_and_text(
    gateway: GatewayUnderTest, request_start: bytes, status: int, code: str, text: str
) -> None:
    found, answer = await answer_to(gateway, request_start)
    assert (found, answer["code"]) == (status, code)
    assert text in answer["message"]
