"""Connections are bounded, used again, and replaced when the server has closed them."""

from __future__ import annotations

import asyncio

import pytest

from display_server.broker.directory.connection import LdapConnection
from display_server.broker.directory.errors import ConnectionLost, DirectoryAway, DirectoryBusy
from display_server.broker.directory.pool import IDLE_S, ConnectionPool
from display_server.broker.directory.settings import ServerAddress, Transport


class Server:
    """Opens connections that lead nowhere."""

    usable = True
    now_s = 0.0

    def __init__(self) -> None:
        self.opened: list[LdapConnection] = []

    async def open(self) -> LdapConnection:
        self.opened.append(LdapConnection(ServerAddress(Transport.TLS, "dc1.example", 636), 1.0))
        return self.opened[-1]

    def pool(self, size: int = 2, waiting_max: int = 10) -> ConnectionPool:
        return ConnectionPool(
            self.open,
            size,
            usable=lambda: self.usable,
            now_s=lambda: self.now_s,
            waiting_max=waiting_max,
        )


async def nothing(_connection: LdapConnection) -> None:
    await asyncio.sleep(0)


async def test_connections_are_used_again_and_bounded() -> None:
    server = Server()
    pool = server.pool(size=2)
    await asyncio.gather(*(pool.use(nothing) for _ in range(8)))
    await pool.use(nothing)
    assert (len(server.opened), pool.opened) == (2, 2)


async def test_more_than_can_wait_are_refused() -> None:
    pool = Server().pool(size=1, waiting_max=3)
    results = await asyncio.gather(*(pool.use(nothing) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(result, DirectoryBusy) for result in results) > 0
    assert results.count(None) == 4, "one that runs, and three that wait"


async def test_whoever_waited_while_the_server_failed_does_not_try_it() -> None:
    server = Server()
    pool = server.pool()
    server.usable = False
    with pytest.raises(DirectoryAway):
        await pool.use(nothing)
    assert server.opened == []


async def test_an_idle_connection_that_has_ended_is_replaced_once() -> None:
    server = Server()
    pool = server.pool()
    await pool.use(nothing)

    async def lost(connection: LdapConnection) -> None:
        connection.close()
        raise ConnectionLost("It has ended.", next_step="Try again.")

    async def lost_at_first(connection: LdapConnection) -> str:
        if connection is server.opened[0]:
            await lost(connection)
        return "answer"

    assert await pool.use(lost_at_first) == "answer"
    with pytest.raises(ConnectionLost):
        await pool.use(lost)
    assert all(connection.closed for connection in server.opened[:3])


async def test_a_connection_that_was_idle_for_long_is_closed() -> None:
    server = Server()
    pool = server.pool()
    await pool.use(nothing)
    server.now_s += IDLE_S + 1
    await pool.use(nothing)
    assert len(server.opened) == 2
    assert server.opened[0].closed
    pool.close()
    assert server.opened[1].closed
