"""The input of one viewer, on a screen with two monitors."""

from __future__ import annotations

import asyncio

import pytest

from display_server.agent.viewer.viewer_input import DELAYED_MAX, ViewerInput
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
    """The input of a viewer that shows the right one of two monitors."""

    def __init__(self) -> None:
        self.sink = RecordingInput()
        self.monitor = RIGHT
        self.moves: list[tuple[int, int]] = []
        self.notices: list[str] = []
        self.activities = 0
        self.metrics = AgentMetrics()
        self.input = ViewerInput(
            "v1",
            self.sink,
            lambda: self.monitor,
            lambda: SCREEN_PX,
            lambda x_px, y_px: self.moves.append((x_px, y_px)),
            self.count_activity,
            lambda code, _: self.notices.append(code),
            self.metrics,
        )

    def count_activity(self) -> None:
        self.activities += 1

    def paste(self) -> asyncio.Future[None]:
        """Begins a paste. Its future is done when programs can paste."""
        pasteable = asyncio.get_running_loop().create_future()
        self.input.delay_until(pasteable)
        return pasteable

    def pointer_px(self) -> tuple[int, int] | None:
        return self.input.pointer_px

    @property
    def done(self) -> list[tuple[object, ...]]:
        return self.sink.done


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_drag_may_leave_the_monitor_but_not_the_screen(bench: Bench) -> None:
    bench.input.on_message(m.Pointer(10, 20, 1), 0.0)
    assert (bench.pointer_px(), bench.done[-1]) == ((10, 20), ("pointer", 810, 120, 1))
    bench.input.on_message(m.Pointer(-300, 20, 1), 0.0)
    assert (bench.pointer_px(), bench.done[-1]) == (None, ("pointer", 500, 120, 1))
    bench.input.on_message(m.Pointer(5000, -5000, 0), 0.0)
    assert bench.done[-1] == ("pointer", 1499, 0, 0)
    assert bench.moves == [(810, 120), (500, 120), (1499, 0)]


def test_knows_where_anyone_moved_the_pointer(bench: Bench) -> None:
    assert bench.pointer_px() is None
    bench.input.on_moved_by_others(900, 300)
    assert (bench.pointer_px(), bench.done, bench.moves) == ((100, 200), [], [])
    bench.monitor = LEFT
    assert bench.pointer_px() is None
    bench.monitor = RIGHT
    bench.input.on_message(m.Wheel(100, 200, 0, 120), 0.0)  # the pointer is there already
    bench.input.on_message(m.Wheel(101, 200, 0, 120), 0.0)
    assert bench.done == [("wheel", 0, 120), ("pointer", 901, 300, 0), ("wheel", 0, 120)]


def test_applies_a_motion_of_both_transports_once(bench: Bench) -> None:
    bench.input.on_message(m.Pointer(10, 10, 0, turn=1, step=5), 0.0)
    bench.input.on_datagram(motion(1, 4, 400, 400))
    bench.input.on_datagram(motion(1, 6, 20, 20))
    # The WebSocket repeats the motion of the datagram.
    bench.input.on_message(m.Pointer(20, 20, 0, turn=1, step=6), 0.0)
    assert bench.done == [("pointer", 810, 110, 0), ("pointer", 820, 120, 0)]
    assert (bench.input.datagrams, bench.metrics.pointer_datagrams, bench.metrics.pointer_late) == (2, 2, 1)


@pytest.mark.parametrize("data", [None, b"", motion(0, 1, 2, 3)])
def test_refuses_malformed_datagrams_and_does_not_count_them(bench: Bench, data: bytes | None) -> None:
    with pytest.raises(ProtocolError):
        bench.input.on_datagram(data)
    assert (bench.done, bench.input.datagrams) == ([], 0)


def test_a_missing_modifier_is_announced(bench: Bench) -> None:
    bench.sink.on_modifier_missing()
    assert bench.notices == ["modifier-missing"]


async def test_keys_wait_until_the_copy_can_be_pasted(bench: Bench) -> None:
    bench.input.on_message(m.Pointer(10, 10, 0, turn=1, step=1), 0.0)
    bench.done.clear()
    pasteable = bench.paste()
    bench.input.on_message(DOWN, 0.0)
    bench.input.on_message(m.Text("v"), 0.0)
    bench.input.on_message(UP, 0.0)
    bench.input.on_datagram(motion(1, 2, 20, 20))  # would overtake the keys
    assert (bench.done, bench.metrics.pointer_late) == ([], 1)
    pasteable.set_result(None)
    await asyncio.sleep(0)
    assert bench.done == [
        ("key", 0xFFE3, "ControlLeft", True),
        ("text", "v"),
        ("key", 0xFFE3, "ControlLeft", False),
    ]
    bench.input.on_message(m.Text("next"), 0.0)
    assert bench.done[-1] == ("text", "next")


async def test_keys_wait_for_the_later_of_two_copies(bench: Bench) -> None:
    first, second = bench.paste(), bench.paste()
    bench.input.on_message(m.Text("v"), 0.0)
    first.set_result(None)
    await asyncio.sleep(0)
    assert bench.done == []
    second.set_result(None)
    await asyncio.sleep(0)
    assert bench.done == [("text", "v")]


@pytest.mark.parametrize("cancelled", [True, False])
async def test_a_copy_that_fails_ends_the_wait(bench: Bench, cancelled: bool) -> None:
    pasteable = bench.paste()
    bench.input.on_message(m.Text("v"), 0.0)
    if cancelled:
        pasteable.cancel()
    else:
        pasteable.set_exception(Malfunction("The X server is gone."))
    await asyncio.sleep(0)
    assert bench.done == [("text", "v")]


async def test_drops_delayed_input_when_the_viewer_disconnects(bench: Bench) -> None:
    pasteable = bench.paste()
    bench.input.on_message(DOWN, 0.0)
    bench.input.close()
    pasteable.set_result(None)
    await asyncio.sleep(0)
    assert bench.done == [("release",)]


async def test_delays_a_bounded_number_of_messages(bench: Bench) -> None:
    bench.paste()
    for _ in range(DELAYED_MAX):
        bench.input.on_message(m.Text("v"), 0.0)
    assert bench.done == []
    bench.input.on_message(m.Text("over"), 0.0)
    assert bench.done == [("text", "over")]


def test_notifies_the_person_while_input_fails(bench: Bench) -> None:
    bench.sink.broken = True
    bench.input.on_message(DOWN, 0.0)
    assert bench.notices == ["input-failed"]
    bench.sink.broken = False
    bench.input.on_message(DOWN, 0.0)
    assert (bench.notices, len(bench.done)) == (["input-failed"], 1)


def test_release_forgets_the_buttons(bench: Bench) -> None:
    bench.input.on_message(m.Pointer(10, 10, 1, turn=1), 0.0)
    bench.input.on_message(m.Release(), 0.0)
    bench.input.on_message(m.Wheel(20, 20, 0, 120, turn=2), 0.0)
    assert bench.done[1:] == [("release",), ("pointer", 820, 120, 0), ("wheel", 0, 120)]


def test_input_shows_that_a_person_is_there_even_if_it_is_late(bench: Bench) -> None:
    bench.input.on_message(m.Key(97, "KeyA", down=True, t=0.0), 0.0)
    bench.input.on_message(m.Key(97, "KeyA", down=True, repeat=True, t=0.0), 0.0)
    assert bench.activities == 1
    bench.input.on_message(m.Key(98, "KeyB", down=True, t=0.0), 1000.0)
    assert bench.activities == 2
