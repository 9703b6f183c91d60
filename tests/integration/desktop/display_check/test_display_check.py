"""The display check on a real X server: keys choose the pattern that is on the screen."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from display_server.agent.input.xtest import XtestInput
from display_server.desktop.display_check.patterns import PATTERNS, contrast
from tests.fakes.x_server import Painter, XServer, x_server

SIZE = 1024, 640


@pytest.fixture(scope="module")
def server() -> Iterator[XServer]:
    with x_server(*SIZE) as running:
        yield running


@pytest.fixture
def painter(server: XServer) -> Iterator[Painter]:
    """Reads the screen while the display check runs."""
    command = [sys.executable, "-m", "display_server.desktop.display_check"]
    program = subprocess.Popen(command, env={**server.environment, "PYTHONPATH": ""})
    reader = Painter(server)
    yield reader
    reader.close()
    program.kill()
    program.wait()


async def shows(painter: Painter, pixels: NDArray[np.uint8]) -> None:
    for _ in range(400):
        if (painter.pixels()[:, :, ::-1] == pixels).all():
            return
        await asyncio.sleep(0.025)
    raise AssertionError("the pattern was not shown within 10 s")


async def xrandr(server: XServer, *arguments: str) -> None:
    program = await asyncio.create_subprocess_exec("xrandr", *arguments, env=server.environment)
    assert await program.wait() == 0


async def test_keys_choose_the_pattern(server: XServer, painter: Painter) -> None:
    device = XtestInput(server.display, None)
    await device.open()
    session = device.open_session()
    await shows(painter, PATTERNS["tg18-qc"](*SIZE))
    for key, name in (("2", "tg270-sqc"), ("3", "smpte"), ("4", "pixels"), ("1", "tg18-qc")):
        session.text(key)
        await shows(painter, PATTERNS[name](*SIZE))
    session.text("c12,-3,2\n")
    await shows(painter, contrast(*SIZE, 12, -3, 2))
    session.text("c255,1,0\n")  # impossible: the level would be 256
    session.text("x9\n")
    session.text("cc250,5,1\n")
    await shows(painter, contrast(*SIZE, 250, 5, 1))
    await device.close()


async def test_follows_changes_of_the_monitors(server: XServer, painter: Painter) -> None:
    await shows(painter, PATTERNS["tg18-qc"](*SIZE))
    halves = ["512/100x640/100+0+0", "512/100x640/100+512+0"]
    for name, place, output in zip(("left", "right"), halves, ("screen", "none"), strict=True):
        await xrandr(server, "--setmonitor", name, place, output)
    # Setting a monitor causes no event by itself, so the pattern is chosen again.
    half = PATTERNS["tg18-qc"](512, 640)
    device = XtestInput(server.display, None)
    await device.open()
    device.open_session().text("1")
    await shows(painter, np.concatenate([half, half], axis=1))
    await device.close()
    for name in ("left", "right"):
        await xrandr(server, "--delmonitor", name)
