"""One viewer's hands, on a screen of two monitors."""

from __future__ import annotations

import asyncio

import pytest

from display_server.agent.viewer.viewer_input import HELD_MAX, ViewerInput
from display_server.desktop.x11.monitors import Monitor
from display_server.errors import Malfunction
from display_server.protocol import messages as m
from display_server.protocol.errors import ProtocolError
from display_server.telemetry.metrics import AgentMetrics
from tests.fakes.agent import RecordingInput
from tests.unit.agent.viewer.test_datagrams import motion

SCREEN_PX = (1500, 600)
LEFT = Monitor(0, 0, 0, 800, 600, primary=True)
RIGHT = Monitor(1, 800, 100, 700, 500)
DOWN = m.Key(0xFFE3, "ControlLeft", down=True)
UP = m.Key(0xFFE3, "ControlLeft", down=False)


class Bench:
    """Of a viewer that shows the right monitor."""

    def __init__(self) -> None:
        self.sink = RecordingInput()
        self.monitor = RIGHT
        self.pointed: list[tuple[int, int]] = []
        self.notices: list[str] = []
        self.metrics = AgentMetrics()
        self.hands = ViewerInput(
            "v1",
            self.sink,
            lambda: self.monitor,
            lambda: SCREEN_PX,
            lambda x_px, y_px: self.pointed.append((x_px, y_px)),
            lambda code, _: self.notices.append(code),
            self.metrics,
        )

    def paste(self) -> asyncio.Future[None]:
        """Something was brought; done when it can be pasted."""
        pasteable = asyncio.get_running_loop().create_future()
        self.hands.hold_until(pasteable)
        return pasteable

    def place(self) -> tuple[int, int] | None:
        return self.hands.place

    @property
    def done(self) -> list[tuple[object, ...]]:
        return self.sink.done


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_drag_may_leave_the_monitor_but_not_the_screen(bench: Bench) -> None:
    bench.hands.act(m.Pointer(10, 20, 1))
    assert (bench.place(), bench.done[-1]) == ((10, 20), ("pointer", 810, 120, 1))
    bench.hands.act(m.Pointer(-300, 20, 1))
    assert (bench.place(), bench.done[-1]) == (None, ("pointer", 500, 120, 1))
    bench.hands.act(m.Pointer(5000, -5000, 0))
    assert bench.done[-1] == ("pointer", 1499, 0, 0)
    assert bench.pointed == [(810, 120), (500, 120), (1499, 0)]


def test_the_pointer_is_where_it_was_last_moved_to(bench: Bench) -> None:
    assert bench.place() is None
    bench.hands.moved(900, 300)
    assert (bench.place(), bench.done, bench.pointed) == ((100, 200), [], [])
    bench.monitor = LEFT
    assert bench.place() is None
    bench.monitor = RIGHT
    bench.hands.act(m.Wheel(100, 200, 0, 120))  # it is there already
    bench.hands.act(m.Wheel(101, 200, 0, 120))
    assert bench.done == [("wheel", 0, 120), ("pointer", 901, 300, 0), ("wheel", 0, 120)]


def test_what_came_by_one_way_is_not_done_again_for_the_other(bench: Bench) -> None:
    bench.hands.act(m.Pointer(10, 10, 0, turn=1, step=5))
    bench.hands.datagram(motion(1, 4, 400, 400))
    bench.hands.datagram(motion(1, 6, 20, 20))
    bench.hands.act(m.Pointer(20, 20, 0, turn=1, step=6))  # in line comes what the datagram had brought
    assert bench.done == [("pointer", 810, 110, 0), ("pointer", 820, 120, 0)]
    assert (bench.hands.datagrams, bench.metrics.pointer_datagrams, bench.metrics.pointer_late) == (2, 2, 1)


@pytest.mark.parametrize("data", [None, b"", motion(0, 1, 2, 3)])
def test_what_is_no_motion_is_refused_and_not_counted(bench: Bench, data: bytes | None) -> None:
    with pytest.raises(ProtocolError):
        bench.hands.datagram(data)
    assert (bench.done, bench.hands.datagrams) == ([], 0)


async def test_keys_wait_until_what_was_brought_can_be_pasted(bench: Bench) -> None:
    bench.hands.act(m.Pointer(10, 10, 0, turn=1, step=1))
    bench.done.clear()
    pasteable = bench.paste()
    bench.hands.act(DOWN)
    bench.hands.act(m.Text("v"))
    bench.hands.act(UP)
    bench.hands.datagram(motion(1, 2, 20, 20))  # it would be ahead of the keys
    assert (bench.done, bench.metrics.pointer_late) == ([], 1)
    pasteable.set_result(None)
    await asyncio.sleep(0)
    assert bench.done == [
        ("key", 0xFFE3, "ControlLeft", True),
        ("text", "v"),
        ("key", 0xFFE3, "ControlLeft", False),
    ]
    bench.hands.act(m.Text("next"))
    assert bench.done[-1] == ("text", "next")


async def test_of_two_copies_the_later_one_is_waited_for(bench: Bench) -> None:
    first, second = bench.paste(), bench.paste()
    bench.hands.act(m.Text("v"))
    first.set_result(None)
    await asyncio.sleep(0)
    assert bench.done == []
    second.set_result(None)
    await asyncio.sleep(0)
    assert bench.done == [("text", "v")]


@pytest.mark.parametrize("cancelled", [True, False])
async def test_a_copy_that_never_arrives_holds_nothing_back_for_ever(bench: Bench, cancelled: bool) -> None:
    pasteable = bench.paste()
    bench.hands.act(m.Text("v"))
    if cancelled:
        pasteable.cancel()
    else:
        pasteable.set_exception(Malfunction("The X server is gone."))
    await asyncio.sleep(0)
    assert bench.done == [("text", "v")]


async def test_what_waits_for_a_paste_is_not_done_for_a_viewer_that_left(bench: Bench) -> None:
    pasteable = bench.paste()
    bench.hands.act(DOWN)
    bench.hands.release()
    pasteable.set_result(None)
    await asyncio.sleep(0)
    assert bench.done == [("release",)]


async def test_no_more_is_held_than_a_bound(bench: Bench) -> None:
    bench.paste()
    for _ in range(HELD_MAX):
        bench.hands.act(m.Text("v"))
    assert bench.done == []
    bench.hands.act(m.Text("over"))
    assert bench.done == [("text", "over")]


def test_hands_that_are_stuck_are_told_of_and_may_recover(bench: Bench) -> None:
    bench.sink.broken = True
    bench.hands.act(DOWN)
    assert bench.notices == ["input-failed"]
    bench.sink.broken = False
    bench.hands.act(DOWN)
    assert (bench.notices, len(bench.done)) == (["input-failed"], 1)


def test_letting_go_forgets_the_buttons(bench: Bench) -> None:
    bench.hands.act(m.Pointer(10, 10, 1, turn=1))
    bench.hands.act(m.Release())
    bench.hands.act(m.Wheel(20, 20, 0, 120, turn=2))
    assert bench.done[1:] == [("release",), ("pointer", 820, 120, 0), ("wheel", 0, 120)]
