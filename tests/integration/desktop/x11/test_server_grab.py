"""Another program grabs the X server, as twm does while a window is dragged: picture and input go on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from display_server.agent.capture.xvfb import XvfbSource
from display_server.agent.geometry import Rect, edges_of, intersects
from display_server.agent.input.xtest import XtestInput
from tests.fakes.x_server import Painter, XServer, x_server

PATIENCE_S = 90.0


@pytest.fixture
def server() -> Iterator[XServer]:
    with x_server(320, 200) as running:
        yield running


@pytest.fixture
def grabbing(server: XServer) -> Iterator[Painter]:
    client = Painter(server)
    yield client
    client.close()


async def test_damage_arrives_while_another_program_grabs_the_server(
    server: XServer, grabbing: Painter
) -> None:
    source = XvfbSource(server.display, None, server.framebuffer)
    await source.open()
    try:
        await source.wait()
        source.take_damage()
        grabbing.x.core.GrabServer()
        grabbing.fill(10, 20, 30, 40, 0x123456)
        async with asyncio.timeout(PATIENCE_S):
            await source.wait()
        assert intersects(edges_of(source.take_damage()), edges_of([Rect(10, 20, 30, 40)]))
    finally:
        await source.close()


async def test_input_arrives_while_another_program_grabs_the_server(
    server: XServer, grabbing: Painter
) -> None:
    """twm waits for the release of the button while it holds the grab: it must get in."""
    device = XtestInput(server.display, None)
    await device.open()
    try:
        grabbing.x.core.GrabServer()
        grabbing.sync()
        device.open_session().pointer(120, 80, 0)

        async def arrived() -> None:
            while True:
                at = grabbing.x.core.QueryPointer(grabbing.root).reply()
                if (at.root_x, at.root_y) == (120, 80):
                    return
                await asyncio.sleep(0.01)

        async with asyncio.timeout(PATIENCE_S):
            await arrived()
    finally:
        grabbing.x.core.UngrabServer()
        grabbing.sync()
        await device.close()
