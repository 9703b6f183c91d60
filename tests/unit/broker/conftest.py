"""A folder with a short path, and a database in it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from display_server.broker.store import Store


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        yield Path(path)


@pytest.fixture
async def store(folder: Path) -> AsyncIterator[Store]:
    store = await Store.open(folder / "lightbox.db")
    yield store
    await store.close()
