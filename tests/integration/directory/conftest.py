"""Two directory servers for all tests of a file. A test that stops one starts it again.

The tests run on uvloop as the broker does; `lightbox directory test` uses the loop of asyncio itself.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from display_server.broker.directory.client import DirectoryClient
from display_server.broker.directory.settings import DirectorySettings
from tests.fakes.slapd import Slapd, settings_for, two_servers


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Slapd, Slapd]]:
    with tempfile.TemporaryDirectory(prefix="lb") as folder, two_servers(Path(folder)) as both:
        yield both


@pytest.fixture
def settings(servers: tuple[Slapd, Slapd]) -> Callable[..., DirectorySettings]:
    def make(**values: Any) -> DirectorySettings:
        first, second = servers
        return settings_for([first.tls_url, second.tls_url], first.folder / "ca.pem", **values)

    return make


class Monotonic:
    """A clock that a test moves."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@asynccontextmanager
async def client_of(
    settings: DirectorySettings, monotonic: Monotonic | None = None
) -> AsyncIterator[DirectoryClient]:
    client = DirectoryClient(settings, monotonic_s=monotonic or Monotonic())
    try:
        yield client
    finally:
        client.close()
