"""What happens below HTTP: TLS versions, heads that are too large or never end."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest

from tests.fakes.gateway import DoorUnderTest


async def connect(door: DoorUnderTest) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(
        "127.0.0.1", door.port, ssl=door.context, server_hostname="localhost"
    )


async def answer_of(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.read(), 10)


async def test_tls_1_3_only(door: DoorUnderTest) -> None:
    _, writer = await connect(door)
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
    writer.close()
    door.context.maximum_version = ssl.TLSVersion.TLSv1_2

    def older() -> None:
        with (
            socket.create_connection(("127.0.0.1", door.port), timeout=10) as connection,
            door.context.wrap_socket(connection, server_hostname="localhost"),
        ):
            pass

    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        await asyncio.to_thread(older)


async def test_plain_http_gets_nothing(door: DoorUnderTest) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    try:
        answer = await answer_of(reader)
    except ConnectionError:
        answer = b""
    assert not answer.startswith(b"HTTP/")
    writer.close()


async def test_head_that_is_too_large(door: DoorUnderTest) -> None:
    reader, writer = await connect(door)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: " + b"x" * 40_000)
    assert (await answer_of(reader)).startswith(b"HTTP/1.1 431 ")
    writer.close()


async def test_head_of_a_websocket_that_is_too_large(door: DoorUnderTest) -> None:
    reader, writer = await connect(door)
    writer.write(b"GET /viewer HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n")
    writer.write(b"Sec-WebSocket-Protocol: ticket." + b"x" * 40_000)
    assert (await answer_of(reader)).startswith(b"HTTP/1.1 431 ")
    writer.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: 1"])
async def test_head_that_never_ends(
    door: DoorUnderTest, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr("display_server.gateway.http_protocol.HEAD_TIMEOUT_S", 0.1)
    reader, writer = await connect(door)
    writer.write(sent)
    assert (await answer_of(reader)).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_second_head_that_never_ends(door: DoorUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = await connect(door)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b'{"status":"ok"}' in await reader.read(4096)
    monkeypatch.setattr("display_server.gateway.http_protocol.HEAD_TIMEOUT_S", 0.1)
    writer.write(b"GET / HTTP/1.1\r\nX-Slow: 1")
    assert (await answer_of(reader)).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_body_that_never_ends(door: DoorUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("display_server.gateway.request_guard.BODY_TIMEOUT_S", 0.1)
    reader, writer = await connect(door)
    writer.write(
        f"POST /api/v1/sign-in HTTP/1.1\r\nHost: localhost:{door.port}\r\nOrigin: {door.url}\r\n".encode()
        + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    assert (await answer_of(reader)).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_too_many_connections(door: DoorUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("display_server.gateway.http_protocol.CONNECTIONS_MAX", 1)
    first, writer = await connect(door)

    async def another() -> None:
        reader, _ = await connect(door)
        if not await reader.read():
            raise ConnectionResetError

    with pytest.raises((ConnectionError, ssl.SSLError)):
        await another()
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"200" in await first.read(4096)
    writer.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /other HTTP/1.1\r\n", 404),
        (b"POST /viewer HTTP/1.1\r\n", 405),
        (b"GET /viewer HTTP/1.1\r\nSec-WebSocket-Version: 8\r\n", 426),
        (b"GET /viewer HTTP/1.1\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: no\r\n", 400),
        (b"GET /viewer HTTP/1.1\r\nSec-WebSocket-Version: 13\r\nOrigin: a\r\nOrigin: b\r\n", 400),
    ],
)
async def test_what_is_no_websocket_gets_a_plain_answer(
    door: DoorUnderTest, head: bytes, status: int
) -> None:
    reader, writer = await connect(door)
    if status not in {400, 426}:
        head += b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    writer.write(head + b"Host: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
    assert (await answer_of(reader)).startswith(f"HTTP/1.1 {status} ".encode())
    writer.close()
