"""The caret's position from the input method's panel to the agent, over a real X server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from display_server.desktop.x11.caret import Caret, CaretProperty, CaretWatch
from display_server.desktop.x11.x_connection import XConnection
from tests.fakes.x_server import XServer, x_server

TIMEOUT_S = 90.0


@pytest.fixture
def server() -> Iterator[XServer]:
    with x_server() as running:
        yield running


async def test_the_agent_follows_the_caret_that_the_panel_writes(server: XServer) -> None:
    connection = XConnection(server.display, None)
    panel = CaretProperty(connection)
    panel.write((10, 20, 0, 17))
    watch = CaretWatch(server.display, None)
    changes: asyncio.Queue[Caret | None] = asyncio.Queue()
    await watch.open()
    assert watch.caret == (10, 20, 0, 17), "what was written before must be read"
    watch.on_changed = lambda: changes.put_nowait(watch.caret)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            panel.write((-5, 40, 1, 18))
            assert await changes.get() == (-5, 40, 1, 18)
            # A new panel, after the former one ended, knows no caret yet.
            CaretProperty(connection)
            assert await changes.get() is None
            panel.write((-6, 40, 1, 18))
            assert await changes.get() == (-6, 40, 1, 18)
    finally:
        await watch.close()
        connection.close()


async def test_what_another_program_writes_stays_within_the_protocol(server: XServer) -> None:
    connection = XConnection(server.display, None)
    panel = CaretProperty(connection)
    panel.write((1 << 30, -(1 << 30), -7, 1 << 20))
    watch = CaretWatch(server.display, None)
    await watch.open()
    assert watch.caret == (32_767, -32_768, 0, 32_767)
    await watch.close()
    connection.close()
