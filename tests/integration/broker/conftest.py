"""One PostgreSQL server for all tests of a worker, and a database of its own for each test."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from display_server.broker.database import Database
from display_server.broker.postgres_database import PostgresDatabase
from display_server.broker.store import Store
from tests.fakes.postgres_server import TEMPLATE, PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="lb") as folder:  # the path of a Unix socket has to be short
        server = PostgresServer(Path(folder))
        try:
            asyncio.run(server.start())
            asyncio.run(server.make_template())
            yield server
        finally:
            server.stop()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        yield Path(path)


@pytest.fixture
async def database(postgres: PostgresServer) -> AsyncIterator[str]:
    """The name of a database with the tables of a new installation."""
    name = await postgres.new_database(TEMPLATE)
    yield name
    await postgres.drop(name)


@pytest.fixture
async def store(postgres: PostgresServer, database: str) -> AsyncIterator[Store]:
    store = await Store.open(PostgresDatabase(postgres.url(database)))
    yield store
    await store.close()


@pytest.fixture
async def empty(postgres: PostgresServer) -> AsyncIterator[Callable[[], Database]]:
    """Returns a database without tables. Each call describes the same one to another process."""
    name = await postgres.new_database()
    yield lambda: PostgresDatabase(postgres.url(name))
    await postgres.drop(name)
