"""Several monitors on one screen, and what viewers are sent when the monitors change."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from display_server.agent.capture.synthetic import SyntheticSource
from display_server.agent.geometry import Frame, Rect
from display_server.desktop.x11.monitors import Monitor
from display_server.protocol.close_codes import CloseCode
from tests.fakes.agent import RunningAgent, running_agent
from tests.fakes.viewer import FakeViewer

pytestmark = pytest.mark.slow

LEFT = Monitor(0, 0, 0, 512, 640, primary=True)
RIGHT = Monitor(1, 512, 100, 700, 400)
PAIR = LEFT, RIGHT


def part(running: RunningAgent, monitor: Monitor) -> NDArray[np.uint8]:
    return running.frame[monitor.y : monitor.bottom, monitor.x : monitor.right]


class CountingSource(SyntheticSource):
    """Records the rectangles that are read."""

    def __init__(self, width_px: int, height_px: int) -> None:
        super().__init__(width_px, height_px)
        self.reads: list[Rect] = []

    def read(self, damage: Sequence[Rect]) -> Frame:
        self.reads += damage
        return super().read(damage)


async def test_each_viewer_shows_its_monitor_exactly() -> None:
    random = np.random.default_rng(5)
    async with (
        running_agent(monitors=PAIR) as running,
        FakeViewer(running.socket) as left,
        FakeViewer(running.socket, monitor=1) as right,
    ):
        assert running.layout.monitors == PAIR
        await left.until(lambda: left.epoch > 0)
        await right.until(lambda: right.epoch > 0)
        for number in range(60):
            width, height = int(random.integers(1, 600)), int(random.integers(1, 400))
            x, y = int(random.integers(0, 1212 - width)), int(random.integers(0, 640 - height))
            running.source.fill(Rect(x, y, width, height), int(random.integers(0, 1 << 24)))
            await asyncio.sleep(0.002 * (number % 3))
        await left.until_exact(part(running, LEFT))
        await right.until_exact(part(running, RIGHT))
        assert running.agent.metrics.mismatches == 0
        assert [monitor["id"] for monitor in left.messages[0]["monitors"]] == [0, 1]
        assert left.grid.count == 80
        assert right.grid.count == 77


async def test_damage_to_one_monitor_captures_no_other() -> None:
    source = CountingSource(1212, 640)
    async with (
        running_agent(source, PAIR) as running,
        FakeViewer(running.socket) as left,
        FakeViewer(running.socket, monitor=1) as right,
    ):
        await left.until_exact(part(running, LEFT))
        await right.until_exact(part(running, RIGHT))
        source.reads.clear()
        updates = len(left.updates)
        for number in range(5):
            source.fill(Rect(900, 200, 50, 50), 0x101010 * (number + 1))
            await right.until(lambda: right.shows(part(running, RIGHT)))
        assert source.reads
        assert all(rect == Rect(900, 200, 50, 50) for rect in source.reads)
        assert len(left.updates) == updates


async def test_does_not_read_a_monitor_without_viewers() -> None:
    source = CountingSource(1212, 640)
    async with running_agent(source, PAIR) as running, FakeViewer(running.socket) as left:
        await left.until_exact(part(running, LEFT))
        source.reads.clear()
        for number in range(20):
            source.fill(Rect(900, 200, 50, 50), number)
            await asyncio.sleep(0.002)
        source.fill(Rect(10, 10, 5, 5), 0xFFFFFF)
        await left.until_exact(part(running, LEFT))
        assert source.reads == [Rect(10, 10, 5, 5)]
        async with FakeViewer(running.socket, monitor=1) as right:
            await right.until_exact(part(running, RIGHT))


async def test_a_slow_viewer_does_not_delay_another_monitor() -> None:
    async with (
        running_agent(monitors=PAIR) as running,
        FakeViewer(running.socket, never_acks=True) as left,
        FakeViewer(running.socket, monitor=1) as right,
    ):
        await left.until(lambda: left.epoch > 0)
        for number in range(30):
            running.source.fill(Rect(0, 0, 512, 640), number * 7)
            running.source.fill(Rect(600, 150, 300, 300), number * 5)
            await right.until(lambda: right.shows(part(running, RIGHT)))
        await right.until_exact(part(running, RIGHT))


async def test_pointer_and_drags_cross_monitors() -> None:
    async with (
        running_agent(monitors=PAIR) as running,
        FakeViewer(running.socket) as left,
        FakeViewer(running.socket, monitor=1) as right,
    ):
        await left.until(lambda: left.epoch > 0)
        await right.send(type="pointer", x=10, y=20, buttons=1)
        await right.send(type="pointer", x=-30, y=25, buttons=1)  # drags to the left monitor
        await right.send(type="pointer", x=-9999, y=9999, buttons=0)
        await right.send(type="wheel", x=5, y=6, dx=0, dy=120)
        await left.until(lambda: bool(left.received("pointer")))
        assert running.input.done == [
            ("pointer", 522, 120, 1),
            ("pointer", 482, 125, 1),
            ("pointer", 0, 639, 0),
            ("pointer", 517, 106, 0),
            ("wheel", 0, 120),
        ]
        assert {"type": "pointer", "x": 517, "y": 106} in left.received("pointer")


async def test_a_resized_monitor_starts_over() -> None:
    taller = Monitor(1, 512, 0, 800, 500)
    async with (
        running_agent(monitors=PAIR) as running,
        FakeViewer(running.socket) as left,
        FakeViewer(running.socket, monitor=1) as right,
    ):
        running.source.fill(Rect(100, 50, 900, 300), 0x336699)
        await left.until_exact(part(running, LEFT))
        await right.until_exact(part(running, RIGHT))
        updates = len(left.updates)
        running.layout.put(LEFT, taller)
        await right.until(lambda: right.surface.shape[:2] == (500, 800))
        await right.until_exact(part(running, taller))
        await left.until_exact(part(running, LEFT))
        assert right.updates[-1][1] & 1 or any(flags & 1 for _, flags, _ in right.updates[1:])
        assert not any(flags & 1 for _, flags, _ in left.updates[updates:]), (
            "the other monitor is not disturbed"
        )
        assert running.agent.metrics.violations == 0
        assert running.agent.metrics.mismatches == 0


async def test_a_moved_monitor_shows_its_new_place() -> None:
    moved = Monitor(1, 600, 10, 700, 400)
    async with running_agent(monitors=PAIR) as running, FakeViewer(running.socket, monitor=1) as right:
        running.source.fill(Rect(550, 150, 300, 300), 0x336699)
        await right.until_exact(part(running, RIGHT))
        running.layout.put(LEFT, moved)
        await right.until(lambda: bool(right.received("monitors")))
        await right.until_exact(part(running, moved))
        assert sum(flags & 1 for _, flags, _ in right.updates) == 1


async def test_survives_many_resizes_while_programs_draw() -> None:
    async with running_agent(monitors=PAIR) as running, FakeViewer(running.socket) as left:
        await left.until(lambda: left.epoch > 0)
        for number in range(25):
            width = 400 + 16 * (number % 7)
            running.layout.put(Monitor(0, 0, 0, width, 640), Monitor(1, width, 0, 700, 400))
            for _ in range(4):
                running.source.fill(Rect(0, 0, 380, 380), number * 99991 % (1 << 24))
                await asyncio.sleep(0.003)
        last = Monitor(0, 0, 0, 450, 500)
        running.layout.put(last)
        await left.until(lambda: left.surface.shape[:2] == (500, 450))
        await left.until_exact(part(running, last))
        assert left.close_code is None
        assert running.agent.metrics.mismatches == 0


async def test_disconnects_the_viewer_of_a_removed_monitor() -> None:
    async with (
        running_agent(monitors=PAIR) as running,
        FakeViewer(running.socket) as left,
        FakeViewer(running.socket, monitor=1) as right,
    ):
        await right.until(lambda: right.epoch > 0)
        running.layout.put(LEFT)
        await right.until(lambda: right.close_code is not None)
        assert right.close_code == CloseCode.MONITOR_REMOVED
        assert right.received("notice")[-1]["code"] == "monitor-gone"
        running.source.fill(Rect(0, 0, 99, 99), 0x777777)
        await left.until_exact(part(running, LEFT))
        async with FakeViewer(running.socket, monitor=1) as late:
            await late.until(lambda: late.close_code is not None)
            assert late.close_code == CloseCode.MONITOR_REMOVED


async def test_applies_layouts_that_viewers_request() -> None:
    wanted = [
        {"id": 0, "x": -900, "y": 40, "width": 900, "height": 600},
        {"id": 1, "x": 0, "y": 0, "width": 800, "height": 700, "primary": True},
    ]
    async with running_agent() as running, FakeViewer(running.socket) as viewer:
        await viewer.until(lambda: viewer.epoch > 0)
        await viewer.send(type="layout", monitors=wanted, scale=150)
        await viewer.until(lambda: bool(viewer.received("monitors")))
        message = viewer.received("monitors")[-1]
        assert message["monitors"] == [
            {"id": 0, "x": 0, "y": 40, "width": 900, "height": 600, "primary": False},
            {"id": 1, "x": 900, "y": 0, "width": 800, "height": 700, "primary": True},
        ]
        assert message["scale"] == 150
        async with FakeViewer(running.socket, monitor=1) as other:
            await other.until_exact(part(running, Monitor(1, 900, 0, 800, 700)))
        # A request that changes nothing is answered as well.
        await viewer.send(type="layout", monitors=wanted)
        await viewer.until(lambda: len(viewer.received("monitors")) == 2)


async def test_refused_layouts_change_nothing() -> None:
    one = {"x": 0, "y": 0, "width": 800, "height": 600}
    async with running_agent() as running, FakeViewer(running.socket) as viewer:
        await viewer.until_exact(running.frame)
        await viewer.send(type="layout", monitors=[{"id": 0, **one}, {"id": 1, **one}])
        await viewer.until(lambda: bool(viewer.received("notice")))
        assert viewer.received("notice")[0]["code"] == "layout-refused"
        assert "overlap" in viewer.received("notice")[0]["message"]
        assert not viewer.received("monitors")
        running.layout.adjustable = False
        await viewer.send(type="layout", monitors=[{"id": 0, **one}])
        await viewer.until(lambda: len(viewer.received("notice")) == 2)
        assert "attached display" in viewer.received("notice")[1]["message"]
        assert (running.source.width_px, running.source.height_px) == (640, 400)


async def test_applies_the_latest_of_many_requests() -> None:
    async with running_agent() as running, FakeViewer(running.socket) as viewer:
        await viewer.until(lambda: viewer.epoch > 0)
        for width in range(800, 1000):
            await viewer.send(
                type="layout", monitors=[{"id": 0, "x": 0, "y": 0, "width": width, "height": 600}]
            )
        await viewer.until(lambda: viewer.surface.shape[:2] == (600, 999))
        await viewer.until_exact(running.frame)
        assert running.layout.requests < 200


async def test_windows_of_a_monitor_that_nobody_sees_are_gathered() -> None:
    async with running_agent() as running, FakeViewer(running.socket) as viewer:
        running.layout.windows = {1: 2}
        await viewer.until(lambda: viewer.epoch > 0)
        await viewer.send(type="gather", monitor=1)
        await viewer.until(lambda: bool(viewer.received("notice")))
        assert viewer.received("notice")[0]["code"] == "windows-gathered"
        assert running.layout.windows == {0: 2}
        # Where nothing was moved there is nothing to say.
        await viewer.send(type="gather", monitor=1)
        await viewer.send(type="layout", monitors=[{"id": 0, "x": 0, "y": 0, "width": 800, "height": 600}])
        await viewer.until(lambda: bool(viewer.received("monitors")))
        assert len(viewer.received("notice")) == 1
