"""A WebSocket server on a Unix socket: viewers, and pages for the supervisor and the gateway.

Whoever connects must be an expected user and know the secret of this desktop (`peer_check.py`).

The `websockets` library implements the protocol. Compression is off, because tiles are compressed. Writing
never waits: the send window of each viewer bounds what is in flight, and a viewer that does not read must not
delay others.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import structlog
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from display_server.agent.transport import private_socket
from display_server.agent.transport.peer_check import PeerCheck, peer_uid
from display_server.agent.transport.viewer_socket import ViewerHandler, ViewerIdentity, ViewerSocket
from display_server.desktop.session_policy import SessionPolicy
from display_server.protocol.agent_pages import POLICY_PATH
from display_server.protocol.close_codes import CloseCode
from display_server.protocol.errors import ProtocolError
from display_server.protocol.limits import VIEWER_BINARY_MAX_BYTES
from display_server.protocol.subprotocol import (
    DEVICE_HEADER,
    POLICY_HEADER,
    SECRET_HEADER,
    SUBPROTOCOL,
    USER_HEADER,
    VIEWER_HEADER,
    VIEWER_PATH,
)

log = structlog.get_logger(__name__)

#: Interval between pings, s.
PING_EVERY_S = 15.0
#: A connection without an answer to a ping for this time, s, counts as lost.
PING_TIMEOUT_S = 20.0
#: Longest time for the closing handshake, s.
CLOSE_TIMEOUT_S = 1.0
#: Received frames that may wait to be handled; reading pauses beyond that.
FRAMES_MAX = 16
#: Unsent bytes beyond which the viewer has stopped reading, whatever its send window says.
WRITE_LIMIT_BYTES = 64 * 1024 * 1024
#: Longest reason in a close frame, bytes; the limit of WebSocket is 123.
REASON_MAX_BYTES = 120

Page = Callable[[], Awaitable[tuple[str, bytes]]]
Join = Callable[[ViewerSocket, ViewerIdentity], ViewerHandler]
#: Replaces the policy of a device's viewers.
UsePolicy = Callable[[str, SessionPolicy], None]


class ViewerServer:
    """Serves viewers and pages. `join` is called for each viewer and returns its handler; `pages` maps paths
    to functions that return content type and body. `use_policy` is called when the broker changes a policy.
    """

    def __init__(
        self,
        path: Path,
        peers: PeerCheck,
        join: Join,
        pages: Mapping[str, Page],
        use_policy: UsePolicy = lambda _device, _policy: None,
    ) -> None:
        self._path = path
        self._peers = peers
        self._join = join
        self._pages = pages
        self._use_policy = use_policy
        self._server: Server | None = None

    async def start(self) -> None:
        """Listens on a socket that only the users that may connect can open. Raises OSError."""
        self._server = await serve(
            self._serve,
            sock=private_socket.listen(self._path, socket.SOCK_STREAM, shared=self._peers.admits_others),
            create_connection=_Connection,
            process_request=self._answer,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            max_size=VIEWER_BINARY_MAX_BYTES,
            max_queue=FRAMES_MAX,
            ping_interval=PING_EVERY_S,
            ping_timeout=PING_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            write_limit=WRITE_LIMIT_BYTES,
            server_header=None,
            logger=_quiet_logger(),
        )

    async def stop(self, code: int, reason: str) -> None:
        """Closes all connections and stops listening. May be called twice."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close(close_connections=True, code=code, reason=_short(reason))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await server.wait_closed()
        self._path.unlink(missing_ok=True)

    async def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        uid = peer_uid(connection.transport.get_extra_info("socket"))
        known = self._peers.allows_secret(_only(request.headers, SECRET_HEADER))
        if not (known and self._peers.allows_user(uid)):
            log.warning("connection refused", uid=uid, reason="user" if known else "secret")
            return connection.respond(403, "Only the gateway and the supervisor may connect.\n")
        path = request.path.partition("?")[0]
        try:
            policy = _policy_of(request.headers)
        except msgspec.MsgspecError as error:
            log.warning("connection refused", uid=uid, reason=f"policy: {error}")
            return connection.respond(400, "The policy cannot be read.\n")
        if path == VIEWER_PATH:
            return None
        if path == POLICY_PATH:
            device = _only(request.headers, DEVICE_HEADER)
            if policy is None or device is None:
                return connection.respond(400, "The policy or its device is missing.\n")
            self._use_policy(device, policy)
            return connection.respond(200, "The policy is in force.\n")
        page = self._pages.get(path)
        if page is None:
            return connection.respond(404, "There is no such page.\n")
        content_type, body = await page()
        headers = Headers()
        headers["Content-Type"] = content_type
        headers["Content-Length"] = str(len(body))
        headers["Connection"] = "close"
        return Response(200, "OK", headers, body)

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        headers = connection.request.headers
        identity = ViewerIdentity(
            headers.get(USER_HEADER, ""),
            headers.get(VIEWER_HEADER, ""),
            headers.get(DEVICE_HEADER, ""),
            _policy_of(headers),
        )
        handler = self._join(_Socket(connection), identity)
        try:
            async for frame in connection:
                handler.on_message(frame if isinstance(frame, str) else bytes(frame))
        except ProtocolError as error:
            log.warning("protocol violation", viewer=identity.viewer, code=error.close_code, error=str(error))
            await connection.close(error.close_code, _short(str(error)))
        except ConnectionClosed:
            log.debug("viewer connection lost", viewer=identity.viewer)
        except Exception:
            log.exception("viewer handler failed", viewer=identity.viewer)
            raise
        finally:
            handler.on_disconnected()


class _Connection(ServerConnection):
    """Closes with PROTOCOL_VIOLATION, not WebSocket's MESSAGE_TOO_BIG, after a message over the limit."""

    def __init__(self, protocol: ServerProtocol, server: Server, **options: Any) -> None:
        fail = protocol.fail

        def fail_with_our_code(code: int, reason: str = "") -> None:
            fail(CloseCode.PROTOCOL_VIOLATION if code == CloseCode.MESSAGE_TOO_BIG else code, reason)

        protocol.fail = fail_with_our_code  # type: ignore[method-assign]  # the library offers no hook
        super().__init__(protocol, server, **options)


class _Socket:
    """The ViewerSocket of one WebSocket connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._closing: asyncio.Task[None] | None = None

    @property
    def buffered_bytes(self) -> int:
        return self._connection.transport.get_write_buffer_size()

    def send(self, frame: str | bytes) -> None:
        # `broadcast` is the only method of the library that writes without waiting. It skips closed
        # connections.
        broadcast((self._connection,), frame)

    def close(self, code: int, reason: str) -> None:
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._connection.close(code, _short(reason)))


def _only(headers: Headers, name: str) -> str | None:
    """Returns the value of a header that must occur once; None otherwise."""
    values = headers.get_all(name)
    return values[0] if len(values) == 1 else None


def _policy_of(headers: Headers) -> SessionPolicy | None:
    """Returns the policy in the headers, None if there is none. Raises MsgspecError if it cannot be read."""
    values = headers.get_all(POLICY_HEADER)
    if not values:
        return None
    # Two headers are no policy: the first one may not be the one that the broker has sent.
    return msgspec.json.decode(values[0] if len(values) == 1 else b"", type=SessionPolicy)


def _short(reason: str) -> str:
    return reason.encode()[:REASON_MAX_BYTES].decode(errors="ignore")


def _quiet_logger() -> logging.Logger:
    """Returns a silent logger: the library would log a traceback for each handshake that we refuse."""
    logger = logging.getLogger("lightbox.websockets")
    logger.setLevel(logging.CRITICAL)
    return logger
