"""XfixesCursor captures the shape and position of a pointer that the X server does not draw."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest
import xcffib.xproto

from display_server.agent.cursor.xfixes_cursor import XfixesCursor, straight_alpha
from display_server.errors import CaptureError
from tests.fakes.x_server import Painter, XServer, x_server

PATIENCE_S = 90.0


@pytest.fixture
def server() -> Iterator[XServer]:
    with x_server(320, 200, "-nocursor") as running:
        yield running


@pytest.fixture
async def cursor(server: XServer) -> AsyncIterator[XfixesCursor]:
    made = XfixesCursor(server.display, None)
    await made.open()
    yield made
    await made.close()


def set_cursor(painter: Painter, glyph: int, red: int) -> None:
    core = painter.x.core
    font, cursor = painter.x.generate_id(), painter.x.generate_id()
    core.OpenFont(font, len("cursor"), "cursor")
    core.CreateGlyphCursor(cursor, font, font, glyph, glyph + 1, red, 0, 0, 0xFFFF, 0xFFFF, 0xFFFF)
    core.ChangeWindowAttributes(painter.root, xcffib.xproto.CW.Cursor, [cursor])
    painter.sync()


async def changed(cursor: XfixesCursor) -> None:
    async with asyncio.timeout(PATIENCE_S):
        await cursor.wait()


async def test_the_shape_is_captured_and_changes(server: XServer, cursor: XfixesCursor) -> None:
    await changed(cursor)
    before = cursor.shape()
    painter = Painter(server)
    set_cursor(painter, 68, 0xFFFF)
    await changed(cursor)
    shape = cursor.shape()
    assert shape.rgba is not None
    assert shape.rgba.shape == (shape.height_px, shape.width_px, 4)
    assert before.rgba is None or before.rgba.tobytes() != shape.rgba.tobytes()
    opaque = shape.rgba[shape.rgba[:, :, 3] == 255]
    assert {tuple(pixel) for pixel in opaque.tolist()} == {(255, 0, 0, 255), (255, 255, 255, 255)}
    assert 0 <= shape.hot_x_px < shape.width_px
    assert 0 <= shape.hot_y_px < shape.height_px
    painter.close()


async def test_a_program_can_hide_the_pointer(server: XServer, cursor: XfixesCursor) -> None:
    painter = Painter(server)
    core = painter.x.core
    mask, gc, empty = (painter.x.generate_id() for _ in range(3))
    core.CreatePixmap(1, mask, painter.root, 8, 8)
    core.CreateGC(gc, mask, 0, [])
    core.PolyFillRectangle(mask, gc, 1, [struct.pack("=hhHH", 0, 0, 8, 8)])
    core.CreateCursor(empty, mask, mask, 0, 0, 0, 0, 0, 0, 0, 0)
    core.ChangeWindowAttributes(painter.root, xcffib.xproto.CW.Cursor, [empty])
    painter.sync()
    async with asyncio.timeout(PATIENCE_S):
        while cursor.shape().rgba is not None:
            await cursor.wait()
    set_cursor(painter, 34, 0)
    await changed(cursor)
    assert cursor.shape().rgba is not None
    painter.close()


async def test_the_position_is_updated(server: XServer, cursor: XfixesCursor) -> None:
    painter = Painter(server)
    for place in ((12, 34), (200, 150)):
        painter.move_pointer(*place)
        for _ in range(500):
            if cursor.position() == place:
                break
            await asyncio.sleep(0.01)
        assert cursor.position() == place
    painter.close()


async def test_a_dead_server_raises_a_capture_error(server: XServer, cursor: XfixesCursor) -> None:
    cursor.shape()
    server.process.kill()

    async def go_on() -> None:
        while True:
            await cursor.wait()
            cursor.shape()

    with pytest.raises(CaptureError):
        await asyncio.wait_for(go_on(), PATIENCE_S)
    cursor.position()


def test_straight_alpha() -> None:
    argb = np.array([[0xFF102030, 0x80402000, 0x00FFFFFF, 0x01FF0100]], np.uint32)
    assert straight_alpha(argb).tolist() == [
        [[0x10, 0x20, 0x30, 255], [128, 64, 0, 128], [0, 0, 0, 0], [255, 255, 0, 1]]
    ]
