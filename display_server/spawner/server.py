"""The spawner's socket: one request per connection, one connection at a time, from one user alone."""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from display_server.spawner import runtime
from display_server.spawner.messages import (
    HEADER,
    REQUEST_MAX_BYTES,
    VERSION,
    Answer,
    decode_request,
    encode,
)
from display_server.spawner.spawner import Spawner

#: How long a client may take to send its request, s. The next client waits meanwhile.
REQUEST_TIMEOUT_S = 5.0
#: Interval at which ended processes are collected, s.
REAP_INTERVAL_S = 1.0
#: Interval at which the spawner looks whether the rules of networks are still there, s.
MAINTAIN_INTERVAL_S = 10.0
#: Connections that may wait for their turn.
BACKLOG = 64
#: pid, uid and gid of a peer, as SO_PEERCRED returns them.
_CREDENTIALS = struct.Struct("3i")


class SpawnerServer:
    """Listens on `path`. Only processes of root and of `client_uid` are served."""

    def __init__(self, path: Path, client_uid: int, spawner: Spawner, log: Callable[[str], None]) -> None:
        self._client_uids = {0, client_uid}
        self._spawner = spawner
        self._log = log
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(before)
        os.chown(path, client_uid, -1)
        self._listener.listen(BACKLOG)

    def serve(self, end_with: int | None = None) -> None:
        """Serves until the process is interrupted, or until the descriptor `end_with` is closed elsewhere."""
        watched: list[socket.socket | int] = [self._listener]
        if end_with is not None:
            watched.append(end_with)
        maintained_s = float("-inf")
        while True:
            if time.monotonic() - maintained_s > MAINTAIN_INTERVAL_S:
                self._spawner.maintain()
                maintained_s = time.monotonic()
            ready = select.select(watched, [], [], REAP_INTERVAL_S)[0]
            if end_with in ready:
                return
            if ready:
                connection, _ = self._listener.accept()
                with connection:
                    self.serve_one(connection)
            runtime.reap()

    def serve_one(self, connection: socket.socket) -> None:
        """Serves one connection. Never raises because of what the client sends or does."""
        connection.settimeout(REQUEST_TIMEOUT_S)
        _, uid, _ = _CREDENTIALS.unpack(
            connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        )
        if uid not in self._client_uids:
            self._log(f"refused a process of user {uid}")
            return
        try:
            answer = self._answer(*_receive(connection))
            connection.sendall(encode(answer))
        except (OSError, EOFError) as error:
            self._log(f"lost a client: {error}")

    def _answer(self, version: int, body: bytes) -> Answer:
        if version != VERSION:
            self._log(f"refused a request of version {version}")
            return Answer(
                f"The spawner runs version {VERSION} of its messages, and this server version {version}.",
                "The administrator has to start both again, of the same version. Running desktops go on.",
            )
        try:
            request = decode_request(body)
        except msgspec.MsgspecError as error:
            self._log(f"refused a malformed request: {error}")
            return Answer(
                f"The spawner does not accept this request: {error}.",
                "Server and spawner have to be of the same version.",
            )
        answer = self._spawner.handle(request)
        if answer.error is not None:
            self._log(f"{type(request).__name__} failed: {answer.error}")
        return answer


def _receive(connection: socket.socket) -> tuple[int, bytes]:
    """Returns the version and the body of one message. Raises EOFError and OSError."""
    version, length = HEADER.unpack(_receive_exactly(connection, HEADER.size))
    if length > REQUEST_MAX_BYTES:
        raise EOFError(f"a message of {length} bytes is too long")
    return version, _receive_exactly(connection, length)


def _receive_exactly(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        part = connection.recv(length - len(data))
        if not part:
            raise EOFError("the connection was closed")
        data += part
    return data
