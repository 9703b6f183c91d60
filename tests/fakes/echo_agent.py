"""An agent that gives every message back, on a Unix socket; for tests of everything before the agent."""

from __future__ import annotations

import asyncio
import http
import json
from pathlib import Path

from websockets.asyncio.server import Server, ServerConnection, unix_serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

METRICS = """# HELP lightbox_updates Updates sent
# TYPE lightbox_updates counter
lightbox_updates_total 3
# HELP process_open_fds Open files
# TYPE process_open_fds gauge
process_open_fds 9
"""


class EchoAgent:
    """Text `heads` is answered with the request's head as JSON, `flood N` with N bytes in one message, `fall
    silent` with nothing more being read, `bye` with close code 4409; anything else comes back.
    """

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.received_bytes = 0
        self._server: Server | None = None
        self._silence = asyncio.Event()

    async def start(self) -> None:
        self._server = await unix_serve(
            self._serve,
            str(self.socket),
            subprotocols=[Subprotocol("lightbox.1")],
            compression=None,
            max_size=64 * 2**20,
            process_request=self._answer,
            ping_interval=None,
            write_limit=32 * 2**10,
        )

    async def stop(self) -> None:
        """As if it was told to go: every connection is closed with 1001."""
        self._silence.set()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self.socket.unlink(missing_ok=True)

    def kill(self) -> None:
        """As by SIGKILL: connections break without a close frame."""
        assert self._server is not None
        for connection in self._server.connections:
            connection.transport.abort()
        self._server.close(close_connections=False)

    async def _serve(self, connection: ServerConnection) -> None:
        async for message in connection:
            self.received_bytes += len(message)
            if message == "heads":
                assert connection.request is not None
                await connection.send(json.dumps(list(connection.request.headers.raw_items())))
            elif message == "bye":
                await connection.close(4409, "taken over")
            elif message == "fall silent":
                await self._silence.wait()
            elif isinstance(message, str) and message.startswith("flood "):
                await connection.send(bytes(int(message.removeprefix("flood "))))
            else:
                await connection.send(message)

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path == "/viewer":
            return None
        if request.path == "/healthz":
            return connection.respond(http.HTTPStatus.OK, "ok\n")
        if request.path == "/metrics":
            body = METRICS.encode()
            heads = Headers(
                {"Content-Type": "text/plain", "Content-Length": str(len(body)), "Connection": "close"}
            )
            return Response(200, "OK", heads, body)
        return connection.respond(http.HTTPStatus.NOT_FOUND, "no\n")
