"""XvfbSource and XshmSource, each with an X server of its own. XGetImage gives the expected pixels."""

from __future__ import annotations

import asyncio
import os
import stat
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest
import xcffib.xproto

from display_server.agent.capture.frame_source import FrameSource
from display_server.agent.capture.xshm import XshmSource
from display_server.agent.capture.xvfb import XvfbSource
from display_server.agent.geometry import Rect, edges_of, intersects
from display_server.desktop.x11.framebuffer_file import SCREEN_FILE, parse_header
from display_server.errors import CaptureError
from tests.fakes.x_server import Painter, XServer, x_server

PATIENCE_S = 90.0


@pytest.fixture
def server() -> Iterator[XServer]:
    with x_server(320, 200) as running:
        yield running


@pytest.fixture
def painter(server: XServer) -> Iterator[Painter]:
    client = Painter(server)
    yield client
    client.close()


@pytest.fixture(params=["xvfb", "xshm"])
async def source(request: pytest.FixtureRequest, server: XServer) -> AsyncIterator[FrameSource]:
    made: FrameSource = (
        XvfbSource(server.display, None, server.framebuffer)
        if request.param == "xvfb"
        else XshmSource(server.display, None)
    )
    await made.open()
    yield made
    await made.close()


async def take(source: FrameSource) -> list[Rect]:
    async with asyncio.timeout(PATIENCE_S):
        await source.wait()
    return list(source.take_damage())


async def drain(source: FrameSource) -> None:
    """Takes all damage."""
    await source.is_torn([Rect(0, 0, 1, 1)])
    source.take_damage()


async def test_first_damage_is_the_whole_screen(source: FrameSource, painter: Painter) -> None:
    assert (source.width_px, source.height_px) == (320, 200)
    painter.fill(0, 0, 320, 200, 0x123456)
    damage = await take(source)
    assert Rect(0, 0, 320, 200) in damage
    frame = await asyncio.to_thread(source.read, damage)
    assert frame.shape == (200, 320, 4)
    assert (frame[:, :, :3] == painter.pixels()).all()


async def test_drawing_is_damage_and_is_read(source: FrameSource, painter: Painter) -> None:
    await take(source)
    await asyncio.to_thread(source.read, [Rect(0, 0, 320, 200)])
    await drain(source)
    for step in range(20):
        painter.fill(7 * step, 5 * step, 30, 40, 0x010203 * step)
        painter.fill(300 - 7 * step, 5, 10, 10, 0xFF00FF)
        damage = await take(source)
        assert damage
        frame = await asyncio.to_thread(source.read, damage)
        if not await source.is_torn(damage):
            assert (frame[:, :, :3] == painter.pixels()).all()


async def test_a_still_screen_has_no_damage(source: FrameSource, painter: Painter) -> None:
    await take(source)
    await drain(source)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await source.wait()
    painter.fill(1, 2, 3, 4, 0xFFFFFF)
    assert await take(source) == [Rect(1, 2, 3, 4)]


async def test_a_frame_is_torn_by_drawing_within_its_damage(source: FrameSource, painter: Painter) -> None:
    await take(source)
    await drain(source)
    painter.fill(10, 10, 20, 20, 0xFF0000)
    damage = await take(source)
    assert not await source.is_torn(damage)
    painter.fill(100, 100, 20, 20, 0xFF0000)
    assert not await source.is_torn(damage)
    painter.fill(15, 15, 1, 1, 0x00FF00)
    assert await source.is_torn(damage)
    rest = await take(source)  # the next damage contains both
    assert intersects(edges_of(rest), edges_of([Rect(15, 15, 1, 1)]))
    assert intersects(edges_of(rest), edges_of([Rect(100, 100, 20, 20)]))


async def test_a_cancelled_wait_loses_no_damage(source: FrameSource, painter: Painter) -> None:
    await take(source)
    await drain(source)
    for step in range(30):
        waiting = asyncio.create_task(source.wait())
        painter.fill(step, step, 5, 5, 0xABCDEF)
        for _ in range(step % 4):  # cancel at different stages of the request to the X server
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        damage = await take(source)
        while not intersects(edges_of(damage), edges_of([Rect(step, step, 5, 5)])):
            damage = await take(source)


async def test_the_pointer_is_never_in_the_frame(source: FrameSource, painter: Painter) -> None:
    painter.fill(0, 0, 320, 200, 0x808080)
    font, cursor = painter.x.generate_id(), painter.x.generate_id()
    painter.x.core.OpenFont(font, len("cursor"), "cursor")
    painter.x.core.CreateGlyphCursor(cursor, font, font, 68, 69, 0xFFFF, 0, 0, 0, 0xFFFF, 0)
    painter.x.core.ChangeWindowAttributes(painter.root, xcffib.xproto.CW.Cursor, [cursor])
    whole = [Rect(0, 0, 320, 200)]
    for x, y in ((10, 10), (160, 100), (319, 199)):
        painter.move_pointer(x, y)
        frame = await asyncio.to_thread(source.read, whole)
        assert (frame[:, :, :3] == 0x80).all()


async def test_many_small_changes_are_few_rectangles(source: FrameSource, painter: Painter) -> None:
    await take(source)
    await drain(source)
    squares = [struct.pack("=hhHH", x, y, 2, 2) for x in range(0, 320, 8) for y in range(0, 200, 8)]
    painter.x.core.PolyFillRectangle(painter.root, painter.gc, len(squares), squares)
    painter.sync()
    assert len(await take(source)) <= 32


async def test_a_dead_server_raises_capture_errors(source: FrameSource, server: XServer) -> None:
    await take(source)
    await drain(source)
    waiting = asyncio.create_task(source.wait())
    await asyncio.sleep(0)
    server.process.kill()
    with pytest.raises(CaptureError):
        async with asyncio.timeout(PATIENCE_S):
            await waiting
    with pytest.raises(CaptureError):
        await source.is_torn([Rect(0, 0, 1, 1)])
    await source.close()
    await source.close()


def shrink_screen(server: XServer) -> None:
    timings = ["8", "160", "161", "162", "163", "100", "101", "102", "103"]
    for arguments in (
        ["--newmode", "small", *timings],
        ["--addmode", "screen", "small"],
        ["--output", "screen", "--mode", "small"],
    ):
        subprocess.run(["xrandr", *arguments], env=server.environment, check=True, capture_output=True)


async def test_shared_memory_refuses_another_size(server: XServer) -> None:
    source = XshmSource(server.display, None)
    await source.open()
    await take(source)
    await drain(source)
    await asyncio.to_thread(shrink_screen, server)

    async def go_on() -> None:
        while True:
            await source.wait()
            source.take_damage()

    with pytest.raises(CaptureError, match="160×100"):
        await asyncio.wait_for(go_on(), PATIENCE_S)
    with pytest.raises(CaptureError, match="160×100"):
        source.resize(160, 100)
    await source.close()


async def test_a_mapped_framebuffer_adopts_another_size(server: XServer, painter: Painter) -> None:
    source = XvfbSource(server.display, None, server.framebuffer)
    await source.open()
    await take(source)
    await asyncio.to_thread(shrink_screen, server)
    source.resize(160, 100)
    assert set(await take(source)) == {Rect(0, 0, 160, 100)}
    await drain(source)
    painter.fill(3, 90, 100, 5, 0x00FF00)
    assert await take(source) == [Rect(3, 90, 100, 5)]
    assert np.array_equal(source.read([])[:, :, :3], painter.pixels())
    with pytest.raises(CaptureError, match="no room"):
        source.resize(321, 200)
    await source.close()


async def test_a_smaller_screen_keeps_its_row_stride(server: XServer, painter: Painter) -> None:
    shrink_screen(server)
    source = XvfbSource(server.display, None, server.framebuffer)
    await source.open()
    assert (source.width_px, source.height_px) == (160, 100)
    painter.fill(3, 90, 100, 5, 0x00FF00)
    frame = source.read([])
    assert (frame[90:95, 3:103, :3] == (0, 0xFF, 0)).all()
    await source.close()


async def test_without_server_or_framebuffer_opening_fails(tmp_path: Path, server: XServer) -> None:
    with pytest.raises(CaptureError, match="cannot be read"):
        await XvfbSource(server.display, None, tmp_path).open()
    with pytest.raises(CaptureError, match="does not run"):
        await XshmSource(":987654", None).open()
    with pytest.raises(CaptureError, match="does not run"):
        await XvfbSource(":987654", None, server.framebuffer).open()


async def test_other_depths_are_refused() -> None:
    with x_server(64, 64, depth=16) as shallow:
        for source in (
            XvfbSource(shallow.display, None, shallow.framebuffer),
            XshmSource(shallow.display, None),
        ):
            with pytest.raises(CaptureError, match="24-bit"):
                await source.open()
            await source.close()


def own_segments() -> list[int]:
    """Returns the permission bits of each shared memory segment that this process created."""
    lines = [line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    return [int(fields[2], 8) for fields in lines if int(fields[4]) == os.getpid()]


async def test_shared_memory_is_private_and_freed(server: XServer) -> None:
    source = XshmSource(server.display, None)
    await source.open()
    modes = own_segments()
    assert modes
    assert not any(mode & (stat.S_IRWXO | stat.S_IRWXG) for mode in modes)
    await source.close()
    for _ in range(500):  # the X server detaches when it notices that the client disconnected
        if not own_segments():
            break
        await asyncio.sleep(0.01)
    assert not own_segments()


class TestHeader:
    @pytest.fixture
    def header(self, server: XServer) -> bytearray:
        return bytearray((server.framebuffer / SCREEN_FILE).read_bytes())

    def test_the_header_of_xvfb(self, header: bytearray) -> None:
        layout = parse_header(bytes(header))
        assert (layout.width_px, layout.height_px, layout.stride_bytes) == (320, 200, 1280)

    @pytest.mark.parametrize("length", [0, 50, 99, 4000])
    def test_a_truncated_file_is_refused(self, header: bytearray, length: int) -> None:
        with pytest.raises(CaptureError, match=r"shorter|too short"):
            parse_header(bytes(header[:length]))

    @pytest.mark.parametrize(
        ("word", "value"), [(0, 8), (1, 6), (2, 1), (3, 16), (4, 0), (7, 1), (11, 16), (12, 4)]
    )
    def test_other_formats_are_refused(self, header: bytearray, word: int, value: int) -> None:
        struct.pack_into(">I", header, 4 * word, value)
        with pytest.raises(CaptureError):
            parse_header(bytes(header))


FLICKER = """
import struct, sys, time, xcffib, xcffib.xproto as xp
x = xcffib.Connection(sys.argv[1]); root = x.get_setup().roots[0].root; gc = x.generate_id()
x.core.CreateGC(gc, root, 0, [])
for i in range(10**6):
    x.core.ChangeGC(gc, xp.GC.Foreground, [i * 0x010101 & 0xffffff])
    x.core.PolyFillRectangle(root, gc, 1, [struct.pack('=hhHH', 0, 0, 320, 200)])
    x.core.GetInputFocus().reply()
    time.sleep(i % 5 * 0.0005)
"""


@pytest.fixture
def flicker(server: XServer) -> Iterator[None]:
    """Runs a program that fills the screen with one colour after the other at varying speed."""
    program = subprocess.Popen([sys.executable, "-c", FLICKER, server.display])
    yield
    program.kill()
    program.wait()


@pytest.mark.usefixtures("flicker")
async def test_a_frame_that_is_not_reported_as_torn_is_not_torn(server: XServer) -> None:
    source = XvfbSource(server.display, None, server.framebuffer)
    await source.open()
    whole = 0
    for _ in range(2000):
        damage = await take(source)
        copy = (await asyncio.to_thread(source.read, damage))[:, :, 0].copy()
        if not await source.is_torn(damage):
            whole += 1
            assert len(np.unique(copy)) == 1
        if whole == 50:
            break
    assert whole == 50
    await source.close()
