"""Limits below HTTP: TLS versions, oversized requests and requests that never end."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest

from display_server.gateway.proxies import PublicAccess, TrustedProxies
from tests.fakes.gateway import NAMES, GatewayUnderTest, running_gateway
from tests.fakes.launchers import EchoLauncher


async def connect(gateway: GatewayUnderTest) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(
        "127.0.0.1", gateway.port, ssl=gateway.context, server_hostname="localhost"
    )


async def response_from(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.read(), 90)


async def test_serves_only_tls_1_3(gateway: GatewayUnderTest) -> None:
    _, writer = await connect(gateway)
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
    writer.close()


@pytest.mark.parametrize("websocket", [False, True])
async def test_tls_1_2_gets_only_the_lines_that_are_missing(
    gateway: GatewayUnderTest, websocket: bool
) -> None:
    gateway.context.maximum_version = ssl.TLSVersion.TLSv1_2
    reader, writer = await connect(gateway)
    name, version, _ = writer.get_extra_info("cipher")
    assert (version, name.split("-")[0]) == ("TLSv1.2", "ECDHE")
    assert name.endswith(("GCM-SHA256", "GCM-SHA384", "POLY1305"))
    head = b"GET /viewer HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    if not websocket:
        head = b"GET /api/v1/me HTTP/1.1\r\nConnection: close\r\n"
    writer.write(head + b"Host: localhost\r\n\r\n")
    answer = await response_from(reader)
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"proxy_ssl_protocols TLSv1.3;" in answer
    assert b"127.0.0.1" in answer
    writer.close()


async def test_trusted_proxies_may_use_tls_1_2(folder: Path, launcher: EchoLauncher) -> None:
    access = PublicAccess(frozenset(NAMES), proxies=TrustedProxies.parse(["127.0.0.1"]))
    async with running_gateway(folder, launcher, access=access) as gateway:
        gateway.context.maximum_version = ssl.TLSVersion.TLSv1_2
        reader, writer = await connect(gateway)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert (await response_from(reader)).startswith(b"HTTP/1.1 200 ")
        writer.close()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.*deprecated")
async def test_refuses_older_tls(gateway: GatewayUnderTest) -> None:
    gateway.context.minimum_version = ssl.TLSVersion.TLSv1
    gateway.context.maximum_version = ssl.TLSVersion.TLSv1_1
    gateway.context.set_ciphers("ALL:@SECLEVEL=0")

    def older() -> None:
        with (
            socket.create_connection(("127.0.0.1", gateway.port), timeout=120) as connection,
            gateway.context.wrap_socket(connection, server_hostname="localhost"),
        ):
            pass

    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        await asyncio.to_thread(older)


async def test_does_not_answer_plain_http(gateway: GatewayUnderTest) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    try:
        answer = await response_from(reader)
    except ConnectionError:
        answer = b""
    assert not answer.startswith(b"HTTP/")
    writer.close()


async def test_rejects_an_oversized_request_head(gateway: GatewayUnderTest) -> None:
    reader, writer = await connect(gateway)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: " + b"x" * 40_000)
    assert (await response_from(reader)).startswith(b"HTTP/1.1 431 ")
    writer.close()


async def test_rejects_an_oversized_websocket_head(gateway: GatewayUnderTest) -> None:
    reader, writer = await connect(gateway)
    writer.write(b"GET /viewer HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n")
    writer.write(b"Sec-WebSocket-Protocol: ticket." + b"x" * 40_000)
    assert (await response_from(reader)).startswith(b"HTTP/1.1 431 ")
    writer.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: 1"])
async def test_rejects_a_head_that_never_ends(
    gateway: GatewayUnderTest, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr("display_server.gateway.http_protocol.HEAD_TIMEOUT_S", 0.1)
    reader, writer = await connect(gateway)
    writer.write(sent)
    assert (await response_from(reader)).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_rejects_a_head_that_never_ends_on_a_kept_alive_connection(
    gateway: GatewayUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = await connect(gateway)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b'{"status":"ok"' in await reader.read(4096)
    monkeypatch.setattr("display_server.gateway.http_protocol.HEAD_TIMEOUT_S", 0.1)
    writer.write(b"GET / HTTP/1.1\r\nX-Slow: 1")
    assert (await response_from(reader)).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_rejects_a_body_that_never_ends(
    gateway: GatewayUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("display_server.gateway.request_guard.BODY_TIMEOUT_S", 0.1)
    reader, writer = await connect(gateway)
    writer.write(
        f"POST /api/v1/sign-in HTTP/1.1\r\nHost: localhost:{gateway.port}\r\n".encode()
        + f"Origin: {gateway.url}\r\n".encode()
        + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    )
    assert (await response_from(reader)).startswith(b"HTTP/1.1 408 ")
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
async def test_answers_invalid_websocket_requests_over_http(
    gateway: GatewayUnderTest, head: bytes, status: int
) -> None:
    reader, writer = await connect(gateway)
    if status not in {400, 426}:
        head += b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    writer.write(head + b"Host: localhost\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
    assert (await response_from(reader)).startswith(f"HTTP/1.1 {status} ".encode())
    writer.close()
