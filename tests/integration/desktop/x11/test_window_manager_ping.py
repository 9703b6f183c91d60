"""A window manager that is stopped is noticed, and one that answers or is missing is not accused."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from display_server.desktop.x11.window_manager_ping import SILENT_AFTER_S, WindowManagerPing
from tests.fakes.x_server import XServer, x_server

PATIENCE_S = 90.0


@pytest.fixture
def server() -> Iterator[XServer]:
    with x_server(640, 480) as running:
        yield running


@pytest.fixture
def window_manager(server: XServer) -> Iterator[int]:
    process = subprocess.Popen(["openbox", "--sm-disable"], env=server.environment, stderr=subprocess.DEVNULL)
    yield process.pid
    process.kill()
    process.wait()


@pytest.fixture
async def ping(server: XServer) -> AsyncIterator[WindowManagerPing]:
    asking = WindowManagerPing(server.display, None)
    await asking.open()
    task = asyncio.create_task(asking.run())
    yield asking
    task.cancel()
    await asking.close()


async def until(true: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE_S / 0.05)):
        if true():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("not in time")


async def test_a_stopped_window_manager_is_silent_until_it_goes_on(
    window_manager: int, ping: WindowManagerPing
) -> None:
    await until(lambda: ping.answers > 0)
    os.kill(window_manager, signal.SIGSTOP)
    try:
        await until(ping.is_silent)
    finally:
        os.kill(window_manager, signal.SIGCONT)
    await until(lambda: not ping.is_silent())


async def test_a_missing_window_manager_is_not_silent(ping: WindowManagerPing) -> None:
    await asyncio.sleep(SILENT_AFTER_S + 2)
    assert not ping.is_silent()
