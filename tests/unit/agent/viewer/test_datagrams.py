"""Motions of the pointer that come as datagrams, beside a WebSocket that carries everything else."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator

import pytest

from display_server.agent.viewer.viewer import Viewer
from tests.fakes.agent import RunningAgent, running_agent
from tests.fakes.viewer import FakeViewer


def motion(turn: int, step: int, x: int, y: int) -> bytes:
    return struct.pack("<BBHHhh", 4, 0, turn, step, x, y)


class Bench:
    def __init__(self, running: RunningAgent, socket: FakeViewer) -> None:
        self.running = running
        self.socket = socket
        self.viewer: Viewer = next(iter(running.agent._viewers))

    def datagrams(self, *data: bytes | None) -> None:
        for one in data:
            self.viewer.datagram(one)

    async def say(self, **message: object) -> None:
        """Until it was acted on."""
        pings = len(self.socket.told("pong"))
        await self.socket.say(**message)
        await self.socket.say(type="ping", t=0.0)
        await self.socket.until(lambda: len(self.socket.told("pong")) > pings)

    @property
    def done(self) -> list[tuple[object, ...]]:
        return self.running.hands.done


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_agent() as running, FakeViewer(running.socket) as socket:
        await socket.until(lambda: bool(socket.told("welcome")))
        bench = Bench(running, socket)
        await bench.say(type="pointer", x=1, y=1, buttons=0, turn=1, step=0)
        bench.done.clear()
        yield bench


async def test_the_newest_is_followed_and_late_ones_are_not(bench: Bench) -> None:
    bench.datagrams(motion(1, 1, 10, 10), motion(1, 3, 30, 30), motion(1, 2, 20, 20), motion(1, 3, 30, 30))
    assert bench.done == [("pointer", 10, 10, 0), ("pointer", 30, 30, 0)]
    metrics = bench.running.agent.metrics
    assert (metrics.pointer_datagrams, metrics.pointer_late) == (4, 2)


async def test_what_the_websocket_repeats_is_done_once(bench: Bench) -> None:
    bench.datagrams(motion(1, 1, 10, 10))
    await bench.say(type="pointer", x=10, y=10, buttons=0, turn=1, step=1)
    assert bench.done == [("pointer", 10, 10, 0)]
    await bench.say(type="pointer", x=20, y=20, buttons=0, turn=1, step=2)  # whose datagram got lost
    assert bench.done[1:] == [("pointer", 20, 20, 0)]


async def test_a_click_is_where_it_was(bench: Bench) -> None:
    bench.datagrams(motion(2, 1, 90, 90))  # already of the drag, whose press is still on its way
    await bench.say(type="pointer", x=50, y=50, buttons=1, turn=2, step=0)
    bench.datagrams(motion(1, 7, 40, 40))  # still of the way there
    assert bench.done == [("pointer", 50, 50, 1)]
    bench.datagrams(motion(2, 2, 91, 91))
    await bench.say(type="wheel", x=91, y=91, dx=0, dy=120, turn=3)
    bench.datagrams(motion(2, 3, 92, 92), motion(3, 1, 93, 93))
    assert bench.done[1:] == [("pointer", 91, 91, 1), ("wheel", 0, 120), ("pointer", 93, 93, 1)]


async def test_a_viewer_that_does_not_count_has_no_datagrams(bench: Bench) -> None:
    await bench.say(type="pointer", x=5, y=5, buttons=0)
    bench.datagrams(motion(1, 9, 40, 40))
    assert bench.done == [("pointer", 5, 5, 0)]


@pytest.mark.parametrize("data", [None, b"", motion(1, 1, 2, 3) + b"!", motion(0, 1, 2, 3)])
async def test_what_is_no_motion_ends_the_viewer(bench: Bench, data: bytes | None) -> None:
    bench.datagrams(data, motion(1, 5, 60, 60))
    await bench.socket.until(lambda: bench.socket.close_code is not None)
    assert bench.socket.close_code == 4400
    assert bench.running.agent.metrics.violations == 1
    assert [call for call in bench.done if call[0] == "pointer"] == []


async def test_before_hello_nothing_is_moved() -> None:
    async with running_agent() as running, FakeViewer(running.socket, hello=False):
        viewer = None
        while viewer is None:
            viewer = next(iter(running.agent._viewers), None)
            await asyncio.sleep(0)
        viewer.datagram(motion(1, 1, 2, 3))
        assert running.hands.done == []


async def test_the_status_tells_how_many_came(bench: Bench) -> None:
    bench.datagrams(motion(1, 1, 10, 10), motion(1, 2, 20, 20))
    await bench.say(type="watch", status=True, trace=False)
    await bench.socket.until(lambda: bool(bench.socket.told("status")))
    assert bench.socket.told("status")[0]["datagrams"] == 2
