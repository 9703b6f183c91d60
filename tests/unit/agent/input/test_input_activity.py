"""What shows that a person is at a viewer."""

from __future__ import annotations

import pytest

from display_server.agent.input.input_activity import InputActivity
from display_server.protocol import messages as m
from display_server.protocol.wire import PointerMotion


@pytest.mark.parametrize(
    ("message", "active"),
    [
        (m.Key(keysym=97, code="KeyA", down=True), True),
        (m.Key(keysym=97, code="KeyA", down=True, repeat=True), False),
        (m.Key(keysym=97, code="KeyA", down=False), False),
        (m.Text(text="가"), True),
        (m.Wheel(x=1, y=1, dx=0, dy=-120), True),
        (m.Wheel(x=1, y=1, dx=0, dy=0), False),
        (m.Pointer(x=1, y=1, buttons=1), True),
        (m.Pointer(x=1, y=1, buttons=0), False),
        (m.Release(), False),
    ],
)
def test_what_a_first_message_shows(message: m.InputMessage, active: bool) -> None:
    assert InputActivity().is_activity(message) is active


def test_a_pointer_that_rests_shows_nothing() -> None:
    activity = InputActivity()
    positions = [(1, 1), (1, 1), (2, 1), (2, 1), (2, 2)]
    seen = [activity.is_activity(m.Pointer(x=x, y=y, buttons=0)) for x, y in positions]
    assert seen == [False, False, True, False, True]


def test_a_motion_that_is_repeated_on_the_other_transport_shows_nothing_new() -> None:
    activity = InputActivity()
    activity.is_activity(m.Pointer(x=1, y=1, buttons=0))
    assert activity.is_activity(PointerMotion(turn=0, step=1, x=5, y=5))
    assert not activity.is_activity(m.Pointer(x=5, y=5, buttons=0))


def test_every_press_of_a_button_counts() -> None:
    activity = InputActivity()
    pressed = [1, 0, 1, 3, 1, 0]
    assert [activity.is_activity(m.Pointer(x=1, y=1, buttons=buttons)) for buttons in pressed] == [
        True,
        False,
        True,
        True,
        False,
        False,
    ]
