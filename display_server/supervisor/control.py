"""The supervisor's control socket: publishes the desktop's status and accepts requests, one JSON per line.

The socket lies in the desktop's folder, which the person's programs may not enter. It serves a launcher that
is not the supervisor's parent, and that may be another process than the one that ordered the desktop.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from display_server.desktop.spec import ControlRequest

#: Longest line that is accepted, bytes.
LINE_MAX_BYTES = 1024
#: Unsent bytes beyond which a client has stopped reading and is disconnected.
BUFFER_MAX_BYTES = 64 * 1024
#: Process id, user id and group id of a peer, as SO_PEERCRED returns them.
_CREDENTIALS = struct.Struct("3i")


class ControlSocket:
    """Listens while the supervisor runs. `handlers` are called with the event loop running.

    With `peers`, processes of these users can connect, and with none only those of this user and of root.
    """

    def __init__(
        self,
        path: Path,
        handlers: Mapping[ControlRequest, Callable[[], None]],
        peers: frozenset[int] = frozenset(),
    ) -> None:
        self._path = path
        self._handlers = handlers
        self._peers = peers
        self._clients: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._latest = b""

    async def start(self) -> None:
        """Raises OSError. Replaces the socket of a supervisor that was killed."""
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._path, limit=LINE_MAX_BYTES)
        finally:
            os.umask(before)
        if self._peers:
            self._path.chmod(0o666)

    def publish(self, status: bytes) -> None:
        """Sends the status to all clients; a client that connects later gets the latest one."""
        self._latest = status + b"\n"
        for writer in list(self._clients):
            if writer.transport.get_write_buffer_size() > BUFFER_MAX_BYTES:
                writer.transport.abort()
            else:
                writer.write(self._latest)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            self._path.unlink(missing_ok=True)
        for writer in self._clients:
            writer.close()

    def _admits(self, connection: socket.socket) -> bool:
        data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        return not self._peers or _CREDENTIALS.unpack(data)[1] in self._peers

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._admits(writer.get_extra_info("socket")):
            writer.close()
            return
        self._clients.add(writer)
        try:
            if self._latest:
                writer.write(self._latest)
            while line := await reader.readline():
                self._handlers[msgspec.json.decode(line, type=ControlRequest)]()
        except (OSError, ValueError):  # a lost connection, or a line that is too long or no request
            pass
        finally:
            self._clients.discard(writer)
            writer.close()
