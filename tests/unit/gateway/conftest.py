"""Fixtures of the gateway's tests, which run on uvloop as the product does."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest
import uvloop

from tests.fakes.gateway import GatewayUnderTest, running_gateway
from tests.fakes.launchers import EchoLauncher


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for Unix sockets, unlike pytest's temporary folders."""
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        yield Path(path)


@pytest.fixture
def launcher() -> EchoLauncher:
    return EchoLauncher()


@pytest.fixture
async def local_gateway(folder: Path, launcher: EchoLauncher) -> AsyncIterator[GatewayUnderTest]:
    """A gateway without a network; only `in_process_client` works."""
    async with running_gateway(folder, launcher, served=False) as running:
        yield running


@pytest.fixture
async def gateway(folder: Path, launcher: EchoLauncher) -> AsyncIterator[GatewayUnderTest]:
    """A gateway that listens on 127.0.0.1."""
    async with running_gateway(folder, launcher) as running:
        yield running
