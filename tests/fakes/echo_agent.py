"""An agent that echoes every message over its Unix socket, for tests of the gateway and the supervisor."""

from __future__ import annotations

import asyncio
import http
import json
from pathlib import Path

import msgspec
from websockets.asyncio.server import Server, ServerConnection, unix_serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from display_server.desktop.session_policy import SessionPolicy
from display_server.protocol.agent_pages import DEVICES_PATH, MESSAGE_PATH, POLICY_PATH, DeviceReport
from display_server.protocol.close_codes import CloseCode
from display_server.protocol.subprotocol import DEVICE_HEADER, POLICY_HEADER, SUBPROTOCOL

METRICS = """# HELP lightbox_updates Updates sent
# TYPE lightbox_updates counter
lightbox_updates_total 3
# HELP process_open_fds Open files
# TYPE process_open_fds gauge
process_open_fds 9
"""


class EchoAgent:
    """Echoes messages. Some text messages have another effect:

    - `send headers` returns the headers of the HTTP request as JSON, a list of pairs.
    - `send N bytes` returns one message of N bytes.
    - `stop reading` makes the agent read nothing more.
    - `close` closes the connection with TAKEN_OVER.

    `devices` is what the page of the devices says; None makes the agent fail to answer. `message_requests`
    counts how often the broker had a message for the person. `policies` are the policies that the broker has
    replaced, with their devices, in their order, while the agent `takes_policies`.
    """

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.received_bytes = 0
        self.message_requests = 0
        self.takes_policies = True
        self.policies: list[tuple[str, SessionPolicy]] = []
        self.devices: list[DeviceReport] | None = []
        self._server: Server | None = None
        self._stopped = asyncio.Event()

    async def start(self) -> None:
        self._server = await unix_serve(
            self._serve,
            str(self.socket),
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            max_size=64 * 2**20,
            process_request=self._answer,
            ping_interval=None,
            write_limit=32 * 2**10,
        )

    async def stop(self) -> None:
        """Closes every connection with GOING_AWAY, as an agent that is stopped does."""
        self._stopped.set()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self.socket.unlink(missing_ok=True)

    def kill(self) -> None:
        """Breaks every connection without a close frame, as SIGKILL does."""
        assert self._server is not None
        for connection in self._server.connections:
            connection.transport.abort()
        self._server.close(close_connections=False)

    async def _serve(self, connection: ServerConnection) -> None:
        async for message in connection:
            self.received_bytes += len(message)
            if message == "send headers":
                assert connection.request is not None
                await connection.send(json.dumps(list(connection.request.headers.raw_items())))
            elif message == "close":
                await connection.close(CloseCode.TAKEN_OVER, "taken over")
            elif message == "stop reading":
                await self._stopped.wait()
            elif isinstance(message, str) and message.startswith("send "):
                await connection.send(bytes(int(message.split()[1])))
            else:
                await connection.send(message)

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path == "/viewer":
            return None
        if request.path == DEVICES_PATH and self.devices is not None:
            return connection.respond(http.HTTPStatus.OK, msgspec.json.encode(self.devices).decode())
        if request.path == MESSAGE_PATH:
            self.message_requests += 1
        if request.path == POLICY_PATH and self.takes_policies:
            policy = msgspec.json.decode(request.headers[POLICY_HEADER], type=SessionPolicy)
            self.policies.append((request.headers[DEVICE_HEADER], policy))
            return connection.respond(http.HTTPStatus.OK, "ok\n")
        if request.path in {MESSAGE_PATH, "/healthz"}:
            return connection.respond(http.HTTPStatus.OK, "ok\n")
        if request.path == "/metrics":
            body = METRICS.encode()
            headers = Headers(
                {"Content-Type": "text/plain", "Content-Length": str(len(body)), "Connection": "close"}
            )
            return Response(200, "OK", headers, body)
        return connection.respond(http.HTTPStatus.NOT_FOUND, "no\n")
