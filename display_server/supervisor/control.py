"""The supervisor's control socket: publishes the desktop's status and accepts requests, one JSON per line.

The socket lies in the desktop's folder, which the person's programs may not enter. It serves a launcher that
is not the supervisor's parent, and that may be another process than the one that ordered the desktop.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from display_server.desktop.spec import ControlRequest

#: Longest line that is accepted, bytes.
LINE_MAX_BYTES = 1024
#: Unsent bytes beyond which a client has stopped reading and is disconnected.
BUFFER_MAX_BYTES = 64 * 1024


class ControlSocket:
    """Listens while the supervisor runs. `handlers` are called with the event loop running."""

    def __init__(self, path: Path, handlers: Mapping[ControlRequest, Callable[[], None]]) -> None:
        self._path = path
        self._handlers = handlers
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

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
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
