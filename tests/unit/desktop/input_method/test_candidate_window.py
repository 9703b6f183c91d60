"""The position of the candidate window."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from display_server.desktop.input_method.candidate_window import window_position
from display_server.desktop.x11.monitors import Monitor

MONITORS = [Monitor(0, 0, 0, 1280, 800), Monitor(1, 1280, 100, 800, 600)]


@pytest.mark.parametrize(
    ("caret", "expected"),
    [
        ((100, 100, 2, 20), (100, 124)),  # below
        ((100, 700, 2, 20), (100, 396)),  # above
        ((1275, 100, 2, 20), (1080, 124)),  # kept on its monitor
        ((1290, 150, 0, 20), (1290, 174)),  # on the other monitor
        ((5000, 5000, 0, 0), (1880, 400)),  # outside of all monitors
    ],
)
def test_the_window_is_near_the_caret_on_its_monitor(
    caret: tuple[int, int, int, int], expected: tuple[int, int]
) -> None:
    assert window_position((200, 300), caret, MONITORS) == expected


@pytest.mark.parametrize(("caret_x", "expected"), [(100, (106, 200)), (1100, (696, 200))])
def test_a_high_window_is_left_or_right_of_the_caret(caret_x: int, expected: tuple[int, int]) -> None:
    assert window_position((400, 600), (caret_x, 300, 2, 40), MONITORS) == expected


@given(
    st.tuples(*(st.integers(-3000, 3000),) * 2, st.just(0), st.integers(0, 60)),
    st.tuples(st.integers(1, 800), st.integers(1, 600)),
)
def test_the_window_is_within_one_monitor(caret: tuple[int, int, int, int], size: tuple[int, int]) -> None:
    x, y = window_position(size, caret, MONITORS)
    assert any(m.x <= x and m.y <= y and x + size[0] <= m.right and y + size[1] <= m.bottom for m in MONITORS)
