"""What browsers, proxies and agents send to the gateway."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from display_server.broker.tickets import TicketError, Tickets
from display_server.broker_link.api_error import ApiError
from display_server.broker_link.cookies import DEVICE, SESSION
from display_server.gateway.agent_connection import AgentConnection
from display_server.gateway.handshake import HandshakeError, parse
from display_server.gateway.http_protocol import GatewayHttpProtocol
from display_server.gateway.proxies import PublicAccess, PublicAddress, TrustedProxies
from display_server.gateway.request_head import RequestHead
from display_server.protocol.subprotocol import SUBPROTOCOL, TICKET_PREFIX
from tests.fakes.gateway import NAMES, PASSWORD, GatewayUnderTest, running_gateway
from tests.fakes.launchers import EchoLauncher
from tests.fuzz.campaign import FuzzTarget

PROXY = "127.0.0.1"
KEY = base64.b64encode(bytes(16)).decode()
#: A result of a display check.
CHECK: dict[str, Any] = {
    "desktop": "office",
    "width": 1280,
    "height": 800,
    "device": {
        "name": "Safari",
        "screen_width": 2360,
        "screen_height": 1640,
        "ratio": 2,
        "colour_depth": 24,
        "gamut": "p3",
        "high_dynamic_range": True,
    },
    "patterns": [{"pattern": "tg18-qc", "state": "exact", "answers": [True]}],
    "trials": [{"base": 9, "difference": 2, "place": 1, "answer": None, "state": "exact"}],
}
#: Length of the pieces in which a request arrives that is split, bytes.
PIECE_BYTES = 40


class ConnectionInMemory(asyncio.Transport):
    """The transport of a connection whose peer has address `PROXY`. `written` is what was answered."""

    def __init__(self, protocol: asyncio.BaseProtocol) -> None:
        super().__init__()
        self._protocol = protocol
        self._closing = False
        self.written = b""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": (PROXY, 50000), "sockname": (PROXY, 8443)}.get(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._closing = True

    def abort(self) -> None:
        self._closing = True


class GatewayConnections:
    """Opens connections to a gateway that does everything but listen."""

    def __init__(self, gateway: GatewayUnderTest) -> None:
        self._server = gateway.server
        self._budget = gateway.relays.connections

    async def feed(self, data: bytes) -> bool:
        """Opens a connection, sends the data and ends it. Returns whether something was answered well."""
        state = self._server.server_state
        counted = self._budget.open(PROXY, lambda: None)
        assert counted is not None
        protocol = GatewayHttpProtocol(
            counted=counted, budget=self._budget, config=self._server.config, server_state=state
        )
        connection = ConnectionInMemory(protocol)
        protocol.connection_made(connection)
        size = PIECE_BYTES if len(data) % 2 else max(1, len(data))
        for start in range(0, len(data), size):
            if not connection.is_closing():
                cast(asyncio.Protocol, connection.get_protocol()).data_received(data[start : start + size])
        if protocol.cycle is not None and not protocol.cycle.more_body:
            await ended(state.tasks)
        # A handshake that was passed on is answered by a task of its own.
        relay_task: asyncio.Task[None] | None = getattr(connection.get_protocol(), "_task", None)
        if relay_task is not None:
            await ended({relay_task})
        connection.get_protocol().connection_lost(None)
        await ended(state.tasks)
        status = connection.written[9:12]
        # 503 is right for too many sign-ins, but not for a request that the broker cannot read.
        assert not status.startswith(b"50") or b'"busy"' in connection.written, connection.written
        return status[:1] in (b"1", b"2", b"3")


async def ended(tasks: set[asyncio.Task[None]]) -> None:
    if tasks:
        await asyncio.wait(list(tasks))
    await asyncio.sleep(0)


class Handshakes:
    """Reads the head of a request for a WebSocket, and what the relay takes from it."""

    def __init__(self) -> None:
        public = PublicAddress.parse("https://localhost/lightbox/")
        self._access = PublicAccess(frozenset(NAMES), public, TrustedProxies.parse([PROXY]))
        self._tickets = Tickets(bytes(32))

    def seeds(self) -> tuple[bytes, ...]:
        ticket = self._tickets.issue(
            username="kim", web_session=bytes(32), session="abc", desktop="reading", now_s=time.time()
        )
        return _handshake(ticket, "/lightbox/viewer"), _handshake(ticket)

    async def feed(self, data: bytes) -> bool:
        try:
            request = parse(data, prefix=self._access.prefix)
        except HandshakeError:
            return False
        host = self._access.host_of(PROXY, request.host, request.forwarded_host)
        allowed = request.origin is not None and self._access.origin_allowed(request.origin, host)
        cookies = self._access.cookie_scope(PROXY, request.path, request.forwarded_prefix)
        cookies.read(request.cookie, SESSION)
        cookies.read(request.cookie, DEVICE)
        with contextlib.suppress(TicketError):  # most are expired, or were used before
            self._tickets.redeem(request.ticket or "", now_s=time.time())
        return allowed


class AgentResponses:
    """What the gateway reads of an agent's response, which it then passes on without reading."""

    def send_to_browser(self, data: bytes) -> None:
        assert data is not None

    def pause_browser(self) -> None:
        pass

    def resume_browser(self) -> None:
        pass

    def on_agent_disconnected(self) -> None:
        pass

    async def feed(self, data: bytes) -> bool:
        connection = AgentConnection(self)
        connection.connection_made(ConnectionInMemory(connection))
        for start in range(0, len(data), PIECE_BYTES):
            connection.data_received(data[start : start + PIECE_BYTES])
        connection.connection_lost(None)
        await asyncio.sleep(0)  # for the callbacks of the future
        try:
            response = await connection.response
        except ConnectionError:
            return False
        return response.startswith(b"HTTP/1.1 101")


async def feed_head(data: bytes) -> bool:
    """Measures a head that arrives in pieces: the same as if it arrived at once.

    The gateway measures nothing after the head.
    """
    head_end = re.compile(rb"[\r\n]*.*?\r\n\r\n", re.DOTALL).match(data)
    data = head_end[0] if head_end else data
    found = []
    for size in (PIECE_BYTES, max(1, len(data))):
        head = RequestHead()
        try:
            for start in range(0, len(data), size):
                head.add(data[start : start + size])
            found.append(0)
        except ApiError as error:
            found.append(error.status)
    assert found[0] == found[1], found
    return found[0] == 0


def _handshake(ticket: str, path: str = "/viewer", cookie: str = "") -> bytes:
    lines = (
        f"GET {path} HTTP/1.1",
        "host: localhost",
        "connection: Upgrade",
        "upgrade: websocket",
        "origin: https://localhost",
        f"cookie: {cookie}",
        f"sec-websocket-key: {KEY}",
        "sec-websocket-version: 13",
        f"sec-websocket-protocol: {SUBPROTOCOL}, {TICKET_PREFIX}{ticket}",
        "x-forwarded-host: localhost",
        "x-forwarded-prefix: /lightbox",
    )
    return "\r\n".join((*lines, "", "")).encode()


def _request(first: str, *lines: str, body: bytes = b"") -> bytes:
    length = [f"content-length: {len(body)}"] if body else []
    return "\r\n".join((f"{first} HTTP/1.1", "host: localhost", *lines, *length, "", "")).encode() + body


def _requests(cookie: str) -> tuple[bytes, ...]:
    own = ("origin: https://localhost", "sec-fetch-site: same-origin", f"cookie: {cookie}")
    proxied = (
        "x-forwarded-for: 10.0.0.1, 192.0.2.7",
        "x-forwarded-proto: https",
        "x-forwarded-host: localhost",
    )
    credentials = json.dumps({"username": "kim", "password": PASSWORD}).encode()
    chunked = b"".join(
        b"%x\r\n%s\r\n" % (len(part), part) for part in (credentials[:9], credentials[9:], b"")
    )
    return (
        _request("GET /", "accept: text/html", "accept-encoding: gzip, br"),
        _request("GET /assets/main-abc123.js", 'if-none-match: "x"', "range: bytes=0-9"),
        _request("GET /healthz") + _request("GET /ca.crt"),
        _request("GET /metrics", "authorization: Bearer x"),
        _request("GET /api/v1/me", *own, *proxied),
        _request("GET /api/v1/desktops", *own),
        _request("GET /api/v1/lock", *own),
        _request("POST /api/v1/sign-in", *own, "content-type: application/json", body=credentials),
        _request("POST /api/v1/sign-in", *own, "transfer-encoding: chunked") + chunked,
        _request("POST /api/v1/input", *own, body=b'{"age_s": 1}'),
        _request("POST /api/v1/desktops/reading/viewers", *own, "content-type: application/json", body=b"{}"),
        _request("POST /api/v1/checks", *own, body=json.dumps(CHECK).encode()),
        _request("GET /api/v1/checks", *own),
        _request("POST /api/v1/unlock", *own, "content-type: application/json", body=b'{"password": "x"}'),
        _handshake("a.b", cookie=cookie),
    )


def _long_requests() -> tuple[bytes, ...]:
    """Requests just within the limits of a line and a head."""
    field = f"x: {'x' * 4000}"
    return _request(f"GET /{'x' * 8150}"), _request("GET /", *[field] * 8)


@asynccontextmanager
async def http_targets() -> AsyncIterator[list[FuzzTarget]]:
    handshakes = Handshakes()
    # A short path, because sockets are below it.
    with tempfile.TemporaryDirectory(prefix="lb") as folder:
        async with running_gateway(Path(folder), EchoLauncher(), served=False) as gateway:
            client = await gateway.sign_in()
            cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
            requests = _requests(cookie)
            yield [
                FuzzTarget("request-head", (*requests, *_long_requests()), feed_head),
                FuzzTarget("handshake", handshakes.seeds(), handshakes.feed),
                FuzzTarget(
                    "agent-response",
                    (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n\x81\x02{}",),
                    AgentResponses().feed,
                ),
                FuzzTarget("gateway", requests, GatewayConnections(gateway).feed),
            ]
