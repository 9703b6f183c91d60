"""Pointer motions that arrive as datagrams, beside the WebSocket that carries everything else."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator

import pytest

from display_server.agent.viewer.viewer import Viewer
from display_server.protocol.close_codes import CloseCode
from tests.fakes.agent import RunningAgent, running_agent
from tests.fakes.viewer import FakeViewer

pytestmark = pytest.mark.slow


def motion(turn: int, step: int, x: int, y: int) -> bytes:
    return struct.pack("<BBHHhh", 4, 0, turn, step, x, y)


class Bench:
    """A viewer on both transports: `send` uses the WebSocket, `datagrams` the data channel."""

    def __init__(self, running: RunningAgent, socket: FakeViewer) -> None:
        self.running = running
        self.socket = socket
        self.viewer: Viewer = next(iter(running.agent.viewers))

    def datagrams(self, *data: bytes | None) -> None:
        for one in data:
            self.viewer._on_datagram(one)

    async def send(self, **message: object) -> None:
        """Sends a message and waits until the agent handled it."""
        pings = len(self.socket.received("pong"))
        await self.socket.send(**message)
        await self.socket.send(type="ping", t=0.0)
        await self.socket.until(lambda: len(self.socket.received("pong")) > pings)

    @property
    def done(self) -> list[tuple[object, ...]]:
        return self.running.input.done


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_agent() as running, FakeViewer(running.socket) as socket:
        await socket.until(lambda: bool(socket.received("welcome")))
        bench = Bench(running, socket)
        await bench.send(type="pointer", x=1, y=1, buttons=0, turn=1, step=0)
        bench.done.clear()
        yield bench


async def test_ignores_motions_that_arrive_late_or_twice(bench: Bench) -> None:
    bench.datagrams(motion(1, 1, 10, 10), motion(1, 3, 30, 30), motion(1, 2, 20, 20), motion(1, 3, 30, 30))
    assert bench.done == [("pointer", 10, 10, 0), ("pointer", 30, 30, 0)]
    metrics = bench.running.agent.metrics
    assert (metrics.pointer_datagrams, metrics.pointer_late) == (4, 2)


async def test_applies_a_motion_of_both_transports_once(bench: Bench) -> None:
    bench.datagrams(motion(1, 1, 10, 10))
    await bench.send(type="pointer", x=10, y=10, buttons=0, turn=1, step=1)
    assert bench.done == [("pointer", 10, 10, 0)]
    await bench.send(
        type="pointer", x=20, y=20, buttons=0, turn=1, step=2
    )  # the datagram of this motion got lost
    assert bench.done[1:] == [("pointer", 20, 20, 0)]


async def test_clicks_where_the_press_was_sent(bench: Bench) -> None:
    bench.datagrams(motion(2, 1, 90, 90))  # belongs to a drag whose press has not arrived yet
    await bench.send(type="pointer", x=50, y=50, buttons=1, turn=2, step=0)
    bench.datagrams(motion(1, 7, 40, 40))  # belongs to the motion before the press
    assert bench.done == [("pointer", 50, 50, 1)]
    bench.datagrams(motion(2, 2, 91, 91))
    await bench.send(type="wheel", x=91, y=91, dx=0, dy=120, turn=3)
    bench.datagrams(motion(2, 3, 92, 92), motion(3, 1, 93, 93))
    assert bench.done[1:] == [("pointer", 91, 91, 1), ("wheel", 0, 120), ("pointer", 93, 93, 1)]


async def test_ignores_datagrams_of_a_viewer_that_numbers_no_events(bench: Bench) -> None:
    await bench.send(type="pointer", x=5, y=5, buttons=0)
    bench.datagrams(motion(1, 9, 40, 40))
    assert bench.done == [("pointer", 5, 5, 0)]


@pytest.mark.parametrize("data", [None, b"", motion(1, 1, 2, 3) + b"!", motion(0, 1, 2, 3)])
async def test_a_malformed_datagram_closes_the_connection(bench: Bench, data: bytes | None) -> None:
    bench.datagrams(data, motion(1, 5, 60, 60))
    await bench.socket.until(lambda: bench.socket.close_code is not None)
    assert bench.socket.close_code == CloseCode.PROTOCOL_VIOLATION
    assert bench.running.agent.metrics.violations == 1
    assert [call for call in bench.done if call[0] == "pointer"] == []


async def test_ignores_datagrams_before_hello() -> None:
    async with running_agent() as running, FakeViewer(running.socket, hello=False):
        viewer = None
        while viewer is None:
            viewer = next(iter(running.agent.viewers), None)
            await asyncio.sleep(0)
        viewer._on_datagram(motion(1, 1, 2, 3))
        assert running.input.done == []


async def test_the_status_counts_datagrams(bench: Bench) -> None:
    bench.datagrams(motion(1, 1, 10, 10), motion(1, 2, 20, 20))
    await bench.send(type="watch", status=True, trace=False)
    await bench.socket.until(lambda: bool(bench.socket.received("status")))
    assert bench.socket.received("status")[0]["datagrams"] == 2
