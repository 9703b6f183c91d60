"""WebSocket on a Unix socket: the shell around viewers, and two pages for the keeper and the gateway.

`websockets` does the protocol. Compression is off, tiles are compressed; writing never waits, because the
window of each viewer bounds what is on the way, and a viewer that does not take it must not hold up others.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from display_server.agent.transport.viewer_socket import ViewerHandler, ViewerIdentity, ViewerSocket
from display_server.protocol.close_codes import CloseCode
from display_server.protocol.errors import ProtocolError
from display_server.protocol.limits import VIEWER_BINARY_MAX_BYTES
from display_server.protocol.subprotocol import (
    DEVICE_HEADER,
    SUBPROTOCOL,
    USER_HEADER,
    VIEWER_HEADER,
    VIEWER_PATH,
)

log = structlog.get_logger(__name__)

#: A way that died silently is noticed within these, s.
PING_EVERY_S, PING_TIMEOUT_S = 15.0, 20.0
#: The closing handshake is given this long, s.
CLOSE_TIMEOUT_S = 1.0
#: Frames received but not yet handled; then reading pauses.
FRAMES_MAX = 16
#: Beyond this the viewer has ceased to read, whatever its window says.
WRITE_LIMIT_BYTES = 64 * 1024 * 1024
#: A close frame holds so many bytes of reason.
REASON_MAX_BYTES = 120

Page = Callable[[], Awaitable[tuple[str, bytes]]]
Join = Callable[[ViewerSocket, ViewerIdentity], ViewerHandler]


class ViewerServer:
    """`join` is called for each viewer; `pages` gives content type and body of what else may be asked for."""

    def __init__(self, path: Path, join: Join, pages: Mapping[str, Page]) -> None:
        self._path = path
        self._join = join
        self._pages = pages
        self._server: Server | None = None

    async def start(self) -> None:
        """Listens, readable and writable for this user alone. Raises OSError."""
        self._server = await serve(
            self._serve,
            sock=_private_socket(self._path),
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
        """Closes every viewer and listens no more. Safe to call twice."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close(close_connections=True, code=code, reason=_short(reason))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await server.wait_closed()
        self._path.unlink(missing_ok=True)

    async def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path == VIEWER_PATH:
            return None
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
        heads = connection.request.headers
        visitor = ViewerIdentity(
            heads.get(USER_HEADER, ""), heads.get(VIEWER_HEADER, ""), heads.get(DEVICE_HEADER, "")
        )
        end = self._join(_Socket(connection), visitor)
        try:
            async for frame in connection:
                end.on_message(frame if isinstance(frame, str) else bytes(frame))
        except ProtocolError as error:
            log.warning("protocol violation", viewer=visitor.viewer, code=error.close_code, error=str(error))
            await connection.close(error.close_code, _short(str(error)))
        except ConnectionClosed:
            log.debug("viewer lost", viewer=visitor.viewer)
        except Exception:
            log.exception("viewer failed", viewer=visitor.viewer)
            raise
        finally:
            end.on_disconnected()


class _Connection(ServerConnection):
    """Closes with PROTOCOL_VIOLATION, not WebSocket's MESSAGE_TOO_BIG, after a message over the limit."""

    def __init__(self, protocol: ServerProtocol, server: Server, **options: Any) -> None:
        fail = protocol.fail

        def fail_in_our_words(code: int, reason: str = "") -> None:
            fail(CloseCode.PROTOCOL_VIOLATION if code == CloseCode.MESSAGE_TOO_BIG else code, reason)

        protocol.fail = fail_in_our_words  # type: ignore[method-assign]  # the library has no hook for it
        super().__init__(protocol, server, **options)


class _Socket:
    """The ViewerSocket of a WebSocket."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._closing: asyncio.Task[None] | None = None

    @property
    def buffered_bytes(self) -> int:
        return self._connection.transport.get_write_buffer_size()

    def send(self, frame: str | bytes) -> None:
        # `broadcast` is the library's way to write without waiting; it leaves out closed connections.
        broadcast((self._connection,), frame)

    def close(self, code: int, reason: str) -> None:
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._connection.close(code, _short(reason)))


def _private_socket(path: Path) -> socket.socket:
    """Whoever sees the path can connect: it gets its name when it already listens."""
    unnamed = path.with_name(f".{path.name}.new")
    unnamed.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(unnamed))
        listener.listen()
        unnamed.rename(path)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener


def _short(reason: str) -> str:
    return reason.encode()[:REASON_MAX_BYTES].decode(errors="ignore")


def _quiet_logger() -> logging.Logger:
    """The library logs every refused handshake with a traceback; ours are counted and answered."""
    logger = logging.getLogger("lightbox.websockets")
    logger.setLevel(logging.CRITICAL)
    return logger
