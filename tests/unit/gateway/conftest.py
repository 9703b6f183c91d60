"""Doors for the tests of this folder, on the event loop that the product uses."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest
import uvloop

from tests.fakes.gateway import DoorUnderTest, running_door
from tests.fakes.launchers import EchoLauncher


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, for sockets; pytest's own paths are too long for those."""
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        yield Path(path)


@pytest.fixture
def launcher() -> EchoLauncher:
    return EchoLauncher()


@pytest.fixture
async def quiet_door(folder: Path, launcher: EchoLauncher) -> AsyncIterator[DoorUnderTest]:
    """Without network."""
    async with running_door(folder, launcher, served=False) as running:
        yield running


@pytest.fixture
async def door(folder: Path, launcher: EchoLauncher) -> AsyncIterator[DoorUnderTest]:
    async with running_door(folder, launcher) as running:
        yield running
