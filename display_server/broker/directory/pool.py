"""A bounded number of connections to one server, which are used again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from display_server.broker.directory.connection import LdapConnection
from display_server.broker.directory.errors import ConnectionLost, DirectoryAway, DirectoryBusy

T = TypeVar("T")

#: Requests that may wait for a connection: more than all people of a hospital who sign in at the same time.
WAITING_MAX = 2048
#: A connection that was idle for this time is closed, s. Firewalls drop such ones without notice.
IDLE_S = 120.0


class ConnectionPool:
    """Opens connections when they are needed, at most `size` of them.

    `usable` returns whether the server is still worth a try: whoever waited while it failed does not wait for
    it once more. `now_s` is a clock that never goes back, in seconds.
    """

    def __init__(
        self,
        open_connection: Callable[[], Awaitable[LdapConnection]],
        size: int,
        *,
        usable: Callable[[], bool],
        now_s: Callable[[], float],
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self._open = open_connection
        self._usable = usable
        self._now_s = now_s
        self._free = asyncio.Semaphore(size)
        self._waiting = 0
        self._waiting_max = waiting_max
        self._idle: deque[tuple[LdapConnection, float]] = deque()
        #: Connections that were opened since the start.
        self.opened = 0

    async def use(self, operation: Callable[[LdapConnection], Awaitable[T]]) -> T:
        """Runs an operation with a connection of its own, and returns what it returns.

        If the server has closed an idle connection meanwhile, the operation is run again with a new one.
        Raises DirectoryBusy, DirectoryAway, and what the operation and opening a connection raise.
        """
        async with self._turn():
            if not self._usable():
                raise DirectoryAway(
                    "The directory server has failed meanwhile.", next_step="The log says how it failed."
                )
            connection = self._take_idle()
            if connection is not None:
                try:
                    return await self._run(connection, operation)
                except ConnectionLost:
                    self.close()  # the others are as old
            connection = await self._open()
            self.opened += 1
            return await self._run(connection, operation)

    def close(self) -> None:
        """Closes the idle connections. The others are closed when their operation ends."""
        while self._idle:
            self._idle.pop()[0].close()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= self._waiting_max:
            raise DirectoryBusy(
                "Too many people are signing in right now.", next_step="Try again in a few seconds."
            )
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()

    async def _run(
        self, connection: LdapConnection, operation: Callable[[LdapConnection], Awaitable[T]]
    ) -> T:
        try:
            return await operation(connection)
        finally:
            if not connection.closed:
                self._idle.append((connection, self._now_s()))

    def _take_idle(self) -> LdapConnection | None:
        """Returns the connection that was used last, so that the others grow old and are closed."""
        oldest_s = self._now_s() - IDLE_S
        while self._idle and self._idle[0][1] < oldest_s:
            self._idle.popleft()[0].close()
        while self._idle:
            connection, _ = self._idle.pop()
            if not connection.closed:
                return connection
        return None
