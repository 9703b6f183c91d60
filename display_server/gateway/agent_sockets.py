"""Gets connections to agents from the broker. The gateway itself can reach no socket of a desktop."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Protocol

from display_server.broker_link.agent_connections import receive_answer

#: The broker has to answer within this time, s. It needs less than a millisecond.
ANSWER_TIMEOUT_S = 3.0


class AgentSockets(Protocol):
    """Where the relay gets the connections of a viewer."""

    async def connect(self, viewer: str) -> tuple[socket.socket, socket.socket | None]:
        """Called for each viewer that was admitted, again while its agent cannot be reached.

        Returns a connection to the agent, and one for the host channel, or None if the agent accepts none.
        The caller closes both. Raises OSError.
        """


class PassedAgentSockets:
    """Implements AgentSockets: asks the broker at its Unix socket `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def connect(self, viewer: str) -> tuple[socket.socket, socket.socket | None]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
            asking.setblocking(False)
            asking.connect(str(self._path))
            asking.send(viewer.encode())
            async with asyncio.timeout(ANSWER_TIMEOUT_S):  # TimeoutError is an OSError
                await _readable(asking)
            first, *rest = receive_answer(asking)
        for one in (first, *rest):
            one.setblocking(False)
        return first, rest[0] if rest else None


async def _readable(connection: socket.socket) -> None:
    """Returns when a packet has arrived, or the other side has closed the connection."""
    loop = asyncio.get_running_loop()
    arrived: asyncio.Future[None] = loop.create_future()

    def arrive() -> None:
        if not arrived.done():
            arrived.set_result(None)

    loop.add_reader(connection, arrive)
    try:
        await arrived
    finally:
        loop.remove_reader(connection)
