"""Makes the connections of viewers to their agents, and passes them to the gateway.

The gateway is the process that the network reaches, so it has no access to the folders of desktops: their
other sockets, the files of X servers and the desktops of people who are not there stay out of its reach.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from display_server.broker.gateway_sockets import GatewaySockets
from display_server.broker_link.agent_address import AgentAddress
from display_server.broker_link.agent_connections import NAME_MAX_BYTES, send_answer

log = structlog.get_logger(__name__)

#: A request has to arrive within this time, s.
REQUEST_TIMEOUT_S = 5.0
#: Requests that may be under way. A gateway makes one per viewer at a time; others wait to be accepted.
AT_ONCE_MAX = 256


class AgentConnections:
    """Answers requests. `agent_of` returns the agent of a viewer that was admitted and is not gone."""

    def __init__(self, agent_of: Callable[[str], AgentAddress | None]) -> None:
        self._agent_of = agent_of
        self._tasks: set[asyncio.Task[None]] = set()

    @contextmanager
    def listening(self, sockets: GatewaySockets) -> Iterator[None]:
        """Accepts requests of gateways until the block ends."""
        listener = sockets.listen(sockets.agents, socket.SOCK_SEQPACKET)
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        loop.add_reader(listener, self._accept, listener, sockets)
        try:
            yield
        finally:
            loop.remove_reader(listener)
            listener.close()
            for task in self._tasks:
                task.cancel()

    def _accept(self, listener: socket.socket, sockets: GatewaySockets) -> None:
        try:
            connection, _ = listener.accept()
        except OSError as error:  # the gateway has gone again, or no descriptor is free
            log.warning("request for a connection to an agent not accepted", error=str(error))
            return
        uid = sockets.refused_uid(connection)
        if uid is not None or len(self._tasks) >= AT_ONCE_MAX:
            log.warning("request for a connection to an agent refused", uid=uid, waiting=len(self._tasks))
            connection.close()
            return
        task = asyncio.create_task(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        with connection:
            try:
                async with asyncio.timeout(REQUEST_TIMEOUT_S):
                    name = await asyncio.get_running_loop().sock_recv(connection, NAME_MAX_BYTES)
                agent = self._agent_of(name.decode(errors="replace"))
                if agent is not None:
                    _pass_connections(connection, agent)
            except OSError as error:  # the gateway tries again while an agent is started anew
                log.debug("no connection to an agent", error=str(error))


def _pass_connections(connection: socket.socket, agent: AgentAddress) -> None:
    """Connects to the sockets of an agent, which does not wait, and passes the connections on.

    Raises OSError when the agent does not listen. One that accepts no host channels is without video.
    """
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        second = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        for one in (first, second):
            one.setblocking(False)
        first.connect(str(agent.socket))
        try:
            second.connect(str(agent.host_socket))
        except OSError as error:
            log.warning("no host channel", session=agent.session, error=str(error))
            send_answer(connection, [first])
        else:
            send_answer(connection, [first, second])
