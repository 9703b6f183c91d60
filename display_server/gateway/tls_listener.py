"""Accepts connections and performs their TLS handshakes.

asyncio's own server calls no protocol before the handshake is complete. An attacker who opens
connections and sends nothing would hold them uncounted.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import socket
import ssl
from collections.abc import Callable

import structlog

from display_server.gateway.connection_budget import ConnectionBudget, CountedConnection

log = structlog.get_logger(__name__)

#: The TLS handshake must be complete after this time, s.
HANDSHAKE_TIMEOUT_S = 10.0
#: How long the server waits for the client's TLS close_notify, s.
SHUTDOWN_TIMEOUT_S = 1.0
#: Largest number of connections that are accepted before the event loop does something else.
ACCEPTED_AT_ONCE = 64
#: The next connection is accepted after this time when the process has no file descriptor left, s.
DESCRIPTORS_RETRY_S = 0.5
#: Errors of accept() after which a later call may succeed: descriptors or memory are used up.
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class TlsListener:
    """Serves one listening socket. `protocol` makes the protocol of a connection."""

    def __init__(
        self,
        listening: socket.socket,
        context: ssl.SSLContext,
        connections: ConnectionBudget,
        protocol: Callable[[CountedConnection], asyncio.Protocol],
    ) -> None:
        self._listening = listening
        self._context = context
        self._connections = connections
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._retry: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._listening.setblocking(False)
        self._loop.add_reader(self._listening, self._accept)

    def close(self) -> None:
        """Accepts no more connections, and ends the handshakes. uvicorn calls it."""
        if self._listening.fileno() >= 0:
            self._loop.remove_reader(self._listening)
        if self._retry is not None:
            self._retry.cancel()
        for handshake in self._handshakes:
            handshake.cancel()

    async def wait_closed(self) -> None:
        """Waits until the handshakes have ended. uvicorn calls it."""
        await asyncio.gather(*self._handshakes, return_exceptions=True)

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                accepted, address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in EXHAUSTED:
                    raise
                log.error("connections not accepted", error=error.strerror, retry_s=DESCRIPTORS_RETRY_S)
                self._loop.remove_reader(self._listening)
                self._retry = self._loop.call_later(DESCRIPTORS_RETRY_S, self.start)
                return
            self._begin(accepted, str(address[0]))

    def _begin(self, accepted: socket.socket, address: str) -> None:
        def evict() -> None:
            handshake.cancel()

        connection = self._connections.open(address, evict)
        if connection is None:
            accepted.close()
            return
        handshake = self._loop.create_task(self._handshake(accepted, connection))
        self._handshakes.add(handshake)
        handshake.add_done_callback(functools.partial(self._on_handshake_done, connection, accepted))

    async def _handshake(self, accepted: socket.socket, connection: CountedConnection) -> None:
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await self._loop.connect_accepted_socket(
            functools.partial(self._protocol, connection),
            accepted,
            ssl=self._context,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
            ssl_shutdown_timeout=SHUTDOWN_TIMEOUT_S,
        )

    def _on_handshake_done(
        self, connection: CountedConnection, accepted: socket.socket, handshake: asyncio.Task[None]
    ) -> None:
        self._handshakes.discard(handshake)
        if handshake.cancelled():
            self._connections.close(connection)
            accepted.close()  # the task may not even have begun
        elif (error := handshake.exception()) is not None:
            self._connections.close(connection)
            # Browsers that do not trust the certificate, and anything that is not TLS, end here.
            if not isinstance(error, OSError):
                log.error("TLS handshake failed", error=repr(error))
