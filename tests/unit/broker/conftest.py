"""A folder with a short path, and a database in it.

`tests/integration/broker/postgresql` runs the tests that use `store` or `empty` on PostgreSQL as well.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from display_server.broker.database import Database
from display_server.broker.sqlite_database import SqliteDatabase
from display_server.broker.store import Store
from tests.fakes.new_database import copy_new_database


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        yield Path(path)


@pytest.fixture
async def store(folder: Path) -> AsyncIterator[Store]:
    await copy_new_database(folder / "lightbox.db")
    store = await Store.open(folder / "lightbox.db")
    yield store
    await store.close()


@pytest.fixture
def empty(folder: Path) -> Callable[[], Database]:
    """Returns a database without tables. Each call describes the same one to another process."""
    return lambda: SqliteDatabase(folder / "empty.db")
