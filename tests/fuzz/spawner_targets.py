"""What arrives at the sockets of the spawner, of the operator and of a desktop's supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from display_server.desktop.spec import ControlRequest
from display_server.server.operator_requests import SOCKET_NAME
from display_server.server.operator_socket import operator_socket
from display_server.spawner.messages import HEADER, VERSION, Answer, Request, decode_answer
from display_server.spawner.server import SpawnerServer
from display_server.spawner.spawner import Spawner
from display_server.supervisor.control import ControlSocket
from tests.fakes.gateway import running_gateway
from tests.fakes.launchers import EchoLauncher
from tests.fuzz.campaign import FuzzTarget
from tests.property.test_spawner_requests import START, assert_harmless

#: Longest answer that is read, bytes.
ANSWER_MAX_BYTES = 1 << 20
#: How the answer to a request begins that was understood, although there is no such desktop.
REFUSED_SESSION = b'{"type":"refused","cause":"No desktop with the id'


class HarmlessSpawner:
    """Accepts what the real one would carry out, if every value in it is harmless."""

    def __init__(self) -> None:
        self.handled = 0

    def handle(self, request: Request) -> Answer:
        assert_harmless(request)
        self.handled += 1
        return Answer()


class SpawnerRequests:
    """Sends requests to the spawner's socket. Only what does not begin like JSON lacks its length."""

    def __init__(self, folder: Path) -> None:
        self._spawner = HarmlessSpawner()
        self._server = SpawnerServer(
            folder / "spawner.sock", os.geteuid(), cast(Spawner, self._spawner), lambda _: None
        )

    async def feed(self, data: bytes) -> bool:
        before = self._spawner.handled
        ours, theirs = socket.socketpair()
        with ours, theirs, contextlib.suppress(ConnectionResetError):  # it did not read to the end
            ours.sendall(HEADER.pack(VERSION, len(data)) + data if data[:1] == b"{" else data)
            ours.shutdown(socket.SHUT_WR)
            self._server.serve_one(theirs)
            theirs.close()
            if answer := ours.recv(ANSWER_MAX_BYTES):
                decode_answer(answer[HEADER.size :])
        return self._spawner.handled > before


async def ask(path: Path, data: bytes) -> bytes:
    """Sends a line to a socket and returns all that is answered; nothing if the socket stops reading."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(data + b"\n")
        writer.write_eof()
        return await reader.read(ANSWER_MAX_BYTES)
    except ConnectionError:
        return b""
    finally:
        writer.close()


class SupervisorRequests:
    """Sends lines to the control socket of a supervisor, which answers with its status alone."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "control.sock"
        self._handled = 0
        self._socket = ControlSocket(self._path, dict.fromkeys(ControlRequest, self._handle))

    async def start(self) -> None:
        await self._socket.start()

    def close(self) -> None:
        self._socket.close()

    async def feed(self, data: bytes) -> bool:
        before = self._handled
        await ask(self._path, data)
        return self._handled > before

    def _handle(self) -> None:
        self._handled += 1


def _json(*values: object) -> tuple[bytes, ...]:
    return tuple(json.dumps(value).encode() for value in values)


@asynccontextmanager
async def spawner_targets() -> AsyncIterator[list[FuzzTarget]]:
    with tempfile.TemporaryDirectory(prefix="lb") as name:
        folder = Path(name)
        supervisor = SupervisorRequests(folder)
        await supervisor.start()

        async def feed_operator(data: bytes) -> bool:
            answer = await ask(folder / SOCKET_NAME, data)
            return answer.startswith((b'{"type":"done"', REFUSED_SESSION))

        async with (
            running_gateway(folder, EchoLauncher(), served=False) as gateway,
            operator_socket(folder, gateway.services),
        ):
            limits = {"memory_mb": 512, "processes": 200, "cpu_percent": 0, "temporary_mb": 64}
            yield [
                FuzzTarget(
                    "spawner",
                    (
                        *_json(START, {**START, "limits": limits}, {"type": "list"}),
                        *_json(*({"type": kind, "session": "bcd"} for kind in ("stop", "exec_supervisor"))),
                        HEADER.pack(VERSION, 2**31) + b"{}",
                    ),
                    SpawnerRequests(folder).feed,
                ),
                FuzzTarget(
                    "operator",
                    _json(
                        {"type": "end-session", "session": "bcd", "operator": "root"},
                        {
                            "type": "account-changed",
                            "username": "kim",
                            "action": "disabled",
                            "operator": "root",
                            "disconnect": True,
                            "end_desktops": False,
                        },
                    ),
                    feed_operator,
                ),
                FuzzTarget(
                    "supervisor", _json(*(request.value for request in ControlRequest)), supervisor.feed
                ),
            ]
        supervisor.close()
